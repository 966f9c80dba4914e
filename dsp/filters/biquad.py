"""Second-order digital filters from analogue ones, and their responses."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array, Complex
from auricle.dsp.errors import AuricleError

# Coefficients stand in the order b0, b1, b2, a1, a2; a0 is 1.
IDENTITY_COEFFICIENTS = (1.0, 0.0, 0.0, 0.0, 0.0)


def from_analogue(numerator: ArrayLike, denominator: ArrayLike, gain: ArrayLike = 1.0) -> Array:
    """Coefficients (..., 5) of gain (1 + a s + b s^2) / (1 + a' s + b' s^2), bilinear.

    Args:
        numerator: (..., 2) a and b; denominator: (..., 2) a' and b', positive: then it is stable.
            ``s`` is j tan(pi f / sample_rate), so what is fitted on that axis is not warped.
        gain: (...) at 0 Hz.
    """
    top, bottom = (_in_z(np.asarray(x, dtype=np.float64)) for x in (numerator, denominator))
    top = top * np.asarray(gain, dtype=np.float64)[..., None] / bottom[..., :1]
    return np.concatenate([top, bottom[..., 1:] / bottom[..., :1]], axis=-1)


def response(coefficients: ArrayLike, hz: ArrayLike, sample_rate: int) -> Complex:
    """Transfer functions of second-order filters.

    Args:
        coefficients: (..., 5) b0, b1, b2, a1, a2.
        hz: (F,) frequencies.
        sample_rate: Hz.

    Returns:
        (..., F) complex.
    """
    c = np.asarray(coefficients, dtype=np.float64)[..., None]
    z = np.exp(-2j * np.pi * np.asarray(hz, dtype=np.float64) / sample_rate)
    top = c[..., 0, :] + z * (c[..., 1, :] + z * c[..., 2, :])
    return top / (1.0 + z * (c[..., 3, :] + z * c[..., 4, :]))


def _in_z(polynomial: Array) -> Array:
    """(1 + z)^2 + a (1 - z)(1 + z) + b (1 - z)^2 in powers of 1 / z."""
    a, b = polynomial[..., 0], polynomial[..., 1]
    return np.stack([1.0 + a + b, 2.0 - 2.0 * b, 1.0 - a + b], axis=-1)


def butterworth_sections(cutoff_hz: float, sample_rate: int) -> NDArray[np.float64]:
    """Sections (2, 5) of a fourth-order low-pass, b0 b1 b2 a1 a2 each (bilinear transform)."""
    if not 0.0 < cutoff_hz < 0.5 * sample_rate:
        raise AuricleError(f"no low-pass of {cutoff_hz:g} Hz is possible at {sample_rate} Hz")
    k = np.tan(np.pi * cutoff_hz / sample_rate)
    rows = []
    for angle in (np.pi / 8.0, 3.0 * np.pi / 8.0):
        damping = 2.0 * k * np.cos(angle)
        norm = 1.0 + damping + k * k
        b = k * k / norm
        rows.append([b, 2.0 * b, b, 2.0 * (k * k - 1.0) / norm, (1.0 - damping + k * k) / norm])
    return np.array(rows)
