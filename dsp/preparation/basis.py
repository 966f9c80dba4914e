"""A few filters and gains whose sums have the magnitudes of all responses: the low-rank engine.

One ear at a time: response m is ``sum_k gains[m, k] * filters[k]``. Only magnitudes count (the
arrival time is kept apart), so the phases are free, and the error that is made small is the mean
log-spectral distance (LSD) itself. ``smooth_gains`` then asks more of the low frequencies: there
neighbouring directions agree in phase and level, so that what is blended between them neither
cancels nor wavers when a source moves.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray
from scipy import sparse

from auricle.dsp.metrics.spectral import MIDDLE, Band, spectra_lsd_db
from auricle.dsp.preparation.octave_weighting import OctaveWeighting, octave_weighting

Floats = NDArray[np.float32]

SIZE = 512  # of the FFT in which the distance counts
_LEAST_MAGNITUDE = 1e-5  # of the largest, -100 dB: silent responses have no decibels
_LEAST_SINGULAR = 3e-4  # of the largest: a set of a few harmonics fills no more buses than it has
ROUNDS = 50  # of a fit
_ROWS = 256  # responses at a time, where there are many
_JUDGED_ROUNDS = 10
# Solving for the filters exactly, too, takes longer, and the rounds end at higher distances.
_FILTER_STEPS = 40
_AGREE_HZ = (50.0, 1000.0, 2000.0)  # neighbours agree from the first to the second, less above
# In the end single directions whose octaves are still off by more than the first of these get them
# within the second, whatever their neighbours do.
_HELD_DB, _AIMED_DB = 1.0, 0.8
_LEVEL_STEPS, _LEVEL_STEP_DB = 6, 0.5
_STEP_SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
_GREAT_DB, _WORTH, _GREAT_WORTH = 1.7, 0.5, 1.5
_AGREEMENT = 30.0  # weight of a relative error, beside 1 / LSD of a log error


@dataclass(frozen=True)
class Basis:
    """Gains (M, K) and filters (K, N) float32 of one ear, and the LSD in dB (M,) they leave."""

    gains: Floats
    filters: Floats
    lsd_db: Floats

    def rows(self, order: NDArray[np.integer]) -> "Basis":
        """The basis with the same filters and the gains of other rows."""
        return Basis(self.gains[order], self.filters, self.lsd_db[order])


class BasisFit:
    """A fit of filters and gains that brings the mean LSD of responses to a minimum.

    Starts from the weighted SVD of the (minimum-phase) responses. Then, in turn, gains and filters
    solve least-squares problems whose target takes its phase from the present sum (magnitude least
    squares: Kassakian 2006, PhD thesis, Berkeley, ch. 3) and whose weights make the squared error
    equal the squared log error at the present sum (iteratively reweighted), divided by each
    response's own LSD, so that the mean of LSDs is what falls. The filters have ``n_taps`` taps,
    which ties all frequencies together: conjugate gradients.

    Args:
        responses: (M, N) minimum-phase responses.
        rank: number of filters, K; fewer where the responses fill no more.
        sample_rate: Hz.
        top_hz: frequencies above hardly count.
        n_taps: length of the filters.
    """

    def __init__(
        self, responses: NDArray[np.float64], rank: int, sample_rate: int, *,
        top_hz: float = MIDDLE[1], n_taps: int = 256,
    ) -> None:  # fmt: skip
        self._wanted = _Wanted.of(responses, sample_rate, top_hz)
        self._gains, self._filters = _weighted_svd(responses[:, :n_taps].astype(np.float32), rank)
        self._best: Basis | None = None

    def best_after(self, rounds: int) -> Basis:
        """The best basis that was found when so many more rounds are done."""
        wanted, gains, filters = self._wanted, self._gains, self._filters
        for turn in range(rounds):
            spectra = fft.rfft(filters, SIZE)
            # The weights serve for gains and filters: made anew between, they end higher.
            weights, target = wanted.weighted(gains @ spectra)
            gains = _solve_gains(weights, target, spectra)
            present = gains @ spectra
            if turn % _JUDGED_ROUNDS == _JUDGED_ROUNDS - 1 or turn == rounds - 1:
                lsd = wanted.lsd_db(present)
                if self._best is None or lsd.mean() < self._best.lsd_db.mean():
                    self._best = Basis(gains, filters, lsd)
            found = _solve_filters(weights, wanted.turned(present), gains, filters)
            gains, filters = _of_unit_filters(gains, found)
        self._gains, self._filters = gains, filters
        assert self._best is not None
        return self._best


def fit_basis(
    responses: NDArray[np.float64], rank: int, sample_rate: int, *, top_hz: float = MIDDLE[1],
    n_taps: int = 256, rounds: int = ROUNDS,
) -> Basis:  # fmt: skip
    """The filters and gains that bring the mean LSD of responses to a minimum: ``BasisFit``.

    Args:
        responses: (M, N) minimum-phase responses.
        rank: number of filters, K.
        sample_rate: Hz.
        top_hz: frequencies above hardly count.
        n_taps: length of the filters.
        rounds: of the fit.
    """
    return BasisFit(responses, rank, sample_rate, top_hz=top_hz, n_taps=n_taps).best_after(rounds)


def fit_gains(
    responses: NDArray[np.float64], filters: Floats, sample_rate: int, *,
    top_hz: float = MIDDLE[1], rounds: int = 6,
) -> Basis:  # fmt: skip
    """Gains of responses on given filters.

    Args:
        responses: (M, N) minimum-phase responses.
        filters: (K, N') filters.
        sample_rate: Hz.
        top_hz: frequencies above hardly count.
        rounds: of the fit.
    """
    spectra = fft.rfft(filters, SIZE)
    gains = np.empty((len(responses), len(filters)), dtype=np.float32)
    lsd_db = np.empty(len(responses), dtype=np.float32)
    wanted = _Wanted.of(responses, sample_rate, top_hz)
    for rows in _parts(len(responses)):
        own = wanted.subset(rows)
        present = fft.rfft(responses[rows, :SIZE].astype(np.float32), SIZE)
        for _ in range(rounds):
            gains[rows] = _solve_gains(*own.weighted(present), spectra)
            present = gains[rows] @ spectra
        lsd_db[rows] = own.lsd_db(present)
    return Basis(gains, filters, lsd_db)


def smooth_gains(
    responses: NDArray[np.float64], start: Basis, neighbours: sparse.csr_matrix,
    fitted: slice | None, sample_rate: int, *, top_hz: float = MIDDLE[1], rounds: int = 5,
) -> Basis:  # fmt: skip
    """Gains (V, K) of the vertices of a mesh, smooth at low frequencies, and filters that fit them.

    Magnitudes count as in ``fit_basis``. Besides, below 3 kHz each sum is drawn, phase and level,
    to a continuation of its neighbours' sums H: from the mean A H of those around it to
    (1 + 2 A - A^2) H / 2, which leaves a field that bends evenly where it is.

    Args:
        responses: (V, N) whose magnitudes are wanted.
        start: gains (V, K) and filters to begin with.
        neighbours: (V, V) the averaging A over the vertices around each, rows of sum 1.
        fitted: the vertices that decide on the filters; None: these stay.
        sample_rate: Hz.
        rounds: of all vertices at once, each with what its neighbours were before.
    """
    wanted = _Wanted.of(responses, sample_rate, top_hz)
    gains, filters = start.gains, start.filters
    spectra = fft.rfft(filters, SIZE)
    lowest, full, top = _AGREE_HZ
    low = (wanted.hz >= lowest) & (wanted.hz < top)
    share = np.minimum(np.log(top / wanted.hz[low]) / np.log(top / full), 1.0)
    weight = (_AGREEMENT * share / wanted.magnitude[:, low] ** 2).astype(np.float32)
    for turn in range(rounds):
        around = neighbours @ gains
        onward = 0.5 * (gains + 2.0 * around - neighbours @ around)
        found = np.empty_like(gains)
        for rows in _parts(len(gains)):
            weights, target = wanted.subset(rows).weighted(gains[rows] @ spectra)
            _draw(weights, target, low, weight[rows], onward[rows] @ spectra[:, low])
            found[rows] = _solve_gains(weights, target, spectra)
        gains = found
        if fitted is not None and turn < rounds - 1:
            own = gains[fitted]
            weights, target = wanted.subset(fitted).weighted(own @ spectra)
            gains, filters = _of_unit_filters(gains, _solve_filters(weights, target, own, filters))
            spectra = fft.rfft(filters, SIZE)
    gains = _levels_held(wanted, gains, spectra, low, 0.1 * weight)
    lsd_db = [wanted.subset(rows).lsd_db(gains[rows] @ spectra) for rows in _parts(len(gains))]
    return Basis(gains, filters, np.concatenate(lsd_db))


def _levels_held(
    wanted: "_Wanted", gains: Floats, spectra: NDArray, low: NDArray[np.bool_], weight: Floats
) -> Floats:
    """Gains (V, K) in which single vertices with wrong octaves have got them right.

    The least change, as their weighted distance counts it, that brings the levels of all octaves
    within ``_AIMED_DB``: Newton's steps under as many conditions as there are octaves. What a
    vertex has at low frequencies holds it back with ``weight`` (V, L), so that its phases stay.
    As much of it is done as does not cost a vertex more than ``_WORTH`` dB of LSD for each dB of
    its worst octave, ``_GREAT_WORTH`` where that is wrong by more than ``_GREAT_DB``.
    """
    off_db = [
        np.abs(wanted.subset(rows).level_errors_db(gains[rows] @ spectra)).max(axis=1)
        for rows in _parts(len(gains))
    ]
    wrong = np.flatnonzero(np.concatenate(off_db) > _HELD_DB)
    if not wrong.size:
        return gains
    own, found = wanted.subset(wrong), gains[wrong].astype(np.float64)
    present = gains[wrong] @ spectra
    weights, target = own.weighted(present)
    _draw(weights, target, low, weight[wrong], present[:, low])
    gram = _gain_grams(weights, spectra).astype(np.float64)
    octaves = own.weighting.judged
    powers = np.stack([((spectra * bins) @ spectra.conj().T).real for bins in octaves])
    for _ in range(_LEVEL_STEPS):
        error_db = own.level_errors_db(found.astype(np.float32) @ spectra)
        slope = np.einsum("bkl,ml->mbk", powers, found, optimize=True)  # half the powers' gradients
        power = np.einsum("mbk,mk->mb", slope, found)
        missing = np.clip(error_db, -_AIMED_DB, _AIMED_DB) - error_db
        missing = np.clip(missing, -_LEVEL_STEP_DB, _LEVEL_STEP_DB)
        ways = np.linalg.solve(gram, slope.transpose(0, 2, 1))
        own_ways = slope @ ways
        own_ways += 1e-6 * np.eye(len(octaves)) * np.einsum("mbb->m", own_ways)[:, None, None]
        change = np.linalg.solve(own_ways, (np.log(10.0) / 20.0 * missing * power)[..., None])
        found += (ways @ change)[..., 0]
    before = gains[wrong]
    best, least_db = before.copy(), np.concatenate(off_db)[wrong]
    first_db, first_lsd_db = least_db.copy(), own.lsd_db(present)
    worth = np.where(first_db > _GREAT_DB, _GREAT_WORTH, _WORTH)
    for share in _STEP_SHARES:
        tried = (before + share * (found - before)).astype(np.float32)
        left_db = np.abs(own.level_errors_db(tried @ spectra)).max(axis=1)
        lost_db = own.lsd_db(tried @ spectra) - first_lsd_db
        better = (left_db < least_db) & (lost_db <= worth * (first_db - left_db))
        best[better], least_db[better] = tried[better], left_db[better]
    gains = gains.copy()
    gains[wrong] = best
    return gains


@dataclass(frozen=True, eq=False)
class _Wanted:
    """Magnitudes (M, F) to be had at frequencies (F,) in Hz, and what of them counts."""

    magnitude: Floats
    hz: NDArray[np.float64]
    weighting: OctaveWeighting
    band: Band

    @classmethod
    def of(cls, responses: NDArray, sample_rate: int, top_hz: float) -> "_Wanted":
        magnitude = np.empty((len(responses), SIZE // 2 + 1), dtype=np.float32)
        for rows in _parts(len(responses)):
            some = responses[rows, :SIZE].astype(np.float32)
            magnitude[rows] = np.abs(fft.rfft(some, SIZE))
        return cls(
            np.maximum(magnitude, _LEAST_MAGNITUDE * magnitude.max()),
            np.arange(SIZE // 2 + 1) * sample_rate / SIZE,
            octave_weighting(SIZE, sample_rate, top_hz),
            Band(MIDDLE.low_hz, top_hz),
        )

    def weighted(self, present: NDArray) -> tuple[Floats, NDArray]:
        """Weights and targets of a least-squares problem near spectra that are there."""
        return self.weighting.of(self.magnitude, present)

    def turned(self, present: NDArray) -> NDArray:
        """Targets alone: these magnitudes, with the phases that are there."""
        size = np.maximum(np.abs(present), np.float32(1e-6) * self.magnitude)
        return present * (self.magnitude / size)

    def level_errors_db(self, spectra: NDArray) -> NDArray:
        return self.weighting.level_errors_db(self.magnitude, spectra)

    def subset(self, rows: slice | NDArray[np.integer]) -> "_Wanted":
        return replace(self, magnitude=self.magnitude[rows])

    def lsd_db(self, spectra: NDArray) -> Floats:
        return spectra_lsd_db(spectra, self.magnitude, self.hz, self.band)


def _weighted_svd(responses: Floats, rank: int) -> tuple[Floats, Floats]:
    # Quiet (contralateral) responses count as much as loud ones in dB; energy^-0.25 between.
    weight = np.maximum(np.mean(responses**2, axis=1, keepdims=True), 1e-20) ** -0.25
    u, s, v = np.linalg.svd(responses * weight, full_matrices=False)
    rank = min(rank, int(np.count_nonzero(s > _LEAST_SINGULAR * s[0])))
    return (u[:, :rank] * s[:rank] / weight).astype(np.float32), v[:rank].astype(np.float32)


def _of_unit_filters(gains: Floats, filters: Floats) -> tuple[Floats, Floats]:
    """The same sums with the largest filter of energy 1, lest filters grow for ever as gains fall.

    One factor for all: what the solutions are damped by depends on the filters' proportions.
    """
    largest = np.float32(max(float(np.sqrt(np.sum(filters * filters, axis=1).max())), 1e-20))
    return gains * largest, filters / largest


@lru_cache
def _pairs(rank: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (2, P) of buses, each once, and the place (K * K,) of each entry of a Gram matrix."""
    upper = np.array(np.triu_indices(rank))
    whole = np.empty((rank, rank), dtype=np.intp)
    whole[upper[0], upper[1]] = whole[upper[1], upper[0]] = np.arange(upper.shape[1])
    return upper, whole.ravel()


def _parts(count: int) -> list[slice]:
    return [slice(at, min(at + _ROWS, count)) for at in range(0, count, _ROWS)]


def _draw(
    weights: Floats, target: NDArray, bins: NDArray[np.bool_], extra: Floats, drawn: NDArray
) -> None:
    """Put a second target (M, L) of weights ``extra`` to a first one, in place."""
    total = weights[:, bins] + extra
    target[:, bins] = (weights[:, bins] * target[:, bins] + extra * drawn) / total
    weights[:, bins] = total


def _solve_gains(weights: Floats, target: NDArray, spectra: NDArray) -> Floats:
    """Gains (M, K) of filters' spectra (K, F) with the least weighted distance from a target."""
    gram = _gain_grams(weights, spectra)
    right = (weights * target.real) @ spectra.real.T + (weights * target.imag) @ spectra.imag.T
    return np.linalg.solve(gram, right[..., None])[..., 0].astype(np.float32)


def _gain_grams(weights: Floats, spectra: NDArray) -> Floats:
    """Matrices (M, K, K) of the least-squares problems of gains, a little damped."""
    rank = len(spectra)
    upper, whole = _pairs(rank)
    products = (spectra[upper[0]] * spectra[upper[1]].conj()).real
    gram = np.take(weights @ products.T, whole, axis=1).reshape(-1, rank, rank)
    diagonal = np.einsum("mkk->mk", gram)
    diagonal += 1e-5 / rank * diagonal.sum(axis=1, keepdims=True)
    return gram


def _solve_filters(weights: Floats, target: NDArray, gains: Floats, filters: Floats) -> Floats:
    """Filters (K, N) for given gains: preconditioned conjugate gradients over all taps at once."""
    rank, n_taps = filters.shape
    upper, whole = _pairs(rank)
    pairs = gains[:, upper[0]] * gains[:, upper[1]]
    gram = np.take(weights.T @ pairs, whole, axis=1).reshape(-1, rank, rank)  # (F, K, K)
    right = fft.irfft(((weights * target).T @ gains).T, SIZE)[:, :n_taps]
    mean = gram.mean(axis=0)
    damping = np.float32(1e-5 * np.trace(mean) / rank)
    precondition = np.linalg.inv(mean + damping * np.eye(rank)).astype(np.float32)

    def apply(taps: Floats) -> Floats:
        spectrum = fft.rfft(taps, SIZE)
        parts = np.ascontiguousarray(spectrum.T).view(np.float32).reshape(-1, rank, 2)
        product = np.ascontiguousarray(np.matmul(gram, parts)).view(np.complex64)[..., 0]
        return fft.irfft(product.T, SIZE)[:, :n_taps] + damping * taps

    residual = right - apply(filters)
    step = toward = precondition @ residual
    energy = float(np.vdot(residual, toward))
    for _ in range(_FILTER_STEPS):
        image = apply(step)
        length = np.float32(energy / max(float(np.vdot(step, image)), 1e-30))
        filters = filters + length * step
        residual = residual - length * image
        toward = precondition @ residual
        after = float(np.vdot(residual, toward))
        step = toward + np.float32(after / max(energy, 1e-30)) * step
        energy = after
    return filters.astype(np.float32)
