"""Feeds and a moving head to two ears: reading, motion, levels and the renderer in step."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.arrays import Array
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES, BinauralRenderer
from auricle.plugin_core.audio.fifo import Fifo
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.motion.paths import Head

Audio = NDArray[np.float32]


class Bus(Protocol):
    """Tracks rendered by one renderer, in whole control steps from the start of the scene."""

    latency_samples: int
    tail_samples: int

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES) of the next steps, ``latency_samples`` late."""
        ...


class ReportingBus(Bus, Protocol):
    """A bus of objects, which says what renders it."""

    @property
    def report(self) -> str:
        """A line on what renders."""
        ...


MakeBus = Callable[[Sequence[TrackStream], Head | None], ReportingBus]


class ObjectBus:
    """A bus of feeds whose channels are sources at places.

    Levels (of the distance and of the paths) move linearly within a control step, on the way to
    the renderer, whose own distance gain is off.

    Args:
        prepared: the listener's tables.
        feeds: the tracks.
        head: its motion; None: at rest.
        pool: threads that may read tracks, or None.
        air: absorption by the air, or None.
    """

    def __init__(
        self, prepared: PreparedSet, feeds: Sequence[TrackStream], head: Head | None = None,
        pool: ThreadPoolExecutor | None = None, air: Air | None = None,
    ) -> None:  # fmt: skip
        self._feeds, self._head, self._pool = list(feeds), head, pool
        self._rate = prepared.sample_rate
        self._renderer = _renderer(prepared, self._feeds, air)
        self._widening = any(callable(feed.effects.width_deg) for feed in self._feeds)
        self.latency_samples = self._renderer.latency_samples
        self.tail_samples = self._renderer.tail_samples
        self._step = 0
        start, self._gains = motion(self._feeds, head, np.zeros(1))
        self._renderer.set_positions(start[0])
        if head is not None:
            zero = np.zeros(1)
            self._renderer.set_listener(head.orientations(zero)[0], head.positions_m(zero)[0])

    @property
    def report(self) -> str:
        """One line on the rank in use."""
        return self._renderer.report

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        audio = np.concatenate(list(self._read(n)))
        seconds = (self._step + 1.0 + np.arange(n_steps)) * CONTROL_SAMPLES / self._rate
        self._step += n_steps
        positions, gains = motion(self._feeds, self._head, seconds)
        scale_by_steps(audio, np.concatenate([self._gains, gains]))
        self._gains = gains[-1:]
        way = [positions]
        if self._head is not None:
            way += [self._head.orientations(seconds), self._head.positions_m(seconds)]
        if not self._widening:
            return self._renderer.process_path(audio, *way)
        return self._widened(audio, way, widths(self._feeds, seconds))

    def _widened(self, audio: Audio, way: list[Array], widths_deg: Array) -> Audio:
        """The same with widths (J, S), asked for before each step in which they change."""
        changed = 1 + np.flatnonzero(np.any(np.diff(widths_deg, axis=0) != 0.0, axis=1))
        parts = []
        for some in np.split(np.arange(len(widths_deg)), changed):
            self._renderer.set_widths(widths_deg[some[0]])
            first, last = some[0], some[-1] + 1
            part = audio[:, first * CONTROL_SAMPLES : last * CONTROL_SAMPLES]
            parts.append(self._renderer.process_path(part, *(each[first:last] for each in way)))
        return np.concatenate(parts, axis=1)

    def _read(self, n: int) -> Iterator[Audio]:
        if self._pool is None:
            return (feed.read(n) for feed in self._feeds)
        return self._pool.map(lambda feed: feed.read(n), self._feeds)


def motion(feeds: Sequence[TrackStream], head: Head | None, seconds: Array) -> tuple[Array, Array]:
    """Positions and gains of all channels.

    Args:
        feeds: the tracks.
        head: its motion; None: at rest.
        seconds: (J,) times.

    Returns:
        Positions (J, S, 3) in metres and linear gains (J, S).
    """
    still = np.zeros((len(seconds), 3))
    listener = head.positions_m(seconds) if head is not None else still
    positions, gains = [], []
    for feed in feeds:
        for path in feed.paths:
            places, gain = path.positions_m(seconds), path.gains(seconds)
            for level in feed.effects.levels:
                gain = gain * level.gains(places, listener)
            positions.append(places)
            gains.append(gain)
    return np.stack(positions, axis=1), np.stack(gains, axis=1)


def widths(feeds: Sequence[TrackStream], seconds: Array) -> Array:
    """Widths (J, S) in degrees of all channels at times (J,)."""
    each = [feed.effects.widths_deg(seconds) for feed in feeds for _ in feed.paths]
    return np.stack(each, axis=1)


def scale_by_steps(audio: Audio, gains: Array) -> None:
    """Multiply audio (S, K CONTROL_SAMPLES) in place along lines between gains (K + 1, S)."""
    before, after = gains[:-1], gains[1:]
    moving = np.flatnonzero(np.any(gains != 1.0, axis=0))
    share = (np.arange(CONTROL_SAMPLES) + 1.0) / CONTROL_SAMPLES
    for source in moving:
        start, end = before[:, source, None], after[:, source, None]
        audio[source] *= (start + share * (end - start)).ravel().astype(np.float32)


def _renderer(prepared: PreparedSet, feeds: list[TrackStream], air: Air | None) -> BinauralRenderer:
    """A renderer for all channels, each with the effects of its feed."""
    each = [feed.effects for feed in feeds for _ in feed.paths]
    in_air = np.array([effects.in_air for effects in each])
    farthest_m = np.array([effects.farthest_m for effects in each])
    renderer = BinauralRenderer(
        prepared, prepared.sample_rate, CONTROL_SAMPLES, len(each),
        air=(air or Air()) if np.any(in_air) else None, propagation_m=float(farthest_m.max()),
    )  # fmt: skip
    renderer.set_distance_effects(
        [effects.near_field_m for effects in each],
        in_air if np.any(in_air) else None,
        farthest_m > 0.0 if np.any(farthest_m) else None,
    )
    at_first = widths(feeds, np.zeros(1))[0]
    if any(callable(effects.width_deg) for effects in each):
        renderer.set_widths(1.0)  # makes room, so that its tail counts from the start
    renderer.set_widths(at_first)
    return renderer


class Mixer:
    """The binaural sum of buses: ``read(n)`` gives the next frames (2, n), any n."""

    def __init__(self, buses: Sequence[Bus]) -> None:
        self.tail_samples = max((bus.tail_samples for bus in buses), default=0)
        self._fifos = [Fifo(_maker(bus), 2, bus.latency_samples) for bus in buses]

    def read(self, n_frames: int) -> Audio:
        """The next frames (2, n)."""
        out = np.zeros((2, n_frames), dtype=np.float32)
        for fifo in self._fifos:
            out += fifo.read(n_frames)
        return out


def _maker(bus: Bus):  # type: ignore[no-untyped-def]
    return lambda missing: bus.render(-(-missing // CONTROL_SAMPLES))


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor | None]:
    """Threads in which feeds are read; None for a single one, the caller's own."""
    if count < 2:
        yield None
        return
    with ThreadPoolExecutor(count, "auricle-feed") as pool:
        yield pool
