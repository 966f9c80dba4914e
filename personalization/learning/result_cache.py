"""Results of long comparisons on disk, so that one that was stopped goes on."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from auricle.dsp.storage.part_files import whole_file

Result = TypeVar("Result")


def kept(path: Path, kind: type[Result], made: Callable[[], Result]) -> tuple[Result, bool]:
    """The result that a file holds, or the one that is made now and put there; whether it was made.

    Args:
        path: of the file, which appears whole or not at all; its folder is made too.
        kind: a dataclass of what JSON can hold.
        made: makes it.
    """
    if path.is_file():
        return kind(**json.loads(path.read_text(encoding="utf-8"))), False
    result: Any = made()
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result, True
