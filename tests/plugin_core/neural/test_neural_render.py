"""LINN through the command line, in chains and in blocks: as in torch, and without it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from listener_groups import some_listeners

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.endtoend.listeners.codebook import MOST_CODE
from auricle.personalization.listeners.features import to_hrtf_set
from auricle.plugin_core.cli import main
from auricle.plugin_core.neural.plugin import NeuralPlugin
from auricle.plugin_core.neural.systems import open_system
from auricle.plugin_core.plugins.chain import Chain

torch = pytest.importorskip("torch")

from auricle.personalization.endtoend.listeners.codebook import Codebook  # noqa: E402
from auricle.personalization.endtoend.models.linn.linn import Linn  # noqa: E402
from auricle.personalization.endtoend.physics.poses import Poses  # noqa: E402
from auricle.personalization.learning.weights import load_weights, save_weights  # noqa: E402

RATE, STEP = 48000, 128


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LINN whose numbers are drawn, small enough that its filters stay short."""
    book = Codebook.learned(some_listeners(12), size=16)
    torch.manual_seed(0)
    linn = Linn(code_size=book.size, width=32, rank=8, order=3)
    linn.net = linn.build()
    with torch.no_grad():
        for name, each in linn.net.named_parameters():
            each.normal_(0.0, 0.3 if "steer" in name else 1.0 / np.sqrt(each.shape[-1]))
        linn.net.parity.copy_(torch.from_numpy(book.parity))
    made = linn.to_weights({})
    path = tmp_path_factory.mktemp("weights") / "linn.safetensors"
    save_weights(path, replace(made, tensors={**made.tensors, **book.to_tensors()}))
    return path


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = some_listeners(1, seed=3)
    path = tmp_path_factory.mktemp("listener") / "me.sofa"
    to_hrtf_set(people.listener(0).features, people.positions, 1.2).save(path)
    return path


@pytest.fixture
def track(tmp_path: Path) -> Path:
    audio = 0.1 * np.random.default_rng(0).standard_normal(20000)
    sf.write(tmp_path / "t.wav", audio, RATE, subtype="FLOAT")
    return tmp_path / "t.wav"


def command(*args: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in args])
    return int(stop.value.code or 0)


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return 10.0 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2))


def in_torch(path: Path, mono: np.ndarray, places: np.ndarray, code: np.ndarray) -> np.ndarray:
    system = Linn.from_weights(load_weights(path, "linn"))
    with torch.no_grad():
        return system.estimate(
            torch.from_numpy(mono)[None], torch.from_numpy(places.astype(np.float32))[None],
            torch.from_numpy(code)[None],
        )[0].numpy()  # fmt: skip


def test_blocks_are_what_the_network_renders_as_a_whole(weights: Path) -> None:
    rng = np.random.default_rng(1)
    n_steps = 60
    mono = rng.standard_normal(n_steps * STEP).astype(np.float32)
    turn = np.linspace(0.0, 200.0, n_steps + 1)
    places = (1.0 + 0.01 * np.arange(n_steps + 1))[:, None] * unit_vectors(turn, 20.0)
    code = rng.standard_normal(16).astype(np.float32)
    system = open_system(weights=weights)
    engine = replace(system, code=code)(RATE, 1)
    engine.start(places[:1])
    found = engine.process(mono[None], places[1:, None])
    assert error_db(found, in_torch(weights, mono, places, code)) < -80
    whole = Linn.from_weights(load_weights(weights)).render(mono, Poses(places), code)
    assert error_db(found, whole) < -80


def test_a_track_is_rendered_by_the_command_line(
    weights: Path, listener: Path, track: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = {}
    for name, more in {
        "own": ["--hrtf", listener], "mean": [], "turning": ["--orbit", 2.0, "--distance", 2.0],
    }.items():  # fmt: skip
        out = track.with_name(f"{name}.wav")
        status = command(
            "neural", "render", track, "-o", out, "--weights", weights, "--azimuth", 60, "--json",
            *more,
        )  # fmt: skip
        assert status == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["sample_rate"] == RATE
        outs[name] = sf.read(out)[0].T
    assert "mean listener" in said.err
    assert all(np.all(np.isfinite(each)) and each.any() for each in outs.values())
    assert error_db(outs["own"], outs["mean"]) > -40
    mono, _ = sf.read(track, dtype="float32")
    steps = -(-len(mono) // STEP)
    padded = np.pad(mono, (0, steps * STEP - len(mono)))
    at_rest = np.repeat(unit_vectors([60.0]), steps + 1, axis=0)
    level = open_system(weights=weights).gain
    want = level * in_torch(weights, padded, at_rest, np.zeros(16, np.float32))
    assert error_db(outs["mean"][:, : len(mono)], want[:, : len(mono)]) < -80


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--model", "warpnet"], "auricle train warpnet"),
        (["--weights", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--hrtf", "nobody.sofa"], "nobody.sofa"),
        (["--scene", "s.json"], "audio files"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_one_line(
    args: list[str], said: str, track: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = track.with_name("out.wav")
    assert command("neural", "render", track, "-o", out, *args) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("auricle: error:")
    assert said in line
    assert not out.exists()


def test_sets_that_are_no_listener_are_refused_and_odd_ones_held(
    weights: Path, listener: Path, tmp_path: Path
) -> None:
    own = HrtfSet.load(listener)
    said: list[str] = []
    noise = np.random.default_rng(4).standard_normal(own.ir.shape)
    with pytest.raises(AuricleError, match="noise"):
        open_system(weights=weights, hrtf=replace(own, ir=noise))
    with pytest.raises(AuricleError, match="--swap-ears"):
        open_system(weights=weights, hrtf=replace(own, ir=own.ir[:, ::-1]))
    spread = own.ir + 0.5 * np.roll(own.ir, 5, axis=0)  # no head sounds like this
    system = open_system(weights=weights, hrtf=replace(own, ir=spread), say=said.append)
    assert np.max(np.abs(system.code)) <= MOST_CODE
    few = own.subset(np.arange(0, len(own.ir), len(own.ir) // 5))
    open_system(weights=weights, hrtf=few, say=said.append)
    assert any("completed from" in each for each in said)


def test_the_plugin_stands_in_a_chain_and_calls_of_any_size_go_on(weights: Path) -> None:
    audio = np.random.default_rng(2).standard_normal((1, 3000)).astype(np.float32)
    plugin = NeuralPlugin(weights=weights, azimuth_deg=40.0, distance_m=1.5)
    whole = Chain([plugin])(audio, 44100)
    assert whole.shape == (2, 3000)
    plugin.reset()
    parts = [
        plugin(audio[:, first : first + size], 44100, reset=False)
        for first, size in ((0, 700), (700, 1), (701, 99), (800, 2200))
    ]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)


def test_a_turned_head_hears_the_other_side(weights: Path) -> None:
    audio = np.random.default_rng(3).standard_normal((1, 2000)).astype(np.float32)
    aside = NeuralPlugin(weights=weights, azimuth_deg=-90.0)(audio, RATE)
    turned = NeuralPlugin(weights=weights, orientation=quaternion_from_ypr_deg(90.0))(audio, RATE)
    np.testing.assert_allclose(turned, aside, atol=1e-5)


@pytest.mark.parametrize(
    "bad", [{"azimuth_deg": np.nan}, {"elevation_deg": 91.0}, {"distance_m": 0.0},
            {"orientation": (0, 0, 0, 0)}],
)  # fmt: skip
def test_places_out_of_range_are_refused(weights: Path, bad: dict) -> None:
    plugin = NeuralPlugin(weights=weights, **bad)
    with pytest.raises(AuricleError):
        plugin(np.zeros((1, 100), dtype=np.float32), RATE)


def test_rendering_needs_no_torch(weights: Path, track: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from auricle.plugin_core.cli import main; "
        f"main(['neural', 'render', {str(track)!r}, '-o', {str(track.with_name('o.wav'))!r}, "
        f"'--weights', {str(weights)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
