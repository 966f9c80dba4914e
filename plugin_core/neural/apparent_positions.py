"""Apparent positions: the place each source had when the sound that arrives now left it."""

from collections.abc import Sequence

import numpy as np

from auricle.dsp.acoustics.emission_time import emitted_m
from auricle.dsp.arrays import Array
from auricle.dsp.geometry import IDENTITY, to_head
from auricle.plugin_core.motion.paths import Head, Trajectory


def heard_places(paths: Sequence[Trajectory], head: Head | None, seconds: Array) -> Array:
    """Apparent positions of sources in the axes of the head, as their sound arrives.

    Args:
        paths: of S sources.
        head: its motion; None: at rest.
        seconds: (J,) times.

    Returns:
        (J, S, 3) metres.
    """
    still, turns = np.zeros((len(seconds), 3)), np.array(IDENTITY)
    places = still if head is None else head.positions_m(seconds)
    orientations = turns if head is None else head.orientations(seconds)
    heard = [emitted_m(path.positions_m, places, seconds) for path in paths]
    return np.stack([to_head(each, orientations, places) for each in heard], axis=1)
