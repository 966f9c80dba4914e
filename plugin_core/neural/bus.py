"""Feeds at places, rendered by an end-to-end system instead of the engine."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.render.binaural import CONTROL_SAMPLES
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import motion, scale_by_steps
from auricle.plugin_core.motion.paths import Head
from auricle.plugin_core.neural.apparent_positions import heard_places

Audio = NDArray[np.float32]


class System(Protocol):
    """An end-to-end system under one listener, for a number of sources.

    Sound takes its time, and is 1/r as loud: both are part of what such systems model.
    """

    latency_samples: int
    tail_samples: int

    @property
    def sample_rate(self) -> int:
        """The sample rate, in Hz."""
        ...

    @property
    def report(self) -> str:
        """One line on what it is."""
        ...

    def start(self, apparent_m: Array) -> None:
        """Silence, with sources that rest at places (S, 3)."""
        ...

    def process(self, audio: Audio, apparent_m: Array) -> Audio:
        """Both ears (2, K STEP) from sound (S, K STEP) and places (K, S, 3) at the steps' ends."""
        ...


class NeuralBus:
    """Objects through an end-to-end system, in whole control steps from the start of the scene.

    The system makes a source 1/r as loud; that is taken off before it, and the levels of the feeds
    stand in its place, as with the engine.

    Args:
        system: for as many sources as the feeds have channels, at the feeds' sample rate.
        feeds: of objects.
        head: the listener's, or None for one who rests.
        gain: linear, of all.
    """

    def __init__(
        self,
        system: System,
        feeds: Sequence[TrackStream],
        head: Head | None = None,
        gain: float = 1.0,
    ) -> None:
        self._system, self._feeds, self._head, self._gain = system, list(feeds), head, gain
        self._paths = [path for feed in self._feeds for path in feed.paths]
        self.latency_samples = system.latency_samples
        self.tail_samples = system.tail_samples
        self._step = 0
        zero = np.zeros(1)
        start = heard_places(self._paths, head, zero)
        self._gains = self._levels(zero, start)
        system.start(start[0])

    @property
    def report(self) -> str:
        """One line on the system."""
        return self._system.report

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES), ``latency_samples`` late."""
        n = n_steps * CONTROL_SAMPLES
        audio = np.concatenate([feed.read(n) for feed in self._feeds])
        ends = self._step + 1.0 + np.arange(n_steps)
        seconds = ends * CONTROL_SAMPLES / self._system.sample_rate
        self._step += n_steps
        places = heard_places(self._paths, self._head, seconds)
        gains = self._levels(seconds, places)
        scale_by_steps(audio, np.concatenate([self._gains, gains]))
        self._gains = gains[-1:]
        return self._system.process(audio, places)

    def _levels(self, seconds: Array, apparent_m: Array) -> Array:
        """Gains (J, S) that leave the levels of paths and feeds behind the system."""
        _, gains = motion(self._feeds, self._head, seconds)
        return self._gain * gains * np.linalg.norm(apparent_m, axis=2)
