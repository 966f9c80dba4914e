# mypy: disable-error-code="no-untyped-def, call-arg"
"""Numbers that two threads share without a lock: what one has written before, the other sees.

Each operation is a plain function of a NumPy array and, inside a compiled kernel, one atomic
instruction; so a kernel's ``.py_func`` runs the same code without a compiler.
"""

from numba import types
from numba.extending import intrinsic, overload


def load_acquire(cells, at):
    """cells[at] of int64 ``cells``; what was written before it was stored can be read now."""
    return int(cells[at])


def store_release(cells, at, value):
    """Set cells[at]; who loads it sees all that this thread has written so far."""
    cells[at] = value


def exchange(cells, at, value):
    """Set cells[at] and return what it was, both in one."""
    before = int(cells[at])
    cells[at] = value
    return before


def _address(context, builder, signature, args):
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@intrinsic
def _load(typing, cells, at):
    def code(context, builder, signature, args):
        return builder.load_atomic(_address(context, builder, signature, args), "acquire", 8)

    return types.int64(cells, types.intp), code


@intrinsic
def _store(typing, cells, at, value):
    def code(context, builder, signature, args):
        address = _address(context, builder, signature, args)
        builder.store_atomic(args[2], address, "release", 8)
        return context.get_dummy_value()

    return types.void(cells, types.intp, types.int64), code


@intrinsic
def _exchange(typing, cells, at, value):
    def code(context, builder, signature, args):
        address = _address(context, builder, signature, args)
        return builder.atomic_rmw("xchg", address, args[2], "acq_rel")

    return types.int64(cells, types.intp, types.int64), code


overload(load_acquire)(lambda cells, at: lambda cells, at: _load(cells, at))
overload(store_release)(lambda cells, at, value: lambda cells, at, value: _store(cells, at, value))
overload(exchange)(lambda cells, at, value: lambda cells, at, value: _exchange(cells, at, value))
