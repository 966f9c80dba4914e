"""All methods on listeners left out: what each gets wrong, kept on disk fold by fold.

Errors of a listener are means over all directions of the grid, the measured ones (where they are 0)
included, as in the LAP challenge. LSD: bins 1 to 116 of 256 at 44.1 kHz, mean over both ears. ITD:
of responses made of the prediction, by correlation below 1.5 kHz and by MaxIACCe, both between
samples, on 200 directions drawn once. ILD: broadband, of all directions. Localisation: of some
listeners alone, since each takes seconds
(``auricle.personalization.sparse.evaluation.localisation``).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Int64
from auricle.dsp.errors import AuricleError
from auricle.dsp.metrics.interaural import itd_correlation_seconds, itd_maxiacce_seconds
from auricle.personalization.datasets.lap import lap_rows, spread_rows
from auricle.personalization.datasets.registry import DATASETS
from auricle.personalization.datasets.splits import check_no_leak, folds
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.learning.result_cache import kept
from auricle.personalization.listeners.features import (
    EVALUATED_BINS,
    SAMPLE_RATE,
    Features,
    energy_db,
    to_responses,
)
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction
from auricle.personalization.sparse.evaluation.lazy_fit import TRAINING_MINUTES, Fitted
from auricle.personalization.sparse.evaluation.localisation import OBSERVED, observed_errors
from auricle.personalization.sparse.method import predict_many

ITD_DIRECTIONS = 200
MIDDLE = slice(2, 93)  # bins from 345 Hz to 15.8 kHz
OTHER_COUNTS = (4, 9, 16, 100)  # of sets that are not known
ERRORS = ("lsd_db", "itd_error_us", "itd_maxiacce_error_us", "ild_error_db")
OWN_EARS = "own ears"  # beside the methods, where listeners localise


@dataclass(frozen=True)
class Result:
    """One method on one fold of one data set with one number of measured directions.

    Attributes:
        listeners: errors by name, one list entry a listener.
        seconds: to predict one whole listener.
        training_seconds: to learn from the other listeners.
        n_parameters: numbers learned.
        n_folds: into which the listeners were split; 0 where they were not.
    """

    dataset: str
    method: str
    n_measured: int
    fold: int
    listeners: dict[str, list[float]]
    seconds: float
    training_seconds: float
    n_parameters: int
    n_folds: int = 0


@dataclass(frozen=True)
class Request:
    """The methods to compare, and where results are kept.

    Attributes:
        names: of the methods.
        cache: folder; results that are there are read, not made again.
        say: told of every result that is made.
        training_minutes: the most that a network trains, of processor time.
        n_observed: listeners of each fold who also localise; 0 for none.
        weights: folder of NAME.safetensors; methods that are there are not trained anew.
    """

    names: Sequence[str]
    cache: Path
    say: Callable[[str], None]
    training_minutes: float = TRAINING_MINUTES
    n_observed: int = 0
    weights: Path | None = None

    def fitted(self, name: str, train: ListenerGroup, where: str) -> Fitted:
        """A method that learns from listeners when it is first needed, or has learned before.

        Args:
            name: of the method.
            train: the listeners it learns from.
            where: a word for them, in the name of the file of weights.
        """
        given = self.weights / f"{name}.safetensors" if self.weights else None
        finished = given if given and given.is_file() else None
        return Fitted(name, train, self.cache, where, self.training_minutes, finished)


@dataclass(frozen=True)
class _Test:
    """Listeners left out, their responses and which fold they are."""

    subjects: Subjects
    features: ListenerGroup
    fold: int = 0


def measured_rows(subjects: Subjects, n_measured: int) -> Int64:
    """The LAP sets for SONICOM, evenly spread directions (``spread_rows``) for all others."""
    info = DATASETS.get(subjects.dataset)
    if info is not None and info.lap_sets:
        return lap_rows(subjects.positions, n_measured)
    return spread_rows(subjects.positions, n_measured)


def counts_of(dataset: str) -> tuple[int, ...]:
    """Numbers of measured directions that are tried."""
    info = DATASETS.get(dataset)
    return OTHER_COUNTS if info is None else info.compared_counts


def compare_folds(
    subjects: Subjects,
    whole: ListenerGroup,
    request: Request,
    n_folds: int,
    only: Sequence[int] = (),
) -> Iterator[Result]:
    """Results by subject folds.

    Args:
        subjects: with their responses.
        whole: their features.
        request: what is compared.
        n_folds: folds of the subjects, by person.
        only: numbers of folds from 1 on; empty: all.
    """
    for fold, (train, test) in enumerate(folds(subjects.people, n_folds)):
        if only and fold + 1 not in only:
            continue
        check_no_leak(subjects.people, train, test)
        left_out = _Test(subjects.take(test), whole.take(test), fold)
        where = f"{fold + 1}of{n_folds}"
        for name in request.names:
            fitted = request.fitted(name, whole.take(train), f"{subjects.dataset}-{where}")
            prefix = f"{subjects.dataset}-{fitted.label}"
            for result in _of_method(request, fitted, left_out, prefix, f"-{where}"):
                yield replace(result, n_folds=n_folds)
        for result in _own_ears(request, left_out, subjects.dataset, f"-{where}"):
            yield replace(result, n_folds=n_folds)


def compare_across(
    train: ListenerGroup, subjects: Subjects, whole: ListenerGroup, request: Request
) -> Iterator[Result]:
    """Results on all listeners of a laboratory, learned from other ones.

    Args:
        train: listeners of other laboratories.
        subjects: of the laboratory, with their responses.
        whole: their features.
        request: what is compared.
    """
    test = _Test(subjects, whole)
    prefix = f"across-{subjects.dataset}-{len(whole)}"
    for name in request.names:
        fitted = request.fitted(name, train, "across")
        yield from _of_method(request, fitted, test, f"{prefix}-{fitted.label}")
    yield from _own_ears(request, test, prefix)


def compare_between(subjects: Subjects, whole: ListenerGroup, request: Request) -> Iterator[Result]:
    """Results at every second direction, from the others, of the data set's ``dense_rows``.

    They and their repeats are left out of the training. LSD from 345 Hz to 15.8 kHz, at the
    directions left out alone.

    Args:
        subjects: with their responses.
        whole: their features.
        request: what is compared.

    Raises:
        AuricleError: too few people to learn from the others.
    """
    test = _dense_rows(subjects)
    train = np.flatnonzero(~np.isin(subjects.people, subjects.people[test]))
    if len(train) == 0:
        raise AuricleError(
            f"{subjects.dataset}: {len(subjects)} listeners are too few to leave {len(test)} out "
            "and learn from the others; use --across, which learns from those that ship"
        )
    rows = np.arange(0, subjects.n_directions, 2)
    for name in request.names:
        label = f"between-{subjects.dataset}"
        fitted = request.fitted(name, whole.take(train), label)
        about = (subjects.dataset, name, len(rows), 0)
        made = partial(_judged_between, fitted, whole.take(test), subjects.ir[test], rows, about)
        yield _kept(request, f"{label}-{fitted.label}", made)


def _dense_rows(subjects: Subjects) -> Int64:
    """Of whom directions are left out: whom the table names and the folder has, else three."""
    info = DATASETS.get(subjects.dataset)
    named = [] if info is None else [row for row in info.dense_rows if row < len(subjects)]
    return np.array(named, dtype=np.int64) if named else some_rows(len(subjects), 3)


def compare_between_across(
    train: ListenerGroup, subjects: Subjects, whole: ListenerGroup, request: Request
) -> Iterator[Result]:
    """Results at every second direction, from the others, of all listeners of a laboratory.

    They are judged as ``compare_between`` judges.

    Args:
        train: listeners of other laboratories.
        subjects: of the laboratory, with their responses.
        whole: their features.
        request: what is compared.
    """
    rows = np.arange(0, subjects.n_directions, 2)
    for name in request.names:
        fitted = request.fitted(name, train, "across")
        about = (subjects.dataset, name, len(rows), 0)
        made = partial(_judged_between, fitted, whole, subjects.ir, rows, about)
        label = f"across-between-{subjects.dataset}-{len(whole)}-{fitted.label}"
        yield _kept(request, label, made)


def some_rows(count: int, most: int | None) -> Int64:
    """Rows of at most so many of ``count`` listeners, evenly from the first to the last."""
    wanted = count if most is None else min(most, count)
    return np.linspace(0, count - 1, wanted).astype(np.int64)


def _of_method(
    request: Request, fitted: Fitted, test: _Test, prefix: str, suffix: str = ""
) -> Iterator[Result]:
    """Results for all numbers of directions; where listeners localise, theirs behind each."""
    for count in counts_of(test.subjects.dataset):
        label = f"{prefix}-{count}{suffix}"
        yield _kept(request, label, partial(_judged, fitted, test, count))
        if request.n_observed:
            made = partial(_localised, fitted, test, count, request.n_observed)
            yield _kept(request, f"observed{request.n_observed}-{label}", made)


def _own_ears(request: Request, test: _Test, prefix: str, suffix: str = "") -> Iterator[Result]:
    """How the same listeners localise with their own ears, whatever is measured."""
    if request.n_observed:
        label = f"observed{request.n_observed}-{prefix}-own-ears{suffix}"
        result = _kept(request, label, partial(_localised_as_measured, test, request.n_observed))
        for count in counts_of(test.subjects.dataset):
            yield replace(result, n_measured=count)


def _kept(request: Request, label: str, made: Callable[[], Result]) -> Result:
    result, new = kept(request.cache / f"{label}.json", Result, made)
    if new:
        mean = {name: round(float(np.mean(each)), 2) for name, each in result.listeners.items()}
        request.say(f"{label}: {mean}, {result.seconds:.1f} s")
    return result


def _judged(fitted: Fitted, test: _Test, count: int) -> Result:
    upsampler = fitted()
    rows = measured_rows(test.subjects, count)
    measured, targets = test.features.directions(rows), test.features.positions
    start = time.perf_counter()
    upsampler.predict(measured.listener(0), targets)
    seconds = time.perf_counter() - start
    errors: dict[str, list[float]] = {name: [] for name in ERRORS}
    for row, found in enumerate(predict_many(upsampler, measured, targets)):
        for name, value in errors_of(
            found, test.features, row, test.subjects.ir[row], rows
        ).items():
            errors[name].append(value)
    about = (test.subjects.dataset, fitted.name, count, test.fold)
    return Result(*about, errors, seconds, fitted.seconds, int(upsampler.n_parameters))


def _localised(fitted: Fitted, test: _Test, count: int, n_listeners: int) -> Result:
    upsampler = fitted()
    rows = measured_rows(test.subjects, count)
    some = test.features.take(np.arange(min(n_listeners, len(test.features))))
    start = time.perf_counter()
    predicted = predict_many(upsampler, some.directions(rows), some.positions)
    seconds = (time.perf_counter() - start) / len(some)
    heard = [with_measured(found, some, row, rows) for row, found in enumerate(predicted)]
    about = (test.subjects.dataset, fitted.name, count, test.fold)
    errors = _observed(test.subjects, heard)
    return Result(*about, errors, seconds, fitted.seconds, int(upsampler.n_parameters))


def _localised_as_measured(test: _Test, n_listeners: int) -> Result:
    rows = range(min(n_listeners, len(test.features)))
    heard = [test.features.listener(row).features for row in rows]
    about = (test.subjects.dataset, OWN_EARS, 0, test.fold)
    return Result(*about, _observed(test.subjects, heard), 0.0, 0.0, 0)


def _observed(subjects: Subjects, heard: Sequence[Features]) -> dict[str, list[float]]:
    each = [observed_errors(subjects.hrtf_set(row), one) for row, one in enumerate(heard)]
    return {name: [errors[name] for errors in each] for name in OBSERVED}


def _judged_between(
    fitted: Fitted, test: ListenerGroup, ir: NDArray, rows: Int64, about: tuple[str, str, int, int]
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
    found: Prediction,
    test: ListenerGroup,
    row: int,
    ir: NDArray,
    rows: Int64,
    bins: slice = EVALUATED_BINS,
) -> dict[str, float]:
    """Errors by name of a prediction for a listener.

    Args:
        found: the prediction at all directions.
        test: the group of the listener.
        row: of the listener in it.
        ir: (M, 2, N) the listener's responses.
        rows: directions that were measured.
        bins: that count.
    """
    whole, arrivals = with_measured(found, test, row, rows)
    magnitude = whole.astype(np.float64)
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


def with_measured(found: Prediction, test: ListenerGroup, row: int, rows: Int64) -> Features:
    """A prediction with what was measured in its place.

    Args:
        found: the prediction at all directions.
        test: the group of the listener.
        row: of the listener in it.
        rows: directions that were measured.
    """
    magnitude = np.array(found.magnitude_db, dtype=np.float32)
    arrivals = np.array(found.arrival_seconds, dtype=np.float64)
    magnitude[rows], arrivals[rows] = test.magnitude_db[row][rows], test.arrival_seconds[row][rows]
    return Features(magnitude, arrivals)


def _correlation(ir: NDArray) -> NDArray:
    return itd_correlation_seconds(ir, SAMPLE_RATE)


def _maxiacce(ir: NDArray) -> NDArray:
    return itd_maxiacce_seconds(ir, SAMPLE_RATE, parabola=True)


def _ild_db(magnitude_db: NDArray) -> NDArray:
    """Broadband ILD (M,)."""
    level = energy_db(magnitude_db)
    return np.asarray(level[:, 0] - level[:, 1])
