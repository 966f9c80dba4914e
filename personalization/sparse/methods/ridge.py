"""Band-wise ridge regression over listeners, and spherical harmonics of what it leaves.

A bin is predicted as a weighted sum of the training listeners' deviations from their mean; the
weights are those with which they explain the measured deviations in the bins around it (ridge
regression in its dual form: Hastie, Tibshirani and Friedman 2009, section 18.3.5). As a posterior,
the weights were normal with variance 1/S before, which gives a value the variance that the S
listeners show (Rasmussen and Williams 2006, eq. 2.9 and 2.11); what is left of it is the spread.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from auricle.dsp.arrays import Array
from auricle.personalization.listeners.features import BINS
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.arrival_times import (
    MICROSECONDS,
    unexplained_itd_us,
)
from auricle.personalization.sparse.methods.spherical_harmonics import corrected

FEW = 10  # directions; below it the regression is stiffer
MANY = 50  # directions; from it a bin is explained by fewer neighbours
BANDS = {"few": (6, 3.0), "some": (6, 1.0), "many": (2, 3.0)}  # bins to each side, ridge
ARRIVAL_RIDGE = 0.3
# Of the spread: the harmonics take more away, and what the listeners do not span is in no weight.
SPREAD_DB_FACTORS = {"few": 1.0, "some": 1.08, "many": 0.65}
SPREAD_ITD_FACTORS = {"few": 0.83, "some": 0.6, "many": 0.34}


class BandRidge:
    """Ridge over listeners in bands, then harmonics of the residual; ITD likewise."""

    name = "ridge"
    n_parameters = 0

    def __init__(self, *, with_spread: bool = False) -> None:
        self._with_spread = with_spread

    def fit(self, train: ListenerGroup) -> None:
        """Keep the mean and how the listeners and their mirror images deviate from it."""
        self._mean = mean_listener(train)
        both = train.joined(train.mirrored())
        self._deviations = ListenerGroup(
            train.positions,
            both.magnitude_db - self._mean.magnitude_db,
            both.arrival_seconds - self._mean.arrival_seconds,
        )
        self.n_parameters = train.magnitude_db.size + train.arrival_seconds.size

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The regression at the targets, corrected by harmonics of its error."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """Predictions for listeners who were all measured at the same directions; quicker."""
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
        std_db = std_seconds = None
        if self._with_spread:
            std_db, std_seconds = _spreads(others, len(known))
            scatter_us = unexplained_itd_us(self._deviations, target_positions)
            std_seconds = np.hypot(std_seconds, scatter_us / MICROSECONDS)
        out = []
        for row, (db, us) in enumerate(zip(found_db, found_late, strict=True)):
            whole = Prediction(mean.magnitude_db[0] + db, mean.arrival_seconds[0] + us)
            parts = (slice(len(known)), slice(len(known), None))
            at_known, at_targets = (
                Prediction(whole.magnitude_db[part], whole.arrival_seconds[part]) for part in parts
            )
            at_targets = replace(at_targets, std_db=std_db, std_seconds=std_seconds)
            out.append(corrected(at_known, at_targets, measured.listener(row), target_positions))
        return out


def _in_bands(others: NDArray, error_db: NDArray) -> NDArray:
    """Deviations (B, K + Q, 2, F) that explain those known (B, K, 2, F)."""
    n_known = error_db.shape[1]
    half, ridge = BANDS[_amount(n_known)]
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


def _spreads(others: ListenerGroup, n_known: int) -> tuple[Array, Array]:
    """Standard deviations (Q, 2, F) in dB and (Q,) of the ITD in seconds behind those known."""
    amount = _amount(n_known)
    half, ridge = BANDS[amount]
    known, targets = others.magnitude_db[:, :n_known], others.magnitude_db[:, n_known:]
    left_db = np.empty(targets.shape[1:])
    for k in range(BINS):
        band = known[..., max(k - half, 0) : k + half + 1]
        left_db[..., k] = _left(_flat(band), _flat(targets[..., k]), ridge).reshape(-1, 2)
    late = others.arrival_seconds
    itd = late[:, n_known:, 0] - late[:, n_known:, 1]
    left_itd = _left(_flat(late[:, :n_known]), itd, ARRIVAL_RIDGE)
    return (
        SPREAD_DB_FACTORS[amount] * np.sqrt(left_db),
        SPREAD_ITD_FACTORS[amount] * np.sqrt(left_itd),
    )


def _amount(n_known: int) -> str:
    return "few" if n_known < FEW else "some" if n_known < MANY else "many"


def _flat(listeners: NDArray) -> Array:
    return listeners.reshape(len(listeners), -1).astype(np.float64)


def _left(known: Array, wanted: Array, ridge: float) -> Array:
    """Variances (W,) of listeners' values (S, W) when their values (S, K) are known."""
    gram, added = _gram(known, ridge)
    halved = solve_triangular(np.linalg.cholesky(gram), wanted, lower=True, check_finite=False)
    return np.asarray(added / len(known) * np.sum(halved**2, axis=0))


def _explained(known: NDArray, values: NDArray, wanted: NDArray, ridge: float) -> NDArray:
    """Values (B, W) from listeners' (S, W), weighted as their (S, K) explain the values (B, K)."""
    gram, _ = _gram(known, ridge)
    weights = np.linalg.solve(gram, known @ values.T)
    return np.asarray(weights.T @ wanted)


def _gram(known: NDArray, ridge: float) -> tuple[NDArray, float]:
    """Products (S, S) of listeners with the ridge on the diagonal, and what that added."""
    gram = known @ known.T
    added = ridge * np.trace(gram) / len(gram)
    gram.flat[:: len(gram) + 1] += added
    return gram, float(added)
