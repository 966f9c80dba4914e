"""Errors of a rendering (2, T) at 48 kHz against what the listener hears.

Wave, amplitude and phase L2 are those of Richard et al. 2021 ("Neural synthesis of binaural speech
from mono audio"): mean square of the wave, times 1000; mean distance of the magnitudes of
transforms of 2048 samples (Hann, 40 ms, 100 a second); mean angle between their phases, in radians,
where both are above a fifth of the mean magnitude. Each also with the common arrival time taken
out, since a system that is late by one time for both ears sounds the same. MRSTFT is that of
auraloss with its defaults (Steinmetz and Reiss 2020).
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array, Float32
from auricle.dsp.errors import MissingDependencyError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES, N_TAPS
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses

Render: TypeAlias = Callable[[Float32, Poses], Float32]

FFT_SIZE, WINDOW_SAMPLES, HOP_SAMPLES = 2048, 1920, 480
LEAST_SHARE = 0.2  # of the mean magnitude, below which a phase does not count
MOST_LAG_SECONDS = 0.005  # of a common arrival time
RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # size, hop, window
FRAME_SAMPLES = 2400  # of interaural differences: 50 ms, every 25 ms
ITD_BAND_HZ, MOST_ITD_SECONDS = (150.0, 1500.0), 0.001
BANDS_HZ = tuple(250.0 * 2.0**k for k in range(7))  # octaves
_ACTIVE_DB = -30.0  # below the loudest frame, what counts
_COHERENT = 0.7  # correlation of the ears from which on a frame has an ITD
_FINE = 8  # lags to a sample
_PERIOD = 4096  # of the sound that asks for an implied HRTF
SPEECH_RATE = 16000


def wave_l2(found: Array, wanted: Array) -> float:
    """Mean square difference of waves, times 1000."""
    return float(1e3 * np.mean((np.asarray(found, np.float64) - wanted) ** 2))


def amplitude_l2(found: Array, wanted: Array) -> float:
    """Mean distance of short-time magnitudes."""
    return float((_spectra(found).abs() - _spectra(wanted).abs()).abs().mean())


def phase_l2(found: Array, wanted: Array) -> float:
    """Mean angle, in radians, between short-time phases where both sound; 0 where nothing does."""
    one, other = _spectra(found), _spectra(wanted)
    size, true_size = (each.real.abs() + each.imag.abs() for each in (one, other))
    least = LEAST_SHARE * true_size.mean()
    loud = (size > least) & (true_size > least)
    if not bool(loud.any()):
        return 0.0
    return float(torch.angle(one[loud] * other[loud].conj()).abs().mean())


def mrstft(found: Array, wanted: Array) -> float:
    """Spectral convergence plus mean log distance of magnitudes, mean over three resolutions."""
    total = 0.0
    for size, hop, window in RESOLUTIONS:
        one, other = (
            _spectra(each, size, hop, window).abs().square().clamp_min(1e-8).sqrt()
            for each in (found, wanted)
        )
        total += float(torch.linalg.vector_norm(other - one) / torch.linalg.vector_norm(other))
        total += float((one.log() - other.log()).abs().mean())
    return total / len(RESOLUTIONS)


def without_common_arrival(found: Array, wanted: Array) -> Array:
    """``found`` (2, T) moved by the one time, within 5 ms, that makes it most like ``wanted``."""
    from scipy.optimize import minimize_scalar

    n_samples = found.shape[-1]
    size = 2 * n_samples
    spectrum = np.fft.rfft(found, size)
    cross = np.sum(np.fft.rfft(wanted, size) * np.conj(spectrum), axis=0)
    reach = int(MOST_LAG_SECONDS * RATE)
    whole = int(np.argmax(np.fft.irfft(cross, size)[np.arange(-reach, reach + 1)])) - reach
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size

    def unlike(lag: float) -> float:
        return -float(np.real(np.exp(1j * omega * lag) @ cross))

    near = (whole - 1.0, whole + 1.0)
    lag = minimize_scalar(unlike, bounds=near, method="bounded", options={"xatol": 1e-4}).x
    if not unlike(lag) < unlike(whole):
        lag = whole
    return np.asarray(np.fft.irfft(spectrum * np.exp(-1j * omega * lag), size)[..., :n_samples])


def interaural_errors(found: Array, wanted: Array) -> dict[str, float]:
    """Mean errors over time: ``itd_error_us`` below 1.5 kHz, ``ild_error_db`` over octave bands.

    Of frames of 50 ms that are within 30 dB of the loudest; ITDs of those whose ears, as they
    should be, resemble each other. NaN where no frame is.
    """
    true_itd, resemblance, level = _itd_seconds(_frames(_band(wanted, *ITD_BAND_HZ)))
    itd = _itd_seconds(_frames(_band(found, *ITD_BAND_HZ)))[0]
    counted = (level > level.max() * 10.0 ** (_ACTIVE_DB / 10.0)) & (resemblance > _COHERENT)
    itd_error = 1e6 * np.mean(np.abs(itd - true_itd)[counted]) if counted.any() else np.nan
    differences = []
    for centre in BANDS_HZ:
        edges = centre / np.sqrt(2.0), centre * np.sqrt(2.0)
        power, true_power = (
            np.mean(_frames(_band(each, *edges)) ** 2, axis=-1) + 1e-14 for each in (found, wanted)
        )
        both = true_power.sum(axis=1)
        active = both > max(both.max() * 10.0 ** (_ACTIVE_DB / 10.0), 1e-12)
        ild, true_ild = (10.0 * np.log10(each[:, 0] / each[:, 1]) for each in (power, true_power))
        differences.append(np.abs(ild - true_ild)[active])
    ild_error = np.concatenate(differences)
    return {
        "itd_error_us": float(itd_error),
        "ild_error_db": float(ild_error.mean()) if len(ild_error) else float("nan"),
    }


def errors_of(found: Float32, wanted: Float32) -> dict[str, float]:
    """All errors by name that need nothing but the two signals (2, T)."""
    one, other = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    moved = without_common_arrival(one, other)
    return {
        "wave_l2": wave_l2(one, other),
        "amplitude_l2": amplitude_l2(one, other),
        "phase_l2": phase_l2(one, other),
        "wave_l2_aligned": wave_l2(moved, other),
        "amplitude_l2_aligned": amplitude_l2(moved, other),
        "phase_l2_aligned": phase_l2(moved, other),
        "mrstft": mrstft(one, other),
        **interaural_errors(one, other),
    }


def speech_scores(found: Float32, wanted: Float32) -> dict[str, float]:
    """PESQ (wide band, ITU-T P.862.2) and STOI (Taal et al. 2011), means of both ears.

    MissingDependencyError without pesq and pystoi; NaN where there is too little speech for one.
    """
    try:
        import pesq
        import pystoi
    except ImportError:
        raise MissingDependencyError(
            "PESQ and STOI need pesq and pystoi: pip install pesq pystoi"
        ) from None
    import soxr

    one, other = (
        soxr.resample(np.asarray(each, np.float64).T, RATE, SPEECH_RATE).T
        for each in (found, wanted)
    )
    heard, clear = [], []
    for ear in range(2):
        try:
            heard.append(float(pesq.pesq(SPEECH_RATE, other[ear], one[ear], "wb")))
        except pesq.PesqError:
            heard.append(float("nan"))
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # too short, and it gives a number
            try:
                clear.append(float(pystoi.stoi(other[ear], one[ear], SPEECH_RATE)))
            except RuntimeWarning:
                clear.append(float("nan"))
    return {"pesq": float(np.mean(heard)), "stoi": float(np.mean(clear))}


def implied_hrtf(render: Render, positions: Array, distance_m: float = 1.5) -> HrtfSet:
    """The responses that a system renders with, as a set.

    A source at rest in each direction plays a periodic sound with all frequencies alike; what comes
    out in its second period over what went in is the response. Of systems that are not linear it is
    the best linear description for that sound.

    Args:
        render: the system.
        positions: (M, 3) unit vectors.
        distance_m: of the source.
    """
    mono = _all_frequencies()
    bins = np.arange(_PERIOD // 2 + 1)
    early = np.exp(
        2j * np.pi * bins / _PERIOD * (distance_m * RATE / SOUND_SPEED_M_S - LEAD_SAMPLES)
    )
    n_steps = len(mono) // STEP
    ir = np.empty((len(positions), 2, N_TAPS))
    for row, direction in enumerate(positions):
        poses = Poses(np.tile(distance_m * direction, (n_steps + 1, 1)))
        heard = np.asarray(render(mono, poses), dtype=np.float64)[:, -_PERIOD:]
        ratio = np.fft.rfft(heard) / np.fft.rfft(mono[-_PERIOD:].astype(np.float64))
        ratio[:, -1] = 0.0
        ir[row] = distance_m * np.fft.irfft(ratio * early)[:, :N_TAPS]
    return HrtfSet(ir, positions, distance_m, RATE, "implied")


def macs_per_second(estimate: Callable[[], Any], seconds: float) -> float:
    """Multiplications and additions, as pairs, of matrix products and convolutions in a call that
    renders so many seconds, for each of them.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        estimate()
    return counter.get_total_flops() / 2.0 / seconds


def _all_frequencies() -> Float32:
    """Two periods of a sound with magnitudes alike and low peaks (Schroeder 1970)."""
    bins = np.arange(_PERIOD // 2 + 1)
    spectrum = np.exp(-1j * np.pi * bins**2 / len(bins))
    spectrum[0], spectrum[-1] = 1.0, 1.0
    period = np.fft.irfft(spectrum)
    return np.tile(0.1 * period / np.std(period), 2).astype(np.float32)


def _spectra(
    wave: Array, size: int = FFT_SIZE, hop: int = HOP_SAMPLES, window: int = WINDOW_SAMPLES
) -> torch.Tensor:
    shape = torch.hann_window(window, dtype=torch.float64)
    given = torch.from_numpy(np.array(wave, dtype=np.float64))
    return torch.stft(given, size, hop, window, shape, return_complex=True)


def _band(wave: Array, low_hz: float, high_hz: float) -> Array:
    hz = np.fft.rfftfreq(wave.shape[-1], 1.0 / RATE)
    inside = 1.0 / np.sqrt(
        (1.0 + (low_hz / np.maximum(hz, 1e-3)) ** 12) * (1.0 + (hz / high_hz) ** 12)
    )
    return np.asarray(np.fft.irfft(np.fft.rfft(wave) * inside, wave.shape[-1]))


def _frames(wave: Array) -> Array:
    """Frames (L, 2, FRAME_SAMPLES), half of each shared with the next."""
    views = np.lib.stride_tricks.sliding_window_view(wave, FRAME_SAMPLES, axis=-1)
    return np.moveaxis(views[:, :: FRAME_SAMPLES // 2], 0, 1)


def _itd_seconds(frames: Array) -> tuple[Array, Array, Array]:
    """Of frames (L, 2, N): ITD, positive where the left ear is later, correlation, power."""
    size = 1 << int(np.ceil(np.log2(2 * frames.shape[-1])))
    spectra = np.fft.rfft(frames * np.hanning(frames.shape[-1]), size)
    reach = int(MOST_ITD_SECONDS * RATE * _FINE)
    lags = np.arange(-reach, reach + 1)
    fine = np.fft.irfft(spectra[:, 0] * np.conj(spectra[:, 1]), size * _FINE)[:, lags] * _FINE
    power = np.sum((frames * np.hanning(frames.shape[-1])) ** 2, axis=-1)
    top = np.argmax(fine, axis=1)
    resemblance = fine[np.arange(len(fine)), top] / np.sqrt(np.prod(power, axis=1) + 1e-30)
    return lags[top] / (RATE * _FINE), resemblance, power.sum(axis=1)
