"""Responses that are known at every direction, so that what engines make of a coarse grid can be
compared with the right answer: a dense measured set as spherical harmonics, or the computed head.
"""

from typing import Protocol

import numpy as np
from scipy.special import sph_harm_y

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.hrtf.structural_model import NAME, SOURCE_DISTANCE_M, computed_responses
from auricle.dsp.responses import arrival

RATE = 48000
TAPS = 256
LEAD = 32
LOWEST_DEG = -60.0
ORDER, ARRIVAL_ORDER = 35, 20


class Truth(Protocol):
    """The responses that the protocols compare with, known at every direction."""

    name: str
    radius_m: float

    def responses(self, positions: Array) -> Array:
        """(Q, 2, TAPS) at directions (Q, 3), at RATE."""
        ...


class MeasuredTruth:
    """A dense set as harmonics of its aligned responses and of its arrival times.

    Raises HrtfError for a set with fewer than twice as many directions as harmonics would need:
    what is fitted through too few points is no truth.
    """

    def __init__(self, hrtf: HrtfSet) -> None:
        hrtf = hrtf.resampled(RATE)
        if hrtf.n_directions < 1.5 * (ORDER + 1) ** 2:
            raise HrtfError(
                f"{hrtf.name or 'the set'} has {hrtf.n_directions} directions; the truth needs a "
                f"dense one of at least {int(1.5 * (ORDER + 1) ** 2)}, such as KU100's HRIR_L2702"
            )
        self.name, self.radius_m = hrtf.name or "measured set", hrtf.radius_m
        arrivals = arrival.arrival_samples(hrtf.ir, RATE, hrtf.positions)
        aligned = arrival.shifted(hrtf.ir, LEAD - arrivals, TAPS - 2 * LEAD)
        flat = aligned.reshape(len(aligned), -1)
        basis = harmonics(hrtf.positions, ORDER)
        self._ir = _fitted(basis, flat)
        self._arrivals = _fitted(basis[:, : (ARRIVAL_ORDER + 1) ** 2], arrivals)

    def responses(self, positions: Array) -> Array:
        """The harmonics' sum, moved to its arrival times."""
        basis = harmonics(positions, ORDER)
        ir = (basis @ self._ir).reshape(len(positions), 2, -1)
        arrivals = basis[:, : (ARRIVAL_ORDER + 1) ** 2] @ self._arrivals
        return arrival.shifted(ir, arrivals - LEAD, TAPS)


def _fitted(basis: Array, values: Array) -> Array:
    """Least squares; dense grids keep the normal equations well conditioned."""
    return np.asarray(np.linalg.solve(basis.T @ basis, basis.T @ values), dtype=np.float64)


class ComputedTruth:
    """The listener that the code computes: needs no data, but is smoother than any real head."""

    name, radius_m = NAME, SOURCE_DISTANCE_M

    def responses(self, positions: Array) -> Array:
        """The responses by the formulas of the structural model."""
        return computed_responses(positions, RATE)[..., :TAPS]


def grid(truth: Truth, step_deg: float) -> HrtfSet:
    """The truth at rings every ``step_deg`` from -60 degrees up, the same step in each ring."""
    ring = np.arange(0.0, 360.0, step_deg)
    points = [(a, e) for e in np.arange(LOWEST_DEG, 90.0, step_deg) for a in ring]
    positions = unit_vectors(*np.array([*points, (0.0, 90.0)]).T)
    ir = truth.responses(positions)
    return HrtfSet(ir, positions, truth.radius_m, RATE, name=f"{truth.name}, {step_deg:g} degrees")


def random_directions(count: int) -> Array:
    """Random directions (count, 3) above -60 degrees, the same ones every time."""
    points = np.random.default_rng(0).standard_normal((2 * count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points[points[:, 2] > np.sin(np.deg2rad(LOWEST_DEG))][:count]


def harmonics(positions: Array, order: int) -> Array:
    """Real spherical harmonics (M, (order + 1)^2)."""
    polar = np.arccos(np.clip(positions[:, 2], -1.0, 1.0))
    azimuth = np.arctan2(positions[:, 1], positions[:, 0])
    columns = []
    for n in range(order + 1):
        for m in range(-n, n + 1):
            y = sph_harm_y(n, abs(m), polar, azimuth)
            columns.append(y.real if m == 0 else np.sqrt(2.0) * (y.imag if m < 0 else y.real))
    return np.stack(columns, axis=1)
