"""Prepared sets kept on disk, so that the seconds of their preparation are spent once a set."""

import hashlib
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.near_field import NearFieldTable
from auricle.dsp.played_errors import PlayedErrors
from auricle.dsp.prepared import VERSION, PreparedSet, prepare
from auricle.dsp.sphere import SphereMesh

_PLAIN = [f.name for f in fields(PreparedSet) if f.name not in ("mesh", "near", "errors")]
_NEAR_DISTANCES = [f.name for f in fields(NearFieldTable) if f.name != "coefficients"]


def cache_folder() -> Path:
    """Where prepared sets lie: ``$AURICLE_CACHE``, else the user's cache folder."""
    named = os.environ.get("AURICLE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("auricle")) / "sets"


def prepared_set(
    hrtf: HrtfSet, sample_rate: int, *, rank: str | int = "auto", level: str = "matched"
) -> PreparedSet:
    """The prepared set of ``auricle.dsp.prepared.prepare``, from the cache where it lies there.

    A cache that cannot be read or written costs time, nothing else.
    """
    path = cache_folder() / f"{_key(hrtf, sample_rate, rank, level)}.npz"
    found = _load(path)
    if found is None:
        found = prepare(hrtf, sample_rate, rank=rank, level=level)
        _save(path, found)
    return found


def is_cached(hrtf: HrtfSet, sample_rate: int, *, rank: str | int, level: str) -> bool:
    """Whether ``prepared_set`` will be quick."""
    return (cache_folder() / f"{_key(hrtf, sample_rate, rank, level)}.npz").exists()


def set_digest(hrtf: HrtfSet, words: str) -> str:
    """A file name for what is made from a set; ``words`` say what, in which version, and how."""
    digest = hashlib.sha256(words.encode())
    for array in (hrtf.ir, hrtf.positions):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
    return digest.hexdigest()[:32]


def save_archive(path: Path, arrays: dict[str, Any]) -> None:
    """Write an archive of arrays, whole or not at all; a folder that cannot be written is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            try:
                np.savez(file, allow_pickle=False, **arrays)
                file.close()
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError:
        return


def load_archive(path: Path) -> dict[str, Any] | None:
    """The arrays of an archive; None if there is none or it is damaged."""
    try:
        # Opened here, since np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _key(hrtf: HrtfSet, sample_rate: int, rank: str | int, level: str) -> str:
    return set_digest(
        hrtf,
        f"{VERSION} {hrtf.sample_rate} {hrtf.radius_m} {sample_rate} {rank} {level} {hrtf.bass}",
    )


def _save(path: Path, prepared: PreparedSet) -> None:
    parts = {f"mesh_{f.name}": getattr(prepared.mesh, f.name) for f in fields(SphereMesh)}
    if prepared.near is not None:
        parts |= {f"near_{f.name}": getattr(prepared.near, f.name) for f in fields(NearFieldTable)}
    parts |= {f"errors_{f.name}": getattr(prepared.errors, f.name) for f in fields(PlayedErrors)}
    rest = {name: getattr(prepared, name) for name in _PLAIN}
    if prepared.filters is None:
        rest["filters"] = np.empty(0, dtype=np.float32)  # an archive has no None
    save_archive(path, {**parts, **rest})


def _load(path: Path) -> PreparedSet | None:
    values = load_archive(path)
    if values is None:
        return None
    try:
        mesh = SphereMesh(**{f.name: values[f"mesh_{f.name}"] for f in fields(SphereMesh)})
        rest = {name: values[name] for name in _PLAIN}
        errors = PlayedErrors(**{f.name: values[f"errors_{f.name}"] for f in fields(PlayedErrors)})
        near = None
        if "near_coefficients" in values:
            distances = (float(values[f"near_{name}"]) for name in _NEAR_DISTANCES)
            near = NearFieldTable(values["near_coefficients"], *distances)
    except KeyError:
        return None
    for name in ("head_taps", "delay_taps", "latency_samples", "sample_rate"):
        rest[name] = int(rest[name])
    rest["report"] = str(rest["report"])
    if rest["filters"].size == 0:
        rest["filters"] = None
    return PreparedSet(mesh=mesh, near=near, errors=errors, **rest)
