"""Room that prepared sets take on disk: at most ``$AURICLE_CACHE_MB``, the oldest out first."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

DEFAULT_MB = 500.0
# A set; one that is being written; what earlier versions left half written. All else stays.
_NAMES = re.compile(r"(\.?[0-9a-f]{32}(\.\d+-\d+)?\.npz|tmp[a-z0-9_]{8}\.tmp)")
_ABANDONED_SECONDS = 3600.0  # after which nobody writes on at what is unfinished


class Kept(NamedTuple):
    """A file of the cache: when it was last of use (seconds since 1970), its size, its path."""

    used: float
    size: int
    path: Path

    @property
    def is_whole(self) -> bool:
        """Whether it is a set, and not what is half written."""
        return not self.path.name.startswith((".", "tmp"))


def most_bytes() -> int:
    """The room that there is; what is no number counts as the default."""
    try:
        most = float(os.environ.get("AURICLE_CACHE_MB", DEFAULT_MB))
    except ValueError:
        most = DEFAULT_MB
    return int(1e6 * (most if 0.0 <= most < 1e9 else DEFAULT_MB))


def kept(folder: Path) -> list[Kept]:
    """The sets in a folder, those last of use first, and what was left half written."""
    return sorted(_files(folder), reverse=True)


def make_room(newest: Path) -> None:
    """Remove what lies in the folder of ``newest``, the oldest first, until the rest has room.

    ``newest`` itself stays. Only files of the cache are touched.
    """
    files = kept(newest.parent)
    now = max((each.used for each in files), default=0.0)
    left = most_bytes()
    for each in files:
        if each.is_whole or each.path == newest:
            left -= each.size
            if left < 0 and each.path != newest:
                left += each.size
                _remove(each.path)
        elif now - each.used > _ABANDONED_SECONDS:
            _remove(each.path)


def clear(folder: Path) -> tuple[int, int]:
    """Remove all sets of a folder; how many files and bytes that were."""
    removed = [each for each in kept(folder) if _remove(each.path)]
    return len(removed), sum(each.size for each in removed)


def _files(folder: Path) -> Iterator[Kept]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if _NAMES.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    yield Kept(state.st_mtime, state.st_size, Path(entry.path))


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False  # another process was quicker, or may not be disturbed
    return True
