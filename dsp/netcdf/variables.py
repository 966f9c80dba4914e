"""netCDF files, of HDF5 or of the classic form, as named variables with named axes.

Read without netCDF's own library, which can crash or hang on damaged files in the caller's process.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.netcdf.hdf5 import SIGNATURE, Hdf5File, text_of
from auricle.dsp.netcdf.hdf5 import Variable as Hdf5Variable
from auricle.dsp.netcdf.hdf5_bytes import Hdf5FeatureError

CLASSIC = (b"CDF\x01", b"CDF\x02")
_ONLY_AXIS = "This is a netCDF dimension but not a netCDF variable"
_HIDDEN = "_nc4_non_coord_"  # before the name of a variable that is called like another's axis

Attributes: TypeAlias = dict[str, Any]


class NetcdfError(Exception):
    """A file that is damaged, or of a form that is not read; a clause that says what is wrong."""


@dataclass(frozen=True)
class NetcdfVariable:
    """One variable; ``read`` gives its values in the type of the file, or raises NetcdfError.

    Attributes:
        axes: names of its dimensions, none where the file does not tell.
        is_text: it holds texts; is_characters: one character an element, along the last axis.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    attributes: Attributes
    is_text: bool
    is_characters: bool
    read: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class NetcdfFile:
    """The variables and attributes of a file, by name."""

    attributes: Attributes
    variables: dict[str, NetcdfVariable]


def read_netcdf(path: Path) -> NetcdfFile:
    """A whole file; NetcdfError if it is damaged, OSError if it cannot be opened."""
    data = path.read_bytes()
    if data.startswith(SIGNATURE):
        return _guarded(lambda: _from_hdf5(data))
    if data.startswith(CLASSIC):
        return _guarded(lambda: _from_classic(data))
    raise NetcdfError("it is of no form of netCDF that is known")


def _guarded(work: Callable[[], Any]) -> Any:
    """What ``work`` gives; whatever goes wrong with bytes from outside is a NetcdfError."""
    try:
        return work()
    except Hdf5FeatureError as error:
        raise NetcdfError(
            f"it uses {error}, which Auricle does not read; nccopy -k nc4 -d 4 IN.sofa OUT.sofa "
            "writes it in the common form"
        ) from None
    except Exception as error:
        raise NetcdfError(" ".join(str(error).split()) or type(error).__name__) from None


# --- HDF5 ------------------------------------------------------------------------------------


def _from_hdf5(data: bytes) -> NetcdfFile:
    file = Hdf5File(data)
    names = {each.address: name.removeprefix(_HIDDEN) for name, each in file.variables.items()}
    variables = {}
    for name, each in file.variables.items():
        if text_of(each.attributes.get("NAME", "")).startswith(_ONLY_AXIS):
            continue
        variables[name.removeprefix(_HIDDEN)] = NetcdfVariable(
            each.shape, _axes(each, names), each.attributes, each.is_text,
            each.is_text and each.item_size == 1, _reader(each),
        )  # fmt: skip
    return NetcdfFile(file.attributes, variables)


def _axes(variable: Hdf5Variable, names: dict[int, str]) -> tuple[str, ...]:
    lists = variable.attributes.get("DIMENSION_LIST")
    if lists is None:
        is_axis = text_of(variable.attributes.get("CLASS", "")) == "DIMENSION_SCALE"
        return (variable.name,) if is_axis and len(variable.shape) == 1 else ()
    found = [names.get(int(each[0])) if np.size(each) else None for each in np.ravel(lists)]
    known = tuple(name for name in found if name is not None)
    return known if len(known) == len(variable.shape) else ()


def _reader(variable: Hdf5Variable) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        try:
            values: NDArray[Any] = _guarded(variable.read)
        except NetcdfError as error:
            raise NetcdfError(f"{variable.name}: {error}") from None
        return values

    return read


# --- the classic form ------------------------------------------------------------------------


def _from_classic(data: bytes) -> NetcdfFile:
    from scipy.io import netcdf_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = netcdf_file(io.BytesIO(data), "r", mmap=False)
    variables = {
        name: NetcdfVariable(
            tuple(each.shape),
            tuple(each.dimensions),
            dict(each._attributes),
            each.typecode() == "c",
            each.typecode() == "c",
            partial(_copied, each),
        )  # fmt: skip
        for name, each in file.variables.items()
    }
    return NetcdfFile(dict(file._attributes), variables)


def _copied(variable: Any) -> NDArray[Any]:
    return np.array(variable.data)
