"""Errors to expect of a method, from a table that ``auricle compare`` measured and wrote.

``expected_errors.json`` holds what the listeners that ship gave for a set of another laboratory,
none of whose listeners they include: the case of every user. ``expected_between.json`` is the same
of directions between those of a dense grid, every second of which was left out.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

DEFAULT = "listeners-across"
_SPARSE = Path(__file__).with_name("expected_errors.json")
_BETWEEN = Path(__file__).with_name("expected_between.json")
_ERRORS = ("lsd_db", "itd_error_us", "ild_error_db")


def best_method(n_measured: int) -> str:
    """The method with the least LSD at so many directions, of counts measured for all methods."""
    methods = _table(_SPARSE).get("methods", {})
    if not methods:
        return DEFAULT
    shared = set.intersection(*(set(rows) for rows in methods.values()))
    most = max((int(count) for count in shared), default=n_measured)
    return min(methods, key=lambda name: expected(name, min(n_measured, most))["lsd_db"])


def sentence(method: str, n_measured: int) -> str:
    """A sentence for people on the errors to expect over the sphere."""
    return _sentence(
        _SPARSE, method, n_measured, "with", "20 Hz to 20 kHz", "on average over the sphere"
    )


def sentence_between(method: str, n_measured: int) -> str:
    """A sentence for people on the errors to expect between the directions of a dense set."""
    counts = [int(count) for count in _table(_BETWEEN).get("methods", {}).get(method, {})]
    if counts and n_measured < min(counts):
        return f"Between fewer than {min(counts)} directions errors of {method} were not measured."
    return _sentence(_BETWEEN, method, n_measured, "between", "345 Hz to 15.8 kHz", "on average")


def _sentence(
    path: Path, method: str, n_measured: int, where: str, heard: str, average: str
) -> str:
    if method not in _table(path).get("methods", {}):
        return f"No errors of {method} were measured."
    found = expected(method, n_measured, path)
    itd = _table(path).get("itd_of_responses", f"within {found['itd_error_us']:.0f} us")
    return (
        f"To expect {where} {n_measured} directions: LSD {found['lsd_db']:.1f} dB ({heard}), "
        f"ITD {itd}, ILD within {found['ild_error_db']:.1f} dB "
        f"{average}, as {_table(path)['of']}."
    )


def expected(method: str, n_measured: int, path: Path = _SPARSE) -> dict[str, float]:
    """Errors by name at a number of directions, along the logarithm between those measured.

    Args:
        method: its name.
        n_measured: number of measured directions.
        path: of the table.
    """
    rows = _table(path)["methods"][method]
    counts = sorted(int(count) for count in rows)
    where = np.log(max(n_measured, 1))
    return {
        name: float(np.interp(where, np.log(counts), [rows[str(c)][name] for c in counts]))
        for name in _ERRORS
    }


@lru_cache(maxsize=2)
def _table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table
