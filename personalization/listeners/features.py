"""Features of a listener, as the methods see them, and the way back to impulse responses.

A response is its magnitude in decibels and its arrival time; phase is minimum phase after that
arrival. All features are at one rate and size, whatever was measured:

magnitude_db     (..., M, 2, F) float32, bins of a transform of 256 samples at 44.1 kHz, F = 129
arrival_seconds  (..., M, 2) float64, from the start of the response
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.gaussian_process import fit_process, matern_3_2
from auricle.dsp.metrics.interaural import itd_correlation_seconds, itd_maxiacce_seconds
from auricle.dsp.responses import arrival, minimum_phase, time_axis
from auricle.dsp.sphere.grids import chords

FloatT = TypeVar("FloatT", bound=np.floating)

SAMPLE_RATE = 44100
SIZE = 256
BINS = SIZE // 2 + 1
EVALUATED_BINS = slice(1, 117)  # bins from 172 Hz to 20 kHz: what is learned and what is judged
FLOOR_DB = -80.0  # below the top of a response

_LEAD_SAMPLES = 32  # before the first onset, of responses that are longer than SIZE
_FADE_SAMPLES = 32
_ONSET_LEAD_SECONDS = 0.3e-3  # kept before the earliest arrival: minimum phase rings a little early
_ITD_ROUNDS = 2
_MOST_ITD_STEP = 4.0  # samples: an estimator that jumps to another peak moves little
_FIELD_SCALE = 0.5  # chord over which neighbouring directions resemble each other
_FIELD_NUGGET = 1e-3


class Features(NamedTuple):
    """Magnitudes (..., M, 2, F) in dB and arrival times (..., M, 2) in seconds."""

    magnitude_db: Float32
    arrival_seconds: Array

    def at(self, rows: NDArray[np.int64] | slice) -> "Features":
        """The directions of ``rows``."""
        return Features(self.magnitude_db[..., rows, :, :], self.arrival_seconds[..., rows, :])


def features(ir: ArrayLike, positions: ArrayLike, sample_rate: int) -> Features:
    """Features of one listener or of many.

    Responses at another rate are resampled. Those longer than 256 samples at 44.1 kHz are cut out
    around the direct sound, from 0.7 ms before the first onset, and faded out at the end.

    Args:
        ir: (M, 2, N) or (B, M, 2, N) responses.
        positions: (M, 3) unit vectors.
        sample_rate: Hz.
    """
    given = np.asarray(ir, dtype=np.float64)
    if given.ndim == 4:
        each = [features(listener, positions, sample_rate) for listener in given]
        return Features(
            np.stack([one.magnitude_db for one in each]),
            np.stack([one.arrival_seconds for one in each]),
        )
    at_rate = time_axis.resampled(given, sample_rate, SAMPLE_RATE)
    cut, start = _cut(at_rate)
    magnitude_db = 20.0 * np.log10(minimum_phase.floored_magnitude(cut, SIZE, FLOOR_DB))
    where = np.asarray(positions, dtype=np.float64)
    arrivals = _arrival_samples(cut, magnitude_db, where) + start
    return Features(magnitude_db.astype(np.float32), arrivals / SAMPLE_RATE)


def features_of(hrtf: HrtfSet) -> Features:
    """Features of a set."""
    return features(hrtf.ir, hrtf.positions, hrtf.sample_rate)


def to_responses(magnitude_db: ArrayLike, arrival_seconds: ArrayLike, n_taps: int = SIZE) -> Array:
    """Responses at 44.1 kHz, minimum phase behind their arrival times.

    Args:
        magnitude_db: (M, 2, F) dB.
        arrival_seconds: (M, 2) seconds.
        n_taps: the least length; what arrives later than that lets them grow.

    Returns:
        (M, 2, N).
    """
    arrivals = np.asarray(arrival_seconds, dtype=np.float64) * SAMPLE_RATE
    return time_axis.from_magnitudes(magnitude_db, arrivals, n_taps)


def to_hrtf_set(
    found: Features,
    positions: Array,
    radius_m: float,
    sample_rate: int = SAMPLE_RATE,
    **fields: str,
) -> HrtfSet:
    """A set that renders, at any rate; all responses are moved later if one begins before 0.

    Args:
        found: features of one listener.
        positions: (M, 3) unit vectors.
        radius_m: distance of the sources, in metres.
        sample_rate: Hz.
        **fields: of the set: name, license and the like.
    """
    arrivals = found.arrival_seconds
    least = arrivals.min() - _ONSET_LEAD_SECONDS
    ir = to_responses(found.magnitude_db, arrivals - min(least, 0.0))
    hrtf = HrtfSet(ir, positions, radius_m, SAMPLE_RATE, **fields)  # type: ignore[arg-type]
    return hrtf.resampled(sample_rate)


def to_all_bins(heard: NDArray[FloatT]) -> NDArray[FloatT]:
    """Values (..., F) at all bins from those (..., F') at ``EVALUATED_BINS``; the ends go on."""
    out = np.empty((*heard.shape[:-1], BINS), dtype=heard.dtype)
    out[..., EVALUATED_BINS] = heard
    out[..., : EVALUATED_BINS.start] = heard[..., :1]
    out[..., EVALUATED_BINS.stop :] = heard[..., -1:]
    return out


def itd_seconds(arrival_seconds: ArrayLike) -> Array:
    """ITD (..., M), positive where the left ear hears later."""
    arrivals = np.asarray(arrival_seconds)
    return np.asarray(arrivals[..., 0] - arrivals[..., 1])


def energy_db(magnitude_db: ArrayLike) -> Array:
    """Energy (...) in dB of responses (..., F): by Parseval's theorem, the inner bins twice."""
    power = 10.0 ** (np.asarray(magnitude_db, dtype=np.float64) / 10.0)
    energy = 2.0 * power.sum(axis=-1) - power[..., 0] - power[..., -1]
    return np.asarray(10.0 * np.log10(energy))


def blend_weights(positions: Array, targets: Array) -> Array:
    """Weights (Q, M) that read fields over a grid (M, 3) at other directions (Q, 3).

    A Gaussian process with a Matern 3/2 kernel and a constant mean; targets that the grid holds are
    read from it without a change.
    """
    distance = chords(targets, positions)
    nearest = np.argmin(distance, axis=1)
    held = distance[np.arange(len(targets)), nearest] < 1e-4
    weights = np.zeros(distance.shape)
    weights[held, nearest[held]] = 1.0
    if not np.all(held):
        process = fit_process(matern_3_2(_FIELD_SCALE), positions, _FIELD_NUGGET)
        kernel = process.kernel(distance[~held])
        weights[~held] = kernel @ process.precision + process.mean
    return weights


def _cut(ir: Array) -> tuple[Array, int]:
    """Responses of at most SIZE samples, and the sample they begin at."""
    if ir.shape[-1] <= SIZE:
        return ir, 0
    peak = np.max(np.abs(ir), axis=-1, keepdims=True)
    onset = np.argmax(np.abs(ir) >= 0.1 * np.maximum(peak, 1e-30), axis=-1)
    start = max(int(onset.min()) - _LEAD_SAMPLES, 0)
    cut = ir[..., start : start + SIZE].copy()
    fade = np.cos(np.linspace(0.0, np.pi / 2, _FADE_SAMPLES)) ** 2
    if start + SIZE < ir.shape[-1]:
        cut[..., -_FADE_SAMPLES:] *= fade
    return cut, start


def _arrival_samples(ir: Array, magnitude_db: Array, positions: Array) -> Array:
    """Arrivals (M, 2) behind which minimum phase has the ITD of the measured responses.

    Broadband arrival times first; the delays that fit below 1.5 kHz, where the ear takes its ITD
    from phase; then both ears by half of what the ITD still differs, as the mean of two estimators
    has it (correlation of waveforms and of envelopes), which brings both within some 2 us.
    """
    broadband = arrival.arrival_samples(ir, SAMPLE_RATE, positions)
    short = to_responses(magnitude_db, np.zeros(ir.shape[:2]))
    arrivals = arrival.low_frequency_arrival_samples(ir, short, broadband, SAMPLE_RATE)
    wanted = _itd_samples(ir)
    for _ in range(_ITD_ROUNDS):
        late = min(float(arrivals.min()), 0.0)
        found = _itd_samples(time_axis.delayed(short, arrivals - late))
        step = np.clip(wanted - found, -_MOST_ITD_STEP, _MOST_ITD_STEP)
        arrivals = arrivals + step[:, None] * np.array([0.5, -0.5])
    return arrivals


def _itd_samples(ir: Array) -> Array:
    itd = itd_correlation_seconds(ir, SAMPLE_RATE)
    itd += itd_maxiacce_seconds(ir, SAMPLE_RATE, parabola=True)
    return np.asarray(itd * (SAMPLE_RATE / 2.0))
