# mypy: disable-error-code="no-untyped-def"
"""Kernels of distance: where each ear looks, and what that adds to delays and spectra.

``aim_distance`` runs when a control step begins, before sources are looked up in the mesh; the
filters it sets run in ``spatialize``. Kernels take arrays and the address of a record, allocate
nothing, raise nothing and hold no GIL.

Letters: S sources, E ears, A angles, D distances.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.engine_record import (
    AIR_LAST,
    AIR_SCALE_M,
    CUES,
    HEAD_RADIUS_M,
    NEAREST_M,
    REFERENCE_M,
    SAMPLES_PER_M,
)
from auricle.dsp.compiled.options import kernel
from auricle.dsp.compiled.records import f64

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py

BYPASS, CONSTANT, CHANGE = 0, 1, 2
# Near-field cues are whole from nine tenths of their limit on: half a metre of fading, from 1 m to
# 0.5 m, lost 1.6 dB of ILD at 0.75 m.
FADE = 10.0
# Cues at the very limit are weaker than -95 dB; many sources stand just there, at 1 m.
LIMIT_SHARE = 0.999
FARTHEST_M = 1e30  # as in control_step.py

# As in near_field.py; tests hold them together. Here, since compiled code is cached file by file.
PARALLAX_RADIUS = 0.75
FADE_COSINE = 0.2

_cues = CUES.read


@kernel
def aim_distance(at, positions, world_to_head, listener_position, snap):
    """Set what distance asks of each source and ear at the end of the step that begins.

    Nothing is done where no source asks for anything and none did in the step before.

    Args:
        at: address of the ``CUES``; where ``near`` is False, ``directions`` and ``delays`` need not
            be heeded; ``memory`` is emptied where filters are bypassed.
        positions: (S, 3) world positions in metres.
        world_to_head: (3, 3) world to head axes.
        listener_position: (3,) in metres.
        snap: whether the new filters hold from the step's first sample on.
    """
    _aim_distance(_cues(at), positions, world_to_head, listener_position, snap)


@kernel
def _aim_distance(c, positions, world_to_head, listener_position, snap):
    """The same on the record."""
    near_table, air_table, limits_m, in_use = c.near_table, c.air_table, c.limits_m, c.in_use
    asked = air_table.shape[0] > 0 or (
        near_table.shape[0] > 0 and any_nearer(positions, listener_position, limits_m)
    )
    # A step longer than asked: filters return to doing nothing within it.
    if not asked and in_use[0] == 0:
        return
    numbers, ears, in_air, near, pre_onset_gain = (
        c.numbers,
        c.ears,
        c.in_air,
        c.near,
        c.pre_onset_gain,
    )
    directions, delays, state, memory = c.directions, c.delays, c.state, c.memory
    old, new = c.filters[0], c.filters[1]
    reference_m, nearest_m = numbers[REFERENCE_M], numbers[NEAREST_M]
    head_radius_m, samples_per_m = numbers[HEAD_RADIUS_M], numbers[SAMPLES_PER_M]
    air_scale_m, air_last = numbers[AIR_SCALE_M], numbers[AIR_LAST]
    with_near, with_air = near_table.shape[0] > 1, air_table.shape[0] > 1
    n_filtered = 0
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
        x, y, z = x / distance, y / distance, z / distance
        limit_m = limits_m[s]
        limit = min(limit_m, reference_m) if with_near else 0.0
        near[s] = distance < LIMIT_SHARE * limit
        pre_onset_gain[s] = (
            1.0 - _smooth_step(FADE * (limit - distance) / limit) if near[s] else 1.0
        )
        same = True
        plain = True
        for e in range(2):
            directions[s, e, 0], directions[s, e, 1], directions[s, e, 2] = x, y, z
            delays[s, e] = 0.0
            a, b = old[s, e], new[s, e]
            for i in range(5):
                a[i] = b[i]
            if near[s]:
                r = max(distance, nearest_m)
                share = 1.0
                if limit_m <= reference_m:
                    share = _smooth_step(FADE * (limit_m - r) / limit_m)
                _near(
                    x, y, z, r, share, ears[e], near_table, reference_m, nearest_m,
                    head_radius_m, samples_per_m, directions[s, e], delays[s], e, b,
                )  # fmt: skip
            elif with_air and in_air[s]:
                _air(distance - limit, air_table, air_scale_m, air_last, b)
            else:
                _pass_all(b)
            for i in range(5):
                if snap:
                    a[i] = b[i]
                same = same and a[i] == b[i]
                plain = plain and b[i] == (1.0 if i == 0 else 0.0)
        if same and plain:
            state[s] = BYPASS
            memory[s] = 0.0
        else:
            state[s] = CONSTANT if same else CHANGE
            n_filtered += 1
    in_use[0] = 1 if asked or n_filtered > 0 else 0


@kernel
def any_nearer(positions, listener_position, limits_m):
    """Whether a source (S, 3) is nearer to the origin (3,) than its limit (S,)."""
    n_nearer = 0
    for s in range(len(positions)):  # to the end: a way out in the middle would keep vectors out
        x = positions[s, 0] - listener_position[0]
        y = positions[s, 1] - listener_position[1]
        z = positions[s, 2] - listener_position[2]
        limit_m = LIMIT_SHARE * limits_m[s]
        n_nearer += x * x + y * y + z * z < limit_m * limit_m
    return n_nearer > 0


@kernel
def _near(
    x, y, z, r, share, ear, table, reference_m, nearest_m, head_radius_m, samples_per_m,
    direction, delays, e, filters,
):  # fmt: skip
    """One ear's direction, delay and filter for a source at distance r; share 0 changes nothing."""
    cosine = min(max(x * ear[0] + y * ear[1] + z * ear[2], -1.0), 1.0)
    inner = PARALLAX_RADIUS * head_radius_m
    sx, sy, sz = r * x - inner * ear[0], r * y - inner * ear[1], r * z - inner * ear[2]
    length = np.sqrt(sx * sx + sy * sy + sz * sz)
    sx, sy, sz = sx / length, sy / length, sz / length
    ahead = inner * (sx * ear[0] + sy * ear[1] + sz * ear[2])
    reach = np.sqrt(ahead * ahead + reference_m * reference_m - inner * inner) - ahead
    seen = share * _smooth_step((cosine + FADE_COSINE) / (2.0 * FADE_COSINE))
    px = x + seen * ((inner * ear[0] + reach * sx) / reference_m - x)
    py = y + seen * ((inner * ear[1] + reach * sy) / reference_m - y)
    pz = z + seen * ((inner * ear[2] + reach * sz) / reference_m - z)
    length = np.sqrt(px * px + py * py + pz * pz)
    px, py, pz = px / length, py / length, pz / length
    direction[0], direction[1], direction[2] = px, py, pz
    far_cosine = min(max(px * ear[0] + py * ear[1] + pz * ear[2], -1.0), 1.0)
    near_m = _path_m(r, cosine, head_radius_m)
    far_m = _path_m(reference_m, far_cosine, head_radius_m)
    if share < 1.0:  # delays fade from those of the source's own direction at the set's distance
        near_m = share * near_m + (1.0 - share) * _path_m(reference_m, cosine, head_radius_m)
    delays[e] = samples_per_m * (near_m - far_m)
    _look_up(cosine, r, table, reference_m, nearest_m, filters)
    for i in range(5):
        filters[i] = share * filters[i] + (1.0 - share) * table[0, 0, i]


@kernel
def _look_up(cosine, r, table, reference_m, nearest_m, filters):
    n_angles, n_distances = table.shape[0], table.shape[1]
    at = np.arccos(cosine) / np.pi * (n_angles - 1)
    i = min(int(at), n_angles - 2)
    u = at - i
    lowest, highest = 1.0 / reference_m, 1.0 / nearest_m
    at = (1.0 / r - lowest) / (highest - lowest) * (n_distances - 1)
    at = min(max(at, 0.0), n_distances - 1.0)
    j = min(int(at), n_distances - 2)
    v = at - j
    for k in range(5):
        first = table[i, j, k] + v * (table[i, j + 1, k] - table[i, j, k])
        second = table[i + 1, j, k] + v * (table[i + 1, j + 1, k] - table[i + 1, j, k])
        filters[k] = first + u * (second - first)


@kernel
def _air(distance, table, scale_m, last, filters):
    n = table.shape[0]
    at = min(distance / (distance + scale_m) / last, 1.0) * (n - 1)
    i = min(int(at), n - 2)
    u = at - i
    for k in range(5):
        filters[k] = table[i, k] + u * (table[i + 1, k] - table[i, k])


@kernel
def _pass_all(filters):
    filters[0] = 1.0
    filters[1] = filters[2] = filters[3] = filters[4] = 0.0


@kernel
def _path_m(r, cosine, a):
    """As ``rigid_sphere.path_m``, of a source at a finite distance."""
    angle = np.arccos(cosine)
    horizon = np.arccos(a / r)
    if angle <= horizon:
        return (a * a - 2.0 * a * r * cosine) / (np.sqrt(r * r + a * a - 2.0 * a * r * cosine) + r)
    return a * (angle - horizon) - a * a / (np.sqrt(r * r - a * a) + r)


@kernel
def _smooth_step(x):
    t = min(max(x, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


AIM_DISTANCE = Routine(aim_distance, types.void(types.int64, f64(2), f64(2), f64(1), types.boolean))
