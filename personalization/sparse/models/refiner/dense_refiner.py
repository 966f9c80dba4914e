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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.learning.training_loop import History, Progress, seeded
from auricle.personalization.learning.training_loop import train as run
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction
from auricle.personalization.listeners.statistics import Population
from auricle.personalization.sparse.listener_gp.process import ListenersProcess
from auricle.personalization.sparse.models.shared.correction_net import CorrectionNet, lsd_db
from auricle.personalization.sparse.models.shared.gp_correction_base import GpCorrection
from auricle.personalization.sparse.models.shared.neighbour_inputs import (
    N_CHANNELS,
    NEIGHBOURS,
    Between,
    Conditions,
    between,
    fixed_steps,
    with_corrections,
)

_JUDGED = 7  # every so many targets, of listeners held out
_AT_ONCE = 512  # pairs corrected


@dataclass(frozen=True)
class DenseRefinerConfiguration(Configuration):
    """Sizes and settings of ``DenseRefiner``, which says what they are."""

    width: int = 40
    groups: int = 4
    batch: int = 96


class DenseRefiner(GpCorrection):
    """The method ``dense-refiner``: the process over listeners and a network for what it leaves.

    Args:
        plan: of the training.
        configuration: in place of DEFAULTS: ``width`` of the layers, ``groups`` of the
            cross-validation, ``batch`` of ears and targets.
    """

    name: ClassVar[str] = "dense-refiner"
    DEFAULTS: ClassVar[DenseRefinerConfiguration] = DenseRefinerConfiguration()
    configuration: DenseRefinerConfiguration
    CONDITIONS: ClassVar[tuple[Conditions, int]] = (fixed_steps, 3 + 3 * NEIGHBOURS)

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Estimate the listeners from each other, then train; the first group says when to stop."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self._start(train)
        group = np.arange(len(train)) % self.configuration.groups
        rows = np.arange(len(train.positions))
        halves = [(rows[::2], rows[1::2]), (rows[1::2], rows[::2])]
        sets = [self._estimated(train, group, *half, progress) for half in halves]
        self._make_net()
        self.history = self._train(sets, [group] * len(sets), rng, progress)

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """The base's predictions, corrected."""
        base, response = self._base.predict_apart(measured, target_positions)
        estimates = np.stack([each.magnitude_db for each in base]) - response[:, None, None]
        seen = self._between(measured.louder(-response), target_positions, estimates)
        return with_corrections(base, self._correction(seen, *seen.everywhere()))

    def _build(self) -> nn.Module:
        return CorrectionNet(N_CHANNELS, self.CONDITIONS[1], 1, self.configuration.width)

    def _base_on(self, train: ListenerGroup) -> None:
        self._base = ListenersProcess(bins_apart=True)
        self._base.fit(train)
        self._population = Population.of(train)

    def _estimated(
        self, train: ListenerGroup, group: Int64, known: Int64, targets: Int64,
        progress: Progress | None,
    ) -> Between:  # fmt: skip
        """What the network learns from: each group estimated from all the others."""
        there = train.directions(targets)
        base = np.empty_like(there.magnitude_db)
        for number in range(self.configuration.groups):
            others = ListenersProcess(bins_apart=True)
            others.fit(train.take(np.flatnonzero(group != number)))
            rows = np.flatnonzero(group == number)
            found = others.predict_many(train.take(rows).directions(known), there.positions)
            base[rows] = [each.magnitude_db for each in found]
            if progress is not None:
                progress(0.0, f"estimated group {number + 1} of {self.configuration.groups}")
        return self._between(train.directions(known), there.positions, base, there)

    def _between(
        self,
        known: ListenerGroup,
        targets: Array,
        base: Float32,
        truth: ListenerGroup | None = None,
    ) -> Between:
        return between(known, targets, base, self._population, self.CONDITIONS[0], truth)

    def _train(
        self, sets: Sequence[Between], groups: Sequence[Int64], rng: np.random.Generator,
        progress: Progress | None,
    ) -> History:  # fmt: skip
        """Train on the listeners of all groups but the first, which says when to stop."""
        size = self.configuration.batch

        def loss() -> torch.Tensor:
            number = int(rng.integers(len(sets)))
            some, learners = sets[number], np.flatnonzero(groups[number] > 0)
            where = rng.integers(len(some.conditions), size=size)
            drawn = some.drawn(rng.choice(learners, size), where, rng.integers(2, size=size))
            channels, conditions, base, truth = (torch.from_numpy(each) for each in drawn)
            return lsd_db(base + self.net(channels, conditions)[:, 0], truth)

        def score() -> float:
            errors = []
            for some, group in zip(sets, groups, strict=True):
                where = np.arange(0, len(some.conditions), _JUDGED)
                each = [
                    x.ravel() for x in np.meshgrid(np.flatnonzero(group == 0), where, np.arange(2))
                ]
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
                net_db = self.net(torch.from_numpy(channels), torch.from_numpy(conditions))
                found.append(net_db[:, 0])
        return torch.cat(found).numpy()
