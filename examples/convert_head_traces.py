"""Convert published head traces to the POSES.csv that ``auricle render --head-track`` reads.

    python examples/convert_head_traces.py hololens hololens_User2.csv.gz poses.csv
    python examples/convert_head_traces.py multiviewpoint user1_quaternion.txt.gz poses.csv
    python examples/convert_head_traces.py avtrack360 avtrack360_48subjects.csv.gz poses.csv
    python examples/convert_head_traces.py tum fr2_desk_groundtruth.txt.gz poses.csv

The axes, found in the data:

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

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np

from auricle.dsp.geometry import (
    quaternion_from_ypr_deg,
    quaternion_multiply,
    quaternion_normalise,
)


def rows(path: Path, separator: str | None) -> list[list[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        split = [line.split(separator) for line in file if not line.startswith("#")]
    return [row for row in split if len(row) == len(split[0])]  # one trace ends within a line


def hololens(path: Path, _: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.array(rows(path, ",")[1:], dtype=float)
    ticks = np.array([int(float(row[0])) for row in rows(path, ",")[1:]])
    _, x, y, z, qx, qy, qz, qw = values.T
    # A reflected frame turns the other way: the axis of rotation maps with the sign reversed.
    return (ticks - ticks[0]) * 1e-7, np.stack([qw, -qz, qx, -qy], 1), np.stack([z, -x, y], 1)


def multiviewpoint(path: Path, _: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.array(rows(path, None)[1:], dtype=float)
    return values[:, 0], values[:, 2:6], np.zeros((len(values), 3))


def avtrack360(path: Path, subject: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kept = [row for row in rows(path, ",")[1:] if row[0] == subject]
    if not kept:
        raise SystemExit(f"{path}: no subject {subject}; name one with --row")
    kept = [row for row in kept if row[1] == kept[0][1]]  # their first film
    values = np.array([row[2:6] for row in kept], dtype=float)
    quaternions = quaternion_from_ypr_deg(values[:, 1], -values[:, 2], values[:, 3])
    return values[:, 0], quaternions, np.zeros((len(values), 3))


def tum(path: Path, _: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.array(rows(path, None), dtype=float)
    quaternions = values[:, [7, 4, 5, 6]]
    # Head axes in the camera's: front = z, left = -x, up = -y.
    head_in_camera = quaternion_normalise([0.5, 0.5, -0.5, 0.5])
    return values[:, 0], quaternion_multiply(quaternions, head_in_camera), values[:, 1:4]


FORMATS = {f.__name__: f for f in (hololens, multiviewpoint, avtrack360, tum)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("trace", type=Path)
    parser.add_argument("poses", type=Path)
    parser.add_argument("--row", default="10", help="the subject of avtrack360")
    given = parser.parse_args()
    seconds, quaternions, places = FORMATS[given.format](given.trace, given.row)
    with open(given.poses, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_seconds", "qw", "qx", "qy", "qz", "x", "y", "z"])
        places = places - places[0]
        for time, q, xyz in zip(seconds - seconds[0], quaternions, places, strict=True):
            writer.writerow([f"{v:.7g}" for v in (time, *q, *xyz)])
    print(f"{given.poses}: {len(seconds)} poses, {seconds[-1] - seconds[0]:.1f} s")


if __name__ == "__main__":
    main()
