"""Numba's cache sees no change in another file: whose text is compiled in, has a stamp there."""

import hashlib
import re

import pytest
from project import ROOT

COMPILED = ROOT / "dsp" / "compiled"
# The stamp's name, the file whose text is compiled into others, and how those name it.
SOURCES = {
    "VECTORS": "simd",
    "RECORDS": "records",
    "ENGINE_RECORD": "engine_record",
    "OPTIONS": "options",
}
# Compiled anew in each process: their functions are not cached, since they call others' kernels.
NOT_CACHED = "composed_kernel"
OWN_WAYS = {
    ROOT / "dsp/streaming/denormals.py",  # of the processor's mode: no loop, no array
    ROOT / "plugin_core/live/audio_thread/mailbox.py",  # holds the interpreter's lock
    ROOT / "plugin_core/live/audio_thread/meters.py",  # composed, but sums are reordered
}
FILES = [
    path
    for folder in ("dsp", "plugin_core", "personalization")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if re.search(r"^@\w*kernel$|njit\(", path.read_text(encoding="utf-8"), re.M)
    and path.parent != COMPILED
]


def compiles_in(text: str, stamp: str) -> bool:
    """Whether kernels of this text hold that of the stamp's file."""
    if stamp == "RECORDS":
        return ".read\n" in text or ".read," in text
    if stamp == "OPTIONS":
        return bool(set(re.findall(r"^@(\w*kernel)$", text, re.M)) - {NOT_CACHED})
    return f"compiled.{SOURCES[stamp]} import" in text


@pytest.mark.parametrize("stamp", SOURCES)
def test_users_hold_the_stamp_of_that_text(stamp: str) -> None:
    source = (COMPILED / f"{SOURCES[stamp]}.py").read_bytes()
    due = hashlib.sha256(source).hexdigest()[:12]
    users = 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if f"@{NOT_CACHED}" in text or path in OWN_WAYS:
            continue
        found = re.findall(rf'^{stamp} = "(\w+)"', text, re.M)
        if compiles_in(text, stamp):
            users += 1
            assert found == [due], f"{path.relative_to(ROOT)}: {stamp} is {due}"
        else:
            assert not found, f"{path.relative_to(ROOT)} needs no {stamp}"
    assert users >= 3


def test_kernels_are_compiled_by_the_one_decorator() -> None:
    """Numba raises on import of ``njit(cache=True)`` where it can write to no folder."""
    assert {path for path in FILES if "njit(" in path.read_text()} == OWN_WAYS
