# mypy: disable-error-code="no-untyped-def"
"""The block function: the scene taken from its mailbox, and both ears of all sources.

It does what ``BinauralRenderer.process_into`` does, without Python: no lock, no allocation, no
wait. Motion runs on the same control grid.
"""

import numpy as np

from auricle.dsp.compiled.calls import call_compiled
from auricle.dsp.compiled.options import composed_kernel
from auricle.dsp.render.binaural import FADE_STEPS
from auricle.dsp.render.spatialize import STEP
from auricle.plugin_core.live.audio_thread.engine_block import (
    add_nonfinite,
    aim_engine,
    inherit_engine,
    render_engine,
    reset_engine,
    tail_samples,
)
from auricle.plugin_core.live.audio_thread.mailbox import RECEIVER, receive
from auricle.plugin_core.live.audio_thread.shared_memory import (
    SHARED_STATE,
    Scene,
    Status,
    ThreadState,
)

_shared = SHARED_STATE.read
_aim_engine, _render_engine = call_compiled(aim_engine), call_compiled(render_engine)
_inherit_engine, _reset_engine = call_compiled(inherit_engine), call_compiled(reset_engine)


@composed_kernel
def take_scene(at, n_frames, now_ns):
    """Look into the mailbox, once a block; the newest scene counts from its first step on."""
    d = _shared(at)
    if receive(d.scene_cells):
        target = d.scene[d.scene_cells[RECEIVER]]
        waited = max(now_ns - target[Scene.COMMITTED_NS], 0.0)
        d.now[Status.SCENES] += 1.0
        d.now[Status.SCENE_NUMBER] = target[Scene.NUMBER]
        d.now[Status.SCENE_WAIT_NS] += waited
        d.now[Status.SCENE_WORST_NS] = max(d.now[Status.SCENE_WORST_NS], waited)
        if waited > 1e9 * n_frames / d.work[ThreadState.SAMPLE_RATE] + 1e6:
            d.now[Status.SCENES_LATE] += 1.0
        if target[Scene.RESETS] != d.work[ThreadState.RESETS]:
            d.work[ThreadState.RESETS] = int(target[Scene.RESETS])
            _reset(at)
    _next_engine(at)


@composed_kernel
def _next_engine(at):
    """Begin the exchange that the scene asks for, when none is under way."""
    d = _shared(at)
    target = d.scene[d.scene_cells[RECEIVER]]
    wanted = int(target[Scene.ENGINE_ID])
    if d.work[ThreadState.COMING_AT] != 0 or wanted <= d.work[ThreadState.ENGINE_ID]:
        return
    if d.work[ThreadState.ENGINE_AT] == 0:
        d.work[ThreadState.ENGINE_AT] = int(target[Scene.ENGINE_AT])
        d.work[ThreadState.ENGINE_ID] = wanted
        d.now[Status.ENGINE_ID] = wanted
        return
    d.work[ThreadState.COMING_STEP] = -1
    d.work[ThreadState.COMING_ID] = wanted
    d.work[ThreadState.COMING_AT] = int(target[Scene.ENGINE_AT])
    d.now[Status.FADING] = 1.0


@composed_kernel
def _reset(at):
    """Silence; the next positions are jumped to."""
    d = _shared(at)
    if d.work[ThreadState.ENGINE_AT] != 0:
        _reset_engine(d.work[ThreadState.ENGINE_AT])
    if d.work[ThreadState.COMING_AT] != 0:
        _finish_exchange(at)
        _reset_engine(d.work[ThreadState.ENGINE_AT])
    d.work[ThreadState.PHASE] = 0
    d.work[ThreadState.JUMP] = 1


@composed_kernel
def _finish_exchange(at):
    d = _shared(at)
    add_nonfinite(d.work[ThreadState.COMING_AT], d.work[ThreadState.ENGINE_AT])
    d.work[ThreadState.ENGINE_AT] = d.work[ThreadState.COMING_AT]
    d.work[ThreadState.ENGINE_ID] = d.work[ThreadState.COMING_ID]
    d.work[ThreadState.COMING_AT] = 0
    d.now[Status.ENGINE_ID] = d.work[ThreadState.ENGINE_ID]
    d.now[Status.FADING] = 0.0


@composed_kernel
def render_block(at, n_frames):
    """Both ears of the sources in ``audio``, ``n_frames`` of them, into ``out``."""
    d = _shared(at)
    if d.work[ThreadState.ENGINE_AT] == 0:
        for t in range(n_frames):
            d.out[0, t] = d.out[1, t] = 0.0
        return
    phase = d.work[ThreadState.PHASE]
    steps = -(-(n_frames + phase) // STEP) - (1 if phase > 0 else 0)
    done, step = np.int64(0), 0  # typed: a literal would be compiled for, too
    while done < n_frames:
        if d.work[ThreadState.PHASE] == 0:
            step += 1
            _between(at, step / steps)
            _begin_step(at)
        count = min(STEP - d.work[ThreadState.PHASE], n_frames - done)
        _render_part(at, done, count)
        d.work[ThreadState.PHASE] = (d.work[ThreadState.PHASE] + count) % STEP
        done += count


@composed_kernel
def _between(at, share):
    """Take the scene's places and pose, or a point on the way to them."""
    d = _shared(at)
    target = d.scene[d.scene_cells[RECEIVER]]
    positions, start = d.positions[0], d.positions[1]
    head, head_start = d.head[0], d.head[1]
    n_sources = len(d.levels)
    if share >= 1.0 or d.work[ThreadState.JUMP] != 0:
        for s in range(n_sources):
            for i in range(3):
                positions[s, i] = target[Scene.SOURCES + 3 * s + i]
        for i in range(7):
            head[i] = target[Scene.ORIENTATION + i]
        d.work[ThreadState.STARTED] = 0
        return
    if d.work[ThreadState.STARTED] == 0:
        for s in range(n_sources):
            for i in range(3):
                start[s, i] = positions[s, i]
        for i in range(7):
            head_start[i] = head[i]
        d.work[ThreadState.STARTED] = 1
    for s in range(n_sources):
        for i in range(3):
            positions[s, i] = start[s, i] + share * (
                target[Scene.SOURCES + 3 * s + i] - start[s, i]
            )
    _slerp(head_start, target, share, head)
    for i in range(4, 7):
        head[i] = head_start[i] + share * (target[Scene.ORIENTATION + i] - head_start[i])


@composed_kernel
def _slerp(start, target, share, out):
    """As ``auricle.dsp.geometry.slerp``: the short way round, at an even rate."""
    dot, apart, together = 0.0, 0.0, 0.0
    for i in range(4):
        dot += start[i] * target[Scene.ORIENTATION + i]
    sign = -1.0 if dot < 0.0 else 1.0
    for i in range(4):
        end = sign * target[Scene.ORIENTATION + i]
        apart += (start[i] - end) ** 2
        together += (start[i] + end) ** 2
    angle = 2.0 * np.arctan2(np.sqrt(apart), np.sqrt(together))
    a, b = 1.0 - share, share
    if angle >= 1e-6:
        a, b = np.sin(a * angle) / np.sin(angle), np.sin(b * angle) / np.sin(angle)
    length = 0.0
    for i in range(4):
        out[i] = a * start[i] + sign * b * target[Scene.ORIENTATION + i]
        length += out[i] * out[i]
    length = np.sqrt(length)
    for i in range(4):
        out[i] /= length


@composed_kernel
def _begin_step(at):
    d = _shared(at)
    target = d.scene[d.scene_cells[RECEIVER]]
    _world_to_head(d.head[0], d.turn)
    n_sources = len(d.levels)
    gains, audible = Scene.SOURCES + 3 * n_sources, Scene.SOURCES + 4 * n_sources
    for s in range(n_sources):
        d.levels[s] = target[gains + s] * target[audible + s]
    origin, jump, distance_gain = (
        d.head[0, 4:7],
        d.work[ThreadState.JUMP] != 0,
        d.work[ThreadState.DISTANCE_GAIN] != 0,
    )
    _aim_engine(
        d.work[ThreadState.ENGINE_AT], d.positions[0], d.turn, origin, d.levels, distance_gain, jump
    )
    if d.work[ThreadState.COMING_AT] != 0:
        if d.work[ThreadState.COMING_STEP] < 0:
            _inherit_engine(d.work[ThreadState.COMING_AT], d.work[ThreadState.ENGINE_AT])
        d.work[ThreadState.COMING_STEP] += 1
        first = jump or d.work[ThreadState.COMING_STEP] == 0
        _aim_engine(
            d.work[ThreadState.COMING_AT],
            d.positions[0],
            d.turn,
            origin,
            d.levels,
            distance_gain,
            first,
        )
    d.work[ThreadState.JUMP] = 0


@composed_kernel
def _render_part(at, first, count):
    """One part of a step; a set that comes first fills with sound, unheard, then fades in."""
    d = _shared(at)
    phase = d.work[ThreadState.PHASE]
    _render_engine(d.work[ThreadState.ENGINE_AT], d.audio, first, count, phase, d.out, first)
    if d.work[ThreadState.COMING_AT] == 0 or d.work[ThreadState.COMING_STEP] < 0:
        return
    _render_engine(d.work[ThreadState.COMING_AT], d.audio, first, count, phase, d.coming_out, 0)
    warm = -(-tail_samples(d.work[ThreadState.COMING_AT]) // STEP)
    faded = (d.work[ThreadState.COMING_STEP] - warm) * STEP + phase
    if faded < 0:
        return
    for t in range(count):
        share = np.float32(0.5 - 0.5 * np.cos(np.pi * (faded + t + 1.0) / (FADE_STEPS * STEP)))
        for e in range(2):
            d.out[e, first + t] += share * (d.coming_out[e, t] - d.out[e, first + t])
    if faded + count >= FADE_STEPS * STEP:
        _finish_exchange(at)


@composed_kernel
def _world_to_head(q, out):
    """The matrix (3, 3) from world to head axes."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    out[0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[0, 1] = 2.0 * (x * y + w * z)
    out[0, 2] = 2.0 * (x * z - w * y)
    out[1, 0] = 2.0 * (x * y - w * z)
    out[1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[1, 2] = 2.0 * (y * z + w * x)
    out[2, 0] = 2.0 * (x * z + w * y)
    out[2, 1] = 2.0 * (y * z - w * x)
    out[2, 2] = 1.0 - 2.0 * (x * x + y * y)
