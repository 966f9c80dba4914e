# mypy: disable-error-code="no-untyped-def"
"""The renderer's inner loops: every source's moving delays, and its mix into the buses.

A control step has ``STEP`` samples; ``spatialize`` renders any part of one. Within a step gains and
delays move linearly. A source is heard through bus k by the gain ``gains_begin[k] + r(t) *
gains_delta[k]`` with r(t) = (t + 1) / STEP; r is the same for all sources, so the buses are two
plain matrix products, ``gains_begin @ delayed + r * (gains_delta @ delayed)``: half of the loads
that ramped copies would cost.

The loops are written in vectors (``auricle.dsp.compiled.simd``), which stay in registers: products
run at the speed of the processor's multiply-add units.

Letters: S sources, E ears, K buses an ear, G gains of a source, R samples of a source's past.
Kernels take the address of an ``ENGINE`` or plain C-contiguous arrays, allocate nothing, raise
nothing and hold no GIL.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.engine_record import (
    ACTIVE,
    BUSES_REST,
    CENTRE,
    CUES,
    CUES_AT,
    DELAY_TAPS,
    DIRECT,
    ENGINE,
    FEW,
    MOVING,
    PRE_ONSET,
    RINGS,
    SOUNDING,
    STILL,
    WOKEN,
)
from auricle.dsp.compiled.options import STEP, kernel, recursive_kernel
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
    reduce_add,
    store,
)

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # the text of simd.py that is compiled into the kernels below
RECORDS = "e8635e2106a6"  # likewise of records.py
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py

TILE = 32  # sources mixed together: their signals stay in the first-level cache
PASS = 12  # delay taps a pass; the number of taps is a multiple of it
BLENDS = 4  # of two delay filters in a step, at the most
PHASES = 128  # rows of the delay table a sample
CHANGE = 2  # as in control_step.py
LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py
PAIR = 2 * LANES

_engine, _cues = ENGINE.read, CUES.read


@kernel
def listen(at, audio, first, count):
    """Find who sounds in a part of a step; how many of them have yet to be aimed (``woken``).

    Of the ``active`` ones those are left out that are silent, and were for longer than their delay
    lines. Arguments: see ``spatialize``.
    """
    e = _engine(at)
    return _listen(e, _cues(e.parts[CUES_AT]), audio, first, count)


@kernel
def _listen(e, c, audio, first, count):
    memory = c.memory
    active, silent_samples, stale = e.active, e.silent_samples, e.stale
    sounding, woken, counts, delay_line = e.sounding, e.woken, e.counts, e.delay_line
    samples, n_given, all_silent = pointer(audio), audio.shape[1], delay_line.shape[1] + STEP
    n_sounding = n_woken = 0
    for i in range(counts[ACTIVE]):
        s = active[i]
        if silent_samples[s] >= all_silent:
            if _is_silent(samples, s * n_given + first, count):
                continue
            memory[s] = 0.0
            if stale[s]:
                woken[n_woken] = s
                n_woken += 1
        sounding[n_sounding] = s
        n_sounding += 1
    counts[SOUNDING], counts[WOKEN] = n_sounding, n_woken
    counts[DIRECT] = n_sounding <= e.sizes[FEW]
    return n_woken


@kernel
def _is_silent(audio, at, count):
    """Whether all samples are 0, or below -580 dB; NaN is not."""
    if count > 0 and not abs(get(audio, at)) <= 1e-29:
        return False
    zero = broadcast(np.float32(0.0))
    scale = broadcast(np.float32(1e10))  # squares as small as these would vanish
    squares = zero
    t = 0
    while t + LANES <= count:
        x = add_product(load(audio, at + t), scale, zero)
        squares = add_product(x, x, squares)
        t += LANES
    silent = reduce_add(squares) == 0.0
    while t < count:
        silent = silent and get(audio, at + t) == 0.0
        t += 1
    return silent


@kernel
def spatialize(at, audio, first, count, phase):
    """Set the buses to the mix of all sources for samples ``phase`` to ``phase + count`` of a step.

    Args:
        at: address of the ``ENGINE``, aimed for this step, of whose sources those of ``sounding``
            are mixed (``listen``); written are ``delay_line``,
        ``silent_samples``,
            ``nonfinite``, the memories of its ``CUES``, and of ``bus`` samples phase to
            phase + count alone.
        audio: (S, T) float32; samples ``first`` to ``first + count`` are taken.
        first: first sample of ``audio``.
        count: samples to render, at most ``STEP - phase``.
        phase: samples of this step rendered before.
    """
    e = _engine(at)
    _spatialize(e, _cues(e.parts[CUES_AT]), audio, first, count, phase)


@kernel
def _spatialize(e, c, audio, first, count, phase):
    """The same on the records: of the ``ENGINE`` and of its ``CUES``."""
    bus, delay_line_samples, n_given = e.bus, e.delay_line.shape[1], audio.shape[1]
    delay_line, rows, silent_samples, nonfinite = (
        pointer(e.delay_line),
        pointer(e.rows),
        pointer(e.silent_samples),
        pointer(e.nonfinite),
    )
    given = pointer(audio)
    row = delay_line_samples + STEP
    counts = e.counts
    direct = counts[DIRECT] != 0
    if not direct or counts[BUSES_REST] <= e.sizes[RINGS]:
        _clear(pointer(bus), bus.shape[0] * bus.shape[1], phase, count)
    sounding, n_sounding = pointer(e.sounding), counts[SOUNDING]
    counts[MOVING], counts[STILL] = 0, TILE  # where there is no tile
    fades_in, ramp = e.fades_in, pointer(e.ramp)
    for begin in range(0, n_sounding, TILE):
        size = min(TILE, n_sounding - begin)
        for i in range(size):
            s = get(sounding, begin + i)
            _copy(delay_line, s * delay_line_samples, rows, i * row, delay_line_samples)
            _take(
                given, s * n_given + first, count, rows, i * row + delay_line_samples,
                silent_samples, nonfinite, s
            )  # fmt: skip
            if fades_in[s]:
                _rise(rows, i * row + delay_line_samples, count, ramp, phase)
                fades_in[s] = phase + count < STEP
        for ear in range(2):
            _add_tile(e, c, begin, size, ear, phase, phase + count, direct)
        for i in range(size):
            to = get(sounding, begin + i) * delay_line_samples
            _copy(rows, i * row + count, delay_line, to, delay_line_samples)


@kernel
def _clear(bus, n_buses, phase, count):
    for k in range(n_buses):
        for t in range(k * STEP + phase, k * STEP + phase + count):
            put(bus, t, np.float32(0.0))


@kernel
def _rise(rows, at, count, ramp, phase):
    """A source that was switched off begins from nothing: without its past it would click."""
    for t in range(count):
        put(rows, at + t, get(rows, at + t) * get(ramp, phase + t))


@kernel
def _copy(source, at, target, to, count):
    for i in range(0, count, LANES):
        store(target, to + i, load(source, at + i))


@kernel
def _add_tile(e, c, begin, size, ear, phase, end, direct):
    """Add ``size`` sources, those of ``sounding`` from ``begin`` on, to one ear's buses; where they
    are few, only delay them.

    Their rows are all written before the first is read: no load waits for a store under way.
    """
    sizes, delay_line_samples, n_gains, n_buses = (
        e.sizes,
        e.delay_line.shape[1],
        e.gains_begin.shape[1],
        e.bus.shape[1],
    )
    n_taps, centre, n_pre_onset = sizes[DELAY_TAPS], sizes[CENTRE], sizes[PRE_ONSET]
    # Addresses from here on: an array handed to a function costs atomic reference counts.
    rows, ramp, state, silent_samples = (
        pointer(e.rows),
        pointer(e.ramp),
        pointer(e.state),
        pointer(e.silent_samples),
    )
    gains_begin, gains_delta, bus = pointer(e.gains_begin), pointer(e.gains_delta), pointer(e.bus)
    delays_begin, delays_end = pointer(e.delays[0]), pointer(e.delays[1])
    table, width = pointer(e.delay_filters), e.delay_filters.shape[1]
    taps, schedule, delayed = pointer(e.taps), pointer(e.schedule), pointer(e.delayed)
    delayed_at, undelayed_at, gains_at = pointer(e.at[0]), pointer(e.at[1]), pointer(e.at[2])
    filtered, memory = pointer(c.state), pointer(c.memory)
    old_filters, new_filters = pointer(c.filters[0]), pointer(c.filters[1])
    moving, still, blends, sounding = 0, TILE, 0, pointer(e.sounding)
    rest_taps, rest_ready = pointer(e.rest_taps), e.rest_ready
    first_row = ear * TILE if direct else 0
    for i in range(size):
        s = get(sounding, begin + i)
        if get(silent_samples, s) >= delay_line_samples + STEP:
            for k in range(4):
                put(memory, 4 * (2 * s + ear) + k, 0.0)
            continue
        moves = get(state, s) == CHANGE
        if moves:
            j = moving
            moving += 1
        else:
            still -= 1
            j = still
        row = i * (delay_line_samples + STEP) + delay_line_samples - phase
        put(delayed_at, j, (first_row + j) * STEP)
        put(gains_at, j, s * n_gains + ear * n_buses)
        put(undelayed_at, j, row)
        if not moves:
            delay = get(delays_end, 2 * s + ear)
            tap = (2 * s + ear) * width
            if not rest_ready[s]:
                _rest_taps(delay - int(delay), table, width, rest_taps, tap)
                rest_ready[s] = ear == 1  # both are there
            oldest = row - int(delay) + centre - n_taps + 1
            _rest_fir(rows, oldest, n_taps, rest_taps, tap, phase, end, delayed, get(delayed_at, j))
            continue
        blends = _schedule_delay(
            rows, row, phase, end, get(delays_begin, 2 * s + ear), get(delays_end, 2 * s + ear),
            table, width, n_taps, centre, delayed, get(delayed_at, j), taps, schedule, blends,
        )  # fmt: skip
    for i in range(blends):
        oldest, out = get(schedule, 4 * i) + n_taps - PASS, get(schedule, 4 * i + 3)
        first, last = get(schedule, 4 * i + 1), get(schedule, 4 * i + 2)
        for j in range(0, n_taps, PASS):
            tap = 2 * i * width + j
            _fir(rows, oldest - j, taps, tap, tap + width, j == 0, first, last, ramp, delayed, out)
    for j in range(TILE):
        if j < moving or j >= still:
            s = get(gains_at, j) // n_gains
            if get(filtered, s) != 0:
                f = 2 * s + ear
                _filter(
                    delayed,
                    (first_row + j) * STEP,
                    phase,
                    end,
                    old_filters,
                    new_filters,
                    5 * f,
                    memory,
                    4 * f,
                )
    if direct:
        e.counts[MOVING], e.counts[STILL] = moving, still
        return
    first_bus = ear * n_buses * STEP
    _mix(
        delayed, delayed_at, gains_at, moving, still, gains_begin, gains_delta, n_buses, phase, end,
        ramp, bus, first_bus,
    )  # fmt: skip
    if n_pre_onset > 0:
        for j in range(TILE):
            if j < moving or j >= still:
                put(gains_at, j, get(gains_at, j) + (2 - ear) * n_buses + ear * n_pre_onset)
        _mix(
            rows, undelayed_at, gains_at, moving, still, gains_begin, gains_delta, n_pre_onset,
            phase, end, ramp, bus, first_bus,
        )  # fmt: skip


@kernel
def _take(audio, at, count, rows, to, silent_samples, nonfinite, s):
    """Put a source's new samples behind its past; silence them if one is NaN or beyond bounds."""
    a = b = broadcast(np.float32(0.0))
    t = 0
    while t + PAIR <= count:
        x, y = load(audio, at + t), load(audio, at + t + LANES)
        store(rows, to + t, x)
        store(rows, to + t + LANES, y)
        a, b = add_product(x, x, a), add_product(y, y, b)
        t += PAIR
    energy = reduce_add(a) + reduce_add(b)
    while t < count:
        x1 = get(audio, at + t)
        put(rows, to + t, x1)
        energy += x1 * x1
        t += 1
    if energy > 0.0 and energy <= LOUDEST * LOUDEST:
        put(silent_samples, s, 0)
        return
    # Silence, squares beyond bounds, or NaN: look at each sample.
    level = np.float32(0.0)
    finite = True
    for t in range(count):
        x1 = get(audio, at + t)
        level = max(level, abs(x1))
        finite = finite and abs(x1) <= LOUDEST
    if not finite:
        put(nonfinite, s, get(nonfinite, s) + 1)
        for t in range(count):
            put(rows, to + t, np.float32(0.0))
    put(silent_samples, s, 0 if finite and level > 0.0 else get(silent_samples, s) + count)


@kernel
def _schedule_delay(
    rows, at, phase, end, old, new, table, width, n_taps, centre, delayed, out, taps, schedule, n
):  # fmt: skip
    """Put one ear's delay down as blends n, n + 1, ... of ``schedule`` and ``taps``; returns their
    end.

    Blends are only planned here and filtered later, all of a tile, since a filter that waits for
    its own taps takes twice the time. A row of ``schedule``: flat index of the oldest sample that
    the first tap reads, first and last sample of the step, flat index of ``delayed`` for t = 0.
    """
    blends = _blends(abs(new - old))
    step = STEP // blends
    share = 1.0 / blends
    for i in range(blends):
        first, last = max(i * step, phase), min(i * step + step, end)
        if first >= last:
            continue
        a = old + (new - old) * (i * share)
        b = old + (new - old) * ((i + 1) * share)
        whole = int(min(a, b))
        if abs(b - a) < 0.9:
            _blend_taps(a - whole, b - whole, table, width, i, blends, taps, 2 * n * width)
            put(schedule, 4 * n, at - whole + centre - n_taps + 1)
            put(schedule, 4 * n + 1, first)
            put(schedule, 4 * n + 2, last)
            put(schedule, 4 * n + 3, out)
            n += 1
        else:
            slope = (b - a) / step
            _varying_fir(
                rows,
                at,
                first,
                last,
                a,
                slope,
                i * step,
                table,
                width,
                n_taps,
                centre,
                delayed,
                out,
            )
    return n


@kernel
def _blends(moved):
    """Blends of two delay filters in a step, a power of two: the more it moves, the more.

    A blend of two delays d apart dips by (2 pi f d)^2 / 8 midway: at d = 0.1 samples, -61 dB at
    6 kHz and -44 dB at 16 kHz of a 48 kHz stream.
    """
    if moved <= 0.06:
        return 1
    return 2 if moved <= 0.12 else BLENDS


@kernel
def _phase(fraction):
    """Row of the delay table below a fraction (0 to 2), and the share of the row above it."""
    position = fraction * PHASES
    low = min(int(position), 2 * PHASES - 1)
    return low, np.float32(position - low)


@kernel
def _blend_taps(a, b, table, width, i, blends, taps, at):
    """Taps and slopes so that tap + slope * ramp runs from delay a to b within the blend ``i``."""
    low_a, part_a = _phase(a)
    low_b, part_b = _phase(b)
    scale = broadcast(np.float32(blends))
    back = broadcast(np.float32(-i))  # the ramp at the begin of the blend, in its own units
    own_a, next_a = broadcast(np.float32(1.0) - part_a), broadcast(part_a)
    own_b, next_b = broadcast(np.float32(1.0) - part_b), broadcast(part_b)
    none, minus = broadcast(np.float32(0.0)), broadcast(np.float32(-1.0))
    for j in range(0, width, LANES):
        k = low_a * width + j
        tap = add_product(load(table, k), own_a, none)
        tap = add_product(load(table, k + width), next_a, tap)
        k = low_b * width + j
        step_of_tap = add_product(load(table, k), own_b, none)
        step_of_tap = add_product(load(table, k + width), next_b, step_of_tap)
        step_of_tap = add_product(tap, minus, step_of_tap)
        store(taps, at + j, add_product(step_of_tap, back, tap))
        store(taps, at + width + j, add_product(step_of_tap, scale, none))


@kernel
def _rest_taps(fraction, table, width, taps, at):
    """The filter of a delay that stays."""
    low, part = _phase(fraction)
    own, above = broadcast(np.float32(1.0) - part), broadcast(part)
    none = broadcast(np.float32(0.0))
    for j in range(0, width, LANES):
        k = low * width + j
        tap = add_product(load(table, k), own, none)
        store(taps, at + j, add_product(load(table, k + width), above, tap))


@kernel
def _rest_fir(rows, oldest, n_taps, taps, at, first, last, delayed, out):
    """delayed[out + t] = what the taps make of rows[oldest + t], for t from first to last."""
    for j in range(0, n_taps, PASS):
        _rest_pass(
            rows, oldest + n_taps - PASS - j, taps, at + j, j == 0, first, last, delayed, out
        )


@kernel
def _rest_pass(rows, oldest, taps, j, first_pass, first, last, delayed, out):
    a0, a1, a2 = broadcast_at(taps, j), broadcast_at(taps, j + 1), broadcast_at(taps, j + 2)
    a3, a4, a5 = broadcast_at(taps, j + 3), broadcast_at(taps, j + 4), broadcast_at(taps, j + 5)
    a6, a7, a8 = broadcast_at(taps, j + 6), broadcast_at(taps, j + 7), broadcast_at(taps, j + 8)
    a9, a10, a11 = broadcast_at(taps, j + 9), broadcast_at(taps, j + 10), broadcast_at(taps, j + 11)
    none = broadcast(np.float32(0.0))
    t = first
    while t + LANES <= last:
        i = oldest + t
        p = none if first_pass else load(delayed, out + t)
        p, q = add_product(load(rows, i + 11), a0, p), add_product(load(rows, i + 10), a1, none)
        p, q = add_product(load(rows, i + 9), a2, p), add_product(load(rows, i + 8), a3, q)
        p, q = add_product(load(rows, i + 7), a4, p), add_product(load(rows, i + 6), a5, q)
        p, q = add_product(load(rows, i + 5), a6, p), add_product(load(rows, i + 4), a7, q)
        p, q = add_product(load(rows, i + 3), a8, p), add_product(load(rows, i + 2), a9, q)
        p, q = add_product(load(rows, i + 1), a10, p), add_product(load(rows, i), a11, q)
        store(delayed, out + t, add(p, q))
        t += LANES
    while t < last:
        y = np.float32(0.0) if first_pass else get(delayed, out + t)
        for k in range(PASS):
            y += get(taps, j + k) * get(rows, oldest + t + PASS - 1 - k)
        put(delayed, out + t, y)
        t += 1


@kernel
def _fir(rows, oldest, taps, j, d, first_pass, first, last, ramp, delayed, out):
    """heard[out + t] = PASS taps from j on, and ramp(t) times those from d on, at rows[oldest + t].

    A pass that is not the first adds to what is there.
    """
    a0, a1, a2 = broadcast_at(taps, j), broadcast_at(taps, j + 1), broadcast_at(taps, j + 2)
    a3, a4, a5 = broadcast_at(taps, j + 3), broadcast_at(taps, j + 4), broadcast_at(taps, j + 5)
    a6, a7, a8 = broadcast_at(taps, j + 6), broadcast_at(taps, j + 7), broadcast_at(taps, j + 8)
    a9, a10, a11 = broadcast_at(taps, j + 9), broadcast_at(taps, j + 10), broadcast_at(taps, j + 11)
    d0, d1, d2 = broadcast_at(taps, d), broadcast_at(taps, d + 1), broadcast_at(taps, d + 2)
    d3, d4, d5 = broadcast_at(taps, d + 3), broadcast_at(taps, d + 4), broadcast_at(taps, d + 5)
    d6, d7, d8 = broadcast_at(taps, d + 6), broadcast_at(taps, d + 7), broadcast_at(taps, d + 8)
    d9, d10, d11 = broadcast_at(taps, d + 9), broadcast_at(taps, d + 10), broadcast_at(taps, d + 11)
    none = broadcast(np.float32(0.0))
    t = first
    while t + LANES <= last:
        i = oldest + t
        p = none if first_pass else load(delayed, out + t)
        q = none
        x = load(rows, i + 11)
        p, q = add_product(x, a0, p), add_product(x, d0, q)
        x = load(rows, i + 10)
        p, q = add_product(x, a1, p), add_product(x, d1, q)
        x = load(rows, i + 9)
        p, q = add_product(x, a2, p), add_product(x, d2, q)
        x = load(rows, i + 8)
        p, q = add_product(x, a3, p), add_product(x, d3, q)
        x = load(rows, i + 7)
        p, q = add_product(x, a4, p), add_product(x, d4, q)
        x = load(rows, i + 6)
        p, q = add_product(x, a5, p), add_product(x, d5, q)
        x = load(rows, i + 5)
        p, q = add_product(x, a6, p), add_product(x, d6, q)
        x = load(rows, i + 4)
        p, q = add_product(x, a7, p), add_product(x, d7, q)
        x = load(rows, i + 3)
        p, q = add_product(x, a8, p), add_product(x, d8, q)
        x = load(rows, i + 2)
        p, q = add_product(x, a9, p), add_product(x, d9, q)
        x = load(rows, i + 1)
        p, q = add_product(x, a10, p), add_product(x, d10, q)
        x = load(rows, i)
        p, q = add_product(x, a11, p), add_product(x, d11, q)
        store(delayed, out + t, add_product(load(ramp, t), q, p))
        t += LANES
    while t < last:
        y = np.float32(0.0) if first_pass else get(delayed, out + t)
        for k in range(PASS):
            tap = get(taps, j + k) + get(ramp, t) * get(taps, d + k)
            y += tap * get(rows, oldest + t + PASS - 1 - k)
        put(delayed, out + t, y)
        t += 1


@kernel
def _varying_fir(
    rows, at, first, last, delay_begin, slope, begin, table, width, n_taps, centre, delayed, out
):  # fmt: skip
    """heard[out + t] = a delay that runs fast, its filter taken anew for each sample (Doppler)."""
    for t in range(first, last):
        delay = delay_begin + slope * (t + 1 - begin)
        whole = int(delay)
        low, part = _phase(delay - whole)
        newest = at + t - whole + centre
        y = np.float32(0.0)
        for j in range(n_taps):
            tap, above = get(table, low * width + j), get(table, (low + 1) * width + j)
            y += (tap + part * (above - tap)) * get(rows, newest - j)
        put(delayed, out + t, y)


# Regrouping the sums would put more than one operation between two outputs, at half the speed.
@recursive_kernel
def _filter(delayed, out, first, last, old, new, f, memory, m):
    """Filter heard[out + first : out + last] in place, coefficients f to f + 5, direct form I.

    They run linearly from ``old`` to ``new`` over the step. A blend of two stable second-order
    filters is stable, since stable (a1, a2) fill a triangle.
    """
    share, k = 1.0 / STEP, first + 1
    b0, b1, b2 = get(old, f), get(old, f + 1), get(old, f + 2)
    a1, a2 = get(old, f + 3), get(old, f + 4)
    d0, d1 = share * (get(new, f) - b0), share * (get(new, f + 1) - b1)
    d2 = share * (get(new, f + 2) - b2)
    c1, c2 = share * (get(new, f + 3) - a1), share * (get(new, f + 4) - a2)
    b0, b1, b2, a1, a2 = b0 + k * d0, b1 + k * d1, b2 + k * d2, a1 + k * c1, a2 + k * c2
    x1, x2, y1, y2 = get(memory, m), get(memory, m + 1), get(memory, m + 2), get(memory, m + 3)
    for t in range(out + first, out + last):
        x = np.float64(get(delayed, t))
        y = b0 * x + b1 * x1 + b2 * x2 - a2 * y2 - a1 * y1
        x1, x2, y1, y2 = x, x1, y, y1
        b0, b1, b2, a1, a2 = b0 + d0, b1 + d1, b2 + d2, a1 + c1, a2 + c2
        put(delayed, t, np.float32(y))
    put(memory, m, x1)
    put(memory, m + 1, x2)
    # Denormal numbers would slow every later block down.
    put(memory, m + 2, y1 if abs(y1) > 1e-30 else 0.0)
    put(memory, m + 3, y2 if abs(y2) > 1e-30 else 0.0)


@kernel
def filter_row(row, first, count, phase, old, new, memory):
    """Filter ``row[first : first + count]`` in place, as ``spatialize`` does for a source and ear.

    Args:
        row: (T,) float32 samples; first, count: which of them; phase: of ``first`` in the step.
        old, new: (5,) b0, b1, b2, a1, a2 at the begin and end of the step.
        memory: (4,) float64, in and out: two samples before and two behind, newest first.
    """
    at = first - phase
    _filter(
        pointer(row), at, phase, phase + count, pointer(old), pointer(new), 0, pointer(memory), 0
    )


@kernel
def _mix(
    x, x_at, gains_at, moving, still, gains_begin, gains_delta, n_buses, first, last, ramp, bus,
    bus_at
):  # fmt: skip
    """Add rows to buses: those before ``moving`` with moving gains, those from ``still`` on at
    rest.

    Row i begins at x[x_at[i]], its gains at start[gains_at[i]] and change[gains_at[i]], bus 0 at
    bus[bus_at], all flat. The number of buses is a multiple of 4.
    """
    for k in range(0, n_buses, 4):
        to = bus_at + k * STEP
        t = first
        while t + PAIR <= last:
            if moving > 0:
                _mix_moving(
                    x, x_at, gains_at, moving, gains_begin, gains_delta, k, t, ramp, bus, to + t
                )
            if still < TILE:
                _mix_still(x, x_at, gains_at, still, gains_begin, k, t, bus, to + t)
            t += PAIR
        if t < last:
            for i in range(TILE):
                if i < moving or i >= still:
                    at = get(gains_at, i) + k
                    _mix_rest(
                        x,
                        get(x_at, i),
                        gains_begin,
                        gains_delta,
                        at,
                        i < moving,
                        t,
                        last,
                        ramp,
                        bus,
                        to,
                    )


@kernel
def _mix_rest(x, x_at, gains_begin, gains_delta, gains_at, moves, first, last, ramp, bus, to):
    """One row to four buses, a sample at a time, where no two vectors fit."""
    for b in range(4):
        g = get(gains_begin, gains_at + b)
        d = get(gains_delta, gains_at + b) if moves else np.float32(0.0)
        for t in range(first, last):
            i = to + b * STEP + t
            put(bus, i, get(bus, i) + (g + get(ramp, t) * d) * get(x, x_at + t))


@kernel
def _mix_moving(x, x_at, gains_at, n_rows, gains_begin, gains_delta, k, t, ramp, bus, to):
    """Four buses, two vectors of each, all rows: 16 sums in registers, 10 loads for 16 products."""
    none = broadcast(np.float32(0.0))
    a0, a1, a2, a3 = none, none, none, none
    b0, b1, b2, b3 = none, none, none, none
    c0, c1, c2, c3 = none, none, none, none
    d0, d1, d2, d3 = none, none, none, none
    for i in range(n_rows):
        j = get(x_at, i) + t
        u, v = load(x, j), load(x, j + LANES)
        j = get(gains_at, i) + k
        g = broadcast_at(gains_begin, j)
        a0, b0 = add_product(u, g, a0), add_product(v, g, b0)
        g = broadcast_at(gains_begin, j + 1)
        a1, b1 = add_product(u, g, a1), add_product(v, g, b1)
        g = broadcast_at(gains_begin, j + 2)
        a2, b2 = add_product(u, g, a2), add_product(v, g, b2)
        g = broadcast_at(gains_begin, j + 3)
        a3, b3 = add_product(u, g, a3), add_product(v, g, b3)
        g = broadcast_at(gains_delta, j)
        c0, d0 = add_product(u, g, c0), add_product(v, g, d0)
        g = broadcast_at(gains_delta, j + 1)
        c1, d1 = add_product(u, g, c1), add_product(v, g, d1)
        g = broadcast_at(gains_delta, j + 2)
        c2, d2 = add_product(u, g, c2), add_product(v, g, d2)
        g = broadcast_at(gains_delta, j + 3)
        c3, d3 = add_product(u, g, c3), add_product(v, g, d3)
    r, q = load(ramp, t), load(ramp, t + LANES)
    one = broadcast(np.float32(1.0))
    store(bus, to, add_product(load(bus, to), one, add_product(r, c0, a0)))
    store(bus, to + LANES, add_product(load(bus, to + LANES), one, add_product(q, d0, b0)))
    to += STEP
    store(bus, to, add_product(load(bus, to), one, add_product(r, c1, a1)))
    store(bus, to + LANES, add_product(load(bus, to + LANES), one, add_product(q, d1, b1)))
    to += STEP
    store(bus, to, add_product(load(bus, to), one, add_product(r, c2, a2)))
    store(bus, to + LANES, add_product(load(bus, to + LANES), one, add_product(q, d2, b2)))
    to += STEP
    store(bus, to, add_product(load(bus, to), one, add_product(r, c3, a3)))
    store(bus, to + LANES, add_product(load(bus, to + LANES), one, add_product(q, d3, b3)))


@kernel
def _mix_still(x, x_at, gains_at, still, gains_begin, k, t, bus, to):
    """The same for rows ``still`` to TILE, whose gains rest: half the products."""
    a0, a1 = load(bus, to), load(bus, to + STEP)
    a2, a3 = load(bus, to + 2 * STEP), load(bus, to + 3 * STEP)
    b0, b1 = load(bus, to + LANES), load(bus, to + STEP + LANES)
    b2, b3 = load(bus, to + 2 * STEP + LANES), load(bus, to + 3 * STEP + LANES)
    for i in range(still, TILE):
        j = get(x_at, i) + t
        u, v = load(x, j), load(x, j + LANES)
        j = get(gains_at, i) + k
        g = broadcast_at(gains_begin, j)
        a0, b0 = add_product(u, g, a0), add_product(v, g, b0)
        g = broadcast_at(gains_begin, j + 1)
        a1, b1 = add_product(u, g, a1), add_product(v, g, b1)
        g = broadcast_at(gains_begin, j + 2)
        a2, b2 = add_product(u, g, a2), add_product(v, g, b2)
        g = broadcast_at(gains_begin, j + 3)
        a3, b3 = add_product(u, g, a3), add_product(v, g, b3)
    store(bus, to, a0)
    store(bus, to + STEP, a1)
    store(bus, to + 2 * STEP, a2)
    store(bus, to + 3 * STEP, a3)
    store(bus, to + LANES, b0)
    store(bus, to + STEP + LANES, b1)
    store(bus, to + 2 * STEP + LANES, b2)
    store(bus, to + 3 * STEP + LANES, b3)


LISTEN = Routine(listen, types.int64(types.int64, f32(2), types.int64, types.int64))
SPATIALIZE = Routine(
    spatialize, types.void(types.int64, f32(2), types.int64, types.int64, types.int64)
)
