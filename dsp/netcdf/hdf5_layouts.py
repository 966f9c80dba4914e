"""The data of an HDF5 variable: in one piece, or in chunks that are compressed one by one.

What a variable claims to hold is compared with what the file can hold before memory is taken.
"""

import zlib
from math import prod
from typing import NamedTuple

import numpy as np

from auricle.dsp.netcdf.hdf5_bytes import UNDEFINED, Cursor, Hdf5Bytes, Hdf5Error, Hdf5FeatureError
from auricle.dsp.netcdf.hdf5_heaps import keyed_leaves
from auricle.dsp.netcdf.hdf5_types import Type, Values

MAX_VALUES = 1 << 28  # 2 GB as float64: 20 times the largest sets that are published
_MOST_CHUNKS = 200_000
_CHUNK_BYTES = 1 << 26  # that a chunk may have, however small the variable is
_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3
_DEFLATE_AT_MOST = 1040  # times; by its format
_NEVER_WRITTEN = 1 << 20  # values that a variable may have and nobody wrote


class Filter(NamedTuple):
    """One step between the values and the bytes in the file."""

    number: int
    values: tuple[int, ...]


def filters_of(body: Cursor | None) -> list[Filter]:
    """The steps that a message describes, as they were taken in writing."""
    if body is None:
        return []
    version, count = body.numbers("BB")
    body.take(6 if version == 1 else 0)
    steps = []
    for _ in range(count):
        number = body.number(2)
        length = body.number(2) if version == 1 or number >= 256 else 0
        _, n_values = body.numbers("HH")
        body.take((length + 7) // 8 * 8 if version == 1 else length)
        steps.append(Filter(number, tuple(body.number(4) for _ in range(n_values))))
        body.take(4 if version == 1 and n_values % 2 else 0)
        if number not in (_DEFLATE, _SHUFFLE, _CHECKSUM):
            raise Hdf5FeatureError(f"the compression number {number}")
    return steps


def read_values(
    file: Hdf5Bytes, kind: Type, shape: tuple[int, ...], layout: Cursor, steps: list[Filter],
    fill: bytes,
) -> Values:  # fmt: skip
    """All values of a variable of numbers or texts of fixed length.

    Args:
        file: the bytes.
        kind: type of an element.
        shape: of the variable.
        layout: the message that says where the bytes lie.
        steps: filters that the bytes went through.
        fill: one element, or nothing for zeros; it stands where nobody wrote anything.
    """
    count = prod(shape)
    if kind.dtype is None:
        raise Hdf5FeatureError("values of compound types")
    if count * kind.size > 8 * MAX_VALUES:
        raise Hdf5Error(f"it claims to hold {count} values, over {MAX_VALUES}")
    version, place = layout.numbers("BB")
    if version != 3:
        raise Hdf5FeatureError(f"data layouts of version {version}")
    if place == 2:
        return _read_chunks(file, kind, shape, layout, steps, fill)
    address = 0
    if place == 0:
        data = layout.take(layout.number(2))
    elif place == 1:
        address, size = layout.numbers("QQ")
        data = b"" if address == UNDEFINED else file.at(address, min(size, count * kind.size))
    else:
        raise Hdf5FeatureError(f"data layouts of class {place}")
    if address == UNDEFINED:
        return _unwritten(kind, shape, fill, count)
    if len(data) < count * kind.size:
        raise Hdf5Error(f"it claims to hold {count} values and holds {len(data) // kind.size}")
    return np.frombuffer(data, kind.dtype, count).reshape(shape)


def _unwritten(kind: Type, shape: tuple[int, ...], fill: bytes, n_missing: int) -> Values:
    if n_missing > _NEVER_WRITTEN:
        raise Hdf5Error(f"it claims to hold {prod(shape)} values, {n_missing} were never written")
    values = np.zeros(shape, kind.dtype)
    if len(fill) == kind.size and kind.dtype is not None:
        values[...] = np.frombuffer(fill, kind.dtype, 1)[0]
    return values


def _read_chunks(
    file: Hdf5Bytes, kind: Type, shape: tuple[int, ...], layout: Cursor, steps: list[Filter],
    fill: bytes,
) -> Values:  # fmt: skip
    n_axes, address = layout.numbers("BQ")
    *chunk, element = (layout.number(4) for _ in range(n_axes))
    if len(chunk) != len(shape) or element != kind.size or 0 in chunk:
        raise Hdf5Error(f"chunks of {chunk} do not fit a variable of {shape}")
    full = prod(chunk) * kind.size
    if full > max(4 * prod(shape) * kind.size, _CHUNK_BYTES):
        raise Hdf5Error(f"its chunks claim {full} bytes")
    found = _stored_chunks(file, address, tuple(chunk), shape, full, bool(steps))
    written = sum(prod(_cut(each.start, chunk, shape)) for each in found)
    values = _unwritten(kind, shape, fill, max(prod(shape) - written, 0))
    for each in found:
        data = _unpacked(file.at(each.address, each.size), each, steps, kind.size, full)
        part = np.frombuffer(data, kind.dtype, prod(chunk)).reshape(chunk)
        cut = _cut(each.start, chunk, shape)
        there = tuple(slice(s, s + n) for s, n in zip(each.start, cut, strict=True))
        values[there] = part[tuple(slice(n) for n in cut)]
    return values


class _Chunk(NamedTuple):
    start: tuple[int, ...]
    address: int
    size: int
    skipped: int  # a bit for each step that was left out


def _stored_chunks(
    file: Hdf5Bytes, address: int, chunk: tuple[int, ...], shape: tuple[int, ...], full: int,
    is_packed: bool,
) -> list[_Chunk]:  # fmt: skip
    """The chunks that lie in the file, each once and within the variable."""
    found: dict[tuple[int, ...], _Chunk] = {}
    key_size = 8 + 8 * (len(shape) + 1)
    tree = keyed_leaves(file, address, 1, key_size) if address != UNDEFINED else iter(())
    for key, place in tree:
        size, skipped, *start, _ = Cursor(key).numbers(f"II{len(shape) + 1}Q")
        if any(s % c or s >= n for s, c, n in zip(start, chunk, shape, strict=True)):
            continue  # behind the end of a variable that was made shorter
        if full > _DEFLATE_AT_MOST * size + 64 or (not is_packed and size < full):
            raise Hdf5Error(f"a chunk of {full} bytes cannot lie in {size}")
        found[tuple(start)] = _Chunk(tuple(start), place, size, skipped)
        if len(found) > _MOST_CHUNKS:
            raise Hdf5Error(f"it lies in more than {_MOST_CHUNKS} chunks")
    return list(found.values())


def _unpacked(data: bytes, chunk: _Chunk, steps: list[Filter], item: int, full: int) -> bytes:
    """The ``full`` bytes of a chunk, the steps of its writing undone."""
    for k, step in reversed(list(enumerate(steps))):
        if chunk.skipped >> k & 1:
            continue
        if step.number == _CHECKSUM:
            data = data[:-4]
        elif step.number == _DEFLATE:
            try:
                data = zlib.decompressobj().decompress(data, full + 4)
            except zlib.error as error:
                raise Hdf5Error(f"compressed data: {error}") from None
        else:
            width = step.values[0] if step.values else item
            data = _sorted_back(data, width)
    if len(data) < full:
        raise Hdf5Error(f"a chunk of {full} bytes has only {len(data)}")
    return data


def _sorted_back(data: bytes, width: int) -> bytes:
    """Bytes that were sorted by their place in an element, in their own order again."""
    if not 1 < width <= 64:
        return data
    whole = len(data) // width * width
    sorted_bytes = np.frombuffer(data, np.uint8, whole).reshape(width, -1)
    return sorted_bytes.T.tobytes() + data[whole:]


def _cut(start: tuple[int, ...], chunk: list[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """How much of a chunk lies within the variable."""
    return tuple(min(c, n - s) for s, c, n in zip(start, chunk, shape, strict=True))
