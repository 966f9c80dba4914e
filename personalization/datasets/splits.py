"""Splits by person: who is measured twice, or mirrored, never stands on both sides."""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Int64
from auricle.personalization.datasets.subjects import DatasetError


def folds(people: ArrayLike, n_folds: int = 5, seed: int = 0) -> list[tuple[Int64, Int64]]:
    """Rows (train, test) of each fold; every row is tested once, each person in one fold.

    Args:
        people: (B,) index of the person of each row.
        n_folds: how many.
        seed: of the order of the people.
    """
    persons, number = np.unique(np.asarray(people), return_inverse=True)
    if not 2 <= n_folds <= len(persons):
        raise DatasetError(f"{len(persons)} people make 2 to {len(persons)} folds, not {n_folds}")
    fold_of_person = np.empty(len(persons), dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(persons))
    fold_of_person[order] = np.arange(len(persons)) % n_folds
    fold = fold_of_person[number]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def split(people: ArrayLike, n_test: int, seed: int = 0) -> tuple[Int64, Int64]:
    """Rows (train, test) with ``n_test`` people, and all that was measured of them, for the test.

    Args:
        people: (B,) index of the person of each row.
        n_test: number of people, not of rows.
        seed: of the choice.
    """
    persons, number = np.unique(np.asarray(people), return_inverse=True)
    if not 1 <= n_test < len(persons):
        raise DatasetError(f"of {len(persons)} people 1 to {len(persons) - 1} test, not {n_test}")
    chosen = np.random.default_rng(seed).permutation(len(persons))[:n_test]
    tested = np.isin(number, chosen)
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def check_no_leak(people: ArrayLike, train: ArrayLike, test: ArrayLike) -> None:
    """Refuse a split in which a person stands on both sides.

    Args:
        people: (B,) the person of each row.
        train: rows.
        test: rows.

    Raises:
        DatasetError: a person has rows in both.
    """
    people = np.asarray(people)
    both = np.intersect1d(people[np.asarray(train)], people[np.asarray(test)])
    if both.size:
        raise DatasetError(
            f"{both.size} people are in training and in test, the first is {both[0]}"
        )
