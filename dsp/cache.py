"""Prepared sets kept on disk, so that the seconds of their preparation are spent once a set."""

import hashlib
import os
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import platformdirs

from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.near_field import NearFieldTable
from auricle.dsp.prepared import VERSION, PreparedSet, prepare
from auricle.dsp.sphere import SphereMesh

_PLAIN = [f.name for f in fields(PreparedSet) if f.name not in ("mesh", "near")]
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


def _key(hrtf: HrtfSet, sample_rate: int, rank: str | int, level: str) -> str:
    digest = hashlib.sha256(f"{VERSION} {hrtf.sample_rate} {sample_rate} {rank} {level}".encode())
    for array in (hrtf.ir, hrtf.positions):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
    return digest.hexdigest()[:32]


def _save(path: Path, prepared: PreparedSet) -> None:
    mesh = {f"mesh_{f.name}": getattr(prepared.mesh, f.name) for f in fields(SphereMesh)}
    rest = {name: getattr(prepared, name) for name in _PLAIN}
    if prepared.near is not None:
        mesh |= {f"near_{f.name}": getattr(prepared.near, f.name) for f in fields(NearFieldTable)}
    if prepared.filters is None:
        rest["filters"] = np.empty(0, dtype=np.float32)  # an archive has no None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            try:
                np.savez(file, allow_pickle=False, **mesh, **rest)
                file.close()
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError:
        return


def _load(path: Path) -> PreparedSet | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            values = dict(stored)
        mesh = SphereMesh(**{f.name: values[f"mesh_{f.name}"] for f in fields(SphereMesh)})
        rest = {name: values[name] for name in _PLAIN}
        near = None
        if "near_coefficients" in values:
            distances = (float(values[f"near_{name}"]) for name in _NEAR_DISTANCES)
            near = NearFieldTable(values["near_coefficients"], *distances)
    except (OSError, ValueError, KeyError, EOFError):
        return None
    for name in ("head_taps", "delay_taps", "latency_samples", "sample_rate"):
        rest[name] = int(rest[name])
    rest["report"] = str(rest["report"])
    if rest["filters"].size == 0:
        rest["filters"] = None
    return PreparedSet(mesh=mesh, near=near, **rest)
