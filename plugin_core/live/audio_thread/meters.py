# mypy: disable-error-code="no-untyped-def"
"""What is kept of a block besides its sound: meters, the recording's tap, times, the status."""

import numpy as np
from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import kernel
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.mailbox import PUBLISH
from auricle.plugin_core.live.audio_thread.shared_memory import (
    LOGGED_BLOCKS,
    SHARED_STATE,
    Flag,
    Part,
    Status,
    ThreadState,
)
from auricle.plugin_core.live.audio_thread.system import now_ns, own_ns

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
CALLS = "2bfa482918eb"  # likewise of calls.py
ATOMICS = "020cae6ccd64"  # likewise of atomics.py
SYSTEM = "e019dffaac64"  # likewise of system.py
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

TAP_WRITTEN, TAP_READ = 0, 16
METER_SECONDS = 0.1

_shared, _publish = SHARED_STATE.read, PUBLISH.call


@kernel
def measure(at, n_frames):
    """Take the block into the meters of the sources, as they arrive, and of the ears."""
    d = _shared(at)
    n_sources = len(d.kinds)
    for i in range(n_sources + 2):
        row = d.audio[i] if i < n_sources else d.out[i - n_sources]
        largest, energy = _peak_and_energy(row[:n_frames])
        d.peak_bits[i] = max(d.peak_bits[i], largest)
        d.energies[i] += energy
    d.work[ThreadState.WINDOW_FRAMES] += n_frames
    if d.work[ThreadState.WINDOW_FRAMES] < METER_SECONDS * d.work[ThreadState.SAMPLE_RATE]:
        return
    n, peaks = n_sources + 2, d.peak_bits.view(np.float32)
    meters = d.now[Status.METERS :]
    for i in range(n):
        meters[i] = peaks[i]
        meters[n + i] = np.sqrt(d.energies[i] / d.work[ThreadState.WINDOW_FRAMES])
        meters[2 * n + i] = max(meters[2 * n + i], meters[i])
        d.peak_bits[i], d.energies[i] = 0, 0.0
    d.work[ThreadState.WINDOW_FRAMES] = 0


@kernel
def _peak_and_energy(row):
    """Of a row (n,) float32; the peak as the bits of a float32."""
    # Floats without their sign are in the order of their bits, and the larger of two whole numbers
    # needs no rule for NaN: so this runs in vectors.
    bits = row.view(np.int32)
    largest, energy = np.int32(0), np.float32(0.0)
    for t in range(len(row)):
        largest = max(largest, bits[t] & np.int32(0x7FFFFFFF))
        energy += row[t] * row[t]
    return largest, energy


@kernel
def record(at, n_frames):
    """Put the ears into the tap, the whole block or, where there is no room, none of it."""
    d = _shared(at)
    if load_acquire(d.flags, Flag.RECORDING) == 0:
        return
    written = d.tap_cells[TAP_WRITTEN]
    room = len(d.tap) - (written - load_acquire(d.tap_cells, TAP_READ))
    if room < n_frames:
        d.now[Status.TAP_DROPPED] += n_frames
        return
    i = written % len(d.tap)
    for t in range(n_frames):
        d.tap[i, 0], d.tap[i, 1] = d.out[0, t], d.out[1, t]
        i = i + 1 if i + 1 < len(d.tap) else 0
    store_release(d.tap_cells, TAP_WRITTEN, written + n_frames)
    d.now[Status.TAP_FRAMES] += n_frames


@kernel
def account(at, n_frames, began_ns, own_began_ns):
    """Count the block, note how long it took, and publish the status."""
    d = _shared(at)
    now = d.now
    mark = d.block_log[int(now[Status.CALLBACKS]) % LOGGED_BLOCKS]
    mark[0], mark[1], mark[2] = int(now[Status.FRAMES]), began_ns, int(now[Status.SCENE_NUMBER])
    if now[Status.CALLBACKS] == 0.0:
        now[Status.FIRST_NS] = began_ns
    ended = now_ns()
    took, own = float(ended - began_ns), float(own_ns() - own_began_ns)
    lasts = 1e9 * n_frames / d.work[ThreadState.SAMPLE_RATE]
    now[Status.CALLBACKS] += 1.0
    now[Status.FRAMES] += n_frames
    now[Status.BUSY_NS] += took
    now[Status.OWN_NS] += own
    now[Status.WORST_NS] = max(now[Status.WORST_NS], took)
    now[Status.OWN_WORST_NS] = max(now[Status.OWN_WORST_NS], own)
    now[Status.MISSES] += 1.0 if took > lasts else 0.0
    now[Status.OWN_MISSES] += 1.0 if own > lasts else 0.0
    now[Status.LAST_NS] = ended
    _publish(d.parts[Part.PUBLISH], now, d.status, d.status_cells)


MEASURE = Routine(measure, types.void(types.int64, types.int64))
RECORD = Routine(record, types.void(types.int64, types.int64))
ACCOUNT = Routine(account, types.void(types.int64, types.int64, types.int64, types.int64))
