# mypy: disable-error-code="no-untyped-def"
"""The functions that drivers call: C functions made by Numba, which take no GIL and never wait.

Each is given the address of the shared state. ``run_blocks`` and ``run_paced`` are their like
without a driver: clocks that call the same block function.
"""

from typing import Any

import numpy as np
from numba import cfunc, types

from auricle.dsp.ambisonics.block import RENDER_SCENE, RESET_SCENE
from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import CACHE, exact_kernel
from auricle.dsp.compiled.renderer_record import COMES, ENGINE_AT, EXCHANGE, PLAYS, RENDERER
from auricle.dsp.loudspeakers.bed import LOW_PASS
from auricle.dsp.render.block import RENDER_BLOCK, RESET_RENDERER
from auricle.dsp.streaming.denormals import FLUSH, read_mode, write_mode
from auricle.plugin_core.live.audio_thread.around import ADD_AROUND
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.inputs import GATHER
from auricle.plugin_core.live.audio_thread.mailbox import PUBLISH, RECEIVE
from auricle.plugin_core.live.audio_thread.meters import ACCOUNT, MEASURE, RECORD
from auricle.plugin_core.live.audio_thread.received_scene import TAKE_SCENE
from auricle.plugin_core.live.audio_thread.shared_memory import (
    MAX_BLOCK,
    SHARED_STATE,
    Flag,
    Kind,
    Part,
    Status,
    ThreadState,
)
from auricle.plugin_core.live.audio_thread.system import (
    address_of,
    buffer_of,
    floats_at,
    now_ns,
    own_ns,
    sleep_ns,
)

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
CALLS = "2bfa482918eb"  # likewise of calls.py
RENDERER_RECORD = "b7f9bf9b4278"  # likewise of renderer_record.py
ATOMICS = "020cae6ccd64"  # likewise of atomics.py
SYSTEM = "e019dffaac64"  # likewise of system.py
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

# A paced clock that is farther behind than this, after a suspension, does not catch up.
FARTHEST_BEHIND_NS = 1_000_000_000

_shared, _renderer = SHARED_STATE.read, RENDERER.read
_take_scene, _gather, _render_block = TAKE_SCENE.call, GATHER.call, RENDER_BLOCK.call
_add_around = ADD_AROUND.call
_measure, _record, _account = MEASURE.call, RECORD.call, ACCOUNT.call


@exact_kernel
def make_block(at, n_frames, began_ns):
    """Everything between a driver's input, which stands in ``audio``, and the ears in ``out``."""
    mode = read_mode()
    write_mode(mode | FLUSH)
    d = _shared(at)
    parts, now = d.parts, d.now
    _take_scene(parts[Part.TAKE_SCENE], at, n_frames, began_ns)
    _gather(parts[Part.GATHER], at, n_frames)
    engines = _renderer(parts[Part.RENDERER]).engines
    if engines[PLAYS, ENGINE_AT] == 0:  # no set yet
        for t in range(n_frames):
            d.out[0, t] = d.out[1, t] = 0.0
    else:
        _render_block(
            parts[Part.RENDER_BLOCK], parts[Part.RENDERER], d.audio, n_frames, 0, n_frames, d.out
        )
    if len(d.lfe_rows) + len(d.fields) > 0:
        _add_around(parts[Part.ADD_AROUND], at, n_frames)
    now[Status.ENGINE_ID] = engines[PLAYS, EXCHANGE]
    now[Status.FADING] = 1.0 if engines[COMES, ENGINE_AT] != 0 else 0.0
    _measure(parts[Part.MEASURE], at, n_frames)
    _record(parts[Part.RECORD], at, n_frames)
    write_mode(mode)


MAKE_BLOCK = Routine(make_block, types.void(types.int64, types.int64, types.int64))
_make_block = MAKE_BLOCK.call


def kernel_addresses(around: bool) -> dict[Part, int]:
    """Where the kernels stand that blocks are made by; ``around``: with LFE or fields."""
    routines = {
        Part.RENDER_BLOCK: RENDER_BLOCK, Part.RESET_RENDERER: RESET_RENDERER,
        Part.RECEIVE: RECEIVE, Part.PUBLISH: PUBLISH, Part.TAKE_SCENE: TAKE_SCENE,
        Part.GATHER: GATHER, Part.MEASURE: MEASURE, Part.RECORD: RECORD, Part.ACCOUNT: ACCOUNT,
        Part.MAKE_BLOCK: MAKE_BLOCK, Part.ADD_AROUND: ADD_AROUND, Part.RENDER_FIELD: RENDER_SCENE,
        Part.RESET_FIELD: RESET_SCENE, Part.LOW_PASS: LOW_PASS,
    }  # fmt: skip
    of_around = {Part.ADD_AROUND, Part.RENDER_FIELD, Part.LOW_PASS}
    return {
        part: routine.address
        for part, routine in routines.items()
        if around or part not in of_around
    }


@exact_kernel
def silent_block(at, n_frames, began_ns, own_began_ns):
    """A block from no driver: inputs are silent."""
    d = _shared(at)
    for s in range(len(d.kinds)):
        if d.kinds[s] == Kind.INPUT:
            for t in range(n_frames):
                d.audio[s, t] = 0.0
    _make_block(d.parts[Part.MAKE_BLOCK], at, n_frames, began_ns)
    _account(d.parts[Part.ACCOUNT], at, n_frames, began_ns, own_began_ns)


@exact_kernel
def run_blocks(at, n_frames, count):
    """``count`` blocks, one after the other."""
    for _ in range(count):
        silent_block(at, n_frames, now_ns(), own_ns())


@exact_kernel
def run_paced(at, n_frames, count):
    """``count`` blocks (below 0: without end), each at its time, until the switch says stop."""
    d = _shared(at)
    rate = d.work[ThreadState.SAMPLE_RATE]
    start, frames, done = now_ns(), 0, 0
    while load_acquire(d.flags, Flag.STOP) == 0 and (count < 0 or done < count):
        due = start + int(1e9 * frames / rate)
        late = now_ns() - due
        if late < 0:
            sleep_ns(-late)
        elif late > FARTHEST_BEHIND_NS:
            store_release(d.flags, Flag.LATE, d.flags[Flag.LATE] + 1)
            start += late
        silent_block(at, n_frames, now_ns(), own_ns())
        frames += n_frames
        done += 1
    return done


def jack_process() -> Any:
    """JACK's process callback: ``int (jack_nframes_t, void *shared)``.

    Its ports' addresses stand in the row of the shared state: those of the inputs, then the ears'.
    """

    @cfunc(types.int32(types.uint32, types.voidptr), cache=CACHE)
    def process(n, argument):
        at, n_frames = address_of(argument), np.int64(n)
        began, own = now_ns(), own_ns()
        d = _shared(at)
        get_buffer, n_inputs = d.flags[Flag.GET_BUFFER], len(d.ports) - 2
        fits = n_frames <= MAX_BLOCK
        if fits:
            for s in range(len(d.kinds)):
                if d.kinds[s] == Kind.INPUT:
                    port = d.ports[d.places[s, 0]]
                    source = floats_at(buffer_of(get_buffer, port, n_frames), n_frames)
                    for t in range(n_frames):
                        d.audio[s, t] = source[t]
            _make_block(d.parts[Part.MAKE_BLOCK], at, n_frames, began)
        else:
            d.now[Status.OVERSIZED] += 1.0
        for e in range(2):
            out = floats_at(buffer_of(get_buffer, d.ports[n_inputs + e], n_frames), n_frames)
            for t in range(n_frames):
                out[t] = d.out[e, t] if fits else 0.0
        _account(d.parts[Part.ACCOUNT], at, n_frames, began, own)
        return 0

    return process


def jack_lost() -> Any:
    """JACK's shutdown callback."""

    @cfunc(types.void(types.voidptr), cache=CACHE)
    def lost(argument):
        store_release(_shared(address_of(argument)).flags, Flag.LOST, 1)

    return lost


def jack_xrun() -> Any:
    """JACK's xrun callback."""

    @cfunc(types.int32(types.voidptr), cache=CACHE)
    def xrun(argument):
        flags = _shared(address_of(argument)).flags
        store_release(flags, Flag.XRUNS, flags[Flag.XRUNS] + 1)
        return 0

    return xrun


def jack_new_rate() -> Any:
    """JACK's sample rate callback."""

    @cfunc(types.int32(types.uint32, types.voidptr), cache=CACHE)
    def new_rate(rate, argument):
        d = _shared(address_of(argument))
        if int(rate) != d.work[ThreadState.SAMPLE_RATE]:
            store_release(d.flags, Flag.NEW_RATE, int(rate))
        return 0

    return new_rate


def jack_message() -> Any:
    """JACK's way to print: nothing is printed, errors are told by our own lines."""

    @cfunc(types.void(types.voidptr), cache=CACHE)
    def message(text):
        return

    return message


def portaudio_process(n_inputs: int) -> Any:
    """PortAudio's stream callback, of interleaved float32: ``n_inputs`` channels in, two out."""
    shape = types.int32(
        types.voidptr, types.voidptr, types.uint64, types.voidptr, types.uint64, types.voidptr
    )

    @cfunc(shape, cache=CACHE)
    def process(given, wanted, n, times, flags, argument):
        at, n_frames = address_of(argument), np.int64(n)
        began, own = now_ns(), own_ns()
        d = _shared(at)
        if flags != 0:
            store_release(d.flags, Flag.XRUNS, d.flags[Flag.XRUNS] + 1)
        out = floats_at(address_of(wanted), 2 * n_frames)
        fits = n_frames <= MAX_BLOCK
        if fits:
            if n_inputs > 0:
                source = floats_at(address_of(given), n_inputs * n_frames)
                for s in range(len(d.kinds)):
                    if d.kinds[s] == Kind.INPUT:
                        for t in range(n_frames):
                            d.audio[s, t] = source[t * n_inputs + d.places[s, 0]]
            _make_block(d.parts[Part.MAKE_BLOCK], at, n_frames, began)
        else:
            d.now[Status.OVERSIZED] += 1.0
        for t in range(n_frames):
            out[2 * t] = d.out[0, t] if fits else 0.0
            out[2 * t + 1] = d.out[1, t] if fits else 0.0
        _account(d.parts[Part.ACCOUNT], at, n_frames, began, own)
        return 0

    return process
