"""The mean listener plus a Gaussian process, over directions alone, of what it leaves."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.interpolation.gaussian_process import Process, fit_process, matern_3_2
from auricle.dsp.sphere.grids import chords
from auricle.personalization.listeners.features import EVALUATED_BINS
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.sparse.methods.population import PopulationMean

SCALES = (0.2, 0.35, 0.6, 1.0, 1.6)  # chords
NUGGETS = (0.01, 0.1, 0.4)


class MeanProcess:
    """The mean listener plus a Gaussian process of the residual; scale by marginal likelihood."""

    name = "mean-gp"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Learn the mean listener."""
        self._mean = PopulationMean()
        self._mean.fit(train)
        self.n_parameters = self._mean.n_parameters

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The mean at the targets, corrected."""
        mean = self._mean.predict(measured, target_positions)
        mean_known = self._mean.predict(measured, measured.positions)
        if len(measured.positions) < 3:
            return mean
        error_db = (measured.magnitude_db - mean_known.magnitude_db).astype(np.float64)
        late = measured.arrival_seconds - mean_known.arrival_seconds
        known = measured.positions
        tried = [fit_process(matern_3_2(s), known, g) for s in SCALES for g in NUGGETS]
        best = max(
            tried,
            key=lambda p: float(
                p.solve(error_db).log_likelihood(error_db)[:, EVALUATED_BINS].mean()
            ),
        )
        reach = chords(target_positions, known)
        return Prediction(
            mean.magnitude_db + _read(best, error_db, reach).astype(np.float32),
            mean.arrival_seconds + _read(best, late, reach),
        )


def _read(process: Process, values: Array, reach: Array) -> Array:
    return np.asarray(process.solve(values).at(process.kernel(reach)))
