"""Recorded sessions: datagrams with their times of arrival, replayed to the last bit.

A file is text and numbers in big-endian order:

    8 bytes    "AUROSC1" and a line feed
    float64    seconds since 1970 of the start, which time tags refer to
    then for each datagram
    float64    seconds from the start to its arrival, never less than the one before
    uint8      0: OSC, 1: opentrack's six doubles
    uint32     its length in bytes, at most 65507
    bytes      the datagram
"""

import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from auricle.dsp.errors import AuricleError
from auricle.osc.wire import MAX_DATAGRAM

MAGIC = b"AUROSC1\n"
_START = struct.Struct(">d")
_HEAD = struct.Struct(">dBI")


class Record(NamedTuple):
    """One datagram: seconds since the start, whether it is a tracker's own format, its bytes."""

    seconds: float
    is_raw: bool
    datagram: bytes


class Recorder:
    """Writes datagrams to a file as they arrive.

    Args:
        path: of the file, which is replaced.
        now, unix_now: the clocks at the start; ``now`` is the one of ``write``.
    """

    def __init__(self, path: str | Path, now: float, unix_now: float) -> None:
        self._start = self._latest = now
        self.count = 0
        try:
            self._file = open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise AuricleError(f"{path}: cannot be written: {error.strerror}") from error
        self._file.write(MAGIC + _START.pack(unix_now))

    def write(self, datagram: bytes, now: float, is_raw: bool = False) -> None:
        """Add a datagram that arrived at ``now``."""
        self._latest = max(self._latest, now)
        self._file.write(_HEAD.pack(self._latest - self._start, is_raw, len(datagram)) + datagram)
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@dataclass(frozen=True)
class Recording:
    """A recorded session.

    Attributes:
        unix_start: seconds since 1970 of its start.
        records: the datagrams in the order of their arrival.
    """

    unix_start: float
    records: list[Record]

    @property
    def seconds(self) -> float:
        """Arrival of the last datagram."""
        return self.records[-1].seconds if self.records else 0.0

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Recording":
        """Read a file; raises AuricleError for one that is not whole."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise AuricleError(f"{path}: cannot be read: {error.strerror}") from error
        if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + _START.size:
            raise AuricleError(f"{path}: not a recording of `auricle osc record`")
        (unix_start,) = _START.unpack_from(data, len(MAGIC))
        at, before, records = len(MAGIC) + _START.size, 0.0, []
        while at < len(data):
            if at + _HEAD.size > len(data):
                raise AuricleError(f"{path}: ends within a datagram; record again")
            seconds, kind, size = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            # NaN fails the comparison too.
            if kind > 1 or size > MAX_DATAGRAM or not before <= seconds < 1e9:
                raise AuricleError(f"{path}: damaged at byte {at}; record again")
            if at + size > len(data):
                raise AuricleError(f"{path}: ends within a datagram; record again")
            records.append(Record(seconds, bool(kind), data[at : at + size]))
            at, before = at + size, seconds
        return cls(unix_start, records)


def replay(
    recording: Recording, send: Callable[[Record], None], speed: float | None = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:  # fmt: skip
    """Send the datagrams again, at ``speed`` times the recorded pace or (None) at once; how
    many.
    """
    begin = time.monotonic()
    for record in recording.records:
        if speed is not None:
            wait = begin + record.seconds / speed - time.monotonic()
            if wait > 0.0:
                sleep(wait)
        send(record)
    return len(recording.records)
