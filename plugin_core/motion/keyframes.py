"""A source's way through given places at given times: straight, around the head, or smooth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_banded

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors

INTERPOLATIONS = ("linear", "spherical", "spline")
MOST_M = 10000.0  # along each axis, and from the origin
MOST_DEG = 1e6
_LEAST_STEP_SECONDS = 1e-6  # of a smooth curve, which cannot be steeper than numbers are
EASINGS = ("linear", "in", "out", "in-out", "hold")


class KeyframePath:
    """Positions and gains at any time; at rest before the first keyframe and behind the last.

    An easing bends the time between its keyframe and the next: ``in`` starts slowly, ``out`` ends
    slowly, ``in-out`` both, ``hold`` stays and jumps at the next. Gains move evenly, in amplitude.

    Args:
        times: (J,) seconds, rising.
        places: (J, 3) metres up to ``MOST_M``, or with ``polar`` azimuth (deg), elevation (deg),
            distance (m).
        interpolation: "linear" (straight lines in space), "spherical" (azimuth, elevation and
            distance each; azimuths as they are given, so 0 to 350 goes the long way) or "spline"
            (a natural cubic in space and time).
        easings: one a keyframe; gains: (J,) linear.
        polar: what ``places`` are.
        widths_deg: (J,) how wide the source is, which changes evenly; None: always the same.
    """

    def __init__(
        self, times: ArrayLike, places: ArrayLike, interpolation: str = "linear", *,
        easings: Sequence[str] | None = None, gains: ArrayLike | None = None, polar: bool = False,
        widths_deg: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        self._times = np.asarray(times, dtype=np.float64)
        given = np.asarray(places, dtype=np.float64)
        count = len(self._times)
        self._easings = np.array([EASINGS.index(name) for name in easings or ["linear"] * count])
        self._gains = np.ones(count) if gains is None else np.asarray(gains, dtype=np.float64)
        self._widths_deg = None if widths_deg is None else np.asarray(widths_deg, dtype=np.float64)
        self._spherical = interpolation == "spherical"
        if self._spherical:
            self._rows = given if polar else _polar(given)
        else:
            self._rows = _cartesian(given) if polar else given
        self._spline: _NaturalCubic | None = None
        if interpolation == "spline" and count > 2:
            kept = _apart(self._times)
            if len(kept) > 1:
                self._spline = _NaturalCubic(self._times[kept], self._rows[kept])

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        if self._spline is not None:
            before, share = self._at(seconds)
            width = self._times[before + 1] - self._times[before]
            found = self._spline(self._times[before] + share * width)
            # Beside a fast move the curve swings out, as far as it likes.
            return np.asarray(np.clip(found, -MOST_M, MOST_M))
        rows = self._between(self._rows, seconds)
        return _cartesian(rows) if self._spherical else rows

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,)."""
        return self._between(self._gains, seconds)

    def widths_deg(self, seconds: Array) -> Array:
        """Widths (J,) in degrees at times (J,)."""
        if self._widths_deg is None:
            return np.zeros(len(seconds))
        return self._between(self._widths_deg, seconds)

    def _between(self, rows: Array, seconds: Array) -> Array:
        if len(self._times) == 1:
            return np.repeat(rows, len(seconds), axis=0)
        before, share = self._at(seconds)
        share = share.reshape(-1, *[1] * (rows.ndim - 1))
        return (1.0 - share) * rows[before] + share * rows[before + 1]

    def _at(self, seconds: Array) -> tuple[NDArray[np.intp], Array]:
        """The keyframe before each time, and the share of the way to the next, eased."""
        last = len(self._times) - 2
        before = np.clip(np.searchsorted(self._times, seconds, side="right") - 1, 0, last)
        begin, end = self._times[before], self._times[before + 1]
        with np.errstate(over="ignore"):  # of keyframes that nothing parts
            share = np.clip((seconds - begin) / (end - begin), 0.0, 1.0)
        return before, _eased(share, self._easings[before])


class _NaturalCubic:
    """The natural cubic spline through rows (J, D) at times (J,).

    As ``scipy.interpolate.CubicSpline`` gives it, whose import takes 13 MB.
    """

    def __init__(self, times: Array, rows: Array) -> None:
        steps = np.diff(times)
        slopes = np.diff(rows, axis=0) / steps[:, None]
        bands = np.zeros((3, len(times)))
        bands[1, [0, -1]] = 1.0  # no bend at the ends
        bands[0, 2:], bands[2, :-2] = steps[1:], steps[:-1]
        bands[1, 1:-1] = 2.0 * (steps[:-1] + steps[1:])
        right = np.zeros_like(rows)
        right[1:-1] = 6.0 * np.diff(slopes, axis=0)
        self._bends = solve_banded((1, 1), bands, right)
        self._times, self._rows, self._steps, self._slopes = times, rows, steps, slopes

    def __call__(self, seconds: Array) -> Array:
        at = np.clip(
            np.searchsorted(self._times, seconds, side="right") - 1, 0, len(self._steps) - 1
        )
        step = self._steps[at][:, None]
        after = (seconds - self._times[at])[:, None]
        before = step - after
        bends = (step + after) * self._bends[at + 1] + (step + before) * self._bends[at]
        found = self._rows[at] + after * (self._slopes[at] - before * bends / (6.0 * step))
        return np.asarray(found)


def _apart(times: Array) -> list[int]:
    """Which times to keep, so that each is some way behind the one before."""
    kept = [0]
    for i, time in enumerate(times.tolist()):
        if time - times[kept[-1]] >= _LEAST_STEP_SECONDS:
            kept.append(i)
    return kept


def _eased(share: Array, easings: NDArray[np.int_]) -> Array:
    back = 1.0 - share
    both = np.where(share < 0.5, 2.0 * share * share, 1.0 - 2.0 * back * back)
    bent = [share, share * share, 1.0 - back * back, both, np.floor(share)]
    return np.choose(easings, bent)


def _cartesian(polar: Array) -> Array:
    return polar[:, 2:] * unit_vectors(polar[:, 0], polar[:, 1])


def _polar(xyz: Array) -> Array:
    azimuth, elevation = azimuth_elevation_deg(xyz)
    azimuth = np.unwrap(azimuth, period=360.0)  # the shorter way around
    return np.stack([azimuth, elevation, np.linalg.norm(xyz, axis=1)], axis=1)
