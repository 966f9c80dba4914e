"""Spherical harmonics through what was measured, or through what the mean listener leaves of it."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.harmonics import degrees, encode
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.sparse.methods.population import PopulationMean

ORDER_OF_RESIDUAL = 15  # the regularisation, not the order, limits what so few directions can say


class Harmonics:
    """Regularised spherical harmonics of decibels and arrival times, apart.

    Order ceil(sqrt(2 K)) - 1 and the regularisation of Duraiswami, Zotkin and Gumerov 2004 (ICASSP,
    IV-45): time-aligned harmonics, since arrival times are no part of the spectra (as in SUpDEq,
    Poerschmann, Arend and Brinkmann 2019, IEEE TASLP 27:1060), with the magnitude kept as such.
    """

    name = "sh"
    n_parameters = 0

    def __init__(self, strength: float = 1e-2) -> None:
        self._strength = strength

    def fit(self, train: ListenerGroup) -> None:
        """Do nothing: the method learns nothing from other listeners."""

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The fitted field at the targets."""
        order = max(int(np.ceil(np.sqrt(2.0 * len(measured.positions)))) - 1, 1)
        reader = reading(measured.positions, target_positions, order, self._strength)
        return Prediction(
            _read(reader, measured.magnitude_db).astype(np.float32),
            _read(reader, measured.arrival_seconds),
        )


class AlignedHarmonics:
    """Spherical harmonics of aligned responses as complex spectra, magnitudes corrected in level.

    Aligning lets low orders hold the field (SUpDEq); where neighbours cancel, the loss is mended by
    the level of the interpolated magnitudes, as Arend, Poerschmann, Weinzierl and Brinkmann 2023
    (JAES 71:652) correct it, below the loss of 12 dB.
    """

    name = "sh-aligned"
    n_parameters = 0
    _most_db = 12.0

    def __init__(self, strength: float = 1e-2) -> None:
        self._strength = strength

    def fit(self, train: ListenerGroup) -> None:
        """Do nothing: the method learns nothing from other listeners."""

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The fitted field at the targets."""
        from auricle.personalization.listeners.features import SIZE, to_responses

        order = max(int(np.ceil(np.sqrt(2.0 * len(measured.positions)))) - 1, 1)
        reader = reading(measured.positions, target_positions, order, self._strength)
        aligned = to_responses(measured.magnitude_db, np.zeros(measured.arrival_seconds.shape))
        spectra = _read(reader, np.fft.rfft(aligned[..., :SIZE], SIZE))
        found_db = 20.0 * np.log10(np.maximum(np.abs(spectra), 1e-9))
        wanted_db = _read(reader, measured.magnitude_db)
        lost_db = np.clip(wanted_db - found_db, 0.0, self._most_db)
        return Prediction(
            (found_db + lost_db).astype(np.float32), _read(reader, measured.arrival_seconds)
        )


class MeanHarmonics:
    """The mean listener plus spherical harmonics of what was measured beside it."""

    name = "mean-sh"
    n_parameters = 0

    def __init__(self, strength: float | None = None) -> None:
        self._strength = strength

    def fit(self, train: ListenerGroup) -> None:
        """Learn the mean listener."""
        self._mean = PopulationMean()
        self._mean.fit(train)
        self.n_parameters = self._mean.n_parameters

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The mean at the targets, corrected."""
        return corrected(
            self._mean.predict(measured, measured.positions),
            self._mean.predict(measured, target_positions),
            measured,
            target_positions,
            self._strength,
        )


def corrected(
    at_known: Prediction, at_targets: Prediction, measured: MeasuredListener, targets: Array,
    strength: float | None = None,
) -> Prediction:  # fmt: skip
    """A prediction plus the harmonics of its error where there are measurements.

    Args:
        at_known: the prediction at the measured directions.
        at_targets: the prediction at the targets.
        measured: the listener.
        targets: (Q, 3) unit vectors.
        strength: of the penalty; None: by the number of directions.
    """
    count = len(measured.positions)
    if strength is None:
        strength = 1.0 if count < 10 else 0.1
    order = max(int(np.ceil(np.sqrt(2.0 * count))) - 1, 1)
    reader = reading(measured.positions, targets, min(order, ORDER_OF_RESIDUAL), strength)
    error_db = measured.magnitude_db - at_known.magnitude_db
    late = measured.arrival_seconds - at_known.arrival_seconds
    return Prediction(
        at_targets.magnitude_db + _read(reader, error_db).astype(np.float32),
        at_targets.arrival_seconds + _read(reader, late),
        at_targets.std_db,
        at_targets.std_seconds,
    )


def reading(known: Array, targets: Array, order: int, strength: float) -> Array:
    """Weights that fit harmonics to values and read them elsewhere.

    Args:
        known: (K, 3) directions of the values.
        targets: (Q, 3) directions at which they are read.
        order: of the harmonics.
        strength: times 1 + n (n + 1) it is what degree n costs (Duraiswami et al. 2004, eq. 14).

    Returns:
        (Q, K).
    """
    design = encode(known, order, "n3d")
    degree = degrees(order).astype(np.float64)
    gram = design.T @ design + strength * np.diag(1.0 + degree * (degree + 1.0))
    return np.asarray(encode(targets, order, "n3d") @ np.linalg.solve(gram, design.T))


def _read(reader: Array, values: NDArray) -> NDArray:
    return np.tensordot(reader, values, axes=1)
