"""The ears' signals from the tap to a file, by a thread that may be as slow as it likes."""

import os
import threading
from contextlib import ExitStack

import numpy as np

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileWriter
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.meters import TAP_READ, TAP_WRITTEN
from auricle.plugin_core.live.audio_thread.shared_memory import Flag
from auricle.plugin_core.live.shared_state import TAP_FRAMES, SharedState

PATIENCE_SECONDS = 0.02
CHUNK_FRAMES = 16384


class LiveRecording:
    """Writes what plays into a file, WAV as 32-bit float or FLAC.

    Args:
        shared: whose tap is read.
        path: the file; it appears under its name when the recording stops, or when it cannot go on,
            as on a full disk, with what was recorded until then.
        most_frames: more than these are not written; None: without end. A WAV file of unknown
            length ends at 4 GB, 3 hours at 48 kHz.

    Attributes:
        error: what has ended the recording, if something has.
    """

    def __init__(
        self, shared: SharedState, path: str | os.PathLike[str], most_frames: int | None = None
    ) -> None:
        self.error: AuricleError | None = None
        self.frames = 0
        self._shared, self._most = shared, most_frames
        self._running = True
        self._open = ExitStack()
        self._writer = FileWriter(path, shared.sample_rate, most_frames or 0, keep=True)
        self._open.enter_context(self._writer)
        cells = shared.arrays.tap_cells
        store_release(cells, TAP_READ, int(load_acquire(cells, TAP_WRITTEN)))
        shared.set_flag(Flag.RECORDING, 1)
        self._thread = threading.Thread(target=self._run, name="auricle-recording", daemon=True)
        self._thread.start()

    def room_frames(self) -> int:
        """Frames that the tap takes before some would be dropped."""
        cells = self._shared.arrays.tap_cells
        return TAP_FRAMES - int(load_acquire(cells, TAP_WRITTEN) - load_acquire(cells, TAP_READ))

    def stop(self) -> None:
        """Write the rest and close the file; raises AuricleError when writing has failed."""
        self._end()
        if self.error is not None:
            raise self.error
        self._open.close()

    def discard(self) -> None:
        """End without a file: what stood under the name stays."""
        self._end()
        self._open.__exit__(KeyboardInterrupt, None, None)

    def _end(self) -> None:
        self._shared.set_flag(Flag.RECORDING, 0)
        self._running = False
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._running:
                if not self._write_some():
                    threading.Event().wait(PATIENCE_SECONDS)
            while self._write_some():
                pass
        except AuricleError as error:
            self.error = error
            self._shared.set_flag(Flag.RECORDING, 0)
            self._open.pop_all()

    def _write_some(self) -> bool:
        arrays = self._shared.arrays
        cells = arrays.tap_cells
        read = int(cells[TAP_READ])
        first = read % TAP_FRAMES
        ready = int(load_acquire(cells, TAP_WRITTEN)) - read
        count = min(ready, CHUNK_FRAMES, TAP_FRAMES - first)
        if count == 0:
            return False
        kept = count if self._most is None else min(count, self._most - self.frames)
        self._writer.write(np.ascontiguousarray(arrays.tap[first : first + kept].T))
        self.frames += kept
        store_release(cells, TAP_READ, read + count)
        return True
