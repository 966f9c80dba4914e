"""Sending OSC: messages with chosen types over UDP or TCP, alone or together in a bundle."""

import math
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from auricle.dsp.errors import AuricleError
from auricle.osc.protocol.framing import as_slip, with_length
from auricle.osc.protocol.messages import Argument

MAX_INT32 = 2**31 - 1
_PLAIN = {"T": True, "F": False, "N": None}


def parse_argument(text: str) -> tuple[str, Argument]:
    """Type tag and value of an argument as it is typed: ``0.5``, ``1``, ``text``, or ``i:1``,
    ``s:1``.

    Without a tag whole numbers are int32, other numbers float32, the rest strings; ``T``, ``F`` and
    ``N`` are true, false and nil. Tags: i h f d s b (hexadecimal).

    Raises:
        AuricleError: a value that does not fit its tag.
    """
    if text in _PLAIN:
        return text, _PLAIN[text]
    tag, value = (text[0], text[2:]) if text[1:2] == ":" and text[0] in "ihfdsb" else ("", text)
    try:
        if tag in ("i", "h"):
            return tag, int(value)
        if tag in ("f", "d"):
            return tag, float(value)
        if tag == "b":
            return tag, bytes.fromhex(value)
    except ValueError as error:
        raise AuricleError(f"{text!r} does not fit its type; send text as s:{value}") from error
    return (tag or _guess(value)), _guessed(value) if not tag else value


def _guess(text: str) -> str:
    value = _guessed(text)
    if isinstance(value, int):
        return "i" if abs(value) <= MAX_INT32 else "h"
    return "f" if isinstance(value, float) else "s"


def _guessed(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def message(address: str, arguments: Sequence[tuple[str, Argument]]) -> bytes:
    """The datagram of a message of tagged values; raises AuricleError where one does not fit."""
    if not address.startswith("/") or not address.isascii() or " " in address:
        raise AuricleError(f"an OSC address begins with a slash and is ASCII, not {address[:60]!r}")
    builder = OscMessageBuilder(address)
    for tag, value in arguments:
        builder.add_arg(value, tag)
    try:
        return bytes(builder.build().dgram)
    except (BuildError, OverflowError) as error:
        raise AuricleError(f"{address}: {error}") from error


def plain(value: Argument) -> tuple[str, Argument]:
    """A Python value with the tag that it is usually sent with."""
    if isinstance(value, bool) or value is None:
        return {True: "T", False: "F", None: "N"}[value], value
    if isinstance(value, int):
        return ("i" if abs(value) <= MAX_INT32 else "h"), value
    if isinstance(value, float):
        return ("f" if abs(value) < 3e38 or not math.isfinite(value) else "d"), value
    return ("b" if isinstance(value, bytes) else "s"), value


def repeat(send: Callable[[], None], count: int | None, rate: float | None) -> int:
    """Call ``send`` again and again, at an even rate.

    Args:
        send: what is called.
        count: how often; None: until Ctrl-C.
        rate: calls a second; None: as fast as it goes.

    Returns:
        How often it was called.
    """
    begin, done = time.monotonic(), 0
    try:
        while count is None or done < count:
            if rate is not None and done:
                wait = begin + done / rate - time.monotonic()
                if wait > 0.0:
                    time.sleep(wait)
            send()
            done += 1
    except KeyboardInterrupt:
        pass
    return done


class OscClient:
    """Sends messages to a host and port.

    Args:
        host: name or address of the receiver.
        port: 1 to 65535.
        transport: "udp", "slip" (TCP, OSC 1.1) or "length" (TCP, OSC 1.0).

    Raises:
        AuricleError: an unknown host, no port, or nobody who takes the connection.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 4001, transport: str = "udp") -> None:
        if transport not in ("udp", "slip", "length"):
            raise AuricleError(f"the transport is udp, slip or length, not {transport!r}")
        if not 0 < port <= 65535:
            raise AuricleError(f"a port to send to is 1 to 65535, got {port}")
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        frames: dict[str, Callable[[bytes], bytes]] = {
            "udp": bytes, "slip": as_slip, "length": with_length,
        }  # fmt: skip
        self._frame = frames[transport]
        self._address: Any
        try:
            family, _, _, _, self._address = socket.getaddrinfo(host, port, type=kind)[0]
            self._socket = socket.socket(family, kind)
            if kind == socket.SOCK_STREAM:
                self._socket.settimeout(5.0)
                self._socket.connect(self._address)
        except (OSError, UnicodeError, OverflowError) as error:
            raise AuricleError(f"cannot send to {host} port {port}: {error}") from error
        self._is_stream = kind == socket.SOCK_STREAM

    def send(self, address: str, *values: Argument) -> None:
        """Send a message: ints go as int32, floats as float32, then text, bytes, booleans, None.

        Args:
            address: begins with a slash.
            *values: the arguments, in order.

        Raises:
            AuricleError: an address or a value that OSC cannot carry, or nobody who takes it.
        """
        self.send_datagram(message(address, [plain(value) for value in values]))

    def send_bundle(
        self, messages: Sequence[tuple[str, Sequence[Argument]]], unix_seconds: float | None = None
    ) -> None:
        """Send messages that take effect together.

        Args:
            messages: address and arguments of each.
            unix_seconds: when they take effect, in seconds since 1970; None: at once.

        Raises:
            AuricleError: a value that OSC cannot carry, or nobody who takes it.
        """
        # The builder takes seconds with a fraction, whatever its annotation says.
        when: Any = IMMEDIATELY if unix_seconds is None else unix_seconds
        builder = OscBundleBuilder(when)
        for address, values in messages:
            one = OscMessageBuilder(address)
            for value in values:
                tag, plain_value = plain(value)
                one.add_arg(plain_value, tag)
            builder.add_content(one.build())
        self.send_datagram(bytes(builder.build().dgram))

    def send_datagram(self, datagram: bytes) -> None:
        """Send bytes as they are; raises AuricleError where nobody takes them."""
        try:
            if self._is_stream:
                self._socket.sendall(self._frame(datagram))
            else:
                self._socket.sendto(datagram, self._address)
        except OSError as error:
            raise AuricleError(f"sending failed: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> "OscClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()
