"""Refiner: a convolution over frequency that corrects the process over listeners.

A Gaussian posterior is linear in what was measured. Ears are not: a notch of another depth or place
is not a sum of others' notches. The network sees, for one target direction, what the linear
estimate knows, and adds what it leaves. It is trained on estimates of listeners whom the process
has not seen (cross-validation within the training listeners), else it would learn to trust them.

Ten channels over 116 bins (posterior mean and spread, what was measured nearest, mean and spread of
the population, of both ears), dilated convolutions with FiLM (Perez et al. 2018) by the target, the
nearest measured direction, the angle between and the number of measured directions: one set of
weights serves any number. The last layer starts at zero: before training it is the base itself.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.learning.training_loop import History, Progress, seeded
from auricle.personalization.learning.training_loop import train as run
from auricle.personalization.listeners.features import BINS, EVALUATED_BINS
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction
from auricle.personalization.listeners.statistics import Population
from auricle.personalization.sparse.listener_gp.process import ListenersProcess
from auricle.personalization.sparse.models.shared.base import SCALE_DB
from auricle.personalization.sparse.models.shared.correction_net import CorrectionNet, lsd_db
from auricle.personalization.sparse.models.shared.gp_correction_base import GpCorrection
from auricle.personalization.sparse.models.shared.measurement_sets import random_set, standard_sets

N_CHANNELS = 10
N_CONDITIONS = 8


@dataclass(frozen=True)
class Episode:
    """Inputs of the network for L listeners who were all measured at the same directions.

    Attributes:
        base: (L, Q, 2, F) posterior mean less the mean listener, dB.
        nearest: (L, Q, 2, F) measured at the nearest direction, less the mean listener there.
        spread: (L, Q, 2, F) standard deviation of the posterior.
        population: (Q, 2, 2, F) mean listener about its overall mean, and the listeners' spread.
        conditions: (Q, N_CONDITIONS).
        truth: (L, Q, 2, F) less the mean listener; None where it is not known.
    """

    base: Float32
    nearest: Float32
    spread: Float32
    population: Float32
    conditions: Float32
    truth: Float32 | None = None

    def drawn(self, who: Int64, where: Int64) -> tuple[torch.Tensor, ...]:
        """Channels, conditions, base and, where known, truth of pairs of listener and target."""
        parts = (
            self.base[who, where] / SCALE_DB,
            self.nearest[who, where] / SCALE_DB,
            self.spread[who, where] / SCALE_DB,
            self.population[where].reshape(len(where), 4, -1) / (2.0 * SCALE_DB),
        )
        drawn = [np.concatenate(parts, axis=1), self.conditions[where], self.base[who, where]]
        drawn += [] if self.truth is None else [self.truth[who, where]]
        return tuple(torch.from_numpy(each) for each in drawn)


@dataclass(frozen=True)
class RefinerConfiguration(Configuration):
    """Sizes and settings of ``Refiner``, which says what they are."""

    width: int = 48
    networks: int = 1
    groups: int = 8
    random_sets: int = 4
    targets: int = 160
    batch: int = 128


class Refiner(GpCorrection):
    """The method ``refiner``: the process over listeners, and networks trained on what it leaves.

    Args:
        plan: of the training of each network.
        configuration: in place of DEFAULTS: ``width`` of the layers, ``networks`` whose corrections
            are averaged, ``groups`` of the cross-validation, ``random_sets`` of measured directions
            beside the standard ones, ``targets`` of each set, ``batch`` of pairs.
    """

    name: ClassVar[str] = "refiner"
    DEFAULTS: ClassVar[RefinerConfiguration] = RefinerConfiguration()
    configuration: RefinerConfiguration

    SPREAD_OF_ALL: ClassVar[bool] = False  # in training too: it hardly depends on who is left out

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Estimate the listeners from each other, then train; the last group says when to stop."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self._start(self.kept(train))
        group = np.arange(len(train)) % self.configuration.groups
        episodes = self._episodes(train, group, rng, progress)
        both = np.tile(group, len(self.pupils(train)) // len(train))
        learners, judges = np.flatnonzero(both > 0), np.flatnonzero(both == 0)
        self._make_net()
        for net in self.net.children():
            self.history = self._train(net, episodes, (learners, judges), rng, progress)

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """The base's predictions, corrected; their spread is the base's."""
        base, response = self._base.predict_apart(measured, target_positions)
        spread = base[0].std_db
        assert spread is not None
        magnitude = np.stack([each.magnitude_db for each in base])
        shape = magnitude.shape[:2]
        seen = self._seen(
            measured.louder(-response),
            target_positions,
            magnitude - response[:, None, None],
            np.broadcast_to(spread, magnitude.shape),
        )
        who, where = (each.ravel() for each in np.indices(shape))
        correction = self._correction(self.net, seen, who, where)
        magnitude[..., EVALUATED_BINS] += correction.reshape(*shape, *correction.shape[1:])
        return [replace(each, magnitude_db=own) for each, own in zip(base, magnitude, strict=True)]

    def kept(self, train: ListenerGroup) -> ListenerGroup:
        """The listeners as the base will know them."""
        return train

    def pupils(self, train: ListenerGroup) -> ListenerGroup:
        """The listeners to learn from, once or several times in the order of ``train``: mirrored
        too.
        """
        return train.joined(train.mirrored())

    def process(self, *, with_spread: bool = True) -> ListenersProcess:
        """The process whose predictions are corrected; before it has learned."""
        return ListenersProcess(with_spread=with_spread)

    def equipment_db(self, count: int, rng: np.random.Generator) -> Float32:
        """Responses (count, F) that listeners are measured with in training: none."""
        return np.zeros((count, BINS), dtype=np.float32)

    def _build(self) -> nn.ModuleList:
        sizes = self.configuration
        return nn.ModuleList(
            CorrectionNet(N_CHANNELS, N_CONDITIONS, 2, sizes.width) for _ in range(sizes.networks)
        )

    def _base_on(self, train: ListenerGroup) -> None:
        self._base = self.process()
        self._base.fit(train)
        self._population = Population.of(train)

    def _episodes(
        self,
        train: ListenerGroup,
        group: Int64,
        rng: np.random.Generator,
        progress: Progress | None,
    ) -> list[Episode]:
        """What the network learns from: each group estimated from all the others."""
        grid, sizes = train.positions, self.configuration
        sets = standard_sets(grid) + [random_set(grid, rng) for _ in range(sizes.random_sets)]
        targets = [rng.permutation(len(grid))[: sizes.targets] for _ in sets]
        both = self.pupils(train)
        shape = (len(both), min(sizes.targets, len(grid)), 2, both.magnitude_db.shape[-1])
        base = np.empty((len(sets), *shape), np.float32)
        spread = np.empty_like(base)
        response = np.empty((2, len(sets), len(both), shape[-1]), np.float32)  # true, estimated
        of_both = np.tile(group, len(both) // len(train))
        for number in range(sizes.groups):
            others = self.process(with_spread=not self.SPREAD_OF_ALL)
            others.fit(self._listeners.take(np.flatnonzero(group != number)))
            rows = np.flatnonzero(of_both == number)
            for k, (measured, wanted) in enumerate(zip(sets, targets, strict=True)):
                response[0, k, rows] = self.equipment_db(len(rows), rng)
                known = both.take(rows).at(grid[measured]).louder(response[0, k, rows])
                predicted, response[1, k, rows] = others.predict_apart(known, grid[wanted])
                if self.SPREAD_OF_ALL and number == 0:
                    spread[k] = self._base.predict(known.listener(0), grid[wanted]).std_db
                for row, found in zip(rows, predicted, strict=True):
                    base[k, row] = found.magnitude_db
                    if found.std_db is not None:
                        spread[k, row] = found.std_db
            if progress is not None:
                progress(0.0, f"estimated group {number + 1} of {sizes.groups}")
        left, found = response[0] - response[1], base - response[1][:, :, None, None]
        return [
            self._seen(
                both.at(grid[sets[k]]).louder(left[k]),
                grid[targets[k]],
                found[k],
                spread[k],
                both.at(grid[targets[k]]).louder(left[k]),
            )
            for k in range(len(sets))
        ]

    def _seen(
        self,
        known: ListenerGroup,
        targets: Array,
        base: Float32,
        spread: Array,
        truth: ListenerGroup | None = None,
    ) -> Episode:
        """An episode of listeners known at some directions, with what the base estimates.

        All without the equipment's response, as far as it is known.
        """
        here, there = self._population.at(targets), self._population.at(known.positions)
        closeness = targets @ known.positions.T
        nearest = np.argmax(closeness, axis=1)
        angle = np.arccos(np.clip(closeness.max(axis=1), -1.0, 1.0))
        count = np.full(len(targets), np.log(len(known.positions)) / 4.0)
        measured = (known.magnitude_db - there.mean_db)[:, nearest]
        level = self._population.level_db
        population = np.stack([here.mean_db - level, here.std_db], axis=1)
        mean = here.mean_db[..., EVALUATED_BINS]
        return Episode(
            base[..., EVALUATED_BINS] - mean,
            measured[..., EVALUATED_BINS],
            spread[..., EVALUATED_BINS].astype(np.float32),
            population[..., EVALUATED_BINS],
            np.column_stack([targets, known.positions[nearest], angle, count]).astype(np.float32),
            None if truth is None else truth.magnitude_db[..., EVALUATED_BINS] - mean,
        )

    def _train(
        self, net: nn.Module, episodes: list[Episode], rows: tuple[Int64, Int64],
        rng: np.random.Generator, progress: Progress | None,
    ) -> History:  # fmt: skip
        """Train one network on pairs of a listener and a target; the standard sets are judged."""
        learners, judges = rows
        n_standard = len(episodes) - self.configuration.random_sets

        def loss() -> torch.Tensor:
            # Standard sets as often as all the others.
            first = rng.random() < 0.5
            episode = episodes[rng.integers(n_standard if first else len(episodes))]
            who = rng.choice(learners, self.configuration.batch)
            where = rng.integers(len(episode.conditions), size=len(who))
            channels, conditions, base, truth = episode.drawn(who, where)
            return lsd_db(base + net(channels, conditions), truth)

        def score() -> float:
            errors = []
            for episode in episodes[:n_standard]:
                who, where = (
                    each.ravel()
                    for each in np.meshgrid(judges, np.arange(0, len(episode.conditions), 3))
                )
                truth = torch.from_numpy(episode.truth[who, where])  # type: ignore[index]
                found = episode.base[who, where] + self._correction([net], episode, who, where)
                errors.append(float(lsd_db(torch.from_numpy(found), truth)))
            return float(np.mean(errors))

        return run(net, loss, score, self.plan, progress)

    @staticmethod
    def _correction(nets: Any, episode: Episode, who: Int64, where: Int64) -> Float32:
        """Corrections (P, 2, F) in dB of pairs of listener and target, averaged over networks."""
        found = []
        with torch.no_grad():
            for part in np.array_split(np.arange(len(who)), max(len(who) // 256, 1)):
                channels, conditions, *_ = episode.drawn(who[part], where[part])
                found.append(torch.stack([net(channels, conditions) for net in nets]).mean(dim=0))
        return torch.cat(found).numpy()
