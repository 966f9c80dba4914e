"""A look-ahead limiter of the true peak: what comes out stays below a ceiling."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.streaming.input_checks import LOUDEST_SAMPLE, checked_block
from auricle.dsp.streaming.stream import Stream
from auricle.plugin_core.mastering.true_peak import CENTRE_SAMPLES, Oversampler

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

_LOOKAHEAD_SECONDS = 0.005


class Limiter(Stream):
    """Keeps the true peak of both channels under a ceiling; the gain is the same for both.

    The gain falls before a peak, over the 5 ms of look-ahead, and rises behind it exponentially.
    ``process`` gives as many frames as it takes, ``latency_samples`` late. NaN becomes silence, and
    what is beyond ``auricle.dsp.streaming.input_checks.LOUDEST_SAMPLE`` is held to that: neither
    stays behind.

    Args:
        sample_rate: Hz.
        ceiling_db: dB of full scale, true peak.
        release_seconds: time constant of the rise.
    """

    def __init__(self, sample_rate: int, ceiling_db: float, release_seconds: float = 0.1) -> None:
        super().__init__()
        self._lookahead = max(1, round(_LOOKAHEAD_SECONDS * sample_rate))
        self._ceiling = 10.0 ** (ceiling_db / 20.0)
        self._rise = 1.0 - np.exp(-1.0 / (max(release_seconds, 1e-3) * sample_rate))
        self._oversampler = Oversampler(2)
        self.latency_samples = CENTRE_SAMPLES + self._lookahead
        self._held = np.zeros((2, self.latency_samples), dtype=np.float32)
        size = self._lookahead + 1
        self._minima = (np.zeros(size), np.zeros(size, dtype=np.int64))  # values, where they stand
        self._smooth = np.ones(size)
        self._counters = np.zeros(3, dtype=np.int64)  # first, count, position
        self._levels = np.array([1.0, float(size)])  # the released gain, the sum of the last ones
        self.lowest_gain = 1.0

    def process(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next frames (2, n) float32, ``latency_samples`` late."""
        return self._alone(self._limited, _bounded(checked_block(audio, 2)))

    def _silence(self) -> None:
        self._oversampler.reset()
        self._held = np.zeros_like(self._held)
        self._smooth[:], self._counters[:] = 1.0, 0
        self._levels[:] = 1.0, float(len(self._smooth))

    def _limited(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        peaks = self._oversampler.peaks(audio)
        gains = np.minimum(1.0, self._ceiling / np.maximum(peaks, 1e-9))
        _smooth_gains(gains, *self._minima, self._smooth, self._counters, self._levels, self._rise)
        joined = np.concatenate([self._held, audio], axis=1)
        n = audio.shape[1]
        self._held = joined[:, n:]
        if n:
            self.lowest_gain = min(self.lowest_gain, float(gains.min()))
        return (joined[:, :n] * gains).astype(np.float32)


def _bounded(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    if np.abs(audio).max(initial=0.0) <= LOUDEST_SAMPLE:  # not where one is NaN
        return audio
    return np.nan_to_num(
        np.clip(audio, -LOUDEST_SAMPLE, LOUDEST_SAMPLE), copy=False, nan=0.0
    ).astype(np.float32)


@exact_kernel
def _smooth_gains(gains, minima, places, smooth, counters, levels, rise):  # type: ignore[no-untyped-def]
    """Turn the gains (n,) that each sample needs into those to apply a look-ahead later, in place.

    The least gain of the window ahead, then an exponential rise, then the mean over the window:
    each of the means that cover a peak is of values that are low enough for it.

    Args:
        gains: (n,); minima, places: (size,) a queue of the window's rising minima.
        smooth: (size,) the last released gains; counters: first, count and position of the queue.
        levels: the released gain, the sum of ``smooth``; rise: share of the way to 1 a sample.
    """
    size = smooth.shape[0]
    first, count, position = counters[0], counters[1], counters[2]
    for i in range(gains.shape[0]):
        wanted = gains[i]
        if count > 0 and places[first] <= position - size:
            first = (first + 1) % size
            count -= 1
        while count > 0 and minima[(first + count - 1) % size] >= wanted:
            count -= 1
        minima[(first + count) % size] = wanted
        places[(first + count) % size] = position
        count += 1
        released = levels[0] + rise * (1.0 - levels[0])
        levels[0] = min(minima[first], released)
        at = position % size
        levels[1] += levels[0] - smooth[at]
        smooth[at] = levels[0]
        gains[i] = min(1.0, levels[1] / size)
        position += 1
    counters[0], counters[1], counters[2] = first, count, position
