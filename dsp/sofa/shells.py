"""Sets that were measured at several distances: which measurements are one shell.

Distances alone do not tell: on an arc of loudspeakers each ring may have its own. Shells are where
one distance goes over the directions of another.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import directions_and_distances

_STEP = 1.02  # distances that are farther apart than that are two
_SAME_DEG = 0.5  # directions nearer than that are one
_NEIGHBOURS = 8
_OPEN_DEG = 200.0  # a direction with a wider gap between its neighbours lies outside of them
_MOST_SHELLS = 64


def shell(points_m: Array, distance_m: float | None, findings: list[str]) -> NDArray[np.integer]:
    """The rows of points that make one shell: all, where there are no several.

    Args:
        points_m: (M, 3) metres.
        distance_m: picks the nearest shell; None: the one with most directions, the farthest of
            equals.
        findings: sentences are added to it.
    """
    positions, distances = directions_and_distances(points_m)
    groups = _groups(distances)
    middles = np.array([np.median(distances[rows]) for rows in groups])
    counts = np.array([len(rows) for rows in groups])
    largest = int(np.lexsort((middles, counts))[-1])
    if not _are_shells(positions, groups, largest):
        if distances.max() > 1.05 * distances.min():
            findings.append(
                f"The sources are {distances.min():.2f} to {distances.max():.2f} m away, "
                "one distance to a direction."
            )
        if distance_m is not None and not 0.98 < distance_m / np.median(distances) < 1.02:
            findings.append(
                f"There is one shell, at {np.median(distances):.2f} m; distance_m={distance_m:g} "
                "picks nothing."
            )
        return np.arange(len(points_m))
    chosen = largest if distance_m is None else int(np.argmin(np.abs(middles - distance_m)))
    listed = ", ".join(f"{middle:.2f}" for middle in middles)
    findings.append(
        f"Measured at several distances ({listed} m); the set holds those at "
        f"{middles[chosen]:.2f} m, HrtfSet.load(path, distance_m=...) picks others."
    )
    return groups[chosen]


def _groups(distances: Array) -> list[NDArray[np.integer]]:
    """Rows of like distances, nearest first; each group's rows in their order."""
    order = np.argsort(distances, kind="stable")
    steps = np.flatnonzero(distances[order][1:] > _STEP * distances[order][:-1]) + 1
    return [np.sort(rows) for rows in np.split(order, steps)]


def _are_shells(positions: Array, groups: list[NDArray[np.integer]], largest: int) -> bool:
    if not 1 < len(groups) <= min(_MOST_SHELLS, len(positions) // 2):
        return False
    outer = positions[groups[largest]]
    return any(
        _mostly_among(positions[rows], outer) for k, rows in enumerate(groups) if k != largest
    )


def _mostly_among(inner: Array, outer: Array) -> bool:
    """Whether more than half of some directions lie on or between those of others."""
    n_near = min(_NEIGHBOURS, len(outer))
    chord, near = (each.reshape(len(inner), n_near) for each in cKDTree(outer).query(inner, n_near))
    same = chord[:, 0] < np.deg2rad(_SAME_DEG)
    aside = outer[near] - inner[:, None]
    axis = np.where(np.abs(inner[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    across = np.cross(axis, inner)
    bearing = np.arctan2(
        np.einsum("mkj,mj->mk", aside, np.cross(inner, across)),
        np.einsum("mkj,mj->mk", aside, across),
    )
    bearing = np.sort(bearing, axis=1)
    gaps = np.diff(bearing, axis=1, append=bearing[:, :1] + 2.0 * np.pi)
    return bool(np.mean(same | (gaps.max(axis=1) < np.deg2rad(_OPEN_DEG))) > 0.5)
