# mypy: disable-error-code="no-untyped-def"
"""The block function: both ears of all sources for a call of any length.

Motion runs on a fixed grid of control steps: places and poses are taken when a step begins, and
gains and delays move linearly to them within it. One function for ``BinauralRenderer`` and for the
audio thread of ``Live``: it allocates nothing, waits for nobody and needs no interpreter.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.engine_record import ENGINE, TAIL
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32
from auricle.dsp.compiled.renderer_record import (
    AIM_ENGINE_AT,
    AIM_WAY_AT,
    AIM_WIDTH_AT,
    ASKED,
    COMES,
    COMING_STEP,
    COPIES_AT,
    DECORRELATE_AT,
    DELAY_AT,
    DISTANCE_GAIN,
    ENGINE_AT,
    INHERIT_AT,
    JUMP,
    LEVELLED,
    MOVED,
    NOW,
    PHASE,
    PLAYS,
    PROPAGATION,
    PROPAGATION_AT,
    QUIET_STEPS,
    RENDER_ENGINE_AT,
    RENDERER,
    RESET_ENGINE_AT,
    RESET_WIDTH_AT,
    RING_STEPS,
    SILENCE_WAY_AT,
    SLERP_AT,
    START,
    STARTED,
    STEP_OF_CALL,
    STEPS,
    TOUCHED,
    WAITS,
    WIDTH,
    WIDTH_AT,
    WORLD_TO_HEAD_AT,
)
from auricle.dsp.distance.propagation import AIM_WAY, DELAY, SILENCE_WAY
from auricle.dsp.render.engine_kernels import (
    AIM_ENGINE,
    INHERIT_ENGINE,
    RENDER_ENGINE,
    RESET_ENGINE,
)
from auricle.dsp.render.source_width import AIM_WIDTH, DECORRELATE, RESET_WIDTH
from auricle.dsp.sphere.head_turning import SLERP, WORLD_TO_HEAD

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py
RENDERER_RECORD = "b7f9bf9b4278"  # likewise of renderer_record.py
CALLS = "2bfa482918eb"  # likewise of calls.py

FADE_STEPS = 8  # of an exchange of sets

_renderer, _engine, _width, _propagation = RENDERER.read, ENGINE.read, WIDTH.read, PROPAGATION.read
_aim_engine, _render_engine = AIM_ENGINE.call, RENDER_ENGINE.call
_slerp, _world_to_head = SLERP.call, WORLD_TO_HEAD.call
_inherit, _reset_engine = INHERIT_ENGINE.call, RESET_ENGINE.call
_aim_width, _decorrelate, _reset_width = AIM_WIDTH.call, DECORRELATE.call, RESET_WIDTH.call
_aim_way, _delay, _silence_way = AIM_WAY.call, DELAY.call, SILENCE_WAY.call


@kernel
def render_block(at, audio, n_frames, first, last, out):
    """Render samples ``first`` to ``last`` of a call, its places spread evenly over its steps.

    Args:
        at: address of the ``RENDERER``.
        audio: (S, T) float32, of which the call takes the first ``n_frames`` samples.
        n_frames: samples of the whole call; its pieces come one after the other.
        first: first sample of this piece.
        last: behind its last one.
        out: (2, T') float32, written from ``first`` to ``last``.
    """
    r = _renderer(at)
    _render(r, audio, n_frames, first, last, out, False, r.no_positions, r.no_poses, r.no_poses)


@kernel
def render_path(at, audio, n_frames, first, last, out, positions, orientations, places):
    """Likewise, with what holds at the end of each step that begins in the call.

    Args:
        at, audio, n_frames, first, last, out: as of ``render_block``.
        positions: (J, S, 3) metres; J = 0: as they are set.
        orientations: (J, 4) unit quaternions, head to world; likewise.
        places: (J, 3) metres, of the listener; likewise.
    """
    _render(_renderer(at), audio, n_frames, first, last, out, True, positions, orientations, places)


@kernel
def _render(r, audio, n_frames, first, last, out, along, positions, orientations, places):
    numbers, done = r.numbers, first
    if first == 0:
        numbers[STEP_OF_CALL] = 0
        numbers[STEPS] = -(-(n_frames + numbers[PHASE]) // STEP) - (numbers[PHASE] > 0)
    while done < last:
        if numbers[PHASE] == 0:
            step = numbers[STEP_OF_CALL]
            numbers[STEP_OF_CALL] = step + 1
            if along:
                _follow(r, step, positions, orientations, places)
            else:
                _approach(r, (step + 1.0) / numbers[STEPS])
            _begin_step(r)
        count = min(STEP - numbers[PHASE], last - done)
        _render_part(r, audio, done, count, out)
        numbers[PHASE] = (numbers[PHASE] + count) % STEP
        done += count


@kernel
def _approach(r, share):
    """Take the places and the pose that were set, or a point on the way to them."""
    numbers, head = r.numbers, r.head
    if numbers[MOVED] == 0:
        return
    numbers[TOUCHED] = 1
    if share >= 1.0 or numbers[JUMP] != 0:
        _copy(r.positions[ASKED], r.positions[NOW])
        _copy_head(head, ASKED, NOW)
        numbers[STARTED] = numbers[MOVED] = 0
        return
    if numbers[STARTED] == 0:
        _copy(r.positions[NOW], r.positions[START])
        _copy_head(head, NOW, START)
        numbers[STARTED] = 1
    asked, now, start = r.positions[ASKED], r.positions[NOW], r.positions[START]
    for s in range(len(now)):
        for i in range(3):
            now[s, i] = start[s, i] + share * (asked[s, i] - start[s, i])
    _slerp(r.parts[SLERP_AT], head, START, ASKED, share, NOW)
    for i in range(4, 7):
        head[NOW, i] = head[START, i] + share * (head[ASKED, i] - head[START, i])


@kernel
def _follow(r, step, positions, orientations, places):
    """Take a step's row of what is given; the rest is as it was set."""
    head = r.head
    if len(positions) > 0:
        _copy(positions[step], r.positions[ASKED])
    for i in range(4):
        if len(orientations) > 0:
            head[ASKED, i] = orientations[step, i]
    for i in range(3):
        if len(places) > 0:
            head[ASKED, 4 + i] = places[step, i]
    _copy(r.positions[ASKED], r.positions[NOW])
    _copy_head(head, ASKED, NOW)
    r.numbers[MOVED], r.numbers[TOUCHED] = 0, 1


@kernel
def _copy(source, target):
    for s in range(len(target)):
        for i in range(3):
            target[s, i] = source[s, i]


@kernel
def _copy_head(head, source, target):
    for i in range(7):
        head[target, i] = head[source, i]


@kernel
def _move_row(engines, source, target):
    for i in range(3):
        engines[target, i] = engines[source, i]
        engines[source, i] = 0


@kernel
def _begin_step(r):
    numbers, parts, engines, levels = r.numbers, r.parts, r.engines, r.levels
    _world_to_head(parts[WORLD_TO_HEAD_AT], r.head, NOW, r.world_to_head)
    if numbers[LEVELLED] != 0:
        numbers[LEVELLED], numbers[TOUCHED] = 0, 1
        for s in range(len(levels)):
            levels[s] = r.gains[s] * r.audible[s]
    jump, place = numbers[JUMP] != 0, r.head[NOW, 4:7]
    if parts[WIDTH_AT] != 0:
        _aim_width(
            parts[AIM_WIDTH_AT], parts[WIDTH_AT], r.positions[NOW], r.world_to_head, place, levels,
            jump,
        )  # fmt: skip
        share = _width(parts[WIDTH_AT]).share
        for s in range(len(levels)):
            r.narrow[s] = levels[s] * share[s]
    _aim_row(r, PLAYS, jump)
    if parts[PROPAGATION_AT] != 0:
        _aim_way(parts[AIM_WAY_AT], parts[PROPAGATION_AT], r.positions[NOW], place, jump)
    if engines[COMES, ENGINE_AT] == 0 and engines[WAITS, ENGINE_AT] != 0:
        _move_row(engines, WAITS, COMES)
        numbers[COMING_STEP] = -1
    if engines[COMES, ENGINE_AT] != 0:
        if numbers[COMING_STEP] < 0:
            for i in range(2):  # its sources, and their copies
                if engines[COMES, i] != 0 and engines[PLAYS, i] != 0:
                    _inherit(parts[INHERIT_AT], engines[COMES, i], engines[PLAYS, i])
        numbers[COMING_STEP] += 1
        _aim_row(r, COMES, jump or numbers[COMING_STEP] == 0)
    numbers[JUMP] = numbers[TOUCHED] = 0


@kernel
def _copies_sound(r):
    if r.parts[WIDTH_AT] == 0:
        return False
    counts = _width(r.parts[WIDTH_AT]).counts
    return counts[QUIET_STEPS] < counts[RING_STEPS]


@kernel
def _aim_row(r, row, jump):
    """Aim the sources of a row of ``engines``, and the copies of wide ones."""
    parts, at, copies_at = r.parts, r.engines[row, ENGINE_AT], r.engines[row, COPIES_AT]
    levels = r.levels if parts[WIDTH_AT] == 0 else r.narrow
    place, distance_gain = r.head[NOW, 4:7], r.numbers[DISTANCE_GAIN] != 0
    touched = r.numbers[TOUCHED] != 0 or parts[WIDTH_AT] != 0
    _aim_engine(
        parts[AIM_ENGINE_AT], at, r.positions[NOW], r.world_to_head, place, levels, distance_gain,
        jump, touched,
    )  # fmt: skip
    if copies_at != 0 and _copies_sound(r):
        w = _width(parts[WIDTH_AT])
        _aim_engine(
            parts[AIM_ENGINE_AT], copies_at, w.positions, r.world_to_head, place, w.levels,
            distance_gain, jump, touched,
        )  # fmt: skip


@kernel
def _render_part(r, audio, first, count, out):
    """One part of a step; a set that comes first fills with sound, unheard, then fades in."""
    numbers, parts, engines, at = r.numbers, r.parts, r.engines, first
    if parts[PROPAGATION_AT] != 0:
        _delay(parts[DELAY_AT], parts[PROPAGATION_AT], audio, first, count, numbers[PHASE])
        audio, at = _propagation(parts[PROPAGATION_AT]).out, 0
    if _copies_sound(r):
        _decorrelate(parts[DECORRELATE_AT], parts[WIDTH_AT], audio, at, count)
    _render_row(r, PLAYS, audio, at, count, out, first)
    if engines[COMES, ENGINE_AT] == 0 or numbers[COMING_STEP] < 0:
        return
    _render_row(r, COMES, audio, at, count, r.coming_out, 0)
    warm = -(-_engine(engines[COMES, ENGINE_AT]).sizes[TAIL] // STEP)
    faded = (numbers[COMING_STEP] - warm) * STEP + numbers[PHASE]
    if faded < 0:
        return
    coming_out = r.coming_out
    for t in range(count):
        share = np.float32(0.5 - 0.5 * np.cos(np.pi * (faded + t + 1.0) / (FADE_STEPS * STEP)))
        for e in range(2):
            out[e, first + t] += share * (coming_out[e, t] - out[e, first + t])
    if faded + count >= FADE_STEPS * STEP:
        _finish_exchange(r)


@kernel
def _render_row(r, row, audio, first, count, out, to):
    parts, at, copies_at = r.parts, r.engines[row, ENGINE_AT], r.engines[row, COPIES_AT]
    phase = r.numbers[PHASE]
    _render_engine(parts[RENDER_ENGINE_AT], at, audio, first, count, phase, out, to)
    if copies_at != 0 and _copies_sound(r):
        w, copies_out = _width(parts[WIDTH_AT]), r.copies_out
        _render_engine(parts[RENDER_ENGINE_AT], copies_at, w.out, 0, count, phase, copies_out, 0)
        for e in range(2):
            for t in range(count):
                out[e, to + t] += copies_out[e, t]


@kernel
def _finish_exchange(r):
    """The set that came plays from now on; its counts of silenced calls go on from the other's."""
    engines = r.engines
    coming = _engine(engines[COMES, ENGINE_AT]).nonfinite
    playing = _engine(engines[PLAYS, ENGINE_AT]).nonfinite
    for s in range(len(coming)):
        coming[s] += playing[s]
    _move_row(engines, COMES, PLAYS)


@kernel
def reset_renderer(at):
    """Begin anew from silence, with the newest set, and jump to the next places."""
    _reset(_renderer(at))


@kernel
def _reset(r):
    numbers, parts, engines = r.numbers, r.parts, r.engines
    if engines[COMES, ENGINE_AT] != 0:
        _finish_exchange(r)
    if engines[WAITS, ENGINE_AT] != 0:
        _move_row(engines, WAITS, COMES)
        _finish_exchange(r)
    for i in range(2):
        if engines[PLAYS, i] != 0:
            _reset_engine(parts[RESET_ENGINE_AT], engines[PLAYS, i])
    if parts[WIDTH_AT] != 0:
        _reset_width(parts[RESET_WIDTH_AT], parts[WIDTH_AT])
    if parts[PROPAGATION_AT] != 0:
        _silence_way(parts[SILENCE_WAY_AT], parts[PROPAGATION_AT])
    numbers[PHASE] = 0
    numbers[JUMP] = numbers[MOVED] = numbers[LEVELLED] = 1


RENDER_BLOCK = Routine(
    render_block,
    types.void(types.int64, f32(2), types.int64, types.int64, types.int64, f32(2)),
)
RESET_RENDERER = Routine(reset_renderer, types.void(types.int64))
