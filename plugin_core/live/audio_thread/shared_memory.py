"""Where everything stands that the interpreter and the audio thread share.

Letters: S sources, R rows of audio, A fields of ambisonics, W and V numbers of a scene and of a
status, F files.
"""

from enum import IntEnum

from auricle.dsp.compiled.records import Record, f32, f64, i32, i64, u64

MAX_BLOCK = 8192  # the largest that JACK knows
LOGGED_BLOCKS = 4096  # blocks whose times are kept

# Of the audio thread: what it reads and writes in every block.
SHARED_STATE = Record(
    "SharedStateArrays",
    scene=f64(2), scene_cells=i64(1),  # mailbox of the scene, see Scene
    status=f64(2), status_cells=i64(1),  # mailbox of the status, see Status
    now=f64(1),  # (V,) the status as it grows
    work=i64(1),  # see ThreadState
    parts=i64(1),  # addresses of the renderer and of the kernels, see Part
    audio=f32(2),  # (R, MAX_BLOCK) this block: S sources, LFE channels, fields of ambisonics
    out=f32(2),  # (2, MAX_BLOCK) the ears
    follows=i64(1),  # (S,) 1 for sources that stand around the head wherever that goes
    fields=i64(2),  # (A, 3) of ambisonic fields: the ``AMBISONIC``, its first row, newest filters
    lfe_rows=i64(1),  # which of ``audio`` are LFE channels
    lfe_sections=f64(2),  # of their low-pass, see ``low_pass`` of loudspeakers/bed.py
    lfe_state=f64(2),  # its memory
    lfe_gain=f64(1),  # (1,) linear
    lfe_nonfinite=i64(1),  # (1,) samples that were silenced
    low=f32(2),  # (1, MAX_BLOCK) the LFE
    late_ears=f32(2),  # (2, D) what the ears wait for until fields are as late
    late_low=f32(2),  # (1, D') likewise the LFE
    late_at=i64(1),  # (2,) where in these the next samples go
    kinds=i64(1),  # (R,) see Kind
    places=i64(2),  # (R, 2) which input or row of ``rings``, and which file
    rings=f32(2),  # (channels of files, frames) audio of files, read ahead
    file_cells=i64(2),  # (F, 3) frames written, read, and in all, -1 while that is not known
    file_ready=i64(1),  # (F,) scratch
    random=u64(1),  # (R,) states of the noises
    tones=f64(2),  # (R, 3) level, turns a sample, turns so far
    peak_bits=i32(1),  # (R + 2,) of the meters' window under way: peaks, float32 by their bits
    energies=f64(1),  # (R + 2,) likewise
    tap=f32(2),  # (frames, 2) the output on its way to a recording
    tap_cells=i64(1),  # frames written and read, each in a cache line of its own
    block_log=i64(2),  # (MARKS, 3) first frame, begin in ns and scene of the last blocks
    ports=i64(1),  # (inputs + 2,) of JACK
    flags=i64(1),  # see Flag
)  # fmt: skip


class Scene(IntEnum):
    """Numbers of a scene, in the mailbox.

    Then positions (S, 3), gains, audible and widths (S,), and addresses of fields' filters (A,).
    """

    NUMBER = 0  # counts commits
    COMMITTED_NS = 1
    ENGINE_ID = 2  # counts exchanges of sets
    ENGINE_AT = 3  # address of its arrays
    COPIES_AT = 4  # of those of the copies of wide sources; 0: none is wide
    WIDTH_AT = 5  # likewise of what makes those copies
    RESETS = 6
    LFE_GAIN = 7
    ORIENTATION = 8
    PLACE = 12
    SOURCES = 15


class ThreadState(IntEnum):
    """Whole numbers of the audio thread."""

    SAMPLE_RATE = 0
    EXCHANGE = 1  # the newest set that was taken from a scene
    RESETS = 2
    WINDOW_FRAMES = 3  # of the meters


class Part(IntEnum):
    """Addresses: of the ``RENDERER``, and of kernels."""

    RENDERER = 0
    RENDER_BLOCK = 1
    RESET_RENDERER = 2
    RECEIVE = 3
    PUBLISH = 4
    TAKE_SCENE = 5
    GATHER = 6
    MEASURE = 7
    RECORD = 8
    ACCOUNT = 9
    MAKE_BLOCK = 10
    ADD_AROUND = 11
    RENDER_FIELD = 12
    RESET_FIELD = 13
    LOW_PASS = 14


class Status(IntEnum):
    """Numbers of a status; then peak, RMS and highest peak, each of (R rows, 2 ears)."""

    CALLBACKS = 0
    FRAMES = 1
    MISSES = 2  # blocks that took longer than they last
    OWN_MISSES = 3  # likewise, in time that this thread has run
    WORST_NS = 4
    BUSY_NS = 5
    OWN_NS = 6
    OWN_WORST_NS = 7
    FIRST_NS = 8  # when the first block began
    LAST_NS = 9  # when the last one ended
    SCENES = 10  # taken from the mailbox
    SCENE_NUMBER = 11
    SCENES_LATE = 12  # that waited for longer than a block and a millisecond
    SCENE_WAIT_NS = 13  # sum over those taken
    SCENE_WORST_NS = 14
    ENGINE_ID = 15
    FADING = 16
    UNDERRUN_FRAMES = 17  # of files that were not read in time
    TAP_FRAMES = 18
    TAP_DROPPED = 19
    OVERSIZED = 20  # blocks beyond MAX_BLOCK, which are silent
    METERS = 24


class Kind(IntEnum):
    """Where a source's audio comes from."""

    INPUT = 0
    FILE = 1
    NOISE = 2
    TONE = 3


class Flag(IntEnum):
    """Set by one side, seen by the other."""

    STOP = 0  # the paced clock is to end
    LOST = 1  # the driver has gone
    NEW_RATE = 2  # the driver's sample rate, when it has changed
    XRUNS = 3
    GET_BUFFER = 4  # address of the driver's function for a port's buffer
    ENDED = 5  # the paced clock has ended
    RECORDING = 6
    LATE = 7  # times that the paced clock began anew since it was far behind


def scene_width(n_sources: int, n_fields: int = 0) -> int:
    """W."""
    return Scene.SOURCES + 6 * n_sources + n_fields


def status_width(n_rows: int) -> int:
    """V."""
    return Status.METERS + 3 * (n_rows + 2)
