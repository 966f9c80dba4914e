"""Every tracker preset pinned: sign, order and unit, from what the documents and sources say.

The expectations are written the other way round from the code: what a sender of that dialect sends
for a known pose of the head. They use nothing of the presets' tables.
"""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.osc.errors import BadArgumentsError, NonfiniteError
from auricle.osc.quaternion import from_ypr_deg
from auricle.osc.trackers.presets import PRESETS, preset
from auricle.osc.trackers.reader import PoseReader

RAD = math.pi / 180.0

# The head turned 30 degrees to the left, the nose 20 degrees up, the right ear 10 degrees down, in
# this order: what the sender puts in, from its document's signs, order and unit.
ANGLES = [
    ("auricle", "/auricle/listener/ypr", [30.0, -20.0, 10.0]),  # left, down, left ear up
    ("adm", "/adm/lis/ypr", [30.0, 20.0, 10.0]),  # left, up, tilt right
    ("sparta", "/ypr", [30.0, -20.0, 10.0]),  # the bridge negates yaw and pitch (right, up)
    ("sparta-6dof", "/ypr", [30.0, -20.0, 10.0]),
    ("sparta-6dof", "/xyzypr", [1.0, 2.0, 3.0, 30.0, -20.0, 10.0]),
    ("supperware", "/ypr", [30.0, 20.0, 10.0]),  # the converter to IEM sends [-yaw, pitch, -roll]
    ("nvsonic-sparta", "/ypr", [30.0, -20.0, 10.0]),  # yaw and pitch 180..-180
    ("nvsonic-salte", "/rendering/htrpy", [10.0, 20.0, -30.0]),  # roll, pitch, yaw
    ("nvsonic-ssa", "/ypr", [30.0, 20.0, -10.0]),  # yaw and roll 180..-180
    ("nvsonic-3dti", "/3DTI-OSC/receiver/pry", [20.0 * RAD, 10.0 * RAD, -30.0 * RAD]),
    ("nvsonic-mach1", "/orientation", [-30.0, 20.0, 10.0]),
    ("mach1", "/orientation", [-30.0, 20.0, 10.0]),
    ("salte", "/rendering/htrpy", [10.0, 20.0, -30.0]),
    ("3dti", "/3DTI-OSC/receiver/pry", [20.0 * RAD, 10.0 * RAD, -30.0 * RAD]),
    ("ambix", "/rotation", [-20.0, 30.0, -10.0]),  # EAR's bridge: -pitch, -yaw, -roll
    ("ambix", "/head_pose", [0, 0.0, 0.0, 0.0, -20.0, 30.0, -10.0]),
    ("gyrosc", "/gyrosc/gyro", [20.0 * RAD, 10.0 * RAD, 30.0 * RAD]),  # pitch, roll, yaw
]
# Angles one by one, for the same pose: yaw, pitch, roll.
SINGLE = [
    ("adm", "/adm/lis/", (30.0, 20.0, 10.0)),
    ("sparta", "/", (30.0, -20.0, 10.0)),
    ("supperware", "/", (30.0, 20.0, 10.0)),
    # -180..180 degrees (right, up, right) over 0..1; yaw and roll from 1 to 0.
    ("nvsonic-ambihead", "/", (0.5 + 30 / 360, 0.5 + 20 / 360, 0.5 - 10 / 360)),
    ("hedrot", "/hedrot/", (-30.0, 20.0, 10.0)),
]
# What turns the scene: each part of the pose alone, and the message for it.
SCENE = [
    ("sparta-binauraliser", "/ypr", [-30.0, 0, 0], [0, 20.0, 0], [0, 0, -10.0]),
    ("iem", "/SceneRotator/ypr", [-30.0, 0, 0], [0, 20.0, 0], [0, 0, -10.0]),
    # Converters send [-yaw, -pitch, roll] of pitch, yaw, roll to IEM.
    ("nxosc", "/nxosc/xyz", [0, 30.0, 0], [-20.0, 0, 0], [0, 0, -10.0]),
]
SCENE_SINGLE = [
    ("sparta-binauraliser", "/", (-30.0, 20.0, -10.0)),
    ("iem", "/SceneRotator/", (-30.0, 20.0, -10.0)),
    # 1 - (yaw + 180) / 360 of nxosc's yaw, its pitch likewise, (roll + 180) / 360.
    (
        "e4l",
        "/E4 HOA Transform/",
        (1 - (30 + 180) / 360, 1 - (-20 + 180) / 360, (-10 + 180) / 360),
    ),
]
# Quaternions: the keys as they stand in the documents, of a head whose axes the letters name.
# right-front-up: x right, y front, z up; front-left-up: ours; unity: x right, y up, z front,
# left-handed; right-down-front.
QUATERNIONS = [
    ("auricle", "/auricle/listener/quat", "front-left-up", "w x y z"),
    ("sparta", "/quaternion", "right-front-up", "w -y x -z"),  # nvsonic: Rotator - inversed
    ("sparta-6dof", "/quat", "front-left-up", "w x y z"),
    ("sparta-6dof", "/xyzquat", "front-left-up", "0 0 0 w x y z"),
    ("iem", "/SceneRotator/quaternions", "front-left-up", "w -x -y -z"),  # senders invert
    ("ohti", "/SceneRotator/quaternions", "right-front-up", "-w -y x -z"),
    ("supperware", "/quaternion", "right-front-up", "w x y z"),  # to IEM: w, -y, x, -z
    ("nvsonic-sparta-rotator", "/quaternion", "right-front-up", "w -y x -z"),
    ("nvsonic-ambix", "/quaternion", "right-front-up", "w y -x z"),
    ("nvsonic-ambix-inverse", "/quaternion", "right-front-up", "w -y x -z"),
    ("nvsonic-iem", "/SceneRotator/quaternions", "right-front-up", "w -y x -z"),
    ("nvsonic-ohti", "/SceneRotator/quaternions", "right-front-up", "-w -y x -z"),
    ("nvsonic-unity", "/quaternions", "right-front-up", "w -x -z -y"),
    ("ambix", "/quaternion", "right-front-up", "w -y x -z"),  # EAR: w, x = -v1, y = v2, z = v3
    ("unity", "/quaternions", "unity", "w x y z"),
    ("virtuoso", "/Virtuoso/quat", "right-front-up", "w y -x z"),
    ("bridge", "/bridge/quat", "right-down-front", "w x y z"),
    ("gyrosc", "/gyrosc/quat", "right-front-up", "w x y z"),
    ("zigsim", "/ZIGSIM/iphone/quaternion", "right-front-up", "x y z w"),
]


def head(yaw_left=0.0, nose_up=0.0, tilt_right=0.0):
    """The head, x front, y left, z up: turned, then nodded, then tilted about its own axes."""
    return Rotation.from_euler("ZYX", [yaw_left, -nose_up, tilt_right], degrees=True)


def assert_is(found, expected):
    (w, x, y, z) = found
    off = Rotation.from_quat([x, y, z, w]).inv() * expected
    assert np.rad2deg(off.magnitude()) < 1e-4


def components(pose, axes):
    """w, x, y, z of the pose in the named axes."""
    vector = pose.as_rotvec()
    front, left, up = vector * math.sin(pose.magnitude() / 2.0) / pose.magnitude()
    w = math.cos(pose.magnitude() / 2.0)
    x, y, z = {
        "front-left-up": (front, left, up),
        "right-front-up": (-left, front, up),
        "right-down-front": (-left, -up, front),
        # In a left-handed frame an angle counts the other way round.
        "unity": (left, -up, -front),
    }[axes]
    return {"w": w, "x": x, "y": y, "z": z}


@pytest.mark.parametrize(("name", "address", "values"), ANGLES)
def test_angles(name, address, values):
    found = PoseReader(preset(name)).pose(address, values)
    assert_is(found, head(30.0, 20.0, 10.0))


@pytest.mark.parametrize(("name", "prefix", "values"), SINGLE)
def test_angles_that_come_one_by_one(name, prefix, values):
    reader = PoseReader(preset(name))
    for part, value in zip(("yaw", "pitch", "roll"), values, strict=True):
        found = reader.pose(prefix + part, [value])
    assert_is(found, head(30.0, 20.0, 10.0))


@pytest.mark.parametrize(("name", "address", "left", "up", "right"), SCENE)
def test_angles_of_the_scene(name, address, left, up, right):
    reader = PoseReader(preset(name))
    assert_is(reader.pose(address, left), head(yaw_left=30.0))
    assert_is(reader.pose(address, up), head(nose_up=20.0))
    assert_is(reader.pose(address, right), head(tilt_right=10.0))


def test_the_scene_is_turned_by_roll_then_pitch_then_yaw():
    scene = Rotation.from_euler("xyz", [5.0, 20.0, 40.0], degrees=True)  # about fixed axes
    found = PoseReader(preset("iem")).pose("/SceneRotator/ypr", [40.0, 20.0, 5.0])
    assert_is(found, scene.inv())


@pytest.mark.parametrize(("name", "prefix", "values"), SCENE_SINGLE)
def test_angles_of_the_scene_that_come_one_by_one(name, prefix, values):
    poses = [head(yaw_left=30.0), head(nose_up=20.0), head(tilt_right=10.0)]
    for part, value, pose in zip(("yaw", "pitch", "roll"), values, poses, strict=True):
        assert_is(PoseReader(preset(name)).pose(prefix + part, [value]), pose)


@pytest.mark.parametrize(("name", "address", "axes", "keys"), QUATERNIONS)
def test_quaternions(name, address, axes, keys):
    pose = head(30.0, 20.0, 10.0)
    of_pose = components(pose, axes)
    values = [
        0.0 if key == "0" else (-1.0 if key[0] == "-" else 1.0) * of_pose[key[-1]]
        for key in keys.split()
    ]
    assert_is(PoseReader(preset(name)).pose(address, values), pose)


def test_opentrack_speaks_doubles_in_centimetres_and_degrees():
    reader = PoseReader(preset("opentrack"))
    # Right, up, back in cm; yaw right, pitch up, roll right.
    found = reader.raw_pose(struct.pack("=6d", 10.0, 20.0, -30.0, -30.0, 20.0, 10.0))
    assert_is(found, head(30.0, 20.0, 10.0))
    assert reader.position_m == pytest.approx((0.3, -0.1, 0.2))
    with pytest.raises(BadArgumentsError, match="48 bytes"):
        reader.raw_pose(b"\0" * 40)
    with pytest.raises(NonfiniteError):
        reader.raw_pose(struct.pack("=6d", 0, 0, 0, math.nan, 0, 0))


def test_every_address_of_every_preset_is_pinned_above():
    pinned = {(row[0], row[1]) for row in (*ANGLES, *SCENE, *QUATERNIONS)}
    for name, prefix, _ in (*SINGLE, *SCENE_SINGLE):
        pinned |= {(name, prefix + part) for part in ("yaw", "pitch", "roll")}
    pinned = {(n, "*/quaternion" if n == "zigsim" else address) for n, address in pinned}
    there = {(name, address) for name, each in PRESETS.items() for address in each.forms}
    assert there - pinned == {("opentrack", "")}
    assert pinned <= there


@given(*[st.floats(-360.0, 360.0)] * 3)
def test_angles_in_plain_floats_are_those_of_the_geometry(yaw, pitch, roll):
    expected = quaternion_from_ypr_deg(yaw, pitch, roll)
    found = np.array(from_ypr_deg(yaw, pitch, roll))
    assert abs(abs(found @ expected) - 1.0) < 1e-12


def test_places_and_cases():
    reader = PoseReader(preset("sparta-6dof"))
    reader.pose("/xyzquat", [1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0])
    assert reader.position_m == (1.0, 2.0, 3.0)
    assert PoseReader(preset("iem")).knows("/scenerotator/YPR")
    assert not PoseReader(preset("sparta")).knows("/YPR")
    assert not PoseReader(preset("zigsim")).knows("/quaternion")
    with pytest.raises(AuricleError, match=r"'nobody'.*sparta"):
        preset("nobody")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([1.0, 2.0], BadArgumentsError),
        ([1.0, 2.0, "3"], BadArgumentsError),
        ([1.0, 2.0, True], BadArgumentsError),
        ([1.0, 2.0, 1e9], BadArgumentsError),
        ([1.0, 2.0, math.inf], NonfiniteError),
        ([1.0, 2.0, 2**63 - 1], BadArgumentsError),
    ],
)
def test_a_pose_that_is_none_is_refused(values, error):
    with pytest.raises(error):
        PoseReader(preset("sparta")).pose("/ypr", values)
