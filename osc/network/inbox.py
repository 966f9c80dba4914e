"""Datagrams between the socket and their handling: a bounded queue in which the newest win.

The socket is always emptied, since a full one throws away the newest. What waits here is bounded in
number, bytes and time, and the oldest go first; so is the share of a second that handling may take,
whatever is sent.
"""

from collections import deque
from typing import Any, NamedTuple

MAX_WAITING = 16_384
MAX_WAITING_BYTES = 8 * 1024 * 1024
MAX_WAIT_SECONDS = 0.5
# 40,000 datagrams per second; in slices, so that no second begins with a jam.
SLICE_SECONDS = 0.05
MAX_PER_SLICE = 2000


class Waiting(NamedTuple):
    """A datagram: its bytes, its sender, the socket that it came by, seconds of its arrival."""

    datagram: bytes
    sender: Any
    source: Any
    arrived: float


class Inbox:
    """Datagrams that wait.

    Attributes:
        dropped: thrown away, oldest first.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._slice, self._taken = -1, 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Waiting) -> None:
        """Add the newest; the oldest make room for it."""
        self._waiting.append(waiting)
        self._bytes += len(waiting.datagram)
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            self._drop()

    def take(self, now: float) -> Waiting | None:
        """The oldest that may be handled now; None: none waits, or the slice is used up."""
        while self._waiting and now - self._waiting[0].arrived > MAX_WAIT_SECONDS:
            self._drop()
        if not self._waiting or not self.spend(now):
            return None
        taken = self._waiting.popleft()
        self._bytes -= len(taken.datagram)
        return taken

    def spend(self, now: float) -> bool:
        """Whether this slice allows one more datagram, which is counted."""
        current = int(now / SLICE_SECONDS)
        if current != self._slice:
            self._slice, self._taken = current, 0
        self._taken += self._taken < MAX_PER_SLICE + 1
        return self._taken <= MAX_PER_SLICE

    def patience(self, now: float) -> float | None:
        """Seconds until something may be taken; None: nothing waits."""
        if not self._waiting:
            return None
        if int(now / SLICE_SECONDS) != self._slice or self._taken < MAX_PER_SLICE:
            return 0.0
        return (self._slice + 1) * SLICE_SECONDS - now

    def _drop(self) -> None:
        self._bytes -= len(self._waiting.popleft().datagram)
        self.dropped += 1
