"""Data sets of different laboratories brought to one form: ears, rate, onset, level, spectrum."""

from dataclasses import replace
from typing import Literal

import numpy as np

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.hrtf.checks import cues
from auricle.dsp.responses.minimum_phase import minimum_phase
from auricle.dsp.responses.time_axis import resampled
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.datasets.subjects import DatasetError, Subjects

LEVEL_BAND_HZ = (200.0, 16000.0)
ONSET_DB = -20.0  # below a response's own top, where its sound is taken to begin
MAX_CORRECTION_DB = 20.0  # of an equalisation, so that a notch does not become a whistle
SMOOTHING_OCTAVES = 1.0 / 3.0
Equalisation = Literal["none", "listener", "laboratory"]


def harmonise(
    subjects: Subjects,
    sample_rate: int | None = None,
    n_taps: int | None = None,
    *,
    ears: bool = True,
    level: bool = True,
    diffuse_field: Equalisation = "none",
    onset_seconds: float | None = None,
) -> Subjects:
    """Listeners in a common form, in memory; ``findings`` tell what was changed.

    Args:
        subjects: as loaded.
        sample_rate: Hz, None: as it is.
        n_taps: samples of a response, cut with a short fade or filled with silence; None: what
            the rate makes of the present ones.
        ears: where ITD and ILD both contradict the positions: of all listeners, the azimuths are
            taken as clockwise; of some, their ears are exchanged.
        level: bring each listener to a mean diffuse-field power of 1 (200 Hz to 16 kHz).
        diffuse_field: "listener" divides each by its own diffuse-field magnitude, minimum phase
            (what is left are directional transfer functions); "laboratory" divides all by their
            common mean, which takes out the equipment and keeps the listener.
        onset_seconds: move each listener as a whole, by whole samples, so that its first sound
            comes then; None: leave arrival times as they are.
    """
    rate = subjects.sample_rate if sample_rate is None else sample_rate
    findings = list(subjects.findings)
    _check_sound(subjects)
    done = _with_true_ears(subjects, findings) if ears else subjects
    weights = sphere_weights(done.positions)
    if diffuse_field not in ("none", "listener", "laboratory"):
        raise DatasetError(f"diffuse_field is none, listener or laboratory, not {diffuse_field!r}")
    filters = _equalisers(done, weights, diffuse_field)
    rows = []
    for row in range(len(done)):
        ir = done.ir[row].astype(np.float64)
        if filters is not None:
            ir = _filtered(ir, filters[row])
        ir = resampled(ir, done.sample_rate, rate)
        if onset_seconds is not None:
            ir = _moved(ir, round(onset_seconds * rate) - first_sound(ir))
        rows.append(_of_length(ir, _wanted_taps(done, rate, n_taps)))
    out = np.stack(rows).astype(np.float32)
    if level:
        for each in out:
            each /= np.float32(_diffuse_rms(each, weights, rate))
    return replace(done, ir=out, sample_rate=rate, findings=tuple(findings))


def first_sound(ir: Array) -> int:
    """Sample at which the first of all responses (M, 2, N) reaches -20 dB of its own top."""
    size = np.abs(ir)
    top = size.max(axis=-1, keepdims=True)
    heard = (size >= 10.0 ** (ONSET_DB / 20.0) * top) & (top > 0.0)
    return int(np.argmax(np.any(heard, axis=(0, 1))))


def diffuse_field_magnitude(ir: Float32, weights: Array, size: int) -> Array:
    """Diffuse-field magnitude of responses: root of the mean power over the sphere.

    Args:
        ir: (M, 2, N) responses.
        weights: (M,) of ``sphere_weights``.
        size: of the transform, in samples.

    Returns:
        (F,), F = size // 2 + 1.
    """
    power = np.mean(np.abs(np.fft.rfft(ir, size)) ** 2, axis=1)
    return np.asarray(np.sqrt(weights @ power), dtype=np.float64)


def _check_sound(subjects: Subjects) -> None:
    for name, ir in zip(subjects.ids, subjects.ir, strict=True):
        if not (np.all(np.isfinite(ir)) and np.any(ir)):
            raise DatasetError(
                f"{subjects.dataset}: the responses of {name} are silent or hold NaN; leave that "
                "listener out"
            )


def _with_true_ears(subjects: Subjects, findings: list[str]) -> Subjects:
    wrong = np.zeros(len(subjects), dtype=bool)
    for row in range(len(subjects)):
        ir = subjects.ir[row].astype(np.float64)
        seen = cues(ir, subjects.positions, subjects.sample_rate)
        wrong[row] = seen.itd_follows == seen.ild_follows == -1
    if not np.any(wrong):
        return subjects
    if np.all(wrong):
        findings.append("The azimuths ran clockwise for all listeners; they were turned round.")
        return replace(subjects, positions=subjects.positions * np.array([1.0, -1.0, 1.0]))
    ir = np.array(subjects.ir)
    ir[wrong] = ir[wrong][:, :, ::-1]
    named = ", ".join(each for each, odd in zip(subjects.ids, wrong, strict=True) if odd)
    findings.append(f"The ears of {named} were exchanged; they were put right.")
    return replace(subjects, ir=ir)


def _equalisers(subjects: Subjects, weights: Array, kind: Equalisation) -> Array | None:
    """Minimum-phase filters (B, N') that make the diffuse field flat; None for "none"."""
    if kind == "none":
        return None
    size = 1 << (4 * subjects.n_taps - 1).bit_length()
    fields: Array = np.stack([diffuse_field_magnitude(ir, weights, size) for ir in subjects.ir])
    if kind == "laboratory":
        mean = np.exp(np.mean(np.log(np.maximum(fields, 1e-12)), axis=0))
        fields = np.asarray(np.tile(mean, (len(fields), 1)), dtype=np.float64)
    hz = np.fft.rfftfreq(size, 1.0 / subjects.sample_rate).astype(np.float64)
    inverse = 1.0 / np.maximum(_smoothed(fields, hz), 1e-12)
    # Only the band that is heard is made flat; outside it the filter keeps its value at the edge.
    inside = (hz >= LEVEL_BAND_HZ[0]) & (hz <= LEVEL_BAND_HZ[1])
    first, last = np.flatnonzero(inside)[[0, -1]]
    inverse[:, :first], inverse[:, last:] = inverse[:, [first]], inverse[:, [last]]
    middle = np.exp(np.mean(np.log(inverse[:, inside]), axis=1, keepdims=True))
    limit = 10.0 ** (MAX_CORRECTION_DB / 20.0)
    inverse = np.clip(inverse, middle / limit, middle * limit)
    return minimum_phase(inverse, subjects.n_taps)


def _smoothed(magnitude: Array, hz: Array) -> Array:
    """Root of the mean power within a third of an octave around each bin (B, F)."""
    half = 2.0 ** (SMOOTHING_OCTAVES / 2.0)
    sums = np.pad(np.cumsum(magnitude**2, axis=-1), ((0, 0), (1, 0)))
    low = np.searchsorted(hz, hz / half)
    high = np.maximum(np.searchsorted(hz, hz * half, side="right"), low + 1)
    return np.sqrt((sums[:, high] - sums[:, low]) / (high - low))


def _filtered(ir: Array, taps: Array) -> Array:
    size = 1 << (ir.shape[-1] + taps.size - 2).bit_length()
    whole = np.fft.irfft(np.fft.rfft(ir, size) * np.fft.rfft(taps, size), size)
    return whole[..., : ir.shape[-1] + taps.size - 1]


def _moved(ir: Array, samples: int) -> Array:
    if samples >= 0:
        return np.pad(ir, ((0, 0), (0, 0), (samples, 0)))
    return ir[..., -samples:]


def _wanted_taps(subjects: Subjects, rate: int, n_taps: int | None) -> int:
    if n_taps is not None:
        return n_taps
    return int(np.ceil(subjects.n_taps * rate / subjects.sample_rate))


def _of_length(ir: Array, n_taps: int) -> Array:
    """Responses (M, 2, n_taps): silence behind the short, a fade at the end of those cut."""
    if ir.shape[-1] <= n_taps:
        return np.pad(ir, ((0, 0), (0, 0), (0, n_taps - ir.shape[-1])))
    out = ir[..., :n_taps].copy()
    fade = max(n_taps // 16, 1)
    out[..., -fade:] *= np.cos(np.linspace(0.0, np.pi / 2.0, fade)) ** 2
    return out


def _diffuse_rms(ir: Float32, weights: Array, rate: int) -> float:
    size = 2 * ir.shape[-1]
    hz = np.fft.rfftfreq(size, 1.0 / rate)
    inside = (hz >= LEVEL_BAND_HZ[0]) & (hz <= LEVEL_BAND_HZ[1])
    return float(np.sqrt(np.mean(diffuse_field_magnitude(ir, weights, size)[inside] ** 2)))
