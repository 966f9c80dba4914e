"""Print the time and memory of loading and rendering a large ADM master, made for it.

    python benchmarks/scenes/adm_load.py [BLOCKS] [SECONDS]

128 channels: a bed 7.1.2 and 118 objects with BLOCKS (300) audioBlockFormats each, SECONDS (20)
long. Seconds are those of the processor, megabytes what the step adds to the peak.

Takes 1 min.
"""

import resource
import runpy
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CINEMA = {
    "L": (-1, 1, 0), "R": (1, 1, 0), "C": (0, 1, 0), "LFE": (-1, 1, -1), "Lss": (-1, 0, 0),
    "Rss": (1, 0, 0), "Lrs": (-1, -1, 0), "Rrs": (1, -1, 0), "Lts": (-1, 0, 1), "Rts": (1, 0, 1),
}  # fmt: skip
REST = (
    "<width>0.0</width><height>0.0</height><depth>0.0</depth><gain>1.0</gain>"
    '<jumpPosition interpolationLength="0.00521">1</jumpPosition>'
)


def make(path: Path, n_blocks: int, seconds: float) -> float:
    """Write the master; megabytes of its XML."""
    maker = runpy.run_path(str(ROOT / "examples" / "adm_master.py"))
    Block, Sound, cartesian = maker["Block"], maker["Sound"], maker["cartesian"]
    rng = np.random.default_rng(0)
    bed = [
        (name, [Block(content=f"<speakerLabel>RC_{name}</speakerLabel>{cartesian(*place)}")])
        for name, place in CINEMA.items()
    ]
    sounds = [Sound("Bed", bed, "DirectSpeakers")]
    length = seconds / n_blocks
    for i in range(118):
        places = np.clip(np.cumsum(rng.normal(0.0, 0.02, (n_blocks, 3)), axis=0), -1.0, 1.0)
        blocks = [
            Block(k * length, length, cartesian(*place) + REST) for k, place in enumerate(places)
        ]
        sounds.append(Sound(f"Object {i + 1}", [(f"Object {i + 1}", blocks)]))
    axml, rows = maker["document"](sounds)
    audio = 0.01 * rng.standard_normal((128, round(48000 * seconds)), dtype=np.float32)
    maker["write_adm"](path, audio, axml, rows, b"RF64")
    return len(axml) / 1e6


def load(path: Path) -> None:
    from auricle.plugin_core.scene.scene import Scene

    before, began = peak_mb(), time.process_time()
    scene = Scene.load(path)
    seconds, loaded = time.process_time() - began, peak_mb()
    keyframes = sum(len(getattr(track.position, "keyframes", ())) for track in scene.tracks)
    print(f"loaded in {seconds:.1f} s, {loaded - before:.0f} MB: {keyframes} keyframes")
    began = time.process_time()
    result = scene.render(path.with_name("out.wav"), n_workers=1)
    share = (time.process_time() - began) / result.seconds
    print(f"rendered in {share:.2f} s a second of sound, {peak_mb() - loaded:.0f} MB")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    n_blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "master.wav")
        # In a process of its own, so that the peak of memory is not that of the writing.
        with ProcessPoolExecutor(1) as pool:
            megabytes = pool.submit(make, path, n_blocks, seconds).result()
        print(f"{n_blocks} blocks an object, {megabytes:.0f} MB of XML")
        load(path)


if __name__ == "__main__":
    main()
