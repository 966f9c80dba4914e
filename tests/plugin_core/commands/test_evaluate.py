"""``auricle evaluate``: table, JSON, picture, and one line for what cannot be compared."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pulse_head import full_sphere, pulse_head
from typer.testing import CliRunner

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.cli import app, main


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "true.sofa"
    pulse_head(full_sphere(15.0)).save(path)
    return path


def saved(path: Path, hrtf: HrtfSet) -> Path:
    hrtf.save(path)
    return path


def run(*args: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def facts_of(*args: object) -> dict:
    return json.loads(run(*args, "--json"))


def refusal(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """The one line on stderr of a call that ends with status 2 and prints nothing else."""
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *map(str, args)])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.startswith("auricle: error: ")
    assert err.count("\n") == 1
    return err


def test_a_set_against_itself_has_no_error(reference: Path) -> None:
    facts = facts_of(reference, reference)
    n = len(full_sphere(15.0))
    assert (facts["n_directions"], facts["n_reference_only"], facts["n_estimate_only"]) == (n, 0, 0)
    for region in (facts, facts["horizontal"], facts["median"]):
        for name in ("lsd_db", "lsd_200_16000_db", "itd_error_us", "ild_error_db"):
            assert region[name] == 0.0
    assert facts["lap_eligible"] == {"itd_error_us": True, "ild_error_db": True, "lsd_db": True}
    assert facts["findings"] == []


def test_a_known_error_is_told(reference: Path, tmp_path: Path) -> None:
    head = pulse_head(full_sphere(15.0))
    ir = np.stack([10.0 * head.ir[:, 0], np.roll(head.ir[:, 1], 10, axis=-1)], axis=1)
    estimate = saved(tmp_path / "wrong.sofa", HrtfSet(ir, head.positions, 1.5, 48000))
    facts = facts_of(reference, estimate)
    assert facts["lsd_db"] == pytest.approx(10.0, abs=1e-3)
    assert facts["ild_error_db"] == pytest.approx(20.0, abs=1e-3)
    assert facts["itd_error_us"] == pytest.approx(1e6 * 10 / 48000, abs=0.1)
    assert not any(facts["lap_eligible"].values())
    assert "louder" in facts["findings"][0]
    text = run(reference, estimate)
    assert "10.00 dB" in text
    assert "208.3 us" in text
    assert "not eligible" in text


def test_another_grid_rate_and_length_are_matched_and_told(reference: Path, tmp_path: Path) -> None:
    sparse = pulse_head(full_sphere(30.0), 44100, 300)
    facts = facts_of(reference, saved(tmp_path / "sparse.sofa", sparse))
    assert 0 < facts["n_directions"] < sparse.n_directions + 1
    assert facts["n_directions"] + facts["n_reference_only"] == len(full_sphere(15.0))
    assert facts["itd_correlation_error_us"] < 2.0
    told = " ".join(facts["findings"])
    assert "resampled from 44100 to 48000" in told
    assert "have no partner" in told
    wide = facts_of(reference, tmp_path / "sparse.sofa", "--tolerance", 12)
    assert wide["n_directions"] > facts["n_directions"]
    assert wide["largest_mismatch_deg"] > 1.0


def test_level_can_be_left_out(reference: Path, tmp_path: Path) -> None:
    head = pulse_head(full_sphere(15.0))
    louder = HrtfSet(0.1 * head.ir, head.positions, 1.5, 48000)
    estimate = saved(tmp_path / "soft.sofa", louder)
    assert facts_of(reference, estimate)["lsd_db"] == pytest.approx(20.0, abs=1e-3)
    assert facts_of(reference, estimate, "--match-level")["lsd_db"] == pytest.approx(0.0, abs=1e-3)


def test_the_observer_is_asked(reference: Path) -> None:
    observed = facts_of(reference, reference, "--observer")["observer"]
    assert observed["own"] == observed["estimate"]
    assert set(observed["own"]) == {"lateral_rms_deg", "polar_rms_deg", "quadrant_error_percent"}
    assert set(observed["increase"].values()) == {0.0}
    assert re.search(
        r"lateral RMS, degrees: (\S+) and \1\n", run(reference, reference, "--observer")
    )


def test_a_picture_is_drawn(reference: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    other = saved(tmp_path / "other.sofa", pulse_head(full_sphere(15.0), onset_seconds=0.0015))
    picture = tmp_path / "errors.png"
    assert str(picture) in run(reference, other, "--plot", picture)
    assert picture.stat().st_size > 20_000


@pytest.mark.parametrize("as_json", [False, True])
def test_a_full_disk_costs_the_picture_and_not_the_figures(
    reference: Path, tmp_path: Path, as_json: bool, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    figure = pytest.importorskip("matplotlib.figure")

    def full(self: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", full)
    picture = tmp_path / "errors.png"
    with pytest.raises(SystemExit) as stop:
        main(
            ["evaluate", str(reference), str(reference), "--plot", str(picture)]
            + ["--json"] * as_json
        )
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert err == f"auricle: error: {picture}: No space left on device\n"
    assert ("lsd_db" if as_json else "LSD") in out
    assert not as_json or "plot" not in json.loads(out)
    assert [each.name for each in tmp_path.iterdir()] == ["true.sofa"]


@pytest.mark.parametrize(
    "positions",
    [unit_vectors([0.0, 90.0]), unit_vectors(np.arange(0.0, 360.0, 30.0))],
    ids=["two directions", "one plane"],
)
def test_small_sets_are_compared_and_drawn(tmp_path: Path, positions: np.ndarray) -> None:
    pytest.importorskip("matplotlib")
    one = saved(tmp_path / "one.sofa", pulse_head(positions, 16000))
    run(one, one, "--plot", tmp_path / "few.png", "--observer")
    assert any("LSD ends at 8 kHz" in each for each in facts_of(one, one)["findings"])


def test_what_cannot_be_compared_is_one_line(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "absent.sofa: there is no such file" in refusal(capsys, reference, "absent.sofa")
    ring = saved(tmp_path / "ring.sofa", pulse_head(unit_vectors([7.0, 93.0], [52.0, 52.0])))
    line = refusal(capsys, reference, ring)
    assert "no direction of the reference" in line
    assert "--tolerance" in line
    assert "0 to 180 degrees" in refusal(capsys, reference, reference, "--tolerance", -3)
    silent = pulse_head(full_sphere(15.0))
    silent.ir[4] = 0.0
    line = refusal(capsys, reference, saved(tmp_path / "silent.sofa", silent))
    assert "the estimate is silent" in line
    assert "must end in" in refusal(capsys, reference, reference, "--plot", tmp_path / "x.bmp")
    assert "there is no folder" in refusal(
        capsys, reference, reference, "--plot", tmp_path / "no" / "x.png"
    )


@pytest.mark.parametrize("broken", ["nan", "one direction"])
def test_files_that_hold_no_set_are_one_line(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    from auricle.dsp.sofa.file import SofaContent, write_sofa

    head = pulse_head(full_sphere(45.0))
    rows = slice(0, 1) if broken == "one direction" else slice(None)
    ir = head.ir.copy()
    if broken == "nan":
        ir[::2] = np.nan  # single ones are left out
    path = tmp_path / "broken.sofa"
    content = SofaContent(ir[rows], head.positions[rows], 1.5, 48000, "x", "", "", ())
    write_sofa(path, content)
    line = refusal(capsys, reference, path)
    assert str(path) in line
    assert ("NaN" if broken == "nan" else "only one direction") in line


def test_help_has_an_example() -> None:
    assert "Example: auricle evaluate" in run("--help")


def test_no_torch_is_needed(reference: Path) -> None:
    code = (
        "import sys\nfrom auricle.plugin_core.cli import main\n"
        "try: main(['evaluate', sys.argv[1], sys.argv[1], '--observer', '--json'])\n"
        "except SystemExit: print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(reference)], capture_output=True, text=True
    )
    assert done.stderr == "False\n"
    assert json.loads(done.stdout)["lsd_db"] == 0.0
