"""Chains: without pedalboard as a list, with it as pedalboard's plugins and ours in one stream."""

import copy
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import synthetic_set
from synthetic_set import level_db

from auricle.plugin_core.plugins.binaural_plugin import BinauralPlugin
from auricle.plugin_core.plugins.chain import Chain

RATE = 48000
HEADS = synthetic_set.make_set()
SIZES = [1, 64, 65, 128, 8192, 8193]

needs_pedalboard = pytest.mark.skipif(
    importlib.util.find_spec("pedalboard") is None, reason="pedalboard is not installed"
)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
}


def plugin(azimuth_deg: float = 40) -> BinauralPlugin:
    return BinauralPlugin(HEADS, azimuth_deg=azimuth_deg, rank="full")


class Recorder:
    """A stage of someone else's that notes what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def process(
        self, input_array: Any, sample_rate: float, buffer_size: int = 8192, reset: bool = True
    ) -> Any:
        self.calls.append((input_array.shape, sample_rate, buffer_size, reset))
        return 2.0 * input_array.astype(np.float64)

    def reset(self) -> None:
        self.calls.append(("reset",))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def streamed(chain: Chain, audio: np.ndarray, sizes: list[int]) -> np.ndarray:
    parts, at, call = [], 0, 0
    while at < audio.shape[1]:
        n = sizes[call % len(sizes)]
        parts.append(chain.process_channels(audio[:, at : at + n], RATE, reset=False))
        at, call = at + n, call + 1
    return np.concatenate(parts, axis=1)


def test_it_is_a_list() -> None:
    first, second, third = Recorder(), plugin(), Recorder()
    chain = Chain([first])
    chain.append(third)
    chain.insert(1, second)
    assert list(chain) == [first, second, third]
    assert (len(chain), chain[1], chain.index(third), second in chain) == (3, second, 2, True)
    chain.remove(first)
    del chain[0]
    chain[0:0] = [first, second]
    assert chain[:2] == [first, second]
    assert "3 stages" in repr(chain)
    for bad in (None, "gain", lambda audio: audio):
        with pytest.raises(TypeError, match="a stage has process"):
            chain.append(bad)  # type: ignore[arg-type]
    chain.append(first)
    with pytest.raises(RuntimeError, match="more than once"):
        chain(noise(1, 10), RATE)


def test_stages_run_in_order_with_the_same_call() -> None:
    recorder = Recorder()
    out = Chain([recorder, plugin()]).process(noise(1, 500), RATE, buffer_size=77, reset=False)
    assert recorder.calls == [((1, 500), RATE, 77, False)]
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, plugin()(2.0 * noise(1, 500), RATE), atol=1e-6)


def test_an_empty_chain_gives_the_input_back_as_float32() -> None:
    audio = noise(2, 50).astype(np.float64)
    for given in (audio, audio.T, audio[0]):
        out = Chain()(given, RATE)
        assert (out.dtype, out.shape) == (np.float32, given.shape)
        np.testing.assert_array_equal(out, given)
    assert not np.shares_memory(Chain()(noise(2, 50), RATE), audio)


def test_it_works_without_pedalboard() -> None:
    code = (
        "import sys; sys.modules['pedalboard'] = None\n"
        "import numpy as np, auricle\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import synthetic_set\n"
        "plugin = auricle.BinauralPlugin(synthetic_set.make_set(), rank='full')\n"
        "print(auricle.Chain([plugin])(np.ones((1, 100), np.float32), 48000).shape)"
    )
    folder = str(importlib.util.find_spec("synthetic_set").origin).rpartition("/")[0]  # type: ignore[union-attr]
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert run.stdout.strip() == "(2, 100)", run.stderr


@needs_pedalboard
def test_native_plugins_before_and_behind_are_those_of_a_pedalboard() -> None:
    from pedalboard import Compressor, Gain, Limiter, Pedalboard

    audio = noise(1, 9000)
    out = Chain([Gain(6), Compressor(-30, 4), plugin(), Limiter(-20)])(audio, RATE)
    before = Pedalboard([Gain(6), Compressor(-30, 4)])(audio, RATE)
    expected = Pedalboard([Limiter(-20)])(plugin()(before, RATE), RATE)
    np.testing.assert_array_equal(out, expected)
    assert out.shape == (2, 9000)


@needs_pedalboard
@pytest.mark.parametrize("buffer_size", SIZES)
@pytest.mark.parametrize("length", [1, 2, 64, 65, 8193])
def test_unity_gains_change_nothing_at_any_size(buffer_size: int, length: int) -> None:
    from pedalboard import Gain

    length = min(length, 40 * buffer_size)
    audio = noise(2, length)
    chain = Chain([Gain(0), plugin(), Gain(0)])
    out = chain.process_channels(audio, RATE, buffer_size=buffer_size)
    expected = plugin().process_channels(audio, RATE, buffer_size=100_000)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6)


@needs_pedalboard
@pytest.mark.parametrize("sizes", [[128], [1, 2, 3, 500, 8192], [64, 128], [700, 0, 1, 9000]])
def test_streaming_in_any_sizes_equals_one_call(sizes: list[int]) -> None:
    """Also in growing ones: there a Pedalboard alone silently starts anew."""
    from pedalboard import Compressor, Delay, LowpassFilter, Reverb

    audio = noise(2, 20000)
    chain = Chain([Compressor(-30, 4), Delay(0.01), plugin(), LowpassFilter(2000), Reverb()])
    whole = chain(audio, RATE)
    chain.reset()
    once = streamed(chain, audio, sizes)
    assert level_db(once - whole, whole) <= -110.0  # the compressor amplifies float32 rounding
    chain.reset()
    again = streamed(chain, audio, sizes)
    np.testing.assert_array_equal(again, once)


@needs_pedalboard
@pytest.mark.parametrize("sizes", [[128], [1, 2, 3, 500], [64, 128]])
def test_latency_of_native_plugins_is_held_back_once_and_aligned(sizes: list[int]) -> None:
    from pedalboard import Gain
    from pedalboard_native._internal import AddLatency

    audio = noise(2, 6000)
    expected = plugin()(audio, RATE)
    chain = Chain([AddLatency(300), Gain(0), plugin(), AddLatency(77)])
    whole = chain(audio, RATE)
    assert whole.shape == audio.shape
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-6)
    chain.reset()
    out = streamed(chain, audio, sizes)
    assert out.shape[1] == 6000 - 377
    np.testing.assert_allclose(out, expected[:, :5623], rtol=0, atol=1e-6)


@needs_pedalboard
def test_changes_of_the_list_take_effect_and_native_duplicates_are_refused() -> None:
    from pedalboard import Gain

    gain = Gain(-6.0206)
    chain = Chain([gain])
    np.testing.assert_allclose(chain(noise(1, 100), RATE), 0.5 * noise(1, 100), atol=1e-6)
    gain.gain_db = 0.0
    np.testing.assert_allclose(chain(noise(1, 100), RATE), noise(1, 100), atol=1e-6)
    chain.append(Gain(-6.0206))
    np.testing.assert_allclose(chain(noise(1, 100), RATE), 0.5 * noise(1, 100), atol=1e-6)
    chain.append(gain)
    with pytest.raises(RuntimeError, match="more than once"):
        chain(noise(1, 100), RATE)
    assert Chain([Chain([plugin()]), Gain(0)])(noise(1, 100), RATE).shape == (2, 100)


@needs_pedalboard
def test_layouts_pass_through() -> None:
    from pedalboard import Gain

    chain = Chain([Gain(0), plugin(), Gain(0)])
    audio = noise(2, 300)
    np.testing.assert_array_equal(chain(audio.T, RATE), chain(audio, RATE).T)
    assert chain(audio[0], RATE).shape == (2, 300)
    assert chain(audio[:, :0], RATE).shape == (2, 0)
    assert Chain([Gain(0)])(audio[0], RATE).shape == (300,)


@needs_pedalboard
@pytest.mark.parametrize("how", COPIES)
def test_a_chain_with_native_plugins_is_copied_with_their_parameters(how: str) -> None:
    import pedalboard as pb

    chain = Chain([
        pb.Compressor(-30, 4, 2, 80), pb.Mix([pb.Gain(-3), pb.Chain([pb.Delay(0.01, 0.3, 0.4)])]),
        pb.LadderFilter(pb.LadderFilter.Mode.BPF12, 900), plugin(), pb.Invert(), pb.Reverb(0.4),
        pb.Resample(16000), pb.Limiter(-12, 60),
    ])  # fmt: skip
    audio = noise(1, 9000)
    out = chain(audio, RATE)
    other = COPIES[how](chain)
    np.testing.assert_array_equal(other(audio, RATE), out)
    assert out.std() > 1e-3
    other[0].threshold_db = 0.0
    del other[5:]
    assert len(chain) == 8
    np.testing.assert_array_equal(chain(audio, RATE), out)


@needs_pedalboard
@pytest.mark.parametrize("how", COPIES)
def test_a_native_plugin_that_does_not_tell_what_it_is_made_of_cannot_be_copied(how: str) -> None:
    import pedalboard as pb

    chain = Chain([pb.Gain(1), pb.Convolution(np.ones(8, dtype=np.float32), 1.0, RATE)])
    with pytest.raises(TypeError, match="Convolution cannot be copied"):
        COPIES[how](chain)


@needs_pedalboard
def test_a_convolution_with_a_file_is_copied(tmp_path: Path) -> None:
    import pedalboard as pb

    soundfile.write(tmp_path / "room.wav", noise(400), RATE)
    chain = Chain([pb.Convolution(str(tmp_path / "room.wav"), 0.4)])
    audio = noise(1, 3000)
    np.testing.assert_array_equal(copy.copy(chain)(audio, RATE), chain(audio, RATE))


@needs_pedalboard
@pytest.mark.parametrize("wrong", [np.nan, -np.inf, 1e30])
def test_what_native_plugins_would_keep_for_ever_does_not_reach_them(wrong: float) -> None:
    import pedalboard as pb

    def made() -> Chain:
        return Chain([pb.Reverb(0.5), pb.LowpassFilter(500), plugin(), pb.Limiter(-3)])

    audio, silent = noise(1, 4000), noise(1, 4000)
    audio[0, 70], silent[0, 70] = wrong, 0.0
    chain, other = made(), made()
    for call in (0, 1):
        out = chain(audio if call == 0 else silent, RATE, reset=False)
        np.testing.assert_array_equal(out, other(silent, RATE, reset=False))
        assert np.isfinite(out).all()
