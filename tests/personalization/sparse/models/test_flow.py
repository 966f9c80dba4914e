import numpy as np
import pytest
import small_listeners

torch = pytest.importorskip("torch")

from auricle.dsp.geometry import angle_deg  # noqa: E402
from auricle.personalization.learning.training_loop import Plan  # noqa: E402
from auricle.personalization.listeners.features import EVALUATED_BINS  # noqa: E402
from auricle.personalization.sparse.models.flow.flow import Flow  # noqa: E402
from auricle.personalization.sparse.models.flow.residual_field import (  # noqa: E402
    N_COSINES,
    N_SMOOTH,
    Spreads,
    smooth_coefficients,
    smooth_field,
)
from auricle.personalization.sparse.models.shared.base import N_EVALUATED  # noqa: E402

SMALL = {
    "width": 8, "groups": 2, "random_sets": 0, "targets": 40, "batch": 8, "samples": 16, "steps": 2,
}  # fmt: skip
SOME = np.array([0, 7, 13, 22, 34, 41, 48, 55, 58, 60, 61])


@pytest.fixture(scope="module")
def made():
    flow = Flow(Plan(steps=4, check_steps=2), **SMALL)
    flow.fit(small_listeners.listeners(8))
    return flow


@pytest.fixture(scope="module")
def unknown():
    return small_listeners.listeners(6, seed=9)


def untrained(made):
    """The same flow, whose network adds nothing."""
    again = Flow.from_weights(made.to_weights())
    torch.nn.init.zeros_(again.net.last.weight)
    torch.nn.init.zeros_(again.net.last.bias)
    return again


def test_a_field_of_few_numbers_goes_there_and_back():
    rng = np.random.default_rng(0)
    where = rng.standard_normal((400, 3))
    where /= np.linalg.norm(where, axis=1, keepdims=True)
    wanted = rng.standard_normal((2, 2, N_SMOOTH, N_COSINES)).astype(np.float32)
    found = smooth_coefficients(where, smooth_field(where, wanted))
    assert np.linalg.norm(found - wanted) < 0.02 * np.linalg.norm(wanted)


def test_spreads_are_those_of_the_fields_and_lie_between_counts():
    rng = np.random.default_rng(0)
    where = rng.standard_normal((300, 3))
    where /= np.linalg.norm(where, axis=1, keepdims=True)
    fields = [
        k * rng.standard_normal((4, 300, 2, N_EVALUATED)).astype(np.float32) for k in (2.0, 1.0)
    ]
    made = Spreads.of([4, 16], [where, where], fields)
    for count, scale in ((4, 2.0), (8, 1.5), (16, 1.0), (100, 1.0)):
        smooth = 2.0 * made.smooth_at(count) ** 2  # half of the cosines
        variance = smooth.sum() / N_EVALUATED / 2.0 + made.fine_variance(count)
        assert np.sqrt(variance) == pytest.approx(scale, rel=0.05)
    drawn = made.drawn_fine(where[:50], 4, 20, rng)
    assert drawn.var() == pytest.approx(made.fine_variance(4), rel=0.05)


def test_without_its_network_the_flow_is_the_gaussian_process(made, unknown):
    flow = untrained(made)
    measured = unknown.listener(0, SOME)
    base = flow._base.predict(measured, unknown.positions)
    found = flow.predict(measured, unknown.positions)
    assert np.allclose(found.magnitude_db, base.magnitude_db, atol=1e-4)


def test_a_seed_repeats_the_samples_and_another_does_not(made, unknown):
    measured, targets = unknown.listener(0, SOME), unknown.positions[::5]
    torch.nn.init.normal_(made.net.last.weight, std=0.01)
    first, again, other = (made.samples(measured, targets, 3, seed) for seed in (1, 1, 2))
    for one, two, three in zip(first, again, other, strict=True):
        assert np.array_equal(one.magnitude_db, two.magnitude_db)
        assert not np.allclose(one.magnitude_db, three.magnitude_db, atol=0.1)


def test_the_prediction_is_the_mean_of_samples_and_tells_their_spread(made, unknown):
    flow = untrained(made)
    measured, targets = unknown.listener(0, SOME), unknown.positions[1::6]
    found = flow.predict(measured, targets)
    drawn = np.stack([each.magnitude_db for each in flow.samples(measured, targets, 200)])
    assert np.allclose(drawn.mean(axis=0), found.magnitude_db, atol=1e-3)
    ratio = drawn[..., EVALUATED_BINS].std(axis=0).mean() / found.std_db[..., EVALUATED_BINS].mean()
    assert ratio == pytest.approx(1.0, abs=0.2)


def test_more_measurements_leave_less_spread(made, unknown):
    many = np.arange(0, 62, 2)
    spreads = [
        made.predict(unknown.listener(0, rows), unknown.positions).std_db.mean()
        for rows in (SOME[:3], SOME, many)
    ]
    assert spreads[0] > spreads[1] > spreads[2]
    near = angle_deg(unknown.positions[3], unknown.positions[many]).min()
    assert near > 1.0  # the directions left out are apart from the measured ones


def test_samples_agree_with_what_was_measured(made, unknown):
    measured = unknown.listener(0, SOME)
    drawn = np.stack([s.magnitude_db for s in made.samples(measured, unknown.positions, 8)])
    spread = drawn[..., EVALUATED_BINS].std(axis=0).mean(axis=(1, 2))
    others = np.setdiff1d(np.arange(62), SOME)
    assert spread[SOME].mean() < 0.5 * spread[others].mean()
