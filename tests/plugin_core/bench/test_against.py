"""Steps that are timed, and two versions beside each other."""

from pathlib import Path

import numpy as np
import pytest
from project import ROOT
from synthetic_set import make_set
from typer.testing import CliRunner

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.plugin_core.bench import steps
from auricle.plugin_core.bench.against import against_rows, other_version
from auricle.plugin_core.cli import app

RATE = 48000


class Recorder:
    """A renderer that notes what it is asked for."""

    def __init__(self, n_sources: int) -> None:
        self.n_sources, self.active = n_sources, np.ones(n_sources, dtype=bool)
        self.blocks: list[np.ndarray] = []
        self.positions: list[np.ndarray] = []
        self.heads: list[np.ndarray] = []

    def process_into(self, block: np.ndarray, out: np.ndarray) -> None:
        self.blocks.append(block.copy())

    def set_positions(self, positions: np.ndarray) -> None:
        self.positions.append(positions)

    def set_listener(self, orientation: np.ndarray) -> None:
        self.heads.append(orientation)

    def set_active(self, active: np.ndarray) -> None:
        self.active = np.asarray(active)


def played(kind: str, block_size: int, n_sources: int = 3) -> tuple[Recorder, list[float]]:
    recorder = Recorder(n_sources)
    taken = steps.Steps(recorder, RATE, block_size, kind).time(0.0)
    return recorder, taken


@pytest.mark.parametrize(("block_size", "calls"), [(32, 4), (64, 2), (128, 1), (512, 1)])
def test_a_step_is_as_many_calls_as_it_takes(block_size: int, calls: int) -> None:
    recorder, taken = played("moving", block_size)
    assert len(recorder.blocks) == calls * (len(taken) + steps.WARM_STEPS)
    assert all(block.shape == (3, block_size) for block in recorder.blocks)
    degrees = np.degrees(np.unwrap([np.arctan2(p[0, 1], p[0, 0]) for p in recorder.positions]))
    seconds = max(block_size, 128) / RATE
    np.testing.assert_allclose(np.diff(degrees[1:]), 90.0 * seconds, rtol=1e-6)


def test_the_head_turns_as_geometry_says() -> None:
    recorder, _ = played("steered", 128)
    for i, head in enumerate(recorder.heads[1:]):
        yaw_deg = 60.0 * i * 128 / RATE
        np.testing.assert_allclose(head, quaternion_from_ypr_deg(yaw_deg, 5.0), atol=1e-12)


def test_scenes_are_what_they_are_called() -> None:
    assert len(played("at rest", 128)[0].positions) == 1
    assert not any(block.any() for block in played("silent", 128)[0].blocks)
    off, _ = played("switched off", 128)
    assert off.blocks[0].any()
    assert not off.active.any()
    assert played("few", 128, 120)[0].active.sum() == steps.SOUND_OF_FEW
    fade, taken = played("fade to silence", 128)
    assert len(taken) == steps.FADE_STEPS
    assert np.abs(fade.blocks[-1]).max() == 0.0 < np.abs(fade.blocks[-40]).max() < 1e-38
    with pytest.raises(ValueError, match="one of moving"):
        played("dancing", 128)


def test_a_fade_is_judged_by_its_slowest_steps() -> None:
    taken = [1e-6] * 100
    taken[40:50] = [9e-6] * 10
    assert steps.row_of(taken, 1, "fade to silence")["median"] == pytest.approx(9.0)
    assert steps.row_of(taken, 1, "moving")["median"] == pytest.approx(1.0)


def test_a_version_runs_beside_itself(tmp_path: Path) -> None:
    path = tmp_path / "set.sofa"
    make_set().save(path)
    (row,) = against_rows(str(ROOT), str(path), 4, 0.2, rows=((4, 128, "moving"),))
    assert (row.kind, row.block_size, row.n_sources) == ("moving", 128, 4)
    assert 0.2 < row.ratio < 5.0
    assert row.ratio_p10 <= row.ratio <= row.ratio_p90


def test_what_is_no_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuricleError, match="--against 0.0.0: neither a folder"), \
            other_version("0.0.0"):  # fmt: skip
        pass
    (tmp_path / "auricle").mkdir()
    (tmp_path / "auricle" / "__init__.py").write_text("raise ImportError('too old')\n")
    path = tmp_path / "set.sofa"
    make_set().save(path)
    with pytest.raises(AuricleError, match="cannot be measured: ImportError: too old"):
        list(against_rows(str(tmp_path), str(path), 4, 0.1, rows=((1, 128, "moving"),)))


@pytest.mark.parametrize("words", [["--peers", "--against", "."], ["--against", "nowhere"]])
def test_the_command_refuses_what_cannot_be_compared(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["bench", *words])
    assert result.exit_code != 0
