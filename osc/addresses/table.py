"""The table of all addresses: what each takes, its ranges and what it does.

The router checks messages against this table and nothing else; docs/osc.md prints it.
``python -m auricle.osc.addresses.table`` writes the table for the page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auricle.osc.errors import BadArgumentsError, NonfiniteError

MAX_TEXT = 128
MAX_PATH = 1024
# +20 dB. ADM-OSC sets no maximum and leaves it to the receiver; ears do.
MAX_GAIN = 10.0
MAX_DISTANCE_M = 1000.0

INFINITE = math.inf


@dataclass(frozen=True)
class Number:
    """A float argument, clamped to its range; ints and doubles are welcome."""

    name: str
    low: float
    high: float
    unit: str = ""

    tag = "f"

    def value(self, given: Any) -> tuple[float, bool]:
        """The number within the range, and whether it had to be clamped."""
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            raise BadArgumentsError(f"{self.name} is a number, not {type(given).__name__}")
        if not math.isfinite(given):
            raise NonfiniteError(f"{self.name} is {given}")
        kept = min(max(float(given), self.low), self.high)
        return kept, kept != given


@dataclass(frozen=True)
class Switch:
    """An int argument, 0 or 1; T, F and floats are welcome, a half or more is on."""

    name: str

    tag = "i"
    low, high, unit = 0, 1, ""

    def value(self, given: Any) -> tuple[bool, bool]:
        """On or off, and whether the number was out of 0..1."""
        if not isinstance(given, (bool, int, float)):
            raise BadArgumentsError(f"{self.name} is 0 or 1, not {type(given).__name__}")
        if not math.isfinite(given):
            raise NonfiniteError(f"{self.name} is {given}")
        return given >= 0.5, not 0 <= given <= 1


@dataclass(frozen=True)
class Text:
    """A string argument, cut at its longest."""

    name: str
    longest: int = MAX_TEXT

    tag = "s"

    def value(self, given: Any) -> tuple[str, bool]:
        """The text, and whether it had to be cut."""
        if not isinstance(given, str):
            raise BadArgumentsError(f"{self.name} is a string, not {type(given).__name__}")
        return given[: self.longest], len(given) > self.longest


@dataclass(frozen=True)
class Address:
    """An address in the table.

    Attributes:
        template: with {n} where the number of a source stands, from 1.
        arguments: what a message to it must carry; none: a command.
        doc: what it does.
        queried: whether a message without arguments is answered with the value.
        is_heavy: it touches the whole scene, so one datagram may hold but two of them.
    """

    template: str
    arguments: tuple[Number | Switch | Text, ...]
    doc: str
    queried: bool = True
    is_heavy: bool = False

    @property
    def tags(self) -> str:
        """OSC type tags, as the sender should choose them."""
        return "".join(argument.tag for argument in self.arguments)

    @cached_property
    def _ranges(self) -> tuple[tuple[float, float], ...]:
        """The ranges, where all arguments are numbers."""
        numbers = [each for each in self.arguments if isinstance(each, Number)]
        return tuple((each.low, each.high) for each in numbers) * (
            len(numbers) == len(self.arguments)
        )

    def values(self, given: Sequence[Any]) -> tuple[Sequence[Any], bool]:
        """The arguments in range, and whether any was clamped; raises BadArgumentsError."""
        ranges = self._ranges
        if len(ranges) == 1 == len(given):
            ((low, high),) = ranges
            if given[0].__class__ is float and low <= given[0] <= high:
                return given, False
        elif ranges and len(given) == len(ranges):
            # Almost all messages: floats in range, which are to be passed on as they are.
            for value, (low, high) in zip(given, ranges, strict=True):
                if value.__class__ is not float or not low <= value <= high:
                    break
            else:
                return given, False
        if len(given) != len(self.arguments):
            raise BadArgumentsError(f"{self.template} takes {self.tags}, got {len(given)} values")
        pairs = [argument.value(each) for argument, each in zip(self.arguments, given, strict=True)]
        return tuple(pair[0] for pair in pairs), any(pair[1] for pair in pairs)


_AZIMUTH = Number("azimuth", -180.0, 180.0, "deg, + left")
_ELEVATION = Number("elevation", -90.0, 90.0, "deg, + up")
_DISTANCE = Number("distance", 0.0, 1.0, "of dmax")
_X = Number("x", -1.0, 1.0, "of dmax, + right")
_Y = Number("y", -1.0, 1.0, "of dmax, + front")
_Z = Number("z", -1.0, 1.0, "of dmax, + up")
_YAW = Number("yaw", -180.0, 180.0, "deg, + left")
_PITCH_UP = Number("pitch", -180.0, 180.0, "deg, + up")
_ROLL_RIGHT = Number("roll", -180.0, 180.0, "deg, + to the right")
_XYZ_M = (
    Number("x", -MAX_DISTANCE_M, MAX_DISTANCE_M, "m, + front"),
    Number("y", -MAX_DISTANCE_M, MAX_DISTANCE_M, "m, + left"),
    Number("z", -MAX_DISTANCE_M, MAX_DISTANCE_M, "m, + up"),
)

ADM = (
    Address("/adm/obj/{n}/azim", (_AZIMUTH,), "direction; elevation and distance stay"),
    Address("/adm/obj/{n}/elev", (_ELEVATION,), "direction; azimuth and distance stay"),
    Address("/adm/obj/{n}/dist", (_DISTANCE,), "distance; the direction stays"),
    Address("/adm/obj/{n}/aed", (_AZIMUTH, _ELEVATION, _DISTANCE), "position, polar"),
    Address("/adm/obj/{n}/x", (_X,), "position; y and z stay"),
    Address("/adm/obj/{n}/y", (_Y,), "position; x and z stay"),
    Address("/adm/obj/{n}/z", (_Z,), "position; x and y stay"),
    Address("/adm/obj/{n}/xy", (_X, _Y), "position; z stays"),
    Address("/adm/obj/{n}/xyz", (_X, _Y, _Z), "position, cartesian"),
    Address("/adm/obj/{n}/w", (Number("width", 0.0, 1.0),), "width, 1: 180 deg"),
    Address("/adm/obj/{n}/gain", (Number("gain", 0.0, MAX_GAIN, "linear"),), "level"),
    Address(
        "/adm/obj/{n}/dref",
        (Number("distance", 0.0, 1.0, "of dmax"),),
        "from where the level falls as 1/r; 1: nowhere",
    ),
    Address(
        "/adm/obj/{n}/dmax",
        (Number("distance", 0.01, MAX_DISTANCE_M, "m"),),
        "metres of the normalised distance 1",
    ),
    Address("/adm/obj/{n}/mute", (Switch("muted"),), "silence"),
    Address("/adm/obj/{n}/name", (Text("name"),), "label"),
    Address("/adm/lis/x", (_X,), "place of the head; y and z stay"),
    Address("/adm/lis/y", (_Y,), "place of the head; x and z stay"),
    Address("/adm/lis/z", (_Z,), "place of the head; x and y stay"),
    Address("/adm/lis/xyz", (_X, _Y, _Z), "place of the head"),
    Address("/adm/lis/yaw", (_YAW,), "orientation of the head; pitch and roll stay"),
    Address("/adm/lis/pitch", (_PITCH_UP,), "orientation of the head; yaw and roll stay"),
    Address("/adm/lis/roll", (_ROLL_RIGHT,), "orientation of the head; yaw and pitch stay"),
    Address("/adm/lis/ypr", (_YAW, _PITCH_UP, _ROLL_RIGHT), "orientation of the head"),
    Address("/adm/env/change", (Text("scene"),), "a change of scene or programme"),
)

OWN = (
    Address("/auricle/source/{n}/xyz", _XYZ_M, "position"),
    Address(
        "/auricle/source/{n}/aed",
        (
            Number("azimuth", -360.0, 360.0, "deg, + left"),
            Number("elevation", -90.0, 90.0, "deg, + up"),
            Number("distance", 0.0, MAX_DISTANCE_M, "m"),
        ),
        "position, polar",
    ),
    Address("/auricle/source/{n}/gain", (Number("gain", 0.0, MAX_GAIN, "linear"),), "level"),
    Address("/auricle/source/{n}/mute", (Switch("muted"),), "silence"),
    Address("/auricle/source/{n}/name", (Text("name"),), "label"),
    Address(
        "/auricle/listener/quat",
        tuple(Number(axis, -1.0, 1.0) for axis in "wxyz"),
        "orientation of the head, head to world, in axes x front, y left, z up",
    ),
    Address(
        "/auricle/listener/ypr",
        (
            Number("yaw", -360.0, 360.0, "deg, + left"),
            Number("pitch", -360.0, 360.0, "deg, + nose down"),
            Number("roll", -360.0, 360.0, "deg, + left ear up"),
        ),
        "orientation of the head, intrinsic z-y-x by the right-hand rule",
    ),
    Address("/auricle/listener/xyz", _XYZ_M, "place of the head"),
    Address("/auricle/listener/recentre", (), "where the head looks now is the front", False),
    Address(
        "/auricle/hrtf",
        (Text("file", MAX_PATH),),
        "another listener's set, a SOFA file under a folder given at the start",
    ),
    Address("/auricle/reset", (), "everything as at the start", False, is_heavy=True),
    Address("/auricle/stats", (), "answered with the statistics, a string of JSON"),
)

TABLE: tuple[Address, ...] = (*ADM, *OWN)


def as_markdown(addresses: Sequence[Address] = TABLE) -> str:
    """The table for docs/osc.md."""
    lines = ["| address | types | arguments | what it does |", "|---|---|---|---|"]
    for each in addresses:
        arguments = "; ".join(_describe(argument) for argument in each.arguments) or "none"
        lines.append(f"| `{each.template}` | {each.tags or '-'} | {arguments} | {each.doc} |")
    return "\n".join(lines)


def _describe(argument: Number | Switch | Text) -> str:
    if isinstance(argument, Text):
        return f"{argument.name}, at most {argument.longest} characters"
    unit = f" {argument.unit}" if argument.unit else ""
    return f"{argument.name} {argument.low:g} to {argument.high:g}{unit}"


if __name__ == "__main__":
    print(as_markdown())
