"""Arrival times of heads of several sizes, told from few directions and from what heads shadow."""

import numpy as np
import pytest

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.interpolation.gaussian_process import matern_3_2
from auricle.dsp.sphere.grids import chords, fibonacci_sphere
from auricle.personalization.listeners.features import BINS, itd_seconds
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.arrival_times import (
    ARRIVAL,
    HEAD_BANDS,
    MICROSECONDS,
    predict_arrivals,
    unexplained_itd_us,
)

GRID = fibonacci_sphere(120)
FEW = np.array([5, 40, 90])


def heads(count: int, seed: int, scatter_us: float = 15.0) -> ListenerGroup:
    """Spheres of 7.5 to 10 cm: later and more in the shadow behind a larger one."""
    rng = np.random.default_rng(seed)
    radius_cm = rng.uniform(7.5, 10.0, count)[:, None, None, None]
    away = np.stack([-GRID[:, 1], GRID[:, 1]], axis=-1)[None, ..., None]
    late = radius_cm / 343e2 * (away + 0.1 * away**2) + 4e-6 * rng.normal(size=(count, 1, 2, 1))
    bins = np.arange(BINS) / 20.0
    shadow = -6.0 * (radius_cm - 6.0) * np.maximum(away, 0.0) * np.minimum(bins, 1.0)
    loud = shadow + 0.3 * rng.normal(size=(count, len(GRID), 2, BINS))
    scatter = 1e-6 * scatter_us * rng.normal(size=(count, len(GRID), 2))
    return ListenerGroup(GRID, loud.astype(np.float32), late[..., 0] + scatter)


def about_their_mean(people: ListenerGroup) -> tuple[ListenerGroup, ListenerGroup]:
    """The mean of some heads, and how they differ from it."""
    mean = mean_listener(people)
    magnitude_db = people.magnitude_db - mean.magnitude_db
    late = people.arrival_seconds - mean.arrival_seconds
    return mean, ListenerGroup(GRID, magnitude_db, late)


@pytest.fixture(scope="module")
def known() -> tuple[ListenerGroup, ListenerGroup]:
    return about_their_mean(heads(40, 0))


def by_hand(
    mean: ListenerGroup, deviations: ListenerGroup, measured: ListenerGroup, targets: np.ndarray
) -> np.ndarray:
    """The conditional mean with every covariance written out, value by value."""
    at, rows = measured.positions, [int(np.argmax(GRID @ each)) for each in measured.positions]
    values, owners, columns, scales = [], [], [], []
    late = measured.arrival_seconds - mean.arrival_seconds[:, rows]
    common = late.mean()
    for k in range(len(rows)):
        for ear in range(2):
            for number, band in enumerate([None, *HEAD_BANDS]):
                if band is None:
                    column = MICROSECONDS * deviations.arrival_seconds[:, rows[k], ear]
                    values.append(MICROSECONDS * (late[0, k, ear] - common))
                else:
                    column = 5.0 * deviations.magnitude_db[:, rows[k], ear, band].mean(axis=-1)
                    there = measured.magnitude_db[0, k, ear] - mean.magnitude_db[0, rows[k], ear]
                    values.append(5.0 * there[band].mean())
                owners.append((at[k], ear, 0 if band is None else 5 + number))
                columns.append(column)
                scales.append(column.std() * (1.0 if band is None else 8.0))

    def covariance(one, other) -> float:
        (p, ear, n), a, s = one
        (q, ear_q, m), b, t = other
        chord = chords(p[None], q[None])[0, 0]
        taper = 0.6 + 0.4 * matern_3_2(4.6)(chord)
        same = ear == ear_q
        rest = 0.011 * matern_3_2(0.5)(chord) * (1.0 if same else 0.8)
        rest += 0.0008 * matern_3_2(0.32)(chord) * (1.0 if same else 0.0)
        apart = abs(n - m)
        return float(
            taper * np.mean(a * b) + rest * np.exp(-apart) * s * t + 3e3 * np.exp(-apart / 0.5)
        )

    seen = list(zip(owners, columns, scales, strict=True))
    matrix = np.array([[covariance(a, b) for b in seen] for a in seen])
    noise = 0.0009 * np.square(scales) + 1e-4 * np.trace(matrix) / len(matrix)
    weights = np.linalg.solve(matrix + np.diag(noise), values)
    out = np.empty((len(targets), 2))
    for q, place in enumerate(targets):
        row = int(np.argmax(GRID @ place))
        for ear in range(2):
            column = MICROSECONDS * deviations.arrival_seconds[:, row, ear]
            wanted = ((place, ear, 0), column, column.std())
            found = np.dot([covariance(wanted, each) for each in seen], weights)
            out[q, ear] = mean.arrival_seconds[0, row, ear] + found / MICROSECONDS + common
    return out


def test_it_is_the_conditional_mean_of_arrivals_and_bands(known) -> None:
    mean, deviations = known
    other = heads(1, 1).directions(FEW)
    targets = GRID[[0, 17, 63, 110]]
    found, _ = predict_arrivals(ARRIVAL, mean, deviations, other, targets, bands=HEAD_BANDS)
    expected = by_hand(mean, deviations, other, targets)
    assert np.abs(found[0] - expected).max() < 0.05e-6  # single precision of microseconds


def test_what_the_head_shadows_tells_its_size(known) -> None:
    mean, deviations = known
    others = heads(20, 2)
    rows = np.argmax(GRID @ unit_vectors([20.0, -15.0, 160.0], [0.0, 20.0, 0.0]).T, axis=0)
    true = itd_seconds(heads(20, 2, 0.0).arrival_seconds)
    errors = []
    for bands in (HEAD_BANDS, ()):
        found, spread = predict_arrivals(
            ARRIVAL, mean, deviations, others.directions(rows), GRID, bands=bands
        )
        errors.append(np.abs(itd_seconds(found) - true).mean())
        assert spread is not None
        assert np.all(spread > 0.0)
    assert errors[0] < 0.75 * errors[1]


def test_a_level_of_all_directions_says_nothing(known) -> None:
    mean, deviations = known
    other = heads(1, 3).directions(FEW)
    louder = ListenerGroup(other.positions, other.magnitude_db + 3.0, other.arrival_seconds)
    found = [
        predict_arrivals(ARRIVAL, mean, deviations, each, GRID, bands=HEAD_BANDS)[0]
        for each in (other, louder)
    ]
    assert np.abs(itd_seconds(found[0]) - itd_seconds(found[1])).max() < 1.5e-6


def test_of_many_directions_the_arrival_times_tell_all(known) -> None:
    mean, deviations = known
    other = heads(1, 4).directions(np.arange(0, 120, 3))
    found = [
        predict_arrivals(ARRIVAL, mean, deviations, other, GRID, bands=bands)[0]
        for bands in (HEAD_BANDS, ())
    ]
    assert np.array_equal(*found)


def test_without_bands_magnitudes_need_not_be_there(known) -> None:
    mean, deviations = known
    other = heads(1, 5).directions(FEW)
    bare = [
        ListenerGroup(each.positions, each.magnitude_db[..., :0], each.arrival_seconds)
        for each in (mean, deviations, other)
    ]
    with_them, _ = predict_arrivals(ARRIVAL, mean, deviations, other, GRID)
    without, _ = predict_arrivals(ARRIVAL, *bare, GRID)
    assert np.array_equal(with_them, without)


def test_the_spread_holds_what_directions_scatter_by() -> None:
    """From 40 directions the ITD of the others is known but for their own scatter."""
    mean, deviations = about_their_mean(heads(40, 0, 2.0))
    rows = np.arange(0, 120, 3)
    unknown = np.setdiff1d(np.arange(120), rows)
    others = heads(30, 6, 2.0)
    true = itd_seconds(others.arrival_seconds)[:, unknown]
    own = unexplained_itd_us(deviations, GRID)
    assert np.sqrt(np.mean(own**2)) == pytest.approx(2.0 * np.sqrt(2.0), rel=0.25)
    shares = []
    for scattered in (True, False):
        found, spread = predict_arrivals(
            ARRIVAL, mean, deviations, others.directions(rows), GRID[unknown], scattered=scattered
        )
        assert spread is not None
        error = np.abs(itd_seconds(found) - true)
        shares.append((np.mean(error < spread), np.mean(error < 2.0 * spread)))
    assert shares[0] == pytest.approx((0.68, 0.95), abs=0.06)
    assert shares[1][0] < 0.6
