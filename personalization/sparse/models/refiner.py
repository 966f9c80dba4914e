"""Refiner: a convolution over frequency that corrects the local covariance's posterior mean.

A Gaussian posterior is linear in what was measured. Ears are not: a notch of another depth or place
is not a sum of others' notches. The network sees, for one target direction, what the linear
estimate knows, and adds what it leaves. It is trained on estimates of listeners whom the covariance
has not seen (cross-validation within the training listeners), else it would learn to trust them.

Shape of the network: eight to sixteen channels over 116 bins, dilated convolutions with FiLM (Perez
et al. 2018) by the target, the nearest measured direction and the number of measured directions, so
one set of weights serves any number. The last layer starts at zero: before training it is the base.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from auricle.personalization.features import HEARD
from auricle.personalization.sparse.local_covariance import LocalCovariance
from auricle.personalization.sparse.measured_sets import random_set, standard_sets
from auricle.personalization.sparse.method import (
    Array,
    Float32,
    Measured,
    Prediction,
    Training,
)
from auricle.personalization.training import History, Plan, Progress, seeded, train

_SCALE_DB = 5.0
_FIXED_CHANNELS = 10
N_CONDITIONS = 8


class RefinerNet(nn.Module):
    """Corrections in dB (B, 2, F) from channels (B, C, F) and conditions (B, N_CONDITIONS)."""

    def __init__(
        self, width: int = 48, dilations: tuple[int, ...] = (1, 2, 4, 8, 1), dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.condition = nn.Sequential(
            nn.Linear(N_CONDITIONS, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU()
        )
        self.first = nn.Conv1d(_FIXED_CHANNELS, width, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in dilations
        )
        self.films = nn.ModuleList(nn.Linear(64, 2 * width) for _ in dilations)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv1d(width, 2, 5, padding=2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, channels: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Channels (B, C, F) and conditions (B, N_CONDITIONS) to corrections (B, 2, F) in dB."""
        hidden = self.first(channels)
        told = self.condition(conditions)
        for layer, film in zip(self.layers, self.films, strict=True):
            gain, shift = film(told)[..., None].chunk(2, dim=1)
            hidden = hidden + self.dropout(nn.functional.gelu(layer(hidden) * (1.0 + gain) + shift))
        return _SCALE_DB * self.last(hidden)


@dataclass(frozen=True)
class Episode:
    """Base estimates for listeners who were all measured at the same directions.

    Attributes:
        n_measured: directions measured.
        rows: (Q,) targets in the grid.
        base: (L, Q, 2, F) posterior mean less the mean listener.
        spread: (Q, 2, F) its standard deviation.
        nearest: (Q,) which row of the grid is the nearest measured direction.
    """

    n_measured: int
    rows: Array
    base: Float32
    spread: Float32
    nearest: Array


class Refiner:
    """Local covariance, refined by a network trained on what it leaves."""

    name = "refiner"
    n_parameters = 0

    def __init__(self, plan: Plan | None = None, **configuration: Any) -> None:
        self.plan = plan or Plan()
        self.configuration: dict[str, Any] = {
            "seeds": 1,
            "groups": 6,
            "random_sets": 6,
            "targets": 160,
        }
        self.configuration |= configuration

    def fit(self, train_listeners: Training, progress: Progress | None = None) -> None: ...
