"""Where sources and the head are at each moment: rest, orbits, recorded head traces."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import (
    quaternion_from_ypr_deg,
    quaternion_normalise,
    slerp,
    unit_vectors,
)

Array = NDArray[np.float64]

_POSITION = ("x", "y", "z")
_QUATERNION = ("qw", "qx", "qy", "qz")
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")


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


def _read(path: Path) -> tuple[Array, Array, Array]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError as error:
        raise AuricleError(f"{path}: no such file; check the name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AuricleError(f"{path}: not a CSV text file; give time_seconds,qw,...") from error
    header = [name.strip() for name in rows[0]] if rows else []
    angles = _ANGLES if set(_ANGLES) <= set(header) else _QUATERNION
    if "time_seconds" not in header or not set(angles) <= set(header):
        raise AuricleError(
            f"{path}: line 1 must name time_seconds and qw,qx,qy,qz or yaw_deg,pitch_deg,roll_deg, "
            f"not {','.join(header)[:80]!r}"
        )
    if 0 < len(set(_POSITION) & set(header)) < 3:
        raise AuricleError(f"{path}: line 1 names only some of x, y, z; give all three or none")
    names = ["time_seconds", *angles, *(n for n in _POSITION if set(_POSITION) <= set(header))]
    values, lines = _numbers(path, rows, header, names)
    order = np.concatenate([[True], np.diff(values[:, 0]) > 0.0])
    if np.any(np.diff(values[:, 0]) < 0.0):
        line = lines[int(np.argmax(np.diff(values[:, 0]) < 0.0)) + 1]
        raise AuricleError(f"{path}: line {line}: time_seconds runs backwards; sort the rows")
    values, lines = values[order], lines[order]  # a repeated time stamp keeps its first row
    poses = values[:, 1 : 1 + len(angles)]
    places = values[:, 1 + len(angles) :] if len(names) > 1 + len(angles) else np.zeros((1, 3))
    places = np.broadcast_to(places, (len(values), 3))
    if angles == _ANGLES:
        return values[:, 0], quaternion_from_ypr_deg(*poses.T), places
    zero = ~(np.linalg.norm(poses, axis=1) > 1e-6)
    if np.any(zero):
        raise AuricleError(f"{path}: line {lines[int(np.argmax(zero))]}: the quaternion is zero")
    return values[:, 0], quaternion_normalise(poses), places


def _numbers(
    path: Path, rows: list[list[str]], header: list[str], names: list[str]
) -> tuple[Array, NDArray[np.int64]]:
    """The named columns (J, len(names)), and the line of each row."""
    columns = [header.index(name) for name in names]
    values = np.empty((len(rows) - 1, len(names)))
    lines = np.empty(len(rows) - 1, dtype=np.int64)
    kept = 0
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        for i, (column, name) in enumerate(zip(columns, names, strict=True)):
            try:
                values[kept, i] = float(row[column])
            except (ValueError, IndexError) as error:
                raise AuricleError(f"{path}: line {line}: {name} is not a number") from error
            if not np.isfinite(values[kept, i]):
                raise AuricleError(
                    f"{path}: line {line}: {name} is {row[column].strip()}; remove the row"
                )
        lines[kept] = line
        kept += 1
    if kept == 0:
        raise AuricleError(f"{path}: has a header but no poses")
    return values[:kept], lines[:kept]
