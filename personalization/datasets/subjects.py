"""Subjects: the responses of many listeners over one grid, with their measures and who is who."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array, Float32, Int64
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet


class DatasetError(AuricleError):
    """A folder, a table or arrays that do not make a data set of listeners."""


@dataclass(frozen=True, eq=False)
class Subjects:
    """Listeners of one data set on one grid; raises DatasetError for arrays that do not fit.

    Attributes:
        ids: names (B,) of the listeners, as the laboratory numbers them.
        ir: (B, M, 2, N) float32, ear 0 left, at the level of the measurement; may lie on disk.
        positions: (M, 3) unit vectors, x front, y left, z up.
        radius_m: distance of the sources.
        sample_rate: Hz.
        measures: (B, A) float64 in cm and degrees, NaN where nothing was measured.
        measure_names: (A,) CIPIC's names: x1..x17, L_d1.., L_theta1.., R_d1...
        people: (B,) index of the person; a person who was measured twice has one.
        dataset: name of the data set.
        findings: what is odd, and what was left out or mended, in sentences.
    """

    ids: tuple[str, ...]
    ir: Float32
    positions: Array
    radius_m: float
    sample_rate: int
    measures: Array
    measure_names: tuple[str, ...]
    people: Int64
    dataset: str
    findings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(str(each) for each in self.ids))
        object.__setattr__(self, "ir", np.asarray(self.ir, dtype=np.float32))
        object.__setattr__(self, "positions", np.asarray(self.positions, dtype=np.float64))
        object.__setattr__(self, "measures", np.asarray(self.measures, dtype=np.float64))
        object.__setattr__(self, "measure_names", tuple(self.measure_names))
        object.__setattr__(self, "people", np.asarray(self.people, dtype=np.int64))
        object.__setattr__(self, "findings", tuple(self.findings))
        _check_shapes(self)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_directions(self) -> int:
        """Number of directions M."""
        return self.ir.shape[1]

    @property
    def n_taps(self) -> int:
        """Number of samples N of a response."""
        return self.ir.shape[3]

    def take(self, rows: ArrayLike | slice) -> "Subjects":
        """The listeners of ``rows`` (integers, B booleans, or a slice), in that order."""
        chosen = _chosen(rows, len(self))
        return replace(
            self,
            ids=tuple(self.ids[row] for row in chosen),
            ir=self.ir[chosen],
            measures=self.measures[chosen],
            people=self.people[chosen],
        )

    def directions(self, rows: ArrayLike | slice) -> "Subjects":
        """The listeners at the directions of ``rows`` (integers, M booleans, or a slice)."""
        chosen = _chosen(rows, self.n_directions)
        return replace(self, ir=self.ir[:, chosen], positions=self.positions[chosen])

    def hrtf_set(self, row: int) -> HrtfSet:
        """One listener as the set that the engine renders."""
        name = f"{self.dataset} {self.ids[row]}"
        ir = self.ir[row].astype(np.float64)
        return HrtfSet(ir, self.positions, self.radius_m, self.sample_rate, name)

    def row(self, subject: str | int) -> int:
        """Row of the listener with that id; DatasetError with the ids there are otherwise."""
        if str(subject) not in self.ids:
            known = ", ".join(self.ids[:8]) + (", ..." if len(self) > 8 else "")
            raise DatasetError(f"{self.dataset} has no subject {subject}, it has {known}")
        return self.ids.index(str(subject))

    def joined(self, *others: "Subjects") -> "Subjects":
        """These listeners and those of ``others``, which share grid, rate, taps and measures.

        People are kept as they are: join what came from one set (mirrored ears, say).
        """
        parts = (self, *others)
        for other in others:
            _check_alike(self, other)
        return replace(
            self,
            ids=tuple(each for part in parts for each in part.ids),
            ir=np.concatenate([part.ir for part in parts]),
            measures=np.concatenate([part.measures for part in parts]),
            people=np.concatenate([part.people for part in parts]),
            findings=tuple(dict.fromkeys(each for part in parts for each in part.findings)),
        )


def people_of(ids: Sequence[str], repeats: Sequence[Sequence[str]] = ()) -> Int64:
    """Index of the person (B,) for each id; ids of one tuple of ``repeats`` share it."""
    first = {other: group[0] for group in repeats for other in group}
    owners = [first.get(each, each) for each in ids]
    numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    return np.array([numbers[owner] for owner in owners], dtype=np.int64)


def _chosen(rows: ArrayLike | slice, size: int) -> Int64:
    return np.atleast_1d(np.arange(size)[rows if isinstance(rows, slice) else np.asarray(rows)])


def _check_shapes(subjects: Subjects) -> None:
    ir, n_subjects = subjects.ir, len(subjects.ids)
    if ir.ndim != 4 or ir.shape[2] != 2 or 0 in ir.shape:
        raise DatasetError(
            f"{subjects.dataset}: ir must be (listeners, directions, 2 ears, samples), none of "
            f"them 0, got {ir.shape}"
        )
    wanted = {
        "ids": (n_subjects, ir.shape[0]),
        "people": (subjects.people.shape, (ir.shape[0],)),
        "positions": (subjects.positions.shape, (ir.shape[1], 3)),
        "measures": (subjects.measures.shape, (ir.shape[0], len(subjects.measure_names))),
    }
    for name, (found, expected) in wanted.items():
        if found != expected:
            raise DatasetError(
                f"{subjects.dataset}: {name} must have shape {expected} beside ir of shape "
                f"{ir.shape}, got {found}"
            )
    if len(set(subjects.ids)) < n_subjects:
        twice = sorted({each for each in subjects.ids if subjects.ids.count(each) > 1})
        raise DatasetError(f"{subjects.dataset}: the ids {', '.join(twice)} are there twice")
    if not np.allclose(np.sum(subjects.positions**2, axis=1), 1.0, atol=1e-6):
        raise DatasetError(f"{subjects.dataset}: positions must be unit vectors")


def _check_alike(one: Subjects, other: Subjects) -> None:
    pairs = {
        "sample rate": (one.sample_rate, other.sample_rate),
        "shape of the responses": (one.ir.shape[1:], other.ir.shape[1:]),
        "measures": (one.measure_names, other.measure_names),
    }
    for name, (a, b) in pairs.items():
        if a != b:
            raise DatasetError(f"{one.dataset} and {other.dataset} differ in {name}: {a} and {b}")
    if not np.allclose(one.positions, other.positions, atol=1e-4):
        raise DatasetError(f"{one.dataset} and {other.dataset} have different directions")
