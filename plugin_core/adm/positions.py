"""ADM's Cartesian coordinates, which are those of a room, as directions around the listener.

ITU-R BS.2127, section 10: the walls of a square room become arcs. The middle of the front stays at
azimuth 0, its corners go to +-30 degrees, those of the back to +-110, and a place on the wall goes
between the two of its wall as if it were panned there with constant power. Places half-way up the
walls' height of 1 at their distance (45 degrees) go to 30 degrees of elevation.
"""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array

_FRONT_DEG, _BACK_DEG = 30.0, 110.0  # where the corners go
_WALL_TOP_DEG, _TOP_DEG = 45.0, 30.0  # elevation in the room, and where it goes
_NOTHING = 1e-10


def polar_from_room(xyz: ArrayLike) -> Array:
    """Azimuth (deg, + left), elevation (deg) and distance (J, 3) of X right, Y front, Z up (J, 3).

    The origin is in front, at distance 0.
    """
    x, y, z = np.moveaxis(np.asarray(xyz, dtype=np.float64), -1, 0)
    level = np.maximum(np.abs(x), np.abs(y))  # distance of the walls
    central = level < _NOTHING
    level = np.where(central, 1.0, level)
    azimuth = -np.copysign(_azimuth_deg(np.abs(x) / level, y / level), x)
    room_deg = np.degrees(np.arctan(np.abs(z) / level))
    high = room_deg > _WALL_TOP_DEG
    share = (room_deg - _WALL_TOP_DEG) / (90.0 - _WALL_TOP_DEG)
    elevation = np.where(
        high, _TOP_DEG + share * (90.0 - _TOP_DEG), room_deg * (_TOP_DEG / _WALL_TOP_DEG)
    )
    elevation = np.where(central, np.where(np.abs(z) < _NOTHING, 0.0, 90.0), elevation)
    distance = np.where(high | central, np.abs(z), level)
    azimuth = np.where(central, 0.0, azimuth)
    return np.stack([azimuth, np.copysign(elevation, z), distance], axis=-1)


def _azimuth_deg(x: Array, y: Array) -> Array:
    """Azimuth to the right, 0 to 180, of places on the walls of the right half (J,)."""
    front, back = y >= 1.0, y <= -1.0
    panned = np.where(front, x, np.where(back, (1.0 - x) / 2.0, (1.0 - y) / 2.0))
    left = np.where(front, 0.0, np.where(back, _BACK_DEG, _FRONT_DEG))
    right = np.where(front, _FRONT_DEG, np.where(back, 360.0 - _BACK_DEG, _BACK_DEG))
    half = np.radians((right - left) / 2.0)
    gain_left, gain_right = np.cos(panned * np.pi / 2.0), np.sin(panned * np.pi / 2.0)
    off_centre = 2.0 * gain_right / (gain_left + gain_right) - 1.0
    azimuth = (left + right) / 2.0 + np.degrees(np.arctan(off_centre * np.tan(half)))
    return np.asarray(azimuth)


def width_deg_from_room(polar: ArrayLike, sizes: ArrayLike) -> Array:
    """Widths (J,) in degrees of sources that have a size in the room (BS.2127, 10.3).

    Args:
        polar: (J, 3) their places, from ``polar_from_room``.
        sizes: (J, 3) along X, Y and Z; 1 is from the middle of the room to its wall.
    """
    azimuth, elevation, _ = np.radians(np.moveaxis(np.asarray(polar, dtype=np.float64), -1, 0))
    size_x, size_y, size_z = np.clip(np.moveaxis(np.asarray(sizes, dtype=np.float64), -1, 0), 0, 1)
    # The room's axes seen from the listener, who faces the source: across, and away.
    across = np.hypot(size_x * np.cos(azimuth), size_y * np.sin(azimuth))
    away = np.sqrt(
        (size_x * np.sin(azimuth) * np.cos(elevation)) ** 2
        + (size_y * np.cos(azimuth) * np.cos(elevation)) ** 2
        + (size_z * np.sin(elevation)) ** 2
    )
    across, away = np.minimum(across, 1.0), np.minimum(away, 1.0)
    by_across = 2.0 * np.degrees(np.arcsin(across))
    by_away = 2.0 * np.degrees(np.arccos(1.0 - 2.0 * away))
    return np.asarray(by_across + across * np.maximum(by_away - by_across, 0.0))
