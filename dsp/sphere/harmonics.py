# mypy: disable-error-code="no-untyped-def"
"""Real spherical harmonics as ambisonics uses them, and the matrices that rotate them.

Order of the channels: ACN, channel ``n (n + 1) + m`` for degree n and -n <= m <= n, so for first
order W, Y, Z, X. No Condon-Shortley phase: the first-degree channels are y, z and x of the
direction (times the square root of 3 in N3D).

Scales: SN3D (Schmidt, AmbiX: W of a plane wave is the signal itself and no channel exceeds it) and
N3D (orthonormal: mean square over the sphere 1), which is SN3D times the square root of 2n + 1.
"""

import numpy as np
from numba import types
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.compiled.records import f64
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_normalise

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

MAX_ORDER = 50  # the recurrence is checked that far


def n_channels(order: int) -> int:
    """Channels of ambisonics of an order: (order + 1)^2."""
    return (checked_order(order) + 1) ** 2


def order_of(n_channels: int) -> int:
    """The order that has so many channels; AuricleError when there is none."""
    order = int(np.sqrt(max(n_channels, 0))) - 1
    if order < 0 or (order + 1) ** 2 != n_channels:
        raise AuricleError(
            f"{n_channels} channels are no full set of ambisonics; orders 1 to 7 have 4, 9, 16, "
            "25, 36, 49 and 64"
        )
    return order


def checked_order(order: int, most: int = MAX_ORDER) -> int:
    """The order as an int; AuricleError unless it is a whole number from 0 to ``most``."""
    if isinstance(order, bool) or not isinstance(order, int | np.integer):
        raise AuricleError(f"the ambisonic order must be a whole number, got {order!r}")
    if not 0 <= order <= most:
        raise AuricleError(f"the ambisonic order must be from 0 to {most}, got {order}")
    return int(order)


def degrees(order: int) -> NDArray[np.int64]:
    """Degree n of each ACN channel (C,)."""
    return np.floor(np.sqrt(np.arange(n_channels(order)))).astype(np.int64)


def conversion(order: int, source: str, target: str) -> Array:
    """Gains that turn ambisonic channels of one scale into those of another.

    Args:
        order: of the channels.
        source: "sn3d" or "n3d".
        target: "sn3d" or "n3d".

    Returns:
        (C,) linear.
    """
    scales = []
    for name in (source, target):
        if name not in ("sn3d", "n3d"):
            raise AuricleError(f'normalisation is "sn3d" or "n3d", not {name!r}')
        n = degrees(order)
        scales.append(np.sqrt(2.0 * n + 1.0) if name == "n3d" else np.ones(len(n)))
    return scales[1] / scales[0]


def encode(directions: ArrayLike, order: int, normalisation: str = "sn3d") -> Array:
    """Spherical harmonics (..., C) of directions: the gains that encode plane waves from there.

    Args:
        directions: (..., 3) vectors of any length but zero; x front, y left, z up.
        order: N; C = (N + 1)^2 in ACN order.
        normalisation: "sn3d" or "n3d".

    Raises:
        AuricleError: an order or normalisation that does not exist, a direction without length.

    Source: Schmidt semi-normalised recurrences in z of the Legendre functions without their factor
    sin^m, which is part of (x + iy)^m; no angle is ever taken.
    """
    gains = conversion(order, "sn3d", normalisation)
    points = np.asarray(directions, dtype=np.float64)
    if points.shape[-1:] != (3,):
        raise AuricleError(f"directions must be (..., 3), got {points.shape}")
    length = np.sqrt(np.sum(points * points, axis=-1, keepdims=True))
    if not np.all(np.isfinite(length) & (length > 0.0)):
        raise AuricleError("a direction is zero or not finite; give vectors that point somewhere")
    x, y, z = np.moveaxis(points / length, -1, 0)
    out = np.empty((*z.shape, len(gains)))
    cosine, sine = np.ones_like(z), np.zeros_like(z)  # of m azimuth, times sin^m of the polar angle
    first = 1.0  # the Legendre function of n = m
    for m in range(order + 1):
        if m > 0:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
            first *= 1.0 if m == 1 else np.sqrt((2.0 * m - 1.0) / (2.0 * m))
        before, legendre = np.zeros_like(z), np.full_like(z, first)
        for n in range(m, order + 1):
            if n > m:
                next_up = (2.0 * n - 1.0) * z * legendre
                next_up -= np.sqrt((n - 1.0) ** 2 - m**2) * before
                before, legendre = legendre, next_up / np.sqrt(float(n * n - m * m))
            out[..., n * (n + 1) + m] = legendre * cosine
            if m > 0:
                out[..., n * (n + 1) - m] = legendre * sine
    return out * gains


def rotation_matrix(q: ArrayLike, order: int) -> Array:
    """The orthogonal matrix R (C, C) of a rotation: ``R @ encode(d) == encode(rotate(q, d))``.

    Args:
        q: (4,) quaternion [w, x, y, z]. Head to world turns a scene with the head; its conjugate
            turns the scene against the head, as playback with head tracking needs.
        order: N; the same matrix serves SN3D and N3D.
    """
    blocks = np.zeros((n_channels(order), 2 * order + 1))
    rotation_into(quaternion_normalise(q), blocks)
    matrix = np.zeros((len(blocks), len(blocks)))
    for n in range(order + 1):
        rows = slice(n * n, (n + 1) ** 2)
        matrix[rows, rows] = blocks[rows, : 2 * n + 1]
    return matrix


def rotation_into(q: Array, blocks: Array) -> None:
    """The rotation of a unit quaternion into ``blocks`` (C, 2N + 1), see ``rotation_blocks``."""
    w, x, y, z = q.tolist()
    rotation_blocks(w, x, y, z, blocks)


@exact_kernel
def rotation_blocks(w, x, y, z, blocks):
    """Rotation of each degree from a unit quaternion [w, x, y, z], without allocation.

    Args:
        w, x, y, z: the rotation.
        blocks: (C, 2N + 1) out; row n (n + 1) + m holds that output channel's gains for the inputs
            m' = -n to n in its first 2n + 1 columns.

    Source: Ivanic and Ruedenberg 1996, J. Phys. Chem. 100:6342, with the corrections of 1998,
    J. Phys. Chem. A 102:9099: degree n from degrees n - 1 and 1.
    """
    blocks[0, 0] = 1.0
    order = (blocks.shape[1] - 1) // 2
    if order == 0:
        return
    # Degree 1 is the matrix of the rotation itself, with the axes in the order y, z, x.
    blocks[1, 0] = 1.0 - 2.0 * (x * x + z * z)
    blocks[1, 1] = 2.0 * (y * z - w * x)
    blocks[1, 2] = 2.0 * (x * y + w * z)
    blocks[2, 0] = 2.0 * (y * z + w * x)
    blocks[2, 1] = 1.0 - 2.0 * (x * x + y * y)
    blocks[2, 2] = 2.0 * (x * z - w * y)
    blocks[3, 0] = 2.0 * (x * y - w * z)
    blocks[3, 1] = 2.0 * (x * z + w * y)
    blocks[3, 2] = 1.0 - 2.0 * (y * y + z * z)
    for n in range(2, order + 1):
        for m in range(-n, n + 1):
            row = n * (n + 1) + m
            distance = abs(m)
            zero = 1.0 if m == 0 else 0.0
            for k in range(-n, n + 1):
                if abs(k) == n:
                    scale = 1.0 / (2.0 * n * (2.0 * n - 1.0))
                else:
                    scale = 1.0 / ((n + k) * (n - k))
                value = 0.0
                if distance < n:
                    u = np.sqrt((n + m) * (n - m) * scale)
                    value += u * _product(0, n, m, k, blocks)
                v = np.sqrt((1.0 + zero) * (n + distance - 1.0) * (n + distance) * scale)
                v *= 0.5 * (1.0 - 2.0 * zero)
                value += v * _v_term(n, m, k, blocks)
                if m != 0 and distance < n - 1:
                    w = -0.5 * np.sqrt((n - distance - 1.0) * (n - distance) * scale)
                    if m > 0:
                        term = _product(1, n, m + 1, k, blocks) + _product(-1, n, -m - 1, k, blocks)
                    else:
                        term = _product(1, n, m - 1, k, blocks) - _product(-1, n, 1 - m, k, blocks)
                    value += w * term
                blocks[row, k + n] = value


@exact_kernel
def _v_term(n, m, k, blocks):
    """The function V of the recurrence."""
    if m == 0:
        return _product(1, n, 1, k, blocks) + _product(-1, n, -1, k, blocks)
    if m == 1:
        return np.sqrt(2.0) * _product(1, n, 0, k, blocks)
    if m == -1:
        return np.sqrt(2.0) * _product(-1, n, 0, k, blocks)
    if m > 0:
        return _product(1, n, m - 1, k, blocks) - _product(-1, n, 1 - m, k, blocks)
    return _product(1, n, m + 1, k, blocks) + _product(-1, n, -m - 1, k, blocks)


@exact_kernel
def _product(i, n, m, k, blocks):
    """The function P: row i of degree 1 with row m of degree n - 1."""
    first = 2 + i
    below = (n - 1) * n + m
    if k == n:
        return blocks[first, 2] * blocks[below, 2 * n - 2] - blocks[first, 0] * blocks[below, 0]
    if k == -n:
        return blocks[first, 2] * blocks[below, 0] + blocks[first, 0] * blocks[below, 2 * n - 2]
    return blocks[first, 1] * blocks[below, k + n - 1]


ROTATE = Routine(
    rotation_blocks,
    types.void(types.float64, types.float64, types.float64, types.float64, f64(2)),
)
