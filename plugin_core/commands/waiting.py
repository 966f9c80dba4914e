"""Work whose end nobody can foresee: a spinner on a terminal, in a pipe a line now and then."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from auricle.plugin_core.commands.console import TELL_SECONDS, say


@contextmanager
def working(title: str) -> Iterator[None]:
    """Show that the work of ``title`` goes on, while it does."""
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(title):
            yield
        return
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(title, ended), daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _tell(title: str, ended: threading.Event) -> None:
    begin = time.monotonic()
    while not ended.wait(TELL_SECONDS):
        say(f"{title}: {time.monotonic() - begin:.0f} s so far")
