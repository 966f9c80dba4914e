"""The peak of the sound between the samples: ITU-R BS.1770-4, annex 2."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.compiled.options import exact_kernel

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

# Annex 2's interpolator, four phases of twelve taps; the last two are the first two reversed.
_EARLY = np.array(
    [
        [
            0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000,
            -0.0594482421875, 0.1373291015625, 0.9721679687500, -0.1022949218750,
            0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
        ],
        [
            -0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250,
            -0.1665039062500, 0.4650878906250, 0.7797851562500, -0.2003173828125,
            0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
        ],
    ]
)  # fmt: skip
PHASES = np.concatenate([_EARLY, _EARLY[::-1, ::-1]])
TAPS = PHASES.shape[1]
# A row of the interpolated signal belongs to the sample this far back, or between it and the next.
CENTRE_SAMPLES = TAPS // 2

Audio = NDArray[np.float32]

# Newest sample first in the table, oldest first in the kernel.
_FIRST, _SECOND, _THIRD, _FOURTH = (
    np.ascontiguousarray(row[::-1], dtype=np.float32) for row in PHASES
)


@exact_kernel
def _raise_to_peaks(joined, highest):  # type: ignore[no-untyped-def]
    """Raise ``highest`` (n,) to the absolute values in and between the samples of each channel.

    Args:
        joined: (C, n + TAPS - 1), the samples before and the block.
        highest: (n,), changed in place.
    """
    for channel in range(joined.shape[0]):
        x = joined[channel]
        for i in range(highest.shape[0]):
            first = second = third = fourth = np.float32(0.0)
            for k in range(TAPS):
                value = x[i + k]
                first += _FIRST[k] * value
                second += _SECOND[k] * value
                third += _THIRD[k] * value
                fourth += _FOURTH[k] * value
            peak = max(max(abs(first), abs(second)), max(abs(third), abs(fourth)))
            highest[i] = max(highest[i], max(peak, abs(x[i + CENTRE_SAMPLES - 1])))


class Oversampler:
    """The largest absolute value around each sample, over all channels, from block to block.

    ``peaks(audio (C, n))`` gives (n,) float64: entry i looks at the sample ``CENTRE_SAMPLES``
    before sample i, itself and what four-fold interpolation puts next to it.
    """

    def __init__(self, n_channels: int = 2) -> None:
        self._past = np.zeros((n_channels, TAPS - 1), dtype=np.float32)

    def reset(self) -> None:
        """Forget the samples before."""
        self._past = np.zeros_like(self._past)

    def peaks(self, audio: Audio) -> NDArray[np.float64]:
        """Absolute peaks (n,), late by ``CENTRE_SAMPLES``."""
        joined = np.concatenate([self._past, audio], axis=1, dtype=np.float32)
        self._past = joined[:, -(TAPS - 1) :]
        highest = np.zeros(audio.shape[1], dtype=np.float32)
        _raise_to_peaks(joined, highest)
        return highest.astype(np.float64)


class TruePeakMeter:
    """The largest true peak so far of a signal that is added in blocks (C, n)."""

    def __init__(self, n_channels: int = 2) -> None:
        self._oversampler = Oversampler(n_channels)
        self._n_channels = n_channels
        self._highest = 0.0

    def add(self, audio: Audio) -> None:
        """Take the next frames (C, n)."""
        if audio.shape[1]:
            self._highest = max(self._highest, float(self._oversampler.peaks(audio).max()))

    def peak_dbtp(self) -> float:
        """The peak in dB of full scale; -inf for silence. The last samples ring out."""
        self.add(np.zeros((self._n_channels, TAPS), dtype=np.float32))
        return float(20.0 * np.log10(self._highest)) if self._highest > 0.0 else float("-inf")
