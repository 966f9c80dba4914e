"""Covariance of a listener's values between directions, ears and frequencies.

The covariance of the training listeners, tapered, plus that of what they cannot tell. There are a
hundred listeners and ten thousands of values, so most of the correlations that the listeners show
between distant directions and frequencies are chance; a taper keeps those of neighbours. This is
the localisation of ensemble Kalman filters (Houtekamer and Mitchell 2001, Monthly Weather Review
129:123; Hamill, Whitaker and Snyder 2001, 129:2776), with three scales added up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.interpolation.gaussian_process import matern_3_2
from auricle.dsp.sphere.grids import chords

_BINS_AT_ONCE = 8  # bins of the targets, so that what is summed stays near the processor


@dataclass(frozen=True)
class Part:
    """A share of the covariance that fades with the distance of two values.

    Attributes:
        share: of the variance at distance 0.
        chord: scale over directions (Matern 3/2).
        bins: scale over frequency in bins (exponential).
        other_ear: what is left of it between the two ears.
    """

    share: float
    chord: float
    bins: float
    other_ear: float


@dataclass(frozen=True)
class Covariance:
    """Hyperparameters of the covariance.

    Attributes:
        tapers: of the empirical covariance; what their shares leave of 1 is not tapered.
        rest: of what the listeners do not span, in units of their variance.
        noise: variance of a measurement, in the same units.
        offset: variance of an unknown common to all directions and both ears (of the loudspeaker,
            of the level), in the units of the values squared; ``offset_bins`` its scale.
        shared: variance of an unknown of each measured direction that its ears share (where the
            head was, distance of the loudspeaker), in the units of the values squared.
        unseen: variance of what a value has for itself, in the units of ``noise``; for the spread.
        spread: by which the standard deviation that is stated is multiplied: the parts add up to
            more than the listeners' variance inside a laboratory, and to less than another's.
        turn: variance of how far the head was turned, in degrees squared; works on ``slope``.
    """

    tapers: tuple[Part, ...]
    rest: tuple[Part, ...]
    noise: float
    offset: float = 0.0
    offset_bins: float = 4.0
    shared: float = 0.0
    unseen: float = 0.0
    spread: float = 1.0
    turn: float = 0.0


@dataclass(frozen=True)
class Sites:
    """Values at Q directions, 2 ears and P bins, of S listeners, as deviations from their mean.

    Attributes:
        positions: (Q, 3).
        bins: (P,) numbers of the bins.
        deviations: (S, Q, 2, P).
        scale: (Q, 2, P) their standard deviation.
        slope: (Q, 2, P) change of the mean with each degree that the head is turned; None where
            that is not looked at.
    """

    positions: Array
    bins: NDArray[np.int64]
    deviations: Float32
    scale: Float32
    slope: Float32 | None = None

    @property
    def n_values(self) -> int:
        """Q times 2 times P."""
        return self.scale.size

    def and_nowhere(self) -> "Sites":
        """One more direction at which nobody differs: all that moves it is common to all."""
        return Sites(
            np.concatenate([self.positions, self.positions[:1]]),
            self.bins,
            np.concatenate([self.deviations, np.zeros_like(self.deviations[:, :1])], axis=1),
            np.concatenate([self.scale, np.zeros_like(self.scale[:1])]),
            None if self.slope is None else np.concatenate([self.slope, 0.0 * self.slope[:1]]),
        )

    @property
    def turning(self) -> Float32:
        """The slope; nothing where there is none."""
        return np.zeros_like(self.scale) if self.slope is None else self.slope

    def at_bins(self, chosen: NDArray[np.int64]) -> "Sites":
        """Some of the bins."""
        return Sites(
            self.positions,
            self.bins[chosen],
            self.deviations[..., chosen],
            self.scale[..., chosen],
            None if self.slope is None else self.slope[..., chosen],
        )


def between(model: Covariance, a: Sites, b: Sites) -> Callable[[Sites], Float32]:
    """A function that gives covariances between sites, for any bins of the first.

    The distances of the directions are worked out once.

    Args:
        model: covariance of the values.
        a: sites, of which some bins are asked for later.
        b: sites, all of whose bins count.

    Returns:
        A function from sites of ``a`` to covariances (values of a, values of b).
    """
    distance = chords(a.positions, b.positions)
    over_directions = [
        (part, _of_ears(matern_3_2(part.chord)(distance), part.other_ear))
        for part in (*model.tapers, *model.rest)
    ]
    count = np.float32(len(b.deviations))
    known = b.deviations.reshape(len(b.deviations), -1)
    untapered = np.float32(1.0 - sum(part.share for part in model.tapers))

    def of(some: Sites) -> Float32:
        apart = np.abs(some.bins[:, None] - b.bins[None]).astype(np.float32)
        shape = (*some.scale.shape, *b.scale.shape)
        empirical = some.deviations.reshape(len(known), -1).T @ known
        empirical /= count
        total = np.full(shape, untapered, dtype=np.float32)
        for part, directions in over_directions[: len(model.tapers)]:
            total += directions * _over_bins(part, apart)
        total *= empirical.reshape(shape)
        rest = np.zeros(shape, dtype=np.float32)
        for part, directions in over_directions[len(model.tapers) :]:
            rest += directions * _over_bins(part, apart)
        rest *= some.scale[..., None, None, None]
        rest *= b.scale
        total += rest
        if model.offset:
            total += _over_bins(Part(model.offset, 1.0, model.offset_bins, 1.0), apart)
        if model.turn:
            total += np.float32(model.turn) * some.turning[..., None, None, None] * b.turning
        return total.reshape(some.n_values, b.n_values)

    return of


def expected(
    model: Covariance, targets: Sites, known: Sites, solution: Float32, bins: NDArray[np.int64]
) -> Float32:
    """Covariances of the targets with ``known`` times a solution, without making the covariances.

    What ``between(model, targets, known)(targets.at_bins(bins)) @ solution`` gives, summed over the
    known values first and over the listeners last, which takes a hundredth of the time.

    Args:
        model: the hyperparameters.
        targets: Q directions.
        known: K directions and P bins.
        solution: (K * 2 * P, B), one column for each of B listeners.
        bins: (W,) numbers of bins of the targets.

    Returns:
        (B, Q, 2, W).
    """
    distance = chords(targets.positions, known.positions)
    parts = (*model.tapers, *model.rest)
    kernels = [matern_3_2(part.chord)(distance).astype(np.float32) for part in parts]
    n_tapers = len(model.tapers)
    tapered = np.concatenate(kernels[:n_tapers], axis=1)
    untapered = np.float32(1.0 - sum(part.share for part in model.tapers))
    known_last = np.ascontiguousarray(np.moveaxis(known.deviations, 0, -1))  # (K, 2, P, S)
    weights = solution.T.reshape(-1, *known.scale.shape, 1)
    found = np.empty((len(weights), *targets.scale.shape[:2], len(bins)), dtype=np.float32)
    for start in range(0, len(bins), _BINS_AT_ONCE):
        some = slice(start, start + _BINS_AT_ONCE)
        own = np.ascontiguousarray(np.moveaxis(targets.deviations[..., bins[some]], 0, -1))
        own /= np.float32(own.shape[-1])
        scale = targets.scale[..., bins[some]]
        apart = np.abs(bins[some, None] - known.bins).astype(np.float32)
        for column, weight in enumerate(weights):
            explained, scaled = known_last * weight, known.scale[..., None] * weight
            heard = [_heard(part, apart, explained) for part in model.tapers]
            listeners = tapered @ np.concatenate(heard)
            everywhere = untapered * explained.sum(axis=(0, 1, 2))
            rest = np.zeros((len(kernels[0]), scale[0].size), dtype=np.float32)
            for kernel, part in zip(kernels[n_tapers:], parts[n_tapers:], strict=True):
                rest += kernel @ _heard(part, apart, scaled)
            found[column, ..., some] = np.einsum(
                "qews,qews->qew", own, listeners.reshape(own.shape)
            )
            found[column, ..., some] += own @ everywhere
            found[column, ..., some] += rest.reshape(scale.shape) * scale
            if model.offset:
                offset = Part(model.offset, 1.0, model.offset_bins, 1.0)
                found[column, ..., some] += _faded(offset, apart) @ weight.sum(axis=(0, 1, 3))
            if model.turn:
                turned = np.float32(model.turn) * np.sum(weight[..., 0] * known.turning)
                found[column, ..., some] += turned * targets.turning[..., bins[some]]
    return found


def _heard(part: Part, apart: Float32, values: Float32) -> Float32:
    """Values (K, 2, P, S) summed with the fading over bins and ears, as (K, 2 * W * S)."""
    at_bins = _faded(part, apart) @ values  # (K, 2, W, S)
    mixed = at_bins + np.float32(part.other_ear) * at_bins[:, ::-1]
    return np.asarray(mixed.reshape(len(mixed), -1))


def _faded(part: Part, apart: Float32) -> Float32:
    return np.asarray(np.float32(part.share) * np.exp(-apart / np.float32(part.bins)))


def variance(model: Covariance, a: Sites) -> Float32:
    """Variances (Q, 2, P) before anything is measured."""
    shares = 1.0 + sum(part.share for part in model.rest)
    unknown = model.offset + model.turn * a.turning**2
    return np.asarray(a.scale**2 * np.float32(shares) + unknown, dtype=np.float32)


def ear_covariance(model: Covariance, a: Sites) -> Float32:
    """Covariances (Q, P) of the left with the right ear before anything is measured."""
    shared = 1.0 - sum(part.share * (1.0 - part.other_ear) for part in model.tapers)
    empirical = np.mean(a.deviations[:, :, 0] * a.deviations[:, :, 1], axis=0)
    rest = sum(part.share * part.other_ear for part in model.rest)
    own = np.float32(shared) * empirical + np.float32(rest) * a.scale[:, 0] * a.scale[:, 1]
    unknown = model.offset + model.turn * a.turning[:, 0] * a.turning[:, 1]
    return np.asarray(own + unknown, dtype=np.float32)


def _of_ears(directions: Array, other_ear: float) -> Float32:
    """(Q, M) over directions spread out to (Q, 2, 1, M, 2, 1)."""
    ears = np.array([[1.0, other_ear], [other_ear, 1.0]], dtype=np.float32)
    field = directions.astype(np.float32)[:, None, None, :, None, None]
    return np.asarray(field * ears[None, :, None, None, :, None])


def _over_bins(part: Part, apart: Float32) -> Float32:
    return _faded(part, apart)[None, None, :, None, None, :]
