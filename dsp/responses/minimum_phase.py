"""Minimum phase by the cepstrum."""

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, polar

_ROWS = 32  # directions at a time


def minimum_phase(magnitude: Array, n_taps: int) -> Array:
    """Minimum-phase responses (..., n_taps) with the given magnitudes, in their precision.

    Args:
        magnitude: (..., F) linear, bins of an rfft of ``2 * (F - 1)`` samples, all positive.
        n_taps: taps kept; the last eighth fades out so that the cut does not ring.

    Source: Oppenheim and Schafer, Discrete-Time Signal Processing, folded real cepstrum.
    """
    size = 2 * (magnitude.shape[-1] - 1)
    cepstrum = fft.irfft(np.log(magnitude), size)
    fold = np.zeros(size, dtype=magnitude.dtype)
    fold[[0, size // 2]] = 1.0
    fold[1 : size // 2] = 2.0
    ir = fft.irfft(polar(magnitude, fft.rfft(cepstrum * fold).imag), size)[..., :n_taps]
    fade = max(n_taps // 8, 1)
    ir[..., -fade:] *= (np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2).astype(ir.dtype)
    return ir


def minimum_phase_of(ir: Array, size: int, n_taps: int) -> Array:
    """Minimum-phase responses with the ``floored_magnitude`` of responses.

    Args:
        ir: (M, E, N) responses.
        size: of the transform, in samples.
        n_taps: length of the result.

    Returns:
        (M, E, n_taps), in the precision of ``ir``.
    """
    found = np.empty((*ir.shape[:-1], n_taps), dtype=ir.dtype)
    for some, target in zip(_parts(ir), _parts(found), strict=True):
        target[:] = minimum_phase(floored_magnitude(some, size), n_taps)
    return found


def floored_magnitude(ir: Array, size: int, floor_db: float = -80.0) -> Array:
    """Magnitudes of responses, none too far below the top of its response.

    Args:
        ir: (..., N) responses.
        size: of the transform, in samples.
        floor_db: the lowest magnitude, in dB relative to the response's top.

    Returns:
        (..., size // 2 + 1).
    """
    magnitude = np.abs(fft.rfft(ir, size))
    top = magnitude.max(axis=-1, keepdims=True)
    return np.maximum(magnitude, np.maximum(10.0 ** (floor_db / 20.0) * top, 1e-12))


def _parts(values: NDArray) -> list[NDArray]:
    """Views of a few rows each: what is computed of one takes little memory."""
    return [values[at : at + _ROWS] for at in range(0, len(values), _ROWS)]
