"""WAV and FLAC files whose writing was cut short: their headers made to say what is there."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

import soundfile

_BLOCK_FRAMES = 4096  # of a block of FLAC, as libsndfile writes it
_MOST_FRAMES = 2**36 - 1  # what the header of FLAC can say
_STREAM_INFO = 8  # bytes before it: "fLaC" and the head of the block
_CHUNK_HEADS = 4096  # bytes of a WAV header that are looked through


def mend(path: Path) -> int:
    """Make a header say how many frames the file holds; that number, 0 where there are none.

    Raises:
        OSError: the file cannot be read or written.
    """
    with open(path, "rb+") as file:
        start = file.read(_CHUNK_HEADS)
        if start[:4] in (b"RIFF", b"RF64"):
            return _mend_wave(file, start)
        if start[:4] == b"fLaC" and len(start) >= _STREAM_INFO + 34:
            return _mend_flac(file, path)
    return 0


def _mend_wave(file: BinaryIO, start: bytes) -> int:
    at, frame_bytes, ds64 = 12, 0, 0
    while at + 8 <= len(start):
        name, size = start[at : at + 4], int.from_bytes(start[at + 4 : at + 8], "little")
        at += 8
        if name == b"data":
            break
        if name == b"fmt ":
            (frame_bytes,) = struct.unpack_from("<H", start, at + 12)
        elif name == b"ds64":
            ds64 = at
        at += size + size % 2
    else:
        return 0
    if not frame_bytes:
        return 0
    n_frames = max(0, os.fstat(file.fileno()).st_size - at) // frame_bytes
    n_bytes = n_frames * frame_bytes
    file.truncate(at + n_bytes)
    if ds64:
        _put(file, ds64, struct.pack("<QQQ", at + n_bytes - 8, n_bytes, n_frames))
    else:
        _put(file, 4, struct.pack("<I", at + n_bytes - 8))
        _put(file, at - 4, struct.pack("<I", n_bytes))
    return n_frames


def _mend_flac(file: BinaryIO, path: Path) -> int:
    said = _say_frames(file, _MOST_FRAMES)
    n_frames = _readable(path, _readable(path, 0, _BLOCK_FRAMES), 1)
    if n_frames == said - 1:
        n_frames = said  # the very last of a whole file is not given without its length
    _say_frames(file, n_frames)
    return n_frames


def _readable(path: Path, known: int, step: int) -> int:
    """How many frames can be read, of which ``known`` are known, if more are read in steps."""
    n_frames = 0
    try:
        with soundfile.SoundFile(path) as sound:
            while count := len(sound.read(_BLOCK_FRAMES if n_frames < known else step)):
                n_frames += count
    except soundfile.LibsndfileError:
        pass  # which says nothing of the frames that it read before
    return n_frames


def _say_frames(file: BinaryIO, n_frames: int) -> int:
    """Write the length into a FLAC file, and that its audio has no checksum; what stood there."""
    file.seek(_STREAM_INFO + 10)
    (word,) = struct.unpack(">Q", file.read(8))
    said = word & _MOST_FRAMES
    _put(file, _STREAM_INFO + 10, struct.pack(">Q", word - said + n_frames) + bytes(16))
    return int(said)


def _put(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    file.write(data)
    file.flush()
