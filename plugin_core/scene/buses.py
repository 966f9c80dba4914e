"""Tracks that are more than places: loudspeaker beds and ambisonics, each with its own renderer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.ambisonics import AmbisonicRenderer
from auricle.dsp.bed import Bed, bass_gain
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.layouts import Layout, layout
from auricle.dsp.prepared import PreparedSet
from auricle.dsp.renderer import CONTROL_SAMPLES, BinauralRenderer
from auricle.plugin_core.feed import Feed
from auricle.plugin_core.motion import Head
from auricle.plugin_core.scene.model import Track
from auricle.plugin_core.scene.schema import KeyProblem

Audio = NDArray[np.float32]


def n_channels_of(track: Track) -> tuple[int, ...]:
    """How many channels a track of this kind may have.

    Raises:
        KeyProblem: a layout that does not exist.
    """
    if track.type == "object":
        return (1, 2)
    if track.type == "ambisonic":
        assert track.order is not None, "the model has checked it"
        return ((track.order + 1) ** 2,)
    return (_layout(track).n_channels,)


class AmbisonicBus:
    """Ambisonic feeds of one order: they turn against the head and stay around it.

    Args:
        hrtf: the listener's set; sample_rate: Hz; level: as in the scene.
        feeds: of tracks that have the same order and normalisation.
        track: one of these; head: the listener's.
    """

    def __init__(
        self, hrtf: HrtfSet, sample_rate: int, level: str, feeds: Sequence[Feed], track: Track,
        head: Head,
    ) -> None:  # fmt: skip
        assert track.order is not None, "the model has checked it"
        self._renderer = AmbisonicRenderer(
            hrtf, sample_rate, CONTROL_SAMPLES, track.order, level, track.normalisation
        )
        self._feeds, self._clock = list(feeds), _Clock(head, sample_rate)
        self.latency_samples = self._renderer.latency_samples
        self.tail_samples = self._renderer.tail_samples
        self._renderer.set_listener(head.orientations(np.zeros(1))[0])

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        audio = np.sum([feed.read(n) for feed in self._feeds], axis=0, dtype=np.float32)
        poses, _ = self._clock.next(n_steps)
        return self._renderer.process_path(audio, poses)


class BedBus:
    """A loudspeaker bed: its channels stand around the head wherever that goes.

    Args:
        hrtf: the listener's set; prepared: its tables; level: as in the scene.
        feed: all channels in the order of the file; track: its track; head: the listener's.
    """

    def __init__(
        self, hrtf: HrtfSet, prepared: PreparedSet, level: str, feed: Feed, track: Track,
        head: Head,
    ) -> None:  # fmt: skip
        rate = prepared.sample_rate
        self._bed = Bed(_layout(track), rate, track.lfe, bass_gain(hrtf, rate, level))
        self._feed, self._clock = feed, _Clock(head, rate)
        self._renderer: BinauralRenderer | None = None
        self.latency_samples = self.tail_samples = 0
        if self._bed.n_sources:  # an LFE may stand alone
            self._renderer = self._made(prepared, head)
            self.latency_samples = self._renderer.latency_samples
            self.tail_samples = self._renderer.tail_samples
        self._late = np.zeros(self.latency_samples, dtype=np.float32)

    def _made(self, prepared: PreparedSet, head: Head) -> BinauralRenderer:
        renderer = BinauralRenderer(
            prepared, prepared.sample_rate, CONTROL_SAMPLES, self._bed.n_sources
        )
        zero = np.zeros(1)
        renderer.set_positions(self._bed.positions_m + head.positions_m(zero)[0])
        renderer.set_listener(head.orientations(zero)[0], head.positions_m(zero)[0])
        return renderer

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        audio = self._feed.read(n_steps * CONTROL_SAMPLES)
        poses, places = self._clock.next(n_steps)
        out = np.zeros((2, audio.shape[1]), dtype=np.float32)
        if self._renderer is not None:
            around = self._bed.positions_m + places[:, None]
            out = self._renderer.process_path(self._bed.sources(audio), around, poses, places)
        # The LFE passes the renderer by, so it has to wait as long as that takes.
        low = np.concatenate([self._late, self._bed.lfe(audio)])
        self._late = low[low.size - self.latency_samples :]
        out += low[: audio.shape[1]]
        return out


class _Clock:
    """The head at the ends of the next control steps."""

    def __init__(self, head: Head, sample_rate: int) -> None:
        self._head, self._rate, self._step = head, sample_rate, 0

    def next(self, n_steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        seconds = (self._step + 1.0 + np.arange(n_steps)) * CONTROL_SAMPLES / self._rate
        self._step += n_steps
        return self._head.orientations(seconds), self._head.positions_m(seconds)


def _layout(track: Track) -> Layout:
    assert track.layout is not None, "the model has checked it"
    try:
        found = layout(track.layout)
    except AuricleError as error:
        raise KeyProblem("layout", str(error)) from None
    try:
        return found.ordered(track.channel_order)
    except AuricleError as error:
        raise KeyProblem("channel_order", str(error)) from None
