"""Gaussian processes over directions: values at others, and what each says of the rest.

Kernels are functions of the chord between two directions. Values have any shape behind the first
axis; all of them share one kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.grids import chords

Kernel: TypeAlias = Callable[[Array], Array]

_ROWS = 256  # of a matrix made at a time: what is needed besides stays small and in the cache


@dataclass(frozen=True)
class Process:
    """One Gaussian process with an unknown constant mean, over the measured directions."""

    kernel: Kernel
    precision: Array  # (M, M) inverse covariance, less what the mean takes
    mean: Array  # (M,) how the mean is made of the values
    log_determinant: float  # of the covariance

    def solve(self, values: NDArray) -> "FittedProcess":
        """The process with values (M, ...), real or complex."""
        alpha, mean = applied(self.precision, values), applied(self.mean[None], values)
        return FittedProcess(self.kernel, self.log_determinant, alpha, mean)

    def weights(self, shared: Array) -> Array:
        """What (Q, M) makes values at targets of those known.

        Of sum 1 in each row, and of the size of values' own weights in a mean: they may be applied
        in float32, where dual weights would cancel.

        Args:
            shared: (Q, M) kernel between targets and what is known.
        """
        found = shared @ self.precision
        found += self.mean
        return np.asarray(found)

    def left_out_weights(self, blocks: list[NDArray[np.intp]]) -> Array:
        """What (J, M) makes of values the errors with which the others predict the first direction
        of each block, negated. Rasmussen and Williams 2006, eq. 5.12.
        """
        found = np.empty((len(blocks), len(self.precision)))
        for row, block in zip(found, blocks, strict=True):
            first = np.zeros(len(block))
            first[0] = 1.0
            row[:] = (
                np.linalg.solve(self.precision[np.ix_(block, block)], first)
                @ (self.precision[block])
            )
        return found

    def energy(self, values: NDArray) -> Array:
        """The squared length (...) of values (M, ...), as the process sees them."""
        flat = _real_columns(values).astype(np.float64)
        columns = np.einsum("mc,mc->c", flat, self.precision @ flat)
        if np.iscomplexobj(values):
            columns = columns.reshape(-1, 2).sum(axis=1)
        return columns.reshape(values.shape[1:])


@dataclass(frozen=True)
class FittedProcess:
    """A process with values: Rasmussen and Williams 2006, eq. 2.25 and 5.12."""

    kernel: Kernel
    log_determinant: float
    alpha: NDArray  # (M, ...)
    mean: NDArray  # (1, ...)

    def at(self, shared: Array) -> NDArray:
        """Values (Q, ...) at targets, from the kernel (Q, M) of their chords to what is known."""
        return self.mean + applied(shared, self.alpha)

    def log_likelihood(self, values: NDArray) -> Array:
        """The logarithm of the likelihood of the values solved for, up to a constant, a direction.

        The best variance is taken: it says how well a kernel fits, at the spacing there is
        (Rasmussen and Williams 2006, eq. 5.8).
        """
        count = len(values)
        variance = np.einsum("m...,m...->...", values.conj(), self.alpha).real / count
        spread = np.log(np.maximum(variance, 1e-300))
        return np.asarray(-spread - self.log_determinant / count)


def fit_process(kernel: Kernel, positions: Array, nugget: float) -> Process:
    """The Gaussian process over directions, ready for values.

    All is done in the one matrix that is returned.

    Args:
        kernel: covariance by chord.
        positions: (M, 3) unit vectors.
        nugget: variance of the noise, as a part of that of the process.
    """
    matrix = _covariance(kernel, positions, nugget)
    _factorise(matrix)
    log_determinant = 2.0 * float(np.log(np.diagonal(matrix)).sum())
    dpotri(matrix.T, lower=False, overwrite_c=True)  # a third of solving for all columns
    for rows in _blocks(len(matrix)):
        matrix[: rows.start, rows] = matrix[rows, : rows.start].T
        own = np.tril(matrix[rows, rows])
        matrix[rows, rows] = own + np.tril(own, -1).T
    ones = matrix.sum(axis=0)
    mean = ones / ones.sum()
    for rows in _blocks(len(matrix)):
        matrix[rows] -= np.outer(ones[rows], mean)
    return Process(kernel, matrix, mean, log_determinant)


def solve_noisy(kernel: Kernel, positions: Array, nugget: float, values: Array) -> Array:
    """Dual weights of a field of mean 0 through noisy values, as in ``FittedProcess``.

    Args:
        kernel: covariance by chord.
        positions: (M, 3) unit vectors.
        nugget: variance of the noise, as a part of that of the field.
        values: (M, E).

    Returns:
        (M, E) dual weights.
    """
    matrix = _covariance(kernel, positions, nugget)
    _factorise(matrix)
    return np.asarray(dpotrs(matrix.T, values, lower=False)[0])


def _covariance(kernel: Kernel, positions: Array, nugget: float) -> Array:
    """The lower triangle (M, M) of the kernel of the chords, noise on its diagonal."""
    matrix = np.empty((len(positions), len(positions)))
    for rows in _blocks(len(matrix)):
        matrix[rows, : rows.stop] = kernel(chords(positions[rows], positions[: rows.stop]))
    matrix.flat[:: len(matrix) + 1] += nugget
    return matrix


def _factorise(matrix: Array) -> None:
    """Cholesky factor in place of a lower triangle, in rows: to LAPACK an upper one, in columns."""
    _, failed = dpotrf(matrix.T, lower=False, clean=False, overwrite_a=True)
    if failed:
        raise LinAlgError(f"the covariance is not positive definite, row {failed}")


def _blocks(count: int) -> list[slice]:
    return [slice(at, min(at + _ROWS, count)) for at in range(0, count, _ROWS)]


def matern_1_2(scale: float) -> Kernel:
    """Matern 1/2: fields are continuous, with a kink at each direction; ``scale`` is a chord."""
    return lambda chord: np.exp(-chord / scale)


def matern_3_2(scale: float) -> Kernel:
    """Matern 3/2: fields are once differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = float(np.sqrt(3.0) / scale) * chord
        return (1.0 + z) * np.exp(-z)

    return kernel


def matern_5_2(scale: float) -> Kernel:
    """Matern 5/2: fields are twice differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = float(np.sqrt(5.0) / scale) * chord
        return (1.0 + z + z * z / 3.0) * np.exp(-z)

    return kernel


def matern_7_2(scale: float) -> Kernel:
    """Matern 7/2: fields are three times differentiable; ``scale`` is a chord."""

    def kernel(chord: Array) -> Array:
        z = float(np.sqrt(7.0) / scale) * chord
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


def applied(matrix: NDArray, values: NDArray) -> NDArray:
    """``matrix @ values`` over the first axis, real or complex values of any shape."""
    flat = _real_columns(values)
    found = matrix @ flat
    if np.iscomplexobj(values):
        found = found.view(np.result_type(found.dtype, np.complex64))
    return found.reshape(len(matrix), *values.shape[1:])


def _real_columns(values: NDArray) -> NDArray:
    """Values as a matrix of real numbers, parts of complex ones beside each other."""
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    return flat.view(flat.real.dtype) if np.iscomplexobj(flat) else flat
