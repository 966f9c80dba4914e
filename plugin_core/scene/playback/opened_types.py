"""Track types as the player meets them: the table's players, and files without a scene."""

from collections.abc import Sequence
from math import isqrt

from auricle.dsp.errors import AuricleError
from auricle.dsp.loudspeakers.layouts import LAYOUTS
from auricle.dsp.registry import placed
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.format.schema import KeyProblem
from auricle.plugin_core.scene.format.track_types import TRACK_TYPES
from auricle.plugin_core.scene.playback.channels import CONVENTIONS, Channels, said
from auricle.plugin_core.scene.playback.track_types.type_player import (
    OpenedTrack,
    Surroundings,
    TypePlayer,
)


def player_of(name: str) -> TypePlayer:
    """The player of tracks of a type; AuricleError for a type that is none or brings none."""
    found = placed(TRACK_TYPES.find(name).player, f"track type {name!r}")
    if not isinstance(found, TypePlayer):
        raise AuricleError(f"track type {name!r}: its player is a TypePlayer, got {found!r}")
    return found


def channels_of(track: Track, header: Header, n_channels: int) -> Channels:
    """The meaning of a track's channels.

    Args:
        track: as the scene has it.
        header: of its file, of the channels that it takes.
        n_channels: that it takes.

    Raises:
        KeyProblem: a layout or an order that does not exist, or that nobody names.
    """
    return player_of(track.type).channels(track, header, n_channels)


def buses_of(tracks: Sequence[OpenedTrack], around: Surroundings) -> list[Bus]:
    """The buses of all tracks, type by type in the order of the table."""
    buses: list[Bus] = []
    for name in TRACK_TYPES:
        of_type = [each for each in tracks if each.track.type == name]
        if of_type:
            buses += player_of(name).buses(of_type, around)
    return buses


def whole_file(name: str, header: Header, n_channels: int) -> tuple[Track, Channels, str]:
    """A file of more than two channels as a track of its own, and a sentence on what it is.

    Args:
        name: of the file.
        header: of the file.
        n_channels: C.

    Raises:
        AuricleError: neither its header nor the number of its channels says what they are.
    """
    if header.ambisonics:
        track = Track(name, type="ambisonic")
        found = channels_of(track, header, n_channels)
        kind = f"{CONVENTIONS[found.normalisation]} ambisonics of order {found.order}"
        return track, found, f"plays as {kind}, as {header.by} says"
    square = isqrt(n_channels) ** 2 == n_channels
    if square and (not header.labels or header.by_format):
        raise AuricleError(
            f"has {n_channels} channels, which may be loudspeakers or ambisonics; say which in a "
            'scene, by "type": "bed" or "type": "ambisonic"'
        )
    track = Track(name, type="bed")
    try:
        found = channels_of(track, header, n_channels)
    except KeyProblem:
        raise AuricleError(
            f"has {n_channels} channels, of which no layout is usual; name it in a scene, by "
            '"type": "bed" and "layout", or split the file into mono or stereo tracks'
        ) from None
    assert found.layout is not None
    why = f"as {header.by} says" if header.labels else "as is usual; a scene can say otherwise"
    name = found.layout.name if found.layout.name in LAYOUTS else "bed"
    return track, found, f"plays as {name} ({said(found.layout.labels)}), {why}"
