"""Band-wise ridge regression over listeners, and spherical harmonics of what it leaves.

A bin is predicted as a weighted sum of the training listeners' deviations from their mean; the
weights are those with which they explain the measured deviations in the bins around it (ridge
regression in its dual form: Hastie, Tibshirani and Friedman 2009, section 18.3.5).
"""

import numpy as np
from numpy.typing import NDArray

from auricle.personalization.features import BINS
from auricle.personalization.sparse.harmonics import corrected
from auricle.personalization.sparse.method import Array, Measured, Prediction, Training
from auricle.personalization.sparse.population import mean_listener

FEW = 10  # directions; below it the regression is stiffer
MANY = 50  # directions; from it a bin is explained by fewer neighbours
BANDS = {"few": (6, 3.0), "some": (6, 1.0), "many": (2, 3.0)}  # bins to each side, ridge
ARRIVAL_RIDGE = 0.3


class BandRidge:
    """Ridge over listeners in bands, then harmonics of the residual; ITD likewise."""

    name = "ridge"
    n_parameters = 0

    def fit(self, train: Training) -> None:
        """Keep the mean and how the listeners and their mirror images deviate from it."""
        self._mean = mean_listener(train)
        both = train.joined(train.mirrored())
        self._deviations = Training(
            train.positions,
            both.magnitude_db - self._mean.magnitude_db,
            both.arrival_seconds - self._mean.arrival_seconds,
        )
        self.n_parameters = train.magnitude_db.size + train.arrival_seconds.size

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """The regression at the targets, corrected by harmonics of its error."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: Training, target_positions: Array) -> list[Prediction]:
        """The same for listeners who were all measured at the same directions; quicker."""
        known = measured.positions
        places = np.concatenate([known, target_positions])
        mean, others = self._mean.at(places), self._deviations.at(places)
        error_db = measured.magnitude_db - mean.magnitude_db[0, : len(known)]
        late = measured.arrival_seconds - mean.arrival_seconds[0, : len(known)]
        found_db = _in_bands(others.magnitude_db, error_db)
        found_late = _explained(
            others.arrival_seconds[:, : len(known)].reshape(len(others), -1),
            late.reshape(len(measured), -1),
            others.arrival_seconds.reshape(len(others), -1),
            ARRIVAL_RIDGE,
        ).reshape(len(measured), -1, 2)
        out = []
        for row, (db, us) in enumerate(zip(found_db, found_late, strict=True)):
            whole = Prediction(mean.magnitude_db[0] + db, mean.arrival_seconds[0] + us)
            parts = (slice(len(known)), slice(len(known), None))
            at_known, at_targets = (
                Prediction(whole.magnitude_db[part], whole.arrival_seconds[part]) for part in parts
            )
            out.append(corrected(at_known, at_targets, measured.listener(row), target_positions))
        return out


def _in_bands(others: NDArray, error_db: NDArray) -> NDArray:
    """Deviations (B, K + Q, 2, F) that explain those known (B, K, 2, F)."""
    n_known = error_db.shape[1]
    half, ridge = BANDS["few" if n_known < FEW else "some" if n_known < MANY else "many"]
    found = np.empty((len(error_db), *others.shape[1:]), dtype=np.float32)
    for k in range(BINS):
        band = slice(max(k - half, 0), k + half + 1)
        found[..., k] = _explained(
            others[:, :n_known, :, band].reshape(len(others), -1).astype(np.float64),
            error_db[..., band].reshape(len(error_db), -1),
            others[..., k].reshape(len(others), -1),
            ridge,
        ).reshape(len(error_db), -1, 2)
    return found


def _explained(known: NDArray, values: NDArray, wanted: NDArray, ridge: float) -> NDArray:
    """Values (B, W) from listeners' (S, W), weighted as their (S, K) explain the values (B, K)."""
    gram = known @ known.T
    gram.flat[:: len(gram) + 1] += ridge * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, known @ values.T)
    return np.asarray(weights.T @ wanted)
