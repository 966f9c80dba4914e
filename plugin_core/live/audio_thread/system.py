# mypy: disable-error-code="no-untyped-def, call-arg"
"""What compiled code asks of the operating system and of a driver, without the interpreter: clocks,
sleep, functions of foreign libraries by their address, arrays at an address.
"""

import ctypes
import os
import time
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from auricle.dsp.errors import AuricleError

NANOSECONDS = 1_000_000_000
_CLOCK = getattr(time, "CLOCK_MONOTONIC", 1)
_OWN_CLOCK = getattr(time, "CLOCK_THREAD_CPUTIME_ID", 3)
_POINTER, _WORD, _INT = ir.IntType(8).as_pointer(), ir.IntType(64), ir.IntType(32)


def require_system() -> None:
    """Raise AuricleError where there are no such clocks."""
    if os.name != "posix":
        raise AuricleError("live sound needs Linux or macOS; render to a file in place of it")


def now_ns():
    """Nanoseconds of the steady clock, that of ``time.monotonic``."""
    return time.monotonic_ns()


def own_ns():
    """Nanoseconds for which this thread has run: those of waiting do not count."""
    return time.thread_time_ns()


def sleep_ns(span):
    """Sleep for some nanoseconds."""
    time.sleep(span / NANOSECONDS)


def _clock_code(clock: int) -> Any:
    @intrinsic
    def read_clock(typing):
        def code(context, builder, signature, args):
            room = cgutils.alloca_once(builder, _WORD, size=_WORD(2))
            shape = ir.FunctionType(_INT, [_INT, _WORD.as_pointer()])
            function = cgutils.get_or_insert_function(builder.module, shape, "clock_gettime")
            builder.call(function, [_INT(clock), room])
            seconds = builder.load(room)
            rest = builder.load(builder.gep(room, [_WORD(1)]))
            return builder.add(builder.mul(seconds, _WORD(NANOSECONDS)), rest)

        return types.int64(), code

    return read_clock


_now, _own = _clock_code(_CLOCK), _clock_code(_OWN_CLOCK)


@intrinsic
def _sleep(typing, span):
    def code(context, builder, signature, args):
        room = cgutils.alloca_once(builder, _WORD, size=_WORD(2))
        builder.store(builder.sdiv(args[0], _WORD(NANOSECONDS)), room)
        rest = builder.srem(args[0], _WORD(NANOSECONDS))
        builder.store(rest, builder.gep(room, [_WORD(1)]))
        shape = ir.FunctionType(_INT, [_WORD.as_pointer(), _WORD.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, shape, "nanosleep")
        builder.call(function, [room, _WORD.as_pointer()(None)])
        return context.get_dummy_value()

    return types.void(types.int64), code


@intrinsic
def _buffer_of(typing, function, port, n_frames):
    def code(context, builder, signature, args):
        shape = ir.FunctionType(_POINTER, [_POINTER, _INT])
        called = builder.inttoptr(args[0], shape.as_pointer())
        port = builder.inttoptr(args[1], _POINTER)
        result = builder.call(called, [port, builder.trunc(args[2], _INT)])
        return builder.ptrtoint(result, _WORD)

    return types.int64(types.int64, types.int64, types.int64), code


@intrinsic
def _address_of(typing, pointer):
    def code(context, builder, signature, args):
        return builder.ptrtoint(args[0], _WORD)

    return types.int64(pointer), code


@intrinsic
def pointer_to(typing, address):
    """A number as a pointer, for ``carray``."""

    def code(context, builder, signature, args):
        return builder.inttoptr(args[0], _POINTER)

    return types.voidptr(types.int64), code


def buffer_of(function, port, n_frames):
    """The address that a C function ``void *f(void *port, uint32 n)`` returns."""
    shape = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    return shape(int(function))(int(port), int(n_frames))


def address_of(pointer):
    """A pointer as a number."""
    return int(pointer)


def floats_at(address, count):
    """The ``count`` float32 numbers at an address."""
    pointer = ctypes.cast(int(address), ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(pointer, (int(count),))


def _floats_at(address, count):
    return lambda address, count: carray(pointer_to(address), (count,), np.float32)


overload(now_ns)(lambda: lambda: _now())
overload(own_ns)(lambda: lambda: _own())
overload(sleep_ns)(lambda span: lambda span: _sleep(span))
overload(floats_at)(_floats_at)
overload(address_of)(lambda pointer: lambda pointer: _address_of(pointer))
overload(buffer_of)(
    lambda function, port, n_frames: (
        lambda function, port, n_frames: _buffer_of(function, port, n_frames)
    )
)
