"""Log-spectral distance (LSD) of responses and spectra, each in a band that is stated.

``sqrt(mean over f of (20 log10 |H| / |H'|)^2)`` in dB, for each direction and ear. Figures of
different bands, or of another number of bins, are not comparable: 1 dB and more lies between them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError

LEAST_MAGNITUDE = 1e-9  # what silence counts as, -180 dB


class Band(NamedTuple):
    """Frequencies that count, both ends included, and the length of the transform.

    ``n_fft`` None: the length of the responses, as the LAP challenge has it.
    """

    low_hz: float
    high_hz: float
    n_fft: int | None = None


LAP = Band(20.0, 20000.0)  # LAP challenge 2024 and spatialaudiometrics
MIDDLE = Band(200.0, 16000.0)  # within what laboratories measure well
RFFT_256 = Band(20.0, 20000.0, 256)  # at 44.1 kHz bins 1 to 116, 172 Hz to 20 kHz


def lsd_db(
    estimate: NDArray[np.floating], reference: NDArray[np.floating], sample_rate: float,
    band: Band = LAP,
) -> NDArray[np.float64]:  # fmt: skip
    """Log-spectral distance between responses, in decibels.

    Silence is added to the shorter responses. With a transform shorter than the responses, what is
    behind it is left out.

    Args:
        estimate: (..., N) impulse responses.
        reference: (..., N') impulse responses.
        sample_rate: Hz, of both.
        band: the frequencies that count, and the length of the transform.

    Returns:
        (...) dB, the root mean square over the bins of the band.

    Raises:
        AuricleError: the band has no bin.

    >>> impulse = np.eye(1, 256)[0]
    >>> print(lsd_db(2.0 * impulse, impulse, 48000).round(2))
    6.02
    """
    size = band.n_fft or max(estimate.shape[-1], reference.shape[-1])
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    if not np.any(inside := _inside(hz, band)):
        raise AuricleError(
            f"{size} samples at {sample_rate:g} Hz have no bin from {band.low_hz:g} to "
            f"{band.high_hz:g} Hz; take longer responses or a wider band"
        )
    one, other = (np.abs(np.fft.rfft(ir, size))[..., inside] for ir in (estimate, reference))
    return np.asarray(_distance_db(one, np.maximum(other, LEAST_MAGNITUDE)), dtype=np.float64)


def spectra_lsd_db(
    estimate: NDArray, magnitude: NDArray, hz: NDArray, band: Band = MIDDLE
) -> NDArray:
    """Log-spectral distance between spectra, in decibels.

    Args:
        estimate: (M, F) complex spectra or magnitudes.
        magnitude: (M, F) magnitudes above 0 of the reference.
        hz: (F,) frequencies of the bins, in Hz.
        band: the frequencies that count.

    Returns:
        (M,) dB.
    """
    inside = _inside(hz, band)
    return _distance_db(np.abs(estimate[..., inside]), magnitude[..., inside])


def _inside(hz: NDArray, band: Band) -> NDArray[np.bool_]:
    return (hz >= band.low_hz) & (hz <= band.high_hz)


def _distance_db(one: NDArray, other: NDArray) -> NDArray:
    ratio = np.maximum(one, LEAST_MAGNITUDE) / other
    return np.sqrt(np.mean((20.0 * np.log10(ratio)) ** 2, axis=-1))
