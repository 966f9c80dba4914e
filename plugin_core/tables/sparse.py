"""Results of ``auricle compare`` as tables for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from auricle.personalization.sparse.evaluation.comparison import Result

_SHOWN = (
    ("LSD dB", "lsd_db", 2),
    ("ITD us, correlation", "itd_error_us", 1),
    ("ITD us, MaxIACCe", "itd_maxiacce_error_us", 1),
    ("ILD dB", "ild_error_db", 2),
)
_OBSERVED = (
    ("lateral error deg", "lateral_rms_deg", 1),
    ("local polar error deg", "polar_rms_deg", 1),
    ("quadrant errors %", "quadrant_error_percent", 1),
)


def as_markdown(results: Sequence["Result"], against: str | None = None) -> str:
    """One table for each data set and error: methods by numbers of directions, mean (sd).

    With the name of a method, also how much less its error is for the same listeners.
    """
    parts = []
    for dataset in dict.fromkeys(each.dataset for each in results):
        of_set = [each for each in results if each.dataset == dataset]
        for title, name, digits in (*_SHOWN, *_OBSERVED):
            judged = [each for each in of_set if name in each.listeners]
            if judged:
                parts.append(_table(judged, title, name, digits))
                if against in {each.method for each in judged}:
                    parts.append(_paired(judged, title, name, digits + 1, against))
        parts.append(_costs([each for each in of_set if "lsd_db" in each.listeners]))
    return "\n\n".join(parts) + "\n"


def as_json(results: Sequence["Result"]) -> str:
    """All results, one object each."""
    return json.dumps([asdict(each) for each in results])


def as_expected(results: Sequence["Result"]) -> str:
    """Mean errors by method and number of directions, as ``expected_errors`` reads them."""
    results = [each for each in results if "lsd_db" in each.listeners]
    methods: dict[str, dict[str, dict[str, float]]] = {}
    for method, count in dict.fromkeys((each.method, each.n_measured) for each in results):
        cell = _cell(results, method, count)
        methods.setdefault(method, {})[str(count)] = {
            name: round(float(np.mean(_values(cell, name))), 3) for _, name, _ in _SHOWN
        }
    sets = " and ".join(dict.fromkeys(each.dataset for each in results))
    of = f"measured on {sets}, whose listeners the model has not seen"
    return json.dumps({"of": of, "methods": methods}, indent=1) + "\n"


def _table(results: Sequence["Result"], title: str, name: str, digits: int) -> str:
    counts = sorted({each.n_measured for each in results})
    rows = [
        f"| {_who(results, name)}: {title} | " + " | ".join(map(str, counts)) + " |",
        "|---|" + "---|" * len(counts),
    ]
    for method in dict.fromkeys(each.method for each in results):
        cells = []
        for count in counts:
            values = _values(_cell(results, method, count), name)
            mean, spread = np.mean(values), np.std(values)
            cells.append(f"{mean:.{digits}f} ({spread:.{digits}f})")
        rows.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _paired(
    results: Sequence["Result"], title: str, name: str, digits: int, against: str | None
) -> str:
    """Error less that of another method, listener by listener: mean, its standard error, wins."""
    counts = sorted({each.n_measured for each in results})
    rows = [
        f"| {_who(results, name)}: {title}, less that of {against} (standard error); "
        "listeners with less | " + " | ".join(map(str, counts)) + " |",
        "|---|" + "---|" * len(counts),
    ]
    for method in dict.fromkeys(each.method for each in results if each.method != against):
        cells = []
        for count in counts:
            own = np.array(_values(_cell(results, method, count), name))
            others = np.array(_values(_cell(results, str(against), count), name))
            if own.size == 0 or own.shape != others.shape:
                cells.append("not the same listeners")
                continue
            less = own - others
            error = np.std(less) / max(len(less) - 1, 1) ** 0.5
            cells.append(
                f"{less.mean():+.{digits}f} ({error:.{digits}f}); {np.sum(less < 0)} of {len(less)}"
            )
        rows.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _who(results: Sequence["Result"], name: str) -> str:
    """Data set, number of listeners and, where not all were tested, of which folds they are."""
    first = results[0]
    cell = _cell(results, first.method, first.n_measured)
    who = f"{first.dataset}, {len(_values(cell, name))} listeners"
    numbers = sorted({each.fold + 1 for each in cell})
    if not first.n_folds:
        return who
    if len(numbers) == first.n_folds:
        return f"{who} of {first.n_folds} folds"
    which = "fold" if len(numbers) == 1 else "folds"
    return f"{who} of {which} {', '.join(map(str, numbers))} of {first.n_folds}"


def _costs(results: Sequence["Result"]) -> str:
    rows = [
        "| method | seconds for a listener | parameters | training minutes |",
        "|---|---|---|---|",
    ]
    for method in dict.fromkeys(each.method for each in results):
        of_method = [each for each in results if each.method == method]
        seconds = max(each.seconds for each in of_method)
        minutes = np.mean([each.training_seconds for each in of_method]) / 60.0
        rows.append(f"| {method} | {seconds:.1f} | {of_method[0].n_parameters:,} | {minutes:.1f} |")
    return "\n".join(rows)


def _cell(results: Sequence["Result"], method: str, count: int) -> list["Result"]:
    return [each for each in results if (each.method, each.n_measured) == (method, count)]


def _values(results: Sequence["Result"], name: str) -> list[float]:
    return [value for each in results for value in each.listeners[name]]
