"""Directions that fill the holes of a measured grid, and what their values are blended from."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.grids import fibonacci_sphere

GAP_DEG = 20.0  # farther than this from any measured direction is a hole, in a dense grid
WIDEST_GAP_DEG = 56.0  # six directions along the axes are 54.7 degrees from their centres
LEAST_WEIGHT = 1e-3  # of the largest: smaller ones are left out


def hole_vertices(measured: Array) -> Array:
    """Directions (A, 3) that fill the holes, always the one farthest from all others next."""
    gap = np.clip(1.8 * _median_spacing_deg(measured), GAP_DEG, WIDEST_GAP_DEG)
    axes = np.concatenate([np.eye(3)[::-1], -np.eye(3)[::-1]])
    candidates = np.concatenate([axes, fibonacci_sphere(1000)])
    nearest = cKDTree(measured).query(candidates)[0]
    limit = 2.0 * np.sin(np.deg2rad(gap) / 2.0)
    added: list[Array] = []
    while True:
        # The axes win ties and near ties: above and below are where symmetry puts them.
        nearest_axis = int(np.argmax(nearest[:6]))
        farthest = int(np.argmax(nearest))
        pick = nearest_axis if nearest[nearest_axis] > 0.9 * nearest[farthest] else farthest
        if nearest[farthest] <= limit:
            return np.array(added).reshape(-1, 3)
        added.append(candidates[pick])
        distance = np.linalg.norm(candidates - candidates[pick], axis=1)
        nearest = np.minimum(nearest, distance)


def blends(measured: Array, added: Array) -> tuple[NDArray[np.int32], Array]:
    """Indices (A, k) and weights (A, k) that give added directions a value from measured ones.

    Weights of maximum entropy, local and convex (Arroyo and Ortiz 2006, IJNME 65:2167): among all
    that reproduce the direction as nearly as convex weights can, the widest around it. So a field
    like the ITD keeps its shape into the hole, and fades to the mean of the rim on the far side;
    above a horizontal circle it falls with the cosine of the elevation.
    """
    spacing = np.deg2rad(np.clip(_median_spacing_deg(measured), 8.0, 60.0))
    weights = np.zeros((len(added), len(measured)))
    for a, direction in enumerate(added):
        distance = np.arccos(np.clip(measured @ direction, -1.0, 1.0))
        width = distance.min() + spacing
        weights[a] = _maximum_entropy(measured, direction, -0.5 * (distance / width) ** 2)
    weights[weights < LEAST_WEIGHT * weights.max(axis=1, keepdims=True)] = 0.0
    size = max(1, int(np.count_nonzero(weights, axis=1).max(initial=0)))
    indices = np.argsort(-weights, axis=1, kind="stable")[:, :size]
    weights = np.take_along_axis(weights, indices, axis=1)
    return indices.astype(np.int32), weights / weights.sum(axis=1, keepdims=True)


def _median_spacing_deg(measured: Array) -> float:
    """Median angle from a direction to its nearest neighbour; 180 for a single one."""
    if len(measured) < 2:
        return 180.0
    chord = cKDTree(measured).query(measured, k=2)[0][:, 1]
    return float(np.median(np.rad2deg(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))))


def _maximum_entropy(points: Array, target: Array, log_prior: Array) -> Array:
    """Weights ``prior * exp(points @ slope)`` of sum 1 whose mean point is nearest to the target.

    The slope minimises a strictly convex function of three variables (damped Newton); its small
    quadratic term keeps it finite where the target lies outside the hull of the points.
    """
    slope = np.zeros(3)
    ridge = 0.01

    def state(slope: Array) -> tuple[float, Array]:
        exponent = log_prior + points @ slope
        top = exponent.max()
        weight = np.exp(exponent - top)
        value = top + np.log(weight.sum()) - slope @ target + 0.5 * ridge * slope @ slope
        return float(value), weight / weight.sum()

    value, weight = state(slope)
    for _ in range(50):
        mean = weight @ points
        gradient = mean - target + ridge * slope
        if np.linalg.norm(gradient) < 1e-9:
            break
        spread = (points * weight[:, None]).T @ points - np.outer(mean, mean)
        step = -np.linalg.solve(spread + ridge * np.eye(3), gradient)
        for _ in range(30):
            new_value, new_weight = state(slope + step)
            if new_value <= value + 1e-4 * gradient @ step:
                break
            step = step / 2.0
        slope, value, weight = slope + step, new_value, new_weight
    return weight
