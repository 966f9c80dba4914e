"""A finer mesh: vertices between measured directions, with responses better than a plain blend.

The renderer interpolates over flat triangles. Where the measured grid is coarse, the field bends
inside a triangle; new vertices hold what ``auricle.dsp.interpolation.gp_mixture`` predicts there,
so the renderer comes near to that prediction everywhere and stays exact at measured directions.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.interpolation.gp_mixture import interpolate, smoothed_arrivals
from auricle.dsp.responses.arrival import shifted
from auricle.dsp.sphere.mesh import SphereMesh, hull, mesh_over

MAX_EDGE_DEG = 3.0
MAX_VERTICES = 10000
_ROUNDS = 6  # each halves the longest edges
_COLUMNS = 64  # of values that are fitted at a time
_FIT_SHARE = 0.5  # of the step to the best flat fit
_LEAST_SPACING = 0.45  # of the longest edge allowed, between two new vertices


def refine(
    mesh: SphereMesh,
    ir: ArrayLike,
    arrivals: ArrayLike,
    *,
    max_edge_deg: float = MAX_EDGE_DEG,
    max_vertices: int = MAX_VERTICES,
    top: float = 1.0,
) -> tuple[SphereMesh, Array, Array]:
    """A mesh with more vertices, and of all of them responses (V, E, N), float32, and arrival times
    (V, E).

    Args:
        mesh: over the measured directions.
        ir: (M, E, N) measured responses, aligned: all onsets at about the same sample.
        arrivals: (M, E) arrival times, in samples, that alignment has taken out of them.
        max_edge_deg: edges longer than this are halved, unless the middle would crowd others.
        max_vertices: where the mesh would need more, longer edges stay.
        top: part of Nyquist that counts most (``interpolate``).

    The first vertices are those of ``mesh``. Their arrival times come back without the jitter of
    their estimation and their responses moved to match, so that neighbours cancel less between
    them; response and arrival time together are what they were. Vertices in holes guide the
    prediction around them.
    """
    filled, estimated = mesh.fill(ir), mesh.fill(arrivals)
    delays = smoothed_arrivals(estimated, mesh.vertices)
    vertices = refined_vertices(mesh, max_edge_deg, max_vertices)
    added = vertices[len(mesh.vertices) :]
    known = len(mesh.vertices)
    whole_ir = np.empty((len(vertices), *filled.shape[1:]), dtype=np.float32)
    whole_delays = np.empty((len(vertices), filled.shape[1]))
    shifted(filled, estimated - delays, filled.shape[-1], whole_ir[:known])
    whole_delays[:known] = delays
    if len(added) == 0:
        return mesh, whole_ir, whole_delays
    del filled
    interpolate(
        whole_ir[:known], delays, mesh.vertices, added, trusted=len(mesh.measured),
        out=(whole_ir[known:], whole_delays[known:]), top=top,
    )  # fmt: skip
    indices, weights = _blends(mesh, added)
    finer = mesh_over(vertices, mesh.measured, mesh.vertex_of_row, indices, weights)
    fit = flat_fit(finer, known)
    fit(whole_ir)
    fit(whole_delays)
    return finer, whole_ir, whole_delays


def flat_fit(mesh: SphereMesh, fixed: int) -> Callable[[Array], None]:
    """A function that moves values of a smooth field so that they fit it best when interpolated.

    Interpolation over flat triangles passes inside of every bend, and a mixture of responses loses
    energy. The returned function moves all values (V, ...) but the first ``fixed``, in place, so
    that the flat field has the least squared distance from the smooth one: the projection onto
    piecewise linear functions, with the mass matrix of linear elements. What the smooth field does
    inside the triangles is taken from its Laplacian, in the cotangent form of Pinkall and Polthier
    1993 (Experimental Mathematics 2:15), as if it were quadratic and the triangles equilateral.
    Half of the step is made: it takes most of the loss between vertices away, and where
    measured responses are noisy the vertices themselves stay near their prediction.
    """
    count, triangles = len(mesh.vertices), mesh.triangles
    corners = mesh.vertices[triangles]
    edges = corners[:, [1, 2, 0]] - corners
    double_area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    rows, columns = triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]]  # across from each corner
    cotangent = -np.sum(edges * edges[:, [2, 0, 1]], axis=2) / double_area[:, None]

    def assembled(off_diagonal: Array) -> sparse.csr_matrix:
        half = sparse.csr_matrix(
            (off_diagonal.ravel(), (rows.ravel(), columns.ravel())), shape=(count, count)
        )
        return half + half.T

    mass = assembled(np.repeat(double_area[:, None] / 24.0, 3, axis=1))
    mass += sparse.diags(np.asarray(mass.sum(axis=1)).ravel())
    stiffness = assembled(0.5 * cotangent)
    stiffness -= sparse.diags(np.asarray(stiffness.sum(axis=1)).ravel())
    # A field of Laplacian k runs k d^2 / 16 inside of the flat one, d^2 = 2.3 areas a triangle.
    triangles_here = np.bincount(triangles.ravel(), minlength=count)
    cell = np.bincount(triangles.ravel(), np.repeat(double_area / 6.0, 3), minlength=count)
    inside = sparse.diags((3.0 * cell / triangles_here) * (4.0 / np.sqrt(3.0)) / 16.0) @ stiffness
    solve = splu(mass[fixed:, fixed:].tocsc()).solve

    own = inside[fixed:]

    def fit(values: Array) -> None:
        flat = values.reshape(count, -1)
        for first in range(0, flat.shape[1], _COLUMNS):
            some = flat[:, first : first + _COLUMNS]
            some[fixed:] -= _FIT_SHARE * solve(own @ some)

    return fit


def refined_vertices(mesh: SphereMesh, max_edge_deg: float, max_vertices: int) -> Array:
    """The vertices of a mesh, then the middles of edges that were too long.

    Args:
        mesh: over the measured directions.
        max_edge_deg: edges that are longer are split.
        max_vertices: where edges would have to be split beyond this, longer ones stay.

    Returns:
        (V, 3) unit vectors.
    """
    chord = 2.0 * np.sin(np.deg2rad(max_edge_deg) / 2.0)
    while True:
        vertices = _split(mesh, chord, max_vertices)
        if len(vertices) <= max(max_vertices, len(mesh.vertices)):
            return vertices
        chord *= 1.15


def _split(mesh: SphereMesh, longest: float, max_vertices: int) -> Array:
    """Vertices after splitting every edge longer than ``longest``, or more than asked for."""
    vertices, triangles = mesh.vertices, mesh.triangles
    for _ in range(_ROUNDS):
        pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        pairs = np.unique(pairs, axis=0)
        length = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1)
        long = np.argsort(-length)[: np.count_nonzero(length > longest)]
        middles = vertices[pairs[long]].mean(axis=1)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        middles = _spaced(vertices, middles, _LEAST_SPACING * longest)
        if len(middles) == 0:
            break
        vertices = np.concatenate([vertices, middles])
        if len(vertices) > max_vertices:
            break
        triangles = hull(vertices)
    return vertices


def _spaced(vertices: Array, candidates: Array, spacing: float) -> Array:
    """Candidates, earlier ones first, that stand apart from the vertices and from each other."""
    if len(candidates) == 0:
        return candidates
    free = cKDTree(vertices).query(candidates)[0] >= spacing
    near = cKDTree(candidates).query_ball_point(candidates, spacing)
    for i, others in enumerate(near):
        if free[i]:
            free[[j for j in others if j > i]] = False
    return candidates[free]


def _blends(mesh: SphereMesh, added: Array) -> tuple[NDArray[np.int32], Array]:
    """Measured vertices (A, k) and weights (A, k) that blend the vertices not measured, old first.

    The barycentric blend: for fields that are only to be averaged, like the power.
    """
    measured, holes = len(mesh.measured), len(mesh.blend_weights)
    rows = np.repeat(np.arange(holes), mesh.blend_weights.shape[1])
    old = sparse.csr_matrix(
        (mesh.blend_weights.ravel(), (rows, mesh.blend_indices.ravel())), shape=(holes, measured)
    )
    triangle, weights = mesh.locate(added)
    rows = np.repeat(np.arange(len(added)), 3)
    corners = sparse.csr_matrix(
        (weights.ravel(), (rows, mesh.triangles[triangle].ravel())),
        shape=(len(added), len(mesh.vertices)),
    )
    identity = sparse.identity(measured, format="csr")
    table = sparse.vstack([old, corners @ sparse.vstack([identity, old])]).tocsr()
    table.eliminate_zeros()
    count = np.diff(table.indptr)
    indices = np.zeros((table.shape[0], int(count.max())), dtype=np.int32)
    shares = np.zeros(indices.shape)
    place = np.arange(count.max()) < count[:, None]
    indices[place], shares[place] = table.indices, table.data
    return indices, shares / shares.sum(axis=1, keepdims=True)
