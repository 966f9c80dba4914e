"""Files that a message may name: those under folders given at the start, and no others."""

from collections.abc import Sequence
from pathlib import Path

from auricle.dsp.errors import AuricleError


class AllowedFolders:
    """The folders whose files may be named over the network.

    Raises:
        AuricleError: one that is not a folder.
    """

    def __init__(self, folders: Sequence[str | Path] = ()) -> None:
        self._folders = []
        for folder in folders:
            resolved = Path(folder).resolve()
            if not resolved.is_dir():
                raise AuricleError(f"{folder}: not a folder; name one that exists")
            self._folders.append(resolved)

    def find(self, name: str) -> Path:
        """The file of that name, links resolved; raises AuricleError unless it lies under a folder.

        A name that is not absolute is looked for in each folder, in their order.
        """
        for folder in self._folders:
            try:
                path = (folder / name).resolve(strict=True)
            except (OSError, ValueError, RuntimeError):
                continue
            if path.is_relative_to(folder) and path.is_file():
                return path
        raise AuricleError(f"{name[:80]!r} is no file under a folder given at the start")
