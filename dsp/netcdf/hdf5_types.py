"""Types and shapes of HDF5 values, and values that lie in a row of bytes."""

from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.netcdf.hdf5_bytes import Cursor, Hdf5Bytes, Hdf5Error, Hdf5FeatureError
from auricle.dsp.netcdf.hdf5_heaps import global_object

Values: TypeAlias = NDArray[Any]

_INTEGER, _FLOAT, _TEXT, _COMPOUND, _REFERENCE, _VARIABLE = 0, 1, 3, 6, 7, 9
_MOST_TEXTS = 10_000  # of any length, in one value: each is looked up


class Type(NamedTuple):
    """The type of an element.

    Attributes:
        size: bytes of an element.
        dtype: how NumPy reads it; None for those of variable length, and what is not read here.
        of: of a list of variable length, the type of its elements; a text's is one byte.
    """

    size: int
    dtype: np.dtype[Any] | None
    of: "Type | None" = None
    is_text: bool = False


def type_of(body: Cursor) -> Type:
    """The type that a message describes."""
    kind, bits, _, _, size = body.numbers("BBBBI")
    kind &= 0x0F
    order = ">" if bits & 1 else "<"
    if kind == _INTEGER and size in (1, 2, 4, 8):
        body.take(4)
        return Type(size, np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == _FLOAT and size in (2, 4, 8) and not bits & 0x40:
        body.take(12)
        return Type(size, np.dtype(f"{order}f{size}"))
    if kind == _TEXT and 0 < size < 1 << 31:
        return Type(size, np.dtype(f"S{size}"), is_text=True)
    if kind == _REFERENCE and size == 8:
        return Type(8, np.dtype("<u8"))
    if kind == _VARIABLE and size == 16:
        return Type(16, None, type_of(body), is_text=bits & 15 == 1)
    return Type(size, None)  # compounds and the rest: no SOFA file keeps anything in them


def shape_of(body: Cursor) -> tuple[int, ...] | None:
    """The shape that a message describes: () for one value, None for nothing at all."""
    version, n_axes, _ = body.numbers("BBB")
    if version == 1:
        body.take(5)
    elif version == 2:
        if body.number(1) == 2:
            return None
    else:
        raise Hdf5FeatureError(f"data spaces of version {version}")
    if n_axes > 32:
        raise Hdf5Error(f"a variable has {n_axes} axes")
    return tuple(body.number(8) for _ in range(n_axes))


def values_of(file: Hdf5Bytes, kind: Type, shape: tuple[int, ...], data: bytes) -> Values:
    """Elements that lie in a row; lists and texts of any length as an array of objects.

    Args:
        file: the bytes, for what lies in its heap.
        kind: type of an element.
        shape: of the variable.
        data: the row.
    """
    count = prod(shape)
    if len(data) < count * kind.size:
        raise Hdf5Error(f"{count} values need {count * kind.size} bytes, there are {len(data)}")
    if kind.dtype is not None:
        return np.frombuffer(data, kind.dtype, count).reshape(shape)
    if kind.of is None or kind.of.dtype is None:
        raise Hdf5FeatureError("values of compound types")
    if count > _MOST_TEXTS:
        raise Hdf5Error(f"it claims to hold {count} lists")
    out = np.empty(count, dtype=object)
    rows = Cursor(data)
    for k in range(count):
        length, address, index = rows.numbers("IQI")
        part = global_object(file, address, index) if length else b""
        if len(part) < length * kind.of.size:
            raise Hdf5Error("a list is longer than its place in the heap")
        whole = part[: length * kind.of.size]
        out[k] = whole if kind.is_text else np.frombuffer(whole, kind.of.dtype)
    return out.reshape(shape)
