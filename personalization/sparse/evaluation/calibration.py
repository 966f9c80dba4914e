"""Whether predictions are as sure as they should be: how often their intervals hold the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from auricle.dsp.arrays import Array, Int64
from auricle.personalization.listeners.features import EVALUATED_BINS, itd_seconds
from auricle.personalization.listeners.listener_data import ListenerGroup, Prediction

LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Calibration:
    """Over the directions that were not measured, and the bins that are heard.

    Attributes:
        levels: (3,) share of the intervals that should hold the truth.
        magnitude: (3,) share that did, of magnitudes.
        itd: (3,) the same of ITDs.
        spread_db: the mean spread that was claimed: of two that hold what they claim, the narrower
            knows more.
        crps_db: continuous ranked probability score, lower is better (Gneiting and Raftery 2007,
            JASA 102:359, eq. 21): rewards a narrow interval that holds and nothing else.
    """

    levels: tuple[float, ...]
    magnitude: tuple[float, ...]
    itd: tuple[float, ...]
    std_db: float
    crps_db: float


def calibration(found: Sequence[Prediction], truth: ListenerGroup, measured: Int64) -> Calibration:
    """Calibration of predictions: how often normal intervals hold the truth.

    Args:
        found: predictions at all directions of ``truth``, with their spread.
        truth: the listeners.
        measured: rows that were measured, which do not count.
    """
    left = np.setdiff1d(np.arange(len(truth.positions)), measured)
    error, spread, late, late_spread = [], [], [], []
    for row, one in enumerate(found):
        assert one.std_db is not None
        assert one.std_seconds is not None
        error.append((truth.magnitude_db[row] - one.magnitude_db)[left][..., EVALUATED_BINS])
        spread.append(one.std_db[left][..., EVALUATED_BINS])
        itd = itd_seconds(truth.arrival_seconds[row]) - itd_seconds(one.arrival_seconds)
        late.append(itd[left])
        late_spread.append(one.std_seconds[left])
    of_magnitude = np.stack(error) / np.stack(spread)
    return Calibration(
        LEVELS,
        _coverage(of_magnitude),
        _coverage(np.stack(late) / np.stack(late_spread)),
        float(np.mean(spread)),
        float(np.mean(_crps(of_magnitude) * np.stack(spread))),
    )


def sample_coverage(
    samples: Sequence[Prediction], truth: Array, measured: Int64, levels: Sequence[float] = LEVELS
) -> tuple[float, ...]:
    """Share of the magnitudes of one listener that lie between the quantiles of samples.

    Args:
        samples: predictions of one listener.
        truth: (Q, 2, F) dB.
        measured: rows that were measured, which do not count.
        levels: widths of the intervals, from 0 to 1.
    """
    left = np.setdiff1d(np.arange(len(truth)), measured)
    drawn = np.stack([each.magnitude_db[left][..., EVALUATED_BINS] for each in samples])
    wanted = truth[left][..., EVALUATED_BINS]
    shares = []
    for level in levels:
        low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
        shares.append(float(np.mean((low <= wanted) & (wanted <= high))))
    return tuple(shares)


def _coverage(scaled: NDArray) -> tuple[float, ...]:
    reach = norm.ppf(0.5 + np.array(LEVELS) / 2.0)
    return tuple(float(np.mean(np.abs(scaled) <= each)) for each in reach)


def _crps(scaled: NDArray) -> NDArray:
    """Of a standard normal forecast."""
    chance, density = norm.cdf(scaled), norm.pdf(scaled)
    return np.asarray(scaled * (2.0 * chance - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi))
