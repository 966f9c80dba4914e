"""Dense refiner: what the spectra measured around a direction say of the one between them.

Between dense directions a notch moves in frequency. A linear estimate of decibels, whatever its
weights, leaves two shallow notches where there is one, and no kernel over directions mends that.
The network sees one target of one ear: the estimate of the process over listeners, each bin for
itself, and what was measured at the nearest directions, both less the mean listener, and the mean
and spread of the population. Dilated convolutions over frequency with FiLM (Perez et al. 2018) by
the target and by where its neighbours lie correct the estimate. It is trained on every second
direction left out, and on estimates of listeners whom the process has not seen. The right ear is a
left one in the mirror. The last layer starts at zero: before training it is the base itself.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from auricle.dsp.gaussian_process import chords
from auricle.personalization.features import HEARD
from auricle.personalization.sparse.learned import SCALE_DB
from auricle.personalization.sparse.listeners import ListenersProcess
from auricle.personalization.sparse.measured_sets import Int64
from auricle.personalization.sparse.method import (
    MIRROR,
    Array,
    Float32,
    Prediction,
    Training,
)
from auricle.personalization.sparse.models.correction_net import CorrectionNet, lsd_db
from auricle.personalization.sparse.models.over_listeners import OverListeners, population_of
from auricle.personalization.sparse.models.refiner import louder
from auricle.personalization.training import History, Progress, seeded
from auricle.personalization.training import train as run

NEIGHBOURS = 6
N_CHANNELS = NEIGHBOURS + 3
N_CONDITIONS = 3 + 3 * NEIGHBOURS
_REACH = 0.1  # chord: about as far as neighbours are
_JUDGED = 7  # every so many targets, of listeners held out
_AT_ONCE = 512  # pairs corrected


@dataclass(frozen=True)
class Between:
    """L listeners measured at K directions, and Q directions between, less the mean listener.

    Attributes:
        known: (L, K, 2, F) measured, dB.
        neighbours: (Q, NEIGHBOURS) rows of ``known``, the nearest first.
        base: (L, Q, 2, F) what the process estimates.
        population: (Q, 2, 2, F) mean listener about its overall mean, and the listeners' spread.
        conditions: (Q, 2, N_CONDITIONS) as each ear sees it.
        truth: (L, Q, 2, F); None where it is not known.
    """

    known: Float32
    neighbours: Int64
    base: Float32
    population: Float32
    conditions: Float32
    truth: Float32 | None = None

    def drawn(self, who: Int64, where: Int64, ear: Int64) -> tuple[torch.Tensor, ...]:
        """Channels, conditions, base and, where known, truth of listener, target and ear."""
        base = self.base[who, where, ear]
        around = self.known[who[:, None], self.neighbours[where], ear[:, None]]
        mean, spread = self.population[where, 0, ear], self.population[where, 1, ear]
        channels = np.stack([base, mean / 2.0, spread], axis=1)
        seen = np.concatenate([channels, around], axis=1) / np.float32(SCALE_DB)
        drawn: list[NDArray] = [seen, self.conditions[where, ear], base]
        drawn += [] if self.truth is None else [self.truth[who, where, ear]]
        return tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in drawn)


class DenseRefiner(OverListeners):
    """The method ``dense-refiner``: the process over listeners and a network for what it leaves.

    Args:
        plan: of the training.
        configuration: in place of DEFAULTS: ``width`` of the layers, ``groups`` of the
            cross-validation, ``batch`` of ears and targets.
    """

    name: ClassVar[str] = "dense-refiner"
    DEFAULTS: ClassVar[dict[str, Any]] = {"width": 40, "groups": 4, "batch": 96}

    def fit(self, train: Training, progress: Progress | None = None) -> None:
        """Estimate the listeners from each other, then train; the first group says when to stop."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self._start(train)
        group = np.arange(len(train)) % self.configuration["groups"]
        rows = np.arange(len(train.positions))
        halves = [(rows[::2], rows[1::2]), (rows[1::2], rows[::2])]
        sets = [self._estimated(train, group, *half, progress) for half in halves]
        self._make_net()
        self.history = self._train(sets, group, rng, progress)

    def predict_many(self, measured: Training, target_positions: Array) -> list[Prediction]:
        """The base's predictions, corrected."""
        base, response = self._base.predict_apart(measured, target_positions)
        magnitude = np.stack([each.magnitude_db for each in base])
        without = magnitude - response[:, None, None]
        seen = self._between(louder(measured, -response), target_positions, without)
        each = np.indices((*magnitude.shape[:2], 2)).reshape(3, -1)
        correction = self._correction(seen, *each)
        magnitude[..., HEARD] += correction.reshape(*magnitude.shape[:3], -1)
        return [replace(one, magnitude_db=own) for one, own in zip(base, magnitude, strict=True)]

    def _build(self) -> nn.Module:
        return CorrectionNet(N_CHANNELS, N_CONDITIONS, 1, self.configuration["width"])

    def _base_on(self, train: Training) -> None:
        self._base = ListenersProcess(bins_apart=True)
        self._base.fit(train)
        self._population, self._level = population_of(train)

    def _estimated(
        self, train: Training, group: Int64, known: Int64, targets: Int64,
        progress: Progress | None,
    ) -> Between:  # fmt: skip
        """What the network learns from: each group estimated from all the others."""
        there = train.directions(targets)
        base = np.empty_like(there.magnitude_db)
        for number in range(self.configuration["groups"]):
            others = ListenersProcess(bins_apart=True)
            others.fit(train.take(np.flatnonzero(group != number)))
            rows = np.flatnonzero(group == number)
            found = others.predict_many(train.take(rows).directions(known), there.positions)
            base[rows] = [each.magnitude_db for each in found]
            if progress is not None:
                progress(0.0, f"estimated group {number + 1} of {self.configuration['groups']}")
        return self._between(train.directions(known), there.positions, base, there)

    def _between(
        self, known: Training, targets: Array, base: Float32, truth: Training | None = None
    ) -> Between:
        here, there = self._population.at(targets), self._population.at(known.positions)
        nearest = _nearest(targets, known.positions)
        ears = np.stack([targets, targets * MIRROR], axis=1)
        around = known.positions[nearest][:, None] * np.stack([np.ones(3), MIRROR])[:, None]
        steps = (around - ears[:, :, None]).reshape(len(targets), 2, -1) / _REACH
        mean = here.magnitude_db[0][..., HEARD]
        population = np.stack([here.magnitude_db[0] - self._level, here.magnitude_db[1]], axis=1)
        return Between(
            (known.magnitude_db - there.magnitude_db[0])[..., HEARD],
            nearest,
            base[..., HEARD] - mean,
            population[..., HEARD],
            np.concatenate([ears, steps], axis=2).astype(np.float32),
            None if truth is None else truth.magnitude_db[..., HEARD] - mean,
        )

    def _train(
        self, sets: list[Between], group: Int64, rng: np.random.Generator,
        progress: Progress | None,
    ) -> History:  # fmt: skip
        learners, judges = np.flatnonzero(group > 0), np.flatnonzero(group == 0)
        size = self.configuration["batch"]

        def loss() -> torch.Tensor:
            some = sets[rng.integers(len(sets))]
            where = rng.integers(len(some.conditions), size=size)
            drawn = some.drawn(rng.choice(learners, size), where, rng.integers(2, size=size))
            channels, conditions, base, truth = drawn
            return lsd_db(base + self.net(channels, conditions)[:, 0], truth)

        def score() -> float:
            errors = []
            for some in sets:
                where = np.arange(0, len(some.conditions), _JUDGED)
                each = [x.ravel() for x in np.meshgrid(judges, where, np.arange(2))]
                who, at, ear = each
                assert some.truth is not None
                found = torch.from_numpy(some.base[who, at, ear] + self._correction(some, *each))
                errors.append(float(lsd_db(found, torch.from_numpy(some.truth[who, at, ear]))))
            return float(np.mean(errors))

        return run(self.net, loss, score, self.plan, progress)

    def _correction(self, seen: Between, who: Int64, where: Int64, ear: Int64) -> Float32:
        """Corrections (P, F) in dB of listeners, targets and ears."""
        found = []
        with torch.no_grad():
            for part in np.array_split(np.arange(len(who)), max(len(who) // _AT_ONCE, 1)):
                channels, conditions, *_ = seen.drawn(who[part], where[part], ear[part])
                found.append(self.net(channels, conditions)[:, 0])
        return torch.cat(found).numpy()


def _nearest(targets: Array, known: Array) -> Int64:
    """Rows (Q, NEIGHBOURS) of the nearest known directions; of few, the same ones again.

    Of directions equally far the order does not depend on that of the rows.
    """
    order = np.lexsort(np.round(known, 4).T)
    distance = np.round(chords(targets, known[order]), 4)
    nearest = order[np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]]
    return np.resize(nearest.T, (NEIGHBOURS, len(targets))).T
