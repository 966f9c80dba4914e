"""Print how often predicted intervals hold the truth, on SONICOM's first fold of five.

    python benchmarks/personalization/flow_calibration.py DATA [--seconds S] [--weights FILE]

The process over listeners (Gaussian posterior) and the flow, in one run: errors, coverage of 50, 80
and 95 % intervals of magnitudes and ITD at the directions not measured, mean spread, CRPS.

Takes 20 min.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.splits import folds
from auricle.personalization.learning.training_loop import Plan
from auricle.personalization.learning.weights import load_weights, save_weights
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.sparse.evaluation.calibration import calibration, sample_coverage
from auricle.personalization.sparse.evaluation.comparison import counts_of, errors_of, measured_rows
from auricle.personalization.sparse.listener_gp.process import ListenersProcess
from auricle.personalization.sparse.method import predict_many
from auricle.personalization.sparse.models.flow.flow import Flow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=220.0, help="of training")
    parser.add_argument("--weights", type=Path, help="kept there; read if the file is there")
    options = parser.parse_args()
    subjects = people_only(subjects_in(options.data, "sonicom"))
    whole = training_of(subjects)
    train, test = folds(subjects.people)[0]
    truth = whole.take(test)
    gaussian = ListenersProcess(with_spread=True)
    gaussian.fit(whole.take(train))
    flow = _flow(whole.take(train), options)
    for count in counts_of(subjects.dataset):
        rows = measured_rows(subjects, count)
        for upsampler in (gaussian, flow):
            found = predict_many(upsampler, truth.directions(rows), truth.positions)
            errors = [
                errors_of(one, truth, row, subjects.ir[test[row]], rows)
                for row, one in enumerate(found)
            ]
            mean = {name: np.mean([each[name] for each in errors]) for name in errors[0]}
            _print(count, upsampler.name, mean, calibration(found, truth, rows))
        shares = []
        for row in range(0, len(truth), 4):
            drawn = flow.samples(truth.listener(row, rows), truth.positions, 64)
            shares.append(sample_coverage(drawn, truth.magnitude_db[row], rows))
        print(f"{count:4d} flow, quantiles of 64 samples: {_percent(np.mean(shares, axis=0))}")


def _flow(train, options):
    if options.weights is not None and options.weights.is_file():
        return Flow.from_weights(load_weights(options.weights, "flow"))
    flow = Flow(Plan(seconds=options.seconds))
    flow.fit(train, lambda done, state: print(f"{done:.2f} {state}", file=sys.stderr, flush=True))
    if options.weights is not None:
        save_weights(options.weights, flow.to_weights())
    return flow


def _print(count, name, errors, found):
    print(
        f"{count:4d} {name:10s} LSD {errors['lsd_db']:.3f} dB, ITD {errors['itd_error_us']:.1f} us,"
        f" ILD {errors['ild_error_db']:.2f} dB; coverage {_percent(found.magnitude)}, of ITD "
        f"{_percent(found.itd)}; spread {found.spread_db:.2f} dB, CRPS {found.crps_db:.3f} dB",
        flush=True,
    )


def _percent(shares):
    return " / ".join(f"{100.0 * each:.0f}" for each in shares) + " %"


if __name__ == "__main__":
    main()
