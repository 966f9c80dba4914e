"""Weights that came from elsewhere: whatever is wrong with them is one error, and soon."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="weights need safetensors")

import ear_networks

import auricle
from auricle.dsp.errors import AuricleError
from auricle.dsp.neural.linn_renderer import LinnRenderer
from auricle.personalization.learning.weights import (
    Weights,
    WeightsError,
    check_shapes,
    fitting,
    load_weights,
    save_weights,
    shipped_weights,
)

SHIPPED = load_weights(shipped_weights("linn"), "linn")
NAMES = sorted(SHIPPED.tensors)


def opened(path: Path, **changed: np.ndarray | None) -> auricle.NeuralPlugin:
    """The plugin with some tensors of what ships changed, or left out."""
    tensors = {k: v for k, v in (SHIPPED.tensors | changed).items() if v is not None}
    save_weights(path, Weights("linn", tensors, SHIPPED.configuration))
    return auricle.NeuralPlugin(weights=path)


def shorter(array: np.ndarray) -> np.ndarray:
    return array[..., :-1]


def flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1) if array.ndim > 1 else array[None]


def huge(array: np.ndarray) -> np.ndarray:
    return np.where(np.arange(array.size).reshape(array.shape) == 3, np.float32(1e30), array)


@pytest.mark.parametrize("name", NAMES)
def test_a_tensor_that_is_missing_or_of_another_shape_is_one_error(tmp_path, name):
    for change in (lambda _: None, shorter, flat):
        with pytest.raises(AuricleError, match="weights of linn|holds no codebook") as caught:
            opened(tmp_path / "w.safetensors", **{name: change(SHIPPED.tensors[name])})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [each for each in NAMES if each != "codes.basis"])
def test_values_that_nothing_learns_are_one_error(tmp_path, name):
    with pytest.raises(WeightsError, match=rf"{name} holds 1e\+30"):
        opened(tmp_path / "w.safetensors", **{name: huge(SHIPPED.tensors[name])})


@pytest.mark.parametrize("scale", [1e3, 1e8])
@pytest.mark.parametrize("name", NAMES)
def test_large_values_are_refused_or_sound_finite(tmp_path, name, scale):
    array = np.float32(scale) * SHIPPED.tensors[name]
    try:
        plugin = opened(tmp_path / "w.safetensors", **{name: array})
    except AuricleError:
        return
    out = plugin(np.full((1, 512), 0.1, np.float32), 48000)
    assert np.isfinite(out).all()


def test_a_network_that_says_anything_stays_in_its_memory():
    """The largest weights that are taken; delays and levels are held in reach."""
    net = ear_networks.networks()
    rng = np.random.default_rng(0)
    for name in ("first", "second", "last", "last_bias"):
        array = getattr(net, name)
        array[...] = rng.choice([-1e4, 1e4], array.shape)
    renderer = LinnRenderer(net, 48000, longest_m=1.0)
    renderer.start([[0.5, 0.5, 0.1]])
    for step in range(6):
        renderer.set_places([[np.cos(step), np.sin(step), 0.3]])
        out = renderer.process(rng.standard_normal((1, 300)).astype(np.float32))
        assert np.isfinite(out).all()
    assert renderer._new_delays.max() <= renderer._history.shape[1] // 2


@pytest.mark.parametrize(
    "changed",
    [{"configuration": {"width": 1e9}}, {"configuration": []}, {"split": 3}, {"notes": "text"}],
    ids=str,
)
def test_descriptions_that_describe_nothing_are_refused(tmp_path, changed):
    values = {"configuration": {}, "split": {}, "notes": {}} | changed
    save_weights(tmp_path / "w.safetensors", Weights("linn", {"a": np.ones(3)}, **values))
    with pytest.raises(WeightsError, match="description is damaged|width is 1"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("two\nlines"), TypeError("x"), RuntimeError("x")], ids=repr
)
def test_whatever_does_not_fit_is_an_error_of_the_weights(error):
    with (
        pytest.raises(WeightsError, match="weights of fake") as caught,
        fitting(Weights("fake", {}, {})),
    ):
        raise error
    assert "\n" not in str(caught.value)


def test_shapes_are_compared_by_letters():
    weights = Weights("fake", {"a": np.ones((3, 4)), "b": np.ones(4), "c": np.ones((4, 2))}, {})
    sizes = check_shapes(weights, {"a": ("N", "M"), "b": ("M",), "c": ("M", 2)})
    assert sizes == {"N": 3, "M": 4}
    for wanted, words in (
        ({"a": ("N", "N")}, r"a is \(3, 4\), not \(3, 3\)"), ({"d": ("N",)}, "lack d"),
        ({"b": ("N", 1)}, r"b is \(4,\)"), ({"c": ("M", 3)}, r"not \(4, 3\)"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=words):
            check_shapes(weights, wanted)
