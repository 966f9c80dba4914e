"""Who draws a set: nothing in this folder does, so whoever can leaves word here.

``auricle`` itself, which sees all folders, names the function that draws; it is called, and loads
matplotlib, when the first picture is wanted.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from auricle.dsp.errors import MissingDependencyError

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

PathLike = str | os.PathLike[str]
Draw = Callable[["HrtfSet", PathLike | None, str], Any]

_draw: list[Draw] = []


def draw_with(draw: Draw) -> None:
    """Let ``draw(hrtf, path, title)`` make figures, and write them unless the path is None."""
    _draw[:] = [draw]


def drawn(hrtf: "HrtfSet", path: PathLike | None, title: str) -> Any:
    """The figure of a set, written to a file as well unless the path is None."""
    if not _draw:
        raise MissingDependencyError("nothing here draws sets; import auricle as a whole")
    return _draw[0](hrtf, path, title)
