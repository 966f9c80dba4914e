"""Errors to expect of a method, from tables that were measured; none where nothing was measured.

``expected_layouts.json`` holds what a user gets from so many directions in such a layout: quantiles
over directions that were not measured, of people whose laboratory the method did not learn from, in
the responses as written (``python benchmarks/personalization/expected_layouts.py``).
``expected_between.json`` is of directions between those of a dense grid, every second of which was
left out, and ``expected_errors.json`` compares methods (both by ``auricle compare``).
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.personalization.sparse.completion.layouts import IN_WORDS, gap_deg, layout_of

DEFAULT = "listeners-across"
LAYOUTS = Path(__file__).with_name("expected_layouts.json")
ERRORS = ("lsd_db", "itd_error_us", "ild_error_db")
SHARES = (0.5, 0.9)
_SPARSE = Path(__file__).with_name("expected_errors.json")
_BETWEEN = Path(__file__).with_name("expected_between.json")
_GAP_BEYOND = 1.15  # times the gap that was measured is still that gap


def best_method(n_measured: int) -> str:
    """The method with the least LSD at so many directions, of counts measured for all methods."""
    methods = _table(_SPARSE).get("methods", {})
    if not methods:
        return DEFAULT
    shared = set.intersection(*(set(rows) for rows in methods.values()))
    most = max((int(count) for count in shared), default=n_measured)
    return min(methods, key=lambda name: expected(name, min(n_measured, most))["lsd_db"])


def sentence(method: str, positions: Array) -> str:
    """A sentence for people on the errors to expect where nothing was measured.

    Args:
        method: its name.
        positions: (K, 3) unit vectors that were measured.
    """
    cells = _table(LAYOUTS).get("methods", {}).get(method, {})
    if not cells:
        return f"No errors of {method} were measured."
    layout, gap = layout_of(positions), gap_deg(positions)
    about = _lies(len(positions), layout, gap)
    found = _interpolated(cells.get(layout, []), len(positions), gap)
    of = _table(LAYOUTS)["of"]
    if found is not None:
        return f"To expect from {about}, at directions not measured: {_quantiles(found)}, as {of}."
    near_layout, near = _nearest(cells, layout, gap)
    known = _lies(near["directions"], near_layout, near["gap_deg"])
    return (
        f"Errors from {about} were not measured. The nearest that was is {known}: "
        f"{_quantiles(near)}, as {of}."
    )


def quantiles(method: str, positions: Array) -> dict[str, list[float]] | None:
    """Errors by name that half and nine of ten directions not measured keep to.

    Args:
        method: its name.
        positions: (K, 3) unit vectors that were measured.

    Returns:
        Two numbers a name; None for a number or a layout outside of what was measured.
    """
    cells = _table(LAYOUTS).get("methods", {}).get(method, {})
    return _interpolated(cells.get(layout_of(positions), []), len(positions), gap_deg(positions))


def _interpolated(cells: list[dict[str, Any]], count: int, gap: float) -> dict[str, Any] | None:
    """Quantiles along the mean gap between those of one layout; None outside of them."""
    if not cells:
        return None
    counts = [each["directions"] for each in cells]
    ordered = sorted(cells, key=lambda each: float(each["gap_deg"]))
    gaps = [each["gap_deg"] for each in ordered]
    inside = gaps[0] / _GAP_BEYOND <= gap <= gaps[-1] * _GAP_BEYOND
    if not (inside and min(counts) <= count <= max(counts)):
        return None
    return {
        name: [
            float(np.interp(gap, gaps, [each[name][k] for each in ordered]))
            for k in range(len(SHARES))
        ]
        for name in ERRORS
    }


def _nearest(
    cells: dict[str, list[dict[str, Any]]], layout: str, gap: float
) -> tuple[str, dict[str, Any]]:
    """The cell of the likest gap, of the same layout if that was measured at all."""
    there = {layout: cells[layout]} if layout in cells else cells
    pairs = [(name, each) for name, some in there.items() for each in some]
    return min(pairs, key=lambda pair: abs(np.log(pair[1]["gap_deg"] / gap)))


def _lies(count: int, layout: str, gap: float) -> str:
    return (
        f"{count} directions {IN_WORDS[layout]} (the nearest is {gap:.0f} degrees off on average)"
    )


def _quantiles(found: dict[str, Any]) -> str:
    (lsd, lsd_90), (itd, itd_90), (ild, ild_90) = (found[name] for name in ERRORS)
    return (
        f"half within LSD {lsd:.1f} dB, ITD {itd:.0f} us and ILD {ild:.1f} dB, nine of ten within "
        f"{lsd_90:.1f} dB, {itd_90:.0f} us and {ild_90:.1f} dB"
    )


def sentence_between(method: str, n_measured: int) -> str:
    """A sentence for people on the errors to expect between the directions of a dense set."""
    counts = [int(count) for count in _table(_BETWEEN).get("methods", {}).get(method, {})]
    if counts and n_measured < min(counts):
        return f"Between fewer than {min(counts)} directions errors of {method} were not measured."
    if counts and n_measured > max(counts):
        most = _sentence(_BETWEEN, method, max(counts))
        return f"Between more than {max(counts)} directions errors were not measured. {most}"
    return _sentence(_BETWEEN, method, n_measured)


def _sentence(path: Path, method: str, n_measured: int) -> str:
    if method not in _table(path).get("methods", {}):
        return f"No errors of {method} were measured."
    found = expected(method, n_measured, path)
    itd = _table(path).get("itd_of_responses", f"within {found['itd_error_us']:.0f} us")
    return (
        f"To expect between {n_measured} directions: LSD {found['lsd_db']:.1f} dB "
        f"(345 Hz to 15.8 kHz), ITD {itd}, ILD within {found['ild_error_db']:.1f} dB "
        f"on average, as {_table(path)['of']}."
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
        for name in ERRORS
    }


@lru_cache(maxsize=3)
def _table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table
