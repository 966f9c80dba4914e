"""Whether Numba can keep what it compiles on disk: ``CACHE``, for the options of every kernel."""

from numba import njit


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
