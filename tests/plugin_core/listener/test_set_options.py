"""How a set is read: the same options in every command, findings told where the sound is made."""

import json
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer.main
from pulse_head import pulse_head
from sofa_files import CARTESIAN, EARS, coarse_sphere, places, write_sofa_file
from typer.testing import CliRunner

import auricle
from auricle.dsp.errors import SetWarning
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.cli import app, main
from auricle.plugin_core.commands.reading import command_words
from auricle.plugin_core.listener.set_options import SetOptions
from auricle.plugin_core.live.live import Live
from auricle.plugin_core.scene.format.model import Listener
from auricle.plugin_core.scene.scene import Scene

FLAGS = {
    "--swap-ears", "--mirror-azimuth", "--distance-of-set", "--true-sample-rate", "--receivers",
    "--emitter", "--conjugate",
}  # fmt: skip
READERS = (
    "demo", "render", "live", "bench", "inspect", "evaluate", "neural render", "personalize sparse",
    "personalize densify",
)  # fmt: skip


def commands(group: Any, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{before}{name} ")
        else:
            found[before + name] = command
    return found


def flags(command: Any) -> set[str]:
    return {flag for each in command.params for flag in each.opts}


ALL = commands(typer.main.get_command(app))


@pytest.mark.parametrize("name", READERS)
def test_every_command_that_takes_a_set_has_all_options(name: str) -> None:
    assert flags(ALL[name]) >= FLAGS


def test_no_command_takes_a_listener_without_them() -> None:
    assert {name for name, each in ALL.items() if "--hrtf" in flags(each)} <= set(READERS)


def test_a_scene_has_a_key_for_each() -> None:
    options = {field.name: field.default for field in fields(SetOptions)}
    assert options == {name: getattr(Listener(), name) for name in options}
    chosen = {
        "swap_ears": True, "mirror_azimuth": True, "distance_m": 0.4, "true_sample_rate": 44100.0,
        "receivers": (2, 3), "emitter": 1, "conjugate": True,
    }  # fmt: skip
    assert Listener(**chosen).reading == SetOptions(**chosen)
    assert SetOptions(**chosen).given == chosen


@pytest.fixture
def clockwise(tmp_path: Path) -> Path:
    """A set whose azimuths run clockwise, and nothing says so but ITD and ILD."""
    head = pulse_head(coarse_sphere())
    path = tmp_path / "clockwise.sofa"
    HrtfSet(head.ir[:, ::-1], head.positions, 1.5, 48000).save(path)
    return path


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.wav"
    audio = 0.1 * np.random.default_rng(0).standard_normal(4800)
    soundfile.write(path, audio, 48000, subtype="FLOAT")
    return path


def run(capsys: pytest.CaptureFixture[str], *args: object) -> list[str]:
    """The lines on stderr of a command that ends well."""
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in args])
    err = capsys.readouterr().err
    assert stop.value.code == 0, err
    return err.splitlines()


def louder_left_db(path: Path) -> float:
    left, right = 10.0 * np.log10(np.mean(soundfile.read(path)[0] ** 2, axis=0))
    return float(left - right)


def test_render_tells_and_takes_the_remedy(
    clockwise: Path, noise: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    line = ("render", noise, "-o", out, "--hrtf", clockwise, "--azimuth", 80, "--rank", "full")
    told = [each for each in run(capsys, *line) if "louder to the right ear" in each]
    assert len(told) == 1
    assert told[0].startswith(f"auricle: {clockwise}: ")
    assert "--mirror-azimuth" in told[0]
    assert "--swap-ears" in told[0]
    assert "HrtfSet" not in told[0]
    assert louder_left_db(out) < -6.0
    for remedy in ("--mirror-azimuth", "--swap-ears"):
        assert not any("right ear" in each for each in run(capsys, *line, remedy))
        assert louder_left_db(out) > 6.0


def test_a_scene_tells_and_takes_the_remedy(
    clockwise: Path, noise: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, path = tmp_path / "out.wav", tmp_path / "scene.json"
    listener = {"hrtf": clockwise.name, "rank": "full"}
    tracks = [{"file": noise.name, "position": {"azimuth_deg": 80.0}}]
    scene = {"auricle_scene": 1, "tracks": tracks, "listener": listener}
    path.write_text(json.dumps(scene))
    told = run(capsys, "render", "--scene", path, "-o", out)
    assert sum("louder to the right ear" in each for each in told) == 1
    assert louder_left_db(out) < -6.0
    run(capsys, "render", "--scene", path, "-o", out, "--mirror-azimuth")
    assert louder_left_db(out) > 6.0
    path.write_text(json.dumps(scene | {"listener": listener | {"swap_ears": True}}))
    said: list[str] = []
    Scene.load(path).render(out, say=said.append)
    assert not any("right ear" in each for each in said)
    assert louder_left_db(out) > 6.0


def test_live_tells(clockwise: Path, noise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ("live", noise, "--backend", "null", "--unpaced", "--no-osc", "--rank", "full")
    told = run(capsys, *line, "--hrtf", clockwise)
    assert sum("louder to the right ear" in each for each in told) == 1
    assert not any("right" in each for each in run(capsys, *line, "--hrtf", clockwise,
                                                   "--swap-ears"))  # fmt: skip


def test_python_warns_where_a_set_is_read_from_a_file(
    clockwise: Path, noise: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.wav"
    options = {"rank": "full", "hrtf": clockwise}
    with pytest.warns(SetWarning, match="clockwise.sofa: .*mirror_azimuth=True"):
        auricle.render(noise, out, **options)
    with pytest.warns(SetWarning, match="mirror_azimuth=True"):
        auricle.BinauralPlugin(clockwise)
    with pytest.warns(SetWarning, match="mirror_azimuth=True"):
        Live(clockwise, backend="null", unpaced=True, seconds=0.01, rank="full").start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # who has read it has its findings
        auricle.render(noise, out, hrtf=HrtfSet.load(clockwise, mirror_azimuth=True), rank="full")
        auricle.BinauralPlugin(HrtfSet.load(clockwise))


def test_inspect_reads_as_the_others_do(clockwise: Path, tmp_path: Path) -> None:
    head = pulse_head(coarse_sphere())
    ir = np.concatenate([head.ir, 2.0 * head.ir], axis=1)
    variables = {
        "Data.IR": ("MRN", ir, {}),
        "ReceiverPosition": ("RCI", np.concatenate([EARS, EARS])[..., None], CARTESIAN),
        "SourcePosition": places(head.positions),
    }
    path = write_sofa_file(tmp_path / "four.sofa", variables, conventions="GeneralFIR")
    levels = []
    for pair in ("0,1", "2,3"):
        done = CliRunner().invoke(app, ["inspect", str(path), "--receivers", pair, "--json"])
        levels.append(json.loads(done.output)["level_db"])
    assert levels[1] - levels[0] == pytest.approx(20.0 * np.log10(2.0), abs=0.02)
    done = CliRunner().invoke(app, ["inspect", str(clockwise), "--swap-ears", "--json"])
    findings = json.loads(done.output)["findings"]
    assert len(findings) == 1
    assert findings[0].startswith("The bass is not that of a head")  # 16 dB of ILD everywhere


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--receivers", "left"], "--receivers names two, such as 0,1, got 'left'"),
        (["--receivers", "0,5"], "--receivers 0,5 must be two different numbers from 0 to 1"),
        (["--emitter", "3"], "has emitters 0 to 0, not --emitter 3"),
        (["--distance-of-set", "-1"], "--distance-of-set is a distance above 0 m, got -1"),
        (["--true-sample-rate", "3"], "must be 1000 to 1000000 Hz"),
        (["--conjugate"], "this file holds responses"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    clockwise: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["inspect", str(clockwise), *options])
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert err.count("\n") == 1
    assert told in err


def test_options_without_a_set_are_refused(
    noise: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["render", str(noise), "-o", str(tmp_path / "o.wav"), "--conjugate"])
    assert stop.value.code == 2
    assert "--conjugate: says how a set is read; name the set too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("HrtfSet.load(path, swap_ears=True).", "--swap-ears."),
        ("HrtfSet.load(path, distance_m=...) picks others", "--distance-of-set M picks others"),
        ("try HrtfSet.load(path, true_sample_rate=44100).", "try --true-sample-rate 44100."),
        ("receivers=(LEFT, RIGHT) picks two", "--receivers LEFT,RIGHT picks two"),
        ("emitter=N, from 0 to 3, picks one", "--emitter N, from 0 to 3, picks one"),
        ("distance_m=0.3 picks nothing", "--distance-of-set 0.3 picks nothing"),
        ("a sentence of no options, a=3", "a sentence of no options, a=3"),
    ],
)
def test_remedies_in_words_of_the_command_line(python: str, words: str) -> None:
    assert command_words(python) == words
