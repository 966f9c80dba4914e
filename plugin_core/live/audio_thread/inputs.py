# mypy: disable-error-code="no-untyped-def"
"""What the sources sound like in a block: files read ahead by another thread, noises, tones.

Inputs of a driver are copied to ``audio`` by its callback beforehand.
"""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.shared_memory import SHARED_STATE, Kind, Status

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
ATOMICS = "020cae6ccd64"  # likewise of atomics.py
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

WRITTEN, READ, END = 0, 1, 2  # of ``file_cells``

_shared = SHARED_STATE.read


@exact_kernel
def gather(at, n_frames):
    """Write the block of every source that is not a driver's input into ``audio``."""
    d = _shared(at)
    files = d.file_cells
    for f in range(len(files)):
        ready = min(load_acquire(files[f], WRITTEN) - files[f, READ], n_frames)
        end = load_acquire(files[f], END)
        d.file_ready[f] = ready
        if ready < n_frames and (end < 0 or files[f, READ] + ready < end):
            d.now[Status.UNDERRUN_FRAMES] += n_frames - ready
    for s in range(len(d.kinds)):
        row = d.audio[s]
        if d.kinds[s] == Kind.FILE:
            f = d.places[s, 1]
            _from_ring(d.rings[d.places[s, 0]], files[f, READ], d.file_ready[f], n_frames, row)
        elif d.kinds[s] == Kind.NOISE:
            d.random[s] = _noise(d.random[s], d.tones[s, 0], n_frames, row)
        elif d.kinds[s] == Kind.TONE:
            d.tones[s, 2] = _tone(d.tones[s, 0], d.tones[s, 1], d.tones[s, 2], n_frames, row)
    for f in range(len(files)):
        store_release(files[f], READ, files[f, READ] + d.file_ready[f])


@exact_kernel
def _from_ring(ring, read, ready, n_frames, row):
    at = read % len(ring)
    for t in range(ready):
        row[t] = ring[at]
        at = at + 1 if at + 1 < len(ring) else 0
    for t in range(ready, n_frames):
        row[t] = 0.0


@exact_kernel
def _noise(state, level, n_frames, row):
    """White noise, even in +-level sqrt(3), so that its RMS is ``level``; returns the new state.

    Marsaglia's xorshift (2003, Xorshift RNGs, with shifts 13, 7, 17).
    """
    scale = level * np.sqrt(3.0) / 9007199254740992.0
    for t in range(n_frames):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        row[t] = scale * (2.0 * float(state >> np.uint64(11)) - 9007199254740992.0)
    return state


@exact_kernel
def _tone(level, step, turns, n_frames, row):
    """A sine of amplitude ``level``; returns the turns so far."""
    cosine, sine = np.cos(2.0 * np.pi * step), np.sin(2.0 * np.pi * step)
    x, y = level * np.cos(2.0 * np.pi * turns), level * np.sin(2.0 * np.pi * turns)
    for t in range(n_frames):
        row[t] = y
        x, y = x * cosine - y * sine, x * sine + y * cosine
    turns += step * n_frames
    return turns - np.floor(turns)


GATHER = Routine(gather, types.void(types.int64, types.int64))
