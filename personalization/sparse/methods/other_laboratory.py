"""Any method for a listener of another laboratory: the equipment is taken out and put back.

What the measured directions show beside the mean listener in all directions alike, smoothed over a
sixth of an octave or so, is put down to loudspeaker, microphones, level and equalisation.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from auricle.dsp.arrays import Array, Float32
from auricle.personalization.listeners.features import BINS
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.process import OFFSET_BINS, OFFSET_DB
from auricle.personalization.sparse.method import Method
from auricle.personalization.sparse.methods.population import PopulationMean
from auricle.personalization.sparse.methods.ridge import BandRidge
from auricle.personalization.sparse.methods.spherical_harmonics import MeanHarmonics

SMOOTHING_BINS = 3.0
# By which the spread inside a laboratory is too narrow; of ridge, with HUTUBS as the listeners and
# CIPIC as the other laboratory, and the other way round.
SPREAD_DB_FACTOR, SPREAD_ITD_FACTOR = 1.25, 2.0


class WithoutEquipment:
    """A method that sees the measured directions as the training laboratory had measured them."""

    n_parameters = 0

    def __init__(self, name: str, maker: Callable[[], Method]) -> None:
        self.name = name
        self._method = maker()

    def fit(self, train: ListenerGroup) -> None:
        """Teach the method; keep the mean listener."""
        self._mean = mean_listener(train)
        self._method.fit(train)
        self.n_parameters = self._method.n_parameters

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The method's prediction, with the equipment of the measurement."""
        mean = self._mean.at(measured.positions)
        response_db = equipment_db(measured.magnitude_db - mean.magnitude_db[0])
        late = float(np.mean(measured.arrival_seconds - mean.arrival_seconds[0]))
        found = self._method.predict(
            MeasuredListener(
                measured.positions,
                measured.magnitude_db - response_db,
                measured.arrival_seconds - late,
            ),
            target_positions,
        )
        return replace(
            found,
            magnitude_db=found.magnitude_db + response_db,
            arrival_seconds=found.arrival_seconds + late,
            std_db=_wider(found.std_db, SPREAD_DB_FACTOR),
            std_seconds=_wider(found.std_seconds, SPREAD_ITD_FACTOR),
        )


def _wider(spread: NDArray | None, factor: float) -> NDArray | None:
    return None if spread is None else factor * spread


def equipment_db(deviations_db: NDArray) -> NDArray:
    """Response (F,) common to all deviations (K, 2, F) from the mean listener."""
    return gaussian_filter1d(deviations_db.mean(axis=(0, 1)), SMOOTHING_BINS, mode="nearest")


def drawn_equipment_db(count: int, rng: np.random.Generator) -> Float32:
    """Responses (count, BINS) in dB with the covariance that ``listeners-across`` gives them."""
    steps = OFFSET_DB * rng.standard_normal((count, BINS))
    kept = np.exp(-1.0 / OFFSET_BINS)
    for k in range(1, BINS):
        steps[:, k] = kept * steps[:, k - 1] + np.sqrt(1.0 - kept**2) * steps[:, k]
    return steps.astype(np.float32)


def mean_across() -> Method:
    """The mean listener with the equipment of the measurement."""
    return WithoutEquipment("mean-across", PopulationMean)


def mean_harmonics_across() -> Method:
    """Mean and harmonics of the residual with the equipment of the measurement."""
    return WithoutEquipment("mean-sh-across", MeanHarmonics)


def ridge_across() -> Method:
    """Ridge with the equipment of the measurement."""
    return WithoutEquipment("ridge-across", BandRidge)
