"""Fractional-delay filters: the table from which the renderer takes its moving delays."""

import numpy as np
from numpy.typing import NDArray

PHASES_PER_SAMPLE = 128
# The renderer blends the filters of two delays inside one window, so the table spans two samples.
SPAN_SAMPLES = 2
# Where most of the sound's energy is, a moving delay must not rattle: below a fifth of Nyquist the
# squared error counts a hundredfold. That moves it from -44 to -61 dB there (12 taps; 24: from -77
# to -97) and costs at most 1.3 dB above.
_LOW_BAND, _LOW_WEIGHT = 0.2, 100.0


def centre_samples(n_taps: int) -> int:
    """The whole delay in samples of the first row of ``delay_table``: the engine's least delay."""
    return (n_taps - 3) // 2 if n_taps % 2 else n_taps // 2 - 2


def delay_table(n_taps: int, passband: float = 0.82) -> NDArray[np.float32]:
    """Least-squares fractional-delay filters, one row a phase.

    Row i delays by ``centre_samples(n_taps) + i / PHASES_PER_SAMPLE`` samples, for 0 to 2 samples.

    Args:
        n_taps: taps of a filter.
        passband: upper edge of the band in which the error is least, as a share of Nyquist.

    Returns:
        table (2 * PHASES_PER_SAMPLE + 1, n_taps) float32.

    Source: Laakso et al. 1996, IEEE Signal Processing Magazine 13(1), general least squares with
    a weight over frequency.
    """

    def correlation(lag: NDArray[np.float64]) -> NDArray[np.float64]:
        low = _LOW_BAND * _LOW_WEIGHT * np.sinc(_LOW_BAND * lag)
        return (passband * np.sinc(passband * lag) + low) / (passband + _LOW_BAND * _LOW_WEIGHT)

    taps = np.arange(n_taps)
    phases = np.arange(SPAN_SAMPLES * PHASES_PER_SAMPLE + 1) / PHASES_PER_SAMPLE
    delays = centre_samples(n_taps) + phases
    gram = correlation((taps[:, None] - taps).astype(np.float64))
    gram += 1e-9 * np.eye(n_taps)  # the gram matrix is singular to float64 beyond 30 taps
    rows = np.linalg.solve(gram, correlation(taps[:, None] - delays)).T
    return np.ascontiguousarray(rows, dtype=np.float32)


def delay_taps_at(
    delays: NDArray[np.float64], n_taps: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The delay filters' taps (..., n_taps) for delays (...) in samples, and where they begin."""
    table = delay_table(n_taps).astype(np.float64)
    whole = np.floor(delays).astype(np.int64)
    position = (delays - whole) * PHASES_PER_SAMPLE
    low = np.minimum(position.astype(np.int64), len(table) - 2)
    part = (position - low)[..., None]
    taps = table[low] + part * (table[low + 1] - table[low])
    return taps, whole - centre_samples(n_taps)
