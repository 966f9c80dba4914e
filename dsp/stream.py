"""What everything that holds a stream's state has in common: one caller at a time, true copies.

What is called from a second thread while the first is within raises an error that says so. Copies
(``copy``, ``deepcopy``, ``pickle``) are streams of their own that sound like the original from
there on.
"""

import copy
from typing import Any, TypeVar

from auricle.dsp import denormals
from auricle.dsp.errors import AuricleError

Self = TypeVar("Self", bound="Stream")


class Stream:
    """The base of renderers: ``_enter`` and ``_leave`` stand around whatever computes sound."""

    def __init__(self) -> None:
        self._key = [None]  # taken by the thread that is within; popping is atomic

    def _enter(self) -> int:
        """Be the only one within, and take denormal numbers for zero; for ``_leave``."""
        try:
            self._key.pop()
        except IndexError:
            raise self._busy() from None
        return denormals.flush()

    def _leave(self, mode: int) -> None:
        denormals.restore(mode)
        self._key.append(None)

    def _busy(self) -> AuricleError:
        return AuricleError(
            f"this {type(self).__name__} is in use by another thread; give each thread one of its "
            "own (copy.copy makes one), or call it from one thread at a time"
        )

    def __getstate__(self) -> dict[str, Any]:
        if not self._key:
            raise self._busy()
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._key = [None]

    def __copy__(self: Self) -> Self:
        return copy.deepcopy(self)
