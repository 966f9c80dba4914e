"""The base of methods that put a network over the process of listeners: settings, weights.

The base needs the listeners themselves, so the file of weights holds them, in 16 bits.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from auricle.dsp.arrays import Array
from auricle.personalization.learning.configuration import Configuration, configured
from auricle.personalization.learning.training_loop import History, Plan
from auricle.personalization.learning.weights import Weights, load_into, state_of
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.sparse.models.shared.base import split_of

Own = TypeVar("Own", bound="GpCorrection")


class GpCorrection:
    """Base of ``refiner``, ``dense-refiner`` and ``flow``.

    A subclass gives ``name``, ``DEFAULTS`` (with ``groups`` of the cross-validation), ``fit``,
    ``predict_many``, ``_base_on`` and ``_build``; ``extra_tensors`` and ``take_tensors`` where it
    needs more than network and listeners.

    Args:
        plan: of the training.
        configuration: in place of DEFAULTS.
    """

    name: ClassVar[str] = ""
    DEFAULTS: ClassVar[Configuration] = Configuration()

    def __init__(self, plan: Plan | None = None, **configuration: Any) -> None:
        self.plan = plan or Plan()
        self.configuration: Any = configured(self.name, self.DEFAULTS, configuration)
        self.net: Any = None
        self.n_parameters = 0
        self.history: History | None = None

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """The prediction of ``predict_many`` for one listener."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """Predictions for listeners who were all measured at the same directions."""
        raise NotImplementedError

    def _base_on(self, train: ListenerGroup) -> None:
        """Fit the base, and keep what is said of the listeners."""
        raise NotImplementedError

    def _build(self) -> nn.Module:
        """The network, from ``self.configuration``."""
        raise NotImplementedError

    def extra_tensors(self) -> dict[str, NDArray]:
        """Arrays beside network and listeners that the method needs."""
        return {}

    def take_tensors(self, tensors: dict[str, NDArray]) -> None:
        """The way back of ``extra_tensors``."""

    def listener_tensors(self) -> dict[str, NDArray]:
        """The listeners, for the file of weights."""
        return {
            "grid": self._listeners.positions,
            "listeners_db": self._listeners.magnitude_db.astype(np.float16),
            "listeners_arrival": self._listeners.arrival_seconds,
        }

    @classmethod
    def listeners_in(cls, weights: Weights) -> ListenerGroup:
        """The way back of ``listener_tensors``."""
        kept = weights.tensors
        magnitude_db = kept["listeners_db"].astype(np.float32)
        return ListenerGroup(kept["grid"], magnitude_db, kept["listeners_arrival"])

    def held_out(self) -> NDArray[np.bool_]:
        """Which listeners say when to stop: the first group."""
        return np.arange(len(self._listeners)) % self.configuration.groups == 0

    def _start(self, train: ListenerGroup) -> None:
        self._listeners = train
        self._base_on(train)

    def _make_net(self) -> None:
        self.net = self._build()
        self.n_parameters = sum(each.numel() for each in self.net.parameters())

    def to_weights(self, ids: Sequence[str] = (), **notes: Any) -> Weights:
        """All that ``from_weights`` needs."""
        tensors = {**self.listener_tensors(), **self.extra_tensors(), **state_of(self.net)}
        return Weights(
            self.name, tensors, asdict(self.configuration), split_of(ids, self.held_out()), notes
        )

    @classmethod
    def from_weights(cls: type[Own], weights: Weights) -> Own:
        """The method as it was trained."""
        listeners = cls.listeners_in(weights)
        self = cls(**weights.configuration)
        self._start(listeners)
        self.take_tensors(weights.tensors)
        self._make_net()
        load_into(self.net, weights)
        self.net.eval()
        return self
