"""An ADM file's programmes, contents, objects, packs, channels and tracks by their IDs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from auricle.plugin_core.adm.axml import Parsed, kind_of, read_axml
from auricle.plugin_core.adm.blocks import Blocks
from auricle.plugin_core.adm.common import common_channel, is_common
from auricle.plugin_core.adm.elements import Element
from auricle.plugin_core.audio.riff_chunks import TrackRow, Wave
from auricle.plugin_core.errors import AdmError

SILENT_TRACK = "ATU_00000000"
_MOST_PACKS = 1000
T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """A programme or a content: ``members`` are the IDs of its contents or objects."""

    id: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class AudioObject:
    """A part of the mix: tracks, other objects, and when and how loud.

    Attributes:
        start, duration: seconds; None: all the time from there.
        gain: linear, 0 where it is muted.
        offset: added to the position, by coordinate.
        unplayed: names of what it asks for and is not played.
    """

    id: str
    name: str
    start: float
    duration: float | None
    gain: float
    offset: dict[str, float]
    objects: tuple[str, ...]
    complementary: tuple[str, ...]
    tracks: tuple[str, ...]
    unplayed: tuple[str, ...]


@dataclass(frozen=True)
class Channel:
    """A channel format: what a track is and where."""

    id: str
    name: str
    kind: str
    blocks: Blocks
    low_pass_hz: float | None = None


@dataclass(frozen=True)
class Pack:
    """Channels that belong together.

    Attributes:
        distance: absoluteDistance, metres of a distance of 1; 0 without.
        normalisation, reference_distance: of ambisonics, "" and 0 without.
    """

    id: str
    channels: tuple[str, ...]
    packs: tuple[str, ...]
    distance: float = 0.0
    normalisation: str = ""
    reference_distance: float = 0.0


@dataclass(frozen=True)
class TrackUid:
    """A track of the file, and the formats it refers to; "" for what is not said."""

    id: str
    track: int
    track_format: str
    channel_format: str
    pack_format: str


class Document:
    """The content of axml and chna together.

    Args:
        path: of the file.
        wave: its chunks.

    Raises:
        AdmError: a part that cannot be, or chunks that contradict each other.
    """

    def __init__(self, path: Path, wave: Wave) -> None:
        self.path = path
        parsed = Parsed() if wave.axml is None else read_axml(path, wave.axml)
        self._parsed = parsed
        try:
            self.programmes = _by_id(parsed, "audioProgramme", _group("audioContentIDRef"))
            self.contents = _by_id(parsed, "audioContent", _group("audioObjectIDRef"))
            self.objects = _by_id(parsed, "audioObject", _object)
            self.packs = _by_id(parsed, "audioPackFormat", _pack)
            self._channels = _by_id(parsed, "audioChannelFormat", self._channel)
            self._tracks = _by_id(
                parsed, "audioTrackFormat", lambda each: _first(each, "audioStreamFormatIDRef")
            )
            streams = _by_id(parsed, "audioStreamFormat", lambda element: element)
            self._streams = {
                name: _first(each, "audioChannelFormatIDRef") for name, each in streams.items()
            }
            for name, each in streams.items():  # the other direction, for tracks that are silent
                for track in each.texts("audioTrackFormatIDRef"):
                    self._tracks[track] = self._tracks.get(track) or name
            described = _by_id(parsed, "audioTrackUID", _track_uid)
        except AdmError as error:
            raise AdmError(f"{path}: {error}") from None
        self.tracks = {row.uid: self._joined(row, described.get(row.uid)) for row in wave.rows}

    def channel_of(self, track: TrackUid) -> Channel:
        """The channel format of a track."""
        if track.channel_format:
            return self.channel(track.channel_format, track.id)
        name = track.track_format
        if name.startswith("AC_"):  # chna may name the channel itself, with _00 behind
            return self.channel(name[:11], track.id)
        stream = self._tracks.get(name) or (
            "AS_" + name[3:11] if name.startswith("AT_") and is_common(name[:11]) else ""
        )
        if not stream:
            raise self.error(
                f"{track.id}: its audioTrackFormat {name[:40]!r} is not there; export the file "
                "again"
            )
        channel = self._streams.get(stream) or (
            "AC_" + stream[3:] if stream not in self._streams and is_common(stream) else ""
        )
        if not channel:
            raise self.error(
                f"{track.id}: {stream[:40]!r} leads to no audioChannelFormat; only PCM is read"
            )
        return self.channel(channel, track.id)

    def channel(self, identity: str, user: str) -> Channel:
        """A channel format by its ID, from the file or from the common definitions."""
        found = self._channels.get(identity)
        if found is None:
            common = common_channel(identity)
            if common is None:
                raise self.error(
                    f"{user}: audioChannelFormat {identity[:40]!r} is not there; export the file "
                    "again"
                )
            found = Channel(identity, identity, *common)
        return found

    def pack_of(self, track: TrackUid, channel: Channel) -> Pack:
        """The pack of a track; it must hold the channel if the file itself defines it."""
        identity = track.pack_format
        if identity not in self.packs:
            if identity and not is_common(identity):
                raise self.error(
                    f"{track.id}: audioPackFormat {identity[:40]!r} is not there; export the file "
                    "again"
                )
            return Pack(identity, (), ())
        pack = self.packs[identity]
        if not self._holds(pack, channel.id):
            raise self.error(
                f"{track.id}: {channel.id} is not in its pack {identity}; export the file again"
            )
        return pack

    def error(self, text: str) -> AdmError:
        """An error that names this file, to be raised."""
        return AdmError(f"{self.path}: {text}")

    def _holds(self, pack: Pack, channel: str) -> bool:
        """Whether a channel is in a pack or in one that it holds."""
        waiting, seen = [pack], {pack.id}
        while waiting:
            each = waiting.pop()
            inner = set(each.packs) - seen
            # What packs of BS.2094 have in them is not compared.
            if channel in each.channels or not inner <= self.packs.keys():
                return True
            waiting += (self.packs[name] for name in inner)
            seen |= inner
            if len(seen) > _MOST_PACKS:
                raise self.error(f"{pack.id} holds more than {_MOST_PACKS} packs")
        return False

    def _joined(self, row: TrackRow, described: TrackUid | None) -> TrackUid:
        """What chna and an audioTrackUID say of the same track."""
        if described is None:
            return TrackUid(row.uid, row.track, row.track_format, "", row.pack_format)
        for here, there in (
            (row.track_format, described.track_format), (row.pack_format, described.pack_format),
        ):  # fmt: skip
            if here and there and here != there and not here.startswith("AC_"):
                raise self.error(
                    f"{row.uid}: chna says {here[:40]}, axml {there[:40]}; export the file again"
                )
        return TrackUid(
            row.uid, row.track, described.track_format or row.track_format,
            described.channel_format, described.pack_format or row.pack_format,
        )  # fmt: skip

    def _channel(self, element: Element) -> Channel:
        low_pass = [
            each.number()
            for each in element.all("frequency")
            if each.attributes.get("typeDefinition") == "lowPass"
        ]
        blocks = self._parsed.blocks.get(element.id)
        if blocks is None:
            raise element.error("has no audioBlockFormat; export the file again")
        return Channel(
            element.id, element.name, kind_of(element), blocks, low_pass[0] if low_pass else None
        )


def _by_id(parsed: Parsed, tag: str, make: Callable[[Element], T]) -> dict[str, T]:
    """What is made of the elements of a tag, by their IDs."""
    found: dict[str, T] = {}
    for element in parsed.elements[tag]:
        if not element.id:
            raise element.error("has no ID; export the file again")
        if element.id in found:
            raise element.error("stands there twice; export the file again")
        found[element.id] = make(element)
    return found


def _group(reference: str) -> Callable[[Element], Group]:
    return lambda element: Group(element.id, element.name, element.texts(reference))


def _first(element: Element, reference: str) -> str:
    """What the first child of a tag says, "" without one."""
    return next(iter(element.texts(reference)), "")


def _object(element: Element) -> AudioObject:
    gain, mute = element.one("gain"), element.one("mute")
    offset = {
        each.attributes.get("coordinate", ""): each.number()
        for each in element.all("positionOffset")
    }
    unplayed = ("alternativeValueSet",) if any(element.all("alternativeValueSet")) else ()
    return AudioObject(
        element.id, element.name, element.attribute_time("start") or 0.0,
        element.attribute_time("duration"),
        0.0 if mute is not None and mute.flag() else 1.0 if gain is None else gain.gain(),
        offset, element.texts("audioObjectIDRef"), element.texts("audioComplementaryObjectIDRef"),
        element.texts("audioTrackUIDRef"), unplayed,
    )  # fmt: skip


def _pack(element: Element) -> Pack:
    kind_of(element)
    texts = {
        name: element.one(name) for name in ("absoluteDistance", "nfcRefDist", "normalization")
    }
    distance, reference, normalisation = texts.values()
    return Pack(
        element.id, element.texts("audioChannelFormatIDRef"), element.texts("audioPackFormatIDRef"),
        0.0 if distance is None else distance.number(),
        "" if normalisation is None else normalisation.text.strip(),
        0.0 if reference is None else reference.number(),
    )  # fmt: skip


def _track_uid(element: Element) -> TrackUid:
    found = [
        _first(element, name + "IDRef")
        for name in ("audioTrackFormat", "audioChannelFormat", "audioPackFormat")
    ]
    return TrackUid(element.id, 0, *found)
