"""Print how well responses between measured directions are predicted, as markdown tables.

    python benchmarks/rendering/interpolation.py [--quick]

It needs the measured data (AURICLE_DATA, else ../shared/data). Everything at 48 kHz.

1. Neumann KU100 (HRIR_L2702): the truth is an order-35 spherical-harmonic fit of the aligned
   spectra and an order-20 fit of the arrival times, so it is known everywhere. A 15-degree grid
   (241 directions, elevation -60 to 90) and a 5-degree grid (2161) of it are given, random
   directions above elevation -60 are asked for. LSD over 48 logarithmic bands from 200 Hz to
   16 kHz after one global gain; ILD: mean absolute difference in those bands.
2. Measured listeners, every second direction left out and asked for. LSD unsmoothed, FFT 512,
   200 Hz to 16 kHz; ILD from the energies in that range.

ITD error: slope of the interaural phase difference between answer and truth, 200 to 1500 Hz.

Takes 3 min.
"""

import argparse
import os
import time
from pathlib import Path

import h5py
import numpy as np
import scipy.fft as fft

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.interpolation.gp_mixture import interpolate
from auricle.dsp.interpolation.mesh_refinement import refine
from auricle.dsp.responses import arrival, minimum_phase
from auricle.dsp.responses.time_axis import resampled
from auricle.dsp.sphere.mesh import triangulate
from auricle.plugin_core.bench.protocols.truth import harmonics
from auricle.plugin_core.bench.protocols.truth import random_directions as directions

RATE, SIZE, LEAD = 48000, 512, 32
HZ = np.arange(SIZE // 2 + 1) * RATE / SIZE
HEARD = (HZ >= 200.0) & (HZ <= 16000.0)
LOW = (HZ >= 200.0) & (HZ <= 1500.0)
OMEGA = 2.0 * np.pi * np.arange(SIZE // 2 + 1) / SIZE
LISTENERS = {"sonicom": (0, 20, 40), "hutubs": (10, 30, 50), "cipic": (0, 10, 20)}
DATA = Path(
    os.environ.get("AURICLE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data"
)


class Grid:
    """A measured grid as the methods get it: raw, aligned, and its mesh."""

    def __init__(self, positions, ir):
        self.positions, self.ir = positions, ir
        self.mesh = triangulate(positions)
        self.arrivals = arrival.arrival_samples(ir, RATE, positions)
        self.n_taps = ir.shape[-1] + LEAD
        self.aligned = arrival.shifted(ir, LEAD - self.arrivals, self.n_taps)

    def mixed(self, values, targets, mesh=None):
        mesh = mesh or self.mesh
        values = values if len(values) == len(mesh.vertices) else mesh.fill(values)
        triangle, weights = mesh.locate(targets)
        return np.einsum("qi,qi...->q...", weights, values[mesh.triangles[triangle]])


def nearest(grid, targets):
    row = np.argmax(targets @ grid.positions.T, axis=1)
    return grid.aligned[row], grid.arrivals[row]


def barycentric_raw(grid, targets):
    return grid.mixed(grid.ir, targets), np.full((len(targets), 2), float(LEAD))


def barycentric_aligned(grid, targets):
    return grid.mixed(grid.aligned, targets), grid.mixed(grid.arrivals, targets)


def barycentric_minimum_phase(grid, targets):
    """With the delays that fit its phase below 1.5 kHz."""
    magnitude = minimum_phase.floored_magnitude(grid.ir, 2048)
    responses = minimum_phase.minimum_phase(magnitude, SIZE)
    delays = arrival.low_frequency_arrival_samples(grid.ir, responses, grid.arrivals, RATE)
    responses = np.pad(responses, ((0, 0), (0, 0), (LEAD, 0)))[..., :SIZE]
    return grid.mixed(responses, targets), grid.mixed(delays, targets)


def spherical_harmonics(grid, targets):
    """Least squares on aligned responses, order 15, less in small sets; high orders damped."""
    order = min(15, int(np.sqrt(len(grid.positions))) - 2)
    degree = np.concatenate([np.full(2 * n + 1, n) for n in range(order + 1)])
    basis = harmonics(grid.positions, order)
    damping = 1e-4 * len(grid.positions) * np.diag(1.0 + degree * (degree + 1.0))
    values = np.concatenate([grid.aligned.reshape(len(basis), -1), grid.arrivals], axis=1)
    found = harmonics(targets, order) @ np.linalg.solve(basis.T @ basis + damping, basis.T @ values)
    return found[:, :-2].reshape(len(targets), 2, -1), found[:, -2:]


def predicted(grid, targets):
    mesh, known = grid.mesh, len(grid.mesh.measured)
    ir, arrivals = mesh.fill(grid.aligned), mesh.fill(grid.arrivals)
    return interpolate(ir, arrivals, mesh.vertices, targets, trusted=known)


def rendered(grid, targets):
    mesh, ir, arrivals = refine(grid.mesh, grid.aligned, grid.arrivals)
    return grid.mixed(ir, targets, mesh), grid.mixed(arrivals, targets, mesh)


METHODS = {
    "nearest": nearest,
    "barycentric, raw responses": barycentric_raw,
    "barycentric, aligned": barycentric_aligned,
    "barycentric, minimum phase": barycentric_minimum_phase,
    "spherical harmonics, aligned": spherical_harmonics,
    "Auricle's prediction": predicted,
    "Auricle's engine (refined mesh, flat triangles)": rendered,
}


def spectra(ir):
    return fft.rfft(ir[..., :SIZE], SIZE)


def itd_errors_us(found, found_delay, true, true_delay):
    """Absolute ITD errors (Q,) between spectra (Q, 2, F) of responses that are to be delayed."""
    turn = [np.exp(-1j * OMEGA * (d[:, :1] - d[:, 1:])) for d in (found_delay, true_delay)]
    cross = found[:, 0] * np.conj(found[:, 1]) * turn[0]
    reference = true[:, 0] * np.conj(true[:, 1]) * turn[1]
    weight = (np.abs(reference) * OMEGA)[:, LOW]
    phase = np.angle(cross * np.conj(reference))[:, LOW]
    return np.abs((weight * phase).sum(1) / (weight * OMEGA[LOW]).sum(1)) / RATE * 1e6


def band_powers(ir):
    """Mean powers (Q, 2, 48) in logarithmic bands, of spectra four times finer than the lowest."""
    size, edges = 8192, np.geomspace(200.0, 16000.0, 49)
    power = np.abs(fft.rfft(ir, size)) ** 2
    hz = np.arange(size // 2 + 1) * RATE / size
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return np.stack([power[..., (hz >= a) & (hz < b)].mean(-1) for a, b in pairs], axis=-1)


class Ku100:
    """The continuous truth."""

    def __init__(self):
        with h5py.File(DATA / "ku100_nearfield" / "HRIR_L2702.sofa") as file:
            ir = file["Data.IR"][...].astype(float)
            positions = unit_vectors(*file["SourcePosition"][:, :2].T)
        arrivals = arrival.arrival_samples(ir, RATE, positions)
        aligned = arrival.shifted(ir, LEAD - arrivals, ir.shape[-1] + LEAD)
        self._ir = np.linalg.lstsq(
            harmonics(positions, 35), aligned.reshape(len(ir), -1), rcond=None
        )[0]
        self._arrivals = np.linalg.lstsq(harmonics(positions, 20), arrivals, rcond=None)[0]

    def aligned(self, positions):
        ir = (harmonics(positions, 35) @ self._ir).reshape(len(positions), 2, -1)
        return ir, harmonics(positions, 20) @ self._arrivals

    def grid(self, step):
        ring = np.arange(0.0, 360.0, step)
        points = [(a, e) for e in np.arange(-60.0, 90.0, step) for a in ring]
        positions = unit_vectors(*np.array([*points, (0.0, 90.0)]).T)
        ir, arrivals = self.aligned(positions)
        ir = np.pad(ir, ((0, 0), (0, 0), (0, 64)))
        return Grid(positions, arrival.shifted(ir, arrivals - LEAD, ir.shape[-1]))


def continuous_table(counts):
    truth = Ku100()
    for step in (15, 5):
        grid = truth.grid(step)
        print(f"\n### KU100, {step}-degree grid ({len(grid.positions)} directions)\n")
        titles = [f"{c}: LSD dB | ILD dB | ITD us, mean | median" for c in counts]
        print("| method |", " | ".join(titles), "|")
        print("|---|" + "---|" * (4 * len(counts)))
        for name, method in METHODS.items():
            cells = []
            found_ir, found_delay = method(grid, directions(max(counts)))
            true_ir, true_delay = truth.aligned(directions(max(counts)))
            level = 10.0 * np.log10(band_powers(found_ir) / band_powers(true_ir))
            itd = itd_errors_us(spectra(found_ir), found_delay, spectra(true_ir), true_delay)
            for count in counts:
                error, late = level[:count] - level[:count].mean(), itd[:count]
                lsd = np.sqrt((error**2).mean(-1)).mean()
                ild = np.abs(error[:, 0] - error[:, 1]).mean()
                cells.append(f"{lsd:.3f} | {ild:.2f} | {late.mean():.2f} | {np.median(late):.2f}")
            print(f"| {name} |", " | ".join(cells), "|", flush=True)


def measured(name, row):
    """Positions and responses at 48 kHz."""
    if name == "kemar":
        path = DATA / "default_hrtf" / "MIT_KEMAR_normal_pinna.sofa"
        with h5py.File(path) as file:
            ir, source, rate = (
                file["Data.IR"][...].astype(float),
                file["SourcePosition"][...],
                44100,
            )
    else:
        with h5py.File(DATA / "hrtf" / f"{name}.h5") as file:
            ir = file["ir_i16"][row].astype(float) * float(file["scale"][row])
            source, rate = file["source_position"][...], int(file.attrs["sampling_rate"])
    return unit_vectors(*source[:, :2].T), resampled(ir, rate, RATE)


def held_out_errors(name, row):
    """LSD dB, ILD dB, ITD us and seconds (methods, 4) at the left-out directions."""
    positions, ir = measured(name, row)
    grid, targets = Grid(positions[::2], ir[::2]), positions[1::2]
    delay = np.full((len(targets), 2), float(LEAD))
    true = spectra(ir[1::2])
    if ir.shape[-1] > SIZE - 64:  # long sets: the window must hold the same part of both
        arrivals = arrival.arrival_samples(ir[1::2], RATE)
        true = spectra(arrival.shifted(ir[1::2], LEAD - arrivals, SIZE))
        delay = arrivals
    rows = []
    for method in METHODS.values():
        start = time.perf_counter()
        found_ir, found_delay = method(grid, targets)
        found, seconds = spectra(found_ir), time.perf_counter() - start
        level = 20.0 * np.log10(np.maximum(np.abs(found), 1e-9) / np.maximum(np.abs(true), 1e-9))
        energy = [np.sum(np.abs(s[..., HEARD]) ** 2, axis=-1) for s in (found, true)]
        ild = [10.0 * np.log10(e[:, 0] / e[:, 1]) for e in energy]
        late = itd_errors_us(found, found_delay, true, delay)
        rows.append([
            np.sqrt((level[..., HEARD] ** 2).mean(-1)).mean(), np.abs(ild[0] - ild[1]).mean(),
            late.mean(), np.median(late), seconds,
        ])  # fmt: skip
    return np.array(rows)


def held_out_table(listeners):
    print("\n### Every second direction left out\n")
    sets = {**listeners, "kemar": (0,)}
    print("LSD dB / ILD dB / ITD us, mean / ITD us, median; seconds of the whole call\n")
    print("| method |", " | ".join(sets), "|")
    print("|---|" + "---|" * len(sets))
    means = [
        np.mean([held_out_errors(name, row) for row in rows], 0) for name, rows in sets.items()
    ]
    for i, name in enumerate(METHODS):
        cells = ["{:.2f} / {:.2f} / {:.1f} / {:.1f}; {:.1f} s".format(*mean[i]) for mean in means]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one listener a set")
    quick = parser.parse_args().quick
    continuous_table((80, 600, 5000))
    held_out_table({k: v[:1] if quick else v for k, v in LISTENERS.items()})


if __name__ == "__main__":
    main()
