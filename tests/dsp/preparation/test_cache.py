"""The cache of prepared sets: the same as what was written, to the last byte, or made anew."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.preparation import cache
from auricle.dsp.storage import cache_room
from auricle.plugin_core import cli


@dataclass(frozen=True)
class Inner:
    table: np.ndarray
    radius_m: float


@dataclass(frozen=True)
class Outer:
    gains: np.ndarray
    rank: int
    report: str
    inner: Inner
    near: Inner | None = None
    filters: np.ndarray | None = None
    findings: tuple[str, ...] = ()
    exact: bool = False


def made(**changed: object) -> Outer:
    inner = Inner(np.arange(12.0).reshape(3, 4), 0.0875)
    values = {"gains": np.ones((5, 2), np.float32), "rank": 7, "report": "ähm", "inner": inner}
    return Outer(**(values | changed))  # type: ignore[arg-type]


def key(number: int) -> str:
    return f"{number:032x}.npz"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "sets"))
    monkeypatch.delenv("AURICLE_CACHE_MB", raising=False)
    return tmp_path / "sets"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"near": Inner(np.zeros((0, 3)), 1.5)},
        {"filters": np.full((2, 3, 4), 0.5, np.float32), "findings": ("a", "b"), "exact": True},
    ],
    ids=["least", "with a table", "with all"],
)
def test_what_is_kept_comes_back_as_it_was(folder, changed):
    thing = made(**changed)
    path = folder / key(1)
    cache.cached(path, Outer, lambda: thing)
    again = cache.cached(path, Outer, lambda: pytest.fail("made anew"))
    for name in ("rank", "report", "findings", "exact"):
        assert getattr(again, name) == getattr(thing, name)
        assert type(getattr(again, name)) is type(getattr(thing, name))
    assert (again.near is None, again.filters is None) == (
        thing.near is None, thing.filters is None
    )  # fmt: skip
    for found, wanted in ((again.gains, thing.gains), (again.inner.table, thing.inner.table)):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
    if thing.near is not None:
        assert again.near.radius_m == 1.5
        assert again.near.table.shape == (0, 3)


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_any_byte_that_changed_makes_it_anew(tmp_path_factory, at, flipped):
    path = tmp_path_factory.getbasetemp() / key(2)
    if not path.exists():
        cache.cached(path, Outer, made)
    good = path.read_bytes()
    bad = bytearray(good)
    bad[at % len(bad)] ^= flipped
    try:
        path.write_bytes(bad)
        assert cache.load_archive(path) is None
    finally:
        path.write_bytes(good)
    assert cache.load_archive(path) is not None


@given(st.integers(0, 10**6), st.binary(max_size=100))
@settings(max_examples=60, deadline=None)
def test_a_torn_copy_is_made_anew(tmp_path_factory, cut, more):
    path = tmp_path_factory.getbasetemp() / key(3)
    cache.cached(path, Outer, made)
    good = path.read_bytes()
    torn = good[: cut % (len(good) + 1)] + more
    path.write_bytes(torn)
    found = cache.cached(path, Outer, lambda: made(rank=8))
    assert found.rank == (7 if torn == good else 8)
    path.unlink()


def test_an_archive_of_other_fields_is_made_anew(folder):
    path = folder / key(4)
    cache.cached(path, Inner, lambda: Inner(np.ones(3), 1.0))
    assert cache.cached(path, Outer, made).rank == 7
    with open(path, "wb") as file:  # of a program that writes no checksum
        np.savez(file, gains=np.ones((5, 2)), rank=9, report="", findings=[], exact=False)
    assert cache.cached(path, Outer, made).rank == 7


@pytest.mark.parametrize("name", ["taken", "no\0name", "taken/below"])
def test_a_folder_that_cannot_be_one_costs_time_alone(tmp_path, name):
    (tmp_path / "taken").write_text("a file")
    path = tmp_path / name / key(5)
    assert cache.cached(path, Outer, made).rank == 7


def files(folder: Path, sizes: list[int]) -> list[Path]:
    """Sets of so many bytes, the oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, size in enumerate(sizes):
        path = folder / key(100 + i)
        path.write_bytes(bytes(size))
        os.utime(path, (1e9 + i, 1e9 + i))
        paths.append(path)
    return paths


def test_the_oldest_make_room_and_nothing_else_is_touched(folder, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE_MB", "0.01")
    paths = files(folder, [4000, 4000, 3000, 2000])
    others = [folder / "mine.npz", folder / "notes.txt", folder / f"{'a' * 31}.npz"]
    for each in others:
        each.write_bytes(bytes(50_000))
    (folder / "datasets").mkdir()
    cache_room.make_room(paths[-1])
    assert [each.exists() for each in paths] == [False, True, True, True]
    assert all(each.exists() for each in others)


def test_what_was_of_use_stays_and_the_newest_always_does(folder, monkeypatch):
    cache.cached(folder / key(1), Outer, made)
    size = (folder / key(1)).stat().st_size
    monkeypatch.setenv("AURICLE_CACHE_MB", str(2.5e-6 * size))
    os.utime(folder / key(1), (1e9, 1e9))
    cache.cached(folder / key(2), Outer, made)
    os.utime(folder / key(2), (1.1e9, 1.1e9))
    cache.cached(folder / key(1), Outer, made)  # of use again
    cache.cached(folder / key(3), Outer, made)
    assert sorted(each.name for each in folder.iterdir()) == [key(1), key(3)]
    monkeypatch.setenv("AURICLE_CACHE_MB", "0")
    cache.cached(folder / key(4), Outer, made)
    assert [each.name for each in folder.iterdir()] == [key(4)]


def test_what_was_left_half_written_goes_in_time(folder):
    (new,) = files(folder, [10])
    half = [folder / f".{key(9)[:-4]}.77-0.npz", folder / "tmpabcd1234.tmp"]
    for each in half:
        each.write_bytes(b"half")
        os.utime(each, (1e9 - 10, 1e9 - 10))
    cache_room.make_room(new)
    assert all(each.exists() for each in half)  # perhaps it is being written
    os.utime(new, (1e9 + 1e5, 1e9 + 1e5))
    cache_room.make_room(new)
    assert not any(each.exists() for each in half)


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf", ""])
def test_a_limit_that_is_no_number_is_the_default(monkeypatch, text):
    monkeypatch.setenv("AURICLE_CACHE_MB", text)
    assert cache_room.most_bytes() == 500_000_000


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main(["cache", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_command_says_where_and_how_large_and_clears(folder, capsys):
    assert command(capsys) == f"{folder}: 0 sets, 0.0 of 500 MB\n"
    files(folder, [1_000_000, 500_000])
    (folder / "mine.npz").write_bytes(b"mine")
    assert command(capsys) == f"{folder}: 2 sets, 1.5 of 500 MB\n"
    assert '"bytes": 1500000' in command(capsys, "--json")
    assert command(capsys, "clear") == f"{folder}: removed 2 sets, 1.5 MB\n"
    assert [each.name for each in folder.iterdir()] == ["mine.npz"]
