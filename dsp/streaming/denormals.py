# mypy: disable-error-code="no-untyped-def, call-arg"
"""Numbers too small to be heard cost no time: the processor takes them for zero while we compute.

Below 1.2e-38 float32 numbers are denormal, and some processors take a hundred cycles for each
operation on one. Every sound that fades to silence comes by there. So whatever runs sound sets the
processor's mode for its own thread (x86-64: FTZ and DAZ of MXCSR; ARM64: FZ of FPCR) and afterwards
puts back what was there. On other processors nothing happens.

    mode = flush()
    try:
        ...
    finally:
        restore(mode)

Within compiled functions ``read_mode``, ``write_mode`` and ``FLUSH`` do the same; without a
compiler they do nothing.
"""

import llvmlite.binding
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from auricle.dsp.compiled.options import CACHE

_WORD, _LONG = ir.IntType(32), ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()


def architecture() -> str:
    """The architecture of this processor: "x86_64", "aarch64", or "" where its mode is not known
    here.
    """
    first = llvmlite.binding.get_process_triple().split("-")[0]
    return {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(first, "")


BITS = {"x86_64": 0x8040, "aarch64": 1 << 24, "": 0}  # what makes denormal numbers zero
FLUSH = BITS[architecture()]


def read_mode():
    """The mode in which the processor computes now in this thread."""
    return 0


def write_mode(mode):
    """Let it compute so from now on."""


def emit_read(builder: ir.IRBuilder, where: str) -> ir.Value:
    """Code that reads the mode as a 64-bit number, for an architecture."""
    if where == "x86_64":
        slot = cgutils.alloca_once(builder, _WORD)
        _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(slot, _BYTES))
        return builder.zext(builder.load(slot), _LONG)
    if where == "aarch64":
        return _call(builder, "llvm.aarch64.get.fpcr", _LONG)
    return _LONG(0)


def emit_write(builder: ir.IRBuilder, where: str, mode: ir.Value) -> None:
    """Emit code that sets the mode.

    Args:
        builder: of the function.
        where: the architecture.
        mode: the value to set.
    """
    if where == "x86_64":
        slot = cgutils.alloca_once(builder, _WORD)
        builder.store(builder.trunc(mode, _WORD), slot)
        _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), builder.bitcast(slot, _BYTES))
    elif where == "aarch64":
        _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), mode)


def _call(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    shape = ir.FunctionType(result, [each.type for each in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, shape, name), arguments)


@intrinsic
def _read(typing):
    def code(context, builder, signature, args):
        return emit_read(builder, architecture())

    return types.int64(), code


@intrinsic
def _write(typing, mode):
    def code(context, builder, signature, args):
        emit_write(builder, architecture(), args[0])
        return context.get_dummy_value()

    return types.void(types.int64), code


overload(read_mode, inline="always")(lambda: lambda: _read())
overload(write_mode, inline="always")(lambda mode: lambda mode: _write(mode))


@njit(cache=CACHE)
def flush():
    """From now on this thread takes denormal numbers for zero; returns what ``restore`` needs."""
    mode = read_mode()
    write_mode(mode | FLUSH)
    return mode


@njit(cache=CACHE)
def restore(mode):
    """Compute as before ``flush``."""
    write_mode(mode)
