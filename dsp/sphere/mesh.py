"""A closed mesh of triangles over any measured grid, and the triangle that holds a direction.

A direction inside a triangle gets three weights, ``inverse[t] @ direction`` scaled to the sum 1
(barycentric on the flat triangle): exact at the vertices, continuous over the edges. What is
interpolated with them (gains, arrival times) is a continuous field over the whole sphere.

Measured grids are full of quirks: a hole below, rings whose four corners lie in one plane, poles
measured many times, sets of one plane, of two directions, of one. ``triangulate`` closes them all:
it merges what is double and adds vertices where nothing was measured, with convex blends of the
measured neighbours for their values.

The mesh is the convex hull of its vertices, which on a sphere is the Delaunay triangulation. The
sum of the raw weights is then the factor by which a direction must shrink to reach the plane of
triangle t: it is largest in the right triangle and grows with every step of the walk, so the walk
cannot run in circles except where rings put neighbouring triangles in one plane.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, cKDTree

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.errors import HrtfError
from auricle.dsp.sphere.hole_filling import blends, hole_vertices

Int32: TypeAlias = NDArray[np.int32]

MERGE_ANGLE_DEG = 0.01  # closer directions are one vertex; grids are written to 0.01-0.1 degrees
TABLE_SIZE = 24  # cells along the edge of a cube face: 3.75 degrees in its middle
MAX_STEPS = 64  # of the walk, before every triangle is tried
ROUNDING = 1e-9  # a weight as little below zero is on the edge


@dataclass(frozen=True)
class SphereMesh:
    """A closed triangle mesh on the unit sphere.

    Attributes:
        vertices: (V, 3) unit vectors: merged measured directions in their order, then added ones.
        triangles: (T, 3) vertex indices, counter-clockwise seen from outside; T = 2 V - 4.
        neighbours: (T, 3) triangle across the edge opposite to each vertex.
        inverse: (T, 3, 3); ``inverse[t] @ direction`` are the raw weights.
        start_table: (6, n, n) a triangle near each cell of the cube around the sphere.
        measured: (V - A,) measured row that each measured vertex stands for, the first of doubles.
        vertex_of_row: (M,) vertex of each measured row.
        blend_indices: (A, k) measured vertices from which an added vertex takes its value.
        blend_weights: (A, k) their weights, none negative, rows of sum 1.
    """

    vertices: Array
    triangles: Int32
    neighbours: Int32
    inverse: Array
    start_table: Int32
    measured: Int32
    vertex_of_row: Int32
    blend_indices: Int32
    blend_weights: Array

    def fill(self, values: ArrayLike) -> Array:
        """Values (V, ...) of all vertices from those (M, ...) of the measured rows."""
        values = np.asarray(values, dtype=np.float64)
        if len(values) != len(self.vertex_of_row):
            raise HrtfError(f"expected {len(self.vertex_of_row)} rows of values, got {len(values)}")
        measured = values[self.measured]
        flat = measured.reshape(len(measured), -1)
        added = np.empty((len(self.blend_weights), flat.shape[1]))
        for a, (index, weight) in enumerate(
            zip(self.blend_indices, self.blend_weights, strict=True)
        ):
            added[a] = weight @ flat[index]
        return np.concatenate([measured, added.reshape(-1, *measured.shape[1:])])

    def locate(self, directions: ArrayLike) -> tuple[Int32, Float32]:
        """Triangles (S,) and weights (S, 3) of directions (S, 3) of any length.

        What is zero or not finite has no direction and gets the middle of the first triangle.
        """
        wanted = np.asarray(directions, dtype=np.float64).reshape(-1, 3)
        square = np.sum(wanted * wanted, axis=1)
        good = (square > 1e-30) & (square < 1e30)
        triangle = np.zeros(len(wanted), dtype=np.int32)
        weights = np.full((len(wanted), 3), 1.0 / 3.0, dtype=np.float32)
        units = wanted[good] / np.sqrt(square[good])[:, None]
        found, raw = _walked(units, self._cell(units), self.inverse, self.neighbours)
        raw = np.maximum(raw, 0.0)
        triangle[good], weights[good] = found, raw / raw.sum(axis=1, keepdims=True)
        return triangle, weights

    def _cell(self, units: Array) -> Int32:
        """The triangles (S,) in the cells of the cube that unit vectors (S, 3) lie in."""
        size = self.start_table.shape[1]
        axis = np.abs(units).argmax(axis=1)
        rows = np.arange(len(units))
        largest = units[rows, axis]
        others = np.array([[1, 2], [0, 2], [0, 1]])[axis]
        u, v = (units[rows, others[:, i]] / np.abs(largest) for i in range(2))
        i, j = (np.minimum(((x + 1.0) * (0.5 * size)).astype(int), size - 1) for x in (u, v))
        return self.start_table[2 * axis + (largest <= 0.0), i, j]


def triangulate(positions: ArrayLike) -> SphereMesh:
    """The mesh of measured directions (M, 3), vectors of any length above zero.

    Doubles become one vertex with the value of the first. Holes are filled with vertices about
    20 degrees apart, or as far apart as a sparse grid is; their values are blends (see ``blends``).
    """
    rows = np.asarray(positions, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 3 or len(rows) == 0:
        raise HrtfError(f"positions must be (M, 3) with M > 0, got {rows.shape}")
    length = np.linalg.norm(rows, axis=1)
    bad = np.flatnonzero(~(np.isfinite(length) & (length > 0.0)))
    if len(bad):
        raise HrtfError(f"position {bad[0]} is {rows[bad[0]]}: zero or not finite; remove it")
    rows = rows / length[:, None]
    first, vertex_of_row = _merged(rows)
    known = rows[first]
    added = hole_vertices(known)
    indices, weights = blends(known, added)
    return mesh_over(np.concatenate([known, added]), first, vertex_of_row, indices, weights)


def mesh_over(
    vertices: Array,
    measured: NDArray[np.integer],
    vertex_of_row: NDArray[np.integer],
    blend_indices: NDArray[np.integer] | None = None,
    blend_weights: Array | None = None,
) -> SphereMesh:
    """The mesh over unit vectors that are distinct and surround the origin.

    Args:
        vertices: (V, 3) unit vectors: measured ones, then A added ones.
        measured: (V - A,) measured row that each measured vertex stands for.
        vertex_of_row: (M,) vertex of each measured row.
        blend_indices: (A, k) measured vertices from which an added one takes its value.
        blend_weights: (A, k) their weights, rows of sum 1.
    """
    triangles = hull(vertices)
    neighbours = _neighbours(triangles)
    corners = vertices[triangles].transpose(0, 2, 1)
    inverse = np.ascontiguousarray(np.linalg.inv(corners))
    if blend_indices is None or blend_weights is None:
        blend_indices, blend_weights = np.zeros((0, 1), dtype=np.int32), np.zeros((0, 1))
    return SphereMesh(
        vertices,
        triangles,
        neighbours,
        inverse,
        _start_table(corners, inverse, neighbours),
        measured.astype(np.int32),
        vertex_of_row.astype(np.int32),
        blend_indices.astype(np.int32),
        blend_weights,
    )


def _walked(units: Array, start: Int32, inverse: Array, neighbours: Int32) -> tuple[Int32, Array]:
    """Triangles (S,) that hold unit vectors (S, 3), and their raw weights (S, 3).

    All walk at once, each from its triangle in ``start`` (S,), across the edge of the most negative
    weight. Whoever has not arrived after ``MAX_STEPS`` tries every triangle.
    """
    triangle, raw = start.copy(), np.empty((len(units), 3))
    left = np.arange(len(units))
    for _ in range(MAX_STEPS):
        own = np.einsum("sij,sj->si", inverse[triangle[left]], units[left])
        raw[left] = own
        lowest = own.argmin(axis=1)
        outside = own[np.arange(len(own)), lowest] < -ROUNDING
        left, lowest = left[outside], lowest[outside]
        if len(left) == 0:
            break
        triangle[left] = neighbours[triangle[left], lowest]
    for s in left:
        every = inverse @ units[s]
        least = np.where(every.sum(axis=1) > 0.0, every.min(axis=1), -np.inf)
        triangle[s] = least.argmax()
        raw[s] = every[triangle[s]]
    return triangle, raw


def _merged(rows: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of each distinct direction, in order, and the vertex of every row."""
    owner = np.arange(len(rows))
    chord = 2.0 * np.sin(np.deg2rad(MERGE_ANGLE_DEG) / 2.0)
    pairs = cKDTree(rows).query_pairs(chord, output_type="ndarray")
    for low, high in sorted(map(tuple, np.sort(pairs, axis=1))):
        if owner[low] == low:  # else chains of close directions would swallow a whole ring
            owner[high] = min(owner[high], low)
    first = np.flatnonzero(owner == np.arange(len(rows)))
    vertex = np.zeros(len(rows), dtype=np.int64)
    vertex[first] = np.arange(len(first))
    return first, vertex[owner]


def hull(vertices: Array) -> Int32:
    """Triangles (T, 3) of the convex hull, counter-clockwise from outside.

    Rings put four and more vertices in one plane; a millionth of random shift, used here alone,
    decides their diagonals.
    """
    shift = np.random.default_rng(7).standard_normal(vertices.shape)
    for size in (1e-6, 1e-7, 1e-5):
        moved = vertices + size * shift
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        triangles = ConvexHull(moved).simplices.astype(np.int32)
        outward = np.linalg.det(moved[triangles])
        triangles[outward < 0.0, 1:] = triangles[outward < 0.0, :0:-1]
        if len(triangles) == 2 * len(vertices) - 4 and np.all(outward != 0.0):
            return triangles
    raise HrtfError(f"these {len(vertices)} directions do not surround the head: no closed mesh")


def _neighbours(triangles: Int32) -> Int32:
    """Triangle (T, 3) across the edge opposite to each vertex."""
    count = len(triangles)
    start, end = triangles[:, [1, 2, 0]].ravel(), triangles[:, [2, 0, 1]].ravel()
    vertices = int(triangles.max()) + 1
    key = start.astype(np.int64) * vertices + end
    reverse = end.astype(np.int64) * vertices + start
    order = np.argsort(key)
    at = order[np.minimum(np.searchsorted(key[order], reverse), 3 * count - 1)]
    if not np.array_equal(key[at], reverse):
        raise HrtfError("the triangles do not close: an edge has no other side")
    return (at // 3).astype(np.int32).reshape(count, 3)


def _start_table(corners: Array, inverse: Array, neighbours: Int32) -> Int32:
    """Triangle (6, n, n) of the middle of each cell of the cube, by the same walk."""
    n = TABLE_SIZE
    middle = (2.0 * np.arange(n) + 1.0) / n - 1.0
    u, v = np.meshgrid(middle, middle, indexing="ij")
    one = np.ones_like(u)
    faces = [(one, u, v), (-one, u, v), (u, one, v), (u, -one, v), (u, v, one), (u, v, -one)]
    cells = np.stack([np.stack(face, axis=-1) for face in faces]).reshape(-1, 3)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    # The middles of the triangles are about as near as the cells themselves.
    start = cKDTree(corners.mean(axis=2)).query(cells)[1].astype(np.int32)
    return _walked(cells, start, inverse, neighbours)[0].reshape(6, n, n)
