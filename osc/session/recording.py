"""Recorded sessions: datagrams with their times of arrival, replayed to the last bit.

A file is text and numbers in big-endian order:

    8 bytes    "AUROSC1" and a line feed
    float64    seconds since 1970 of the start, which time tags refer to
    then for each datagram
    float64    seconds from the start to its arrival, never less than the one before
    uint8      0: OSC, 1: opentrack's six doubles; twice the number of its sender is added, in the
               order of their first datagrams
    uint32     its length in bytes, at most 65507
    bytes      the datagram
"""

import errno
import os
import struct
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from auricle.dsp.errors import AuricleError
from auricle.osc.protocol.messages import MAX_DATAGRAM

MAGIC = b"AUROSC1\n"
_START = struct.Struct(">d")
_HEAD = struct.Struct(">dBI")
_MOST_SENDERS = 128  # with a number of their own


class RecordedDatagram(NamedTuple):
    """One datagram: seconds since the start, whether it is a tracker's own format, its bytes, the
    number of its sender.
    """

    seconds: float
    is_raw: bool
    datagram: bytes
    sender: int = 0


class Recorder:
    """Writes datagrams to a file as they arrive; where that fails, as on a full disk, it ends.

    Args:
        path: of the file, which is replaced.
        now, unix_now: the clocks at the start; ``now`` is the one of ``write``.

    Attributes:
        count: datagrams in the file, which holds them whole.
        error: what has ended the recording, if something has.

    Raises:
        AuricleError: the file cannot be written at all.
    """

    def __init__(self, path: str | Path, now: float, unix_now: float) -> None:
        self._path = path
        self._start = self._latest = now
        self.count = 0
        self.error: AuricleError | None = None
        self._senders: dict[Hashable, int] = {}
        self._size = 0  # of what is whole
        try:
            # Without a buffer: what one holds when the disk is full is lost, or torn.
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115
            try:
                self._put(MAGIC + _START.pack(unix_now))
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise AuricleError(f"{path}: cannot be written: {error.strerror}") from error

    def write(
        self, datagram: bytes, now: float, is_raw: bool = False, sender: Hashable = None
    ) -> None:
        """Add a datagram; nothing any more after an error.

        Args:
            datagram: its bytes.
            now: its time of arrival, in seconds of the steady clock.
            is_raw: whether it is a tracker's own format, and not OSC.
            sender: who sent it.
        """
        if self.error is not None:
            return
        self._latest = max(self._latest, now)
        number = self._senders.setdefault(sender, min(len(self._senders), _MOST_SENDERS - 1))
        head = _HEAD.pack(self._latest - self._start, 2 * number + is_raw, len(datagram))
        try:
            self._put(head + datagram)
        except OSError as error:
            self._end_early(error)
            return
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        try:
            self._file.close()
        except OSError as error:
            self._end_early(error)

    def _put(self, data: bytes) -> None:
        written = self._file.write(data)
        if written != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += len(data)

    def _end_early(self, error: OSError) -> None:
        self.error = AuricleError(
            f"{self._path}: the recording has ended ({error.strerror}); its {self.count} datagrams "
            "so far are kept"
        )
        with suppress(OSError):
            os.truncate(self._path, self._size)


@dataclass(frozen=True)
class SessionRecording:
    """A recorded session.

    Attributes:
        unix_start: seconds since 1970 of its start.
        records: the datagrams in the order of their arrival.
    """

    unix_start: float
    records: list[RecordedDatagram]

    @property
    def seconds(self) -> float:
        """Arrival of the last datagram."""
        return self.records[-1].seconds if self.records else 0.0

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SessionRecording":
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
            if size > MAX_DATAGRAM or not before <= seconds < 1e9:
                raise AuricleError(f"{path}: damaged at byte {at}; record again")
            if at + size > len(data):
                raise AuricleError(f"{path}: ends within a datagram; record again")
            records.append(
                RecordedDatagram(seconds, bool(kind & 1), data[at : at + size], kind >> 1)
            )
            at, before = at + size, seconds
        return cls(unix_start, records)


def replay(
    recording: SessionRecording, send: Callable[[RecordedDatagram], None],
    speed: float | None = 1.0, sleep: Callable[[float], None] = time.sleep,
) -> int:  # fmt: skip
    """Send the datagrams of a recording again.

    Args:
        recording: the session.
        send: called with each datagram.
        speed: multiple of the recorded pace; None: at once.
        sleep: waits for so many seconds.

    Returns:
        How many were sent.
    """
    begin = time.monotonic()
    for record in recording.records:
        if speed is not None:
            wait = begin + record.seconds / speed - time.monotonic()
            if wait > 0.0:
                sleep(wait)
        send(record)
    return len(recording.records)
