"""Paths of the sources and the head: rest, orbits, recorded head traces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import (
    quaternion_from_ypr_deg,
    quaternion_multiply,
    quaternion_normalise,
    rotate,
    slerp,
    unit_vectors,
)
from auricle.plugin_core.motion.keyframes import MOST_M
from auricle.plugin_core.motion.timed_csv import TIME, XYZ, check_xyz, read_csv, timed_rows

_QUATERNION = ("qw", "qx", "qy", "qz")
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")


class Trajectory(Protocol):
    """The place of a source, and its level, at any time."""

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        ...

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,)."""
        ...


class Head(Protocol):
    """The listener's head at any time."""

    def orientations(self, seconds: Array) -> Array:
        """Unit quaternions [w, x, y, z] (J, 4) at times (J,)."""
        ...

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        ...


@dataclass(frozen=True)
class SourcePath:
    """A source at rest, or on a circle around the listener.

    Attributes:
        azimuth_deg: at time 0; counter-clockwise, 90 is left.
        elevation_deg: up.
        distance_m: from the listener's first place.
        orbit_seconds: time of a turn, counter-clockwise; negative the other way; None: at rest.
    """

    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    distance_m: float = 1.0
    orbit_seconds: float | None = None

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        turn_deg = 360.0 * seconds / self.orbit_seconds if self.orbit_seconds else 0.0 * seconds
        return self.distance_m * unit_vectors(self.azimuth_deg + turn_deg, self.elevation_deg)

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,): always 1."""
        return np.ones(len(seconds))


@dataclass(frozen=True)
class RotatedPath:
    """Another path turned around the origin's vertical axis: one side of a stereo pair."""

    path: Trajectory
    side_deg: float

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        return rotate(quaternion_from_ypr_deg(self.side_deg), self.path.positions_m(seconds))

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,)."""
        return self.path.gains(seconds)


@dataclass(frozen=True)
class OnHead:
    """A path in the axes of the head, which goes and turns with it."""

    path: Trajectory
    head: Head

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) in the room at times (J,)."""
        seen = rotate(self.head.orientations(seconds), self.path.positions_m(seconds))
        return self.head.positions_m(seconds) + seen

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,)."""
        return self.path.gains(seconds)


class HeadTrack:
    """A recorded head: orientations and positions at any time, from a POSES.csv.

    Columns ``time_seconds`` with ``qw,qx,qy,qz`` or ``yaw_deg,pitch_deg,roll_deg``, and perhaps
    ``x,y,z`` in metres. Between rows orientations go by slerp and positions linearly; time counts
    from the first row; before it and behind the last one the head rests.

    Raises:
        AuricleError: a file, column or value that cannot be used; names the line.
    """

    def __init__(self, path: str | Path) -> None:
        times, poses, places = _read(Path(path))
        self._times = times - times[0]
        self._poses, self._places = poses, places

    @property
    def seconds(self) -> float:
        """Time of the last row."""
        return float(self._times[-1])

    def orientations(self, seconds: Array) -> Array:
        """Unit quaternions [w, x, y, z] (J, 4) at times (J,)."""
        if len(self._times) == 1:
            return np.repeat(self._poses, len(seconds), axis=0)
        after = np.clip(np.searchsorted(self._times, seconds), 1, len(self._times) - 1)
        begin, end = self._times[after - 1], self._times[after]
        share = np.clip((seconds - begin) / (end - begin), 0.0, 1.0)
        return slerp(self._poses[after - 1], self._poses[after], share)

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,); the origin where the file has none."""
        columns = [np.interp(seconds, self._times, self._places[:, i]) for i in range(3)]
        return np.stack(columns, axis=1)


class PosedHead:
    """A head that rests in a pose, or moves from there as a trace does.

    Args:
        orientation: of the start, a unit quaternion [w, x, y, z]; position_m: (3,).
        track: the motion, in the axes of that pose.
    """

    def __init__(
        self, orientation: Array, position_m: Array, track: HeadTrack | None = None
    ) -> None:
        self._orientation = np.asarray(orientation, dtype=np.float64)
        self._position_m = np.asarray(position_m, dtype=np.float64)
        self._track = track

    def orientations(self, seconds: Array) -> Array:
        """Unit quaternions [w, x, y, z] (J, 4) at times (J,)."""
        if self._track is None:
            return np.repeat(self._orientation[None], len(seconds), axis=0)
        return quaternion_multiply(self._orientation, self._track.orientations(seconds))

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        if self._track is None:
            return np.repeat(self._position_m[None], len(seconds), axis=0)
        return self._position_m + rotate(self._orientation, self._track.positions_m(seconds))


def _read(path: Path) -> tuple[Array, Array, Array]:
    rows = read_csv(path, "time_seconds,qw,...")
    header = rows[0]
    angles = _ANGLES if set(_ANGLES) <= set(header) else _QUATERNION
    if TIME not in header or not set(angles) <= set(header):
        raise AuricleError(
            f"{path}: line 1 must name time_seconds and qw,qx,qy,qz or yaw_deg,pitch_deg,roll_deg, "
            f"not {','.join(header)[:80]!r}"
        )
    check_xyz(path, header)
    placed = set(XYZ) <= set(header)
    table = timed_rows(path, rows, [*angles, *(XYZ if placed else ())], "poses")
    poses = table.values[:, : len(angles)]
    places = table.values[:, len(angles) :] if placed else np.zeros((len(table.times), 3))
    far = np.any(np.abs(places) > MOST_M, axis=1)
    if np.any(far):
        raise AuricleError(
            f"{path}: line {table.lines[int(np.argmax(far))]}: the head is more than {MOST_M:g} m "
            "away; are the numbers metres?"
        )
    if angles == _ANGLES:
        return table.times, quaternion_from_ypr_deg(*poses.T), places
    zero = ~(np.linalg.norm(poses, axis=1) > 1e-6)
    if np.any(zero):
        line = table.lines[int(np.argmax(zero))]
        raise AuricleError(f"{path}: line {line}: the quaternion is zero")
    return table.times, quaternion_normalise(poses), places
