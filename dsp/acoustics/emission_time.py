"""Apparent positions: the place each source had when the sound that arrives now left it."""

from collections.abc import Callable

import numpy as np

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array

_ROUNDS = 60  # of the search for the time of emission; the error shrinks by v / c in each
_EXACT_M = 1e-9


def emitted_m(
    way: Callable[[Array], Array], listener_m: Array, seconds: Array,
    sound_speed_m_s: float = SOUND_SPEED_M_S,
) -> Array:  # fmt: skip
    """Places (J, 3) in world axes from which what arrives at times (J,) was sent.

    Solves t - tau = |way(tau) - listener(t)| / c, which has one solution below the speed of sound.
    Before time 0 the source rests where it begins. Where it jumps there is no single answer, and
    that of the last round stands.

    Args:
        way: places (J, 3) in metres at times (J,).
        listener_m: (J, 3) at ``seconds``.
        seconds: (J,), 0 or later.
        sound_speed_m_s: c.
    """
    place = way(seconds)
    for _ in range(_ROUNDS):
        before = place
        distance = np.linalg.norm(place - listener_m, axis=1)
        place = way(np.maximum(seconds - distance / sound_speed_m_s, 0.0))
        if np.max(np.abs(place - before), initial=0.0) < _EXACT_M:
            break
    return place
