"""WAV for libsndfile, which knows RF64 in part, no BW64, and no zeros between chunks."""

import struct
from pathlib import Path

import soundfile

from auricle.plugin_core.audio.riff_chunks import audio_chunks


def is_large(path: Path) -> bool:
    """Whether a file is of one of the 64-bit forms of WAV."""
    if not path.is_file():  # what is read from a pipe would be gone
        return False
    with open(path, "rb") as file:
        return file.read(4) in (b"RF64", b"BW64")


class _AudioBytes:
    """The audio of a RIFF, RF64 or BW64 file (ITU-R BS.2088), as RF64 without other chunks."""

    def __init__(self, path: Path) -> None:
        fmt, data = audio_chunks(path)
        sizes = struct.pack("<QQQI", 72 + len(fmt) + data.size, data.size, 0, 0)
        self._head = b"RF64\xff\xff\xff\xffWAVE"
        self._head += b"ds64" + struct.pack("<I", len(sizes)) + sizes
        self._head += b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"\0" * (len(fmt) % 2)
        self._head += b"data\xff\xff\xff\xff"
        self._file = open(path, "rb")  # noqa: SIM115, closed by close
        self._data, self._at = data, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to an offset from the start, the present place or the end."""
        ends = (0, self._at, len(self._head) + self._data.size)
        self._at = max(0, ends[whence] + offset)
        return self._at

    def tell(self) -> int:
        """The present place."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        head = len(self._head)
        left = max(0, head + self._data.size - self._at)
        size = left if size < 0 else min(size, left)
        first = self._head[self._at : self._at + size]
        rest = b""
        if size > len(first):
            self._file.seek(self._data.begin + max(0, self._at - head))
            rest = self._file.read(size - len(first))
        self._at += len(first) + len(rest)
        return first + rest

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LargeSound(soundfile.SoundFile):
    """A WAV file of any form of which libsndfile sees the audio alone.

    It knows no BW64, loses its way in RF64 behind a chunk of odd size, and in RIFF at zeros that
    belong to no chunk.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = _AudioBytes(path)
        try:
            super().__init__(self._bytes)
        except BaseException:
            self._bytes.close()
            raise

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._bytes.close()
