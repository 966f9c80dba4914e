"""Chunks of a RIFF, RF64 or BW64 file (ITU-R BS.2088), and the table of tracks."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from auricle.plugin_core.errors import AdmError

_FORMS = (b"RIFF", b"RF64", b"BW64")
_MOST_CHUNKS = 10_000
_IN_DS64 = 0xFFFFFFFF  # a 32-bit size that says: the real one stands in ds64
_MOST_ROWS = 65_535
_PIECE = 1 << 16
_ZEROS = bytes(_PIECE)
_ROW = struct.Struct("<H12s14s11sx")


@dataclass(frozen=True)
class Chunk:
    """Bytes ``begin`` to ``begin + size`` of the file."""

    begin: int
    size: int


@dataclass(frozen=True)
class TrackRow:
    """A row of chna: ``track`` is the channel of the file, the first is 1; "" for what it omits."""

    track: int
    uid: str
    track_format: str
    pack_format: str


@dataclass(frozen=True)
class Wave:
    """A WAV file as its chunks describe it.

    Attributes:
        n_channels, sample_rate (Hz), n_frames: of the audio.
        axml: where the XML lies, None without it.
        rows: of chna, empty without it.
    """

    n_channels: int
    sample_rate: int
    n_frames: int
    axml: Chunk | None
    rows: tuple[TrackRow, ...]


def is_wave(path: Path) -> bool:
    """Whether a file begins as a WAV file of any of the three forms does."""
    if not path.is_file():  # what is read from a pipe would be gone
        return False
    with open(path, "rb") as file:
        head = file.read(12)
    return head[:4] in _FORMS and head[8:] == b"WAVE"


def read_wave(path: Path) -> Wave:
    """The chunks of a WAV file.

    Raises:
        AdmError: not a WAV file, cut off, or with sizes that cannot be.
    """
    with open(path, "rb") as file:
        chunks = _walk(file, path)
        fmt = _fmt(file, chunks, path)
        _, n_channels, rate, _, block_bytes, _ = struct.unpack_from("<HHIIHH", fmt)
        if n_channels < 1 or rate < 1 or block_bytes < n_channels:
            raise AdmError(
                f"{path}: the fmt chunk says {n_channels} channels, {rate} Hz and {block_bytes} "
                "bytes a frame, which cannot be; export it again"
            )
        rows: tuple[TrackRow, ...] = ()
        if "chna" in chunks:
            most = 4 + _ROW.size * _MOST_ROWS
            rows = _rows(_content(file, chunks["chna"], 4, most, "chna", path), path)
        if "axml" not in chunks and "bxml" in chunks:
            raise AdmError(
                f"{path}: its ADM is in a compressed chunk (bxml), which is not read; export it "
                "with an axml chunk"
            )
    axml = chunks.get("axml")
    if axml is not None and axml.size == 0:
        axml = None
    return Wave(n_channels, rate, chunks["data"].size // block_bytes, axml, rows)


def audio_chunks(path: Path) -> tuple[bytes, Chunk]:
    """The content of the fmt chunk, and where the audio lies.

    Raises:
        AdmError: as ``read_wave``.
    """
    with open(path, "rb") as file:
        chunks = _walk(file, path)
        return _fmt(file, chunks, path), chunks["data"]


def _fmt(file: BinaryIO, chunks: dict[str, Chunk], path: Path) -> bytes:
    """The content of the fmt chunk; AdmError without it, or without audio."""
    for name in ("fmt ", "data"):
        if name not in chunks:
            raise AdmError(f"{path}: has no chunk {name.strip()!r}; export it again")
    return _content(file, chunks["fmt "], 16, 65_536, "fmt", path)


def wave_chunks(path: Path) -> dict[str, Chunk]:
    """The chunks of a WAV file; of those that may come twice the first.

    Zeros between chunks are skipped, and what lies behind RIFF's own size is not looked at.

    Raises:
        AdmError: as ``read_wave``.
    """
    with open(path, "rb") as file:
        return _walk(file, path)


def _walk(file: BinaryIO, path: Path) -> dict[str, Chunk]:
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in _FORMS or head[8:] != b"WAVE":
        raise AdmError(f"{path}: not a WAV file (RIFF, RF64 or BW64)")
    last = _riff_end(struct.unpack_from("<I", head, 4)[0], end)
    chunks: dict[str, Chunk] = {}
    large: dict[str, int] = {}  # sizes from ds64
    at = 12
    for _ in range(_MOST_CHUNKS):
        at = _behind_zeros(file, at, last)
        if at + 8 > last:
            return chunks
        file.seek(at)
        raw, size = struct.unpack("<4sI", file.read(8))
        name = raw.decode("latin-1")
        if size == _IN_DS64:
            size = large.get(name, size)
        if at + 8 + size > end:
            raise AdmError(
                f"{path}: the chunk {name!r} says it has {size} bytes and the file ends after "
                f"{end - at - 8}; it is cut off or damaged, copy or export it again"
            )
        if at + 8 + size > last:  # RIFF's size was not kept up
            last = end
        chunk = Chunk(at + 8, size)
        if name == "ds64" and head[:4] != b"RIFF":
            large = _ds64(file, chunk, path)
            last = _riff_end(large["RIFF"], end)
        if name in chunks and name in ("fmt ", "data", "axml", "chna"):
            raise AdmError(f"{path}: has two chunks {name.strip()!r}; export it again")
        chunks.setdefault(name, chunk)
        at += 8 + size + size % 2
    raise AdmError(f"{path}: has more than {_MOST_CHUNKS} chunks; it is damaged, export it again")


def _riff_end(size: int, file_end: int) -> int:
    """Where RIFF ends by its own size; at the end of the file if a stream has left that open."""
    return file_end if size in (0, _IN_DS64) else min(8 + size, file_end)


def _behind_zeros(file: BinaryIO, at: int, end: int) -> int:
    """The first byte from ``at`` on that is not zero, or the end: no chunk's name begins so."""
    file.seek(at)
    while at < end:
        piece = file.read(min(_PIECE, end - at))
        if not piece:
            break
        if piece != _ZEROS[: len(piece)]:
            return at + len(piece) - len(piece.lstrip(b"\0"))
        at += len(piece)
    return at


def _ds64(file: BinaryIO, chunk: Chunk, path: Path) -> dict[str, int]:
    data = _content(file, chunk, 24, 65_536, "ds64", path)
    sizes = dict(zip(("RIFF", "data"), struct.unpack_from("<QQ", data), strict=True))
    count = struct.unpack_from("<I", data, 24)[0] if len(data) >= 28 else 0
    for i in range(min(count, (len(data) - 28) // 12)):
        raw, size = struct.unpack_from("<4sQ", data, 28 + 12 * i)
        sizes[raw.decode("latin-1")] = size
    return sizes


def _content(
    file: BinaryIO, chunk: Chunk, least: int, most: int, name: str, path: Path
) -> bytes:  # fmt: skip
    if not least <= chunk.size <= most:
        raise AdmError(
            f"{path}: the chunk {name!r} has {chunk.size} bytes, not {least} to {most}; it is "
            "damaged, export it again"
        )
    file.seek(chunk.begin)
    return file.read(chunk.size)


def _rows(data: bytes, path: Path) -> tuple[TrackRow, ...]:
    """The used rows of a chna chunk (BS.2088, 8): those whose track is not 0."""
    _, count = struct.unpack_from("<HH", data)
    if 4 + _ROW.size * count > len(data):
        raise AdmError(
            f"{path}: the chna chunk says it has {count} tracks and has room for "
            f"{(len(data) - 4) // _ROW.size}; it is cut off, export it again"
        )
    rows: dict[str, TrackRow] = {}
    for i in range(count):
        track, *texts = _ROW.unpack_from(data, 4 + _ROW.size * i)
        uid, track_format, pack_format = (
            text.split(b"\0")[0].decode("latin-1").strip() for text in texts
        )
        if track == 0:
            continue
        if uid in rows:
            raise AdmError(f"{path}: chna: {uid} stands there twice; export it again")
        rows[uid] = TrackRow(track, uid, track_format, pack_format)
    return tuple(rows.values())
