"""Inputs of networks for a direction between measured ones: the estimate there, its neighbours.

One target of one ear: the estimate of the process over listeners and what was measured at the
nearest directions, all less the mean listener, and the mean and spread of the population. The
right ear is a left one in the mirror.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.dsp.sphere.grids import chords
from auricle.personalization.listeners.features import EVALUATED_BINS, energy_db
from auricle.personalization.listeners.listener_data import MIRROR, ListenerGroup, Prediction
from auricle.personalization.listeners.statistics import Population
from auricle.personalization.sparse.models.shared.correction_numpy import SCALE_DB

NEIGHBOURS = 6
N_CHANNELS = NEIGHBOURS + 3
REACH = 0.1  # chord: about as far as neighbours are in a dense grid


@dataclass(frozen=True)
class Between:
    """L listeners measured at K directions, and Q directions between, less the mean listener.

    Attributes:
        known: (L, K, 2, F) measured, dB.
        neighbours: (Q, NEIGHBOURS) rows of ``known``, the nearest first.
        base: (L, Q, 2, F) what the process estimates.
        population: (Q, 2, 2, F) mean listener about its overall mean, and the listeners' spread.
        conditions: (Q, 2, N) as each ear sees it.
        truth: (L, Q, 2, F); None where it is not known.
    """

    known: Float32
    neighbours: Int64
    base: Float32
    population: Float32
    conditions: Float32
    truth: Float32 | None = None

    def drawn(self, who: Int64, where: Int64, ear: Int64) -> tuple[NDArray, ...]:
        """Channels, conditions, base and, where known, truth of chosen samples.

        Args:
            who: (n,) listeners.
            where: (n,) targets.
            ear: (n,) ears.
        """
        base = self.base[who, where, ear]
        around = self.known[who[:, None], self.neighbours[where], ear[:, None]]
        mean, spread = self.population[where, 0, ear], self.population[where, 1, ear]
        channels = np.stack([base, mean / 2.0, spread], axis=1)
        seen = np.concatenate([channels, around], axis=1) / np.float32(SCALE_DB)
        drawn: list[NDArray] = [seen, self.conditions[where, ear], base]
        drawn += [] if self.truth is None else [self.truth[who, where, ear]]
        return tuple(drawn)

    def everywhere(self) -> tuple[Int64, ...]:
        """Rows of all listeners, targets and ears, for ``drawn``."""
        shape = (*self.base.shape[:2], 2)
        return tuple(np.indices(shape).reshape(3, -1))


Conditions = Callable[[Array, Array], Float32]  # of targets and what lies around them


def between(
    known: ListenerGroup, targets: Array, base_db: Float32, population: Population,
    conditions: Conditions, truth: ListenerGroup | None = None,
) -> Between:  # fmt: skip
    """Inputs for listeners known at some directions, whom a process estimates at others.

    Args:
        known: without the response of the equipment.
        targets: (Q, 3).
        base_db: (L, Q, 2, BINS) estimates, without it too.
        population: the other listeners.
        conditions: told of a direction.
        truth: the same listeners at the targets.
    """
    here, there = population.at(targets), population.at(known.positions)
    nearest = nearest_rows(targets, known.positions)
    ears = np.stack([targets, targets * MIRROR], axis=1)
    around = known.positions[nearest][:, None] * np.stack([np.ones(3), MIRROR])[:, None]
    mean = here.mean_db[..., EVALUATED_BINS]
    seen = np.stack([here.mean_db - population.level_db, here.std_db], axis=1)
    return Between(
        (known.magnitude_db - there.mean_db)[..., EVALUATED_BINS],
        nearest,
        base_db[..., EVALUATED_BINS] - mean,
        seen[..., EVALUATED_BINS],
        conditions(ears, around),
        None if truth is None else truth.magnitude_db[..., EVALUATED_BINS] - mean,
    )


def fixed_steps(ears: Array, around: Array) -> Float32:
    """Directions (Q, 2, 3) and the ways to their neighbours (Q, 2, NEIGHBOURS, 3): (Q, 2, N)."""
    steps = (around - ears[:, :, None]) / REACH
    return np.concatenate([ears, steps.reshape(*ears.shape[:2], -1)], axis=2).astype(np.float32)


def spaced_steps(ears: Array, around: Array) -> Float32:
    """The steps in units of how far the neighbours are, which is one condition more."""
    steps = around - ears[:, :, None]
    spacing = np.linalg.norm(steps, axis=-1).mean(axis=-1)[..., None]  # (Q, 2, 1)
    spacing = np.maximum(spacing, 0.01 * REACH)
    steps = (steps / spacing[..., None]).reshape(*ears.shape[:2], -1)
    return np.concatenate([ears, steps, np.log(spacing / REACH)], axis=2).astype(np.float32)


def spacing_of(conditions: Float32) -> Float32:
    """Mean chord (...) to the neighbours, from what ``spaced_steps`` tells."""
    return np.asarray(REACH * np.exp(conditions[..., -1]))


def with_corrections(
    found: list[Prediction], corrections_db: NDArray, *, keep_level: bool = False
) -> list[Prediction]:
    """Predictions with what a network adds to them.

    Args:
        found: predictions of L listeners at Q targets.
        corrections_db: (L * Q * 2, F) dB at the bins heard.
        keep_level: whether each response keeps its energy, and so each direction its ILD: a network
            that has learned spectra has no say in levels.
    """
    before = np.stack([each.magnitude_db for each in found])
    magnitude = before.copy()
    magnitude[..., EVALUATED_BINS] += corrections_db.reshape(*magnitude.shape[:3], -1)
    if keep_level:
        magnitude += (energy_db(before) - energy_db(magnitude))[..., None].astype(np.float32)
    return [replace(one, magnitude_db=own) for one, own in zip(found, magnitude, strict=True)]


def nearest_rows(targets: Array, known: Array) -> Int64:
    """Rows (Q, NEIGHBOURS) of the nearest known directions; of few, the same ones again.

    Of directions equally far the order does not depend on that of the rows.
    """
    order = np.lexsort(np.round(known, 4).T)
    distance = np.round(chords(targets, known[order]), 4)
    nearest = order[np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]]
    return np.resize(nearest.T, (NEIGHBOURS, len(targets))).T
