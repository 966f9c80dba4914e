"""Datagrams to messages and back: OSC 1.0 and the types of 1.1, in time linear in the size.

A datagram is a message or a bundle. Whoever sends it is not trusted: nesting, messages and
arguments are capped, so that no datagram costs more than ``MAX_STEPS`` steps, whatever its bytes.
"""

import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from auricle.dsp.errors import AuricleError

MAX_DATAGRAM = 65_507  # what UDP over IPv4 can carry
MAX_DEPTH = 8  # bundles in bundles, arrays in arrays
MAX_ARGUMENTS = 64  # of one message
MAX_ADDRESS = 255
MAX_MESSAGES = 256  # of one datagram
# Messages, bundles and arguments of one datagram together: a bundle of 256 positions fits, or of
# 100 wildcards.
MAX_STEPS = 1280
WILDCARD_STEPS = 10  # more that an address with wildcards costs
MAX_KNOWN = 4096

IMMEDIATELY = 1
NTP_TO_UNIX_SECONDS = 2_208_988_800

Argument: TypeAlias = Any

_INT32 = struct.Struct(">i")

_ADDRESS = re.compile(rb'/[!"$-~]{1,%d}' % (MAX_ADDRESS - 1))  # printable, no space, no #
_WILDCARD = re.compile(rb"[*?\[{]")
_FIXED = {"i": "i", "f": "f", "h": "q", "d": "d", "t": "Q", "r": "I"}
# Of heads (address and type tags, padded) that came before: the address, how to unpack what
# follows, and the steps it costs. Senders repeat themselves, so this is where the time is saved.
_known: dict[bytes, tuple[str, struct.Struct, int]] = {}
_CONSTANT = {"T": True, "F": False, "N": None, "I": float("inf")}


class WireError(AuricleError):
    """Bytes that are no OSC; the message says what is wrong with them."""


class Message(NamedTuple):
    """A message of OSC.

    Attributes:
        address: its address or pattern, ASCII, beginning with a slash.
        arguments: int, float, str, bytes, bool, None, tuples of 4 bytes (MIDI), lists (arrays).
        time_tag: of the innermost bundle with a time, 64-bit NTP; 1: at once.
    """

    address: str
    arguments: tuple[Argument, ...] = ()
    time_tag: int = IMMEDIATELY


def decode(datagram: bytes) -> list[Message]:
    """The messages of a datagram, in order; raises WireError for one that is not OSC throughout."""
    if len(datagram) > MAX_DATAGRAM:
        raise WireError(f"{len(datagram)} bytes are more than a datagram holds")
    if len(datagram) % 4 or not datagram:
        raise WireError(f"{len(datagram)} bytes are not a multiple of 4")
    messages: list[Message] = []
    try:
        _element(datagram, 0, len(datagram), IMMEDIATELY, 0, messages, [MAX_STEPS])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise WireError(
            "the datagram ends within a value or holds text that is not UTF-8"
        ) from error
    return messages


def _element(
    data: bytes, start: int, end: int, time_tag: int, depth: int,
    messages: list[Message], steps: list[int],
) -> None:  # fmt: skip
    if data[start] != 35:  # "#"
        if len(messages) >= MAX_MESSAGES:
            raise WireError(f"a datagram of more than {MAX_MESSAGES} messages")
        messages.append(_message(data, start, end, time_tag, steps))
        return
    if data[start : start + 8] != b"#bundle\0" or end - start < 16:
        raise WireError("an element begins with # but is no bundle")
    if depth >= MAX_DEPTH:
        raise WireError(f"bundles are nested deeper than {MAX_DEPTH}")
    _spend(steps, 1)
    (tag,) = struct.unpack_from(">Q", data, start + 8)
    time_tag = time_tag if tag <= IMMEDIATELY else tag
    at = start + 16
    while at < end:
        (size,) = _INT32.unpack_from(data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > end:
            raise WireError(f"an element of a bundle claims {size} bytes")
        _element(data, at, at + size, time_tag, depth + 1, messages, steps)
        at += size


def _spend(steps: list[int], count: int) -> None:
    steps[0] -= count
    if steps[0] < 0:
        raise WireError(f"a datagram of more than {MAX_STEPS} messages and arguments")


def _message(data: bytes, start: int, end: int, time_tag: int, steps: list[int]) -> Message:
    stop = data.find(b"\0", data.find(b",", start, end), end)
    at = stop + 4 - (stop - start) % 4
    known = _known.get(data[start:at])
    if known is not None:
        address, form, cost = known
        steps[0] -= cost
        if steps[0] < 0:
            _spend(steps, 0)
        if end - at != form.size:
            raise WireError("the arguments are longer or shorter than their type tags say")
        return Message(address, form.unpack_from(data, at), time_tag)
    raw, at = _text(data, start, end)
    if _ADDRESS.fullmatch(raw) is None:
        raise WireError(f"an address is printable ASCII after a slash, at most {MAX_ADDRESS} long")
    if at == end:
        _spend(steps, 1)
        return Message(raw.decode("ascii"), (), time_tag)  # senders from before type tags
    tags, at = _text(data, at, end)
    if tags[:1] != b",":
        raise WireError("a message without type tags")
    cost = len(tags) + (WILDCARD_STEPS if _WILDCARD.search(raw) else 0)
    _spend(steps, cost)
    if len(tags) > MAX_ARGUMENTS + 1:
        raise WireError(f"a message of more than {MAX_ARGUMENTS} arguments")
    fixed = _fixed_format(tags)
    if fixed is not None:
        if end - at != fixed.size:
            raise WireError("the arguments are longer or shorter than their type tags say")
        address = raw.decode("ascii")
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[data[start:at]] = (address, fixed, cost)
        return Message(address, fixed.unpack_from(data, at), time_tag)
    arguments, at = _arguments(data, at, end, tags)
    if at != end:
        raise WireError("bytes behind the last argument")
    return Message(raw.decode("ascii"), tuple(arguments), time_tag)


def _text(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """A string without its zeros, and the index behind its padding."""
    stop = data.find(b"\0", start, end)
    if stop < 0:
        raise WireError("a string without an end")
    return data[start:stop], stop + 4 - (stop - start) % 4


@lru_cache(maxsize=256)
def _fixed_format(tags: bytes) -> struct.Struct | None:
    """How to unpack arguments of fixed size all at once; None where some are not."""
    try:
        return struct.Struct(">" + "".join(_FIXED[chr(tag)] for tag in tags[1:]))
    except KeyError:
        return None


def _arguments(data: bytes, at: int, end: int, tags: bytes) -> tuple[list[Argument], int]:
    top: list[Argument] = []
    open_arrays = [top]
    for tag in tags[1:].decode("latin-1"):
        if tag == "[":
            if len(open_arrays) > MAX_DEPTH:
                raise WireError(f"arrays are nested deeper than {MAX_DEPTH}")
            inner: list[Argument] = []
            open_arrays[-1].append(inner)
            open_arrays.append(inner)
        elif tag == "]":
            if len(open_arrays) == 1:
                raise WireError("an array ends that never began")
            open_arrays.pop()
        else:
            value, at = _argument(data, at, end, tag)
            open_arrays[-1].append(value)
    if len(open_arrays) > 1:
        raise WireError("an array without an end")
    return top, at


def _argument(data: bytes, at: int, end: int, tag: str) -> tuple[Argument, int]:
    if tag in _CONSTANT:
        return _CONSTANT[tag], at
    if tag in "sS":
        text, after = _text(data, at, end)
        return text.decode("utf-8"), after
    if tag == "b":
        (size,) = struct.unpack_from(">i", data, at)
        after = at + 4 + size + (-size) % 4
        if size < 0 or after > end:
            raise WireError(f"a blob claims {size} bytes")
        return data[at + 4 : at + 4 + size], after
    if tag in "mc":
        if at + 4 > end:
            raise WireError("the datagram ends within a value")
        four = tuple(data[at : at + 4])
        return (chr(four[3]) if tag == "c" else four), at + 4
    if tag not in _FIXED:
        raise WireError(f"an argument of the unknown type {tag!r}")
    form = struct.Struct(">" + _FIXED[tag])
    return form.unpack_from(data, at)[0], at + form.size


def encode(address: str, arguments: Sequence[Argument] = ()) -> bytes:
    """The datagram of one message: float32, int32 or int64, strings, blobs, booleans and None."""
    tags, parts = ",", []
    for argument in arguments:
        tag, data = _packed(argument)
        tags += tag
        parts.append(data)
    return b"".join([_padded(address.encode("ascii")), _padded(tags.encode("ascii")), *parts])


def _packed(argument: Argument) -> tuple[str, bytes]:
    if argument is None:
        return "N", b""
    if isinstance(argument, bool):
        return ("T" if argument else "F"), b""
    if isinstance(argument, float):
        return "f", struct.pack(">f", argument)
    if isinstance(argument, int):
        wide = not -(2**31) <= argument < 2**31
        return ("h", struct.pack(">q", argument)) if wide else ("i", struct.pack(">i", argument))
    if isinstance(argument, str):
        return "s", _padded(argument.replace("\0", "").encode("utf-8"))
    if isinstance(argument, bytes):
        return "b", struct.pack(">i", len(argument)) + argument + bytes(-len(argument) % 4)
    raise AuricleError(f"OSC has no type for {type(argument).__name__}; send numbers or text")


def _padded(text: bytes) -> bytes:
    return text + bytes(4 - len(text) % 4)


def encode_bundle(messages: Sequence[bytes], time_tag: int = IMMEDIATELY) -> bytes:
    """One datagram that holds others, to be applied together at the time of the tag."""
    parts = [b"#bundle\0", struct.pack(">Q", time_tag)]
    for message in messages:
        parts += [struct.pack(">i", len(message)), message]
    return b"".join(parts)


def unix_seconds(time_tag: int) -> float:
    """Seconds since 1970 of a 64-bit NTP time tag."""
    return time_tag / 2**32 - NTP_TO_UNIX_SECONDS


def time_tag_of(seconds: float) -> int:
    """The 64-bit NTP time tag of seconds since 1970."""
    return int((seconds + NTP_TO_UNIX_SECONDS) * 2**32)
