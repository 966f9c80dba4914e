"""Print the ILD in low bands at each rank.

    python benchmarks/rendering/low_frequency_ild.py [SET.sofa]

An impulse at azimuth -30, -60 and -90; level of the right ear minus that of the left one, in dB,
over half octaves. "full" is the measured response.

Takes 1 min.
"""

import sys

import numpy as np

import auricle

RATE, LENGTH = 44100, 1 << 15
BANDS_HZ = (125, 250, 500, 1000, 4000)


def responses(hrtf: auricle.HrtfSet, azimuth_deg: float, rank: str) -> np.ndarray:
    renderer = auricle.BinauralRenderer(hrtf, sample_rate=RATE, n_sources=1, rank=rank)
    angle = np.radians(azimuth_deg)
    renderer.set_positions([[np.cos(angle), np.sin(angle), 0.0]])
    renderer.process(np.zeros((1, 8192), dtype=np.float32))
    impulse = np.zeros((1, LENGTH), dtype=np.float32)
    impulse[0, 0] = 1.0
    return np.abs(np.fft.rfft(renderer.process(impulse), axis=1)) ** 2


def main() -> None:
    hrtf = auricle.HrtfSet.load(sys.argv[1]) if len(sys.argv) > 1 else auricle.default_hrtf(RATE)
    frequencies = np.fft.rfftfreq(LENGTH, 1.0 / RATE)
    print(f"{hrtf.name}\n\n| azimuth | rank | {' | '.join(f'{band} Hz' for band in BANDS_HZ)} |")
    print("|---|---|" + "---|" * len(BANDS_HZ))
    for azimuth_deg in (-30.0, -60.0, -90.0):
        for rank in ("auto", "full"):
            power = responses(hrtf, azimuth_deg, rank)
            row = []
            for band in BANDS_HZ:
                near = np.abs(np.log2(frequencies.clip(1.0) / band)) < 0.25
                left, right = power[:, near].sum(axis=1)
                row.append(f"{10.0 * np.log10(right / left):.1f}")
            print(f"| {azimuth_deg:.0f} | {rank} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
