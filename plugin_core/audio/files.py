"""Audio files in and out, a block at a time: any length in little memory, no half-written files."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.storage.part_files import forget, unfinished
from auricle.plugin_core.audio.large_wave import LargeSound, is_large
from auricle.plugin_core.audio.regular_file import check_regular
from auricle.plugin_core.audio.riff_chunks import is_wave
from auricle.plugin_core.audio.torn_file import mend

READ_FRAMES = 16384
MAX_CHANNELS = 2
_FORMATS = {".wav": ("WAV", "FLOAT"), ".flac": ("FLAC", "PCM_24")}
_ENCODINGS = {"float32": "FLOAT", "pcm24": "PCM_24"}
_RIFF_LIMIT_BYTES = 4_000_000_000

Audio = NDArray[np.float32]


class AudioSource(Protocol):
    """Something that gives audio in order: a file, or an array."""

    name: str
    n_channels: int
    n_frames: int
    endless: bool

    @property
    def nonfinite_samples(self) -> int:
        """The number of samples that were NaN or infinite and became silence so far."""
        ...

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n), silence behind the end."""
        ...


class ArraySource:
    """Audio (C, n) from memory."""

    endless = False

    def __init__(self, audio: NDArray[np.floating], name: str = "array") -> None:
        self._audio = np.atleast_2d(np.array(audio, dtype=np.float32))
        self.name = name
        self.n_channels, self.n_frames = self._audio.shape
        self.nonfinite_samples = _silence_nonfinite(self._audio)
        self._at = 0

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n), silence behind the end."""
        part = self._audio[:, self._at : self._at + n_frames]
        self._at += n_frames
        return np.pad(part, ((0, 0), (0, n_frames - part.shape[1])))


class FileSource:
    """A WAV, FLAC or OGG file, resampled while it is read (soxr VHQ).

    NaN and infinity become silence before that: one of them would spoil the resampler for good.
    ``nonfinite_samples`` counts them.

    Args:
        path: of the file.
        sample_rate: Hz of what is read; None: the file's.
        channels: which ones, the first is 0; None: all.
        max_channels: how many "all" may be.
        loop: begin again at the end, without a gap; ``n_frames`` is then that of one pass.

    Raises:
        AuricleError: no such file, not audio, empty, too many channels or not those asked for.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate: int | None = None, *,
        channels: Sequence[int] | None = None, max_channels: int = MAX_CHANNELS, loop: bool = False,
    ) -> None:  # fmt: skip
        self.name = str(path)
        self.endless = loop
        self._file = _open(Path(path))
        self._channels = None if channels is None else list(channels)
        self._check_channels(max_channels)
        self.file_rate = int(self._file.samplerate)
        self.sample_rate = self.file_rate if sample_rate is None else int(sample_rate)
        self.n_channels = self._file.channels if channels is None else len(channels)
        exact = self._file.frames * self.sample_rate / self.file_rate
        self.n_frames = int(np.floor(exact + 0.5))
        self.nonfinite_samples = 0
        self._resampler: soxr.ResampleStream | None = None
        if self.sample_rate != self.file_rate:
            self._resampler = soxr.ResampleStream(
                self.file_rate, self.sample_rate, self.n_channels, dtype="float32", quality="VHQ"
            )
        self._waiting: list[Audio] = []
        self._ended = False

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n) at ``sample_rate``, silence behind the end."""
        have = sum(part.shape[1] for part in self._waiting)
        while have < n_frames and not self._ended:
            part = self._next()
            self._waiting.append(part)
            have += part.shape[1]
        joined = np.concatenate(self._waiting, axis=1) if self._waiting else self._silence(0)
        self._waiting = [joined[:, n_frames:]]
        return np.pad(joined[:, :n_frames], ((0, 0), (0, max(0, n_frames - joined.shape[1]))))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check_channels(self, max_channels: int) -> None:
        count, text = self._file.channels, ""
        if self._channels is None and count > max_channels:
            text = (
                f"has {count} channels; split it into mono or stereo tracks, or play it as a bed: "
                'a track of a scene with "type": "bed"'
            )
        elif self._channels is not None and max(self._channels) >= count:
            text = f"has {count} channels, there is no channel {max(self._channels) + 1}"
        if text:
            self._file.close()
            raise AuricleError(f"{self.name}: {text}")

    def _silence(self, n: int) -> Audio:
        return np.zeros((self.n_channels, n), dtype=np.float32)

    def _next(self) -> Audio:
        try:
            frames = self._file.read(READ_FRAMES, dtype="float32", always_2d=True)
            if self.endless and len(frames) < READ_FRAMES:
                self._file.seek(0)
        except soundfile.LibsndfileError as error:
            raise AuricleError(f"{self.name}: damaged audio ({error}); export it again") from error
        self._ended = len(frames) < READ_FRAMES and not self.endless
        if self._channels is not None:
            frames = frames[:, self._channels]
        self.nonfinite_samples += _silence_nonfinite(frames)
        if self._resampler is not None:
            frames = self._resampler.resample_chunk(frames, last=self._ended)
        return np.ascontiguousarray(frames.T)


def _silence_nonfinite(audio: Audio) -> int:
    """Put zeros in place of NaN and infinity; returns how many there were."""
    bad = ~np.isfinite(audio)
    count = int(np.count_nonzero(bad))
    if count:
        audio[bad] = 0.0
    return count


def _open(path: Path) -> soundfile.SoundFile:
    check_regular(path, AuricleError)
    try:
        file = LargeSound(path) if is_large(path) else _small(path)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless types
        raise AuricleError(f"{path}: not audio that can be read; give WAV, FLAC or OGG") from error
    if file.frames < 1:
        file.close()
        raise AuricleError(f"{path}: holds no audio; export it again")
    return file


def _small(path: Path) -> soundfile.SoundFile:
    """A file of libsndfile's; WAV with zeros between its chunks, which that does not skip, too."""
    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        with suppress(AuricleError):
            if is_wave(path):
                return LargeSound(path)
        raise


def output_format(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Type and encoding of an output file, in libsndfile's words.

    Raises:
        AuricleError: a name under which nothing can be written; call this before the work.
    """
    if path.suffix.lower() not in _FORMATS:
        raise AuricleError(f"{path}: unknown type of output; end the name in .wav or .flac")
    if path.is_dir():
        raise AuricleError(f"{path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise AuricleError(f"{path.parent}: no such folder; make it first")
    kind, subtype = _FORMATS[path.suffix.lower()]
    subtype = subtype if encoding is None else _ENCODINGS[encoding]
    if kind == "FLAC" and subtype == "FLOAT":
        raise AuricleError(f"{path}: FLAC has no float32; write .wav or choose pcm24")
    return kind, subtype


def same_file(a: Path, b: Path) -> bool:
    """Whether two names are those of one file that is there."""
    return a.exists() and b.exists() and a.samefile(b)


class FileWriter:
    """Writes ``write((2, n))`` blocks; the file appears under its name when all is written.

    An error or an exception inside ``with`` leaves what stood under the name before.

    Args:
        path: .wav or .flac.
        sample_rate: Hz.
        n_frames: length.
        n_channels: C.
        encoding: "float32" or "pcm24"; None: 32-bit float in WAV, which keeps what exceeds full
            scale, and 24 bit in FLAC.
        keep: whether a file that cannot be written on, as on a full disk, appears with what it
            holds.

    Attributes:
        peak: the largest absolute sample so far.
        cut_samples: how many were beyond full scale and cut; float files keep them.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate: int, n_frames: int, n_channels: int = 2,
        encoding: str | None = None, keep: bool = False,
    ) -> None:  # fmt: skip
        self.path, self._keep = Path(path), keep
        kind, subtype = output_format(self.path, encoding)
        if kind == "WAV" and 4 * n_channels * n_frames > _RIFF_LIMIT_BYTES:
            kind = "RF64"
        self.peak, self.cut_samples, self._n_written = 0.0, 0, 0
        self._cuts = subtype != "FLOAT"
        self._sample_rate, self._n_channels = sample_rate, n_channels
        self._temporary = unfinished(self.path)
        try:
            open(self._temporary, "xb").close()
            self._file = soundfile.SoundFile(
                self._temporary, "w", sample_rate, n_channels, subtype=subtype, format=kind
            )
        except OSError as error:
            forget(self._temporary)
            raise AuricleError(
                f"{path}: cannot be written in that folder ({error.strerror}); choose another"
            ) from error
        except soundfile.LibsndfileError as error:
            forget(self._temporary)
            raise AuricleError(f"{path}: cannot be written ({error})") from error

    def __enter__(self) -> "FileWriter":
        return self

    def write(self, audio: Audio) -> None:
        """Append frames (C, n)."""
        if audio.shape[1]:
            self.peak = max(self.peak, float(np.abs(audio).max()))
        if self._cuts:
            self.cut_samples += int(np.count_nonzero(np.abs(audio) > 1.0))
            audio = np.clip(audio, -1.0, 1.0)
        self._guarded(lambda: self._file.write(audio.T))
        self._n_written += audio.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            self._guarded(self._file.close)
            if kind is None:
                self._guarded(self._check_length)
                self._guarded(self._put_in_place)
        finally:
            forget(self._temporary)

    def _put_in_place(self) -> None:
        with open(self._temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(self._temporary, self.path)

    def _check_length(self) -> None:
        # What a library cannot flush when it closes a file, it may keep to itself.
        if soundfile.info(str(self._temporary)).frames != self._n_written:
            raise OSError("the file is shorter than what was written")

    def _guarded(self, act) -> None:  # type: ignore[no-untyped-def]
        try:
            act()
        except (soundfile.LibsndfileError, OSError, AssertionError) as error:
            # libsndfile reports a full disk as a short write, which soundfile asserts against.
            kept_seconds = self._end_early()
            raise AuricleError(
                f"{self.path}: could not be written to the end, is the disk full? "
                + (
                    f"Its first {kept_seconds:.1f} s are kept"
                    if kept_seconds
                    else "Nothing was left under that name that was not there before"
                )
            ) from error

    def _end_early(self) -> float:
        """Seconds that are kept of a file that cannot be written on."""
        if not self._keep:
            self._file = _Closed()
            forget(self._temporary)
            return 0.0
        n_frames = 0
        with suppress(soundfile.LibsndfileError, OSError):
            self._file.close()
        self._file = _Closed()
        with suppress(soundfile.LibsndfileError, OSError):
            if n_frames := mend(self._temporary):
                self._put_in_place()
        forget(self._temporary)
        return n_frames / self._sample_rate


def require_room(path: Path, n_bytes: int) -> None:
    """Refuse to begin what the disk of ``path`` cannot hold."""
    folder = path.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # the writer says what is wrong
    if free < n_bytes:
        raise AuricleError(
            f"{folder}: needs {n_bytes / 1e6:.0f} MB for {path.name} and has {free / 1e6:.0f} MB "
            "free; make room or choose another folder"
        )


class Spool:
    """Audio (2, n) kept on disk for a second pass: ``write`` all, then ``blocks``, again and again.

    The file has no name, in the folder of the output, and is gone when it is closed or the program
    ends.
    """

    def __init__(self, beside: Path) -> None:
        try:
            self._file = tempfile.TemporaryFile(dir=beside.parent)  # noqa: SIM115, closed by close
        except OSError as error:
            raise AuricleError(
                f"{beside}: cannot be written in that folder ({error.strerror}); choose another"
            ) from error
        self._beside = beside

    def write(self, audio: Audio) -> None:
        """Append frames (2, n)."""
        try:
            self._file.write(np.ascontiguousarray(audio.T, dtype=np.float32).data)
        except OSError as error:
            raise AuricleError(
                f"{self._beside}: the first pass could not be kept beside it, is the disk full?"
            ) from error

    def blocks(self, n_frames: int) -> Iterator[Audio]:
        """All from the start, in blocks of at most ``n_frames``."""
        self._file.seek(0)
        while data := self._file.read(8 * n_frames):
            yield np.frombuffer(data, dtype=np.float32).reshape(-1, 2).T

    def close(self) -> None:
        """Give the room back."""
        with suppress(OSError):  # what a full disk would not take is of no use any more
            self._file.close()


class _Closed:
    def close(self) -> None:
        """Nothing is open any more."""

    def write(self, audio: Audio) -> None:
        """Nothing is written any more."""


def silenced_samples(sources: Sequence[AudioSource]) -> dict[str, int]:
    """The samples of each source that were NaN or infinite, where there are any."""
    found: dict[str, int] = {}
    for source in sources:
        if source.nonfinite_samples:
            found[source.name] = found.get(source.name, 0) + source.nonfinite_samples
    return found
