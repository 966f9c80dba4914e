"""Object headers of HDF5 files: what is said about a group or a data set, in messages.

Both forms, of which netCDF writes the second, with checksums.
"""

from typing import NamedTuple

from auricle.dsp.netcdf.hdf5_bytes import Cursor, Hdf5Bytes, Hdf5Error, Hdf5FeatureError, checked

DATASPACE, LINK_INFO, DATATYPE, FILL_OLD, FILL, LINK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
LAYOUT, FILTERS, ATTRIBUTE, SYMBOLS, ATTRIBUTE_INFO = 0x08, 0x0B, 0x0C, 0x11, 0x15
_CONTINUATION = 0x10
_SHARED = 0x02


class Message(NamedTuple):
    """One statement: which kind, and its bytes."""

    kind: int
    body: bytes


class Header:
    """The messages of the object at an address."""

    def __init__(self, file: Hdf5Bytes, address: int) -> None:
        self.messages = list(_second_form(file, address) or _first_form(file, address))

    def body(self, kind: int) -> Cursor | None:
        """The first message of a kind; None if there is none."""
        found = self.bodies(kind)
        return found[0] if found else None

    def bodies(self, kind: int) -> list[Cursor]:
        """All messages of a kind."""
        return [Cursor(each.body) for each in self.messages if each.kind == kind]


def _second_form(file: Hdf5Bytes, address: int) -> list[Message]:
    """The messages of a header that begins with OHDR; none where it does not."""
    if file.at(address, 4) != b"OHDR":
        return []
    version, flags = file.at(address + 4, 2)
    if version != 2:
        raise Hdf5FeatureError(f"object headers of version {version}")
    front = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width, ordered = 1 << (flags & 3), 2 if flags & 0x04 else 0
    size = int.from_bytes(file.at(address + front, width), "little")
    whole = checked(file.at(address, front + width + size + 4))
    blocks = [Cursor(whole, front + width)]
    messages: list[Message] = []
    for block in blocks:  # grows while it is read
        while block.left >= 4 + ordered:  # less than that is a gap
            kind, length, state = block.numbers("BHB")
            block.take(ordered)
            body = block.take(length)
            if kind == _CONTINUATION:
                there, extent = Cursor(body).numbers("QQ")
                more = checked(file.at(there, extent))
                if not more.startswith(b"OCHK"):
                    raise Hdf5Error(f"there is no OCHK at {there}")
                blocks.append(Cursor(more, 4))
            messages.append(_message(kind, state, body))
    return messages


def _first_form(file: Hdf5Bytes, address: int) -> list[Message]:
    version, _, count, _, size = Cursor(file.at(address, 12)).numbers("BBHII")
    if version != 1:
        raise Hdf5Error(f"there is no object header at {address}")
    blocks = [Cursor(file.at(address + 16, size))]
    messages: list[Message] = []
    for block in blocks:
        while block.left >= 8 and len(messages) < count:
            kind, length, state, _, _ = block.numbers("HHBBH")
            body = block.take(length)
            if kind == _CONTINUATION:
                blocks.append(Cursor(file.at(*Cursor(body).numbers("QQ"))))
            messages.append(_message(kind, state, body))
    return messages


def _message(kind: int, state: int, body: bytes) -> Message:
    if state & _SHARED and kind in (DATASPACE, DATATYPE, FILL, FILTERS, ATTRIBUTE):
        raise Hdf5FeatureError("types or spaces that are shared between variables")
    return Message(kind, body)
