"""Freed memory, given back to the system."""

import ctypes


def give_back() -> None:
    """Return freed memory to the system where the C library keeps it for itself.

    glibc keeps arrays of up to 32 MB that were freed between others; a process that prepares a set
    would hold them to its end. Other C libraries give them back by themselves.
    """
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)


try:
    _C_LIBRARY: ctypes.CDLL | None = ctypes.CDLL(None)
except (OSError, TypeError):  # Windows has no such handle
    _C_LIBRARY = None
