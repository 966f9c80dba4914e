"""The tables of full rank: responses aligned as measured, a bus a tap, exact where measured."""

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray

from auricle.dsp.delay import centre_samples, delay_taps_at
from auricle.dsp.played_errors import NO_ERRORS
from auricle.dsp.prepared_set import PreparedSet
from auricle.dsp.sphere import SphereMesh

DELAY_TAPS = 24
HEAD_TAPS = 128
_ONSET_MARGIN_SAMPLES = 12
_RING_SAMPLES = 24
_MOST_BOOST = 4.0  # of power
_ROWS = 256  # vertices whose gains are made at a time


def full_rank(
    mesh: SphereMesh, ir: NDArray[np.float64], arrivals: NDArray[np.float64], sample_rate: int
) -> PreparedSet:
    """Tables in which bus k is tap k of responses (V, 2, N) aligned as measured.

    Args:
        mesh: its vertices V.
        ir: (V, 2, N) responses at ``sample_rate``.
        arrivals: (V, 2) arrival times in samples.
        sample_rate: Hz.
    """
    least = centre_samples(DELAY_TAPS)
    delays = np.maximum(arrivals - _ONSET_MARGIN_SAMPLES, least)
    n_taps = ir.shape[2] - int(delays.min()) + _RING_SAMPLES
    n_taps = max(-(-n_taps // 4) * 4, HEAD_TAPS)
    gains = np.empty((len(ir), 2 * n_taps + 2 * HEAD_TAPS), dtype=np.float32)
    for at in range(0, len(ir), _ROWS):
        rows = slice(at, at + _ROWS)
        aligned = _undelayed(ir[rows], delays[rows], n_taps)
        gains[rows, : 2 * n_taps] = aligned.reshape(len(aligned), -1)
        rest = _rest(ir[rows], aligned, delays[rows])
        gains[rows, 2 * n_taps :] = rest.reshape(len(rest), -1)
    return PreparedSet(
        mesh, gains, delays, None, HEAD_TAPS, DELAY_TAPS, 0, sample_rate,
        f"full rank: {n_taps} taps, aligned as measured", NO_ERRORS,
    )  # fmt: skip


def _undelayed(
    ir: NDArray[np.float64], delays: NDArray[np.float64], n_taps: int
) -> NDArray[np.float64]:
    """Responses (M, 2, n_taps) that the delay filters of ``delays`` (M, 2) turn into ``ir``.

    Their fall near Nyquist is made good, by no more than ``_MOST_BOOST``: directions between
    measured ones have nothing else that could.
    """
    taps, first = delay_taps_at(delays, DELAY_TAPS)
    size = fft.next_fast_len(ir.shape[-1] + n_taps + 128, real=True)
    turn = np.exp(2j * np.pi * np.arange(size // 2 + 1) * first[..., None] / size)
    response = fft.rfft(taps, size)
    power = np.abs(response) ** 2
    inverse = np.conj(response) * np.minimum(1.0 / np.maximum(power, 1e-9), _MOST_BOOST)
    return fft.irfft(fft.rfft(ir, size) * inverse * turn, size)[..., :n_taps]


def _rest(
    ir: NDArray[np.float64], aligned: NDArray[np.float64], delays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What delay and aligned response leave of the first taps (M, 2, HEAD_TAPS) of a response.

    Measured responses are not silent before the sound arrives (-25 to -45 dB of their energy), and
    a causal delay cannot bring that back: it is added without any delay, which makes measured
    directions exact at no latency.
    """
    taps, first = delay_taps_at(delays, DELAY_TAPS)
    rest = np.zeros((*ir.shape[:2], HEAD_TAPS))
    known = min(HEAD_TAPS, ir.shape[2])
    rest[..., :known] = ir[..., :known]
    n = np.arange(HEAD_TAPS)
    for j in range(DELAY_TAPS):
        at = n - first[..., None] - j
        value = np.take_along_axis(aligned, np.clip(at, 0, aligned.shape[2] - 1), axis=2)
        rest -= taps[..., j : j + 1] * np.where(at >= 0, value, 0.0)
    return rest
