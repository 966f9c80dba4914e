"""Groups of listeners as statistics: the mean listener, deviations from it."""

from dataclasses import dataclass, replace

import numpy as np

from auricle.dsp.arrays import Array, Float32
from auricle.personalization.listeners.features import EVALUATED_BINS
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction


@dataclass(frozen=True)
class Population:
    """Statistics of listeners and their mirror images, as networks are told them.

    Attributes:
        positions: (M, 3).
        mean_db: (M, 2, F) their mean.
        spread_db: (M, 2, F) their standard deviation.
        level_db: the mean of all of it.
    """

    positions: Array
    mean_db: Float32
    std_db: Float32
    level_db: float

    @classmethod
    def of(cls, train: ListenerGroup) -> "Population":
        """The statistics of listeners over their grid."""
        both = train.joined(train.mirrored()).magnitude_db
        mean = both.mean(axis=0)
        return cls(train.positions, mean, both.std(axis=0), float(mean[..., EVALUATED_BINS].mean()))

    def at(self, targets: Array) -> "Population":
        """The statistics at other directions (Q, 3), interpolated."""
        two = np.stack([self.mean_db, self.std_db])
        found = ListenerGroup(self.positions, two, np.zeros((2, len(self.positions), 2))).at(
            targets
        )
        mean, spread = found.magnitude_db
        return replace(self, positions=targets, mean_db=mean, std_db=spread)


def mean_listener(train: ListenerGroup) -> ListenerGroup:
    """One listener: the mean of all and of their mirror images, so left and right are alike."""
    averaged = ListenerGroup(
        train.positions,
        train.magnitude_db.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32),
        train.arrival_seconds.mean(axis=0, keepdims=True),
        train.dataset,
    )
    both = averaged.joined(averaged.mirrored())
    return ListenerGroup(
        train.positions,
        both.magnitude_db.mean(axis=0, keepdims=True),
        both.arrival_seconds.mean(axis=0, keepdims=True),
        train.dataset,
    )


def _of(train: ListenerGroup, row: int, targets: Array) -> Prediction:
    found = train.take([row]).at(targets)
    return Prediction(found.magnitude_db[0], found.arrival_seconds[0])
