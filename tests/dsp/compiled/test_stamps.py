"""Numba's cache sees no change in another file: whose text is compiled in, has a stamp there."""

import hashlib
import re

import pytest
from project import ROOT

COMPILED, THREAD = "dsp/compiled", "plugin_core/live/audio_thread"
# The stamp's name, the file whose text is compiled into others.
SOURCES = {
    "VECTORS": f"{COMPILED}/simd",
    "RECORDS": f"{COMPILED}/records",
    "ENGINE_RECORD": f"{COMPILED}/engine_record",
    "RENDERER_RECORD": f"{COMPILED}/renderer_record",
    "CONVOLVER_RECORD": f"{COMPILED}/convolver_record",
    "AMBISONIC_RECORD": f"{COMPILED}/ambisonic_record",
    "CALLS": f"{COMPILED}/calls",
    "OPTIONS": f"{COMPILED}/options",
    "ATOMICS": f"{THREAD}/atomics",
    "SYSTEM": f"{THREAD}/system",
    "SHARED_MEMORY": f"{THREAD}/shared_memory",
}
OWN_WAYS = {
    ROOT / "dsp/streaming/denormals.py",  # of the processor's mode: no loop, no array
    ROOT / "plugin_core/live/audio_thread/mailbox.py",  # holds the interpreter's lock
}
FILES = [
    path
    for folder in ("dsp", "plugin_core", "personalization")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if re.search(r"^@\w*kernel$|njit\(", path.read_text(encoding="utf-8"), re.M)
    and path.parent != ROOT / COMPILED
]


def compiles_in(text: str, stamp: str) -> bool:
    """Whether kernels of this text hold that of the stamp's file."""
    if stamp in ("RECORDS", "CALLS"):
        word = "read" if stamp == "RECORDS" else "call"
        return bool(re.search(rf"\.{word}[,\n]", text))
    if stamp == "OPTIONS":
        return bool(re.findall(r"^@(\w*kernel)$", text, re.M))
    return f"{SOURCES[stamp].replace('/', '.')} import" in text


@pytest.mark.parametrize("stamp", SOURCES)
def test_users_hold_the_stamp_of_that_text(stamp: str) -> None:
    source = (ROOT / f"{SOURCES[stamp]}.py").read_bytes()
    due = hashlib.sha256(source).hexdigest()[:12]
    users = 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(rf'^{stamp} = "(\w+)"', text, re.M)
        if compiles_in(text, stamp) and not (stamp == "OPTIONS" and path in OWN_WAYS):
            users += 1
            assert found == [due], f"{path.relative_to(ROOT)}: {stamp} is {due}"
        else:
            assert not found, f"{path.relative_to(ROOT)} needs no {stamp}"
    assert users >= 1


def test_kernels_are_compiled_by_the_one_decorator() -> None:
    """Numba raises on import of ``njit(cache=True)`` where it can write to no folder."""
    assert {path for path in FILES if "njit(" in path.read_text()} == OWN_WAYS
