"""Bayesian prediction from other listeners: a Gaussian process whose covariance they teach.

The values of a listener (decibels at all directions, ears and bins; arrival times) are normal about
the mean listener, with the covariance of ``auricle.personalization.sparse.listener_gp.covariance``.
What was measured conditions them: Rasmussen and Williams 2006, eq. 2.25 and 2.26. One set of
hyperparameters serves any number of directions; they were chosen on listeners of SONICOM's first
training fold.

Each listener counts several times, with the deviations moved up and down in frequency by some
per cent: a larger or smaller ear has the same pattern lower or higher (Middlebrooks 1999, JASA
106:1480).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32
from auricle.personalization.listeners.features import BINS, EVALUATED_BINS, to_all_bins
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.arrival_times import (
    ARRIVAL,
    ARRIVAL_ACROSS,
    HEAD_BANDS,
    predict_arrivals,
)
from auricle.personalization.sparse.listener_gp.covariance import Covariance, Part
from auricle.personalization.sparse.listener_gp.posterior import (
    places_of,
    posterior_mean,
    posterior_mean_bin_by_bin,
    spread_of,
)

MAGNITUDE = Covariance(  # in decibels
    tapers=(Part(0.4, 1.08, 40.0, 0.6), Part(0.4, 0.5, 4.0, 0.6)),
    rest=(Part(0.15, 5.0, 16.0, 0.2), Part(0.18, 0.09, 0.5, 0.0)),
    noise=0.01,
    spread=0.77,
)
# Of the spread, for another laboratory: chosen as ``ARRIVAL_ACROSS`` was, of HUTUBS and CIPIC.
SPREAD_ACROSS = 0.89
OFFSET_DB, OFFSET_BINS = 3.0, 6.0  # by which the equipment of laboratories differs, and how finely

STRETCHES = (-0.07, 0.07)  # of the frequencies of further copies of each listener


class ListenersProcess:
    """Gaussian process over directions, ears and frequencies, learned from listeners.

    Args:
        magnitude: covariance of the magnitudes.
        arrival: covariance of the arrival times.
        with_spread: whether predictions say their standard deviation.
        bins_apart: whether each bin is predicted from itself alone, which is quicker.
    """

    name = "listeners"
    n_parameters = 0
    bands: ClassVar[Sequence[slice]] = HEAD_BANDS  # that arrival times are told from too
    same_laboratory: ClassVar[bool] = True  # the others' measurements scatter as this one does

    def __init__(
        self, magnitude: Covariance = MAGNITUDE, arrival: Covariance = ARRIVAL, *,
        with_spread: bool = False, bins_apart: bool = False,
    ) -> None:  # fmt: skip
        self._magnitude, self._arrival = magnitude, arrival
        self._with_spread = with_spread
        self._condition = posterior_mean_bin_by_bin if bins_apart else posterior_mean

    def fit(self, train: ListenerGroup) -> None:
        """Keep the mean and how the listeners and their mirror images deviate from it."""
        self._mean = mean_listener(train)
        both = train.joined(train.mirrored())
        deviations_db = both.magnitude_db - self._mean.magnitude_db
        late = both.arrival_seconds - self._mean.arrival_seconds
        copies = 1 + len(STRETCHES)
        self._deviations = ListenerGroup(
            train.positions,
            np.concatenate([deviations_db, *(_stretched(deviations_db, by) for by in STRETCHES)]),
            np.tile(late, (copies, 1, 1)),
        )
        self.n_parameters = (
            train.magnitude_db[..., EVALUATED_BINS].size + train.arrival_seconds.size
        )

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The most likely features at the targets (Q, 3), given what was measured."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """Predictions for listeners who were all measured at the same directions; quicker."""
        return self.predict_apart(measured, target_positions)[0]

    def predict_apart(
        self, measured: ListenerGroup, target_positions: Array
    ) -> tuple[list[Prediction], Float32]:
        """Predictions, and what of them (B, F) in dB is put down to the equipment: nothing."""
        found, _ = self._predicted(measured, target_positions)
        return found, np.zeros((len(found), BINS), dtype=np.float32)

    def _predicted(
        self, measured: ListenerGroup, target_positions: Array, *, apart: bool = False
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
            places_of(target_positions, others.magnitude_db[..., EVALUATED_BINS]),
            places_of(known, others_known.magnitude_db[..., EVALUATED_BINS]),
        )
        model, targets, seen = spectra
        wanted = targets.and_nowhere() if apart else targets
        whole = self._condition(model, wanted, seen, magnitude[..., EVALUATED_BINS])
        found, shared = whole[:, : len(target_positions)], whole[:, -1, 0]
        std_db = to_all_bins(spread_of(*spectra)) if self._with_spread else None
        arrivals, std_seconds = predict_arrivals(
            self._arrival, self._mean, self._as_measured(), measured, target_positions,
            bands=self.bands, with_spread=self._with_spread, scattered=self.same_laboratory,
        )  # fmt: skip
        predictions = [
            Prediction(
                mean.magnitude_db[0] + to_all_bins(db) + loud,
                arrival,
                std_db,
                std_seconds,
            )
            for db, arrival, loud in zip(found, arrivals, level[:, 0], strict=True)
        ]
        return predictions, to_all_bins(shared) + level[:, 0, 0]

    def _as_measured(self) -> ListenerGroup:
        """The listeners without the copies that are stretched."""
        count = len(self._deviations) // (1 + len(STRETCHES))
        return replace(
            self._deviations,
            magnitude_db=self._deviations.magnitude_db[:count],
            arrival_seconds=self._deviations.arrival_seconds[:count],
        )

    def _level(self, deviations_db: NDArray) -> NDArray:
        """What to take off the measured deviations (B, K, 2, F) first: nothing."""
        return np.zeros((len(deviations_db), 1, 1, 1), dtype=np.float32)


class ListenersAcross(ListenersProcess):
    """The process for a listener of another laboratory, whose equipment the measurement tells.

    The level is taken off first; the response of the loudspeaker and of the equalisation is an
    unknown common to all directions, which the process estimates along with the listener.

    Args:
        offset_db: by how much the equipment of laboratories differs, as a standard deviation.
        with_spread: whether predictions say their standard deviation.
        bins_apart: whether each bin is predicted from itself alone, which is quicker.
    """

    name = "listeners-across"
    same_laboratory = False
    bands = ()  # of another laboratory they made the ITD no better: its equipment is in them

    def __init__(
        self, offset_db: float = OFFSET_DB, *, with_spread: bool = False, bins_apart: bool = False
    ) -> None:
        model = replace(
            MAGNITUDE, offset=offset_db**2, offset_bins=OFFSET_BINS, spread=SPREAD_ACROSS
        )
        super().__init__(model, ARRIVAL_ACROSS, with_spread=with_spread, bins_apart=bins_apart)

    def predict_apart(
        self, measured: ListenerGroup, target_positions: Array
    ) -> tuple[list[Prediction], Float32]:
        """Predictions, and what of them (B, F) in dB is put down to the equipment."""
        return self._predicted(measured, target_positions, apart=True)

    def _level(self, deviations_db: NDArray) -> NDArray:
        return np.median(deviations_db[..., EVALUATED_BINS], axis=(1, 2, 3), keepdims=True)


def _stretched(deviations_db: Float32, by: float) -> Float32:
    """Deviations (S, M, 2, F) read at frequencies higher by a share; the ends go on."""
    first, last = EVALUATED_BINS.start, EVALUATED_BINS.stop - 1
    where = np.clip(np.arange(BINS) * (1.0 + by), first, last)
    below = np.minimum(where.astype(np.int64), last - 1)
    share = (where - below).astype(np.float32)
    return np.asarray(
        deviations_db[..., below] * (1.0 - share) + deviations_db[..., below + 1] * share
    )
