"""Mirrored listeners: left turned into right, as further people to learn from."""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array, Int64
from auricle.personalization.datasets.subjects import Subjects

TOLERANCE_DEG = 0.5
SUFFIX = "m"


def mirrored(subjects: Subjects, tolerance_deg: float = TOLERANCE_DEG) -> Subjects:
    """The listeners in the mirror, on the same grid; each is the same person as before.

    Ears and directions change sides, the measures of the left ear become those of the right. Where
    the grid is not symmetric the nearest direction stands in, and ``findings`` says how far off.
    Their ids end in "m", so they can be ``joined`` to the listeners themselves.
    """
    rows, off_deg = mirror_rows(subjects.positions)
    findings = list(subjects.findings)
    beyond = off_deg > tolerance_deg
    if np.any(beyond):
        findings.append(
            f"The grid is not symmetric: of {len(rows)} mirrored directions {np.sum(beyond)} were "
            f"taken from the nearest one, up to {off_deg.max():.1f} degrees beside."
        )
    names = subjects.measure_names
    columns = [names.index(_other_side(each)) if _other_side(each) in names else k
               for k, each in enumerate(names)]  # fmt: skip
    return replace(
        subjects,
        ids=tuple(each + SUFFIX for each in subjects.ids),
        ir=np.ascontiguousarray(subjects.ir[:, rows, ::-1]),
        measures=subjects.measures[:, columns],
        findings=tuple(findings),
    )


def mirror_rows(positions: Array) -> tuple[Int64, Array]:
    """Row (M,) of the direction nearest to the mirror image of each, and how far, in degrees."""
    chord, rows = cKDTree(positions).query(positions * np.array([1.0, -1.0, 1.0]))
    return rows.astype(np.int64), np.rad2deg(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))


def _other_side(name: str) -> str:
    sides = {"L_": "R_", "R_": "L_"}
    return sides.get(name[:2], name[:2]) + name[2:]
