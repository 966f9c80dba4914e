"""Posterior of a listener's values, given those that were measured: Gaussian conditioning.

Rasmussen and Williams 2006, eq. 2.25 and 2.26, in blocks of bins where all are too many at once.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.personalization.sparse.listener_gp.covariance import (
    Covariance,
    Sites,
    between,
    expected,
    variance,
)

_MOST_VALUES = 3000  # solved for at once
_MOST_SPREAD = 1200  # the same for the spread, which needs one more solution for each target
_LEAST_NOISE = 1e-4  # of the mean variance
_SPREAD_STEP = 4  # bins between those whose spread is worked out


def places_of(positions: Array, deviations: NDArray, slope: Float32 | None = None) -> Sites:
    """Sites of listeners' values at directions, all bins from 0 on, with their standard deviation.

    Args:
        positions: (Q, 3) unit vectors.
        deviations: (B, Q, 2, P) of the listeners from their mean.
        slope: (Q, 2, P) change of the mean with each degree that the head is turned, or None.
    """
    light = np.ascontiguousarray(deviations, dtype=np.float32)
    return Sites(positions, np.arange(light.shape[-1]), light, light.std(axis=0), slope)


def posterior_mean(model: Covariance, targets: Sites, known: Sites, values: NDArray) -> Float32:
    """Deviations at the targets, given those that are known.

    Args:
        model: covariance of the values.
        targets: sites (Q directions).
        known: sites (K directions).
        values: (B, K, 2, P) deviations that are known.

    Returns:
        (B, Q, 2, P).
    """
    n_bins = len(known.bins)
    found = np.empty((len(values), *targets.scale.shape), dtype=np.float32)
    for wanted, used in _blocks(n_bins, 2 * len(known.positions), _MOST_VALUES):
        near = known.at_bins(used)
        factor = cholesky_of(model, near)
        right = values[..., used].reshape(len(values), -1).T.astype(np.float32)
        solution = cho_solve(factor, right, check_finite=False)
        found[..., wanted] = expected(model, targets, near, solution, wanted)
    return found


def posterior_mean_bin_by_bin(
    model: Covariance, targets: Sites, known: Sites, values: NDArray
) -> Float32:
    """The posterior mean, each bin from itself alone: quick for many listeners at many directions.

    Args:
        model: covariance of the values.
        targets: sites (Q directions).
        known: sites (K directions).
        values: (B, K, 2, P) deviations that are known.

    Returns:
        (B, Q, 2, P).
    """
    found = np.empty((len(values), *targets.scale.shape), dtype=np.float32)
    for k in range(len(known.bins)):
        here = np.array([k])
        near = known.at_bins(here)
        right = values[..., k].reshape(len(values), -1).T.astype(np.float32)
        solution = cho_solve(cholesky_of(model, near), right, check_finite=False)
        cross = between(model, targets, near)(targets.at_bins(here))
        found[..., k] = (cross @ solution).T.reshape(found.shape[:3])
    return found


def spread_of(model: Covariance, targets: Sites, known: Sites) -> Array:
    """Standard deviation after the measurement, from the bins around each alone.

    Args:
        model: covariance of the values.
        targets: sites (Q directions).
        known: sites that were measured.

    Returns:
        (Q, 2, P).
    """
    n_bins = len(known.bins)
    chosen = np.unique(np.r_[np.arange(0, n_bins, _SPREAD_STEP), n_bins - 1])
    half = max((_MOST_SPREAD // (2 * len(known.positions)) - 1) // 2, 0)
    before = variance(model, targets)
    after = np.empty((*targets.scale.shape[:2], len(chosen)))
    for column, k in enumerate(chosen):
        near = known.at_bins(np.arange(max(k - half, 0), min(k + half + 1, n_bins)))
        lower, _ = cholesky_of(model, near)
        cross = between(model, targets, near)(targets.at_bins(np.array([k])))
        explained = solve_triangular(lower, cross.T, lower=True, check_finite=False)
        left = before[..., k] - np.sum(explained**2, axis=0).reshape(before.shape[:2])
        after[..., column] = model.spread * np.sqrt(np.maximum(left, 1e-6 * before[..., k]))
    where = np.arange(n_bins)
    flat = [np.interp(where, chosen, row) for row in after.reshape(-1, len(chosen))]
    return np.reshape(flat, targets.scale.shape)


def cholesky_of(model: Covariance, known: Sites) -> tuple[Float32, bool]:
    """The Cholesky factor, for ``cho_solve``, of the covariance of what is measured."""
    matrix = between(model, known, known)(known)
    # Where listeners hardly differ, as with arrivals from straight ahead, rounding needs some too.
    least = _LEAST_NOISE * float(np.trace(matrix)) / len(matrix)
    matrix.flat[:: len(matrix) + 1] += (model.noise * known.scale**2).ravel() + np.float32(least)
    if model.shared:
        left = np.arange(len(matrix)).reshape(known.scale.shape)[:, 0].ravel()
        right = left + known.scale.shape[-1]
        for a, b in ((left, left), (left, right), (right, left), (right, right)):
            matrix[a, b] += np.float32(model.shared)
    factor, lower = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return factor, lower


def _blocks(n_bins: int, per_bin: int, most: int) -> Iterator[tuple[Int64, Int64]]:
    """Bins to predict, and those around them to predict from: as many as can be solved at once."""
    at_once = max(most // per_bin, 1)
    if at_once >= n_bins:
        yield np.arange(n_bins), np.arange(n_bins)
        return
    margin = (at_once - 1) // 3
    step = at_once - 2 * margin
    for start in range(0, n_bins, step):
        stop = min(start + step, n_bins)
        yield (
            np.arange(start, stop),
            np.arange(max(start - margin, 0), min(stop + margin, n_bins)),
        )
