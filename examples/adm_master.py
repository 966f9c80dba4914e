"""An ADM master with eight moving objects, the same mix as a JSON scene, and how equal they sound.

    python examples/adm_master.py FOLDER [LISTENER.sofa]

writes FOLDER/master.wav, FOLDER/scene.json with its stems, renders both, and prints the level of
the difference. The tests write their ADM files with the functions in here.
"""

import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

RATE = 48000
SECONDS = 6.0
NAMESPACE = "urn:ebu:metadata-schema:ebuCore_2017"
KINDS = {"DirectSpeakers": 1, "Matrix": 2, "Objects": 3, "HOA": 4, "Binaural": 5}


# --- a writer of ADM files ---------------------------------------------------------------------


@dataclass
class Block:
    """An audioBlockFormat: its attributes and what stands in it."""

    start: float | None = None
    duration: float | None = None
    content: str = ""


@dataclass
class Sound:
    """An audioObject with one pack: for each channel its name and blocks."""

    name: str
    channels: Sequence[tuple[str, Sequence[Block]]]
    kind: str = "Objects"
    attributes: str = ""
    content: str = ""
    tracks: Sequence[int] = field(default_factory=list)  # of the file, the first is 1


def polar(azimuth_deg: float, elevation_deg: float, distance: float = 1.0) -> str:
    """The XML of a position."""
    return "".join(
        f'<position coordinate="{name}">{value:.6f}</position>'
        for name, value in (
            ("azimuth", azimuth_deg), ("elevation", elevation_deg), ("distance", distance),
        )
    )  # fmt: skip


def cartesian(x: float, y: float, z: float) -> str:
    """The XML of a position in the room."""
    return "<cartesian>1</cartesian>" + "".join(
        f'<position coordinate="{name}">{value:.6f}</position>'
        for name, value in (("X", x), ("Y", y), ("Z", z))
    )


def time(seconds: float) -> str:
    """``hh:mm:ss.zzzzz``."""
    minutes, rest = divmod(round(seconds, 5), 60.0)
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:08.5f}"


def document(sounds: Sequence[Sound]) -> tuple[str, list[tuple[int, str, str, str]]]:
    """The axml and the rows of chna: track, UID, track format, pack format."""
    parts, rows = [], []
    objects = "".join(
        f"<audioObjectIDRef>AO_{1001 + i:04x}</audioObjectIDRef>" for i in range(len(sounds))
    )
    parts.append(
        '<audioProgramme audioProgrammeID="APR_1001" audioProgrammeName="Mix">'
        "<audioContentIDRef>ACO_1001</audioContentIDRef></audioProgramme>"
        f'<audioContent audioContentID="ACO_1001" audioContentName="All">{objects}</audioContent>'
    )
    number = 0
    for i, sound in enumerate(sounds):
        kind = f"{KINDS[sound.kind]:04x}"
        types = f'typeLabel="{kind}" typeDefinition="{sound.kind}"'
        pack, uids, channels = f"AP_{kind}{0x1001 + i:04x}", "", ""
        for c, (name, blocks) in enumerate(sound.channels):
            number += 1
            identity = f"{kind}{0x1000 + number:04x}"
            uid = f"ATU_{number:08x}"
            track = sound.tracks[c] if sound.tracks else number
            rows.append((track, uid, f"AT_{identity}_01", pack))
            uids += f"<audioTrackUIDRef>{uid}</audioTrackUIDRef>"
            channels += f"<audioChannelFormatIDRef>AC_{identity}</audioChannelFormatIDRef>"
            parts.append(
                f'<audioChannelFormat audioChannelFormatID="AC_{identity}" '
                f'audioChannelFormatName="{name}" {types}>'
                + "".join(_block(identity, b, block) for b, block in enumerate(blocks, start=1))
                + "</audioChannelFormat>"
                f'<audioStreamFormat audioStreamFormatID="AS_{identity}" '
                f'audioStreamFormatName="{name}" formatLabel="0001" formatDefinition="PCM">'
                f"<audioChannelFormatIDRef>AC_{identity}</audioChannelFormatIDRef>"
                f"<audioTrackFormatIDRef>AT_{identity}_01</audioTrackFormatIDRef>"
                "</audioStreamFormat>"
                f'<audioTrackFormat audioTrackFormatID="AT_{identity}_01" '
                f'audioTrackFormatName="{name}" formatLabel="0001" formatDefinition="PCM">'
                f"<audioStreamFormatIDRef>AS_{identity}</audioStreamFormatIDRef></audioTrackFormat>"
                f'<audioTrackUID UID="{uid}" sampleRate="{RATE}" bitDepth="24">'
                f"<audioTrackFormatIDRef>AT_{identity}_01</audioTrackFormatIDRef>"
                f"<audioPackFormatIDRef>{pack}</audioPackFormatIDRef></audioTrackUID>"
            )
        parts.append(
            f'<audioObject audioObjectID="AO_{1001 + i:04x}" audioObjectName="{sound.name}" '
            f"{sound.attributes}><audioPackFormatIDRef>{pack}</audioPackFormatIDRef>"
            f"{uids}{sound.content}</audioObject>"
            f'<audioPackFormat audioPackFormatID="{pack}" audioPackFormatName="{sound.name}" '
            f"{types}>{channels}</audioPackFormat>"
        )
    body = "\n".join(parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ebuCoreMain xmlns="{NAMESPACE}"><coreMetadata><format>\n<audioFormatExtended>\n{body}\n'
        "</audioFormatExtended>\n</format></coreMetadata></ebuCoreMain>\n"
    ), rows


def _block(identity: str, number: int, block: Block) -> str:
    times = "" if block.start is None else f' rtime="{time(block.start)}"'
    times += "" if block.duration is None else f' duration="{time(block.duration)}"'
    name = f'audioBlockFormatID="AB_{identity}_{number:08x}"'
    return f"<audioBlockFormat {name}{times}>{block.content}</audioBlockFormat>\n"


def chna(rows: Sequence[tuple[int, str, str, str]]) -> bytes:
    """The chunk that says what is on which track (ITU-R BS.2088)."""
    content = struct.pack("<HH", len({row[0] for row in rows}), len(rows))
    for track, *texts in rows:
        content += struct.pack("<H12s14s11sx", track, *(text.encode("ascii") for text in texts))
    return content


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk, filled up to an even length."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def write_adm(
    path: Path, audio: np.ndarray, axml: str | bytes, rows: Sequence[tuple[int, str, str, str]],
    form: bytes = b"BW64",
) -> None:  # fmt: skip
    """Write a master (C, n) as 32-bit float, without empty chunks; RIFF, RF64 or BW64."""
    n_channels = len(audio)
    data = np.ascontiguousarray(audio.T, dtype="<f4").tobytes()
    fmt = struct.pack("<HHIIHH", 3, n_channels, RATE, 4 * n_channels * RATE, 4 * n_channels, 32)
    xml = axml.encode("utf-8") if isinstance(axml, str) else axml
    body = chunk(b"fmt ", fmt)
    body += chunk(b"chna", chna(rows)) if rows else b""
    body += chunk(b"axml", xml) if xml else b""
    large = form != b"RIFF"
    size = 4 + len(body) + (36 if large else 0) + 8 + len(data)
    with open(path, "wb") as file:
        file.write(form + struct.pack("<I", 0xFFFFFFFF if large else size) + b"WAVE")
        if large:
            sizes = struct.pack("<QQQI", size, len(data), audio.shape[1], 0)
            file.write(chunk(b"ds64", sizes))
        file.write(body)
        file.write(b"data" + struct.pack("<I", 0xFFFFFFFF if large else len(data)) + data)


# --- eight objects, once as ADM and once as JSON -----------------------------------------------

# Places of the room, and the directions that BS.2127 turns them into.
ROOM = {
    (-1.0, 1.0, 0.0): (30.0, 0.0, 1.0), (1.0, 1.0, 0.0): (-30.0, 0.0, 1.0),
    (-1.0, -1.0, 0.0): (110.0, 0.0, 1.0), (1.0, -1.0, 0.0): (-110.0, 0.0, 1.0),
    (1.0, 1.0, 1.0): (-30.0, 30.0, 1.0), (-1.0, -1.0, 1.0): (110.0, 30.0, 1.0),
    (0.0, 0.5, 0.0): (0.0, 0.0, 0.5), (-1.0, 0.0, 0.0): (70.0, 0.0, 1.0),
}  # fmt: skip


def objects() -> list[tuple[str, list[Block], list[dict[str, object]]]]:
    """Name, blocks and keyframes of each object."""
    rng = np.random.default_rng(8)
    found = []
    for i in range(8):
        name = f"object {i + 1}"
        times = np.concatenate([[0.0, 0.25], 0.25 + np.cumsum(rng.integers(40, 90, 8)) / 100.0])
        ways = list(ROOM) if i % 2 else _ways(rng)
        blocks, frames = [], []
        before: dict[str, object] = {}
        for k, (begin, end) in enumerate(zip(times, times[1:], strict=False)):
            at = ways[(k + i) % len(ways)]
            gain = round(float(rng.uniform(0.2, 1.0)), 4)
            ramp = (None, 0.0, 0.1)[(i // 2 + k) % 3]  # as long as the block, a jump, or short
            place = dict(
                zip(("azimuth_deg", "elevation_deg", "distance_m"), ROOM.get(at, at), strict=True)
            )
            here = {**place, "gain_db": 20.0 * float(np.log10(gain))}
            jump = "" if ramp is None else (
                f'<jumpPosition interpolationLength="{ramp:.5f}">1</jumpPosition>' if ramp
                else "<jumpPosition>1</jumpPosition>"
            )  # fmt: skip
            content = (cartesian(*at) if i % 2 else polar(*at)) + f"<gain>{gain:.4f}</gain>{jump}"
            last = k == len(times) - 2
            blocks.append(Block(begin, (SECONDS if last else end) - begin, content))
            if k and ramp != 0.0:
                frames.append({"time_seconds": float(begin), **before})
                arrival = (SECONDS if last else end) if ramp is None else begin + ramp
            else:
                arrival = begin
            if frames and frames[-1]["time_seconds"] == arrival:
                frames[-1]["time_seconds"] = float(arrival) - 1e-9
            frames.append({"time_seconds": float(arrival), **here, "easing": "hold"})
            before = here
        found.append((name, blocks, _merged(frames)))
    return found


def _ways(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    angles = np.round(rng.uniform([-180.0, -40.0, 0.3], [180.0, 80.0, 1.5], (6, 3)), 4)
    return [tuple(row) for row in angles.tolist()]


def _merged(frames: list[dict[str, object]]) -> list[dict[str, object]]:
    """Frames at rising times: one where a ramp ends as the next begins."""
    merged: list[dict[str, object]] = []
    for frame in frames:
        time_seconds = frame["time_seconds"]
        if merged and abs(merged[-1]["time_seconds"] - time_seconds) < 1e-6:  # type: ignore[operator]
            same = all(merged[-1][key] == frame[key] for key in ("azimuth_deg", "gain_db"))
            if same:
                merged[-1] = {**frame, "time_seconds": merged[-1]["time_seconds"]}
                continue
            merged[-1]["time_seconds"] = float(time_seconds) - 1e-9  # type: ignore[arg-type]
        merged.append(frame)
    return merged


def write_both(folder: Path, listener: Path | None = None) -> None:
    """Write master.wav, scene.json and its stems."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    audio = 0.1 * rng.standard_normal((8, round(SECONDS * RATE))).astype(np.float32)
    sounds, tracks = [], []
    for i, (name, blocks, frames) in enumerate(objects()):
        sounds.append(Sound(name, [(name, blocks)]))
        soundfile.write(folder / f"stem{i + 1}.wav", audio[i], RATE, subtype="FLOAT")
        tracks.append(
            {"file": f"stem{i + 1}.wav", "name": name, "position": {"keyframes": frames},
             "distance": {"gain": False, "near_field_m": 0}}
        )  # fmt: skip
    write_adm(folder / "master.wav", audio, *document(sounds))
    scene: dict[str, object] = {"auricle_scene": 1, "tracks": tracks}
    if listener is not None:
        scene["listener"] = {"hrtf": str(listener.absolute())}
    (folder / "scene.json").write_text(json.dumps(scene, indent=1))


def rendered(path: Path, listener: Path | None = None, rank: str | int = "auto") -> np.ndarray:
    """Both ears (n, 2) of a scene, which stay beside it in a file."""
    from dataclasses import replace

    from auricle.plugin_core.scene.scene import Scene

    scene = Scene.load(path)
    hrtf = None if listener is None else str(listener.absolute())
    scene.listener = replace(scene.listener, hrtf=hrtf, rank=rank)
    output = path.with_name(f"{path.stem}-binaural.wav")
    scene.render(output)
    return soundfile.read(output)[0]


def difference_db(found: np.ndarray, wanted: np.ndarray) -> float:
    """Level of the difference, of what is wanted."""
    return 20.0 * float(np.log10(np.linalg.norm(found - wanted) / np.linalg.norm(wanted) + 1e-15))


def main() -> None:
    folder = Path(sys.argv[1])
    listener = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    write_both(folder, listener)
    audio = [rendered(folder / name, listener) for name in ("master.wav", "scene.json")]
    print(f"ADM master against JSON scene: {difference_db(*audio):.1f} dB")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
