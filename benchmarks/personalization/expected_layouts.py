"""Measure the errors that ``auricle personalize sparse`` announces, and write its table.

    python benchmarks/personalization/expected_layouts.py DATA [-o TABLE] [--check] [--quick]

People of four laboratories are completed as the command does it, from several layouts and numbers
of directions, and judged in the responses as written at directions not measured. Nobody's
laboratory taught the method: SONICOM and SADIE I get the listeners that ship, HUTUBS those of
CIPIC, CIPIC those of HUTUBS. ``--check`` takes other people of the same laboratories and prints how
many of their errors lie within the quantiles of the table that ships. ``--quick``: one layout of
one laboratory, two people.

Takes 8 min.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds
from auricle.dsp.sphere.grids import fibonacci_sphere
from auricle.personalization.datasets.lap import spread_rows
from auricle.personalization.datasets.subjects import DatasetError, Subjects
from auricle.personalization.listeners.features import features_of
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.shipped import shipped_training
from auricle.personalization.sparse.completion.complete import complete
from auricle.personalization.sparse.completion.expected_errors import ERRORS, LAYOUTS, SHARES
from auricle.personalization.sparse.completion.layouts import gap_deg
from auricle.personalization.sparse.method import Method, predict_many
from auricle.personalization.sparse.registry import method

METHOD = "listeners-across"
# Numbers of directions by layout; the part of the sphere that they are spread over.
CASES: dict[str, tuple[int, ...]] = {
    "around": (3, 5, 9, 19, 50, 100, 200),
    "front": (3, 5, 9, 19, 50),
    "side": (5, 19, 50),
    "horizontal": (4, 8, 16, 32),
    "median": (5, 15),
    "above": (5, 19, 50),
}
PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "around": lambda p: np.ones(len(p), dtype=bool),
    "front": lambda p: p[:, 0] > -0.01,
    "side": lambda p: p[:, 1] > -0.01,
    "horizontal": lambda p: np.abs(p[:, 2]) < 0.09,
    "median": lambda p: np.abs(p[:, 1]) < 0.09,
    "above": lambda p: p[:, 2] > -0.01,
}
TAUGHT_BY = {"sonicom": None, "sadie1": None, "hutubs": "cipic", "cipic": "hutubs"}
PEOPLE = 8  # of each laboratory
TARGETS = 100
_SIZE = 1024
_BAND_HZ = (172.0, 20000.0)


class _Known:
    """A method whose answer is known: many listeners were predicted together."""

    name, n_parameters = METHOD, 0

    def __init__(self, found: Prediction) -> None:
        self._found = found

    def fit(self, train: ListenerGroup) -> None:
        """It has learned."""

    def predict(self, measured: MeasuredListener, target_positions: np.ndarray) -> Prediction:
        """The answer."""
        return self._found


def rows_of(positions: np.ndarray, layout: str, count: int) -> np.ndarray | None:
    """Rows of so many directions in a layout; None where the grid has not enough of them."""
    there = np.flatnonzero(PARTS[layout](positions))
    if len(there) < 1.2 * count or len(positions) < 1.2 * count:
        return None
    return there[spread_rows(positions[there], count)]


def errors(
    upsampler: Method, subjects: Subjects, people: Sequence[int], rows: np.ndarray
) -> np.ndarray:
    """Errors (P, Q, 3) of LSD dB, ITD us and ILD dB at directions that were not measured."""
    evenly = np.argmax(fibonacci_sphere(TARGETS) @ subjects.positions.T, axis=1)
    left = np.setdiff1d(np.unique(evenly), rows)
    targets = subjects.positions[left]
    sets = [subjects.hrtf_set(row) for row in people]
    seen = [features_of(each.subset(rows)) for each in sets]
    group = ListenerGroup(
        subjects.positions[rows],
        np.stack([each.magnitude_db for each in seen]),
        np.stack([each.arrival_seconds for each in seen]),
    )
    out = []
    for whole, found in zip(sets, predict_many(upsampler, group, targets), strict=True):
        done = complete(whole.subset(rows), _Known(found), targets)
        if done.n_measured < len(rows):  # some were left out: predicted without them
            done = complete(whole.subset(rows), upsampler, targets)
        out.append(_judged(done.hrtf, whole.subset(left), done.n_measured))
    return np.stack(out)


def _judged(written: HrtfSet, truth: HrtfSet, first: int) -> np.ndarray:
    """Errors (Q, 3) of the responses as written from ``first`` on."""
    rate, ir = truth.sample_rate, written.ir[first:]
    hz = np.fft.rfftfreq(_SIZE, 1.0 / rate)
    heard = (hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])
    level = [
        20.0 * np.log10(np.maximum(np.abs(np.fft.rfft(each, _SIZE))[..., heard], 1e-9))
        for each in (ir, truth.ir)
    ]
    lsd = np.sqrt(np.mean((level[0] - level[1]) ** 2, axis=-1)).mean(axis=1)
    itd = [itd_correlation_seconds(each, rate) for each in (ir, truth.ir)]
    ild = ild_db(ir) - ild_db(truth.ir)
    return np.stack([lsd, 1e6 * np.abs(itd[0] - itd[1]), np.abs(ild)], axis=-1)


def laboratories(
    data: Path, names: Sequence[str], *, other_people: bool, most: int = PEOPLE
) -> Iterator[tuple[str, Method, Subjects, list[int]]]:
    """Each laboratory: a method taught by others, its people, and the rows that are tested."""
    taught: dict[str | None, Method] = {}
    for name in names:
        by = TAUGHT_BY[name]
        if by not in taught:
            made = method(METHOD)()
            made.fit(
                shipped_training()
                if by is None
                else training_of(people_only(subjects_in(data, by)))
            )
            taught[by] = made
        subjects = people_only(subjects_in(data, name))
        yield name, taught[by], subjects, people_of(len(subjects), most, other_people)


def people_of(count: int, most: int, other_people: bool) -> list[int]:
    """Rows of at most so many people for the table, or of as many others to check it."""
    some = np.linspace(0, count - 1, 2 * most).round().astype(int)
    return sorted(set(some[1::2].tolist() if other_people else some[::2].tolist()))


def measured(
    data: Path, cases: dict[str, tuple[int, ...]], names: Sequence[str], *,
    other_people: bool = False, most: int = PEOPLE,
) -> dict[tuple[str, int], dict[str, tuple[float, np.ndarray]]]:  # fmt: skip
    """By layout and number, then by laboratory: the gap in degrees and the errors (P, Q, 3)."""
    found: dict[tuple[str, int], dict[str, tuple[float, np.ndarray]]] = {}
    for name, upsampler, subjects, people in laboratories(
        data, names, other_people=other_people, most=most
    ):
        for layout, counts in cases.items():
            for count in counts:
                rows = rows_of(subjects.positions, layout, count)
                if rows is not None:
                    gap = gap_deg(subjects.positions[rows])
                    cell = found.setdefault((layout, count), {})
                    cell[name] = gap, errors(upsampler, subjects, people, rows)
                    median = np.median(cell[name][1], axis=(0, 1)).round(2)
                    print(f"{name}: {count} {layout}, gap {gap:.0f} deg: {median}", flush=True)
    return found


def table(found: dict[tuple[str, int], dict[str, tuple[float, np.ndarray]]]) -> dict:
    """The table as ``expected_errors`` reads it; each laboratory counts alike."""
    cells: dict[str, list] = {}
    for (layout, count), by_set in found.items():
        gaps = [gap for gap, _ in by_set.values()]
        values = [each.reshape(-1, 3) for _, each in by_set.values()]
        weights = np.concatenate([np.full(len(each), 1.0 / len(each)) for each in values])
        whole = np.concatenate(values)
        cell = {"directions": count, "gap_deg": round(float(np.mean(gaps)), 1)}
        for k, name in enumerate(ERRORS):
            cell[name] = [_quantile(whole[:, k], weights, share) for share in SHARES]
        cells.setdefault(layout, []).append(cell)
    people = "eight people each of " + ", ".join(TAUGHT_BY)
    return {"of": f"measured on {people}", "methods": {METHOD: cells}}


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return round(float(values[order][np.searchsorted(reached, share)]), 2)


def within(
    found: dict[tuple[str, int], dict[str, tuple[float, np.ndarray]]], quantiles: dict
) -> dict[str, np.ndarray]:
    """Shares (2, 3) of errors within the quantiles of a table, by laboratory and for all."""
    shares: dict[str, list[np.ndarray]] = {}
    for (layout, count), by_set in found.items():
        cell = next(
            each for each in quantiles["methods"][METHOD][layout] if each["directions"] == count
        )
        limits = np.array([cell[name] for name in ERRORS])  # (3, 2)
        for name, (_, values) in by_set.items():
            flat = values.reshape(-1, 3)
            shares.setdefault(name, []).append(
                np.stack([(flat <= limits[:, k]).mean(axis=0) for k in range(len(SHARES))])
            )
    out = {name: np.mean(each, axis=0) for name, each in shares.items()}
    return out | {"all": np.mean(list(out.values()), axis=0)}


def main() -> None:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="the table; else it is printed")
    parser.add_argument("--check", action="store_true", help="other people, the table that ships")
    parser.add_argument("--quick", action="store_true", help="one layout, two people")
    asked = parser.parse_args()
    cases = {"front": (3, 5)} if asked.quick else CASES
    names = ["sadie1"] if asked.quick else list(TAUGHT_BY)
    most = 2 if asked.quick else PEOPLE
    try:
        found = measured(asked.data, cases, names, other_people=asked.check, most=most)
    except DatasetError as error:
        parser.exit(2, f"{error}\n")
    if asked.check:
        quantiles = json.loads(LAYOUTS.read_text(encoding="utf-8"))
        print("| share within the quantiles: LSD, ITD, ILD | 50 % | 90 % |\n|---|---|---|")
        for name, share in within(found, quantiles).items():
            cells = [", ".join(f"{100 * one:.0f}" for one in each) for each in share]
            print(f"| {name} | {cells[0]} | {cells[1]} |")
        return
    text = json.dumps(table(found), indent=1) + "\n"
    if asked.output is None:
        print(text)
    else:
        asked.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
