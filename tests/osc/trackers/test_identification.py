"""Learning which preset fits: gestures of known heads, told in several dialects."""

import math
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from auricle.osc.network.monitor import MAX_ADDRESSES, Monitor, as_text, meaning_of, tags_of
from auricle.osc.protocol.messages import Message
from auricle.osc.trackers.identification import PresetMatcher

RAD = math.pi / 180.0


def gestures(mount=None):
    """Yaw left, pitch down, roll right in degrees: to the left, nod, tilt, each there and back."""
    bump = 40.0 * np.sin(np.linspace(0.0, np.pi, 40)) ** 2
    still = np.zeros(20)
    for axis in range(3):
        for angle in [*bump, *still]:
            angles = np.zeros(3)
            angles[axis] = angle
            yield angles


def quaternion(angles):
    x, y, z, w = Rotation.from_euler("ZYX", angles, degrees=True).as_quat()
    return w, x, y, z


def conj(q):
    return (q[0], -q[1], -q[2], -q[3])


def right_front_up_w(w, front, left, up):
    return -left, front, up, w


DIALECTS = {
    "sparta": lambda a: ("/ypr", [a[0], a[1], a[2]]),
    "supperware": lambda a: ("/ypr", [a[0], -a[1], a[2]]),
    "nvsonic-ssa": lambda a: ("/ypr", [a[0], -a[1], -a[2]]),
    "sparta-binauraliser": lambda a: ("/ypr", [-a[0], -a[1], -a[2]]),
    "iem": lambda a: ("/SceneRotator/quaternions", conj(quaternion(a))),
    "ohti": lambda a: ("/SceneRotator/quaternions", quaternion(a)),
    "3dti": lambda a: ("/3DTI-OSC/receiver/pry", [-a[1] * RAD, a[2] * RAD, -a[0] * RAD]),
    "zigsim": lambda a: ("/z/quaternion", right_front_up_w(*quaternion(a))),
    "nxosc": lambda a: ("/nxosc/xyz", [a[1], a[0], -a[2]]),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
def test_gestures_find_the_preset(name):
    matcher = PresetMatcher()
    for angles in gestures():
        address, values = DIALECTS[name](angles)
        matcher.observe(Message(address, tuple(float(v) for v in values)))
    assert matcher.gestures_seen() == 3
    best = matcher.fits()[0]
    assert name in (best.preset.name, *best.same)
    assert best.motion > 0.95
    assert best.form == 1.0
    assert not [doubt for doubt in best.doubts if "not to be told" in doubt]


def test_angles_one_by_one_and_the_six_doubles_of_opentrack():
    matcher = PresetMatcher()
    for yaw, pitch, roll in gestures():
        for part, value in (("yaw", -yaw), ("pitch", -pitch), ("roll", roll)):
            matcher.observe(Message(f"/hedrot/{part}", (value,)))
    assert matcher.fits()[0].preset.name == "hedrot"
    matcher = PresetMatcher()
    for yaw, pitch, roll in gestures():
        matcher.observe_bytes(struct.pack("=6d", 0, 0, 0, -yaw, -pitch, roll))
    matcher.observe_bytes(b"short")
    matcher.observe_bytes(struct.pack("=6d", 0, 0, 0, math.nan, 0, 0))
    assert matcher.fits()[0].preset.name == "opentrack"


def test_without_gestures_the_doubt_is_said():
    matcher = PresetMatcher()
    for i in range(100):
        matcher.observe(Message("/ypr", (10.0 + 0.01 * i, 1.0, 2.0)))
    best = matcher.fits()[0]
    assert best.motion is None
    assert any("not to be told from" in doubt for doubt in best.doubts)
    assert any("yaw, pitch, roll not shown" in doubt for doubt in best.doubts)


def test_units_are_told_apart():
    matcher = PresetMatcher()
    for i in range(100):  # 0..1 of Ambi Head HD
        for part in ("yaw", "pitch", "roll"):
            matcher.observe(Message(f"/{part}", (0.5 + 0.001 * i,)))
    assert matcher.fits()[0].preset.name == "nvsonic-ambihead"
    matcher = PresetMatcher()
    for i in range(100):  # degrees, whatever the address
        for part in ("yaw", "pitch", "roll"):
            matcher.observe(Message(f"/{part}", (0.5 * i,)))
    assert matcher.fits()[0].preset.name != "nvsonic-ambihead"


@pytest.mark.parametrize("values", [(), ("a", "b", "c"), (math.nan, 0.0, 0.0), (1.0,), (None,) * 3])
def test_rubbish_fits_nothing(values):
    matcher = PresetMatcher()
    matcher.observe(Message("/ypr", values))
    matcher.observe(Message("/unknown", values))
    assert matcher.fits() == []


def test_a_quaternion_that_is_none_fits_badly():
    matcher = PresetMatcher()
    for _ in range(50):
        matcher.observe(Message("/quaternion", (3.0, 1.0, 2.0, 4.0)))
    assert matcher.fits() == []


def test_the_monitor_counts_by_address():
    monitor = Monitor()
    for i in range(201):
        monitor.observe(Message("/adm/obj/1/azim", (float(i),)), 0.01 * i)
    monitor.observe(Message("/nobody/knows", (1, "x", True)), 2.0)
    first, second = monitor.rows(2.5)
    assert (first.meaning, first.n_messages, first.values) == ("adm", 201, (200.0,))
    assert first.rate == pytest.approx(100.0, rel=0.02)
    assert first.age_seconds == pytest.approx(0.5)
    assert (second.meaning, second.tags) == ("", "isT")
    assert monitor.rows(10.0)[0].rate == 0.0
    for i in range(2 * MAX_ADDRESSES):
        monitor.observe(Message(f"/flood/{i}"), 3.0)
    assert len(monitor.rows(3.0)) == MAX_ADDRESSES
    assert monitor.n_unlisted == MAX_ADDRESSES + 2


def test_meanings_tags_and_values_as_text():
    assert meaning_of("/auricle/source/12/xyz") == "auricle"
    assert meaning_of("/adm/obj/*/gain") == "adm"
    assert meaning_of("/adm/obj/1/nothing") == ""
    assert "sparta" in meaning_of("/ypr").split(", ")
    assert tags_of((1, 2.0, "s", b"b", None, [1, (0, 1, 2, 3)], 2**40)) == "ifsbN[im]h"
    assert as_text((1.23456, "a\x1b[31mb", b"\0")) == "1.235 a\\x1b[31mb b'\\x00'"
    assert len(as_text(("x" * 500,))) == 60
