"""Listeners as models get them and give them: measured ones, groups, predictions."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32
from auricle.personalization.listeners.features import Features, blend_weights

MIRROR = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Prediction:
    """Features at the targets, and how sure they are.

    Attributes:
        magnitude_db: (Q, 2, F).
        arrival_seconds: (Q, 2).
        spread_db: (Q, 2, F) standard deviation of the magnitudes; None where a method does not say.
        spread_seconds: (Q,) standard deviation of the ITD; None likewise.
    """

    magnitude_db: Float32
    arrival_seconds: Array
    std_db: Array | None = None
    std_seconds: Array | None = None


@dataclass(frozen=True)
class MeasuredListener:
    """A listener's features at the measured directions.

    Attributes:
        positions: (K, 3) unit vectors.
        magnitude_db: (K, 2, F) float32.
        arrival_seconds: (K, 2).
    """

    positions: Array
    magnitude_db: Float32
    arrival_seconds: Array

    @property
    def features(self) -> Features:
        """Magnitudes and arrival times alone."""
        return Features(self.magnitude_db, self.arrival_seconds)

    def alone(self) -> "ListenerGroup":
        """A group that has this listener alone."""
        return ListenerGroup(self.positions, self.magnitude_db[None], self.arrival_seconds[None])


@dataclass(frozen=True)
class ListenerGroup:
    """Listeners measured over one grid, most often a whole one.

    Attributes:
        positions: (M, 3) unit vectors.
        magnitude_db: (B, M, 2, F) float32.
        arrival_seconds: (B, M, 2).
        dataset: name of the data set, for messages.
    """

    positions: Array
    magnitude_db: Float32
    arrival_seconds: Array
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.magnitude_db)

    def listener(
        self, row: int, directions: NDArray[np.int64] | slice = slice(None)
    ) -> MeasuredListener:
        """One listener at some directions."""
        return MeasuredListener(
            self.positions[directions],
            self.magnitude_db[row][directions],
            self.arrival_seconds[row][directions],
        )

    def take(self, rows: NDArray[np.int64] | list[int]) -> "ListenerGroup":
        """The listeners of ``rows``."""
        return replace(
            self, magnitude_db=self.magnitude_db[rows], arrival_seconds=self.arrival_seconds[rows]
        )

    def directions(self, rows: NDArray[np.int64]) -> "ListenerGroup":
        """The listeners at the directions of ``rows``."""
        return replace(
            self,
            positions=self.positions[rows],
            magnitude_db=self.magnitude_db[:, rows],
            arrival_seconds=self.arrival_seconds[:, rows],
        )

    def at(self, targets: Array) -> "ListenerGroup":
        """The listeners at other directions (Q, 3), interpolated."""
        weights = blend_weights(self.positions, targets)
        if np.all(np.max(weights, axis=1) == 1.0) and np.all(np.sum(weights != 0.0, axis=1) == 1):
            rows = np.argmax(weights, axis=1)  # the grid holds them all: nothing to blend
            return replace(
                self,
                positions=targets,
                magnitude_db=self.magnitude_db[:, rows],
                arrival_seconds=self.arrival_seconds[:, rows],
            )
        light = weights.astype(np.float32)
        return replace(
            self,
            positions=targets,
            magnitude_db=np.einsum("qm,bmef->bqef", light, self.magnitude_db, optimize=True),
            arrival_seconds=np.einsum("qm,bme->bqe", weights, self.arrival_seconds, optimize=True),
        )

    def mirrored(self) -> "ListenerGroup":
        """The listeners in the mirror, over the same grid."""
        turned = self.at(self.positions * MIRROR)
        return replace(
            self,
            magnitude_db=turned.magnitude_db[:, :, ::-1],
            arrival_seconds=turned.arrival_seconds[:, :, ::-1],
        )

    def joined(self, other: "ListenerGroup") -> "ListenerGroup":
        """These listeners and others over the same grid."""
        return replace(
            self,
            magnitude_db=np.concatenate([self.magnitude_db, other.magnitude_db]),
            arrival_seconds=np.concatenate([self.arrival_seconds, other.arrival_seconds]),
        )

    def louder(self, response_db: Float32) -> "ListenerGroup":
        """The listeners measured with responses (B, F) in dB more."""
        return replace(self, magnitude_db=self.magnitude_db + response_db[:, None, None])
