"""The near field: what changes at the ears when a source comes near, as a table of filters.

The far-field set is read, for each ear, at the direction in which that ear sees the source
(parallax); what a rigid sphere changes between there and the near source (the distance-variation
function, near over far) becomes a gain and two shelves; delays are corrected by the difference of
the paths around the sphere. All three follow from the distance and from the angle to the ear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S, path_m, sphere_response
from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import from_analogue

# Three constants of a head that is no sphere, chosen on a dummy head at 0.25 m (docs/distance.md):
# its shadow is that of a larger sphere than its delays,
SHADOW_RADIUS = 1.07
# the ear looks out from within the sphere,
PARALLAX_RADIUS = 0.75
# and a near source makes no brighter spot behind the head than it makes this far from there.
SPOT_DEG = 150.0
_SPOT_BEGIN_KA, _SPOT_FULL_KA = 2.5, 6.0
_SPOT_NEAR_M = 0.25

FADE_COSINE = 0.2  # the far ear does not see the source: parallax fades out across its horizon
NEAREST_RADII = 1.3  # of the sphere of the shadow; nearer sources are heard as from there
LEAST_RADII = 4.0  # of a set's distance; nearer ones are a near field themselves
LARGEST_DELAY_SECONDS = 0.15e-3  # that parallax adds at the most
_ANGLES, _DISTANCES = 46, 20
_SHELF_HZ = np.array([700.0, 3500.0])


@dataclass(frozen=True, eq=False)
class NearFieldTable:
    """Gain and shelves over (angle to the ear, 1 / distance), for one set and sample rate.

    Attributes:
        coefficients: (A, D, 5) second-order filters, all stable and near each other, so that they
            may be blended; angles 0 to 180 degrees, evenly; inverse distances evenly from
            ``1 / reference_m`` (where all passes) to ``1 / nearest_m``.
        reference_m: distance at which the set was measured.
        nearest_m: least distance.
        head_radius_m: of the sphere that gives the delays.
    """

    coefficients: Array
    reference_m: float
    nearest_m: float
    head_radius_m: float


def near_field_table(reference_m: float, head_radius_m: float, sample_rate: int) -> NearFieldTable:
    """The near-field table of a set.

    Args:
        reference_m: distance at which the set was measured, in metres.
        head_radius_m: radius of the head, in metres.
        sample_rate: Hz.

    Raises:
        AuricleError: the set was measured nearer than four radii: it is a near field itself.

    Sources: Kan, Jin and van Schaik 2009, JASA 125:2233 (distance-variation function); Spagnol,
    Tavazzi and Avanzini 2017, Applied Acoustics 115:61 (as a shelving filter).
    """
    least_m = LEAST_RADII * head_radius_m
    if not reference_m >= least_m:
        raise AuricleError(
            f"the set was measured at {reference_m:g} m, inside the near field of a head of "
            f"{head_radius_m:g} m; near sources need a set from {least_m:.2f} m on"
        )
    nearest = NEAREST_RADII * SHADOW_RADIUS * head_radius_m
    distances = 1.0 / np.linspace(1.0 / reference_m, 1.0 / nearest, _DISTANCES)
    cosines = np.cos(np.linspace(0.0, np.pi, _ANGLES))
    hz = np.geomspace(100.0, min(16000.0, 0.45 * sample_rate), 45)
    wanted = variation_db(distances, cosines[:, None], hz, reference_m, head_radius_m)
    values = fit_shelves(wanted, hz, sample_rate)
    values[:, 0] = 0.0  # poles on zeros: all passes, and blends with its neighbours
    return NearFieldTable(shelves(values, sample_rate), reference_m, nearest, head_radius_m)


def variation_db(
    distance_m: ArrayLike, cosine: ArrayLike, hz: Array, reference_m: float, head_radius_m: float,
    parallax: bool = True, spot: bool = True,
) -> Array:  # fmt: skip
    """Level (..., F) in dB that a far-field response lacks to be that of a near source.

    Args:
        distance_m: (...) of the source; cosine: (...) of its angle to the ear.
        hz: (F,).
        reference_m: distance of the far-field responses.
        head_radius_m: by the ITD.
        parallax: whether the far-field response is read at ``parallax_cosine``.
        spot: whether the bright spot behind the head fades as the source comes near.
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    cosine = np.asarray(cosine, dtype=np.float64)
    radius = SHADOW_RADIUS * head_radius_m
    near = _db(sphere_response(distance, cosine, hz, radius))
    if spot:
        near = near - _lost_spot_db(near, distance, cosine, hz, reference_m, radius)
    seen = parallax_cosine(distance, cosine, reference_m, head_radius_m) if parallax else cosine
    return near - _db(sphere_response(reference_m, seen, hz, radius))


def _lost_spot_db(
    near: Array, distance: Array, cosine: Array, hz: Array, reference_m: float, radius: float
) -> Array:
    edge = np.cos(np.deg2rad(SPOT_DEG))
    beside = _db(sphere_response(distance, edge, hz, radius))
    ka = 2.0 * np.pi * hz * radius / SOUND_SPEED_M_S
    share = _smooth_step((ka - _SPOT_BEGIN_KA) / (_SPOT_FULL_KA - _SPOT_BEGIN_KA))
    nearness = np.minimum(_SPOT_NEAR_M / distance, 1.0) - _SPOT_NEAR_M / reference_m
    lost = np.maximum(near - beside, 0.0) * (cosine < edge)[..., None]
    return lost * share * np.maximum(nearness, 0.0)[..., None]


def parallax_cosine(
    distance_m: Array, cosine: Array, reference_m: float, head_radius_m: float
) -> Array:
    """The direction at which the set is read for an ear, as a cosine of the angle to that ear.

    Args:
        distance_m: (...) of the sources from the middle of the head, in metres.
        cosine: (...) of the angle between source and ear.
        reference_m: distance at which the set was measured, in metres.
        head_radius_m: radius of the head, in metres.

    Returns:
        (...) cosines.
    """
    distance_m, cosine = np.broadcast_arrays(distance_m, cosine)
    sine = np.sqrt(np.maximum(1.0 - cosine * cosine, 0.0))
    along = np.stack([cosine, sine, np.zeros_like(sine)], axis=-1)
    ear = np.broadcast_to([1.0, 0.0, 0.0], along.shape)
    return parallax_directions(along, distance_m, ear, reference_m, head_radius_m)[..., 0]


def parallax_directions(
    directions: Array, distance_m: Array, ears: Array, reference_m: float, head_radius_m: float
) -> Array:
    """Unit vectors (..., 3) at which the set is read: where the ear's line of sight ends.

    The line from the ear through the source meets the sphere on which the set was measured there.
    An ear in the head's shadow does not see the source; its direction stays that of the source.

    Args:
        directions: (..., 3) unit vectors to the source; distance_m: (...).
        ears: (..., 3) unit vectors to the ear.
        reference_m: distance at which the set was measured.
        head_radius_m: by the ITD.

    Source: Romblom and Cook 2008, AES 125 (near-field compensation with parallax).
    """
    ear_m = PARALLAX_RADIUS * head_radius_m * ears
    sight = distance_m[..., None] * directions - ear_m
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    ahead = np.sum(sight * ear_m, axis=-1)
    inside = reference_m**2 - np.sum(ear_m * ear_m, axis=-1)
    end = ear_m + (np.sqrt(ahead * ahead + inside) - ahead)[..., None] * sight
    cosine = np.sum(directions * ears, axis=-1)
    share = _smooth_step((cosine + FADE_COSINE) / (2.0 * FADE_COSINE))[..., None]
    mixed = directions + share * (end / reference_m - directions)
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def delay_correction_m(
    distance_m: Array, cosine: Array, reference_m: float, head_radius_m: float
) -> Array:
    """The way to the ear, less what the set's delay says where the set is read.

    Args:
        distance_m: (...) of the sources from the middle of the head, in metres.
        cosine: (...) of the angle between source and ear.
        reference_m: distance at which the set was measured, in metres.
        head_radius_m: radius of the head, in metres.

    Returns:
        (...) metres, + for a longer way.
    """
    seen = parallax_cosine(distance_m, cosine, reference_m, head_radius_m)
    near = path_m(distance_m, cosine, head_radius_m)
    return near - path_m(reference_m, seen, head_radius_m)


def shelves(values: Array, sample_rate: int) -> Array:
    """Coefficients (..., 5) of a gain and two shelves.

    Args:
        values: (..., 3) natural logarithms of the gain at 0 Hz and of what the lower and the upper
            shelf add above it.
        sample_rate: Hz.
    """
    root = np.exp(0.5 * values[..., 1:])
    zero, pole = root / _shelf_tangents(sample_rate), 1.0 / (root * _shelf_tangents(sample_rate))
    top, bottom = (np.stack([x.sum(-1), x.prod(-1)], axis=-1) for x in (zero, pole))
    return from_analogue(top, bottom, np.exp(values[..., 0]))


def fit_shelves(wanted_db: Array, hz: Array, sample_rate: int, rounds: int = 8) -> Array:
    """The shelves nearest to given magnitudes, by damped Newton steps.

    The shelves' frequencies are fixed, so the parameters are all but linear in the wanted decibels
    and follow smoothly from one angle and distance to the next.

    Args:
        wanted_db: (..., F) dB.
        hz: (F,) frequencies.
        sample_rate: Hz.
        rounds: steps.

    Returns:
        (..., 3) parameters of ``shelves``.
    """
    wanted = np.asarray(wanted_db) * np.log(10.0) / 20.0
    ratio = (np.tan(np.pi * hz / sample_rate) / _shelf_tangents(sample_rate)[:, None]) ** 2
    values = np.zeros((*wanted.shape[:-1], 3))
    for _ in range(rounds):
        rise = ratio * np.exp(values[..., 1:, None])  # (..., 2, F)
        fall = ratio * np.exp(-values[..., 1:, None])
        level = values[..., :1] + 0.5 * np.sum(np.log1p(rise) - np.log1p(fall), axis=-2)
        slope = 0.5 * (rise / (1.0 + rise) + fall / (1.0 + fall))
        slope = np.concatenate([np.ones_like(slope[..., :1, :]), slope], axis=-2)
        gram = slope @ np.swapaxes(slope, -1, -2) + 1e-4 * np.eye(3)
        step = np.linalg.solve(gram, slope @ (wanted - level)[..., None])
        values = values + step[..., 0]
    return values


def _shelf_tangents(sample_rate: int) -> Array:
    return np.tan(np.pi * np.minimum(_SHELF_HZ, 0.4 * sample_rate) / sample_rate)


def _db(response: NDArray[np.complex128]) -> Array:
    return 20.0 * np.log10(np.abs(response))


def _smooth_step(x: ArrayLike) -> Array:
    t = np.clip(x, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
