"""Convert published head traces to the POSES.csv that ``auricle render --head-track`` reads.

    python examples/convert_head_traces.py hololens hololens_User2.csv.gz poses.csv
    python examples/convert_head_traces.py multiviewpoint user1_quaternion.txt.gz poses.csv
    python examples/convert_head_traces.py avtrack360 avtrack360_48subjects.csv.gz poses.csv
    python examples/convert_head_traces.py tum fr2_desk_groundtruth.txt.gz poses.csv

Their axes, and how they were found: ``auricle.personalization.datasets.head_traces``.
"""

import argparse
import csv
from pathlib import Path

from auricle.dsp.errors import AuricleError
from auricle.personalization.datasets import head_traces

FORMATS = ("hololens", "multiviewpoint", "avtrack360", "tum")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("trace", type=Path)
    parser.add_argument("poses", type=Path)
    parser.add_argument("--row", default="10", help="the subject of avtrack360")
    given = parser.parse_args()
    more = (given.row,) if given.format == "avtrack360" else ()
    try:
        trace = getattr(head_traces, given.format)(given.trace, *more)
    except AuricleError as error:
        raise SystemExit(str(error)) from None
    with open(given.poses, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_seconds", "qw", "qx", "qy", "qz", "x", "y", "z"])
        for time, q, xyz in zip(trace.seconds, trace.orientations, trace.positions_m, strict=True):
            writer.writerow([f"{v:.7g}" for v in (time, *q, *xyz)])
    print(f"{given.poses}: {len(trace.seconds)} poses, {trace.seconds[-1]:.1f} s")


if __name__ == "__main__":
    main()
