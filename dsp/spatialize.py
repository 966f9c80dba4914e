"""The renderer's kernels: where sources stand, their moving delays, and their mix into buses.

One control step is ``STEP`` samples. ``aim`` runs when a step begins and sets, for each source,
the gains and delays to be reached at its end; ``spatialize`` renders any part of the step. Both
take plain arrays, allocate nothing, raise nothing and hold no GIL.

Letters: S sources, E ears, K buses an ear, T triangles, V vertices, R samples of a history row.
"""

import numpy as np
from numba import njit

STEP = 128  # samples of a control step
SUB = 64  # samples over which one pair of delay filters is blended
TILE = 16  # sources mixed together: their delayed signals stay in the first-level cache
ROWS = 2 * TILE  # a source that moves takes two rows: its signal, and the signal times the ramp
PASS = 6  # delay taps a pass; the number of taps is a multiple of it
PHASES = 128  # rows of the delay table a sample
IDLE, CONSTANT, CHANGE = 0, 1, 2

# No nnan and ninf: sources with NaN are found by arithmetic on NaN.
_OPTIONS = {
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
        table_gains: (V, 2K) gains of the buses, left ear's first.
        table_delays: (V, 2) delays in samples.
        triangle: (S,) in and out, where each source was found last.
        old_gains, new_gains: (S, 2K) out, at the begin and end of the step.
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
    for _ in range(96):
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
    audio, offset, count, phase, history, reach, ramp, state, quiet, nonfinite,
    old_gains, new_gains, old_delays, new_delays, table, centre, rows, row_gains, bus,
):  # fmt: skip
    """Add all sources to the buses for samples ``phase`` to ``phase + count`` of a step.

    Args:
        audio: (S, T) float32; samples ``offset`` to ``offset + count`` are taken.
        offset: first sample of ``audio``.
        count: samples to render, at most ``STEP - phase``.
        phase: samples of this step rendered before.
        history: (S, R) float32, R = reach + STEP: past samples, then those of this step.
        reach: samples of the past that a delay may need.
        ramp: (STEP,) float32, (t + 1) / STEP.
        state: (S,) IDLE, CONSTANT or CHANGE, from ``aim``.
        quiet: (S,) samples since the source was last not zero; a silent past costs nothing.
        nonfinite: (S,) counts calls in which a source held NaN or infinity and was silenced.
        old_gains, new_gains: (S, 2K); old_delays, new_delays: (S, 2).
        table: delay filters, from ``delay_table``; centre: its first row's delay in samples.
        rows: (2, ROWS, STEP) and row_gains (2, ROWS, K): scratch.
        bus: (2, K, STEP) out; only samples phase to phase + count are written.
    """
    n_sources = len(state)
    n_buses = bus.shape[1]
    end = phase + count
    bus[:, :, phase:end] = 0.0
    used = 0
    for s in range(n_sources):
        row = history[s]
        _take(audio[s], offset, count, row, reach + phase, s, quiet, nonfinite)
        if state[s] != IDLE and quiet[s] < reach + STEP:
            need = 2 if state[s] == CHANGE else 1
            if used + need > ROWS:
                _mix(rows, row_gains, used, phase, end, bus)
                used = 0
            for e in range(2):
                moving = state[s] == CHANGE
                _delay(
                    row, reach, phase, end, old_delays[s, e], new_delays[s, e], moving,
                    table, centre, ramp, rows[e, used], rows[e, min(used + 1, ROWS - 1)],
                )  # fmt: skip
                g0 = old_gains[s, e * n_buses : (e + 1) * n_buses]
                g1 = new_gains[s, e * n_buses : (e + 1) * n_buses]
                if moving:
                    for k in range(n_buses):
                        row_gains[e, used, k] = g0[k]
                        row_gains[e, used + 1, k] = g1[k] - g0[k]
                else:
                    for k in range(n_buses):
                        row_gains[e, used, k] = g1[k]
            used += need
        if end == STEP:
            for t in range(reach):
                row[t] = row[t + STEP]
    if used > 0:
        _mix(rows, row_gains, used, phase, end, bus)


@njit(**_OPTIONS)
def _take(audio, offset, count, row, at, s, quiet, nonfinite):
    """Copy new samples into a history row; silence them when one is NaN or infinite."""
    source = audio[offset : offset + count]
    target = row[at : at + count]
    check = np.float32(0.0)
    level = np.float32(0.0)
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


@njit(**_OPTIONS)
def _delay(row, reach, phase, end, old, new, moving, table, centre, ramp, out, ramped):
    """One ear's delayed signal (and the same times the ramp, for one that moves)."""
    taps = table.shape[1]
    if not moving:
        whole = int(new)
        x = row[reach + phase - whole + centre - taps + 1 :]
        low, part = _phase(new - whole)
        _fir(x, table[low], table[low + 1], part, end - phase, out[phase:end])
        return
    for begin in range(0, STEP, SUB):
        first, last = max(begin, phase), min(begin + SUB, end)
        if first >= last:
            continue
        a = old + (new - old) * (begin / STEP)
        b = old + (new - old) * ((begin + SUB) / STEP)
        whole = int(min(a, b))
        if abs(a - b) < 0.9:
            x = row[reach + first - whole + centre - taps + 1 :]
            low_a, part_a = _phase(a - whole)
            low_b, part_b = _phase(b - whole)
            _blended_fir(
                x, table[low_a], table[low_a + 1], part_a, table[low_b], table[low_b + 1], part_b,
                first - begin, last - first, ramp, out[first:last],
            )  # fmt: skip
        else:
            _varying_fir(row, reach, first, last, a, (b - a) / SUB, begin, table, centre, out)
    o, r, p = out[phase:end], ramped[phase:end], ramp[phase:end]
    for t in range(end - phase):
        r[t] = o[t] * p[t]


@njit(**_OPTIONS)
def _phase(fraction):
    """Row of the delay table below a fraction (0 to 2), and the share of the row above it."""
    position = fraction * PHASES
    low = min(int(position), 2 * PHASES - 1)
    return low, np.float32(position - low)


@njit(**_OPTIONS)
def _fir(x, low, high, part, count, out):
    """Out = one delay filter on x; tap 0 belongs to the newest sample."""
    taps = len(low)
    for j in range(0, taps, PASS):
        at = taps - 1 - j
        a0 = low[j] + part * (high[j] - low[j])
        a1 = low[j + 1] + part * (high[j + 1] - low[j + 1])
        a2 = low[j + 2] + part * (high[j + 2] - low[j + 2])
        a3 = low[j + 3] + part * (high[j + 3] - low[j + 3])
        a4 = low[j + 4] + part * (high[j + 4] - low[j + 4])
        a5 = low[j + 5] + part * (high[j + 5] - low[j + 5])
        v = x[at - 5 : at + count]
        if j == 0:
            for t in range(count):
                out[t] = (a0 * v[t + 5] + a1 * v[t + 4] + a2 * v[t + 3]) + (
                    a3 * v[t + 2] + a4 * v[t + 1] + a5 * v[t]
                )
        else:
            for t in range(count):
                out[t] += (a0 * v[t + 5] + a1 * v[t + 4] + a2 * v[t + 3]) + (
                    a3 * v[t + 2] + a4 * v[t + 1] + a5 * v[t]
                )


@njit(**_OPTIONS)
def _blended_fir(x, low, high, part, low2, high2, part2, begin, count, ramp, out):
    """Out = a delay filter on x that turns linearly from one into another within SUB samples."""
    taps = len(low)
    # (t + 1) / SUB from (t + 1) / STEP
    scale = np.float32(STEP / SUB)
    r = ramp[begin : begin + count]
    for j in range(0, taps, PASS):
        at = taps - 1 - j
        a0 = low[j] + part * (high[j] - low[j])
        a1 = low[j + 1] + part * (high[j + 1] - low[j + 1])
        a2 = low[j + 2] + part * (high[j + 2] - low[j + 2])
        a3 = low[j + 3] + part * (high[j + 3] - low[j + 3])
        a4 = low[j + 4] + part * (high[j + 4] - low[j + 4])
        a5 = low[j + 5] + part * (high[j + 5] - low[j + 5])
        d0 = scale * (low2[j] + part2 * (high2[j] - low2[j]) - a0)
        d1 = scale * (low2[j + 1] + part2 * (high2[j + 1] - low2[j + 1]) - a1)
        d2 = scale * (low2[j + 2] + part2 * (high2[j + 2] - low2[j + 2]) - a2)
        d3 = scale * (low2[j + 3] + part2 * (high2[j + 3] - low2[j + 3]) - a3)
        d4 = scale * (low2[j + 4] + part2 * (high2[j + 4] - low2[j + 4]) - a4)
        d5 = scale * (low2[j + 5] + part2 * (high2[j + 5] - low2[j + 5]) - a5)
        v = x[at - 5 : at + count]
        if j == 0:
            for t in range(count):
                x0, x1, x2, x3, x4, x5 = v[t + 5], v[t + 4], v[t + 3], v[t + 2], v[t + 1], v[t]
                u = (a0 * x0 + a1 * x1 + a2 * x2) + (a3 * x3 + a4 * x4 + a5 * x5)
                w = (d0 * x0 + d1 * x1 + d2 * x2) + (d3 * x3 + d4 * x4 + d5 * x5)
                out[t] = u + r[t] * w
        else:
            for t in range(count):
                x0, x1, x2, x3, x4, x5 = v[t + 5], v[t + 4], v[t + 3], v[t + 2], v[t + 1], v[t]
                u = (a0 * x0 + a1 * x1 + a2 * x2) + (a3 * x3 + a4 * x4 + a5 * x5)
                w = (d0 * x0 + d1 * x1 + d2 * x2) + (d3 * x3 + d4 * x4 + d5 * x5)
                out[t] += u + r[t] * w


@njit(**_OPTIONS)
def _varying_fir(row, reach, first, last, start, slope, begin, table, centre, out):
    """Out = a delay that runs fast, its filter taken anew for each sample (Doppler, jumps)."""
    taps = table.shape[1]
    for t in range(first, last):
        delay = start + slope * (t + 1 - begin)
        whole = int(delay)
        low, part = _phase(delay - whole)
        newest = reach + t - whole + centre
        total = np.float32(0.0)
        for j in range(taps):
            tap = table[low, j] + part * (table[low + 1, j] - table[low, j])
            total += tap * row[newest - j]
        out[t] = total


@njit(**_OPTIONS)
def _mix(rows, row_gains, used, first, last, bus):
    """Bus k += the sum over rows of gain (row, k) x row: four rows by four buses at a time."""
    n_buses = bus.shape[1]
    padded = (used + 3) // 4 * 4
    count = last - first
    for e in range(2):
        gains = row_gains[e]
        for i in range(used, padded):
            for k in range(n_buses):
                gains[i, k] = 0.0
        for i in range(0, padded, 4):
            x0, x1 = rows[e, i, first:last], rows[e, i + 1, first:last]
            x2, x3 = rows[e, i + 2, first:last], rows[e, i + 3, first:last]
            for k in range(0, n_buses, 4):
                a0, a1, a2, a3 = gains[i, k], gains[i, k + 1], gains[i, k + 2], gains[i, k + 3]
                b0, b1, b2, b3 = (
                    gains[i + 1, k], gains[i + 1, k + 1], gains[i + 1, k + 2], gains[i + 1, k + 3],
                )  # fmt: skip
                c0, c1, c2, c3 = (
                    gains[i + 2, k], gains[i + 2, k + 1], gains[i + 2, k + 2], gains[i + 2, k + 3],
                )  # fmt: skip
                d0, d1, d2, d3 = (
                    gains[i + 3, k], gains[i + 3, k + 1], gains[i + 3, k + 2], gains[i + 3, k + 3],
                )  # fmt: skip
                y0, y1 = bus[e, k, first:last], bus[e, k + 1, first:last]
                y2, y3 = bus[e, k + 2, first:last], bus[e, k + 3, first:last]
                for t in range(count):
                    p, q, r, s = x0[t], x1[t], x2[t], x3[t]
                    y0[t] += (a0 * p + b0 * q) + (c0 * r + d0 * s)
                    y1[t] += (a1 * p + b1 * q) + (c1 * r + d1 * s)
                    y2[t] += (a2 * p + b2 * q) + (c2 * r + d2 * s)
                    y3[t] += (a3 * p + b3 * q) + (c3 * r + d3 * s)


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
