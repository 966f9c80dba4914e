# mypy: disable-error-code="no-untyped-def"
"""Where each source is heard: the gains and delays that it reaches at the end of a control step.

Letters: S sources, E ears, K buses an ear, G gains of a source, T triangles, V vertices.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.engine_record import (
    ACROSS,
    ACTIVE,
    CENTRE,
    CUES,
    CUES_AT,
    DELAYS,
    ENGINE,
    PRE_ONSET,
    RANK,
    RESTLESS,
    WOKEN,
)
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f64
from auricle.dsp.compiled.simd import (
    LANES,
    add,
    add_product,
    broadcast,
    get,
    load,
    pointer,
    reduce_add,
    store,
    subtract_product,
)

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # likewise of simd.py
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py

MAX_STEPS = 512  # of the walk over the mesh; a refined one is 150 triangles across
# Weights are float32 and their matrices' entries up to some tens: a direction on an edge may have
# one as little below zero.
EDGE = np.float32(-4e-6)
IDLE, CONSTANT, CHANGE = 0, 1, 2
LARGEST_GAIN = 1e6  # as in streaming/input_checks.py
# Changes below these are taken at once, and the source is at rest: -120 dB of its gains, and of a
# delay what is -102 dB of a sound at 20 kHz.
SETTLED, SETTLED_SAMPLES = np.float32(1e-6), 3e-6
FARTHEST_M = 1e30  # beyond it squares may be infinite

_engine, _cues = ENGINE.read, CUES.read


@kernel
def aim(at, positions, world_to_head, listener_position, gains, distance_gain, snap, touched):
    """Set the gains and delays that each source reaches at the end of the step that begins.

    Nothing is done while nothing moves. Sources that are silent, delay line and all, wait until
    they sound (``wake``); those at rest, whom nothing has moved since the step before, are left as
    they are. One that is switched off and has faded out is not among the ``active`` ones, and its
    delay line is emptied.

    Args:
        at: address of the ``ENGINE``, whose ``CUES`` hold for this step already; written are
            ``triangle``, ``gains_begin``, ``gains_delta``, ``delays``, ``state``, ``asked``,
            ``pose``, ``stale``, ``fades_in``, ``active``.
        positions: (S, 3) world positions in metres.
        world_to_head: (3, 3) world to head axes.
        listener_position: (3,) in metres.
        gains: (S,) linear gains; 0 switches a source off. With distance they are held to
            LARGEST_GAIN.
        distance_gain: whether the level falls as 1/r from 1 m.
        snap: whether the new values hold from the step's first sample on.
        touched: whether positions or gains may be others than in the step before.
    """
    e = _engine(at)
    still = _take_pose(e.pose, world_to_head, listener_position, distance_gain) and not snap
    if still and not touched and e.counts[RESTLESS] == 0:
        return
    _aim(e, _cues(e.parts[CUES_AT]), positions, gains, snap, still)


@kernel
def wake(at):
    """Aim the sources of ``woken``, as the step under way has asked for, from here on."""
    e = _engine(at)
    _wake(e, _cues(e.parts[CUES_AT]))


@kernel
def _wake(e, c):
    woken, stale, snap = e.woken, e.stale, e.counts[WOKEN] > 0  # typed as in _aim
    for i in range(e.counts[WOKEN]):
        _aim_one(e, c, woken[i], snap)
        stale[woken[i]] = False
        e.counts[RESTLESS] += e.state[woken[i]] == CHANGE


@kernel
def _take_pose(pose, world_to_head, listener_position, distance_gain):
    """Keep the pose of the step that begins; whether it is that of the step before."""
    same = pose[12] == distance_gain
    pose[12] = distance_gain
    for i in range(3):
        same = same and pose[9 + i] == listener_position[i]
        pose[9 + i] = listener_position[i]
        for j in range(3):
            same = same and pose[3 * i + j] == world_to_head[i, j]
            pose[3 * i + j] = world_to_head[i, j]
    return same


@kernel
def _aim(e, c, positions, gains, snap, still):
    """The same on the records; ``still``: the head is as it was in the step before."""
    asked, near, state, stale = e.asked, c.near, e.state, e.stale
    fades_in, active, n_active, n_restless = e.fades_in, e.active, 0, 0
    silent_samples, all_silent = e.silent_samples, e.delay_line.shape[1] + STEP
    for s in range(len(state)):
        gain, silent = gains[s], silent_samples[s] >= all_silent
        if gain == 0.0 and silent:
            if state[s] != IDLE or snap:
                state[s] = IDLE
                fades_in[s] = True
            continue
        x, y, z, is_near = positions[s, 0], positions[s, 1], positions[s, 2], near[s]
        now = asked[s]
        same = (
            still and now[0] == x and now[1] == y and now[2] == z and now[3] == gain
            and not is_near and now[4] == 0.0
        )  # fmt: skip
        now[0], now[1], now[2], now[3], now[4] = x, y, z, gain, is_near
        if silent:
            stale[s] = True
            state[s] = CONSTANT
        elif not same or state[s] == CHANGE:
            _aim_one(e, c, s, snap)
            if state[s] == IDLE:
                e.delay_line[s] = 0.0
                silent_samples[s] = all_silent
                fades_in[s] = True
                continue
        active[n_active] = s
        n_active += 1
        n_restless += state[s] == CHANGE or is_near
    e.counts[ACTIVE], e.counts[RESTLESS] = n_active, n_restless


@kernel
def _aim_one(a, c, s, snap):
    """Aim a source as ``asked`` and ``pose`` say."""
    a.rest_ready[s] = False
    rows, corners, triangle = pointer(a.triangles), pointer(a.corners), a.triangle
    table, n_gains = pointer(a.gains_table), a.gains_begin.shape[1]
    begin, delta, own = pointer(a.gains_begin), pointer(a.gains_delta), s * n_gains
    delays_begin, delays_end = a.delays[0, s], a.delays[1, s]
    x, y, z, level = _seen(a.asked[s], a.pose)
    if c.near[s]:
        moved, loud = _aim_near(a, c, s, level)
    else:
        t = _walk(x, y, z, triangle[s, 0], rows, corners, len(a.corners))
        triangle[s, 0] = triangle[s, 1] = t
        w0, w1, w2 = _weights(x, y, z, rows, t)
        moved, loud = _blend(
            np.float32(w0 * level), np.float32(w1 * level), np.float32(w2 * level), corners, t,
            table, begin, delta, own, n_gains,
        )  # fmt: skip
        for e in range(2):
            delays_begin[e] = delays_end[e]
            delays_end[e] = _blended_delay(w1, w2, rows, t, e)
    fresh = loud == 0.0 or snap  # a source that fades in has no delay to come from
    late = 0.0
    for e in range(2):
        if fresh:
            delays_begin[e] = delays_end[e]
        late = max(late, abs(delays_end[e] - delays_begin[e]))
    if snap or (moved <= SETTLED * SETTLED * loud and late <= SETTLED_SAMPLES):
        _reach(a, c, s, x, y, z, level)
        delays_begin[0], delays_begin[1] = delays_end[0], delays_end[1]
        a.state[s] = IDLE if level == 0.0 and (snap or loud == 0.0) else CONSTANT
    else:
        a.state[s] = CHANGE


@kernel
def _aim_near(a, c, s, level):
    """A source that each ear sees elsewhere; returns as ``_blend``."""
    rows, corners, triangle = pointer(a.triangles), pointer(a.corners), a.triangle
    gains_begin, gains_delta = a.gains_begin[s], a.gains_delta[s]
    n_buses, n_pre_onset, least_delay = a.sizes[RANK], a.sizes[PRE_ONSET], float(a.sizes[CENTRE])
    moved, loud = np.float32(0.0), np.float32(0.0)
    for e in range(2):
        d = c.directions[s, e]
        t = _walk(d[0], d[1], d[2], triangle[s, e], rows, corners, len(a.corners))
        triangle[s, e] = t
        w0, w1, w2 = _weights(d[0], d[1], d[2], rows, t)
        first, before_onset = e * n_buses, 2 * n_buses + e * n_pre_onset
        by, before = _blend_part(
            w0 * level, w1 * level, w2 * level, a.corners[t], a.gains_table, gains_begin,
            gains_delta, first, first + n_buses,
        )  # fmt: skip
        rest = level * c.pre_onset_gain[s]
        by_rest, before_rest = _blend_part(
            w0 * rest, w1 * rest, w2 * rest, a.corners[t], a.gains_table, gains_begin,
            gains_delta, before_onset, before_onset + n_pre_onset,
        )  # fmt: skip
        moved += by + by_rest
        loud += before + before_rest
        after = _blended_delay(w1, w2, rows, t, e)
        a.delays[0, s, e] = a.delays[1, s, e]
        a.delays[1, s, e] = max(after + c.delays[s, e], least_delay)
    return moved, loud


@kernel
def _reach(a, c, s, x, y, z, level):
    """Put a source's gains where they are due, bit for bit the same from wherever they came."""
    rows, table = pointer(a.triangles), a.gains_table
    gains, delta = a.gains_begin[s], a.gains_delta[s]
    n_buses, n_pre_onset = a.sizes[RANK], a.sizes[PRE_ONSET]
    for k in range(len(delta)):
        delta[k] = np.float32(0.0)
    if not c.near[s]:
        t = a.triangle[s, 0]
        w0, w1, w2 = _weights(x, y, z, rows, t)
        _put(w0 * level, w1 * level, w2 * level, a.corners[t], table, gains, 0, len(gains))
        return
    rest = level * c.pre_onset_gain[s]
    for e in range(2):
        t, d = a.triangle[s, e], c.directions[s, e]
        w0, w1, w2 = _weights(d[0], d[1], d[2], rows, t)
        first, before_onset = e * n_buses, 2 * n_buses + e * n_pre_onset
        corners = a.corners[t]
        _put(w0 * level, w1 * level, w2 * level, corners, table, gains, first, first + n_buses)
        _put(
            w0 * rest, w1 * rest, w2 * rest, corners, table, gains, before_onset,
            before_onset + n_pre_onset,
        )  # fmt: skip


@kernel
def _put(a, b, c, corners, table, gains, first, last):
    r0, r1, r2 = table[corners[0]], table[corners[1]], table[corners[2]]
    a, b, c = np.float32(a), np.float32(b), np.float32(c)
    for k in range(first, last):
        gains[k] = a * r0[k] + b * r1[k] + c * r2[k]


@kernel
def _seen(asked, pose):
    """Direction in head axes, a unit vector, and level of a source."""
    dx, dy, dz = asked[0] - pose[9], asked[1] - pose[10], asked[2] - pose[11]
    x = pose[0] * dx + pose[1] * dy + pose[2] * dz
    y = pose[3] * dx + pose[4] * dy + pose[5] * dz
    z = pose[6] * dx + pose[7] * dy + pose[8] * dz
    distance = np.sqrt(x * x + y * y + z * z)
    if not distance > 1e-9:  # NaN too: straight ahead
        x, y, z, distance = 1.0, 0.0, 0.0, 1.0
    if distance > FARTHEST_M:
        x, y, z, distance = FARTHEST_M, 0.0, 0.0, FARTHEST_M
    shrink = 1.0 / distance
    level = asked[3]
    if pose[12] != 0.0:
        level /= max(distance, 0.1)
    level = min(max(level, -LARGEST_GAIN), LARGEST_GAIN) if level == level else 0.0
    return x * shrink, y * shrink, z * shrink, level


@kernel
def _blend(a, b, c, corners, t, table, begin, delta, own, n_gains):
    """Move a source's gains on; returns the sums of the squares of their changes and old sizes."""
    r0, r1 = get(corners, 8 * t) * n_gains, get(corners, 8 * t + 1) * n_gains
    r2 = get(corners, 8 * t + 2) * n_gains
    a, b, c = broadcast(a), broadcast(b), broadcast(c)
    none, one = broadcast(np.float32(0.0)), broadcast(np.float32(1.0))
    moved, loud = none, none
    for k in range(0, n_gains, LANES):
        before = add(load(begin, own + k), load(delta, own + k))
        due = add_product(load(table, r0 + k), a, none)
        due = add_product(load(table, r1 + k), b, due)
        due = add_product(load(table, r2 + k), c, due)
        by = subtract_product(before, one, due)
        store(begin, own + k, before)
        store(delta, own + k, by)
        moved, loud = add_product(by, by, moved), add_product(before, before, loud)
    return reduce_add(moved), reduce_add(loud)


@kernel
def _blend_part(a, b, c, corners, table, gains_begin, gains_delta, first, last):
    """Likewise of gains ``first`` to ``last``."""
    r0, r1, r2 = table[corners[0]], table[corners[1]], table[corners[2]]
    a, b, c = np.float32(a), np.float32(b), np.float32(c)
    moved, loud = np.float32(0.0), np.float32(0.0)
    for k in range(first, last):
        before = gains_begin[k] + gains_delta[k]
        by = a * r0[k] + b * r1[k] + c * r2[k] - before
        gains_begin[k] = before
        gains_delta[k] = by
        moved += by * by
        loud += before * before
    return moved, loud


@kernel
def _blended_delay(w1, w2, rows, t, e):
    at = 16 * t + DELAYS + e
    d0 = float(get(rows, at))
    return d0 + w1 * (get(rows, at + 2) - d0) + w2 * (get(rows, at + 4) - d0)


@kernel
def _raw(x, y, z, rows, at):
    return get(rows, at) * x + get(rows, at + 1) * y + get(rows, at + 2) * z


@kernel
def _weights(x, y, z, rows, t):
    x, y, z, at = np.float32(x), np.float32(y), np.float32(z), 16 * t
    none = np.float32(0.0)
    w0 = max(_raw(x, y, z, rows, at), none)
    w1 = max(_raw(x, y, z, rows, at + 3), none)
    w2 = max(_raw(x, y, z, rows, at + 6), none)
    total = w0 + w1 + w2
    if not total > none:
        return 1.0, 0.0, 0.0
    shrink = 1.0 / total
    return w0 * shrink, w1 * shrink, w2 * shrink


@kernel
def _walk(x, y, z, t, rows, corners, n_triangles):
    """The triangle that holds a direction: from the last one across the edge it lies beyond."""
    x, y, z = np.float32(x), np.float32(y), np.float32(z)
    for _ in range(MAX_STEPS):
        at = 16 * t
        w0 = _raw(x, y, z, rows, at)
        w1 = _raw(x, y, z, rows, at + 3)
        w2 = _raw(x, y, z, rows, at + 6)
        if w0 >= EDGE and w1 >= EDGE and w2 >= EDGE:
            return t
        across = 2
        if w0 <= w1 and w0 <= w2:
            across = 0
        elif w1 <= w2:
            across = 1
        t = get(corners, 8 * t + ACROSS + across)
    best, best_t = np.float32(-1e30), t  # a walk that runs in circles: look at all
    for i in range(n_triangles):
        at = 16 * i
        w0 = _raw(x, y, z, rows, at)
        w1 = _raw(x, y, z, rows, at + 3)
        w2 = _raw(x, y, z, rows, at + 6)
        least = min(w0, min(w1, w2)) / (abs(w0) + abs(w1) + abs(w2) + np.float32(1e-30))
        if least > best:
            best, best_t = least, i
    return best_t


AIM = Routine(
    aim,
    types.void(
        types.int64, f64(2), f64(2), f64(1), f64(1), types.boolean, types.boolean, types.boolean
    ),
)
WAKE = Routine(wake, types.void(types.int64))
