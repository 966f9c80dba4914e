"""Datagrams read without giving up the interpreter's lock.

Python's own ``recvfrom`` gives the lock up for each datagram and waits for it again, 5 ms behind
every thread that computes: with three of those, 60 datagrams a second are all that can be read.
Reading what already waits takes a microsecond, so the lock is kept.
"""

import ctypes
import errno
import socket
import struct
from typing import Any, TypeAlias

Sender: TypeAlias = tuple[Any, ...]

LARGEST_BYTES = 65536
_ADDRESS_BYTES = 128  # of struct sockaddr_storage


class Datagrams:
    """The datagrams that wait at a UDP socket, which never blocks."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._buffer = ctypes.create_string_buffer(LARGEST_BYTES)
        self._address = ctypes.create_string_buffer(_ADDRESS_BYTES)
        self._address_bytes = ctypes.c_uint32(_ADDRESS_BYTES)

    def take(self) -> tuple[bytes, Sender]:
        """The next datagram and its sender, as ``socket.recvfrom`` gives them.

        Raises:
            BlockingIOError: none waits.
            OSError: what the system says instead, such as that an answer of ours was not wanted.
        """
        if _RECEIVE is None:
            return self._socket.recvfrom(LARGEST_BYTES)
        self._address_bytes.value = _ADDRESS_BYTES
        count = _RECEIVE(
            self._socket.fileno(), self._buffer, LARGEST_BYTES, 0, self._address,
            ctypes.byref(self._address_bytes),
        )  # fmt: skip
        if count < 0:
            number = ctypes.get_errno()
            kind = BlockingIOError if number in (errno.EAGAIN, errno.EWOULDBLOCK) else OSError
            raise kind(number, "no datagram")
        return ctypes.string_at(self._buffer, count), self._sender()

    def _sender(self) -> Sender:
        raw = self._address.raw
        port = int.from_bytes(raw[2:4], "big")
        if self._socket.family == socket.AF_INET:
            return socket.inet_ntoa(raw[4:8]), port
        flow = int.from_bytes(raw[4:8], "big")
        (scope,) = struct.unpack_from("=I", raw, 24)
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port, flow, scope


def _receive() -> Any:
    """The C library's ``recvfrom``, called with the lock held; None where there is none."""
    try:
        call = ctypes.PyDLL(None, use_errno=True).recvfrom
    except (OSError, TypeError, AttributeError):  # Windows
        return None
    call.restype = ctypes.c_ssize_t
    call.argtypes = [
        ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p,
        ctypes.POINTER(ctypes.c_uint32),
    ]  # fmt: skip
    return call


_RECEIVE = _receive()
