"""Directivity of sources: the pattern by which a source radiates."""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError

# Shares of the omnidirectional part of the first-order family.
PATTERNS = {
    "omnidirectional": 1.0,
    "subcardioid": 0.7,
    "cardioid": 0.5,
    "supercardioid": 0.366,
    "hypercardioid": 0.25,
    "figure-of-eight": 0.0,
}


def directivity_gain(cosine: ArrayLike, share: ArrayLike, order: ArrayLike = 1.0) -> Array:
    """Linear gains (...): abs(share + (1 - share) cosine) ** order, 1 ahead of the source.

    Args:
        cosine: (...) of the angle between the source's front and the way to the listener.
        share: (...) 0 to 1 of the omnidirectional part: ``PATTERNS``.
        order: (...) at least 0; 2 or more makes a narrow beam.

    Raises AuricleError for a share or order out of range.
    """
    share, order = np.asarray(share, dtype=np.float64), np.asarray(order, dtype=np.float64)
    if not np.all((share >= 0.0) & (share <= 1.0)):
        raise AuricleError(f"the omnidirectional share is from 0 to 1, got {share}")
    if not np.all((order >= 0.0) & np.isfinite(order)):
        raise AuricleError(f"the order of a directivity is at least 0, got {order}")
    cosine = np.clip(np.asarray(cosine, dtype=np.float64), -1.0, 1.0)
    return np.abs(share + (1.0 - share) * cosine) ** order


def facing_cosine(positions_m: ArrayLike, fronts: ArrayLike, listener_m: ArrayLike) -> Array:
    """Cosines (...) of the angle between sources' fronts and the way to the listener; 1 at it.

    Args:
        positions_m: (..., 3) of the sources; listener_m: (3,) or (..., 3).
        fronts: (..., 3) unit vectors in world axes.
    """
    way = np.asarray(listener_m, dtype=np.float64) - np.asarray(positions_m, dtype=np.float64)
    length = np.linalg.norm(way, axis=-1)
    along = np.sum(way * np.asarray(fronts, dtype=np.float64), axis=-1)
    return np.where(length > 1e-9, along / np.where(length > 1e-9, length, 1.0), 1.0)
