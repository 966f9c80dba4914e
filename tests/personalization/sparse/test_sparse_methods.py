"""Methods of spatial upsampling on listeners made by formula: better than the mean, no leaks."""

from dataclasses import replace

import numpy as np
import pytest
from listener_groups import GRID, some_listeners
from synthetic_set import sphere

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.dsp.sphere.harmonics import encode
from auricle.personalization.datasets.lap import spread_rows
from auricle.personalization.listeners.features import (
    BINS,
    EVALUATED_BINS,
    blend_weights,
    itd_seconds,
    to_all_bins,
)
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.pooling import pooled
from auricle.personalization.sparse.listener_gp import posterior
from auricle.personalization.sparse.listener_gp.covariance import (
    Sites,
    between,
    expected,
    variance,
)
from auricle.personalization.sparse.listener_gp.process import (
    MAGNITUDE,
    ListenersAcross,
    ListenersProcess,
)
from auricle.personalization.sparse.method import predict_many
from auricle.personalization.sparse.methods import ridge as ridge_module
from auricle.personalization.sparse.methods.other_laboratory import equipment_db
from auricle.personalization.sparse.methods.ridge import BandRidge
from auricle.personalization.sparse.registry import METHODS, learned_names, method, names

CLASSICAL = [name for name in METHODS if name not in learned_names()]
PERSONAL = ("ridge", "listeners", "listeners-across", "ridge-across")
ROWS = spread_rows(GRID, 9)


@pytest.fixture(scope="module")
def train() -> ListenerGroup:
    return some_listeners()


@pytest.fixture(scope="module")
def others() -> ListenerGroup:
    return some_listeners(3, seed=7)


def error_db(found: Prediction, true: ListenerGroup, row: int) -> float:
    return float(
        np.sqrt(np.mean((found.magnitude_db - true.magnitude_db[row])[..., EVALUATED_BINS] ** 2))
    )


@pytest.mark.parametrize("name", CLASSICAL)
def test_any_grid_in_any_grid_out(name: str, train: ListenerGroup) -> None:
    upsampler = method(name)()
    upsampler.fit(train.take(list(range(6))))
    known, targets = sphere(11)[[0, 3, 5, 8]], sphere(37)
    seen = train.take([7]).at(known).listener(0)
    found = upsampler.predict(seen, targets)
    assert upsampler.name == name
    assert found.magnitude_db.shape == (37, 2, 129)
    assert found.arrival_seconds.shape == (37, 2)
    assert np.all(np.isfinite(found.magnitude_db))
    assert np.all(np.isfinite(found.arrival_seconds))


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_methods_are_better_than_the_mean(
    name: str, train: ListenerGroup, others: ListenerGroup
) -> None:
    upsampler, mean = method(name)(), method("mean")()
    upsampler.fit(train)
    mean.fit(train)
    for row, found in enumerate(predict_many(upsampler, others.directions(ROWS), others.positions)):
        plain = mean.predict(others.listener(row, ROWS), others.positions)
        assert error_db(found, others, row) < 0.85 * error_db(plain, others, row)
        true = itd_seconds(others.arrival_seconds[row])
        wrong, plainly = (
            np.abs(itd_seconds(each.arrival_seconds) - true).mean() for each in (found, plain)
        )
        assert wrong < plainly


def test_the_process_is_the_best_on_listeners_like_these(
    train: ListenerGroup, others: ListenerGroup
) -> None:
    errors = {}
    for name in ("ridge", "mean-sh", "listeners"):
        upsampler = method(name)()
        upsampler.fit(train)
        found = predict_many(upsampler, others.directions(ROWS), others.positions)
        errors[name] = np.mean([error_db(one, others, row) for row, one in enumerate(found)])
    assert min(errors, key=lambda name: errors[name]) == "listeners"


def test_many_listeners_at_once_are_as_one_by_one(
    train: ListenerGroup, others: ListenerGroup
) -> None:
    for name in ("ridge", "listeners", "listeners-across"):
        upsampler = method(name)()
        upsampler.fit(train)
        together = predict_many(upsampler, others.directions(ROWS), others.positions)
        alone = upsampler.predict(others.listener(1, ROWS), others.positions)
        np.testing.assert_allclose(together[1].magnitude_db, alone.magnitude_db, atol=2e-3)
        np.testing.assert_allclose(together[1].arrival_seconds, alone.arrival_seconds, atol=1e-9)


def test_blocks_of_bins_change_little(
    train: ListenerGroup, others: ListenerGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsampler = ListenersProcess()
    upsampler.fit(train)
    whole = upsampler.predict(others.listener(0, ROWS), others.positions)
    monkeypatch.setattr(posterior, "_MOST_VALUES", 18 * 40)
    parts = upsampler.predict(others.listener(0, ROWS), others.positions)
    assert np.sqrt(np.mean((whole.magnitude_db - parts.magnitude_db) ** 2)) < 0.5


def test_the_quick_sum_is_the_covariance_times_the_solution() -> None:
    random = np.random.default_rng(3)

    def places(count: int) -> Sites:
        deviations = random.normal(size=(20, count, 2, 9)).astype(np.float32)
        deviations -= deviations.mean(axis=0)
        slope = random.normal(size=(count, 2, 9)).astype(np.float32)
        return Sites(sphere(count), np.arange(9), deviations, deviations.std(axis=0), slope)

    targets, known = places(7), places(4)
    model = replace(MAGNITUDE, offset=2.0, turn=3.0)
    solution = random.normal(size=(known.n_values, 3)).astype(np.float32)
    bins = np.array([1, 2, 8])
    slow = between(model, targets, known)(targets.at_bins(bins)) @ solution
    quick = expected(model, targets, known, solution, bins)
    np.testing.assert_allclose(quick, slow.T.reshape(3, 7, 2, 3), atol=1e-4)
    whole = between(model, known, known)(known)
    np.testing.assert_allclose(whole, whole.T, atol=1e-5)
    assert np.linalg.eigvalsh(whole.astype(np.float64)).min() > -1e-4
    np.testing.assert_allclose(np.diag(whole), variance(model, known).ravel(), rtol=1e-4)


def test_delay_and_equipment_of_another_laboratory_are_found(
    train: ListenerGroup, others: ListenerGroup
) -> None:
    upsampler = ListenersAcross()
    upsampler.fit(train)
    seen = others.listener(0, ROWS)
    response_db = (4.0 + 3.0 * np.sin(np.arange(129) / 15.0)).astype(np.float32)
    moved = MeasuredListener(
        seen.positions, seen.magnitude_db + response_db, seen.arrival_seconds + 1e-3
    )
    plain, other = (upsampler.predict(each, others.positions) for each in (seen, moved))
    late = other.arrival_seconds - plain.arrival_seconds
    np.testing.assert_allclose(late, 1e-3, atol=1e-9)
    left = (other.magnitude_db - plain.magnitude_db - response_db)[..., EVALUATED_BINS]
    assert np.sqrt(np.mean(left**2)) < 0.35


def test_a_loudspeaker_farther_away_leaves_the_itd_of_the_rest(
    train: ListenerGroup, others: ListenerGroup
) -> None:
    def with_ears_apart(some: ListenerGroup, seed: int) -> ListenerGroup:
        slants = np.random.default_rng(seed).normal(size=(len(some), 3, 2))
        own = 15e-6 * np.einsum("md,bde->bme", GRID, slants)
        return replace(some, arrival_seconds=some.arrival_seconds + own)

    others = with_ears_apart(others, 2)
    errors = {}
    for upsampler in (ListenersAcross(), ListenersProcess()):
        upsampler.fit(with_ears_apart(train, 1))
        late = others.directions(ROWS).arrival_seconds
        late[:, 4] += 300e-6  # both ears
        errors[upsampler.name] = itd_error_us(upsampler, others, late)
    assert errors["listeners-across"] < 0.5
    assert errors["listeners"] > 2.0


def test_a_turned_head_is_found(train: ListenerGroup, others: ListenerGroup) -> None:
    azimuth_deg, elevation_deg = azimuth_elevation_deg(GRID)
    turned = replace(others.at(unit_vectors(azimuth_deg + 4.0, elevation_deg)), positions=GRID)
    errors = {}
    for upsampler in (ListenersAcross(), ListenersProcess()):
        upsampler.fit(train)
        late = turned.directions(ROWS[:3]).arrival_seconds
        errors[upsampler.name] = itd_error_us(upsampler, turned, late, ROWS[:3])
    assert errors["listeners-across"] < 0.5 * errors["listeners"]


def itd_error_us(
    upsampler: ListenersProcess, true: ListenerGroup, late: np.ndarray, rows: np.ndarray = ROWS
) -> float:
    """Mean error of the ITD of all listeners, measured with arrivals (B, K, 2)."""
    found = upsampler.predict_many(
        replace(true.directions(rows), arrival_seconds=late), true.positions
    )
    itd = itd_seconds(np.stack([each.arrival_seconds for each in found]))
    return 1e6 * float(np.abs(itd - itd_seconds(true.arrival_seconds)).mean())


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_below_and_above_the_bins_heard_their_ends_go_on(kind: type) -> None:
    count = len(range(BINS)[EVALUATED_BINS])
    heard = (np.arange(6 * count).reshape(3, 2, count) ** 2).astype(kind)
    found = to_all_bins(heard)
    assert (found.shape, found.dtype) == ((3, 2, BINS), kind)
    np.testing.assert_array_equal(found[..., EVALUATED_BINS], heard)
    np.testing.assert_array_equal(np.unique(found[1, 0, : EVALUATED_BINS.start]), heard[1, 0, :1])
    np.testing.assert_array_equal(np.unique(found[1, 0, EVALUATED_BINS.stop :]), heard[1, 0, -1:])


def test_equipment_is_what_all_directions_share() -> None:
    deviations = np.random.default_rng(0).normal(size=(40, 2, 129))
    assert np.abs(equipment_db(deviations + 5.0) - 5.0).mean() < 0.2


def test_united_laboratories_keep_their_listeners_and_lose_their_equipment(
    train: ListenerGroup,
) -> None:
    half, rest = train.take(list(range(12))), train.take(list(range(12, 24)))
    loud = replace(rest, magnitude_db=rest.magnitude_db + np.float32(9.0))
    both = pooled([half, loud])
    assert len(both) == 24
    gap = both.magnitude_db[:12].mean() - both.magnitude_db[12:].mean()
    assert abs(gap) < 1e-3
    spread = both.magnitude_db[12:].std(axis=0).mean()
    assert spread == pytest.approx(rest.magnitude_db.std(axis=0).mean(), rel=1e-3)


def test_mirroring_twice_gives_the_listeners_back(train: ListenerGroup) -> None:
    again = train.mirrored().mirrored()
    np.testing.assert_allclose(again.magnitude_db, train.magnitude_db, atol=1e-4)
    same = train.at(train.positions)
    np.testing.assert_array_equal(same.magnitude_db, train.magnitude_db)


def test_fields_are_read_between_the_directions_of_a_grid(train: ListenerGroup) -> None:
    targets = sphere(60)
    weights = blend_weights(GRID, targets)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_array_equal(blend_weights(GRID, GRID), np.eye(len(GRID)))
    field, true = encode(GRID, 2, "n3d"), encode(targets, 2, "n3d")
    assert np.sqrt(np.mean((weights @ field - true) ** 2)) < 0.05


def test_the_spread_covers_the_error_and_falls_towards_what_was_measured(
    train: ListenerGroup,
) -> None:
    """These listeners are simpler than the covariance allows for, so it may be too wide."""
    upsampler = ListenersProcess(with_spread=True)
    upsampler.fit(train)
    many = some_listeners(6, seed=21)
    left_out = np.setdiff1d(np.arange(len(GRID)), ROWS)
    before = train.magnitude_db[..., EVALUATED_BINS].std(axis=0)
    for row, found in enumerate(upsampler.predict_many(many.directions(ROWS), many.positions)):
        assert found.std_db is not None
        assert found.std_seconds is not None
        spread = found.std_db[..., EVALUATED_BINS]
        error = np.abs(found.magnitude_db - many.magnitude_db[row])[..., EVALUATED_BINS]
        assert np.mean((error < spread)[left_out]) > 0.6  # 0.68 of a normal distribution
        assert spread[ROWS].mean() < 0.6 * spread[left_out].mean()
        assert spread[left_out].mean() < 1.2 * before[left_out].mean()
        assert found.std_seconds.max() < 100e-6


def test_the_spread_of_ridge_is_that_of_its_posterior(train: ListenerGroup) -> None:
    random = np.random.default_rng(5)
    known, wanted = random.normal(size=(12, 30)), random.normal(size=(12, 7))
    ridge = 0.4
    noise = ridge * np.sum(known**2) / 12 / 12  # variance of a measured value
    posterior = np.linalg.inv(12 * np.eye(12) + known @ known.T / noise)  # of the weights
    slow = np.diag(wanted.T @ posterior @ wanted)
    np.testing.assert_allclose(ridge_module._left(known, wanted, ridge), slow, rtol=1e-9)

    spreads = []
    for count in (4, 9, 60):
        upsampler = BandRidge(with_spread=True)
        upsampler.fit(train)
        seen = train.directions(spread_rows(GRID, count)).listener(0)
        found = upsampler.predict(seen, GRID)
        assert found.std_db is not None
        assert found.std_seconds is not None
        assert found.std_db.shape == found.magnitude_db.shape
        assert found.std_seconds.shape == (len(GRID),)
        spreads.append((found.std_db.mean(), found.std_seconds.mean()))
    assert spreads[0][0] > spreads[1][0] > spreads[2][0]
    assert 0.0 < spreads[2][1] < spreads[0][1]
    plain = BandRidge()
    plain.fit(train)
    without = plain.predict(seen, GRID)
    assert without.std_db is None
    np.testing.assert_array_equal(without.magnitude_db, found.magnitude_db)


def test_a_name_that_is_none_is_named_with_those_there_are() -> None:
    with pytest.raises(AuricleError, match="no method 'magic'; there are mean, random, best-subj"):
        names(["mean", "magic"])
