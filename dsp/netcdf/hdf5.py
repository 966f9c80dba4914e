"""HDF5 files as netCDF writes them, read in Python alone.

Libraries in C crash or hang on some damaged files and take the user's program along; this reader
can only raise. It knows what netCDF, MATLAB, h5py and the SOFA toolboxes write: contiguous,
compact and chunked data, shuffled and deflated, numbers and texts, in both forms of headers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from auricle.dsp.netcdf.hdf5_bytes import Cursor, Hdf5Bytes, Hdf5Error, Hdf5FeatureError
from auricle.dsp.netcdf.hdf5_headers import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    DATASPACE,
    DATATYPE,
    FILL,
    FILTERS,
    LAYOUT,
    LINK,
    LINK_INFO,
    SYMBOLS,
    Header,
)
from auricle.dsp.netcdf.hdf5_heaps import ATTRIBUTES, LINKS, named_objects, symbols
from auricle.dsp.netcdf.hdf5_layouts import filters_of, read_values
from auricle.dsp.netcdf.hdf5_types import Type, Values, shape_of, type_of, values_of

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS = 4096


@dataclass
class Variable:
    """A data set of the root group; ``read`` gives its values.

    Attributes:
        address: of its header; references point there.
    """

    name: str
    address: int
    shape: tuple[int, ...]
    attributes: dict[str, Values]
    _file: Hdf5Bytes = field(repr=False)
    _kind: Type = field(repr=False)
    _header: Header = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether its elements are texts."""
        return self._kind.is_text

    @property
    def item_size(self) -> int:
        """Bytes of an element."""
        return self._kind.size

    def read(self) -> Values:
        """All values, in the type of the file; Hdf5Error if they are damaged."""
        layout = self._header.body(LAYOUT)
        if layout is None:
            raise Hdf5Error(f"{self.name} has no data")
        steps = filters_of(self._header.body(FILTERS))
        fill = _fill(self._header.body(FILL))
        return read_values(self._file, self._kind, self.shape, layout, steps, fill)


class Hdf5File:
    """The root group of a file: ``attributes`` and ``variables`` by name.

    Raises:
        Hdf5Error: the file is damaged; Hdf5FeatureError: it needs what is not read here.
    """

    def __init__(self, data: bytes) -> None:
        self._file = Hdf5Bytes(data)
        root = Header(self._file, _root_address(self._file))
        self.attributes = dict(_attributes(self._file, root))
        self.variables: dict[str, Variable] = {}
        for name, address in _links(self._file, root):
            if len(self.variables) == _MOST_OBJECTS:
                raise Hdf5Error(f"it has more than {_MOST_OBJECTS} variables")
            made = self._variable(name, address)
            if made is not None:
                self.variables[name] = made

    def _variable(self, name: str, address: int) -> Variable | None:
        header = Header(self._file, address)
        space, kind = header.body(DATASPACE), header.body(DATATYPE)
        if space is None or kind is None:
            return None  # a group
        shape = shape_of(space)
        return Variable(
            name, address, (0,) if shape is None else shape, dict(_attributes(self._file, header)),
            self._file, type_of(kind), header,
        )  # fmt: skip


def _root_address(file: Hdf5Bytes) -> int:
    head = file.block(0, 9, SIGNATURE)
    version = head.number(1)
    if version in (2, 3):
        offsets, lengths, _, base, _, end, root = Cursor(file.at(9, 35)).numbers("BBBQQQQ")
    elif version in (0, 1):
        offsets, lengths = file.at(13, 2)
        at = 24 if version == 0 else 28
        base, _, end, _, _, root = Cursor(file.at(at, 48)).numbers("6Q")
    else:
        raise Hdf5FeatureError(f"a superblock of version {version}")
    if (offsets, lengths, base) != (8, 8, 0):
        raise Hdf5FeatureError(f"addresses of {offsets} bytes")
    if end > file.size:
        raise Hdf5Error(f"{file.size} of its {end} bytes are there")
    return root


def _links(file: Hdf5Bytes, header: Header) -> Iterator[tuple[str, int]]:
    """Names in a group and the addresses of what they mean."""
    bodies = header.bodies(LINK)
    info = header.body(LINK_INFO)
    if info is not None:
        _, flags = info.numbers("BB")
        info.take(8 if flags & 1 else 0)
        bodies += [Cursor(each) for each in named_objects(file, info.numbers("QQ"), LINKS)]
    for body in bodies:
        found = _link(body)
        if found is not None:
            yield found
    table = header.body(SYMBOLS)
    if table is not None:
        yield from symbols(file, *table.numbers("QQ"))


def _link(body: Cursor) -> tuple[str, int] | None:
    version, flags = body.numbers("BB")
    if version != 1:
        raise Hdf5FeatureError(f"links of version {version}")
    kind = body.number(1) if flags & 8 else 0
    body.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = body.take(body.number(1 << (flags & 3))).decode("utf-8", "replace")
    return (name, body.number(8)) if kind == 0 else None  # no soft or external links


def _attributes(file: Hdf5Bytes, header: Header) -> Iterator[tuple[str, Values]]:
    bodies = header.bodies(ATTRIBUTE)
    info = header.body(ATTRIBUTE_INFO)
    if info is not None:
        _, flags = info.numbers("BB")
        info.take(2 if flags & 1 else 0)
        bodies += [Cursor(each) for each in named_objects(file, info.numbers("QQ"), ATTRIBUTES)]
    for body in bodies:
        found = _attribute(file, body)
        if found is not None:
            yield found


def _attribute(file: Hdf5Bytes, body: Cursor) -> tuple[str, Values] | None:
    version, flags, name_size, type_size, space_size = body.numbers("BBHHH")
    if not 1 <= version <= 3 or (version > 1 and flags & 3):
        raise Hdf5FeatureError(f"attributes of version {version}")
    body.take(1 if version == 3 else 0)

    def part(size: int) -> bytes:
        taken = body.take(size)
        body.take(-size % 8 if version == 1 else 0)
        return taken

    name = part(name_size).split(b"\0")[0].decode("utf-8", "replace")
    kind, shape = type_of(Cursor(part(type_size))), shape_of(Cursor(part(space_size)))
    if kind.dtype is None and kind.of is None:
        return None  # a compound: netCDF's own notes about dimensions
    if shape is None:
        return name, np.empty(0, "S1" if kind.is_text else "f8")
    return name, values_of(file, kind, shape, body.take(body.left))


def _fill(body: Cursor | None) -> bytes:
    """The element that stands for what was not written; nothing if none is named."""
    if body is None:
        return b""
    version = body.number(1)
    if version == 3:
        return body.take(body.number(4)) if body.number(1) & 0x20 else b""
    body.take(2)
    return body.take(body.number(4)) if body.number(1) and body.left >= 4 else b""


def text_of(value: Any) -> str:
    """An attribute as text: numbers as Python writes them, nothing for nothing."""
    flat = np.asarray(value).ravel()
    if flat.size == 0:
        return ""
    parts = [
        each.split(b"\0")[0].decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
        for each in flat[:16].tolist()
    ]
    return " ".join(parts)
