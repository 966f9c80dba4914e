"""What an ambisonic renderer hands to its block function.

``auricle.dsp.ambisonics.renderer`` makes it; the block function (``auricle.dsp.ambisonics.block``)
works on it, whoever calls. Numba's cache does not see a change here. So every file with kernels
that read these holds a stamp of this file's text, ``AMBISONIC_RECORD``.

Letters: N the order, C = (N + 1)^2 channels.
"""

from auricle.dsp.compiled.records import Record, f32, f64, i64, words

AMBISONIC = Record(
    "AmbisonicArrays",
    numbers=words,  # see below
    parts=words,  # see below
    head=f64(2),  # (3, 4) quaternions head to world: as set, of the step, as the call began
    rotation=f32(3),  # (2, C, 2N + 1) at the begin of the step, and its change within it
    rotation_end=f64(2),  # (C, 2N + 1) at its end
    ramp=f32(1),  # (STEP,) (t + 1) / STEP
    given=f32(2),  # (C, STEP) scratch: channels, silenced where they hold what is no sound
    turned=f32(2),  # (C, STEP) scratch: rotated
    ears=f32(2),  # (2, STEP) scratch
    coming_ears=f32(2),  # (2, STEP) scratch, of filters that fade in
    nonfinite=i64(1),  # (C,) calls in which a channel was silenced
)

# Of ``numbers``.
PHASE = 0  # samples of the control step under way
JUMP = 1  # whether the next step's rotation holds from its first sample on
MOVING = 2  # whether the rotation changes within the step
STARTED = 3  # whether a call of several steps has noted where it began
STEPS, STEP_OF_CALL = 4, 5  # how many begin in the call under way, and did so
N_NUMBERS = 6
# Of ``parts``: addresses of the convolver, of its filters, those that fade in within this step and
# those that do so in the next one (0: none); and of kernels.
CONVOLVER_AT, FILTERS_AT, COMING_AT, NEXT_AT, CONVOLVE_AT, ROTATE_AT, SLERP_AT = range(7)
N_PARTS = 7
ASKED, NOW, START = range(3)  # rows of ``head``
