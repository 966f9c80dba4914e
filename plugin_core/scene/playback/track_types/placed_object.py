"""Objects: one or two channels at places of their own, all by one renderer."""

from collections.abc import Sequence

from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.mixer import Bus, ObjectBus
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels
from auricle.plugin_core.scene.playback.track_types.type_player import (
    OpenedTrack,
    Surroundings,
    TypePlayer,
)


def _channels(track: Track, header: Header, n_channels: int) -> Channels:
    return Channels((1, 2))


def _buses(tracks: Sequence[OpenedTrack], around: Surroundings) -> list[Bus]:
    _, prepared = around.listener
    streams = [each.stream for each in tracks]
    return [ObjectBus(prepared, streams, around.head, around.pool, around.air)]


PLAYER = TypePlayer(_channels, _buses)
