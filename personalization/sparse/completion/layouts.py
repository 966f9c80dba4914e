"""Where the measured directions lie: which part of the sphere they are in, how far gaps reach.

What can be predicted hangs on the gaps more than on the number: five directions in front say less
than five all around.
"""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.grids import fibonacci_sphere

# How a sentence names where directions lie.
IN_WORDS = {
    "around": "spread around",
    "front": "in the front half",
    "behind": "in the rear half",
    "side": "on one side",
    "horizontal": "around at ear height",
    "median": "in the median plane",
    "above": "in the upper half",
    "below": "in the lower half",
}
_ALL_AROUND = 2000
_EDGE = 0.05  # of a unit vector: a direction straight above is in the front half too
_PLANE = np.sin(np.deg2rad(20.0))  # as thick as a plane may be


def layout_of(positions: Array) -> str:
    """Where directions (K, 3) lie: a key of ``IN_WORDS``."""
    x, y, z = np.asarray(positions, dtype=np.float64).T
    flat = bool(np.all(np.abs(z) <= _PLANE))
    median = bool(np.all(np.abs(y) <= _PLANE))
    if np.all(x >= -_EDGE):
        return "front"
    if np.all(x <= _EDGE):
        return "behind"
    if not median and (np.all(y >= -_EDGE) or np.all(y <= _EDGE)):
        return "side"
    if flat:
        return "horizontal"
    if median:
        return "median"
    if np.all(z >= -_EDGE):
        return "above"
    return "below" if np.all(z <= _EDGE) else "around"


def gap_deg(positions: Array) -> float:
    """The mean angle from any direction of the sphere to the nearest of ``positions`` (K, 3)."""
    nearest = np.max(fibonacci_sphere(_ALL_AROUND) @ np.asarray(positions).T, axis=1)
    return float(np.mean(np.rad2deg(np.arccos(np.clip(nearest, -1.0, 1.0)))))
