# mypy: disable-error-code="no-untyped-def, call-arg"
"""Arrays handed to compiled code as one address, in place of dozens of arguments.

A ``Record`` names its arrays and their types once. ``pack`` puts their addresses and shapes into a
table; compiled code that is given the table's address gets the arrays back by name, without a copy,
a count of references or an allocation. The same read works as plain Python.

Whoever packs arrays keeps what ``pack`` returns for as long as the address is in use, and packs
anew what was copied or unpickled: addresses are of one object in one process.

Where a file's kernels use ``auricle.dsp.compiled.simd`` or ``inline="always"``, whoever reads a
record hands it on to a function of its own, which does the work: Numba then clears dead code away,
and takes what is written to arrays that a function has not been given for that.

Numba's cache does not see a change here. So every file with kernels that read records holds a stamp
of this file's text (``RECORDS``), as with ``auricle.dsp.compiled.simd``.
"""

import collections
import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, overload, register_model
from numba.np import arrayobj, numpy_support
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError

_WORD = ir.IntType(64)


def f32(n_dimensions: int) -> types.Array:
    """The type of a C-contiguous float32 array."""
    return types.Array(types.float32, n_dimensions, "C")


def f64(n_dimensions: int) -> types.Array:
    """Of float64."""
    return types.Array(types.float64, n_dimensions, "C")


def i64(n_dimensions: int) -> types.Array:
    """Of int64."""
    return types.Array(types.int64, n_dimensions, "C")


def i32(n_dimensions: int) -> types.Array:
    """Of int32."""
    return types.Array(types.int32, n_dimensions, "C")


def u64(n_dimensions: int) -> types.Array:
    """Of uint64."""
    return types.Array(types.uint64, n_dimensions, "C")


def i8(n_dimensions: int) -> types.Array:
    """Of int8."""
    return types.Array(types.int8, n_dimensions, "C")


def flags(n_dimensions: int) -> types.Array:
    """Of bool."""
    return types.Array(types.boolean, n_dimensions, "C")


# Of (n,) int64 that compiled code reads one by one: without the length, in a third of the code.
words = types.CPointer(types.int64)


class Packed:
    """Arrays of a record, alive, and the address that compiled code reads them at.

    A copy or a pickle of it is None: its holder has to pack the copied arrays.

    Attributes:
        arrays: the named tuple.
        address: of their table.
    """

    def __init__(self, arrays: Any, table: NDArray[np.int64]) -> None:
        self.arrays = arrays
        self._table = table
        self.address = int(table.ctypes.data)

    def __reduce__(self) -> Any:
        return _nothing, ()


def _nothing() -> None:
    return None


class Record:
    """Names and types of arrays that go together.

    ``read`` is a function for compiled code: the named tuple of arrays at an address. It also works
    as plain Python.
    """

    def __init__(self, name: str, **fields: Any) -> None:
        kind: Any = collections.namedtuple(name, list(fields))  # type: ignore[misc]
        self._kind = kind
        self._fields = fields
        self.read = _reader(kind, name, fields)

    def pack(self, arrays: Mapping[str, NDArray[Any]]) -> Packed:
        """Put arrays behind one address; raises AuricleError where one is not of its type."""
        words: list[int] = []
        for name, wanted in self._fields.items():
            array = arrays[name]
            dtype, n_dimensions = numpy_support.as_dtype(wanted.dtype), _n_dimensions(wanted)
            fits = array.dtype == dtype and array.ndim == n_dimensions
            if not (fits and array.flags.c_contiguous and array.flags.aligned):
                raise AuricleError(
                    f"{name} must be C-contiguous {dtype} of {n_dimensions} dimensions, got "
                    f"{array.dtype} {array.shape}"
                )
            words += [array.ctypes.data, *array.shape]
        named = self._kind(**{name: arrays[name] for name in self._fields})
        return Packed(named, np.array(words, dtype=np.int64))


def _n_dimensions(kind: Any) -> int:
    return int(kind.ndim) if isinstance(kind, types.Array) else 1


class _At(types.Type):
    """In compiled code: an address where the arrays of a record are found, each when it is named.

    To build all of them at once would cost LLVM minutes.
    """

    def __init__(self, name: str, fields: Mapping[str, Any]) -> None:
        super().__init__(name=f"record {name}")
        self.places: dict[str, tuple[int, Any]] = {}
        at = 0
        for each, kind in fields.items():
            self.places[each] = (at, kind)
            at += 1 + _n_dimensions(kind)


@register_model(_At)
class _AtModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _WORD)


@infer_getattr
class _AtAttributes(AttributeTemplate):
    key = _At

    def generic_resolve(self, kind, name):  # type: ignore[override]
        return kind.places[name][1] if name in kind.places else None


@lower_getattr_generic(_At)
def _named(context, builder, kind, value, name):
    table, (at, wanted) = builder.inttoptr(value, _WORD.as_pointer()), kind.places[name]
    if isinstance(wanted, types.CPointer):
        address = builder.load(builder.gep(table, [_WORD(at)]))
        return builder.inttoptr(address, _WORD.as_pointer())
    return _array(context, builder, table, at, wanted)


def _reader(kind: Any, name: str, fields: Mapping[str, Any]) -> Any:
    there = _At(name, fields)

    @intrinsic
    def read_there(typing, address):
        def code(context, builder, signature, args):
            return args[0]

        return there(types.int64), code

    def read(address):
        return kind(**{name: _seen(address, *place) for name, place in there.places.items()})

    overload(read)(lambda address: lambda address: read_there(address))
    return read


def _seen(address: int, at: int, kind: Any) -> NDArray[Any]:
    """The array of that word and type in the table at an address, a view of the same memory."""
    table = (ctypes.c_int64 * (1 + _n_dimensions(kind))).from_address(int(address) + 8 * at)
    dtype, shape = numpy_support.as_dtype(kind.dtype), tuple(table[1:])
    count = int(np.prod(shape))
    if count == 0:
        return np.zeros(shape, dtype=dtype)
    memory: Any = (ctypes.c_char * (count * dtype.itemsize)).from_address(table[0])
    return np.frombuffer(memory, dtype=dtype).reshape(shape)


def _array(context, builder, table, at, kind):
    """The array whose address stands in word ``at`` and its shape in those that follow."""

    def word(i):
        return builder.load(builder.gep(table, [_WORD(i)]))

    array = arrayobj.make_array(kind)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    shape = [word(at + 1 + i) for i in range(kind.ndim)]
    step = _WORD(itemsize)
    strides: list[Any] = []
    for size in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, size)
    data = builder.inttoptr(word(at), context.get_data_type(kind.dtype).as_pointer())
    arrayobj.populate_array(
        array, data=data, shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides), itemsize=_WORD(itemsize), meminfo=None,
    )  # fmt: skip
    return array._getvalue()
