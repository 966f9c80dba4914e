"""Our own reader of HDF5 and netCDF against their libraries, and against damage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.netcdf.hdf5 import Hdf5File, text_of
from auricle.dsp.netcdf.hdf5_bytes import Hdf5Bytes, Hdf5Error, Hdf5FeatureError, lookup3
from auricle.dsp.netcdf.variables import NetcdfError, read_netcdf


def same_as_netcdf(path: Path) -> None:
    """Every variable and attribute of a file is what netCDF's library reads."""
    found = read_netcdf(path)
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        assert set(found.variables) == set(file.variables)
        for name, variable in file.variables.items():
            ours = found.variables[name]
            assert ours.shape == variable.shape
            assert ours.axes == variable.dimensions
            np.testing.assert_array_equal(ours.read(), np.asarray(variable[...]))
            same_attributes(ours.attributes, variable)
        same_attributes(found.attributes, file)


def same_attributes(ours: dict[str, Any], theirs: Any) -> None:
    for name in theirs.ncattrs():
        value = theirs.getncattr(name)
        if isinstance(value, str):
            assert text_of(ours[name]) == value
        else:
            np.testing.assert_array_equal(np.squeeze(ours[name]), value)


@given(data=st.data())
@settings(max_examples=25)
def test_variables_of_any_shape_and_packing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("netcdf") / "a.nc"
    shape = data.draw(st.lists(st.integers(1, 13), min_size=1, max_size=4))
    chunks = [data.draw(st.integers(1, n)) for n in shape]
    options = {"zlib": data.draw(st.booleans()), "shuffle": data.draw(st.booleans()),
               "fletcher32": data.draw(st.booleans())}  # fmt: skip
    if data.draw(st.booleans()):
        options["chunksizes"] = chunks
    kind = data.draw(st.sampled_from(["f8", "f4", "i2", "u1", "i8"]))
    values = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    with netCDF4.Dataset(path, "w") as file:
        axes = [f"axis{k}" for k in range(len(shape))]
        for axis, size in zip(axes, shape, strict=True):
            file.createDimension(axis, size)
        made = file.createVariable("values", kind, axes, **options)
        made[...] = values
        file.createVariable("empty", "f8", axes)  # nobody writes to it
    same_as_netcdf(path)


@pytest.mark.parametrize("many", [3, 40, 700])
def test_many_names_and_attributes(tmp_path: Path, many: int) -> None:
    """Beyond 8 they lie in heaps with trees, beyond some hundred in trees of several levels."""
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("M", None)
        for k in range(many):
            file.setncattr(f"attribute_{k}", f"text {k} \u00fc" + "x" * (k % 50))
        for k in range(min(many, 60)):
            made = file.createVariable(f"variable_{k}", "f4", ("M",))
            made[:] = np.arange(3.0) + k
            made.Units = "metre"
            if k == 2:
                for j in range(many):
                    made.setncattr(f"a{j}", np.arange(j % 9 + 1.0))
    same_as_netcdf(tmp_path / "a.nc")


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC"])
def test_forms_of_netcdf(tmp_path: Path, kind: str) -> None:
    with netCDF4.Dataset(tmp_path / "a.nc", "w", format=kind) as file:
        file.title = "a title"
        file.createDimension("N", 4)
        file.createDimension("S", 7)
        file.createVariable("N", "f8", ("N",))[:] = np.arange(4.0)
        file.createVariable("words", "S1", ("N", "S"))[:] = b"w"
    same_as_netcdf(tmp_path / "a.nc")
    assert read_netcdf(tmp_path / "a.nc").variables["words"].is_characters


def write_h5(path: Path, **options: str) -> np.ndarray:
    values = np.random.default_rng(1).standard_normal((40, 3, 25))
    with h5py.File(path, "w", **options) as file:
        file.create_dataset("packed", data=values, chunks=(7, 2, 11), compression="gzip")
        file["plain"] = values
        file["number"] = 5.5
        for k in range(30):
            file[f"more_{k}"] = np.float32(k)
            file.attrs[f"attribute_{k}"] = f"text {k}"
    return values


def test_files_with_headers_of_the_first_form(tmp_path: Path) -> None:
    values = write_h5(tmp_path / "a.h5", libver="earliest")
    file = Hdf5File((tmp_path / "a.h5").read_bytes())
    for name in ("packed", "plain"):
        np.testing.assert_array_equal(file.variables[name].read(), values)
    assert file.variables["number"].read() == 5.5
    assert file.variables["more_17"].read() == 17.0
    assert text_of(file.attributes["attribute_29"]) == "text 29"


def test_what_is_not_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    write_h5(tmp_path / "a.h5", libver="latest")
    variables = read_netcdf(tmp_path / "a.h5").variables
    with pytest.raises(NetcdfError, match="packed: it uses data layouts .* nccopy"):
        variables["packed"].read()


def test_lookup3_is_bob_jenkins() -> None:
    """His own self-test: hashlittle of this sentence with seed 0."""
    assert lookup3(b"Four score and seven years ago") == 0x17770551


@pytest.mark.parametrize("where", ["start", "middle", "end"])
def test_a_checksum_that_is_wrong_is_damage(tmp_path: Path, where: str) -> None:
    write_h5(tmp_path / "a.h5", libver="v108")
    content = bytearray((tmp_path / "a.h5").read_bytes())
    first = content.find(b"OHDR")
    content[first + {"start": 9, "middle": 30, "end": 60}[where]] ^= 0x40
    with pytest.raises(Hdf5Error):
        Hdf5File(bytes(content))


def test_parts_that_point_at_each_other_end() -> None:
    file = Hdf5Bytes(bytes(1000))

    def round_and_round() -> None:
        while True:
            file.at(0, 1000)

    with pytest.raises(Hdf5Error, match="circles"):
        round_and_round()


@pytest.mark.parametrize(
    "read",
    [
        lambda file: file.at(900, 101),
        lambda file: file.at(-1, 4),
        lambda file: file.at(0, -4),
        lambda file: file.at(1 << 63, 1 << 62),
        lambda file: file.block(0, 8, b"OHDR"),
    ],
)
def test_nothing_is_read_behind_the_end(read: Callable[[Hdf5Bytes], Any]) -> None:
    with pytest.raises(Hdf5Error):
        read(Hdf5Bytes(bytes(1000)))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A chunk that claims more than deflate can hold in its bytes takes no memory."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("x", (1 << 24,), "f8", chunks=(1 << 22,), compression="gzip")
        made.id.write_direct_chunk((0,), b"x" * 100)
    with pytest.raises(Hdf5Error, match="cannot lie in 100"):
        Hdf5File((tmp_path / "a.h5").read_bytes()).variables["x"].read()


def test_a_feature_error_is_an_error_of_the_file() -> None:
    assert issubclass(Hdf5FeatureError, Hdf5Error)
