"""Grids of directions: how dense they are, where they have holes, and even ones."""

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors

HOLE_PROBES = 4000  # points of a spiral, about 3 degrees apart


def plane_normal(positions: Array) -> Array | None:
    """Normal (3,) of the one plane that holds all directions, else None."""
    centred = positions - positions.mean(axis=0)
    spread, axes = np.linalg.eigh(centred.T @ centred)
    return axes[:, 0] if spread[0] <= 1e-8 * spread[2] else None


def spacing_deg(positions: Array) -> Array:
    """Angle to the nearest other direction, of each distinct direction."""
    distinct = _distinct(positions)
    if len(distinct) < 2:
        return np.full(len(distinct), 180.0)
    return _chord_deg(cKDTree(distinct).query(distinct, k=2)[0][:, 1])


def largest_hole(positions: Array) -> tuple[float, float, float]:
    """Radius of the largest cap without a direction, and the azimuth and elevation of its middle.

    In degrees, to about 2; of holes that are equal to that, one about a pole is named.
    """
    probes = _probes()
    radius = _chord_deg(cKDTree(positions).query(probes)[0])
    middle = int(np.flatnonzero(radius >= radius.max() - 2.0)[0])
    middle = middle if middle < 2 else int(np.argmax(radius))
    azimuth, elevation = azimuth_elevation_deg(probes[middle])
    return float(radius[middle]), float(azimuth), float(elevation)


def reach_deg(positions: Array) -> float:
    """Angle within which a direction stands for its surroundings: the gaps of the grid, not holes.

    Rings of elevation may be farther apart than the directions on them, so the spacing to the
    nearest neighbour is not enough; up to a fifth of the sphere may lie in holes.
    """
    if plane_normal(positions) is not None:
        return max(3.0, 0.75 * float(np.median(spacing_deg(positions))))
    to_grid = _chord_deg(cKDTree(positions).query(_probes())[0])
    return float(np.clip(1.4 * np.quantile(to_grid, 0.8), 3.0, 15.0))


def coarseness_deg(positions: Array) -> float:
    """Angle to the nearest direction within which most of the sphere lies, or of its one plane.

    Most is 60 of 100 points, so that what nobody measures, below, does not count.
    """
    if len(positions) < 3:
        return 180.0
    normal = plane_normal(positions)
    if normal is None:
        return float(np.quantile(_chord_deg(cKDTree(positions).query(_probes())[0]), 0.6))
    first = positions[0] - (positions[0] @ normal) * normal
    first /= max(float(np.linalg.norm(first)), 1e-9)
    around = np.deg2rad(np.arange(0.0, 360.0, 1.0))[:, None]
    probes = np.cos(around) * first + np.sin(around) * np.cross(normal, first)
    return float(np.quantile(_chord_deg(cKDTree(positions).query(probes)[0]), 0.6))


def _probes() -> Array:
    """Both poles and a spiral (Saff and Kuijlaars 1997) of points about 3 degrees apart."""
    k = np.arange(HOLE_PROBES) + 0.5
    golden_deg = 180.0 * (1.0 + np.sqrt(5.0))
    height_deg = np.rad2deg(np.arcsin(1.0 - 2.0 * k / HOLE_PROBES))
    spiral = unit_vectors(golden_deg * k, height_deg)
    return np.concatenate([[[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]], spiral])


def _distinct(positions: Array) -> Array:
    return np.unique(np.round(positions, 6) + 0.0, axis=0)


def _chord_deg(chord: Array) -> Array:
    return np.rad2deg(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))


def fibonacci_sphere(count: int) -> Array:
    """Unit vectors (count, 3), nearly evenly spread (Swinbank and Purser 2006)."""
    k = np.arange(count) + 0.5
    z = 1.0 - 2.0 * k / count
    turn = np.pi * (1.0 + np.sqrt(5.0)) * k
    across = np.sqrt(1.0 - z * z)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)


def chords(a: Array, b: Array) -> Array:
    """Distances (Q, M) between unit vectors; equal ones are 0 up to 1e-8."""
    found = a @ b.T
    np.subtract(1.0, found, out=found)
    np.maximum(found, 0.0, out=found)
    found *= 2.0
    return np.asarray(np.sqrt(found, out=found))
