# mypy: disable-error-code="no-untyped-def, call-arg"
"""SIMD: vectors of ``LANES`` or ``NARROW`` float32 numbers that kernels keep in registers.

Each operation is a plain function of NumPy arrays and, inside a compiled kernel, one or two machine
instructions; so a kernel's ``.py_func`` runs the same code without a compiler. LLVM splits vectors
wider than the processor's own.

Numba's cache does not see a change here. So every file with kernels that use these operations holds
a stamp of this text (``VECTORS``, checked by tests/dsp/compiled/test_stamps.py): a change here
changes them, and they are compiled anew.
"""

import functools

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
NARROW = 8

_FLOAT = ir.FloatType()


def pointer(array):
    """The numbers of a C-contiguous array by flat index; compiled, their address alone."""
    return array.reshape(-1)


def load(numbers, at):
    """LANES numbers from index ``at`` on."""
    return numbers[at : at + LANES].copy()


def load_narrow(numbers, at):
    """NARROW numbers from index ``at`` on."""
    return numbers[at : at + NARROW].copy()


def store(numbers, at, value):
    """Write a vector from index ``at`` on."""
    numbers[at : at + len(value)] = value


def get(numbers, at):
    """One number."""
    return numbers[at]


def put(numbers, at, value):
    """Write one number."""
    numbers[at] = value


def broadcast(x):
    """LANES times the number ``x``."""
    return np.full(LANES, x, dtype=np.float32)


def broadcast_narrow(x):
    """NARROW times the number ``x``."""
    return np.full(NARROW, x, dtype=np.float32)


def broadcast_at(numbers, at):
    """LANES times the number at index ``at``."""
    return broadcast(numbers[at])


def every_narrow(numbers, at):
    """NARROW times the number at index ``at``."""
    return broadcast_narrow(numbers[at])


def add(a, b):
    """``a + b``."""
    return a + b


def subtract(a, b):
    """``a - b``."""
    return a - b


def add_product(a, b, c):
    """``c + a * b``."""
    return c + a * b


def subtract_product(a, b, c):
    """``c - a * b``."""
    return c - a * b


def reduce_add(a):
    """The sum of a vector's numbers."""
    return np.float32(a.sum())


class _Vector(types.Type):
    def __init__(self, size: int) -> None:
        super().__init__(name=f"float32x{size}")
        self.size = size
        self.code = ir.VectorType(_FLOAT, size)


_wide, _narrow = _Vector(LANES), _Vector(NARROW)


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, kind.code)


def _broadcast(builder, x, vector):
    undefined = ir.Constant(vector.code, ir.Undefined)
    first = builder.insert_element(undefined, x, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.size), None)
    return builder.shuffle_vector(first, undefined, zeros)


def _multiply_add(builder, vector, a, b, c):
    shape = ir.FunctionType(vector.code, [vector.code] * 3)
    name = f"llvm.fmuladd.v{vector.size}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, shape, name), [a, b, c])


def _loading(vector):
    def intrinsic_of(typing, numbers, at):
        def code(context, builder, signature, args):
            address = builder.gep(args[0], [args[1]])
            return builder.load(builder.bitcast(address, vector.code.as_pointer()), align=4)

        return vector(numbers, types.intp), code

    return intrinsic(intrinsic_of)


def _splatting(vector):
    def intrinsic_of(typing, x):
        def code(context, builder, signature, args):
            return _broadcast(builder, args[0], vector)

        return vector(types.float32), code

    return intrinsic(intrinsic_of)


def _repeating(vector):
    def intrinsic_of(typing, numbers, at):
        def code(context, builder, signature, args):
            return _broadcast(builder, builder.load(builder.gep(args[0], [args[1]])), vector)

        return vector(numbers, types.intp), code

    return intrinsic(intrinsic_of)


_load, _load_narrow = _loading(_wide), _loading(_narrow)
_splat, _splat_narrow = _splatting(_wide), _splatting(_narrow)
_every, _every_narrow = _repeating(_wide), _repeating(_narrow)


@intrinsic
def _flat(typing, array):
    def code(context, builder, signature, args):
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), code


@intrinsic
def _store(typing, numbers, at, value):
    def code(context, builder, signature, args):
        address = builder.gep(args[0], [args[1]])
        builder.store(args[2], builder.bitcast(address, value.code.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, value), code


@intrinsic
def _get(typing, numbers, at):
    def code(context, builder, signature, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return numbers.dtype(numbers, types.intp), code


@intrinsic
def _put(typing, numbers, at, value):
    def code(context, builder, signature, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(numbers, types.intp, numbers.dtype), code


@intrinsic
def _add(typing, a, b):
    def code(context, builder, signature, args):
        return builder.fadd(*args)

    return a(a, a), code


@intrinsic
def _subtract(typing, a, b):
    def code(context, builder, signature, args):
        return builder.fsub(*args)

    return a(a, a), code


@intrinsic
def _add_product(typing, a, b, c):
    def code(context, builder, signature, args):
        return _multiply_add(builder, a, *args)

    return a(a, a, a), code


@intrinsic
def _subtract_product(typing, a, b, c):
    def code(context, builder, signature, args):
        return _multiply_add(builder, a, builder.fneg(args[0]), args[1], args[2])

    return a(a, a, a), code


@intrinsic
def _total(typing, a):
    def code(context, builder, signature, args):
        shape = ir.FunctionType(_FLOAT, [_FLOAT, a.code])
        name = f"llvm.vector.reduce.fadd.v{a.size}f32"
        reduce = cgutils.get_or_insert_function(builder.module, shape, name)
        return builder.call(reduce, [_FLOAT(0.0), args[0]], fastmath=["reassoc"])

    return types.float32(a), code


_compiles_to = functools.partial(overload, inline="always")
_compiles_to(pointer)(lambda array: lambda array: _flat(array))
_compiles_to(load)(lambda numbers, at: lambda numbers, at: _load(numbers, at))
_compiles_to(store)(
    lambda numbers, at, value: lambda numbers, at, value: _store(numbers, at, value)
)
_compiles_to(get)(lambda numbers, at: lambda numbers, at: _get(numbers, at))
_compiles_to(put)(lambda numbers, at, value: lambda numbers, at, value: _put(numbers, at, value))
_compiles_to(broadcast)(lambda x: lambda x: _splat(x))
_compiles_to(broadcast_at)(lambda numbers, at: lambda numbers, at: _every(numbers, at))
_compiles_to(load_narrow)(lambda numbers, at: lambda numbers, at: _load_narrow(numbers, at))
_compiles_to(broadcast_narrow)(lambda x: lambda x: _splat_narrow(x))
_compiles_to(every_narrow)(lambda numbers, at: lambda numbers, at: _every_narrow(numbers, at))
_compiles_to(add)(lambda a, b: lambda a, b: _add(a, b))
_compiles_to(subtract)(lambda a, b: lambda a, b: _subtract(a, b))
_compiles_to(add_product)(lambda a, b, c: lambda a, b, c: _add_product(a, b, c))
_compiles_to(subtract_product)(lambda a, b, c: lambda a, b, c: _subtract_product(a, b, c))
_compiles_to(reduce_add)(lambda a: lambda a: _total(a))
