"""SIGTERM and Ctrl-C end a command at any time, with the customary status, and leave no part files.

Python turns a signal into an exception of the main thread, which unwinds it and so removes what is
half done. That alone is not enough: the exception is lost where it meets a finaliser or a callback
from C, as they run while Numba compiles, or a library that catches everything; and it waits as
long as one call into compiled code lasts. So a thread looks after it. It raises the exception again
where it was lost, and where the main thread has not ended in time it ends the program itself.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from auricle.dsp.storage.part_files import remove_all

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 3.0  # from a signal until the program is ended the hard way
CLOSING_SECONDS = 30.0  # the same for what was told to end in order, such as a recording
AGAIN_SECONDS = 0.5  # a signal so long after another is someone who insists
_SHOW_CURSOR = "\x1b[?25h"


class Stopping:
    """What becomes of SIGTERM and SIGINT while a command runs; there is one at a time.

    Attributes:
        asked: the signal that has come; 0: none.
        in_order: whether the command took it as its end, as a recording does.
    """

    def __init__(self) -> None:
        self.asked, self.in_order = 0, False
        self._first = self._until = 0.0
        self._again, self._done = False, False
        self._lost = threading.Event()
        self._main = threading.get_ident()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._before: list[Any] = []

    def install(self) -> None:
        """Take the signals from now on."""
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        threading.Thread(target=self._watch, name="auricle-signals", daemon=True).start()
        self._fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._before = [signal.signal(each, self._handle) for each in SIGNALS]

    def remove(self) -> None:
        """Leave them to who had them before."""
        for each, before in zip(SIGNALS, self._before, strict=True):
            signal.signal(each, before)
        signal.set_wakeup_fd(self._fd)
        sys.unraisablehook = self._hook
        self._done = True
        self._lost.set()
        self._waker.close()

    def take(self) -> None:
        """A signal that has come, or comes, is the end in order of what runs: it takes its time."""
        self.in_order = True
        self._until = time.monotonic() + CLOSING_SECONDS

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler, in the main thread."""
        now = time.monotonic()
        if not self.asked:
            self._first, self.asked = now, number
        elif self._again:
            self._again = False
        elif self.in_order or now - self._first < AGAIN_SECONDS:
            return
        else:
            end_now(number)
        if not self.in_order:
            raise KeyboardInterrupt

    def _unraisable(self, what: Any) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt) and self.asked:
            self._lost.set()
        else:
            self._hook(what)

    def _watch(self) -> None:
        number = 0
        while number not in SIGNALS:  # other signals of other people come here too
            told = self._woken.recv(1)
            if not told:
                self._woken.close()
                return
            number = told[0]
        self._until = max(self._until, time.monotonic() + PATIENCE_SECONDS)
        while not self._done:
            if time.monotonic() > self._until:
                end_now(number)
            if self._lost.wait(0.05) and not self._done:
                self._lost.clear()
                self._again = True
                _send_to(self._main, number)
        self._woken.close()


_current: Stopping | None = None


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Within, signals end what runs: KeyboardInterrupt, or the program where that does not help."""
    global _current
    made = Stopping()
    if threading.current_thread() is not threading.main_thread() or _current is not None:
        yield made  # who runs a command there looks after signals
        return
    made.install()
    _current = made
    try:
        yield made
    finally:
        _current = None
        made.remove()


@contextmanager
def until_told() -> Iterator[None]:
    """Within, a signal ends the block, and what stands behind it goes on: the end in order."""
    try:
        yield
    except KeyboardInterrupt:
        if _current is not None:
            _current.take()


def end_now(number: int) -> None:
    """End the program by a signal's number without asking what runs in it."""
    with suppress(Exception):
        remove_all()
        if sys.stderr.isatty():
            sys.stderr.write(_SHOW_CURSOR)
            sys.stderr.flush()
    os._exit(128 + number)


def _send_to(thread: int, number: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, number)
    else:  # Windows
        signal.raise_signal(number)
