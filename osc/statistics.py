"""Counters of what arrived and what became of it; read by any thread, written by one."""

from dataclasses import dataclass, field, fields
from typing import Any

# Rates are means over windows of at least this length.
WINDOW_SECONDS = 1.0


@dataclass
class Statistics:
    """Counters of what arrived since the start.

    Attributes:
        datagrams: received, of any content.
        good: messages that were understood and took effect.
        bad: datagrams that are not OSC, and messages with arguments of the wrong type or number.
        unknown: messages to addresses that do not exist.
        no_source: messages to sources that do not exist.
        nonfinite: messages with NaN or infinity, which are refused.
        clamped: messages with numbers out of range, which took effect at the range's end.
        late: messages of bundles whose time had passed, which took effect at once.
        early: messages of bundles more than a second ahead, which are refused.
        dropped: datagrams thrown away in a flood, by us or by the operating system.
        refused: datagrams of senders that are not on the list, and files outside the folders.
        queries: messages that were answered.
        poses: poses of the head tracker.
        stale: times that the head tracker fell silent, so that the last pose was held.
        errors: faults of our own that were caught; report them.
    """

    datagrams: int = 0
    good: int = 0
    bad: int = 0
    unknown: int = 0
    no_source: int = 0
    nonfinite: int = 0
    clamped: int = 0
    late: int = 0
    early: int = 0
    dropped: int = 0
    refused: int = 0
    queries: int = 0
    poses: int = 0
    stale: int = 0
    errors: int = 0
    last_error: str = field(default="", repr=False)
    _window: float | None = field(default=None, repr=False)
    _before: tuple[int, int, int] = field(default=(0, 0, 0), repr=False)
    _rates: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0), repr=False)

    def tick(self, now: float) -> None:
        """Finish a window of the rates when it is over; ``now`` in seconds of any steady clock."""
        counts = (self.datagrams, self.good, self.poses)
        if self._window is None:
            self._window, self._before = now, counts
        elapsed = now - self._window
        if elapsed < WINDOW_SECONDS:
            return
        datagrams, good, poses = (
            (new - old) / elapsed for new, old in zip(counts, self._before, strict=True)
        )
        self._rates = (datagrams, good, poses)
        self._window, self._before = now, counts

    def as_dict(self) -> dict[str, Any]:
        """All counters and the rates per second, ready for JSON."""
        counts: dict[str, Any] = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if not each.name.startswith("_")
        }
        names = ("datagrams_per_second", "good_per_second", "poses_per_second")
        rates = {name: round(rate, 1) for name, rate in zip(names, self._rates, strict=True)}
        return counts | rates
