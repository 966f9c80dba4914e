"""Only regular files are read: a pipe may never end, and a device never does."""

from pathlib import Path

from auricle.dsp.errors import AuricleError


def check_regular(path: Path, kind: type[AuricleError], most_bytes: int | None = None) -> None:
    """Refuse what is no regular file, or is larger than any that is meant.

    Args:
        path: of the file.
        kind: of the error.
        most_bytes: largest size; None: any.

    Raises:
        AuricleError: of the ``kind`` given.
    """
    try:
        found = path.exists()
    except ValueError:  # a NUL or a lone surrogate in the name
        found = False
    if not found:
        raise kind(f"{_shown(path)}: no such file; check the name")
    if path.is_dir():
        raise kind(f"{path}: is a folder; name a file in it")
    if not path.is_file():
        raise kind(f"{path}: is a pipe or a device, not a file; save what it gives as a file")
    if most_bytes is not None and path.stat().st_size > most_bytes:
        raise kind(f"{path}: is larger than {most_bytes // 2**20} MB; is it the right file?")


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()
