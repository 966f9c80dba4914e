"""Numbers and texts out of an object of sofar, by sofar's names (``Data_IR``, ``GLOBAL_Title``)."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.errors import HrtfError

Array: TypeAlias = NDArray[np.float64]


def has(sofa: Any, key: str) -> bool:
    """Whether the file holds the variable, with a value in it."""
    value = getattr(sofa, key, None)
    return value is not None and np.size(value) > 0


def numbers(sofa: Any, key: str) -> Array:
    """A variable as float64; what is missing is NaN. HrtfError if it holds no numbers."""
    value: ArrayLike = getattr(sofa, key)
    try:
        filled = np.ma.filled(np.ma.asarray(value, dtype=np.float64), np.nan)
    except (TypeError, ValueError):
        raise HrtfError(f"{key.replace('_', '.')} does not hold numbers") from None
    return np.asarray(filled, dtype=np.float64)


def dimensions(sofa: Any, key: str) -> str:
    """Letters of a variable's dimensions, such as MRN; empty if unknown."""
    return str(getattr(sofa, "_dimensions", {}).get(key, "")).upper()


def variable_attribute(sofa: Any, key: str) -> str:
    """An attribute of a variable (``SourcePosition_Units``), empty if it is not there."""
    return str(getattr(sofa, key, "") or "")


def text(sofa: Any, key: str, not_these: tuple[str, ...] = ()) -> str:
    """A global attribute on one line; empty if it is not there or one of ``not_these``."""
    text = " ".join(str(getattr(sofa, f"GLOBAL_{key}", "") or "").split())
    return "" if text in not_these else text


def conventions(sofa: Any) -> str:
    """Name and version of the conventions."""
    return f"{text(sofa, 'SOFAConventions')} {text(sofa, 'SOFAConventionsVersion')}".strip()
