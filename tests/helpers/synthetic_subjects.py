"""Listeners made by formula for the tests: Subjects of pulse heads, and folders of their files."""

import csv
from pathlib import Path

import numpy as np
from pulse_head import full_sphere, pulse_head

from auricle.personalization.datasets.subjects import Subjects, people_of

RATE = 44100
N_TAPS = 128


def listeners(
    n: int = 4,
    spacing_deg: float = 30.0,
    seed: int = 0,
    dataset: str = "made",
    n_taps: int = N_TAPS,
) -> Subjects:
    """``n`` heads on one symmetric grid that differ by short random filters at each ear."""
    rng = np.random.default_rng(seed)
    grid = full_sphere(spacing_deg)
    head = pulse_head(grid, RATE, n_taps, onset_seconds=0.0008).ir
    ir = []
    for _ in range(n):
        taps = rng.standard_normal((len(grid), 2, 8)) * 0.1
        taps[..., 0] = 1.0
        size = 2 * n_taps
        spectrum = np.fft.rfft(head, size) * np.fft.rfft(taps, size)
        ir.append(np.fft.irfft(spectrum, size)[..., :n_taps])
    ids = tuple(str(k + 1) for k in range(n))
    measures = rng.uniform(1.0, 20.0, (n, 3))
    names = ("x1", "L_d1", "R_d1")
    return Subjects(ids, np.stack(ir), grid, 1.5, RATE, measures, names, people_of(ids), dataset)


def write_folder(subjects: Subjects, folder: Path, stem: str = "made_{:04d}.sofa") -> Path:
    """The listeners as a laboratory publishes them: SOFA files and anthropometry.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, subject in enumerate(subjects.ids):
        subjects.hrtf_set(row).save(folder / stem.format(int(subject)))
    with open(folder / "anthropometry.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", *subjects.measure_names])
        for subject, row in zip(subjects.ids, subjects.measures, strict=True):
            writer.writerow([subject, *("" if np.isnan(v) else f"{v:.6f}" for v in row)])
    return folder
