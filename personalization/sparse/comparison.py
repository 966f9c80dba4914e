"""All methods on listeners left out: what each gets wrong, kept on disk fold by fold.

Errors of a listener are means over all directions of the grid, the measured ones (where they are 0)
included, as in the LAP challenge. LSD: bins 1 to 116 of 256 at 44.1 kHz, mean over both ears. ITD:
of responses made of the prediction, by correlation below 1.5 kHz and by MaxIACCe, both between
samples, on 200 directions drawn once. ILD: broadband, of all directions.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.metrics.interaural import itd_correlation_seconds, itd_maxiacce_seconds
from auricle.personalization.datasets.lap import lap_rows, spread_rows
from auricle.personalization.datasets.splits import check_no_leak, folds
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.features import HEARD, SAMPLE_RATE, to_responses
from auricle.personalization.sparse.method import Prediction, Training, method, predict_many

LAP_COUNTS, OTHER_COUNTS = (3, 5, 19, 100), (4, 9, 16, 100)
ITD_DIRECTIONS = 200
MIDDLE = slice(2, 93)  # bins from 345 Hz to 15.8 kHz
DENSE_ROWS = {"SONICOM": (0, 20, 40), "HUTUBS": (10, 30, 50), "CIPIC": (0, 10, 20)}
ERRORS = ("lsd_db", "itd_error_us", "itd_maxiacce_error_us", "ild_error_db")

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Result:
    """One method on one fold of one data set with one number of measured directions.

    Attributes:
        listeners: errors by name, one list entry a listener.
        seconds: to predict one whole listener.
        training_seconds: to learn from the other listeners.
        n_parameters: numbers learned.
    """

    dataset: str
    method: str
    n_measured: int
    fold: int
    listeners: dict[str, list[float]]
    seconds: float
    training_seconds: float
    n_parameters: int


def measured_rows(subjects: Subjects, n_measured: int) -> Int64:
    """The LAP sets for SONICOM, evenly spread directions (``spread_rows``) for all others."""
    if subjects.dataset == "SONICOM":
        return lap_rows(subjects.positions, n_measured)
    return spread_rows(subjects.positions, n_measured)


def counts_of(dataset: str) -> tuple[int, ...]:
    """Numbers of measured directions that are tried."""
    return LAP_COUNTS if dataset in ("SONICOM", "SADIE I") else OTHER_COUNTS


def compare_folds(
    subjects: Subjects, whole: Training, names: Sequence[str], n_folds: int, cache: Path,
    say: Callable[[str], None],
) -> Iterator[Result]:  # fmt: skip
    """Results by subject folds; those already in ``cache`` are read from there."""
    for fold, (train, test) in enumerate(folds(subjects.people, n_folds)):
        check_no_leak(subjects.people, train, test)
        for name in names:
            maker = method(name)
            fitted = _Fitted(maker, whole.take(train))
            for count in counts_of(subjects.dataset):
                label = f"{subjects.dataset}-{name}-{count}-{fold + 1}of{n_folds}"
                rows = measured_rows(subjects, count)
                about = (subjects.dataset, name, count, fold)
                made = partial(_judged, fitted, whole.take(test), subjects.ir[test], rows, about)
                yield _kept(cache, label, say, made)


def compare_across(
    train: Training, subjects: Subjects, whole: Training, names: Sequence[str], cache: Path,
    say: Callable[[str], None],
) -> Iterator[Result]:  # fmt: skip
    """Results on all listeners of a laboratory from whom ``train`` has nobody."""
    for name in names:
        fitted = _Fitted(method(name), train)
        for count in counts_of(subjects.dataset):
            rows = measured_rows(subjects, count)
            about = (subjects.dataset, name, count, 0)
            made = partial(_judged, fitted, whole, subjects.ir, rows, about)
            yield _kept(cache, f"across-{subjects.dataset}-{name}-{count}", say, made)


def compare_between(
    subjects: Subjects, whole: Training, names: Sequence[str], cache: Path,
    say: Callable[[str], None],
) -> Iterator[Result]:  # fmt: skip
    """Results at every second direction, from the others, of the listeners of ``DENSE_ROWS``.

    They and their repeats are left out of the training. LSD from 200 Hz to 16 kHz, at the
    directions left out alone.
    """
    test = np.array(DENSE_ROWS[subjects.dataset])
    train = np.flatnonzero(~np.isin(subjects.people, subjects.people[test]))
    rows = np.arange(0, subjects.n_directions, 2)
    for name in names:
        fitted = _Fitted(method(name), whole.take(train))
        about = (subjects.dataset, name, len(rows), 0)
        made = partial(_judged_between, fitted, whole.take(test), subjects.ir[test], rows, about)
        yield _kept(cache, f"between-{subjects.dataset}-{name}", say, made)


class _Fitted:
    """A method that learns when it is first needed: what is cached needs no learning."""

    def __init__(self, maker: Callable[[], Any], train: Training) -> None:
        self._maker, self._train = maker, train
        self._method: Any = None
        self.seconds = 0.0

    def __call__(self) -> Any:
        if self._method is None:
            start = time.perf_counter()
            self._method = self._maker()
            self._method.fit(self._train)
            self.seconds = time.perf_counter() - start
        return self._method


def _kept(
    cache: Path, label: str, say: Callable[[str], None], made: Callable[[], Result]
) -> Result:
    path = cache / f"{label}.json"
    if path.is_file():
        return Result(**json.loads(path.read_text(encoding="utf-8")))
    result = made()
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(result)), encoding="utf-8")
    unfinished.replace(path)
    mean = {name: round(float(np.mean(values)), 2) for name, values in result.listeners.items()}
    say(f"{label}: {mean}, {result.seconds:.1f} s")
    return result


def _judged(
    fitted: _Fitted, test: Training, ir: NDArray, rows: Int64, about: tuple[str, str, int, int]
) -> Result:
    upsampler = fitted()
    measured = test.directions(rows)
    start = time.perf_counter()
    upsampler.predict(measured.listener(0), test.positions)
    seconds = time.perf_counter() - start
    errors: dict[str, list[float]] = {name: [] for name in ERRORS}
    for row, found in enumerate(predict_many(upsampler, measured, test.positions)):
        for name, value in errors_of(found, test, row, ir[row], rows).items():
            errors[name].append(value)
    return Result(*about, errors, seconds, fitted.seconds, int(upsampler.n_parameters))


def _judged_between(
    fitted: _Fitted, test: Training, ir: NDArray, rows: Int64, about: tuple[str, str, int, int]
) -> Result:
    upsampler = fitted()
    left_out = np.setdiff1d(np.arange(len(test.positions)), rows)
    there = test.directions(left_out)
    start = time.perf_counter()
    found = predict_many(upsampler, test.directions(rows), there.positions)
    seconds = (time.perf_counter() - start) / len(found)
    errors: dict[str, list[float]] = {name: [] for name in ERRORS}
    nothing = np.zeros(0, dtype=np.int64)
    for row, one in enumerate(found):
        for name, value in errors_of(one, there, row, ir[row][left_out], nothing, MIDDLE).items():
            errors[name].append(value)
    return Result(*about, errors, seconds, fitted.seconds, int(upsampler.n_parameters))


def errors_of(
    found: Prediction, test: Training, row: int, ir: NDArray, rows: Int64, bins: slice = HEARD
) -> dict[str, float]:
    """Errors by name of a prediction for a listener of ``test``, measured at ``rows``."""
    magnitude = np.array(found.magnitude_db, dtype=np.float64)
    arrivals = np.array(found.arrival_seconds, dtype=np.float64)
    magnitude[rows], arrivals[rows] = test.magnitude_db[row][rows], test.arrival_seconds[row][rows]
    true = test.magnitude_db[row].astype(np.float64)
    lsd = np.sqrt(np.mean((magnitude - true)[..., bins] ** 2, axis=-1))
    ild = np.abs(_ild_db(magnitude) - _ild_db(true))
    some = np.random.default_rng(0).permutation(len(true))[:ITD_DIRECTIONS]
    late = arrivals[some] - min(float(arrivals[some].min()), 0.0)
    pair = to_responses(magnitude[some], late), ir[some].astype(np.float64)
    unknown = ~np.isin(some, rows)  # what was measured stays as it is
    itd = [
        1e6 * np.abs(estimate(pair[0]) - estimate(pair[1])) * unknown
        for estimate in (_correlation, _maxiacce)
    ]
    return {
        "lsd_db": float(lsd.mean()),
        "itd_error_us": float(itd[0].mean()),
        "itd_maxiacce_error_us": float(itd[1].mean()),
        "ild_error_db": float(ild.mean()),
    }


def _correlation(ir: NDArray) -> NDArray:
    return itd_correlation_seconds(ir, SAMPLE_RATE)


def _maxiacce(ir: NDArray) -> NDArray:
    return itd_maxiacce_seconds(ir, SAMPLE_RATE, parabola=True)


def _ild_db(magnitude_db: NDArray) -> NDArray:
    """Broadband ILD (M,): by Parseval's theorem of all bins, the inner ones twice."""
    power = 10.0 ** (magnitude_db / 10.0)
    energy = 2.0 * power.sum(axis=-1) - power[..., 0] - power[..., -1]
    level = 10.0 * np.log10(energy)
    return np.asarray(level[:, 0] - level[:, 1])
