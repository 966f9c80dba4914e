"""Ambisonics of any order and normalisation, which turn against the head."""

from collections import defaultdict
from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.ambisonics import fuma
from auricle.dsp.ambisonics.fuma import sn3d_from_fuma
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.motion.paths import Head, PosedHead
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
    normalisation = track.normalisation or ("fuma" if header.ambisonics == "fuma" else "sn3d")
    is_fuma = normalisation == "fuma"
    note = ""
    if header.ambisonics and is_fuma != (header.ambisonics == "fuma"):
        by_header, by_scene = CONVENTIONS[header.ambisonics], CONVENTIONS[normalisation]
        note = f"{header.by} says {by_header}, the scene {by_scene}"
    elif header.labels and not header.by_format and track.channels == "all":
        note = f"{header.by} says {said(header.labels)}, the scene ambisonics"
    if track.order is None:
        try:
            order = fuma.order_of_fuma(n_channels) if is_fuma else _order(n_channels)
        except AuricleError as error:
            raise KeyProblem("channels", str(error)) from None
    else:
        order = track.order
    if is_fuma and order > fuma.MAX_ORDER:
        raise KeyProblem("order", f"FuMa ends at order {fuma.MAX_ORDER}, got {order}")
    counts = [n for n in fuma.SETS if fuma.order_of_fuma(n) == order] if is_fuma else []
    return Channels(tuple(counts) or ((order + 1) ** 2,), None, order, normalisation, obeyed(note))


def _order(n_channels: int) -> int:
    order = isqrt(n_channels) - 1
    if (order + 1) ** 2 != n_channels or not 1 <= order <= 7:
        raise AuricleError(
            f"{n_channels} channels are no full set of ambisonics; those have 4, 9, 16, 25, 36, 49 "
            "or 64"
        )
    return order


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
        self._feeds, self._clock = list(feeds), HeadClock(head, sample_rate)
        self.latency_samples = self._renderer.latency_samples
        self.tail_samples = self._renderer.tail_samples
        self._renderer.set_listener(head.orientations(np.zeros(1))[0])

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        audio = np.sum([feed.read(n) for feed in self._feeds], axis=0, dtype=np.float32)
        poses, _ = self._clock.next(n_steps)
        return self._renderer.process_path(sn3d_from_fuma(audio) if self._is_fuma else audio, poses)


def _buses(tracks: Sequence[OpenedTrack], around: Surroundings) -> list[Bus]:
    hrtf, _ = around.listener
    scenes: dict[tuple[int, str, int, bool], list[TrackStream]] = defaultdict(list)
    for each in tracks:
        channels, locked = each.channels, each.track.head_locked
        kind = channels.order, channels.normalisation, each.stream.n_channels, locked
        scenes[kind].append(each.stream)
    resting = PosedHead(np.array(IDENTITY), np.zeros(3))
    return [
        AmbisonicBus(
            hrtf, around.sample_rate, around.level, streams, order, normalisation,
            resting if locked else around.head,
        )
        for (order, normalisation, _, locked), streams in scenes.items()
    ]  # fmt: skip


PLAYER = TypePlayer(_channels, _buses, reads_header=True)
