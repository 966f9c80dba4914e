# mypy: disable-error-code="no-untyped-def"
"""Where each source is heard: the gains and delays that it reaches at the end of a control step.

Letters: S sources, E ears, K buses an ear, G gains of a source, T triangles, V vertices.
"""

import numpy as np

from auricle.dsp.compiled.engine_record import CENTRE, CUES, CUES_AT, ENGINE, PRE_ONSET, RANK
from auricle.dsp.compiled.options import kernel

OPTIONS = "d9ff342f91a0"  # the text of options.py by which the kernels below are compiled
RECORDS = "554250c163e1"  # the text of records.py that is compiled into the kernels below
ENGINE_RECORD = "cf9908a7efc0"  # likewise of engine_record.py

MAX_STEPS = 512  # of the walk over the mesh; a refined one is 150 triangles across
IDLE, CONSTANT, CHANGE = 0, 1, 2
LARGEST_GAIN = 1e6  # as in streaming/input_checks.py
FARTHEST_M = 1e30  # beyond it squares may be infinite

_engine, _cues = ENGINE.read, CUES.read


@kernel
def aim(at, positions, world_to_head, listener_position, gains, distance_gain, snap):
    """Set the gains and delays that each source reaches at the end of the step that begins.

    Args:
        at: address of the ``ENGINE``, whose ``CUES`` hold for this step already; written are
            ``triangle``, ``gains_begin``, ``gains_delta``, ``delays`` and ``state``.
        positions: (S, 3) world positions in metres.
        world_to_head: (3, 3) world to head axes.
        listener_position: (3,) the listener's position in metres.
        gains: (S,) linear gains; 0 switches a source off. With distance they are held to
            LARGEST_GAIN.
        distance_gain: whether the level falls as 1/r from 1 m.
        snap: whether the new values hold from the step's first sample on.
    """
    e = _engine(at)
    _aim(
        e,
        _cues(e.parts[CUES_AT]),
        positions,
        world_to_head,
        listener_position,
        gains,
        distance_gain,
        snap,
    )


@kernel
def _aim(a, c, positions, world_to_head, listener_position, gains, distance_gain, snap):
    """The same on the records: of the ``ENGINE`` and of its ``CUES``."""
    barycentric, neighbours, triangles = a.barycentric, a.neighbours, a.triangles
    table_gains, table_delays = a.gains_table, a.delays_table
    near, pre_onset_gain, near_directions, near_delays = (
        c.near,
        c.pre_onset_gain,
        c.directions,
        c.delays,
    )
    n_buses, n_pre_onset, least_delay = a.sizes[RANK], a.sizes[PRE_ONSET], float(a.sizes[CENTRE])
    triangle, gains_begin, gains_delta, state = a.triangle, a.gains_begin, a.gains_delta, a.state
    delays_begin, delays_end = a.delays[0], a.delays[1]
    n_gains = gains_begin.shape[1]
    for s in range(len(state)):
        dx = positions[s, 0] - listener_position[0]
        dy = positions[s, 1] - listener_position[1]
        dz = positions[s, 2] - listener_position[2]
        x = world_to_head[0, 0] * dx + world_to_head[0, 1] * dy + world_to_head[0, 2] * dz
        y = world_to_head[1, 0] * dx + world_to_head[1, 1] * dy + world_to_head[1, 2] * dz
        z = world_to_head[2, 0] * dx + world_to_head[2, 1] * dy + world_to_head[2, 2] * dz
        distance = np.sqrt(x * x + y * y + z * z)
        if not distance > 1e-9:  # NaN too: straight ahead
            x, y, z, distance = 1.0, 0.0, 0.0, 1.0
        if distance > FARTHEST_M:
            x, y, z, distance = FARTHEST_M, 0.0, 0.0, FARTHEST_M
        shrink = 1.0 / distance
        x, y, z = x * shrink, y * shrink, z * shrink
        level = gains[s]
        if distance_gain:
            level /= max(distance, 0.1)
        level = min(max(level, -LARGEST_GAIN), LARGEST_GAIN) if level == level else 0.0
        if near[s]:
            moved, loud = np.float32(0.0), np.float32(0.0)
            for e in range(2):
                d = near_directions[s, e]
                t = _walk(d[0], d[1], d[2], triangle[s, e], barycentric, neighbours)
                triangle[s, e] = t
                w0, w1, w2 = _weights(d[0], d[1], d[2], barycentric[t])
                first, heads = e * n_buses, 2 * n_buses + e * n_pre_onset
                by, before = _blend(
                    w0 * level, w1 * level, w2 * level, triangles[t], table_gains, gains_begin[s],
                    gains_delta[s], first, first + n_buses,
                )  # fmt: skip
                rest = level * pre_onset_gain[s]
                by_heads, before_heads = _blend(
                    w0 * rest, w1 * rest, w2 * rest, triangles[t], table_gains, gains_begin[s],
                    gains_delta[s], heads, heads + n_pre_onset,
                )  # fmt: skip
                moved += by + by_heads
                loud += before + before_heads
                after = _blended_delay(w0, w1, w2, triangles[t], table_delays, e)
                delays_begin[s, e] = delays_end[s, e]
                delays_end[s, e] = max(after + near_delays[s, e], least_delay)
        else:
            t = _walk(x, y, z, triangle[s, 0], barycentric, neighbours)
            triangle[s, 0] = triangle[s, 1] = t
            w0, w1, w2 = _weights(x, y, z, barycentric[t])
            moved, loud = _blend(
                w0 * level, w1 * level, w2 * level, triangles[t], table_gains, gains_begin[s],
                gains_delta[s], 0, n_gains,
            )  # fmt: skip
            for e in range(2):
                delays_begin[s, e] = delays_end[s, e]
                delays_end[s, e] = _blended_delay(w0, w1, w2, triangles[t], table_delays, e)
        fresh = loud == 0.0 or snap  # a source that fades in has no delay to come from
        for e in range(2):
            if fresh:
                delays_begin[s, e] = delays_end[s, e]
            moved += abs(delays_end[s, e] - delays_begin[s, e])
        if snap:
            for k in range(n_gains):
                gains_begin[s, k] += gains_delta[s, k]
                gains_delta[s, k] = 0.0
            moved = np.float32(0.0)
        if level == 0.0 and fresh:
            state[s] = IDLE
        elif moved == 0.0:
            state[s] = CONSTANT
        else:
            state[s] = CHANGE


@kernel
def _blend(a, b, c, corners, table, gains_begin, gains_delta, first, last):
    """Move gains ``first`` to ``last`` on; returns the sums of their changes and old sizes."""
    r0, r1, r2 = table[corners[0]], table[corners[1]], table[corners[2]]
    a, b, c = np.float32(a), np.float32(b), np.float32(c)
    moved, loud = np.float32(0.0), np.float32(0.0)
    for k in range(first, last):
        before = gains_begin[k] + gains_delta[k]
        by = a * r0[k] + b * r1[k] + c * r2[k] - before
        gains_begin[k] = before
        gains_delta[k] = by
        moved += abs(by)
        loud += abs(before)
    return moved, loud


@kernel
def _blended_delay(w0, w1, w2, corners, table, e):
    return w0 * table[corners[0], e] + w1 * table[corners[1], e] + w2 * table[corners[2], e]


@kernel
def _weights(x, y, z, barycentric):
    w0 = max(barycentric[0, 0] * x + barycentric[0, 1] * y + barycentric[0, 2] * z, 0.0)
    w1 = max(barycentric[1, 0] * x + barycentric[1, 1] * y + barycentric[1, 2] * z, 0.0)
    w2 = max(barycentric[2, 0] * x + barycentric[2, 1] * y + barycentric[2, 2] * z, 0.0)
    total = w0 + w1 + w2
    if not total > 0.0:
        return 1.0, 0.0, 0.0
    return w0 / total, w1 / total, w2 / total


@kernel
def _walk(x, y, z, t, barycentric, neighbours):
    """The triangle that holds a direction: from the last one across the edge it lies beyond."""
    for _ in range(MAX_STEPS):
        m = barycentric[t]
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
    for i in range(len(barycentric)):
        m = barycentric[i]
        w0 = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
        w1 = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
        w2 = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
        least = min(w0, min(w1, w2)) / (abs(w0) + abs(w1) + abs(w2) + 1e-30)
        if least > best:
            best, best_t = least, i
    return best_t
