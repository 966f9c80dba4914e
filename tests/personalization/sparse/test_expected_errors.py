"""What is said of the errors to expect: by layout and number, never beyond what was measured."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from synthetic_set import sphere

from auricle.dsp.geometry import unit_vectors
from auricle.personalization.sparse.completion import expected_errors
from auricle.personalization.sparse.completion.layouts import IN_WORDS, gap_deg, layout_of

METHOD = expected_errors.DEFAULT
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "personalization" / "expected_layouts.py"
IN_FRONT = unit_vectors(np.array([-45.0, 45.0, 0.0, 0.0, 0.0]), np.array([0.0, 0, 0, 45, -45]))
AROUND = unit_vectors(np.array([0.0, 120.0, 240.0, 0.0, 0.0]), np.array([0.0, 0, 0, 90, -90]))


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "layout"),
    [
        ([0, 40, -40], [0, 0, 20], "front"),
        ([180, 140, -140], [0, 0, 20], "behind"),
        ([30, 90, 150], [0, 0, 30], "side"),
        ([-30, -90, -150], [0, 0, 30], "side"),
        ([0, 90, 180, 270], [0, 5, 0, -5], "horizontal"),
        ([0, 0, 180, 180], [0, 60, 30, -20], "median"),
        ([0, 90, 180, 270], [10, 40, 0, 60], "above"),
        ([0, 90, 180, 270], [-10, -40, 0, -60], "below"),
        ([0, 90, 180, 270], [40, -40, 30, -20], "around"),
    ],
)
def test_layouts_have_names(
    azimuth_deg: list[float], elevation_deg: list[float], layout: str
) -> None:
    where = unit_vectors(np.array(azimuth_deg, float), np.array(elevation_deg, float))
    assert layout_of(where) == layout
    assert layout in IN_WORDS


def test_a_gap_is_the_mean_angle_to_the_nearest_direction() -> None:
    poles = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    assert gap_deg(poles) == pytest.approx(np.rad2deg(1.0), abs=0.2)  # of a hemisphere: 1 rad
    assert gap_deg(sphere(400)) < gap_deg(sphere(100)) < gap_deg(sphere(20))


def test_five_in_front_are_not_five_around() -> None:
    front, around = (expected_errors.sentence(METHOD, each) for each in (IN_FRONT, AROUND))
    assert "5 directions in the front half" in front
    assert "5 directions spread around" in around
    of_front, of_around = (expected_errors.quantiles(METHOD, p) for p in (IN_FRONT, AROUND))
    assert of_front is not None
    assert of_around is not None
    assert of_front["lsd_db"][1] > of_around["lsd_db"][1] + 0.3


def test_errors_fall_with_the_gap_and_nine_of_ten_are_above_half() -> None:
    found = [expected_errors.quantiles(METHOD, sphere(n)) for n in (12, 30, 60, 90, 150)]
    assert all(each is not None for each in found)
    for name in expected_errors.ERRORS:
        half = [each[name][0] for each in found if each is not None]
        assert half == sorted(half, reverse=True)
        assert all(each[name][1] > each[name][0] for each in found if each is not None)


@pytest.mark.parametrize(
    "positions",
    [
        sphere(1000),
        AROUND[:2],
        -IN_FRONT * [1.0, 1.0, -1.0],
        unit_vectors(np.array([0.0, 1.0, 2.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0, 2.0])),
    ],
)
def test_what_was_not_measured_is_said_to_be_so_with_the_nearest(positions: np.ndarray) -> None:
    said = expected_errors.sentence(METHOD, positions)
    assert f"Errors from {len(positions)} directions " in said
    assert "were not measured. The nearest that was is " in said
    assert expected_errors.quantiles(METHOD, positions) is None
    assert expected_errors.sentence("magic", positions) == "No errors of magic were measured."


@pytest.mark.slow
def test_held_out_people_keep_to_the_quantiles_within_5_points(data_dir: Path) -> None:
    script = runpy.run_path(str(SCRIPT))
    table = expected_errors._table(expected_errors.LAYOUTS)
    cases = {"around": (5, 19), "front": (9,)}
    found = script["measured"](data_dir, cases, list(script["TAUGHT_BY"]), other_people=True)
    shares = script["within"](found, table)["all"]
    np.testing.assert_allclose(shares, [[0.5] * 3, [0.9] * 3], atol=0.05)
