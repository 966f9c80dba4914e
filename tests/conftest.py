"""Shared by all tests: where the real data lives, and hypothesis without chance or clocks."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("auricle", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("auricle")

ROOT = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """The folder of measured data, which may be absent: AURICLE_DATA, else ../shared/data."""
    return Path(os.environ.get("AURICLE_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of measured data; the test is skipped where there is none."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"needs the measured data: no folder {folder}, set AURICLE_DATA")
    return folder
