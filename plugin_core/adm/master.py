"""An ADM master as it plays: points, beds, ambisonics and finished sound, and notes beside."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, isqrt, prod
from pathlib import Path
from typing import TypeAlias

import numpy as np

from auricle.dsp.ambisonics import fuma
from auricle.dsp.loudspeakers.layouts import Loudspeaker
from auricle.plugin_core.adm.axml import MOST_BLOCKS
from auricle.plugin_core.adm.beds import layout_of, loudspeaker
from auricle.plugin_core.adm.blocks import LOCKED, N_COLUMNS
from auricle.plugin_core.adm.document import AudioObject, Document
from auricle.plugin_core.adm.selection import Item, choose_programme, select
from auricle.plugin_core.adm.timeline import Timeline, timeline
from auricle.plugin_core.audio.riff_chunks import read_wave
from auricle.plugin_core.errors import AdmError

LFE_LAYOUT = "lfe"
_MOST_ORDER = 7
WIDEST_DEG = 180.0  # that a source can be heard
_NAMED = 3  # how many names a note has


@dataclass(frozen=True)
class Point:
    """A channel of the file (the first is 0) that is a place; a distance of 1 is ``unit_m``.

    ``head_locked`` says that the place turns with the head.
    """

    name: str
    channel: int
    gain: float
    timeline: Timeline
    unit_m: float
    head_locked: bool = False


@dataclass(frozen=True)
class AdmBed:
    """Channels of the file in the order of a layout of Auricle."""

    name: str
    channels: tuple[int, ...]
    gain: float
    layout: str


@dataclass(frozen=True)
class Ambisonics:
    """Channels of the file in ACN order, "sn3d" or "n3d", or in that of "fuma".

    ``head_locked`` says that they turn with the head.
    """

    name: str
    channels: tuple[int, ...]
    gain: float
    order: int
    normalisation: str
    head_locked: bool = False


@dataclass(frozen=True)
class Ears:
    """Channels of the file for the left and the right ear."""

    name: str
    channels: tuple[int, int]
    gain: float


Part: TypeAlias = Point | AdmBed | Ambisonics | Ears


@dataclass(frozen=True)
class AdmMaster:
    """An ADM file: its programme's name, what it plays, and sentences on what is not played."""

    name: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def read_master(path: Path, programme: str | None = None) -> AdmMaster:
    """Read a programme of an ADM file, by ID or name; without one that of the lowest ID.

    Raises:
        AdmError: no ADM, damaged, contradicting itself, or with nothing that can be played.
    """
    wave = read_wave(path)
    if wave.axml is None and not wave.rows:
        raise AdmError(
            f"{path}: a WAV file without ADM (no axml or chna chunk), which is no scene; render it "
            f"as a track: auricle render {path.name} -o OUT.wav"
        )
    if wave.axml is not None and not wave.rows:
        raise AdmError(
            f"{path}: has an axml chunk and no chna chunk, which says what is on which channel; "
            "export it again"
        )
    document = Document(path, wave)
    chosen = choose_programme(document, programme)
    reader = _Parts(document, wave.n_frames / wave.sample_rate)
    if programme is None and len(document.programmes) > 1 and chosen is not None:
        others = [each.id for each in document.programmes.values() if each is not chosen]
        reader.notes.add(f"plays the programme {chosen.id} ({chosen.name}), not", *others)
    parts = reader.parts(select(document, wave, chosen))
    if not parts:
        why = "; ".join(reader.notes.sentences()) or "its programme has no tracks"
        raise document.error(f"there is nothing to play: {why}")
    return AdmMaster("" if chosen is None else chosen.name, parts, tuple(reader.notes.sentences()))


class _Notes:
    """Sentences said once, with the names of those that they are about."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)

    def add(self, text: str, *names: str) -> None:
        known = self._names[text]
        known += (name for name in names if name not in known)

    def sentences(self) -> list[str]:
        return [_sentence(text, names) for text, names in self._names.items()]


def _sentence(text: str, names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{text}: {', '.join(names[:_NAMED])}{more}"


class _Parts:
    def __init__(self, document: Document, file_seconds: float) -> None:
        self._document, self._file_seconds = document, file_seconds
        self.notes = _Notes()
        self._n_blocks = 0

    def parts(self, items: list[Item]) -> tuple[Part, ...]:
        """What the channels are, those of an object together."""
        groups: dict[tuple[tuple[str, ...], str, str], list[Item]] = defaultdict(list)
        for item in items:
            path = tuple(each.id for each in item.path)
            # Without objects the packs are what holds channels together.
            groups[path, item.channel.kind, "" if path else item.pack.id].append(item)
        found: list[Part] = []
        for (_, kind, _), members in groups.items():
            for audio_object in members[0].path:
                for name in audio_object.unplayed:
                    self.notes.add(f"{name} is not played", audio_object.name)
            if kind == "Objects":
                found += (self._point(item, _name(item, members)) for item in members)
            elif kind == "DirectSpeakers":
                found += self._beds(members)
            elif kind == "HOA":
                found += self._ambisonics(members)
            elif kind == "Binaural":
                found += self._ears(members)
            else:
                self.notes.add(f"{kind} channels are left out", _name(members[0], []))
        return tuple(found)

    def _point(self, item: Item, name: str) -> Point:
        for asked in sorted(item.channel.blocks.unplayed):
            self.notes.add(f"{asked} is not played", name)
        unit_m = item.pack.distance if item.pack.distance > 0.0 else 1.0
        head_locked = self._locked([item], name)
        way = self._timeline(item, name)
        if np.any(way.widths_deg > WIDEST_DEG):
            self.notes.add(f"a width of more than {WIDEST_DEG:g} degrees is played as that", name)
        return Point(name, item.index, _gain(item.path), way, unit_m, head_locked)

    def _locked(self, items: list[Item], name: str) -> bool:
        """Whether all blocks of channels turn with the head."""
        locked = np.concatenate([item.channel.blocks.rows[:, LOCKED] for item in items])
        if np.any(locked) and not np.all(locked):
            self.notes.add("headLocked of some blocks only is not played", name)
        return bool(locked.size and np.all(locked))

    def _timeline(self, item: Item, name: str) -> Timeline:
        self._n_blocks += len(item.channel.blocks.numbers) // N_COLUMNS
        if self._n_blocks > MOST_BLOCKS:  # several tracks may share a channel's
            raise self._document.error(f"its tracks have more than {MOST_BLOCKS} blocks")
        last = item.path[-1] if item.path else None
        start = 0.0 if last is None else last.start
        end = inf if last is None or last.duration is None else start + last.duration
        try:
            return timeline(
                item.channel.blocks.rows, start, end, self._file_seconds,
                {} if last is None else last.offset, lambda text: self.notes.add(text, name),
            )  # fmt: skip
        except AdmError as error:
            raise self._document.error(f"{item.channel.id} ({name}): {error}") from None

    # --- loudspeakers --------------------------------------------------------------------------

    def _beds(self, members: list[Item]) -> list[Part]:
        """A bed where a layout has exactly these loudspeakers, else one by one."""
        found: list[Part] = []
        for part in _instances(members, self._label):
            name = _name(part[0], [])
            timelines = [self._timeline(item, name) for item in part]
            level = timelines[0].gains[0]
            locked = self._locked(part, name)
            same = not locked and all(
                each.is_still and each.gains[0] == level for each in timelines
            )
            known = layout_of([self._label(item) for item in part]) if same else None
            if known is not None:
                layout, order = known
                channels = tuple(part[i].index for i in order)
                found.append(AdmBed(name, channels, _gain(part[0].path) * float(level), layout))
            else:
                found += (
                    self._single(item, each, locked)
                    for item, each in zip(part, timelines, strict=True)
                )
        return found

    def _speaker(self, item: Item) -> Loudspeaker | None:
        return loudspeaker(item.channel.blocks.labels, item.channel.low_pass_hz)

    def _label(self, item: Item) -> str:
        speaker = self._speaker(item)
        return item.channel.id if speaker is None else speaker.label

    def _single(self, item: Item, moving: Timeline, locked: bool) -> Part:
        """A loudspeaker of no layout, or one that is not always on, or that turns with the head."""
        speaker, name = self._speaker(item), f"{_name(item, [])}: {item.channel.name}"
        gain = _gain(item.path)
        if speaker is None:
            return Point(name, item.index, gain, moving, 1.0, locked)
        if speaker.is_lfe:
            level = self._steady(moving, "an LFE channel", name)
            return AdmBed(name, (item.index,), gain * level, LFE_LAYOUT)
        place = np.array([speaker.azimuth_deg, speaker.elevation_deg, 1.0])
        places = np.tile(place, (len(moving.seconds), 1))
        return Point(name, item.index, gain, replace(moving, places=places), 1.0, locked)

    def _steady(self, moving: Timeline, what: str, name: str) -> float:
        """The gain of a part that cannot come and go."""
        if not moving.is_still:
            self.notes.add(f"{what} whose gain changes in time plays evenly", name)
        return float(moving.gains.max())

    # --- ambisonics ----------------------------------------------------------------------------

    def _ambisonics(self, members: list[Item]) -> list[Part]:
        return [
            self._ambisonic(part) for part in _instances(members, lambda item: str(self._acn(item)))
        ]

    def _acn(self, item: Item) -> int:
        blocks = item.channel.blocks
        order, degree = blocks.order, blocks.degree
        if order is None or degree is None or not 0 <= abs(degree) <= order:
            raise self._document.error(
                f"{item.channel.id} ({item.channel.name}): an HOA channel has an order and a "
                f"degree within it, got {order} and {degree}; export the file again"
            )
        return order * order + order + degree

    def _ambisonic(self, part: list[Item]) -> Ambisonics:
        name = _name(part[0], [])
        by_acn = {self._acn(item): item for item in part}
        order = isqrt(max(by_acn))
        if len(by_acn) != (order + 1) ** 2 or not 1 <= order <= _MOST_ORDER:
            raise self._document.error(
                f"{name}: HOA of {len(by_acn)} channels up to order {order}; only whole sets of "
                f"order 1 to {_MOST_ORDER} are played, in which (order + 1)^2 channels are"
            )
        names = {
            (item.channel.blocks.normalisation or item.pack.normalisation or "SN3D").lower()
            for item in part
        }
        if len(names) > 1 or not names <= {"sn3d", "n3d", "fuma"}:
            raise self._document.error(
                f"{name}: HOA in the normalisation {', '.join(sorted(names))[:80]}; SN3D, N3D or "
                "FuMa are played, convert it first"
            )
        if names == {"fuma"} and order > fuma.MAX_ORDER:
            raise self._document.error(f"{name}: FuMa ends at order {fuma.MAX_ORDER}, got {order}")
        if any(item.channel.blocks.reference_distance or item.pack.reference_distance
               for item in part):  # fmt: skip
            self.notes.add("nfcRefDist is not played", name)
        timelines = [self._timeline(item, name) for item in part]
        levels = {self._steady(each, "HOA", name) for each in timelines}
        if len(levels) > 1:
            raise self._document.error(f"{name}: HOA channels have different gains")
        in_order = list(range(len(by_acn)))
        if names == {"fuma"}:
            in_order = [fuma.ACN[channel] for channel in fuma.SETS[len(by_acn)]]
        channels = tuple(by_acn[acn].index for acn in in_order)
        locked = self._locked(part, name)
        gain = _gain(part[0].path) * levels.pop()
        return Ambisonics(name, channels, gain, order, names.pop(), locked)

    # --- finished sound ------------------------------------------------------------------------

    def _ears(self, members: list[Item]) -> list[Part]:
        found: list[Part] = []
        for part in _instances(members, _ear):
            name = _name(part[0], [])
            by_ear = {_ear(item): item for item in part}
            if set(by_ear) != {"left", "right"}:
                said = ", ".join(item.channel.name for item in part)
                self.notes.add(f"Binaural channels without a pair ({said}) are left out", name)
                continue
            pair = by_ear["left"], by_ear["right"]
            left, right = (self._steady(self._timeline(item, name), "Binaural", name)
                           for item in pair)  # fmt: skip
            if left != right:
                raise self._document.error(f"{name}: Binaural channels have different gains")
            channels = pair[0].index, pair[1].index
            found.append(Ears(name, channels, _gain(part[0].path) * left))
        return found


def _ear(item: Item) -> str:
    """Which ear a channel is for, by the names of BS.2076 and BS.2094; "" for other names."""
    names = (*item.channel.blocks.labels, item.channel.name)
    for ear in ("left", "right"):
        if any(name.lower().startswith(ear) or name.lower() == ear[0] for name in names):
            return ear
    return ""


def _instances(members: list[Item], key: Callable[[Item], str]) -> list[list[Item]]:
    """The members in sets in which no key comes twice, in their order."""
    sets: list[dict[str, Item]] = []
    for item in members:
        name = key(item)
        place = next((each for each in sets if name not in each), None)
        if place is None:
            sets.append(place := {})
        place[name] = item
    return [list(each.values()) for each in sets]


def _gain(path: Sequence[AudioObject]) -> float:
    return prod(each.gain for each in path)


def _name(item: Item, members: list[Item]) -> str:
    """The name of the object, with the channel's if it has several."""
    if not item.path:
        return item.channel.name
    name = item.path[-1].name
    return f"{name}: {item.channel.name}" if len(members) > 1 else name
