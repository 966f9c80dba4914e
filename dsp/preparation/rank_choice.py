"""The fewest buses that play a set as it should be played."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.preparation.basis import Basis
from auricle.dsp.preparation.low_rank import LowRank, LowRankFit
from auricle.dsp.preparation.played_errors import ILD_DB, LEVEL_DB, LSD_DB, of_95, worst

MAX_ADDED_DB = 0.35  # of LSD between measured directions; smooth sets, such as means, need it
RANKS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
HIGHEST_FOR_LEVELS = 32  # single odd directions are not worth buses for ever
_FIRST_RANK = 20
_ABOUT = 1.03  # what is expected may be off by so much
_LEAST_GAIN = 0.93  # a step in rank lowers the mean LSD by more than this, in all public sets


def least_rank(fit: LowRankFit, level_errors_db: Callable[[LowRank], Array]) -> LowRank:
    """Tables of the least rank that keeps LSD, octave levels and ILD within their bounds.

    Args:
        fit: of the set.
        level_errors_db: from tables to the errors (M, 2, B) of their levels in octaves.

    The bounds are those of ``played_errors``; what the rank adds between directions is at most
    ``MAX_ADDED_DB``. Where no rank keeps the levels, that which comes nearest is taken.
    """
    best: tuple[float, LowRank] | None = None
    for fits, last in _from_least_lsd(fit):
        rank = len(fits[0].filters)
        if fit.added_db(fits) > MAX_ADDED_DB and not last:
            continue
        tables = fit.tables(fits)
        if float(np.mean(tables.lsd_db)) > LSD_DB and not last:
            continue
        over = _over_bounds(level_errors_db(tables))
        if best is None or over < best[0]:
            best = over, tables
        if best[0] <= 1.0 or rank >= HIGHEST_FOR_LEVELS:
            break
    assert best is not None  # the last one was taken in any case
    return best[1]


def _over_bounds(level_db: Array) -> float:
    """How much the worst of the bounds is passed: 1 is just kept."""
    ild_db = level_db[:, 0] - level_db[:, 1]
    by_octave = [of_95(ild_db[:, octave]) / ILD_DB[0] for octave in range(ild_db.shape[1])]
    return max(of_95(level_db) / LEVEL_DB[0], worst(level_db) / LEVEL_DB[1], *by_octave)


def _from_least_lsd(fit: LowRankFit) -> Iterator[tuple[list[Basis], bool]]:
    """Bases of rising rank, from the least whose mean LSD keeps its bound, and whether it is the
    last, which comes in any case.

    The first rounds of a fit say which rank that is about; only from there on fits are finished.
    """
    begun = cache(lambda at: fit.begun(RANKS[at]))
    at = RANKS.index(_FIRST_RANK)
    while at > 0 and begun(at).expected_db <= _LEAST_GAIN * LSD_DB:
        if begun(at - 1).expected_db > _ABOUT * LSD_DB:
            break
        at -= 1
    for tried in range(at, len(RANKS)):
        last = begun(tried).filled or tried + 1 == len(RANKS)  # more buses hold no more
        if begun(tried).expected_db > _ABOUT * LSD_DB and not last:
            continue
        best = begun(tried).finished(np.inf if last else LSD_DB)
        if best is not None and (_mean_lsd(best) <= LSD_DB or last):
            yield best, last
        if last:
            return


def _mean_lsd(fits: list[Basis]) -> float:
    return float(np.mean([f.lsd_db.mean() for f in fits]))
