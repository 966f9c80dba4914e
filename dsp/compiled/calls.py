# mypy: disable-error-code="no-untyped-def"
"""Compiled kernels called by the address of their machine code.

Numba compiles what a compiled function calls into that function again, which takes the renderer's
kernels a minute, and its cache does not see when another file changes. So kernels of other files
are called where they are: a record carries their addresses. The caller holds no more than the types
of the arguments: it is small, and cached like any kernel.

Numba's cache does not see a change here. So every file with kernels that call routines holds a
stamp of this file's text (``CALLS``).
"""

from functools import cached_property
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


class Routine:
    """A kernel that other files call.

    ``call(address, *arguments)`` is for their compiled functions; as plain Python it calls the
    kernel and does not heed the address.

    Args:
        kernel: a compiled function.
        signature: what it returns of what, such as ``types.void(types.int64)``.
    """

    def __init__(self, kernel: Any, signature: Any) -> None:
        self.kernel, self.signature = kernel, signature
        self.call = _caller(kernel, signature.return_type, signature.args)

    @cached_property
    def address(self) -> int:
        """Where its machine code stands: compiled now, or read from the cache."""
        self.kernel.compile(self.signature.args)
        compiled = self.kernel.overloads[self.signature.args]
        described = compiled.fndesc
        if described.restype != self.signature.return_type:
            raise TypeError(f"{self.kernel.__name__} returns {described.restype}")
        return int(compiled.library.get_pointer_to_function(described.llvm_func_name))


def _caller(kernel: Any, result: Any, kinds: tuple[Any, ...]) -> Any:
    @intrinsic
    def call(typing, *given):
        def code(context, builder, signature, args):
            address, *values = cgutils.unpack_tuple(builder, args[0])
            shape = context.call_conv.get_function_type(result, kinds)
            function = builder.inttoptr(address, shape.as_pointer())
            cast = [
                context.cast(builder, value, kind, wanted)
                for value, kind, wanted in zip(values, given[1:], kinds, strict=True)
            ]
            _, found = context.call_conv.call_function(builder, function, result, kinds, cast)
            return found

        return result(types.BaseTuple.from_types(given)), code

    def called(address, *arguments):
        return kernel(*arguments)

    overload(called)(
        lambda address, *arguments: lambda address, *arguments: call(address, *arguments)
    )
    return called
