"""Datagrams on a TCP stream: SLIP (OSC 1.1, RFC 1055) or a length before each (OSC 1.0).

Which of the two is told by the first byte: a length of at most 65507 begins with zero, and no SLIP
frame of OSC does.
"""

import struct

from auricle.osc.protocol.messages import MAX_DATAGRAM

_END, _ESC = b"\xc0", b"\xdb"
_ESC_END, _ESC_ESC = b"\xdb\xdc", b"\xdb\xdd"
# Twice, because every byte of a frame may be escaped.
MAX_BUFFER = 2 * MAX_DATAGRAM + 4


class FramingError(ValueError):
    """A stream that is neither, or a frame longer than a datagram; the connection is of no use."""


class Framer:
    """Cuts a stream into datagrams."""

    def __init__(self) -> None:
        self._buffer = b""
        self._has_lengths: bool | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The datagrams that are complete with these bytes; raises FramingError."""
        if not data:
            return []
        if self._has_lengths is None:
            self._has_lengths = data[0] == 0
        self._buffer += data
        frames = self._by_length() if self._has_lengths else self._by_ends()
        if len(self._buffer) > MAX_BUFFER:
            raise FramingError(f"a frame of more than {MAX_DATAGRAM} bytes")
        return frames

    def frame(self, datagram: bytes) -> bytes:
        """The bytes of a datagram, framed as the other side frames its own."""
        return with_length(datagram) if self._has_lengths else as_slip(datagram)

    def _by_length(self) -> list[bytes]:
        frames, at, buffer = [], 0, self._buffer
        while len(buffer) - at >= 4:
            (size,) = struct.unpack_from(">I", buffer, at)
            if not 0 < size <= MAX_DATAGRAM:
                raise FramingError(f"a frame of {size} bytes")
            if len(buffer) - at - 4 < size:
                break
            frames.append(buffer[at + 4 : at + 4 + size])
            at += 4 + size
        self._buffer = buffer[at:]
        return frames

    def _by_ends(self) -> list[bytes]:
        *frames, self._buffer = self._buffer.split(_END)
        return [frame.replace(_ESC_END, _END).replace(_ESC_ESC, _ESC) for frame in frames if frame]


def as_slip(datagram: bytes) -> bytes:
    """A datagram as a SLIP frame, with an END before it too (OSC 1.1)."""
    return _END + datagram.replace(_ESC, _ESC_ESC).replace(_END, _ESC_END) + _END


def with_length(datagram: bytes) -> bytes:
    """A datagram behind its length."""
    return struct.pack(">I", len(datagram)) + datagram
