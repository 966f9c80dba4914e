"""Two sets on one grid compared: errors of each direction, means of the sphere and its planes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.metrics.interaural import (
    ild_db,
    itd_correlation_seconds,
    itd_maxiacce_seconds,
    itd_onset_seconds,
)
from auricle.dsp.metrics.spectral import LAP, MIDDLE, lsd_db

DOUBTFUL_ONSET_US = 300.0  # no two estimators of a clean response are as far apart
PLANE_DEG = 1.0  # a direction is in a plane if it is no farther from it


@dataclass(frozen=True, eq=False)
class SetErrors:
    """Errors of an estimated set, one a direction; the differences are estimate minus reference.

    Attributes:
        positions: (M, 3) unit vectors.
        lsd_db: (M, 2) left and right ear, 20 Hz to 20 kHz, bins of the responses' own length.
        lsd_200_16000_db: (M, 2) 200 Hz to 16 kHz.
        itd_error_us: (M,) MaxIACCe, whole samples, as in the LAP challenge.
        itd_onset_error_us: (M,) onsets at -30 dB below 3 kHz.
        itd_correlation_error_us: (M,) cross-correlation below 1.5 kHz with a parabolic peak.
        ild_error_db: (M,) broadband.
        onset_doubtful: (M,) where onset and correlation of the reference are far apart: something
            before the sound, ringing or noise, is above the threshold.
    """

    positions: Array
    lsd_db: Array
    lsd_200_16000_db: Array
    itd_error_us: Array
    itd_onset_error_us: Array
    itd_correlation_error_us: Array
    ild_error_db: Array
    onset_doubtful: NDArray[np.bool_]

    def summary(self) -> dict[str, dict[str, float]]:
        """Means by region (sphere, horizontal, median) and metric, of the errors' sizes.

        A region has ``n_directions`` besides; one without a direction is left out.
        """
        return {
            name: {"n_directions": int(rows.sum()), **self._means(rows)}
            for name, rows in regions(self.positions).items()
            if np.any(rows)
        }

    def _means(self, rows: NDArray[np.bool_]) -> dict[str, float]:
        return {name: float(np.mean(np.abs(getattr(self, name)[rows]))) for name in METRICS}


METRICS = (
    "lsd_db",
    "lsd_200_16000_db",
    "itd_error_us",
    "itd_onset_error_us",
    "itd_correlation_error_us",
    "ild_error_db",
)


def compare(reference: Array, estimate: Array, positions: Array, sample_rate: float) -> SetErrors:
    """Errors of a set against another one, of each direction.

    Args:
        reference: (M, 2, N) responses that are true.
        estimate: (M, 2, N') responses at the same directions.
        positions: (M, 3) unit vectors in head axes.
        sample_rate: Hz, of both.

    Raises:
        HrtfError: shapes that do not fit, NaN or silence.
    """
    one, other = _alike(reference, estimate, positions)
    maxiacce, onset, correlation = (
        [1e6 * estimator(ir, sample_rate) for ir in (one, other)]
        for estimator in (itd_maxiacce_seconds, itd_onset_seconds, itd_correlation_seconds)
    )
    return SetErrors(
        positions,
        lsd_db(other, one, sample_rate, LAP),
        lsd_db(other, one, sample_rate, MIDDLE),
        maxiacce[1] - maxiacce[0],
        onset[1] - onset[0],
        correlation[1] - correlation[0],
        ild_db(other) - ild_db(one),
        np.abs(onset[0] - correlation[0]) > DOUBTFUL_ONSET_US,
    )


def regions(positions: Array, tolerance_deg: float = PLANE_DEG) -> dict[str, NDArray[np.bool_]]:
    """Masks (M,) of the whole sphere, the horizontal and the median plane."""
    reach = np.sin(np.deg2rad(tolerance_deg))
    return {
        "sphere": np.ones(len(positions), dtype=np.bool_),
        "horizontal": np.abs(positions[:, 2]) <= reach,
        "median": np.abs(positions[:, 1]) <= reach,
    }


def _alike(reference: Array, estimate: Array, positions: Array) -> tuple[Array, Array]:
    """Both as float64 of one length."""
    pair = [np.asarray(ir, dtype=np.float64) for ir in (reference, estimate)]
    for name, ir in zip(("reference", "estimate"), pair, strict=True):
        if ir.ndim != 3 or ir.shape[:2] != (len(positions), 2) or 0 in ir.shape:
            raise HrtfError(f"the {name} must be ({len(positions)}, 2, samples), got {ir.shape}")
        if not np.all(np.isfinite(ir)):
            raise HrtfError(f"the {name} holds NaN or infinite samples; leave such directions out")
        silent = np.flatnonzero(~np.any(ir, axis=(1, 2)))
        if silent.size:
            raise HrtfError(
                f"the {name} is silent in {silent.size} direction(s), the first is number "
                f"{silent[0]}; leave them out"
            )
    n_taps = max(ir.shape[-1] for ir in pair)
    return tuple(np.pad(ir, ((0, 0), (0, 0), (0, n_taps - ir.shape[-1]))) for ir in pair)  # type: ignore[return-value]
