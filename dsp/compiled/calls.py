# mypy: disable-error-code="no-untyped-def, call-arg"
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
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin


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
    def called(address, *arguments):
        return kernel(*arguments)

    wanted = result(types.int64, *kinds)

    # Lowered directly: as an overload each call would take Numba a quarter of a second.
    class Template(AbstractTemplate):
        key = called

        def generic(self, args, kws):
            return wanted if len(args) == len(wanted.args) else None

    def lower(context, builder, signature, args):
        shape = context.call_conv.get_function_type(result, kinds)
        function = builder.inttoptr(args[0], shape.as_pointer())
        _, found = context.call_conv.call_function(builder, function, result, kinds, args[1:])
        return found

    infer_global(called, types.Function(Template))
    lower_builtin(called, *wanted.args)(lower)
    return called
