"""Bayesian prediction from other listeners: a Gaussian process whose covariance they teach.

The values of a listener (decibels at all directions, ears and bins; arrival times) are normal about
the mean listener, with the covariance of ``auricle.personalization.sparse.covariance``. What was
measured conditions them: Rasmussen and Williams 2006, eq. 2.25 and 2.26. One set of
hyperparameters serves any number of directions; they were chosen on listeners of SONICOM's first
training fold.

Each listener counts several times, with the deviations moved up and down in frequency by some
per cent: a larger or smaller ear has the same pattern lower or higher (Middlebrooks 1999, JASA
106:1480).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.personalization.features import BINS, HEARD
from auricle.personalization.sparse.covariance import (
    Covariance,
    Part,
    Places,
    between,
    ear_covariance,
    expected,
    variance,
)
from auricle.personalization.sparse.method import Measured, Prediction, Training
from auricle.personalization.sparse.population import mean_listener

Array: TypeAlias = NDArray[np.float64]
Float32: TypeAlias = NDArray[np.float32]
Int64: TypeAlias = NDArray[np.int64]

MAGNITUDE = Covariance(  # in decibels
    tapers=(Part(0.4, 1.08, 40.0, 0.6), Part(0.4, 0.5, 4.0, 0.6)),
    rest=(Part(0.15, 5.0, 16.0, 0.2), Part(0.18, 0.09, 0.5, 0.0)),
    noise=0.01,
    spread=0.77,
)
ARRIVAL = Covariance(  # in microseconds; there is one bin
    tapers=(Part(0.4, 4.6, 1.0, 1.0),),
    rest=(Part(0.011, 0.5, 1.0, 0.8), Part(0.0008, 0.32, 1.0, 0.0)),
    noise=0.0009,
    offset=3.0e3,
)
# Of another laboratory: heads stand elsewhere and turned, and some loudspeakers are farther away.
# Chosen with HUTUBS as the listeners and CIPIC as the other laboratory, and the other way round.
ARRIVAL_ACROSS = replace(
    ARRIVAL, noise=0.01, shared=100.0**2, turn=1.5**2, unseen=0.03, spread=1.25
)
MICROSECONDS = 1e6
OFFSET_DB, OFFSET_BINS = 3.0, 6.0  # by which the equipment of laboratories differs, and how finely

STRETCHES = (-0.07, 0.07)  # of the frequencies of further copies of each listener

_MOST_VALUES = 3000  # solved for at once
_MOST_SPREAD = 1200  # the same for the spread, which needs one more solution for each target
_LEAST_NOISE = 1e-4  # of the mean variance
_TURN_DEG = 2.0  # over which the slope of the mean is taken
_SPREAD_STEP = 4  # bins between those whose spread is worked out


class ListenersProcess:
    """Gaussian process over directions, ears and frequencies, learned from listeners."""

    name = "listeners"
    n_parameters = 0

    def __init__(
        self, magnitude: Covariance = MAGNITUDE, arrival: Covariance = ARRIVAL, *,
        with_spread: bool = False, bins_apart: bool = False,
    ) -> None:  # fmt: skip
        self._magnitude, self._arrival = magnitude, arrival
        self._with_spread = with_spread
        self._condition = _bin_by_bin if bins_apart else _conditioned

    def fit(self, train: Training) -> None:
        """Keep the mean and how the listeners and their mirror images deviate from it."""
        self._mean = mean_listener(train)
        both = train.joined(train.mirrored())
        deviations_db = both.magnitude_db - self._mean.magnitude_db
        late = both.arrival_seconds - self._mean.arrival_seconds
        copies = 1 + len(STRETCHES)
        self._deviations = Training(
            train.positions,
            np.concatenate([deviations_db, *(_stretched(deviations_db, by) for by in STRETCHES)]),
            np.tile(late, (copies, 1, 1)),
        )
        self.n_parameters = train.magnitude_db[..., HEARD].size + train.arrival_seconds.size

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """What is most likely at the targets, given what was measured."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: Training, target_positions: Array) -> list[Prediction]:
        """The same for listeners who were all measured at the same directions; quicker."""
        return self.predict_apart(measured, target_positions)[0]

    def predict_apart(
        self, measured: Training, target_positions: Array
    ) -> tuple[list[Prediction], Float32]:
        """Predictions, and what of them (B, F) in dB is put down to the equipment: nothing."""
        found, _ = self._predicted(measured, target_positions)
        return found, np.zeros((len(found), BINS), dtype=np.float32)

    def _predicted(
        self, measured: Training, target_positions: Array, *, apart: bool = False
    ) -> tuple[list[Prediction], Float32]:
        """Predictions; ``apart``, with what of them (B, F) all directions have in common."""
        known = measured.positions
        mean, mean_known = self._mean.at(target_positions), self._mean.at(known)
        others, others_known = self._deviations.at(target_positions), self._deviations.at(known)

        magnitude = measured.magnitude_db - mean_known.magnitude_db
        level = self._level(magnitude)
        magnitude = magnitude - level
        spectra = (
            self._magnitude,
            _places(target_positions, others.magnitude_db[..., HEARD]),
            _places(known, others_known.magnitude_db[..., HEARD]),
        )
        model, targets, seen = spectra
        wanted = targets.and_nowhere() if apart else targets
        whole = self._condition(model, wanted, seen, magnitude[..., HEARD])
        found, shared = whole[:, : len(target_positions)], whole[:, -1, 0]
        spread_db = _all_bins(_spread(*spectra)) if self._with_spread else None
        arrivals, spread_seconds = arrivals_given(
            self._arrival, self._mean, self._deviations, measured, target_positions,
            with_spread=self._with_spread,
        )  # fmt: skip
        predictions = [
            Prediction(
                mean.magnitude_db[0] + _all_bins(db) + loud,
                arrival,
                spread_db,
                spread_seconds,
            )
            for db, arrival, loud in zip(found, arrivals, level[:, 0], strict=True)
        ]
        return predictions, _all_bins(shared) + level[:, 0, 0]

    def _level(self, deviations_db: NDArray) -> NDArray:
        """What to take off the measured deviations (B, K, 2, F) first: nothing."""
        return np.zeros((len(deviations_db), 1, 1, 1), dtype=np.float32)


class ListenersAcross(ListenersProcess):
    """The same for a listener of another laboratory, whose equipment is found in the measurement.

    The level is taken off first; the response of the loudspeaker and of the equalisation is an
    unknown common to all directions, which the process estimates along with the listener.
    """

    name = "listeners-across"

    def __init__(
        self, offset_db: float = OFFSET_DB, *, with_spread: bool = False, bins_apart: bool = False
    ) -> None:
        model = replace(MAGNITUDE, offset=offset_db**2, offset_bins=OFFSET_BINS)
        super().__init__(model, ARRIVAL_ACROSS, with_spread=with_spread, bins_apart=bins_apart)

    def predict_apart(
        self, measured: Training, target_positions: Array
    ) -> tuple[list[Prediction], Float32]:
        """Predictions, and what of them (B, F) in dB is put down to the equipment."""
        return self._predicted(measured, target_positions, apart=True)

    def _level(self, deviations_db: NDArray) -> NDArray:
        return np.median(deviations_db[..., HEARD], axis=(1, 2, 3), keepdims=True)


def arrivals_given(
    model: Covariance, mean: Training, deviations: Training, measured: Training,
    target_positions: Array, *, with_spread: bool = True,
) -> tuple[Array, Array | None]:  # fmt: skip
    """Arrival times (B, Q, 2) of the listeners measured, and the spread (Q,) of the ITD, seconds.

    Args:
        model: covariance in microseconds.
        mean: one listener, the mean of the others; magnitudes are not looked at.
        deviations: of the others from it.
        measured: what is known of B listeners.
        target_positions: (Q, 3).
        with_spread: whether to work out the spread.
    """
    known = measured.positions
    late = measured.arrival_seconds - mean.at(known).arrival_seconds
    common = late.mean(axis=(1, 2), keepdims=True)
    slopes = [_slope(mean, each) if model.turn else None for each in (target_positions, known)]
    times = (
        model,
        _places(target_positions, _microseconds(deviations.at(target_positions)), slopes[0]),
        _places(known, _microseconds(deviations.at(known)), slopes[1]),
    )
    found = _conditioned(*times, MICROSECONDS * (late - common)[..., None])
    arrivals = mean.at(target_positions).arrival_seconds + found[..., 0] / MICROSECONDS + common
    return arrivals, _itd_spread(*times) / MICROSECONDS if with_spread else None


def _microseconds(listeners: Training) -> Array:
    """Arrival times (S, M, 2, 1) as values of one bin."""
    return MICROSECONDS * listeners.arrival_seconds[..., None]


def _slope(mean: Training, positions: Array) -> Float32:
    """Microseconds (Q, 2, 1) by which the mean arrives later for each degree of azimuth."""
    azimuth_deg, elevation_deg = azimuth_elevation_deg(positions)
    ahead, behind = (
        _microseconds(mean.at(unit_vectors(azimuth_deg + step, elevation_deg)))[0]
        for step in (_TURN_DEG, -_TURN_DEG)
    )
    return np.asarray((ahead - behind) / (2.0 * _TURN_DEG), dtype=np.float32)


def _stretched(deviations_db: Float32, by: float) -> Float32:
    """Deviations (S, M, 2, F) read at frequencies higher by a share; the ends go on."""
    first, last = HEARD.start, HEARD.stop - 1
    where = np.clip(np.arange(BINS) * (1.0 + by), first, last)
    below = np.minimum(where.astype(np.int64), last - 1)
    share = (where - below).astype(np.float32)
    return np.asarray(
        deviations_db[..., below] * (1.0 - share) + deviations_db[..., below + 1] * share
    )


def _places(positions: Array, deviations: NDArray, slope: Float32 | None = None) -> Places:
    light = np.ascontiguousarray(deviations, dtype=np.float32)
    return Places(positions, np.arange(light.shape[-1]), light, light.std(axis=0), slope)


def _conditioned(model: Covariance, targets: Places, known: Places, values: NDArray) -> Float32:
    """Deviations (B, Q, 2, P) at the targets from those known (B, K, 2, P)."""
    n_bins = len(known.bins)
    found = np.empty((len(values), *targets.scale.shape), dtype=np.float32)
    for wanted, used in _blocks(n_bins, 2 * len(known.positions), _MOST_VALUES):
        near = known.at_bins(used)
        factor = _factor(model, near)
        right = values[..., used].reshape(len(values), -1).T.astype(np.float32)
        solution = cho_solve(factor, right, check_finite=False)
        found[..., wanted] = expected(model, targets, near, solution, wanted)
    return found


def _bin_by_bin(model: Covariance, targets: Places, known: Places, values: NDArray) -> Float32:
    """The same, each bin from itself alone: quick for many listeners at many directions."""
    found = np.empty((len(values), *targets.scale.shape), dtype=np.float32)
    for k in range(len(known.bins)):
        here = np.array([k])
        near = known.at_bins(here)
        right = values[..., k].reshape(len(values), -1).T.astype(np.float32)
        solution = cho_solve(_factor(model, near), right, check_finite=False)
        cross = between(model, targets, near)(targets.at_bins(here))
        found[..., k] = (cross @ solution).T.reshape(found.shape[:3])
    return found


def _spread(model: Covariance, targets: Places, known: Places) -> Array:
    """Standard deviation (Q, 2, P) after the measurement, from the bins around each alone."""
    n_bins = len(known.bins)
    chosen = np.unique(np.r_[np.arange(0, n_bins, _SPREAD_STEP), n_bins - 1])
    half = max((_MOST_SPREAD // (2 * len(known.positions)) - 1) // 2, 0)
    before = variance(model, targets)
    after = np.empty((*targets.scale.shape[:2], len(chosen)))
    for column, k in enumerate(chosen):
        near = known.at_bins(np.arange(max(k - half, 0), min(k + half + 1, n_bins)))
        lower, _ = _factor(model, near)
        cross = between(model, targets, near)(targets.at_bins(np.array([k])))
        explained = solve_triangular(lower, cross.T, lower=True, check_finite=False)
        left = before[..., k] - np.sum(explained**2, axis=0).reshape(before.shape[:2])
        after[..., column] = model.spread * np.sqrt(np.maximum(left, 1e-6 * before[..., k]))
    where = np.arange(n_bins)
    flat = [np.interp(where, chosen, row) for row in after.reshape(-1, len(chosen))]
    return np.reshape(flat, targets.scale.shape)


def _itd_spread(model: Covariance, targets: Places, known: Places) -> Array:
    """Standard deviation (Q,) of the difference of the ears after the measurement, of one bin."""
    before = variance(model, targets)[..., 0].astype(np.float64)
    before_both = ear_covariance(model, targets)[..., 0]
    lower, _ = _factor(model, known)
    cross = between(model, targets, known)(targets)
    explained = solve_triangular(lower, cross.T, lower=True, check_finite=False)
    difference = explained.reshape(len(lower), -1, 2) @ np.array([1.0, -1.0])
    left = before.sum(axis=1) - 2.0 * before_both - np.sum(difference**2, axis=0)
    left += model.unseen * np.sum(targets.scale[..., 0] ** 2, axis=1)
    return model.spread * np.sqrt(np.maximum(left, 1.0))


def _factor(model: Covariance, known: Places) -> tuple[Float32, bool]:
    matrix = between(model, known, known)(known)
    # Where listeners hardly differ, as with arrivals from straight ahead, rounding needs some too.
    least = _LEAST_NOISE * float(np.trace(matrix)) / len(matrix)
    matrix.flat[:: len(matrix) + 1] += (model.noise * known.scale**2).ravel() + np.float32(least)
    if model.shared:
        left = np.arange(len(matrix)).reshape(known.scale.shape)[:, 0].ravel()
        right = left + known.scale.shape[-1]
        for a, b in ((left, left), (left, right), (right, left), (right, right)):
            matrix[a, b] += np.float32(model.shared)
    factor, lower = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return factor, lower


def _blocks(n_bins: int, per_bin: int, most: int) -> Iterator[tuple[Int64, Int64]]:
    """Bins to predict, and those around them to predict from: as many as can be solved at once."""
    at_once = max(most // per_bin, 1)
    if at_once >= n_bins:
        yield np.arange(n_bins), np.arange(n_bins)
        return
    margin = (at_once - 1) // 3
    step = at_once - 2 * margin
    for start in range(0, n_bins, step):
        stop = min(start + step, n_bins)
        yield (
            np.arange(start, stop),
            np.arange(max(start - margin, 0), min(stop + margin, n_bins)),
        )


def _all_bins(heard: NDArray) -> NDArray:
    """Deviations (..., F) at all bins from those at the bins heard; the ends go on."""
    out = np.empty((*heard.shape[:-1], BINS), dtype=heard.dtype)
    out[..., HEARD] = heard
    out[..., : HEARD.start] = heard[..., :1]
    out[..., HEARD.stop :] = heard[..., -1:]
    return out
