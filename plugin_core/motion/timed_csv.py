"""Numbers over time from CSV files: head poses, positions; errors name the file and the line."""

import csv
import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.regular_file import check_regular
from auricle.plugin_core.motion.keyframes import MOST_DEG, MOST_M, KeyframePath

TIME = "time_seconds"
XYZ = ("x", "y", "z")
_POLAR = ("azimuth_deg", "elevation_deg", "distance_m")
_GAIN = "gain_db"
MOST_BYTES = 1024 * 2**20  # a day of poses at 100 Hz in full
MOST_VALUE = 1e12  # of any number; seconds since 1970 are less by far
_KNOWN = (TIME, *XYZ, *_POLAR, _GAIN)


@dataclass(frozen=True)
class TimedRows:
    """Columns of a CSV file, in the order of time; a repeated time stamp keeps its first row.

    Attributes:
        times: (J,) seconds; values: (J, names); lines: (J,) of the file.
    """

    times: Array
    values: Array
    lines: NDArray[np.int64]


def read_csv(path: Path, columns: str) -> list[list[str]]:
    """The rows of a file, the header first; ``columns`` says in errors what it should hold.

    Raises:
        AuricleError: no such file, a pipe, a file of more than ``MOST_BYTES``, or no text.
    """
    check_regular(path, AuricleError, MOST_BYTES)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise AuricleError(f"{path}: not a CSV text file; give {columns}") from error
    if rows:
        rows[0] = [name.strip() for name in rows[0]]
    return rows or [[]]


def check_xyz(path: Path, header: list[str]) -> None:
    """Refuse a header with only some of x, y, z."""
    if 0 < len(set(XYZ) & set(header)) < 3:
        raise AuricleError(f"{path}: line 1 names only some of x, y, z; give all three or none")


def timed_rows(path: Path, rows: list[list[str]], names: list[str], what: str) -> TimedRows:
    """Named columns of a CSV file over its time.

    Args:
        path: of the file, for messages.
        rows: its lines, the header first.
        names: of the columns.
        what: a word for a row, for messages.

    Raises:
        AuricleError: a value that is no finite number, time that runs backwards, or no rows.
    """
    values, lines = _numbers(path, rows, [TIME, *names], what)
    steps = np.diff(values[:, 0])
    if np.any(steps < 0.0):
        line = lines[int(np.argmax(steps < 0.0)) + 1]
        raise AuricleError(f"{path}: line {line}: time_seconds runs backwards; sort the rows")
    kept = np.concatenate([[True], steps > 0.0])
    return TimedRows(values[kept, 0], values[kept, 1:], lines[kept])


def read_positions(path: Path, interpolation: str = "linear") -> KeyframePath:
    """The way of a source from a CSV file.

    Columns ``time_seconds`` (from the start of the scene) and ``x,y,z`` in metres or
    ``azimuth_deg``, perhaps with ``elevation_deg`` (else 0) and ``distance_m`` (else 1); perhaps
    ``gain_db``.

    Raises:
        AuricleError: a file, column or value that cannot be used; names the line.
    """
    rows = read_csv(path, "time_seconds,x,y,z")
    header = rows[0]
    check_xyz(path, header)
    for name in header:
        if name not in _KNOWN:
            close = difflib.get_close_matches(name, _KNOWN, 1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_KNOWN)}"
            raise AuricleError(f"{path}: line 1: unknown column {name[:40]!r}; {hint}")
    polar = "x" not in header
    if TIME not in header or (polar and "azimuth_deg" not in header):
        raise AuricleError(
            f"{path}: line 1 must name time_seconds and x,y,z or azimuth_deg, not "
            f"{','.join(header)[:80]!r}"
        )
    if not polar and set(_POLAR) & set(header):
        raise AuricleError(f"{path}: line 1 names both x,y,z and angles; keep one of them")
    names = [name for name in header if name != TIME]
    table = timed_rows(path, rows, names, "positions")
    columns = dict(zip(names, table.values.T, strict=True))
    rest = np.zeros(len(table.times))
    places = (
        [columns["azimuth_deg"], columns.get("elevation_deg", rest),
         columns.get("distance_m", rest + 1.0)]
        if polar else [columns[name] for name in XYZ]
    )  # fmt: skip
    _check_ranges(path, table, columns)
    return KeyframePath(
        table.times, np.stack(places, axis=1), interpolation, polar=polar,
        gains=10.0 ** (columns.get(_GAIN, rest) / 20.0),
    )  # fmt: skip


def _check_ranges(path: Path, table: TimedRows, columns: dict[str, Array]) -> None:
    limits = {"elevation_deg": (-90.0, 90.0), "distance_m": (0.01, MOST_M), _GAIN: (-1e4, 60.0)}
    limits |= {name: (-MOST_M, MOST_M) for name in XYZ} | {"azimuth_deg": (-MOST_DEG, MOST_DEG)}
    for name, (low, high) in limits.items():
        values = columns.get(name, np.full(1, low))
        bad = (values < low) | (values > high)
        if np.any(bad):
            row = int(np.argmax(bad))
            raise AuricleError(
                f"{path}: line {table.lines[row]}: {name} must be from {low:g} to {high:g}, got "
                f"{values[row]:g}"
            )


def _numbers(
    path: Path, rows: list[list[str]], names: list[str], what: str
) -> tuple[Array, NDArray[np.int64]]:
    """The named columns (J, len(names)), and the line of each row."""
    columns = [rows[0].index(name) for name in names]
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
            if not abs(values[kept, i]) <= MOST_VALUE:
                raise AuricleError(
                    f"{path}: line {line}: {name} is {row[column].strip()[:40]}; remove the row"
                )
        lines[kept] = line
        kept += 1
    if kept == 0:
        raise AuricleError(f"{path}: has a header but no {what}")
    return values[:kept], lines[:kept]
