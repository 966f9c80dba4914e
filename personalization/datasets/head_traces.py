"""Published recordings of heads, brought to Auricle's axes.

The axes were found in the data, since the sets do not say them:

- hololens: Unity's: x right, y up, z front, left-handed. The head's height (y) varies least and the
  rotation about y most; who walks faster than 0.3 m/s walks along +z of the head (users 3 and 4:
  mean cosine 0.5 and 0.8, with the rotations reversed -0.1 and -0.6). Time in 100 ns ticks.
- multiviewpoint: z up, x front, y left, right-handed, head to world. The heads' third axis stays up
  (0.96 to 0.98 on average), the second one level (its height varies by 0.03 to 0.08, that of the
  first by 0.16 to 0.22), so people nod about the second. What the data cannot tell is front from
  back.
- avtrack360: yaw, pitch, roll in whole degrees at 10 Hz. The signs cannot be found in the data:
  yaw + is taken as left, pitch + as up.
- tum: a camera's axes, x right, y down, z front, in a world with z up.
"""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import (
    quaternion_from_ypr_deg,
    quaternion_multiply,
    quaternion_normalise,
)
from auricle.personalization.datasets.subjects import DatasetError


@dataclass(frozen=True)
class HeadTrace:
    """One recording of a head.

    Attributes:
        seconds: (J,) increasing, the first 0.
        orientations: (J, 4) unit quaternions [w, x, y, z], head to world, without flips of sign.
        positions_m: (J, 3) from the first place; zeros where only rotations were recorded.
    """

    seconds: Array
    orientations: Array
    positions_m: Array


def hololens(path: Path) -> HeadTrace:
    """One of the four users of Guel et al. 2020 who walk round an object, at about 60 Hz."""
    table = _rows(path, ",")[1:]
    values = _numbers(path, table)
    ticks = np.array([int(float(row[0])) for row in table])
    _, x, y, z, qx, qy, qz, qw = _columns(path, values, 8)
    # A reflected frame turns the other way: the axis of rotation maps with the sign reversed.
    orientations = np.stack([qw, -qz, qx, -qy], axis=1)
    return _trace(path, (ticks - ticks[0]) * 1e-7, orientations, np.stack([z, -x, y], axis=1))


def multiviewpoint(path: Path) -> HeadTrace:
    """One of the four users of the MultiViewpoint recordings, rotations at about 59 Hz."""
    values = _numbers(path, _rows(path, None)[1:])
    seconds = _columns(path, values, 6)[0]
    return _trace(path, seconds, values[:, 2:6], np.zeros((len(values), 3)))


def avtrack360(path: Path, subject: str) -> HeadTrace:
    """The first film of one of the 48 subjects of AVTrack360, rotations at 10 Hz."""
    kept = [row for row in _rows(path, ",")[1:] if row[0] == subject]
    if not kept:
        raise DatasetError(f"{path}: no subject {subject}; it has {', '.join(subjects(path)[:8])}")
    kept = [row[2:6] for row in kept if row[1] == kept[0][1]]
    seconds, yaw, pitch, roll = _columns(path, _numbers(path, kept), 4)
    orientations = quaternion_from_ypr_deg(yaw, -pitch, roll)
    return _trace(path, seconds, orientations, np.zeros((len(seconds), 3)))


def subjects(path: Path) -> list[str]:
    """The subjects in a file of AVTrack360, in its order."""
    return list(dict.fromkeys(row[0] for row in _rows(path, ",")[1:]))


def tum(path: Path) -> HeadTrace:
    """A camera held in the hand, TUM's fr2_desk."""
    values = _numbers(path, _rows(path, None))
    _columns(path, values, 8)
    # Head axes in the camera's: front = z, left = -x, up = -y.
    head_in_camera = quaternion_normalise([0.5, 0.5, -0.5, 0.5])
    orientations = quaternion_multiply(values[:, [7, 4, 5, 6]], head_in_camera)
    return _trace(path, values[:, 0], orientations, values[:, 1:4])


def _rows(path: Path, separator: str | None) -> list[list[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt") as file:
            if separator is None:
                split = [line.split() for line in file if not line.startswith("#")]
            else:
                split = list(csv.reader(line for line in file if not line.startswith("#")))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
    return [row for row in split if len(row) == len(split[0])]  # one trace ends within a line


def _numbers(path: Path, rows: list[list[str]]) -> Array:
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: is not a table of numbers ({error})") from None


def _columns(path: Path, values: Array, least: int) -> Array:
    if values.ndim != 2 or values.shape[1] < least or len(values) < 2:
        raise DatasetError(f"{path}: a trace has {least} columns and 2 rows, got {values.shape}")
    return values.T[:]


def _trace(path: Path, seconds: Array, orientations: Array, positions_m: Array) -> HeadTrace:
    kept = np.r_[True, np.diff(np.maximum.accumulate(seconds)) > 0.0]
    q = quaternion_normalise(orientations[kept])
    flips = np.cumprod(np.r_[1.0, np.where(np.sum(q[1:] * q[:-1], axis=1) < 0.0, -1.0, 1.0)])
    places = positions_m[kept]
    times = seconds[kept]
    if not np.all(np.isfinite(times)):
        raise DatasetError(f"{path}: holds times that are not finite")
    return HeadTrace(times - times[0], q * flips[:, None], places - places[0])
