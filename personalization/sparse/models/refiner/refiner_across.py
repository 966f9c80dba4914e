"""The refiner for a listener of another laboratory, over the listeners that ship.

Its base is ``listeners-across``. In training every listener is measured with equipment drawn anew,
as the base supposes it to be; the network sees all without the response that the base finds, and
corrects that too. The file of weights names the listeners that ship and does not hold them.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Float32
from auricle.personalization.learning.training_loop import Progress
from auricle.personalization.learning.weights import Weights
from auricle.personalization.listeners import shipped
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.listener_gp.process import ListenersAcross
from auricle.personalization.sparse.methods.other_laboratory import drawn_equipment_db
from auricle.personalization.sparse.models.refiner.refiner import Refiner, RefinerConfiguration


class RefinerAcross(Refiner):
    """The method ``refiner-across``: see ``Refiner``; its listeners are those that ship."""

    name: ClassVar[str] = "refiner-across"
    DEFAULTS: ClassVar[RefinerConfiguration] = RefinerConfiguration(groups=4, targets=64)
    SPREAD_OF_ALL: ClassVar[bool] = True

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Train on the listeners that ship, as they were measured; AuricleError for others."""
        shipped.check_ships(self.name, train)
        super().fit(train, progress)

    def kept(self, train: ListenerGroup) -> ListenerGroup:
        """The listeners in the form in which they ship."""
        return shipped.as_shipped(train)

    def pupils(self, train: ListenerGroup) -> ListenerGroup:
        """Every listener once, every second one in the mirror: half the time, as many people."""
        each = np.arange(len(train))
        return train.joined(train.mirrored()).take(each + len(train) * (each % 2))

    def process(self, *, with_spread: bool = True) -> ListenersAcross:
        """The process whose predictions are corrected; before it has learned."""
        return ListenersAcross(with_spread=with_spread)

    def equipment_db(self, count: int, rng: np.random.Generator) -> Float32:
        """Responses (count, F) with the covariance that the base gives them."""
        return drawn_equipment_db(count, rng)

    def listener_tensors(self) -> dict[str, NDArray]:
        """None: which listeners they are stands in the notes."""
        return {}

    def to_weights(self, ids: Sequence[str] = (), **notes: Any) -> Weights:
        """The networks, and which listeners they go with."""
        listeners = [self._listeners.dataset, len(self._listeners)]
        return super().to_weights(ids, **notes, listeners=listeners)

    @classmethod
    def listeners_in(cls, weights: Weights) -> ListenerGroup:
        """The listeners that ship; WeightsError where those of the notes are others."""
        return shipped.listeners_of(weights)
