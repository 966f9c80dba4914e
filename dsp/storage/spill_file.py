"""Arrays laid aside in a file while others are made, so that they take no memory meanwhile."""

import tempfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


class LaidAside:
    """A file without a name, gone at the end of ``with``; ``put`` gives what brings an array back.

    Where no file can be made, or the disk is full, arrays stay in memory: that costs memory,
    nothing else.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        try:
            self._file = tempfile.TemporaryFile(prefix="auricle-")  # noqa: SIM115
        except OSError:
            return

    def __enter__(self) -> "LaidAside":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, array: NDArray) -> Callable[[], NDArray]:
        """Lay an array aside; each call of what is returned reads it into a new one."""
        file: Any = self._file
        shape, dtype = array.shape, array.dtype
        if file is None:
            return lambda: array
        try:
            at = file.seek(0, 2)
            file.write(np.ascontiguousarray(array).data)
            file.flush()
        except OSError:
            return lambda: array

        def read() -> NDArray:
            file.seek(at)
            found = np.empty(shape, dtype)
            file.readinto(found.data)
            return found

        return read
