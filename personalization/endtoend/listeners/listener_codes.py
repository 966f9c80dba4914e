"""The codes of all listeners of some laboratories, from a codebook of the people who train."""

from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Float32
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.endtoend.listeners.codebook import SIZE_OF_CODE, Codebook
from auricle.personalization.endtoend.listeners.known_people import KnownPeople
from auricle.personalization.endtoend.listeners.people import Listeners
from auricle.personalization.listeners.from_datasets import subjects_in


class ListenerCodes:
    """Codes from responses as measured; a laboratory's equipment is that of its people who train.

    Args:
        listeners: with their roles.
        data: the folder that they are from.
        codebook: None: learned from the people who train.
        size: D of a codebook that is learned.
    """

    def __init__(
        self, listeners: Listeners, data: Path, codebook: Codebook | None = None,
        size: int = SIZE_OF_CODE,
    ) -> None:  # fmt: skip
        raw = [_as_measured(data, each) for each in listeners.laboratories]
        self._people = KnownPeople(listeners, tuple(raw))
        if codebook is None:
            codebook = Codebook.learned(
                self._people.training, min(size, 2 * len(self._people.training))
            )
        self.codebook = codebook
        self._equipment = [
            codebook.equipment_of(features.take(rows)) if len(rows) else None
            for features, rows in (
                (each, self._people.training_rows(k))
                for k, each in enumerate(self._people.features)
            )
        ]

    def whole(self, row: int) -> Float32:
        """The code (D,) of a listener measured everywhere."""
        laboratory, own = self._people.place(row)
        features = self._people.features[laboratory]
        return self.codebook.code_of_features(
            features.listener(own).features, features.positions, self._equipment[laboratory]
        )

    def few(self, row: int) -> Float32:
        """The code (D,) of a listener measured at ``FEW`` directions."""
        return self.codebook.code_from_few(self.few_set(row), self._people.across)

    def few_set(self, row: int) -> HrtfSet:
        """The set of those few directions, as measured."""
        laboratory, own = self._people.place(row)
        subjects = self._people.laboratories[laboratory]
        return subjects.directions(self._people.few_rows(row)).hrtf_set(own)

    def all(self) -> Float32:
        """Codes (P, 2, D) of all listeners and of their mirror images."""
        own = np.stack([self.whole(row) for row in range(len(self._people.listeners))])
        return np.stack([own, self.codebook.mirrored(own)], axis=1)


def _as_measured(data: Path, harmonised: Subjects) -> Subjects:
    """The same people in the same order, as their laboratory published them."""
    raw = subjects_in(data, harmonised.dataset.lower())
    return raw.take([raw.row(each) for each in harmonised.ids])
