"""Print the error of the population mean for one listener, in us, by each ITD estimator.

    python benchmarks/personalization/itd_estimators.py DATA

DATA is the folder of packed sets. Each of the first 40 listeners of SONICOM and HUTUBS against the
mean ITD of the 39 others; and the largest ITD, which shows where an estimator jumps.

Takes 1 min.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.dsp.metrics.interaural import (
    itd_correlation_seconds,
    itd_maxiacce_seconds,
    itd_onset_seconds,
)
from auricle.personalization.datasets.packed import load_h5

ESTIMATORS = {
    "correlation below 1.5 kHz": itd_correlation_seconds,
    "correlation below 3 kHz": lambda ir, rate: itd_correlation_seconds(ir, rate, 3000.0),
    "MaxIACCe": itd_maxiacce_seconds,
    "MaxIACCe, parabola": lambda ir, rate: itd_maxiacce_seconds(ir, rate, parabola=True),
    "onset -30 dB": itd_onset_seconds,
}


def main() -> None:
    print("| set | estimator | error us | largest ITD us |\n|---|---|---|---|")
    for name in ("sonicom", "hutubs"):
        subjects = load_h5(Path(sys.argv[1]) / "hrtf" / f"{name}.h5").take(slice(40))
        responses = [ir.astype(np.float64) for ir in subjects.ir]
        for label, estimator in ESTIMATORS.items():
            itd = 1e6 * np.stack([estimator(ir, subjects.sample_rate) for ir in responses])
            others = (itd.sum(axis=0) - itd) / (len(itd) - 1)
            error, largest = np.abs(itd - others).mean(), np.abs(itd).max()
            print(f"| {name} | {label} | {error:.1f} | {largest:.0f} |", flush=True)


if __name__ == "__main__":
    main()
