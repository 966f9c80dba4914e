import numpy as np
import pytest

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import angle_deg, quaternion_from_ypr_deg, unit_vectors
from auricle.plugin_core.motion.paths import HeadTrack, SourcePath


def track(tmp_path, text):
    path = tmp_path / "poses.csv"
    path.write_text(text)
    return HeadTrack(path)


def test_orbit_goes_left_first_and_comes_round():
    path = SourcePath(azimuth_deg=0.0, elevation_deg=10.0, distance_m=2.0, orbit_seconds=8.0)
    xyz = path.positions_m(np.array([0.0, 2.0, 4.0, 8.0]))
    assert np.allclose(np.linalg.norm(xyz, axis=1), 2.0)
    assert np.allclose(xyz[1], 2.0 * unit_vectors(90.0, 10.0))
    assert np.allclose(xyz[3], xyz[0])


def test_angles_and_quaternions_read_alike(tmp_path):
    q = quaternion_from_ypr_deg(np.array([0.0, 40.0]), 5.0, -3.0)
    angles = track(
        tmp_path, "time_seconds,yaw_deg,pitch_deg,roll_deg,x,y,z\n5,0,5,-3,0,0,0\n7,40,5,-3,1,2,3\n"
    )
    rows = "".join(f"{t},{w},{x},{y},{z}\n" for t, (w, x, y, z) in zip((5, 7), q, strict=True))
    quaternions = track(tmp_path, "time_seconds,qw,qx,qy,qz\n" + rows)
    times = np.array([0.0, 0.7, 2.0, 9.0])
    assert np.allclose(angles.orientations(times), quaternions.orientations(times), atol=1e-12)
    assert np.allclose(angles.positions_m(times)[1], [0.35, 0.7, 1.05])
    assert np.allclose(angles.orientations(times)[3], q[1])  # rests behind the last row


def test_sign_flips_of_quaternions_do_not_turn_the_head(tmp_path):
    head = track(tmp_path, "time_seconds,qw,qx,qy,qz\n0,1,0,0,0\n1,-1,0,0,0.001\n")
    half = head.orientations(np.array([0.5]))[0]
    assert abs(half[0]) > 0.999


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "line 1"),
        ("time,a\n1,2\n", "line 1"),
        ("time_seconds,qw,qx,qy,qz\n", "no poses"),
        ("time_seconds,qw,qx,qy,qz\n0,1,0,0,0\n1,1,0,zero,0\n", "line 3: qy"),
        ("time_seconds,qw,qx,qy,qz\n0,1,0,0\n", "line 2: qz"),
        ("time_seconds,qw,qx,qy,qz\n0,0,0,0,0\n", "line 2"),
        ("time_seconds,qw,qx,qy,qz\n0,nan,0,0,0\n", "line 2: qw is nan"),
        ("time_seconds,qw,qx,qy,qz,x\n0,1,0,0,0,0\n", "only some of x, y, z"),
        ("time_seconds,qw,qx,qy,qz\n1,1,0,0,0\n0,1,0,0,0\n", "line 3"),
        ("time_seconds,qw,qx,qy,qz\n1,1,0,0,0\n\n1,1,0,0,0\n0,1,0,0,0\n", "line 5"),
        ("time_seconds,qw,qx,qy,qz\n1,1,0,0,0\n\n1,1,0,0,0\n2,0,0,0,0\n", "line 5: the quat"),
    ],
)
def test_bad_files_name_the_line(tmp_path, text, named):
    with pytest.raises(AuricleError, match=named):
        track(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AuricleError, match="no such file"):
        HeadTrack(tmp_path / "nothing.csv")


def test_slerp_runs_evenly(tmp_path):
    head = track(tmp_path, "time_seconds,yaw_deg,pitch_deg,roll_deg\n0,0,0,0\n1,90,0,0\n")
    q = head.orientations(np.linspace(0.0, 1.0, 10))
    front = np.stack([1 - 2 * (q[:, 2] ** 2 + q[:, 3] ** 2), 2 * q[:, 0] * q[:, 3], 0 * q[:, 0]], 1)
    assert np.allclose(angle_deg(front[1:], front[:-1]), 10.0, atol=1e-9)
