"""Codes of the people of scenes: from what was measured of them, all of it or a few directions.

Codes come from the responses as measured, since arrival times are found less well in equalised
ones; what the laboratory adds is known from its people who train.
"""

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.personalization.endtoend.codes import SIZE_OF_CODE, Codebook
from auricle.personalization.endtoend.listeners import Listeners
from auricle.personalization.features import Features, features_of
from auricle.personalization.sparse.laboratories import united
from auricle.personalization.sparse.listeners import ListenersProcess
from auricle.personalization.sparse.method import Measured, Training
from auricle.personalization.sparse.training_sets import people_only, subjects_in, training_of

Float32: TypeAlias = NDArray[np.float32]
Int64: TypeAlias = NDArray[np.int64]


class PeopleCodes:
    """The codebook that people with the role "train" teach, and the codes of everyone.

    Args:
        listeners: whose codes are wanted.
        data: the folder of data sets that they were loaded from.
        size: numbers of a code.
        book: a codebook that was learned before, in place of a new one.
    """

    def __init__(
        self, listeners: Listeners, data: Path, size: int = SIZE_OF_CODE,
        book: Codebook | None = None,
    ) -> None:  # fmt: skip
        self._listeners, self._data = listeners, data
        self._seen = [
            training_of(people_only(subjects_in(data, each.dataset.lower())))
            for each in listeners.laboratories
        ]
        first = np.cumsum([0, *(len(each) for each in self._seen)])
        trains = [
            rows[(rows >= start) & (rows < end)] - start
            for rows in (listeners.rows("train"),)
            for start, end in zip(first[:-1], first[1:], strict=True)
        ]
        self._teachers = [
            each.take(rows) for each, rows in zip(self._seen, trains, strict=True) if len(rows)
        ]
        self._people = united(self._teachers)
        self.book = book or Codebook.learned(self._people, size)
        self._equipment = [
            self.book.equipment_of(each.take(rows)) if len(rows) else None
            for each, rows in zip(self._seen, trains, strict=True)
        ]
        self._first = first
        self._process: ListenersProcess | None = None

    def codes(self) -> Float32:
        """Codes (P, 2, D) of all listeners and of their mirror images."""
        own = np.stack([self.code(row) for row in range(len(self._listeners))])
        return np.stack([own, self.book.mirrored(own)], axis=1)

    def code(self, row: int) -> Float32:
        """The code (D,) of a listener from all that was measured."""
        laboratory, own = self._at(row)
        seen = self._seen[laboratory]
        return self.book.code_of_features(
            seen.listener(own).features, seen.positions, self._equipment[laboratory]
        )

    def code_from_few(self, row: int, directions: Int64) -> Float32:
        """The code (D,) of a listener from some directions, by people who train alone.

        Args:
            row: of the listener.
            directions: rows of the laboratory's grid; nothing else is looked at.
        """
        laboratory, own = self._at(row)
        subjects = people_only(
            subjects_in(self._data, self._listeners.laboratories[laboratory].dataset.lower())
        )
        few = subjects.hrtf_set(own).subset(directions)
        seen = features_of(few)
        added = self._equipment[laboratory]
        if added is None:
            return self.book.code_from_few(few)
        if self._process is None:
            self._process = ListenersProcess()
            self._process.fit(self._bare())
        grid = self._people.positions
        found = self._process.predict(
            Measured(
                few.positions, (seen.magnitude_db - added).astype(np.float32), seen.arrival_seconds
            ),
            grid,
        )
        whole = Features(found.magnitude_db, found.arrival_seconds)
        return self.book.code_of_features(whole, grid, np.zeros(whole.magnitude_db.shape[-1]))

    def _bare(self) -> Training:
        """The people who train, without what their laboratories add."""
        people, added = self._people, self.book.equipment_of(self._people)
        return replace(people, magnitude_db=(people.magnitude_db - added).astype(np.float32))

    def _at(self, row: int) -> tuple[int, int]:
        laboratory = int(np.searchsorted(self._first, row, side="right")) - 1
        return laboratory, row - int(self._first[laboratory])
