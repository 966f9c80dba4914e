"""Numbers and texts out of a SOFA file, by the names that the standard gives them."""

from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.netcdf.hdf5 import text_of
from auricle.dsp.netcdf.variables import NetcdfError, NetcdfFile

NEVER_WRITTEN = 9.969209968386869e36  # what netCDF puts where nobody wrote


def has(sofa: NetcdfFile, key: str) -> bool:
    """Whether the file holds the variable, with a value in it."""
    return key in sofa.variables and 0 not in sofa.variables[key].shape


def numbers(sofa: NetcdfFile, key: str) -> Array:
    """A variable as float64; what was never written is NaN. HrtfError if it holds no numbers.

    Some writers declare 0 as the value that stands for nothing, and mean their zeros.
    """
    variable = sofa.variables[key]
    try:
        values = variable.read()
    except NetcdfError as error:
        raise HrtfError(f"is damaged or cut short, get the file again ({error})") from None
    if values.dtype.kind not in "fiu":
        raise HrtfError(f"{key} does not hold numbers")
    found = values.astype(np.float64)
    for name in ("_FillValue", "missing_value"):
        missing = _number(variable.attributes.get(name))
        if missing is not None and missing != 0.0:
            found[found == missing] = np.nan
    found[np.abs(found / NEVER_WRITTEN - 1.0) < 1e-6] = np.nan
    scale, offset = (_number(variable.attributes.get(n)) for n in ("scale_factor", "add_offset"))
    if scale is not None or offset is not None:
        found = found * (1.0 if scale is None else scale) + (0.0 if offset is None else offset)
    return found


def axes_of(sofa: NetcdfFile, key: str) -> str:
    """Letters of a variable's axes as the file names them, such as MRN; empty if it does not."""
    axes = sofa.variables[key].axes
    return "".join(axes).upper() if all(len(axis) == 1 for axis in axes) else ""


def variable_attribute(sofa: NetcdfFile, key: str, name: str) -> str:
    """An attribute of a variable (Units, Type), empty if it is not there.

    Args:
        sofa: the file.
        key: name of the variable.
        name: of the attribute.
    """
    return text_of(sofa.variables[key].attributes.get(name, ""))


def text(sofa: NetcdfFile, key: str, not_these: tuple[str, ...] = ()) -> str:
    """A global attribute on one line; empty if it is not there.

    Args:
        sofa: the file.
        key: name of the attribute.
        not_these: words that say nothing, for which it is empty too.
    """
    text = " ".join(text_of(sofa.attributes.get(key, "")).split())
    return "" if text in not_these else text


def conventions(sofa: NetcdfFile) -> str:
    """Name and version of the conventions."""
    return f"{text(sofa, 'SOFAConventions')} {text(sofa, 'SOFAConventionsVersion')}".strip()


def _number(attribute: Any) -> float | None:
    values = np.ravel(np.asarray(0 if attribute is None else attribute))
    if attribute is None or values.size != 1 or values.dtype.kind not in "fiu":
        return None
    return float(values[0])
