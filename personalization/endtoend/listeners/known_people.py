"""People whose responses are known, as the sparse methods take them."""

from functools import cached_property

import numpy as np

from auricle.dsp.arrays import Int64
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.endtoend.listeners.people import Listeners
from auricle.personalization.listeners.from_datasets import training_of
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.pooling import pooled
from auricle.personalization.sparse.evaluation.comparison import measured_rows
from auricle.personalization.sparse.listener_gp.process import ListenersAcross, ListenersProcess

FEW = 5  # directions


class KnownPeople:
    """Features of the people of some laboratories, and who of them trains.

    Args:
        listeners: with their roles.
        laboratories: the same people in the same order, harmonised or as measured.
    """

    def __init__(self, listeners: Listeners, laboratories: tuple[Subjects, ...]) -> None:
        self.listeners = listeners
        self.laboratories = laboratories
        self.features = [training_of(each) for each in laboratories]

    def training_rows(self, laboratory: int) -> Int64:
        """Rows, within a laboratory, of those who train."""
        first = sum(len(each) for each in self.laboratories[:laboratory])
        roles = self.listeners.roles[first : first + len(self.laboratories[laboratory])]
        return np.flatnonzero(np.array(roles) == "train")

    @cached_property
    def training(self) -> ListenerGroup:
        """All who train, about one mean, over the grid of the first laboratory that has some."""
        parts = []
        for k, each in enumerate(self.features):
            rows = self.training_rows(k)
            if len(rows):
                parts.append(each.take(rows))
        return parts[0] if len(parts) == 1 else pooled(parts)

    @cached_property
    def within(self) -> ListenersProcess:
        """The process over listeners, for those of a laboratory that it knows."""
        made = ListenersProcess()
        made.fit(self.training)
        return made

    @cached_property
    def across(self) -> ListenersAcross:
        """The method for listeners of another laboratory, or of one that is as it was measured."""
        made = ListenersAcross()
        made.fit(self.training)
        return made

    def place(self, row: int) -> tuple[int, int]:
        """The laboratory of a listener, and the row there."""
        for k, each in enumerate(self.laboratories):
            if row < len(each):
                return k, row
            row -= len(each)
        raise IndexError(row)

    def few_rows(self, row: int) -> Int64:
        """The few directions at which a listener is measured."""
        return measured_rows(self.laboratories[self.place(row)[0]], FEW)
