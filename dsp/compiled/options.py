"""What all kernels have in common: how Numba compiles them, and the control step.

``kernel`` is for what runs in blocks: cached on disk where a folder can be written, without the
interpreter's lock, without exceptions for divisions by zero; sums may be reordered and contracted,
but NaN and infinity are kept: what holds them is found by arithmetic. ``exact_kernel`` keeps the
order of operations as well.

Numba's cache does not see a change here. So every file with cached kernels holds a stamp of this
text (``OPTIONS``, checked by tests/dsp/compiled/test_stamps.py).
"""

from collections.abc import Callable
from typing import Any

from numba import njit, types

STEP = 128  # samples of a control step: gains, delays and filters move linearly within it


def _probe() -> None:
    pass


def can_cache() -> bool:
    """Whether a folder for compiled kernels can be written.

    Numba tries ``NUMBA_CACHE_DIR``, ``__pycache__`` beside the file, and the user's cache folder.
    Where it may write to none, ``njit(cache=True)`` raises as soon as the module is imported;
    compiling at every start is slow, but it works.
    """
    try:
        njit(cache=True)(_probe)
    except RuntimeError:
        return False
    return True


CACHE = can_cache()

_ALWAYS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_REORDERED = {"contract", "reassoc", "nsz", "arcp"}  # neither nnan nor ninf

Decorator = Callable[[Callable[..., Any]], Any]


def _decorator(**options: Any) -> Decorator:
    """``njit`` with these options, once for whole numbers: not anew for each number that is written
    into a call, as Numba does.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = njit(cache=CACHE, **_ALWAYS, **options)(function)
        if hasattr(kernel, "get_call_template"):  # not where the compiler is switched off
            found = kernel.get_call_template
            kernel.get_call_template = lambda args, kws: found(
                tuple(types.unliteral(each) for each in args), kws
            )
        return kernel

    return decorate


kernel = _decorator(fastmath=_REORDERED)
inlined_kernel = _decorator(fastmath=_REORDERED, inline="always")
# For divisions and arcs of many directions at once, which may be approximated.
approximate_kernel = _decorator(fastmath=_REORDERED | {"afn"})
# For recursions, whose rounding stays: products and sums are contracted, never reordered.
recursive_kernel = _decorator(fastmath={"contract"})
exact_kernel = _decorator()
