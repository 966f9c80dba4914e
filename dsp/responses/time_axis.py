"""Impulse responses on another time axis: delayed, resampled, or made from spectra.

Shapes: ``ir (M, E, N)`` float64, directions, ears, samples. Nothing here shifts a response without
being asked: sample 0 stays time 0.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.responses.minimum_phase import minimum_phase

LEAD_UP_SECONDS = 0.0015  # of a response before its peak, at most
GUARD_SAMPLES = 64  # room for the ringing of a fractional delay, which falls off like 1/n
COMMON_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
_ROWS = 256  # directions whose spectra are made at once
_COLUMNS = 64  # responses that soxr gets at once; each takes it 150 kB


def delayed(ir: Array, delay_samples: ArrayLike) -> Array:
    """Responses (M, E, N') that come ``delay_samples`` (M, E), not negative, later; N' >= N.

    Whole samples are shifted exactly. Fractions are a phase ramp; what would ring before time 0 is
    cut off.
    """
    delay = np.broadcast_to(np.asarray(delay_samples, dtype=np.float64), ir.shape[:2])
    guard = GUARD_SAMPLES if np.any(delay != np.floor(delay)) else 0
    n_taps = ir.shape[-1] + guard + int(np.floor(delay.max()))
    out = np.zeros((*ir.shape[:2], n_taps))
    for start in range(0, len(ir), _ROWS):  # spectra of all at once would be five times the set
        rows = slice(start, start + _ROWS)
        _delay_into(out[rows], ir[rows], delay[rows], guard)
    return out


def _delay_into(out: Array, ir: Array, delay: Array, guard: int) -> None:
    whole = np.floor(delay).astype(np.int64)
    fraction = delay - whole
    if guard:
        padded = np.pad(ir, ((0, 0), (0, 0), (GUARD_SAMPLES, GUARD_SAMPLES)))
        size = padded.shape[-1] + padded.shape[-1] % 2
        ramp = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * fraction[..., None])
        ramp[..., -1] = np.cos(np.pi * fraction)  # the Nyquist bin must stay real
        shifted = np.fft.irfft(np.fft.rfft(padded, size) * ramp, size)
        # Where no fraction was asked for the response passes untouched.
        ir = np.where(fraction[..., None] > 0.0, shifted, _padded(padded, size))
    for m, e in np.ndindex(whole.shape):
        start = whole[m, e]
        source = ir[m, e, max(guard - start, 0) :]
        begin = max(start - guard, 0)
        length = min(source.size, out.shape[-1] - begin)
        out[m, e, begin : begin + length] = source[:length]


def resampled(ir: Array, sample_rate: int, new_rate: int) -> Array:
    """Responses at another rate, with the same transfer function and the same times.

    soxr VHQ, which compensates its own delay. A response that is sampled more densely adds up more
    samples, so it is scaled by old rate / new rate. The tail that the filter adds is kept as far as
    it is above -140 dB of the peak.

    Args:
        ir: (M, E, N) responses.
        sample_rate: Hz of ``ir``.
        new_rate: Hz.

    Returns:
        (M, E, N').
    """
    import soxr

    if new_rate == sample_rate:
        return ir.copy()
    n_directions, n_ears, n_taps = ir.shape
    # soxr drops what rings past the end of its input, so the input goes on in silence.
    columns = np.pad(ir.reshape(-1, n_taps), ((0, 0), (0, 4 * GUARD_SAMPLES))).T
    parts = [
        soxr.resample(columns[:, start : start + _COLUMNS], sample_rate, new_rate, "VHQ")
        for start in range(0, columns.shape[1], _COLUMNS)
    ]
    out = np.concatenate(parts, axis=1).T * (sample_rate / new_rate)
    heard = np.flatnonzero(np.max(np.abs(out), axis=0) > 1e-7 * np.max(np.abs(out)))
    n_least = int(np.ceil(n_taps * new_rate / sample_rate))
    n_out = max(n_least, int(heard[-1]) + 1 if heard.size else 0)
    return np.ascontiguousarray(out[:, :n_out]).reshape(n_directions, n_ears, -1)


def from_magnitudes(magnitude_db: ArrayLike, arrival_samples: Array, n_taps: int) -> Array:
    """Responses of minimum phase with given magnitudes, behind their arrivals.

    The magnitudes are read between the F bins of a transform of 2 (F - 1) samples by straight lines
    in dB, so that cepstra alias less.

    Args:
        magnitude_db: (M, E, F) dB.
        arrival_samples: (M, E) samples; those before 0 become 0.
        n_taps: the least length; what arrives later than that lets all responses grow.

    Returns:
        (M, E, N).
    """
    level = np.asarray(magnitude_db, dtype=np.float64)
    size = 2 * (level.shape[-1] - 1)
    arrivals = np.maximum(arrival_samples, 0.0)
    short = minimum_phase(10.0 ** (_between_bins(level) / 20.0), size)
    late = int(np.ceil(float(arrivals.max())))
    return delayed(short, arrivals)[..., : max(n_taps, late + size // 2)]


def _between_bins(level_db: Array, steps: int = 4) -> Array:
    n_bins = level_db.shape[-1]
    fine = np.empty((*level_db.shape[:-1], steps * (n_bins - 1) + 1))
    for k in range(steps):
        share = k / steps
        fine[..., k:-1:steps] = (1.0 - share) * level_db[..., :-1] + share * level_db[..., 1:]
    fine[..., -1] = level_db[..., -1]
    return fine


def from_spectra(
    spectra: NDArray[np.complex128], frequencies_hz: Array
) -> tuple[Array, int, list[str]]:
    """Responses (M, E, N), their sample rate, and what had to be filled in, as sentences.

    ``spectra (M, E, F)`` at evenly spaced ``frequencies_hz (F,)``. Bins missing below the first one
    are extrapolated (constant magnitude, linear phase); responses that reach back before time 0, as
    those of simulations about the centre of the head do, are all moved by one common delay.
    """
    step_hz, n_missing = _even_grid(frequencies_hz)
    findings = []
    if n_missing:
        spectra = np.concatenate([_extrapolated_down(spectra, n_missing), spectra], axis=-1)
        findings.append(
            f"The spectra begin at {frequencies_hz[0]:g} Hz; the {n_missing} bin(s) below were "
            "extrapolated."
        )
    n_bins = spectra.shape[-1]
    even, odd = step_hz * 2 * (n_bins - 1), step_hz * (2 * n_bins - 1)
    is_odd = round(odd) in COMMON_RATES and round(even) not in COMMON_RATES
    size = 2 * n_bins - 1 if is_odd else 2 * n_bins - 2
    ir = np.fft.irfft(spectra, size)
    lead = _samples_before_zero(ir, odd if is_odd else even)
    if lead:
        ir = np.roll(ir, lead, axis=-1)
        findings.append(
            f"The spectra hold sound before time 0; all responses were delayed by {lead} samples."
        )
    return ir, round(odd if is_odd else even), findings


def _even_grid(frequencies_hz: Array) -> tuple[float, int]:
    """Step in Hz, and the number of bins missing from 0 Hz on, of an even frequency grid."""
    n = frequencies_hz.size
    step_hz = float(frequencies_hz[-1] - frequencies_hz[0]) / (n - 1) if n > 1 else 0.0
    even = frequencies_hz[0] + step_hz * np.arange(n) if n else frequencies_hz
    # Files round their frequencies to whole Hz; the comparison is false for NaN too.
    if not (step_hz > 0.0 and np.all(np.abs(frequencies_hz - even) < 0.02 * step_hz)):
        raise HrtfError(
            "the frequencies of the spectra are not evenly spaced, so there is no impulse response "
            "to them; resample the spectra to an even grid from 0 Hz to half the sample rate"
        )
    missing = frequencies_hz[0] / step_hz
    if abs(missing - round(missing)) > 1e-2 or round(missing) > frequencies_hz.size // 4:
        raise HrtfError(
            f"the spectra begin at {frequencies_hz[0]:g} Hz in steps of {step_hz:g} Hz; give them "
            "on an even grid from 0 Hz to half the sample rate"
        )
    return step_hz, round(missing)


def _extrapolated_down(spectra: NDArray[np.complex128], n_missing: int) -> NDArray[np.complex128]:
    first = spectra[..., :1]
    turn = spectra[..., 1:2] * np.conj(first)
    slope = np.angle(turn)  # of one bin
    steps = np.arange(-n_missing, 0)
    lower = np.abs(first) * np.exp(1j * (np.angle(first) + slope * steps))
    lower[..., 0] = np.abs(lower[..., 0]) * np.sign(np.cos(np.angle(lower[..., 0])))  # DC is real
    return lower


def _samples_before_zero(ir: Array, sample_rate: float) -> int:
    """How far the responses reach back round the end of the period; 0 where they do not.

    The period is a circle. The largest arc without the peak of any response lies behind all sound,
    so the peaks begin at its end, and before the first one what leads up to it.
    """
    size = ir.shape[-1]
    energy = np.sum(ir**2, axis=(0, 1))
    total = float(np.sum(energy))
    if not (0.0 < total < np.inf) or np.sum(energy[-(size // 8) :]) < 1e-3 * total:
        return 0
    level = np.sum(ir**2, axis=-1).ravel()
    peaks = np.argmax(np.abs(ir), axis=-1).ravel()
    for least in (1e-6, 1e-2):  # in deep shadow the peak may be anywhere
        heard = np.unique(peaks[level >= least * level.max()])
        gaps = np.diff(heard, append=heard[0] + size)
        if gaps.max() > size // 4:
            break
    first = int(heard[(int(np.argmax(gaps)) + 1) % heard.size])
    most = min(int(LEAD_UP_SECONDS * sample_rate), int(gaps.max()) // 2)
    before = np.cumsum(energy[np.arange(first - most, first) % size])
    lead_up = most - int(np.searchsorted(before, 1e-7 * total))
    begins = first - lead_up - (size if first > size // 2 else 0)
    return max(-begins, 0)


def _padded(ir: Array, size: int) -> Array:
    return np.pad(ir, ((0, 0), (0, 0), (0, size - ir.shape[-1])))
