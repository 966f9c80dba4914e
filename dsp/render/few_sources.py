# mypy: disable-error-code="no-untyped-def"
"""Few sources at low rank: each through the filters of its own two ears, without buses.

A bus filter sees a source times its gain, which moves with the ramp r(t) = (t + 1) / STEP. So the
response of a source and ear to a sample at time t is ``(gains_begin + r(t) * gains_delta) @
filters``: the sum of two filters, ``begin`` and ``delta``. Since r(t - k) = r(t) - k / STEP for its
tap k,

    out(t) = sum over k of x(t - k) (begin[k] - k / STEP delta[k]) + r(t) x(t - k) delta[k]

so both filters read the same samples. That is what the convolver of the buses does, to the last
rounding: sounds begun by one are ended by it while the other goes on, and nothing is heard of who
does the work. The convolver's time is that of all buses, this one's that of the sources.

Letters: K buses an ear, N taps of a filter.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.engine_record import DIRECT, ENGINE, MOVING, STILL
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32
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
    subtract_product,
)

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # the text of simd.py that is compiled into the kernels below
RECORDS = "e8635e2106a6"  # likewise of records.py
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py

TILE = 32  # as in spatialize.py
SPAN = 4 * LANES  # samples of the output that are made together, in registers

_engine = ENGINE.read


@kernel
def add_few(at, phase, count, out, to):
    """Add the sources of this part of a step, where they are few, and what rings of earlier ones.

    Args:
        at: address of the ``ENGINE``, behind ``spatialize``; ``overlap`` holds what has yet to
            sound, ``few_taps`` and ``few_row`` are scratch.
        phase: first sample of the step.
        count: samples rendered.
        out: (2, T) float32, added to from ``to`` on.
        to: first sample of ``out``.
    """
    _add_few(_engine(at), phase, count, out, to)


@kernel
def _add_few(e, phase, count, out, to):
    counts, overlap, n_taps = e.counts, e.overlap, e.filters.shape[2]
    n_gains, n_buses = e.gains_begin.shape[1], e.bus.shape[1]
    delayed, gains_at = pointer(e.delayed), pointer(e.at[2])
    gains_begin, gains_delta = pointer(e.gains_begin), pointer(e.gains_delta)
    filters, taps, row = pointer(e.filters), pointer(e.few_taps), pointer(e.few_row)
    ramp, width = pointer(e.long_ramp), overlap.shape[1]
    for ear in range(2):
        sums, first_filter = pointer(overlap[ear]), ear * n_buses * n_taps
        if counts[DIRECT] != 0:
            for j in range(TILE):
                if j >= counts[MOVING] and j < counts[STILL]:
                    continue
                gains = get(gains_at, j) // n_gains * n_gains + ear * n_buses
                moves = j < counts[MOVING]
                _combine(
                    gains_begin, gains_delta, gains, n_buses, filters, first_filter, n_taps, moves,
                    ramp, taps,
                )  # fmt: skip
                _fill(delayed, (ear * TILE + j) * STEP, phase, count, row)
                if moves:
                    _moving_fir(row, taps, n_taps, phase, count, ramp, sums)
                else:
                    _still_fir(row, taps, n_taps, phase, count, sums)
        target = out[ear, to : to + count]
        for t in range(count):
            target[t] += get(sums, phase + t)
        if phase + count == STEP:
            for t in range(0, width - STEP, LANES):
                store(sums, t, load(sums, t + STEP))
            for t in range(width - STEP, width):
                put(sums, t, np.float32(0.0))


@kernel
def _combine(
    gains_begin, gains_delta, gains, n_buses, filters, first, n_taps, moves, ramp, taps
):  # fmt: skip
    """A source's ``begin[k] - k / STEP delta[k]`` into ``taps``, and ``delta`` N behind."""
    none, a_step = broadcast(np.float32(0.0)), broadcast(np.float32(1.0 / STEP))
    for t in range(0, n_taps, LANES):
        a, b = none, none
        for k in range(n_buses):
            f = load(filters, first + k * n_taps + t)
            a = add_product(f, broadcast_at(gains_begin, gains + k), a)
            if moves:
                b = add_product(f, broadcast_at(gains_delta, gains + k), b)
        if moves:
            a = add_product(b, a_step, subtract_product(b, load(ramp, t), a))
            store(taps, n_taps + t, b)
        store(taps, t, a)


@kernel
def _fill(delayed, at, phase, count, row):
    """The samples of this part into ``row``, from SPAN on, among zeros."""
    none = broadcast(np.float32(0.0))
    for t in range(0, STEP + 2 * SPAN, LANES):
        store(row, t, none)
    for t in range(phase, phase + count):
        put(row, SPAN + t, get(delayed, at + t))


@kernel
def _moving_fir(row, taps, n_taps, phase, count, ramp, sums):
    """Add what the samples of ``row`` sound like through both filters."""
    none = broadcast(np.float32(0.0))
    last = phase + count - 1
    for j in range(phase // SPAN * SPAN, last + n_taps, SPAN):
        a0, a1, a2, a3 = none, none, none, none
        b0, b1, b2, b3 = none, none, none, none
        for k in range(max(0, j - last), min(n_taps, j + SPAN - phase)):
            i = SPAN + j - k
            g, d = broadcast_at(taps, k), broadcast_at(taps, n_taps + k)
            x = load(row, i)
            a0, b0 = add_product(x, g, a0), add_product(x, d, b0)
            x = load(row, i + LANES)
            a1, b1 = add_product(x, g, a1), add_product(x, d, b1)
            x = load(row, i + 2 * LANES)
            a2, b2 = add_product(x, g, a2), add_product(x, d, b2)
            x = load(row, i + 3 * LANES)
            a3, b3 = add_product(x, g, a3), add_product(x, d, b3)
        _add_to(sums, j, add_product(load(ramp, j), b0, a0))
        _add_to(sums, j + LANES, add_product(load(ramp, j + LANES), b1, a1))
        _add_to(sums, j + 2 * LANES, add_product(load(ramp, j + 2 * LANES), b2, a2))
        _add_to(sums, j + 3 * LANES, add_product(load(ramp, j + 3 * LANES), b3, a3))


@kernel
def _still_fir(row, taps, n_taps, phase, count, sums):
    """Likewise through one filter, two taps at a time: a sum waits for its last one."""
    none = broadcast(np.float32(0.0))
    last = phase + count - 1
    for j in range(phase // SPAN * SPAN, last + n_taps, SPAN):
        a0, a1, a2, a3 = none, none, none, none
        b0, b1, b2, b3 = none, none, none, none
        k, end = max(0, j - last), min(n_taps, j + SPAN - phase)
        while k < end:
            i = SPAN + j - k
            g = broadcast_at(taps, k)
            a0, a1 = add_product(load(row, i), g, a0), add_product(load(row, i + LANES), g, a1)
            a2 = add_product(load(row, i + 2 * LANES), g, a2)
            a3 = add_product(load(row, i + 3 * LANES), g, a3)
            if k + 1 < end:
                i -= 1
                g = broadcast_at(taps, k + 1)
                b0, b1 = add_product(load(row, i), g, b0), add_product(load(row, i + LANES), g, b1)
                b2 = add_product(load(row, i + 2 * LANES), g, b2)
                b3 = add_product(load(row, i + 3 * LANES), g, b3)
            k += 2
        _add_to(sums, j, add(a0, b0))
        _add_to(sums, j + LANES, add(a1, b1))
        _add_to(sums, j + 2 * LANES, add(a2, b2))
        _add_to(sums, j + 3 * LANES, add(a3, b3))


@kernel
def _add_to(sums, at, x):
    store(sums, at, add(load(sums, at), x))


ADD_FEW = Routine(add_few, types.void(types.int64, types.int64, types.int64, f32(2), types.int64))
