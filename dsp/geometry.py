"""Directions, angles and rotations in Auricle's conventions, which this module owns.

Frame (SOFA, AES69): right-handed, x front, y left, z up, metres.

Directions: azimuth counter-clockwise seen from above (0 front, +90 left, -90 right, 180 behind),
elevation up (+90 above). Inside Auricle directions are unit vectors; degrees stand only at the
edges, in names that end in ``_deg``. No function takes or gives radians.

Rotations: quaternions ``[w, x, y, z]`` that turn head axes into world axes. Yaw, pitch and roll
are intrinsic z-y-x by the right-hand rule: yaw + turns the head to the left, pitch + bends the nose
down, roll + lifts the left ear. A head turned left by 30 degrees hears a source in front of the
room at azimuth -30.

Ears: ear 0 is the left one. ITD in seconds, positive when the left ear hears later than the right
one, so for a source on the right.

All arrays are float64; leading dimensions broadcast.
"""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError

IDENTITY: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


def unit_vectors(azimuth_deg: ArrayLike, elevation_deg: ArrayLike = 0.0) -> Array:
    """Unit vectors of directions that are given in degrees.

    The eight cardinal azimuths and the poles come out exact, not 6e-17 beside.

    Args:
        azimuth_deg: (...) degrees, counter-clockwise: +90 is left.
        elevation_deg: (...) degrees, + is up; broadcast with the azimuths.

    Returns:
        (..., 3) float64: x front, y left, z up.

    >>> np.allclose(unit_vectors([90.0, -45.0]), [[0.0, 1.0, 0.0], [0.5**0.5, -(0.5**0.5), 0.0]])
    True
    """
    cos_az, sin_az = _cos_sin(azimuth_deg)
    cos_el, sin_el = _cos_sin(elevation_deg)
    parts = np.broadcast_arrays(cos_el * cos_az, cos_el * sin_az, sin_el)
    return np.stack(parts, axis=-1)


def azimuth_elevation_deg(vectors: ArrayLike) -> tuple[Array, Array]:
    """Azimuth and elevation of vectors of any length, in degrees.

    Args:
        vectors: (..., 3); the azimuth of the poles is 0.

    Returns:
        The azimuth (...) in (-180, 180] degrees and the elevation (...) in [-90, 90] degrees.

    >>> azimuth, elevation = azimuth_elevation_deg([0.0, -2.0, 0.0])
    >>> print(azimuth, elevation)
    -90.0 0.0
    """
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    across = np.hypot(x, y)
    azimuth = np.rad2deg(np.arctan2(y, x))
    # Minus zero or rounding would put straight behind at -180, and give the poles an azimuth.
    azimuth = np.where(azimuth <= -180.0, azimuth + 360.0, azimuth)
    azimuth = np.where(across <= 1e-12 * np.abs(z), 0.0, azimuth)
    return azimuth, np.rad2deg(np.arctan2(z, across))


def directions_and_distances(points_m: ArrayLike) -> tuple[Array, Array]:
    """Directions and distances of points, seen from the origin.

    Args:
        points_m: (..., 3) metres.

    Returns:
        Unit vectors (..., 3) and distances (...) in metres; the origin itself lies in front, at 0
        m.

    >>> direction, distance_m = directions_and_distances([0.0, 3.0, 0.0])
    >>> print(direction, distance_m)
    [0. 1. 0.] 3.0
    """
    points = np.asarray(points_m, dtype=np.float64)
    distance = _norm(points)
    front = np.array([1.0, 0.0, 0.0])
    safe = np.where(distance > 0.0, distance, 1.0)[..., None]
    return np.where(distance[..., None] > 0.0, points / safe, front), distance


def angle_deg(a: ArrayLike, b: ArrayLike) -> Array:
    """Great-circle angle between directions.

    By chords: arccos of the scalar product loses half the digits near 0 and 180 degrees.

    Args:
        a: (..., 3) unit vectors.
        b: (..., 3) unit vectors, broadcast with ``a``.

    Returns:
        (...) degrees, 0 to 180.

    >>> print(angle_deg([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]).round(9))
    90.0
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.rad2deg(2.0 * np.arctan2(_norm(a - b), _norm(a + b)))


def quaternion_normalise(q: ArrayLike) -> Array:
    """Quaternions brought to length 1.

    Args:
        q: (..., 4) as [w, x, y, z].

    Returns:
        (..., 4) unit quaternions.

    Raises:
        AuricleError: another shape, or a quaternion that is zero or not finite.

    >>> quaternion_normalise([2.0, 0.0, 0.0, 0.0]).tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    q = np.asarray(q, dtype=np.float64)
    if q.shape[-1:] != (4,):
        raise AuricleError(f"a quaternion is [w, x, y, z], got an array of shape {q.shape}")
    norm = _norm(q)
    if not np.all(np.isfinite(norm) & (norm > 0.0)):
        raise AuricleError("a quaternion is zero or not finite; [1, 0, 0, 0] is no rotation")
    return q / norm[..., None]


def quaternion_multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """The rotation that does ``b`` first and then ``a`` (the Hamilton product).

    Args:
        a: (..., 4) quaternions [w, x, y, z].
        b: (..., 4) quaternions, broadcast with ``a``.

    Returns:
        (..., 4) quaternions.
    """
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=np.float64), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=np.float64), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quaternion_conjugate(q: ArrayLike) -> Array:
    """The reverse rotation (..., 4) of unit quaternions (..., 4)."""
    return np.asarray(q, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: ArrayLike, vectors: ArrayLike) -> Array:
    """Vectors turned from head axes into world axes.

    Args:
        q: (..., 4) unit quaternions [w, x, y, z], head to world.
        vectors: (..., 3) in head axes, broadcast with ``q``.

    Returns:
        (..., 3) in world axes, in the unit of ``vectors``.
    """
    q = np.asarray(q, dtype=np.float64)
    vectors = np.asarray(vectors, dtype=np.float64)
    w, axis = q[..., :1], q[..., 1:]
    twice = 2.0 * np.cross(axis, vectors)
    return vectors + w * twice + np.cross(axis, twice)


def to_head(
    points_m: ArrayLike, orientation: ArrayLike = IDENTITY, position_m: ArrayLike = (0.0, 0.0, 0.0)
) -> Array:
    """World points in the axes of a head.

    Args:
        points_m: (..., 3) metres, world axes.
        orientation: (..., 4) of the head, a unit quaternion [w, x, y, z].
        position_m: (..., 3) of the head, in metres, world axes.

    Returns:
        (..., 3) metres, head axes.

    A head turned to its left has what was ahead on its right:

    >>> to_head([1.0, 0.0, 0.0], quaternion_from_ypr_deg(90.0)).round(9).tolist()
    [0.0, -1.0, 0.0]
    """
    offset = np.asarray(points_m, dtype=np.float64) - np.asarray(position_m, dtype=np.float64)
    return rotate(quaternion_conjugate(orientation), offset)


def quaternion_from_ypr_deg(
    yaw_deg: ArrayLike, pitch_deg: ArrayLike = 0.0, roll_deg: ArrayLike = 0.0
) -> Array:
    """The orientation of a head by its yaw, pitch and roll: intrinsic z-y-x.

    Args:
        yaw_deg: (...) degrees, + turns the head to the left.
        pitch_deg: (...) degrees, + bends the nose down.
        roll_deg: (...) degrees, + lifts the left ear.

    Returns:
        (..., 4) unit quaternions [w, x, y, z], head to world.

    >>> rotate(quaternion_from_ypr_deg(0.0, 90.0), [1.0, 0.0, 0.0]).round(9).tolist()
    [0.0, 0.0, -1.0]
    """
    halves = (np.asarray(angle, dtype=np.float64) / 2.0 for angle in (yaw_deg, pitch_deg, roll_deg))
    (cy, sy), (cp, sp), (cr, sr) = (_cos_sin(half) for half in halves)
    parts = (
        cy * cp * cr + sy * sp * sr,
        cy * cp * sr - sy * sp * cr,
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
    )
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def ypr_deg_from_quaternion(q: ArrayLike) -> tuple[Array, Array, Array]:
    """Yaw, pitch and roll of orientations, in degrees.

    Half sums and differences of yaw and roll (Bernardes and Viollet 2022, PLOS ONE 17:e0276302):
    full precision up to the poles, where the arcsine formula has half the digits.

    Args:
        q: (..., 4) quaternions [w, x, y, z] of any length.

    Returns:
        Yaw (...) and roll (...) in (-180, 180] degrees, pitch (...) in [-90, 90] degrees, in the
        order yaw, pitch, roll. Where the nose points straight up or down, the roll is 0.

    Raises:
        AuricleError: a quaternion that is zero or not finite.
    """
    w, x, y, z = np.moveaxis(quaternion_normalise(q), -1, 0)
    up, down = np.hypot(w + y, z - x), np.hypot(w - y, z + x)
    half_difference, half_sum = np.arctan2(z - x, w + y), np.arctan2(z + x, w - y)
    half_sum = np.where(down < 1e-12, half_difference, half_sum)
    half_difference = np.where(up < 1e-12, half_sum, half_difference)
    pitch = 2.0 * np.rad2deg(np.arctan2(up, down)) - 90.0
    yaw, roll = half_sum + half_difference, half_sum - half_difference
    return _wrapped(np.rad2deg(yaw)), pitch, _wrapped(np.rad2deg(roll))


def slerp(a: ArrayLike, b: ArrayLike, fraction: ArrayLike) -> Array:
    """Orientations on the shorter way from one to another, at constant speed.

    Args:
        a: (..., 4) unit quaternions, reached at fraction 0.
        b: (..., 4) unit quaternions, reached at fraction 1.
        fraction: (...) from 0 to 1.

    Returns:
        (..., 4) unit quaternions.

    >>> half = slerp([1.0, 0.0, 0.0, 0.0], quaternion_from_ypr_deg(90.0), 0.5)
    >>> print(ypr_deg_from_quaternion(half)[0].round(9))
    45.0
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    fraction = np.asarray(fraction, dtype=np.float64)[..., None]
    b = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0.0, -b, b)
    angle = 2.0 * np.arctan2(_norm(a - b), _norm(a + b))[..., None]
    near = angle < 1e-6  # sin(t angle) / sin(angle) is t there to 1e-13
    sine = np.sin(np.where(near, 1.0, angle))
    before = np.where(near, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / sine)
    after = np.where(near, fraction, np.sin(fraction * angle) / sine)
    return quaternion_normalise(before * a + after * b)


def _cos_sin(angle_deg: ArrayLike) -> tuple[Array, Array]:
    """Cosine and sine of degrees, exact at multiples of 90."""
    angle = np.asarray(angle_deg, dtype=np.float64)
    quarter = np.round(angle / 90.0)
    rest = np.deg2rad(angle - 90.0 * quarter)
    cosine, sine = np.cos(rest), np.sin(rest)
    turn = np.mod(quarter, 4.0)
    cos_out = np.select([turn == 0, turn == 1, turn == 2], [cosine, -sine, -cosine], sine)
    sin_out = np.select([turn == 0, turn == 1, turn == 2], [sine, cosine, -sine], -cosine)
    return cos_out, sin_out


def _wrapped(angle: Array) -> Array:
    """Degrees in (-180, 180]."""
    wrapped = 180.0 - np.mod(180.0 - angle, 360.0)
    return np.where(wrapped <= -180.0, 180.0, wrapped)  # mod rounds -1e-30 up to 360


def _norm(vectors: Array) -> Array:
    return np.sqrt(np.sum(vectors * vectors, axis=-1))
