"""Live sound without a device: mailbox, callbacks, files, recording, OSC, what can go wrong."""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import soundfile
import synthetic_set
from numba import njit

import auricle
from auricle.dsp.errors import AuricleError
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.renderer_state import RendererState
from auricle.osc.network.client import OscClient, message
from auricle.plugin_core import cli
from auricle.plugin_core.live.audio_thread import callbacks, mailbox
from auricle.plugin_core.live.audio_thread.meters import TAP_WRITTEN
from auricle.plugin_core.live.audio_thread.shared_memory import Flag, Status
from auricle.plugin_core.live.backends import jack, portaudio
from auricle.plugin_core.live.backends.null import NullBackend
from auricle.plugin_core.live.file_reader import FileReader
from auricle.plugin_core.live.hrtf_exchange import Listener
from auricle.plugin_core.live.live import Live
from auricle.plugin_core.live.parameters import LiveScene
from auricle.plugin_core.live.shared_state import TAP_FRAMES, SharedState
from auricle.plugin_core.live.sources import Input, Noise, Tone, Track, channels

# The synthetic head is narrower than any person's, which is told wherever it is read from a file.
pytestmark = pytest.mark.filterwarnings("ignore::auricle.dsp.errors.SetWarning")

RATE = 48000


@cache
def prepared(rank=8, n_taps=160):
    return prepare(synthetic_set.make_set(n=40, n_taps=n_taps), RATE, rank=rank)


def playing(sources=1, **options):
    return Live(prepared(), sources, **({"backend": "null", "rank": 8} | options))


@pytest.fixture(autouse=True)
def sets(tmp_path_factory, monkeypatch):
    """Prepared sets are kept among the tests."""
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


@pytest.fixture(scope="module")
def sofa(tmp_path_factory):
    path = tmp_path_factory.mktemp("sofa") / "other.sofa"
    synthetic_set.make_set(n=40, n_taps=200).save(path)
    return path


KEPT = []


def make_desk(sources):
    """A shared state that can play, without a driver."""
    state = RendererState(len(channels(sources)), RATE)
    shared = SharedState(channels(sources), state)
    scene = LiveScene(np.zeros(shared.n_sources))
    scene.attach(shared, dict)
    listener = Listener(scene, state)
    listener.exchange(prepared())
    KEPT.append(listener)  # who owns what it reads
    return shared


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@pytest.fixture
def track(tmp_path):
    path = tmp_path / "track.wav"
    audio = 0.1 * np.random.default_rng(0).standard_normal((9000, 2))
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return path


# The mailbox.


@njit(nogil=True)
def hammer(slots, cells, width, times):
    values = np.zeros(width)
    replaced = 0
    for i in range(1, times + 1):
        values[:] = i
        replaced += mailbox.publish(values, slots, cells)
    return replaced


@njit(nogil=True)
def collect(slots, cells, last):
    """Takes until the last vector came; how many came, and how many were torn or out of order."""
    taken, bad, newest = 0, 0, 0.0
    while newest < last:
        if mailbox.receive(cells):
            taken += 1
            values = slots[cells[mailbox.RECEIVER]]
            bad += values[0] <= newest
            newest = values[0]
            for x in values:
                bad += x != newest
    return taken, bad


def test_the_mailbox_is_never_torn():
    """A writer and a reader on two threads, both as fast as compiled code can."""
    width, times = 1000, 20_000
    slots, cells = mailbox.slots(width), mailbox.cells()
    hammer(mailbox.slots(width), mailbox.cells(), width, 1)
    collect(slots, cells, 0)
    replaced = []
    writer = threading.Thread(target=lambda: replaced.append(hammer(slots, cells, width, times)))
    writer.start()
    taken, bad = collect(slots, cells, times)
    writer.join()
    assert bad == 0
    assert taken + replaced[0] == times  # none is lost but those that were replaced


def test_the_mailbox_in_plain_python():
    slots, cells = mailbox.slots(2), mailbox.cells()
    publish, receive = mailbox.publish.py_func, mailbox.receive.py_func
    assert not receive(cells)
    assert not publish(np.array([1.0, 1.0]), slots, cells)
    assert publish(np.array([2.0, 2.0]), slots, cells)
    assert receive(cells)
    assert not receive(cells)
    assert slots[cells[mailbox.RECEIVER]].tolist() == [2.0, 2.0]


# The callbacks, called as the drivers do.


def test_jacks_callback_reads_and_writes_the_ports():
    shared = make_desk([Input(), Noise(0.0), Input()])
    twin = make_desk([Input(), Noise(0.0), Input()])
    ports = [np.zeros(256, dtype=np.float32) for _ in range(4)]
    shape = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    get_buffer = shape(lambda port, n: ports[port - 1].ctypes.data)
    shared.arrays.ports[:] = [1, 2, 3, 4]
    shared.set_flag(Flag.GET_BUFFER, ctypes.cast(get_buffer, ctypes.c_void_p).value)
    process = callbacks.jack_process()
    rng = np.random.default_rng(1)
    for n in (128, 256, 100):
        for row in range(2):
            ports[row][:] = rng.standard_normal(256)
        twin.arrays.audio[0, :n], twin.arrays.audio[2, :n] = ports[0][:n], ports[1][:n]
        assert process.ctypes(n, shared.address) == 0
        callbacks.make_block(twin.address, n, 0)
        assert np.array_equal(ports[2][:n], twin.arrays.out[0, :n])
        assert np.array_equal(ports[3][:n], twin.arrays.out[1, :n])
    assert np.abs(ports[2]).max() > 0.0
    status = shared.status()
    assert (status[Status.CALLBACKS], status[Status.FRAMES]) == (3, 484)
    callbacks.jack_xrun().ctypes(shared.address)
    callbacks.jack_new_rate().ctypes(44100, shared.address)
    callbacks.jack_lost().ctypes(shared.address)
    flags = [shared.flag(each) for each in (Flag.XRUNS, Flag.NEW_RATE, Flag.LOST)]
    assert flags == [1, 44100, 1]


def test_portaudios_callback_is_interleaved_and_counts_underflows():
    shared = make_desk([Input(), Input()])
    twin = make_desk([Input(), Input()])
    process = callbacks.portaudio_process(2)
    given = np.random.default_rng(2).standard_normal((200, 2)).astype(np.float32)
    wanted = np.zeros((200, 2), dtype=np.float32)
    process.ctypes(given.ctypes.data, wanted.ctypes.data, 200, None, 4, shared.address)
    twin.arrays.audio[:, :200] = given.T
    callbacks.make_block(twin.address, 200, 0)
    assert np.array_equal(wanted.T, twin.arrays.out[:, :200])
    assert shared.flag(Flag.XRUNS) == 1
    before = shared.status()[Status.FRAMES]
    much = np.ones((9000, 2), dtype=np.float32)
    process.ctypes(much.ctypes.data, much.ctypes.data, 9000, None, 0, shared.address)
    assert not much.any()  # beyond the largest block: silence, and a count
    assert shared.status()[Status.OVERSIZED] == 1
    assert shared.status()[Status.FRAMES] == before + 9000


def test_meters_and_test_signals():
    shared = make_desk([Tone(480.0, 0.5), Noise(0.1), Input()])
    callbacks.run_blocks(shared.address, 160, 30)
    rows = shared.status()[Status.METERS :].reshape(3, 5)
    assert rows[0, 0] == pytest.approx(0.5, abs=1e-4)
    assert rows[1, 0] == pytest.approx(0.5 / np.sqrt(2.0), abs=1e-4)
    assert rows[1, 1] == pytest.approx(0.1, rel=0.05)
    assert rows[:, 2].tolist() == [0.0, 0.0, 0.0]
    ears = np.abs(shared.arrays.out[:, :160]).max(axis=1)
    assert np.all(rows[2, 3:] >= ears)


# Files and recordings.


@pytest.mark.parametrize("loop", [False, True])
def test_files_come_through_their_rings(track, loop):
    shared = make_desk([Track(track, loop)])
    reader = FileReader(shared)
    reader.fill()
    heard = []
    for n in (128, 5000, 3000, 2000, 64):
        callbacks.silent_block(shared.address, n, 0, 0)
        heard.append(shared.arrays.audio[:, :n].copy())
        reader.fill()
    reader.stop()
    audio = soundfile.read(track, dtype="float32")[0].T
    wanted = np.tile(audio, 2) if loop else np.pad(audio, ((0, 0), (0, 9000)))
    heard = np.concatenate(heard, axis=1)
    assert np.array_equal(heard, wanted[:, : heard.shape[1]])
    assert shared.status()[Status.UNDERRUN_FRAMES] == 0


def test_a_file_read_too_late_is_counted(track):
    shared = make_desk([Track(track, True)])
    FileReader(shared).stop()
    callbacks.silent_block(shared.address, 100, 0, 0)
    assert shared.status()[Status.UNDERRUN_FRAMES] == 100


def test_the_tap_drops_whole_blocks_and_counts_them():
    shared = make_desk([Noise()])
    shared.set_flag(Flag.RECORDING, 1)
    blocks = TAP_FRAMES // 1000
    callbacks.run_blocks(shared.address, 1000, blocks + 5)
    status = shared.status()
    assert status[Status.TAP_FRAMES] == shared.arrays.tap_cells[TAP_WRITTEN] == 1000 * blocks
    assert status[Status.TAP_DROPPED] == 5000


def test_unpaced_live_is_the_offline_render(sofa, track, tmp_path):
    live, offline = tmp_path / "live.wav", tmp_path / "offline.wav"
    with Live(
        sofa, [track], rank=8, backend="null", unpaced=True, record=live, azimuth_deg=20.0
    ) as player:
        assert player.wait(60.0)
    auricle.render(track, offline, hrtf=sofa, azimuth_deg=20.0, rank=8)
    assert np.array_equal(soundfile.read(live)[0], soundfile.read(offline)[0])
    figures = player.statistics()
    assert (figures["underrun_frames"], figures["unrecorded_frames"]) == (0, 0)


def test_a_recording_that_cannot_be_written_is_said_before_it_plays(tmp_path):
    with pytest.raises(AuricleError, match="no such folder"), playing(record=tmp_path / "no/o.wav"):
        pass


@pytest.fixture
def full_disk(monkeypatch):
    """Files of libsndfile take so many frames, and then no more."""
    write, room = soundfile.SoundFile.write, {"frames": 20000}

    def writes(self, audio):
        if len(audio) > room["frames"]:
            raise soundfile.LibsndfileError(2, "System error : ")
        room["frames"] -= len(audio)
        write(self, audio)

    monkeypatch.setattr(soundfile.SoundFile, "write", writes)
    return room


@pytest.mark.parametrize("name", ["o.wav", "o.flac"])
def test_a_recording_on_a_full_disk_keeps_what_it_has_and_the_rest_goes_on(
    track, tmp_path, full_disk, name
):
    said = []
    player = playing(
        [Track(track, True)], record=tmp_path / name, unpaced=True, seconds=5.0, say=said.append
    )
    player.start()
    assert player.wait(60.0)
    with pytest.raises(AuricleError, match=r"is the disk full\? Its first 0\.\d s are kept"):
        player.stop()
    assert len([line for line in said if "disk full" in line]) == 1
    assert player.statistics()["seconds"] >= 5.0
    assert {each.name for each in tmp_path.iterdir()} == {name, track.name}
    kept = soundfile.read(tmp_path / name)[0]
    assert 0 < len(kept) <= 20000
    assert kept.any()


def test_the_command_says_a_full_disk_once_and_in_its_status(
    sofa, track, tmp_path, full_disk, capsys
):
    status, printed, errors = run(
        capsys, track, "--loop", "--backend", "null", "--unpaced", "--seconds", 2, "--no-osc",
        "--record", tmp_path / "o.wav", "--hrtf", sofa, "--rank", 8, "--json",
    )  # fmt: skip
    assert status == 2
    assert json.loads(printed)["seconds"] >= 2.0
    assert errors.count("is the disk full?") == 1
    assert soundfile.info(tmp_path / "o.wav").frames > 0


def test_a_recording_that_never_began_leaves_the_older_file(tmp_path):
    (tmp_path / "o.wav").write_text("older")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        player = playing(record=tmp_path / "o.wav", osc_port=taken.getsockname()[1])
        with pytest.raises(AuricleError, match="is in use"):
            player.start()
    assert [each.name for each in tmp_path.iterdir()] == ["o.wav"]
    assert (tmp_path / "o.wav").read_text() == "older"


def test_bundles_that_are_refused_are_said_once():
    said = []
    with playing(2, osc_port=0, say=said.append) as player:
        with OscClient("127.0.0.1", player.osc.port) as client:
            for _ in range(3):
                client.send_bundle([("/auricle/source/1/gain", [0.5])], time.time() + 100.0)
            client.send_bundle([("/auricle/listener/ypr", [90.0, 0.0, 0.0])], time.time() + 100.0)
        until(lambda: player.troubles and player.scene.orientation[3] > 0.7)
        time.sleep(0.2)
    refused = [line for line in said if "were refused" in line]
    assert len(refused) == 1
    assert "--ignore-time-tags" in refused[0]


# The whole, paced.


def test_the_clock_runs_while_the_interpreter_is_held():
    """A C function that sleeps with the GIL: nothing of Python runs, and blocks are made."""
    hold = ctypes.PyDLL(None).usleep
    with playing([Noise()]) as player:
        until(lambda: player.statistics()["callbacks"] > 0)
        block_log, count = player._shared.arrays.block_log, player._shared.arrays.now
        before = int(count[Status.CALLBACKS])
        hold(200_000)
        made = int(count[Status.CALLBACKS]) - before
        assert made >= 20, block_log[:5]
    assert player.statistics()["callbacks"] >= before + made


def test_what_is_set_while_it_plays_is_heard():
    with playing([Noise(), Noise()]) as player:
        player.set_positions([[0.0, 1.0, 0.0], [0.0, 2.0, 0.0]])
        until(lambda: difference_db(player) > 3.0)
        player.set_listener(orientation=(0.0, 0.0, 0.0, 1.0))
        until(lambda: difference_db(player) < -3.0)
        player.set_mute([True, True])
        until(lambda: player.statistics()["ears"][0]["peak_db"] == -200.0)
        player.set_mute([False, True])
        player.set_gains([0.5, 1.0])
        until(lambda: difference_db(player) < -3.0)
        figures = player.statistics()
    assert figures["scenes"]["taken"] + figures["scenes"]["replaced"] >= 4
    assert figures["callbacks"] * 128 == round(figures["seconds"] * RATE)
    json.dumps(figures, allow_nan=False)
    for call in (player.set_positions, player.set_gains, player.set_mute):
        with pytest.raises(AuricleError, match="must be"):
            call(np.zeros((3, 3)))
    with pytest.raises(AuricleError, match="finite"):
        player.set_gains([np.nan, 0.0])


def difference_db(player):
    left, right = player.statistics()["ears"]
    return left["rms_db"] - right["rms_db"]


def test_it_can_be_started_again():
    player = playing([Noise()])
    player.set_gains([0.25])
    turn = sys.getswitchinterval()
    for _ in range(2):
        with player:
            until(lambda: player.statistics()["callbacks"] > 3)
            assert sys.getswitchinterval() == pytest.approx(0.0005)
        assert sys.getswitchinterval() == turn
    assert player.scene.gains.tolist() == [0.25]


def test_the_listener_is_exchanged_while_it_plays():
    """To sets of other lengths and ranks, several in a row: the newest counts, none is kept."""
    with playing([Noise()]) as player:
        longer = prepared("full", 300)
        player.set_hrtf(longer)
        player.set_hrtf(replace(prepared(), delays=prepared().delays + 200.0))
        player.set_hrtf(longer)
        until(lambda: player._shared.status()[Status.ENGINE_ID] == 4)
        until(lambda: sum(each is not None for each in player._shared.renderer._sets) == 1)
        assert not player.statistics()["exchanging"]
        assert player.statistics()["hrtf"].startswith("full rank")
        until(lambda: player.statistics()["ears"][0]["peak_db"] > -60.0)


def test_osc_steers_it(sofa, tmp_path):
    shutil.copy(sofa, tmp_path)
    (tmp_path / "bad.sofa").write_bytes(b"nothing")
    heard = []
    with (
        playing(
            [Noise(), Noise()], osc_port=0, osc={"folders": [str(tmp_path)]}, say=heard.append
        ) as player,
        OscClient(port=player.osc.port) as client,
    ):
        client.send("/auricle/source/1/xyz", 0.0, 2.0, 0.0)
        client.send("/adm/obj/2/aed", 90.0, 0.0, 1.0)
        client.send("/auricle/source/2/gain", 0.5)
        until(lambda: difference_db(player) > 3.0)
        client.send("/auricle/listener/quat", 0.0, 0.0, 0.0, 1.0)
        until(lambda: difference_db(player) < -3.0)
        assert player.scene.gains.tolist() == [1.0, 0.5]
        client.send("/auricle/hrtf", "bad.sofa")
        until(lambda: player.troubles)
        assert "the set stays as it is" in player.troubles[0]
        client.send("/adm/obj/1/w", 0.5)
        until(lambda: player.scene.widths_deg.tolist() == [90.0, 0.0])
        until(lambda: player._shared.renderer.width is not None)
        assert heard[0] == f"listening on port {player.osc.port}; ready in some seconds"
        client.send("/auricle/hrtf", "other.sofa")
        until(lambda: player._shared.status()[Status.ENGINE_ID] == 3, 120.0)
        client.send("/auricle/reset")
        until(lambda: player.scene.gains.tolist() == [1.0, 1.0])
        figures = ask(player.osc.port)
        assert figures["engine"]["n_sources"] == 2
        assert figures["engine"]["callbacks"] > 0
        assert player.statistics()["osc"]["good"] >= 7


def test_what_is_sent_while_it_starts_is_obeyed(sofa, tmp_path, monkeypatch):
    shutil.copy(sofa, tmp_path)
    original = Live._prepared
    before = []

    def prepared_slowly(self, *arguments):
        if not before:
            before.append(self._shared is not None and self._running)
            with OscClient(port=self.osc.port) as client:
                client.send("/auricle/source/2/gain", 0.25)
                client.send("/adm/obj/1/xyz", 0.0, 1.0, 0.0)
                client.send("/auricle/hrtf", "other.sofa")
            until(lambda: self.scene.gains[1] == 0.25 and self._asked is not None)
        return original(self, *arguments)

    monkeypatch.setattr(Live, "_prepared", prepared_slowly)
    osc = {"folders": [str(tmp_path)]}
    with playing([Noise(), Noise()], osc_port=0, osc=osc) as player:
        assert before == [False]
        assert player.scene.gains.tolist() == [1.0, 0.25]
        until(lambda: player._shared.status()[Status.ENGINE_ID] == 2, 120.0)


def test_a_port_in_use_is_said_before_anything_is_compiled(monkeypatch):
    monkeypatch.setattr(Live, "_opened", lambda self: pytest.fail("too late"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(AuricleError, match=str(port)), playing([Noise()], osc_port=port):
            pass


def ask(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(10.0)
        asking.sendto(message("/auricle/stats", []), ("127.0.0.1", port))
        from auricle.osc.protocol import messages

        return json.loads(messages.decode(asking.recv(65536))[0].arguments[0])


def test_a_tracker_is_predicted_by_the_latency():
    with playing([Noise()], osc_port=0, tracker="auricle") as player:
        assert player.osc.session.pose.latency_seconds == pytest.approx(player.latency_seconds)
        assert player.latency_seconds >= 128 / RATE
        assert player.statistics()["tracker"]["preset"] == "auricle"


# What can go wrong.


class Failing(NullBackend):
    """A device that goes away when it is told to."""

    name = "jack"
    gone = ""

    def trouble(self):
        return self.gone


def test_the_scene_survives_the_device(monkeypatch):
    heard = []
    player = Live(prepared(), [Noise()], backend="jack", say=heard.append)
    device = Failing()
    monkeypatch.setattr(player, "_opened", lambda: device)
    monkeypatch.setattr("auricle.plugin_core.live.live.RETRY_SECONDS", 0.2)
    with player:
        player.set_gains([0.5])
        until(lambda: player.statistics()["callbacks"] > 3)
        device.gone = "the JACK server has gone"
        until(lambda: player.statistics()["backend"] == "null")
        assert "goes on unheard" in heard[0]
        frames = player.statistics()["seconds"]
        until(lambda: player.statistics()["seconds"] > frames)
        device = Failing()
        until(lambda: player.statistics()["backend"] == "jack")
        assert heard[1] == "the device is back"
        assert player.scene.gains.tolist() == [0.5]


def test_no_jack_server_is_said(monkeypatch, capfd):
    if not _has_libjack():
        pytest.skip("needs libjack")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"auricle-none-{os.getpid()}")
    with pytest.raises(AuricleError, match="no JACK server answers"), Live(prepared()):
        pass
    assert capfd.readouterr().err == ""


def test_no_jack_library_is_said(monkeypatch):
    monkeypatch.setattr(jack.ctypes.util, "find_library", lambda name: "libno-such-jack.so")
    with pytest.raises(AuricleError, match="no JACK library"), Live(prepared()):
        pass


class FakeSounddevice:
    class PortAudioError(Exception):
        pass

    def query_devices(self, device=None, kind=None):
        if kind is None:
            return [{"name": "card"}]
        if device == "none":
            raise ValueError("no such device")
        return {
            "name": "card", "index": 0, "max_output_channels": 2, "max_input_channels": 1,
            "default_samplerate": 44100.0,
        }  # fmt: skip


def test_a_card_with_too_few_channels_or_none_is_said(monkeypatch):
    monkeypatch.setattr(portaudio, "_load", FakeSounddevice)
    with pytest.raises(AuricleError, match="card has 1 input channels, 3 are wanted"):
        playing(3, backend="portaudio").start()
    with pytest.raises(AuricleError, match="there are: card"):
        playing([Noise()], backend="portaudio", device="none").start()


def test_a_port_in_use_is_said():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(AuricleError, match="in use"), playing(osc_port=port):
            pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sources": 0}, "at least 1 source"),
        ({"sources": []}, "nothing to play"),
        ({"sources": ["no.wav"]}, "no such file"),
        ({"sources": [Tone(-1.0)]}, "frequency above 0"),
        ({"backend": "alsa"}, "jack, portaudio, null"),
        ({"backend": "jack", "unpaced": True}, "only the null backend"),
        ({"unpaced": True}, "give --seconds"),
        ({"seconds": 0.0}, "above 0 s"),
        ({"block_size": 0}, "1 to 8192"),
        ({"sample_rate": 5}, "1000 to 768000"),
        ({"azimuth_deg": [1.0, 2.0]}, "as many azimuths"),
        ({"tracker": "superware", "osc_port": 0}, "no tracker preset"),
        ({"tracker": "supperware"}, "come with OSC"),
        ({"record": "out.mp3"}, ".wav or .flac"),
    ],
    ids=str,
)
def test_bad_input_is_one_clear_line(options, words):
    with pytest.raises(AuricleError, match=words), playing(**options):
        pass


# The command line.


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["live", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_a_track_is_not_recorded_over(track):
    before = track.read_bytes()
    with pytest.raises(AuricleError, match="is a track that plays"), playing([track], record=track):
        pass
    assert track.read_bytes() == before


def test_the_command_records_and_prints_figures(sofa, track, tmp_path, capsys):
    out = tmp_path / "out.flac"
    status, printed, said = run(
        capsys, track, "--sources", 3, "--signal", "tone", "--backend", "null", "--unpaced",
        "--seconds", 0.5, "--record", out, "--hrtf", sofa, "--rank", 8, "--azimuth", 20, "--no-osc",
        "--json",
    )  # fmt: skip
    assert status == 0
    assert "azimuth 20 is that of all 4 tracks and inputs" in said
    assert f"auricle: ready: 5 sources, null at {RATE} Hz in blocks of 128\n" in said
    figures = json.loads(printed)
    assert (figures["n_sources"], figures["seconds"]) == (5, 0.5)
    assert soundfile.info(out).frames == RATE // 2


def test_the_command_says_on_which_port_it_is_ready(sofa, capsys):
    _, _, said = run(
        capsys, "--signal", "noise", "--backend", "null", "--unpaced", "--seconds", 0.1,
        "--hrtf", sofa, "--rank", 8, "--osc-port", 0,
    )  # fmt: skip
    listening, ready = said.splitlines()[-2:]
    port = re.fullmatch(r"auricle: listening on port (\d+); ready in some seconds", listening)[1]
    assert ready.startswith(f"auricle: ready on port {port}: 1 source, null")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "null", "--unpaced", "--no-osc"], "give --seconds"),
        (["--backend", "null", "--signal", "voice"], "noise or tone"),
        (["--backend", "null", "--azimuth", "1", "--azimuth", "2"], "2 values of --azimuth"),
        (["--backend", "null", "--tracker", "none"], "no tracker preset"),
    ],
    ids=str,
)
def test_the_command_refuses_in_one_line(arguments, words, sofa, capsys):
    status, printed, errors = run(capsys, *arguments, "--hrtf", sofa, "--rank", "8")
    assert (status, printed) == (2, "")
    assert words in errors.splitlines()[-1]
    assert errors.splitlines()[-1].startswith("auricle: error: ")


# A real server, where there is one.


def _has_libjack():
    try:
        jack._load()
    except AuricleError:
        return False
    return True


@pytest.fixture
def jack_server(monkeypatch):
    if shutil.which("jackd") is None or not _has_libjack():
        pytest.skip("needs jackd")
    # One name: the system has room for eight servers, and one that was killed is replaced.
    name = "auricle-test"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    command = ["jackd", "-n", name, "-r", "-d", "dummy", "-r", "48000", "-p", "256"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.0)
    if server.poll() is not None:
        pytest.skip("jackd does not start here; servers that were killed may fill its registry")
    yield server
    server.terminate()
    server.wait()


def test_a_jack_server_runs_it_and_its_end_is_survived(jack_server):
    heard = []
    player = Live(prepared(), [Input("voice"), Noise()], backend="jack", say=heard.append)
    until(lambda: _starts(player))
    try:
        until(lambda: player.statistics()["callbacks"] > 20)
        figures = player.statistics()
        assert (figures["sample_rate"], figures["block_size"]) == (48000, 256)
        assert figures["latency_ms"] > 4.0
        jack_server.kill()
        until(lambda: player.statistics()["backend"] == "null")
        assert "the JACK server has gone" in heard[0]
    finally:
        player.stop()


def _starts(player):
    try:
        player.start()
    except AuricleError:  # the server is on its way
        return False
    return True
