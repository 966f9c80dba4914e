"""The tables of full rank: responses aligned as measured, a bus a tap, exact where measured."""

import numpy as np
import scipy.fft as fft

from auricle.dsp.arrays import Array
from auricle.dsp.filters.fractional_delay import centre_samples, delay_taps_at
from auricle.dsp.preparation.played_errors import NO_ERRORS
from auricle.dsp.preparation.prepared_set import PreparedSet
from auricle.dsp.sphere.mesh import SphereMesh

DELAY_TAPS = 24
_HEAD_SECONDS = 128 / 48000
_ONSET_MARGIN_SECONDS = 12 / 48000
_RING_SECONDS = 24 / 48000
_MOST_BOOST = 16.0  # of power
_EXACT_DB, _EXACT_HZ = -66.0, (20.0, 18000.0)
_ROWS = 256  # vertices whose gains are made at a time


def full_rank(mesh: SphereMesh, ir: Array, arrivals: Array, sample_rate: int) -> PreparedSet:
    """Tables in which bus k is tap k of responses (V, 2, N) aligned as measured.

    Args:
        mesh: its vertices V.
        ir: (V, 2, N) responses at ``sample_rate``.
        arrivals: (V, 2) arrival times in samples.
        sample_rate: Hz.

    What the delays cannot play of a response is added without delay, as far as its head reaches:
    2.7 ms, which holds all that comes before the onset. Where tones near Nyquist go on to the end
    (LISTEN has some) the head is the whole response.
    """
    margin, ring = (round(x * sample_rate) for x in (_ONSET_MARGIN_SECONDS, _RING_SECONDS))
    delays = np.maximum(arrivals - margin, centre_samples(DELAY_TAPS))
    n_taps = -(-(ir.shape[2] - int(delays.min()) + ring) // 4) * 4
    known = slice(0, len(mesh.measured))
    head = _fours(_HEAD_SECONDS * sample_rate)
    whole = _fours(n_taps + delays.max() + DELAY_TAPS)
    if _beyond(ir[known], delays[known], n_taps, whole, head, sample_rate):
        head = whole
    n_buses = max(n_taps, head)
    gains = np.zeros((len(ir), 2 * n_buses + 2 * head), dtype=np.float32)
    for at in range(0, len(ir), _ROWS):
        rows = slice(at, at + _ROWS)
        some = ir[rows].astype(np.float64)
        aligned = _undelayed(some, delays[rows], n_taps)
        for ear in range(2):
            gains[rows, ear * n_buses : ear * n_buses + n_taps] = aligned[:, ear]
        rest = _rest(some, aligned, delays[rows], head)
        gains[rows, 2 * n_buses :] = rest.reshape(len(rest), -1)
    return PreparedSet(
        mesh, gains, delays, None, head, DELAY_TAPS, 0, sample_rate,
        f"full rank: {n_taps} taps, aligned as measured", NO_ERRORS,
    )  # fmt: skip


def _fours(count: float) -> int:
    return -(-int(np.ceil(count)) // 4) * 4


def _beyond(ir: Array, delays: Array, n_taps: int, whole: int, head: int, sample_rate: int) -> bool:
    """Whether what is left of responses (M, 2, N) behind their heads can be heard."""
    size = fft.next_fast_len(whole, real=True)
    hz = np.arange(size // 2 + 1) * sample_rate / size
    inside = (hz >= _EXACT_HZ[0]) & (hz <= _EXACT_HZ[1])
    for at in range(0, len(ir), _ROWS):
        some, late = ir[at : at + _ROWS].astype(np.float64), delays[at : at + _ROWS]
        left = _rest(some, _undelayed(some, late, n_taps), late, whole)
        left[..., :head] = 0.0
        power = [np.sum(np.abs(fft.rfft(x, size)[..., inside]) ** 2, -1) for x in (left, some)]
        if np.any(power[0] > 10.0 ** (_EXACT_DB / 10.0) * power[1]):
            return True
    return False


def _undelayed(ir: Array, delays: Array, n_taps: int) -> Array:
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


def _rest(ir: Array, aligned: Array, delays: Array, head: int) -> Array:
    """What delay and aligned response leave of the first taps (M, 2, head) of a response.

    Measured responses are not silent before the sound arrives (-25 to -45 dB of their energy), and
    a causal delay cannot bring that back: it is added without any delay, which makes measured
    directions exact at no latency.
    """
    taps, first = delay_taps_at(delays, DELAY_TAPS)
    rest = np.zeros((*ir.shape[:2], head))
    known = min(head, ir.shape[2])
    rest[..., :known] = ir[..., :known]
    n = np.arange(head)
    for j in range(DELAY_TAPS):
        at = n - first[..., None] - j
        value = np.take_along_axis(aligned, np.clip(at, 0, aligned.shape[2] - 1), axis=2)
        rest -= taps[..., j : j + 1] * np.where((at >= 0) & (at < aligned.shape[2]), value, 0.0)
    return rest
