"""The server under floods, strangers, streams and clocks; folders; what a recording becomes."""

import math
import socket
import struct
import time

import numpy as np
import pytest

from auricle.dsp.errors import AuricleError
from auricle.osc.addresses.allowed_folders import AllowedFolders
from auricle.osc.network import inbox
from auricle.osc.network.client import OscClient
from auricle.osc.network.inbox import Inbox, Waiting
from auricle.osc.network.server import OscServer
from auricle.osc.protocol import messages as wire
from auricle.osc.protocol.framing import Framer, FramingError, as_slip, with_length
from auricle.osc.scene.state import SceneState
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session.recording import RecordedDatagram, Recorder, SessionRecording, replay
from auricle.osc.session.session import Session
from auricle.osc.session.timeline import Timeline, Values
from auricle.osc.trackers.reader import preset


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def gain(value, source=1):
    return wire.encode(f"/adm/obj/{source}/gain", [float(value)])


# Floods.


def put(box, count, now=0.0, size=8):
    for i in range(count):
        box.put(Waiting(i.to_bytes(size, "big"), None, None, now))


def test_the_oldest_make_room_for_the_newest():
    box = Inbox()
    put(box, inbox.MAX_WAITING + 10)
    assert (len(box), box.dropped) == (inbox.MAX_WAITING, 10)
    assert int.from_bytes(box.take(0.0).datagram, "big") == 10


def test_waiting_datagrams_are_bounded_in_bytes_and_in_time():
    box = Inbox()
    put(box, 1000, size=65_000)
    assert sum(len(each.datagram) for each in box._waiting) <= inbox.MAX_WAITING_BYTES
    box = Inbox()
    put(box, 5, now=0.0)
    put(box, 1, now=1.0)
    assert box.take(1.0).arrived == 1.0
    assert (box.dropped, box.take(1.0)) == (5, None)


def test_a_slice_of_time_takes_so_many_and_no_more():
    box = Inbox()
    put(box, inbox.MAX_PER_SLICE + 1, now=0.001)
    assert all(box.take(0.001) is not None for _ in range(inbox.MAX_PER_SLICE))
    assert box.take(0.002) is None
    assert 0.0 < box.patience(0.002) <= inbox.SLICE_SECONDS
    assert box.patience(inbox.SLICE_SECONDS + 0.001) == 0.0
    assert box.take(inbox.SLICE_SECONDS + 0.001) is not None
    assert box.patience(0.2) is None


def test_after_a_flood_the_newest_holds_and_all_are_accounted_for():
    target, count = MemoryTarget(4), 30_000
    with (
        OscServer(target, port=0, reply_port=0) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        for i in range(count):
            sender.sendto(gain(i / count), ("127.0.0.1", server.port))
        # The operating system may have lost the last ones.
        for _ in range(3):
            time.sleep(0.02)
            sender.sendto(gain(2.0), ("127.0.0.1", server.port))
        wait_for(lambda: target.gains[0] == 2.0)

        def accounted():
            counted = server.statistics()["osc"]
            return counted["datagrams"] + counted["dropped"] + counted["lost_by_system"]

        wait_for(lambda: accounted() == count + 3)
        counted = server.statistics()["osc"]
        assert counted["good"] == counted["datagrams"]
        assert counted["errors"] == 0


# Strangers.


def test_only_senders_on_the_list_are_heard():
    target = MemoryTarget(1)
    with OscServer(target, port=0, reply_port=0, allow=["127.0.0.2"]) as server:
        for host, value in (("127.0.0.1", 0.5), ("127.0.0.2", 0.25)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((host, 0))
                sender.sendto(gain(value), ("127.0.0.1", server.port))
        wait_for(lambda: target.gains[0] == 0.25)
        assert server.session.statistics.refused == 1
    with pytest.raises(AuricleError, match="no such host"):
        OscServer(target, port=0, allow=["no such host"])


def test_a_stranger_on_tcp_is_hung_up_on():
    with OscServer(
        MemoryTarget(1), port=0, tcp_port=0, reply_port=0, allow=["127.0.0.2"]
    ) as server:
        with socket.create_connection(("127.0.0.1", server.tcp_port), 5.0) as stranger:
            assert stranger.recv(10) == b""
        assert server.session.statistics.refused == 1


@pytest.mark.parametrize("kind", ["port", "tcp_port", "tracker_port"])
def test_a_port_in_use_is_one_clear_line(kind):
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp_port" else 2)
    with taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "tcp_port":
            taken.listen()
        port = taken.getsockname()[1]
        options = {"port": 0, kind: port} | ({"tracker": "iem"} if "tracker" in kind else {})
        with pytest.raises(AuricleError, match=f"port {port} of 127.0.0.1 is in use") as raised:
            OscServer(MemoryTarget(1), **options)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("options", [{"port": -1}, {"port": 70000}, {"host": "no.such.host."}])
def test_a_place_that_is_none_is_one_clear_line(options):
    with pytest.raises(AuricleError):
        OscServer(MemoryTarget(1), **{"port": 0} | options)


def test_a_second_start_changes_nothing_and_stop_ends():
    server = OscServer(MemoryTarget(1), port=0, reply_port=0)
    assert server.start().start() is server
    server.stop()
    server.stop()


# Numbers.


@pytest.mark.parametrize(
    ("datagram", "counter"),
    [
        (gain(math.nan), "nonfinite"),
        (gain(-math.inf), "nonfinite"),
        (wire.encode("/adm/obj/1/xyz", [0.0, math.nan, 0.0]), "nonfinite"),
        (wire.encode("/adm/lis/ypr", [0.0, math.inf, 0.0]), "nonfinite"),
        (wire.encode("/auricle/listener/quat", [0.0, 0.0, 0.0, 0.0]), "bad"),
        (wire.encode("/adm/obj/1/azim", [1e30]), "clamped"),
        (wire.encode("/adm/obj/1/gain", [2**62]), "clamped"),
        (wire.encode("/adm/obj/1/gain", [-1.0]), "clamped"),
        (wire.encode("/adm/obj/1/mute", [7]), "clamped"),
        (wire.encode("/adm/obj/1/name", ["x" * 1000]), "clamped"),
        (gain(0.5, 0), "no_source"),
        (gain(0.5, -1), "no_source"),
        (gain(0.5, 3), "no_source"),
        (gain(0.5, 10**30), "no_source"),
        (wire.encode("/adm/obj/one/gain", [0.5]), "unknown"),
        (wire.encode("/adm/obj/[9-1]/gain", [0.5]), "bad"),
        (wire.encode("/adm/obj/1/azim", ["x"]), "bad"),
        (wire.encode("/adm/obj/1/azim", [1.0, 2.0]), "bad"),
        (wire.encode("/adm/obj/1/azim", [None]), "bad"),
        (wire.encode("/auricle/hrtf", ["/etc/passwd"]), "refused"),
    ],
)
def test_each_mistake_has_its_counter_and_the_loop_goes_on(datagram, counter):
    target = MemoryTarget(2)
    session = Session(target)
    session.receive(datagram, 0.0, 0.0)
    session.advance(0.0)
    assert getattr(session.statistics, counter) == 1
    assert session.statistics.errors == 0
    assert np.all(np.isfinite(target.positions_m))
    assert np.all(np.isfinite(target.gains))
    assert target.hrtf is None


def test_tracker_poses_that_are_none_are_counted():
    session = Session(MemoryTarget(1), tracker=preset("sparta"))
    for values in ([math.nan, 0.0, 0.0], [1.0], ["a", "b", "c"]):
        session.receive(wire.encode("/ypr", values), 0.0, 0.0)
    assert (session.statistics.nonfinite, session.statistics.bad) == (1, 2)
    session = Session(MemoryTarget(1), tracker=preset("opentrack"))
    session.receive_raw_pose(b"\0" * 47, 0.0)
    session.receive_raw_pose(struct.pack("=6d", 0, 0, 0, math.inf, 0, 0), 0.0)
    assert (session.statistics.nonfinite, session.statistics.bad) == (1, 1)


# Bundles with a time.


def bundle(unix_seconds, *messages):
    return wire.encode_bundle(messages, wire.time_tag_of(unix_seconds))


def test_bundles_take_effect_at_their_time_and_in_their_order():
    target = MemoryTarget(2)
    session = Session(target)
    session.receive(bundle(1000.3, gain(0.3)), 5.0, 1000.0)
    session.receive(bundle(1000.2, gain(0.2), gain(0.7, 2)), 5.0, 1000.0)
    assert session.next_due() == pytest.approx(5.2, abs=1e-6)
    for now, expected in ((5.1, [1.0, 1.0]), (5.25, [0.2, 0.7]), (5.35, [0.3, 0.7])):
        session.advance(now)
        assert target.gains == pytest.approx(expected)
    assert session.next_due() is None
    session.receive(bundle(999.0, gain(0.9)), 6.0, 1001.0)
    session.advance(6.0)
    assert (target.gains[0], session.statistics.late) == (pytest.approx(0.9), 1)


def test_bundles_too_far_ahead_and_too_many_are_refused():
    session = Session(MemoryTarget(1))
    for seconds in (1002.0, 1e9, 2e9):
        session.receive(bundle(seconds, gain(0.5)), 0.0, 1000.0)
    assert session.statistics.early == 3
    for _ in range(5000):
        session.receive(bundle(1000.5, gain(0.5)), 0.0, 1000.0)
    assert session.statistics.dropped == 5000 - 4096
    session.advance(1.0)
    assert session.next_due() is None


def test_what_is_due_is_done_a_share_at_a_time_but_a_moment_whole():
    target = MemoryTarget(2)
    session = Session(target)
    for i in range(40):
        session.receive(bundle(1000.1 + 0.001 * i, *[gain(0.125 * i)] * 20), 0.0, 1000.0)
    session.advance(1.0)
    assert target.gains[0] == 0.125 * 12  # 13 bundles of 20: 256 messages, and their moment whole
    while session.next_due() is not None:
        session.advance(1.0)
    assert target.gains[0] == 0.125 * 39


def test_a_server_keeps_a_bundle_for_its_time():
    target = MemoryTarget(1)
    with (
        OscServer(target, port=0, reply_port=0) as server,
        OscClient(port=server.port) as client,
    ):
        begin = time.time()
        client.send_bundle([("/adm/obj/1/gain", [0.5])], begin + 0.3)
        wait_for(lambda: target.gains[0] == 0.5)
        assert time.time() >= begin + 0.299


def test_time_tags_can_be_ignored():
    target = MemoryTarget(1)
    session = Session(target, obey_time_tags=False)
    session.receive(bundle(2e9, gain(0.5)), 0.0, 1000.0)
    session.advance(0.0)
    assert target.gains == [0.5]


# Streams.


@pytest.mark.parametrize("frame", [as_slip, with_length])
def test_frames_cut_anywhere_are_whole(frame):
    rng = np.random.default_rng(0)
    datagrams = [rng.bytes(n) for n in (4, 400, 65_504, 8)] + [b"\xc0\xdb\xdc\xdd" * 5]
    stream = b"".join(map(frame, datagrams))
    framer, found, at = Framer(), [], 0
    while at < len(stream):
        size = int(rng.integers(1, 5000))
        found += framer.feed(stream[at : at + size])
        at += size
    assert found == datagrams
    assert framer.frame(b"abcd") == frame(b"abcd")


@pytest.mark.parametrize("stream", [b"\0\0\0\0", b"\0\1\0\0", b"\xc0" + b"a" * 300_000])
def test_a_frame_longer_than_a_datagram_is_refused(stream):
    framer = Framer()

    def feed_all():
        for at in range(0, len(stream), 4096):
            framer.feed(stream[at : at + 4096])

    with pytest.raises(FramingError):
        feed_all()


@pytest.mark.parametrize("frame", [as_slip, with_length])
def test_queries_on_a_stream_are_answered_there(frame):
    with (
        OscServer(MemoryTarget(2), port=0, tcp_port=0, reply_port=0) as server,
        socket.create_connection(("127.0.0.1", server.tcp_port), 5.0) as client,
    ):
        client.sendall(frame(gain(0.25, 2)) + frame(wire.encode("/adm/obj/2/gain")))
        framer, frames = Framer(), []
        while not frames:
            frames += framer.feed(client.recv(4096))
        assert wire.decode(frames[0]) == [wire.Message("/adm/obj/2/gain", (0.25,))]


def test_a_stream_of_rubbish_is_hung_up_on_and_others_are_served():
    target = MemoryTarget(1)
    with (
        OscServer(target, port=0, tcp_port=0, reply_port=0) as server,
        OscClient(port=server.tcp_port, transport="slip") as good,
        socket.create_connection(("127.0.0.1", server.tcp_port), 5.0) as bad,
    ):
        bad.sendall(b"\0\xff\xff\xff" * 10)
        assert bad.recv(10) == b""
        good.send("/adm/obj/1/gain", 0.5)
        wait_for(lambda: target.gains[0] == 0.5)
        assert server.session.statistics.bad == 1


def test_an_adm_query_is_answered_on_the_reply_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5.0)
        with (
            OscServer(MemoryTarget(1), port=0, reply_port=listener.getsockname()[1]) as server,
            OscClient(port=server.port) as client,
        ):
            client.send("/adm/obj/1/gain")
            (answer,) = wire.decode(listener.recv(4096))
    assert answer == wire.Message("/adm/obj/1/gain", (1.0,))


# Folders.


def test_files_are_found_under_the_folders_and_nowhere_else(tmp_path):
    inside, outside = tmp_path / "sets", tmp_path / "secret"
    (inside / "deep").mkdir(parents=True)
    outside.mkdir()
    for file in (inside / "a.sofa", inside / "deep" / "b.sofa", outside / "c.sofa"):
        file.write_bytes(b"")
    (inside / "link.sofa").symlink_to(outside / "c.sofa")
    (inside / "way").symlink_to(outside)
    folders = AllowedFolders([inside])
    assert folders.find("a.sofa") == inside / "a.sofa"
    assert folders.find("deep/../deep/b.sofa") == inside / "deep" / "b.sofa"
    assert folders.find(str(inside / "a.sofa")) == inside / "a.sofa"
    outsiders = [
        "../secret/c.sofa", str(outside / "c.sofa"), "link.sofa", "way/c.sofa", "nothing.sofa",
        "deep", "", "a.sofa\0", "x" * 5000, "/etc/passwd", "~/a.sofa",
    ]  # fmt: skip
    for name in outsiders:
        with pytest.raises(AuricleError, match="no file under a folder"):
            folders.find(name)
    with pytest.raises(AuricleError, match="not a folder"):
        AllowedFolders([inside / "a.sofa"])
    with pytest.raises(AuricleError, match="no file"):
        AllowedFolders().find("a.sofa")


def test_a_set_is_asked_for_by_name(tmp_path):
    (tmp_path / "a.sofa").write_bytes(b"")
    target = MemoryTarget(1)
    session = Session(target, folders=AllowedFolders([tmp_path]))
    session.receive(wire.encode("/auricle/hrtf", ["a.sofa"]), 0.0, 0.0)
    session.receive(wire.encode("/auricle/hrtf", ["../a.sofa"]), 0.0, 0.0)
    session.advance(0.0)
    assert target.hrtf == (tmp_path / "a.sofa").resolve()
    assert session.statistics.refused == 1


# Recordings.


def test_values_hold_until_the_next():
    values = Values((1.0, 2.0))
    values.put(1.0, (3.0, 4.0))
    values.put(1.0, (5.0, 6.0))
    found = values.at(np.array([0.0, 1.0 - 1e-6, 1.0, 50.0]))
    np.testing.assert_array_equal(found, [[1, 2], [1, 2], [5, 6], [5, 6]])


def recording(tmp_path, *records):
    path = tmp_path / "session.osc"
    recorder = Recorder(path, 0.0, 1000.0)
    for seconds, datagram, is_raw in records:
        recorder.write(datagram, seconds, is_raw)
    recorder.close()
    return SessionRecording.load(path)


def test_a_timeline_has_each_value_at_the_step_after_its_arrival(tmp_path):
    session = recording(
        tmp_path,
        (0.1, gain(0.5), False),
        (0.2, wire.encode("/adm/obj/1/mute", [1]), False),
        (0.25, wire.encode("/adm/obj/2/aed", [90.0, 0.0, 1.0]), False),
        (0.3, bundle(1000.6, wire.encode("/adm/lis/ypr", [30.0, 0.0, 0.0])), False),
        (0.4, struct.pack("=6d", 0, 0, 0, -90.0, 0, 0), True),
    )
    starts = [(0.0, 1.0, 0.0), (0.0, -1.0, 0.0)]

    def make(target, scene):
        return Session(target, scene=scene, tracker=preset("opentrack"))

    timeline = Timeline(session, make, starts, 48000)
    times = np.array([0.0, 0.09, 0.103, 0.19, 0.203, 0.3])
    np.testing.assert_allclose(timeline.gains(0, times), [1, 1, 0.5, 0.5, 0, 0])
    np.testing.assert_allclose(timeline.positions_m(0, times), [starts[0]] * 6)
    np.testing.assert_allclose(
        timeline.positions_m(1, np.array([0.0, 0.253])), [starts[1], (0, 1, 0)], atol=1e-6
    )
    half = math.sqrt(0.5)
    heads = timeline.orientations(np.array([0.0, 0.39, 0.41]))
    np.testing.assert_allclose(heads[[0, 2]], [[1, 0, 0, 0], [half, 0, 0, half]], atol=1e-6)
    assert timeline.summary["poses"] == 1


def test_a_replay_keeps_order_and_pace():
    records = [RecordedDatagram(0.1 * i, i == 1, bytes([i])) for i in range(4)]
    naps, sent = [], []
    assert replay(SessionRecording(0.0, records), sent.append, 1000.0, naps.append) == 4
    assert sent == records
    assert all(0.0 < nap < 0.001 for nap in naps)
    naps.clear()
    replay(SessionRecording(0.0, records), sent.append, None, naps.append)
    assert naps == []


def test_a_server_writes_down_what_it_hears(tmp_path):
    path = tmp_path / "session.osc"
    target = MemoryTarget(1)
    with (
        OscServer(
            target, port=0, reply_port=0, tracker="opentrack", tracker_port=0, record=path
        ) as server,
        OscClient(port=server.port) as client,
        OscClient(port=server._udp[1].getsockname()[1]) as head,
    ):
        client.send("/adm/obj/1/gain", 0.5)
        head.send_datagram(struct.pack("=6d", 0, 0, 0, -90.0, 0, 0))
        wait_for(lambda: server.session.statistics.datagrams == 2)
    kinds = [(each.is_raw, len(each.datagram)) for each in SessionRecording.load(path).records]
    assert sorted(kinds) == [(False, len(gain(0.5))), (True, 48)]
    with pytest.raises(AuricleError, match="cannot be written"):
        OscServer(target, port=0, record=tmp_path / "no" / "session.osc")


def test_a_scene_that_begins_elsewhere(tmp_path):
    target = MemoryTarget(1)
    scene = SceneState(1, [(0.0, 2.0, 0.0)], scale_m=2.0)
    session = Session(target, scene=scene)
    session.receive(wire.encode("/adm/obj/1/azim", [-90.0]), 0.0, 0.0)
    session.advance(0.0)
    np.testing.assert_allclose(target.positions_m[0], [0.0, -2.0, 0.0], atol=1e-6)
