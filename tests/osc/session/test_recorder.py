"""Recordings on a disk that fills, and connections that say nothing."""

import errno
import socket
import time

import pytest

from auricle.dsp.errors import AuricleError
from auricle.osc.network.server import MAX_CONNECTIONS, OscServer
from auricle.osc.protocol import messages
from auricle.osc.protocol.framing import with_length
from auricle.osc.scene.target import MemoryTarget
from auricle.osc.session.recording import Recorder, SessionRecording
from auricle.plugin_core import cli
from auricle.plugin_core.commands import osc_monitor


class FullDisk:
    """A file that takes so many bytes more, and perhaps a part of what comes then."""

    def __init__(self, file, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        if self._room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[: self._room])
        self._room -= taken
        return int(taken)

    def close(self) -> None:
        self._file.close()


def fill(recorder: Recorder, room: int) -> None:
    recorder._file = FullDisk(recorder._file, room)


def wait_for(check) -> None:
    end = time.monotonic() + 10.0
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("room", [0, 1, 12, 13, 40, 100, 101])
def test_a_full_disk_ends_a_recording_and_keeps_what_is_whole(tmp_path, room):
    path = tmp_path / "s.osc"
    recorder = Recorder(path, 0.0, 1e9)
    fill(recorder, room)
    datagrams = [bytes([k]) * 20 for k in range(10)]
    for k, datagram in enumerate(datagrams):
        recorder.write(datagram, 0.1 * k)
    recorder.close()
    assert recorder.error is not None
    assert f"has ended (No space left on device); its {recorder.count} datagrams" in str(
        recorder.error
    )
    kept = [each.datagram for each in SessionRecording.load(path).records]
    assert kept == datagrams[: room // 33]


def test_a_recording_that_cannot_begin_is_refused():
    with pytest.raises(AuricleError, match="/dev/full: cannot be written: No space left"):
        Recorder("/dev/full", 0.0, 0.0)


def test_steering_goes_on_without_the_recording(tmp_path):
    target = MemoryTarget(1)
    with OscServer(target, port=0, reply_port=0, record=tmp_path / "s.osc") as server:
        fill(server._recorder, 100)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for k in range(20):
                message = messages.encode("/auricle/source/1/gain", [k / 16.0])
                sender.sendto(message, ("127.0.0.1", server.port))
        wait_for(lambda: target.gains[0] == 19.0 / 16.0)
        counted = server.statistics()["osc"]
        assert (counted["good"], counted["errors"]) == (20, 0)
        assert server.recording_error is not None
    assert len(SessionRecording.load(tmp_path / "s.osc").records) == 2  # of 45 bytes each


def test_the_command_ends_when_its_disk_is_full(tmp_path, capsys, monkeypatch):
    path, wait = tmp_path / "s.osc", osc_monitor._wait

    def filling(seconds, meanwhile):
        server = meanwhile.__closure__[0].cell_contents
        server._recorder.write(b"abcd", time.monotonic())
        fill(server._recorder, 0)
        server._recorder.write(b"efgh", time.monotonic())
        wait(seconds, meanwhile)

    monkeypatch.setattr(osc_monitor, "_wait", filling)
    with pytest.raises(SystemExit) as ended:
        cli.main(["osc", "record", str(path), "--port", "0", "--seconds", "60"])
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"auricle: error: {path}: the recording has ended (No space left")
    assert errors.count("\n") == 1
    assert [each.datagram for each in SessionRecording.load(path).records] == [b"abcd"]


def test_connections_that_say_nothing_lock_nobody_out():
    with OscServer(MemoryTarget(2), port=0, tcp_port=0) as server:
        address = ("127.0.0.1", server.tcp_port)
        question = with_length(messages.encode("/auricle/stats"))
        with socket.create_connection(address) as busy:
            busy.settimeout(10.0)
            idle = []
            for _ in range(MAX_CONNECTIONS + 5):
                idle.append(socket.create_connection(address))
                busy.sendall(question)  # who speaks now and then is not the one to go
                assert busy.recv(4000)
            with socket.create_connection(address) as late:
                late.settimeout(10.0)
                late.sendall(question)
                assert late.recv(4000)
            for each in idle:
                each.close()
