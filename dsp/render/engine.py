"""The state of one prepared set in the renderer: histories, gains, delays, buses, filters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled.simd import LANES
from auricle.dsp.convolution.uniform import FilterSpectra, PartitionedConvolver, arrays_of
from auricle.dsp.distance.cues import DistanceCues
from auricle.dsp.distance.near_field import LARGEST_DELAY_SECONDS
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import centre_samples, delay_table
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render import control_step, full_rank_output
from auricle.dsp.render import spatialize as kernels
from auricle.dsp.streaming.input_checks import LARGEST_RESPONSE

STEP = kernels.STEP


class Engine:
    """Arrays for S sources and one prepared set; no method called while rendering allocates."""

    def __init__(
        self, prepared: PreparedSet, n_sources: int, air: Air | None = None,
        near_field_m: NDArray | None = None, in_air: NDArray | None = None,
    ) -> None:  # fmt: skip
        _check_size(prepared)
        self.prepared = prepared
        near = prepared.near
        self._cues = DistanceCues(n_sources, prepared.sample_rate, near, air, 1.0)
        # The renderer's own arrays, which it may change at any time.
        if near_field_m is not None:
            self._cues.limits_m = near_field_m
        if in_air is not None:
            self._cues.in_air = in_air
        mesh, rank = prepared.mesh, prepared.rank
        self._inverse = np.ascontiguousarray(mesh.inverse)
        self._gains_table = _padded(prepared.gains, LANES)
        self._delays_table = np.ascontiguousarray(prepared.delays)
        self._table = _padded(delay_table(prepared.delay_taps), LANES)
        self._centre = centre_samples(prepared.delay_taps)
        # The oldest sample a delay reads, and two more for the span of the table.
        reach = int(np.ceil(prepared.delays.max() + LARGEST_DELAY_SECONDS * prepared.sample_rate))
        reach += prepared.delay_taps + 2
        self.reach = -(-reach // LANES) * LANES
        self._past = np.zeros((n_sources, self.reach), dtype=np.float32)
        self._rows = np.zeros((kernels.TILE, self.reach + STEP), dtype=np.float32)
        self._start = np.zeros((n_sources, self._gains_table.shape[1]), dtype=np.float32)
        self._change = np.zeros_like(self._start)
        self._delays = np.full((2, n_sources, 2), float(self._centre))  # at the step's ends
        self._triangle = np.zeros((n_sources, 2), dtype=np.int64)
        self._state = np.zeros(n_sources, dtype=np.int8)
        self.quiet = np.full(n_sources, self.reach + STEP, dtype=np.int64)
        self.nonfinite = np.zeros(n_sources, dtype=np.int64)
        self._ramp = ((np.arange(STEP) + 1.0) / STEP).astype(np.float32)
        blends = kernels.TILE * kernels.BLENDS
        self._taps = np.zeros((blends, 2, self._table.shape[1]), dtype=np.float32)
        self._plan = np.zeros((blends, 4), dtype=np.int64)
        self._heard = np.zeros((kernels.TILE, STEP), dtype=np.float32)
        self._at = np.zeros((3, kernels.TILE), dtype=np.int64)
        self._bus = np.zeros((2, rank, STEP), dtype=np.float32)
        self._pending = np.zeros((2, rank + STEP), dtype=np.float32)
        self._convolver: PartitionedConvolver | None = None
        if prepared.filters is not None:
            both = np.zeros((2, rank, 2, prepared.filters.shape[2]), dtype=np.float32)
            both[0, :, 0], both[1, :, 1] = prepared.filters
            self._convolver = PartitionedConvolver(FilterSpectra(both.reshape(2 * rank, 2, -1)))
        self._set_views()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have views of their own arrays."""
        self.__dict__.update(state)
        self._set_views()

    def _set_views(self) -> None:
        """Parts of arrays by themselves; each would cost as much in every call as a small block."""
        self._inputs = self._bus.reshape(-1, STEP)
        self._old_delays, self._new_delays = self._delays
        self._old_filters, self._new_filters = self._cues.coefficients
        self._heard_at, self._undelayed_at, self._gains_at = self._at

    def warm_up(self) -> None:
        """Have the kernels compiled, or read from the cache, before the first step is aimed."""
        n_sources = len(self._state)
        positions = np.full((n_sources, 3), 0.01)  # nearer than any limit
        silence, out = np.zeros((n_sources, 1), dtype=np.float32), np.zeros((2, 1), np.float32)
        self.aim(positions, np.eye(3), np.zeros(3), np.zeros(n_sources), False, True)
        self.render(silence, 0, 1, 0, out, 0)
        self.reset()
        self._triangle[:] = 0

    def reset(self) -> None:
        """Silence everything that still sounds."""
        self._past[:] = 0.0
        self._start[:] = 0.0
        self._change[:] = 0.0
        self.quiet[:] = self.reach + STEP
        self._pending[:] = 0.0
        self._cues.reset()
        if self._convolver is not None:
            self._convolver.reset()

    def set_distance_effects(self, near_field_m: NDArray, in_air: NDArray) -> None:
        """Limits (S,) of the near field in metres, and who (S,) the air absorbs."""
        self._cues.limits_m[:], self._cues.in_air[:] = near_field_m, in_air

    def inherit(self, other: "Engine") -> None:
        """Take over what the sources played before, so that nothing starts from silence."""
        shared = min(self.reach, other.reach)
        self._past[:, self.reach - shared :] = other._past[:, other.reach - shared :]
        self.quiet[:] = 0

    def aim(
        self, positions: NDArray, turn: NDArray, origin: NDArray, gains: NDArray,
        distance_gain: bool, jump: bool,
    ) -> None:  # fmt: skip
        """Set where each source is heard at the end of the step that begins."""
        mesh, cues = self.prepared.mesh, self._cues
        cues.aim(positions, turn, origin, jump)
        control_step.aim(
            positions, turn, origin, gains, distance_gain, jump, self._inverse, mesh.neighbours,
            mesh.triangles, self._gains_table, self._delays_table, cues.near, cues.early,
            cues.directions, cues.delays, float(self._centre), self.prepared.rank,
            self.prepared.head_taps, self._triangle, self._start, self._change, self._old_delays,
            self._new_delays, self._state,
        )  # fmt: skip

    def render(
        self, audio: NDArray, first: int, count: int, phase: int, out: NDArray, at: int
    ) -> None:
        """Render ``audio[:, first : first + count]`` into ``out[:, at : at + count]``."""
        prepared, cues = self.prepared, self._cues
        kernels.spatialize(
            audio, first, count, phase, self._past, self._rows, self._ramp, self._state, self.quiet,
            self.nonfinite, self._start, self._change, self._old_delays, self._new_delays,
            self._table, prepared.delay_taps, self._centre, prepared.head_taps, self._taps,
            self._plan, self._heard, self._heard_at, self._undelayed_at, self._gains_at, cues.state,
            self._old_filters, self._new_filters, cues.memory, self._bus,
        )  # fmt: skip
        if self._convolver is None:
            full_rank_output.scatter(self._bus, phase, count, out, at, self._pending)
        else:
            self._convolver.process_part(self._inputs, phase, count, out, at)

    def arrays(self) -> dict[str, NDArray]:
        """All that it holds, by name, for a compiled function that does the work of its methods.

        Nobody may call those methods meanwhile. At full rank what belongs to the filters is empty,
        at low rank what belongs to the taps.
        """
        prepared, mesh = self.prepared, self.prepared.mesh
        found: dict[str, NDArray] = {
            "inverse": self._inverse,
            "neighbours": np.ascontiguousarray(mesh.neighbours, dtype=np.int32),
            "triangles": np.ascontiguousarray(mesh.triangles, dtype=np.int32),
            "gains_table": self._gains_table, "delays_table": self._delays_table,
            "delay_filters": self._table, "past": self._past, "rows": self._rows,
            "ramp": self._ramp, "state": self._state, "quiet": self.quiet,
            "nonfinite": self.nonfinite, "start": self._start, "change": self._change,
            "delays": self._delays, "triangle": self._triangle, "taps": self._taps,
            "plan": self._plan, "heard": self._heard, "at": self._at, "bus": self._bus,
            "inputs": self._inputs, "pending": self._pending,
            "sizes": np.array(
                [prepared.rank, prepared.head_taps, prepared.delay_taps, self._centre,
                 self.reach, prepared.tail_samples], dtype=np.int64,
            ),
        }  # fmt: skip
        return found | self._cues.arrays() | arrays_of(self._convolver)


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
