"""Print where the network between measured directions helps, by the number and side of neighbours.

    python benchmarks/personalization/dense_neighbours.py DATA [LISTENERS]

LSD (345 Hz to 15.8 kHz) at up to 120 directions not known, drawn once, of some people of SONICOM
and SADIE I, whom nothing has seen: ``listeners-across`` as it is, with each bin for itself, and
``dense-refiner-across`` over the latter, by the mean chord to the six nearest known directions.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.personalization.datasets.lap import spread_rows
from auricle.personalization.listeners.from_datasets import people_only, subjects_in, training_of
from auricle.personalization.listeners.shipped import shipped_training
from auricle.personalization.sparse.evaluation.comparison import MIDDLE, some_rows
from auricle.personalization.sparse.listener_gp.process import ListenersAcross
from auricle.personalization.sparse.models.refiner.dense_across import DenseAcross
from auricle.personalization.sparse.models.shared.neighbour_inputs import nearest_rows

TARGETS = 120
EDGES = (0.0, 0.3, 0.5, 0.6, 0.8, 2.0)


def main() -> None:
    """Print the tables."""
    data, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 6
    methods = {
        "coupled": ListenersAcross(),
        "apart": ListenersAcross(bins_apart=True),
        "network": DenseAcross(),
    }
    for each in methods.values():
        each.fit(shipped_training())
    for name in ("sonicom", "sadie1"):
        whole = training_of(people_only(subjects_in(data, name)))
        whole = whole.take(some_rows(len(whole), count))
        print(f"\n| {name}, {count} listeners | known | chord | n | {' | '.join(methods)} |")
        print("|---|---|---|---|" + "---|" * len(methods))
        for label, known in _known(whole.positions, name).items():
            _row(label, whole, known, methods)


def _known(positions, name):
    """Rows of known directions by what they are."""
    if name == "sonicom":
        return {f"{k} spread": spread_rows(positions, k) for k in (30, 60, 100, 200)}
    second = np.arange(len(positions)) % 2 == 0
    sides = {"every second": 2.0, "above": positions[:, 2], "left": positions[:, 1]}
    return {side: np.flatnonzero(second & (where > -0.01)) for side, where in sides.items()}


def _row(label, whole, known, methods):
    left = np.setdiff1d(np.arange(len(whole.positions)), known)
    left = np.sort(np.random.default_rng(0).permutation(left)[:TARGETS])
    targets, truth = whole.positions[left], whole.directions(left).magnitude_db[..., MIDDLE]
    seen = whole.directions(known)
    near = seen.positions[nearest_rows(targets, seen.positions)]
    chord = np.linalg.norm(targets[:, None] - near, axis=-1).mean(axis=1)
    errors = {}
    for name, each in methods.items():
        found = np.stack([one.magnitude_db for one in each.predict_many(seen, targets)])
        square = np.mean((found[..., MIDDLE] - truth) ** 2, axis=-1)
        errors[name] = np.sqrt(square).mean(axis=(0, 2))
    for low, high in [(0.0, 2.0), *zip(EDGES[:-1], EDGES[1:], strict=True)]:
        some = (chord >= low) & (chord < high)
        if np.any(some):
            cells = " | ".join(f"{each[some].mean():.2f}" for each in errors.values())
            print(f"| {label} | {len(known)} | {low}-{high} | {some.sum()} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
