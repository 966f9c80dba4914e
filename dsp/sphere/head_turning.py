# mypy: disable-error-code="no-untyped-def"
"""Rotations of the head in compiled code: between two of them, and as a matrix."""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.compiled.records import f64

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled


@exact_kernel
def slerp_rows(rows, start, target, share, out):
    """Set a row's first 4 numbers to the unit quaternion between those of two others.

    The short way round, at an even rate, as ``auricle.dsp.geometry.slerp``.

    Args:
        rows: (n, 4 or more).
        start: row that it is at share 0.
        target: row that it is at share 1.
        share: from 0 to 1.
        out: row that is written.
    """
    dot, apart, together = 0.0, 0.0, 0.0
    for i in range(4):
        dot += rows[start, i] * rows[target, i]
    sign = -1.0 if dot < 0.0 else 1.0
    for i in range(4):
        end = sign * rows[target, i]
        apart += (rows[start, i] - end) ** 2
        together += (rows[start, i] + end) ** 2
    angle = 2.0 * np.arctan2(np.sqrt(apart), np.sqrt(together))
    a, b = 1.0 - share, share
    if angle >= 1e-6:
        a, b = np.sin(a * angle) / np.sin(angle), np.sin(b * angle) / np.sin(angle)
    length = 0.0
    for i in range(4):
        rows[out, i] = a * rows[start, i] + sign * b * rows[target, i]
        length += rows[out, i] * rows[out, i]
    length = np.sqrt(length)
    for i in range(4):
        rows[out, i] /= length


@exact_kernel
def world_to_head_matrix(rows, row, out):
    """The matrix (3, 3) from world to head axes.

    Args:
        rows: (n, 4 or more), in the first 4 numbers unit quaternions [w, x, y, z], head to world.
        row: which of them.
        out: (3, 3), written.
    """
    w, x, y, z = rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3]
    out[0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[0, 1] = 2.0 * (x * y + w * z)
    out[0, 2] = 2.0 * (x * z - w * y)
    out[1, 0] = 2.0 * (x * y - w * z)
    out[1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[1, 2] = 2.0 * (y * z + w * x)
    out[2, 0] = 2.0 * (x * z + w * y)
    out[2, 1] = 2.0 * (y * z - w * x)
    out[2, 2] = 1.0 - 2.0 * (x * x + y * y)


SLERP = Routine(
    slerp_rows, types.void(f64(2), types.int64, types.int64, types.float64, types.int64)
)
WORLD_TO_HEAD = Routine(world_to_head_matrix, types.void(f64(2), types.int64, f64(2)))
