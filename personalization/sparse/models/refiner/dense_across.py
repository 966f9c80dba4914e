"""Between the measured directions of any laboratory: the process over the listeners that ship, and
a small network, in NumPy, for what it leaves.

The network is trained by ``models.dense_refiner_across``; its weights ship.
"""

from typing import ClassVar

import numpy as np

from auricle.dsp.arrays import Array
from auricle.personalization.learning.weights import Weights, load_weights, shipped_weights
from auricle.personalization.listeners import shipped
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import Population
from auricle.personalization.sparse.listener_gp.process import ListenersAcross
from auricle.personalization.sparse.models.shared.correction_numpy import Tensors, corrections_db
from auricle.personalization.sparse.models.shared.neighbour_inputs import (
    between,
    spaced_steps,
    spacing_of,
    with_corrections,
)

NEAR, FAR = 0.5, 0.7  # chords to the neighbours: as trained; where corrections help no longer


class DenseAcross:
    """The method ``dense-refiner-across``: ready from its weights, or fitted to what ships."""

    name: ClassVar[str] = "dense-refiner-across"
    n_parameters = 0

    def fit(self, train: ListenerGroup) -> None:
        """Take the weights that ship; AuricleError for listeners that they do not go with."""
        shipped.check_ships(self.name, train)
        self._take(load_weights(shipped_weights(self.name), self.name), train)

    @classmethod
    def from_weights(cls, weights: Weights) -> "DenseAcross":
        """The method as it was trained; WeightsError where the listeners that ship are others."""
        self = cls()
        self._take(weights, shipped.listeners_of(weights))
        return self

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The prediction of ``predict_many`` for one listener."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """Predictions for listeners who were all measured at the same directions."""
        base, response = self._base.predict_apart(measured, target_positions)
        estimates = np.stack([each.magnitude_db for each in base]) - response[:, None, None]
        known = measured.louder(-response)
        seen = between(known, target_positions, estimates, self._population, spaced_steps)
        channels, conditions, *_ = seen.drawn(*seen.everywhere())
        found = corrections_db(self._net, channels, conditions)
        found *= np.interp(spacing_of(conditions), [NEAR, FAR], [1.0, 0.0])[:, None, None]
        return with_corrections(base, found, keep_level=True)

    def _take(self, weights: Weights, listeners: ListenerGroup) -> None:
        self._base = ListenersAcross(bins_apart=True)
        self._base.fit(listeners)
        self._population = Population.of(listeners)
        self._net: Tensors = weights.below("net.")
        self.n_parameters = sum(each.size for each in self._net.values())
