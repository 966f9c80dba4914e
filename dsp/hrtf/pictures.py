"""A place where whoever can draw sets leaves word: nothing in this folder draws.

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
    """The figure of a set.

    Args:
        hrtf: the set.
        path: where the figure is written to as well; None: nowhere.
        title: above the set's name.

    Raises:
        MissingDependencyError: nobody here draws, or matplotlib is not installed.
    """
    if not _draw:
        raise MissingDependencyError("nothing here draws sets; import auricle as a whole")
    return _draw[0](hrtf, path, title)
