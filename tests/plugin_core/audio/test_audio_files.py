"""Files in pieces: exact lengths, exact samples, one clear line for bad ones, no half files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileSource, FileWriter

RNG = np.random.default_rng(11)


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return (0.1 * RNG.standard_normal((frames, channels))).astype(np.float32)


def read_all(source: FileSource, sizes: np.random.Generator | int) -> np.ndarray:
    blocks, left = [], source.n_frames
    while left:
        n = min(left, sizes if isinstance(sizes, int) else int(sizes.integers(1, 20000)))
        blocks.append(source.read(n))
        assert blocks[-1].shape == (source.n_channels, n)
        left -= n
    assert not source.read(1000).any()  # silence behind the end
    source.close()
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_what_is_written_is_read(tmp_path: Path, channels: int, suffix: str) -> None:
    audio = noise(30001, channels).T
    path = tmp_path / f"a.{suffix}"
    with FileWriter(path, 48000, 30001, channels) as out:
        for start in range(0, 30001, 777):
            out.write(audio[:, start : start + 777])
    source = FileSource(path)
    assert (source.n_frames, source.sample_rate) == (30001, 48000)
    back = read_all(source, np.random.default_rng(1))
    assert back.dtype == np.float32
    step = 0.0 if suffix == "wav" else 2.0**-23  # float32 is exact, 24 bit is one step
    np.testing.assert_allclose(back, audio, rtol=0, atol=step)


@pytest.mark.parametrize(
    ("source", "wanted"), [(44100, 48000), (48000, 44100), (8000, 48000), (96000, 48000)]
)
@pytest.mark.parametrize("frames", [1, 100, 44101, 50000])
def test_resampled_length_is_exact_and_sound_is_that_of_one_call(
    tmp_path: Path, source: int, wanted: int, frames: int
) -> None:
    audio = noise(frames, 2)
    soundfile.write(tmp_path / "a.wav", audio, source, subtype="FLOAT")
    expected = int(np.floor(frames * wanted / source + 0.5))
    source_file = FileSource(tmp_path / "a.wav", wanted)
    assert source_file.n_frames == expected
    back = read_all(source_file, 4096)
    assert back.shape == (2, expected)
    whole = soxr.resample(audio, source, wanted, quality="VHQ")[:expected].T
    # float32 rounding, -120 dB below the noise; the last sample may be the padding
    np.testing.assert_allclose(back[:, : whole.shape[1]], whole, rtol=0, atol=1e-6)


def test_ogg_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", noise(20000), 44100, format="OGG", subtype="VORBIS")
    back = read_all(FileSource(tmp_path / "a.ogg", 48000), 5000)
    assert back.shape == (1, 21769)
    assert np.std(back) == pytest.approx(0.1, rel=0.2)


@pytest.mark.parametrize("wanted", [48000, 44100])
def test_nan_and_infinity_become_silence_and_are_counted(tmp_path: Path, wanted: int) -> None:
    """Before resampling: one NaN would spoil all that follows it."""
    audio = noise(100000, 2)
    audio[10, 0], audio[20, 1], audio[21, 1] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "a.wav", audio, 48000, subtype="FLOAT")
    clean = np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0)
    soundfile.write(tmp_path / "b.wav", clean, 48000, subtype="FLOAT")
    source = FileSource(tmp_path / "a.wav", wanted)
    back = read_all(source, 4096)
    assert source.nonfinite_samples == 3
    np.testing.assert_array_equal(back, read_all(FileSource(tmp_path / "b.wav", wanted), 4096))


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    (folder / "text.wav").write_text("this is not sound" * 100)
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "zero.wav", np.zeros((0, 1)), 48000)
    soundfile.write(folder / "many.wav", np.zeros((10, 6)), 48000)
    (folder / "data.raw").write_bytes(b"0" * 100)
    return {
        "missing": (folder / "missing.wav", "no such file"),
        "folder": (folder, "is a folder"),
        "text": (folder / "text.wav", "not audio"),
        "raw": (folder / "data.raw", "not audio"),
        "empty": (folder / "empty.wav", "not audio"),
        "no samples": (folder / "zero.wav", "holds no audio"),
        "six channels": (folder / "many.wav", "has 6 channels"),
    }


@pytest.mark.parametrize(
    "case", ["missing", "folder", "text", "raw", "empty", "no samples", "six channels"]
)
def test_bad_input_files_get_one_line(tmp_path: Path, case: str) -> None:
    path, text = bad_files(tmp_path)[case]
    with pytest.raises(AuricleError, match=text) as caught:
        FileSource(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(400000), 48000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    source = FileSource(path)
    with pytest.raises(AuricleError, match="damaged"):
        read_all(source, 8192)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.mp3", "end the name in .wav or .flac"),
        ("a", "end the name in .wav or .flac"),
        ("no/a.wav", "no such folder"),
        ("sub.wav", "is a folder"),
    ],
)
def test_bad_output_files_get_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sub.wav").mkdir()
    with pytest.raises(AuricleError, match=text) as caught:
        FileWriter(tmp_path / name, 48000, 100)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["sub.wav"]


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("older")

    def interrupted() -> None:
        with FileWriter(path, 48000, 10000) as out:
            out.write(noise(5000, 2).T)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.skipif(os.name == "nt", reason="needs the limit on file sizes of POSIX")
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands in for the full disk: libsndfile sees the same."""
    path = tmp_path / f"a.{suffix}"
    path.write_text("older")
    code = (
        "import resource, sys, numpy as np\n"
        "from auricle.plugin_core.audio.files import FileWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "rng = np.random.default_rng(0)\n"
        "try:\n"
        "    with FileWriter(sys.argv[1], 48000, 90000) as out:\n"
        "        for _ in range(20): out.write(0.1 * rng.standard_normal((2, 4096)))\n"
        "except ValueError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "is the disk full?" in run.stdout, run.stderr
    assert path.read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_peak_is_kept_in_float_and_cut_in_flac(tmp_path: Path) -> None:
    audio = np.array([[0.5, 2.0, -0.25], [0.0, -1.5, 1.0]], dtype=np.float32)
    for name, expected in (("a.wav", audio), ("a.flac", np.clip(audio, -1.0, 1.0))):
        with FileWriter(tmp_path / name, 48000, 3) as out:
            out.write(audio)
        assert (out.peak, out.cut_samples) == (2.0, 2 if name == "a.flac" else 0)
        back = soundfile.read(tmp_path / name, dtype="float32")[0].T
        np.testing.assert_allclose(back, expected, atol=2.0**-23)


def test_very_long_output_is_rf64(tmp_path: Path) -> None:
    with FileWriter(tmp_path / "a.wav", 48000, 600_000_000) as out:
        out.write(noise(10, 2).T)
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    assert soundfile.info(tmp_path / "a.wav").frames == 10
