"""``auricle osc``: send, monitor, record, replay, and a recording in an offline render."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile
import synthetic_set
from typer.testing import CliRunner

from auricle.osc.protocol import messages as wire
from auricle.osc.session.recording import Recorder, SessionRecording
from auricle.plugin_core.cli import app, main
from auricle.plugin_core.offline import render

RATE = 48000


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set(sample_rate=RATE)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


def run(*args):
    result = CliRunner().invoke(app, ["osc", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def error_of(capsys, *args):
    with pytest.raises(SystemExit) as raised:
        main(list(map(str, args)))
    assert raised.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("auricle: error: ")
    return lines[0]


@pytest.fixture
def receiver():
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5.0)
        yield bound


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def sender(port, datagrams, until):
    """Send again and again until ``until`` is set."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        while not until.is_set():
            for datagram in datagrams:
                bound.sendto(datagram, ("127.0.0.1", port))
            time.sleep(0.01)


@pytest.fixture
def traffic():
    """A port on which the given datagrams arrive while the test runs."""
    until, port, threads = threading.Event(), free_port(), []

    def start(*datagrams):
        thread = threading.Thread(target=sender, args=(port, datagrams, until))
        thread.start()
        threads.append(thread)
        return port

    yield start
    until.set()
    for thread in threads:
        thread.join()


def test_send_infers_types_and_takes_tags(receiver):
    port = receiver.getsockname()[1]
    run(
        "send", "/a/b", "1", "-0.5", "-3", "text", "T", "N", "s:2", "h:5", "d:0.1", "b:00ff",
        "--port", port,
    )  # fmt: skip
    datagram = receiver.recv(4096)
    (message,) = wire.decode(datagram)
    assert b",ifisTNshdb\0" in datagram
    assert message.arguments == (1, -0.5, -3, "text", True, None, "2", 5, 0.1, b"\0\xff")
    run("send", "/adm/obj/*/mute", "--port", port)
    assert wire.decode(receiver.recv(4096)) == [wire.Message("/adm/obj/*/mute")]


def test_send_counts_and_keeps_the_rate(receiver):
    port = receiver.getsockname()[1]
    begin = time.monotonic()
    result = run("send", "/a", "1", "--port", port, "--count", 5, "--rate", 100)
    assert time.monotonic() - begin >= 0.04
    assert "sent 5 messages" in result.output
    assert {receiver.recv(100) for _ in range(5)} == {wire.encode("/a", [1])}


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["send", "nope"], "'nope'"),
        (["send", "/a", "f:x"], "f:x"),
        (["send", "/a", "i:99999999999"], "/a"),
        (["send", "/a", "--count", "0"], "--count"),
        (["send", "/a", "--rate", "-1"], "--rate"),
        (["send", "/a", "--port", "99999999"], "99999999"),
        (["send", "/a", "--host", "no.such.host.", "--port", "1"], "no.such.host."),
        (["send", "/a", "--transport", "pigeon"], "pigeon"),
        (["monitor", "--seconds", "nan"], "--seconds"),
        (["monitor", "--host", "1.2.3.4.5"], "1.2.3.4.5"),
        (["monitor", "--allow", "no.such.host."], "no.such.host."),
        (["record", "/no/such/folder/x.osc", "--port", "0"], "/no/such/folder/x.osc"),
        (["record", "x.osc", "--tracker", "nobody", "--port", "0"], "nobody"),
        (["replay", "/no/such/x.osc"], "/no/such/x.osc"),
        (["replay", __file__], "test_osc_cli.py"),
        (["replay", __file__, "--speed", "-1"], "--speed"),
    ],
)
def test_mistakes_are_one_line(capsys, monkeypatch, tmp_path, args, text):
    monkeypatch.chdir(tmp_path)
    assert text in error_of(capsys, "osc", *args)
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_one_line(capsys, receiver):
    port = receiver.getsockname()[1]
    assert f"port {port}" in error_of(capsys, "osc", "monitor", "--port", port)


def test_the_monitor_in_a_pipe_prints_each_message(traffic):
    port = traffic(wire.encode("/adm/obj/1/azim", [30.0]), b"rubbish!")
    result = run("monitor", "--port", port, "--seconds", 0.6)
    lines = result.stdout.splitlines()
    assert len(lines) > 5
    assert all(re.fullmatch(r"[0-9.]+ /adm/obj/1/azim f 30", line) for line in lines)
    assert re.search(r"[0-9]+ datagrams, [0-9]+ good, [0-9]+ bad", result.stderr)


def test_the_monitor_as_json(traffic):
    port = traffic(wire.encode("/ypr", [1.0, 2.0, 3.0]), wire.encode("/x", [float("nan"), b"\1"]))
    result = run("monitor", "--port", port, "--seconds", 1.5, "--learn", "--json")
    facts = json.loads(result.stdout)
    other, ypr = sorted(facts["addresses"], key=lambda each: each["address"])  # any comes first
    assert (ypr["address"], ypr["tags"], ypr["values"]) == ("/ypr", "fff", [1.0, 2.0, 3.0])
    assert 20.0 < ypr["rate"] < 110.0
    assert "sparta" in ypr["meaning"]
    assert (other["values"], other["meaning"]) == (["nan", "01"], "")
    assert facts["statistics"]["unknown"] > 10
    assert "sparta" in [fit["preset"] for fit in facts["fits"]]


def test_learn_says_which_preset_fits(traffic):
    port = traffic(wire.encode("/hedrot/yaw", [40.0]), wire.encode("/hedrot/pitch", [1.0]))
    result = run("monitor", "--port", port, "--seconds", 0.6, "--learn")
    assert "turn the head to the left" in result.stderr
    assert "fits best: --tracker hedrot" in result.stdout
    assert "signs of yaw, pitch, roll not shown" in result.stdout
    result = run("monitor", "--port", free_port(), "--seconds", 0.2, "--learn")
    assert "no head tracker's messages came" in result.stdout


def test_the_table_on_a_terminal():
    from rich.console import Console

    from auricle.osc.network.monitor import Row
    from auricle.plugin_core.commands.osc_monitor import _table

    rows = [Row(f"/[bold]{i}", "f", (0.5,), "", 3, 10.0, 0.1) for i in range(50)]
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(_table(rows))
    text = console.export_text()
    console.file.close()
    assert "/[bold]0" in text
    assert "and 10 more" in text


def test_ctrl_c_ends_a_recording_whole(tmp_path):
    port, path = free_port(), tmp_path / "session.osc"
    command = [sys.executable, "-m", "auricle", "osc", "record", str(path), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as recording:
        try:
            end = time.monotonic() + 60.0
            while not path.exists() and time.monotonic() < end:
                time.sleep(0.05)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
                for i in range(10):
                    bound.sendto(wire.encode("/a", [i]), ("127.0.0.1", port))
            time.sleep(0.5)
            recording.send_signal(signal.SIGINT)
            out, err = recording.communicate(timeout=60)
        finally:
            recording.kill()
    assert (recording.returncode, err) == (0, b"")
    assert b"10 datagrams" in out
    assert len(SessionRecording.load(path).records) == 10


def test_what_is_recorded_is_replayed(tmp_path, receiver):
    path, port = tmp_path / "session.osc", receiver.getsockname()[1]
    recorder = Recorder(path, 0.0, 1000.0)
    datagrams = [wire.encode("/a", [i]) for i in range(5)]
    for i, datagram in enumerate(datagrams):
        recorder.write(datagram, 0.1 * i, is_raw=i == 4)
    recorder.close()
    begin = time.monotonic()
    run("replay", path, "--port", port, "--tracker-port", port, "--speed", 10)
    assert time.monotonic() - begin >= 0.04
    assert [receiver.recv(100) for _ in range(5)] == datagrams


# A recording in an offline render.


@pytest.fixture
def session(tmp_path):
    """Source 1 from left to right, source 2 softer, a bundle, poses of a head, rubbish."""
    path, rng = tmp_path / "session.osc", np.random.default_rng(1)
    recorder = Recorder(path, 100.0, 1.7e9)
    for i in range(200):
        now = 100.0 + 0.005 * i + 0.001 * rng.random()
        azimuth = 90.0 - 0.9 * i
        recorder.write(wire.encode("/adm/obj/1/aed", [azimuth, 0.0, 1.0]), now)
        recorder.write(wire.encode("/ypr", [5.0 * np.sin(0.1 * i), 0.0, 0.0]), now)
        if i == 100:
            messages = [wire.encode("/adm/obj/2/gain", [0.0])]
            tag = wire.time_tag_of(1.7e9 + 0.5 + 0.25)
            recorder.write(wire.encode_bundle(messages, tag), now)
            recorder.write(b"rubbish!", now)
            recorder.write(wire.encode("/adm/obj/9/gain", [0.5]), now)
    recorder.close()
    return path


@pytest.fixture
def tracks(tmp_path):
    rng = np.random.default_rng(0)
    for name, channels in (("a", 1), ("b", 2)):
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * rng.standard_normal((RATE, channels)), RATE)
    return [tmp_path / "a.wav", tmp_path / "b.wav"]


def test_a_recording_renders_to_the_same_bits_each_time(tmp_path, session, tracks, heads):
    said = []
    for name in ("one.wav", "two.wav"):
        render(
            tracks, tmp_path / name, hrtf=heads, rank=8, osc_recording=session, tracker="sparta",
            say=said.append,
        )  # fmt: skip
    # The files hold the time of writing as well (the PEAK chunk); the samples are the same bits.
    one, two = (
        soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("one.wav", "two.wav")
    )
    assert one.tobytes() == two.tobytes()
    assert any("1 messages are not OSC" in line for line in said)
    assert any("1 messages went to sources beyond the tracks" in line for line in said)
    still = tmp_path / "still.wav"
    render(tracks, still, hrtf=heads, rank=8)
    assert soundfile.read(still, dtype="float32")[0].tobytes() != one.tobytes()


def test_what_is_heard_is_what_was_recorded(tmp_path, session, tracks, heads):
    out = tmp_path / "out.wav"
    render(tracks[:1], out, hrtf=heads, rank=8, osc_recording=session)
    audio, _ = soundfile.read(out)
    first, last = (audio[part] for part in (slice(2400, 9600), slice(-12000, -2400)))
    left_minus_right = [
        20.0 * np.log10(np.linalg.norm(part[:, 0]) / np.linalg.norm(part[:, 1]))
        for part in (first, last)
    ]
    assert left_minus_right[0] > 3.0
    assert left_minus_right[1] < -3.0
    render(tracks[1:], out, hrtf=heads, rank=8, osc_recording=session, distance_m=1.0)
    silence = wire.encode("/adm/obj/1/mute", [1])
    recorder = Recorder(tmp_path / "mute.osc", 0.0, 0.0)
    recorder.write(silence, 0.0)
    recorder.close()
    render(tracks[1:], out, hrtf=heads, rank=8, osc_recording=tmp_path / "mute.osc")
    assert np.max(np.abs(soundfile.read(out)[0])) == 0.0


def test_a_recorded_width_is_heard(tmp_path, tracks, heads):
    def rendered(*messages):
        recorder = Recorder(tmp_path / "w.osc", 0.0, 0.0)
        for seconds, address, value in messages:
            recorder.write(wire.encode(address, [value]), seconds)
        recorder.close()
        options = {"hrtf": heads, "rank": 8, "osc_recording": tmp_path / "w.osc"}
        render(tracks[:1], tmp_path / "out.wav", **options)
        return soundfile.read(tmp_path / "out.wav")[0][: RATE - 2000]

    point = rendered((0.0, "/adm/obj/1/w", 0.0))
    wide = rendered((0.2, "/adm/obj/1/w", 0.5), (0.9, "/adm/obj/1/w", 0.0))
    before, after = slice(0, 9500), slice(20000, 40000)
    assert synthetic_set.level_db(wide[before] - point[before], point[before]) < -100.0
    assert synthetic_set.level_db(wide[after] - point[after], point[after]) > -20.0


def test_a_recording_without_messages_changes_nothing(tmp_path, tracks, heads):
    recorder = Recorder(tmp_path / "empty.osc", 0.0, 0.0)
    recorder.close()
    options = {"hrtf": heads, "rank": 8, "azimuth_deg": [30.0, -60.0]}
    render(tracks, tmp_path / "one.wav", **options)
    render(tracks, tmp_path / "two.wav", osc_recording=tmp_path / "empty.osc", **options)
    one, two = (soundfile.read(tmp_path / name)[0] for name in ("one.wav", "two.wav"))
    assert np.max(np.abs(one - two)) < 1e-6


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--osc-recording", "a.wav"], "a.wav"),
        (["--osc-recording", "session.osc", "--orbit", "8"], "leave out"),
        (["--osc-recording", "session.osc", "--head-track", "x.csv"], "x.csv"),
        (["--osc-recording", "session.osc", "--tracker", "nobody"], "nobody"),
        (["--tracker", "sparta"], "tracker sparta"),
        (["--osc-recording", "none.osc"], "none.osc"),
    ],
)
def test_mistakes_in_a_render_leave_no_file(
    tmp_path, capsys, monkeypatch, session, tracks, args, text
):
    monkeypatch.chdir(tmp_path)
    assert text in error_of(capsys, "render", "a.wav", "-o", "out.wav", *args)
    assert not (tmp_path / "out.wav").exists()
