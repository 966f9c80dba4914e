"""The state of one prepared set in the renderer: histories, gains, delays, buses, filters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled.engine_record import (
    ACROSS,
    ADD_FEW_AT,
    AIM_AT,
    AIM_DISTANCE_AT,
    BUSES_REST,
    CENTRE,
    CONVOLVER_AT,
    CUES_AT,
    DELAY_TAPS,
    DELAYS,
    ENGINE,
    FEW,
    FILTERS_AT,
    LISTEN_AT,
    N_COUNTS,
    N_PARTS,
    N_SIZES,
    OUTPUT_AT,
    PRE_ONSET,
    RANK,
    REACH,
    RINGS,
    SPATIALIZE_AT,
    TAIL,
    WAKE_AT,
)
from auricle.dsp.compiled.simd import LANES
from auricle.dsp.convolution.uniform import CONVOLVE, FilterSpectra, PartitionedConvolver
from auricle.dsp.distance.cue_kernels import AIM_DISTANCE
from auricle.dsp.distance.cues import DistanceCues
from auricle.dsp.distance.near_field import LARGEST_DELAY_SECONDS
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import centre_samples, delay_table
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render import control_step, few_sources
from auricle.dsp.render import full_rank_output as output
from auricle.dsp.render import spatialize as kernels
from auricle.dsp.render.engine_kernels import reset_engine
from auricle.dsp.sphere.mesh import SphereMesh
from auricle.dsp.streaming.input_checks import LARGEST_RESPONSE

STEP = kernels.STEP


class Engine:
    """Arrays for S sources and one prepared set, at the ``address`` that ``engine_kernels`` take.

    Args:
        prepared: the listener's tables.
        n_sources: S.
        air: absorption by the air; None for none.
        near_field_m: (S,) where near-field cues begin, which its owner may write to; None: 1 m.
        in_air: (S,) whom the air absorbs, likewise; None: all.
    """

    def __init__(
        self, prepared: PreparedSet, n_sources: int, air: Air | None = None,
        near_field_m: NDArray | None = None, in_air: NDArray | None = None,
    ) -> None:  # fmt: skip
        _check_size(prepared)
        self.prepared = prepared
        # Limits and air are the renderer's own arrays, which it may write to at any time.
        self._cues = DistanceCues(
            n_sources, prepared.sample_rate, prepared.near, air,
            1.0 if near_field_m is None else near_field_m, in_air,
        )  # fmt: skip
        mesh, rank = prepared.mesh, prepared.rank
        self._triangles, self._corners = _triangle_rows(mesh, prepared.delays)
        self._gains_table = _padded(prepared.gains, LANES)
        self._table = _padded(delay_table(prepared.delay_taps), LANES)
        self._centre = centre_samples(prepared.delay_taps)
        # The oldest sample a delay reads, and two more for the span of the table.
        delay_line_samples = int(
            np.ceil(prepared.delays.max() + LARGEST_DELAY_SECONDS * prepared.sample_rate)
        )
        delay_line_samples += prepared.delay_taps + 2
        self.delay_line_samples = -(-delay_line_samples // LANES) * LANES
        self._delay_line = np.zeros((n_sources, self.delay_line_samples), dtype=np.float32)
        self._rows = np.zeros((kernels.TILE, self.delay_line_samples + STEP), dtype=np.float32)
        self._gains_begin = np.zeros((n_sources, self._gains_table.shape[1]), dtype=np.float32)
        self._gains_delta = np.zeros_like(self._gains_begin)
        self._delays = np.full((2, n_sources, 2), float(self._centre))  # at the step's ends
        self._triangle = np.zeros((n_sources, 2), dtype=np.int64)
        self._state = np.zeros(n_sources, dtype=np.int8)
        self.silent_samples = np.full(n_sources, self.delay_line_samples + STEP, dtype=np.int64)
        self.nonfinite = np.zeros(n_sources, dtype=np.int64)
        self._asked = np.zeros((n_sources, 5))
        self._pose = np.zeros(13)
        self._stale = np.zeros(n_sources, dtype=bool)
        self._fades_in = np.zeros(n_sources, dtype=bool)
        self._sounding = np.zeros(n_sources, dtype=np.int64)
        self._woken = np.zeros(n_sources, dtype=np.int64)
        self._active = np.zeros(n_sources, dtype=np.int64)
        self._counts = np.zeros(N_COUNTS, dtype=np.int64)
        self._ramp = ((np.arange(STEP) + 1.0) / STEP).astype(np.float32)
        blends = kernels.TILE * kernels.BLENDS
        self._taps = np.zeros((blends, 2, self._table.shape[1]), dtype=np.float32)
        self._schedule = np.zeros((blends, 4), dtype=np.int64)
        self._rest_taps = np.zeros((n_sources, 2, self._table.shape[1]), dtype=np.float32)
        self._rest_ready = np.zeros(n_sources, dtype=bool)
        self._delayed = np.zeros((2 * kernels.TILE, STEP), dtype=np.float32)
        self._at = np.zeros((3, kernels.TILE), dtype=np.int64)
        self._bus = np.zeros((2, rank, STEP), dtype=np.float32)
        n_taps = 0 if prepared.filters is None else prepared.filters.shape[2]
        n_taps = -(-n_taps // LANES) * LANES
        late = -(-max(n_taps, rank) // few_sources.SPAN) * few_sources.SPAN
        self._overlap = np.zeros((2, late + STEP), dtype=np.float32)
        self._filters = np.zeros((2, rank, n_taps), dtype=np.float32)
        self._long_ramp = ((np.arange(late + STEP) + 1.0) / STEP).astype(np.float32)
        self._few_taps = np.zeros(2 * n_taps, dtype=np.float32)
        self._few_row = np.zeros(STEP + 2 * few_sources.SPAN, dtype=np.float32)
        self._few, self._ring_steps = -1, 0
        self._convolver: PartitionedConvolver | None = None
        if prepared.filters is not None:
            both = np.zeros((2, rank, 2, prepared.filters.shape[2]), dtype=np.float32)
            both[0, :, 0], both[1, :, 1] = prepared.filters
            self._convolver = PartitionedConvolver(FilterSpectra(both.reshape(2 * rank, 2, -1)))
            self._filters[:, :, : prepared.filters.shape[2]] = prepared.filters
            self._few = few(rank, n_taps)
            self._ring_steps = -(-n_taps // STEP) + 2
        self._counts[BUSES_REST] = self._ring_steps + 1
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        convolver = self._convolver
        parts = np.zeros(N_PARTS, dtype=np.int64)
        parts[CUES_AT] = self._cues.address
        if convolver is None:
            parts[OUTPUT_AT] = output.ACCUMULATE.address
        else:
            parts[CONVOLVER_AT], parts[FILTERS_AT] = convolver.address, convolver.filters.address
            parts[OUTPUT_AT], parts[ADD_FEW_AT] = CONVOLVE.address, few_sources.ADD_FEW.address
        if self._cues.asks:
            parts[AIM_DISTANCE_AT] = AIM_DISTANCE.address
        parts[AIM_AT], parts[WAKE_AT] = control_step.AIM.address, control_step.WAKE.address
        parts[LISTEN_AT], parts[SPATIALIZE_AT] = kernels.LISTEN.address, kernels.SPATIALIZE.address
        self._packed = ENGINE.pack({
            "sizes": self._sizes(), "parts": parts, "triangles": self._triangles,
            "corners": self._corners, "gains_table": self._gains_table,
            "delay_filters": self._table, "delay_line": self._delay_line,
            "silent_samples": self.silent_samples,
            "asked": self._asked, "pose": self._pose, "stale": self._stale,
            "fades_in": self._fades_in, "sounding": self._sounding, "woken": self._woken,
            "active": self._active, "counts": self._counts, "nonfinite": self.nonfinite,
            "triangle": self._triangle, "state": self._state, "gains_begin": self._gains_begin,
            "gains_delta": self._gains_delta, "delays": self._delays, "ramp": self._ramp,
            "rows": self._rows, "taps": self._taps, "schedule": self._schedule,
            "delayed": self._delayed, "at": self._at, "bus": self._bus, "overlap": self._overlap,
            "filters": self._filters, "long_ramp": self._long_ramp, "few_taps": self._few_taps,
            "few_row": self._few_row, "rest_taps": self._rest_taps, "rest_ready": self._rest_ready,
        })  # fmt: skip

    def _sizes(self) -> NDArray[np.int64]:
        sizes, prepared = np.zeros(N_SIZES, dtype=np.int64), self.prepared
        sizes[RANK], sizes[PRE_ONSET] = prepared.rank, prepared.head_taps
        sizes[DELAY_TAPS], sizes[CENTRE] = prepared.delay_taps, self._centre
        sizes[REACH], sizes[TAIL] = self.delay_line_samples, prepared.tail_samples
        sizes[FEW], sizes[RINGS] = self._few, self._ring_steps
        return sizes

    @property
    def address(self) -> int:
        """Of its ``ENGINE``, for as long as it lives."""
        return self._packed.address

    def reset(self) -> None:
        """Silence everything that still sounds."""
        reset_engine(self.address)

    def set_distance_effects(self, near_field_m: NDArray, in_air: NDArray) -> None:
        """Limits (S,) of the near field in metres, and who (S,) the air absorbs."""
        self._cues.limits_m[:], self._cues.in_air[:] = near_field_m, in_air


def few(rank: int, n_taps: int) -> int:
    """Up to how many sources these take less time one by one than the convolver of all buses.

    Measured at 8 to 40 buses an ear of 256 and 512 taps (benchmarks/rendering/few_sources.py).
    """
    return min(max(int(3 * rank / (8 + n_taps / 32)), 1), kernels.TILE)


def _triangle_rows(
    mesh: SphereMesh, delays: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Rows of ``triangles`` and ``corners``: all that is asked of a triangle, side by side."""
    rows = np.zeros((len(mesh.triangles), 16), dtype=np.float32)
    rows[:, :DELAYS] = mesh.inverse.reshape(-1, 9)
    rows[:, DELAYS : DELAYS + 6] = delays[mesh.triangles].reshape(-1, 6)
    corners = np.zeros((len(mesh.triangles), 8), dtype=np.int32)
    corners[:, :ACROSS], corners[:, ACROSS : ACROSS + 3] = mesh.triangles, mesh.neighbours
    return rows, corners


def _check_size(prepared: PreparedSet) -> None:
    """Refuse responses so large that sound through them would pass the largest float32."""
    tables = (prepared.gains,) if prepared.filters is None else (prepared.gains, prepared.filters)
    largest = max(max(float(table.max()), -float(table.min())) for table in tables)
    if not largest <= LARGEST_RESPONSE:
        raise AuricleError(
            f"the responses of the set reach {largest:.3g}, and HRTFs about 1; scale them, or "
            'leave level="matched"'
        )


def _padded(table: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """The table with columns of zeros up to a multiple."""
    return np.ascontiguousarray(np.pad(table, ((0, 0), (0, -table.shape[1] % multiple))))
