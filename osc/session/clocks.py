"""Clocks of senders: how far they are ahead, by the time tags of their bundles.

A tag up to ``MAX_AHEAD_SECONDS`` ahead is a time to wait for. A sender all of whose tags are
farther ahead has a clock that is: the smallest lead of a window is its offset, and its times count
from there. One bundle alone cannot tell a wrong clock from a plan for later.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

MAX_AHEAD_SECONDS = 1.0
WINDOW_SECONDS = 5.0  # the smallest is that of the last one to two windows
LEAST_BUNDLES = 10
LEAST_SECONDS = 0.25
MAX_SENDERS = 128


@dataclass
class _Clock:
    began: float
    window: float
    count: int = 0
    smallest: float = float("inf")
    before: float = float("inf")  # of the window before


class Clocks:
    """The offsets of all senders, as far as they are known."""

    def __init__(self) -> None:
        self._clocks: OrderedDict[Hashable, _Clock] = OrderedDict()

    def leads(self) -> dict[Hashable, float]:
        """Seconds by which the bundles of each sender are ahead at least; below 0: behind."""
        leads = {sender: min(each.smallest, each.before) for sender, each in self._clocks.items()}
        return {sender: lead for sender, lead in leads.items() if abs(lead) < float("inf")}

    def offset(self, sender: Hashable, ahead: float, now: float) -> float:
        """Seconds that a sender's clock is taken to be ahead.

        Args:
            sender: who it is.
            ahead: seconds from the arrival of a bundle to its time.
            now: of its arrival, on a steady clock.
        """
        clock = self._clocks.get(sender)
        if clock is not None and now - clock.window > 2.0 * WINDOW_SECONDS:
            clock = None  # silent for long
        if clock is None:
            clock = self._clocks[sender] = _Clock(now, now)
            if len(self._clocks) > MAX_SENDERS:
                self._clocks.popitem(last=False)
        self._clocks.move_to_end(sender)
        if now - clock.window > WINDOW_SECONDS:
            clock.before, clock.smallest, clock.window = clock.smallest, float("inf"), now
        clock.count += 1
        clock.smallest = min(clock.smallest, ahead)
        known = clock.count >= LEAST_BUNDLES and now - clock.began >= LEAST_SECONDS
        least = min(clock.smallest, clock.before)
        return least if known and least > MAX_AHEAD_SECONDS else 0.0
