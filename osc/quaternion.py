"""Quaternions (w, x, y, z) as tuples, in plain Python: a pose at a time is too few for NumPy."""

import math
from typing import TypeAlias

from auricle.osc.errors import BadArgumentsError

SHORTEST_QUATERNION = 1e-3

Vector: TypeAlias = tuple[float, float, float]
Quaternion: TypeAlias = tuple[float, float, float, float]


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """The rotation that does ``b`` first and then ``a``."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(q: Quaternion) -> Quaternion:
    """The reverse rotation."""
    return (q[0], -q[1], -q[2], -q[3])


def rotation_vector(q: Quaternion) -> Vector:
    """Axis times angle in radians, the short way round: q and -q are one rotation."""
    w, x, y, z = q if q[0] >= 0.0 else (-q[0], -q[1], -q[2], -q[3])
    half_sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(half_sine, w) / half_sine if half_sine > 1e-12 else 2.0
    return (scale * x, scale * y, scale * z)


def from_rotation_vector(vector: Vector) -> Quaternion:
    """The unit quaternion of axis times angle in radians."""
    angle = math.hypot(*vector)
    scale = math.sin(angle / 2.0) / angle if angle > 1e-12 else 0.5
    return (math.cos(angle / 2.0), scale * vector[0], scale * vector[1], scale * vector[2])


def from_ypr_deg(yaw: float, pitch: float, roll: float) -> Quaternion:
    """The unit quaternion of a head's angles, as ``quaternion_from_ypr_deg`` of geometry.

    Args:
        yaw: degrees, + is left.
        pitch: degrees, + is nose down.
        roll: degrees, + is left ear up.
    """
    a, b, c = math.radians(yaw) / 2.0, math.radians(pitch) / 2.0, math.radians(roll) / 2.0
    ca, sa, cb, sb = math.cos(a), math.sin(a), math.cos(b), math.sin(b)
    cc, sc = math.cos(c), math.sin(c)
    return (
        ca * cb * cc + sa * sb * sc,
        ca * cb * sc - sa * sb * cc,
        ca * sb * cc + sa * cb * sc,
        sa * cb * cc - ca * sb * sc,
    )


def unit_quaternion(w: float, x: float, y: float, z: float) -> Quaternion:
    """A quaternion brought to length 1.

    Args:
        w: the scalar part.
        x: the first of the vector part.
        y: the second.
        z: the third.

    Raises:
        BadArgumentsError: a quaternion of no length.
    """
    length = (w * w + x * x + y * y + z * z) ** 0.5
    if length < SHORTEST_QUATERNION:
        raise BadArgumentsError("a quaternion of no length is no orientation")
    return (w / length, x / length, y / length, z / length)
