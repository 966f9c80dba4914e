"""Print our localisation observer's answers beside those of its authors' package.

    python benchmarks/personalization/observer.py OWN.sofa HEARD.sofa [REPETITIONS]
    python benchmarks/personalization/observer.py DATA

With a folder of data it takes 20 listeners of SONICOM and HUTUBS, ours alone. For the
other half it needs `pip install bayesian-listener` (EUPL: compared with, not copied). Both
have the parameters of Barumerli et al. 2023 and score the same way; they differ in the template
(ours linear on the mesh where something was measured, theirs spherical harmonics everywhere).

Takes 2 min.
"""

import sys
import time
import warnings
from dataclasses import astuple
from pathlib import Path

import numpy as np

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.metrics.observer import Localisation, Observer, errors_of, localise


def ours(own: str, heard: str, repetitions: int) -> Localisation:
    return localise(HrtfSet.load(own), HrtfSet.load(heard), repetitions=repetitions)


def theirs(own: str, heard: str, repetitions: int) -> Localisation:
    from bayesian_listener import BayesianListener

    model = Observer()
    listener, other = (
        BayesianListener(
            each,
            sigma_itd=model.sigma_itd,
            sigma_ild=model.sigma_ild_db,
            sigma_spectral=model.sigma_spectral_db,
            sigma_prior=model.sigma_prior_deg,
            kappa_motor=1.0 / np.deg2rad(model.sigma_motor_deg) ** 2,
        )
        for each in (own, heard)
    )
    for each in (listener, other):
        each.compute_target(use_cache=False, reference="global")
    listener.compute_template(use_cache=False)
    responses = listener.localise(target=other.target, repetitions=repetitions, seed=0)
    targets = other.target.coords.cartesian
    return errors_of(_unit(responses.cartesian), _unit(targets))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def population(data: Path) -> None:
    """Mean and deviation over listeners: own ears, and what the next listener's ears add."""
    print(
        "| set | ears | lateral RMS deg | local polar RMS deg | quadrant % |\n|---|---|---|---|---|"
    )
    for name in ("sonicom", "hutubs"):
        subjects = load_h5(data / "hrtf" / f"{name}.h5")
        errors = np.array(
            [
                [
                    astuple(
                        localise(subjects.hrtf_set(row), subjects.hrtf_set(heard), repetitions=3)
                    )
                    for heard in (row, row + 2)
                ]
                for row in range(0, 40, 2)
            ]
        )[..., :3]
        added = errors[:, 1] - errors[:, 0]
        for label, rows in (("own", errors[:, 0]), ("another's: increase", added)):
            cells = zip(rows.mean(axis=0), rows.std(axis=0), strict=True)
            print(
                f"| {name} | {label} | "
                + " | ".join(f"{m:.1f} +- {s:.1f}" for m, s in cells)
                + " |"
            )


def main() -> None:
    if Path(sys.argv[1]).is_dir():
        population(Path(sys.argv[1]))
        return
    own, heard = sys.argv[1:3]
    repetitions = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    print(
        "| observer | own or heard ears | lateral RMS deg | local polar RMS deg | quadrant % | s |"
    )
    print("|---|---|---|---|---|---|")
    for name, run in (("auricle", ours), ("bayesian-listener", theirs)):
        for label, sound in (("own", own), ("heard", heard)):
            start = time.perf_counter()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    errors = run(own, sound, repetitions)
            except ImportError:
                print(f"| {name} | is not installed | | | | |")
                break
            seconds = time.perf_counter() - start
            row = (errors.lateral_rms_deg, errors.polar_rms_deg, errors.quadrant_error_percent)
            cells = " | ".join(f"{each:.1f}" for each in row)
            print(f"| {name} | {label} | {cells} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
