"""A listener that the code computes: a spherical head with reflections at pinna and shoulders.

Nobody was measured for it, and it has a response in every direction exactly, which benchmarks and
tests need. Sides and distances between the ears are those of a large head, up and down are hinted
at by a notch that rises with the source, front and back by the shadow of the pinna.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import spherical_jn, spherical_yn

from auricle.dsp.arrays import Array, Complex
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet

NAME = "computed spherical head with pinna reflections (not a measured person)"

SOUND_SPEED_M_S = 343.0
HEAD_RADIUS_M = 0.09
SOURCE_DISTANCE_M = 1.5
EAR_AZIMUTH_DEG, EAR_ELEVATION_DEG = 100.0, -5.0  # Duda and Martens: ears sit behind the middle

_RING_STEP_DEG = 7.5
_EQUATOR_DIRECTIONS = 48
_SECONDS = 256 / 48000  # length of the responses
_CENTRE_SECONDS = 1.2e-3  # when sound passes the middle of the head: leaves silence before onsets


@lru_cache(maxsize=4)
def computed_hrtf(sample_rate: int = 48000) -> HrtfSet:
    """The computed set: 734 directions over the whole sphere, 256 taps at 48 kHz, symmetric.

    Args:
        sample_rate: Hz; the responses are computed at this rate, 5.3 ms long.

    Sources: Duda and Martens 1998, JASA 104:3048, eq. 5 and appendix A (sphere); Brown and Duda
    1998, IEEE Trans. Speech Audio Proc. 6:476 (reflections as echoes whose delay depends on the
    direction); Satarzadeh, Algazi and Duda 2007, AES 122 (the concha's echo is negative).
    """
    positions, mirrored = symmetric_grid()
    left = _left_ear(positions, sample_rate)
    ir = np.stack([left, left[mirrored]], axis=1)
    return HrtfSet(
        ir, positions, sample_rate=sample_rate, radius_m=SOURCE_DISTANCE_M, name=NAME, license="MIT"
    )


def computed_responses(positions: Array, sample_rate: int = 48000) -> Array:
    """Responses (M, 2, N) of the same listener at any directions (M, 3), 5.3 ms long."""
    left = _left_ear(positions, sample_rate)
    return np.stack([left, _left_ear(positions * np.array([1.0, -1.0, 1.0]), sample_rate)], axis=1)


def _left_ear(positions: Array, sample_rate: int) -> Array:
    """Responses (M, N) of the left ear."""
    size = 2 * round(_SECONDS * sample_rate)
    hz = np.linspace(0.0, sample_rate / 2, size // 2 + 1)
    ear = unit_vectors(EAR_AZIMUTH_DEG, EAR_ELEVATION_DEG)
    response = _sphere(positions @ ear, hz) * _pinna(positions, hz) * _shoulder(positions, hz)
    response *= np.exp(-2j * np.pi * hz * _CENTRE_SECONDS) * _band_limit(hz)
    left = np.fft.irfft(response, size)[:, : size // 2]
    fade = size // 16
    left[:, -fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2
    return left


def symmetric_grid() -> tuple[Array, NDArray[np.int64]]:
    """Directions (M, 3) in rings about 7.5 degrees apart, and the index of each one's mirror."""
    azimuths, elevations = [], []
    for elevation in np.arange(-90.0, 90.1, _RING_STEP_DEG):
        half = max(round(_EQUATOR_DIRECTIONS / 2 * np.cos(np.deg2rad(elevation))), 0)
        ring = np.arange(1 - half, half + 1) * (180.0 / half) if half else np.zeros(1)
        azimuths.append(ring)
        elevations.append(np.full(len(ring), elevation))
    azimuth, elevation = np.concatenate(azimuths), np.concatenate(elevations)
    place = {(round(a, 6), e): i for i, (a, e) in enumerate(zip(azimuth, elevation, strict=True))}
    mirror = [
        place[round(-a if a < 180.0 else a, 6), e] for a, e in zip(azimuth, elevation, strict=True)
    ]
    return unit_vectors(azimuth, elevation), np.array(mirror)


def _sphere(cosine: Array, hz: Array) -> Complex:
    """Pressure (M, F) at a point of a rigid sphere over that at its middle without the sphere.

    Args:
        cosine: (M,) of the angle between source and ear.
        hz: (F,).
    """
    terms, factor = _series(tuple(hz.tolist()))
    sums = np.polynomial.legendre.legval(cosine, terms)  # (F, M)
    pressure = factor * sums.T
    pressure[:, hz == 0.0] = pressure[:, hz == 0.0].real
    return np.conj(pressure)  # physicists count time the other way


@lru_cache(maxsize=4)
def _series(frequencies_hz: tuple[float, ...]) -> tuple[Complex, Complex]:
    """Of the sphere's pressure: coefficients (orders, F) of the Legendre series, a factor (F,)."""
    hz = np.array(frequencies_hz)
    radii = SOURCE_DISTANCE_M / HEAD_RADIUS_M
    # The series has a limit, not a value, at 0 Hz.
    mu = 2 * np.pi * np.maximum(hz, 1.0) * HEAD_RADIUS_M / SOUND_SPEED_M_S
    orders = np.arange(int(mu[-1] * 1.2) + 30)
    with np.errstate(all="ignore"):  # high orders at low frequencies overflow; their share is none
        outer = _hankel(orders, mu * radii)
        slope = _hankel(orders, mu, derivative=True)
        terms = (2 * orders[:, None] + 1) * outer / slope
    terms[~np.isfinite(terms)] = 0.0
    return terms, -(radii / mu) * np.exp(-1j * mu * radii)


def _hankel(orders: NDArray[np.int64], x: Array, *, derivative: bool = False) -> Complex:
    n = orders[:, None]
    return spherical_jn(n, x, derivative) + 1j * spherical_yn(n, x, derivative)


def _pinna(positions: Array, hz: Array) -> Complex:
    """The left pinna: a notch that rises from 6 to 11 kHz with the source, a shadow behind."""
    x, _, z = positions.T[..., None]
    front = 0.5 + 0.5 * x
    echo_hz = (
        7000.0 + 2300.0 * z + 700.0 * z**2
    )  # its notch comes 8 % higher: the high pass turns it
    concha = (0.25 + 0.4 * front) * _echo(1.0 / echo_hz, hz)
    rim = 0.15 * _echo(2.2 / echo_hz, hz)
    # A shelf: 0 dB at low frequencies, -9 dB above 5 kHz for sources behind.
    drop = 10.0 ** (-9.0 / 20.0 * (1.0 - front) ** 1.5)
    shadow = (1 + 1j * hz / 3000.0 * drop) / (1 + 1j * hz / 3000.0)
    above = _high_pass(hz, 2500.0)  # the pinna is too small for longer waves
    return (1.0 + above * (rim - concha)) * shadow


def _shoulder(positions: Array, hz: Array) -> Complex:
    """An echo from the shoulder: latest from above, gone below the horizon."""
    z = positions[:, 2:]
    gain = 0.18 * np.clip(0.5 + 0.8 * z, 0.0, 1.0) ** 2
    delay_seconds = 0.35e-3 + 0.5e-3 * np.clip(z, -0.5, 1.0)
    low = 1.0 / (1.0 + 1j * hz / 3000.0)
    return 1.0 + gain * low * _high_pass(hz, 300.0) * _echo(delay_seconds, hz)


def _echo(delay_seconds: Array, hz: Array) -> Complex:
    return np.exp(-2j * np.pi * hz * delay_seconds)


def _high_pass(hz: Array, edge_hz: float) -> Complex:
    ratio = 1j * hz / edge_hz
    return ratio / (1.0 + ratio)


def _band_limit(hz: Array) -> Array:
    """1 below, 0 at half the sample rate: an abrupt end would ring before the onset."""
    top = hz[-1]
    position = np.clip((hz / top - 0.82) / 0.18, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * position)
