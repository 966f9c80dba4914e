"""audioBlockFormat: what a channel is and where, block after block, as rows of numbers."""

from array import array
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.plugin_core.adm.elements import Element

Rows: TypeAlias = NDArray[np.float64]

# Columns of a row. Times in seconds, NaN where the file has none. CARTESIAN is 1 where the place is
# X, Y, Z, and 0 where it is azimuth, elevation, distance. RAMP is how long the way from the place
# before takes, NaN: as long as the block. WIDTH, DEPTH and HEIGHT are the sizes along X, Y and Z
# where the place is Cartesian (1: from the middle of the room to its wall); else degrees, and DEPTH
# a length. LOCKED is 1 where the place turns with the head.
START, DURATION, CARTESIAN, FIRST, SECOND, THIRD, GAIN, RAMP, WIDTH, DEPTH, HEIGHT, LOCKED = range(
    12
)
N_COLUMNS = 12

_POLAR, _CARTESIAN = ("azimuth", "elevation", "distance"), ("X", "Y", "Z")
_MISSING = float("nan")
# What a block may ask for and is not played: numbers that do if they are not 0, and flags.
_UNPLAYED = {"height", "depth", "diffuse", "objectDivergence"}
_UNPLAYED_FLAGS = {"channelLock", "screenRef"}


@dataclass
class Blocks:
    """The blocks of a channel, and what is the same for all of them.

    Attributes:
        labels: of a loudspeaker, from its first block.
        order, degree, normalisation, reference_distance: of an ambisonic channel.
        unplayed: names of what the blocks ask for and is not played.
    """

    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    labels: tuple[str, ...] = ()
    order: int | None = None
    degree: int | None = None
    normalisation: str = ""
    reference_distance: float = 0.0
    unplayed: set[str] = field(default_factory=set)

    @property
    def rows(self) -> Rows:
        """All blocks (J, N_COLUMNS)."""
        return np.array(self.numbers, dtype=np.float64).reshape(-1, N_COLUMNS)


def add_block(blocks: Blocks, kind: str, element: Element) -> None:
    """Append what an audioBlockFormat says.

    Args:
        blocks: rows so far.
        kind: of the channel.
        element: the audioBlockFormat.

    Raises:
        AdmError: a number, a time or a place that is missing or cannot be.
    """
    first = not blocks.numbers
    start = element.attribute_time("rtime")
    duration = element.attribute_time("duration")
    row = [_MISSING if start is None else start, _MISSING if duration is None else duration]
    values = {child.tag: child for child in element.children}
    if kind == "Objects":
        row += _place(element, "Objects")
    elif kind == "DirectSpeakers":
        row += _place(element, kind)
        if first:
            blocks.labels = element.texts("speakerLabel")
    else:
        row += [0.0, 0.0, 0.0, 1.0]
        if kind == "HOA" and first:
            _ambisonic(blocks, values)
    row.append(values["gain"].gain() if "gain" in values else 1.0)
    if kind == "Objects":
        row += [_ramp(values), *_sizes(values, row[CARTESIAN] == 1.0)]
        _collect_unplayed(blocks, element)
    else:
        row += [0.0] * (LOCKED - len(row))
    row.append(float("headLocked" in values and values["headLocked"].flag()))
    blocks.numbers.extend(row)


def _place(element: Element, kind: str) -> list[float]:
    """CARTESIAN, FIRST, SECOND, THIRD."""
    found: dict[str, float] = {}
    for child in element.all("position"):
        if child.attributes.get("bound", "value") != "value":
            continue  # the limits within which a loudspeaker may stand
        name = child.attributes.get("coordinate", "")
        if name in found:
            raise element.error(f"has the position's {name} twice; export the file again")
        found[name] = child.number()
    for cartesian, names, default in ((0.0, _POLAR, 1.0), (1.0, _CARTESIAN, 0.0)):
        if set(names[:2]) <= set(found) <= set(names):
            place = [found.get(name, default) for name in names]
            if not cartesian and not -90.0 <= place[1] <= 90.0:
                raise element.error(f"the elevation is from -90 to 90, got {place[1]:g}")
            if max(map(abs, place)) > 1e6 or (not cartesian and place[2] < 0.0):
                raise element.error(f"the position {place} cannot be; export the file again")
            return [cartesian, *place]
    said = ", ".join(sorted(found))[:80] or "none"
    raise element.error(
        f"a position of {kind} has azimuth and elevation, or X and Y, perhaps distance or Z; this "
        f"has {said}"
    )


def _ramp(values: dict[str, Element]) -> float:
    """How long the way from the block before takes (BS.2127, 7.3); NaN: as long as the block."""
    jump = values.get("jumpPosition")
    if jump is None or not jump.flag():
        return _MISSING
    seconds = jump.attribute_number("interpolationLength")
    if seconds is not None and seconds < 0.0:
        raise jump.error(f"interpolationLength is 0 s or more, got {seconds:g}")
    return seconds or 0.0


def _sizes(values: dict[str, Element], cartesian: bool) -> list[float]:
    """WIDTH, DEPTH and HEIGHT."""
    sizes = []
    for name in ("width", "depth", "height"):
        size = values[name].number() if name in values else 0.0
        most = 1.0 if cartesian or name == "depth" else 360.0
        if size < 0.0:
            raise values[name].error(f"is 0 or more, got {size:g}; export the file again")
        sizes.append(min(size, most))
    return sizes


def _ambisonic(blocks: Blocks, values: dict[str, Element]) -> None:
    for name in ("order", "degree"):
        if name in values:
            value = values[name].number()
            if value != int(value) or abs(value) > 50:
                raise values[name].error(f"must be a small whole number, got {value:g}")
            setattr(blocks, name, int(value))
    if "normalization" in values:
        blocks.normalisation = values["normalization"].text.strip()
    if "nfcRefDist" in values:
        blocks.reference_distance = values["nfcRefDist"].number()


def _collect_unplayed(blocks: Blocks, element: Element) -> None:
    for child in element.children:
        tag = child.tag
        if tag in _UNPLAYED:
            if child.number() != 0.0:
                blocks.unplayed.add(tag)
        elif tag in _UNPLAYED_FLAGS:
            if child.flag():
                blocks.unplayed.add(tag)
        elif tag == "zoneExclusion" and child.children:
            blocks.unplayed.add(tag)
        elif tag == "position" and "screenEdgeLock" in child.attributes:
            blocks.unplayed.add("screenEdgeLock")
