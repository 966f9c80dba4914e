"""Print the cost of a source and the error of the spectrum of the cascade path beside the engine's.

    python benchmarks/rendering/cascade.py DATA [--weights niirf.safetensors] [--seconds 200]

Costs: the least of many blocks of 128 samples, all sources moving. Errors: LSD, 172 Hz to 20 kHz,
of the first listener of SONICOM's first test fold, measured at the 100 directions of the LAP
challenge, mean over all 793: the cascades of NIIRF, and the engine with rank="auto" on the measured
set itself (which is what it is to render, so its error is that of the low rank alone).

Takes 5 min, with training 10 min.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from auricle.dsp.filters.biquad import response
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.iir.cascade import CascadeRenderer
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.personalization.datasets.splits import folds
from auricle.personalization.learning.training_loop import Plan
from auricle.personalization.learning.weights import load_weights, save_weights
from auricle.personalization.listeners.features import EVALUATED_BINS, SAMPLE_RATE, SIZE
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.sparse.evaluation.comparison import measured_rows
from auricle.personalization.sparse.models.niirf import Niirf
from auricle.personalization.sparse.models.niirf_cascade import cascade_set

BLOCK, BLOCKS = 128, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=200.0, help="of training")
    parser.add_argument("--weights", type=Path, help="kept there; read if the file is there")
    options = parser.parse_args()
    subjects = people_only(subjects_in(options.data, "sonicom"))
    whole = training_of(subjects)
    train, test = folds(subjects.people)[0]
    niirf = _niirf(whole.take(train), options)
    listener = whole.listener(int(test[0]))
    rows = measured_rows(subjects, 100)
    start = time.perf_counter()
    filters = cascade_set(niirf, whole.listener(int(test[0]), rows), whole.positions)
    print(f"filters fitted and made in {time.perf_counter() - start:.1f} s")
    hz = np.arange(EVALUATED_BINS.start, EVALUATED_BINS.stop) * SAMPLE_RATE / SIZE
    each_db = 20.0 * np.log10(np.abs(response(filters.coefficients, hz, SAMPLE_RATE)))
    found = each_db.sum(axis=2)[filters.mesh.vertex_of_row]
    print(f"LSD of the cascades: {_lsd(found, listener.magnitude_db[..., EVALUATED_BINS]):.2f} dB")
    hrtf = HrtfSet(
        subjects.ir[test[0]].astype(np.float64), whole.positions, 1.5, subjects.sample_rate
    )
    prepared = prepare(hrtf, SAMPLE_RATE, rank="auto")
    print(f"the engine: {prepared.report}")
    print("| sources | cascade us | engine us | cascade / engine |\n|---|---|---|---|")
    for n_sources in (1, 4, 8, 16, 32, 64, 256):
        engine = BinauralRenderer(prepared, SAMPLE_RATE, BLOCK, n_sources)
        a, b = _cost(CascadeRenderer(filters, n_sources), engine, n_sources)
        print(f"| {n_sources} | {a:.2f} | {b:.2f} | {a / b:.2f} |")


def _cost(cascade, engine, n_sources):
    """Microseconds a source and block of each, blocks in turns so that a busy machine hits both."""
    audio = np.random.default_rng(0).standard_normal((n_sources, BLOCK)).astype(np.float32)
    out, least = np.zeros((2, BLOCK), dtype=np.float32), [np.inf, np.inf]
    azimuth = np.arange(n_sources) * 360.0 / n_sources
    for block in range(BLOCKS):
        where = unit_vectors(azimuth + 0.3 * block, np.full(n_sources, 10.0))
        for k, renderer in enumerate((cascade, engine)):
            renderer.set_positions(where)
            start = time.perf_counter()
            renderer.process_into(audio, out)
            least[k] = min(least[k], time.perf_counter() - start)
    return [1e6 * each / n_sources for each in least]


def _lsd(found, wanted):
    return np.sqrt(np.mean((found - wanted) ** 2, axis=-1)).mean()


def _niirf(train, options):
    if options.weights is not None and options.weights.is_file():
        return Niirf.from_weights(load_weights(options.weights, "niirf"))
    niirf = Niirf(Plan(seconds=options.seconds))
    niirf.fit(train, lambda done, state: print(f"{done:.2f} {state}", file=sys.stderr, flush=True))
    if options.weights is not None:
        save_weights(options.weights, niirf.to_weights())
    return niirf


if __name__ == "__main__":
    main()
