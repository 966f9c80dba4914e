"""Blocks as places and levels at times, as BS.2127 (7.3) plays them.

A block that begins where the one before ends is reached from there in a straight ramp of place and
level, which takes as long as the block, or the interpolationLength of a jumpPosition. Any other
block begins with a jump. Between blocks there is silence.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.plugin_core.adm.blocks import (
    CARTESIAN,
    DURATION,
    FIRST,
    GAIN,
    HEIGHT,
    RAMP,
    START,
    THIRD,
    WIDTH,
    Rows,
)
from auricle.plugin_core.adm.positions import polar_from_room, width_deg_from_room
from auricle.plugin_core.errors import AdmError

Note = Callable[[str], None]

# Times have five decimals in most files, so ends and starts that belong together may differ.
TOLERANCE_SECONDS = 1e-3
_JUST_BEFORE_SECONDS = 1e-9


@dataclass(frozen=True)
class Timeline:
    """The place and level of a channel at times (J,); the first time is 0.

    Attributes:
        seconds: (J,) rising, of the file.
        places: (J, 3) azimuth (deg, + left), elevation (deg), distance (1: of the loudspeakers).
        gains: (J,) linear.
        widths_deg: (J,) 0 to 360.
        jumps: (J,) whether it stays there until the next time, in place of going straight on.
    """

    seconds: Array
    places: Array
    gains: Array
    widths_deg: Array
    jumps: NDArray[np.bool_]

    @property
    def is_still(self) -> bool:
        """Whether nothing ever changes."""
        return len(self.seconds) == 1


def timeline(
    rows: Rows, start: float, end: float, file_seconds: float, offset: dict[str, float], note: Note
) -> Timeline:
    """The timeline of blocks (J, N_COLUMNS) of an object that plays from start to end.

    Args:
        rows: as in ``Blocks``; start, end: seconds of the file, end may be infinite.
        file_seconds: length of the file; nothing is written down behind it.
        offset: positionOffset of the object by coordinate.
        note: called with what had to be changed.

    Raises:
        AdmError: blocks without a time, or out of order.
    """
    rows = _within(_without_doubles(rows, note), start, end)
    if len(rows) == 0:
        zero = np.zeros(1)
        return Timeline(zero, np.array([[0.0, 0.0, 1.0]]), zero, zero, np.ones(1, bool))
    places = _places(rows, offset, note)
    places = np.column_stack([places, _widths_deg(rows, places)])
    begins, ends = _times(rows, start, end, file_seconds, note)
    gains, ramps = rows[:, GAIN], rows[:, RAMP]
    if np.any(begins + np.nan_to_num(ramps) > ends + TOLERANCE_SECONDS):
        note("interpolationLength longer than its block, cut to the block")
    arrivals = np.where(np.isnan(ramps), ends, np.minimum(begins + ramps, ends))
    follows = np.concatenate([[False], begins[1:] == ends[:-1]])
    points = _Points()
    if begins[0] > 0.0:
        points.add(0.0, places[0], 0.0, True)
    for k in range(len(rows)):
        if follows[k] and arrivals[k] > begins[k]:
            points.add(begins[k], places[k - 1], gains[k - 1], False)
            points.add(arrivals[k], places[k], gains[k], True)
        else:
            points.add(begins[k], places[k], gains[k], True)
        silent = k + 1 == len(rows) or not follows[k + 1]
        if silent and ends[k] < file_seconds - TOLERANCE_SECONDS:
            points.add(ends[k], places[k], 0.0, True)
    return points.timeline()


def _without_doubles(rows: Rows, note: Note) -> Rows:
    """Of blocks that begin at one time the last, which is jumped to.

    A block without a duration before another is no such: it says where that one's ramp begins.
    """
    begins, lengths = rows[:, START].copy(), rows[:, DURATION]
    begins[:1] = np.nan_to_num(begins[:1])
    same = (np.diff(begins) == 0.0) & (lengths[:-1] > 0.0)
    if not np.any(same):
        return rows
    note("blocks that begin at one time, of which the last counts")
    rows = rows.copy()
    rows[1:][same, RAMP] = 0.0
    return rows[~np.append(same, False)]


def _within(rows: Rows, start: float, end: float) -> Rows:
    """The blocks that begin before the object ends; AdmError if they are not in order."""
    begins = rows[:, START]
    if len(rows) > 1 and np.any(np.isnan(begins[1:])):
        raise AdmError("has several blocks and one without rtime; export the file again")
    begins = np.nan_to_num(begins)
    steps = np.diff(begins)
    late = np.flatnonzero(steps < 0.0)
    if late.size:
        raise AdmError(
            f"its blocks are out of order: block {late[0] + 2} begins at {begins[late[0] + 1]:g} s "
            f"and the one before at {begins[late[0]]:g} s; export the file again"
        )
    return rows[start + begins < end]


def _times(
    rows: Rows, start: float, end: float, file_seconds: float, note: Note
) -> tuple[Array, Array]:
    """Begins and ends of the blocks (J,) in seconds of the file; neighbours meet exactly."""
    begins = np.nan_to_num(rows[:, START]) + start
    last = end if np.isfinite(end) else max(file_seconds, begins[-1])
    following = np.append(begins[1:], last)
    lengths = rows[:, DURATION]
    ends = np.where(np.isnan(lengths), following, begins + np.nan_to_num(lengths))
    if np.any(ends[:-1] > following[:-1] + TOLERANCE_SECONDS):
        note("blocks that overlap, cut where the next begins")
    meet = ends >= following - TOLERANCE_SECONDS
    meet[-1] = ends[-1] > end
    return begins, np.where(meet, following, ends)


def _places(rows: Rows, offset: dict[str, float], note: Note) -> Array:
    places = rows[:, FIRST : THIRD + 1].copy()
    cartesian = rows[:, CARTESIAN] == 1.0
    for names, chosen in (
        (("azimuth", "elevation", "distance"), ~cartesian), (("X", "Y", "Z"), cartesian),
    ):  # fmt: skip
        added = [offset.get(name, 0.0) for name in names]
        if np.any(added) and not np.any(chosen):
            note("positionOffset in other coordinates than the position, left out")
        places[chosen] += added
    places[cartesian] = polar_from_room(places[cartesian])
    places[:, 1] = np.clip(places[:, 1], -90.0, 90.0)
    places[:, 2] = np.maximum(places[:, 2], 0.0)
    return places


def _widths_deg(rows: Rows, places: Array) -> Array:
    """Widths (J,) of blocks at polar places (J, 3)."""
    widths = rows[:, WIDTH].copy()
    room = rows[:, CARTESIAN] == 1.0
    widths[room] = width_deg_from_room(places[room], rows[room, WIDTH : HEIGHT + 1])
    return widths


class _Points:
    """Points at rising times, of which those that say nothing new are left out."""

    def __init__(self) -> None:
        self._points: list[tuple[float, tuple[float, ...], float, bool]] = []

    def add(self, seconds: float, place: Array, gain: float, jump: bool) -> None:
        """A point at a time that is not before the last one's."""
        point = (float(seconds), tuple(place.tolist()), float(gain), jump)
        points = self._points
        if points and points[-1][0] >= seconds:
            if len(points) > 1 and points[-1][1:3] != point[1:3] and not points[-2][3]:
                # A ramp ends where a jump begins: it ends just before.
                before = max(seconds - _JUST_BEFORE_SECONDS, (points[-2][0] + seconds) / 2.0)
                points[-1] = (before, *points[-1][1:3], True)
            else:
                points.pop()
        while len(points) > 1 and points[-1][1:3] == point[1:3] == points[-2][1:3]:
            points.pop()
        points.append(point)

    def timeline(self) -> Timeline:
        points = self._points
        while len(points) > 1 and points[-1][1:3] == points[-2][1:3]:
            points.pop()
        seconds, states, gains, jumps = zip(*points, strict=True)
        if len(points) == 1:
            seconds = (0.0,)
        places = np.array(states)
        return Timeline(
            np.array(seconds), places[:, :3], np.array(gains), places[:, 3], np.array(jumps)
        )
