"""An HRTF set made ready to render: a mesh, a table of gains and delays, and the bus filters."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray

from auricle.dsp import alignment
from auricle.dsp.delay import centre_samples, delay_taps_at
from auricle.dsp.errors import AuricleError
from auricle.dsp.freed import give_back
from auricle.dsp.head_radius import head_radius_m
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.low_rank import LowRank, low_rank
from auricle.dsp.near_field import LEAST_RADII, NearFieldTable, near_field_table
from auricle.dsp.refinement import MAX_EDGE_DEG, MAX_VERTICES, refine
from auricle.dsp.sphere import SphereMesh, triangulate
from auricle.dsp.sphere_weights import vertex_areas

VERSION = 9  # of everything that decides the tables: a cached set of another version is made anew
FULL_DELAY_TAPS, LOW_DELAY_TAPS = 24, 12
HEAD_TAPS = 128
_ALIGNED_SAMPLES = 24
_ONSET_MARGIN_SAMPLES = 12
_RING_SAMPLES = 24
_MOST_BOOST = 4.0  # of power
_ROWS = 256  # vertices whose gains are made at a time
# The gains of all vertices lie in the cache beside the sources, under 1 MB of them at 24 buses.
_LOW_EDGE_DEG, _LOW_VERTICES = 3.5, 4500


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
        lsd_db: (M, 2) LSD that the rank leaves at measured directions, those of ``mesh.measured``;
            zeros at full rank.
        near: what changes when sources come near; None for a set that was measured near.
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
    near: NearFieldTable | None = None

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
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched",
    full_edge_deg: float = MAX_EDGE_DEG,
) -> PreparedSet:  # fmt: skip
    """The tables of a set at a sample rate.

    Args:
        hrtf: the measured set; resampled when its rate differs.
        sample_rate: Hz.
        rank: "full": responses aligned as measured, exact; a whole number of buses an ear;
            "auto": the least number whose mean LSD at measured directions is at most 1 dB and
            that adds at most 0.35 dB between them.
        level: "matched": every set to a mean diffuse-field power of 1; "measured": as in the file.
        full_edge_deg: of the mesh at full rank; longer edges prepare a set sooner.

    Raises:
        AuricleError: an unknown rank or level.
    """
    if level not in ("matched", "measured"):
        raise AuricleError(f'level is "matched" or "measured", not {level!r}')
    if rank not in ("auto", "full") and not (isinstance(rank, int) and 1 <= rank <= 256):
        raise AuricleError(f'rank is "auto", "full" or a number from 1 to 256, not {rank!r}')
    from threadpoolctl import threadpool_limits

    # Thousands of small products: on a busy machine threads of BLAS that wait for each other took
    # five times as long as one.
    with threadpool_limits(1, user_api="blas"):
        return _prepared(hrtf.resampled(sample_rate), sample_rate, rank, level, full_edge_deg)


def _prepared(
    hrtf: HrtfSet, sample_rate: int, rank: str | int, level: str, full_edge_deg: float
) -> PreparedSet:
    """``prepare`` of a set at the rate of the output."""
    near = _near(hrtf)
    mesh = triangulate(hrtf.positions)
    ir = np.asarray(hrtf.ir, dtype=np.float64)
    if level == "matched":
        ir = ir / diffuse_field_rms(ir, mesh, sample_rate)
    arrivals = alignment.arrival_samples(ir, sample_rate, hrtf.positions)
    give_back()
    if rank == "full":
        full = _refined(mesh, ir, arrivals, full_edge_deg, MAX_VERTICES)
        give_back()
        prepared = _full_rank(*full, sample_rate)
    else:
        refined = _refined(mesh, ir, arrivals, _LOW_EDGE_DEG, _LOW_VERTICES)
        give_back()
        tables = low_rank(*refined, sample_rate, None if rank == "auto" else int(rank))
        prepared = _with_low_rank(tables, sample_rate)
    give_back()
    return replace(prepared, near=near)


def _near(hrtf: HrtfSet) -> NearFieldTable | None:
    radius_m = head_radius_m(hrtf)
    if hrtf.radius_m < LEAST_RADII * radius_m:
        return None
    return near_field_table(hrtf.radius_m, radius_m, hrtf.sample_rate)


def _refined(
    mesh: SphereMesh, ir: NDArray[np.float64], arrivals: NDArray[np.float64], max_edge_deg: float,
    max_vertices: int,
) -> tuple[SphereMesh, NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """A finer mesh, with responses (V, 2, N) and arrival times (V, 2) of all its vertices."""
    n_taps = ir.shape[2]
    aligned = alignment.shifted(ir, _ALIGNED_SAMPLES - arrivals, n_taps)
    finer, responses, times = refine(
        mesh, aligned, arrivals, max_edge_deg=max_edge_deg, max_vertices=max_vertices
    )
    alignment.shifted(responses, times - _ALIGNED_SAMPLES, n_taps, responses)
    responses[: len(mesh.measured)] = ir[mesh.measured]
    return finer, responses, times


def diffuse_field_rms(ir: NDArray[np.float64], mesh: SphereMesh, sample_rate: int) -> float:
    """Root of the mean power of responses (M, 2, N) over the sphere, ears and 200 Hz to 16 kHz."""
    size = 2 * ir.shape[2]
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    inside = (hz >= 200.0) & (hz <= 16000.0)
    power = np.mean(np.abs(np.fft.rfft(ir, size)[..., inside]) ** 2, axis=(1, 2))
    rms = float(np.sqrt(np.average(mesh.fill(power), weights=vertex_areas(mesh))))
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
    gains = np.empty((len(ir), 2 * n_taps + 2 * HEAD_TAPS), dtype=np.float32)
    for at in range(0, len(ir), _ROWS):
        rows = slice(at, at + _ROWS)
        aligned = _undelayed(ir[rows], delays[rows], n_taps)
        gains[rows, : 2 * n_taps] = aligned.reshape(len(aligned), -1)
        rest = _rest(ir[rows], aligned, delays[rows])
        gains[rows, 2 * n_taps :] = rest.reshape(len(rest), -1)
    report = f"full rank: {n_taps} taps, aligned as measured"
    return PreparedSet(
        mesh, gains, delays, None, HEAD_TAPS, FULL_DELAY_TAPS, 0, sample_rate, report,
        np.zeros((len(mesh.measured), 2)),
    )  # fmt: skip


def _undelayed(
    ir: NDArray[np.float64], delays: NDArray[np.float64], n_taps: int
) -> NDArray[np.float64]:
    """Responses (M, 2, n_taps) that the delay filters of ``delays`` (M, 2) turn into ``ir``.

    Their fall near Nyquist is made good, by no more than ``_MOST_BOOST``: directions between
    measured ones have nothing else that could.
    """
    taps, first = delay_taps_at(delays, FULL_DELAY_TAPS)
    size = fft.next_fast_len(ir.shape[-1] + n_taps + 128, real=True)
    turn = np.exp(2j * np.pi * np.arange(size // 2 + 1) * first[..., None] / size)
    response = fft.rfft(taps, size)
    power = np.abs(response) ** 2
    inverse = np.conj(response) * np.minimum(1.0 / np.maximum(power, 1e-9), _MOST_BOOST)
    return fft.irfft(fft.rfft(ir, size) * inverse * turn, size)[..., :n_taps]


def _rest(
    ir: NDArray[np.float64], aligned: NDArray[np.float64], delays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What delay and aligned response leave of the first taps (M, 2, HEAD_TAPS) of a response.

    Measured responses are not silent before the sound arrives (-25 to -45 dB of their energy), and
    a causal delay cannot bring that back: it is added without any delay, which makes measured
    directions exact at no latency.
    """
    taps, first = delay_taps_at(delays, FULL_DELAY_TAPS)
    rest = np.zeros((*ir.shape[:2], HEAD_TAPS))
    known = min(HEAD_TAPS, ir.shape[2])
    rest[..., :known] = ir[..., :known]
    n = np.arange(HEAD_TAPS)
    for j in range(FULL_DELAY_TAPS):
        at = n - first[..., None] - j
        value = np.take_along_axis(aligned, np.clip(at, 0, aligned.shape[2] - 1), axis=2)
        rest -= taps[..., j : j + 1] * np.where(at >= 0, value, 0.0)
    return rest


def _with_low_rank(tables: LowRank, sample_rate: int) -> PreparedSet:
    latency = max(0, int(np.ceil(centre_samples(LOW_DELAY_TAPS) - tables.delays.min())))
    pad = -tables.filters.shape[1] % 4
    filters = np.pad(tables.filters, ((0, 0), (0, pad), (0, 0)))
    gains = np.pad(tables.gains, ((0, 0), (0, 0), (0, pad))).reshape(len(tables.gains), -1)
    lsd = tables.lsd_db
    report = (
        f"rank {tables.filters.shape[1]}: LSD {lsd.mean():.2f} dB at measured directions "
        f"(95th percentile {np.percentile(lsd, 95):.2f}), {tables.added_db:+.2f} dB between them"
    )
    return PreparedSet(
        tables.mesh, gains, tables.delays + latency, filters, 0, LOW_DELAY_TAPS, latency,
        sample_rate, report, lsd,
    )  # fmt: skip
