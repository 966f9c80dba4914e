# mypy: disable-error-code="no-untyped-def"
"""The renderer's kernels: where sources stand, their moving delays, and their mix into buses.

One control step is ``STEP`` samples. ``aim`` runs when a step begins and sets, for each source,
the gains and delays to be reached at its end; ``spatialize`` renders any part of the step. Both
take plain arrays, allocate nothing, raise nothing and hold no GIL.

Letters: S sources, E ears, K buses an ear, T triangles, V vertices, R samples of a history row.
"""

from typing import Any

import numpy as np
from numba import njit

STEP = 128  # samples of a control step
MAX_STEPS = 512  # of the walk over the mesh; a refined one is 150 triangles across
TILE = 16  # sources mixed together, a multiple of 4: their signals stay in the first-level cache
UNIT = 32  # samples a delay filter makes at a time, unrolled; divides STEP / 4
PASS = 12  # delay taps a pass; the number of taps is a multiple of it
PHASES = 128  # rows of the delay table a sample
IDLE, CONSTANT, CHANGE = 0, 1, 2

# No nnan and ninf: sources with NaN are found by arithmetic on NaN.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


@njit(**_OPTIONS)
def aim(
    positions, turn, origin, gains, distance_gain, jump, inverse, neighbours, triangles,
    table_gains, table_delays, triangle, old_gains, new_gains, old_delays, new_delays, state,
):  # fmt: skip
    """Set the gains and delays that each source reaches at the end of the step that begins.

    Args:
        positions: (S, 3) world positions in metres.
        turn: (3, 3) world to head axes.
        origin: (3,) the listener's position in metres.
        gains: (S,) linear gains; 0 switches a source off.
        distance_gain: whether the level falls as 1/r from 1 m.
        jump: whether the new values hold from the step's first sample on.
        inverse: (T, 3, 3) from a direction to the weights of a triangle's vertices.
        neighbours: (T, 3) the triangle across from each vertex.
        triangles: (T, 3) vertices.
        table_gains: (V, 2K + 2H) gains of the buses, left ear's first; then those of the first H
            buses for the source without delay (H may be 0).
        table_delays: (V, 2) delays in samples.
        triangle: (S,) in and out, where each source was found last.
        old_gains, new_gains: (S, 2K + 2H) out, at the begin and end of the step.
        old_delays, new_delays: (S, 2) likewise, in samples.
        state: (S,) out, IDLE, CONSTANT or CHANGE.
    """
    n_sources, n_gains = new_gains.shape
    for s in range(n_sources):
        dx = positions[s, 0] - origin[0]
        dy = positions[s, 1] - origin[1]
        dz = positions[s, 2] - origin[2]
        x = turn[0, 0] * dx + turn[0, 1] * dy + turn[0, 2] * dz
        y = turn[1, 0] * dx + turn[1, 1] * dy + turn[1, 2] * dz
        z = turn[2, 0] * dx + turn[2, 1] * dy + turn[2, 2] * dz
        distance = np.sqrt(x * x + y * y + z * z)
        if not distance > 1e-9:  # NaN too: straight ahead
            x, y, z, distance = 1.0, 0.0, 0.0, 1.0
        t = triangle[s]
        t = _walk(x / distance, y / distance, z / distance, t, inverse, neighbours)
        triangle[s] = t
        w0, w1, w2 = _weights(x / distance, y / distance, z / distance, inverse[t])
        level = gains[s]
        if distance_gain:
            level /= max(distance, 0.1)
        v0, v1, v2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        g0, g1 = old_gains[s], new_gains[s]
        r0, r1, r2 = table_gains[v0], table_gains[v1], table_gains[v2]
        a, b, c = np.float32(w0 * level), np.float32(w1 * level), np.float32(w2 * level)
        moved = np.float32(0.0)
        loud = np.float32(0.0)
        for k in range(n_gains):
            before = g1[k]
            after = a * r0[k] + b * r1[k] + c * r2[k]
            g0[k] = before
            g1[k] = after
            moved += abs(after - before)
            loud += abs(before)
        for e in range(2):
            before_d = new_delays[s, e]
            after_d = w0 * table_delays[v0, e] + w1 * table_delays[v1, e] + w2 * table_delays[v2, e]
            new_delays[s, e] = after_d
            # A source that fades in has no delay to come from.
            old_delays[s, e] = after_d if loud == 0.0 or jump else before_d
            moved += abs(new_delays[s, e] - old_delays[s, e])
        if jump:
            g0[:] = g1
            moved = np.float32(0.0)
        if level == 0.0 and (loud == 0.0 or jump):
            state[s] = IDLE
        elif moved == 0.0:
            state[s] = CONSTANT
        else:
            state[s] = CHANGE


@njit(**_OPTIONS)
def _weights(x, y, z, inverse):
    w0 = max(inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z, 0.0)
    w1 = max(inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z, 0.0)
    w2 = max(inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z, 0.0)
    total = w0 + w1 + w2
    if not total > 0.0:
        return 1.0, 0.0, 0.0
    return w0 / total, w1 / total, w2 / total


@njit(**_OPTIONS)
def _walk(x, y, z, t, inverse, neighbours):
    """The triangle that holds a direction: from the last one across the edge it lies beyond."""
    for _ in range(MAX_STEPS):
        m = inverse[t]
        w0 = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
        w1 = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
        w2 = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
        if w0 >= -1e-9 and w1 >= -1e-9 and w2 >= -1e-9:
            return t
        if w0 <= w1 and w0 <= w2:
            t = neighbours[t, 0]
        elif w1 <= w2:
            t = neighbours[t, 1]
        else:
            t = neighbours[t, 2]
    best, best_t = -1e30, t  # a walk that runs in circles: look at all
    for i in range(len(inverse)):
        m = inverse[i]
        w0 = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
        w1 = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
        w2 = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
        least = min(w0, min(w1, w2)) / (abs(w0) + abs(w1) + abs(w2) + 1e-30)
        if least > best:
            best, best_t = least, i
    return best_t


@njit(**_OPTIONS)
def spatialize(
    audio, offset, count, phase, history, work, ramp, state, quiet, nonfinite,
    old_gains, new_gains, old_delays, new_delays, table, centre, taps, plain, ramped, plain_gains,
    ramped_gains, bus,
):  # fmt: skip
    """Add all sources to the buses for samples ``phase`` to ``phase + count`` of a step.

    Args:
        audio: (S, T) float32; samples ``offset`` to ``offset + count`` are taken.
        offset: first sample of ``audio``.
        count: samples to render, at most ``STEP - phase``.
        phase: samples of this step rendered before.
        history: (S, R) float32: the R last samples, as many as a delay may need.
        work: (TILE, R + STEP) scratch: a source's history and its new samples.
        ramp: (STEP,) float32, (t + 1) / STEP.
        state: (S,) IDLE, CONSTANT or CHANGE, from ``aim``.
        quiet: (S,) samples since the source was last not zero; a silent past costs nothing.
        nonfinite: (S,) counts calls in which a source held NaN or infinity and was silenced.
        old_gains, new_gains: (S, 2K + 2H); old_delays, new_delays: (S, 2).
        table: delay filters, from ``delay_table``; centre: its first row's delay in samples.
        taps: (2, n_taps), plain and ramped: (TILE, STEP), plain_gains and ramped_gains: (TILE, K):
            scratch.
        bus: (2, K, STEP) out; only samples phase to phase + count are written.
    """
    n_sources = len(state)
    n_buses = bus.shape[1]
    reach = history.shape[1]
    n_heads = (old_gains.shape[1] - 2 * n_buses) // 2
    end = phase + count
    bus[:, :, phase:end] = 0.0
    # A tile at a time: what is written to memory is read again only after the whole tile, so that
    # no load waits for a store still under way.
    tile = TILE if n_heads == 0 else TILE // 2
    for begin in range(0, n_sources, tile):
        last = min(begin + tile, n_sources)
        for s in range(begin, last):
            _take(audio, offset, count, history, work, s, s - begin, quiet, nonfinite)
        for e in range(2):
            used = 0
            moving_rows = 0
            for s in range(begin, last):
                if state[s] == IDLE or quiet[s] >= reach + STEP:
                    continue
                moving = state[s] == CHANGE
                old = old_delays[s, e] if moving else new_delays[s, e]
                _delay(
                    work, s - begin, reach - phase, phase, end, old, new_delays[s, e], moving,
                    table, centre, ramp, taps, plain, ramped, used, moving_rows,
                )  # fmt: skip
                _load_gains(
                    old_gains, new_gains, s, e * n_buses, n_buses, moving, plain_gains,
                    ramped_gains, used, moving_rows,
                )  # fmt: skip
                used += 1
                if moving:
                    moving_rows += 1
                if n_heads > 0:
                    for t in range(phase, end):
                        x = work[s - begin, reach - phase + t]
                        plain[used, t] = x
                        ramped[moving_rows, t] = x * ramp[t]
                    _load_gains(
                        old_gains, new_gains, s, 2 * n_buses + e * n_heads, n_heads, moving,
                        plain_gains, ramped_gains, used, moving_rows,
                    )  # fmt: skip
                    used += 1
                    if moving:
                        moving_rows += 1
            _mix(plain, plain_gains, used, phase, end, bus[e])
            _mix(ramped, ramped_gains, moving_rows, phase, end, bus[e])
        for s in range(begin, last):
            past = work[s - begin, count : count + reach]
            for t in range(reach):
                history[s, t] = past[t]


@njit(inline="always", **_OPTIONS)
def _take(audio, offset, count, history, work, s, i, quiet, nonfinite):
    """Put a source's past and its new samples in a row; silence new ones with NaN or infinity."""
    reach = history.shape[1]
    for t in range(reach):
        work[i, t] = history[s, t]
    check = np.float32(0.0)
    level = np.float32(0.0)
    source = audio[s, offset : offset + count]
    target = work[i, reach : reach + count]
    for t in range(count):
        x = source[t]
        target[t] = x
        check += x * np.float32(0.0)
        level += abs(x)
    if check != check:
        nonfinite[s] += 1
        target[:] = 0.0
        level = np.float32(0.0)
    if level == 0.0:
        quiet[s] += count
    else:
        quiet[s] = 0


@njit(inline="always", **_OPTIONS)
def _delay(
    history, s, reach, phase, end, old, new, moving, table, centre, ramp, taps, plain, ramped, i, m
):  # fmt: skip
    """One ear's delayed signal into plain[i], and the same times the ramp into ramped[m]."""
    n_taps = table.shape[1]
    step = _blend_samples(abs(new - old)) if moving else STEP
    if step == STEP and end - phase == STEP:
        # The common case with every size a constant: the compiler unrolls it, at half the time.
        whole = int(min(old, new))
        at = reach - whole + centre - n_taps + 1
        if n_taps == PASS:
            _blend_taps(old - whole, new - whole, table, PASS, 0, STEP, taps)
            _step_fir(history, s, at, taps, ramp, plain, ramped, i, m)
        else:
            _blend_taps(old - whole, new - whole, table, n_taps, 0, STEP, taps)
            _blended_fir(history, s, at, taps, ramp, n_taps, 0, STEP, plain, ramped, i, m)
        return
    for begin in range(0, STEP, step):
        first, last = max(begin, phase), min(begin + step, end)
        if first < last:
            a = old + (new - old) * (begin / STEP)
            b = old + (new - old) * ((begin + step) / STEP)
            whole = int(min(a, b))
            if abs(b - a) < 0.9:
                _blend_taps(a - whole, b - whole, table, n_taps, begin, step, taps)
                at = reach - whole + centre - n_taps + 1
                _blended_fir(history, s, at, taps, ramp, n_taps, first, last, plain, ramped, i, m)
            else:
                _varying_fir(
                    history, s, reach, first, last, a, (b - a) / step, begin, table, centre,
                    ramp, plain, ramped, i, m,
                )  # fmt: skip


@njit(inline="always", **_OPTIONS)
def _blend_samples(moved):
    """Samples over which two delay filters are blended: the more it moves, the fewer.

    A blend of two delays d apart dips by (2 pi f d)^2 / 8 midway: at d = 0.1 samples, -61 dB at
    6 kHz and -44 dB at 16 kHz of a 48 kHz stream.
    """
    if moved <= 0.06:
        return STEP
    if moved <= 0.12:
        return STEP // 2
    return STEP // 4


@njit(inline="always", **_OPTIONS)
def _phase(fraction):
    """Row of the delay table below a fraction (0 to 2), and the share of the row above it."""
    position = fraction * PHASES
    low = min(int(position), 2 * PHASES - 1)
    return low, np.float32(position - low)


@njit(inline="always", **_OPTIONS)
def _blend_taps(a, b, table, n_taps, begin, step, taps):
    """Taps and slopes so that tap + slope * ramp runs from delay a to b within the blend."""
    low_a, part_a = _phase(a)
    low_b, part_b = _phase(b)
    scale = np.float32(STEP / step)
    start = np.float32(begin / step)  # the ramp at the begin of the blend, in its own units
    high_a, high_b = low_a + 1, low_b + 1
    for j in range(n_taps):
        tap = table[low_a, j] + part_a * (table[high_a, j] - table[low_a, j])
        change = table[low_b, j] + part_b * (table[high_b, j] - table[low_b, j]) - tap
        taps[0, j] = tap - start * change
        taps[1, j] = scale * change


@njit(inline="always", **_OPTIONS)
def _blended_fir(history, s, at, taps, ramp, n_taps, first, last, plain, ramped, i, m):
    """plain[i] = the filter taps[0] + ramp * taps[1] on history[s], oldest sample at ``at``."""
    whole = (last - first) // UNIT * UNIT
    for j in range(0, n_taps, PASS):
        o = at + n_taps - PASS - j
        # In locals, or the loop would load them anew for each vector: plain might alias them.
        a0, a1, a2, a3 = taps[0, j], taps[0, j + 1], taps[0, j + 2], taps[0, j + 3]
        a4, a5, a6, a7 = taps[0, j + 4], taps[0, j + 5], taps[0, j + 6], taps[0, j + 7]
        a8, a9, a10, a11 = taps[0, j + 8], taps[0, j + 9], taps[0, j + 10], taps[0, j + 11]
        d0, d1, d2, d3 = taps[1, j], taps[1, j + 1], taps[1, j + 2], taps[1, j + 3]
        d4, d5, d6, d7 = taps[1, j + 4], taps[1, j + 5], taps[1, j + 6], taps[1, j + 7]
        d8, d9, d10, d11 = taps[1, j + 8], taps[1, j + 9], taps[1, j + 10], taps[1, j + 11]
        for u in range(first, first + whole, UNIT):
            v = history[s, u + o : u + o + UNIT + PASS - 1]
            out = plain[i, u : u + UNIT]
            out_ramped = ramped[m, u : u + UNIT]
            r = ramp[u : u + UNIT]
            for t in range(UNIT):
                x0, x1, x2, x3 = v[t + 11], v[t + 10], v[t + 9], v[t + 8]
                x4, x5, x6, x7 = v[t + 7], v[t + 6], v[t + 5], v[t + 4]
                x8, x9, x10, x11 = v[t + 3], v[t + 2], v[t + 1], v[t]
                p = (a0 * x0 + a1 * x1 + a2 * x2) + (a3 * x3 + a4 * x4 + a5 * x5)
                p += (a6 * x6 + a7 * x7 + a8 * x8) + (a9 * x9 + a10 * x10 + a11 * x11)
                q = (d0 * x0 + d1 * x1 + d2 * x2) + (d3 * x3 + d4 * x4 + d5 * x5)
                q += (d6 * x6 + d7 * x7 + d8 * x8) + (d9 * x9 + d10 * x10 + d11 * x11)
                if j > 0:
                    p += out[t]
                p += r[t] * q
                out[t] = p
                out_ramped[t] = p * r[t]
    for t in range(first + whole, last):
        total = np.float32(0.0)
        for j in range(n_taps):
            total += (taps[0, j] + ramp[t] * taps[1, j]) * history[s, at + t + n_taps - 1 - j]
        plain[i, t] = total
        ramped[m, t] = total * ramp[t]


@njit(**_OPTIONS)
def _step_fir(history, s, at, taps, ramp, plain, ramped, i, m):
    """A whole step of a 12-tap filter; alone, for inside the large kernel LLVM makes it slow."""
    _blended_fir(history, s, at, taps, ramp, PASS, 0, STEP, plain, ramped, i, m)


@njit(**_OPTIONS)
def _varying_fir(
    history, s, reach, first, last, start, slope, begin, table, centre, ramp, plain, ramped, i, m
):  # fmt: skip
    """plain[i] = a delay that runs fast, its filter taken anew for each sample (Doppler)."""
    for t in range(first, last):
        delay = start + slope * (t + 1 - begin)
        whole = int(delay)
        low, part = _phase(delay - whole)
        newest = reach + t - whole + centre
        total = np.float32(0.0)
        for j in range(table.shape[1]):
            tap = table[low, j] + part * (table[low + 1, j] - table[low, j])
            total += tap * history[s, newest - j]
        plain[i, t] = total
        ramped[m, t] = total * ramp[t]


@njit(inline="always", **_OPTIONS)
def _load_gains(
    old_gains, new_gains, s, first, n_gains, moving, plain_gains, ramped_gains, i, m
):  # fmt: skip
    """The gains of row i and, for one that moves, their change for the ramped row m."""
    # Slices: an index with an unknown sign costs a test a number, and no vectors.
    old = old_gains[s, first : first + n_gains]
    new = new_gains[s, first : first + n_gains]
    if moving:
        for k in range(n_gains):
            plain_gains[i, k] = old[k]
            ramped_gains[m, k] = new[k] - old[k]
    else:
        for k in range(n_gains):
            plain_gains[i, k] = new[k]
    for k in range(n_gains, plain_gains.shape[1]):
        plain_gains[i, k] = 0.0
        ramped_gains[m, k] = 0.0


@njit(**_OPTIONS)
def _mix(rows, row_gains, used, first, last, bus):
    """Bus k += the sum over rows of gain (row, k) x row."""
    n_buses = bus.shape[0]
    padded = (used + 3) // 4 * 4
    for i in range(used, padded):
        for k in range(n_buses):
            row_gains[i, k] = 0.0
    if last - first == STEP:
        _mix_step(rows, row_gains, padded, bus)
    else:
        for i in range(used):
            x = rows[i, first:last]
            for k in range(n_buses):
                g = row_gains[i, k]
                y = bus[k, first:last]
                for t in range(last - first):
                    y[t] += g * x[t]


@njit(**_OPTIONS)
def _mix_step(x, g, n_rows, bus):
    """The same for a whole step, four rows by four buses: 16 products for 8 loads, 4 stores."""
    for i in range(0, n_rows, 4):
        for k in range(0, bus.shape[0], 4):
            a0, a1, a2, a3 = g[i, k], g[i, k + 1], g[i, k + 2], g[i, k + 3]
            b0, b1, b2, b3 = g[i + 1, k], g[i + 1, k + 1], g[i + 1, k + 2], g[i + 1, k + 3]
            c0, c1, c2, c3 = g[i + 2, k], g[i + 2, k + 1], g[i + 2, k + 2], g[i + 2, k + 3]
            d0, d1, d2, d3 = g[i + 3, k], g[i + 3, k + 1], g[i + 3, k + 2], g[i + 3, k + 3]
            for t in range(STEP):
                p, q, r, s = x[i, t], x[i + 1, t], x[i + 2, t], x[i + 3, t]
                bus[k, t] += (a0 * p + b0 * q) + (c0 * r + d0 * s)
                bus[k + 1, t] += (a1 * p + b1 * q) + (c1 * r + d1 * s)
                bus[k + 2, t] += (a2 * p + b2 * q) + (c2 * r + d2 * s)
                bus[k + 3, t] += (a3 * p + b3 * q) + (c3 * r + d3 * s)


@njit(**_OPTIONS)
def scatter(bus, phase, count, out, offset, pending):
    """Full rank: bus k is the tap k of every response; out is their sum, each delayed by k.

    Args:
        bus: (2, K, STEP); samples phase to phase + count are taken.
        phase: first sample of the step.
        count: samples rendered.
        out: (2, T) written from ``offset`` on.
        offset: first sample of ``out``.
        pending: (2, K + STEP) sums of later samples; moved on when the step ends.
    """
    n_buses = bus.shape[1]
    for e in range(2):
        sums = pending[e]
        for k in range(n_buses):
            x = bus[e, k, phase : phase + count]
            y = sums[phase + k : phase + k + count]
            for t in range(count):
                y[t] += x[t]
        for t in range(count):
            out[e, offset + t] = sums[phase + t]
        if phase + count == STEP:
            for t in range(n_buses):
                sums[t] = sums[t + STEP]
            sums[n_buses:] = 0.0
