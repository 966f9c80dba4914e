"""Everything that plays block by block, made small: for what holds for all of them."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import ear_networks
import numpy as np
import synthetic_set

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.ambisonics.decoder import design_decoder
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.convolution.uniform import FilterSpectra, PartitionedConvolver
from auricle.dsp.filters.biquad import from_analogue
from auricle.dsp.iir.cascade import CascadeRenderer
from auricle.dsp.iir.cascade_set import CascadeSet
from auricle.dsp.loudspeakers.bed import Bed
from auricle.dsp.loudspeakers.layouts import layout
from auricle.dsp.neural.linn_renderer import LinnRenderer
from auricle.dsp.preparation.prepare import PreparedSet, prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.render.renderer_state import RendererState
from auricle.plugin_core.live.audio_thread.callbacks import make_block
from auricle.plugin_core.live.audio_thread.received_scene import take_scene
from auricle.plugin_core.live.hrtf_exchange import Listener
from auricle.plugin_core.live.parameters import LiveScene
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.live.sources import Input, channels
from auricle.plugin_core.mastering.limiter import Limiter
from auricle.plugin_core.plugins.binaural_plugin import BinauralPlugin
from auricle.plugin_core.plugins.chain import Chain

RATE = 48000
HEADS = synthetic_set.make_set()


class Stream(NamedTuple):
    made: Any
    n_rows: int
    process: Callable[[np.ndarray], np.ndarray]  # (rows, n) to (channels, n)


@cache
def prepared(rank: int | str) -> PreparedSet:
    return prepare(HEADS, RATE, rank=rank)


def renderer(rank: int | str, **options: Any) -> BinauralRenderer:
    made = BinauralRenderer(prepared(rank), RATE, n_sources=3, **options)
    made.set_positions([[0.4, 0.3, 0.0], [1.0, -2.0, 0.5], [-3.0, 1.0, -1.0]])
    return made


def everything() -> BinauralRenderer:
    """A renderer with all that it can have."""
    made = renderer(16, air=Air(), propagation_m=20.0, distance_gain=True)
    made.set_widths(40.0)
    return made


@cache
def cascade_set() -> CascadeSet:
    rng = np.random.default_rng(0)
    bottom = np.exp(rng.uniform(-3, 3, (24, 2, 4, 2)))
    top = bottom * np.exp(rng.uniform(-0.4, 0.4, bottom.shape))
    coefficients = from_analogue(top, bottom, np.ones(bottom.shape[:3]))
    return CascadeSet.of(synthetic_set.sphere(24), coefficients, np.full((24, 2), 20.0), RATE)


@cache
def decoder() -> Any:
    return design_decoder(HEADS, RATE, 2)


class LiveBlock:
    """The block function that drivers call, without a driver."""

    def __init__(self) -> None:
        self.scene = LiveScene(np.array([30.0, -60.0, 140.0]))
        state = RendererState(3, RATE)
        self.shared = SharedState(channels([Input()] * 3), state)
        self.scene.attach(self.shared, dict)
        self.listener = Listener(self.scene, state)
        self.listener.exchange(prepared(16))
        take_scene(self.shared.address, 1, 0)

    def process(self, audio: np.ndarray) -> np.ndarray:
        out = []
        for at in range(0, audio.shape[1], 512):
            n = min(512, audio.shape[1] - at)
            self.shared.arrays.audio[:, :n] = audio[:, at : at + n]
            make_block(self.shared.address, n, 0)
            out.append(self.shared.arrays.out[:, :n].copy())
        return np.concatenate(out, axis=1)


def running(made: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Calls of a plugin that continue each other."""
    return lambda audio: made.process_channels(audio, RATE, 512, reset=False)


def _lfe(bed: Bed) -> Callable[[np.ndarray], np.ndarray]:
    return lambda audio: bed.lfe(audio)[None]


def _convolver() -> PartitionedConvolver:
    ir = np.random.default_rng(1).standard_normal((3, 2, 300))
    return PartitionedConvolver(FilterSpectra(ir))


MAKERS: dict[str, Callable[[], Any]] = {
    "low rank": lambda: renderer(16),
    "full rank": lambda: renderer("full"),
    "everything": everything,
    "ambisonics": lambda: AmbisonicRenderer(decoder(), RATE, order=2),
    "bed": lambda: Bed(layout("5.1"), RATE),
    "cascade": lambda: CascadeRenderer(cascade_set(), 3),
    "linn": lambda: LinnRenderer(ear_networks.networks(), RATE, 3, longest_m=10.0),
    "convolver": _convolver,
    "limiter": lambda: Limiter(RATE, -1.0),
    "plugin": lambda: BinauralPlugin(HEADS, rank=16, azimuth_deg=40.0),
    "chain": lambda: Chain([BinauralPlugin(HEADS, rank=16), BinauralPlugin(HEADS, rank=16)]),
}
ROWS = {"ambisonics": 9, "bed": 6, "limiter": 2, "plugin": 2, "chain": 2}


def of(made: Any, name: str) -> Stream:
    """A stream that was made under a name, or a copy of one."""
    process = made.process if hasattr(made, "process") else _lfe(made)
    return Stream(
        made, ROWS.get(name, 3), running(made) if name in ("plugin", "chain") else process
    )


def stream(name: str) -> Stream:
    if name == "live":
        made = LiveBlock()
        return Stream(made, 3, made.process)
    return of(MAKERS[name](), name)
