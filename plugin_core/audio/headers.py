"""Channels by the header of an audio file: loudspeakers, or ambisonics.

Read are the channel mask and iXML of WAV, the fixed orders of FLAC, Vorbis and Opus (and the mask
that FLAC may carry), and the layouts of CAF and AIFF. A header that cannot be read says nothing.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from auricle.dsp.errors import AuricleError
from auricle.dsp.loudspeakers.channel_roles import (
    FLAC_ROLES,
    VORBIS_ROLES,
    labels_of_roles,
    mask_roles,
)
from auricle.plugin_core.audio.core_audio import core_audio_layout
from auricle.plugin_core.audio.riff_chunks import Chunk, wave_chunks

_EXTENSIBLE = 0xFFFE
_B_FORMAT = bytes.fromhex("2107d3118644c8c1ca000000")  # of its GUID, behind the kind of samples
_MOST_XML = 1 << 20
_MOST_COMMENT = 1 << 20
_MOST_PARTS = 10_000
_TRACK = re.compile(r"<TRACK>(.*?)</TRACK>", re.S)
_FUNCTION = re.compile(r"<FUNCTION>\s*([^<\s]+)\s*</FUNCTION>")
_INDEX = re.compile(r"<INTERLEAVE_INDEX>\s*(\d{1,4})\s*</INTERLEAVE_INDEX>")
_MASK_COMMENT = re.compile(rb"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x([0-9a-f]{1,8})", re.I)
# The first part of iXML's FUNCTION, as in L-7.1_PROXIMITY.
_FUNCTIONS = {
    "L": "FL", "R": "FR", "C": "FC", "LFE": "LFE", "LS": "BL", "RS": "BR", "LC": "FLC", "RC": "FRC",
    "S": "BC", "CS": "BC", "SL": "SL", "SR": "SR", "TC": "TC", "TFL": "TFL", "TFC": "TFC",
    "TFR": "TFR", "TRL": "TBL", "TRC": "TBC", "TRR": "TBR", "TSL": "TSL", "TSR": "TSR", "LW": "WL",
    "RW": "WR",
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The channels of a file, as its header names them.

    Attributes:
        labels: BS.2051's label of each channel, "" where it says nothing; empty without any.
        ambisonics: "fuma" or "ambix" if it says that the channels are such.
        by: what says so, for sentences.
        by_format: whether the format has but this order, so that whoever wrote the file may have
            meant something else.
    """

    labels: tuple[str, ...] = ()
    ambisonics: str = ""
    by: str = ""
    by_format: bool = False

    def picked(self, channels: Sequence[int] | None) -> "Header":
        """The header of some of the channels, the first is 0; None: all."""
        if channels is None:
            return self
        kind = self.ambisonics if list(channels) == list(range(len(channels))) else ""
        labels = tuple(self.labels[c] for c in channels if c < len(self.labels))
        return Header(labels if any(labels) else (), kind, self.by, self.by_format)


def read_header(path: Path) -> Header:
    """Read the header of a file; it is empty where it says nothing or cannot be read."""
    try:
        if not path.is_file():  # what is read from a pipe would be gone
            return Header()
        with open(path, "rb") as file:
            magic = file.read(12)
            if magic[:4] in (b"RIFF", b"RF64", b"BW64"):
                return _wave(file, wave_chunks(path))
            if magic[:4] == b"fLaC":
                return _flac(file, 4)
            if magic[:4] == b"OggS":
                return _ogg(file)
            if magic[:4] in (b"caff", b"FORM"):
                return _core_audio(file, magic)
    except (AuricleError, OSError, struct.error, IndexError, ValueError):
        pass
    return Header()


def _wave(file: BinaryIO, chunks: dict[str, Chunk]) -> Header:
    fmt = _content(file, chunks["fmt "], 64) if "fmt " in chunks else b""
    tag, n_channels = struct.unpack_from("<HH", fmt)
    roles: tuple[str, ...] = ("",) * n_channels
    by = "its channel mask"
    if tag == _EXTENSIBLE and len(fmt) >= 40:
        if fmt[28:40] == _B_FORMAT:
            return Header(ambisonics="fuma", by="its B-format header")
        roles = mask_roles(struct.unpack_from("<I", fmt, 20)[0], n_channels)
    if "" in roles and "iXML" in chunks:
        names = _ixml(_content(file, chunks["iXML"], _MOST_XML), n_channels)
        if all(name.startswith("ACN") for name in names):
            in_order = all(name == f"ACN{i}" for i, name in enumerate(names))
            return Header(ambisonics="ambix", by="its iXML") if in_order else Header()
        by = "its iXML" if not any(roles) else by
        named = [_FUNCTIONS.get(name, "") for name in names]
        roles = tuple(
            role or (name if name not in roles else "")
            for role, name in zip(roles, named, strict=True)
        )
    return _loudspeakers(roles, by)


def _ixml(xml: bytes, n_channels: int) -> list[str]:
    """What iXML calls the channels, in upper case and without what stands behind a hyphen."""
    names = [""] * n_channels
    for track in _TRACK.findall(xml.decode("utf-8", "replace")):
        index, function = _INDEX.search(track), _FUNCTION.search(track)
        if index and function and 1 <= int(index[1]) <= n_channels:
            names[int(index[1]) - 1] = function[1].partition("-")[0].upper()
    return names


def _flac(file: BinaryIO, at: int) -> Header:
    """FLAC's order, unless a comment names another."""
    n_channels, last = 0, False
    for _ in range(_MOST_PARTS):
        if last:
            break
        file.seek(at)
        head = file.read(4)
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:4], "big")
        last = bool(head[0] & 0x80)
        at += 4 + size
        if kind == 0:
            n_channels = (file.read(size)[12] >> 1 & 7) + 1
        elif kind == 4 and (found := _MASK_COMMENT.search(file.read(min(size, _MOST_COMMENT)))):
            roles = mask_roles(int(found[1], 16), n_channels)
            return _loudspeakers(roles, "its channel mask")
        elif kind == 127:
            break
    return _loudspeakers(FLAC_ROLES.get(n_channels, "").split(), "FLAC's order", True)


def _ogg(file: BinaryIO) -> Header:
    """Vorbis and Opus have an order of their own, FLAC inside of Ogg that of FLAC."""
    file.seek(26)
    file.seek(27 + file.read(1)[0])
    packet = file.read(64)
    if packet[:7] == b"\x01vorbis":
        return _loudspeakers(VORBIS_ROLES.get(packet[11], "").split(), "Vorbis' order", True)
    if packet[:8] == b"OpusHead":
        if packet[18] == 2:
            return Header(ambisonics="ambix", by="its Opus header")
        roles = VORBIS_ROLES.get(packet[9], "") if packet[18] < 2 else ""
        return _loudspeakers(roles.split(), "Opus' order", True)
    if packet[:5] == b"\x7fFLAC":
        n_channels = (packet[9 + 4 + 4 + 12] >> 1 & 7) + 1
        return _loudspeakers(FLAC_ROLES.get(n_channels, "").split(), "FLAC's order", True)
    return Header()


def _core_audio(file: BinaryIO, magic: bytes) -> Header:
    """The chunk ``chan`` of CAF or ``CHAN`` of AIFF."""
    caf = magic[:4] == b"caff"
    name, form = (b"chan", ">4sq") if caf else (b"CHAN", ">4sI")
    at = 8 if caf else 12
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(struct.calcsize(form))
        kind, size = struct.unpack(form, head)
        if kind == name:
            roles, ambisonics = core_audio_layout(file.read(min(size, 1 << 16)))
            if ambisonics:
                return Header(ambisonics=ambisonics, by="its channel layout")
            return _loudspeakers(roles, "its channel layout")
        if size < 0:
            break
        at += len(head) + size + (0 if caf else size % 2)
    return Header()


def _loudspeakers(roles: Sequence[str], by: str, by_format: bool = False) -> Header:
    if not any(roles):
        return Header()
    return Header(labels_of_roles(roles), "", by, by_format)


def _content(file: BinaryIO, chunk: Chunk, most: int) -> bytes:
    file.seek(chunk.begin)
    return file.read(min(chunk.size, most))
