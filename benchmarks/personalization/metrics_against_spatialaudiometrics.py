"""Print our LSD, ITD and ILD beside those of spatialaudiometrics, direction by direction.

    python benchmarks/personalization/metrics_against_spatialaudiometrics.py [REFERENCE ESTIMATE]

A development check: that package is GPL-3, so it is run beside ours and neither imported by Auricle
nor copied. Run it where `pip install spatialaudiometrics` was done; without arguments its own two
example files are compared, at the directions both have.

Takes 5 s.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from spatialaudiometrics import hrtf_metrics

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import ild_db, itd_maxiacce_seconds, itd_onset_seconds
from auricle.dsp.metrics.spectral import LAP, lsd_db


def example_files() -> list[str]:
    folder = Path(find_spec("spatialaudiometrics").origin).parent
    return [str(folder / f"example_sofa_{k}.sofa") for k in (1, 2)]


def main() -> None:
    one, other = (HrtfSet.load(path) for path in sys.argv[1:3] or example_files())
    chord, rows = cKDTree(other.positions).query(one.positions)
    one, other = one.subset(chord < 1e-3), other.subset(rows[chord < 1e-3])
    n_taps = min(one.n_taps, other.n_taps)
    rate = np.float64(one.sample_rate)  # a list of theirs is divided by it
    first, second = one.ir[..., :n_taps], other.ir[..., :n_taps]
    print(f"{len(first)} directions, {n_taps} samples, {rate:g} Hz")
    _, theirs = hrtf_metrics.calculate_lsd_across_locations(first, second, rate)
    show("LSD dB", lsd_db(second, first, rate, LAP), theirs)
    show("ILD dB", ild_db(first), hrtf_metrics.ild_estimator_rms(first))
    # Theirs counts its lags from one sample too low, which is the same for both sets.
    itd = [np.asarray(hrtf_metrics.itd_estimator_maxiacce(ir, rate)[0]) for ir in (first, second)]
    mine = [itd_maxiacce_seconds(ir, rate) for ir in (first, second)]
    show("MaxIACCe us", 1e6 * mine[0], 1e6 * (itd[0] + 1.0 / rate))
    show("MaxIACCe difference us", 1e6 * (mine[1] - mine[0]), 1e6 * (itd[1] - itd[0]))
    for threshold in (-10.0, -30.0):
        theirs = hrtf_metrics.itd_estimator_threshold(first, rate, threshold)[0]
        onset = itd_onset_seconds(first, rate, threshold, between_samples=False)
        show(f"onset {threshold:g} dB us", 1e6 * onset, 1e6 * np.asarray(theirs))


def show(name: str, mine: np.ndarray, theirs: np.ndarray) -> None:
    gap = np.abs(mine - theirs)
    print(
        f"{name}: mean {np.mean(np.abs(mine)):.4f} and {np.mean(np.abs(theirs)):.4f}, "
        f"largest difference {gap.max():.2g}, beyond 1e-3 in {np.sum(gap > 1e-3)} of {gap.size}"
    )


if __name__ == "__main__":
    main()
