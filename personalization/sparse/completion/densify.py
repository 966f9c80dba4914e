"""A measured set with its gaps filled: directions between the measured ones."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.mesh_refinement import refined_vertices
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.spectral import Band, lsd_db
from auricle.dsp.sphere.grids import spacing_deg
from auricle.dsp.sphere.mesh import triangulate
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.completion.complete import (
    Completed,
    complete,
    completed_by_interpolation,
)
from auricle.personalization.sparse.completion.input_checks import checked
from auricle.personalization.sparse.completion.own_interpolation import interpolated
from auricle.personalization.sparse.method import Method
from auricle.personalization.sparse.registry import method

FEWEST_REFINED = 60  # directions from which on the network is better than the process alone
MOST_DIRECTIONS = 1500  # measured; beyond, the grid is finer than what listeners differ by
_LEAST_STEP_DEG = 2.5
_TRIED = 5  # every fifth direction is left out, to see which way is better
_NEARLY = 0.9  # of the angle
_SHARE_KEPT = 0.6  # of the directions, that are left to predict from
_FEWEST_LEFT_OUT = 12
_FEWEST_TRIED = 40  # directions from which others are predicted for that
_BAND_HZ = (345.0, 15800.0)
_LEAST_GAIN_DB = 0.02  # of LSD, for which a prediction is taken
_STEP = 0.7  # of the spacing: every edge of the mesh is halved once


def dense_method(n_measured: int, train: ListenerGroup) -> Method:
    """The method that fills gaps between so many directions best, and the listeners it needs."""
    name = "dense-refiner-across" if n_measured >= FEWEST_REFINED else "listeners-across"
    made = method(name)()
    made.fit(train)
    return made


def densified(
    measured: HrtfSet, upsampler: Method, targets: Array | None = None, about: str = ""
) -> Completed:
    """A set with the measured directions, untouched, and those between them.

    Spectra are predicted, or the engine's own interpolation where that is as good; ITDs likewise.
    Which, some of the set's own directions tell, that are left out for it.

    Args:
        measured: the listener's set.
        upsampler: a method that has learned.
        targets: (Q, 3) unit vectors in place of the directions between.
        about: what to add to the name of the set.

    Raises:
        HrtfError: a set that has too many directions for this to help, or that no head can have.
    """
    if measured.n_directions > MOST_DIRECTIONS:
        raise HrtfError(
            f"the set has {measured.n_directions} directions; it is dense enough, "
            f"{MOST_DIRECTIONS} is the most that is filled in"
        )
    wanted = between_measured(measured.positions) if targets is None else targets
    trial = Trial.of(measured, upsampler, wanted)
    if not trial.spectra_predicted:
        done = completed_by_interpolation(measured, wanted, about and "densified by interpolation")
    else:
        done = complete(
            measured, upsampler, wanted, about, None if trial.itd_predicted else interpolated_itd
        )
    by = "" if trial.spectra_predicted else "interpolation"
    return replace(done, by=by, taken=trial.sentence(upsampler.name))


@dataclass(frozen=True)
class Trial:
    """What prediction and the engine's own interpolation get wrong at directions left out.

    Attributes:
        n_left_out: directions that were left out.
        lsd_db: mean, 345 Hz to 15.8 kHz, of the prediction and of the interpolation.
        itd_us: mean error, likewise.
    """

    n_left_out: int
    lsd_db: tuple[float, float]
    itd_us: tuple[float, float]

    @classmethod
    def of(cls, measured: HrtfSet, upsampler: Method, targets: Array) -> "Trial":
        """Both ways tried on some of the set's own directions, as far off as the targets are."""
        known, _ = checked(measured)
        left, far = _left_out(known.positions, targets)
        if np.sum(far) < _FEWEST_TRIED:
            return cls(0, (0.0, 0.0), (0.0, 0.0))
        kept, truth = known.subset(far), known.subset(left)
        ways = [
            complete(kept, upsampler, truth.positions),
            completed_by_interpolation(kept, truth.positions),
        ]
        if ways[0].n_predicted != len(truth.ir) or ways[1].n_predicted != len(truth.ir):
            return cls(0, (0.0, 0.0), (0.0, 0.0))  # some were doubles
        found = [way.hrtf.ir[way.n_measured :] for way in ways]
        rate = truth.sample_rate
        size = 1 << (max(known.n_taps, 512) - 1).bit_length()
        band = Band(*_BAND_HZ, size)
        itd = itd_correlation_seconds(truth.ir, rate)
        wrong = [np.abs(itd_correlation_seconds(ir, rate) - itd) for ir in found]
        lsd = [float(np.mean(lsd_db(ir, truth.ir, rate, band))) for ir in found]
        return cls(len(truth.ir), (lsd[0], lsd[1]), (1e6 * wrong[0].mean(), 1e6 * wrong[1].mean()))

    @property
    def spectra_predicted(self) -> bool:
        """Whether the prediction has less LSD; without a trial it is trusted."""
        return self.n_left_out == 0 or self.lsd_db[0] < self.lsd_db[1] - _LEAST_GAIN_DB

    @property
    def itd_predicted(self) -> bool:
        """Whether the prediction's ITD is no worse; without a trial it is trusted."""
        return self.n_left_out == 0 or self.itd_us[0] <= self.itd_us[1]

    def sentence(self, name: str) -> str:
        """Which way was taken, and by how much; empty without a trial."""
        if self.n_left_out == 0:
            return ""
        taken = "interpolation"
        if self.spectra_predicted:
            taken = f"{name}, {'ITD too' if self.itd_predicted else 'ITD by interpolation'}"
        return (
            f"Taken: {taken}. At {self.n_left_out} directions left out {name} had LSD "
            f"{self.lsd_db[0]:.2f} dB and ITD {self.itd_us[0]:.1f} us, interpolation "
            f"{self.lsd_db[1]:.2f} dB and {self.itd_us[1]:.1f} us."
        )


def _left_out(positions: Array, targets: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows that are left out, and which (M,) of the others are as far from them as measured ones
    are from the targets.
    """
    angles = np.arccos(np.clip(_nearness(targets, positions), -1.0, 1.0))
    off = np.cos(_NEARLY * np.median(angles))
    left = np.arange(_TRIED // 2, len(positions), _TRIED)
    while True:
        far = _nearness(positions, positions[left]) < off
        far[left] = False
        if np.mean(far) > _SHARE_KEPT or len(left) < 2 * _FEWEST_LEFT_OUT:
            return left, far
        left = left[::2]


def _nearness(positions: Array, others: Array) -> Array:
    """Cosines (M,) of the angles to the nearest of others."""
    return np.max(positions @ others.T, axis=1)


def interpolated_itd(known: HrtfSet, targets: Array) -> Array:
    """ITDs (Q,) in seconds that the engine's own interpolation has at directions (Q, 3)."""
    return itd_correlation_seconds(interpolated(known, targets), known.sample_rate)


def between_measured(positions: Array) -> Array:
    """Directions (Q, 3) in the middles between measured ones, and in the holes of the grid."""
    mesh = triangulate(positions)
    step_deg = max(_STEP * float(np.median(spacing_deg(positions))), _LEAST_STEP_DEG)
    vertices = refined_vertices(mesh, step_deg, 4 * len(mesh.vertices))
    return vertices[len(mesh.measured) :]
