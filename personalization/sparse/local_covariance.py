"""Local covariance: a Gaussian posterior whose prior is the covariance of the training listeners.

With some sixty listeners a sample covariance over thousands of (direction, ear, bin) values is
mostly chance. Numerical weather prediction meets the same with its ensembles, and three of its
remedies are taken here:

- localisation: the sample covariance is multiplied by a taper that falls with the angle between
  two directions and with the distance of two bins (Houtekamer and Mitchell 2001, Mon. Weather
  Rev. 129:123; a Schur product of two covariances is one);
- pooling: a listener whose ear is a little larger has the same pattern a little lower, so shifted
  copies of all listeners along frequency are members of the ensemble too;
- a hybrid: a share of the covariance is a plain kernel of the angle (Hamill and Snyder 2000, Mon.
  Weather Rev. 128:2905), which fits what no listener of the training has shown.

Each bin is estimated from the measured bins within its band, both ears at once.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from auricle.dsp.gaussian_process import chords
from auricle.personalization.sparse.method import (
    Array,
    Float32,
    Measured,
    Prediction,
    Training,
)

_MOST_SHIFTS = 4  # to either side
_POOL_BIN = 35.0  # 6 kHz: there ``pool`` is the number of bins to either side


@dataclass(frozen=True)
class Setting:
    """Of the prior; all were chosen on training listeners left out.

    Attributes:
        band: bins to either side that take part.
        pool: shifts of the ensemble to either side at 6 kHz, in bins; in proportion elsewhere.
        near: share of the covariance that falls with the angle.
        plain: share that is a kernel of the angle alone.
        near_rad: angle over which the first share falls (Gaussian).
        plain_rad: angle over which the second falls (exponential).
        noise: variance of the measurements, in that of the listeners.
        band_scale: bins over which covariances fall (Gaussian).
        plain_bins: bins over which the plain kernel falls (Gaussian).
    """

    band: int
    pool: float
    near: float
    plain: float
    near_rad: float
    plain_rad: float
    noise: float
    band_scale: float = 10.0
    plain_bins: float = 2.0


# By number of measured directions; between them the nearest by ratio is taken.
SETTINGS = {
    3: Setting(8, 4.0, 0.2, 0.1, 1.0, 0.6, 0.1),
    5: Setting(6, 4.0, 0.3, 0.1, 0.7, 0.6, 0.15),
    19: Setting(5, 4.0, 0.5, 0.15, 0.8, 0.6, 0.3),
    100: Setting(1, 4.0, 0.5, 0.2, 0.8, 0.6, 0.1),
    400: Setting(0, 4.0, 0.5, 0.2, 0.6, 0.6, 0.1),
}
_ITD = Setting(0, 0.0, 0.4, 0.02, 1.0, 1.0, 0.01)


def setting_for(n_measured: int) -> Setting:
    """The setting tuned nearest to this number of measured directions."""
    return SETTINGS[min(SETTINGS, key=lambda n: abs(np.log(n / max(n_measured, 1))))]


class LocalCovariance:
    """Posterior mean and spread under the localised covariance of the training listeners."""

    name = "local-covariance"
    n_parameters = 0

    def fit(self, train: Training) -> None:
        """Keep the listeners and their mirror images as an ensemble about their mean."""
        both = train.joined(train.mirrored())
        self._mean = Training(
            both.positions,
            both.magnitude_db.mean(axis=0, keepdims=True),
            both.arrival_seconds.mean(axis=0, keepdims=True),
        )
        self._ensemble = replace(both, magnitude_db=both.magnitude_db - self._mean.magnitude_db)
        self.n_parameters = both.magnitude_db.size + both.arrival_seconds.size

    def listeners(self) -> Training:
        """The listeners it was fitted to, without their mirror images."""
        half = len(self._ensemble) // 2
        kept = self._ensemble.take(np.arange(half))
        return replace(kept, magnitude_db=kept.magnitude_db + self._mean.magnitude_db)

    def predict(self, measured: Measured, target_positions: Array) -> Prediction:
        """Posterior mean at the targets, with its standard deviation."""
        many = Training(
            measured.positions, measured.magnitude_db[None], measured.arrival_seconds[None]
        )
        return self.predict_many(many, target_positions)[0]

    def predict_many(self, measured: Training, target_positions: Array) -> list[Prediction]:
        """The same for several listeners who were measured at the same directions; quicker."""
        where = measured.positions
        at_known, at_targets = self._ensemble.at(where), self._ensemble.at(target_positions)
        mean_known, mean_targets = self._mean.at(where), self._mean.at(target_positions)
        angles = (_angles(where, where), _angles(target_positions, where))
        found, spread = posterior(
            at_known.magnitude_db,
            at_targets.magnitude_db,
            measured.magnitude_db - mean_known.magnitude_db,
            angles,
            setting_for(len(where)),
        )
        found += mean_targets.magnitude_db
        arrivals, spread_seconds = arrival_posterior(self._ensemble, measured, target_positions)
        return [
            Prediction(magnitude, arrival, spread, spread_seconds)
            for magnitude, arrival in zip(found, arrivals, strict=True)
        ]


def arrival_posterior(
    train: Training, measured: Training, target_positions: Array
) -> tuple[Array, Array]:
    """Arrival times (L, Q, 2) of L listeners and the standard deviation (Q,) of the ITD, seconds.

    Args:
        train: listeners and their mirror images; their magnitudes may be empty.
        measured: what is known of the L listeners.
        target_positions: (Q, 3).
    """
    where = measured.positions
    at_known, at_targets = (
        train.at(where).arrival_seconds,
        train.at(target_positions).arrival_seconds,
    )
    mean_known, mean_targets = at_known.mean(axis=0), at_targets.mean(axis=0)
    found, spread = _arrivals(
        at_known - mean_known,
        at_targets - mean_targets,
        measured.arrival_seconds - mean_known,
        (_angles(where, where), _angles(target_positions, where)),
    )
    return found + mean_targets, spread


def posterior(
    known: Float32, targets: Float32, values: Float32, angles: tuple[Array, Array], how: Setting
) -> tuple[Float32, Array]:
    """Posterior mean (L, Q, E, F) of L listeners and its standard deviation (Q, E, F).

    Args:
        known: (S, K, E, F) the ensemble about its mean, at the measured directions.
        targets: (S, Q, E, F) likewise, at the targets.
        values: (L, K, E, F) measured, less the mean.
        angles: (K, K) between measured directions and (Q, K) from targets, radians.
        how: the prior.
    """
    n_listeners, n_known, n_ears, n_bins = values.shape
    n_targets = targets.shape[1]
    # Bins first: all that a bin needs lies together.
    known, targets, values = (np.ascontiguousarray(np.moveaxis(x, -1, 0).reshape(n_bins, len(x), -1))
                              for x in (known, targets, values))  # fmt: skip
    variance_known, variance_targets = (np.mean(x**2, axis=1) for x in (known, targets))
    tapers = [_of_both_ears(1.0 - how.near - how.plain + how.near * _gauss(angle / how.near_rad), n_ears)
              for angle in angles]  # fmt: skip
    plains = [how.plain * np.exp(-angle / how.plain_rad) for angle in angles]
    mean = np.empty((n_listeners, n_targets, n_ears, n_bins), dtype=np.float32)
    spread = np.empty((n_targets, n_ears, n_bins))
    for f in range(n_bins):
        band = np.arange(max(f - how.band, 0), min(f + how.band + 1, n_bins))
        shifts = _shifts(band, n_bins, how.pool * f / _POOL_BIN)
        members = (
            known[band + shifts[:, None]].swapaxes(1, 2).reshape(-1, len(band) * known.shape[2])
        )
        wanted = targets[f + shifts].reshape(len(members), -1)
        scale = np.sqrt(variance_known[band])
        own = _prior(members, members, tapers[0], plains[0], (scale, scale), (band, band), how)
        of_targets = np.sqrt(variance_targets[f, None])
        bins = (np.array([f]), band)
        cross = _prior(wanted, members, tapers[1], plains[1], (of_targets, scale), bins, how)
        own[np.diag_indices(len(own))] += how.noise * scale.ravel() ** 2 + 1e-3
        both = np.concatenate(
            [cross.T, values[band].swapaxes(1, 2).reshape(-1, n_listeners)], axis=1
        )
        half = solve_triangular(np.linalg.cholesky(own), both, lower=True, check_finite=False)
        gain, whitened = half[:, :-n_listeners], half[:, -n_listeners:]
        mean[..., f] = (whitened.T @ gain).reshape(n_listeners, n_targets, n_ears)
        prior = (1.0 - how.plain) * np.mean(variance_targets[f + shifts], axis=0)
        prior += how.plain * variance_targets[f]
        rest = np.maximum(prior - np.einsum("ot,ot->t", gain, gain), 1e-3 * prior)
        spread[..., f] = np.sqrt(rest).reshape(n_targets, n_ears)
    return mean, spread


def _prior(
    rows: Float32, columns: Float32, taper: Float32, plain: Array,
    scales: tuple[Array, Array], bins: tuple[Array, Array], how: Setting,
) -> Float32:  # fmt: skip
    """Covariance (V A E, W B E) of members of the ensemble (S, V A E) with others (S, W B E)."""
    v, w = len(bins[0]), len(bins[1])
    found = (rows.T @ columns).reshape(v, len(taper), w, -1)
    apart = np.abs(bins[0][:, None] - bins[1])[:, None, :, None]
    found *= (_gauss(apart / how.band_scale) / len(rows)).astype(np.float32)
    found *= taper[None, :, None, :]
    smooth = _gauss(apart / how.plain_bins).astype(np.float32)
    n_ears = len(taper) // len(plain)
    for ear in range(n_ears):  # the plain kernel joins directions of one ear
        kernel = plain.astype(np.float32)[None, :, None, :] * smooth
        kernel *= scales[0][:, ear::n_ears, None, None] * scales[1][:, ear::n_ears]
        found[:, ear::n_ears, :, ear::n_ears] += kernel
    return found.reshape(v * len(taper), -1)


def _of_both_ears(between: Array, n_ears: int) -> Float32:
    """Values (A E, B E) of directions and ears from those (A, B) of directions."""
    return np.repeat(np.repeat(between, n_ears, axis=0), n_ears, axis=1).astype(np.float32)


def _gauss(x: Array) -> Array:
    return np.exp(-0.5 * x**2)


def _shifts(band: Array, n_bins: int, reach: float) -> Array:
    """Shifts in bins that keep ``band`` inside, at most nine, about ``reach`` to either side."""
    count = min(round(reach), _MOST_SHIFTS)
    each = reach / max(count, 1)
    wanted = {round(k * each) for k in range(-count, count + 1)}
    kept = sorted(s for s in wanted if band[0] + s >= 0 and band[-1] + s < n_bins)
    return np.array(kept)


def _arrivals(
    known: Array, targets: Array, values: Array, angles: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Arrival times (L, Q, 2) and the standard deviation (Q,) of the ITD, all in seconds.

    ITD and mean arrival time are estimated each by itself: heads shape one, distance the other.
    """
    found, spreads = [], []
    for row in (np.array([1.0, -1.0]), np.array([0.5, 0.5])):
        of = [(1e6 * (each @ row))[..., None, None].astype(np.float32)
              for each in (known, targets, values)]  # fmt: skip
        mean, spread = posterior(of[0], of[1], of[2], angles, _ITD)
        found.append(1e-6 * mean[..., 0, 0].astype(np.float64))
        spreads.append(1e-6 * spread[:, 0, 0])
    itd, middle = found
    return np.stack([middle + itd / 2.0, middle - itd / 2.0], axis=-1), spreads[0]


def _angles(a: Array, b: Array) -> Array:
    return np.asarray(2.0 * np.arcsin(np.clip(chords(a, b) / 2.0, 0.0, 1.0)))
