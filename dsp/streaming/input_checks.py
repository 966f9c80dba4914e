"""Checks of what callers give to renderers: blocks, gains, poses, sets; and their bounds."""

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY, quaternion_from_ypr_deg, quaternion_normalise

# A larger sample is no sound but a fault. What holds one is silent, as with NaN: sums and products
# of such numbers would pass the largest float32, 3.4e38, and leave NaN behind. Kernels have this
# number themselves; tests hold them together.
LOUDEST_SAMPLE = 1e15
LARGEST_GAIN = 1e6  # 120 dB
LARGEST_RESPONSE = 1e9

PathLike: TypeAlias = str | os.PathLike[str]
_FLOAT32 = np.dtype(np.float32)


def checked_block(block: ArrayLike, n_rows: int, what: str = "a block") -> NDArray[np.float32]:
    """A block as C-contiguous float32, itself where it is that already.

    Args:
        block: (n_rows, n) floating point.
        n_rows: sources or channels that there must be.
        what: the word for it in messages.

    Raises:
        AuricleError: another shape, or whole numbers: those of files have a full scale that nobody
            can tell from the numbers.
    """
    given = np.asarray(block)
    if given.dtype is not _FLOAT32 or not given.flags.c_contiguous:
        if given.dtype.kind != "f":
            raise AuricleError(_about_kind(given, what))
        with np.errstate(over="ignore"):  # too large for 32 bits: infinite, and silent further on
            given = np.ascontiguousarray(given, dtype=np.float32)
    if given.ndim != 2 or given.shape[0] != n_rows:
        raise AuricleError(f"{what} must be ({n_rows}, samples), got {given.shape}")
    return given


def _about_kind(given: NDArray[Any], what: str) -> str:
    if given.dtype.kind in "iu":
        full = 2 ** (8 * given.dtype.itemsize - 1)
        return (
            f"{what} is floating point with a full scale of 1, got {given.dtype}; divide it first, "
            f"block / np.float32({full}) if {full} is its full scale"
        )
    return f"{what} is an array of float32 numbers, got {given.dtype}"


def checked_gains(gains: ArrayLike, n_sources: int) -> Array:
    """Linear gains (S,); AuricleError for another shape, NaN, or one beyond 120 dB."""
    values = np.asarray(gains, dtype=np.float64)
    if values.shape != (n_sources,):
        raise AuricleError(f"gains must be ({n_sources},), got {values.shape}")
    wrong = ~(np.abs(values) <= LARGEST_GAIN)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise AuricleError(
            f"gains are finite, linear and at most {LARGEST_GAIN:g} (120 dB), got {values[row]:g} "
            f"for source {row}"
        )
    return values


def checked_widths(width_deg: ArrayLike, n_sources: int) -> Array:
    """Widths in degrees (S,) or (); AuricleError for another shape, or one out of range."""
    values = np.asarray(width_deg, dtype=np.float64)
    if values.shape not in ((), (n_sources,)):
        raise AuricleError(f"width_deg must be ({n_sources},), got {values.shape}")
    wrong = ~((values >= 0.0) & (values <= 180.0))
    if np.any(wrong):
        raise AuricleError(f"a width is from 0 to 180 degrees, got {values[wrong].flat[0]}")
    return values


def listener_orientation(
    orientation: ArrayLike | None, yaw_deg: float | None, pitch_deg: float | None,
    roll_deg: float | None,
) -> Array:  # fmt: skip
    """The head's orientation as a unit quaternion, from a quaternion or from angles.

    Args:
        orientation: (4,) quaternion [w, x, y, z], or None.
        yaw_deg: degrees, + left; None: 0.
        pitch_deg: degrees, + nose down; None: 0.
        roll_deg: degrees, + left ear up; None: 0.

    Raises:
        AuricleError: both at once, or numbers that are not finite.
    """
    angles = (yaw_deg, pitch_deg, roll_deg)
    if all(angle is None for angle in angles):
        return quaternion_normalise(IDENTITY if orientation is None else orientation)
    if orientation is not None:
        raise AuricleError(
            f"give the orientation as a quaternion or as angles, not both: {orientation} and "
            f"yaw_deg, pitch_deg, roll_deg = {angles}"
        )
    degrees = [0.0 if angle is None else float(angle) for angle in angles]
    if not np.all(np.isfinite(degrees)):
        raise AuricleError(f"yaw_deg, pitch_deg and roll_deg are finite numbers, got {degrees}")
    return quaternion_from_ypr_deg(*degrees)
