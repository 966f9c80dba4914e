"""Prepared sets kept on disk, so that the seconds of their preparation are spent once a set.

A cache costs time at worst: what cannot be read as it was written, to the last byte, is made anew.
"""

import hashlib
import os
import typing
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

from auricle.dsp.hrtf.default_listener import default_name
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import VERSION, PreparedSet, prepare
from auricle.dsp.storage.cache_room import make_room
from auricle.dsp.storage.digests import digest_of
from auricle.dsp.storage.part_files import whole_file

Made = TypeVar("Made")

SHIPPED = Path(__file__).parent  # where ``python -m auricle.dsp.preparation.shipped`` writes
SHIPPED_NAME = "default"
SHIPPED_RATES = (44100, 48000)
_DIGEST_BYTES = 64  # hexadecimal SHA-256 of all before it, as the archive's comment
_PIECE_BYTES = 1 << 20


def cache_folder() -> Path:
    """The folder of prepared sets: ``$AURICLE_CACHE``, else the user's cache folder."""
    named = os.environ.get("AURICLE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("auricle")) / "sets"


def prepared_set(
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched"
) -> PreparedSet:
    """The prepared set of a listener, from the cache where it lies there.

    It is made by ``auricle.dsp.preparation.prepare.prepare``, which takes seconds. A cache that
    cannot be read or written costs time, nothing else. The default listener ships prepared for
    common rates (``shipped_set``).

    Args:
        hrtf: the listener's set.
        sample_rate: Hz, of the renderer.
        rank: "auto", "full" or a number of buses an ear.
        level: "matched" or "measured".

    Raises:
        AuricleError: a rank or a level that does not exist, or a set that cannot be rendered.
    """
    shipped = shipped_set(hrtf, sample_rate, rank=rank, level=level)
    if shipped is not None:
        return shipped
    return cached(
        cache_folder() / f"{_key(hrtf, sample_rate, rank, level)}.npz",
        PreparedSet,
        lambda: prepare(hrtf, sample_rate, rank=rank, level=level),
    )


def is_cached(hrtf: HrtfSet, sample_rate: int, *, rank: str | int, level: str) -> bool:
    """Whether ``prepared_set`` will be quick.

    Args:
        hrtf: the listener's set.
        sample_rate: Hz, of the renderer.
        rank: as of ``prepared_set``.
        level: as of ``prepared_set``.
    """
    if shipped_set(hrtf, sample_rate, rank=rank, level=level) is not None:
        return True
    try:
        return (cache_folder() / f"{_key(hrtf, sample_rate, rank, level)}.npz").is_file()
    except OSError:
        return False


def shipped_set(
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched"
) -> PreparedSet | None:
    """The default listener as it ships, prepared; None for other sets, rates, ranks and levels.

    None, too, if the files are of another version of the preparation, or of another listener.
    """
    path = SHIPPED / f"{SHIPPED_NAME}-{sample_rate}.npz"
    if (rank, level) != ("auto", "matched") or hrtf.name != default_name() or not path.is_file():
        return None
    stored = load_archive(path)
    if stored is None or str(stored.pop("_of", "")) != shipped_key(hrtf, sample_rate):
        return None
    try:
        found: PreparedSet = _built(stored, PreparedSet, "")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return found


def shipped_key(hrtf: HrtfSet, sample_rate: int) -> str:
    """What a shipped file is of: its version, the listener to a millionth, and the rate.

    The listener's responses are computed from a file, which processors do to their last bits alone.
    """
    names = " ".join(_names(PreparedSet))
    digest = hashlib.sha256(f"{VERSION} {names} {sample_rate} {hrtf.bass}".encode())
    for array in (hrtf.ir, hrtf.positions):
        digest.update(
            np.round(1e6 * np.asarray(array, dtype=np.float64)).astype(np.int32).tobytes()
        )
    return digest.hexdigest()


def cached(path: Path, kind: type[Made], make: Callable[[], Made]) -> Made:
    """An archive that lies under a path; where there is none, it is made now and put there.

    Args:
        path: of the archive, in ``cache_folder()``.
        kind: a dataclass of arrays, numbers, texts, tuples of numbers or texts, dataclasses of
            all these, or None.
        make: makes it.
    """
    found = _load(path, kind)
    if found is None:
        found = make()
        save_archive(path, archive_of(found))
    return found


def archive_of(thing: Any) -> dict[str, Any]:
    """What ``save_archive`` writes of a dataclass."""
    return dict(_flat(thing, ""))


def set_digest(hrtf: HrtfSet, words: str) -> str:
    """A file name for what is made from a set; ``words`` say what, in which version, and how."""
    return digest_of(words, hrtf.ir.astype(np.float64), hrtf.positions.astype(np.float64))


def save_archive(path: Path, arrays: dict[str, Any]) -> None:
    """Write an archive of arrays, whole or not at all; a folder that cannot be written is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            with open(unfinished, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            with zipfile.ZipFile(unfinished, "a") as archive:
                archive.comment = bytes(_DIGEST_BYTES)
            digest = _digest(unfinished)
            with open(unfinished, "rb+") as file:
                file.seek(-_DIGEST_BYTES, os.SEEK_END)
                file.write(digest)
        if path.parent == cache_folder():
            make_room(path)
    except (OSError, ValueError):  # ValueError: a folder whose name cannot be one
        return


def load_archive(path: Path) -> dict[str, Any] | None:
    """The arrays of an archive; None if there is none, or it is not what was written."""
    try:
        # Opened here, since np.load leaves a damaged file open.
        with path.open("rb") as file:
            file.seek(-_DIGEST_BYTES, os.SEEK_END)
            if file.read() != _digest(path):
                return None
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                arrays = dict(stored)
    except Exception:  # damage has too many names, and whatever it is, the set is made anew
        return None
    with suppress(OSError):  # a folder that is only read is a cache too
        os.utime(path)  # of use now, so that others go before it
    return arrays


def _digest(path: Path) -> bytes:
    """Of all bytes of an archive but its digest."""
    digest = hashlib.sha256()
    left = path.stat().st_size - _DIGEST_BYTES
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE_BYTES, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest().encode()


def _key(hrtf: HrtfSet, sample_rate: int, rank: str | int, level: str) -> str:
    names = " ".join(_names(PreparedSet))  # other fields, other sets, whatever the version says
    words = f"{VERSION} {names} {hrtf.sample_rate} {hrtf.radius_m} {sample_rate} {rank} {level}"
    words += f" {hrtf.bass}"
    return set_digest(hrtf, words)


def _names(kind: Any) -> Iterator[str]:
    """The fields of a dataclass, and of those in it."""
    hints = typing.get_type_hints(kind)
    for field in fields(kind):
        yield field.name
        for inner in _kinds(hints[field.name]):
            yield from _names(inner)


def _kinds(hint: Any) -> list[Any]:
    """The dataclasses of a type hint: itself, or one or none of a union."""
    return [each for each in (hint, *typing.get_args(hint)) if is_dataclass(each)]


def _flat(thing: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Arrays, numbers and texts of a dataclass by their names; what is None has none."""
    for field in fields(thing):
        value, name = getattr(thing, field.name), prefix + field.name
        if is_dataclass(value):
            yield name + "_", np.empty(0)  # that it is there
            yield from _flat(value, name + "_")
        elif value is not None:
            yield name, value


def _load(path: Path, kind: Any = PreparedSet) -> Any:
    stored = load_archive(path)
    if stored is None:
        return None
    try:
        return _built(stored, kind, "")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _built(stored: dict[str, Any], kind: Any, prefix: str) -> Any:
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):
        name, hint = prefix + field.name, hints[field.name]
        inner = _kinds(hint)
        if name + "_" in stored:
            values[field.name] = _built(stored, inner[0], name + "_")
        elif name in stored:
            array = stored[name]
            values[field.name] = array if array.ndim else array.item()
            if typing.get_origin(hint) is tuple:
                values[field.name] = tuple(array.tolist())
        elif hint is type(None) or type(None) in typing.get_args(hint):
            values[field.name] = None
        else:
            raise KeyError(name)
    return kind(**values)
