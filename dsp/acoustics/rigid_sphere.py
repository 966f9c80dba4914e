"""A point source near a rigid sphere: exact pressure at an ear, and the paths that sound takes.

The slow reference of everything that has to do with distance. ``cosine`` is always that of the
angle between the source and the ear, seen from the middle of the head; time runs as exp(+jwt).
"""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array, Complex
from auricle.dsp.errors import AuricleError

SOUND_SPEED_M_S = 343.0
MEAN_RADIUS_M = 0.0875  # of heads
MAX_TERMS = 2000
_AT_REST = 1e-9  # of the wave number times the radius: what is below is the response at 0 Hz


def sphere_response(
    distance_m: ArrayLike, cosine: ArrayLike, hz: ArrayLike, head_radius_m: float,
    sound_speed_m_s: float = SOUND_SPEED_M_S,
) -> Complex:  # fmt: skip
    """Pressure (..., F) on a rigid sphere over that at its middle if it were not there.

    So the 1/r law is taken out: the response tends to that of a plane wave as the distance grows.

    Args:
        distance_m: (...) of the source from the middle, beyond the radius; inf is a plane wave.
        cosine: (...) of the angle between source and ear; broadcasts with ``distance_m``.
        hz: (F,) frequencies, 0 allowed.
        head_radius_m: of the sphere.
        sound_speed_m_s: metres a second.

    Raises AuricleError for a source inside the sphere.

    Source: Duda and Martens 1998, JASA 104:3048, eq. 5 (point source), 12 (plane wave). The series
    is summed by ratios of Hankel functions, which neither overflow nor cancel.
    """
    # Never broadcast against each other before the sum: the terms of a distance hold at all angles.
    distance = np.asarray(distance_m, dtype=np.float64)
    nearest = float(distance.min(initial=np.inf))
    if not nearest >= 1.001 * head_radius_m:
        raise AuricleError(
            f"a source {nearest:g} m from the middle is inside a head of {head_radius_m:g} m; "
            "move it further away"
        )
    mu = 2.0 * np.pi * np.asarray(hz, dtype=np.float64) * head_radius_m / sound_speed_m_s
    at_rest = mu < _AT_REST
    mu = np.where(at_rest, 1.0, mu)
    rho = distance[..., None] / head_radius_m
    x = np.clip(np.asarray(cosine, dtype=np.float64), -1.0, 1.0)[..., None]
    wave = 1.0 - 1j * mu  # mu times the ratio h1(mu) / h0(mu)
    here, there = wave / mu, np.where(np.isinf(rho), 0.0, 1.0 / (mu * rho)) - 1j
    weight: Complex = np.ones(np.broadcast_shapes(rho.shape, mu.shape), dtype=np.complex128)
    total = -weight / here
    total_rest = np.ones(rho.shape)
    fall = np.ones(rho.shape)
    before, legendre = np.ones(x.shape), x
    for m in range(1, _terms(float(mu.max(initial=1.0)), nearest / head_radius_m)):
        # weight: h_m(mu rho) / h_m(mu), scaled to 1 at m = 0; here, there: h_m / h_(m-1).
        weight = weight * (there / here)
        total = total + (2 * m + 1) * legendre * weight / (1.0 / here - (m + 1) / mu)
        fall = fall / rho
        total_rest = total_rest + (2 * m + 1) / (m + 1) * legendre * fall
        here = (2 * m + 1) / mu - 1.0 / here
        there = np.where(np.isinf(rho), 0.0, (2 * m + 1) / (mu * rho)) - 1.0 / there
        before, legendre = legendre, ((2 * m + 1) * x * legendre - m * before) / (m + 1)
    pressure = np.conj(-total / mu * np.exp(-1j * mu))
    return np.where(at_rest, total_rest, pressure)


def _terms(mu: float, rho: float) -> int:
    """Terms until what is left is below 1e-12: beyond mu they fall as rho**-m."""
    past = 28.0 / np.log(rho) if np.isfinite(rho) else 0.0
    return min(int(1.3 * mu + 30.0 + past), MAX_TERMS)


def path_m(distance_m: ArrayLike, cosine: ArrayLike, head_radius_m: float) -> Array:
    """The way (...) in metres from a source to an ear, less that to the middle of the head.

    Straight where the ear sees the source, else along the tangent and around the sphere; negative
    on the near side.

    Args:
        distance_m: (...) from the middle; inf for a plane wave.
        cosine: (...) of the angle between source and ear.
        head_radius_m: of the sphere.

    Source: Woodworth and Schlosberg 1962, with the near-field form of Brungart and Rabinowitz
    1999, JASA 106:1465.
    """
    distance, cosine = np.broadcast_arrays(
        np.asarray(distance_m, dtype=np.float64), np.clip(cosine, -1.0, 1.0)
    )
    a = head_radius_m
    far = np.isinf(distance)
    r = np.where(far, 2.0 * a, np.maximum(distance, a))
    # As differences of squares: 1 km away, r - sqrt(...) would lose six digits.
    straight_m = (a * a - 2.0 * a * r * cosine) / (
        np.sqrt(np.maximum(r * r + a * a - 2.0 * a * r * cosine, 0.0)) + r
    )
    horizon = np.arccos(np.clip(a / r, -1.0, 1.0))
    tangent_m = -a * a / (np.sqrt(r * r - a * a) + r)
    angle = np.arccos(cosine)
    around_m = tangent_m + a * (angle - horizon)
    seen = angle <= horizon
    plane_m = np.where(cosine >= 0.0, -a * cosine, a * (angle - np.pi / 2.0))
    return np.where(far, plane_m, np.where(seen, straight_m, around_m))
