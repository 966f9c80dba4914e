# mypy: disable-error-code="no-untyped-def"
"""The block function of an ambisonic renderer: channels turned against the head, then decoded."""

import numpy as np
from numba import types

from auricle.dsp.compiled.ambisonic_record import (
    AMBISONIC,
    ASKED,
    COMING_AT,
    CONVOLVE_AT,
    CONVOLVER_AT,
    FILTERS_AT,
    JUMP,
    MOVING,
    NEXT_AT,
    NOW,
    PHASE,
    ROTATE_AT,
    SLERP_AT,
    START,
    STARTED,
    STEP_OF_CALL,
    STEPS,
)
from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.convolver_record import CONVOLVER
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32
from auricle.dsp.convolution.uniform import CONVOLVE
from auricle.dsp.sphere.harmonics import ROTATE
from auricle.dsp.sphere.head_turning import SLERP

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
AMBISONIC_RECORD = "af1cedab24dd"  # likewise of ambisonic_record.py
CALLS = "2bfa482918eb"  # likewise of calls.py
CONVOLVER_RECORD = "4ff00ffeaf44"  # likewise of convolver_record.py

LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py
LEAST = 1e-9  # smaller gains are rounding: most are while a head only yaws

_ambisonic, _convolver = AMBISONIC.read, CONVOLVER.read
_convolve, _rotate, _slerp = CONVOLVE.call, ROTATE.call, SLERP.call


@kernel
def render_scene(at, audio, row, n_frames, first, last, out, to, adds):
    """Render samples ``first`` to ``last`` of a call, turning evenly over its steps.

    Args:
        at: address of the ``AMBISONIC``.
        audio: (R, T) float32, of which the call takes the first ``n_frames`` samples.
        row: first of the C rows that are the channels.
        n_frames: samples of the whole call; its pieces come one after the other.
        first: first sample of this piece.
        last: behind its last one.
        out: (2, T') float32, written from ``to`` on.
        to: first sample of ``out``.
        adds: whether what is there stays, and this is added.
    """
    _render(_ambisonic(at), audio, row, n_frames, first, last, out, to, adds)


@kernel
def _render(a, audio, row, n_frames, first, last, out, to, adds):
    numbers, done, ears = a.numbers, first, a.ears
    if first == 0:
        numbers[STEP_OF_CALL] = 0
        numbers[STEPS] = -(-(n_frames + numbers[PHASE]) // STEP) - (numbers[PHASE] > 0)
    while done < last:
        if numbers[PHASE] == 0:
            numbers[STEP_OF_CALL] += 1
            _begin_step(a, numbers[STEP_OF_CALL] / numbers[STEPS])
        count = min(STEP - numbers[PHASE], last - done)
        turn_part(a, audio, row, done, count)
        _decode_part(a, count)
        for e in range(2):
            for t in range(count):
                i = to + done - first + t
                out[e, i] = ears[e, t] + out[e, i] if adds else ears[e, t]
        numbers[PHASE] = (numbers[PHASE] + count) % STEP
        done += count


@kernel
def _begin_step(a, share):
    """Set the rotation to be reached at the end of the step that begins."""
    numbers, parts, head = a.numbers, a.parts, a.head
    now, change, end = a.rotation[0], a.rotation[1], a.rotation_end
    if parts[COMING_AT] == 0:
        parts[COMING_AT], parts[NEXT_AT] = parts[NEXT_AT], 0
    jump, whole = numbers[JUMP] != 0, share >= 1.0 or numbers[JUMP] != 0
    if numbers[MOVING] != 0:
        for i in range(now.shape[0]):
            for j in range(now.shape[1]):
                now[i, j] = end[i, j]
    before0, before1, before2, before3 = head[NOW, 0], head[NOW, 1], head[NOW, 2], head[NOW, 3]
    if whole:
        for i in range(4):
            head[NOW, i] = head[ASKED, i]
        numbers[STARTED] = 0
    else:
        if numbers[STARTED] == 0:
            for i in range(4):
                head[START, i] = head[NOW, i]
            numbers[STARTED] = 1
        same = True
        for i in range(4):
            same = same and head[START, i] == head[ASKED, i]
        if not same:
            _slerp(parts[SLERP_AT], head, START, ASKED, share, NOW)
    w, x, y, z = head[NOW, 0], head[NOW, 1], head[NOW, 2], head[NOW, 3]
    moved = w != before0 or x != before1 or y != before2 or z != before3
    numbers[JUMP], numbers[MOVING] = 0, 1 if moved and not jump else 0
    if moved or jump:
        _rotate(parts[ROTATE_AT], w, -x, -y, -z, end)  # the scene turns against the head
    for i in range(now.shape[0]):
        for j in range(now.shape[1]):
            if moved and not jump:
                change[i, j] = np.float32(end[i, j] - now[i, j])
            else:
                now[i, j] = end[i, j]


@kernel
def turn_part(a, audio, row, first, count):
    """Rotate ``count`` samples of a step into ``turned``, at their place in it.

    Args:
        a: the ``AMBISONIC``.
        audio: (R, T) float32; samples first to first + count are taken.
        row: first of the C rows that are the channels.
        first: first sample of the part in ``audio``.
        count: its length.
    """
    rotation, change, given, out, ramp = a.rotation[0], a.rotation[1], a.given, a.turned, a.ramp
    moving, phase = a.numbers[MOVING] != 0, a.numbers[PHASE]
    order = (rotation.shape[1] - 1) // 2
    for c in range(len(out)):
        _take(audio[row + c], first, count, given[c], a.nonfinite, c)
    for n in range(order + 1):
        base = n * n
        for i in range(base, base + 2 * n + 1):
            target = out[i]
            for t in range(phase, phase + count):
                target[t] = np.float32(0.0)
            for j in range(2 * n + 1):
                gain = rotation[i, j]
                source = given[base + j]
                if moving:
                    slope = change[i, j]
                    if abs(gain) + abs(slope) > LEAST:
                        for t in range(count):
                            target[phase + t] += (gain + slope * ramp[phase + t]) * source[t]
                elif abs(gain) > LEAST:
                    for t in range(count):
                        target[phase + t] += gain * source[t]


@kernel
def _take(source, first, count, target, nonfinite, c):
    """Copy a channel; silence it if it holds NaN or what is beyond bounds."""
    level = np.float32(0.0)
    for t in range(count):
        x = source[first + t]
        target[t] = x
        level += abs(x)
    if not level <= LOUDEST:
        nonfinite[c] += 1
        for t in range(count):
            target[t] = np.float32(0.0)


@kernel
def _decode_part(a, count):
    """The turned channels through the filters; those that come fade in within a step."""
    parts, phase, ramp = a.parts, a.numbers[PHASE], a.ramp
    ears, coming_ears = a.ears, a.coming_ears
    _convolve(
        parts[CONVOLVE_AT], parts[CONVOLVER_AT], parts[FILTERS_AT], 0, a.turned, phase, count,
        phase, ears, 0,
    )  # fmt: skip
    if parts[COMING_AT] == 0:
        return
    _convolve(
        parts[CONVOLVE_AT], parts[CONVOLVER_AT], parts[COMING_AT], 1, a.turned, phase, count,
        phase, coming_ears, 0,
    )  # fmt: skip
    for e in range(2):
        for t in range(count):
            ears[e, t] += ramp[phase + t] * (coming_ears[e, t] - ears[e, t])
    if phase + count == STEP:
        parts[FILTERS_AT], parts[COMING_AT] = parts[COMING_AT], 0


@kernel
def reset_scene(at):
    """Begin anew from silence, with the newest filters; the next orientation is jumped to."""
    a = _ambisonic(at)
    numbers, parts = a.numbers, a.parts
    for i in (NEXT_AT, COMING_AT):
        if parts[i] != 0:
            parts[FILTERS_AT] = parts[i]
            parts[NEXT_AT] = parts[COMING_AT] = 0
    c = _convolver(parts[CONVOLVER_AT])
    _zero(c.window.reshape(c.window.size))
    _zero(c.spectra.reshape(c.spectra.size))
    numbers[PHASE], numbers[JUMP] = 0, 1


@kernel
def _zero(values):
    for i in range(len(values)):
        values[i] = np.float32(0.0)


RESET_SCENE = Routine(reset_scene, types.void(types.int64))
RENDER_SCENE = Routine(
    render_scene,
    types.void(
        types.int64, f32(2), types.int64, types.int64, types.int64, types.int64, f32(2),
        types.int64, types.boolean,
    ),
)  # fmt: skip
