"""What a rendering is brought to, in which encoding, and what is said of it."""

import json
import math
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synthetic_set
from hypothesis import given
from hypothesis import strategies as st

import auricle
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.cli import main
from auricle.plugin_core.commands import console
from auricle.plugin_core.mastering.master import Mastering, MasterWriter
from auricle.plugin_core.offline import each_track, mastering
from auricle.plugin_core.scene.format.model import Listener, Loudness, Output, Static, Track
from auricle.plugin_core.scene.format.model import Master as SceneMaster

RATE = 48000


@pytest.fixture(scope="module", autouse=True)
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a loud noise, clicks, a listener and a scene."""
    folder = tmp_path_factory.mktemp("finishing")
    rng = np.random.default_rng(0)
    soundfile.write(folder / "loud.wav", 0.5 * rng.standard_normal(RATE), RATE, subtype="FLOAT")
    clicks = np.where(np.arange(RATE) % 12000 < 30, 0.9, 0.0)
    soundfile.write(folder / "clicks.wav", clicks, RATE, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(RATE), RATE, subtype="FLOAT")
    synthetic_set.make_set(60).save(folder / "h.sofa")
    auricle.Scene(
        tracks=(Track("loud.wav"),), listener=Listener(hrtf="h.sofa", rank=8),
        master=SceneMaster(gain_db=-3.0), folder=str(folder),
    ).save(folder / "s.json")  # fmt: skip
    return folder


@pytest.fixture(autouse=True)
def there(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    monkeypatch.setenv("AURICLE_CACHE", str(work / "sets"))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit status and what was printed; the first-run notices of an empty cache left out."""
    with pytest.raises(SystemExit) as ended:
        main(["render", *map(str, arguments)])
    printed = capsys.readouterr()
    told = [
        line for line in printed.err.splitlines(True) if not re.search("first run|preparing", line)
    ]
    return int(ended.value.code or 0), printed.out, "".join(told)


TRACKS = ("loud.wav", "--hrtf", "h.sofa", "--rank", "8")


def test_one_line_unless_more_is_asked_for(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(console, "TELL_SECONDS", np.inf)  # however slow the machine is
    out = tmp_path / "o.wav"
    status, printed, said = run(capsys, *TRACKS, "-o", out, "--gain", -20)
    assert (status, printed, said) == (0, f"{out}: 1.0 s at 48000 Hz\n", "")
    for flag in ("-v", "--verbose"):
        printed = run(capsys, *TRACKS, "-o", out, "--gain", -20, flag)[1]
        assert "times real time; rank 8" in printed
    figures = json.loads(run(capsys, *TRACKS, "-o", out, "--gain", -20, "--json")[1])
    assert figures["report"].startswith("rank 8")


@pytest.mark.parametrize(
    ("name", "encoding", "subtype"),
    [("a.wav", None, "FLOAT"), ("b.wav", "pcm24", "PCM_24"), ("c.flac", "pcm24", "PCM_24")],
)
@pytest.mark.parametrize("source", [TRACKS, ("--scene", "s.json")], ids=["tracks", "scene"])
def test_encoding(capsys, tmp_path, source, name, encoding, subtype) -> None:
    given = ["--encoding", encoding] if encoding else []
    status, _, said = run(capsys, *source, "-o", tmp_path / name, "--gain", -20, *given)
    assert (status, said) == (0, "")
    assert soundfile.info(tmp_path / name).subtype == subtype


@pytest.mark.parametrize("source", [TRACKS, ("--scene", "s.json")], ids=["tracks", "scene"])
def test_loudness_and_limit(capsys, tmp_path, source) -> None:
    out = tmp_path / "o.flac"
    status, printed, said = run(
        capsys, *source, "-o", out, "--loudness", -18, "--limit", -2, "--json"
    )
    assert (status, said) == (0, "")
    figures = json.loads(printed)
    assert figures["loudness_lufs"] == pytest.approx(-18.0, abs=0.1)
    assert figures["true_peak_db"] <= -1.9
    assert figures["target_lufs"] == -18.0


def test_a_target_that_is_missed_is_said(capsys, tmp_path) -> None:
    tracks = ("clicks.wav", "--hrtf", "h.sofa", "--rank", "8")
    out = tmp_path / "o.wav"
    _, printed, said = run(capsys, *tracks, "-o", out, "--loudness", -6, "--limit", -1)
    found = re.search(r"(-[\d.]+) LUFS is ([\d.]+) LU below the target of -6\.0, where the l", said)
    assert found is not None
    assert float(found[1]) == pytest.approx(-6.0 - float(found[2]), abs=0.11)
    assert f"{found[1]} LUFS" in printed
    tracks = ("silence.wav", "--hrtf", "h.sofa", "--rank", "8")
    said = run(capsys, *tracks, "-o", out, "--loudness", -16)[2]
    assert "no gain gives it a loudness" in said


def test_a_reachable_target_is_reached_behind_the_limiter(tmp_path) -> None:
    t = np.arange(6 * RATE)
    rng = np.random.default_rng(1)
    drums = 0.2 * rng.standard_normal((2, len(t))) * np.exp(-(t % 24000) / 1500.0)
    for target in (-23.0, -18.0, -15.0):
        at = [0]

        def read(n: int, at: list[int] = at) -> np.ndarray:
            at[0] += n
            return drums[:, at[0] - n : at[0]].astype(np.float32)

        master = MasterWriter(
            Mastering(0.0, target, -1.0, measure=True), tmp_path / "o.wav", RATE, len(t), 16384
        )
        result = master.result(master.write(read), {}, "")
        assert result.missed_lu is None
        assert result.loudness_lufs == pytest.approx(target, abs=0.05)
        assert result.true_peak_db <= -0.9
        assert result.loudness_gain_db <= 60.0


@pytest.mark.parametrize("arguments", [("o.flac",), ("o.wav", "--encoding", "pcm24")], ids=str)
def test_what_would_be_cut_is_not_written(capsys, tmp_path, arguments) -> None:
    name, *given = arguments
    out = tmp_path / name
    out.write_bytes(b"older")
    status, printed, said = run(capsys, *TRACKS, "-o", out, *given)
    assert (status, printed) == (2, "")
    found = re.fullmatch(
        r"auricle: error: .*: the peak exceeds full scale by ([\d.]+) dB, and \d+ samples would be "
        r"cut; a gain lower by ([\d.]+) dB or a ceiling \(--limit -1\) avoids it, .*\n", said
    )  # fmt: skip
    assert found is not None
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert out.read_bytes() == b"older"
    assert run(capsys, *TRACKS, "-o", out, *given, "--gain", f"-{found[2]}")[0] == 0
    assert run(capsys, *TRACKS, "-o", out, *given, "--limit", -1)[0] == 0


def test_bad_values_and_contradictions() -> None:
    for arguments, said in (
        ((-3.0, -16.0, None, None), "a gain does nothing beside a loudness"),
        ((0.0, 3.0, None, None), "-60 to 0 LUFS, got 3"),
        ((0.0, math.nan, None, None), "-60 to 0 LUFS, got nan"),
        ((0.0, None, 1.0, None), "-60 to 0 dB of full scale, got 1"),
        ((0.0, None, None, "pcm16"), "float32 or pcm24, not 'pcm16'"),
    ):
        with pytest.raises(AuricleError, match=said):
            mastering(*arguments)


# A place for each track.


@given(st.lists(st.floats(-180, 180), min_size=1, max_size=5), st.integers(1, 5))
def test_one_place_for_all_or_one_for_each(values, count) -> None:
    said: list[str] = []
    if len(values) not in (1, count):
        with pytest.raises(AuricleError, match=f"{len(values)} values of azimuth for {count} trac"):
            each_track("azimuth", values, count)
        return
    found = each_track("azimuth", values, count, said.append)
    assert found == (values if len(values) == count else values * count)
    assert len(said) == (len(values) < count)
    assert each_track("azimuth", values[0], count, pytest.fail) == [values[0]] * count


def test_one_azimuth_places_both_tracks_and_says_so(capsys, tmp_path) -> None:
    tracks = ("loud.wav", "clicks.wav", "--hrtf", "h.sofa", "--rank", "8", "--gain", "-30")
    said = run(capsys, *tracks, "-o", tmp_path / "a.wav", "--azimuth", 60)[2]
    assert said.startswith("auricle: azimuth 60 is that of all 2 tracks")
    both = ("--azimuth", 60, "--azimuth", 60)
    assert run(capsys, *tracks, "-o", tmp_path / "b.wav", *both)[2] == ""
    a, b = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    np.testing.assert_array_equal(a, b)


# How long a scene is.


@pytest.mark.parametrize("seconds", [0.3, 0.7, 1.5])
def test_a_scene_is_as_long_as_it_says_and_ends_in_silence(work, tmp_path, seconds) -> None:
    pytest.importorskip("pedalboard")
    from auricle.plugin_core.scene.format.model import BuiltInPlugin

    track = Track("loud.wav", chain=(BuiltInPlugin("Reverb"),), position=Static(distance_m=30.0))
    scene = auricle.Scene(
        tracks=(track,), folder=str(work), seconds=seconds, listener=Listener("h.sofa", 8),
        output=Output(),
    )  # fmt: skip
    scene.render(tmp_path / "o.wav")
    audio = soundfile.read(tmp_path / "o.wav")[0]
    assert len(audio) == round(seconds * RATE)
    before, last = audio[-2000:-960], audio[-20:]
    assert np.abs(before).max() > 1e-4
    assert np.abs(last).max() < 0.1 * np.abs(before).max()
    blocks = np.concatenate([scene.process(n) for n in (1000, len(audio) - 1000, 500)], axis=1)
    np.testing.assert_allclose(blocks[:, : len(audio)].T, audio, atol=1e-6)
    assert np.abs(blocks[:, len(audio) :]).max() == 0.0
    scene.output = Output(tail_seconds=0.5)
    scene.reset()
    scene.render(tmp_path / "o.wav")
    assert soundfile.info(tmp_path / "o.wav").frames >= round((seconds + 0.5) * RATE)


def test_a_scene_with_a_loudness_says_that_it_missed_it(capsys, work, tmp_path) -> None:
    scene = auricle.Scene(
        tracks=(Track("clicks.wav"),), listener=Listener("h.sofa", 8),
        master=SceneMaster(loudness=Loudness(-5.0)),
    )  # fmt: skip
    scene.save(work / "t.json")
    said = run(capsys, "--scene", "t.json", "-o", tmp_path / "o.wav", "--limit", -1)[2]
    assert "LU below the target of -5.0" in said


# Progress where there is no terminal.


def test_long_jobs_say_how_far_they_are(monkeypatch, capsys) -> None:
    clock = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    with console.progress_bar("mix.wav") as progress:
        clock[0] += 1000.0  # of preparation
        for _ in range(50):
            progress(2, 100)
            clock[0] += 1.0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"auricle: mix.wav: {percent} %, about {left} s left"
        for percent, left in ((4, 48), (24, 38), (44, 28), (64, 18), (84, 8))
    ]


def test_short_jobs_say_nothing(capsys) -> None:
    with console.progress_bar("mix.wav") as progress:
        progress(50, 100)
        progress(50, 100)
    assert capsys.readouterr().err == ""


def test_work_without_an_end_in_sight_shows_that_it_goes_on(monkeypatch, capsys) -> None:
    monkeypatch.setattr(console, "TELL_SECONDS", 0.01)
    said = threading.Event()
    monkeypatch.setattr(console, "say", lambda line: (told.append(line), said.set()))
    told: list[str] = []
    with console.working("dense.sofa"):
        assert said.wait(20.0)
    assert re.fullmatch(r"dense\.sofa: \d+ s so far", told[0])
    count = len(told)
    assert not [t for t in threading.enumerate() if t.name.endswith("(_tell)")]
    assert len(told) == count
