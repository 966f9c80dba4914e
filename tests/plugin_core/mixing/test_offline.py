import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import synthetic_set
from typer.testing import CliRunner

import auricle
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core import offline
from auricle.plugin_core.audio.files import FileSource, FileWriter
from auricle.plugin_core.cli import app, main
from auricle.plugin_core.demo.folder import write_demo
from auricle.plugin_core.demo.scene import parts
from auricle.plugin_core.motion.paths import HeadTrack
from auricle.plugin_core.scene.playback.player import position_path
from auricle.plugin_core.scene.scene import Scene

RATE = 48000


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


def make_track(path, seconds=0.5, channels=1, rate=RATE, level=0.1, **kwargs):
    audio = level * np.random.default_rng(3).standard_normal((int(seconds * rate), channels))
    soundfile.write(path, audio, rate, **kwargs)
    return path, audio.astype(np.float32)


def energies(path):
    audio, _ = soundfile.read(path)
    return np.sum(audio**2, axis=0)


@pytest.mark.parametrize("rate", [RATE, 44100, 16000])
def test_reading_in_pieces_equals_resampling_the_whole(tmp_path, rate):
    path, audio = make_track(tmp_path / "a.wav", 1.3, 2, rate, subtype="FLOAT")
    source = FileSource(path, RATE)
    assert source.n_frames == round(len(audio) * RATE / rate)
    rng = np.random.default_rng(0)
    parts, left = [], source.n_frames
    while left > 0:
        n = min(left, int(rng.integers(1, 9000)))
        parts.append(source.read(n))
        left -= n
    wanted = audio if rate == RATE else soxr.resample(audio, rate, RATE, quality="VHQ")
    found = np.concatenate(parts, axis=1)
    assert synthetic_set.level_db(found[:, : len(wanted)] - wanted.T, wanted) < -100.0
    assert np.all(source.read(100) == 0.0)


@pytest.mark.parametrize(("azimuth", "louder"), [(90.0, 0), (-90.0, 1)])
def test_a_source_at_the_side_is_louder_there(tmp_path, heads, azimuth, louder):
    path, _ = make_track(tmp_path / "a.wav")
    out = tmp_path / "out.wav"
    result = auricle.render(path, out, hrtf=heads, azimuth_deg=azimuth, rank=8)
    left_right = energies(out)
    assert left_right[louder] > 2.0 * left_right[1 - louder]
    assert result.seconds > 0.5
    assert result.sample_rate == RATE


def test_the_block_size_does_not_matter(tmp_path, heads):
    path, _ = make_track(tmp_path / "a.wav", channels=2)
    poses = tmp_path / "poses.csv"
    poses.write_text("time_seconds,yaw_deg,pitch_deg,roll_deg\n0,0,0,0\n0.4,120,10,0\n")
    renders = []
    for block_size in (64, 480, 8192):
        out = tmp_path / f"{block_size}.wav"
        offline.render(
            path,
            out,
            hrtf=heads,
            orbit_seconds=1.0,
            head_track=poses,
            rank=8,
            block_size=block_size,
        )
        renders.append(soundfile.read(out)[0])
    for other in renders[1:]:
        assert synthetic_set.level_db(other - renders[0], renders[0]) < -110.0


def test_stereo_is_two_sources_thirty_degrees_aside(tmp_path, heads):
    path, audio = make_track(tmp_path / "a.wav", channels=2, subtype="FLOAT")
    for name, channel in (("l", 0), ("r", 1)):
        soundfile.write(tmp_path / f"{name}.wav", audio[:, channel], RATE, subtype="FLOAT")
    offline.render(path, tmp_path / "stereo.wav", hrtf=heads, azimuth_deg=20.0, rank=8)
    offline.render(
        [tmp_path / "l.wav", tmp_path / "r.wav"], tmp_path / "two.wav", hrtf=heads,
        azimuth_deg=[50.0, -10.0], rank=8,
    )  # fmt: skip
    a, b = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("stereo", "two"))
    assert synthetic_set.level_db(a - b, b) < -120.0


def test_clipping_is_reported_with_the_gain_that_avoids_it(tmp_path, heads):
    path, _ = make_track(tmp_path / "a.wav", level=0.9, subtype="FLOAT")
    first = offline.render(path, tmp_path / "a_out.wav", hrtf=heads, rank=8)
    assert first.gain_to_avoid_clipping_db < 0.0
    second = offline.render(
        path, tmp_path / "b.wav", hrtf=heads, rank=8, gain_db=first.gain_to_avoid_clipping_db
    )
    assert second.peak == pytest.approx(1.0, abs=1e-3)
    assert second.gain_to_avoid_clipping_db == 0.0


@pytest.mark.slow
def test_the_gain_that_the_command_proposes_avoids_clipping(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_track(tmp_path / "a.wav", 0.05, level=0.9, subtype="FLOAT")
    arguments = ["render", "a.wav", "-o", "o.wav", "--rank", "8", "--azimuth", "90"]
    with pytest.raises(SystemExit):
        main([*arguments, "--gain", "6"])
    line = capsys.readouterr().err.splitlines()[-1]
    proposed = re.search(r"--gain (-?[0-9.]+) avoids it", line)[1]
    with pytest.raises(SystemExit):
        main([*arguments, "--gain", proposed])
    assert "full scale" not in capsys.readouterr().err
    assert 0.97 < np.abs(soundfile.read("o.wav")[0]).max() <= 1.0


def test_nan_is_silenced_and_counted(tmp_path, heads):
    audio = 0.1 * np.ones(9600, dtype=np.float32)
    audio[4000] = np.nan
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
    result = offline.render(tmp_path / "a.wav", tmp_path / "out.wav", hrtf=heads, rank=8)
    assert result.silenced == {str(tmp_path / "a.wav"): 1}
    assert np.all(np.isfinite(soundfile.read(tmp_path / "out.wav")[0]))


def test_an_error_leaves_the_older_output(tmp_path, heads):
    path, _ = make_track(tmp_path / "a.wav")
    out = tmp_path / "out.wav"
    out.write_bytes(b"older")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        offline.render(path, out, hrtf=heads, rank=8, progress=stop)
    assert out.read_bytes() == b"older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "out.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files, as POSIX can")
def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    code = (
        "import resource, signal, sys, numpy as np\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from auricle.plugin_core.audio.files import FileWriter\n"
        "from auricle.dsp.errors import AuricleError\n"
        "try:\n"
        "    with FileWriter(sys.argv[1], 48000, 48000) as out:\n"
        "        for _ in range(50):\n"
        "            out.write(np.full((2, 1000), 0.1, dtype=np.float32))\n"
        "except AuricleError as error:\n"
        "    print('said:', error)\n"
    )
    assert signal.SIGXFSZ
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out.wav")],
        capture_output=True, text=True, check=True, env=os.environ.copy(),
    )  # fmt: skip
    assert "is the disk full" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.wav", "-o", "x.wav"], "no such file"),
        (["text.wav", "-o", "x.wav"], "not audio"),
        (["empty.wav", "-o", "x.wav"], "holds no audio"),
        (["six.wav", "-o", "x.wav", "--azimuth", "30"], "has 6 channels and is all around"),
        (["six.wav", "-o", "x.wav", "--orbit", "3"], "has 6 channels and is all around"),
        (["seven.wav", "-o", "x.wav"], "has 7 channels, of which no layout is usual"),
        (["nine.wav", "-o", "x.wav"], "has 9 channels, which may be loudspeakers or ambisonics"),
        (["good.wav", "-o", "x.mp3"], ".wav or .flac"),
        (["good.wav", "-o", "nowhere/x.wav"], "no such folder"),
        (["good.wav", "-o", "x.wav", "--azimuth", "1", "--azimuth", "2"], "2 values of azimuth"),
        (["good.wav", "-o", "x.wav", "--distance", "-1"], "above 0 m"),
        (["good.wav", "-o", "x.wav", "--orbit", "0"], "other than 0"),
        (["good.wav", "-o", "x.wav", "--rank", "many"], "rank is"),
        (["good.wav", "-o", "x.wav", "--level", "loud"], "level is"),
        (["good.wav", "-o", "x.wav", "--hrtf", "text.wav"], "text.wav"),
        (["good.wav", "-o", "x.wav", "--block-size", "0"], "block size"),
        (["good.wav", "-o", "x.wav", "--rank", "0"], "rank is"),
        (["good.wav", "-o", "x.wav", "--elevation", "100"], "-90 to 90 degrees, got 100"),
        (["good.wav", "-o", "x.wav", "--gain", "1000"], "-200 to 60 dB, got 1000"),
        (["good.wav", "-o", "x.wav", "--gain", "nan"], "-200 to 60 dB, got nan"),
        (["good.wav", "-o", "good.wav"], "is an input"),
        (["good.wav", "-o", "./good.wav"], "is an input"),
    ],
)
def test_bad_input_is_one_line_and_status_two(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    make_track(tmp_path / "good.wav", 0.05)
    for name, n_channels in (("six", 6), ("seven", 7), ("nine", 9)):
        make_track(tmp_path / f"{name}.wav", 0.05, n_channels)
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), RATE)
    (tmp_path / "text.wav").write_text("this is no audio\n" * 40)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(SystemExit) as stopped:
        main(["render", *arguments])
    assert stopped.value.code == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert said in errors[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_the_command_renders_and_reports_json(tmp_path):
    path, _ = make_track(tmp_path / "a.flac")
    out = tmp_path / "out.flac"
    done = CliRunner().invoke(
        app, ["render", str(path), "-o", str(out), "--orbit", "8", "--rank", "8", "--json"]
    )
    assert done.exit_code == 0, done.output
    start = done.stdout.index("{")
    assert json.loads(done.stdout[start : done.stdout.rindex("}") + 1])["sample_rate"] == RATE
    assert soundfile.info(out).subtype == "PCM_24"


def test_the_demo_needs_nothing(tmp_path):
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "demo")])
    assert done.exit_code == 0, done.output
    audio, rate = soundfile.read(tmp_path / "demo" / "demo.wav")
    assert rate == RATE
    assert 0.05 < np.abs(audio).max() < 1.0
    assert (tmp_path / "demo" / "demo.png").stat().st_size > 10_000


def test_the_demo_leaves_what_is_there_as_it_is(tmp_path):
    write_demo(tmp_path, parts())
    scene = Scene.load(tmp_path / "scene.json")
    assert [track.file for track in scene.tracks] == [f"{p.file}.flac" for p in parts()]
    for part, track in zip(parts(), scene.tracks, strict=True):
        found = position_path(track.position, Path).positions_m(np.array([0.0, 3.0]))
        np.testing.assert_allclose(found, part.path.positions_m(np.array([0.0, 3.0])), atol=1e-9)
        audio, rate = soundfile.read(tmp_path / track.file)
        np.testing.assert_allclose(audio, part.make(), atol=2.0**-22)
    assert HrtfSet.load(tmp_path / scene.listener.hrtf).findings == ()
    assert HrtfSet.load(tmp_path / "five.sofa").n_directions == 5
    assert HeadTrack(tmp_path / "poses.csv").seconds == pytest.approx(20.0, abs=0.1)
    (tmp_path / "listener.sofa").write_bytes(b"mine")
    (tmp_path / "bells.flac").unlink()
    write_demo(tmp_path, parts())
    assert (tmp_path / "listener.sofa").read_bytes() == b"mine"
    assert soundfile.info(tmp_path / "bells.flac").frames == 20 * RATE


def test_writer_refuses_a_folder(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(AuricleError, match="is a folder"):
        FileWriter(tmp_path / "a.wav", RATE, 10)
