"""Listeners of several laboratories over one grid, as if one laboratory had measured them."""

from collections.abc import Sequence

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import angle_deg
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.listeners.features import Features
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.statistics import mean_listener

REACH_DEG = 12.0  # of the grid of a laboratory: farther away it says nothing


def pooled(trainings: Sequence[ListenerGroup]) -> ListenerGroup:
    """All listeners over the grid of the first, about one common mean.

    What the mean listener of a laboratory shows in all directions alike (loudspeaker,
    equalisation, level, distance) is no part of a head: the mean of the result has the average of
    it. A listener is the common mean plus the listener's deviation from the mean of the own
    laboratory. Directions a laboratory did not measure take the mean of the others.
    """
    grid = trainings[0].positions
    at_grid = [training.at(grid) for training in trainings]
    means = [mean_listener(training) for training in at_grid]
    common = pooled_mean(means, [training.positions for training in trainings])
    magnitude = [
        each.magnitude_db - mean.magnitude_db + common.magnitude_db
        for each, mean in zip(at_grid, means, strict=True)
    ]
    arrivals = [
        each.arrival_seconds - mean.arrival_seconds + common.arrival_seconds
        for each, mean in zip(at_grid, means, strict=True)
    ]
    names = " + ".join(each.dataset for each in trainings)
    return ListenerGroup(
        grid, np.concatenate(magnitude).astype(np.float32), np.concatenate(arrivals), names
    )


def pooled_mean(means: Sequence[ListenerGroup], measured: Sequence[Array]) -> Features:
    """Mean (M, 2, F) and (M, 2) of laboratories' mean listeners (1, M, 2, F) over one grid.

    Args:
        means: over the same grid, those of the directions not measured filled in.
        measured: directions (K, 3) that each laboratory did measure.
    """
    grid = means[0].positions
    near = np.stack([_reached(grid, directions) for directions in measured])  # (L, M)
    shared = np.all(near, axis=0)
    weights = sphere_weights(grid) * shared
    weights /= weights.sum()
    share = near / near.sum(axis=0)
    parts_db = np.stack([mean.magnitude_db[0].astype(np.float64) for mean in means])
    parts_seconds = np.stack([mean.arrival_seconds[0] for mean in means])
    common_db = np.einsum("m,lmef->lf", weights, parts_db)[:, None, None] / 2.0
    common_seconds = np.einsum("m,lme->l", weights, parts_seconds)[:, None, None] / 2.0
    db = np.einsum("lm,lmef->mef", share, parts_db - common_db) + common_db.mean(axis=0)
    seconds = np.einsum("lm,lme->me", share, parts_seconds - common_seconds)
    return Features(db.astype(np.float32), seconds + common_seconds.mean())


def _reached(grid: Array, directions: Array) -> np.ndarray:
    nearest = directions[np.argmax(grid @ directions.T, axis=1)]
    return np.asarray(angle_deg(grid, nearest) <= REACH_DEG)
