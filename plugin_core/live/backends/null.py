"""No device: a clock in a thread of compiled code, paced or as fast as it can."""

import threading
import time
from collections.abc import Callable

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.live.audio_thread import callbacks
from auricle.plugin_core.live.audio_thread.shared_memory import MAX_BLOCK, Flag, Status
from auricle.plugin_core.live.audio_thread.system import now_ns, own_ns
from auricle.plugin_core.live.shared_state import SharedState

UNPACED_BLOCKS = 64  # at a time, between looks at what else goes on


class NullBackend:
    """A clock without a device, for tests, recordings, and while a device is gone.

    Args:
        sample_rate: Hz; block_size: frames.
        paced: one block in its time; else as fast as files are read and the recording is written.
    """

    name = "null"

    def __init__(
        self, sample_rate: int = 48000, block_size: int = 128, *, paced: bool = True
    ) -> None:
        if not 1000 <= sample_rate <= 768_000:
            raise AuricleError(f"a sample rate is 1000 to 768000 Hz, got {sample_rate}")
        if not 1 <= block_size <= MAX_BLOCK:
            raise AuricleError(f"a block has 1 to {MAX_BLOCK} frames, got {block_size}")
        self.sample_rate, self.block_size, self.paced = sample_rate, block_size, paced
        self._most: int | None = None
        self._room: Callable[[], int] = lambda: UNPACED_BLOCKS * block_size
        self._thread: threading.Thread | None = None
        self._shared: SharedState | None = None

    def end_at(self, most_frames: int | None, room_frames: Callable[[], int]) -> None:
        """End by itself after so many frames, None: never; unpaced, make at most ``room_frames()``
        at once, so that nothing is lost.
        """
        self._most, self._room = most_frames, room_frames

    def start(self, shared: SharedState) -> None:
        """Let the clock run."""
        self._shared = shared
        shared.set_flag(Flag.STOP, 0)
        shared.set_flag(Flag.ENDED, 0)
        run = self._run_paced if self.paced else self._run_unpaced
        self._thread = threading.Thread(
            target=run, args=(shared,), name="auricle-clock", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop the clock."""
        if self._thread is not None and self._shared is not None:
            self._shared.set_flag(Flag.STOP, 1)
            self._thread.join()
            self._thread = None

    def latency_seconds(self) -> float:
        """None beyond the block itself."""
        return 0.0

    def trouble(self) -> str:
        """Nothing can go wrong."""
        return ""

    def _run_paced(self, shared: SharedState) -> None:
        frames = self._left(shared)
        count = -1 if frames is None else frames // self.block_size
        callbacks.run_paced(shared.address, self.block_size, count)
        self._finish(shared)

    def _run_unpaced(self, shared: SharedState) -> None:
        while shared.flag(Flag.STOP) == 0:
            left = self._left(shared)
            room = self._room()
            frames = room if left is None else min(room, left)
            count = min(frames // self.block_size, UNPACED_BLOCKS)
            if left is not None and left < self.block_size:
                break
            if count == 0:
                time.sleep(0.001)
                continue
            callbacks.run_blocks(shared.address, self.block_size, count)
        self._finish(shared)

    def _finish(self, shared: SharedState) -> None:
        """The rest that is less than a block; then say that the end has come."""
        left = self._left(shared)
        if left is not None and 0 < left < self.block_size and shared.flag(Flag.STOP) == 0:
            callbacks.silent_block(shared.address, left, now_ns(), own_ns())
        shared.set_flag(Flag.ENDED, 1)

    def _left(self, shared: SharedState) -> int | None:
        if self._most is None:
            return None
        return self._most - int(shared.arrays.now[Status.FRAMES])
