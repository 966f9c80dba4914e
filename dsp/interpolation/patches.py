"""The sphere in patches, each with the measured directions around it.

What lies beyond a few rings of measurements says nothing that they do not say, and the cost of a
Gaussian process grows with the cube of what it knows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array

_OWN, _KNOWN = 80, 240  # measured directions: as many as lie in a patch, and in it and around it
_WHOLE = 400  # so many need no patches


@dataclass(frozen=True)
class Patch:
    """Some points of a sphere, and the measured directions that predict what is there.

    Attributes:
        points: (P,) rows of the points.
        known: (K,) rows of the measured directions, rising.
    """

    points: NDArray[np.intp]
    known: NDArray[np.intp]


def patches(points: Array, known: Array) -> list[Patch]:
    """Patches that hold each point once; one patch of all where few directions are known.

    Args:
        points: (Q, 3) unit vectors.
        known: (M, 3) unit vectors of measured directions.
    """
    if len(known) <= _WHOLE or len(points) == 0:
        return [Patch(np.arange(len(points)), np.arange(len(known)))]
    found = []
    for rows in _halved(points, np.arange(len(points)), -(-len(known) // _OWN)):
        distance = cKDTree(points[rows]).query(known)[0]
        nearest = np.argpartition(distance, _KNOWN)[:_KNOWN]
        found.append(Patch(rows, np.sort(nearest)))
    return found


def _halved(points: Array, rows: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """Rows in about ``count`` groups, each cut across where it is longest."""
    if count < 2 or len(rows) < 2:
        return [rows]
    own = points[rows] - points[rows].mean(axis=0)
    along = own @ np.linalg.eigh(own.T @ own)[1][:, -1]
    middle = len(rows) // 2
    order = np.argpartition(along, middle)
    halves = rows[order[:middle]], rows[order[middle:]]
    return [
        group
        for half, share in zip(halves, (count // 2, count - count // 2), strict=True)
        for group in _halved(points, half, share)
    ]
