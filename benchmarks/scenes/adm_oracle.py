"""Print what Auricle reads from ADM files beside what the EBU's own reader, `ear`, reads.

    python benchmarks/scenes/adm_oracle.py EAR_PYTHON [FILE.wav ...]

EAR_PYTHON is the Python of a virtual environment of its own with `pip install ear 'setuptools<80'`
(it needs an old numpy). Without files some are made: moving objects in both kinds of coordinates,
jumps, gaps, nested objects, beds, ambisonics, and a file without XML. For each kind of channel the
largest differences are printed; objects are compared at 400 times, place and level.

Takes 1 min.
"""

import json
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RATE = 48000
TIMES = np.arange(400) * 0.01481 + 0.00123


# --- with ear's Python -------------------------------------------------------------------------


def read_with_ear(path: str) -> list[dict[str, Any]]:
    from ear.core.metadata_input import (
        DirectSpeakersRenderingItem,
        HOARenderingItem,
        ObjectRenderingItem,
    )
    from ear.fileio import openBw64Adm

    found = []
    with openBw64Adm(path) as reader:
        for item in reader.selected_items:
            if isinstance(item, HOARenderingItem):
                blocks = _blocks(item.metadata_source)
                found.append(
                    {"kind": "HOA", "tracks": [spec.track_index for spec in item.track_specs],
                     "orders": blocks[0].orders, "degrees": blocks[0].degrees,
                     "normalisation": blocks[0].normalization}
                )  # fmt: skip
                continue
            entry: dict[str, Any] = {"track": item.track_spec.track_index}
            blocks = _blocks(item.metadata_source)
            if isinstance(item, ObjectRenderingItem):
                entry |= {"kind": "Objects", "values": _values(blocks)}
            elif isinstance(item, DirectSpeakersRenderingItem):
                position = blocks[0].block_format.position
                entry |= {"kind": "DirectSpeakers", "labels": blocks[0].block_format.speakerLabel}
                if hasattr(position, "azimuth"):
                    entry["angles"] = [position.azimuth, position.elevation]
            found.append(entry)
    return found


def _blocks(source: Any) -> list[Any]:
    blocks = []
    while (block := source.get_next_block()) is not None:
        blocks.append(block)
    return blocks


def _values(blocks: list[Any]) -> list[list[float] | None]:
    """x front, y left, z up and gain at each of the times; None: silent."""
    from ear.core.objectbased.conversion import to_polar
    from ear.core.objectbased.renderer import InterpretObjectMetadata
    from ear.core.renderer_common import InterpGains

    def place_and_gain(block: Any) -> np.ndarray:
        polar = to_polar(block.block_format)
        azimuth, elevation = np.radians([polar.position.azimuth, polar.position.elevation])
        level = polar.position.distance * np.cos(elevation)
        up = polar.position.distance * np.sin(elevation)
        return np.array([level * np.cos(azimuth), level * np.sin(azimuth), up, polar.gain])

    interpret = InterpretObjectMetadata(place_and_gain)
    values: list[list[float] | None] = [None] * len(TIMES)
    for block in blocks:
        for part in interpret(RATE, block):
            begin, end = float(part.start_sample), float(part.end_sample)
            for i in np.flatnonzero((begin <= TIMES * RATE) & (end > TIMES * RATE)):
                if isinstance(part, InterpGains):
                    share = (TIMES[i] * RATE - begin) / (end - begin)
                    value = (1.0 - share) * part.gains_start + share * part.gains_end
                else:
                    value = part.gains
                values[i] = value.tolist()
    return values


# --- with Auricle ------------------------------------------------------------------------------


def compare(path: Path, ear_python: str) -> None:
    from auricle.dsp.geometry import angle_deg, unit_vectors
    from auricle.dsp.loudspeakers.layouts import layout
    from auricle.plugin_core.scene.playback.player import position_path
    from auricle.plugin_core.scene.scene import Scene

    run = subprocess.run(
        [ear_python, "-W", "ignore", __file__, "--read", str(path)], capture_output=True, text=True
    )
    if run.returncode:
        print(f"{path.name}: ear: {run.stderr.strip().splitlines()[-1][:200]}")
        return
    theirs = json.loads(run.stdout)
    tracks = list(Scene.load(path).tracks)
    ours = {
        kind: [track for track in tracks if track.type == kind]
        for kind in ("object", "bed", "ambisonic")
    }
    worst = {"place": 0.0, "gain": 0.0}
    objects = [each for each in theirs if each["kind"] == "Objects"]
    for each in objects:
        mine = next(t for t in ours["object"] if t.channels == (each["track"] + 1,))
        ours["object"].remove(mine)
        way = position_path(mine.position, Path)
        gains = way.gains(TIMES) * 10.0 ** (mine.gain_db / 20.0) * (not mine.mute)
        places = way.positions_m(TIMES)
        for i, value in enumerate(each["values"]):
            worst["gain"] = max(worst["gain"], abs(gains[i] - (value[3] if value else 0.0)))
            if value:
                error = float(np.abs(places[i] - value[:3]).max())
                worst["place"] = max(worst["place"], error)
    speakers = [each for each in theirs if each["kind"] == "DirectSpeakers"]
    heard: dict[int, Any] = {}
    for track in ours["bed"]:
        named = zip(track.channels, layout(track.layout).loudspeakers, strict=True)
        heard |= {channel - 1: speaker for channel, speaker in named}
    angles = [0.0]
    for each in speakers:
        mine = heard.pop(each["track"], None)
        if mine is None:
            point = next(t for t in ours["object"] if t.channels == (each["track"] + 1,))
            ours["object"].remove(point)
            mine = point.position
        elif mine.is_lfe:
            continue
        if "angles" in each:
            there = unit_vectors(*each["angles"])
            angles.append(
                float(angle_deg(unit_vectors(mine.azimuth_deg, mine.elevation_deg), there))
            )
    scenes = [each for each in theirs if each["kind"] == "HOA"]
    same = 0
    for each in scenes:
        acn = [n * n + n + m for n, m in zip(each["orders"], each["degrees"], strict=True)]
        channels = tuple(each["tracks"][acn.index(i)] + 1 for i in range(len(acn)))
        same += any(
            t.channels == channels and t.normalisation == each["normalisation"].lower()
            for t in ours["ambisonic"]
        )
    extra = len(ours["object"]) + len(heard)
    print(
        f"{path.name}: {len(objects)} objects: place {worst['place']:.0e}, "
        f"gain {worst['gain']:.0e}; {len(speakers)} loudspeakers: {max(angles):.1f} deg; "
        f"{len(scenes)} ambisonic scenes: {same} the same; only ours: {extra}"
    )


def make_files(folder: Path) -> list[Path]:
    maker = runpy.run_path(str(ROOT / "examples" / "adm_master.py"))
    Block, Sound, polar, cartesian = (
        maker[name] for name in ("Block", "Sound", "polar", "cartesian")
    )
    rng = np.random.default_rng(5)
    maker["write_both"](folder)

    def moving(kind: str) -> list[Any]:
        blocks, at = [], float(rng.integers(0, 3)) / 10.0
        for _ in range(40):
            length = float(rng.integers(2, 20)) / 100.0
            if kind == "polar":
                place = polar(*rng.uniform([-180, -90, 0], [180, 90, 2]))
            else:
                place = cartesian(*rng.uniform(-1, 1, 3))
            ramp = rng.choice(["", "<jumpPosition>1</jumpPosition>",
                '<jumpPosition interpolationLength="0.01500">1</jumpPosition>'])  # fmt: skip
            gain = f"<gain>{rng.uniform(0, 1.5):.5f}</gain>"
            blocks.append(Block(at, length, place + gain + ramp))
            at = round(at + length + float(rng.choice([0, 0, 0, 0.07])), 5)
        return blocks

    def speakers(text: str) -> list[tuple[str, list[Any]]]:
        found = []
        for line in text.split():
            label, *numbers = line.split(",")
            place = polar(*map(float, numbers)) if len(numbers) == 2 else cartesian(
                *map(float, numbers)
            )  # fmt: skip
            found.append((label, [Block(content=f"<speakerLabel>{label}</speakerLabel>{place}")]))
        return found

    cinema = (
        "RC_L,-1,1,0 RC_R,1,1,0 RC_C,0,1,0 RC_LFE,-1,1,-1 RC_Lss,-1,0,0 RC_Rss,1,0,0 "
        "RC_Lrs,-1,-1,0 RC_Rrs,1,-1,0 RC_Lts,-1,0,1 RC_Rts,1,0,1"
    )
    itu = "M+030,30,0 M-030,-30,0 M+000,0,0 LFE,0,-30 M+110,110,0 M-110,-110,0"
    hoa = [
        (f"acn{n * n + n + m}", [Block(content=f"<order>{n}</order><degree>{m}</degree>"
         "<normalization>N3D</normalization>")])
        for n in range(4) for m in range(-n, n + 1)
    ]  # fmt: skip
    cases = {
        "polar": [Sound(f"p{i}", [("p", moving("polar"))]) for i in range(8)],
        "cartesian": [Sound(f"c{i}", [("c", moving("cartesian"))]) for i in range(8)],
        "started": [
            Sound("late", [("x", moving("polar"))], attributes='start="00:00:01.50000"'),
            Sound("still", [("y", [Block(content=polar(50, 10))])],
                  attributes='start="00:00:02.00000" duration="00:00:01.50000"'),
        ],
        "cinema": [Sound("bed", speakers(cinema), "DirectSpeakers")]
        + [Sound(f"o{i}", [("o", moving("cartesian"))]) for i in range(3)],
        "itu": [Sound("bed", speakers(itu), "DirectSpeakers")],
        "odd": [Sound("bed", speakers("M+090,90,0 B-010,-10,-30 x,17,5"), "DirectSpeakers")],
        "hoa": [Sound("scene", hoa[::-1], "HOA")],
    }  # fmt: skip
    paths = [folder / "master.wav"]
    for name, sounds in cases.items():
        axml, rows = maker["document"](sounds)
        if name == "started":  # and one inside the other
            axml = axml.replace(
                "<audioObjectIDRef>AO_03ea</audioObjectIDRef></audioContent>", "</audioContent>"
            ).replace(
                "</audioObject>", "<audioObjectIDRef>AO_03ea</audioObjectIDRef></audioObject>", 1
            )
        audio = np.zeros((len(rows), RATE * 8), dtype=np.float32)
        maker["write_adm"](folder / f"{name}.wav", audio, axml, rows)
        paths.append(folder / f"{name}.wav")
    rows = [(i + 1, f"ATU_{i + 1:08x}", f"AT_0001000{i + 1}_01", "AP_00010003") for i in range(6)]
    maker["write_adm"](folder / "plain.wav", np.zeros((6, RATE), np.float32), "", rows)
    return [*paths, folder / "plain.wav"]


def main() -> None:
    if sys.argv[1] == "--read":
        warnings.simplefilter("ignore")
        print(json.dumps(read_with_ear(sys.argv[2]), default=float))
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in map(Path, sys.argv[2:]) if len(sys.argv) > 2 else make_files(Path(folder)):
            compare(path, sys.argv[1])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
