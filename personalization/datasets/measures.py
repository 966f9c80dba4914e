"""Measures of the body: CIPIC's names, centimetres and degrees, whatever a laboratory publishes.

Names (Algazi et al. 2001): x1..x17 of head and torso, and for each ear (L_ or R_) d1..d10 of the
pinna, theta1 its rotation and theta2 its flare.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Array
from auricle.personalization.datasets.subjects import DatasetError

MAX_RADIANS = 1.6  # pinna rotation and flare are 2 to 60 degrees, so 0.03 to 1.1 in radians
_CIPIC_D = tuple(f"{side}_d{k}" for side in "LR" for k in range(1, 9))
_CIPIC_THETA = tuple(f"{side}_theta{k}" for side in "LR" for k in (1, 2))
# Letters that only say "subject"; those of SADIE II (H3, D1) tell people from dummies.
_PLAIN_ID = r"(?:pp|p|s|subj|subject|irc|nh|id)?[_ -]*0*(\d+)(?:\.0*)?"
_ID_COLUMNS = ("subject", "subjectid", "subject_id", "subject id", "id", "participant")


def in_degrees(measures: Array, names: Sequence[str]) -> Array:
    """The measures with angles in degrees: those whose largest is below 1.6 were radians."""
    out = np.array(measures, dtype=np.float64)
    angles = [column for column, name in enumerate(names) if "theta" in name]
    if angles and np.any(np.isfinite(out[:, angles])) and np.nanmax(out[:, angles]) < MAX_RADIANS:
        out[:, angles] = np.rad2deg(out[:, angles])
    return out


def read_measures(path: Path) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Names (A,) and one row (A,) for each subject's id, from a .csv table or CIPIC's anthro.mat.

    A table has one row a subject: its first column, or one named subject, SubjectID or id, holds
    the id, the others measures under CIPIC's names in centimetres; what is empty or no number is
    NaN, columns that hold no number at all are left out.
    """
    names, rows = _read_mat(path) if path.suffix == ".mat" else _read_csv(path)
    if not rows:
        raise DatasetError(f"{path}: holds no subject")
    table = in_degrees(np.array(list(rows.values())), names)
    return names, dict(zip(rows, table, strict=True))


def aligned(
    ids: Sequence[str], names: Sequence[str], rows: dict[str, Array]
) -> tuple[Array, list[str]]:
    """Measures of the body in the order of subjects.

    Args:
        ids: of B subjects.
        names: of A measures.
        rows: (A,) measures by id.

    Returns:
        (B, A), NaN where a subject has none, and the ids of those.
    """
    nothing = np.full(len(names), np.nan)
    missing = [each for each in ids if each not in rows]
    if not ids:
        return np.empty((0, len(names))), missing
    return np.stack([rows.get(each, nothing) for each in ids]), missing


def plain_id(text: str) -> str:
    """An id as the laboratory numbers it: ``pp1``, ``P0001``, ``003`` and ``3.0`` are a number."""
    match = re.fullmatch(_PLAIN_ID, text.strip(), re.IGNORECASE)
    return match[1] if match else text.strip()


def _read_csv(path: Path) -> tuple[tuple[str, ...], dict[str, list[float]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    separator = (
        ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    )
    table = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(row)]
    if len(table) < 2 or len(table[0]) < 2:
        raise DatasetError(f"{path}: is not a table with a heading, ids and measures")
    heading = [name.strip() for name in table[0]]
    owner = next((k for k, name in enumerate(heading) if name.lower() in _ID_COLUMNS), 0)
    rows = {}
    for row in table[1:]:
        padded = (row + [""] * len(heading))[: len(heading)]
        rows[plain_id(padded[owner])] = [_number(cell, separator) for cell in padded]
    values = np.array(list(rows.values()))
    kept = [k for k in range(len(heading)) if k != owner and np.any(np.isfinite(values[:, k]))]
    names = tuple(heading[k] for k in kept)
    return names, {each: [row[k] for k in kept] for each, row in rows.items()}


def _number(cell: str, separator: str) -> float:
    text = cell.strip().replace(",", ".") if separator == ";" else cell.strip()
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


def _read_mat(path: Path) -> tuple[tuple[str, ...], dict[str, list[float]]]:
    """CIPIC's anthro.mat: id, X (17), D (8 of the left, 8 of the right ear), theta (2 and 2)."""
    from scipy.io import loadmat

    try:
        content = loadmat(path)
        ids = np.ravel(content["id"])
        parts = [np.asarray(content[key], dtype=np.float64) for key in ("X", "D", "theta")]
        table = np.concatenate(parts, axis=1)
    except (KeyError, ValueError, NotImplementedError) as error:
        raise DatasetError(f"{path}: is not laid out as CIPIC's anthro.mat ({error})") from None
    names = (*(f"x{k}" for k in range(1, 18)), *_CIPIC_D, *_CIPIC_THETA)
    if table.shape != (len(ids), len(names)):
        raise DatasetError(f"{path}: has {table.shape[1]} measures, CIPIC's table {len(names)}")
    return names, {plain_id(str(each)): list(row) for each, row in zip(ids, table, strict=True)}
