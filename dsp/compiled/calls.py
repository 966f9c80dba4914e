# mypy: disable-error-code="no-untyped-def"
"""Compiled kernels called where they are, and not compiled into their caller once more.

Numba compiles what a compiled function calls into that function again, which takes the renderer's
kernels a minute. ``call_compiled`` calls the machine code that the kernel's own file has cached. So
a caller does not grow, nor does it go stale when another file changes.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def call_compiled(kernel: Any) -> Any:
    """A function that calls a kernel, itself a compiled function, wherever it is called from."""

    @intrinsic
    def call(typing, *arguments):
        kinds = tuple(types.unliteral(each) for each in arguments)
        kernel.compile(kinds)
        compiled = kernel.overloads[kinds]
        described = compiled.fndesc
        address = compiled.library.get_pointer_to_function(described.llvm_func_name)

        def code(context, builder, signature, args):
            shape = context.call_conv.get_function_type(described.restype, described.argtypes)
            function = builder.inttoptr(ir.IntType(64)(address), shape.as_pointer())
            values = [
                context.cast(builder, value, given, kind)
                for value, given, kind in zip(
                    cgutils.unpack_tuple(builder, args[0]), signature.args[0], kinds, strict=True
                )
            ]
            _, result = context.call_conv.call_function(
                builder, function, described.restype, described.argtypes, values
            )
            return result

        return described.restype(types.BaseTuple.from_types(arguments)), code

    def called(*arguments):
        return kernel(*arguments)

    overload(called)(lambda *arguments: lambda *arguments: call(*arguments))
    return called
