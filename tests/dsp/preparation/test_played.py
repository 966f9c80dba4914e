"""What is said of the responses that are played is measured on those very responses."""

import numpy as np
import pytest
import synthetic_set

from auricle.dsp.metrics.octaves import CENTRES_HZ, cue_errors, octave_levels_db
from auricle.dsp.preparation.played import played_responses
from auricle.dsp.preparation.played_errors import NO_ERRORS, of_95, worst
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer

RATE = 48000


@pytest.mark.parametrize("rank", [8, "full"])
def test_played_responses_are_those_of_the_renderer(rank):
    """At and between measured directions, to -100 dB."""
    prepared = prepare(synthetic_set.make_set(n=80), RATE, rank=rank)
    directions = np.concatenate([prepared.mesh.vertices[:2], synthetic_set.sphere(5)])
    found = played_responses(prepared, directions)
    renderer = BinauralRenderer(prepared, RATE)
    impulse = np.zeros((1, found.shape[2]), dtype=np.float32)
    impulse[0, 0] = 1.0
    for direction, wanted in zip(directions, found, strict=True):
        renderer.reset()
        renderer.set_positions(direction[None])
        assert synthetic_set.level_db(renderer.process(impulse) - wanted, wanted) < -100.0


def test_octave_levels_of_a_gain_and_above_nyquist():
    ir = np.zeros((2, 2, 64))
    ir[..., 3] = [[1.0, 2.0], [0.5, 1.0]]
    levels = octave_levels_db(ir, 16000)
    assert np.isnan(levels[..., CENTRES_HZ.index(8000.0)]).all()
    np.testing.assert_allclose(levels[0, 1, :5] - levels[0, 0, :5], 20.0 * np.log10(2.0))
    errors = cue_errors(ir, 2.0 * ir, 16000)
    assert worst(errors.level_db) == pytest.approx(20.0 * np.log10(2.0))
    assert worst(errors.ild_db) == pytest.approx(0.0, abs=1e-9)


def test_errors_of_the_prepared_set_are_in_its_report_and_figures():
    prepared = prepare(synthetic_set.make_set(n=80), RATE, rank=8)
    figures = prepared.errors.figures()
    assert {"measured_lsd_db", "left_out_itd_us_95", "measured_ild_db_95_by_octave"} <= set(figures)
    assert "at the set's directions LSD" in prepared.report
    assert "at directions left out" in prepared.report
    assert len(prepared.errors.left_out_itd_us) == 40


def test_full_rank_has_no_errors_worth_the_name():
    heads = synthetic_set.make_set(n=80)
    errors = prepare(heads, RATE, rank="full").errors
    assert worst(errors.level_db) < 1e-3
    assert worst(errors.itd_us) < 0.1
    assert errors.beyond_bounds() == []


def test_a_passed_bound_is_said_with_its_value():
    odd = NO_ERRORS.__class__(
        np.full((4, 2), 0.5), np.zeros((4, 2, 7)), np.array([0.0, 0.0, 0.0, 90.0]),
        NO_ERRORS.left_out_lsd_db, NO_ERRORS.left_out_level_db, NO_ERRORS.left_out_itd_us,
    )  # fmt: skip
    said = " ".join(odd.beyond_bounds())
    assert "90.0 us" in said
    assert "level" not in said
    assert NO_ERRORS.beyond_bounds() == []
    assert of_95(np.zeros(0)) == worst(np.full(3, np.nan)) == 0.0
