"""Print, as a table, how exactly the engine renders measured directions of public HRTF sets.

    python benchmarks/rendering/accuracy.py DATA

DATA is the folder that holds hrtf/, default_hrtf/ and the like.

Full rank: error against direct convolution with the measured response, noise from 20 Hz to 18
kHz, 25 random directions, the set's own level and rate. Auto rank: buses an ear, mean and 95th
percentile of the LSD at all measured directions (200 Hz to 16 kHz, of the whole responses,
unsmoothed, 48 kHz), and the mean at every second direction left out.

Takes 2 min.
"""

import sys
import time
from pathlib import Path

import h5py
import numpy as np

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer


def packed(data: Path, name: str, row: int) -> HrtfSet:
    with h5py.File(data / "hrtf" / f"{name}.h5") as file:
        ir = file["ir_i16"][row].astype(float) * float(file["scale"][row])
        position = file["source_position"][...].astype(float)
        rate = int(file.attrs["sampling_rate"])
    return HrtfSet(ir, unit_vectors(position[:, 0], position[:, 1]), radius_m=1.0, sample_rate=rate)


def sets(data: Path):
    yield "KEMAR", HrtfSet.load(data / "default_hrtf" / "MIT_KEMAR_normal_pinna.sofa")
    for name, row in (("hutubs", 10), ("sonicom", 0), ("cipic", 0)):
        yield f"{name.upper()} row {row}", packed(data, name, row)
    yield "KU100", HrtfSet.load(data / "ku100_nearfield" / "HRIR_L2702.sofa")


def exactness_db(hrtf: HrtfSet) -> tuple[float, float]:
    rate, n = hrtf.sample_rate, 8192
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n))
    hz = np.fft.rfftfreq(n, 1.0 / rate)
    spectrum[(hz < 20.0) | (hz > 18000.0)] = 0.0
    x = np.pad(np.fft.irfft(spectrum, n), (0, 1024)).astype(np.float32)
    renderer = BinauralRenderer(prepare(hrtf, rate, rank="full", level="measured"), rate)
    errors = []
    for m in np.random.default_rng(1).integers(0, hrtf.n_directions, 25):
        renderer.reset()
        renderer.set_positions(hrtf.positions[m : m + 1])
        found = renderer.process(x[None])
        wanted = np.stack([np.convolve(x, hrtf.ir[m, e])[: len(x)] for e in range(2)])
        error = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        errors.append(20.0 * np.log10(error))
    return float(np.max(errors)), float(np.median(errors))


def main() -> None:
    data = Path(sys.argv[1])
    print(
        "| set | full rank: worst, median error dB | auto: buses | LSD dB | 95 % | left out | s |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, hrtf in sets(data):
        worst, median = exactness_db(hrtf)
        begin = time.perf_counter()
        low = prepare(hrtf, 48000)
        seconds = time.perf_counter() - begin
        between = f"{low.errors.left_out_lsd_db.mean():.2f} dB"
        print(
            f"| {name} | {worst:.0f}, {median:.0f} | {low.rank} | {low.errors.lsd_db.mean():.2f} "
            f"| {np.percentile(low.errors.lsd_db, 95):.2f} | {between} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
