"""The low-cost path: a source through a delay and a cascade of second-order filters for each ear.

A few sources cost less so than through the buses of ``BinauralRenderer``, whose filters run whether
one source sounds or a thousand; from some tens of sources on the buses win. The filters of a set
come from a model that predicts them (NIIRF) or from any design; minimum phase behind a delay.

Coefficients are blended over the triangle that holds the direction and run linearly within a step
of ``STEP`` samples. That is stable by construction: the stable (a1, a2) of a second-order filter
fill a triangle, so what lies between stable filters is stable.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Float32
from auricle.dsp.compiled.options import STEP
from auricle.dsp.compiled.simd import LANES
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import delay_table
from auricle.dsp.iir.cascade_kernels import (
    CASCADE,
    SEGMENT,
    TAPS,
    TILE,
    aim_cascades,
    render_cascades,
)
from auricle.dsp.iir.cascade_set import CascadeSet
from auricle.dsp.sphere import walk
from auricle.dsp.streaming.input_checks import checked_block, checked_gains
from auricle.dsp.streaming.stepped_stream import SteppedStream


class CascadeRenderer(SteppedStream):
    """Renders S moving sources through the filters of a set; any block size, no latency.

    Args:
        filters: of the listener, at the audio's sample rate.
        n_sources: S.
    """

    def __init__(self, filters: CascadeSet, n_sources: int) -> None:
        if n_sources < 1:
            raise AuricleError(f"there must be at least one source, got {n_sources}")
        super().__init__()
        self._filters = filters
        self._table = delay_table(TAPS)
        n_tiles = -(-n_sources // TILE)
        n_sections = filters.coefficients.shape[2]
        self._reach = -(-(int(np.ceil(filters.delays.max())) + 2 * TAPS) // LANES) * LANES
        self._directions = np.zeros((n_sources, 3))
        self._directions[:, 0] = 1.0
        self._triangle = np.full(n_sources, -1, dtype=np.int32)
        self._weights = np.zeros((n_sources, 3), dtype=np.float32)
        self._gains = np.ones(n_sources)
        self._past = np.zeros((n_sources, self._reach), dtype=np.float32)
        self._row = np.zeros(self._reach + STEP + LANES, dtype=np.float32)
        self._start = np.zeros((n_tiles, n_sections, 5, LANES), dtype=np.float32)
        self._change = np.zeros_like(self._start)
        self._moves = np.zeros(n_tiles, dtype=np.int8)
        self._delays = np.zeros((2, n_sources, 2))
        self._memory = np.zeros((n_tiles, n_sections + 1, 2, LANES), dtype=np.float32)
        self._taps = np.zeros((2, TAPS), dtype=np.float32)
        self._heard = np.zeros((STEP, LANES), dtype=np.float32)
        self._line = np.zeros(STEP + LANES, dtype=np.float32)
        self._ramp = np.arange(1, STEP + LANES + 1, dtype=np.float32) / STEP
        self._blend_ramp = np.arange(1, SEGMENT + 1, dtype=np.float32) / SEGMENT
        self._pack()
        self.reset()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        super().__setstate__(state)
        self._pack()

    def _pack(self) -> None:
        filters = self._filters
        self._packed = CASCADE.pack({
            "triangles": filters.mesh.triangles, "coefficients": filters.coefficients,
            "set_delays": filters.delays, "triangle": self._triangle, "weights": self._weights,
            "gains": self._gains, "start": self._start, "change": self._change,
            "moves": self._moves, "delays": self._delays, "past": self._past,
            "memory": self._memory, "table": self._table, "ramp": self._ramp,
            "blend_ramp": self._blend_ramp, "row": self._row, "taps": self._taps,
            "heard": self._heard, "line": self._line,
        })  # fmt: skip

    def set_positions(self, xyz: ArrayLike) -> None:
        """Directions (S, 3) in the head's axes, of any length above zero, from the next step on."""
        wanted = np.asarray(xyz, dtype=np.float64)
        if wanted.shape != self._directions.shape or not np.all(np.isfinite(wanted)):
            raise AuricleError(
                f"positions must be finite and {self._directions.shape}, got {wanted.shape}"
            )
        self._directions[:] = wanted

    def set_gains(self, gains: ArrayLike) -> None:
        """Linear gains (S,) up to 1e6, from the next step on; AuricleError for others."""
        self._gains[:] = checked_gains(gains, len(self._directions))

    def reset(self) -> None:
        """Forget the past; the next sample begins a step, at the directions then set."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._past[:] = 0.0
        self._memory[:] = 0.0
        self._phase = 0
        self._fresh = True

    @property
    def n_sources(self) -> int:
        """The number of sources, S."""
        return len(self._directions)

    def process(self, block: ArrayLike) -> Float32:
        """The mix (2, T) of audio (S, T) float32."""
        audio = checked_block(block, len(self._directions))
        out = np.zeros((2, audio.shape[1]), dtype=np.float32)
        self.process_into(audio, out)
        return out

    def process_into(self, audio: Float32, out: Float32) -> None:
        """Write the mix of audio (S, T) to ``out`` (2, T); allocates nothing."""
        self._alone(self._render, audio, out)

    def _render(self, audio: Float32, out: Float32) -> None:
        out[:] = 0.0
        self._in_steps(
            audio.shape[1],
            lambda first: self._aim(),
            lambda first, count, phase: render_cascades(
                self._packed.address, audio, first, count, phase, out
            ),
        )

    def _aim(self) -> None:
        mesh = self._filters.mesh
        walk.locate_triangles(
            self._directions, self._triangle, self._weights, mesh.inverse, mesh.neighbours,
            mesh.start_table,
        )  # fmt: skip
        aim_cascades(self._packed.address, self._fresh)
        self._fresh = False
