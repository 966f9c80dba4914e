import numpy as np
import pytest
from synthetic_set import sphere

from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction
from auricle.personalization.sparse.evaluation.calibration import (
    LEVELS,
    calibration,
    sample_coverage,
)

MEASURED = np.array([0, 5, 9])


def listeners(claimed, rng):
    """Errors of 2 dB and 20 us, and predictions that claim a multiple of that."""
    truth = ListenerGroup(
        sphere(60),
        (2.0 * rng.standard_normal((3, 60, 2, 129))).astype(np.float32),
        20e-6 * rng.standard_normal((3, 60, 2)) / np.sqrt(2.0),
    )
    nothing = np.zeros((60, 2, 129), dtype=np.float32)
    spread = np.full(nothing.shape, 2.0 * claimed)
    found = Prediction(nothing, np.zeros((60, 2)), spread, np.full(60, 20e-6 * claimed))
    return truth, [found] * 3


@pytest.mark.parametrize(("claimed", "held"), [(1.0, LEVELS), (2.0, (0.823, 0.990, 0.99991))])
def test_intervals_hold_what_a_normal_error_says(claimed, held):
    truth, found = listeners(claimed, np.random.default_rng(0))
    made = calibration(found, truth, MEASURED)
    assert made.magnitude == pytest.approx(held, abs=0.01)
    assert made.itd == pytest.approx(held, abs=0.08)  # few values
    assert made.std_db == pytest.approx(2.0 * claimed)


def test_the_score_is_best_where_the_claim_is_right():
    scores = {}
    for claimed in (0.5, 1.0, 2.0):
        truth, found = listeners(claimed, np.random.default_rng(0))
        scores[claimed] = calibration(found, truth, MEASURED).crps_db
    assert scores[1.0] == pytest.approx(2.0 / np.sqrt(np.pi), rel=0.02)  # of N(0, 2) about 0
    assert scores[1.0] < min(scores[0.5], scores[2.0])


def test_what_was_measured_does_not_count():
    truth, found = listeners(1.0, np.random.default_rng(0))
    before = calibration(found, truth, MEASURED)
    truth.magnitude_db[:, MEASURED] = 100.0
    assert calibration(found, truth, MEASURED) == before


def test_quantiles_of_samples_hold_what_they_say():
    rng = np.random.default_rng(1)
    truth, _ = listeners(1.0, rng)
    samples = [
        Prediction(2.0 * rng.standard_normal((60, 2, 129)).astype(np.float32), np.zeros((60, 2)))
        for _ in range(200)
    ]
    held = sample_coverage(samples, truth.magnitude_db[0], MEASURED)
    assert held == pytest.approx(LEVELS, abs=0.02)
