"""Senders whose clocks are wrong: poses count when they arrive, the rest by the sender's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.geometry import ypr_deg_from_quaternion
from auricle.osc.protocol import messages
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session import clocks
from auricle.osc.session.recording import Recorder, SessionRecording
from auricle.osc.session.session import Session
from auricle.osc.session.timeline import feed
from auricle.osc.trackers.presets import preset

UNIX = 1.7e9


def bundle(seconds: float, address: str, *values: float) -> bytes:
    return messages.encode_bundle(
        [messages.encode(address, list(values))], messages.time_tag_of(seconds)
    )


def gain_at(now: float, ahead: float, lead: float = 0.0) -> bytes:
    """A gain that says when it was sent, by a clock that is ahead, for a time after that."""
    return bundle(UNIX + now + ahead + lead, "/auricle/source/1/gain", now)


@given(st.floats(-1e6, 1e6), st.sampled_from(["sparta", None]))
def test_a_pose_counts_when_it_arrives(ahead, tracker):
    target = MemoryTarget(1)
    session = Session(target, tracker=None if tracker is None else preset(tracker))
    address = "/auricle/listener/ypr" if tracker is None else "/ypr"
    for k in range(3):
        session.receive(bundle(UNIX + k + ahead, address, 10.0 * k, 0.0, 0.0), k, UNIX + k, "a")
        session.advance(k)
        yaw = ypr_deg_from_quaternion(target.orientation)[0]
        assert yaw == pytest.approx(10.0 * k, abs=1e-4)


@given(st.floats(clocks.MAX_AHEAD_SECONDS + 0.1, 1e6), st.floats(0.0, 0.9))
def test_a_clock_far_ahead_keeps_its_own_times(ahead, lead):
    target = MemoryTarget(1)
    session = Session(target)
    for k in range(60):  # 3 s; every other message is meant for later
        now = 0.05 * k
        later = lead * (k % 2)
        session.receive(gain_at(now, ahead, later), now, UNIX + now, "a")
        due = session.next_due()
        if k > 20 and k % 2 == 0:
            session.advance(now)
            assert target.gains[0] <= now + 1e-6
        if k > 20 and k % 2 and lead > 0.2:
            assert due is not None
            assert due <= now + lead + 1e-3
    assert session.statistics.early <= 2 * clocks.LEAST_BUNDLES
    before = session.statistics.early
    session.receive(gain_at(5.0, ahead), 5.0, UNIX + 5.0, "a")
    session.advance(5.001)  # of seconds since 1900 a float has fractions of a microsecond
    assert (target.gains[0], session.statistics.early) == (5.0, before)


def test_a_clock_that_is_right_is_waited_for_and_another_senders_is_its_own():
    target = MemoryTarget(1)
    session = Session(target)
    for k in range(50):
        now = 0.02 * k
        session.receive(gain_at(now, 3600.0), now, UNIX + now, "wrong")
        session.advance(now + 0.001)
    assert target.gains[0] == pytest.approx(0.98)
    session.receive(gain_at(1.0, 0.0, lead=0.5), 1.0, UNIX + 1.0, "right")
    assert session.next_due() == pytest.approx(1.5, abs=1e-5)
    early = session.statistics.early
    session.receive(gain_at(1.1, 0.0, lead=5.0), 1.1, UNIX + 1.1, "right")
    assert session.statistics.early == early + 1  # a plan, not a clock
    assert "bundles of wrong were refused: their time is 3600.0 s ahead" in session.refused_line()


def test_a_clock_that_was_set_right_is_believed_again():
    known = clocks.Clocks()
    for k in range(100):
        offset = known.offset("a", 10.0, 0.1 * k)
    assert offset == 10.0
    assert known.offset("a", 0.3, 10.0) == 0.0  # set back: at once
    for k in range(250):
        offset = known.offset("a", 10.0, 10.0 + 0.1 * k)
    assert offset == 10.0  # set forward: when the window is over
    assert known.offset("a", 2.0, 99.0) == 0.0  # silent for long: nothing is known


def test_the_memory_for_senders_is_bounded():
    known = clocks.Clocks()
    for sender in range(10 * clocks.MAX_SENDERS):
        known.offset(sender, 5.0, 0.0)
    assert len(known.leads()) == clocks.MAX_SENDERS


def test_nothing_is_refused_where_time_tags_are_ignored():
    target = MemoryTarget(1)
    session = Session(target, obey_time_tags=False)
    session.receive(gain_at(0.5, 1e5), 0.5, UNIX + 0.5, "a")
    session.advance(0.5)
    assert target.gains == [0.5]
    assert session.refused_line() == ""
    assert session.clocks.leads()["a"] == pytest.approx(1e5)


def test_a_recording_keeps_senders_apart(tmp_path):
    live, replayed = MemoryTarget(1), MemoryTarget(1)
    one, two = Session(live), Session(replayed)
    recorder = Recorder(tmp_path / "s.osc", 0.0, UNIX)
    for k in range(40):
        now = 0.025 * k
        for sender, ahead in (("a", 50.0), ("b", 0.01)):
            datagram = gain_at(now, ahead)
            recorder.write(datagram, now, sender=sender)
            due = one.next_due()
            if due is not None and due <= now:
                one.advance(now)
            one.receive(datagram, now, UNIX + now, sender)
    recorder.close()
    recording = SessionRecording.load(tmp_path / "s.osc")
    assert [each.sender for each in recording.records] == [0, 1] * 40
    for record in recording.records:
        feed(two, record, recording.unix_start)
    assert two.statistics.early == one.statistics.early > 0
    assert two.next_due() == one.next_due()
    one.advance(2.0)
    two.advance(2.0)
    assert live.gains == replayed.gains == pytest.approx([0.975])
