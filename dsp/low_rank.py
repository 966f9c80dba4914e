"""The low-rank tables of a set: delays, gains and filters over a refined mesh.

Filters and the gains of measured directions are fitted to what was measured; then every vertex of
the refined mesh gets gains, those between measured directions for the response predicted there,
so that at low frequencies they vary smoothly over the mesh.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from auricle.dsp import alignment, basis
from auricle.dsp.interpolation import interpolate
from auricle.dsp.metrics.spectral import spectra_lsd_db
from auricle.dsp.sphere import SphereMesh

MAX_LSD_DB = 1.0
MAX_ADDED_DB = 0.35  # between measured directions; smooth sets, such as means, need it
RANKS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
_FIRST_RANK = 20
_LEAST_GAIN = 0.93  # a step in rank lowers the mean LSD by more than this, in all public sets
_FIT_DIRECTIONS = 1000
_ALIGNED_SAMPLES = 24
_MIN_DIRECTIONS = 16  # with fewer, leaving out every second one says nothing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LowRank:
    """Tables of V vertices and K buses an ear.

    Attributes:
        mesh: as given.
        gains: (V, 2, K) float32; filters: (2, K, N) float32.
        delays: (V, 2) in samples, may lie below what a delay filter can do.
        lsd_db: (M, 2) at measured vertices, of these very gains.
        added_db: what the rank adds to the LSD between measured directions.
    """

    mesh: SphereMesh
    gains: NDArray[np.float32]
    filters: NDArray[np.float32]
    delays: Array
    lsd_db: Array
    added_db: float


def low_rank(
    mesh: SphereMesh, ir: Array, arrivals: Array, sample_rate: int, rank: int | None
) -> LowRank:
    """Minimum-phase magnitudes on few filters; delays that fit the phase below 1.5 kHz.

    Args:
        mesh: its first vertices were measured, the others predicted.
        ir: (V, 2, N) responses of all vertices.
        arrivals: (V, 2) arrival times in samples, smooth over the mesh.
        sample_rate: Hz.
        rank: K; None: the least of ``RANKS`` whose mean LSD is at most 1 dB, and which adds at most
            0.35 dB to it between measured directions.
    """
    responses = alignment.minimum_phase_of(ir, 2048, basis.SIZE)
    known = len(mesh.measured)
    between = _between(ir[:known], arrivals[:known], mesh)
    if rank is None:
        fits, final = _fit_auto(responses, mesh, sample_rate)
    else:
        fits = _fit(responses[:known], sample_rate, rank)
        final = _over_mesh(responses, fits, mesh, sample_rate)
    added_db = _added_db(between, responses[:known], fits, sample_rate)
    higher = [k for k in RANKS if k > len(fits[0].filters)] if rank is None else []
    if added_db > MAX_ADDED_DB and higher:
        while added_db > MAX_ADDED_DB and higher:
            fits = _fit(responses[:known], sample_rate, higher.pop(0))
            added_db = _added_db(between, responses[:known], fits, sample_rate)
        final = _over_mesh(responses, fits, mesh, sample_rate)
    sums = np.stack([f.gains.astype(np.float64) @ f.filters for f in final], axis=1)
    delays = alignment.low_frequency_arrival_samples(ir, sums, arrivals, sample_rate)
    return LowRank(
        mesh,
        np.stack([f.gains for f in final], axis=1),
        np.stack([f.filters for f in final]),
        delays,
        np.stack([f.lsd_db[:known] for f in final], axis=1).astype(np.float64),
        added_db,
    )


def _fit(responses: Array, sample_rate: int, rank: int) -> list[basis.Basis]:
    """Both ears' bases; of a very dense set the filters are fitted on about 1000 directions."""
    step = _step(len(responses))
    fits = []
    for ear in range(2):
        fit = basis.fit_basis(responses[::step, ear], rank, sample_rate)
        if step > 1:
            fit = basis.fit_gains(responses[:, ear], fit.filters, sample_rate)
        fits.append(fit)
    return fits


def _step(count: int) -> int:
    return max(1, round(count / _FIT_DIRECTIONS))


def _fit_auto(
    responses: Array, mesh: SphereMesh, sample_rate: int
) -> tuple[list[basis.Basis], list[basis.Basis]]:
    """Bases of the least rank that keeps the mean LSD at 1 dB, as fitted and over the mesh."""
    known = responses[: len(mesh.measured)]
    at = RANKS.index(_FIRST_RANK)
    best = _fit(known, sample_rate, RANKS[at])
    if _mean_lsd(best) <= MAX_LSD_DB:
        while at > 0 and _mean_lsd(best) <= _LEAST_GAIN * MAX_LSD_DB:
            fits = _fit(known, sample_rate, RANKS[at - 1])
            if _mean_lsd(fits) > MAX_LSD_DB:
                break
            best, at = fits, at - 1
    while True:
        if _mean_lsd(best) <= MAX_LSD_DB or at + 1 == len(RANKS):
            final = _over_mesh(responses, best, mesh, sample_rate)
            measured = [f.lsd_db[: len(known)].mean() for f in final]
            if np.mean(measured) <= MAX_LSD_DB or at + 1 == len(RANKS):
                return best, final
        at += 1
        best = _fit(known, sample_rate, RANKS[at])


def _mean_lsd(fits: list[basis.Basis]) -> float:
    return float(np.mean([f.lsd_db.mean() for f in fits]))


def _over_mesh(
    responses: Array, fits: list[basis.Basis], mesh: SphereMesh, sample_rate: int
) -> list[basis.Basis]:
    """Both ears' bases with gains of all vertices, starting from blends of measured ones."""
    around = averaging(mesh)
    fitted = slice(0, len(mesh.measured), _step(len(mesh.measured)))
    final = []
    for ear, fit in enumerate(fits):
        gains = mesh.fill(fit.gains[mesh.vertex_of_row]).astype(np.float32)
        start = basis.Basis(gains, fit.filters, fit.lsd_db)
        final.append(basis.smooth_gains(responses[:, ear], start, around, fitted, sample_rate))
    return final


def averaging(mesh: SphereMesh) -> sparse.csr_matrix:
    """The mean (V, V) of the vertices around each, weights 1 / distance^2."""
    start, end = mesh.triangles.ravel(), mesh.triangles[:, [1, 2, 0]].ravel()
    distance = np.linalg.norm(mesh.vertices[start] - mesh.vertices[end], axis=1)
    size = len(mesh.vertices)
    # Each edge belongs to two triangles, which walk it in opposite directions.
    table = sparse.csr_matrix((distance**-2.0, (start, end)), shape=(size, size))
    return (sparse.diags(1.0 / np.asarray(table.sum(axis=1)).ravel()) @ table).astype(np.float32)


def _between(ir: Array, arrivals: Array, mesh: SphereMesh) -> Array | None:
    """Minimum-phase responses (M // 2, 2, SIZE) at every second direction, predicted from the rest.

    None of a set with too few directions.
    """
    known = len(ir)
    if known < _MIN_DIRECTIONS:
        return None
    aligned = alignment.shifted(ir, _ALIGNED_SAMPLES - arrivals, ir.shape[2])
    points = mesh.vertices[:known]
    predicted, _ = interpolate(aligned[::2], arrivals[::2], points[::2], points[1::2])
    return alignment.minimum_phase_of(predicted, 2048, basis.SIZE)


def _added_db(
    between: Array | None, responses: Array, fits: list[basis.Basis], sample_rate: int
) -> float:
    """What the rank adds to the LSD between directions: every second one left out, then predicted.

    The prediction itself is compared with its sum of filters.
    """
    if between is None:
        return 0.0
    hz = np.arange(basis.SIZE // 2 + 1) * sample_rate / basis.SIZE
    added = []
    for ear, fit in enumerate(fits):
        truth = np.maximum(np.abs(np.fft.rfft(responses[1::2, ear], basis.SIZE)), 1e-9)
        gains = basis.fit_gains(between[:, ear], fit.filters, sample_rate).gains
        low, high = (np.fft.rfft(x, basis.SIZE) for x in (gains @ fit.filters, between[:, ear]))
        added.append(spectra_lsd_db(low, truth, hz).mean() - spectra_lsd_db(high, truth, hz).mean())
    return float(np.mean(added))
