"""Quadrature: how much of the sphere each measured direction stands for, whatever the grid."""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.mesh import SphereMesh, triangulate


def vertex_areas(mesh: SphereMesh) -> Array:
    """Area (V,) of the triangles around each vertex, in any unit."""
    corners = mesh.vertices[mesh.triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    sums = np.bincount(mesh.triangles.ravel(), np.repeat(area, 3), minlength=len(mesh.vertices))
    return sums.astype(np.float64)


def sphere_weights(positions: ArrayLike) -> Array:
    """Weights (M,) of sum 1, none negative: their weighted mean is the mean over the sphere.

    Holes of the grid count as the blends of their rims with which ``triangulate`` fills them; of a
    direction that is there several times the first row has all the weight.
    """
    mesh = triangulate(positions)
    area = vertex_areas(mesh)
    n_measured = len(mesh.measured)
    shares = area[:n_measured].copy()
    added = mesh.blend_weights * area[n_measured:, None]
    np.add.at(shares, mesh.blend_indices.ravel(), added.ravel())
    weights = np.zeros(len(mesh.vertex_of_row))
    weights[mesh.measured] = shares
    return weights / weights.sum()
