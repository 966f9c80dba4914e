"""Print how near a far-field set comes to near sources, against sets measured near a dummy head.

    python benchmarks/rendering/near_field.py DATA

KU100 on the horizontal circle, 360 directions: sets at 0.25, 0.5, 1 and 1.5 m predicted from the
one at 3.25 m, and nearer ones from the one at 1.5 m. LSD: 200 Hz to 16 kHz, FFT 512, unsmoothed.

Levels: each set was scaled by itself when published, so the 1/r law cannot be read from them. One
gain for each method and distance, the mean difference in dB over all directions, both ears and
frequencies, is taken out before LSD; ILD and ITD need none. The set at 3.25 m was played by another
loudspeaker than the rest, whose colour is left in; from 1.5 m it is the same one.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from offgrid import _phase_itd

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S, path_m, sphere_response
from auricle.dsp.compiled.options import STEP
from auricle.dsp.distance import near_field
from auricle.dsp.distance.cues import EARS, DistanceCues
from auricle.dsp.distance.near_field import near_field_table, parallax_directions, variation_db
from auricle.dsp.filters import biquad
from auricle.dsp.geometry import azimuth_elevation_deg
from auricle.dsp.hrtf.head_radius import head_radius_m
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.hrtf.structural_model import computed_hrtf
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.render.spatialize import filter_row
from auricle.dsp.responses import arrival

RATE = 48000
SIZE = 512
HZ = np.fft.rfftfreq(SIZE, 1.0 / RATE)
INSIDE = (HZ >= 200.0) & (HZ <= 16000.0)
FILES = {
    0.25: "HRIR_CIRC360_NF025.sofa",
    0.5: "HRIR_CIRC360_NF050.sofa",
    1.0: "HRIR_CIRC360_NF100.sofa",
    1.5: "HRIR_CIRC360_NF150.sofa",
    3.25: "HRIR_CIRC360.sofa",
}


class Far:
    """The set to start from: spectra (360, 2, F) without delays, and arrival times (360, 2)."""

    def __init__(self, hrtf: HrtfSet) -> None:
        self.hrtf = hrtf
        self.arrivals = arrival.arrival_samples(hrtf.ir, RATE, hrtf.positions)
        turn = np.exp(2j * np.pi * HZ / RATE * self.arrivals[..., None])
        self.spectra = np.fft.rfft(hrtf.ir, SIZE) * turn
        self.radius_m = head_radius_m(hrtf)

    def at(self, directions: np.ndarray, extra_samples: float | np.ndarray = 0.0) -> np.ndarray:
        """Spectra (360, 2, F) at directions (360, 2, 3) of either ear, later by extra samples."""
        azimuth = azimuth_elevation_deg(directions)[0] % 360.0
        low = np.floor(azimuth).astype(int)
        part = azimuth - low
        rows, ears = (low % 360, (low + 1) % 360), np.arange(2)
        spectra, arrivals = (
            x[rows[0], ears] + (part if x.ndim == 2 else part[..., None])
            * (x[rows[1], ears] - x[rows[0], ears])
            for x in (self.spectra, self.arrivals)
        )  # fmt: skip
        delay = arrivals + extra_samples
        return spectra * np.exp(-2j * np.pi * HZ / RATE * delay[..., None])


def nothing(far: Far, distance_m: float) -> np.ndarray:
    return far.at(np.repeat(far.hrtf.positions[:, None], 2, axis=1))


def parallax(far: Far, distance_m: float) -> np.ndarray:
    return far.at(_seen(far, distance_m))


def sphere(far: Far, distance_m: float) -> np.ndarray:
    """Near over far of a rigid sphere as large as the ITD says: the usual method, exact."""
    cosine = far.hrtf.positions @ EARS.T
    near = sphere_response(distance_m, cosine, HZ, far.radius_m)
    return (
        nothing(far, distance_m)
        * near
        / sphere_response(far.hrtf.radius_m, cosine, HZ, far.radius_m)
    )


def exact(far: Far, distance_m: float) -> np.ndarray:
    """What the shelves stand for: parallax, exact near over far, delays by the paths."""
    cosine = far.hrtf.positions @ EARS.T
    seen = _seen(far, distance_m)
    reference = far.hrtf.radius_m
    near_m = path_m(distance_m, cosine, far.radius_m)
    far_m = path_m(reference, np.sum(seen * EARS, axis=-1), far.radius_m)
    level = variation_db(distance_m, cosine, HZ, reference, far.radius_m)
    return far.at(seen, (near_m - far_m) / SOUND_SPEED_M_S * RATE) * 10.0 ** (level / 20.0)


def shelves(far: Far, distance_m: float) -> np.ndarray:
    """What the renderer's kernel gives."""
    reference = far.hrtf.radius_m
    table = near_field_table(reference, far.radius_m, RATE)
    cues = DistanceCues(360, RATE, table, limit_m=np.inf)
    cues.aim(distance_m * far.hrtf.positions, np.eye(3), np.zeros(3), True)
    return far.at(cues.directions, cues.delays) * biquad.response(cues.coefficients[1], HZ, RATE)


def _seen(far: Far, distance_m: float) -> np.ndarray:
    directions = np.repeat(far.hrtf.positions[:, None], 2, axis=1)
    ears = np.broadcast_to(EARS, directions.shape)
    distances = np.full(directions.shape[:2], distance_m)
    return parallax_directions(directions, distances, ears, far.hrtf.radius_m, far.radius_m)


METHODS: dict[str, Callable[[Far, float], np.ndarray]] = {
    "nothing": nothing,
    "parallax alone": parallax,
    "rigid sphere, exact": sphere,
    "ours, exact": exact,
    "ours, shelves": shelves,
}


def row(found: np.ndarray, truth: HrtfSet) -> tuple[float, ...]:
    """LSD dB: all, near ear, far ear; ILD error dB: at 90 degrees, mean; 2-8 kHz: the same; ITD."""
    wanted = np.fft.rfft(truth.ir, SIZE)
    db = 20.0 * np.log10(np.abs(found[..., INSIDE]) / np.abs(wanted[..., INSIDE]))
    lsd = np.sqrt(np.mean((db - db.mean()) ** 2, axis=-1))
    side = truth.positions @ EARS.T
    itd = np.abs(_phase_itd(np.fft.irfft(found, SIZE), truth.ir)).mean() * 1e6
    ild = []
    for low, high in ((0.0, 24000.0), (2000.0, 8000.0)):
        error = _ild_db(found, low, high) - _ild_db(wanted, low, high)
        # Both sides, each with its own sign: positive is more level difference than measured.
        ild += [0.5 * (error[90] - error[270]), np.abs(error).mean()]
    return lsd.mean(), lsd[side > 0.01].mean(), lsd[side < -0.01].mean(), *ild, itd


def _ild_db(spectra: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    bins = slice(*np.searchsorted(HZ, [low_hz, high_hz]))
    energy = np.sum(np.abs(spectra[..., bins]) ** 2, axis=-1)
    return 10.0 * np.log10(energy[:, 0] / energy[:, 1])


def ablation(sets: dict[float, HrtfSet]) -> None:
    """The exact model with each of its three constants as a plain sphere would have it."""
    far = Far(sets[3.25])
    columns = "LSD dB | ILD error at 90 deg, dB | 2-8 kHz: at 90 deg"
    print(f"\n| from 3.25 m | 0.25 m: {columns} | 0.5 m: {columns} |\n" + "|---" * 7 + "|")
    for label, name, value in (
        ("all three", "SHADOW_RADIUS", near_field.SHADOW_RADIUS),
        ("shadow of the ITD's radius", "SHADOW_RADIUS", 1.0),
        ("parallax from the surface", "PARALLAX_RADIUS", 1.0),
        ("no parallax", "PARALLAX_RADIUS", 0.0),
        ("the spot stays", "SPOT_DEG", 180.0),
    ):
        before = getattr(near_field, name)
        setattr(near_field, name, value)
        cells = []
        for distance in (0.25, 0.5):
            v = row(exact(far, distance), sets[distance])
            cells += [f"{v[0]:.2f}", f"{v[3]:+.1f}", f"{v[5]:+.1f}"]
        setattr(near_field, name, before)
        print(f"| {label} | " + " | ".join(cells) + " |")


def speed(n_sources: int = 256, steps: int = 400) -> None:
    """Microseconds a source and control step, beside the renderer's; each the best of its steps."""
    rng = np.random.default_rng(1)
    way = rng.normal(size=(n_sources, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    audio = rng.normal(size=(n_sources, STEP)).astype(np.float32)
    renderer = BinauralRenderer(computed_hrtf(), RATE, STEP, n_sources)
    cues = DistanceCues(n_sources, RATE, near_field_table(3.25, 0.09, RATE), Air())
    cells = []
    for low, high in ((0.2, 1.0), (5.0, 100.0)):
        times = np.full((3, steps), np.inf)
        for i in range(steps):
            positions = way * rng.uniform(low, high, (n_sources, 1))
            began = time.perf_counter()
            cues.aim(positions, np.eye(3), np.zeros(3), i == 0)
            aimed = time.perf_counter()
            filter_all(audio, cues.coefficients, cues.memory)
            filtered = time.perf_counter()
            renderer.set_positions(positions)
            renderer.process(audio)
            times[:, i] = aimed - began, filtered - aimed, time.perf_counter() - filtered
        cells.append(times.min(axis=1) / n_sources * 1e6)
    print("\n| sources at | aim, us | filter, both ears, us | renderer without them, us |")
    print("|---|---|---|---|")
    for name, cell in zip(("0.2-1 m", "5-100 m"), cells, strict=True):
        print(f"| {name} | {cell[0]:.2f} | {cell[1]:.2f} | {cell[2]:.2f} |")


@njit
def filter_all(audio, coefficients, memory):
    for s in range(len(audio)):
        for e in range(2):
            filter_row(
                audio[s], 0, STEP, 0, coefficients[0, s, e], coefficients[1, s, e], memory[s, e]
            )


def main() -> None:
    folder = Path(sys.argv[1]) / "ku100_nearfield"
    sets = {r: HrtfSet.load(folder / name) for r, name in FILES.items()}
    for reference in (3.25, 1.5):
        far = Far(sets[reference])
        print(f"\nFrom {reference} m, head radius {1000 * far.radius_m:.1f} mm by its ITD:\n")
        print("| distance | method | LSD dB | near ear | far ear | ILD error at 90 deg, dB | mean |"
              " 2-8 kHz: at 90 deg | mean | ITD error us |\n" + "|---" * 10 + "|")  # fmt: skip
        for distance in [r for r in FILES if r < reference]:
            for name, method in METHODS.items():
                v = row(method(far, distance), sets[distance])
                print(
                    f"| {distance} m | {name} | {v[0]:.2f} | {v[1]:.2f} | {v[2]:.2f} | {v[3]:+.1f} "
                    f"| {v[4]:.1f} | {v[5]:+.1f} | {v[6]:.1f} | {v[7]:.0f} |"
                )
    ablation(sets)
    speed()


if __name__ == "__main__":
    main()
