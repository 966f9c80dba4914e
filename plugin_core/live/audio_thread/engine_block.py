# mypy: disable-error-code="no-untyped-def"
"""What ``auricle.dsp.render.engine.Engine`` does, compiled, on the arrays of an engine at its
address.

The same kernels in the same order; tests hold the two together. Compiled anew in every process
(``cache=False``), since it composes kernels of several files.
"""

from auricle.dsp.compiled.calls import call_compiled
from auricle.dsp.compiled.engine_record import (
    CONVOLVER_AT,
    CUES,
    CUES_AT,
    ENGINE,
    FILTERS_AT,
    REACH,
    TAIL,
)
from auricle.dsp.compiled.options import STEP, composed_kernel
from auricle.dsp.convolution.uniform import BLOCK, CONVOLVER, convolve_part
from auricle.dsp.distance.cue_kernels import aim_distance
from auricle.dsp.render.control_step import aim, wake
from auricle.dsp.render.full_rank_output import accumulate_taps
from auricle.dsp.render.spatialize import listen, spatialize

assert BLOCK == STEP  # a block of the convolver is a control step

_engine, _cues, _convolver = ENGINE.read, CUES.read, CONVOLVER.read
_aim, _wake, _aim_distance = call_compiled(aim), call_compiled(wake), call_compiled(aim_distance)
_listen, _spatialize = call_compiled(listen), call_compiled(spatialize)
_accumulate_taps, _convolve_part = call_compiled(accumulate_taps), call_compiled(convolve_part)


@composed_kernel
def aim_engine(at, positions, world_to_head, listener_position, levels, distance_gain, snap):
    """As ``Engine.aim``."""
    parts = _engine(at).parts
    _aim_distance(parts[CUES_AT], positions, world_to_head, listener_position, snap)
    _aim(at, positions, world_to_head, listener_position, levels, distance_gain, snap)


@composed_kernel
def render_engine(at, audio, first, count, phase, out, to):
    """As ``Engine.render``."""
    e = _engine(at)
    if _listen(at, audio, first, count) > 0:
        _wake(at)
    _spatialize(at, audio, first, count, phase)
    parts, bus = e.parts, e.bus
    if parts[CONVOLVER_AT] == 0:
        _accumulate_taps(bus, phase, count, out, to, e.overlap)
        return
    inputs = bus.reshape(bus.shape[0] * bus.shape[1], STEP)
    _convolve_part(
        parts[CONVOLVER_AT], parts[FILTERS_AT], 0, inputs, phase, count, phase, out, to
    )  # fmt: skip


@composed_kernel
def inherit_engine(at, other_at):
    """As ``Engine.inherit``: the engine at ``at`` takes over what the other one played."""
    e, o = _engine(at), _engine(other_at)
    shared = min(e.delay_line.shape[1], o.delay_line.shape[1])
    mine, its = e.delay_line.shape[1] - shared, o.delay_line.shape[1] - shared
    for s in range(len(e.silent_samples)):
        for t in range(shared):
            e.delay_line[s, mine + t] = o.delay_line[s, its + t]
        silent = o.silent_samples[s] >= o.delay_line.shape[1] + STEP
        e.silent_samples[s] = e.delay_line.shape[1] + STEP if silent else 0
        e.fades_in[s] = o.fades_in[s]


@composed_kernel
def add_nonfinite(at, other_at):
    """Add the other engine's counts of silenced calls."""
    e, o = _engine(at), _engine(other_at)
    for s in range(len(e.nonfinite)):
        e.nonfinite[s] += o.nonfinite[s]


@composed_kernel
def reset_engine(at):
    """As ``Engine.reset``."""
    e = _engine(at)
    _zero(e.delay_line)
    _zero(e.gains_begin)
    _zero(e.gains_delta)
    _zero(e.bus)
    _zero(e.overlap)
    _zero(_cues(e.parts[CUES_AT]).memory)
    for s in range(len(e.silent_samples)):
        e.silent_samples[s] = e.sizes[REACH] + STEP
        e.fades_in[s] = False
    if e.parts[CONVOLVER_AT] != 0:
        c = _convolver(e.parts[CONVOLVER_AT])
        _zero(c.window)
        _zero(c.spectra)


@composed_kernel
def tail_samples(at):
    """How long a sound rings on."""
    return _engine(at).sizes[TAIL]


@composed_kernel
def _zero(array):
    numbers = array.reshape(array.size)
    for i in range(len(numbers)):
        numbers[i] = 0
