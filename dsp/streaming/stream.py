"""The base of everything that holds a stream's state: one caller at a time, true copies.

What is called from a second thread while the first is within raises an error that says so. Copies
(``copy``, ``deepcopy``, ``pickle``) are streams of their own that sound like the original from
there on.
"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from auricle.dsp.errors import AuricleError
from auricle.dsp.streaming import denormals

Self = TypeVar("Self", bound="Stream")
Result = TypeVar("Result")


class Stream:
    """The base of renderers: ``_alone`` calls whatever reads and writes their state."""

    def __init__(self) -> None:
        self._key = [None]  # whoever takes it is within

    def _alone(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """``work(*arguments)`` as the only one within, with denormal numbers taken for zero.

        An exception in the middle of it, such as Ctrl-C, leaves half a step done, which no later
        call could take up: then the stream begins anew from silence.
        """
        mode = self._enter()
        try:
            return work(*arguments)
        except BaseException:
            self._silence()
            raise
        finally:
            self._leave(mode)

    def _silence(self) -> None:
        """Forget all sound and be at the begin of a step; nobody else is within."""
        raise NotImplementedError

    def _enter(self) -> int:
        mode = denormals.flush()
        try:
            del self._key[0]  # one thread can; unlike a call, Ctrl-C never comes right behind it
        except IndexError:
            denormals.restore(mode)
            raise self._busy() from None
        return mode

    def _leave(self, mode: int) -> None:
        self._key.append(None)
        denormals.restore(mode)

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
