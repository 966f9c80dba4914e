# mypy: disable-error-code="no-untyped-def"
"""The low-cost path: a source through a delay and a cascade of second-order filters for each ear.

A few sources cost less so than through the buses of ``BinauralRenderer``, whose filters run whether
one source sounds or a thousand; from some tens of sources on the buses win. The filters of a set
come from a model that predicts them (NIIRF) or from any design; minimum phase behind a delay.

Coefficients are blended over the triangle that holds the direction and run linearly within a step
of ``STEP`` samples. That is stable by construction: the stable (a1, a2) of a second-order filter
fill a triangle, so what lies between stable filters is stable.

Sources' ears stand side by side in the lanes of a vector, and the cascade runs sample by sample
through all of them at once: direct form I, whose sections share their memories.

Letters: S sources, E ears, V vertices, N sections, L lanes (source, then ear).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import Record, f32, f64, i8, i32
from auricle.dsp.compiled.simd import (
    LANES,
    add,
    add_product,
    broadcast,
    broadcast_at,
    get,
    load,
    pointer,
    put,
    store,
    subtract,
    subtract_product,
)
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import PHASES_PER_SAMPLE, centre_samples, delay_table
from auricle.dsp.sphere import walk
from auricle.dsp.sphere.mesh import SphereMesh, triangulate
from auricle.dsp.streaming.input_checks import checked_block, checked_gains
from auricle.dsp.streaming.stream import Stream

OPTIONS = "d9ff342f91a0"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # the text of simd.py that is compiled into the kernels below
RECORDS = "554250c163e1"  # likewise of records.py

SEGMENT = 32  # samples of a blend of two delays
TAPS = 16  # of a delay filter
LEAST_DELAY = centre_samples(TAPS)  # samples
TILE = LANES // 2  # sources rendered together


CASCADE = Record(
    "CascadeArrays",
    triangles=i32(2),  # (T, 3) vertices
    coefficients=f32(4),  # (V, 2, N, 5), of the ``CascadeSet``
    set_delays=f64(2),  # (V, 2) likewise
    triangle=i32(1),  # (S,) where each source is
    weights=f32(2),  # (S, 3) of the triangle's vertices
    gains=f64(1),  # (S,) linear; they go into the first section
    start=f32(4),  # (tiles, N, 5, L) coefficients at the step's begin
    change=f32(4),  # (tiles, N, 5, L) by how much they change within it
    moves=i8(1),  # (tiles,) 0 where all sources of a tile rest
    delays=f64(3),  # (2, S, 2) samples, at the step's begin and end
    past=f32(2),  # (S, R) the R last samples of each source
    memory=f32(4),  # (tiles, N + 1, 2, L) the last two samples before and behind each section
    table=f32(2),  # of ``delay_table(TAPS)``
    ramp=f32(1),  # (STEP + L,) (t + 1) / STEP
    blend_ramp=f32(1),  # (SEGMENT,) likewise
    row=f32(1),  # (R + STEP + L,) scratch: one source's past and new samples
    taps=f32(2),  # (2, TAPS) scratch
    heard=f32(2),  # (STEP, L) scratch: delayed samples, then the ears' signals
    line=f32(1),  # (STEP + L,) scratch
)
_cascades = CASCADE.read


@dataclass(frozen=True)
class CascadeSet:
    """Filters of a listener.

    Attributes:
        mesh: over the V directions.
        coefficients: (V, 2, N, 5) float32 b0 b1 b2 a1 a2; a0 is 1.
        delays: (V, 2) in samples, at least LEAST_DELAY.
        sample_rate: in Hz.
    """

    mesh: SphereMesh
    coefficients: Float32
    delays: Array
    sample_rate: int

    @classmethod
    def of(
        cls, positions: ArrayLike, coefficients: ArrayLike, delays: ArrayLike, sample_rate: int
    ) -> "CascadeSet":
        """A set from filters and delays at directions.

        Args:
            positions: (M, 3) unit vectors.
            coefficients: (M, 2, N, 5) second-order sections.
            delays: (M, 2) samples.
            sample_rate: Hz.

        Raises:
            AuricleError: shapes that do not fit, or filters that are not stable.
        """
        filters = np.asarray(coefficients, dtype=np.float64)
        late = np.asarray(delays, dtype=np.float64)
        if filters.ndim != 4 or filters.shape[1::2] != (2, 5) or filters.shape[:2] != late.shape:
            raise AuricleError(
                "filters must be (M, 2, N, 5) and delays (M, 2), got "
                f"{filters.shape} and {late.shape}"
            )
        a1, a2 = filters[..., 3], filters[..., 4]
        bad = ~((np.abs(a2) < 1.0) & (np.abs(a1) < 1.0 + a2) & np.all(np.isfinite(filters), -1))
        if np.any(bad):
            m, ear, n = np.argwhere(bad)[0]
            raise AuricleError(f"filter {n} of ear {ear} at direction {m} is not stable")
        if not np.all((late >= LEAST_DELAY) & np.isfinite(late)):
            raise AuricleError(
                f"delays must be {LEAST_DELAY} samples or more, got {np.min(late)}; add to all"
            )
        mesh = triangulate(positions)
        return cls(
            mesh,
            np.ascontiguousarray(mesh.fill(filters), dtype=np.float32),
            np.ascontiguousarray(mesh.fill(late)),
            sample_rate,
        )


class CascadeRenderer(Stream):
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
        mesh, done = self._filters.mesh, 0
        out[:] = 0.0
        while done < audio.shape[1]:
            if self._phase == 0:
                walk.locate_triangles(
                    self._directions, self._triangle, self._weights, mesh.inverse,
                    mesh.neighbours, mesh.start_table,
                )  # fmt: skip
                aim_cascades(self._packed.address, self._fresh)
                self._fresh = False
            count = min(STEP - self._phase, audio.shape[1] - done)
            render_cascades(self._packed.address, audio, done, count, self._phase, out)
            done += count
            self._phase = (self._phase + count) % STEP


@kernel
def aim_cascades(at, fresh):
    """Set the coefficients and delays that each source reaches at the end of the step that begins.

    Args:
        at: address of the ``CASCADE``; written are ``start``, ``change``, ``moves``, ``delays``.
        fresh: whether the new values hold from the step's first sample on.
    """
    _aim_cascades(_cascades(at), fresh)


@kernel
def _aim_cascades(c, fresh):
    """The same on the record."""
    triangle, weights, gains, triangles = c.triangle, c.weights, c.gains, c.triangles
    coefficients, delays, start, change = c.coefficients, c.set_delays, c.start, c.change
    moves, old, new = c.moves, c.delays[0], c.delays[1]
    n_sections = coefficients.shape[2]
    moves[:] = 0
    for s in range(len(triangle)):
        corners = triangles[triangle[s]]
        u, v, w = weights[s, 0], weights[s, 1], weights[s, 2]
        tile = s // TILE
        for e in range(2):
            lane = 2 * (s % TILE) + e
            for n in range(n_sections):
                for k in range(5):
                    x = (
                        u * coefficients[corners[0], e, n, k]
                        + v * coefficients[corners[1], e, n, k]
                        + w * coefficients[corners[2], e, n, k]
                    )
                    if n == 0 and k < 3:
                        x *= np.float32(gains[s])
                    before = start[tile, n, k, lane] + change[tile, n, k, lane]
                    start[tile, n, k, lane] = x if fresh else before
                    moved = np.float32(0.0) if fresh else x - before
                    # Where a source rests, sums of roundings must not creep.
                    if abs(moved) < np.float32(3e-7):
                        start[tile, n, k, lane] = x
                        moved = np.float32(0.0)
                    else:
                        moves[tile] = 1
                    change[tile, n, k, lane] = moved
            after = (
                u * delays[corners[0], e] + v * delays[corners[1], e] + w * delays[corners[2], e]
            )
            old[s, e] = after if fresh else new[s, e]
            new[s, e] = after


@kernel
def render_cascades(at, audio, first, count, phase, out):
    """Add all sources to ``out`` (2, T), samples ``first`` to ``first + count``.

    Args:
        at: address of the ``CASCADE``, aimed for this step; written are ``past`` and ``memory``.
        audio: (S, T) float32.
        phase: samples of the step rendered before; ``phase + count`` is at most STEP.
        out: (2, T) float32.
    """
    _render_cascades(_cascades(at), audio, first, count, phase, out)


@kernel
def _render_cascades(c, audio, first, count, phase, out):
    """The same on the record."""
    past, row, start, change, moves = c.past, c.row, c.start, c.change, c.moves
    old, new, memory, table, taps = c.delays[0], c.delays[1], c.memory, c.table, c.taps
    heard, line, ramp, blend_ramp = c.heard, c.line, c.ramp, c.blend_ramp
    n_sources, reach = past.shape
    n_sections = start.shape[1]
    for tile in range(len(start)):
        begin = tile * TILE
        size = min(TILE, n_sources - begin)
        if size < TILE:
            for i in range(count * LANES):
                put(pointer(heard), i, np.float32(0.0))
        for i in range(size):
            s = begin + i
            for t in range(reach):
                row[t] = past[s, t]
            for t in range(count):
                x = audio[s, first + t]
                row[reach + t] = x if abs(x) < np.float32(1e15) else np.float32(0.0)
            for e in range(2):
                _delay(
                    pointer(row), reach, count, phase, old[s, e], new[s, e], pointer(table),
                    pointer(taps), pointer(line), pointer(blend_ramp),
                )  # fmt: skip
                for t in range(count):
                    heard[t, 2 * i + e] = line[t]
            for t in range(reach):
                past[s, t] = row[t + count]
        at = tile * n_sections * 5 * LANES
        keep = tile * (n_sections + 1) * 2 * LANES
        if moves[tile]:
            _run_moving(
                pointer(heard), count, phase, n_sections, pointer(start), pointer(change), at,
                pointer(ramp), pointer(memory), keep,
            )  # fmt: skip
        else:
            _run(pointer(heard), count, n_sections, pointer(start), at, pointer(memory), keep)
        for i in range(keep, keep + (n_sections + 1) * 2 * LANES):
            x = get(pointer(memory), i)
            # Denormal numbers would slow every later block down.
            put(pointer(memory), i, x if abs(x) > np.float32(1e-30) else np.float32(0.0))
        for t in range(count):
            left, right = np.float32(0.0), np.float32(0.0)
            for i in range(TILE):
                left += heard[t, 2 * i]
                right += heard[t, 2 * i + 1]
            out[0, first + t] += left
            out[1, first + t] += right


@kernel
def _delay(row, reach, count, phase, old, new, table, taps, line, blend_ramp):
    """line[t] = the source's sample t, delayed; blends of two delays, one for each segment.

    ``line`` and ``row`` are written and read up to a vector beyond what counts.
    """
    done = 0
    while done < count:
        segment = (phase + done) // SEGMENT
        end = min(count, (segment + 1) * SEGMENT - phase)
        share = np.float64(SEGMENT) / STEP
        a = old + (new - old) * (segment * share)
        b = old + (new - old) * ((segment + 1) * share)
        from_a = reach - _set_taps(a, table, taps, 0)
        rests = a == b
        from_b = from_a if rests else reach - _set_taps(b, table, taps, TAPS)
        offset = phase - segment * SEGMENT
        t = done
        while t < end:
            before = broadcast(np.float32(0.0))
            for j in range(TAPS):
                before = add_product(broadcast_at(taps, j), load(row, from_a + t - j), before)
            if not rests:
                after = broadcast(np.float32(0.0))
                for j in range(TAPS):
                    after = add_product(
                        broadcast_at(taps, TAPS + j), load(row, from_b + t - j), after
                    )
                if t + LANES <= end:
                    # The ramp is read whole: a vector never passes the end of a segment.
                    before = add_product(
                        subtract(after, before), load(blend_ramp, t + offset), before
                    )
                else:
                    store(line, t, subtract(after, before))
                    for k in range(t, end):
                        change = get(line, k) * get(blend_ramp, k + offset)
                        put(line, k, change)
                    before = add(before, load(line, t))
            store(line, t, before)
            t += LANES
        done = end


@kernel
def _set_taps(delay, table, taps, at):
    """Write a delay's taps; returns the whole samples to go back before the first of them."""
    whole = int(delay - LEAST_DELAY)
    position = (delay - LEAST_DELAY - whole) * PHASES_PER_SAMPLE
    low = int(position)
    part = np.float32(position - low)
    for j in range(TAPS):
        k = low * TAPS + j
        put(taps, at + j, get(table, k) + part * (get(table, k + TAPS) - get(table, k)))
    return whole


@kernel
def _run(heard, count, n_sections, filters, at, memory, keep):
    """Filter ``heard`` (count, L) in place by sections that rest."""
    for t in range(count):
        x = load(heard, t * LANES)
        m = keep
        x1, x2 = load(memory, m), load(memory, m + LANES)
        c = at
        for _ in range(n_sections):
            y1, y2 = load(memory, m + 2 * LANES), load(memory, m + 3 * LANES)
            y = add_product(load(filters, c + 2 * LANES), x2, broadcast(np.float32(0.0)))
            y = add_product(load(filters, c + LANES), x1, y)
            y = subtract_product(load(filters, c + 4 * LANES), y2, y)
            y = subtract_product(load(filters, c + 3 * LANES), y1, y)
            y = add_product(load(filters, c), x, y)
            store(memory, m, x)
            store(memory, m + LANES, x1)
            x, x1, x2 = y, y1, y2
            m += 2 * LANES
            c += 5 * LANES
        store(memory, m, x)
        store(memory, m + LANES, x1)
        store(heard, t * LANES, x)


@kernel
def _run_moving(heard, count, phase, n_sections, start, change, at, ramp, memory, keep):
    """The same by sections that run from ``start`` to ``start + change`` within the step."""
    for t in range(count):
        r = broadcast_at(ramp, phase + t)
        x = load(heard, t * LANES)
        m = keep
        x1, x2 = load(memory, m), load(memory, m + LANES)
        c = at
        for _ in range(n_sections):
            y1, y2 = load(memory, m + 2 * LANES), load(memory, m + 3 * LANES)
            k = c + 2 * LANES
            y = add_product(add_product(r, load(change, k), load(start, k)), x2,
                            broadcast(np.float32(0.0)))  # fmt: skip
            k = c + LANES
            y = add_product(add_product(r, load(change, k), load(start, k)), x1, y)
            k = c + 4 * LANES
            y = subtract_product(add_product(r, load(change, k), load(start, k)), y2, y)
            k = c + 3 * LANES
            y = subtract_product(add_product(r, load(change, k), load(start, k)), y1, y)
            y = add_product(add_product(r, load(change, c), load(start, c)), x, y)
            store(memory, m, x)
            store(memory, m + LANES, x1)
            x, x1, x2 = y, y1, y2
            m += 2 * LANES
            c += 5 * LANES
        store(memory, m, x)
        store(memory, m + LANES, x1)
        store(heard, t * LANES, x)
