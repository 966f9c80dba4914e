"""Loudspeaker beds: channels that stand around the head wherever that goes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.loudspeakers.bed import Bed, bass_gain
from auricle.dsp.loudspeakers.channel_roles import in_order_of, layout_of_header
from auricle.dsp.loudspeakers.layouts import (
    LAYOUTS,
    Layout,
    layout,
    layout_for_channels,
    layout_of_labels,
)
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES, BinauralRenderer
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.motion.paths import Head
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.format.schema import KeyProblem
from auricle.plugin_core.scene.playback.channels import CONVENTIONS, Channels, obeyed, said
from auricle.plugin_core.scene.playback.head_clock import HeadClock
from auricle.plugin_core.scene.playback.track_types.type_player import (
    OpenedTrack,
    Surroundings,
    TypePlayer,
)

Audio = NDArray[np.float32]


def _channels(track: Track, header: Header, n_channels: int) -> Channels:
    found = _named(track, header, n_channels)
    fit = in_order_of(found, header.labels) if len(header.labels) == found.n_channels else None
    note = ""
    if header.ambisonics:
        note = f"{header.by} says {CONVENTIONS[header.ambisonics]}, the scene a bed"
    elif track.channel_order is None and isinstance(track.layout, str | None):
        if fit is not None:
            found = fit
        elif header.labels and not header.by_format:
            note = f"{header.by} says {said(header.labels)}, the scene {found.name}"
    elif header.labels and track.channels == "all":
        differs = not header.by_format if fit is None else fit.labels != found.labels
        if differs:
            note = f"{header.by} says {said(header.labels)}, the scene {said(found.labels)}"
    return Channels((found.n_channels,), found, note=obeyed(note))


def _named(track: Track, header: Header, n_channels: int) -> Layout:
    """The layout that the scene names, else the header, else the number of channels."""
    try:
        if isinstance(track.layout, tuple):
            return layout_of_labels(track.layout)
        if track.layout is not None:
            found = layout(track.layout)
        else:
            known = layout_of_header(header.labels)
            known = known and LAYOUTS.get(known.name, known)
            found = known or layout_for_channels(n_channels)
    except AuricleError as error:
        raise KeyProblem("layout", str(error)) from None
    try:
        return found.ordered(track.channel_order or "smpte")
    except AuricleError as error:
        raise KeyProblem("channel_order", str(error)) from None


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
        self._feed, self._clock = feed, HeadClock(head, rate)
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


def _buses(tracks: Sequence[OpenedTrack], around: Surroundings) -> list[Bus]:
    hrtf, prepared = around.listener
    buses: list[Bus] = []
    for each in tracks:
        layout_of_track = each.channels.layout
        assert layout_of_track is not None
        buses.append(
            BedBus(
                hrtf, prepared, around.level, each.stream, layout_of_track, each.track.lfe,
                around.head,
            )
        )  # fmt: skip
    return buses


PLAYER = TypePlayer(_channels, _buses, reads_header=True)
