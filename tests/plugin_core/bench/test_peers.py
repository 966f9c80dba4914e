"""The comparison with other engines: each adapter that can run, each protocol on known answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from auricle.dsp.errors import AuricleError, HrtfError
from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.plugin_core.bench import tables
from auricle.plugin_core.bench.compare import ENGINES, compare
from auricle.plugin_core.bench.engines import makehrtf
from auricle.plugin_core.bench.engines.engine import BlockEngine, Engine, OverlapAdd
from auricle.plugin_core.bench.protocols import accuracy, smoothness, speed
from auricle.plugin_core.bench.protocols.accuracy import errors, interpolation_row
from auricle.plugin_core.bench.protocols.latency import latency_row
from auricle.plugin_core.bench.protocols.smoothness import (
    TONE_HZ,
    ideal_row,
    ideal_tone,
    smoothness_row,
)
from auricle.plugin_core.bench.protocols.truth import (
    RATE,
    ComputedTruth,
    MeasuredTruth,
    grid,
    harmonics,
    random_directions,
)
from auricle.plugin_core.cli import main

TRUTH = ComputedTruth()
SMALL = grid(TRUTH, 30.0)
EXACT = {"pyBinSim", "libmysofa", "pedalboard Convolution", "scipy oaconvolve"}


def made(engine_class: type[Engine]) -> Engine:
    why = engine_class.missing()
    if why:
        pytest.skip(f"{engine_class.name}: {why}; {engine_class.requirement}")
    return engine_class()


@pytest.mark.parametrize("engine_class", ENGINES, ids=lambda e: e.name)
def test_adapter_puts_sides_and_head_turns_right(engine_class: type[Engine]) -> None:
    engine = made(engine_class)
    noise = np.random.default_rng(0).standard_normal((2, 20 * 256)).astype(np.float32)
    audio = 0.1 * noise * np.array([[1.0], [0.0]], dtype=np.float32)  # the second one is silent
    directions = np.tile(unit_vectors([60.0, -60.0]), (20, 1, 1))
    for yaw_deg, louder in ((0.0, 0), (120.0, 1)):
        engine.prepare(SMALL, 256, audio)
        y = engine.follow(directions, np.tile(quaternion_from_ypr_deg(yaw_deg), (20, 1)), 256)
        engine.close()
        level = np.sqrt(np.mean(y[:, 10 * 256 :] ** 2, axis=1))
        assert level.min() > 1e-3
        assert level[louder] > 1.5 * level[1 - louder]


@pytest.mark.parametrize("engine_class", ENGINES, ids=lambda e: e.name)
def test_adapter_renders_measured_directions(engine_class: type[Engine]) -> None:
    engine = made(engine_class)
    if engine.own_set:
        pytest.skip(f"{engine.name} plays its own set")
    directions = unit_vectors([30.0, -90.0], [0.0, 30.0])
    found = engine.responses(SMALL, directions)
    true = SMALL.ir[np.argmax(directions @ SMALL.positions.T, axis=1)]
    if engine.name in EXACT:
        true = np.pad(true, ((0, 0), (0, 0), (0, found.shape[-1] - true.shape[-1])))
        deviation = np.linalg.norm(found - true) / np.linalg.norm(true)
        assert 20.0 * np.log10(deviation) < -60.0
    lsd_db, ild_error_db, itd_error_us = errors(found, true)
    assert lsd_db < 1.5
    assert ild_error_db < 1.5
    assert itd_error_us < 45.0


class Synthetic(BlockEngine):
    """Renders the truth itself, fading linearly in each block from the old response to the new."""

    name = "synthetic"
    late_samples = 0
    fades = True

    def take(self, hrtf: object) -> None:
        self._tails = [OverlapAdd(self._block, TRUTH.responses(np.eye(3)).shape[-1] + 64)] * 2
        self._old: np.ndarray | None = None

    def render_block(self, block: np.ndarray, out: np.ndarray) -> None:
        ir = TRUTH.responses(self._directions)
        ir = np.pad(ir, ((0, 0), (0, 0), (self.late_samples, 64 - self.late_samples)))
        old = ir if self._old is None or not self.fades else self._old
        share = (np.arange(self._block) + 1.0) / self._block
        y = sum(
            np.stack([np.convolve(block[s] * (1.0 - share), old[s, e]) for e in range(2)])
            + np.stack([np.convolve(block[s] * share, ir[s, e]) for e in range(2)])
            for s in range(len(block))
        )
        self._tails[0].add(y, out)
        self._old = ir


class HardSwitched(Synthetic):
    name = "hard"
    fades = False


class Late(Synthetic):
    name = "late"
    late_samples = 37


class Gone(Synthetic):
    name = "gone"
    requirement = "pip install gone"

    @classmethod
    def missing(cls) -> str:
        return "no Python package gone"


class Broken(Synthetic):
    name = "broken"

    def take(self, hrtf: object) -> None:
        raise RuntimeError("it broke")


def test_truth_itself_has_no_interpolation_error() -> None:
    row = interpolation_row("exact", lambda hrtf, where: TRUTH.responses(where), TRUTH, 30.0, SMALL)
    assert row.lsd_db < 1e-6
    assert row.ild_error_db < 1e-6
    assert row.itd_error_us < 1e-6


def test_errors_have_known_values() -> None:
    true = TRUTH.responses(random_directions(20))
    late = np.roll(true, 3, axis=-1)
    assert np.allclose(errors(5.0 * late, true), 0.0, atol=1e-3)  # one gain, one delay: no error
    one_ear = np.stack([late[:, 0], true[:, 1]], axis=1)
    assert errors(one_ear, true)[2] == pytest.approx(3.0 / RATE * 1e6, rel=0.01)
    lsd_db, ild_error_db, _ = errors(true * np.array([[[2.0], [1.0]]]), true)
    assert ild_error_db == pytest.approx(6.02, abs=0.01)
    assert lsd_db == pytest.approx(3.01, abs=0.01)


def test_smoothness_of_known_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothness, "SECONDS", 1.0)
    ideal = ideal_row(TRUTH, 90.0)
    assert ideal.outside_tone_db < -90.0
    faded = smoothness_row(Synthetic(), SMALL, 90.0)
    hard = smoothness_row(HardSwitched(), SMALL, 90.0)
    assert ideal.outside_tone_db < faded.outside_tone_db < -55.0
    assert faded.above_3_khz_db < hard.above_3_khz_db - 20.0
    assert hard.above_3_khz_db > -70.0
    assert hard.outside_tone_db > faded.outside_tone_db + 5.0


def test_ideal_tone_stands_still_at_no_speed() -> None:
    y = ideal_tone(TRUTH, 0.0, 2000)
    ir = TRUTH.responses(unit_vectors([0.0]))[0]
    tone = np.sin(2.0 * np.pi * TONE_HZ * np.arange(-1000, 2000) / RATE)
    wanted = np.stack([np.convolve(tone, ear)[1000:3000] for ear in ir])
    assert np.abs(y - wanted).max() < 1e-6 * np.abs(wanted).max()


@pytest.mark.parametrize(("engine_class", "samples"), [(Synthetic, 0), (Late, 37)])
def test_latency_is_found(engine_class: type[Engine], samples: int) -> None:
    assert latency_row(engine_class(), SMALL).latency_samples == pytest.approx(samples, abs=0.2)


def test_speed_asks_engines_only_for_what_they_can() -> None:
    class Quick(BlockEngine):
        name = "quick"

        def take(self, hrtf: object) -> None:
            self._ir = SMALL.ir

        def render_block(self, block: np.ndarray, out: np.ndarray) -> None:
            out[:] = block.sum(axis=0)

    class Fixed(Quick):
        name = "fixed"
        fixed_block = 512

    class Few(Quick):
        name = "few"
        most_sources = 1

    rows = list(speed.speed_rows([Quick(), Fixed(), Few()], SMALL, 0.001, (256, 512), (1, 2)))
    asked = {(row.engine, row.block_size, row.n_sources) for row in rows}
    assert ("fixed", 256, 1) not in asked
    assert ("few", 256, 2) not in asked
    assert {("fixed", 512, 1), ("few", 256, 1), ("quick", 512, 2)} <= asked
    own = [row for row in rows if row.engine == "quick"]
    assert all(row.ratio == 1.0 and row.p10_ms <= row.median_ms for row in own)


def test_missing_and_broken_engines_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoothness, "SECONDS", 0.4)
    monkeypatch.setattr(accuracy, "N_DIRECTIONS", 10)
    result = compare(TRUTH, 0.01, [Synthetic, Gone, Broken], quick=True)
    assert [row["engine"] for row in result["missing"]] == ["gone"]
    assert {row["engine"] for row in result["failed"]} == {"broken"}
    text = "\n".join(tables.lines(json.loads(json.dumps(result))))
    assert "gone: not compared, no Python package gone; pip install gone" in text
    assert "RuntimeError: it broke" in text
    pytest.importorskip("matplotlib")
    from auricle.plugin_core.bench.picture import save_picture

    save_picture(result, tmp_path / "peers.png")
    assert (tmp_path / "peers.png").stat().st_size > 10_000
    with pytest.raises(AuricleError, match="must end in"):
        save_picture(result, tmp_path / "peers.txt")


def test_tables_say_who_is_ahead() -> None:
    rows = [
        {"engine": name, "block_size": 128, "n_sources": 16, "median_ms": ms}
        for name, ms in (("Auricle", 2.0), ("other", 1.0))
    ]
    engines = [
        {"engine": name, "interpolates": name == "Auricle", "own_set": False}
        for name in ("Auricle", "other")
    ]
    result = {"speed": rows, "interpolation": [], "smoothness": [], "engines": engines}
    assert list(tables.leaders(result)) == [
        "speed, block 128, 16 sources, ms: Auricle 2; ahead: other 1 (does not interpolate)"
    ]


def test_rings_of_a_grid() -> None:
    counts, rows = makehrtf.rings(SMALL.positions)
    assert counts == [1, 12, 12, 12, 12, 12, 1]
    assert np.allclose(SMALL.positions[rows[3, 3]], [0.0, -1.0, 0.0])  # clockwise: the right
    assert len(rows) == SMALL.n_directions
    with pytest.raises(ValueError, match="OpenAL Soft takes only"):
        makehrtf.rings(random_directions(50))


def test_harmonics_are_orthonormal() -> None:
    levels, weights = np.polynomial.legendre.leggauss(12)
    azimuth = np.arange(24) * 15.0
    points = np.concatenate([unit_vectors(azimuth, np.rad2deg(np.arcsin(z))) for z in levels])
    basis = harmonics(points, 6)
    gram = basis.T @ (np.repeat(weights * 2.0 * np.pi / 24, 24)[:, None] * basis)
    assert np.allclose(gram, np.eye(49), atol=1e-12)


def test_a_sparse_set_is_no_truth() -> None:
    with pytest.raises(HrtfError, match="directions; the truth needs a dense one"):
        MeasuredTruth(SMALL)


def test_dense_truth_gives_back_what_was_measured(data_dir: Path) -> None:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

    hrtf = HrtfSet.load(data_dir / "ku100_nearfield" / "HRIR_L2702.sofa")
    truth = MeasuredTruth(hrtf)
    rows = np.random.default_rng(0).integers(0, hrtf.n_directions, 30)
    lsd_db, _, itd_error_us = errors(truth.responses(hrtf.positions[rows]), hrtf.ir[rows])
    assert lsd_db < 0.5
    assert itd_error_us < 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "p.png"], "belong to --peers"),
        (["--peers", "--hrtf", "x.sofa"], "takes its set from --truth"),
        (["--peers", "--plot", "p.gif"], "must end in"),
        (["--peers", "--truth", "missing.sofa"], "missing.sofa"),
    ],
)
def test_bad_requests_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["bench", *arguments])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
