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
Covariances are inverted and applied in float64; the fields themselves are float32, which is as
near as -60 dB of the nugget. Runs once for a set, off the audio path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import scipy.fft as fft
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.arrays import Array, Complex, polar
from auricle.dsp.errors import HrtfError
from auricle.dsp.interpolation.gaussian_process import (
    FittedProcess,
    Kernel,
    fit_process,
    matern_1_2,
    matern_3_2,
    matern_5_2,
    matern_7_2,
    matern_9_2,
    mixed_kernel,
    solve_noisy,
    value_at,
)
from auricle.dsp.interpolation.mixture_weights import (
    HoldoutDirections,
    error_shares,
    lateral_shares,
    likelihood_shares,
    select_judges,
)
from auricle.dsp.sphere.grids import chords
from auricle.dsp.storage.heap import give_back
from auricle.dsp.storage.spill_file import LaidAside

_NUGGET = 1e-6  # of the variance: the interpolation passes the measurements within -60 dB and less
_ARRIVAL_NUGGET = 1.0  # as if arrival times were as much noise as field: six neighbours agree well
_FLOOR = 1e-4  # of the largest magnitude of the set, -80 dB
_GUARD_TAPS = 32
_ROUNDS = 8  # of fitting magnitude and phase into the taps
_CEPSTRUM_FACTOR = 4  # oversampling of the spectrum for its cepstrum
_CHUNK = 256  # targets at a time, so that their kernels stay in the cache
_ROWS = 64  # directions whose spectra are worked on at a time
_PHASED = ("aligned",)
_ALONE = ((1, "aligned"), (1, "half"))  # above the mixture: phase and level by one kernel


@dataclass(frozen=True)
class Term:
    """One process of the mixture, of one quantity."""

    kernel: Kernel
    used: NDArray[np.bool_]  # (F',) where it has a share, of the lower bins that it was made for
    alpha: Callable[[], NDArray]  # (M, E, F')
    mean: NDArray  # (1, E, U)
    name: str  # of the quantity
    level_shares: Array  # (L, F') of the log magnitude, at each lateral knot
    phase_share: Array | None  # (F',) of the direction in the complex plane; None: has no phase


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
    with LaidAside() as aside:
        terms, best = _terms(
            aligned, log_minimum_phase, arrivals, known, judges, least, n_mixed, aside
        )
        del aligned, log_minimum_phase
        for some, found_arrivals in zip(_parts(wanted, _CHUNK), _parts(out[1], _CHUNK), strict=True):
            found_arrivals[:] = best.at(best.kernel(chords(some, known)))
        spectra = _mixture(terms, wanted, known, ir.shape[1], size // 2 + 1, least)
    for some, spectrum, found_ir, found_arrivals in zip(
        *(_parts(each, _ROWS) for each in (wanted, spectra, *out)), strict=True
    ):
        lead = found_arrivals - steady(some)
        spectrum *= polar(1.0, (omega * lead[..., None]).astype(np.float32))
        found_ir[:] = _fitted(spectrum, n_taps)
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


def _terms(
    aligned: Complex,
    log_minimum_phase: Complex,
    arrivals: Array,
    known: Array,
    judges: HoldoutDirections,
    least: float,
    n_mixed: int,
    aside: LaidAside,
) -> tuple[list[Term], FittedProcess]:
    """Every process of every quantity, with its shares, and the best process of the arrival times.

    That is the one that predicts them best from each other. One process at a time is in memory.
    Bins from ``n_mixed`` on have one process alone.
    """
    quantities: dict[str, Callable[[], NDArray]] = {
        "aligned": lambda: aligned,
        "minimum": lambda: polar(np.exp(log_minimum_phase.real), log_minimum_phase.imag),
        "half": lambda: polar(
            np.exp(0.5 * log_minimum_phase.real), np.float32(0.5) * log_minimum_phase.imag
        ),
        "level": lambda: log_minimum_phase.real,
    }
    true_level = np.log(np.maximum(np.abs(aligned[judges.rows, :, :n_mixed]), least))
    found: list[tuple[Kernel, Callable[[], NDArray], NDArray, str]] = []
    errors, likelihoods, arrival_costs, arrival_solutions = [], [], [], []
    for kernel, names in zip(_KERNELS, _QUANTITIES, strict=True):
        process = fit_process(kernel, known, _NUGGET)
        shares = process.shares(judges.blocks)
        solution = process.solve(arrivals)
        wrong = solution.loo_residual(shares)
        arrival_costs.append(judges.quadrature @ (wrong**2).sum(axis=1))
        arrival_solutions.append(solution)
        for name in names:
            alone = (len(arrival_costs) - 1, name) in _ALONE
            values = quantities[name]()
            values = values if alone else values[..., :n_mixed]
            solution = process.solve(values)
            if name in _PHASED:
                likelihoods.append(solution.log_likelihood(values).mean(axis=0)[:n_mixed])
            errors.append(np.empty(true_level.shape, dtype=np.float32))
            for at in range(0, len(judges.rows), _ROWS):
                some = slice(at, at + _ROWS)
                left = values[judges.rows[some]]
                left -= solution.loo_residual(shares[some])
                errors[-1][some] = _level(left[..., :n_mixed], name, least) - true_level[some]
            found.append((kernel, aside.put(solution.alpha), solution.mean, name))
            del values, solution
        del process
    level_shares = np.moveaxis(error_shares(errors, judges), 2, 0)
    errors.clear()
    give_back()
    phase_shares = iter(likelihood_shares(likelihoods))
    terms = []
    for (kernel, alpha, mean, name), own in zip(found, level_shares, strict=True):
        phase_share = next(phase_shares) if name in _PHASED else None
        more = mean.shape[-1] - n_mixed
        if more:
            own = np.pad(own, ((0, 0), (0, more)), constant_values=float(name not in _PHASED))
            phase_share = None if phase_share is None else np.pad(phase_share, (0, more), mode="edge")
            if phase_share is not None:
                phase_share[n_mixed:] = 1.0
        used = np.any(own > 0.0, axis=0)
        if phase_share is not None:
            used |= phase_share > 0.0
        if np.any(used):
            terms.append(Term(kernel, used, alpha, mean[..., used], name, own, phase_share))
    give_back()
    return terms, arrival_solutions[int(np.argmin(arrival_costs))]


def _mixture(
    terms: list[Term], wanted: Array, known: Array, n_ears: int, n_bins: int, least: float
) -> Complex:
    """Spectra (Q, E, F) of the mixture: magnitudes of all, phases of the aligned ones."""
    level = np.zeros((len(wanted), n_ears, n_bins), dtype=np.float32)
    spectra = np.zeros(level.shape, dtype=np.complex64)
    for kernel, group in groupby(terms, lambda term: term.kernel):
        own = [(term, *_used(term)) for term in group]
        for some, levels, phases in zip(
            *(_parts(each, _CHUNK) for each in (wanted, level, spectra)), strict=True
        ):
            shared = kernel(chords(some, known).astype(np.float32))
            lateral = lateral_shares(some, n_ears).astype(np.float32)
            for term, bins, alpha in own:
                found = value_at(shared, alpha, term.mean)
                share = lateral @ term.level_shares[:, bins].astype(np.float32)
                levels[..., bins] += share * _level(found, term.name, least)
                if term.phase_share is not None:
                    phases[..., bins] += term.phase_share[bins].astype(np.float32) * found
    for levels, phases in zip(_parts(level, _ROWS), _parts(spectra, _ROWS), strict=True):
        phases[:] = _unit(phases)
        phases *= np.exp(levels)
    return spectra


def _used(term: Term) -> tuple[slice | NDArray[np.intp], NDArray]:
    """The bins that a term is used in, and its dual weights there."""
    bins, alpha = np.flatnonzero(term.used), term.alpha()
    if len(bins) == bins[-1] + 1:
        return slice(0, len(bins)), alpha[..., : len(bins)]
    return bins, alpha[..., bins]


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


def _log_minimum_phase(ir: Array, size: int, least: float) -> Complex:
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
