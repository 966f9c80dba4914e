"""The base of all learned methods: data on tensors, the split, the training, weights, prediction.

A model works on the residual: decibels about the mean of the training listeners, divided by
``SCALE_DB``, over the bins that are heard. It says how a batch's loss is made and how a listener is
predicted; the rest happens here. Arrival times come from the process over listeners
(``auricle.personalization.sparse.listener_gp.process``) unless a model has its own.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from auricle.dsp.arrays import Array, Int64
from auricle.personalization.learning.configuration import Configuration, configured
from auricle.personalization.learning.training_loop import History, Plan, Progress, seeded, train
from auricle.personalization.learning.weights import Weights, load_into, state_of
from auricle.personalization.listeners.features import EVALUATED_BINS, to_all_bins
from auricle.personalization.listeners.listener_data import (
    MIRROR,
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.arrival_times import ARRIVAL, predict_arrivals
from auricle.personalization.sparse.models.shared.correction_numpy import SCALE_DB as SCALE_DB
from auricle.personalization.sparse.models.shared.measurement_sets import drawn_set, standard_sets

SCALE_SECONDS = 50e-6
N_EVALUATED = EVALUATED_BINS.stop - EVALUATED_BINS.start
_FEWEST = 10  # listeners below which none can be held out


@dataclass(frozen=True)
class Residuals:
    """Listeners about their mean, scaled; ears 0 left, bins those that are heard.

    Attributes:
        db: (B, K, 2, F) in SCALE_DB.
        itd: (B, K) in SCALE_SECONDS, positive where the left ear hears later.
        positions: (K, 3).
    """

    db: torch.Tensor
    itd: torch.Tensor
    positions: torch.Tensor

    def at(self, directions: Any, listeners: Any = slice(None)) -> "Residuals":
        """Some directions of some listeners."""
        return Residuals(
            self.db[listeners][:, directions],
            self.itd[listeners][:, directions],
            self.positions[directions],
        )


@dataclass(frozen=True)
class TrainingData:
    """The data of a training: who learns, who judges, and the sets they are measured at."""

    train_listeners: Residuals
    validation_listeners: Residuals
    standard: list[Int64]
    grid: Array
    rng: np.random.Generator

    def batch(self, n_listeners: int, n_targets: int) -> tuple[Int64, Int64, Int64]:
        """Rows of listeners, of measured directions and of targets, drawn."""
        return (
            self.rng.choice(len(self.train_listeners.db), n_listeners, replace=False),
            drawn_set(self.grid, self.standard, self.rng),
            self.rng.choice(len(self.grid), min(n_targets, len(self.grid)), replace=False),
        )


class LearnedMethod:
    """Base of the learned methods (see ``auricle.personalization.sparse.method.Method``).

    A subclass gives ``name``, ``DEFAULTS``, ``build``, ``loss`` and ``estimate``.

    Args:
        plan: of the training.
        configuration: sizes of the model, in place of its DEFAULTS.
    """

    name: ClassVar[str] = ""
    DEFAULTS: ClassVar[Configuration] = Configuration()

    def __init__(self, plan: Plan | None = None, **configuration: Any) -> None:
        self.plan = plan or Plan()
        self.configuration: Any = configured(self.name, self.DEFAULTS, configuration)
        self.net: Any = None
        self._held = np.zeros(0, dtype=bool)
        self.n_parameters = 0
        self.adapts = True
        self.history: History | None = None

    # What a model says of itself.

    def build(self) -> nn.Module:
        """The network, from ``self.configuration``."""
        raise NotImplementedError

    def loss(self, data: TrainingData) -> torch.Tensor:
        """The loss of one drawn batch."""
        raise NotImplementedError

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """Residuals (B, Q, 2, F) at ``targets`` (Q, 3) of listeners known at some directions.

        ``itd`` is (B, 0) from models that leave it to the process over listeners.
        """
        raise NotImplementedError

    def prepare(self, data: TrainingData) -> None:
        """Whatever must be known before ``build``; most models need nothing."""

    # What all of them do.

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Train on listeners; every eighth is held out and says when to stop."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self._keep(train)
        rows = np.arange(len(train))
        self._held = held = (rows % 8 == 7) & (len(train) >= _FEWEST)
        train_listeners = self.residuals(_with_mirror(train.take(np.flatnonzero(~held))))
        validation_listeners = self.residuals(
            train.take(np.flatnonzero(held if held.any() else ~held))
        )
        standard = standard_sets(train.positions)
        data = TrainingData(train_listeners, validation_listeners, standard, train.positions, rng)
        self.prepare(data)
        self.net = self.build()
        self.n_parameters = sum(each.numel() for each in self.net.parameters())
        self.history = train_net(self, data, progress)

    def predict(self, measured: MeasuredListener, target_positions: Array) -> Prediction:
        """Features at the targets."""
        return self.predict_many(measured.alone(), target_positions)[0]

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """Predictions for listeners who were measured at the same directions; quicker."""
        with torch.no_grad():
            found = self.estimate(self.residuals(measured), _tensor(target_positions))
        mean = self._mean.at(target_positions)
        residual = SCALE_DB * found.db.numpy()
        magnitude = mean.magnitude_db + to_all_bins(residual)
        arrivals, spread = predict_arrivals(
            ARRIVAL, self._mean, self._deviations, measured, target_positions
        )
        if found.itd.shape[1]:
            itd = mean.arrival_seconds @ [1.0, -1.0] + SCALE_SECONDS * found.itd.numpy()
            arrivals = arrivals.mean(axis=-1, keepdims=True) + itd[..., None] * [0.5, -0.5]
            spread = None
        return [
            Prediction(each, arrival, None, spread)
            for each, arrival in zip(magnitude, arrivals, strict=True)
        ]

    def residuals(self, listeners: ListenerGroup) -> Residuals:
        """Listeners about the mean of the training, on tensors."""
        mean = self._mean.at(listeners.positions)
        db = (listeners.magnitude_db - mean.magnitude_db)[..., EVALUATED_BINS] / SCALE_DB
        itd = (listeners.arrival_seconds - mean.arrival_seconds) @ [1.0, -1.0] / SCALE_SECONDS
        return Residuals(_tensor(db), _tensor(itd), _tensor(listeners.positions))

    def validation_score(self, data: TrainingData, every: int = 9) -> float:
        """LSD in dB of the held-out listeners, over the standard sets; some directions.

        Without what a model adapts to a listener step by step, which would take most of the time.
        """
        adapting, self.adapts = self.adapts, False
        rows = np.arange(0, len(data.grid), every)
        targets = data.validation_listeners.at(rows)
        errors = []
        for measured in data.standard:
            found = self.estimate(data.validation_listeners.at(measured), targets.positions)
            errors.append(float(lsd(found.db, targets.db)))
        self.adapts = adapting
        return float(np.mean(errors))

    def to_weights(self, ids: Sequence[str] = (), **notes: Any) -> Weights:
        """All that ``from_weights`` needs, to be kept in a file; ``ids`` name the listeners."""
        kept = {
            "grid": self._mean.positions,
            "mean_magnitude_db": self._mean.magnitude_db[0],
            "mean_arrival_seconds": self._mean.arrival_seconds[0],
            "late_seconds": self._deviations.arrival_seconds,
        }
        tensors = {**kept, **self.extra_tensors(), **state_of(self.net)}
        return Weights(
            self.name, tensors, asdict(self.configuration), split_of(ids, self._held), notes
        )

    @classmethod
    def from_weights(cls, weights: Weights) -> "LearnedMethod":
        """The method as it was trained."""
        self = cls(**weights.configuration)
        grid, kept = weights.tensors["grid"], weights.tensors
        self._mean = ListenerGroup(
            grid, kept["mean_magnitude_db"][None], kept["mean_arrival_seconds"][None]
        )
        self._deviations = _without_magnitudes(grid, kept["late_seconds"])
        self.take_tensors(kept)
        self.net = self.build()
        load_into(self.net, weights)
        self.net.eval()
        self.n_parameters = sum(each.numel() for each in self.net.parameters())
        return self

    def extra_tensors(self) -> dict[str, np.ndarray]:
        """Arrays beside the network that a model needs."""
        return {}

    def take_tensors(self, tensors: dict[str, np.ndarray]) -> None:
        """The way back of ``extra_tensors``."""

    def _keep(self, train: ListenerGroup) -> None:
        self._mean = mean_listener(train)
        both = train.joined(train.mirrored())
        late = both.arrival_seconds - self._mean.arrival_seconds
        self._deviations = _without_magnitudes(train.positions, late)


def split_of(ids: Sequence[str], held: NDArray[np.bool_]) -> dict[str, list[str]]:
    """Names of the listeners that were trained on, and of those that said when to stop."""
    return {
        "trained": [name for name, out in zip(ids, held, strict=False) if not out],
        "held_out": [name for name, out in zip(ids, held, strict=False) if out],
    }


def train_net(
    model: LearnedMethod, data: TrainingData, progress: Progress | None = None
) -> History:
    """Train a model by the loop of ``auricle.personalization.learning.training_loop``.

    Args:
        model: its network is trained in place.
        data: the training listeners, and those that say when to stop.
        progress: called with the progress.
    """
    return train(
        model.net,
        lambda: model.loss(data),
        lambda: model.validation_score(data),
        model.plan,
        progress,
    )


def lsd(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean LSD in dB of scaled residuals (..., F)."""
    return SCALE_DB * torch.sqrt(torch.mean((found - wanted) ** 2, dim=-1) + 1e-8).mean()


def zeroed(layer: nn.Module) -> None:
    """Let a layer start by giving nothing, so that training starts from the base it corrects."""
    for each in layer.parameters():
        nn.init.zeros_(each)


def ear_views(positions: torch.Tensor) -> torch.Tensor:
    """Directions (K, 2, 3) as each ear sees them: the right ear in the mirror."""
    mirror = torch.from_numpy(MIRROR).to(positions)
    return torch.stack([positions, positions * mirror], dim=1)


def _without_magnitudes(positions: Array, arrival_seconds: Array) -> ListenerGroup:
    return ListenerGroup(
        positions, np.zeros((*arrival_seconds.shape, 0), np.float32), arrival_seconds
    )


def _with_mirror(train: ListenerGroup) -> ListenerGroup:
    return train.joined(train.mirrored())


def _tensor(array: NDArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
