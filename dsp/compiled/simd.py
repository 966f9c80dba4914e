# mypy: disable-error-code="no-untyped-def, call-arg"
"""SIMD: vectors of ``LANES`` or ``NARROW`` float32 numbers that kernels keep in registers.

Each operation is a plain function of NumPy arrays and, inside a compiled kernel, one or two machine
instructions; so a kernel's ``.py_func`` runs the same code without a compiler. LLVM splits vectors
wider than the processor's own.

Numba's cache does not see a change here. So every file with kernels that use these operations holds
a stamp of this text (``VECTORS``, checked by tests/dsp/compiled/test_stamps.py): a change here
changes them, and they are compiled anew.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin, models, register_model

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


def broadcast_at_narrow(numbers, at):
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
    def made(typing, numbers, at):
        def code(context, builder, signature, args):
            address = builder.gep(args[0], [args[1]])
            return builder.load(builder.bitcast(address, vector.code.as_pointer()), align=4)

        return vector(numbers, types.intp), code

    return made


def _broadcast_oneting(vector):
    def made(typing, x):
        def code(context, builder, signature, args):
            return _broadcast(builder, args[0], vector)

        return vector(types.float32), code

    return made


def _repeating(vector):
    def made(typing, numbers, at):
        def code(context, builder, signature, args):
            return _broadcast(builder, builder.load(builder.gep(args[0], [args[1]])), vector)

        return vector(numbers, types.intp), code

    return made


_load, _load_narrow = _loading(_wide), _loading(_narrow)
_broadcast_one, _broadcast_one_narrow = _broadcast_oneting(_wide), _broadcast_oneting(_narrow)
_broadcast_from, _broadcast_at_narrow = _repeating(_wide), _repeating(_narrow)


def _pointer(typing, array):
    def code(context, builder, signature, args):
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), code


def _store(typing, numbers, at, value):
    def code(context, builder, signature, args):
        address = builder.gep(args[0], [args[1]])
        builder.store(args[2], builder.bitcast(address, value.code.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(numbers, types.intp, value), code


def _get(typing, numbers, at):
    def code(context, builder, signature, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return numbers.dtype(numbers, types.intp), code


def _put(typing, numbers, at, value):
    def code(context, builder, signature, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(numbers, types.intp, numbers.dtype), code


def _add(typing, a, b):
    def code(context, builder, signature, args):
        return builder.fadd(*args)

    return a(a, a), code


def _subtract(typing, a, b):
    def code(context, builder, signature, args):
        return builder.fsub(*args)

    return a(a, a), code


def _add_product(typing, a, b, c):
    def code(context, builder, signature, args):
        return _multiply_add(builder, a, *args)

    return a(a, a, a), code


def _subtract_product(typing, a, b, c):
    def code(context, builder, signature, args):
        return _multiply_add(builder, a, builder.fneg(args[0]), args[1], args[2])

    return a(a, a, a), code


def _reduce_add(typing, a):
    def code(context, builder, signature, args):
        shape = ir.FunctionType(_FLOAT, [_FLOAT, a.code])
        name = f"llvm.vector.reduce.fadd.v{a.size}f32"
        reduce = cgutils.get_or_insert_function(builder.module, shape, name)
        return builder.call(reduce, [_FLOAT(0.0), args[0]], fastmath=["reassoc"])

    return types.float32(a), code


def _lowers(function, made):
    """Have a function compiled as what ``made`` gives for its types: a signature and its code.

    Numba would take minutes to inline that many overloads (measured: twice as long in all).
    """

    class Template(AbstractTemplate):
        key = function

        def generic(self, args, kws):
            return made(self.context, *args)[0]

    def lower(context, builder, signature, args):
        _, code = made(context.typing_context, *signature.args)
        return code(context, builder, signature, args)

    infer_global(function, types.Function(Template))
    lower_builtin(function, *[types.Any] * function.__code__.co_argcount)(lower)


_lowers(pointer, _pointer)
_lowers(load, _load)
_lowers(load_narrow, _load_narrow)
_lowers(store, _store)
_lowers(get, _get)
_lowers(put, _put)
_lowers(broadcast, _broadcast_one)
_lowers(broadcast_narrow, _broadcast_one_narrow)
_lowers(broadcast_at, _broadcast_from)
_lowers(broadcast_at_narrow, _broadcast_at_narrow)
_lowers(add, _add)
_lowers(subtract, _subtract)
_lowers(add_product, _add_product)
_lowers(subtract_product, _subtract_product)
_lowers(reduce_add, _reduce_add)
