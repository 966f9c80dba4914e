"""WAV files with the headers that DAWs and recorders write, for tests."""

import struct
from pathlib import Path

import numpy as np

PCM = bytes.fromhex("0100000000001000800000aa00389b71")
B_FORMAT_PCM = bytes.fromhex("010000002107d3118644c8c1ca000000")
B_FORMAT_FLOAT = bytes.fromhex("030000002107d3118644c8c1ca000000")


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def extensible(
    path: Path, audio: np.ndarray, mask: int = 0, guid: bytes = PCM, more: bytes = b"",
    rate: int = 48000,
) -> Path:  # fmt: skip
    """Audio (n, C) with a channel mask and a kind of samples: 16 bit, float for the float GUID."""
    is_float = guid[0] == 3
    data = audio.astype("<f4") if is_float else (audio * 32767).astype("<i2")
    bits, n = data.itemsize * 8, audio.shape[1]
    frame = n * data.itemsize
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, n, rate, rate * frame, frame, bits, 22, bits, mask)
    body = b"WAVE" + chunk(b"fmt ", fmt + guid) + chunk(b"data", data.tobytes()) + more
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def ixml(*functions: str) -> bytes:
    """The chunk in which DAWs name the channels."""
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{i}</CHANNEL_INDEX><FUNCTION>{function}</FUNCTION>"
        f"<INTERLEAVE_INDEX>{i}</INTERLEAVE_INDEX></TRACK>"
        for i, function in enumerate(functions, start=1)
    )
    return chunk(b"iXML", f"<BWFXML><TRACK_LIST>{tracks}</TRACK_LIST></BWFXML>".encode())
