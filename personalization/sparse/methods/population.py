"""Answers without, or with hardly any, personalisation: the mean listener and the nearest other."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.personalization.listeners.features import EVALUATED_BINS
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import _of, mean_listener


class PopulationMean:
    """The mean of the training listeners, magnitudes in dB, whatever was measured."""

    name = "mean"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Average the listeners and their mirror images."""
        self._train = mean_listener(train)
        self.n_parameters = self._train.magnitude_db[0].size + self._train.arrival_seconds[0].size

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The mean at the targets."""
        found = self._train.at(target_positions)
        return Prediction(found.magnitude_db[0], found.arrival_seconds[0])


class RandomSubject:
    """One of the training listeners, drawn by the measured values so that repeats are alike."""

    name = "random"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Keep the listeners."""
        self._train = train

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """A listener who has nothing to do with the one measured."""
        seed = int(np.abs(measured.magnitude_db.astype(np.float64)).sum() * 1e3) % (1 << 32)
        row = int(np.random.default_rng(seed).integers(len(self._train)))
        return _of(self._train, row, target_positions)


class BestSubject:
    """The training listener nearest to the measured values, as measured."""

    name = "best-subject"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Keep the listeners."""
        self._train = train

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The listener with the least LSD where there are measurements."""
        known = self._train.at(measured.positions).magnitude_db
        error = (known - measured.magnitude_db)[..., EVALUATED_BINS]
        lsd = np.sqrt(np.mean(error**2, axis=-1)).mean(axis=(1, 2))
        return _of(self._train, int(np.argmin(lsd)), target_positions)
