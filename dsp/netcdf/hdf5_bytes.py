"""The bytes of an HDF5 file, handed out so that no file, however damaged, can do harm.

Reading behind the end raises, and so does reading far more than the file holds: whatever runs in
circles ends there.
"""

import struct

UNDEFINED = 0xFFFFFFFFFFFFFFFF  # an address that points nowhere
_TIMES_OVER = 8  # how often all bytes may be read; a sound file needs two
_READS_AT_LEAST = 1 << 22
_COST = 128  # of a read, besides its bytes


class Hdf5Error(Exception):
    """A file that cannot be read as HDF5: it is damaged."""


class Hdf5FeatureError(Hdf5Error):
    """A file that may be sound, and uses a part of HDF5 that is not read here; says which."""


class Hdf5Bytes:
    """The whole file; ``at`` gives a part of it."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data
        self._left = _TIMES_OVER * len(data) + _READS_AT_LEAST

    def at(self, address: int, size: int) -> bytes:
        """``size`` bytes from an address on."""
        if not 0 <= address <= self.size - size or size < 0:
            raise Hdf5Error(f"{size} bytes at {address} lie behind the end, at {self.size}")
        self._left -= size + _COST
        if self._left < 0:
            raise Hdf5Error("its parts point at each other in circles")
        return self._data[address : address + size]

    def block(self, address: int, size: int, signature: bytes) -> "Cursor":
        """The bytes behind a signature, which must be there.

        Args:
            address: where the signature begins.
            size: bytes with the signature.
            signature: four bytes.

        Raises:
            Hdf5Error: another signature, or bytes beyond the end of the file.
        """
        found = self.at(address, size)
        if not found.startswith(signature):
            raise Hdf5Error(f"there is no {signature.decode()} at {address}")
        return Cursor(found, len(signature))


class Cursor:
    """Bytes that are read one value after the other, little-endian."""

    def __init__(self, data: bytes, place: int = 0) -> None:
        self.data, self.place = data, place

    @property
    def left(self) -> int:
        """Bytes behind the place."""
        return len(self.data) - self.place

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if not 0 <= size <= self.left:
            raise Hdf5Error(f"a block of {len(self.data)} bytes ends too early")
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, size: int) -> int:
        """The next unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def numbers(self, layout: str) -> tuple[int, ...]:
        """The next numbers, as ``struct`` describes them."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))


def checked(block: bytes) -> bytes:
    """A block of metadata without the checksum at its end, which must be right."""
    content, stored = block[:-4], int.from_bytes(block[-4:], "little")
    if len(block) < 4 or lookup3(content) != stored:
        raise Hdf5Error("a checksum is wrong")
    return content


def lookup3(data: bytes) -> int:
    """Bob Jenkins' lookup3 hash, HDF5's checksum of metadata."""
    mask = 0xFFFFFFFF
    a = b = c = (0xDEADBEEF + len(data)) & mask
    if not data:
        return c
    words = struct.unpack(f"<{(len(data) + 11) // 12 * 3}I", data + bytes(-len(data) % 12))
    for k in range(0, len(words) - 3, 3):
        a, b, c = (a + words[k]) & mask, (b + words[k + 1]) & mask, (c + words[k + 2]) & mask
        a = ((a - c) ^ (c << 4 | c >> 28)) & mask
        c = (c + b) & mask
        b = ((b - a) ^ (a << 6 | a >> 26)) & mask
        a = (a + c) & mask
        c = ((c - b) ^ (b << 8 | b >> 24)) & mask
        b = (b + a) & mask
        a = ((a - c) ^ (c << 16 | c >> 16)) & mask
        c = (c + b) & mask
        b = ((b - a) ^ (a << 19 | a >> 13)) & mask
        a = (a + c) & mask
        c = ((c - b) ^ (b << 4 | b >> 28)) & mask
        b = (b + a) & mask
    a, b, c = (a + words[-3]) & mask, (b + words[-2]) & mask, (c + words[-1]) & mask
    c = ((c ^ b) - (b << 14 | b >> 18)) & mask
    a = ((a ^ c) - (c << 11 | c >> 21)) & mask
    b = ((b ^ a) - (a << 25 | a >> 7)) & mask
    c = ((c ^ b) - (b << 16 | b >> 16)) & mask
    a = ((a ^ c) - (c << 4 | c >> 28)) & mask
    b = ((b ^ a) - (a << 14 | a >> 18)) & mask
    return ((c ^ b) - (b << 24 | b >> 8)) & mask
