"""An HRTF set made ready to render: a mesh, a table of gains and delays, and the bus filters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp import alignment, basis
from auricle.dsp.delay import PHASES_PER_SAMPLE, centre_samples, delay_table
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.refinement import refine
from auricle.dsp.sphere import SphereMesh, triangulate

VERSION = 6  # of everything that decides the tables: a cached set of another version is made anew
MAX_LSD_DB = 1.0
RANKS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
_FIRST_RANK = 20
_FIT_DIRECTIONS = 1000
FULL_DELAY_TAPS, LOW_DELAY_TAPS = 24, 12
HEAD_TAPS = 128
_ALIGNED_SAMPLES = 24
_ONSET_MARGIN_SAMPLES = 12
_RING_SAMPLES = 24


@dataclass(frozen=True)
class PreparedSet:
    """Tables for the renderer, all of one sample rate; K buses an ear, V vertices.

    Attributes:
        mesh: triangulation; its first vertices are measured directions.
        gains: (V, 2K + 2H) float32 bus gains, left ear's first, then those of the first H buses
            for the source without any delay.
        delays: (V, 2) float64 in samples, all at least what the delay filter needs.
        filters: (2, K, N) float32 bus filters by ear; None at full rank (bus k is tap k).
        head_taps: H; 0 at low rank.
        delay_taps: taps of the fractional-delay filters.
        latency_samples: what was added to every delay; 0 unless a set starts with no silence.
        sample_rate: Hz.
        report: one line on the rank and its error.
        lsd_db: (M, 2) LSD that the rank leaves at measured directions; zeros at full rank.
    """

    mesh: SphereMesh
    gains: NDArray[np.float32]
    delays: NDArray[np.float64]
    filters: NDArray[np.float32] | None
    head_taps: int
    delay_taps: int
    latency_samples: int
    sample_rate: int
    report: str
    lsd_db: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """Buses an ear."""
        return self.gains.shape[1] // 2 - self.head_taps

    @property
    def tail_samples(self) -> int:
        """How long a sound rings on after its last sample."""
        taps = self.rank if self.filters is None else self.filters.shape[2]
        return int(np.ceil(self.delays.max())) + self.delay_taps + taps


def prepare(
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched"
) -> PreparedSet:
    """The tables of a set at a sample rate.

    Args:
        hrtf: the measured set; resampled when its rate differs.
        sample_rate: Hz.
        rank: "full": responses aligned as measured, exact; a whole number of buses an ear;
            "auto": the least number whose mean LSD at measured directions is at most 1 dB.
        level: "matched": every set to a mean diffuse-field power of 1; "measured": as in the file.

    Raises:
        AuricleError: an unknown rank or level.
    """
    if level not in ("matched", "measured"):
        raise AuricleError(f'level is "matched" or "measured", not {level!r}')
    if rank not in ("auto", "full") and not (isinstance(rank, int) and 1 <= rank <= 256):
        raise AuricleError(f'rank is "auto", "full" or a number from 1 to 256, not {rank!r}')
    hrtf = hrtf.resampled(sample_rate)
    mesh = triangulate(hrtf.positions)
    ir = np.asarray(hrtf.ir, dtype=np.float64)
    if level == "matched":
        ir = ir / diffuse_field_rms(ir, mesh, sample_rate)
    arrivals = alignment.arrival_samples(ir, sample_rate, hrtf.positions)
    if rank == "full":
        return _full_rank(*_refined(mesh, ir, arrivals), sample_rate)
    return _low_rank(ir, arrivals, mesh, sample_rate, None if rank == "auto" else int(rank))


def _refined(
    mesh: SphereMesh, ir: NDArray[np.float64], arrivals: NDArray[np.float64]
) -> tuple[SphereMesh, NDArray[np.float64], NDArray[np.float64]]:
    """A finer mesh, with responses (V, 2, N) and arrival times (V, 2) of all its vertices."""
    n_taps = ir.shape[2]
    aligned = alignment.shifted(ir, _ALIGNED_SAMPLES - arrivals, n_taps)
    finer, responses, times = refine(mesh, aligned, arrivals)
    full = alignment.shifted(responses, times - _ALIGNED_SAMPLES, n_taps)
    full[: len(mesh.measured)] = ir[mesh.measured]
    return finer, full, times


def diffuse_field_rms(ir: NDArray[np.float64], mesh: SphereMesh, sample_rate: int) -> float:
    """Root of the mean power of responses (M, 2, N) over the sphere, ears and 200 Hz to 16 kHz."""
    corners = mesh.vertices[mesh.triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    share = np.bincount(mesh.triangles.ravel(), np.repeat(area, 3), minlength=len(mesh.vertices))
    size = 2 * ir.shape[2]
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    inside = (hz >= 200.0) & (hz <= 16000.0)
    power = np.mean(np.abs(np.fft.rfft(ir, size)[..., inside]) ** 2, axis=(1, 2))
    rms = float(np.sqrt(np.average(mesh.fill(power), weights=share)))
    if not rms > 0.0:
        raise AuricleError("the HRTF set is silent; all its impulse responses are zero")
    return rms


def _full_rank(
    mesh: SphereMesh, ir: NDArray[np.float64], arrivals: NDArray[np.float64], sample_rate: int
) -> PreparedSet:
    """Responses (V, 2, N) aligned as measured: bus k is tap k, the delay table does the rest."""
    least = centre_samples(FULL_DELAY_TAPS)
    delays = np.maximum(arrivals - _ONSET_MARGIN_SAMPLES, least)
    n_taps = ir.shape[2] - int(delays.min()) + _RING_SAMPLES
    n_taps = max(-(-n_taps // 4) * 4, HEAD_TAPS)
    aligned = alignment.shifted(ir, -delays, n_taps)
    rest = _rest(ir, aligned, delays)
    flat = np.concatenate([aligned.reshape(len(ir), -1), rest.reshape(len(ir), -1)], axis=1)
    gains = flat.astype(np.float32)
    report = f"full rank: {n_taps} taps, aligned as measured"
    return PreparedSet(
        mesh, gains, delays, None, HEAD_TAPS, FULL_DELAY_TAPS, 0, sample_rate, report,
        np.zeros((len(mesh.measured), 2)),
    )  # fmt: skip


def _rest(
    ir: NDArray[np.float64], aligned: NDArray[np.float64], delays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What delay and aligned response leave of the first taps (M, 2, HEAD_TAPS) of a response.

    Measured responses are not silent before the sound arrives (-25 to -45 dB of their energy), and
    a causal delay cannot bring that back: it is added without any delay, which makes measured
    directions exact at no latency.
    """
    table = delay_table(FULL_DELAY_TAPS).astype(np.float64)
    whole = np.floor(delays).astype(int)
    position = (delays - whole) * PHASES_PER_SAMPLE
    low = np.minimum(position.astype(int), len(table) - 2)
    part = (position - low)[..., None]
    taps = table[low] + part * (table[low + 1] - table[low])  # (M, 2, n_taps)
    rest = np.zeros((*ir.shape[:2], HEAD_TAPS))
    known = min(HEAD_TAPS, ir.shape[2])
    rest[..., :known] = ir[..., :known]
    first = whole - centre_samples(FULL_DELAY_TAPS)
    n = np.arange(HEAD_TAPS)
    for j in range(FULL_DELAY_TAPS):
        at = n - first[..., None] - j
        value = np.take_along_axis(aligned, np.clip(at, 0, aligned.shape[2] - 1), axis=2)
        rest -= taps[..., j : j + 1] * np.where(at >= 0, value, 0.0)
    return rest


def _low_rank(
    ir: NDArray[np.float64], arrivals: NDArray[np.float64], mesh: SphereMesh, sample_rate: int,
    rank: int | None,
) -> PreparedSet:  # fmt: skip
    """Minimum-phase magnitudes on few filters; delays that fit the phase below 1.5 kHz."""
    magnitude = alignment.floored_magnitude(ir, 2048)
    responses = alignment.minimum_phase(magnitude, basis.SIZE)
    fits = _fit(responses, sample_rate, rank) if rank else _fit_auto(responses, sample_rate)
    fitted = np.stack([f.gains.astype(np.float64) @ f.filters for f in fits], axis=1)
    delays = alignment.low_frequency_arrival_samples(ir, fitted, arrivals, sample_rate)
    latency = max(0, int(np.ceil(centre_samples(LOW_DELAY_TAPS) - delays.min())))
    gains = np.concatenate([f.gains for f in fits], axis=1)
    filters = np.stack([f.filters for f in fits])
    pad = -filters.shape[1] % 4
    filters = np.pad(filters, ((0, 0), (0, pad), (0, 0)))
    gains = np.pad(gains.reshape(len(ir), 2, -1), ((0, 0), (0, 0), (0, pad))).reshape(len(ir), -1)
    lsd = np.stack([f.lsd_db for f in fits], axis=1).astype(np.float64)
    added = _added_between(responses, fits, mesh, sample_rate)
    report = (
        f"rank {fits[0].filters.shape[0]}: LSD {lsd.mean():.2f} dB at measured directions "
        f"(95th percentile {np.percentile(lsd, 95):.2f}), {added:+.2f} dB between them"
    )
    return PreparedSet(
        mesh, mesh.fill(gains).astype(np.float32), mesh.fill(delays) + latency,
        filters.astype(np.float32), 0, LOW_DELAY_TAPS, latency, sample_rate, report, lsd,
    )  # fmt: skip


def _fit(responses: NDArray[np.float64], sample_rate: int, rank: int) -> list[basis.Basis]:
    """Both ears' bases; of a very dense set the filters are fitted on about 1000 directions."""
    step = max(1, len(responses) // _FIT_DIRECTIONS)
    fits = []
    for ear in range(2):
        fit = basis.fit_basis(responses[::step, ear], rank, sample_rate)
        if step > 1:
            fit = basis.fit_gains(responses[:, ear], fit.filters, sample_rate)
        fits.append(fit)
    return fits


def _fit_auto(responses: NDArray[np.float64], sample_rate: int) -> list[basis.Basis]:
    """The bases of the least rank that keeps the mean LSD at 1 dB."""
    at = RANKS.index(_FIRST_RANK)
    best = _fit(responses, sample_rate, RANKS[at])
    good = _mean_lsd(best) <= MAX_LSD_DB
    step = -1 if good else 1
    while 0 <= at + step < len(RANKS):
        at += step
        fits = _fit(responses, sample_rate, RANKS[at])
        if good:
            if _mean_lsd(fits) > MAX_LSD_DB:
                return best
            best = fits
        else:
            best = fits
            if _mean_lsd(fits) <= MAX_LSD_DB:
                return best
    return best


def _mean_lsd(fits: list[basis.Basis]) -> float:
    return float(np.mean([f.lsd_db.mean() for f in fits]))


def _added_between(
    responses: NDArray[np.float64], fits: list[basis.Basis], mesh: SphereMesh, sample_rate: int
) -> float:
    """What the rank adds to the LSD between directions: every second one left out and rebuilt."""
    rows = mesh.measured
    kept, left = rows[::2], rows[1::2]
    coarse = triangulate(mesh.vertices[: len(rows)][::2])
    targets = mesh.vertices[: len(rows)][1::2]
    triangle, w = coarse.locate(targets)
    corners = coarse.triangles[triangle]
    hz = np.arange(basis.SIZE // 2 + 1) * sample_rate / basis.SIZE
    added = []
    for ear, fit in enumerate(fits):
        truth = np.maximum(np.abs(np.fft.rfft(responses[left, ear], basis.SIZE)), 1e-9)
        full = np.einsum("mi,min->mn", w, coarse.fill(responses[kept, ear])[corners])
        gains = np.einsum("mi,mik->mk", w, coarse.fill(fit.gains[kept])[corners])
        full_lsd = basis.lsd_db(np.fft.rfft(full, basis.SIZE), truth, hz)
        low_lsd = basis.lsd_db(np.fft.rfft(gains @ fit.filters, basis.SIZE), truth, hz)
        added.append(low_lsd.mean() - full_lsd.mean())
    return float(np.mean(added))
