"""The interface of a method of spatial upsampling.

    upsampler = method("ridge")()                     # auricle.personalization.sparse.registry
    upsampler.fit(train)                              # other listeners over one whole grid
    found = upsampler.predict(measured, targets)      # any measured directions in, any targets out

Methods predict everywhere; that what was measured stays as measured is the caller's affair
(``auricle.personalization.sparse.completion.complete``), so that all methods are judged alike.
"""

from typing import Protocol

from auricle.dsp.arrays import Array
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)


class Method(Protocol):
    """A way to a whole HRTF from a few directions."""

    name: str
    n_parameters: int  # numbers learned from the training listeners; 0 before ``fit``

    def fit(self, train: ListenerGroup) -> None:
        """Learn from other listeners; methods that need none keep nothing."""

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """Features at ``target_positions`` (Q, 3) of the listener measured."""


def predict_many(upsampler: Method, measured: ListenerGroup, targets: Array) -> list[Prediction]:
    """Predictions for listeners who were measured at the same directions.

    A method may have a quicker way for many: ``predict_many(measured, targets)``.

    Args:
        upsampler: a method that has learned.
        measured: the listeners at those directions.
        targets: (Q, 3) unit vectors.
    """
    quicker = getattr(upsampler, "predict_many", None)
    if quicker is not None:
        found: list[Prediction] = quicker(measured, targets)
        return found
    return [upsampler.predict(measured.listener(row), targets) for row in range(len(measured))]
