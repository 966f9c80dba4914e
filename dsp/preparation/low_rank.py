"""The low-rank tables of a set: delays, gains and filters over a refined mesh.

Filters and the gains of measured directions are fitted to what was measured; then every vertex of
the refined mesh gets gains, those between measured directions for the response predicted there,
so that at low frequencies they vary smoothly over the mesh.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.interpolation.gp_mixture import interpolate
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.spectral import MIDDLE, Band, lsd_db
from auricle.dsp.preparation import basis
from auricle.dsp.responses import arrival, minimum_phase
from auricle.dsp.sphere.mesh import SphereMesh

_FIT_DIRECTIONS = 1000
# After the first rounds the mean LSD is about so many times what it is in the end; after some more
# it is not more than so many times.
_FIRST_ROUNDS, _FIRST_ABOVE = 10, 1.065
_MORE_ROUNDS, _MORE_ABOVE = 10, 1.04
_ALIGNED_SAMPLES = 24
_MIN_DIRECTIONS = 16  # with fewer, leaving out every second one says nothing
_ITD_REACH_SECONDS = 0.3e-3  # from what fits the phase; farther off lies another peak
_DELAY_TAPS_GUARD = 64
_SAME_CHORD, _SAME_POWER = 0.00175, 1e-6


@dataclass(frozen=True)
class LowRank:
    """Tables of V vertices and K buses an ear.

    Attributes:
        gains: (V, 2, K) float32; filters: (2, K, N) float32.
        delays: (V, 2) in samples, may lie below what a delay filter can do.
        lsd_db: (M, 2) at measured vertices, of these very gains.
        bases: both ears' gains and filters, as they were fitted.
    """

    gains: NDArray[np.float32]
    filters: NDArray[np.float32]
    delays: Array
    lsd_db: Array
    bases: list[basis.Basis]


class LowRankFit:
    """Fits of any rank to one set; what does not depend on the rank is made once.

    Args:
        mesh: its first vertices were measured, the others predicted.
        ir: (V, 2, N) responses of all vertices.
        arrivals: (V, 2) arrival times in samples, smooth over the mesh.
        sample_rate: Hz.
        top_hz: what lies above it does not count.
    """

    def __init__(
        self, mesh: SphereMesh, ir: Array, arrivals: Array, sample_rate: int, top_hz: float
    ) -> None:
        self._mesh, self._ir, self._arrivals = mesh, ir, arrivals
        self._rate, self._top_hz = sample_rate, min(top_hz, MIDDLE.high_hz)
        self._sign = arrival.polarity(ir[: len(mesh.measured)])
        self._responses = minimum_phase.minimum_phase_of(ir, 2048, basis.SIZE)
        self._itd_seconds = itd_correlation_seconds(ir, sample_rate)
        known = len(mesh.measured)
        self._mirror = mirror_images(mesh.vertices[:known], ir[:known])
        self._between: tuple[Array, Array] | None = None
        if known >= _MIN_DIRECTIONS:
            self._between = _predicted_between(
                ir[:known], arrivals[:known], mesh, 2.0 * self._top_hz / sample_rate
            )

    def begun(self, rank: int) -> "RankFit":
        """The fit of a rank after its first rounds, which tell what it will come to.

        Of a very dense set the filters are fitted on about 1000 directions.
        """
        return RankFit(self._responses[: len(self._mesh.measured)], self._mirror, rank, self._rate,
                       self._top_hz)  # fmt: skip

    def of_rank(self, rank: int) -> list[basis.Basis]:
        """Both ears' bases of a rank, whatever they come to."""
        found = self.begun(rank).finished()
        assert found is not None  # nothing less was asked for
        return found

    def tables(self, fits: list[basis.Basis]) -> LowRank:
        """Gains, filters and delays of all vertices, from bases fitted to the measured ones."""
        known = len(self._mesh.measured)
        final = _alike(self._over_mesh(fits))
        sums = np.stack([f.gains @ f.filters for f in final], axis=1)
        delays = self._delays(sums, self._ir, self._arrivals, self._itd_seconds)
        filters = np.stack([s * f.filters for s, f in zip(self._sign, final, strict=True)])
        return LowRank(
            np.stack([f.gains for f in final], axis=1),
            filters.astype(np.float32),
            delays,
            np.stack([f.lsd_db[:known] for f in final], axis=1).astype(np.float64),
            final,
        )

    def added_db(self, fits: list[basis.Basis]) -> float:
        """The LSD in dB that the rank adds between directions.

        Every second direction is left out and predicted; the prediction itself is compared with its
        sum of filters.
        """
        if self._between is None:
            return 0.0
        predicted = minimum_phase.minimum_phase_of(self._between[0], 2048, basis.SIZE)
        truth = self._responses[1 : len(self._mesh.measured) : 2]
        sums = self._sums(predicted, fits)
        band = Band(MIDDLE.low_hz, self._top_hz, basis.SIZE)
        found = [lsd_db(each, truth, self._rate, band).mean() for each in (sums, predicted)]
        return float(found[0] - found[1])

    def left_out_truth(self) -> Array:
        """The measured responses (L, 2, N) to which ``left_out`` is to be compared."""
        known = self._ir[: len(self._mesh.measured)]
        return known[1::2] if self._between is not None else known[:0]

    def _sums(self, wanted: Array, fits: list[basis.Basis]) -> Array:
        return np.stack([
            basis.fit_gains(wanted[:, ear], fit.filters, self._rate, top_hz=self._top_hz).gains
            @ fit.filters
            for ear, fit in enumerate(fits)
        ], axis=1)  # fmt: skip

    def left_out(self, tables: LowRank) -> Array:
        """Responses (L, 2, N) at directions left out, as their predictions would be played."""
        if self._between is None:
            return np.zeros((0, 2, 1))
        aligned, arrivals = self._between
        n_taps = self._ir.shape[2] + _DELAY_TAPS_GUARD
        predicted = arrival.shifted(aligned, arrivals - _ALIGNED_SAMPLES, n_taps)
        sums = self._sums(minimum_phase.minimum_phase_of(aligned, 2048, basis.SIZE), tables.bases)
        itd = itd_correlation_seconds(predicted, self._rate)
        delays = self._delays(sums, predicted, arrivals, itd)
        return arrival.shifted(self._sign[:, None] * sums, delays, n_taps)

    def _delays(self, sums: NDArray, ir: NDArray, arrivals: Array, itd_seconds: Array) -> Array:
        """Delays (M, 2) with which sums (M, 2, N) have the interaural phase and the ITD of ``ir``.

        The delays that fit the phase, moved apart until the ITD by correlation is right too. Where
        that is far, the correlation has another peak, and the phase is believed.
        """
        turned = self._sign[:, None].astype(sums.dtype) * sums
        delays = arrival.low_frequency_arrival_samples(ir, turned, arrivals, self._rate)
        own = itd_correlation_seconds(turned, self._rate) * self._rate
        missing = itd_seconds * self._rate - own - (delays[:, 0] - delays[:, 1])
        missing = np.where(np.abs(missing) <= _ITD_REACH_SECONDS * self._rate, missing, 0.0)
        return delays + 0.5 * missing[:, None] * np.array([1.0, -1.0])

    def _over_mesh(self, fits: list[basis.Basis]) -> list[basis.Basis]:
        """Both ears' bases with gains of all vertices, starting from blends of measured ones.

        The ears of a set that is its own mirror image share their filters, and get the same gains
        at measured directions: the mesh between them need not be its own mirror image.
        """
        mesh, known = self._mesh, len(self._mesh.measured)
        around = averaging(mesh)
        fitted: slice | None = slice(0, known, _step(known))
        final: list[basis.Basis] = []
        for ear, fit in enumerate(fits):
            filters = fit.filters
            if ear == 1 and self._mirror is not None:
                filters, fitted = final[0].filters, None
            gains = mesh.fill(fit.gains[mesh.vertex_of_row]).astype(np.float32)
            start = basis.Basis(gains, filters, fit.lsd_db)
            final.append(
                basis.smooth_gains(
                    self._responses[:, ear], start, around, fitted, self._rate,
                    top_hz=self._top_hz,
                )
            )  # fmt: skip
        if self._mirror is not None:
            final[1].gains[:known] = final[0].gains[self._mirror]
        return final


class RankFit:
    """Both ears' bases of one rank, fitted to measured directions: begun, and finished on demand.

    Attributes:
        rank: buses an ear; fewer where the set fills no more.
        filled: whether the set fills no more than ``rank``.
        expected_db: about the mean LSD at the end.
    """

    def __init__(
        self, responses: NDArray, mirror: NDArray[np.intp] | None, rank: int, sample_rate: int,
        top_hz: float,
    ) -> None:  # fmt: skip
        self._known, self._mirror, self._rate, self._top_hz = responses, mirror, sample_rate, top_hz
        self._step = _step(len(responses))
        self._fits = [
            basis.BasisFit(responses[:: self._step, ear], rank, sample_rate, top_hz=top_hz)
            for ear in range(2 if mirror is None else 1)
        ]
        found = [fit.best_after(_FIRST_ROUNDS) for fit in self._fits]
        self._finished: list[basis.Basis] | None = None
        self.rank = max(len(each.filters) for each in found)
        self.filled = self.rank < rank
        self.expected_db = float(np.mean([each.lsd_db.mean() for each in found])) / _FIRST_ABOVE

    def finished(self, enough_db: float = np.inf) -> list[basis.Basis] | None:
        """Both ears' bases after all rounds; None if on the way it shows that the mean LSD will not
        come down to ``enough_db``.
        """
        if self._finished is None:
            found = [fit.best_after(_MORE_ROUNDS) for fit in self._fits]
            mean_db = np.mean([each.lsd_db.mean() for each in found])
            if mean_db > _MORE_ABOVE * enough_db:
                return None
            rest = basis.ROUNDS - _FIRST_ROUNDS - _MORE_ROUNDS
            found = [fit.best_after(rest) for fit in self._fits]
            if self._step > 1:
                found = [
                    basis.fit_gains(
                        self._known[:, ear], each.filters, self._rate, top_hz=self._top_hz
                    )
                    for ear, each in enumerate(found)
                ]
            if self._mirror is not None:
                found.append(found[0].rows(self._mirror))
            self._finished = found
        return self._finished


def mirror_images(positions: Array, ir: Array) -> NDArray[np.intp] | None:
    """The row (M,) of each direction's mirror image in a set that is its own; None of other sets.

    Within 0.1 degrees, and -60 dB of the responses (M, 2, N).
    """
    distance, row = cKDTree(positions).query(positions * np.array([1.0, -1.0, 1.0]))
    if np.any(distance > _SAME_CHORD) or np.any(row[row] != np.arange(len(row))):
        return None
    error = np.sum((ir[:, 0] - ir[row, 1]) ** 2, axis=-1)
    return row if np.all(error <= _SAME_POWER * np.sum(ir[:, 0] ** 2, axis=-1)) else None


def averaging(mesh: SphereMesh) -> sparse.csr_matrix:
    """The mean (V, V) of the vertices around each, weights 1 / distance^2."""
    start, end = mesh.triangles.ravel(), mesh.triangles[:, [1, 2, 0]].ravel()
    distance = np.linalg.norm(mesh.vertices[start] - mesh.vertices[end], axis=1)
    size = len(mesh.vertices)
    # Each edge belongs to two triangles, which walk it in opposite directions.
    table = sparse.csr_matrix((distance**-2.0, (start, end)), shape=(size, size))
    return (sparse.diags(1.0 / np.asarray(table.sum(axis=1)).ravel()) @ table).astype(np.float32)


def _step(count: int) -> int:
    return max(1, round(count / _FIT_DIRECTIONS))


def _alike(fits: list[basis.Basis]) -> list[basis.Basis]:
    """Bases with as many buses as the larger one, silent ones added."""
    rank = max(len(fit.filters) for fit in fits)
    return [
        basis.Basis(
            np.pad(fit.gains, ((0, 0), (0, rank - len(fit.filters)))),
            np.pad(fit.filters, ((0, rank - len(fit.filters)), (0, 0))),
            fit.lsd_db,
        )
        for fit in fits
    ]


def _predicted_between(
    ir: Array, arrivals: Array, mesh: SphereMesh, top: float
) -> tuple[Array, Array]:
    """Aligned responses (L, 2, N) and arrivals (L, 2) of every second direction from the rest."""
    aligned = arrival.shifted(ir, _ALIGNED_SAMPLES - arrivals, ir.shape[2])
    points = mesh.vertices[: len(ir)]
    found = np.empty((len(ir) // 2, *ir.shape[1:]), dtype=np.float32), np.empty((len(ir) // 2, 2))
    return interpolate(aligned[::2], arrivals[::2], points[::2], points[1::2], out=found, top=top)
