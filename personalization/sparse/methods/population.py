"""Answers without, or with hardly any, personalisation: the mean listener and the nearest other."""

from dataclasses import dataclass, replace

import numpy as np

from auricle.personalization.listeners.features import HEARD
from auricle.personalization.sparse.method import (
    Array,
    Float32,
    Measured,
    Prediction,
    Training,
)


class PopulationMean:
    """The mean of the training listeners, magnitudes in dB, whatever was measured."""

    name = "mean"
    n_parameters = 0

    def fit(self, train: Training) -> None:
        """Average the listeners and their mirror images."""
        self._train = mean_listener(train)
        self.n_parameters = self._train.magnitude_db[0].size + self._train.arrival_seconds[0].size

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """The mean at the targets."""
        found = self._train.at(target_positions)
        return Prediction(found.magnitude_db[0], found.arrival_seconds[0])


class RandomSubject:
    """One of the training listeners, drawn by the measured values so that repeats are alike."""

    name = "random"
    n_parameters = 0

    def fit(self, train: Training) -> None:
        """Keep the listeners."""
        self._train = train

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """A listener who has nothing to do with the one measured."""
        seed = int(np.abs(measured.magnitude_db.astype(np.float64)).sum() * 1e3) % (1 << 32)
        row = int(np.random.default_rng(seed).integers(len(self._train)))
        return _of(self._train, row, target_positions)


class BestSubject:
    """The training listener nearest to the measured values, as measured."""

    name = "best-subject"
    n_parameters = 0

    def fit(self, train: Training) -> None:
        """Keep the listeners."""
        self._train = train

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """The listener with the least LSD where there are measurements."""
        known = self._train.at(measured.positions).magnitude_db
        error = (known - measured.magnitude_db)[..., HEARD]
        lsd = np.sqrt(np.mean(error**2, axis=-1)).mean(axis=(1, 2))
        return _of(self._train, int(np.argmin(lsd)), target_positions)


@dataclass(frozen=True)
class Population:
    """What is said of listeners and their mirror images to a network.

    Attributes:
        positions: (M, 3).
        mean_db: (M, 2, F) their mean.
        spread_db: (M, 2, F) their standard deviation.
        level_db: the mean of all of it.
    """

    positions: Array
    mean_db: Float32
    spread_db: Float32
    level_db: float

    @classmethod
    def of(cls, train: Training) -> "Population":
        """That of listeners over their grid."""
        both = train.joined(train.mirrored()).magnitude_db
        mean = both.mean(axis=0)
        return cls(train.positions, mean, both.std(axis=0), float(mean[..., HEARD].mean()))

    def at(self, targets: Array) -> "Population":
        """The same at other directions (Q, 3), interpolated."""
        two = np.stack([self.mean_db, self.spread_db])
        found = Training(self.positions, two, np.zeros((2, len(self.positions), 2))).at(targets)
        mean, spread = found.magnitude_db
        return replace(self, positions=targets, mean_db=mean, spread_db=spread)


def mean_listener(train: Training) -> Training:
    """One listener: the mean of all and of their mirror images, so left and right are alike."""
    averaged = Training(
        train.positions,
        train.magnitude_db.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32),
        train.arrival_seconds.mean(axis=0, keepdims=True),
        train.dataset,
    )
    both = averaged.joined(averaged.mirrored())
    return Training(
        train.positions,
        both.magnitude_db.mean(axis=0, keepdims=True),
        both.arrival_seconds.mean(axis=0, keepdims=True),
        train.dataset,
    )


def _of(train: Training, row: int, targets: Array) -> Prediction:
    found = train.take([row]).at(targets)
    return Prediction(found.magnitude_db[0], found.arrival_seconds[0])
