"""Weights of a least-squares fit that make levels right octave by octave, and mean LSDs small.

A mean log-spectral distance counts bins, and most bins lie high up: it hardly sees the octaves of
voices and basses, nor single directions with 3 dB too much at one ear. These weights see both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_ABOVE = 0.01  # weight of the bins above the band that counts
# Below this frequency every octave weighs about as much as the next, down to the last factor.
_OCTAVES_FROM_HZ, _LOWEST_WEIGHT = 3500.0, 16.0
# A response that no sum fits well at high frequencies gets less weight there, since a mean of LSDs
# is to be small. Its low frequencies must not pay for that: below the first of these frequencies it
# weighs as if its own LSD were no larger than this (a natural logarithm), above the second not.
_OWN_HZ, _OWN_LOG, _LEAST_LOG = (1500.0, 3000.0), 0.15, 0.03
# Octaves whose level is off by more than this weigh more, in proportion, up to a limit.
_LEVEL_DB, _LEVEL_WEIGHT, _MOST_LEVEL_WEIGHT = 0.6, 6.0, 50.0
_CENTRES_HZ, _HALF_OCTAVE = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0), 0.6


@dataclass(frozen=True, eq=False)
class OctaveWeighting:
    """Weights of the bins (F,) of a transform, and which octaves (B, F) the bins belong to."""

    band: Floats
    counted: Floats
    low: Floats
    octaves: Floats

    def of(
        self, magnitude: Floats, present: NDArray, urgency: float = 1.0
    ) -> tuple[Floats, NDArray]:
        """Weights that turn squared error into squared log error, and the target.

        The log error counts by the weights of the bins, with the spectra ``present`` in place.

        Args:
            magnitude: (M, F) magnitudes that are wanted.
            present: (M, F) complex spectra that are there.
            urgency: wrong octaves weigh as many times more.

        Returns:
            Weights (M, F), and targets (M, F) with those magnitudes and the phases that are there.
        """
        size = np.maximum(np.abs(present), 1e-6 * magnitude)
        ratio = np.maximum(size / magnitude, 1e-4)
        log, linear = np.log(ratio), ratio - 1.0
        small = np.abs(linear) < 1e-3
        share = np.where(small, 1.0, (log / np.where(small, 1.0, linear)) ** 2)
        own = np.sqrt((log * log) @ self.counted / self.counted.sum())
        own = np.maximum(own, _LEAST_LOG)[:, None]
        own = own + self.low * (np.minimum(own, _OWN_LOG) - own)
        wrong = 1.0 + urgency * self._level_weights(magnitude, size)
        weights = self.band * share * wrong / (magnitude**2 * own)
        return weights.astype(np.float32), (magnitude / size * present).astype(np.complex64)

    def _level_weights(self, magnitude: Floats, size: Floats) -> Floats:
        """Weights (M, F), from 0 on, that bins get in addition in octaves whose level is wrong."""
        over = np.maximum(self.level_errors_db(magnitude, size) / _LEVEL_DB - 1.0, 0.0)
        worst = np.zeros_like(size)
        for octave, bins in enumerate(self.octaves > 0.0):
            worst[:, bins] = np.maximum(worst[:, bins], over[:, octave : octave + 1])
        return np.minimum(_LEVEL_WEIGHT * worst, _MOST_LEVEL_WEIGHT)

    def level_errors_db(self, magnitude: Floats, present: NDArray) -> NDArray:
        """Errors (M, B) in dB of the levels of spectra (M, F) in octaves, against those wanted."""
        found, wanted = (
            np.maximum(np.abs(x) ** 2 @ self.octaves.T, 1e-30) for x in (present, magnitude)
        )
        return np.abs(10.0 * np.log10(found / wanted))


def octave_weighting(size: int, sample_rate: float, top_hz: float) -> OctaveWeighting:
    """The weights of the bins of a transform.

    Args:
        size: of the transform, in samples.
        sample_rate: Hz.
        top_hz: bins above hardly count.
    """
    hz = np.arange(size // 2 + 1) * sample_rate / size
    counted = np.where(hz <= top_hz, 1.0, _ABOVE)
    rising = np.clip(_OCTAVES_FROM_HZ / np.maximum(hz, 1.0), 1.0, _LOWEST_WEIGHT)
    rising[0] = 1.0
    octave = np.log2(np.maximum(hz, 1.0))
    first, last = np.log2(_OWN_HZ)
    low = np.clip((last - octave) / (last - first), 0.0, 1.0)
    octaves = [
        (np.abs(octave - np.log2(centre)) <= _HALF_OCTAVE) & (hz <= top_hz)
        for centre in _CENTRES_HZ
    ]
    some = [bins for bins in octaves if np.any(bins)]
    return OctaveWeighting(
        (counted * rising).astype(np.float32), counted.astype(np.float32),
        low.astype(np.float32), np.array(some, dtype=np.float32).reshape(len(some), len(hz)),
    )  # fmt: skip
