"""The dense refiner for sets of other laboratories, over the listeners that ship.

Its base is ``listeners-across``, each bin for itself. It learns from the people of each laboratory
on the grid on which they were measured, at several densities, with equipment drawn at random, and
from estimates by listeners that ship of whom they are none. Where the neighbours lie is told in
units of how far they are, so that one set of weights serves any dense grid. What predicts is
``auricle.personalization.sparse.models.refiner.dense_across``, without torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.personalization.datasets.lap import spread_rows
from auricle.personalization.learning.training_loop import Progress, seeded
from auricle.personalization.learning.weights import Weights
from auricle.personalization.listeners import shipped
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction
from auricle.personalization.listeners.pooling import pooled
from auricle.personalization.listeners.statistics import Population
from auricle.personalization.sparse.listener_gp.process import ListenersAcross
from auricle.personalization.sparse.methods.other_laboratory import drawn_equipment_db
from auricle.personalization.sparse.models.refiner.dense_across import DenseAcross
from auricle.personalization.sparse.models.refiner.dense_refiner import (
    DenseRefiner,
    DenseRefinerConfiguration,
)
from auricle.personalization.sparse.models.shared.neighbour_inputs import (
    NEIGHBOURS,
    Between,
    Conditions,
    spaced_steps,
)

_FEWER = (4, 8)  # of so many directions one is known, spread evenly


@dataclass(frozen=True)
class _Set:
    """Listeners of a laboratory known at some rows of its grid, estimated at others.

    Attributes:
        people: the listeners over their grid.
        ours: rows of the same listeners among those that ship.
        known: rows of the grid.
        targets: rows of the grid, none of them known.
        base: (L, Q, 2, F) estimates, to be filled.
        response: (2, L, F) the equipment that was drawn, and what the base puts down to it.
    """

    people: ListenerGroup
    ours: Int64
    known: Int64
    targets: Int64
    base: Float32
    response: Float32


@dataclass(frozen=True)
class DenseRefinerAcrossConfiguration(DenseRefinerConfiguration):
    """Sizes and settings of ``DenseRefinerAcross``, which says what they are."""

    targets: int = 200


class DenseRefinerAcross(DenseRefiner):
    """The training of ``dense-refiner-across``: see ``DenseRefiner``.

    Args:
        plan: of the training.
        configuration: in place of DEFAULTS: also ``targets`` of each set of known directions.
    """

    name: ClassVar[str] = "dense-refiner-across"
    DEFAULTS: ClassVar[DenseRefinerAcrossConfiguration] = DenseRefinerAcrossConfiguration()
    configuration: DenseRefinerAcrossConfiguration
    CONDITIONS: ClassVar[tuple[Conditions, int]] = (spaced_steps, 3 + 3 * NEIGHBOURS + 1)

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Train on one laboratory."""
        self.fit_apart([train], np.arange(len(train)), progress)

    def fit_apart(
        self,
        laboratories: Sequence[ListenerGroup],
        people: Sequence[Any] | NDArray,
        progress: Progress | None = None,
    ) -> None:
        """Train on the people of laboratories, each on its own grid.

        Args:
            laboratories: those of the listeners that ship, in their order.
            people: who each listener is, one after the other; repeats of one head are never apart.
            progress: told what is done.

        Raises:
            AuricleError: listeners other than those that ship.
        """
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        whole = laboratories[0] if len(laboratories) == 1 else pooled(laboratories)
        shipped.check_ships(self.name, whole)
        self._start(shipped.as_shipped(whole))
        group = np.unique(people, return_inverse=True)[1] % self.configuration.groups
        self._group = group
        sets = self._sets(laboratories, rng)
        for number in range(self.configuration.groups):
            self._estimate(sets, group, number)
            if progress is not None:
                progress(0.0, f"estimated group {number + 1} of {self.configuration.groups}")
        self._make_net()
        seen = [self._seen(each) for each in sets]
        self.history = self._train(seen, [group[each.ours] for each in sets], rng, progress)

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """The predictions of the method that takes the weights."""
        return DenseAcross.from_weights(self.to_weights()).predict_many(measured, target_positions)

    def listener_tensors(self) -> dict[str, NDArray]:
        """None: which listeners they are stands in the notes."""
        return {}

    def to_weights(self, ids: Sequence[str] = (), **notes: Any) -> Weights:
        """The network, and which listeners it goes with."""
        listeners = [self._listeners.dataset, len(self._listeners)]
        return super().to_weights(ids, **notes, listeners=listeners)

    def held_out(self) -> NDArray[np.bool_]:
        """Which listeners say when to stop."""
        return np.asarray(self._group == 0)

    def _base_on(self, train: ListenerGroup) -> None:
        self._population = Population.of(train)

    def _sets(self, laboratories: Sequence[ListenerGroup], rng: np.random.Generator) -> list[_Set]:
        """What is known of each laboratory, at several densities, with equipment drawn."""
        found, first = [], 0
        for people in laboratories:
            ours = first + np.arange(len(people))
            first += len(people)
            for known in known_rows(people.positions, rng):
                left = np.setdiff1d(np.arange(len(people.positions)), known)
                targets = np.sort(rng.permutation(left)[: self.configuration.targets])
                base = np.empty_like(people.magnitude_db[:, targets])
                response = np.zeros((2, len(people), base.shape[-1]), np.float32)
                response[0] = drawn_equipment_db(len(people), rng)
                found.append(_Set(people, ours, known, targets, base, response))
        return found

    def _estimate(self, sets: Sequence[_Set], group: Int64, number: int) -> None:
        """Estimate the listeners of a group from all the others that ship."""
        others = ListenersAcross(bins_apart=True)
        others.fit(self._listeners.take(np.flatnonzero(group != number)))
        for each in sets:
            rows = np.flatnonzero(group[each.ours] == number)
            known = each.people.take(rows).directions(each.known).louder(each.response[0, rows])
            targets = each.people.positions[each.targets]
            found, each.response[1, rows] = others.predict_apart(known, targets)
            each.base[rows] = [one.magnitude_db for one in found]

    def _seen(self, some: _Set) -> Between:
        """What the network sees of it: all without the response that the base finds."""
        left = some.people.louder(some.response[0] - some.response[1])
        truth = left.directions(some.targets)
        base = some.base - some.response[1][:, None, None]
        return self._between(left.directions(some.known), truth.positions, base, truth)


def known_rows(positions: Array, rng: np.random.Generator) -> list[Int64]:
    """Sets of known directions of a grid (M, 3): every second, halves, thirds, and fewer."""
    rows = np.arange(len(positions))
    chance = rng.permutation(rows)
    found = [rows[::2], rows[1::2], np.sort(chance[: len(rows) // 2])]
    found.append(np.sort(chance[: len(rows) // 3]))
    return found + [spread_rows(positions, len(rows) // by) for by in _FEWER]
