"""The arrays that the audio thread works on, and what other threads may read and write there."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.render.block import reset_renderer
from auricle.dsp.render.renderer_state import RendererState
from auricle.plugin_core.live.around import Around, Heard
from auricle.plugin_core.live.audio_thread import callbacks, mailbox, shared_memory
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.shared_memory import (
    MAX_BLOCK,
    SHARED_STATE,
    Flag,
    Kind,
    Part,
    Status,
    ThreadState,
)
from auricle.plugin_core.live.sources import Channel, Noise, Tone

RING_FRAMES = 65536  # read ahead of each file
WARM_BLOCKS = 8
TAP_FRAMES = 1 << 18  # 5 s at 48 kHz


class SharedState:
    """All that a driver's callback needs, behind one address.

    Args:
        channels: of the sources, S in all.
        renderer: of the sources among them.
        around: what plays besides; None: nothing.
        heard: what the first set makes of that.
        latency_samples: of the renderer with the first set.

    Attributes:
        arrays: by name; see audio_thread/shared_memory.py for who writes what.
        address: what callbacks are given.
    """

    def __init__(
        self, channels: Sequence[Channel], renderer: RendererState, around: Around | None = None,
        heard: Heard | None = None, latency_samples: int = 0,
    ) -> None:  # fmt: skip
        n, sample_rate = len(channels), renderer.sample_rate
        self.channels, self.sample_rate = list(channels), sample_rate
        self.n_sources, self.n_rows = renderer.n_sources, n
        self.renderer = renderer
        around = around or Around(channels, "matched")
        self.n_inputs = sum(each.kind == Kind.INPUT for each in channels)
        rows = [each for each in channels if each.kind == Kind.FILE]
        n_files = 1 + max((each.file for each in rows), default=-1)
        work = np.zeros(len(ThreadState), dtype=np.int64)
        work[ThreadState.SAMPLE_RATE] = sample_rate
        parts = np.zeros(len(Part), dtype=np.int64)
        parts[Part.RENDERER] = renderer.address
        for part, address in callbacks.kernel_addresses(around.is_there).items():
            parts[part] = address
        files = np.zeros((n_files, 3), dtype=np.int64)
        files[:, 2] = -1
        random = np.random.SeedSequence(1).generate_state(n, np.uint64) | np.uint64(1)
        heard = heard or around.heard_through(None, sample_rate)
        scene_width = shared_memory.scene_width(self.n_sources, len(around))
        arrays: dict[str, Any] = {
            "scene": mailbox.slots(scene_width), "scene_cells": mailbox.cells(),
            "status": mailbox.slots(shared_memory.status_width(n)), "status_cells": mailbox.cells(),
            "now": np.zeros(shared_memory.status_width(n)), "work": work, "parts": parts,
            "audio": np.zeros((n, MAX_BLOCK), dtype=np.float32),
            "out": np.zeros((2, MAX_BLOCK), dtype=np.float32),
            "kinds": np.array([each.kind for each in channels], dtype=np.int64),
            "places": np.array([(each.index, each.file) for each in channels], dtype=np.int64),
            "rings": np.zeros((len(rows), RING_FRAMES), dtype=np.float32),
            "file_cells": files, "file_ready": np.zeros(n_files, dtype=np.int64),
            "random": random, "tones": np.array([_signal(each, sample_rate) for each in channels]),
            "peak_bits": np.zeros(n + 2, dtype=np.int32), "energies": np.zeros(n + 2),
            "tap": np.zeros((TAP_FRAMES, 2), dtype=np.float32),
            "tap_cells": np.zeros(48, dtype=np.int64),
            "block_log": np.zeros((shared_memory.LOGGED_BLOCKS, 3), dtype=np.int64),
            "ports": np.zeros(self.n_inputs + 2, dtype=np.int64),
            "flags": np.zeros(len(Flag), dtype=np.int64),
            "follows": np.array([each.follows for each in channels], dtype=np.int64),
        } | around.arrays(heard, sample_rate, latency_samples)  # fmt: skip
        self._packed = SHARED_STATE.pack(arrays)
        self.arrays: Any = self._packed.arrays
        self.address = self._packed.address
        for name in ("audio", "rings", "tap"):
            getattr(self.arrays, name)[...] = 0.0  # the system gives memory when it is written to
        self._reading = threading.Lock()

    def warm_up(self, block_size: int) -> None:
        """Run some blocks before any driver does, so that none of its first ones waits for the
        compiler or for memory; then forget them.
        """
        callbacks.run_paced(self.address, block_size, 0)
        callbacks.run_blocks(self.address, block_size, WARM_BLOCKS)
        engine = self.arrays.now[Status.ENGINE_ID]
        self.arrays.now[:] = 0.0
        self.arrays.now[Status.ENGINE_ID] = engine
        self.arrays.peak_bits[:] = 0
        self.arrays.energies[:] = 0.0
        self.arrays.work[ThreadState.WINDOW_FRAMES] = 0
        reset_renderer(self.renderer.address)

    def status(self) -> NDArray[np.float64]:
        """The newest status (V,), whole; from any thread."""
        cells = self.arrays.status_cells
        with self._reading:
            mailbox.receive(cells)
            return self.arrays.status[cells[mailbox.RECEIVER]].copy()

    def flag(self, which: Flag) -> int:
        """The value of a switch, which the audio thread or whoever steers it has set."""
        return int(load_acquire(self.arrays.flags, which))

    def set_flag(self, which: Flag, value: int) -> None:
        """Set it for the other side to see."""
        store_release(self.arrays.flags, which, value)


def _signal(channel: Channel, sample_rate: int) -> tuple[float, float, float]:
    """Level, turns a sample, turns so far of a test signal."""
    source = channel.source
    if isinstance(source, Tone):
        return source.level, source.frequency_hz / sample_rate, 0.0
    return (source.level if isinstance(source, Noise) else 0.0), 0.0, 0.0
