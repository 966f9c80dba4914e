"""The state of one prepared set in the renderer: histories, gains, delays, buses, filters."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp import spatialize as kernels
from auricle.dsp.convolver import FilterSpectra, PartitionedConvolver
from auricle.dsp.delay import centre_samples, delay_table
from auricle.dsp.prepared import PreparedSet

STEP = kernels.STEP


class Engine:
    """Arrays for S sources and one prepared set; no method called while rendering allocates."""

    def __init__(self, prepared: PreparedSet, n_sources: int) -> None:
        self.prepared = prepared
        mesh, n_gains = prepared.mesh, prepared.gains.shape[1]
        self._inverse = np.ascontiguousarray(mesh.inverse)
        self._gains_table = np.ascontiguousarray(prepared.gains)
        self._delays_table = np.ascontiguousarray(prepared.delays)
        self._table = delay_table(prepared.delay_taps)
        self._centre = centre_samples(prepared.delay_taps)
        # The oldest sample a delay reads, and two more for the span of the table.
        self.reach = int(np.ceil(prepared.delays.max())) + prepared.delay_taps + 2
        self.history = np.zeros((n_sources, self.reach), dtype=np.float32)
        self._work = np.zeros((kernels.TILE, self.reach + STEP), dtype=np.float32)
        self._gains = np.zeros((2, n_sources, n_gains), dtype=np.float32)  # step's begin and end
        self._delays = np.full((2, n_sources, 2), float(self._centre))
        self._triangle = np.zeros(n_sources, dtype=np.int64)
        self._state = np.zeros(n_sources, dtype=np.int8)
        self.quiet = np.full(n_sources, self.reach + STEP, dtype=np.int64)
        self.nonfinite = np.zeros(n_sources, dtype=np.int64)
        self._ramp = ((np.arange(STEP) + 1.0) / STEP).astype(np.float32)
        rank = prepared.rank
        self._taps = np.zeros((2, prepared.delay_taps), dtype=np.float32)
        self._rows = np.zeros((2, kernels.TILE, STEP), dtype=np.float32)
        self._row_gains = np.zeros((2, kernels.TILE, rank), dtype=np.float32)
        self._bus = np.zeros((2, rank, STEP), dtype=np.float32)
        self._inputs = self._bus.reshape(2 * rank, STEP)
        self._pending = np.zeros((2, rank + STEP), dtype=np.float32)
        self._convolver: PartitionedConvolver | None = None
        if prepared.filters is not None:
            both = np.zeros((2, rank, 2, prepared.filters.shape[2]), dtype=np.float32)
            both[0, :, 0], both[1, :, 1] = prepared.filters
            self._convolver = PartitionedConvolver(FilterSpectra(both.reshape(2 * rank, 2, -1)))

    def reset(self) -> None:
        """Silence everything that still sounds."""
        self.history[:] = 0.0
        self._gains[:] = 0.0
        self.quiet[:] = self.reach + STEP
        self._pending[:] = 0.0
        if self._convolver is not None:
            self._convolver.reset()

    def inherit(self, other: "Engine") -> None:
        """Take over what the sources played before, so that nothing starts from silence."""
        shared = min(self.reach, other.reach)
        self.history[:, self.reach - shared :] = other.history[:, other.reach - shared :]
        self.quiet[:] = 0

    def aim(
        self, positions: NDArray, turn: NDArray, origin: NDArray, gains: NDArray,
        distance_gain: bool, jump: bool,
    ) -> None:  # fmt: skip
        """Set where each source is heard at the end of the step that begins."""
        mesh = self.prepared.mesh
        kernels.aim(
            positions, turn, origin, gains, distance_gain, jump, self._inverse, mesh.neighbours,
            mesh.triangles, self._gains_table, self._delays_table, self._triangle, self._gains[0],
            self._gains[1], self._delays[0], self._delays[1], self._state,
        )  # fmt: skip

    def render(
        self, audio: NDArray, first: int, count: int, phase: int, out: NDArray, at: int
    ) -> None:
        """Render ``audio[:, first : first + count]`` into ``out[:, at : at + count]``."""
        kernels.spatialize(
            audio, first, count, phase, self.history, self._work, self._ramp, self._state,
            self.quiet, self.nonfinite, self._gains[0], self._gains[1], self._delays[0],
            self._delays[1], self._table, self._centre, self._taps, self._rows[0], self._rows[1],
            self._row_gains[0], self._row_gains[1], self._bus,
        )  # fmt: skip
        if self._convolver is None:
            kernels.scatter(self._bus, phase, count, out, at, self._pending)
        else:
            self._convolver.process_part(self._inputs, phase, count, out, at)
