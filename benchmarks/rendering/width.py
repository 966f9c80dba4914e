"""Print what the width of a source does: interaural coherence, level, ILD, and clean tones.

    python benchmarks/rendering/width.py [SET.sofa]

Without a set it takes the default listener.

Coherence: the largest normalised cross-correlation of the ears within 1 ms, noise of 10 s, in
bands. Level: of both ears against the point source, 200 Hz to 16 kHz, noise with equal power in
each third octave. A tone of 1 kHz whose source turns at 90 degrees/s while its width goes from 0 to
120 degrees and back every second: energy further than 150 Hz from it.

Takes 1 min.
"""

import sys

import numpy as np

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import prepared_set
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.bench.own import spread_db

RATE = 48000
WIDTHS = (0.0, 10.0, 20.0, 40.0, 60.0, 90.0, 120.0, 180.0)
BANDS = ((200.0, 600.0), (600.0, 2000.0), (2000.0, 6000.0))


def rendered(prepared: PreparedSet, width_deg: float, azimuth_deg: float, audio: np.ndarray):
    renderer = BinauralRenderer(prepared, RATE)
    renderer.set_widths(width_deg)
    renderer.set_positions(unit_vectors(azimuth_deg, 0.0)[None])
    return renderer.process(audio)[:, 4096:].astype(np.float64)


def noise(seconds: float) -> np.ndarray:
    """Pink from 200 Hz to 16 kHz."""
    white = np.random.default_rng(1).standard_normal(int(seconds * RATE))
    hz = np.fft.rfftfreq(white.size, 1.0 / RATE)
    inside = (hz >= 200.0) & (hz <= 16000.0)
    spectrum = np.fft.rfft(white) * inside / np.sqrt(np.maximum(hz, 1.0))
    audio = np.fft.irfft(spectrum, white.size)
    return (0.1 * audio / np.std(audio)).astype(np.float32)[None]


def coherence(ears: np.ndarray, low_hz: float, high_hz: float) -> float:
    spectra = np.fft.rfft(ears)
    hz = np.fft.rfftfreq(ears.shape[1], 1.0 / RATE)
    spectra = spectra * ((hz >= low_hz) & (hz < high_hz))
    cross = np.fft.irfft(spectra[0] * spectra[1].conj(), ears.shape[1])
    powers = np.fft.irfft(np.abs(spectra) ** 2, ears.shape[1])[:, 0]
    reach = RATE // 1000
    near = np.concatenate([cross[-reach:], cross[: reach + 1]])
    return float(np.abs(near).max() / np.sqrt(powers.prod()))


def tone_db(prepared: PreparedSet, widest_deg: float) -> tuple[float, float]:
    renderer = BinauralRenderer(prepared, RATE)
    t = np.arange(4 * RATE) / RATE
    tone = (0.1 * np.sin(2.0 * np.pi * 1000.0 * t)).astype(np.float32)[None]
    out = []
    for at in range(0, tone.shape[1], 128):
        seconds = (at + 128) / RATE
        renderer.set_widths(widest_deg * (0.5 - 0.5 * np.cos(2.0 * np.pi * seconds)))
        renderer.set_positions(unit_vectors(90.0 * seconds, 0.0)[None])
        out.append(renderer.process(tone[:, at : at + 128]))
    return spread_db(np.concatenate(out, axis=1)[:, RATE:], 1000.0, RATE)


def main() -> None:
    hrtf = HrtfSet.load(sys.argv[1]) if len(sys.argv) > 1 else default_hrtf(RATE)
    prepared = prepared_set(hrtf, RATE)
    audio = noise(10.0)
    azimuths = (0.0, 45.0, 90.0, 180.0)
    print(f"{hrtf.name or 'default listener'}, {prepared.report}")
    heads = " | ".join(f"level at {a:.0f} dB" for a in azimuths)
    bands = " | ".join(f"coherence {low:.0f}-{high:.0f} Hz" for low, high in BANDS)
    print(f"| width | {bands} | {heads} | ILD ahead dB |")
    print("|---" * (2 + len(BANDS) + len(azimuths)) + "|")
    points = [np.sum(rendered(prepared, 0.0, azimuth, audio) ** 2) for azimuth in azimuths]
    for width in WIDTHS:
        ears = [rendered(prepared, width, azimuth, audio) for azimuth in azimuths]
        levels = [10.0 * np.log10(np.sum(e**2) / p) for e, p in zip(ears, points, strict=True)]
        powers = np.sum(ears[0] ** 2, axis=1)
        cells = [f"{coherence(ears[0], *band):.2f}" for band in BANDS]
        cells += [f"{level:+.2f}" for level in levels]
        cells.append(f"{10.0 * np.log10(powers[0] / powers[1]):+.2f}")
        print(f"| {width:.0f} | " + " | ".join(cells) + " |")
    for widest in (0.0, 120.0):
        print(f"tone, width up to {widest:.0f}: {tone_db(prepared, widest)[0]:.1f} dB outside")


if __name__ == "__main__":
    main()
