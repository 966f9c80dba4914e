"""What a source's own shape does: the pattern it radiates by, and how wide it is."""

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


def spread(
    direction: ArrayLike, width_deg: float, n_directions: int = 5, law: str = "energy"
) -> tuple[Array, Array]:
    """Directions (N, 3) across a source's width, and their gains (N,).

    An arc through ``direction``, level with the horizon (for one at a pole: along the y axis),
    evenly filled and tapered at its ends. The copies are the same signal, so at low frequencies,
    where they arrive together, amplitudes add up, and higher up energies: no gains keep both.

    Args:
        direction: (3,) of the middle, any length but 0.
        width_deg: the whole angle, 0 to 360; 0 gives the direction alone N times over.
        n_directions: N, at least 1.
        law: "energy": squared gains add to 1, right for high frequencies, louder at low ones;
            "amplitude": gains add to 1, right for low frequencies, softer at high ones.

    Raises AuricleError for a width, number or law out of range.

    Source: Pulkki 1999, WASPAA (uniform spreading by multiple directions).
    """
    if not 0.0 <= width_deg <= 360.0:
        raise AuricleError(f"a width is from 0 to 360 degrees, got {width_deg}")
    if law not in ("energy", "amplitude"):
        raise AuricleError(f'the law of a wide source is "energy" or "amplitude", not {law!r}')
    if n_directions < 1:
        raise AuricleError(f"a source has at least 1 direction, got {n_directions}")
    middle = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(middle)
    if not (length > 0.0 and np.isfinite(length)):
        raise AuricleError(f"the direction of a wide source is not a direction: {middle.tolist()}")
    middle = middle / length
    aside = np.array([-middle[1], middle[0], 0.0])
    flat = np.linalg.norm(aside)
    aside = aside / flat if flat > 1e-6 else np.array([0.0, 1.0, 0.0])
    place = (np.arange(n_directions) + 0.5) / n_directions - 0.5
    angle = np.deg2rad(width_deg) * place[:, None]
    gains = np.cos(0.5 * np.pi * place)
    gains /= np.linalg.norm(gains) if law == "energy" else np.sum(gains)
    return np.cos(angle) * middle + np.sin(angle) * aside, gains
