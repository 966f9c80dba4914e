"""Print how often the truth lies within the spread that a prediction states.

    python benchmarks/personalization/calibration.py DATA [SET ...]

Some listeners of the first of five folds of a data set, or of all ("across-sadie1": from the
listeners that ship), at 3, 5, 19 and 100 directions: the share of magnitudes and of ITDs, where
nothing was measured, within one and two standard deviations (of a normal distribution 0.68 and
0.95), the spread stated and the error, both as root mean squares.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.lap import COUNTS
from auricle.personalization.datasets.splits import folds
from auricle.personalization.listeners.features import EVALUATED_BINS, itd_seconds
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.listeners.shipped import shipped_training
from auricle.personalization.sparse.evaluation.comparison import measured_rows
from auricle.personalization.sparse.listener_gp.process import ListenersAcross, ListenersProcess
from auricle.personalization.sparse.method import Method, predict_many
from auricle.personalization.sparse.methods.other_laboratory import WithoutEquipment
from auricle.personalization.sparse.methods.ridge import BandRidge

SETS = ("sonicom", "hutubs", "across-sadie1", "across-sonicom")
LISTENERS = 8


def covered(upsampler: Method, test: ListenerGroup, rows: np.ndarray) -> str:
    left_out = np.setdiff1d(np.arange(len(test.positions)), rows)
    magnitude, late, std_db, spread_us = [], [], [], []
    for row, found in enumerate(predict_many(upsampler, test.directions(rows), test.positions)):
        error = found.magnitude_db - test.magnitude_db[row]
        magnitude.append(error[left_out][..., EVALUATED_BINS])
        std_db.append(found.std_db[left_out][..., EVALUATED_BINS])
        itd = itd_seconds(found.arrival_seconds) - itd_seconds(test.arrival_seconds[row])
        late.append(1e6 * itd[left_out])
        spread_us.append(1e6 * found.std_seconds[left_out])
    cells = []
    for error, spread in ((magnitude, std_db), (late, spread_us)):
        ratio = np.abs(np.array(error) / np.array(spread))
        rms = np.sqrt(np.mean(np.square(error)))
        cells += [f"{np.mean(ratio < 1):.2f}, {np.mean(ratio < 2):.2f}"]
        cells += [f"{np.sqrt(np.mean(np.square(spread))):.1f}, {rms:.1f}"]
    return " | ".join(cells)


def methods(across: bool) -> list[Method]:
    ridge = partial(BandRidge, with_spread=True)
    if across:
        return [ListenersAcross(with_spread=True), WithoutEquipment("ridge-across", ridge)]
    return [ListenersProcess(with_spread=True), ridge()]


def main() -> None:
    data = Path(sys.argv[1])
    print("| set | method | directions | dB within | sd, error dB | ITD within | sd, error us |")
    print("|---|---|---|---|---|---|---|")
    for name in sys.argv[2:] or SETS:
        across = name.startswith("across-")
        subjects = people_only(subjects_in(data, name.removeprefix("across-")))
        whole = training_of(subjects)
        train, test = folds(subjects.people)[0]
        rows = np.arange(len(whole)) if across else test
        some = whole.take(rows[np.linspace(0, len(rows) - 1, LISTENERS).astype(int)])
        for upsampler in methods(across):
            upsampler.fit(shipped_training() if across else whole.take(train))
            for count in COUNTS:
                cells = covered(upsampler, some, measured_rows(subjects, count))
                print(f"| {name} | {upsampler.name} | {count} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
