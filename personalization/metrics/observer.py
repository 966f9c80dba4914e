"""A Bayesian listener who localises sounds through given ears (Barumerli et al. 2023).

The listener knows the features of their own ears in every direction (the template). A sound
brings the features of the ears it was rendered with, and noise. The listener takes the direction
of the largest posterior: Gaussian likelihood times a prior that expects sounds near the horizon;
pointing at it adds motor noise (Acta Acustica 7, 12, equations 1 to 7).

Errors are those of Middlebrooks 1999 (JASA 106, 1480-1492). They mean something beside those of the
listener's own ears, so ``localise(own, own)`` belongs beside ``localise(own, other)``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import azimuth_elevation_deg
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.sphere.grids import fibonacci_sphere, reach_deg
from auricle.dsp.sphere.mesh import triangulate
from auricle.personalization.metrics.cues import Cues, cues_of

TEMPLATE_DIRECTIONS = 2000  # on the whole sphere, about 4 degrees apart
SAME_DIRECTION_DEG = 2.0
LATERAL_REACH_DEG = 60.0  # of responses whose lateral error counts
POLAR_REACH_DEG = 30.0  # of responses whose polar error counts
LOCAL_DEG = 90.0  # beyond it is a quadrant error
_AT_ONCE = 2000  # trials


@dataclass(frozen=True)
class Observer:
    """Noise and prior of the listener, the published values.

    Attributes:
        sigma_itd: of the ITD, in just noticeable differences.
        sigma_ild_db: of the ILD.
        sigma_spectral_db: of each spectral feature.
        sigma_prior_deg: of the elevation that is expected; inf expects all alike.
        sigma_motor_deg: of pointing; 0 points exactly.
    """

    sigma_itd: float = 0.569
    sigma_ild_db: float = 1.0
    sigma_spectral_db: float = 4.0
    sigma_prior_deg: float = 11.5
    sigma_motor_deg: float = 14.0


@dataclass(frozen=True)
class Localisation:
    """Errors of the listener's responses.

    Attributes:
        lateral_rms_deg: RMS of lateral errors, of responses within +-60 degrees lateral.
        polar_rms_deg: RMS of polar errors below 90 degrees, of responses within +-30 lateral.
        quadrant_error_percent: share of those whose polar error is 90 degrees or more.
        n_trials: number of responses.
    """

    lateral_rms_deg: float
    polar_rms_deg: float
    quadrant_error_percent: float
    n_trials: int


def localise(
    own: HrtfSet, heard: HrtfSet, *, observer: Observer | None = None, repetitions: int = 20,
    seed: int = 0,
) -> Localisation:  # fmt: skip
    """Localisation by the owner of some ears of sounds that are rendered with another set.

    Every direction of ``heard`` that lies where ``own`` was measured sounds ``repetitions`` times.
    The mean level of the bands is made alike first, so that two laboratories' gains do not count.

    Args:
        own: the listener's own set.
        heard: the set that is rendered with.
        observer: noise and prior of the listener; None: those of the publication.
        repetitions: of each direction.
        seed: of the noise.

    Raises:
        HrtfError: sets of different rates, or without a direction in common.
    """
    responses, targets = responses_of(
        own, heard, observer=observer, repetitions=repetitions, seed=seed
    )
    return errors_of(responses, targets)


def responses_of(
    own: HrtfSet, heard: HrtfSet, *, observer: Observer | None = None, repetitions: int = 20,
    seed: int = 0,
) -> tuple[Array, Array]:  # fmt: skip
    """The directions that the simulated listener points at, and the true ones.

    Args:
        own: the listener's own set.
        heard: the set that is rendered with.
        observer: noise and prior of the listener; None: those of the publication.
        repetitions: of each direction.
        seed: of the noise.

    Returns:
        (M, repetitions, 3) and (M, 3), unit vectors.
    """
    model = observer or Observer()
    if own.sample_rate != heard.sample_rate:
        raise HrtfError(
            f"the sets have {own.sample_rate} and {heard.sample_rate} Hz; resample one of them"
        )
    if repetitions < 1:
        raise HrtfError(f"repetitions must be 1 or more, got {repetitions}")
    reach = reach_deg(own.positions)
    chord = cKDTree(own.positions).query(heard.positions)[0]
    known = chord <= 2.0 * np.sin(np.deg2rad(max(reach, SAME_DIRECTION_DEG)) / 2.0)
    if not np.any(known):
        raise HrtfError("the two sets have no directions in common")
    targets = heard.positions[known]
    own_cues = cues_of(own.ir, own.sample_rate)
    heard_cues = cues_of(heard.ir[known], heard.sample_rate)
    heard_cues = _levelled(heard_cues, own_cues, targets, own.positions)
    grid, template = _template(own_cues, own.positions, reach, model)
    features = _scaled(heard_cues, model)
    rng = np.random.default_rng(seed)
    pointed = _most_probable(features, template, _log_prior(grid, model), repetitions, rng)
    return _scattered(grid[pointed], model.sigma_motor_deg, rng), targets


def errors_of(responses: Array, targets: Array) -> Localisation:
    """Errors of responses (M, R, 3) to targets (M, 3); NaN where no response counts."""
    lateral, polar = lateral_polar_deg(responses)
    true_lateral, true_polar = (each[:, None] for each in lateral_polar_deg(targets))
    counted = np.abs(lateral) <= LATERAL_REACH_DEG
    lateral_error = (lateral - true_lateral)[counted]
    central = np.abs(lateral) <= POLAR_REACH_DEG
    polar_error = np.abs((polar - true_polar + 180.0) % 360.0 - 180.0)[central]
    near = polar_error < LOCAL_DEG
    return Localisation(
        _rms(lateral_error),
        _rms(polar_error[near]),
        100.0 * float(np.mean(~near)) if near.size else float("nan"),
        int(lateral.size),
    )


def lateral_polar_deg(directions: Array) -> tuple[Array, Array]:
    """Interaural-polar angles (...): lateral in [-90, 90], + left; polar in [-90, 270), 0 front."""
    x, y, z = np.moveaxis(directions, -1, 0)
    lateral = np.rad2deg(np.arcsin(np.clip(y, -1.0, 1.0)))
    polar = np.rad2deg(np.arctan2(z, x))
    return lateral, np.where(polar < -90.0, polar + 360.0, polar)


# --- the steps of the model ------------------------------------------------------------------


def _template(
    cues: Cues, positions: Array, reach: float, model: Observer
) -> tuple[Array, NDArray[np.float64]]:
    """Directions (T, 3) evenly spread over what was measured, and their features.

    The features of measured directions interpolated linearly within the triangles of the mesh.
    """
    even = fibonacci_sphere(TEMPLATE_DIRECTIONS)
    chord = cKDTree(positions).query(even)[0]
    grid = even[chord <= 2.0 * np.sin(np.deg2rad(reach) / 2.0)]
    if not len(grid):
        return positions, _scaled(cues, model)
    mesh = triangulate(positions)
    filled = mesh.fill(_scaled(cues, model))
    triangles, weights = mesh.locate(grid)
    return grid, np.einsum("tk,tkf->tf", weights, filled[mesh.triangles[triangles]])


def _levelled(heard: Cues, own: Cues, targets: Array, positions: Array) -> Cues:
    """The cues heard, with the mean band level of those of the nearest own directions."""
    nearest = cKDTree(positions).query(targets)[1]
    offset = float(np.mean(own.spectra_db[nearest]) - np.mean(heard.spectra_db))
    return Cues(heard.itd, heard.ild_db, heard.spectra_db + offset)


def _scaled(cues: Cues, model: Observer) -> Array:
    return cues.scaled(model.sigma_itd, model.sigma_ild_db, model.sigma_spectral_db)


def _log_prior(grid: Array, model: Observer) -> Array:
    elevation_deg = azimuth_elevation_deg(grid)[1]
    return np.asarray(-0.5 * (elevation_deg / model.sigma_prior_deg) ** 2)


def _most_probable(
    features: Array, template: Array, log_prior: Array, repetitions: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Template direction (M, R) of the largest posterior, for each noisy repetition."""
    # Of -|t - s|^2 / 2 the part |t|^2 is the same for all directions s.
    constant = log_prior - 0.5 * np.sum(template**2, axis=1)
    out = np.empty((len(features), repetitions), dtype=np.int64)
    step = max(1, _AT_ONCE // repetitions)
    for start in range(0, len(features), step):
        some = features[start : start + step, None]
        noisy = some + rng.standard_normal((len(some), repetitions, template.shape[1]))
        out[start : start + step] = np.argmax(noisy @ template.T + constant, axis=-1)
    return out


def _scattered(directions: Array, sigma_deg: float, rng: np.random.Generator) -> Array:
    """Unit vectors (..., 3) with von Mises-Fisher noise of concentration 1 / sigma^2.

    On the sphere the cosine of the deviation has a distribution that can be inverted (Ulrich 1984).
    """
    if sigma_deg == 0.0:
        return directions
    kappa = 1.0 / np.deg2rad(sigma_deg) ** 2
    u = rng.random(directions.shape[:-1])
    cosine = np.clip(1.0 + np.log(u + (1.0 - u) * np.exp(-2.0 * kappa)) / kappa, -1.0, 1.0)
    turn = 2.0 * np.pi * rng.random(directions.shape[:-1])
    # Two axes across each direction, from whichever coordinate axis is least parallel to it.
    least = np.eye(3)[np.argmin(np.abs(directions), axis=-1)]
    first = np.cross(directions, least)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(directions, first)
    across = np.cos(turn)[..., None] * first + np.sin(turn)[..., None] * second
    sine = np.sqrt(1.0 - cosine**2)[..., None]
    return np.asarray(cosine[..., None] * directions + sine * across)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")
