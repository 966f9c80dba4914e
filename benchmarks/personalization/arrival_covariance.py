"""Choose the covariance of arrival times by cross-validation within the training listeners.

    python benchmarks/personalization/arrival_covariance.py DATA [SEARCH_SECONDS]

The listeners of SONICOM's first fold who are trained on, in eight groups, each predicted from the
others: mean error of the ITD, between arrival times, at the directions of the LAP challenge, over
all directions, measured ones with error 0. With SEARCH_SECONDS, one hyperparameter after the other
is made larger and smaller as long as the mean over the sets, each divided by the present choice's,
falls. "without bands" looks at arrival times alone. The listeners of the test are not looked at.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.splits import folds
from auricle.personalization.listeners.features import itd_seconds
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.evaluation.comparison import counts_of, measured_rows
from auricle.personalization.sparse.listener_gp.arrival_times import (
    ARRIVAL,
    HEAD_BANDS,
    predict_arrivals,
)
from auricle.personalization.sparse.listener_gp.covariance import Covariance

GROUPS = 8
STEPS = (1.5, 1 / 1.5, 1.15, 1 / 1.15)


def groups_of(listeners: ListenerGroup) -> list[tuple[ListenerGroup, ListenerGroup, ListenerGroup]]:
    """Mean, deviations of the others (with mirror images), and the listeners of each group."""
    found = []
    number = np.arange(len(listeners)) % GROUPS
    for group in range(GROUPS):
        others = listeners.take(np.flatnonzero(number != group))
        mean = mean_listener(others)
        both = others.joined(others.mirrored())
        deviations = replace(
            both,
            magnitude_db=both.magnitude_db - mean.magnitude_db,
            arrival_seconds=both.arrival_seconds - mean.arrival_seconds,
        )
        found.append((mean, deviations, listeners.take(np.flatnonzero(number == group))))
    return found


def errors_us(
    model: Covariance, groups: list[tuple[ListenerGroup, ListenerGroup, ListenerGroup]],
    sets: list[np.ndarray], bands: Sequence[slice] = HEAD_BANDS,
) -> np.ndarray:  # fmt: skip
    """Mean error of the ITD for each set of measured directions."""
    errors = np.zeros((len(sets), len(groups)))
    for column, (mean, deviations, left_out) in enumerate(groups):
        true = itd_seconds(left_out.arrival_seconds)
        for row, rows in enumerate(sets):
            found, _ = predict_arrivals(
                model, mean, deviations, left_out.directions(rows), left_out.positions,
                bands=bands, with_spread=False,
            )  # fmt: skip
            error = np.abs(itd_seconds(found) - true)
            error[:, rows] = 0.0
            errors[row, column] = 1e6 * error.mean()
    return errors.mean(axis=1)


def changed(model: Covariance) -> list[tuple[str, Covariance]]:
    """The model with one hyperparameter changed."""
    found = []
    for step in STEPS:
        for name in ("noise", "offset"):
            found.append((f"{name} x {step:.2f}", scaled(model, name, step)))
        for kind in ("tapers", "rest"):
            parts = getattr(model, kind)
            for k, part in enumerate(parts):
                for name in ("share", "chord", "other_ear"):
                    value = getattr(part, name) * step
                    if name != "chord" and value > 1.0:
                        continue
                    other = (*parts[:k], replace(part, **{name: value}), *parts[k + 1 :])
                    found.append(
                        (f"{kind} {k} {name} x {step:.2f}", replace(model, **{kind: other}))
                    )
    return found


def scaled(model: Covariance, name: str, step: float) -> Covariance:
    return replace(model, **{name: getattr(model, name) * step})


def searched(
    groups: list[tuple[ListenerGroup, ListenerGroup, ListenerGroup]],
    sets: list[np.ndarray],
    seconds: float,
) -> Covariance:
    start, best, model = time.process_time(), 1.0, ARRIVAL
    present = errors_us(ARRIVAL, groups, sets)
    better = True
    while better and time.process_time() - start < seconds:
        better = False
        for k in range(len(changed(model))):
            what, other = changed(model)[k]
            score = float(np.mean(errors_us(other, groups, sets) / present))
            if score < best - 1e-4:
                best, model, better = score, other, True
                print(f"{what}: {score:.4f}", flush=True)
            if time.process_time() - start > seconds:
                break
    return model


def main() -> None:
    subjects = people_only(subjects_in(Path(sys.argv[1]), "sonicom"))
    whole = training_of(subjects)
    train, _ = folds(subjects.people)[0]
    groups = groups_of(whole.take(train))
    counts = counts_of(subjects.dataset)
    sets = [measured_rows(subjects, count) for count in counts]
    models = {"present": (ARRIVAL, HEAD_BANDS), "without bands": (ARRIVAL, ())}
    if len(sys.argv) > 2:
        found = searched(groups, sets, float(sys.argv[2]))
        models["found"] = (found, HEAD_BANDS)
        print(found)
    print("| ITD error us, cross-validated | " + " | ".join(map(str, counts)) + " |")
    print("|---|" + "---|" * len(counts))
    for name, (model, bands) in models.items():
        cells = " | ".join(f"{each:.2f}" for each in errors_us(model, groups, sets, bands))
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
