"""Plain interpolation of what was measured; no other listeners."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.sphere.mesh import triangulate
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)


class Nearest:
    """The nearest measured direction."""

    name = "nearest"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Do nothing: the method learns nothing from other listeners."""

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The features that were measured nearest to each target."""
        rows = np.argmax(target_positions @ measured.positions.T, axis=1)
        return Prediction(measured.magnitude_db[rows], measured.arrival_seconds[rows])


class Barycentric:
    """Blends of the three measured directions around a target, spectrum and arrival time apart.

    Aligned responses of minimum phase, blended in decibels: the best plain blend of
    ``benchmarks/rendering/offgrid.py``. Outside of the measured directions the mesh is closed by
    blends.
    """

    name = "barycentric"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Do nothing: the method learns nothing from other listeners."""

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The blends at the targets."""
        mesh = triangulate(measured.positions)
        triangle, weights = mesh.locate(target_positions)
        corners = mesh.triangles[triangle]

        def mix(values: NDArray) -> Array:
            return np.einsum("qi,qi...->q...", weights, mesh.fill(values)[corners])

        magnitude_db = mix(measured.magnitude_db).astype(np.float32)
        return Prediction(magnitude_db, mix(measured.arrival_seconds))
