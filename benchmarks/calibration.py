"""Print how often the truth lies within the spread that a prediction states.

    python benchmarks/calibration.py DATA

First of five folds, directions that were not measured: the share of magnitudes and of ITDs within
one and two standard deviations (of a normal distribution 0.68 and 0.95), the spread stated and the
root mean square error. "across": the listeners that ship, on SONICOM.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.splits import folds
from auricle.personalization.features import HEARD, itd_seconds
from auricle.personalization.sparse.comparison import counts_of, measured_rows
from auricle.personalization.sparse.listeners import ListenersAcross, ListenersProcess
from auricle.personalization.sparse.method import Training
from auricle.personalization.sparse.shipped import shipped_training
from auricle.personalization.sparse.training_sets import people_only, subjects_in, training_of


def covered(upsampler: ListenersProcess, test: Training, rows: np.ndarray) -> str:
    left_out = np.setdiff1d(np.arange(len(test.positions)), rows)
    magnitude, late, spread_db, spread_us = [], [], [], []
    for row, found in enumerate(upsampler.predict_many(test.directions(rows), test.positions)):
        error = found.magnitude_db - test.magnitude_db[row]
        magnitude.append(error[left_out][..., HEARD])
        spread_db.append(found.spread_db[left_out][..., HEARD])
        itd = itd_seconds(found.arrival_seconds) - itd_seconds(test.arrival_seconds[row])
        late.append(1e6 * itd[left_out])
        spread_us.append(1e6 * found.spread_seconds[left_out])
    cells = []
    for error, spread in ((magnitude, spread_db), (late, spread_us)):
        ratio = np.abs(np.array(error) / np.array(spread))
        rms = np.sqrt(np.mean(np.square(error)))
        cells += [f"{np.mean(ratio < 1):.2f}, {np.mean(ratio < 2):.2f}"]
        cells += [f"{np.sqrt(np.mean(np.square(spread))):.1f}, {rms:.1f}"]
    return " | ".join(cells)


def main() -> None:
    data = Path(sys.argv[1])
    print("| set | directions | dB within 1, 2 sd | sd, error dB | ITD within | sd, error us |")
    print("|---|---|---|---|---|---|")
    for name in sys.argv[2:] or ("sonicom", "hutubs", "across"):
        subjects = people_only(subjects_in(data, "sonicom" if name == "across" else name))
        whole = training_of(subjects)
        train, test = folds(subjects.people)[0]
        if name == "across":
            upsampler: ListenersProcess = ListenersAcross(with_spread=True)
            upsampler.fit(shipped_training())
        else:
            upsampler = ListenersProcess(with_spread=True)
            upsampler.fit(whole.take(train))
        for count in counts_of(subjects.dataset):
            cells = covered(upsampler, whole.take(test), measured_rows(subjects, count))
            print(f"| {name} | {count} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
