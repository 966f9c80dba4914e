"""Print how much memory preparing a set, an hour-long scene and 10,000 sources take.

    python benchmarks/rendering/memory.py DATA [--scene-seconds S]

Each row is a process of its own: its peak resident memory (getrusage), all in, with an empty cache
of prepared sets, and of compiled kernels in the row of the scene. "Imported" is what Python and its
packages take before anything is read.

Takes 1 h; with `--scene-seconds 60` 10 min.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from accuracy import sets

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.engine import Engine
from auricle.plugin_core.scene.scene import Scene

HERE = Path(__file__).resolve().parent
RATE = 48000
SONG = HERE.parents[1] / "examples" / "song.json"


def peak_mb() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / (1024.0 if sys.platform == "linux" else 1024.0**2)


def prepared_peak(path: str, rank: str) -> None:
    imported, start = peak_mb(), time.process_time()
    hrtf = HrtfSet.load(path)
    loaded = peak_mb()
    prepare(hrtf, RATE, rank=rank)
    seconds = time.process_time() - start
    print(f"{imported:.0f} | {loaded:.0f} | {peak_mb():.0f} | {seconds:.0f}")


def scene_peak(path: str, hrtf: str, seconds: str) -> None:
    """The song's chains and moves, over and over."""
    imported = peak_mb()
    tree = json.loads(SONG.read_text())
    folder = Path(path)
    tree["folder"], tree["seconds"], tree["listener"] = "", float(seconds), {"hrtf": hrtf}
    for i, track in enumerate(tree["tracks"]):
        track["file"], track["loop"] = f"stem{i}.wav", True
    file = folder / "scene.json"
    file.write_text(json.dumps(tree))
    start = time.process_time()
    Scene.load(file).render(folder / "out.flac", n_workers=1)
    print(f"{imported:.0f} | {peak_mb():.0f} | {time.process_time() - start:.0f}")


def sources_bytes(path: str, rank: str) -> None:
    """Arrays of the renderer for 10,000 sources, without the tables of the set."""
    engine = Engine(prepare(HrtfSet.load(path), RATE, rank=rank), 10_000)
    arrays = {**vars(engine), **{f"cues {n}": v for n, v in vars(engine._cues).items()}}
    sizes = {
        name.strip("_"): value.nbytes / 1e6
        for name, value in arrays.items()
        if isinstance(value, np.ndarray) and 10_000 in value.shape
    }
    largest = sorted(sizes, key=lambda name: -sizes[name])[:4]
    each = ", ".join(f"{name} {sizes[name]:.1f}" for name in largest)
    print(f"{sum(sizes.values()):.1f} | {each}")


def run(task: str, *arguments: str, kernels: Path | None = None) -> str:
    with tempfile.TemporaryDirectory() as cold:
        environment = {**os.environ, "AURICLE_CACHE": cold}
        if kernels is not None:
            environment["NUMBA_CACHE_DIR"] = str(kernels)
        command = [sys.executable, __file__, "--task", task, *arguments]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()


def write_stems(folder: Path) -> None:
    import soundfile

    rng = np.random.default_rng(0)
    for i in range(5):
        audio = 0.05 * rng.standard_normal((10 * RATE, 1 + i % 2))
        soundfile.write(folder / f"stem{i}.wav", audio, RATE, subtype="FLOAT")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--scene-seconds", default="3600")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {}
        for label, hrtf in sets(options.data):
            files[label] = str(folder / f"{len(files)}.sofa")
            hrtf.save(files[label])
        print("| set | rank | imported MB | loaded MB | prepared, peak MB | seconds |")
        print("|---|---|---|---|---|---|")
        for label, file in files.items():
            for rank in ("auto", "full"):
                print(f"| {label} | {rank} | {run('prepare', file, rank)} |", flush=True)
        print("\n| 10,000 sources, rank | MB | largest arrays, MB |\n|---|---|---|")
        for rank in ("auto", "full"):
            print(f"| {rank} | {run('sources', next(iter(files.values())), rank)} |", flush=True)
        write_stems(folder)
        print(f"\n| scene of {options.scene_seconds} s | imported MB | peak MB | seconds |")
        print("|---|---|---|---|")
        for i, (label, file) in enumerate(files.items()):
            kernels = folder / f"kernels{i}"
            found = run("scene", str(folder), file, options.scene_seconds, kernels=kernels)
            print(f"| {label} | {found} |", flush=True)


TASKS = {"prepare": prepared_peak, "scene": scene_peak, "sources": sources_bytes}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        TASKS[sys.argv[2]](*sys.argv[3:])
    else:
        main()
