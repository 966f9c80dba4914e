# mypy: disable-error-code="no-untyped-def"
"""The scene taken from its mailbox, for the renderer's block function."""

from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.compiled.renderer_record import (
    ASKED,
    COPIES_AT,
    ENGINE_AT,
    EXCHANGE,
    LEVELLED,
    MOVED,
    PLAYS,
    RENDERER,
    WAITS,
    WIDTH,
    WIDTH_AT,
)
from auricle.dsp.render.block import RESET_RENDERER
from auricle.plugin_core.live.audio_thread.mailbox import RECEIVE, RECEIVER
from auricle.plugin_core.live.audio_thread.shared_memory import (
    SHARED_STATE,
    Part,
    Scene,
    Status,
    ThreadState,
)

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
CALLS = "2bfa482918eb"  # likewise of calls.py
RENDERER_RECORD = "b7f9bf9b4278"  # likewise of renderer_record.py
SHARED_MEMORY = "1cb035af169e"  # likewise of shared_memory.py

_shared, _renderer, _width = SHARED_STATE.read, RENDERER.read, WIDTH.read
_receive, _reset = RECEIVE.call, RESET_RENDERER.call


@exact_kernel
def take_scene(at, n_frames, now_ns):
    """Look into the mailbox, once a block; the newest scene counts from its first step on."""
    d = _shared(at)
    parts = d.parts
    if not _receive(parts[Part.RECEIVE], d.scene_cells):
        return
    scene, now, work = d.scene[d.scene_cells[RECEIVER]], d.now, d.work
    waited = max(now_ns - scene[Scene.COMMITTED_NS], 0.0)
    now[Status.SCENES] += 1.0
    now[Status.SCENE_NUMBER] = scene[Scene.NUMBER]
    now[Status.SCENE_WAIT_NS] += waited
    now[Status.SCENE_WORST_NS] = max(now[Status.SCENE_WORST_NS], waited)
    if waited > 1e9 * n_frames / work[ThreadState.SAMPLE_RATE] + 1e6:
        now[Status.SCENES_LATE] += 1.0
    r = _renderer(parts[Part.RENDERER])
    _take_set(r, scene, work)
    _take_places(r, scene)
    if scene[Scene.RESETS] != work[ThreadState.RESETS]:
        work[ThreadState.RESETS] = int(scene[Scene.RESETS])
        _reset(parts[Part.RESET_RENDERER], parts[Part.RENDERER])


@exact_kernel
def _take_set(r, scene, work):
    """Let a new set play, if it is the first one, or wait for its turn."""
    wanted, engines = int(scene[Scene.ENGINE_ID]), r.engines
    if scene[Scene.WIDTH_AT] != 0.0:
        r.parts[WIDTH_AT] = int(scene[Scene.WIDTH_AT])
    if wanted <= work[ThreadState.EXCHANGE]:
        return
    work[ThreadState.EXCHANGE] = wanted
    row = PLAYS if engines[PLAYS, ENGINE_AT] == 0 else WAITS
    engines[row, ENGINE_AT] = int(scene[Scene.ENGINE_AT])
    engines[row, COPIES_AT] = int(scene[Scene.COPIES_AT])
    engines[row, EXCHANGE] = wanted


@exact_kernel
def _take_places(r, scene):
    positions, head, gains, audible = r.positions[ASKED], r.head[ASKED], r.gains, r.audible
    n = len(gains)
    first = Scene.SOURCES + 3 * n
    for s in range(n):
        for i in range(3):
            positions[s, i] = scene[Scene.SOURCES + 3 * s + i]
        gains[s], audible[s] = scene[first + s], scene[first + n + s]
    for i in range(7):
        head[i] = scene[Scene.ORIENTATION + i]
    if r.parts[WIDTH_AT] != 0:
        targets_deg = _width(r.parts[WIDTH_AT]).targets_deg
        for s in range(n):
            targets_deg[s] = scene[first + 2 * n + s]
    r.numbers[MOVED] = r.numbers[LEVELLED] = 1


TAKE_SCENE = Routine(take_scene, types.void(types.int64, types.int64, types.int64))
