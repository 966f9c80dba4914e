"""One file read once for several tracks, as a master with all its objects in one file needs it."""

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.plugin_core.audio.files import READ_FRAMES, AudioSource

Audio = NDArray[np.float32]


class SharedFile:
    """Gives each of its taps some channels of a source, which is read and resampled once.

    Taps may be read from several threads; what all of them have taken is forgotten, so memory is
    bounded as long as they keep together.
    """

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._parts: deque[Audio] = deque()
        self._begin = self._end = 0  # frames of the stream that the parts hold
        self._taps: list[Tap] = []

    def tap(self, channels: Sequence[int]) -> "Tap":
        """A source of some of the channels; make all taps before the first is read."""
        made = Tap(self, self._source, list(channels))
        self._taps.append(made)
        return made

    def part(self, tap: "Tap", n_frames: int) -> Audio:
        """The next frames (C, n) of a tap."""
        with self._lock:
            begin, end = tap.at, tap.at + n_frames
            while self._end < end:
                self._parts.append(self._source.read(READ_FRAMES))
                self._end += READ_FRAMES
            out = np.empty((tap.n_channels, n_frames), dtype=np.float32)
            at = self._begin
            for part in self._parts:
                first, last = max(begin, at), min(end, at + part.shape[1])
                if first < last:
                    out[:, first - begin : last - begin] = part[
                        tap.channels, first - at : last - at
                    ]
                at += part.shape[1]
            tap.at = end
            self._forget()
            return out

    def _forget(self) -> None:
        least = min(tap.at for tap in self._taps)
        while self._parts and self._begin + self._parts[0].shape[1] <= least:
            self._begin += self._parts.popleft().shape[1]


class Tap:
    """Some channels of a shared file, as a source of its own.

    Args:
        shared: the file, read once.
        source: its audio.
        channels: counted from 0.
    """

    def __init__(self, shared: SharedFile, source: AudioSource, channels: list[int]) -> None:
        self._shared, self._source = shared, source
        self.channels, self.at = channels, 0
        self.name, self.n_channels = source.name, len(channels)
        self.n_frames, self.endless = source.n_frames, source.endless

    @property
    def nonfinite_samples(self) -> int:
        """The samples of the whole file that were not finite."""
        return self._source.nonfinite_samples

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n), silence behind the end."""
        return self._shared.part(self, n_frames)
