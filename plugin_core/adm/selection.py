"""Which channels a programme plays, and by which objects they are reached (BS.2127, section 5)."""

from collections.abc import Iterator
from dataclasses import dataclass

from auricle.plugin_core.adm.document import (
    SILENT_TRACK,
    AudioObject,
    Channel,
    Document,
    Group,
    Pack,
    TrackUid,
)
from auricle.plugin_core.audio.riff_chunks import Wave

MOST_ITEMS = 1024
_MOST_PATHS = 20_000
_MAX_DEPTH = 32


@dataclass(frozen=True)
class Item:
    """A channel to play.

    Attributes:
        index: channel of the file, the first is 0.
        path: the objects that lead to it, the last one holds it; empty without objects.
    """

    index: int
    channel: Channel
    pack: Pack
    path: tuple[AudioObject, ...]


def choose_programme(document: Document, wanted: str | None) -> Group | None:
    """The programme of an ID or a name; without one that of the lowest ID, None if there is none.

    Raises:
        AdmError: no such programme.
    """
    programmes = document.programmes
    if wanted is None:
        return programmes[min(programmes)] if programmes else None
    for programme in programmes.values():
        if wanted in (programme.id, programme.name):
            return programme
    there = ", ".join(f"{each.id} ({each.name})" for each in programmes.values())
    raise document.error(f"no programme {wanted!r}; there are {there or 'none'}")


def select(document: Document, wave: Wave, programme: Group | None) -> list[Item]:
    """The channels of a programme.

    Args:
        document: the file's ADM.
        wave: its chunks.
        programme: one of the document's; None: all objects, else all channels that chna names.

    Raises:
        AdmError: references to what is not there, or objects that hold themselves.
    """
    items = []
    for path, track in _tracks(document, programme):
        if track.track > wave.n_channels:
            raise document.error(
                f"{track.id} is on track {track.track}, and the file has {wave.n_channels} "
                "channels; export it again"
            )
        channel = document.channel_of(track)
        items.append(Item(track.track - 1, channel, document.pack_of(track, channel), path))
        if len(items) > MOST_ITEMS:
            raise document.error(f"plays more than {MOST_ITEMS} channels, which is not supported")
    return items


def _tracks(
    document: Document, programme: Group | None
) -> Iterator[tuple[tuple[AudioObject, ...], TrackUid]]:
    if programme is None and not document.objects:
        yield from (((), track) for track in document.tracks.values())
        return
    ignored = {name for each in document.objects.values() for name in each.complementary}
    for path in _paths(document, _roots(document, programme)):
        last = path[-1]
        if any(each.id in ignored for each in path):
            continue
        for name in last.tracks:
            if name == SILENT_TRACK:
                continue
            if name not in document.tracks:
                raise document.error(
                    f"{last.id} ({last.name}) plays {name[:40]}, for which the chna chunk has no "
                    "track; export the file again"
                )
            yield path, document.tracks[name]


def _roots(document: Document, programme: Group | None) -> list[str]:
    if programme is None:
        inner = {name for each in document.objects.values() for name in each.objects}
        # Where all hold each other, the search from any of them finds the circle.
        return [name for name in document.objects if name not in inner] or list(document.objects)
    roots: list[str] = []
    for name in programme.members:
        if name not in document.contents:
            raise document.error(
                f"{programme.id}: audioContent {name[:40]!r} is not there; export the file again"
            )
        roots += document.contents[name].members
    return roots


def _paths(document: Document, roots: list[str]) -> Iterator[tuple[AudioObject, ...]]:
    """All ways down from the roots, each object after the one that holds it."""
    for count, path in enumerate(_below(document, (), tuple(roots))):
        if count == _MOST_PATHS:
            raise document.error(
                f"has more than {_MOST_PATHS} ways to its objects, which is not supported"
            )
        yield path


def _below(
    document: Document, above: tuple[AudioObject, ...], names: tuple[str, ...]
) -> Iterator[tuple[AudioObject, ...]]:
    user = f"{above[-1].id}: " if above else ""
    for name in names:
        found = document.objects.get(name)
        if found is None:
            raise document.error(
                f"{user}audioObject {name[:40]!r} is not there; export the file again"
            )
        if any(each is found for each in above):
            raise document.error(f"audioObject {name} holds itself; export the file again")
        if len(above) == _MAX_DEPTH:
            raise document.error(f"audioObject {name} is nested deeper than {_MAX_DEPTH}")
        path = (*above, found)
        yield path
        yield from _below(document, path, found.objects)
