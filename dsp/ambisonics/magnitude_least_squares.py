"""Ambisonic filters whose magnitudes are right where their phases cannot be.

Below a transition the spectra themselves are fitted. Above it a few harmonics cannot follow the
phases of a head, and fitting them loses up to 20 dB; only magnitudes are fitted there, and the
phases follow from the bin below (Schoerkhuber, Zaunschirm and Hoeldrich 2018, DAGA, "Binaural
rendering of ambisonic signals via magnitude least squares").

Three things differ from the paper. Phase and fit are repeated at each bin (alternating
projections) instead of once. The transition is gradual: between its two frequencies the target is
a mixture of both. And the squared error of a direction counts by ``1 / sqrt(a |z|)``, a the wanted
and z the found magnitude, half-way from pressure to decibels: plain squares leave the far ear to
chance, squares of relative errors lower the level of everything. With this weight the mean level
in decibels comes out right in every band by itself, from third order on.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Complex

Array: TypeAlias = NDArray[np.floating]

TRANSITION_HZ = (1000.0, 2000.0)
ROUNDS = 5
WEIGHT_POWER = 0.5
_REGULARISATION = 1e-4  # of the mean diagonal of the normal matrix
_LEAST_MAGNITUDE = 0.01  # of the rms over directions, below which errors count no more


def blend_of(hz: Array, transition_hz: tuple[float, float] = TRANSITION_HZ) -> Array:
    """Share (F,) of the whole spectrum in the target: 1 below the transition, 0 above, in octaves.

    The rest is the share of the magnitude alone.
    """
    low, high = transition_hz
    return np.clip(np.log(high / np.maximum(hz, 1e-3)) / np.log(high / low), 0.0, 1.0)


def magnitude_least_squares(
    basis: Array, spectra: Complex, share: Array, blend: Array, *,
    rounds: int = ROUNDS, power: float = WEIGHT_POWER,
) -> Complex:  # fmt: skip
    """Spectra (C, E, F) of the filters whose sum ``basis @ filters`` comes near to ``spectra``.

    Args:
        basis: (M, C) harmonics of the directions.
        spectra: (M, E, F) wanted; without the delay common to all directions, since phases above
            the transition are continued from bin to bin.
        share: (M,) how much each direction counts, its part of the sphere.
        blend: (F,) from ``blend_of``; the first bin must be 1.
        rounds: of phase and fit in each bin.
        power: of the magnitudes that errors are divided by; 0 and ``rounds=1`` are the paper's.
    """
    plain = _normal(basis, share)
    projection = np.linalg.solve(plain, (basis * share[:, None]).T)
    filters = np.zeros((basis.shape[1], *spectra.shape[1:]), dtype=np.complex128)
    for e in range(spectra.shape[1]):
        found: Array = np.zeros((basis.shape[1], 2))
        for k in range(spectra.shape[2]):
            wanted = _parts(spectra[:, e, k])
            if blend[k] == 1.0:
                found = projection @ wanted
            else:
                found = _fit_magnitude(
                    basis, share, projection, wanted, found, blend[k], rounds, power
                )
            filters[:, e, k] = found[:, 0] + 1j * found[:, 1]
    return filters


def _fit_magnitude(
    basis: Array, share: Array, projection: Array, wanted: Array, found: Array, blend: float,
    rounds: int, power: float,
) -> Array:  # fmt: skip
    """One bin's filters (C, 2), real and imaginary, from those of the bin below."""
    magnitude = np.hypot(wanted[:, 0], wanted[:, 1])
    rms = np.sqrt(share @ magnitude**2 / share.sum())
    if rms == 0.0:
        return np.zeros_like(found)
    exponent = -power * (1.0 - blend)
    for _ in range(rounds):
        now = basis @ found
        size = np.maximum(np.hypot(now[:, 0], now[:, 1]), 1e-9 * rms)
        turned = now * (magnitude / size)[:, None]
        target = blend * wanted + (1.0 - blend) * turned
        if power == 0.0:
            found = projection @ target
            continue
        quiet = np.maximum(magnitude, _LEAST_MAGNITUDE * rms)
        # The found magnitude may pass through zero on the way; it must not rule there.
        level = quiet * np.maximum(size, 0.1 * quiet) / rms**2
        weight = share * level**exponent
        weighted = basis * weight[:, None]
        found = np.linalg.solve(_normal(basis, weight), weighted.T @ target)
    return found


def match_covariance(
    filters: Complex, basis: Array, spectra: Complex, share: Array, blend: Array
) -> Complex:
    """Filters mixed so that a diffuse field has the set's interaural coherence and level.

    The mixture of the two ears is the one nearest to none; it comes in as ``blend`` goes out. It
    costs accuracy for single directions.

    Args:
        filters: (C, 2, F) complex spectra of the filters.
        basis: (M, C) harmonics of the directions.
        spectra: (M, 2, F) complex spectra of the set.
        share: (M,) how much each direction counts, its part of the sphere.
        blend: (F,) from ``blend_of``.

    Returns:
        (C, 2, F) complex spectra.

    Source: Zaunschirm, Schoerkhuber and Hoeldrich 2018, JASA 143:3616; Zotter and Frank 2019,
    Ambisonics, section 4.11.3.
    """
    found = np.einsum("mc,cef->mef", basis, filters)
    have, want = (
        np.linalg.cholesky(_covariance(field, share)) for field in (found, spectra)
    )  # (F, 2, 2)
    u, _, v = np.linalg.svd(have.conj().swapaxes(1, 2) @ want)
    mixing = want @ (u @ v).conj().swapaxes(1, 2) @ np.linalg.inv(have)
    mixed = np.einsum("fed,cdf->cef", mixing, filters)
    return blend * filters + (1.0 - blend) * mixed


def _covariance(field: Complex, share: Array) -> Complex:
    """Of both ears (F, 2, 2) over directions; positive definite also where nothing sounds."""
    covariance = np.einsum("m,mef,mdf->fed", share, field, field.conj())
    floor = 1e-9 * np.trace(covariance, axis1=1, axis2=2).real + 1e-30
    return covariance + floor[:, None, None] * np.eye(2)


def _normal(basis: Array, weight: Array) -> Array:
    """The regularised normal matrix (C, C)."""
    normal = basis.T @ (basis * weight[:, None])
    normal[np.diag_indices(len(normal))] += _REGULARISATION * np.trace(normal) / len(normal)
    return normal


def _parts(values: Complex) -> Array:
    """(M, 2): real matrices times complex vectors would be done in complex numbers throughout."""
    return np.stack([values.real, values.imag], axis=1)
