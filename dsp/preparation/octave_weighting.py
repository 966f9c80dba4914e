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
_LEVEL_DB, _LEVEL_WEIGHT, _MOST_LEVEL_WEIGHT = 0.6, 3.0, 50.0
_EPSILON = np.finfo(np.float32).eps
_ROWS = 128  # directions at a time: what is computed of them stays in the cache
_WIDE_BELOW_HZ = 300.0  # where bins are few
_CENTRES_HZ, _HALF_OCTAVE = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0), 0.6


@dataclass(frozen=True, eq=False)
class OctaveWeighting:
    """Weights of the bins (F,) of a transform, and which octaves (B, F) the bins belong to.

    ``octaves_of_bin`` (2, F) are the numbers of up to two octaves; B stands for none. ``judged``
    (B, F) are the octaves as they are judged, none wider than an octave.
    """

    band: Floats
    counted: Floats
    low: Floats
    octaves: Floats
    octaves_of_bin: NDArray[np.intp]
    judged: Floats

    def of(self, magnitude: Floats, present: NDArray) -> tuple[Floats, NDArray]:
        """Weights that turn squared error into squared log error, and the target.

        The log error counts by the weights of the bins, with the spectra ``present`` in place.

        Args:
            magnitude: (M, F) magnitudes that are wanted.
            present: (M, F) complex spectra that are there.

        Returns:
            Weights (M, F), and targets (M, F) with those magnitudes and the phases that are there.
        """
        weights = np.empty(magnitude.shape, dtype=np.float32)
        target = np.empty(magnitude.shape, dtype=np.complex64)
        for at in range(0, len(magnitude), _ROWS):
            some = slice(at, at + _ROWS)
            weights[some], target[some] = self._of(magnitude[some], present[some])
        return weights, target

    def _of(self, magnitude: Floats, present: NDArray) -> tuple[Floats, NDArray]:
        size = np.maximum(np.abs(present), np.float32(1e-6) * magnitude)
        ratio = size / magnitude
        target = present / ratio
        np.maximum(ratio, np.float32(1e-4), out=ratio)
        ratio += _EPSILON * (ratio == 1.0)  # log(r) / (r - 1) is right as near to 1 as that
        log = np.log(ratio)
        own = np.sqrt((log * log) @ self.counted / self.counted.sum())
        own = np.maximum(own, _LEAST_LOG)[:, None]
        own = own + self.low * (np.minimum(own, _OWN_LOG) - own)
        share = log / (ratio - np.float32(1.0))
        share *= share
        wrong = self._level_weights(magnitude, size)
        wrong += np.float32(1.0)
        share *= wrong
        share *= self.band
        share /= magnitude * magnitude * own
        return share, target

    def _level_weights(self, magnitude: Floats, size: Floats) -> Floats:
        """Weights (M, F), from 0 on, that bins get in addition in octaves whose level is wrong."""
        errors_db = np.abs(_level_errors_db(magnitude, size, self.octaves))
        over = np.zeros((len(size), len(self.octaves) + 1), dtype=np.float32)
        over[:, :-1] = np.maximum(errors_db / _LEVEL_DB - 1.0, 0.0)
        np.minimum(_LEVEL_WEIGHT * over, _MOST_LEVEL_WEIGHT, out=over)
        first, second = self.octaves_of_bin
        return np.maximum(np.take(over, first, axis=1), np.take(over, second, axis=1))

    def level_errors_db(self, magnitude: Floats, present: NDArray) -> NDArray:
        """Errors (M, B) in dB of the levels of spectra (M, F) in octaves, against those wanted."""
        return _level_errors_db(magnitude, present, self.judged)


def _level_errors_db(magnitude: Floats, present: NDArray, octaves: Floats) -> NDArray:
    found, wanted = (np.maximum(np.abs(x) ** 2 @ octaves.T, 1e-30) for x in (present, magnitude))
    return 10.0 * np.log10(found / wanted)


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
    some = np.array([bins for bins in octaves if np.any(bins)]).reshape(-1, len(hz))
    narrow = [
        bins & (np.abs(octave - np.log2(centre)) <= 0.5) if centre > _WIDE_BELOW_HZ else bins
        for bins, centre in zip(octaves, _CENTRES_HZ, strict=True)
        if np.any(bins)
    ]
    numbers = np.where(some, np.arange(len(some))[:, None], len(some))
    # Octaves overlap by pairs: the lowest and the highest number of a bin are all it has.
    lowest = numbers.min(axis=0, initial=len(some))
    highest = np.where(some, np.arange(len(some))[:, None], -1).max(axis=0, initial=-1)
    return OctaveWeighting(
        (counted * rising).astype(np.float32), counted.astype(np.float32),
        low.astype(np.float32), some.astype(np.float32),
        np.stack([lowest, np.where(highest < 0, len(some), highest)]),
        np.array(narrow, dtype=np.float32).reshape(len(some), len(hz)),
    )  # fmt: skip
