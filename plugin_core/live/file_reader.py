# mypy: disable-error-code="no-untyped-def"
"""Files read ahead of the audio thread: a thread of its own fills their rings."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import numpy as np

from auricle.dsp.ambisonics.fuma import sn3d_from_fuma
from auricle.dsp.arrays import Float32
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileSource
from auricle.plugin_core.live.audio_thread.atomics import load_acquire, store_release
from auricle.plugin_core.live.audio_thread.inputs import END, READ, WRITTEN
from auricle.plugin_core.live.audio_thread.shared_memory import Kind
from auricle.plugin_core.live.shared_state import RING_FRAMES, SharedState
from auricle.plugin_core.live.sources import MOST_CHANNELS, Track, opened

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
ATOMICS = "020cae6ccd64"  # the text of atomics.py that is compiled into the kernels below
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

CHUNK_FRAMES = 4096
PATIENCE_SECONDS = 0.02


class FileReader:
    """Keeps the rings of a shared state's files filled.

    Attributes:
        errors: one line for each file that turned out to be damaged; it is silent from there on.
    """

    def __init__(self, shared: SharedState) -> None:
        self.errors: list[str] = []
        self._shared = shared
        # With its first row, the number of these, and what makes them of the file's channels.
        self._files: list[tuple[FileSource, int, int, Callable[[Float32], Float32]]] = []
        self._room = threading.Event()
        self._running = False
        self._thread: threading.Thread | None = None
        self._open = ExitStack()
        seen = set()
        try:
            for each in shared.channels:
                if each.kind != Kind.FILE or each.file in seen:
                    continue
                seen.add(each.file)
                assert isinstance(each.source, Track)
                source = FileSource(
                    each.source.path, shared.sample_rate, max_channels=MOST_CHANNELS,
                    loop=each.source.loop,
                )  # fmt: skip
                self._open.enter_context(closing(source))
                rows = [
                    row.index
                    for row in shared.channels
                    if row.kind == Kind.FILE and row.file == each.file
                ]
                self._files.append((source, min(rows), len(rows), conversion(each.source)))
                if not source.endless:
                    shared.arrays.file_cells[each.file, END] = source.n_frames
        except BaseException:
            self._open.close()
            raise

    def start(self) -> None:
        """Fill the rings, then keep them filled in a thread."""
        self.fill()
        if self._files:
            self._running = True
            self._thread = threading.Thread(target=self._run, name="auricle-files", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop reading and close the files."""
        self._running = False
        if self._thread is not None:
            self._room.set()
            self._thread.join()
            self._thread = None
        self._open.close()

    def fill(self) -> None:
        """Read as much as the rings hold."""
        while any([self._read(file) for file in range(len(self._files))]):
            pass

    def silenced(self) -> dict[str, int]:
        """Samples of each file that were NaN or infinite."""
        return {
            source.name: source.nonfinite_samples
            for source, *_ in self._files
            if source.nonfinite_samples
        }

    @property
    def longest_frames(self) -> int:
        """The frames of one pass of the longest file."""
        return max((source.n_frames for source, *_ in self._files), default=0)

    def ready_frames(self) -> int | None:
        """Frames that all files can give at once; None: no file has more to give than it has."""
        waiting = [
            int(load_acquire(row, WRITTEN) - row[READ])
            for row in self._shared.arrays.file_cells
            if row[END] < 0 or load_acquire(row, WRITTEN) < row[END]
        ]
        return min(waiting) if waiting else None

    def _run(self) -> None:
        while self._running:
            self.fill()
            self._room.wait(PATIENCE_SECONDS)

    def _read(self, file: int) -> bool:
        """Read a chunk of a file if there is room for it; whether there was."""
        source, first_row, n_rows, convert = self._files[file]
        arrays = self._shared.arrays
        cells = arrays.file_cells[file]
        written, end = int(cells[WRITTEN]), int(cells[END])
        room = RING_FRAMES - (written - int(load_acquire(cells, READ)))
        wanted = CHUNK_FRAMES if end < 0 else min(CHUNK_FRAMES, end - written)
        if wanted <= 0 or room < wanted:
            return False
        try:
            audio = convert(source.read(wanted))
        except AuricleError as error:
            self.errors.append(str(error))
            store_release(cells, END, written)
            return False
        rows = arrays.rings[first_row : first_row + n_rows]
        put_frames(rows, np.ascontiguousarray(audio), written, cells)
        return True


def conversion(track: Track) -> Callable[[Float32], Float32]:
    """What makes rows of the channels of a file: Furse-Malham becomes SN3D."""
    found = opened(track)[2]
    if found is not None and found.normalisation == "fuma":
        return sn3d_from_fuma
    return lambda audio: audio


@exact_kernel
def put_frames(rings, audio, written, cells):
    """Write audio behind what rings hold, and say so.

    Args:
        rings: (C, frames) float32.
        audio: (C, n) float32.
        written: frames that were written before.
        cells: counters that the audio thread reads.
    """
    for c in range(audio.shape[0]):
        at = written % rings.shape[1]
        for t in range(audio.shape[1]):
            rings[c, at] = audio[c, t]
            at = at + 1 if at + 1 < rings.shape[1] else 0
    store_release(cells, WRITTEN, written + audio.shape[1])
