"""When a response arrives, and responses moved to a common onset: the ITD apart from the spectrum.

Arrival times are in samples from the start of the response, one a direction and ear.
"""

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray

from auricle.dsp.acoustics.rigid_sphere import MEAN_RADIUS_M, SOUND_SPEED_M_S, path_m
from auricle.dsp.arrays import Array, polar
from auricle.dsp.responses.minimum_phase import _parts, floored_magnitude, minimum_phase

_UPSAMPLING = 8
_OUTLIER_SECONDS = 0.12e-3
_TREND_ORDER, _LEAST_TREND_ORDER = 6, 3  # the least needs 64 directions
_SPHERE_SECONDS = 0.3e-3  # heads differ from the sphere, and loudspeakers' distances do
_ASKED = 200  # directions
_TURNED_OVER = 0.1  # logarithm of the peaks' ratio from which a channel's sign is clear
_FALL_FROM = 0.92  # of Nyquist; 20.3 kHz at 44.1 kHz
# No arrival lies before the start, but a minimum-phase onset may sit some samples early.
_GUARD_SAMPLES = 16


def arrival_samples(ir: Array, sample_rate: int, positions: Array | None = None) -> Array:
    """Arrival times (M, 2) in samples, continuous over the sphere.

    The lag at which a response resembles its own minimum-phase version most (Nam, Abel and Smith
    2008, AES 125, sec. 3), turned over where the set is (``polarity``). A lag that stands more than
    0.12 ms off a smooth field through its neighbours is sought again near that field: single
    responses with a strong echo or a dead channel (HUTUBS has some) would otherwise tear the ITD.
    Of few directions a rigid sphere takes the place of the field.

    Args:
        ir: (M, 2, N) responses, ear 0 left.
        sample_rate: Hz.
        positions: (M, 3) unit vectors; without them no outlier is mended.
    """
    sign, lags = _signed_peaks(ir)
    if positions is not None:
        field, reach_seconds = _expected_lags(lags, positions, sample_rate)
        reach = reach_seconds * sample_rate * _UPSAMPLING
        far = np.abs(lags - field) > reach
        for some in _parts(np.flatnonzero(np.any(far, axis=1))):
            correlation = sign[:, None] * _correlated(ir[some], ir.shape[-1])
            near = np.abs(np.arange(correlation.shape[-1]) - field[some, :, None]) <= reach
            lags[some] = np.where(far[some], _peak(correlation, near), lags[some])
    return lags / _UPSAMPLING - _GUARD_SAMPLES


def polarity(ir: Array) -> Array:
    """+1 or -1 for each ear (2,) of responses (M, 2, N): whether its channel is turned over.

    LISTEN's files hold pressure that falls where the sound arrives. Minimum-phase responses rise,
    so a turned-over response resembles its own least at the very lag at which it arrives. Some 200
    directions are asked.
    """
    return _signed_peaks(ir[:: -(-len(ir) // _ASKED)])[0]


def _signed_peaks(ir: Array) -> tuple[Array, Array]:
    """Polarity (2,) and the lags (M, 2), in steps of the correlation, at which it peaks."""
    lags, ratios = np.empty((2, *ir.shape[:2])), np.empty(ir.shape[:2])
    for some, ratio, at in zip(
        _parts(ir), _parts(ratios), _parts(np.moveaxis(lags, 0, -1)), strict=True
    ):
        correlation = _correlated(some, ir.shape[-1])
        up, down = correlation.max(axis=-1), -correlation.min(axis=-1)
        ratio[:] = np.log(np.maximum(up, 1e-30) / np.maximum(down, 1e-30))
        at[..., 0], at[..., 1] = _peak(correlation), _peak(-correlation)
    clear = np.median(ratios, axis=0)
    if clear.min() > -_TURNED_OVER or clear.max() < _TURNED_OVER:
        clear[:] = clear.mean()  # both ears alike, but for clear signs of the contrary
    sign = np.where(clear < 0.0, -1.0, 1.0)
    return sign, np.where(sign > 0.0, lags[0], lags[1])


def _expected_lags(lags: Array, positions: Array, sample_rate: int) -> tuple[Array, float]:
    """Where lags (M, 2) may be looked for: the middle (M, 2), and how far to each side, seconds.

    A smooth field through many directions. Through few, the ways around a sphere of the mean
    radius, if most of the lags follow it; ITD taken out of a set is not to be put back.
    """
    order = min(_TREND_ORDER, int(np.sqrt(len(lags) / 4.0)) - 1)
    if order >= _LEAST_TREND_ORDER:
        reach = _OUTLIER_SECONDS * sample_rate * _UPSAMPLING
        return smooth_field(lags, positions, order, reach), _OUTLIER_SECONDS
    side = np.stack([positions[:, 1], -positions[:, 1]], axis=1)
    way = path_m(np.inf, side, MEAN_RADIUS_M) / SOUND_SPEED_M_S * sample_rate * _UPSAMPLING
    field = way + np.median(lags - way)
    follows = np.median(np.abs(lags - field)) <= 0.5 * _SPHERE_SECONDS * sample_rate * _UPSAMPLING
    return (field if follows else lags), _SPHERE_SECONDS


def low_frequency_arrival_samples(
    ir: Array, phase_of: Array, arrivals: Array, sample_rate: int
) -> Array:
    """Arrival times (M, 2) that give ``phase_of`` the interaural phase of ``ir`` below 1.5 kHz.

    Minimum phase plus the best broadband delay is 20 to 40 microseconds off at low frequencies,
    where the ear takes its ITD from phase; this is the delay that fits there. The two ears are
    weighted alike and a phase that all responses share (of the loudspeaker, of a high pass) is
    taken out first: both would pass for an ITD else.

    Args:
        ir: (M, 2, N) measured responses.
        phase_of: (M, 2, N') responses that will be delayed, onset at sample 0.
        arrivals: (M, 2) broadband arrival times in samples.
        sample_rate: Hz.
    """
    size = 2 * fft.next_fast_len(max(ir.shape[-1], phase_of.shape[-1]))
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    hz = omega * sample_rate / (2.0 * np.pi)
    band = (hz >= 250.0) & (hz <= 1500.0)
    cross = np.concatenate([
        fft.rfft(some, size)[..., band] * np.conj(fft.rfft(model, size)[..., band])
        for some, model in zip(_parts(ir), _parts(phase_of), strict=True)
    ])  # fmt: skip
    cross *= np.exp(1j * omega[band] * arrivals[..., None])
    level = np.maximum(np.abs(cross), 1e-30)
    cross *= np.exp(-1j * np.angle(np.sum(cross / level, axis=(0, 1))))
    # Between phase (omega squared) and phase delay (none): some ITDs are read from either.
    weight = np.sqrt(np.prod(level, axis=1, keepdims=True) * omega[band])
    delay = -np.sum(weight * np.angle(cross) / omega[band], -1) / np.sum(weight, -1)
    limit = 0.25e-3 * sample_rate
    return arrivals + np.clip(delay, -limit, limit)


def shifted(ir: Array, shift_samples: Array, n_taps: int, out: Array | None = None) -> Array:
    """Responses moved later, by fractions of samples too.

    What moves before the first or behind the last tap is cut. Above ``_FALL_FROM`` of Nyquist the
    magnitude falls off, so that a fractional shift rings for some 40 samples, not for ever.

    Args:
        ir: (M, 2, N) responses.
        shift_samples: (M, 2) samples.
        n_taps: length of the result.
        out: (M, 2, n_taps) to be written, may be ``ir`` itself; None: a new array.

    Returns:
        (M, 2, n_taps), in the precision of ``ir``.
    """
    size = fft.next_fast_len(ir.shape[-1] + n_taps + 128, real=True)
    bins = np.arange(size // 2 + 1)
    edge = np.clip((bins / (size / 2) - _FALL_FROM) / (1.0 - _FALL_FROM), 0.0, 1.0)
    fall = (np.cos(edge * np.pi / 2) ** 2).astype(ir.dtype)
    if out is None:
        out = np.empty((*ir.shape[:2], n_taps), dtype=ir.dtype)
    for some, shift, moved in zip(_parts(ir), _parts(shift_samples), _parts(out), strict=True):
        turn = polar(fall, (-2.0 * np.pi / size * shift[..., None] * bins).astype(ir.dtype))
        moved[:] = fft.irfft(fft.rfft(some, size) * turn, size)[..., :n_taps]
    return out


def smooth_field(values: Array, positions: Array, order: int, reach: float) -> Array:
    """A robust low-order field through values: polynomials in x, y, z.

    On the unit sphere these span the spherical harmonics of that order.

    Args:
        values: (M, E).
        positions: (M, 3) unit vectors.
        order: of the polynomials.
        reach: values that are further from the field lose their weight (Cauchy), in 12 rounds.

    Returns:
        (M, E).
    """
    x, y, z = positions.T
    powers = [(i, j, k) for i in range(order + 1) for j in range(order + 1 - i) for k in (0, 1)]
    design = np.stack([x**i * y**j * z**k for i, j, k in powers if i + j + k <= order], axis=1)
    fitted = np.empty_like(values)
    for ear in range(values.shape[1]):
        weight = np.ones(len(values))
        for _ in range(12):
            gram = design.T @ (design * weight[:, None]) + 1e-6 * np.eye(design.shape[1])
            solution = np.linalg.solve(gram, design.T @ (weight * values[:, ear]))
            fitted[:, ear] = design @ solution
            weight = 1.0 / (1.0 + ((values[:, ear] - fitted[:, ear]) / (0.5 * reach)) ** 2)
    return fitted


def _correlated(ir: Array, n_taps: int) -> NDArray[np.float32]:
    """Correlation of responses with their minimum phase, upsampled, from -_GUARD_SAMPLES on.

    In float32: its peaks are as sure to a thousandth of a sample.
    """
    ir = ir.astype(np.float32)
    size = fft.next_fast_len(4 * n_taps, real=True)
    size += size % 2
    reference = minimum_phase(floored_magnitude(ir, size), n_taps)
    spectrum = fft.rfft(ir, size) * np.conj(fft.rfft(reference, size))
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) * _GUARD_SAMPLES / size)
    fine = fft.irfft(spectrum * turn.astype(np.complex64), size * _UPSAMPLING)
    return fine[..., : (n_taps + _GUARD_SAMPLES) * _UPSAMPLING]


def _peak(correlation: NDArray, allowed: NDArray[np.bool_] | None = None) -> Array:
    """Peak positions (M, 2) in steps of the axis, refined by a parabola."""
    masked = correlation if allowed is None else np.where(allowed, correlation, -np.inf)
    top = np.clip(masked.argmax(axis=-1), 1, correlation.shape[-1] - 2)[..., None]
    before, peak, after = (
        np.take_along_axis(correlation, top + step, -1)[..., 0] for step in (-1, 0, 1)
    )
    bend = before - 2.0 * peak + after
    flat = np.abs(bend) < 1e-30
    offset = np.where(flat, 0.0, 0.5 * (before - after) / np.where(flat, 1.0, bend))
    return top[..., 0] + np.clip(offset, -1.0, 1.0)
