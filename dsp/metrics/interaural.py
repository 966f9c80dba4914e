"""Interaural differences of responses (M, 2, N): ITD by three estimators, and ILD.

ITD is in seconds and positive where the left ear hears later. The estimators differ by some ten
microseconds on the same responses, so errors are comparable within one of them only:

- ``itd_correlation_seconds``: cross-correlation below 1.5 kHz, between samples; robust;
- ``itd_maxiacce_seconds``: maximum of the cross-correlation of the envelopes below 3 kHz, the one
  of the LAP challenge (Katz and Noisternig 2014, JASA 135, 3530-3540);
- ``itd_onset_seconds``: onsets 30 dB below the maximum, below 3 kHz, perceptually the most relevant
  of 32 estimators (Andreopoulou and Katz 2017, JASA 142, 588-598).
"""

import numpy as np

from auricle.dsp.arrays import Array

CORRELATION_BAND_HZ = 1500.0  # above, the correlation jumps to another peak at 60 to 120 degrees
LOW_PASS_HZ = 3000.0
LOW_PASS_ORDER = 10
ONSET_DB = -30.0
_AT_ONCE = 64  # directions


def itd_correlation_seconds(
    ir: Array, sample_rate: float, low_pass_hz: float = CORRELATION_BAND_HZ
) -> Array:
    """ITD by cross-correlation of the low-passed first 15 ms, within +-1.5 ms.

    The lags are 2 to a sample, 60 to a period of the highest frequency, and a parabola lies through
    the three about the peak.

    Args:
        ir: (M, 2, N) impulse responses, left ear first.
        sample_rate: Hz.
        low_pass_hz: where the low-pass ends.

    Returns:
        (M,) seconds, positive where the left ear hears later.

    The left ear hears 10 samples later, the source is on the right:

    >>> ir = np.zeros((1, 2, 256))
    >>> ir[0, 0, 40] = ir[0, 1, 30] = 1.0
    >>> (48000 * itd_correlation_seconds(ir, 48000)).round(3).tolist()
    [10.0]
    """
    early = _early_part(ir, sample_rate)
    fine = 2  # lags between samples by a longer inverse transform
    furthest = int(np.ceil(0.0015 * sample_rate))
    # Short responses, too, need room for the longest lags on both sides.
    size = 1 << int(np.ceil(np.log2(2 * max(early.shape[-1], furthest + 1))))
    low_pass = 1.0 / (1.0 + (np.fft.rfftfreq(size, 1.0 / sample_rate) / low_pass_hz) ** 8)
    reach = int(np.ceil(0.0015 * sample_rate * fine))
    lags = np.arange(-reach, reach + 1)
    itd = np.empty(len(ir))
    for start in range(0, len(ir), _AT_ONCE):
        spectra = np.fft.rfft(early[start : start + _AT_ONCE], size)
        cross = spectra[:, 0] * np.conj(spectra[:, 1]) * low_pass**2
        correlation = np.fft.irfft(cross, size * fine)[:, lags]
        itd[start : start + _AT_ONCE] = _peak(correlation) - reach
    return np.asarray(itd / (sample_rate * fine))


def itd_maxiacce_seconds(ir: Array, sample_rate: float, *, parabola: bool = False) -> Array:
    """ITD at the maximum of the cross-correlation of Hilbert envelopes below 3 kHz.

    A 10th-order Butterworth low-pass comes first, over the length of the responses.

    Args:
        ir: (M, 2, N) impulse responses, left ear first.
        sample_rate: Hz.
        parabola: whether the maximum may lie between samples; else in whole samples, as in the LAP
            challenge.

    Returns:
        (M,) seconds, positive where the left ear hears later.
    """
    n_taps = ir.shape[-1]
    size = 1 << (2 * n_taps - 1).bit_length()
    itd = np.empty(len(ir))
    for start in range(0, len(ir), _AT_ONCE):
        envelopes = _envelopes(_low_passed(ir[start : start + _AT_ONCE], sample_rate))
        spectra = np.fft.rfft(envelopes, size)
        around = np.fft.irfft(spectra[:, 0] * np.conj(spectra[:, 1]), size)
        correlation = np.concatenate([around[:, 1 - n_taps :], around[:, :n_taps]], axis=1)
        top = _peak(correlation) if parabola else np.argmax(correlation, axis=1)
        itd[start : start + _AT_ONCE] = top - (n_taps - 1)
    return itd / sample_rate


def itd_onset_seconds(
    ir: Array, sample_rate: float, threshold_db: float = ONSET_DB, *, between_samples: bool = True
) -> Array:
    """ITD as the difference of the onsets of the responses below 3 kHz.

    An onset is where a response first rises above a threshold relative to its own maximum.

    Args:
        ir: (M, 2, N) impulse responses, left ear first.
        sample_rate: Hz.
        threshold_db: dB relative to the maximum, below 0.
        between_samples: whether an onset lies on the straight line from the sample below the
            threshold to the one above; else onsets are whole samples.

    Returns:
        (M,) seconds, positive where the left ear hears later.
    """
    size = np.abs(_low_passed(ir, sample_rate))
    threshold = 10.0 ** (threshold_db / 20.0) * size.max(axis=-1, keepdims=True)
    first = np.argmax(size > threshold, axis=-1)
    onset = first.astype(np.float64)
    if between_samples:
        before = np.maximum(first - 1, 0)
        low, high = (np.take_along_axis(size, at[..., None], -1)[..., 0] for at in (before, first))
        rise = np.where(first > 0, high - low, 1.0)
        back = (high - threshold[..., 0]) / np.where(rise > 0.0, rise, 1.0)
        onset -= np.where(first > 0, np.clip(back, 0.0, 1.0), 0.0)
    return np.asarray((onset[:, 0] - onset[:, 1]) / sample_rate)


def ild_db(ir: Array) -> Array:
    """ILD of the whole responses.

    Args:
        ir: (M, 2, N) impulse responses, left ear first.

    Returns:
        (M,) dB, positive where the left ear is louder; silence counts as -200 dB.

    >>> ild_db(np.array([[[1.0, 0.0], [0.0, 0.5]]])).round(2).tolist()
    [6.02]
    """
    level = 10.0 * np.log10(np.maximum(np.sum(ir**2, axis=-1), 1e-20))
    return np.asarray(level[:, 0] - level[:, 1])


def _early_part(ir: Array, sample_rate: float) -> Array:
    """The 15 ms that begin just before the first arrival in any of the responses."""
    first = ir.shape[-1]
    for at in range(0, len(ir), _AT_ONCE):
        size = np.abs(ir[at : at + _AT_ONCE])
        peak = np.max(size, axis=-1, keepdims=True)
        heard = peak[..., 0] > 0.0
        if np.any(heard):
            first = min(first, int(np.min(np.argmax(size >= 0.1 * peak, axis=-1)[heard])))
    start = max(first - 32, 0)
    return ir[..., start : start + int(0.015 * sample_rate)]


def _low_passed(ir: Array, sample_rate: float) -> Array:
    from scipy.signal import butter, sosfilt  # half a second to import, never on playback's path

    low_pass = butter(LOW_PASS_ORDER, LOW_PASS_HZ, fs=sample_rate, output="sos")
    return np.asarray(sosfilt(low_pass, np.asarray(ir, dtype=np.float64), axis=-1))


def _envelopes(signal: Array) -> Array:
    from scipy.signal import hilbert

    return np.abs(hilbert(signal, axis=-1))


def _peak(rows: Array) -> Array:
    """Place of the highest value of each row, between the samples by a parabola."""
    top = np.argmax(rows, axis=1)
    inner = np.clip(top, 1, rows.shape[1] - 2)
    i = np.arange(len(rows))
    before, at, after = rows[i, inner - 1], rows[i, inner], rows[i, inner + 1]
    bend = before - 2.0 * at + after
    shift = np.where(bend < 0.0, 0.5 * (before - after) / np.where(bend < 0.0, bend, 1.0), 0.0)
    flat = np.ptp(rows, axis=1) == 0.0  # a silent ear
    return np.where(flat, rows.shape[1] // 2, np.where(top == inner, inner + shift, top))
