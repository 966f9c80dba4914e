"""Responses and arrival times at directions that were never measured.

Several Gaussian processes over the sphere predict each target. Magnitudes take, at each frequency
and lateral position, the convex mixture of them that predicts measured directions best from the
others (``auricle.dsp.interpolation.mixture_weights``). The processes differ in two ways. The kernel
is smooth (Matern 3/2 to 9/2), or rough (Matern 1/2: a kink at every direction), or a smooth one
with a narrow peak: what a measurement says then holds near it alone, and between measurements they
are averaged, as is best for fields finer than the grid. The quantity is the spectrum aligned as
measured, or the minimum-phase spectrum, its square root, or its log magnitude: minimum phase keeps
neighbours from cancelling where their echoes do not line up, and the root lies between the mean of
pressures, which fills notches, and the mean of decibels, which digs them. Phases come from the
aligned spectra by the kernels of the greatest marginal likelihood, arrival times from a process of
their own. So phase and magnitude are interpolated apart, as in Arend, Poerschmann, Weinzierl and
Brinkmann 2023, JAES 71:652.

At measured directions every process reproduces the measurement, and so does the mixture.
Weights of measured directions are computed in float64 and applied in float32. Of many directions
those around a patch of the sphere predict what is in it (``auricle.dsp.interpolation.patches``).
Runs once for a set, off the audio path.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft as fft
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array, Complex, Float32, polar
from auricle.dsp.errors import HrtfError
from auricle.dsp.interpolation.gaussian_process import (
    applied,
    fit_process,
    matern_1_2,
    matern_3_2,
    matern_5_2,
    matern_7_2,
    matern_9_2,
    mixed_kernel,
    solve_noisy,
)
from auricle.dsp.interpolation.mixture_weights import (
    HoldoutDirections,
    error_shares,
    lateral_shares,
    likelihood_shares,
    select_judges,
)
from auricle.dsp.interpolation.patches import patches
from auricle.dsp.sphere.grids import chords
from auricle.dsp.storage.heap import give_back

_NUGGET = 1e-6  # of the variance: the interpolation passes the measurements within -60 dB and less
_ARRIVAL_NUGGET = 1.0  # as if arrival times were as much noise as field: six neighbours agree well
_FLOOR = 1e-4  # of the largest magnitude of the set, -80 dB
_GUARD_TAPS = 32
_ROUNDS = 8  # of fitting magnitude and phase into the taps
_CEPSTRUM_FACTOR = 4  # oversampling of the spectrum for its cepstrum
_CHUNK = 256  # targets at a time, so that their kernels stay in the cache
_ROWS = 64  # directions whose spectra are worked on at a time
_ENERGY_STEP = 2  # bins; likelihoods are averaged over at least eight
_PHASED = ("aligned",)
_ALONE = ((1, "aligned"), (1, "half"))  # above the mixture: phase and level by one kernel


@dataclass(frozen=True)
class _Fields:
    """What is measured, at M directions, by the quantities that processes predict.

    Bins from ``n_mixed`` on are predicted by one process alone.
    """

    aligned: NDArray[np.complex64]  # (M, E, F)
    log_minimum_phase: NDArray[np.complex64]  # (M, E, F) log magnitude and phase
    least: float  # magnitude that counts
    n_mixed: int

    def values(self, name: str, rows: NDArray[np.intp]) -> NDArray:
        """A quantity at some of the directions."""
        if name == "aligned":
            return self.aligned[rows]
        if name == "level":
            return self.log_minimum_phase.real[rows]
        power = np.float32(0.5 if name == "half" else 1.0)
        log = power * self.log_minimum_phase[rows]
        return polar(np.exp(log.real), log.imag)


@dataclass(frozen=True)
class _Term:
    """One process of the mixture, of one quantity, in the bins (F') from the lowest on."""

    name: str  # of the quantity
    level_shares: Float32  # (L, F') of the log magnitude, at each lateral knot
    phase_share: Float32 | None  # (F',) of the direction in the complex plane; None: has no phase


def interpolate(
    ir: ArrayLike, arrivals: ArrayLike, positions: ArrayLike, targets: ArrayLike, *,
    trusted: int | None = None, out: tuple[Array, Array] | None = None, top: float = 1.0,
) -> tuple[Array, Array]:  # fmt: skip
    """Responses (Q, E, N) and arrival times (Q, E) at target directions.

    Args:
        ir: (M, E, N) aligned responses, all with their onset at about the same sample; ear 0 is
            the left one, on the positive y axis, ear 1 the right one.
        arrivals: (M, E) arrival times, in samples, that alignment has taken out of them.
        positions: (M, 3) unit vectors, all different.
        targets: (Q, 3) unit vectors.
        trusted: only the first ``trusted`` rows count when errors are judged; the rest (filled-in
            directions) only guide the field. None: all.
        out: arrays to write both to; None: new ones.
        top: up to which part of Nyquist the mixture is made; above it one process is enough.

    Raises:
        HrtfError: shapes that do not belong together, values that are not finite.
    """
    ir, arrivals = np.asarray(ir, dtype=np.float32), np.asarray(arrivals, dtype=np.float64)
    known, wanted = np.asarray(positions, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    _check(ir, arrivals, known, wanted)
    n_taps = ir.shape[-1]
    if out is None:
        out = np.empty((len(wanted), *ir.shape[1:])), np.empty((len(wanted), ir.shape[1]))
    if len(ir) == 1:
        out[0][:], out[1][:] = ir, arrivals
        return out
    size = 1 << (n_taps + _GUARD_TAPS - 1).bit_length()
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    least = _FLOOR * max(np.abs(fft.rfft(some, size)).max() for some in _parts(ir, _ROWS))
    judges = select_judges(known, len(ir) if trusted is None else trusted, arrivals.shape[1])
    steady = steady_field(arrivals, known)
    aligned = np.empty((*ir.shape[:-1], size // 2 + 1), dtype=np.complex64)
    for some, part, lead in zip(
        _parts(aligned, _ROWS), _parts(ir, _ROWS), _parts(steady(known) - arrivals, _ROWS),
        strict=True,
    ):  # fmt: skip
        some[:] = fft.rfft(part, size) * polar(1.0, omega * lead[..., None])
    log_minimum_phase = _log_minimum_phase(ir, size, least)
    n_mixed = min(int(np.ceil(top * size / 2)) + 1, size // 2 + 1)
    fields = _Fields(aligned, log_minimum_phase, least, n_mixed)
    terms, of_arrivals = _mixture(fields, arrivals, known, judges)
    for patch in patches(wanted, known):
        spectra, times = _predicted(
            terms, of_arrivals, fields, arrivals, wanted[patch.points], known, patch.known
        )
        out[1][patch.points] = times
        lead = times - steady(wanted[patch.points])
        for rows, spectrum, turn in zip(
            *(_parts(each, _ROWS) for each in (patch.points, spectra, lead)), strict=True
        ):
            spectrum *= polar(1.0, (omega * turn[..., None]).astype(np.float32))
            out[0][rows] = _fitted(spectrum, n_taps)
    give_back()
    return out


def _parts(values: NDArray, rows: int) -> list[NDArray]:
    """Views of so many rows: what is computed of one takes little memory."""
    return [values[at : at + rows] for at in range(0, len(values), rows)]


def smoothed_arrivals(arrivals: ArrayLike, positions: ArrayLike) -> Array:
    """Arrival times (M, E) without the jitter of their estimation, some microseconds each.

    A cubic in the coordinates and a smooth field of what it leaves. Neighbours aligned by it cancel
    less when they are mixed, and what it leaves of a true delay stays in the response.

    Args:
        arrivals: (M, E) estimated arrival times, in any unit.
        positions: (M, 3) unit vectors, all different.
    """
    values, known = np.asarray(arrivals, dtype=np.float64), np.asarray(positions, dtype=np.float64)
    return steady_field(values, known)(known)


def steady_field(
    values: Array, known: Array, noise: float = _ARRIVAL_NUGGET
) -> Callable[[Array], Array]:
    """The smooth field through noisy values, as a function of other directions.

    A cubic in the coordinates, of few directions less, and a Gaussian process of what it leaves.

    Args:
        values: (M, E).
        known: (M, 3) their directions, unit vectors.
        noise: variance of the values' own noise, as a part of that of the process.

    Returns:
        A function from directions (Q, 3) to values (Q, E).
    """
    degree = 3 if len(known) >= 40 else int(len(known) >= 8)
    powers = [
        (i, j, k) for i in range(4) for j in range(4) for k in range(2) if i + j + k <= degree
    ]

    def design(positions: Array) -> Array:
        x, y, z = positions.T
        return np.stack([x**i * y**j * z**k for i, j, k in powers], axis=1)

    trend = np.linalg.lstsq(design(known), values, rcond=1e-9)[0]
    left = values - design(known) @ trend
    alpha = solve_noisy(_STEADY_KERNEL, known, noise, left)

    def field(positions: Array) -> Array:
        near = [_STEADY_KERNEL(chords(some, known)) @ alpha for some in _parts(positions, _CHUNK)]
        return design(positions) @ trend + np.concatenate(near)

    return field


def _mixture(
    fields: _Fields, arrivals: Array, known: Array, judges: HoldoutDirections
) -> tuple[list[list[_Term]], int]:
    """What each kernel has in the mixture, and the number of the kernel of arrival times.

    That is the one that predicts them best from each other.
    """
    n_mixed, kinds = fields.n_mixed, len(_KERNELS)
    true_level = fields.aligned[judges.rows, :, :n_mixed]
    true_level = _level(true_level, "aligned", fields.least)
    errors = [[np.empty_like(true_level) for _ in names] for names in _QUANTITIES]
    costs, energies = np.zeros(kinds), np.zeros((kinds, n_mixed))
    determinants, count = np.zeros(kinds), 0
    for patch in patches(known[judges.rows], known):
        blocks = [judges.blocks[row] for row in patch.points]
        rows = np.union1d(patch.known, np.concatenate(blocks))
        own = [np.searchsorted(rows, block) for block in blocks]
        values = {name: fields.values(name, rows)[..., :n_mixed] for name in _NAMES}
        count += len(rows)
        for kind, (kernel, names) in enumerate(zip(_KERNELS, _QUANTITIES, strict=True)):
            process = fit_process(kernel, known[rows], _NUGGET)
            left_out = process.left_out_weights(own)
            wrong = left_out @ arrivals[rows]
            costs[kind] += judges.quadrature[patch.points] @ (wrong**2).sum(axis=1)
            determinants[kind] += process.log_determinant
            left_out = left_out.astype(np.float32)
            for name, error in zip(names, errors[kind], strict=True):
                for some, weights in zip(
                    _parts(patch.points, _ROWS), _parts(left_out, _ROWS), strict=True
                ):
                    found = fields.values(name, judges.rows[some])[..., :n_mixed]
                    found -= applied(weights, values[name])
                    error[some] = _level(found, name, fields.least) - true_level[some]
                if name in _PHASED:
                    energy = process.energy(values[name][..., ::_ENERGY_STEP]).sum(axis=0)
                    energies[kind] += np.repeat(energy, _ENERGY_STEP)[:n_mixed]
    level_shares = iter(np.moveaxis(error_shares(sum(errors, []), judges), 2, 0))
    # The logarithm of the likelihood at the best variance, which says how well a kernel fits at
    # the spacing there is (Rasmussen and Williams 2006, eq. 5.8); of patches, that of them all.
    phased = [kind for kind, names in enumerate(_QUANTITIES) if set(names) & set(_PHASED)]
    likelihoods = [
        -np.log(np.maximum(energies[kind] / count, 1e-300)) - determinants[kind] / count
        for kind in phased
    ]
    phase_shares = dict(zip(phased, likelihood_shares(likelihoods), strict=True))
    n_bins = fields.aligned.shape[2]
    terms = [
        [
            _term(name, (kind, name) in _ALONE, next(level_shares), phase_shares.get(kind), n_bins)
            for name in names
        ]
        for kind, names in enumerate(_QUANTITIES)
    ]
    return terms, int(np.argmin(costs))


def _term(
    name: str, alone: bool, level_shares: Array, phase_share: Array | None, n_bins: int
) -> _Term:
    """A term with its shares in the bins that are mixed, and all of it in those above if alone."""
    if name not in _PHASED:
        phase_share = None
    if alone:
        more = n_bins - level_shares.shape[1]
        phased = phase_share is not None
        level_shares = np.pad(
            level_shares, ((0, 0), (0, more)), constant_values=0.0 if phased else 1.0
        )
        if phase_share is not None:
            phase_share = np.pad(phase_share, (0, more), constant_values=1.0)
    return _Term(
        name,
        level_shares.astype(np.float32),
        None if phase_share is None else phase_share.astype(np.float32),
    )


def _predicted(
    terms: list[list[_Term]], of_arrivals: int, fields: _Fields, arrivals: Array, targets: Array,
    known: Array, rows: NDArray[np.intp],
) -> tuple[NDArray[np.complex64], Array]:  # fmt: skip
    """Spectra (Q, E, F) and arrival times (Q, E) at targets, from the directions in some rows.

    The spectra have the magnitudes of all terms and the phases of the aligned ones.
    """
    n_ears, n_bins = fields.aligned.shape[1:]
    level = np.zeros((len(targets), n_ears, n_bins), dtype=np.float32)
    spectra = np.zeros(level.shape, dtype=np.complex64)
    times = np.empty((len(targets), n_ears))
    values = {name: fields.values(name, rows) for name in _NAMES}
    for kind, (kernel, own) in enumerate(zip(_KERNELS, terms, strict=True)):
        process = fit_process(kernel, known[rows], _NUGGET)
        for some, levels, phases, arrived in zip(
            *(_parts(each, _CHUNK) for each in (targets, level, spectra, times)), strict=True
        ):
            weights = process.weights(kernel(chords(some, known[rows])))
            if kind == of_arrivals:
                arrived[:] = weights @ arrivals[rows]
            weights = weights.astype(np.float32)
            lateral = lateral_shares(some, n_ears).astype(np.float32)
            for term in own:
                count = term.level_shares.shape[1]
                found = applied(weights, values[term.name][..., :count])
                if term.phase_share is not None:
                    phases[..., :count] += term.phase_share * found
                share = lateral @ term.level_shares
                share *= _level(found, term.name, fields.least)
                levels[..., :count] += share
    for levels, phases in zip(_parts(level, _ROWS), _parts(spectra, _ROWS), strict=True):
        phases[:] = _unit(phases)
        phases *= np.exp(levels)
    return spectra, times


def _fitted(spectrum: Complex, n_taps: int) -> Array:
    """Responses (Q, E, N) of these magnitudes and nearly these phases.

    Magnitude and phase come from different processes, so together they ring longer than N taps.
    Cutting and giving back the magnitude by turns changes the phase, mostly in the notches, until
    little is cut (Gerchberg and Saxton 1972).
    """
    size, magnitude = 2 * (spectrum.shape[-1] - 1), np.abs(spectrum)
    ir = fft.irfft(spectrum, size)[..., :n_taps]
    for _ in range(_ROUNDS):
        ir = fft.irfft(magnitude * _unit(fft.rfft(ir, size)), size)[..., :n_taps]
    return ir


_STEADY_KERNEL = matern_5_2(0.6)
_KERNELS = (
    matern_1_2(2.0),
    mixed_kernel((0.95, matern_3_2(1.0)), (0.05, matern_1_2(2.0))),
    matern_3_2(0.4),
    matern_7_2(0.3),
    matern_9_2(0.2),
    mixed_kernel((0.7, matern_3_2(1.0)), (0.3, matern_3_2(0.08))),
    mixed_kernel((0.5, matern_3_2(1.0)), (0.5, matern_3_2(0.08))),
    mixed_kernel((0.3, matern_3_2(1.0)), (0.7, matern_3_2(0.08))),
)
_NAMES = ("aligned", "minimum", "half", "level")
_QUANTITIES = (
    ("half", "minimum"),
    ("aligned", "half", "minimum"),
    ("aligned", "minimum"),
    ("aligned", "minimum"),
    ("aligned",),
    ("level",),
    ("half",),
    ("level",),
)


def _log_minimum_phase(ir: NDArray, size: int, least: float) -> NDArray[np.complex64]:
    """Complex logarithms (M, E, F) of the minimum-phase spectra: log magnitude and phase."""
    fine = _CEPSTRUM_FACTOR * size
    found = np.empty((*ir.shape[:-1], size // 2 + 1), dtype=np.complex64)
    for some, target in zip(_parts(ir, _ROWS), _parts(found, _ROWS), strict=True):
        cepstrum = fft.irfft(np.log(np.maximum(np.abs(fft.rfft(some, fine)), least)), fine)
        cepstrum[..., 1 : fine // 2] *= 2.0
        cepstrum[..., fine // 2 + 1 :] = 0.0
        target[:] = fft.rfft(cepstrum)[..., ::_CEPSTRUM_FACTOR]
    return found


def _level(values: NDArray, name: str, least: float) -> NDArray:
    """Log magnitudes of the values of a quantity."""
    if name == "level":
        return values
    size = np.abs(values)
    np.maximum(size, size.dtype.type(np.sqrt(least) if name == "half" else least), out=size)
    np.log(size, out=size)
    return 2.0 * size if name == "half" else size


def _unit(spectrum: Complex) -> Complex:
    magnitude = np.abs(spectrum)
    turn = spectrum / np.maximum(magnitude, np.finfo(magnitude.dtype).tiny)
    turn[magnitude == 0.0] = 1.0
    # A real response: the first and the last bin have no phase but a sign.
    turn[..., [0, -1]] = np.where(turn[..., [0, -1]].real < 0.0, -1.0, 1.0)
    return turn


def _check(ir: Array, arrivals: Array, positions: Array, targets: Array) -> None:
    if ir.ndim != 3 or arrivals.shape != ir.shape[:2] or positions.shape != (len(ir), 3):
        raise HrtfError(
            "ir (M, E, N), arrivals (M, E) and positions (M, 3) do not belong together: "
            f"{ir.shape}, {arrivals.shape}, {positions.shape}"
        )
    if targets.ndim != 2 or targets.shape[1] != 3:
        raise HrtfError(f"targets must be (Q, 3), got {targets.shape}")
    if not (np.all(np.isfinite(ir)) and np.all(np.isfinite(arrivals))):
        raise HrtfError("ir or arrivals hold values that are not finite; repair the set first")
