"""``auricle inspect``: text, JSON, picture, and one line for every file that is no SOFA set."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pulse_head import full_sphere, pulse_head
from typer.testing import CliRunner

from auricle.dsp.geometry import unit_vectors
from auricle.plugin_core.cli import app, main


@pytest.fixture
def sofa(tmp_path: Path) -> Path:
    path = tmp_path / "ball.sofa"
    pulse_head(full_sphere(15.0), license="CC0", references="nobody").save(path)
    return path


def run(*args: object) -> str:
    result = CliRunner().invoke(app, ["inspect", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """The one line on stderr of a call that ends with status 2 and prints nothing else."""
    with pytest.raises(SystemExit) as stop:
        main(["inspect", *map(str, args)])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.startswith("auricle: error: ")
    assert err.count("\n") == 1
    return err


def test_text_tells_the_facts(sofa: Path) -> None:
    text = run(sofa)
    assert f"{len(full_sphere(15.0))} directions, 2 ears, 256 samples at 48000 Hz" in text
    assert "elevation -90 to 90 degrees" in text
    assert "from 1.5 m" in text
    assert "CC0" in text
    assert "The bass is not that of a head" in text  # 16 dB of ILD at every frequency
    assert text.count("- ") == 1


def test_json_is_for_programs(sofa: Path) -> None:
    facts = json.loads(run(sofa, "--json"))
    assert facts["file"] == str(sofa)
    assert facts["n_taps"] == 256
    assert facts["sample_rate_hz"] == 48000
    assert facts["elevation_deg"] == [-90.0, 90.0]
    assert len(facts["findings"]) == 1
    assert "at the side is +16.0 dB at 50 Hz" in facts["findings"][0]
    # Woodworth's sphere has 656 us at the side, 561 at 21 degrees from there.
    assert 561 < facts["itd_at_side_us"] < 656
    assert facts["itd_us"] == pytest.approx([-656, 656], abs=5)  # a quarter of a sample
    assert 13 < facts["spacing_deg"] <= 15
    assert facts["ild_db"][1] == pytest.approx(16.0, abs=0.5)


def test_findings_and_their_remedy_are_told(tmp_path: Path) -> None:
    path = tmp_path / "mirrored.sofa"
    head = pulse_head()
    type(head)(head.ir[:, ::-1], head.positions, 1.5, 48000).save(path)
    assert "mirror_azimuth=True" in run(path)
    assert any("swap_ears=True" in each for each in json.loads(run(path, "--json"))["findings"])


def test_one_subprocess_from_end_to_end(sofa: Path) -> None:
    command = [sys.executable, "-m", "auricle", "inspect", str(sofa), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["n_directions"] == len(full_sphere(15.0))
    done = subprocess.run([*command[:-2], "absent.sofa"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "auricle: error: absent.sofa: there is no such file\n"


@pytest.mark.parametrize("content", [b"", b"RIFF of some kind", b"\x89HDF\r\n\x1a\n cut short"])
def test_files_that_are_no_sofa_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "odd.sofa"
    path.write_bytes(content)
    assert str(path) in refusal(capsys, path)


def test_a_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a folder" in refusal(capsys, tmp_path)


def test_usage_errors_are_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--colour" in refusal(capsys, "x.sofa", "--colour")


def test_without_a_file_the_default_listener_is_shown() -> None:
    said = run()
    assert "mean of 123 measured listeners (HUTUBS + CIPIC)" in said
    assert "CC BY 4.0 (HUTUBS)" in said


def test_help_has_an_example() -> None:
    assert "Example: auricle inspect" in run("--help")


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_a_picture_is_drawn(sofa: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    picture = sofa.with_suffix(suffix)
    assert str(picture) in run(sofa, "--plot", picture)
    assert picture.stat().st_size > 10_000
    assert len(list(sofa.parent.iterdir())) == 2  # nothing unfinished is left


SETS = {
    "one plane": (unit_vectors(np.arange(0.0, 360.0, 5.0)), 48000),
    "two directions": (unit_vectors([90.0, -90.0]), 48000),
    "half a circle, low rate": (unit_vectors(np.arange(-90.0, 91.0, 10.0)), 16000),
    "above only": (full_sphere(20.0)[len(full_sphere(20.0)) // 2 + 20 :], 44100),
}


@pytest.mark.parametrize("name", SETS)
def test_pictures_of_odd_grids(tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    from auricle.plugin_core.pictures.hrtf_set import save_set_picture

    positions, sample_rate = SETS[name]
    hrtf = pulse_head(positions, sample_rate, name="$a$_b")  # would be a formula
    save_set_picture(hrtf, tmp_path / "odd.png")
    assert (tmp_path / "odd.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "told"), [("x.gif", "must end in .png"), ("no/x.png", "folder")])
def test_pictures_that_cannot_be_written(
    sofa: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    pytest.importorskip("matplotlib")
    assert told in refusal(capsys, sofa, "--plot", sofa.parent / name)


def test_without_matplotlib_the_extra_is_named(
    sofa: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, module, None)
    line = refusal(capsys, sofa, "--plot", sofa.with_suffix(".png"))
    assert "pip install matplotlib" in line


def test_levels_of_the_picture_are_those_of_the_spectrum() -> None:
    """Smoothing keeps a flat spectrum flat, and a tone's power in its band."""
    pytest.importorskip("matplotlib")
    from auricle.plugin_core.pictures import hrtf_set

    flat = np.zeros((1, 300))
    flat[0, 7] = 2.0
    levels = hrtf_set.smoothed_db(flat, 48000)
    np.testing.assert_allclose(levels, 20.0 * np.log10(2.0), atol=1e-9)
    assert np.isnan(hrtf_set.smoothed_db(flat, 16000)[0, hrtf_set.FREQUENCIES_HZ > 8000.0]).all()


def test_planes_show_the_nearest_measured_direction_or_nothing() -> None:
    pytest.importorskip("matplotlib")
    from auricle.plugin_core.pictures import hrtf_set

    head = pulse_head(unit_vectors(np.arange(-90.0, 91.0, 10.0)))
    levels = hrtf_set._magnitudes_db(head, unit_vectors([90.0, 86.0, 0.0, 180.0]), ear=0)
    np.testing.assert_array_equal(levels[0], levels[1])
    assert np.isnan(levels[3]).all()
    # 8 dB louder at the left ear from the left than from the front.
    k = np.argmin(np.abs(hrtf_set.FREQUENCIES_HZ - 2000.0))
    assert levels[0, k] - levels[2, k] == pytest.approx(8.0, abs=0.1)
