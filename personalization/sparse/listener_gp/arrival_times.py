"""Arrival times of a listener from those measured, and from what the head shadows.

The process of ``auricle.personalization.sparse.listener_gp.process`` for microseconds in place of
decibels. A larger head delays more and shadows more, so decibels in four bands below 3.5 kHz, as
measured beside the arrival times, are further values of the same process: of few directions they
tell the size of the head better than two or three arrival times do.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.dsp.sphere.grids import chords
from auricle.personalization.listeners.features import itd_seconds
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.listener_gp.covariance import (
    Covariance,
    Part,
    Sites,
    between,
    ear_covariance,
    expected,
    variance,
)
from auricle.personalization.sparse.listener_gp.posterior import cholesky_of, places_of

# In microseconds; the arrival is bin 0, the bands are told from it and each other by their numbers.
ARRIVAL = Covariance(
    tapers=(Part(0.4, 4.6, np.inf, 1.0),),
    rest=(Part(0.011, 0.5, 1.0, 0.8), Part(0.0008, 0.32, 1.0, 0.0)),
    noise=0.0009,
    offset=3.0e3,
    offset_bins=0.5,
)
# Of another laboratory: heads stand elsewhere and turned, and some loudspeakers are farther away.
# Chosen with HUTUBS as the listeners and CIPIC as the other laboratory, and the other way round.
ARRIVAL_ACROSS = replace(
    ARRIVAL, noise=0.01, shared=100.0**2, turn=1.5**2, unseen=0.03, spread=1.25
)
MICROSECONDS = 1e6

# The bands, their numbers, and how they weigh, were chosen on the listeners of SONICOM's first
# training fold (benchmarks/personalization/arrival_covariance.py).
HEAD_BANDS = (slice(1, 6), slice(6, 11), slice(11, 16), slice(16, 21))
_BAND_NUMBERS = 6 + np.arange(len(HEAD_BANDS))
_BAND_US = 5.0  # microseconds that stand for a decibel: the offset takes off what bands have alike
_BAND_SCATTER = 8.0  # much else than the head's size moves them
_NEIGHBOURS = 4
_TURN_DEG = 2.0  # over which the slope of the mean is taken
_MOST_WITH_BANDS = 30  # directions; of more the arrival times tell all that the bands would


def predict_arrivals(
    model: Covariance, mean: ListenerGroup, deviations: ListenerGroup, measured: ListenerGroup,
    target_positions: Array, *, bands: Sequence[slice] = (), with_spread: bool = True,
    scattered: bool = False,
) -> tuple[Array, Array | None]:  # fmt: skip
    """Arrival times (B, Q, 2) of the listeners measured, and the spread (Q,) of the ITD, seconds.

    Args:
        model: covariance in microseconds.
        mean: one listener, the mean of the others.
        deviations: of the others from it.
        measured: what is known of B listeners.
        target_positions: (Q, 3).
        bands: of bins whose decibels are looked at beside the arrival times; none: magnitudes are
            not looked at, and need not be there.
        with_spread: whether to work out the spread.
        scattered: whether the spread holds what the others' ITDs scatter by from direction to
            direction (``unexplained_itd_us``), as measurements of the same laboratory will.
    """
    known = measured.positions
    looked_at = bands if len(known) <= _MOST_WITH_BANDS else ()
    if not looked_at:
        mean, deviations, measured = (_late_only(each) for each in (mean, deviations, measured))
    mean_known, others = mean.at(known), deviations.at(known)
    late = measured.arrival_seconds - mean_known.arrival_seconds
    common = late.mean(axis=(1, 2), keepdims=True)
    values = _values(late - common, measured.magnitude_db - mean_known.magnitude_db, looked_at)
    there = _late_only(deviations).at(target_positions).arrival_seconds
    slopes = [_slope(mean, each) if model.turn else None for each in (target_positions, known)]
    targets = places_of(target_positions, _values(there), slopes[0])
    seen = places_of(known, _values(others.arrival_seconds), slopes[1])
    if looked_at:
        seen = _beside(seen, _values(others.arrival_seconds, others.magnitude_db, looked_at))
    right = values.reshape(len(values), -1).T.astype(np.float32)
    solution = cho_solve(cholesky_of(model, seen), right, check_finite=False)
    found = expected(model, targets, seen, solution, targets.bins)
    at_targets = _late_only(mean).at(target_positions).arrival_seconds
    arrivals = at_targets + found[..., 0] / MICROSECONDS + common
    if not with_spread:
        return arrivals, None
    spread_us = _itd_spread(model, targets, seen)
    if scattered:
        spread_us = np.hypot(spread_us, unexplained_itd_us(deviations, target_positions))
    return arrivals, spread_us / MICROSECONDS


def unexplained_itd_us(deviations: ListenerGroup, target_positions: Array) -> Array:
    """By how many microseconds (Q,) the ITD at targets (Q, 3) differs, as a root mean square over
    listeners, from what its neighbours tell: that of the nearest direction of the grid.
    """
    itd = MICROSECONDS * itd_seconds(deviations.arrival_seconds)
    apart = chords(deviations.positions, deviations.positions)
    around = np.argsort(apart, axis=1, kind="stable")[:, 1 : 1 + _NEIGHBOURS]
    left = itd - itd[:, around].mean(axis=-1)
    own = np.sqrt(np.mean(left**2, axis=0) / (1.0 + 1.0 / _NEIGHBOURS))
    return np.asarray(own[np.argmax(target_positions @ deviations.positions.T, axis=1)])


def _late_only(listeners: ListenerGroup) -> ListenerGroup:
    return replace(listeners, magnitude_db=listeners.magnitude_db[..., :0])


def _values(
    late_seconds: Array, magnitude_db: NDArray | None = None, bands: Sequence[slice] = ()
) -> Array:
    """Values (B, M, 2, 1 + P): microseconds, and the mean of each of P bands."""
    parts = [MICROSECONDS * late_seconds[..., None]]
    for band in bands:
        assert magnitude_db is not None
        parts.append(_BAND_US * magnitude_db[..., band].mean(axis=-1, keepdims=True))
    return np.concatenate(parts, axis=-1)


def _beside(late: Sites, values: Array) -> Sites:
    """Places of the arrival times with the bands beside them."""
    both = places_of(late.positions, values)
    both.scale[..., 1:] *= np.float32(_BAND_SCATTER)
    bins = np.r_[0, _BAND_NUMBERS[: values.shape[-1] - 1]]
    slope = None
    if late.slope is not None:
        slope = np.concatenate([late.slope, np.zeros_like(both.scale[..., 1:])], axis=-1)
    return replace(both, bins=bins, slope=slope)


def _slope(mean: ListenerGroup, positions: Array) -> Float32:
    """Microseconds (Q, 2, 1) by which the mean arrives later for each degree of azimuth."""
    azimuth_deg, elevation_deg = azimuth_elevation_deg(positions)
    ahead, behind = (
        _values(
            _late_only(mean).at(unit_vectors(azimuth_deg + step, elevation_deg)).arrival_seconds
        )
        for step in (_TURN_DEG, -_TURN_DEG)
    )
    return np.asarray((ahead - behind)[0] / (2.0 * _TURN_DEG), dtype=np.float32)


def _itd_spread(model: Covariance, targets: Sites, known: Sites) -> Array:
    """Standard deviation (Q,) of the difference of the ears after the measurement, of one bin."""
    before = variance(model, targets)[..., 0].astype(np.float64)
    before_both = ear_covariance(model, targets)[..., 0]
    lower, _ = cholesky_of(model, known)
    cross = between(model, targets, known)(targets)
    explained = solve_triangular(lower, cross.T, lower=True, check_finite=False)
    difference = explained.reshape(len(lower), -1, 2) @ np.array([1.0, -1.0])
    left = before.sum(axis=1) - 2.0 * before_both - np.sum(difference**2, axis=0)
    left += model.unseen * np.sum(targets.scale[..., 0] ** 2, axis=1)
    return model.spread * np.sqrt(np.maximum(left, 1.0))
