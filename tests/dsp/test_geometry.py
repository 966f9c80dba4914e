"""Conventions by hand-made cases, everything else against scipy's Rotation."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from auricle.dsp import geometry as g
from auricle.dsp.errors import AuricleError

degrees = st.floats(-720.0, 720.0)
latitudes = st.floats(-90.0, 90.0)
vectors = arrays(np.float64, 3, elements=st.floats(-10.0, 10.0))
raw_quaternions = arrays(np.float64, 4, elements=st.floats(-1.0, 1.0))

FRONT, LEFT, UP = np.eye(3)
EXACT = 1e-12  # a few roundings of float64 on numbers of order 1 to 10


def scipy_rotation(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


@st.composite
def quaternions(draw: st.DrawFn) -> np.ndarray:
    q = draw(raw_quaternions)
    assume(np.linalg.norm(q) > 1e-3)
    return q / np.linalg.norm(q)


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "vector"),
    [
        (0, 0, FRONT),
        (90, 0, LEFT),
        (180, 0, -FRONT),
        (270, 0, -LEFT),
        (-90, 0, -LEFT),
        (0, 90, UP),
        (123, -90, -UP),
        (45, 0, (FRONT + LEFT) / np.sqrt(2)),
    ],
)
def test_cardinal_directions(azimuth_deg: float, elevation_deg: float, vector: np.ndarray) -> None:
    np.testing.assert_allclose(g.unit_vectors(azimuth_deg, elevation_deg), vector, atol=1e-16)


def test_azimuth_behind_is_plus_180_and_of_the_poles_0() -> None:
    behind = [[-1.0, 0.0, 0.0], [-1.0, -0.0, 0.0], [-2.0, 1e-320, 0.0]]
    np.testing.assert_array_equal(g.azimuth_elevation_deg(behind)[0], 180.0)
    azimuth, elevation = g.azimuth_elevation_deg([[-1e-17, -0.0, 1.0], [0.0, 0.0, -3.0]])
    np.testing.assert_array_equal(azimuth, 0.0)
    np.testing.assert_array_equal(elevation, [90.0, -90.0])


@given(degrees, latitudes)
def test_degrees_round_trip(azimuth_deg: float, elevation_deg: float) -> None:
    vector = g.unit_vectors(azimuth_deg, elevation_deg)
    assert abs(np.linalg.norm(vector) - 1.0) < EXACT
    again = g.unit_vectors(*g.azimuth_elevation_deg(vector))
    np.testing.assert_allclose(again, vector, atol=EXACT)


@given(vectors)
def test_directions_and_distances(point: np.ndarray) -> None:
    direction, distance = g.directions_and_distances(point)
    np.testing.assert_allclose(direction * distance, point, atol=1e-11)
    np.testing.assert_allclose(np.linalg.norm(direction), 1.0, atol=EXACT)


def test_the_origin_is_in_front() -> None:
    direction, distance = g.directions_and_distances(np.zeros((2, 3)))
    np.testing.assert_array_equal(direction, [FRONT, FRONT])
    np.testing.assert_array_equal(distance, 0.0)


@given(st.floats(0.0, 180.0), degrees)
def test_angle_is_precise_from_0_to_180(angle: float, azimuth_deg: float) -> None:
    got = g.angle_deg(g.unit_vectors(azimuth_deg), g.unit_vectors(azimuth_deg + angle))
    assert abs(got - angle) < 1e-9  # arccos would be 1e-6 degrees off near the ends


def test_angle_of_a_tiny_step() -> None:
    step_deg = 1e-7
    got = g.angle_deg(g.unit_vectors(0.0), g.unit_vectors(step_deg))
    assert abs(got - step_deg) < 1e-9 * step_deg


@given(quaternions(), vectors)
def test_rotate_is_scipys(q: np.ndarray, vector: np.ndarray) -> None:
    np.testing.assert_allclose(g.rotate(q, vector), scipy_rotation(q).apply(vector), atol=EXACT)
    back = g.rotate(g.quaternion_conjugate(q), g.rotate(q, vector))
    np.testing.assert_allclose(back, vector, atol=EXACT)


@given(quaternions(), quaternions(), vectors)
def test_multiply_does_the_second_first(a: np.ndarray, b: np.ndarray, vector: np.ndarray) -> None:
    both = g.rotate(g.quaternion_multiply(a, b), vector)
    np.testing.assert_allclose(both, g.rotate(a, g.rotate(b, vector)), atol=EXACT)


@given(degrees, degrees, degrees)
def test_yaw_pitch_roll_is_scipys_intrinsic_zyx(yaw: float, pitch: float, roll: float) -> None:
    expected = Rotation.from_euler("ZYX", [yaw, pitch, roll], degrees=True)
    ours = scipy_rotation(g.quaternion_from_ypr_deg(yaw, pitch, roll))
    assert (ours * expected.inv()).magnitude() < EXACT


@given(quaternions())
def test_yaw_pitch_roll_round_trip(q: np.ndarray) -> None:
    yaw, pitch, roll = g.ypr_deg_from_quaternion(q)
    assert -180 < yaw <= 180
    assert -90 <= pitch <= 90
    assert -180 < roll <= 180
    again = g.quaternion_from_ypr_deg(yaw, pitch, roll)
    assert (scipy_rotation(again) * scipy_rotation(q).inv()).magnitude() < EXACT


@pytest.mark.parametrize("pitch_deg", [90.0, -90.0, 90.0 - 1e-7, -90.0 + 1e-7])
@pytest.mark.parametrize(("yaw_deg", "roll_deg"), [(0.0, 0.0), (30.0, 20.0), (-170.0, 100.0)])
def test_nose_straight_up_or_down_keeps_the_rotation(
    yaw_deg: float, roll_deg: float, pitch_deg: float
) -> None:
    q = g.quaternion_from_ypr_deg(yaw_deg, pitch_deg, roll_deg)
    yaw, pitch, roll = g.ypr_deg_from_quaternion(q)
    again = g.quaternion_from_ypr_deg(yaw, pitch, roll)
    assert (scipy_rotation(again) * scipy_rotation(q).inv()).magnitude() < EXACT
    if abs(pitch_deg) == 90.0:
        assert abs(roll) < 1e-6


def test_signs_of_the_head() -> None:
    """Yaw + turns left, pitch + bends the nose down, roll + lifts the left ear."""
    assert g.rotate(g.quaternion_from_ypr_deg(30.0), FRONT) @ LEFT == pytest.approx(0.5)
    assert g.rotate(g.quaternion_from_ypr_deg(0.0, 30.0), FRONT) @ UP == pytest.approx(-0.5)
    assert g.rotate(g.quaternion_from_ypr_deg(0.0, 0.0, 30.0), LEFT) @ UP == pytest.approx(0.5)


def test_a_head_turned_left_hears_the_front_on_its_right() -> None:
    heard = g.to_head([5.0, 1.0, 0.0], g.quaternion_from_ypr_deg(30.0), [3.0, 1.0, 0.0])
    azimuth, elevation = g.azimuth_elevation_deg(heard)
    assert azimuth == pytest.approx(-30.0)
    assert elevation == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.norm(heard) == pytest.approx(2.0)


@given(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_goes_the_short_way_at_constant_speed(
    a: np.ndarray, b: np.ndarray, fraction: float
) -> None:
    whole = (scipy_rotation(a).inv() * scipy_rotation(b)).magnitude()
    assume(whole < np.pi - 1e-3)  # beyond, both ways are equally short
    part = scipy_rotation(g.slerp(a, b, fraction))
    assert (scipy_rotation(a).inv() * part).magnitude() == pytest.approx(fraction * whole, abs=1e-9)
    assert (part.inv() * scipy_rotation(b)).magnitude() == pytest.approx(
        (1 - fraction) * whole, abs=1e-9
    )


def test_slerp_broadcasts_over_fractions() -> None:
    a, b = g.quaternion_from_ypr_deg(0.0), -g.quaternion_from_ypr_deg(90.0)
    yaw, _, _ = g.ypr_deg_from_quaternion(g.slerp(a, b, np.linspace(0.0, 1.0, 4)))
    np.testing.assert_allclose(yaw, [0.0, 30.0, 60.0, 90.0], atol=1e-9)


@pytest.mark.parametrize("bad", [[0, 0, 0, 0], [np.nan, 0, 0, 1], [np.inf, 0, 0, 0]])
def test_a_quaternion_that_is_no_rotation_is_refused(bad: list[float]) -> None:
    with pytest.raises(AuricleError, match="zero or not finite"):
        g.quaternion_normalise(bad)


def test_a_vector_is_not_a_quaternion() -> None:
    with pytest.raises(AuricleError, match=r"\[w, x, y, z\]"):
        g.quaternion_normalise([1.0, 0.0, 0.0])
