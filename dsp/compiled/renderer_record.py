"""What a renderer hands to its block function: scene, engines, and what plays beside them.

A ``RENDERER`` belongs to S sources and one listener (``auricle.dsp.render.renderer_state``). Its
``engines`` are addresses of ``ENGINE`` records. The block function (``auricle.dsp.render.block``)
works on it, whoever calls: ``BinauralRenderer``, or the audio thread of ``Live``.

Numba's cache does not see a change here. So every file with kernels that read these holds a stamp
of this file's text, ``RENDERER_RECORD``.

Letters: S sources, C copies of a wide source, N all-pass filters of a copy, D samples of such a
filter's past, H samples of a source's way.
"""

from auricle.dsp.compiled.records import Record, f32, f64, flags, i64, words

RENDERER = Record(
    "RendererArrays",
    numbers=words,  # see below
    parts=words,  # see below
    engines=i64(2),  # (3, 3) see below
    positions=f64(3),  # (3, S, 3) metres in world axes, see below
    head=f64(2),  # (3, 7) quaternion head to world, and place in metres, see below
    gains=f64(1),  # (S,) linear, as set
    audible=f64(1),  # (S,) 0 for who is switched off, else 1
    levels=f64(1),  # (S,) gains of those who are audible
    narrow=f64(1),  # (S,) of them what a wide source's middle gets
    world_to_head=f64(2),  # (3, 3)
    coming_out=f32(2),  # (2, STEP) of the set that fades in
    copies_out=f32(2),  # (2, STEP) of the copies of wide sources
    no_positions=f64(3),  # (0, S, 3)
    no_poses=f64(2),  # (0, 7)
)

# Of ``numbers``.
PHASE = 0  # samples of the control step under way
JUMP = 1  # whether the next step's places and gains hold from its first sample on
MOVED = 2  # whether places or pose have been set that are not reached yet
LEVELLED = 3  # whether gains have been set that are not in ``levels`` yet
STARTED = 4  # whether a call of several steps has noted where it began
STEPS, STEP_OF_CALL = 5, 6  # how many begin in the call under way, and did so
DISTANCE_GAIN = 7  # whether the level falls as 1/r from 1 m
COMING_STEP = 8  # of an exchange of sets; -1: it has yet to begin
TOUCHED = 9  # whether places or gains of the step under way are new
N_NUMBERS = 10
# Of ``parts``: addresses of records, 0 for none, and of the kernels that work on engines.
(
    WIDTH_AT, PROPAGATION_AT, AIM_ENGINE_AT, RENDER_ENGINE_AT, INHERIT_AT, RESET_ENGINE_AT,
    AIM_WIDTH_AT, DECORRELATE_AT, RESET_WIDTH_AT, AIM_WAY_AT, DELAY_AT,
    SILENCE_WAY_AT, SLERP_AT, WORLD_TO_HEAD_AT,
) = range(14)  # fmt: skip
N_PARTS = 14
# Rows of ``engines``: the set that plays, that which fades in, that which does so next. Columns:
# the engine's address, 0 for none; that of the copies of wide sources; the exchange's number.
PLAYS, COMES, WAITS = range(3)
ENGINE_AT, COPIES_AT, EXCHANGE = range(3)
# Rows of ``positions`` and ``head``: as set, as of the step under way, as the call began.
ASKED, NOW, START = range(3)

WIDTH = Record(
    "WidthArrays",
    counts=words,  # (2,) steps since a copy could be heard, at most those after which none can
    fastest_deg=f64(1),  # (1,) by which a width changes in a step
    places=f64(1),  # (C,) of the copies, shares of the width
    signs=f32(1),  # (C,) by which they are multiplied
    loudness=f64(1),  # of ``loudness_field``
    targets_deg=f64(1),  # (S,) widths asked for
    now_deg=f64(1),  # (S,) at the step's end
    running=flags(1),  # (S,) whose copies sound in this step
    positions=f64(2),  # (S * C, 3) of the copies
    levels=f64(1),  # (S * C,) of the copies
    share=f64(1),  # (S,) gain of the source itself
    delays=i64(2),  # (C, N) samples
    past=f32(4),  # (S, C, N, D) rings
    at=i64(3),  # (S, C, N) where they are written next
    out=f32(2),  # (S * C, STEP) the copies' signals
)
QUIET_STEPS, RING_STEPS = range(2)  # of ``counts``

PROPAGATION = Record(
    "PropagationArrays",
    numbers=f64(1),  # (3,) samples a metre, the longest and the least delay
    head=words,  # (1,) where in the history the next sample goes
    history=f32(2),  # (S, 2 H) each of the last H samples at two places H apart
    active=flags(1),  # (S,) whose sound takes its time; others pass as they are
    delays=f64(2),  # (2, S) samples, at the step's ends
    table=f32(2),  # (rows, TAPS) of ``delay_table``, oldest sample first
    nonfinite=i64(1),  # (S,) calls in which it held NaN, infinity or too much, and was silenced
    out=f32(2),  # (S, STEP) the delayed signals
)
SAMPLES_PER_M, LONGEST, LEAST = range(3)  # of ``numbers``
