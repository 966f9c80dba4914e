"""Causal filters at another rate: fitted once, they sound alike at every rate of the output."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz

from auricle.dsp.arrays import Array

FIT_RATE = 48000
EQUAL_HZ = 18000.0  # up to here the transfer functions are the same
_FREE_FROM, _FREE = 1.1, 1e-4  # of that frequency, and the weight of what is above


def at_rate(filters: NDArray, rate: int, new_rate: int) -> Array:
    """Filters for another rate, with the same transfer functions.

    Resampling would ring before time 0, which a filter without latency cannot do. Least squares
    over frequency keep magnitude and phase up to ``EQUAL_HZ`` (within -58 dB) and leave what is
    above it to whatever makes that possible.

    Args:
        filters: (..., N).
        rate: Hz of the filters.
        new_rate: Hz.

    Returns:
        (..., N').
    """
    if rate == new_rate:
        return np.asarray(filters, dtype=np.float64)
    n_taps = filters.shape[-1]
    n_new = -(-n_taps * new_rate // rate)
    size = 1 << (8 * n_new - 1).bit_length()
    hz = np.arange(size // 2 + 1) * new_rate / size
    weight = np.interp(hz, [0.0, EQUAL_HZ, _FREE_FROM * EQUAL_HZ], [1.0, 1.0, _FREE])
    flat = np.asarray(filters, dtype=np.float64).reshape(-1, n_taps)
    spectrum = flat @ np.exp(-2j * np.pi * np.outer(np.arange(n_taps), hz) / rate)
    spectrum[:, hz > 0.5 * rate] = 0.0
    gram = np.fft.irfft(weight, size)[:n_new]
    gram[0] *= 1.0 + 1e-9
    right = np.fft.irfft(weight * spectrum, size)[:, :n_new]
    return np.asarray(solve_toeplitz(gram, right.T).T).reshape(*filters.shape[:-1], n_new)
