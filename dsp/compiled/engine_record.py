"""What an engine hands to its kernels: the one list of its arrays, by name and type.

An ``ENGINE`` belongs to one prepared set and S sources (``auricle.dsp.render.engine``); in its
``parts`` stand the addresses of its ``CUES`` (``auricle.dsp.distance.cues``), of the convolver's
records and of the kernels that work on them. Kernels read them here by address, whoever calls: the
renderer, or the audio thread of ``Live``.

Numba's cache does not see a change here. So every file with kernels that read these holds a stamp
of this file's text, ``ENGINE_RECORD``.

Letters: S sources, E ears, K buses an ear, H taps before the onset, G gains of a source, R samples
of a source's past, T triangles, V vertices, A angles, D distances, L lanes of a vector.
"""

from auricle.dsp.compiled.records import Record, f32, f64, flags, i8, i32, i64, words

CUES = Record(
    "CueArrays",
    near_table=f64(3),  # (A, D, 5) of ``near_field_table``; A = 0 for no near field
    air_table=f64(2),  # (D, 5) of ``air_table``; D = 0 for no absorption
    numbers=f64(1),  # see below
    ears=f64(2),  # (2, 3) unit vectors
    limits_m=f64(1),  # (S,) where the near field begins
    in_air=flags(1),  # (S,) whom the air absorbs
    in_use=words,  # (1,) whether a filter did something in the last step
    near=flags(1),  # (S,) sources that each ear sees elsewhere
    pre_onset_gain=f64(1),  # (S,) share left of what sounds before the onset (it has no filter)
    directions=f64(3),  # (S, 2, 3) unit vectors in head axes, read where ``near``
    delays=f64(2),  # (S, 2) samples to add there
    filters=f64(4),  # (2, S, 2, 5) b0 b1 b2 a1 a2 at the step's begin and end
    state=i8(1),  # (S,) BYPASS, CONSTANT or CHANGE
    memory=f64(3),  # (S, 2, 4) of the filters: two samples before and two behind, newest first
)

# Of ``numbers``: the near field's table and its head; the air's axis runs evenly in
# r / (r + scale) up to ``last``.
REFERENCE_M, NEAREST_M, HEAD_RADIUS_M, SAMPLES_PER_M, AIR_SCALE_M, AIR_LAST = range(6)

ENGINE = Record(
    "EngineArrays",
    sizes=words,  # see below
    parts=words,  # see below
    triangles=f32(2),  # (T, 16) see below
    corners=i32(2),  # (T, 8) vertices, the triangles across from them, and two zeros
    gains_table=f32(2),  # (V, G) of the buses, left ear's first; H and H without delay; zeros
    delay_filters=f32(2),  # (rows, multiple of L) from ``delay_table``, padded with zeros
    delay_line=f32(2),  # (S, R) the R last samples, as many as a delay may need, a multiple of L
    silent_samples=i64(1),  # (S,) samples since the source was last not zero
    asked=f64(2),  # (S, 5) of the step under way: position, gain, whether it is near
    pose=f64(1),  # (13,) of the step under way: world to head, the listener, distance gain
    stale=flags(1),  # (S,) silent sources, which are not aimed until they sound
    fades_in=flags(1),  # (S,) switched off before: its first step of sound rises from nothing
    sounding=i64(1),  # (S,) scratch: who is mixed in this part of a step
    woken=i64(1),  # (S,) scratch: of them those who have yet to be aimed
    active=i64(1),  # (S,) who is not switched off in this step
    counts=words,  # see below
    nonfinite=i64(1),  # (S,) calls in which it held NaN, infinity or too much, and was silenced
    triangle=i64(2),  # (S, 2) where each source was found last, by each ear
    state=i8(1),  # (S,) IDLE, CONSTANT or CHANGE
    gains_begin=f32(2),  # (S, G) gains at the step's begin: K left, K right, H and H without delay
    gains_delta=f32(2),  # (S, G) by how much they change within it
    delays=f64(3),  # (2, S, 2) samples, at the step's begin and end
    ramp=f32(1),  # (STEP,) (t + 1) / STEP
    rows=f32(2),  # (TILE, R + STEP) scratch: sources' pasts and new samples
    rest_taps=f32(3),  # (S, 2, multiple of L) of the delays of those at rest
    rest_ready=flags(1),  # (S,) whose are there
    taps=f32(3),  # (TILE * BLENDS, 2, multiple of L) scratch, and the next three
    schedule=i64(2),  # (TILE * BLENDS, 4)
    delayed=f32(2),  # (2 TILE, STEP), of the left ear, or of both where sources are few
    at=i64(2),  # (3, TILE) where rows begin: delayed, not delayed, and their gains
    bus=f32(3),  # (2, K, STEP) the mix
    overlap=f32(2),  # (2, K or N + STEP and more) full rank, or few sources: sums of later samples
    filters=f32(
        3
    ),  # (2, K, N) of the buses, padded with zeros to a multiple of L; N = 0: full rank
    long_ramp=f32(1),  # (N + STEP and more,) (t + 1) / STEP
    few_taps=f32(1),  # (2 N,) scratch of few sources, and the next one
    few_row=f32(1),
)

# A row of ``triangles``: the matrix (3, 3) from a direction to the weights of its vertices, the
# delays of these in samples (vertex by vertex, left and right), a zero. One cache line.
DELAYS = 9
ACROSS = 3  # in a row of ``corners``

# Of ``sizes``; FEW: sources up to which they are few; RINGS: steps that the convolver rings on.
RANK, PRE_ONSET, DELAY_TAPS, CENTRE, REACH, TAIL, FEW, RINGS = range(8)
N_SIZES = 8
# Of ``counts``: how many sounding, woken and active sources there are; whether those of this part
# of a step are few; rows of ``at`` before the first, and from the second on, are in use; steps
# since the buses were last in use; how many sources have to be aimed whether they move or not.
SOUNDING, WOKEN, ACTIVE, DIRECT, MOVING, STILL, BUSES_REST, RESTLESS = range(8)
N_COUNTS = 8
# Of ``parts``, addresses: of records, 0 for no convolver or no cues of distance; of kernels.
CUES_AT, CONVOLVER_AT, FILTERS_AT, AIM_DISTANCE_AT, AIM_AT, WAKE_AT, LISTEN_AT, SPATIALIZE_AT = (
    range(8)
)
OUTPUT_AT = 8  # of ``convolve_part``, or of ``accumulate_taps`` at full rank
ADD_FEW_AT = 9
N_PARTS = 10
