"""Print how far CIPIC's directions are from the middle of their neighbours in elevation.

    python benchmarks/personalization/repeatability.py DATA

On the cone at lateral angle 80 neighbours lie 1 degree apart, so what differs there is hardly the
head: divided by the root of 1.5 it is a bound on how well a measurement repeats. LSD from 345 Hz to
15.8 kHz of the listeners that ``auricle compare --densify`` tests, for the near and the far ear.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.registry import DATASETS
from auricle.personalization.listeners.from_datasets import subjects_in, training_of
from auricle.personalization.sparse.evaluation.comparison import MIDDLE

STEP_DEG = 5.625  # of the elevation on each cone
LATERAL_DEG = (0, 20, 40, 55, 65, 80)


def middle_error_db(cone: np.ndarray) -> np.ndarray:
    """Mean LSD (2,) of the ears of spectra (B, K, 2, F) in the order of their elevation."""
    apart = cone[:, 1:-1] - (cone[:, :-2] + cone[:, 2:]) / 2.0
    return np.asarray(np.sqrt(np.mean(apart**2, axis=-1)).mean(axis=(0, 1)))


def main() -> None:
    subjects = subjects_in(Path(sys.argv[1]), "cipic")
    whole = training_of(subjects).take(list(DATASETS["CIPIC"].dense_rows))
    x, y, z = whole.positions.T
    lateral_deg = np.rad2deg(np.arcsin(np.clip(y, -1.0, 1.0)))
    around_deg = np.rad2deg(np.arctan2(z, x))
    around_deg = np.where(around_deg < -90.0, around_deg + 360.0, around_deg)
    print("| lateral deg | apart deg | near ear dB | far ear dB | repeats within, near, far dB |")
    print("|---|---|---|---|---|")
    for wanted in LATERAL_DEG:
        found = []
        for side in (1, -1):
            rows = np.flatnonzero(np.abs(lateral_deg - side * wanted) < 1.0)
            rows = rows[np.argsort(around_deg[rows])]
            ears = middle_error_db(whole.magnitude_db[:, rows][..., MIDDLE].astype(np.float64))
            found.append(ears[::side])  # the left ear is near at +90
        near, far = np.mean(found, axis=0)
        apart = STEP_DEG * np.cos(np.deg2rad(wanted))
        bound = f"{near / 1.5**0.5:.1f}, {far / 1.5**0.5:.1f}"
        print(f"| {wanted} | {apart:.1f} | {near:.2f} | {far:.2f} | {bound} |")


if __name__ == "__main__":
    main()
