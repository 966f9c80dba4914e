"""Files and folders that are being written: whole under their name in the end, or not there at all.

Whoever ends the program without unwinding it calls ``remove_all`` first.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

_known: set[Path] = set()
_numbers = count()


def unfinished(path: Path, ending: str = ".part") -> Path:
    """A name beside ``path`` for what is being written, known until ``forget``; nothing is made."""
    number = f"{os.getpid()}-{next(_numbers)}"
    made = path.with_name(f".{path.stem[:100]}.{number}{ending}")
    _known.add(made)
    return made


def forget(made: Path) -> None:
    """Remove what is there under that name, file or folder, and the name."""
    _remove(made)
    _known.discard(made)


def remove_all() -> None:
    """Remove all that is being written, for who ends the program."""
    for made in tuple(_known):
        _remove(made)


def _remove(made: Path) -> None:
    if made.is_dir():
        shutil.rmtree(made, ignore_errors=True)
    with suppress(OSError):
        made.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write to: it becomes ``path`` in the end, and nothing is left where that fails.

    It ends as ``path`` does, for libraries that go by the ending.
    """
    made = unfinished(path, path.suffix)
    try:
        yield made
        os.replace(made, path)
    except OSError as error:
        # Of the file that people asked for, whatever it is called meanwhile.
        if error.filename is None or Path(os.fsdecode(error.filename)) == made:
            error.filename = str(path)
        error.filename2 = None
        raise
    finally:
        forget(made)
