"""Print how right the ITD of predicted directions is: every second one left out, then filled in.

    python benchmarks/personalization/densify_itd.py DATA

ITD below 1.5 kHz of the responses that ``personalize densify`` writes, against those measured
there: median, 95 of 100 and worst, in microseconds, for four listeners of HUTUBS and two of SONICOM
and CIPIC (CIPIC thinned to every fourth direction first). "arrivals alone" is the same prediction
with minimum-phase responses behind predicted arrivals, as it was written before.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.personalization.listeners.from_datasets import subjects_in
from auricle.personalization.listeners.shipped import shipped_training
from auricle.personalization.sparse.completion import complete
from auricle.personalization.sparse.completion.densify import dense_method, densified

LISTENERS = (("hutubs", (10, 30, 50, 70), 1), ("sonicom", (0, 20), 1), ("cipic", (0, 20), 4))


def errors_us(kept, left, upsampler) -> np.ndarray:
    done = densified(kept, upsampler, left.positions)
    found = done.hrtf.subset(np.arange(done.n_measured, done.hrtf.n_directions))
    rows = np.argmax(found.positions @ left.positions.T, axis=1)
    seconds = [itd_correlation_seconds(x.ir, x.sample_rate) for x in (found, left.subset(rows))]
    return 1e6 * np.abs(seconds[0] - seconds[1])


def main() -> None:
    data, training = Path(sys.argv[1]), shipped_training()
    with_measured = complete.with_measured_itd
    print("| set | row | directions | arrivals alone: median, 95 %, worst us | as written |")
    print("|---|---|---|---|---|")
    for name, rows, step in LISTENERS:
        for row in rows:
            whole = subjects_in(data, name).hrtf_set(row)
            whole = whole.subset(np.arange(0, whole.n_directions, step))
            kept = whole.subset(np.arange(0, whole.n_directions, 2))
            left = whole.subset(np.arange(1, whole.n_directions, 2))
            upsampler = dense_method(kept.n_directions, training)
            cells = []
            for way in (lambda *of: of[-1].arrival_seconds, with_measured):
                complete.with_measured_itd = way
                found = errors_us(kept, left, upsampler)
                cells.append("{:.0f}, {:.0f}, {:.0f}".format(*np.percentile(found, [50, 95, 100])))
            print(f"| {name} | {row} | {kept.n_directions} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
