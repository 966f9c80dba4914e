"""Print how far laboratories are apart, and what is left of it after `harmonise`.

    python benchmarks/personalization/laboratories.py DATA [LISTENERS]

DATA is the folder of packed sets. LSD (200 Hz to 16 kHz) between the population means (of log
magnitudes, the first LISTENERS of each set, 16 by default) at directions that both have within 3
degrees, and the difference of their mean ITDs there.

Takes 1 min.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.spectral import spectra_lsd_db
from auricle.personalization.datasets.harmonise import harmonise
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.datasets.subjects import Subjects

RATE, TAPS, SIZE = 44100, 256, 512
KINDS = {
    "as measured": None,
    "level": {"diffuse_field": "none"},
    "level, listener's diffuse field": {"diffuse_field": "listener"},
    "level, laboratory's diffuse field": {"diffuse_field": "laboratory"},
}


def means(subjects: Subjects, options: dict | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    done = harmonise(subjects, RATE, TAPS, level=options is not None, **(options or {}))
    magnitude = np.abs(np.fft.rfft(done.ir, SIZE))
    itd = [itd_correlation_seconds(ir.astype(np.float64), RATE) for ir in done.ir]
    return done.positions, np.exp(np.log(magnitude + 1e-9).mean(axis=0)), np.mean(itd, axis=0)


def main() -> None:
    data = Path(sys.argv[1])
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    names = ("hutubs", "sonicom", "cipic", "sadie1")
    sets = {name: load_h5(data / "hrtf" / f"{name}.h5").take(slice(n)) for name in names}
    pairs = list(combinations(names, 2))
    print("| harmonised | " + " | ".join(f"{a}, {b}" for a, b in pairs) + " |")
    print("|---|" + "---|" * len(pairs))
    hz = np.fft.rfftfreq(SIZE, 1.0 / RATE)
    for kind, options in KINDS.items():
        found = {name: means(subjects, options) for name, subjects in sets.items()}
        cells = []
        for a, b in pairs:
            chord, rows = cKDTree(found[b][0]).query(found[a][0])
            near = np.rad2deg(chord) <= 3.0
            lsd = spectra_lsd_db(found[b][1][rows[near]], found[a][1][near], hz).mean()
            itd = 1e6 * np.abs(found[b][2][rows[near]] - found[a][2][near]).mean()
            cells.append(f"{lsd:.2f} dB, {itd:.0f} us")
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
