"""``auricle render --scene``: every mistake is one line and status 2, and leaves no file."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import synthetic_set
from typer.testing import CliRunner

from auricle.plugin_core.cli import app, main

RATE = 48000

needs_pedalboard = pytest.mark.skipif(
    importlib.util.find_spec("pedalboard") is None, reason="pedalboard is not installed"
)


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stems")
    noise = 0.1 * np.random.default_rng(0).standard_normal((4800, 1))
    soundfile.write(folder / "a.wav", noise, RATE)
    soundfile.write(folder / "b.wav", noise, 22050)
    soundfile.write(folder / "three.wav", np.tile(noise, 3), RATE)
    soundfile.write(folder / "cut.flac", np.tile(noise, (50, 1)), RATE)
    content = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(content[: len(content) // 2])
    (folder / "text.wav").write_text("no sound\n" * 50)
    (folder / "way.csv").write_text("time_seconds,x,y,z\n1,0,0,1\n0,1,0,0\n")
    (folder / "poses.csv").write_text("time_seconds,yaw_deg,pitch_deg,roll_deg\n0,0,0,0\n")
    synthetic_set.make_set(sample_rate=RATE).save(folder / "h.sofa")
    return folder


@pytest.fixture
def work(
    stems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))
    monkeypatch.chdir(tmp_path)
    for file in stems.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def write_scene(work: Path, track: dict[str, Any], **keys: Any) -> None:
    scene = {
        "auricle_scene": 1, "tracks": [{"file": "b.wav"}, {"file": "a.wav", **track}],
        "listener": {"hrtf": "h.sofa", "rank": 8}, **keys,
    }  # fmt: skip
    (work / "s.json").write_text(json.dumps(scene, indent=1))


def refused(
    work: Path, capsys: pytest.CaptureFixture[str], *arguments: str, output: str = "o.wav"
) -> str:
    """The one line with which rendering s.json ends."""
    before = sorted(path.name for path in work.iterdir())
    with pytest.raises(SystemExit) as stopped:
        main(["render", "--scene", "s.json", "-o", output, *arguments])
    assert stopped.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert sorted(path.name for path in work.iterdir()) == before
    return lines[0]


@pytest.mark.parametrize(
    ("track", "said"),
    [
        ({"file": "none.wav"}, "s.json: line 8: tracks[1].file: none.wav: no such file"),
        ({"file": "text.wav"}, "s.json: line 8: tracks[1].file: text.wav: not audio"),
        ({"file": "three.wav"}, "line 7: tracks[1].channels: three.wav has 3 channels"),
        ({"file": "none.wav", "mute": True}, "tracks[1].file: none.wav: no such file"),
        ({"channels": [2]}, "line 8: tracks[1].file: a.wav: has 1 channels, there is no channel 2"),
        ({"file": "cut.flac"}, "cut.flac: damaged audio"),
        ({"position": {"csv": "way.csv"}}, "line 9: tracks[1].position: way.csv: line 3: time_sec"),
        ({"position": {"csv": "none.csv"}}, "line 9: tracks[1].position: none.csv: no such file"),
        ({"gains_db": 3}, 'line 9: tracks[1].gains_db: unknown key; did you mean "gain_db"?'),
        ({"type": "ambisonic", "order": 8}, "line 10: tracks[1].order: must be from 1 to 7"),
        ({"distance": {"delai": True}}, "line 10: tracks[1].distance.delai: unknown key; did you"),
        ({"directivity": {"pattern": "card"}}, "tracks[1].directivity.pattern: is one of omni"),
    ],
)
def test_bad_tracks(
    work: Path, capsys: pytest.CaptureFixture[str], track: dict[str, Any], said: str
) -> None:
    write_scene(work, track)
    assert said in refused(work, capsys)


@needs_pedalboard
@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ({"plugin": "Compresser"}, "line 11: tracks[1].chain[0].plugin: pedalboard has no effect "
         "'Compresser'; did you mean Compressor?"),
        ({"plugin": "Pedalboard"}, "pedalboard has no effect 'Pedalboard'"),
        ({"plugin": "Gain", "parameters": {"gain": 1}}, "line 13: tracks[1].chain[0].parameters."
         "gain: Gain has no such parameter; did you mean gain_db?"),
        ({"plugin": "Gain", "parameters": {"gain_db": "1"}}, "gain_db: must be a number, not '1'"),
        ({"plugin": "Compressor", "parameters": {"ratio": 0.5}}, "line 13: tracks[1].chain[0]."
         "parameters.ratio: Compressor ratio must be"),
        ({"plugin": "LadderFilter", "parameters": {"mode": "X"}}, "mode: is one of LPF12, HPF12"),
        ({"plugin": "Convolution", "parameters": {"impulse_response_filename": "x.wav"}},
         "impulse_response_filename: x.wav: no such file"),
        ({"plugin": "Convolution"}, "line 10: tracks[1].chain[0].parameters: Convolution takes"),
        ({"plugin": "PitchShift"}, "line 10: tracks[1].chain[0]: PitchShift is silent when it is"),
        ({"vst3": "none.vst3"}, "line 11: tracks[1].chain[0].vst3: none.vst3: no such file"),
        ({"vst3": "text.wav"}, "line 11: tracks[1].chain[0].vst3: text.wav: cannot be loaded"),
    ],
)  # fmt: skip
def test_bad_plugins(
    work: Path, capsys: pytest.CaptureFixture[str], plugin: dict[str, Any], said: str
) -> None:
    write_scene(work, {"chain": [plugin]})
    assert said in refused(work, capsys)


@needs_pedalboard
@pytest.mark.skipif(shutil.which("cc") is None or os.name == "nt", reason="needs a C compiler")
def test_a_plugin_that_crashes_takes_nothing_along(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if sys.platform != "linux":
        pytest.skip("the folder inside a bundle is that of Linux")
    inside = work / "Crash.vst3" / "Contents" / f"{os.uname().machine}-linux"
    inside.mkdir(parents=True)
    (work / "crash.c").write_text(
        "#include <stdlib.h>\nint ModuleEntry(void *h) { abort(); }\nint ModuleExit(void) "
        "{ return 1; }\nvoid *GetPluginFactory(void) { abort(); }\n"
    )
    library = inside / "Crash.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "crash.c"], check=True, cwd=work)
    write_scene(work, {"chain": [{"vst3": "Crash.vst3"}]})
    assert "tracks[1].chain[0].vst3: Crash.vst3: crashes when it is tried" in refused(work, capsys)


@pytest.mark.parametrize(
    ("keys", "arguments", "output", "said"),
    [
        ({}, ["--azimuth", "3"], "o.wav", "--azimuth: the scene says that"),
        ({}, ["a.wav"], "o.wav", "TRACK: the scene says that"),
        ({}, ["--folder", "none"], "o.wav", "none: no such folder"),
        ({}, ["--head-track", "none.csv"], "o.wav", "listener.head_track: "),
        ({}, ["--rank", "many"], "o.wav", "rank: is auto, full or a number"),
        ({}, ["--sample-rate", "10"], "o.wav", "sample_rate: must be from 4000"),
        ({}, ["--block-size", "0"], "o.wav", "the block size must be at least 1"),
        ({}, ["--workers", "0"], "o.wav", "at least 1 worker, got 0"),
        ({}, ["--gain", "nan"], "o.wav", "gain_db: must be"),
        ({}, ["--plot", "p.gif"], "o.wav", "p.gif: a picture must end in"),
        ({}, ["--plot", "none/p.png"], "o.wav", "there is no folder none"),
        ({"listener": {"hrtf": "text.wav"}}, [], "o.wav", "listener.hrtf: text.wav"),
        ({"master": {"loudness": {"target_lufs": -16}}}, ["--gain", "3"], "o.wav", "gain_db: does"),
        ({"output": {"encoding": "float32"}}, [], "o.flac", "FLAC has no float32"),
        ({}, [], "o.mp3", "o.mp3: unknown type of output"),
        ({}, [], "none/o.wav", "none: no such folder"),
        ({}, [], "a.wav", "s.json: line 8: tracks[1].file: a.wav is this file"),
        ({"seconds": 1e9}, [], "o.wav", "seconds: must be from 0.001"),
    ],
)
def test_bad_calls(
    work: Path, capsys: pytest.CaptureFixture[str], keys: dict[str, Any], arguments: list[str],
    output: str, said: str,
) -> None:  # fmt: skip
    write_scene(work, {}, **keys)
    assert said in refused(work, capsys, *arguments, output=output)


@pytest.mark.skipif(os.name == "nt", reason="needs the limit on file sizes of POSIX")
@pytest.mark.parametrize("target", [None, -16.0])
def test_a_full_disk_is_one_line(work: Path, target: float | None) -> None:
    """A limit on the size of files stands in for the full disk."""
    write_scene(
        work, {"loop": True}, seconds=3.0,
        master={} if target is None else {"loudness": {"target_lufs": target}},
    )  # fmt: skip
    code = (
        "import resource, signal\n"
        "from auricle.plugin_core.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from auricle.dsp.preparation.cache import prepared_set\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "main(['render', '--scene', 's.json', '-o', 'o.wav'])\n"
    )
    main_args = ["render", "--scene", "s.json", "-o", "warm.wav", "--workers", "1"]
    with pytest.raises(SystemExit):  # the set is prepared and cached before the limit
        main(main_args)
    (work / "warm.wav").unlink()
    (work / "o.wav").write_text("older")
    before = sorted(path.name for path in work.iterdir())
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=work)
    assert run.returncode == 2, run.stderr
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert "is the disk full?" in errors[0]
    assert sorted(path.name for path in work.iterdir()) == before
    assert (work / "o.wav").read_text() == "older"


def test_a_disk_without_room_is_refused_before_the_work(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from auricle.plugin_core.audio import files

    usage = shutil.disk_usage(work)._replace(free=1000)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage)
    for master in ({}, {"loudness": {"target_lufs": -16.0}}):
        write_scene(work, {}, master=master)
        assert "has 0 MB free; make room" in refused(work, capsys)


def test_it_renders_reports_and_overrides(work: Path) -> None:
    (work / "sub").mkdir()
    write_scene(work, {}, folder="elsewhere", listener={"rank": 4, "head_track": "none.csv"})
    done = CliRunner().invoke(
        app,
        ["render", "--scene", "s.json", "-o", "sub/o.wav", "--folder", ".", "--hrtf", "h.sofa",
         "--rank", "8", "--head-track", "poses.csv", "--sample-rate", "32000", "--gain", "-6",
         "--workers", "2", "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    assert told["sample_rate"] == 32000
    assert told["loudness_lufs"] is None or told["loudness_lufs"] < 0.0
    assert soundfile.info(work / "sub" / "o.wav").samplerate == 32000
