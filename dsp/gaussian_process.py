"""Gaussian processes over directions: values at others, and what each says of the rest.

Kernels are functions of the chord between two directions. Values have any shape behind the first
axis; all of them share one kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor
from scipy.linalg.lapack import dpotri

Array: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True)
class Process:
    """One Gaussian process with an unknown constant mean, over the measured directions."""

    kernel: Kernel
    precision: Array  # (M, M) inverse covariance, less what the mean takes
    mean: Array  # (M,) how the mean is made of the values
    log_determinant: float  # of the covariance

    def solve(self, values: NDArray) -> "Solution":
        """The process with values (M, ...), real or complex."""
        return Solution(self, _product(self.precision, values), _product(self.mean[None], values))


@dataclass(frozen=True)
class Solution:
    """A process with values: Rasmussen and Williams 2006, eq. 2.25 and 5.12."""

    process: Process
    slope: NDArray  # (M, ...)
    mean: NDArray  # (1, ...)

    def at(self, shared: Array, bins: NDArray[np.bool_] | slice = slice(None)) -> NDArray:
        """Values (Q, ...) at targets, from the kernel (Q, M) of their chords to what is known."""
        return self.mean[..., bins] + _product(shared, self.slope[..., bins])

    def log_likelihood(self, values: NDArray) -> Array:
        """Of the values solved for, a direction, but for a constant; the best variance is taken.

        Rasmussen and Williams 2006, eq. 5.8: how well a kernel fits, at the spacing there is.
        """
        count = len(values)
        variance = np.einsum("m...,m...->...", values.conj(), self.slope).real / count
        spread = np.log(np.maximum(variance, 1e-300))
        return np.asarray(-spread - self.process.log_determinant / count)

    def surprise(self, blocks: list[NDArray[np.intp]]) -> NDArray:
        """Error with which the others predict the first direction of each block, negated."""
        error = np.empty((len(blocks), *self.slope.shape[1:]), dtype=self.slope.dtype)
        for i, block in enumerate(blocks):
            first = np.zeros(len(block))
            first[0] = 1.0
            share = np.linalg.solve(self.process.precision[np.ix_(block, block)], first)
            error[i] = _product(share[None], self.slope[block])[0]
        return error


def fit_process(kernel: Kernel, distance: Array, nugget: float) -> Process:
    """The process over directions whose chords are given; ``nugget`` is noise, of the variance."""
    factor, lower = cho_factor(covariance(kernel, distance, nugget), lower=True, overwrite_a=True)
    log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
    inverse, _ = dpotri(factor, lower=lower, overwrite_c=True)  # a third of solving for all columns
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    ones = inverse.sum(axis=0)
    mean = ones / ones.sum()
    inverse -= np.outer(ones, mean)
    return Process(kernel, inverse, mean, log_determinant)


def covariance(kernel: Kernel, distance: Array, nugget: float) -> Array:
    """The kernel (M, M) of the chords between all directions, noise on its diagonal."""
    matrix = kernel(distance)
    matrix.flat[:: len(distance) + 1] += nugget
    return matrix


def chords(a: Array, b: Array) -> Array:
    """Distances (Q, M) between unit vectors; equal ones are 0 up to 1e-8."""
    return np.sqrt(np.maximum(2.0 - 2.0 * (a @ b.T), 0.0))


def matern_1_2(scale: float) -> Kernel:
    """Matern 1/2: fields are continuous, with a kink at each direction; ``scale`` is a chord."""
    return lambda chord: np.exp(-chord / scale)


def matern_3_2(scale: float) -> Kernel:
    """Matern 3/2: fields are once differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = np.sqrt(3.0) / scale * chord
        return (1.0 + z) * np.exp(-z)

    return kernel


def matern_5_2(scale: float) -> Kernel:
    """Matern 5/2: fields are twice differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = np.sqrt(5.0) / scale * chord
        return (1.0 + z + z * z / 3.0) * np.exp(-z)

    return kernel


def matern_7_2(scale: float) -> Kernel:
    """Matern 7/2: fields are three times differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = np.sqrt(7.0) / scale * chord
        return (1.0 + z + 0.4 * z * z + z * z * z / 15.0) * np.exp(-z)

    return kernel


def matern_9_2(scale: float) -> Kernel:
    """Matern 9/2: fields are four times differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = 3.0 / scale * chord
        return (1.0 + z * (1.0 + z * (3.0 / 7.0 + z * (2.0 / 21.0 + z / 105.0)))) * np.exp(-z)

    return kernel


def mixed_kernel(*parts: tuple[float, Kernel]) -> Kernel:
    """The sum of kernels with their shares."""

    def kernel(chord: Array) -> Array:
        total = np.zeros_like(chord)
        for share, part in parts:
            total += share * part(chord)
        return total

    return kernel


def _product(matrix: NDArray, values: NDArray) -> NDArray:
    """``matrix @ values`` over the first axis, real or complex values of any shape."""
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    if np.iscomplexobj(flat):
        found = (matrix @ flat.view(np.float64)).view(np.complex128)
    else:
        found = matrix @ flat
    return found.reshape(len(matrix), *values.shape[1:])
