"""A closed triangulation of any measured grid: the field over which gains and delays interpolate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from auricle.dsp.errors import HrtfError

Array = NDArray[np.float64]

MIN_DIRECTIONS = 4
_SAME_DEG = 0.02  # closer directions are one direction measured twice
_HOLE_DEG = 20.0
_BLEND_NEIGHBOURS = 12


@dataclass(frozen=True)
class SphereMesh:
    """Triangles over unit vectors, closed: every direction lies in one of them.

    Attributes:
        vertices: (V, 3) unit vectors: the measured ones, then those added to close holes.
        triangles: (T, 3) int32 vertices, counter-clockwise seen from outside.
        neighbours: (T, 3) int32 triangles across from each vertex.
        inverse: (T, 3, 3) direction to weights: ``w = inverse[t] @ direction``, all >= 0 inside.
        measured: (V - A,) rows of the measured set that the first vertices stand for.
        blend_rows: (A, k) rows of the measured set that make each added vertex.
        blend_weights: (A, k) their shares; each row sums to 1.
    """

    vertices: Array
    triangles: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    inverse: Array
    measured: NDArray[np.int64]
    blend_rows: NDArray[np.int64]
    blend_weights: Array

    def fill(self, values: Array) -> Array:
        """Values (V, ...) of all vertices from those (M, ...) of the measured directions."""
        added = np.einsum("ak,ak...->a...", self.blend_weights, values[self.blend_rows])
        return np.concatenate([values[self.measured], added])


def triangulate(positions: Array) -> SphereMesh:
    """The mesh over measured directions (M, 3): a Delaunay triangulation of the sphere.

    Directions measured twice count once. Where the nearest measured direction is more than 20
    degrees off (below, above a circle) vertices are added whose values blend the nearest measured
    ones by the inverse third power of the angle, so the field goes on smoothly and ends nowhere.

    Raises:
        HrtfError: fewer than 4 different directions.
    """
    measured = _distinct(positions)
    if len(measured) < MIN_DIRECTIONS:
        raise HrtfError(
            f"the set has {len(measured)} different directions, but a field over the sphere needs "
            f"at least {MIN_DIRECTIONS}; measure more"
        )
    known = positions[measured]
    added = _fill_points(known)
    rows, weights = _blends(known, added)
    vertices = np.concatenate([known, added])
    triangles, neighbours = _hull(vertices)
    corners = vertices[triangles]  # (T, 3 vertices, 3 axes)
    inverse = np.linalg.inv(np.swapaxes(corners, 1, 2))
    return SphereMesh(
        vertices, triangles, neighbours, inverse, measured, measured[rows], weights
    )


def _distinct(positions: Array) -> NDArray[np.int64]:
    pairs = cKDTree(positions).query_pairs(np.deg2rad(_SAME_DEG), output_type="ndarray")
    repeated = np.unique(pairs.max(axis=1)) if len(pairs) else np.empty(0, dtype=np.int64)
    return np.setdiff1d(np.arange(len(positions)), repeated)


def _fill_points(known: Array) -> Array:
    """Directions far from all measured ones, at least 15 degrees from each other."""
    n = 1500
    z = 1.0 - (2.0 * np.arange(n) + 1.0) / n
    azimuth = np.pi * (1.0 + 5.0**0.5) * np.arange(n)
    across = np.sqrt(1.0 - z * z)
    sphere = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=1)
    poles = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    candidates = np.concatenate([poles, sphere])
    chord = 2.0 * np.sin(np.deg2rad(_HOLE_DEG) / 2.0)
    distance = cKDTree(known).query(candidates)[0]
    chosen: list[Array] = []
    for point in candidates[distance > chord]:
        if all(np.linalg.norm(point - other) > 0.75 * chord for other in chosen):
            chosen.append(point)
    return np.array(chosen).reshape(-1, 3)


def _blends(known: Array, added: Array) -> tuple[NDArray[np.int64], Array]:
    if len(added) == 0:
        return np.empty((0, 1), dtype=np.int64), np.empty((0, 1))
    nearest = cKDTree(known).query(added)[0]
    # A pole far from a whole circle hears all of it, a hole's edge its own few neighbours.
    count = min(len(known), max(_BLEND_NEIGHBOURS, int(len(known) * nearest.max() / 4.0)))
    distance, rows = cKDTree(known).query(added, k=count)
    weights = (distance / distance[:, :1]) ** -3.0
    return rows.astype(np.int64), weights / weights.sum(axis=1, keepdims=True)


def _hull(vertices: Array) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles and neighbours of the convex hull, which on a sphere is the Delaunay mesh."""
    # Rings of one elevation are co-planar, where Qhull's triangles are arbitrary or degenerate: a
    # shift of some 10 microradians along the sphere decides; the weights use the true directions.
    nudge = np.random.default_rng(0).standard_normal(vertices.shape) * 1e-5
    shifted = vertices + nudge
    hull = ConvexHull(shifted / np.linalg.norm(shifted, axis=1, keepdims=True))
    triangles, neighbours = hull.simplices.astype(np.int32), hull.neighbors.astype(np.int32)
    if len(hull.vertices) != len(vertices):
        raise HrtfError("the directions could not be triangulated: some coincide; remove repeats")
    flipped = np.linalg.det(vertices[triangles]) < 0.0
    triangles[flipped] = triangles[flipped][:, [0, 2, 1]]
    neighbours[flipped] = neighbours[flipped][:, [0, 2, 1]]
    return triangles, neighbours
