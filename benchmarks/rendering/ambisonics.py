"""Print how near ambisonic rendering comes to direct rendering, as markdown tables.

    python benchmarks/rendering/ambisonics.py [--quick]

It needs the measured data (AURICLE_DATA, else ../shared/data): Neumann KU100 (HRIR_L2702), 48 kHz.
The truth is known everywhere, as in interpolation.py; 600 random directions above elevation -60.
"Auricle" is read back from AmbisonicRenderer by impulses encoded from those directions.

LSD over 48 logarithmic bands from 200 Hz to 16 kHz after one global gain; ILD: mean absolute
difference in those bands; ITD error: slope of the interaural phase difference, 200 to 1500 Hz;
colour: mean absolute error of a band's level over all directions; level: mean power of the ears
against the truth's, without the global gain; coherence: RMS error of the interaural coherence of a
diffuse field, 200 Hz to 16 kHz. Time: a block of 128 samples with the head turning in every block.

Rows for spaudiopy (MagLS) appear where it is installed; it is given the same set.
"""

import argparse
import importlib.util
import time

import numpy as np
import scipy.fft as fft
import scipy.special
from interpolation import (
    DATA,
    LEAD,
    RATE,
    Ku100,
    band_powers,
    directions,
    itd_errors_us,
    measured,
    spectra,
)

from auricle.dsp.ambisonics.decoder import AmbisonicDecoder, design_decoder, vertex_areas
from auricle.dsp.ambisonics.magnitude_least_squares import magnitude_least_squares
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.geometry import azimuth_elevation_deg, quaternion_from_ypr_deg
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.responses import arrival
from auricle.dsp.sphere.harmonics import encode
from auricle.dsp.sphere.mesh import triangulate

COUNT, TAPS, SIZE = 600, 512, 512


def auricle(hrtf, order):
    return design_decoder(hrtf, RATE, order, level="measured")


def auricle_coherent(hrtf, order):
    return design_decoder(hrtf, RATE, order, level="measured", match_coherence=True)


def published(hrtf, order):
    """One round, plain squares, a sharp transition at 2 kHz."""
    hz = np.arange(SIZE // 2 + 1) * RATE / SIZE
    return fitted(hrtf, order, (hz < 2000.0).astype(float))


def least_squares(hrtf, order):
    return fitted(hrtf, order, np.ones(SIZE // 2 + 1))


def fitted(hrtf, order, blend):
    mesh = triangulate(hrtf.positions)
    share = vertex_areas(mesh)
    turn = np.exp(2j * np.pi * np.arange(SIZE // 2 + 1) / SIZE)
    wanted = fft.rfft(hrtf.ir[mesh.measured], SIZE) * turn**24
    basis = encode(mesh.vertices, order, "n3d")
    filters = magnitude_least_squares(basis, wanted, share, blend, rounds=1, power=0.0)
    ir = fft.irfft(filters * turn**-48.0, SIZE)[..., :256]
    return AmbisonicDecoder(ir.astype(np.float32), order, 24, RATE, 0.0)


def spaudiopy_magls(hrtf, order, transition_hz=None):
    if not hasattr(scipy.special, "sph_harm"):  # gone from SciPy, still asked for
        scipy.special.sph_harm = lambda m, n, azi, zen: scipy.special.sph_harm_y(n, m, zen, azi)
    from spaudiopy import decoder, sig

    azimuth, elevation = np.deg2rad(azimuth_elevation_deg(hrtf.positions))
    # Silence before the onset: its filters ring ahead, and without it the set would wrap around.
    ir = np.pad(hrtf.ir, ((0, 0), (0, 0), (64, 64)))
    given = sig.HRIRs(ir[:, 0], ir[:, 1], azimuth, np.pi / 2.0 - elevation, RATE)
    ears = decoder.magls_bin(given, order, f_trans=transition_hz) / np.sqrt(
        4.0 * np.pi
    )  # of orthonormal harmonics
    return AmbisonicDecoder(np.moveaxis(ears, 0, 1).astype(np.float32), order, 64, RATE, 0.0)


METHODS = {
    "least squares": least_squares,
    "MagLS as published, 2 kHz": published,
    "Auricle": auricle,
    "Auricle, match_coherence": auricle_coherent,
}
if importlib.util.find_spec("spaudiopy"):
    METHODS["spaudiopy 0.2.0, MagLS"] = spaudiopy_magls
    METHODS["the same, from 2 kHz"] = lambda hrtf, order: spaudiopy_magls(hrtf, order, 2000.0)


def rendered(decoder, targets):
    """Responses (Q, 2, TAPS) read from the renderer."""
    renderer = AmbisonicRenderer(decoder, RATE, order=decoder.order)
    impulse = np.zeros((decoder.filters.shape[0], TAPS), dtype=np.float32)
    found = []
    for gains in encode(targets, decoder.order):
        renderer.reset()
        impulse[:, 0] = gains
        found.append(renderer.process(impulse))
    return np.array(found, dtype=np.float64)


def coherence(ir):
    """Of a diffuse field made of responses (Q, 2, N)."""
    left, right = np.moveaxis(fft.rfft(ir, SIZE), 1, 0)
    power = np.mean(np.abs(left) ** 2, 0) * np.mean(np.abs(right) ** 2, 0)
    hz = np.arange(SIZE // 2 + 1) * RATE / SIZE
    return (np.mean((left * right.conj()).real, 0) / np.sqrt(power))[(hz >= 200.0) & (hz <= 16e3)]


def block_us(decoder):
    """Median time of a block while the head turns, in microseconds."""
    renderer = AmbisonicRenderer(decoder, RATE, order=decoder.order)
    x = np.random.default_rng(0).standard_normal((decoder.filters.shape[0], 128))
    x, out, seconds = x.astype(np.float32), np.zeros((2, 128), dtype=np.float32), []
    for q in quaternion_from_ypr_deg(np.arange(400) * 0.5, 10.0):
        renderer.set_listener(q)
        start = time.perf_counter()
        renderer.process_into(x, out)
        seconds.append(time.perf_counter() - start)
    return 1e6 * np.median(seconds[50:])


def errors(found, true, delay, shift):
    """Numbers of the table; responses (Q, 2, N), the truth aligned to LEAD and its arrivals."""
    level = 10.0 * np.log10(band_powers(found) / band_powers(true))
    error = level - level.mean()
    late = itd_errors_us(spectra(found), np.zeros((len(found), 2)), spectra(true), delay)
    whole = arrival.shifted(true, delay + shift - LEAD, found.shape[-1])
    return [
        np.sqrt((error**2).mean(-1)).mean(), np.abs(error[:, 0] - error[:, 1]).mean(), late.mean(),
        np.median(late), np.abs(error.mean(0)).mean(),
        10.0 * np.log10(np.sum(found**2) / np.sum(whole**2)),
        np.sqrt(np.mean((coherence(found) - coherence(whole)) ** 2)),
    ]  # fmt: skip


def order_table(orders):
    hrtf = HrtfSet.load(DATA / "ku100_nearfield" / "HRIR_L2702.sofa")
    targets = directions(COUNT)
    true, delay = Ku100().aligned(targets)
    print(
        "| order | method | LSD dB | ILD dB | ITD us, mean | median | colour dB | level dB |",
        end="",
    )
    print(" coherence | design s | block us |\n|" + "---|" * 11)
    for order in orders:
        for name, method in METHODS.items():
            start = time.perf_counter()
            decoder = method(hrtf, order)
            seconds = time.perf_counter() - start
            found = rendered(decoder, targets)
            row = errors(found, true, delay, decoder.latency_samples)
            cells = "{:.2f} | {:.2f} | {:.1f} | {:.1f} | {:.2f} | {:+.2f} | {:.2f}".format(*row)
            spent = f"{seconds:.1f} | {block_us(decoder):.0f}"
            print(f"| {order} | {name} | {cells} | {spent} |", flush=True)
    found = direct(hrtf, targets)
    cells = "{:.2f} | {:.2f} | {:.1f} | {:.1f} | {:.2f} | {:+.2f} | {:.2f}".format(
        *errors(found, true, delay, 0)
    )
    print(f"| - | sources, rank full | {cells} | | |")


def direct(hrtf, targets):
    """Responses read from the renderer of sources."""
    renderer = BinauralRenderer(prepare(hrtf, RATE, rank="full", level="measured"), RATE)
    impulse = np.zeros((1, TAPS), dtype=np.float32)
    impulse[0, 0] = 1.0
    found = []
    for target in targets:
        renderer.reset()
        renderer.set_positions([target])
        found.append(renderer.process(impulse))
    return np.array(found, dtype=np.float64)


def sets_table(orders):
    """At measured directions of other sets, all of them given."""
    print("\nLSD dB / ILD dB / ITD us, mean, at the measured directions of other sets\n")
    print("| set | directions |", " | ".join(f"order {n}" for n in orders), "|")
    print("|---|---|" + "---|" * len(orders))
    for name, row in (("hutubs", 10), ("sonicom", 20), ("cipic", 10), ("kemar", 0)):
        positions, ir = measured(name, row)
        hrtf = HrtfSet(ir, positions, 1.0, RATE)
        cells = []
        for order in orders:
            decoder = auricle(hrtf, order)
            found = np.einsum("qc,cen->qen", encode(positions, order, "n3d"), decoder.filters)
            level = 10.0 * np.log10(band_powers(found) / band_powers(ir))
            error = level - level.mean()
            none = np.zeros((len(ir), 2))
            late = itd_errors_us(spectra(found), none, spectra(ir), none)
            lsd, ild = np.sqrt((error**2).mean(-1)).mean(), np.abs(error[:, 0] - error[:, 1]).mean()
            cells.append(f"{lsd:.2f} / {ild:.2f} / {late.mean():.1f}")
        print(f"| {name} | {len(ir)} |", " | ".join(cells), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="KU100 and orders 1 and 3 alone")
    quick = parser.parse_args().quick
    order_table((1, 3) if quick else (1, 3, 5, 7))
    if not quick:
        sets_table((1, 3, 5, 7))


if __name__ == "__main__":
    main()
