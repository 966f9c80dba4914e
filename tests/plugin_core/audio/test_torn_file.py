"""Audio files whose writing was cut short: what is there can be read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.plugin_core.audio.torn_file import mend

RATE, FRAMES = 48000, 20000
FORMATS = [("WAV", "FLOAT"), ("WAV", "PCM_24"), ("RF64", "FLOAT"), ("FLAC", "PCM_24")]


class Files(dict):
    """Bytes and samples by format, in few words where hypothesis says what failed."""

    def __repr__(self) -> str:
        return "whole files"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder, files = tmp_path_factory.mktemp("whole"), Files()
    audio = 0.1 * np.random.default_rng(0).standard_normal((FRAMES, 2))
    for kind, subtype in FORMATS:
        path = folder / f"{kind}-{subtype}"
        soundfile.write(path, audio, RATE, subtype=subtype, format=kind)
        files[kind, subtype] = path.read_bytes(), soundfile.read(path, dtype="float32")[0]
    return files


@pytest.mark.parametrize("form", FORMATS, ids="-".join)
@given(share=st.floats(0.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_a_file_cut_anywhere_holds_its_first_frames(whole, form, tmp_path_factory, share):
    data, samples = whole[form]
    path = tmp_path_factory.mktemp("cut") / "a"
    cut = round(share * len(data))
    path.write_bytes(data[:cut])
    n_frames = mend(path)
    frame_bytes = {"FLOAT": 8, "PCM_24": 6}[form[1]]
    if form[0] != "FLAC":
        assert cut / frame_bytes - 100 <= n_frames + (cut < 1000) * 200
    if n_frames:
        found, rate = soundfile.read(path, dtype="float32")
        assert (rate, len(found)) == (RATE, n_frames)
        np.testing.assert_array_equal(found, samples[:n_frames])


@pytest.mark.parametrize("form", FORMATS, ids="-".join)
def test_a_whole_file_keeps_all(whole, form, tmp_path):
    data, samples = whole[form]
    (tmp_path / "a").write_bytes(data)
    assert mend(tmp_path / "a") == FRAMES
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a", dtype="float32")[0], samples)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"fLaC", b"RIFF\0\0\0\0WAVEdata", b"other" * 99])
def test_what_is_no_audio_holds_nothing(data, tmp_path):
    (tmp_path / "a").write_bytes(data)
    assert mend(tmp_path / "a") == 0


@pytest.mark.skipif(os.name == "nt", reason="needs the limit on file sizes of POSIX")
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_full_disk_ends_a_file_that_is_to_be_kept(tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands in for the full disk: libsndfile sees the same."""
    path = tmp_path / f"a.{suffix}"
    code = (
        "import resource, sys, numpy as np\n"
        "from auricle.plugin_core.audio.files import FileWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_001, 200_001))\n"
        "rng = np.random.default_rng(0)\n"
        "try:\n"
        "    with FileWriter(sys.argv[1], 48000, 0, keep=True) as out:\n"
        "        for _ in range(20):\n"
        "            out.write((0.1 * rng.standard_normal((2, 4096))).astype(np.float32))\n"
        "except ValueError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert run.stderr == ""
    assert "is the disk full? Its first 0." in run.stdout
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    found, _ = soundfile.read(path, dtype="float32")
    rng = np.random.default_rng(0)
    written = np.concatenate([(0.1 * rng.standard_normal((2, 4096))).T for _ in range(20)])
    assert len(found) > (24000 if suffix == "wav" else 16000)
    np.testing.assert_allclose(found, written[: len(found)], atol=2e-7)
