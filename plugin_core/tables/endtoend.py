"""Results of ``auricle compare --family endtoend`` as tables for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from auricle.personalization.endtoend.evaluation.comparison import Result

_COLUMNS = (
    (
        ("wave L2 x 1000", "wave_l2", 3),
        ("amplitude L2", "amplitude_l2", 4),
        ("phase L2", "phase_l2", 3),
        ("MRSTFT", "mrstft", 3),
    ),
    (
        ("wave L2 x 1000, arrival out", "wave_l2_aligned", 3),
        ("amplitude L2, arrival out", "amplitude_l2_aligned", 4),
        ("phase L2, arrival out", "phase_l2_aligned", 3),
    ),
    (
        ("ITD us", "itd_error_us", 1),
        ("ILD dB, octaves", "ild_error_db", 2),
        ("PESQ", "pesq", 2),
        ("STOI", "stoi", 3),
    ),
    (
        ("lateral error deg", "lateral_rms_deg", 1),
        ("local polar error deg", "polar_rms_deg", 1),
        ("quadrant errors %", "quadrant_error_percent", 1),
    ),
)
_TITLES = {key: (title, digits) for table in _COLUMNS for title, key, digits in table}


def as_markdown(results: Sequence["Result"]) -> str:
    """For each laboratory, tables of errors, mean (sd) over listeners; then tests and costs."""
    parts = []
    for dataset in dict.fromkeys(each.dataset for each in results):
        of_set = [each for each in results if each.dataset == dataset]
        n_listeners = len({each.listener for each in of_set})
        for columns in _COLUMNS:
            shown = [c for c in columns if any(c[1] in each.errors for each in of_set)]
            if shown:
                parts.append(_table(f"{dataset}, {n_listeners} listeners", of_set, shown))
    tests = _tests(results)
    return "\n\n".join([*parts, *([tests] if tests else []), _costs(results)]) + "\n"


def as_json(results: Sequence["Result"]) -> str:
    """All results, one object each."""
    return json.dumps([asdict(each) for each in results])


def _methods(results: Sequence["Result"]) -> list[str]:
    return list(dict.fromkeys(each.method for each in results))


def _table(who: str, results: Sequence["Result"], columns: Sequence[tuple[str, str, int]]) -> str:
    rows = [
        f"| {who} | " + " | ".join(title for title, _, _ in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for method in _methods(results):
        cells = []
        for _, name, digits in columns:
            values = [
                each.errors[name]
                for each in results
                if each.method == method and name in each.errors
            ]
            cells.append(
                f"{np.mean(values):.{digits}f} ({np.std(values):.{digits}f})" if values else "-"
            )
        rows.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _tests(results: Sequence["Result"]) -> str:
    """Whether one code is better than the next, over listeners of all laboratories."""
    from auricle.personalization.endtoend.evaluation.comparison import (
        FITTED,
        OTHER,
        OWN,
        TESTED,
        UNKNOWN,
        p_value,
    )

    pairs = ((OWN, UNKNOWN), (UNKNOWN, OTHER), (OWN, FITTED), (FITTED, UNKNOWN))
    systems = dict.fromkeys(m.split(", ")[0] for m in _methods(results) if ", " in m)
    rows = []
    for name in systems:
        for better, worse in pairs:
            values = [
                p_value(results, f"{name}, {better}", f"{name}, {worse}", error) for error in TESTED
            ]
            cells = ["-" if np.isnan(value) else f"{value:.2g}" for value in values]
            rows.append(f"| {name}: {better} better than {worse} | " + " | ".join(cells) + " |")
    if not rows:
        return ""
    titles = " | ".join(_TITLES[error][0] for error in TESTED)
    head = [
        f"| p, signed ranks over listeners, one-sided | {titles} |",
        "|---|" + "---|" * len(TESTED),
    ]
    return "\n".join([*head, *rows])


def _costs(results: Sequence["Result"]) -> str:
    rows = [
        "| method | seconds a second | parameters | million MACs a second |",
        "|---|---|---|---|",
    ]
    for method in _methods(results):
        some = [each for each in results if each.method == method]
        macs = f"{some[0].macs / 1e6:.1f}" if some[0].macs else "-"
        rtf = float(np.median([each.rtf for each in some]))
        rows.append(f"| {method} | {rtf:.3f} | {some[0].n_parameters} | {macs} |")
    return "\n".join(rows)
