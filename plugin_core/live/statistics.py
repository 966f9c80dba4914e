"""The statistics in words: from the numbers that the audio thread publishes, ready for JSON."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.plugin_core.live.audio_thread.shared_memory import Status

SILENCE_DB = -200.0


def engine_figures(status: NDArray[np.float64], sample_rate: int) -> dict[str, Any]:
    """Figures of a status (V,): what was called, how long it took, how scenes came in.

    ``load`` is the mean share of a block's time that its making took; ``deadline_misses`` are
    blocks that took longer than they last, ``own_misses`` those that did so in the time in which
    the thread was let run: the others were kept waiting by other programs.
    """
    frames, callbacks = status[Status.FRAMES], status[Status.CALLBACKS]
    seconds = frames / sample_rate
    elapsed = 1e-9 * (status[Status.LAST_NS] - status[Status.FIRST_NS])
    scenes = max(status[Status.SCENES], 1.0)
    return {
        "callbacks": int(callbacks),
        "seconds": round(seconds, 6),
        "clock_seconds": round(float(elapsed), 4),
        "deadline_misses": int(status[Status.MISSES]),
        "own_misses": int(status[Status.OWN_MISSES]),
        "oversized_blocks": int(status[Status.OVERSIZED]),
        "worst_block_ms": round(1e-6 * status[Status.WORST_NS], 4),
        "worst_own_ms": round(1e-6 * status[Status.OWN_WORST_NS], 4),
        "mean_block_ms": round(1e-6 * status[Status.BUSY_NS] / max(callbacks, 1.0), 4),
        "load": round(1e-9 * status[Status.BUSY_NS] / max(seconds, 1e-9), 4),
        "scenes": {
            "taken": int(status[Status.SCENES]),
            "late": int(status[Status.SCENES_LATE]),
            "mean_wait_ms": round(1e-6 * status[Status.SCENE_WAIT_NS] / scenes, 4),
            "worst_wait_ms": round(1e-6 * status[Status.SCENE_WORST_NS], 4),
        },
        "underrun_frames": int(status[Status.UNDERRUN_FRAMES]),
        "recorded_frames": int(status[Status.TAP_FRAMES]),
        "unrecorded_frames": int(status[Status.TAP_DROPPED]),
        "exchanging": bool(status[Status.FADING]),
    }


def meters_db(
    status: NDArray[np.float64], n_sources: int, n_rows: int
) -> dict[str, list[dict[str, float]]]:
    """Peak and RMS of the last tenth of a second, and the highest peak, in dB of full scale.

    Sources are measured as they arrive, before their gain; of ``n_rows`` rows of audio the others
    are LFE channels and ambisonic fields, under "around" where there are any.
    """
    rows = status[Status.METERS :].reshape(3, n_rows + 2).T
    found = [
        {"peak_db": _db(peak), "rms_db": _db(rms), "highest_db": _db(highest)}
        for peak, rms, highest in rows.tolist()
    ]
    parts = {"sources": found[:n_sources], "ears": found[n_rows:]}
    return parts | ({"around": found[n_sources:n_rows]} if n_rows > n_sources else {})


def _db(level: float) -> float:
    if not 0.0 < level < math.inf:
        return SILENCE_DB if level == 0.0 else math.copysign(SILENCE_DB, 1.0)
    return round(max(20.0 * math.log10(level), SILENCE_DB), 2)
