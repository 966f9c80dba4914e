"""Tracks that are more than places: loudspeaker beds, ambisonics, and finished binaural sound."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.ambisonics.fuma import sn3d_from_fuma
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.geometry import IDENTITY
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.loudspeakers.bed import Bed, bass_gain
from auricle.dsp.loudspeakers.layouts import Layout
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES, BinauralRenderer
from auricle.dsp.responses.arrival import arrival_samples
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.motion.paths import Head, PosedHead
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels

Audio = NDArray[np.float32]


def buses_around(
    hrtf: HrtfSet, prepared: PreparedSet, level: str,
    tracks: Sequence[tuple[Track, Channels, TrackStream]], head: Head,
) -> list[Bus]:  # fmt: skip
    """A bus for each bed, and one for each kind of ambisonics.

    Args:
        hrtf: the listener's set; prepared: its tables; level: as in the scene.
        tracks: beds and ambisonics, what their channels are, and these; head: the listener's.
    """
    buses: list[Bus] = []
    scenes: dict[tuple[int, str, int, bool], list[TrackStream]] = defaultdict(list)
    for track, channels, feed in tracks:
        if channels.layout is not None:
            buses.append(BedBus(hrtf, prepared, level, feed, channels.layout, track.lfe, head))
        else:
            kind = channels.order, channels.normalisation, feed.n_channels, track.head_locked
            scenes[kind].append(feed)
    resting = PosedHead(np.array(IDENTITY), np.zeros(3))
    for (order, normalisation, _, locked), feeds in scenes.items():
        turned = resting if locked else head
        rate = prepared.sample_rate
        buses.append(AmbisonicBus(hrtf, rate, level, feeds, order, normalisation, turned))
    return buses


class BinauralBus:
    """Finished sound for the two ears, as it is; a single channel goes to both.

    Args:
        feeds: of one or two channels.
        delay_samples: by which it waits for sound that has a way to the ears to go.
    """

    latency_samples = 0

    def __init__(self, feeds: Sequence[TrackStream], delay_samples: int = 0) -> None:
        self._feeds = list(feeds)
        self.tail_samples = delay_samples
        self._late = np.zeros((2, delay_samples), dtype=np.float32)

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        out = np.zeros((2, n), dtype=np.float32)
        for feed in self._feeds:
            out += feed.read(n)
        joined = np.concatenate([self._late, out], axis=1)
        self._late = joined[:, n:]
        return joined[:, :n]


def arrival_samples_ahead(hrtf: HrtfSet, sample_rate: int) -> int:
    """When sound from ahead arrives by a set, mean of the ears, in samples at a rate."""
    nearest = int(np.argmax(hrtf.positions[:, 0]))
    ahead = np.asarray(hrtf.ir[nearest : nearest + 1], dtype=np.float64)
    arrivals = arrival_samples(ahead, hrtf.sample_rate) * sample_rate / hrtf.sample_rate
    return max(0, round(float(np.mean(arrivals))))


class AmbisonicBus:
    """Ambisonic feeds of one order: they turn against the head and stay around it.

    Args:
        hrtf: the listener's set; sample_rate: Hz; level: as in the scene.
        feeds: of the same number of channels.
        order: 1 to 7; normalisation: "sn3d", "n3d" or "fuma"; head: the listener's.
    """

    def __init__(
        self, hrtf: HrtfSet, sample_rate: int, level: str, feeds: Sequence[TrackStream], order: int,
        normalisation: str, head: Head,
    ) -> None:  # fmt: skip
        self._is_fuma = normalisation == "fuma"
        self._renderer = AmbisonicRenderer(
            hrtf, sample_rate, CONTROL_SAMPLES, order, level,
            "sn3d" if self._is_fuma else normalisation,
        )  # fmt: skip
        self._feeds, self._clock = list(feeds), _Clock(head, sample_rate)
        self.latency_samples = self._renderer.latency_samples
        self.tail_samples = self._renderer.tail_samples
        self._renderer.set_listener(head.orientations(np.zeros(1))[0])

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        audio = np.sum([feed.read(n) for feed in self._feeds], axis=0, dtype=np.float32)
        poses, _ = self._clock.next(n_steps)
        return self._renderer.process_path(sn3d_from_fuma(audio) if self._is_fuma else audio, poses)


class BedBus:
    """A loudspeaker bed: its channels stand around the head wherever that goes.

    Args:
        hrtf: the listener's set; prepared: its tables; level: as in the scene.
        feed: all channels in the order of the file; layout: of these.
        lfe: "play" or "drop"; head: the listener's.
    """

    def __init__(
        self, hrtf: HrtfSet, prepared: PreparedSet, level: str, feed: TrackStream, layout: Layout,
        lfe: str, head: Head,
    ) -> None:  # fmt: skip
        rate = prepared.sample_rate
        self._bed = Bed(layout, rate, lfe, bass_gain(hrtf, rate, level))
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
