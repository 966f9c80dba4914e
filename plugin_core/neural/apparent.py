"""Where sources are heard: the place each had when the sound that arrives now left it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.geometry import to_head
from auricle.dsp.sphere_model import SOUND_SPEED_M_S
from auricle.plugin_core.motion import Head, Path3d

Array = NDArray[np.float64]

_ROUNDS = 30  # of the search for the time of emission; the error shrinks by v / c in each
_EXACT_SECONDS = 1e-8


def heard_places(paths: Sequence[Path3d], head: Head | None, seconds: Array) -> Array:
    """Places (J, S, 3) of S paths in the axes of the head at times (J,), as the head hears them.

    Solves t - tau = |path(tau) - head(t)| / c. Before time 0 sources rest where they begin. Where
    a source jumps there is no single answer, and the last round's stands.
    """
    if head is None:
        places, turns = np.zeros((len(seconds), 3)), None
    else:
        places, turns = head.positions_m(seconds), head.orientations(seconds)
    heard = [_emitted_m(path, places, seconds) for path in paths]
    if turns is None:
        return np.stack(heard, axis=1)
    return np.stack([to_head(each, turns, places) for each in heard], axis=1)


def _emitted_m(path: Path3d, listener_m: Array, seconds: Array) -> Array:
    """Where the source was (J, 3) when it sent what arrives at the listener (J, 3)."""
    emitted = seconds
    place = path.positions_m(emitted)
    for _ in range(_ROUNDS):
        before = emitted
        distance = np.linalg.norm(place - listener_m, axis=1)
        emitted = np.maximum(seconds - distance / SOUND_SPEED_M_S, 0.0)
        place = path.positions_m(emitted)
        if np.max(np.abs(emitted - before)) < _EXACT_SECONDS:
            break
    return place
