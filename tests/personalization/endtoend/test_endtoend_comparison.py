"""Systems on people held out: a small one trained by the command, beside the baselines; resumed."""

import json
from collections.abc import Iterator
from pathlib import Path

import endtoend_people
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("h5py")

import torch
from torch import nn

from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.endtoend.evaluation import comparison
from auricle.personalization.endtoend.evaluation.baselines import ExplicitSets
from auricle.personalization.endtoend.evaluation.comparison import Result, p_value
from auricle.personalization.endtoend.listeners.listener_codes import ListenerCodes
from auricle.personalization.endtoend.listeners.people import load_listeners, low_delay_samples
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp
from auricle.personalization.endtoend.systems import registry
from auricle.personalization.endtoend.systems.base import Batch, NeuralRenderer
from auricle.plugin_core.cli import main


class Gains(NeuralRenderer):
    """A system that learns one gain an ear beside the warp, by the listener's code."""

    name = "gains"

    def build(self) -> nn.Module:
        net = nn.Linear(self.configuration.code_size, 2)
        nn.init.zeros_(net.weight)
        return net

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        return geometric_warp(mono, apparent_m) * (1.0 + self.net(code))[..., None]

    def loss(self, batch: Batch) -> torch.Tensor:
        found = self.estimate(batch.mono, batch.apparent_m, batch.code)
        return batch.judged(found - batch.binaural).square().mean()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    endtoend_people.write_data(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_CACHE", str(tmp_path_factory.mktemp("cache") / "sets"))
        patch.setattr("auricle.personalization.endtoend.scenes.scenes.TEST_STEPS", 150)
        patch.setattr("auricle.personalization.endtoend.scenes.scenes.POOL_STEPS", 250)
        patch.setattr(
            "auricle.personalization.endtoend.scenes.reference_renderer.EDGE_DEG", 30.0
        )  # soon prepared
        patch.setattr(
            "auricle.personalization.endtoend.evaluation.comparison.OBSERVER_DIRECTIONS", 8
        )
        yield


@pytest.fixture
def registered() -> Iterator[None]:
    """``Gains`` in the table, as a program outside of Auricle puts it there."""
    registry.SYSTEMS.register(registry.SystemInfo("gains", f"{__name__}:Gains", "a gain an ear"))
    yield
    registry.SYSTEMS.unregister("gains")


def run(capsys: pytest.CaptureFixture, *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in args])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


@pytest.mark.slow
def test_a_system_from_outside_is_trained_compared_and_resumed(
    data: Path, tmp_path: Path, registered: None, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "gains.safetensors"
    code, out, err = run(capsys, "train", "gains", "--data", data, "--minutes", 0.01, "-o", path)
    assert code == 0, err
    assert "on people, speakers and heads held out" in out
    found = registry.load_system(path, "gains")
    assert found.codebook.size == 8
    assert found.notes["licence"] == "all"

    asked = ("compare", "--data", data, "--family", "endtoend", "--weights", tmp_path,
             "--scenes", 2, "--cache", tmp_path / "cache")  # fmt: skip
    code, out, err = run(capsys, *asked, "--json")
    assert code == 0, err
    results = [Result(**each) for each in json.loads(out)]
    assert err.count("amplitude L2") == len(results) == 2 * (4 + 4)
    by_method = {
        method: np.mean([r.errors["amplitude_l2"] for r in results if r.method == method])
        for method in dict.fromkeys(each.method for each in results)
    }
    assert list(by_method) == [
        *comparison.BASELINES, *(f"gains, {kind}" for kind in comparison.CODES)
    ]  # fmt: skip
    assert by_method["true-hrtf"] < 1e-6
    assert by_method["true-hrtf"] < by_method["personal-hrtf-5"] < by_method["geometric-warp"]
    assert by_method["population-hrtf"] < by_method["geometric-warp"]
    for each in results:
        assert each.errors["phase_l2_aligned"] <= each.errors["phase_l2"] + 0.05
        assert (each.n_parameters > 0) == each.method.startswith("gains")
    code, out, err = run(capsys, *asked)
    assert code == 0
    assert "amplitude L2 0" not in err  # nothing is done again
    assert "| HUTUBS, 2 listeners | wave L2 x 1000 | amplitude L2 | phase L2 | MRSTFT |" in out
    assert "gains: own code better than unknown listener" in out
    code, out, err = run(capsys, *asked, "--method", "true-hrtf", "--listeners", 1, "--observer", 1)
    assert "| HUTUBS, 1 listeners | lateral error deg |" in out


def test_predicted_sets_are_in_the_form_of_the_listeners(data: Path) -> None:
    listeners = load_listeners(data)
    sets = ExplicitSets(listeners)
    row = int(listeners.rows("test")[0])
    for hrtf in (sets.population, sets.personal(row)):
        assert abs(low_delay_samples(hrtf.ir, sphere_weights(hrtf.positions))) < 0.05
    true = listeners.hrtf_set(row)
    spectra = [
        20 * np.log10(np.abs(np.fft.rfft(each.ir, 512))[..., 4:170] + 1e-4)
        for each in (true, sets.population, sets.personal(row))
    ]
    assert np.array_equal(true.positions, sets.population.positions)
    far, near = (np.mean(np.abs(each - spectra[0])) for each in spectra[1:])
    assert near < far < 5.0


def test_codes_are_of_people_as_measured(data: Path) -> None:
    listeners = load_listeners(data)
    codes = ListenerCodes(listeners, data)
    whole = codes.all()
    assert whole.shape == (7, 2, 8)
    assert np.array_equal(whole[:, 1], codes.codebook.mirrored(whole[:, 0]))
    row = int(listeners.rows("test")[0])
    assert codes.few(row).shape == (8,)
    again = ListenerCodes(listeners, data, codes.codebook)
    assert np.array_equal(again.whole(row), whole[row, 0])


def test_a_listener_that_trains_nothing_changes_nothing(data: Path) -> None:
    """Population and codebook are those of the people who train alone: no leak."""
    from dataclasses import replace

    listeners = load_listeners(data)
    other = listeners.laboratories[0]
    ir = other.ir.copy()
    ir[listeners.rows("test")] = ir[listeners.rows("test")][:, ::-1]
    changed = replace(listeners, laboratories=(replace(other, ir=ir),))
    one, two = (ExplicitSets(each).population.ir for each in (listeners, changed))
    assert np.array_equal(one, two)


def test_who_is_another_does_not_depend_on_who_is_asked_for(data: Path, tmp_path: Path) -> None:
    listeners = load_listeners(data)
    rows = listeners.rows("test").tolist()
    for most in (None, 1):
        request = comparison.Request(listeners, data, tmp_path, most_listeners=most)
        assert [request.other(row) for row in rows] == rows[1:] + rows[:1]


def test_it_is_said_where_sounds_and_heads_are_synthetic(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """And results of other sounds are not those of these."""
    (tmp_path / "hutubs.h5").symlink_to(data / "hutubs.h5")
    asked = ("--family", "endtoend", "--method", "true-hrtf", "--scenes", 1)
    for folder, said in ((tmp_path, True), (data, False)):
        kept = ("--cache", tmp_path / "cache")
        code, _, err = run(capsys, "compare", "--data", folder, *asked, *kept)
        assert code == 0, err
        assert ("no speech or heads to test; synthetic ones take their place" in err) == said
        assert err.count("amplitude L2") == 2


def test_p_values_are_of_pairs() -> None:
    rng = np.random.default_rng(0)
    results = []
    for k in range(12):
        own = rng.uniform(1.0, 9.0)
        for method, value in (("a", own), ("b", own + 0.1 + 0.01 * k), ("c", own)):
            results.append(Result(method, "X", f"X {k}", {"e": value}))
    assert p_value(results, "a", "b", "e") < 0.001
    assert p_value(results, "b", "a", "e") > 0.99
    assert np.isnan(p_value(results, "a", "c", "e"))
    assert np.isnan(p_value(results[:6], "a", "b", "e"))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (("--method", "x"), "there is no method 'x'; there are geometric-warp, population-hrtf"),
        (("--method", "linn"), "linn needs weights: auricle train linn --data DIR"),
        (("--weights", "nowhere"), "nowhere: is no folder"),
        (("--scenes", 0), "--scenes is at least 1, got 0"),
        (("--rooms", 2), "--rooms is a share from 0 to 1, got 2.0"),
        (("--licence", "x"), '--licence is "shippable" or "all", got'),
        (("--listeners", 0), "--listeners is at least 1, got 0"),
        (("--set", "sonicom", "--method", "true-hrtf"), "nobody is there to test"),
        (("--family", "x"), "--family is sparse or endtoend, got 'x'"),
    ],
)
def test_bad_requests_are_one_line(
    data: Path, capsys: pytest.CaptureFixture, more: tuple, line: str
) -> None:
    code, _, err = run(capsys, "compare", "--data", data, "--family", "endtoend", *more)
    assert code == 2
    assert line in " ".join(err.split())


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (("linn", "--licence", "mine"), '--licence is "shippable" or "all", got'),
        (("linn", "--set", "hutubs"), "learns from all sets of DIR"),
        (("linn", "-o", "/nowhere/x"), "there is no folder"),
        (("limn",), "there is no model 'limn' to train; there are"),
    ],
)
def test_bad_trainings_are_one_line(
    data: Path, capsys: pytest.CaptureFixture, more: tuple, line: str
) -> None:
    code, _, err = run(capsys, "train", *more, "--data", data)
    assert code == 2
    assert line in " ".join(err.split())
