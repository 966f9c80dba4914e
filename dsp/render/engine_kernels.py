# mypy: disable-error-code="no-untyped-def"
"""One engine's work in a step: its kernels in their order, on the arrays at its address."""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.convolver_record import BLOCK, CONVOLVER
from auricle.dsp.compiled.engine_record import (
    ADD_FEW_AT,
    AIM_AT,
    AIM_DISTANCE_AT,
    BUSES_REST,
    CONVOLVER_AT,
    CUES,
    CUES_AT,
    DIRECT,
    ENGINE,
    FILTERS_AT,
    LISTEN_AT,
    OUTPUT_AT,
    REACH,
    RINGS,
    SPATIALIZE_AT,
    WAKE_AT,
)
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32, f64
from auricle.dsp.compiled.simd import pointer, put
from auricle.dsp.convolution.uniform import CONVOLVE
from auricle.dsp.distance.cue_kernels import AIM_DISTANCE
from auricle.dsp.render.control_step import AIM, WAKE
from auricle.dsp.render.few_sources import ADD_FEW
from auricle.dsp.render.full_rank_output import ACCUMULATE
from auricle.dsp.render.spatialize import LISTEN, SPATIALIZE

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # likewise of simd.py
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
ENGINE_RECORD = "b3b79718eadb"  # likewise of engine_record.py
CALLS = "2bfa482918eb"  # likewise of calls.py
CONVOLVER_RECORD = "4ff00ffeaf44"  # likewise of convolver_record.py

assert BLOCK == STEP  # a block of the convolver is a control step

_engine, _cues, _convolver = ENGINE.read, CUES.read, CONVOLVER.read
_aim, _wake, _aim_distance = AIM.call, WAKE.call, AIM_DISTANCE.call
_listen, _spatialize = LISTEN.call, SPATIALIZE.call
_accumulate, _convolve, _add_few = ACCUMULATE.call, CONVOLVE.call, ADD_FEW.call


@kernel
def aim_engine(
    at, positions, world_to_head, listener_position, levels, distance_gain, snap, touched
):  # fmt: skip
    """Set where each source is heard at the end of the step that begins.

    Args:
        at: address of the ``ENGINE``.
        positions: (S, 3) metres, world axes.
        world_to_head: (3, 3) rotation from world to head axes.
        listener_position: (3,) metres, world axes.
        levels: (S,) linear.
        distance_gain: whether the level falls as 1/r from 1 m.
        snap: whether the new state holds at once, and not at the end of the step.
        touched: whether positions or levels may be others than in the step before.
    """
    parts = _engine(at).parts
    if parts[AIM_DISTANCE_AT] != 0:
        _aim_distance(
            parts[AIM_DISTANCE_AT], parts[CUES_AT], positions, world_to_head, listener_position,
            snap,
        )  # fmt: skip
    _aim(
        parts[AIM_AT], at, positions, world_to_head, listener_position, levels, distance_gain,
        snap, touched,
    )  # fmt: skip


@kernel
def render_engine(at, audio, first, count, phase, out, to):
    """Render a part of a step.

    Args:
        at: address of the ``ENGINE``, aimed for this step.
        audio: (S, n) float32; ``audio[:, first : first + count]`` is taken.
        first: index of the first sample that is taken.
        count: how many samples.
        phase: samples of the step that have passed before.
        out: (2, n') float32; ``out[:, to : to + count]`` is written.
        to: index of the first sample that is written.
    """
    _render_engine(_engine(at), at, audio, first, count, phase, out, to)


@kernel
def _render_engine(e, at, audio, first, count, phase, out, to):
    parts, bus, counts = e.parts, e.bus, e.counts
    if _listen(parts[LISTEN_AT], at, audio, first, count) > 0:
        _wake(parts[WAKE_AT], at)
    if phase == 0:
        counts[BUSES_REST] += 1
    if counts[DIRECT] == 0:
        counts[BUSES_REST] = 0
    _spatialize(parts[SPATIALIZE_AT], at, audio, first, count, phase)
    if parts[CONVOLVER_AT] == 0:
        _accumulate(parts[OUTPUT_AT], bus, phase, count, out, to, e.overlap)
        return
    if counts[BUSES_REST] <= e.sizes[RINGS]:
        inputs = bus.reshape(bus.shape[0] * bus.shape[1], STEP)
        _convolve(
            parts[OUTPUT_AT], parts[CONVOLVER_AT], parts[FILTERS_AT], 0, inputs, phase, count,
            phase, out, to,
        )  # fmt: skip
    else:
        for t in range(to, to + count):
            out[0, t] = out[1, t] = 0.0
    _add_few(parts[ADD_FEW_AT], at, phase, count, out, to)


@kernel
def inherit_engine(at, other_at):
    """Take over what the sources of another ``ENGINE`` played before, so that nothing starts from
    silence.
    """
    _inherit(_engine(at), _engine(other_at))


@kernel
def _inherit(e, o):
    shared = min(e.delay_line.shape[1], o.delay_line.shape[1])
    mine, its = e.delay_line.shape[1] - shared, o.delay_line.shape[1] - shared
    for s in range(len(e.silent_samples)):
        for t in range(shared):
            e.delay_line[s, mine + t] = o.delay_line[s, its + t]
        silent = o.silent_samples[s] >= o.delay_line.shape[1] + STEP
        e.silent_samples[s] = e.delay_line.shape[1] + STEP if silent else 0
        e.fades_in[s] = o.fades_in[s]


@kernel
def reset_engine(at):
    """Silence everything that still sounds."""
    e = _engine(at)
    _reset_engine(e, _cues(e.parts[CUES_AT]).memory)
    if e.parts[CONVOLVER_AT] != 0:
        _reset_convolver(_convolver(e.parts[CONVOLVER_AT]))


@kernel
def _reset_convolver(c):
    _zero(pointer(c.window), c.window.size)
    _zero(pointer(c.spectra), c.spectra.size)


@kernel
def _reset_engine(e, memory):
    _zero(pointer(e.delay_line), e.delay_line.size)
    _zero(pointer(e.gains_begin), e.gains_begin.size)
    _zero(pointer(e.gains_delta), e.gains_delta.size)
    _zero(pointer(e.bus), e.bus.size)
    _zero(pointer(e.overlap), e.overlap.size)
    silent_samples, fades_in = e.silent_samples, e.fades_in
    for s in range(len(silent_samples)):
        silent_samples[s] = e.sizes[REACH] + STEP
        fades_in[s] = False
        for ear in range(2):
            for i in range(4):
                memory[s, ear, i] = 0.0
    e.counts[BUSES_REST] = e.sizes[RINGS] + 1


@kernel
def _zero(numbers, count):
    for i in range(count):
        put(numbers, i, np.float32(0.0))


AIM_ENGINE = Routine(
    aim_engine,
    types.void(
        types.int64, f64(2), f64(2), f64(1), f64(1), types.boolean, types.boolean, types.boolean
    ),
)
RENDER_ENGINE = Routine(
    render_engine,
    types.void(types.int64, f32(2), types.int64, types.int64, types.int64, f32(2), types.int64),
)
INHERIT_ENGINE = Routine(inherit_engine, types.void(types.int64, types.int64))
RESET_ENGINE = Routine(reset_engine, types.void(types.int64))
