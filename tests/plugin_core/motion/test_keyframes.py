"""Ways by keyframes and from CSV files: places at times, easings, gains, bad files."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.plugin_core.audio.files import FileSource
from auricle.plugin_core.motion.keyframes import EASINGS, INTERPOLATIONS, MOST_M, KeyframePath
from auricle.plugin_core.motion.paths import HeadTrack, PosedHead, RotatedPath, SourcePath
from auricle.plugin_core.motion.timed_csv import read_positions
from auricle.plugin_core.scene.format.json_tree import load_tree

TIMES = [1.0, 2.0, 4.0, 4.5]
PLACES = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.5], [-1.0, 1.0, 0.0], [0.0, -1.0, 0.0]]


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("easing", EASINGS)
def test_it_is_at_each_keyframe_and_rests_outside(interpolation: str, easing: str) -> None:
    path = KeyframePath(TIMES, PLACES, interpolation, easings=[easing] * 4, gains=[1, 2, 0, 3])
    times = np.array([0.0, *TIMES, 99.0])
    wanted = [PLACES[0], *PLACES, PLACES[-1]]
    np.testing.assert_allclose(path.positions_m(times), wanted, atol=1e-12)
    np.testing.assert_allclose(path.gains(times), [1, 1, 2, 0, 3, 3], atol=1e-12)


def test_linear_is_a_straight_line_and_spline_is_smooth() -> None:
    straight = KeyframePath(TIMES, PLACES)
    np.testing.assert_allclose(straight.positions_m(np.array([3.0])), [[-0.5, 1.5, 0.25]])
    smooth = KeyframePath(TIMES, PLACES, "spline")
    step = 1e-4
    for moment in TIMES[1:3]:
        around = smooth.positions_m(moment + step * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
        speed = np.diff(around, axis=0) / step
        np.testing.assert_allclose(speed[0], speed[-1], atol=0.02)
    assert not np.allclose(smooth.positions_m(np.array([3.0])), [[-0.5, 1.5, 0.25]], atol=0.05)


def test_two_keyframes_of_a_spline_are_a_line() -> None:
    path = KeyframePath([0.0, 2.0], [[1, 0, 0], [0, 1, 0]], "spline")
    np.testing.assert_allclose(path.positions_m(np.array([0.5])), [[0.75, 0.25, 0.0]])


def test_azimuths_go_as_they_are_written() -> None:
    path = KeyframePath([0.0, 10.0], [[0, 0, 1], [720, 30, 3]], "spherical", polar=True)
    times = np.linspace(0.0, 10.0, 41)
    xyz = path.positions_m(times)
    np.testing.assert_allclose(xyz, (1 + times / 5)[:, None] * unit_vectors(72 * times, 3 * times))
    short = KeyframePath([0.0, 1.0], [unit_vectors(170.0), unit_vectors(-170.0)], "spherical")
    azimuth, _ = azimuth_elevation_deg(short.positions_m(np.array([0.5])))
    assert abs(azimuth[0]) == pytest.approx(180.0)


@given(st.sampled_from(EASINGS[:-1]), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_easings_rise_from_0_to_1(easing: str, a: float, b: float) -> None:
    path = KeyframePath([0.0, 1.0], [[0, 0, 0], [1, 0, 0]], easings=[easing] * 2)
    x = path.positions_m(np.array([0.0, min(a, b), max(a, b), 1.0]))[:, 0]
    assert x[0] == 0.0
    assert x[3] == 1.0
    assert x[1] <= x[2] + 1e-12


def test_hold_jumps_at_the_next() -> None:
    path = KeyframePath([0.0, 1.0], [[5, 0, 0], [1, 0, 0]], easings=["hold", "linear"])
    x = path.positions_m(np.array([0.0, 0.999, 1.0, 2.0]))[:, 0]
    np.testing.assert_array_equal(x, [5, 5, 1, 1])


def test_the_sides_of_a_pair_turn_around_the_room() -> None:
    path = SourcePath(20.0, 10.0, 2.0, orbit_seconds=8.0)
    times = np.array([0.0, 1.0])
    np.testing.assert_allclose(
        RotatedPath(path, 30.0).positions_m(times),
        SourcePath(50.0, 10.0, 2.0, orbit_seconds=8.0).positions_m(times), atol=1e-12,
    )  # fmt: skip
    np.testing.assert_array_equal(RotatedPath(path, 30.0).gains(times), [1.0, 1.0])


def test_a_trace_moves_from_the_pose_of_the_head(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "time_seconds,yaw_deg,pitch_deg,roll_deg,x,y,z\n0,0,0,0,0,0,0\n1,90,0,0,1,0,0\n"
    )
    left = np.array([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)])
    head = PosedHead(left, np.array([0.0, 0.0, 1.7]), HeadTrack(tmp_path / "p.csv"))
    np.testing.assert_allclose(head.orientations(np.array([1.0]))[0], [0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(head.positions_m(np.array([1.0]))[0], [0, 1, 1.7], atol=1e-12)
    still = PosedHead(left, np.zeros(3))
    np.testing.assert_array_equal(still.orientations(np.zeros(3)), [left] * 3)


def csv_path(tmp_path: Path, text: str) -> KeyframePath:
    path = tmp_path / "way.csv"
    path.write_text(text)
    return read_positions(path)


def test_csv_in_angles_and_in_metres_are_alike(tmp_path: Path) -> None:
    angles = csv_path(
        tmp_path, "time_seconds,azimuth_deg,distance_m,gain_db\n1,90,2,0\n\n2,0,4,-20\n"
    )
    metres = csv_path(tmp_path, "time_seconds,x,y,z\n1,0,2,0\n2,4,0,0\n")
    times = np.array([0.0, 1.0, 1.25, 2.0, 3.0])
    np.testing.assert_allclose(angles.positions_m(times), metres.positions_m(times), atol=1e-12)
    np.testing.assert_allclose(angles.gains(times), [1, 1, 0.775, 0.1, 0.1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1 must name"),
        ("time_seconds,azimut_deg\n0,1\n", "line 1: unknown column 'azimut_deg'; did you mean"),
        ("time_seconds,colour\n0,1\n", "line 1: unknown column 'colour'"),
        ("time_seconds,x,y\n0,1,2\n", "only some of x, y, z"),
        ("time_seconds,x,y,z,distance_m\n0,1,2,3,4\n", "names both"),
        ("time_seconds,elevation_deg\n0,1\n", "line 1 must name"),
        ("time_seconds,x,y,z\n", "no positions"),
        ("time_seconds,x,y,z\n0,1,2,3\n1,1,b,3\n", "line 3: y is not a number"),
        ("time_seconds,x,y,z\n0,1,2,3\n1,1,inf,3\n", "line 3: y is inf"),
        ("time_seconds,x,y,z\n\n2,1,2,3\n1,1,2,3\n", "line 4: time_seconds runs backwards"),
        ("time_seconds,azimuth_deg,elevation_deg\n0,1,95\n", "line 2: elevation_deg must be from"),
        ("time_seconds,azimuth_deg,distance_m\n0,1,1\n1,1,0\n", "line 3: distance_m must be from"),
        ("time_seconds,x,y,z\n0,1,2,3\n1,1,2,3e5\n", "line 3: z must be from -10000 to 10000"),
        ("time_seconds,azimuth_deg\n0,1e7\n", "line 2: azimuth_deg must be from"),
        ("time_seconds,x,y,z\n1e200,1,2,3\n", "line 2: time_seconds is 1e200"),
    ],
)
def test_bad_csv_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AuricleError, match=said) as caught:
        csv_path(tmp_path, text)
    assert "way.csv" in str(caught.value)


def test_no_such_csv(tmp_path: Path) -> None:
    with pytest.raises(AuricleError, match="no such file"):
        read_positions(tmp_path / "none.csv")
    with pytest.raises(AuricleError, match="is a folder"):
        read_positions(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes of POSIX")
def test_a_pipe_or_a_device_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in (tmp_path / "fifo", Path("/dev/zero")):
        for read in (read_positions, HeadTrack, FileSource, load_tree):
            with pytest.raises(AuricleError, match="is a pipe or a device"):
                read(name)


@given(
    st.lists(st.tuples(st.floats(0.0, 1e5), *[st.floats(-MOST_M, MOST_M)] * 3), min_size=1),
    st.sampled_from(INTERPOLATIONS), st.sampled_from(EASINGS),
)  # fmt: skip
@settings(deadline=None)
def test_any_way_stays_finite_and_near(rows, interpolation: str, easing: str) -> None:
    rows = [list(row) for row in {row[0]: row for row in sorted(rows)}.values()]
    times, places = np.array(rows)[:, 0], np.array(rows)[:, 1:]
    path = KeyframePath(times, places, interpolation, easings=[easing] * len(times))
    between = np.concatenate([times, np.nextafter(times, 1e9), np.linspace(0.0, 1e5, 50)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = path.positions_m(between)
    assert np.isfinite(found).all()
    assert np.linalg.norm(found, axis=1).max() <= np.sqrt(3.0) * MOST_M * (1.0 + 1e-9)


@given(st.lists(st.floats(0.05, 5.0), min_size=2, max_size=9), st.integers(0, 10**6))
def test_a_spline_is_the_natural_cubic(steps: list[float], seed: int) -> None:
    from scipy.interpolate import CubicSpline

    times = np.cumsum([0.0, *steps])
    places = np.random.default_rng(seed).uniform(-3.0, 3.0, (len(times), 3))
    moments = np.linspace(0.0, times[-1], 50)
    found = KeyframePath(times, places, "spline").positions_m(moments)
    wanted = CubicSpline(times, places, bc_type="natural")(moments)
    np.testing.assert_allclose(found, wanted, atol=1e-8)
