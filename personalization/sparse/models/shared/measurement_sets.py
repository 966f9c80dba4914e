"""Sets of measured directions to train on: those of the challenge, spread ones, chance ones."""

import numpy as np

from auricle.dsp.arrays import Array, Int64
from auricle.personalization.datasets.lap import COUNTS, lap_rows, spread_rows
from auricle.personalization.datasets.subjects import DatasetError

FEWEST, MOST = 3, 100
_SHARE_FIXED, _SHARE_CAP = 0.5, 0.15


def standard_sets(positions: Array) -> list[Int64]:
    """Rows of a grid (M, 3) that listeners are likely to be measured at; 3, 5, 19 and 100 of them.

    The sets of the LAP challenge where the grid has them, else as many directions spread evenly.
    """
    found = []
    for count in (each for each in COUNTS if each < len(positions)):
        try:
            found.append(lap_rows(positions, count))
        except DatasetError:
            found.append(spread_rows(positions, count))
    return found


def random_set(positions: Array, rng: np.random.Generator, most: int = MOST) -> Int64:
    """Rows of a chance set, spread evenly, anywhere or on one side, few as often as many.

    Args:
        positions: (M, 3) unit vectors of the grid.
        rng: draws it.
        most: directions at most.
    """
    most = min(most, len(positions) // 2)
    count = int(round(np.exp(rng.uniform(np.log(min(FEWEST, most)), np.log(most)))))
    kind = rng.random()
    if kind < 0.5:
        turned = positions @ _turn(rng)
        return np.unique(np.argmax(_spiral(count) @ turned.T, axis=1))
    if kind < 1.0 - _SHARE_CAP:
        return rng.choice(len(positions), count, replace=False)
    middle = positions[rng.integers(len(positions))]
    side = np.argsort(-(positions @ middle))[: max(len(positions) // 4, count)]
    return rng.choice(side, count, replace=False)


def drawn_set(positions: Array, standard: list[Int64], rng: np.random.Generator) -> Int64:
    """One of the standard sets as often as a chance one.

    Args:
        positions: (M, 3) unit vectors of the grid.
        standard: rows of each standard set.
        rng: draws it.
    """
    if standard and rng.random() < _SHARE_FIXED:
        return standard[rng.integers(len(standard))]
    return random_set(positions, rng)


def _spiral(count: int) -> Array:
    """Directions (count, 3) on a golden spiral, nearly even."""
    k = np.arange(count) + 0.5
    z, turn = 1.0 - 2.0 * k / count, np.pi * (1.0 + 5.0**0.5) * k
    flat = np.sqrt(1.0 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def _turn(rng: np.random.Generator) -> Array:
    """A rotation (3, 3), all alike likely."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))
