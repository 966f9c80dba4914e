"""An HRTF set made ready to render: a mesh, a table of gains and delays, and the bus filters."""

from dataclasses import replace

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.distance.near_field import LEAST_RADII, NearFieldTable, near_field_table
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import centre_samples
from auricle.dsp.hrtf.bass import extended_bass, judged_bass
from auricle.dsp.hrtf.diffuse_field import diffuse_field_rms
from auricle.dsp.hrtf.head_radius import head_radius_m
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.mesh_refinement import MAX_EDGE_DEG, MAX_VERTICES, refine
from auricle.dsp.metrics.octaves import octave_levels_db
from auricle.dsp.metrics.spectral import MIDDLE
from auricle.dsp.preparation.filter_rate import FIT_RATE, at_rate
from auricle.dsp.preparation.full_rank import full_rank
from auricle.dsp.preparation.low_rank import LowRank, LowRankFit
from auricle.dsp.preparation.played import left_out_errors, measured_errors, played_responses
from auricle.dsp.preparation.played_errors import NO_ERRORS
from auricle.dsp.preparation.prepared_set import PreparedSet
from auricle.dsp.preparation.rank_choice import least_rank
from auricle.dsp.responses import arrival
from auricle.dsp.sphere.mesh import SphereMesh, triangulate
from auricle.dsp.storage.heap import give_back

__all__ = ["VERSION", "PreparedSet", "prepare"]

VERSION = 11  # of everything that decides the tables: a cached set of another version is made anew
DELAY_TAPS = 12  # at low rank
LONGEST_SECONDS = 0.1  # of responses; rooms are longer
_PLAYED_SECONDS, _ROOM_SHARE = 0.005, 0.03  # by a low rank's filters; LISTEN's noise is 1.2 %
_SILENCE = 3e-5  # of the largest sample
_ALIGNED_SAMPLES = 24
# The gains of all vertices lie in the cache beside the sources, under 1 MB of them at 24 buses.
_LOW_EDGE_DEG, _LOW_VERTICES = 3.5, 4500


def prepare(
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched",
    full_edge_deg: float = MAX_EDGE_DEG,
) -> PreparedSet:  # fmt: skip
    """The tables of a set at a sample rate.

    Args:
        hrtf: the measured set; resampled when its rate differs.
        sample_rate: Hz.
        rank: "full": responses aligned as measured, exact; a whole number of buses an ear (fewer
            where the set fills no more); "auto": the least number that keeps the bounds of
            ``auricle.dsp.preparation.played_errors`` and adds at most 0.35 dB of LSD between
            directions. Low ranks are fitted at 48 kHz whatever the rate, so that they sound alike
            at each.
        level: "matched": every set to a mean diffuse-field power of 1; "measured": as in the file,
            with its bass, unless ``hrtf.bass`` is "extend".
        full_edge_deg: of the mesh at full rank; longer edges prepare a set sooner.

    Raises:
        AuricleError: an unknown rank or level; responses as long as a room's.
    """
    if level not in ("matched", "measured"):
        raise AuricleError(f'level is "matched" or "measured", not {level!r}')
    if rank not in ("auto", "full") and not (isinstance(rank, int) and 1 <= rank <= 256):
        raise AuricleError(f'rank is "auto", "full" or a number from 1 to 256, not {rank!r}')
    hrtf = checked_length(hrtf)
    from threadpoolctl import threadpool_limits

    # Thousands of small products: on a busy machine threads of BLAS that wait for each other took
    # five times as long as one.
    with threadpool_limits(1, user_api="blas"):
        heard, said = _with_bass(hrtf, level)
        near = _near(heard)
        if rank == "full":
            prepared, gain = _full(heard, sample_rate, level, full_edge_deg)
        else:
            wanted = None if rank == "auto" else int(rank)
            prepared, gain = _low(heard, sample_rate, level, wanted)
            said += f"; {lost}" if (lost := room_left_out(heard)) else ""
        truth = gain * heard.resampled(sample_rate).ir[prepared.mesh.measured]
        errors = measured_errors(prepared, truth, _top_hz(hrtf))
        give_back()
    report = f"{prepared.report}{said}; {errors.sentence()}"
    return replace(prepared, near=near, errors=errors, report=report)


def checked_length(hrtf: HrtfSet) -> HrtfSet:
    """The set without the silence, -90 dB and less, that follows its responses.

    Raises:
        AuricleError: what is left is as long as a room's.
    """
    loud = np.max(np.abs(hrtf.ir), axis=(0, 1))
    n_taps = int(np.flatnonzero(loud > _SILENCE * loud.max())[-1]) + 1
    seconds = n_taps / hrtf.sample_rate
    if seconds > LONGEST_SECONDS:
        raise AuricleError(
            f"the responses of {hrtf.name or 'this set'} last {seconds:.2f} s: they hold a room, "
            f"which is not played yet (at most {LONGEST_SECONDS:g} s); cut them in Python with "
            "dataclasses.replace(hrtf, ir=hrtf.ir[..., :n]), or name a set without a room"
        )
    return hrtf if n_taps == hrtf.n_taps else replace(hrtf, ir=hrtf.ir[..., :n_taps])


def _with_bass(hrtf: HrtfSet, level: str) -> tuple[HrtfSet, str]:
    """The set with the bass that is to be played, and a clause on it."""
    as_it_is = level == "measured" or judged_bass(hrtf).plausible
    if hrtf.bass == "measured" or (hrtf.bass == "auto" and as_it_is):
        return hrtf, ""
    return extended_bass(hrtf), "; below 200 Hz the bass of a rigid sphere"


def room_left_out(hrtf: HrtfSet) -> str:
    """A clause on the room behind responses, which filters of a low rank cannot play; or none."""
    energy = np.sum(hrtf.ir**2, axis=(0, 1))
    first = int(np.argmax(energy)) + round(_PLAYED_SECONDS * hrtf.sample_rate)
    share = float(energy[first:].sum() / energy.sum())
    if share < _ROOM_SHARE:
        return ""
    return (
        f"{100.0 * share:.0f} % of the energy, a room's, lies more than "
        f"{1e3 * _PLAYED_SECONDS:g} ms behind the sound and is left out (rank=full plays it)"
    )


def _near(hrtf: HrtfSet) -> NearFieldTable | None:
    radius_m = head_radius_m(hrtf)
    if hrtf.radius_m < LEAST_RADII * radius_m:
        return None
    return near_field_table(hrtf.radius_m, radius_m, hrtf.sample_rate)


def _top_hz(hrtf: HrtfSet) -> float:
    """Up to where the responses hold sound, whatever they are resampled to."""
    return min(MIDDLE.high_hz, 0.45 * hrtf.sample_rate)


def _refined(
    mesh: SphereMesh, ir: Array, arrivals: Array, max_edge_deg: float, max_vertices: int,
    top: float = 1.0,
) -> tuple[SphereMesh, Array, Array]:  # fmt: skip
    """A finer mesh, with responses (V, 2, N) and arrival times (V, 2) of all its vertices."""
    n_taps = ir.shape[2]
    aligned = arrival.shifted(ir, _ALIGNED_SAMPLES - arrivals, n_taps)
    finer, responses, times = refine(
        mesh, aligned, arrivals, max_edge_deg=max_edge_deg, max_vertices=max_vertices, top=top
    )
    del aligned
    arrival.shifted(responses, times - _ALIGNED_SAMPLES, n_taps, responses)
    responses[: len(mesh.measured)] = ir[mesh.measured]
    return finer, responses, times


def _levelled(hrtf: HrtfSet, level: str, top_hz: float) -> tuple[SphereMesh, Array, Array, float]:
    """The mesh of the measured directions, their responses (M, 2, N) at the level wanted, arrival
    times (M, 2) in samples, and the gain that was given.
    """
    mesh = triangulate(hrtf.positions)
    gain = 1.0
    if level == "matched":
        gain /= diffuse_field_rms(hrtf.ir, mesh, hrtf.sample_rate, top_hz)
    ir = gain * hrtf.ir
    arrivals = arrival.arrival_samples(ir, hrtf.sample_rate, hrtf.positions)
    give_back()
    return mesh, ir, arrivals, gain


def _full(
    hrtf: HrtfSet, sample_rate: int, level: str, max_edge_deg: float
) -> tuple[PreparedSet, float]:
    """Tables at full rank, and the gain at which they play the set."""
    mesh, ir, arrivals, gain = _levelled(hrtf.resampled(sample_rate), level, _top_hz(hrtf))
    full = _refined(mesh, ir, arrivals, max_edge_deg, MAX_VERTICES)
    give_back()
    return full_rank(*full, sample_rate), gain


def _low(
    hrtf: HrtfSet, sample_rate: int, level: str, rank: int | None
) -> tuple[PreparedSet, float]:
    """Tables of low rank, and the gain at which they play the set."""
    fit_rate = FIT_RATE if sample_rate >= 44100 else sample_rate
    top_hz = min(_top_hz(hrtf), 0.45 * fit_rate)
    mesh, ir, arrivals, gain = _levelled(hrtf.resampled(fit_rate), level, top_hz)
    finer, responses, times = _refined(
        mesh, ir, arrivals, _LOW_EDGE_DEG, _LOW_VERTICES, 2.0 * top_hz / fit_rate
    )
    give_back()
    fit = LowRankFit(finer, responses, times, fit_rate, top_hz)
    wanted_db = octave_levels_db(ir[mesh.measured].astype(np.float32), fit_rate)

    def level_errors_db(tables: LowRank) -> Array:
        prepared = _at_rate(finer, tables, fit_rate, fit_rate)
        played = played_responses(prepared, finer.vertices[: len(mesh.measured)])
        return octave_levels_db(played.astype(np.float32), fit_rate) - wanted_db

    if rank is None:
        tables = least_rank(fit, level_errors_db)
    else:
        tables = fit.tables(fit.of_rank(rank))
    give_back()
    prepared = _at_rate(finer, tables, fit_rate, sample_rate)
    errors = left_out_errors(fit.left_out_truth(), fit.left_out(tables), fit_rate, top_hz)
    return replace(prepared, errors=errors), gain


def _at_rate(mesh: SphereMesh, tables: LowRank, fit_rate: int, sample_rate: int) -> PreparedSet:
    """Tables for an output at ``sample_rate`` of what was fitted at another rate."""
    filters = at_rate(tables.filters, fit_rate, sample_rate)
    delays = tables.delays * (sample_rate / fit_rate)
    latency = max(0, int(np.ceil(centre_samples(DELAY_TAPS) - delays.min())))
    pad = -filters.shape[1] % 4
    buses = np.pad(filters, ((0, 0), (0, pad), (0, 0))).astype(np.float32)
    gains = np.pad(tables.gains, ((0, 0), (0, 0), (0, pad))).reshape(len(tables.gains), -1)
    return PreparedSet(
        mesh, gains, delays + latency, buses, 0, DELAY_TAPS, latency, sample_rate,
        f"rank {buses.shape[1]}", NO_ERRORS,
    )  # fmt: skip
