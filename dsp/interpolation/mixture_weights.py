"""Which process is to be believed where: directions that judge them, and the shares they earn.

Each judge is predicted from the other directions. At each frequency and lateral position the
convex mixture is taken that has the least mean squared error there. Shares change with the lateral
position because the field does: smooth on the ear's own side, on the far side a pattern of
interference that no grid resolves at high frequencies, where the best guess is an average.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.grids import chords, fibonacci_sphere

_DISTANCE_RATIO = 1.3  # of the distance to what is left, to that from a target to the grid
_CAUTION = 0.03  # of the mean squared error, added as if each error had as much noise of its own
_LEAST_SHARE = 0.03  # what is less costs time and changes nothing
_JUDGES = 700
_SAMPLES = 20000  # directions that measure the cells
_WIDEST_CELL = 0.35  # chord, 20 degrees: farther is a hole
_KNOTS = (-1.0, -0.9, -0.75, -0.5, -0.2, 0.3, 1.0)  # of the lateral position, y on the ear's side
_POOLING = 0.05  # what all judges count for at each knot, of what those around it do
_SHARPNESS = 20.0  # of the choice by likelihood
_BINS = 64  # of which the errors are weighed at a time
_BAND = 0.12  # relative width, and
_BAND_BINS = 4.0  # least width in bins, over which leave-one-out errors are averaged


@dataclass(frozen=True)
class HoldoutDirections:
    """Directions (J) at which the processes are judged, each left out with what is near."""

    rows: NDArray[np.intp]  # (J,)
    quadrature: Array  # (J,) weights of sum 1
    lateral: Array  # (J, E, L) shares of the lateral knots
    blocks: list[NDArray[np.intp]]  # what goes out with each, itself first


def select_judges(positions: Array, trusted: int, n_ears: int) -> HoldoutDirections:
    """Holdout directions that judge the processes, their weights, and what is left out with each.

    A direction counts by its share of the sphere. With it goes out whatever is nearer than the
    farthest point of its cell: on a ring near a pole the neighbours stand much closer than the next
    ring, and a prediction from them says little about targets between the rings.

    Args:
        positions: (M, 3) unit vectors.
        trusted: holdout directions are among the first so many.
        n_ears: E.
    """
    sphere = fibonacci_sphere(_SAMPLES)
    chord, owner = cKDTree(positions).query(sphere, distance_upper_bound=_WIDEST_CELL)
    inside = owner < len(positions)
    share = np.bincount(owner[inside], minlength=len(positions)) + 1.0
    radius = np.zeros(len(positions))
    np.maximum.at(radius, owner[inside], chord[inside])
    rows = np.unique(np.linspace(0, trusted - 1, _JUDGES).round().astype(int))
    blocks = []
    for m in rows:
        distance = chords(positions[m : m + 1], positions)[0]
        near = np.flatnonzero(distance <= min(radius[m], np.median(distance)))
        blocks.append(np.concatenate([[m], near[near != m]]))
    quadrature = share[rows] / share[rows].sum()
    return HoldoutDirections(rows, quadrature, lateral_shares(positions[rows], n_ears), blocks)


def lateral_shares(positions: Array, n_ears: int) -> Array:
    """Shares (P, E, L) of the lateral knots, of sum 1, seen from each ear: 1 is its own side."""
    side = positions[:, 1:2] * (1.0 - 2.0 * (np.arange(n_ears) % 2))
    return np.stack([np.interp(side, _KNOTS, hat) for hat in np.eye(len(_KNOTS))], axis=-1)


def error_shares(errors: list[NDArray], judges: HoldoutDirections) -> Array:
    """Convex shares (L, F, K) with the least mean squared leave-one-out error at each frequency.

    One set of shares a knot of the lateral position, mostly from the judges around it.
    """
    around = _grams(errors, judges)
    window = _band_window(errors[0].shape[2], _DISTANCE_RATIO)
    everywhere = np.einsum("fg,gkl->fkl", window, sum(around))
    size = np.trace(everywhere, axis1=1, axis2=2)[:, None, None] + 1e-30
    shares = []
    for one in around:
        one = np.einsum("fg,gkl->fkl", window, one)
        one_size = np.trace(one, axis1=1, axis2=2)[:, None, None] + 1e-15 * size
        pooled = one / one_size + _POOLING * everywhere / size
        shares.append([_simplex_least_squares(matrix) for matrix in pooled])
    found = np.array(shares)
    found[found < _LEAST_SHARE] = 0.0
    return found / found.sum(axis=2, keepdims=True)


def _grams(errors: list[NDArray], judges: HoldoutDirections) -> list[Array]:
    """Products (F, K, K) of the errors with each other, one for each knot."""
    kinds, n_bins = len(errors), errors[0].shape[2]
    weight = np.moveaxis(judges.quadrature[:, None, None] * judges.lateral, 2, 0)
    root = np.sqrt(weight).astype(np.float32).reshape(len(weight), -1)
    found = [np.empty((n_bins, kinds, kinds)) for _ in root]
    for first in range(0, n_bins, _BINS):
        bins = slice(first, first + _BINS)
        some = np.stack([error[..., bins].astype(np.float32) for error in errors])
        some = np.ascontiguousarray(some.transpose(3, 0, 1, 2)).reshape(-1, kinds, root.shape[1])
        for gram, share in zip(found, root, strict=True):
            scaled = some * share
            gram[bins] = scaled @ scaled.transpose(0, 2, 1)
    return found


def likelihood_shares(likelihoods: list[Array]) -> Array:
    """Shares (K, F), of sum 1, of processes with these log likelihoods (F) a direction."""
    smooth = np.stack(likelihoods) @ _band_window(len(likelihoods[0]), 1.0).T
    share = np.exp(_SHARPNESS * (smooth - smooth.max(axis=0)))
    share /= share.sum(axis=0)
    share[share < _LEAST_SHARE] = 0.0
    return share / share.sum(axis=0)


def _band_window(n_bins: int, ratio: float) -> Array:
    """Weights (F, F) that average a quantity over a band around each bin divided by ``ratio``."""
    bins = np.arange(n_bins)
    width = np.maximum(_BAND_BINS, _BAND * bins)[:, None]
    window = np.exp(-0.5 * ((bins[None] - bins[:, None] / ratio) / width) ** 2)
    return window / window.sum(axis=1, keepdims=True)


def _simplex_least_squares(gram: Array) -> Array:
    """The w >= 0 of sum 1 that makes ``w @ gram @ w`` least."""
    from scipy.optimize import nnls  # 10 MB, which rendering does not need

    count = len(gram)
    scale = np.trace(gram) / count + 1e-30
    root = np.linalg.cholesky(gram / scale + _CAUTION * np.eye(count)).T
    weights, _ = nnls(np.vstack([root, np.full((1, count), 1e3)]), np.append(np.zeros(count), 1e3))
    return weights / weights.sum()
