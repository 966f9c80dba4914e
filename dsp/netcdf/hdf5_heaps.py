"""Heaps of HDF5, which keep many small things: fractal heaps, symbol tables, global heap.

Names and attributes of a group stand in its header while they are few (``hdf5_headers``), and
here when they are many.
"""

from collections.abc import Iterator

from auricle.dsp.netcdf.hdf5_bytes import (
    UNDEFINED,
    Cursor,
    Hdf5Bytes,
    Hdf5Error,
    Hdf5FeatureError,
    checked,
)

LINKS, ATTRIBUTES = 5, 8  # kinds of B-tree records, by name
_HEAP_ID_AT = {LINKS: (4, 7), ATTRIBUTES: (0, 8)}  # place and length of the heap's ID in a record


class FractalHeap:
    """Objects of some bytes each, by their ID."""

    def __init__(self, file: Hdf5Bytes, address: int) -> None:
        self._file = file
        file.block(address, 4, b"FRHP")
        head = Cursor(checked(file.at(address, 146)), 4)
        version, self._id_size, filters, self._flags = head.numbers("BHHB")
        if version != 0 or filters:
            raise Hdf5FeatureError("compressed heaps")
        largest, *_ = head.numbers("I12Q")
        self._width, self._start, self._most, bits, _ = head.numbers("HQQHH")
        root, rows = head.numbers("QH")
        self._offset_bytes = (bits + 7) // 8
        self._length_bytes = _bytes_for(min(largest, self._most))
        self._blocks = list(self._direct_blocks(root, rows, 0)) if root != UNDEFINED else []

    def get(self, heap_id: bytes) -> bytes:
        """The object of an ID."""
        kind = heap_id[0] >> 4 & 3
        if kind == 2:
            return heap_id[1 : 2 + (heap_id[0] & 15)]
        if kind != 0:
            raise Hdf5FeatureError("attributes of more than 64 kB")
        place = Cursor(heap_id, 1)
        offset, length = place.number(self._offset_bytes), place.number(self._length_bytes)
        for begin, size, address in self._blocks:
            if begin <= offset and offset + length <= begin + size:
                return self._file.at(address + offset - begin, length)
        raise Hdf5Error("an object lies outside its heap")

    def _direct_blocks(self, address: int, rows: int, begin: int) -> Iterator[tuple[int, int, int]]:
        """Where each block begins in the heap, its size, and its address in the file."""
        if rows == 0:
            yield begin, self._start, address
            return
        header = 13 + self._offset_bytes
        sizes = [self._start << max(row - 1, 0) for row in range(min(rows, 64))]
        block = self._file.block(address, header + 8 * self._width * len(sizes), b"FHIB")
        block.take(header - 4)
        for size in sizes:
            for _ in range(self._width):
                child = block.number(8)
                if child != UNDEFINED and size <= self._most:
                    yield begin, size, child
                elif child != UNDEFINED:
                    below = (size // (self._start * self._width)).bit_length()
                    yield from self._direct_blocks(child, below, begin)
                begin += size


def named_objects(file: Hdf5Bytes, places: tuple[int, ...], kind: int) -> Iterator[bytes]:
    """The links or attributes that a B-tree of names lists.

    Args:
        file: the bytes.
        places: addresses of the heap and of the tree.
        kind: type of the tree: of links or of attributes.
    """
    heap, tree = places
    if heap == UNDEFINED or tree == UNDEFINED:
        return
    objects = FractalHeap(file, heap)
    at, length = _HEAP_ID_AT[kind]
    for record in _records(file, tree, kind):
        yield objects.get(record[at : at + length])


def _records(file: Hdf5Bytes, address: int, kind: int) -> Iterator[bytes]:
    head = Cursor(checked(file.at(address, 38)), 4)
    version, found, node_size, record, depth, _, _ = head.numbers("BBIHHBB")
    root, count, _ = head.numbers("QHQ")
    if version != 0 or found != kind or record < sum(_HEAP_ID_AT[kind]) or depth > 8:
        raise Hdf5Error(f"there is no B-tree of names at {address}")
    if count == 0:
        return
    most = max((node_size - 10) // record, 1)
    yield from _node(file, root, count, record, _bytes_for(most), _totals(
        node_size, record, most, depth), depth)  # fmt: skip


def _totals(node_size: int, record: int, most: int, depth: int) -> list[int]:
    """Bytes in which the number of records below a node is written, by the depth of the node."""
    widths, below = [0], most
    for _ in range(depth):
        pointer = 8 + _bytes_for(most) + widths[-1]
        here = max((node_size - 10 - pointer) // (record + pointer), 1)
        below = (here + 1) * below + here
        widths.append(_bytes_for(below))
    return widths


def _node(
    file: Hdf5Bytes, address: int, count: int, record: int, width: int, totals: list[int],
    depth: int,
) -> Iterator[bytes]:  # fmt: skip
    pointer = 8 + width + totals[depth - 1] if depth else 0
    size = 6 + count * record + (count + 1) * pointer
    whole = checked(file.at(address, size + 4))
    if not whole.startswith(b"BTIN" if depth else b"BTLF"):
        raise Hdf5Error(f"there is no node of a B-tree at {address}")
    block = Cursor(whole, 6)
    for _ in range(count):
        yield block.take(record)
    for _ in range(count + 1 if depth else 0):
        child, n_records = block.number(8), block.number(width)
        block.take(totals[depth - 1])
        yield from _node(file, child, n_records, record, width, totals, depth - 1)


def symbols(file: Hdf5Bytes, tree: int, heap: int) -> Iterator[tuple[str, int]]:
    """Names and header addresses of a group of the first form.

    Args:
        file: the bytes.
        tree: address of the B-tree.
        heap: address of the heap of names.
    """
    size, _, data = file.block(heap, 32, b"HEAP").numbers("4xQQQ")
    names = file.at(data, size)
    for node in leaves(file, tree, 0, 8):
        count = file.block(node, 8, b"SNOD").numbers("BBH")[2]
        for k in range(count):
            offset, header = Cursor(file.at(node + 8 + 40 * k, 16)).numbers("QQ")
            name = names[offset : names.find(b"\0", offset)]
            yield name.decode("utf-8", "replace"), header


def leaves(file: Hdf5Bytes, address: int, kind: int, key_size: int) -> Iterator[int]:
    """The addresses that a B-tree of the first form leads to.

    Args:
        file: the bytes.
        address: of the tree.
        kind: type of the tree.
        key_size: bytes of a key.
    """
    return (child for _, child in keyed_leaves(file, address, kind, key_size))


def keyed_leaves(
    file: Hdf5Bytes, address: int, kind: int, key_size: int, depth: int | None = None
) -> Iterator[tuple[bytes, int]]:
    """The keys and addresses of a B-tree of the first form.

    Args:
        file: the bytes.
        address: of the tree.
        kind: type of the tree.
        key_size: bytes of a key.
        depth: level at which the node must be; None: any.

    Raises:
        Hdf5Error: there is no such tree.
    """
    found, level, used = file.block(address, 24, b"TREE").numbers("BBH")
    if found != kind or (depth is not None and level != depth):
        raise Hdf5Error(f"there is no B-tree of this kind at {address}")
    entries = Cursor(file.at(address + 24, used * (key_size + 8)))
    for _ in range(used):
        key, child = entries.take(key_size), entries.number(8)
        if level == 0:
            yield key, child
        else:
            yield from keyed_leaves(file, child, kind, key_size, level - 1)


def global_object(file: Hdf5Bytes, address: int, index: int) -> bytes:
    """An object of the global heap, where texts and lists of any length lie.

    Args:
        file: the bytes.
        address: of the heap.
        index: number of the object.

    Raises:
        Hdf5Error: there is no such object.
    """
    size = file.block(address, 16, b"GCOL").numbers("4xQ")[0]
    place, end = address + 16, address + size
    while place + 16 <= end:
        found, _, _, length = Cursor(file.at(place, 16)).numbers("HHIQ")
        if found == index:
            return file.at(place + 16, length)
        if found == 0:
            break
        place += 16 + (length + 7) // 8 * 8
    raise Hdf5Error(f"there is no object {index} in the heap at {address}")


def _bytes_for(number: int) -> int:
    return max((number.bit_length() + 7) // 8, 1)
