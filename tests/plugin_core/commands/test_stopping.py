"""SIGTERM and Ctrl-C: commands end with the customary status, and nothing half written stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs the signals of POSIX")

WRITES_FOREVER = """
import sys, time
import numpy as np
from auricle.plugin_core import cli
from auricle.plugin_core.audio.files import FileWriter
def wait():
    with FileWriter(sys.argv[2], 48000, 48000) as out:
        while True:
            out.write(np.zeros((2, 100), np.float32))
            print("writes", flush=True)
            time.sleep(0.001)
cli.app.command("wait", context_settings={"ignore_unknown_options": True})(wait)
cli.main(["wait"])
"""


def started(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=30)
    return process.returncode, out, errors


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_command_that_writes_ends_and_leaves_no_part_file(tmp_path, number, status):
    (tmp_path / "out.wav").write_text("older")
    process = started(WRITES_FOREVER, "-", tmp_path / "out.wav")
    assert process.stdout is not None
    process.stdout.readline()
    assert len(list(tmp_path.iterdir())) == 2
    process.send_signal(number)
    code, _, errors = ended(process)
    assert (code, errors) == (status, "")
    assert [each.name for each in tmp_path.iterdir()] == ["out.wav"]
    assert (tmp_path / "out.wav").read_text() == "older"


def test_a_signal_that_a_finaliser_loses_comes_again():
    code = """
import os, signal, time
from auricle.plugin_core.commands.stopping import stopping
class Loses:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
with stopping() as signals:
    try:
        Loses()
        time.sleep(20.0)  # the signal has been lost
        print("not reached")
    except KeyboardInterrupt:
        print("came again", signals.asked)
"""
    begin = time.monotonic()
    assert ended(started(code)) == (0, "came again 15\n", "")
    assert time.monotonic() - begin < 20.0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_catches_everything_is_ended_all_the_same(tmp_path, number, status):
    code = """
import sys, time
from pathlib import Path
from auricle.dsp.storage.part_files import unfinished
from auricle.plugin_core.commands import stopping
stopping.PATIENCE_SECONDS = 0.2
unfinished(Path(sys.argv[1]) / "out.wav").write_text("half")
folder = unfinished(Path(sys.argv[1]) / "scenes")
folder.mkdir()
(folder / "one.npy").write_text("half")
with stopping.stopping():
    words = ["runs"]
    while True:
        try:
            print(words.pop(), flush=True)
            time.sleep(60.0)
        except BaseException: time.sleep(0.01)
"""
    process = started(code, tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    assert len(list(tmp_path.iterdir())) == 2
    process.send_signal(number)
    assert ended(process) == (status, "", "")
    assert not list(tmp_path.iterdir())


def test_what_is_told_to_end_ends_in_order_however_often_it_is_told():
    code = """
import os, signal, time
from auricle.plugin_core.commands.stopping import stopping, until_told
with stopping() as signals:
    with until_told():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20.0)
    for _ in range(5):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    print("closed", signals.asked)
"""
    assert ended(started(code)) == (0, "closed 15\n", "")


def test_someone_who_insists_is_obeyed():
    code = """
import os, signal, time
from auricle.plugin_core.commands.stopping import stopping
with stopping():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20.0)
    finally:
        time.sleep(0.6)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20.0)
        print("not reached")
"""
    assert ended(started(code))[:2] == (130, "")


def test_signals_are_given_back_to_who_had_them():
    from auricle.plugin_core.commands.stopping import stopping

    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    hook = sys.unraisablehook
    with stopping():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert sys.unraisablehook is hook


def test_sigterm_ends_an_osc_recording_in_order(tmp_path: Path):
    code = """
import sys, time
from auricle.plugin_core import cli
from auricle.plugin_core.commands import osc_monitor

class Clock:  # its first sleep says that the recording has begun
    monotonic = time.monotonic
    begun = False

    def sleep(self, seconds):
        if not self.begun:
            self.begun = True
            print("ready", flush=True)
        time.sleep(seconds)

osc_monitor.time = Clock()
cli.main(["osc", "record", sys.argv[1], "--port", "0"])
"""
    process = started(code, tmp_path / "s.osc")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    code, out, errors = ended(process)
    assert (code, errors) == (0, "")
    assert "0 datagrams" in out
