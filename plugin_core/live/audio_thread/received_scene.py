# mypy: disable-error-code="no-untyped-def"
"""The scene taken from its mailbox, for the renderer's block function."""

from numba import types

from auricle.dsp.ambisonics.block import RESET_SCENE
from auricle.dsp.compiled.ambisonic_record import AMBISONIC, NEXT_AT
from auricle.dsp.compiled.ambisonic_record import ASKED as TURNED
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
AMBISONIC_RECORD = "af1cedab24dd"  # likewise of ambisonic_record.py
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

_shared, _renderer, _width = SHARED_STATE.read, RENDERER.read, WIDTH.read
_ambisonic = AMBISONIC.read
_receive, _reset, _reset_field = RECEIVE.call, RESET_RENDERER.call, RESET_SCENE.call


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
    _take_places(r, scene, d.follows)
    _take_fields(d.fields, scene, len(r.gains))
    d.lfe_gain[0] = scene[Scene.LFE_GAIN]
    if scene[Scene.RESETS] != work[ThreadState.RESETS]:
        work[ThreadState.RESETS] = int(scene[Scene.RESETS])
        _reset(parts[Part.RESET_RENDERER], parts[Part.RENDERER])
        for f in range(len(d.fields)):
            _reset_field(parts[Part.RESET_FIELD], d.fields[f, 0])


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
def _take_places(r, scene, follows):
    positions, head, gains, audible = r.positions[ASKED], r.head[ASKED], r.gains, r.audible
    n = len(gains)
    first = Scene.SOURCES + 3 * n
    for s in range(n):
        for i in range(3):
            around = scene[Scene.PLACE + i] if follows[s] != 0 else 0.0
            positions[s, i] = scene[Scene.SOURCES + 3 * s + i] + around
        gains[s], audible[s] = scene[first + s], scene[first + n + s]
    for i in range(7):
        head[i] = scene[Scene.ORIENTATION + i]
    if r.parts[WIDTH_AT] != 0:
        targets_deg = _width(r.parts[WIDTH_AT]).targets_deg
        for s in range(n):
            targets_deg[s] = scene[first + 2 * n + s]
    r.numbers[MOVED] = r.numbers[LEVELLED] = 1


@exact_kernel
def _take_fields(fields, scene, n_sources):
    """Turn the fields against the head; those of a new set fade to its filters."""
    for f in range(len(fields)):
        a = _ambisonic(fields[f, 0])
        for i in range(4):
            a.head[TURNED, i] = scene[Scene.ORIENTATION + i]
        filters_at = int(scene[Scene.SOURCES + 6 * n_sources + f])
        if filters_at != fields[f, 2]:
            fields[f, 2] = filters_at
            a.parts[NEXT_AT] = filters_at


TAKE_SCENE = Routine(take_scene, types.void(types.int64, types.int64, types.int64))
