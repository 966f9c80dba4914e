"""A queue of audio that fills itself: makers give what they have, takers get what they ask for."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


class Fifo:
    """Reads of any size (C, n) from a maker of blocks of any size.

    Args:
        make: called with the frames that are missing; gives (C, m) with any m, also 0.
        n_channels: C.
        drop: frames at the start that are thrown away, the latency of the maker.
    """

    def __init__(self, make: Callable[[int], Audio], n_channels: int, drop: int = 0) -> None:
        self._make, self._n_channels, self._drop = make, n_channels, drop
        self._parts: deque[Audio] = deque()
        self._have = 0

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n)."""
        while self._have < n_frames:
            part = self._make(n_frames - self._have + self._drop)
            skipped = min(self._drop, part.shape[1])
            self._drop -= skipped
            self._parts.append(part[:, skipped:])
            self._have += part.shape[1] - skipped
        return self._take(n_frames)

    def _take(self, n_frames: int) -> Audio:
        taken, left = [], n_frames
        while left > 0:
            part = self._parts.popleft()
            taken.append(part[:, :left])
            if part.shape[1] > left:
                self._parts.appendleft(part[:, left:])
            left -= taken[-1].shape[1]
        self._have -= n_frames
        if len(taken) == 1:
            return taken[0]
        if not taken:
            return np.zeros((self._n_channels, 0), dtype=np.float32)
        return np.concatenate(taken, axis=1)
