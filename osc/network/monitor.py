"""A monitor of what arrives, by address: how often, how long ago, with which values."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from auricle.osc.addresses.table import TABLE
from auricle.osc.network.client import plain
from auricle.osc.protocol.messages import Argument, Message
from auricle.osc.trackers.presets import PRESETS
from auricle.osc.trackers.reader import PoseReader

MAX_ADDRESSES = 512
WINDOW_SECONDS = 1.0


class Row(NamedTuple):
    """The messages that came to one address.

    Attributes:
        address: of the last message; so are tags and values.
        tags: its type tags.
        values: its arguments.
        meaning: "adm", "auricle", names of tracker presets, or "" where nobody knows it.
        n_messages: how many came.
        rate: messages a second.
        age_seconds: time since the last one.
    """

    address: str
    tags: str
    values: tuple[Argument, ...]
    meaning: str
    n_messages: int
    rate: float
    age_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return self._asdict() | {
            "values": [_for_json(value) for value in self.values],
            "rate": round(self.rate, 1),
            "age_seconds": round(self.age_seconds, 3),
        }


class _Entry:
    def __init__(self, message: Message, now: float) -> None:
        self.message = message
        self.count = 0
        self.first = self.last = self.window = now
        self.in_window = 0
        self.rate: float | None = None
        self.meaning = meaning_of(message.address)

    def add(self, message: Message, now: float) -> None:
        self.message, self.last = message, now
        self.count += 1
        if now - self.window >= WINDOW_SECONDS:
            self.rate = self.in_window / (now - self.window)
            self.window, self.in_window = now, 0
        self.in_window += 1

    def rate_at(self, now: float) -> float:
        """Messages per second over the last whole window, or since the first."""
        if now - self.last > 2.0 * WINDOW_SECONDS:
            return 0.0
        if self.rate is not None:
            return self.rate
        return (self.count - 1) / (self.last - self.first) if self.last > self.first else 0.0


class Monitor:
    """Keeps the last message of each address; one thread writes, any may read.

    Attributes:
        n_unlisted: messages to addresses beyond the first ``MAX_ADDRESSES``.
    """

    def __init__(self) -> None:
        self.n_unlisted = 0
        self._entries: dict[str, _Entry] = {}

    def observe(self, message: Message, now: float) -> None:
        """Take a message that arrived at ``now`` seconds of a steady clock."""
        entry = self._entries.get(message.address)
        if entry is None:
            if len(self._entries) >= MAX_ADDRESSES:
                self.n_unlisted += 1
                return
            entry = self._entries[message.address] = _Entry(message, now)
        entry.add(message, now)

    def rows(self, now: float) -> list[Row]:
        """A row for each address, in the order of their first messages."""
        return [
            Row(
                each.message.address,
                tags_of(each.message.arguments),
                each.message.arguments,
                each.meaning,
                each.count,
                each.rate_at(now),
                max(now - each.last, 0.0),
            )  # fmt: skip
            for each in list(self._entries.values())
        ]


_TEMPLATES = {each.template for each in TABLE}


def meaning_of(address: str) -> str:
    """The name of whoever knows the address: "adm", "auricle", the tracker presets; empty: none."""
    owner = address.split("/")[1]
    if re.sub(r"^(/[^/]+/[^/]+/)[0-9]+(?=/)", r"\1{n}", address) in _TEMPLATES:
        return owner
    if owner in ("adm", "auricle") and set(address) & set("*?[{"):
        return owner
    readers = [PoseReader(preset) for preset in PRESETS.usable() if not preset.raw]
    return ", ".join(each.preset.name for each in readers if each.knows(address))


def tags_of(arguments: Sequence[Argument]) -> str:
    """OSC type tags; without the difference of float and double, which the reader does not keep."""
    return "".join(
        f"[{tags_of(each)}]" if isinstance(each, list) else "m" if isinstance(each, tuple)
        else plain(each)[0] for each in arguments
    )  # fmt: skip


def as_text(arguments: Sequence[Argument], longest: int = 60) -> str:
    """The values as they are shown, cut where they are long; control characters escaped."""
    text = " ".join(
        f"{each:.4g}" if isinstance(each, float) else each if isinstance(each, str) else repr(each)
        for each in arguments
    )
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def _for_json(value: Argument) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [_for_json(each) for each in value]
    if isinstance(value, float) and value - value != 0.0:
        return str(value)  # JSON has neither NaN nor infinity
    return value
