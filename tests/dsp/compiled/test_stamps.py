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
}
FILES = [
    path
    for path in sorted((ROOT / "dsp").rglob("*.py"))
    if "njit(" in path.read_text(encoding="utf-8") and path.parent != COMPILED
]


def compiles_in(text: str, stamp: str) -> bool:
    """Whether kernels of this text hold that of the stamp's file."""
    if stamp == "RECORDS":
        return ".read\n" in text or ".read," in text
    return f"compiled.{SOURCES[stamp]} import" in text


@pytest.mark.parametrize("stamp", SOURCES)
def test_users_hold_the_stamp_of_that_text(stamp: str) -> None:
    source = (COMPILED / f"{SOURCES[stamp]}.py").read_bytes()
    due = hashlib.sha256(source).hexdigest()[:12]
    users = 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(rf'^{stamp} = "(\w+)"', text, re.M)
        if compiles_in(text, stamp):
            users += 1
            assert found == [due], f"{path.relative_to(ROOT)}: {stamp} is {due}"
        else:
            assert not found, f"{path.relative_to(ROOT)} needs no {stamp}"
    assert users >= 3
