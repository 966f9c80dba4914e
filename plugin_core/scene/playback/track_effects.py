"""Effects of a track's ``distance`` and ``directivity`` blocks, and of its width."""

from collections.abc import Callable

import numpy as np

from auricle.dsp.acoustics.directivity import PATTERNS, directivity_gain, facing_cosine
from auricle.dsp.arrays import Array
from auricle.dsp.geometry import unit_vectors
from auricle.plugin_core.mixing.feed import GainLaw, InverseDistance, SourceEffects
from auricle.plugin_core.scene.format.model import Directivity, Track

NEAR_FIELD_M = 1.0  # where near-field cues begin for tracks whose level the distance leaves alone


class Directed:
    """A source that faces a direction of the room."""

    def __init__(self, directivity: Directivity) -> None:
        self._share, self._order = PATTERNS[directivity.pattern], directivity.order
        self._front = unit_vectors(directivity.azimuth_deg, directivity.elevation_deg)

    def gains(self, places_m: Array, listener_m: Array) -> Array:
        """Linear gains (J,) at places (J, 3), of a listener at (J, 3)."""
        cosines = facing_cosine(places_m, self._front, listener_m)
        return directivity_gain(cosines, self._share, self._order)


def effects_of(track: Track, widths_deg: Callable[[Array], Array] | None = None) -> SourceEffects:
    """The effects of place and distance on a track; its widths (J,) at times (J,), if any."""
    distance = track.distance
    levels: list[GainLaw] = []
    if distance.gain:
        levels.append(InverseDistance(distance.reference_m, distance.floor_m))
    if track.directivity is not None:
        levels.append(Directed(track.directivity))
    near_field_m = distance.near_field_m
    if near_field_m is None:
        near_field_m = np.inf if distance.gain else NEAR_FIELD_M
    return SourceEffects(
        tuple(levels), near_field_m, distance.air_absorption,
        distance.farthest_m if distance.delay else 0.0,
        widths_deg or track.source_width_deg,
    )  # fmt: skip
