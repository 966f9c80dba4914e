"""OSC from bytes to the scene: parsing, patterns, ADM-OSC, the server, prediction."""

import random
import socket
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.osc.network.client import OscClient
from auricle.osc.network.server import OscServer
from auricle.osc.protocol import messages
from auricle.osc.protocol.pattern import Pattern
from auricle.osc.quaternion import conjugate, multiply, rotation_vector
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session.recording import Recorder, SessionRecording
from auricle.osc.session.session import Session
from auricle.osc.trackers.prediction import PosePredictor

VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.binary(min_size=1, max_size=20),
    st.booleans(),
)


def built(address, values):
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


@given(st.lists(VALUES, max_size=8))
def test_messages_of_another_library_are_read(values):
    (message,) = messages.decode(built("/a/b", values).dgram)
    assert message.address == "/a/b"
    assert list(message.arguments) == values
    (again,) = messages.decode(messages.encode("/a/b", values))
    assert again == message


def test_bundles_nest_and_carry_their_time():
    inner = OscBundleBuilder(1000.5)
    inner.add_content(built("/b", [2.5]))
    outer = OscBundleBuilder(IMMEDIATELY)
    outer.add_content(built("/a", [1]))
    outer.add_content(inner.build())
    a, b = messages.decode(outer.build().dgram)
    assert (a.address, a.time_tag) == ("/a", messages.IMMEDIATELY)
    assert messages.unix_seconds(b.time_tag) == pytest.approx(1000.5)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"/a",
        b"abc\0",
        b"/a\0\0,i\0\0",
        b"/a\0\0,i\0\0\0\0",
        b"/a\0\0,s\0\0abcd",
        b"/a\0\0,b\0\0\x7f\xff\xff\xff",
        b"/a\0\0,s\0\0\xff\xfe\0\0",
        b"#bundle\0" + b"\0" * 8 + b"\x00\x00\x00\x05",
        b"#bundle\0\0\0\0\0\0\0\0\1\x00\x00\x00\x10" * 300,
        messages.encode("/a", [1]) + b"\0\0\0",
    ],
)
def test_what_is_not_osc_is_refused(datagram):
    with pytest.raises(messages.WireError):
        messages.decode(datagram)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "gain", True),
        ("g?in", "gain", True),
        ("g?in", "gin", False),
        ("{azim,elev}", "elev", True),
        ("[1-3]", "2", True),
        ("[!1-3]", "2", False),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("*" * 40 + "b", "a" * 200, False),
    ],
)
def test_patterns(pattern, name, matches):
    assert Pattern(pattern).matches(name) is matches


def matches_slowly(pattern, name):
    """The rules of OSC 1.0, by trying everything."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(matches_slowly(pattern[1:], name[i:]) for i in range(len(name) + 1))
    if pattern[0] == "{":
        choices, rest = pattern[1:].split("}", 1)
        return any(
            name.startswith(choice) and matches_slowly(rest, name[len(choice) :])
            for choice in choices.split(",")
        )
    if not name:
        return False
    if pattern[0] == "[":
        inside, rest = pattern[1:].split("]", 1)
        negated, allowed = inside[:1] == "!", inside.removeprefix("!")
        if len(allowed) == 3 and allowed[1] == "-":
            allowed = [chr(c) for c in range(ord(allowed[0]), ord(allowed[2]) + 1)]
        return (name[0] in allowed) is not negated and matches_slowly(rest, name[1:])
    return pattern[0] in ("?", name[0]) and matches_slowly(pattern[1:], name[1:])


TOKENS = st.sampled_from(
    ["*", "?", "a", "b", "12", "[ab]", "[!a]", "[1-3]", "[!1-2]", "{a,b2}", "{12,1,}", "{b}"]
)


@given(st.lists(TOKENS, max_size=6).map("".join), st.text("ab123", max_size=6))
def test_patterns_match_as_the_rules_say(pattern, name):
    assert Pattern(pattern).matches(name) is matches_slowly(pattern, name)


def test_a_pattern_over_all_sources_fits_and_one_that_costs_too_much_is_dropped():
    target = MemoryTarget(256)
    session = Session(target)
    for pattern in ("*", "[0-9]*", "*?", "{" + ",".join(map(str, range(1, 33))) + "}*"):
        sent(session, f"/adm/obj/{pattern}/gain", 0.5)
        assert target.gains[255 if "{" not in pattern else 31] == 0.5
        sent(session, "/adm/obj/*/gain", 1.0)
        assert target.gains == [1.0] * 256
    same = [
        messages.encode(f"/adm/obj/[1-3]?/{each}", [0.5]) for each in ("w", "gain", "azim", "elev")
    ]
    session.receive(messages.encode_bundle(same), 0.0, 0.0)
    session.advance(0.0)
    assert target.gains[9:39] == [0.5] * 30
    assert session.statistics.dropped == 0
    sent(session, "/adm/obj/*/gain", 1.0)
    sent(session, "/adm/obj/" + "?*" * 8 + "/gain", 0.5)
    assert (target.gains, session.statistics.dropped) == ([1.0] * 256, 1)


def sent(session, address, *values):
    answers = session.receive(messages.encode(address, values), 0.0, 0.0)
    session.advance(0.0)
    return answers


def test_adm_places_and_levels_arrive_in_our_axes():
    target = MemoryTarget(4)
    session = Session(target)
    sent(session, "/adm/obj/1/aed", 90.0, 0.0, 1.0)
    np.testing.assert_allclose(target.positions_m[0], [0.0, 1.0, 0.0], atol=1e-6)
    sent(session, "/adm/obj/2/xyz", 1.0, 0.0, 0.0)  # their x is to the right
    np.testing.assert_allclose(target.positions_m[1], [0.0, -1.0, 0.0], atol=1e-6)
    sent(session, "/adm/obj/*/gain", 0.5)
    assert target.gains == [0.5] * 4
    sent(session, "/adm/obj/[2-3]/mute", 1)
    assert target.muted == [False, True, True, False]
    sent(session, "/adm/obj/1/azim", 500.0)  # clamped to 180: behind
    np.testing.assert_allclose(target.positions_m[0], [-1.0, 0.0, 0.0], atol=1e-6)
    sent(session, "/adm/lis/ypr", 30.0, 0.0, 0.0)
    np.testing.assert_allclose(target.orientation, quaternion_from_ypr_deg(30.0), atol=1e-6)


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/adm/obj/9/azim", [10.0]),
        ("/adm/obj/0/azim", [10.0]),
        ("/adm/obj/1/azim", [float("nan")]),
        ("/adm/obj/1/azim", ["left"]),
        ("/adm/obj/1/xyz", [1.0]),
        ("/nowhere", [1]),
    ],
)
def test_what_does_not_fit_changes_nothing(address, values):
    target = MemoryTarget(2)
    session = Session(target)
    session.advance(0.0)
    before = list(target.positions_m)
    sent(session, address, *values)
    assert target.positions_m == before


def test_a_query_is_answered():
    target = MemoryTarget(2)
    session = Session(target)
    sent(session, "/adm/obj/1/gain", 0.25)
    (answer,) = sent(session, "/adm/obj/1/gain")
    assert (answer.address, tuple(answer.arguments)) == ("/adm/obj/1/gain", (0.25,))


def test_random_and_truncated_datagrams_raise_nothing():
    rng = random.Random(1)
    target = MemoryTarget(8)
    session = Session(target)
    good = [
        messages.encode("/adm/obj/1/aed", [10.0, 20.0, 0.5]),
        messages.encode("/adm/obj/{1,2,[3-5]}/gain", [0.5]),
        messages.encode_bundle([messages.encode("/adm/obj/2/xyz", [0.1, 0.2, 0.3])] * 5),
    ]
    for _ in range(20000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        session.receive(bytes(data[: rng.randrange(len(data) + 1)]), 0.0, 0.0)
    session.advance(0.0)
    assert np.all(np.isfinite(target.positions_m))
    assert session.statistics.bad > 1000


def test_a_server_survives_rubbish_and_takes_what_follows():
    target = MemoryTarget(2)
    with OscServer(target, port=0, reply_port=0) as server:
        server.start()
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            for i in range(200):
                sender.sendto(bytes([i % 256]) * (i % 60), ("127.0.0.1", server.port))
            for _ in range(500):
                sender.sendto(
                    messages.encode("/adm/obj/1/gain", [0.75]), ("127.0.0.1", server.port)
                )
                if target.gains[0] == 0.75:
                    break
                time.sleep(0.01)
        assert target.gains[0] == 0.75
        with pytest.raises(AuricleError, match=str(server.port)):
            OscServer(target, port=server.port)


def test_prediction_of_an_even_turn_beats_holding_the_last_pose():
    predictor = PosePredictor(0.05)
    errors = []
    for i in range(300):
        seconds = i / 60.0
        predictor.update(seconds, tuple(quaternion_from_ypr_deg(90.0 * seconds)))
        wanted = tuple(quaternion_from_ypr_deg(90.0 * (seconds + 0.05)))
        off = multiply(conjugate(predictor.predict()), wanted)
        errors.append(np.rad2deg(np.linalg.norm(rotation_vector(off))))
    assert np.median(errors[100:]) < 0.5  # holding the last pose: 4.5 degrees


@pytest.mark.parametrize("transport", ["slip", "length"])
def test_a_stream_carries_datagrams_whole(transport):
    target = MemoryTarget(2)
    with (
        OscServer(target, port=0, tcp_port=0, reply_port=0) as server,
        OscClient(port=server.tcp_port, transport=transport) as client,
    ):
        server.start()
        client.send("/adm/obj/2/gain", 0.25)
        client.send_bundle([("/adm/obj/1/mute", [1]), ("/adm/obj/1/gain", [0.5])])
        for _ in range(300):
            if target.muted[0] and target.gains == [0.5, 0.25]:
                break
            time.sleep(0.01)
    assert target.muted[0]
    assert target.gains == [0.5, 0.25]


def test_a_recording_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "session.rec"
    datagrams = [messages.encode("/adm/obj/1/gain", [0.1 * i]) for i in range(5)]
    recorder = Recorder(path, 10.0, 1000.0)
    for i, datagram in enumerate(datagrams):
        recorder.write(datagram, 10.0 + 0.5 * i)
    recorder.close()
    recording = SessionRecording.load(path)
    assert recording.seconds == 2.0
    assert [record.datagram for record in recording.records] == datagrams
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(AuricleError, match="session.rec"):
        SessionRecording.load(path)
