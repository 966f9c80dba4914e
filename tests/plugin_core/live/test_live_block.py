"""The audio thread's block function is the renderer, and what it shares it shares whole."""

from functools import cache

import numpy as np
import pytest
import synthetic_set

from auricle.dsp.compiled.renderer_record import EXCHANGE, PLAYS
from auricle.dsp.geometry import quaternion_normalise
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.render.block import render_block
from auricle.dsp.render.renderer_state import RendererState
from auricle.plugin_core.live.audio_thread.received_scene import take_scene
from auricle.plugin_core.live.hrtf_exchange import Listener
from auricle.plugin_core.live.parameters import LiveScene
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.live.sources import Input, channels

RATE = 48000


@cache
def prepared(rank, n_taps=160):
    return prepare(synthetic_set.make_set(n_taps=n_taps), RATE, rank=rank)


class Pair:
    """The renderer and the block function beside it, given the same."""

    def __init__(self, first, n_sources, distance_gain):
        self.renderer = BinauralRenderer(
            first, RATE, n_sources=n_sources, distance_gain=distance_gain
        )
        self.scene = LiveScene(np.zeros(n_sources))
        self.state = RendererState(n_sources, RATE, distance_gain)
        self.shared = SharedState(channels([Input()] * n_sources), self.state)
        self.scene.attach(self.shared, dict)
        self.listener = Listener(self.scene, self.state)
        self.listener.exchange(first)

    def set(self, positions, gains, active, orientation, place):
        self.renderer.set_positions(positions)
        self.renderer.set_gains(gains)
        self.renderer.set_active(active)
        self.renderer.set_listener(orientation, place)
        self.scene.positions[:] = positions
        self.scene.gains[:] = gains
        self.scene.audible[:] = active
        self.scene.orientation[:] = quaternion_normalise(orientation)
        self.scene.place[:] = place
        self.scene.commit()

    def process(self, audio, compiled=True):
        n = audio.shape[1]
        self.shared.arrays.audio[:, :n] = audio
        take, render = (take_scene, render_block) if compiled else (
            take_scene.py_func, render_block.py_func,
        )  # fmt: skip
        take(self.shared.address, n, 0)
        arrays = self.shared.arrays
        render(self.state.address, arrays.audio, n, 0, n, arrays.out)
        return self.renderer.process(audio), self.shared.arrays.out[:, :n].copy()


def random_scene(rng, n):
    return (
        rng.standard_normal((n, 3)) * 10.0 ** rng.uniform(-1, 1, (n, 1)),
        rng.uniform(0, 2, n),
        rng.random(n) < 0.8,
        rng.standard_normal(4),
        rng.uniform(-0.5, 0.5, 3),
    )


@pytest.mark.parametrize(
    ("ranks", "distance_gain"), [((16, "full"), False), (("full", 12), True)], ids=str
)
def test_the_block_function_is_the_renderer(ranks, distance_gain):
    """Random moves, poses, gains, mutes, call sizes and exchanges of sets; -100 dB at the most."""
    rng = np.random.default_rng(3)
    n = 5
    first, second = prepared(ranks[0]), prepared(ranks[1], 300)
    pair = Pair(first, n, distance_gain)
    wanted, got = [], []
    for i in range(120):
        if i % 3 == 0:
            pair.set(*random_scene(rng, n))
        if i in (20, 80):
            pair.renderer.exchange_hrtf(second if i == 20 else first)
            pair.listener.exchange(second if i == 20 else first)
        size = int(rng.choice([128, 128, 64, 1, 37, 512, 1000]))
        audio = rng.standard_normal((n, size)).astype(np.float32)
        a, b = pair.process(audio)
        wanted.append(a)
        got.append(b)
    wanted, got = np.concatenate(wanted, axis=1), np.concatenate(got, axis=1)
    assert synthetic_set.level_db(got - wanted, wanted) < -100.0
    assert pair.state.engines[PLAYS, EXCHANGE] == 3  # both exchanges have come to their end
    pair.listener.collect(3)
    assert sum(each is not None for each in pair.state._sets) == 1


def test_the_block_function_is_the_same_without_the_compiler():
    rng = np.random.default_rng(5)
    pair = Pair(prepared(16), 2, False)
    for size in (128, 300, 20):
        pair.set(*random_scene(rng, 2))
        wanted, got = pair.process(rng.standard_normal((2, size)).astype(np.float32), False)
        assert synthetic_set.level_db(got - wanted, wanted) < -100.0
