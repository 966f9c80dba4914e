# mypy: disable-error-code="no-untyped-def"
"""What ``auricle.dsp.render.engine.Engine`` does, compiled, on the arrays of an engine at an
address.

The same kernels in the same order; tests hold the two together. Compiled anew in every process
(``cache=False``), since it composes kernels of several files.
"""

from typing import Any

from numba import njit

from auricle.dsp.compiled.calls import apart
from auricle.dsp.convolution.uniform import BLOCK, convolve_part
from auricle.dsp.distance.cue_kernels import aim_distance, any_nearer
from auricle.dsp.render.control_step import aim
from auricle.dsp.render.full_rank_output import scatter
from auricle.dsp.render.spatialize import STEP, spatialize
from auricle.plugin_core.live.audio_thread.shared_memory import ENGINE

RANK, HEADS, DELAY_TAPS, CENTRE, REACH, TAIL = range(6)  # of ``sizes``

assert BLOCK == STEP  # a block of the convolver is a control step

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_engine = ENGINE.read
_aim, _aim_distance, _any_nearer = apart(aim), apart(aim_distance), apart(any_nearer)
_spatialize, _scatter, _convolve_part = apart(spatialize), apart(scatter), apart(convolve_part)


@njit(**_OPTIONS)
def aim_engine(at, positions, turn, origin, levels, distance_gain, jump):
    """As ``Engine.aim``."""
    e = _engine(at)
    with_air = e.air_table.shape[0] > 0
    with_near = e.near_table.shape[0] > 0
    asked = with_air or (with_near and _any_nearer(positions, origin, e.near_limits_m))
    if asked or e.cues_in_use[0] != 0:
        n = e.cue_numbers
        filtered = _aim_distance(
            positions, turn, origin, e.near_table, n[0], n[1], n[2], e.near_limits_m, n[3], e.ears,
            e.air_table, n[4], n[5], e.in_air, jump, e.near, e.early, e.near_directions,
            e.near_delays, e.cue_filters[0], e.cue_filters[1], e.cue_state, e.cue_memory,
        )  # fmt: skip
        e.cues_in_use[0] = 1 if asked or filtered > 0 else 0
    _aim(
        positions, turn, origin, levels, distance_gain, jump, e.inverse, e.neighbours, e.triangles,
        e.gains_table, e.delays_table, e.near, e.early, e.near_directions, e.near_delays,
        float(e.sizes[CENTRE]), e.sizes[RANK], e.sizes[HEADS], e.triangle, e.start, e.change,
        e.delays[0], e.delays[1], e.state,
    )  # fmt: skip


@njit(**_OPTIONS)
def render_engine(at, audio, first, count, phase, out, to):
    """As ``Engine.render``."""
    e = _engine(at)
    _spatialize(
        audio, first, count, phase, e.past, e.rows, e.ramp, e.state, e.quiet, e.nonfinite, e.start,
        e.change, e.delays[0], e.delays[1], e.delay_filters, e.sizes[DELAY_TAPS], e.sizes[CENTRE],
        e.sizes[HEADS], e.taps, e.plan, e.heard, e.at[0], e.at[1], e.at[2], e.cue_state,
        e.cue_filters[0], e.cue_filters[1], e.cue_memory, e.bus,
    )  # fmt: skip
    if e.window.shape[0] == 0:
        _scatter(e.bus, phase, count, out, to, e.pending)
        return
    _convolve_part(
        e.inputs, phase, count, phase, True, e.window, e.spectra, e.head[0], e.filters_re,
        e.filters_im, e.tail, e.work, e.twiddle, out, to,
    )  # fmt: skip
    if phase + count == STEP:
        e.head[0] = (e.head[0] + 1) % e.spectra.shape[2]
        window = e.window
        for g in range(window.shape[0]):
            for half in range(2):
                for t in range(BLOCK):
                    for lane in range(window.shape[3]):
                        window[g, half, t, lane] = window[g, half, BLOCK + t, lane]


@njit(**_OPTIONS)
def inherit_engine(at, other_at):
    """As ``Engine.inherit``: the engine at ``at`` takes over what the other one played."""
    e, o = _engine(at), _engine(other_at)
    shared = min(e.past.shape[1], o.past.shape[1])
    mine, its = e.past.shape[1] - shared, o.past.shape[1] - shared
    for s in range(len(e.quiet)):
        for t in range(shared):
            e.past[s, mine + t] = o.past[s, its + t]
        e.quiet[s] = 0


@njit(**_OPTIONS)
def add_nonfinite(at, other_at):
    """Add the other engine's counts of silenced calls."""
    e, o = _engine(at), _engine(other_at)
    for s in range(len(e.nonfinite)):
        e.nonfinite[s] += o.nonfinite[s]


@njit(**_OPTIONS)
def reset_engine(at):
    """As ``Engine.reset``."""
    e = _engine(at)
    _zero(e.past)
    _zero(e.start)
    _zero(e.change)
    _zero(e.pending)
    _zero(e.cue_memory)
    _zero(e.window)
    _zero(e.spectra)
    for s in range(len(e.quiet)):
        e.quiet[s] = e.sizes[REACH] + STEP
    e.head[0] = 0


@njit(**_OPTIONS)
def tail_samples(at):
    """How long a sound rings on."""
    return _engine(at).sizes[TAIL]


@njit(**_OPTIONS)
def _zero(array):
    numbers = array.reshape(array.size)
    for i in range(len(numbers)):
        numbers[i] = 0
