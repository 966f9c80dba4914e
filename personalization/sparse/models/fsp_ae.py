"""FSP-AE: a hyper-linear autoencoder conditioned on position and frequency (Ito et al. 2022, 2025).

One scalar, the residual at one direction, ear and bin, goes through linear layers whose weights a
small network makes from that direction and that frequency. The mean over all measured directions is
a latent vector a bin, the prototype of the listener, free of position: any number of directions in
any order makes one. Hyper-linear layers whose weights come from the target bring it back. The ITD
is one more "bin", with its own flag, as in the publication.

Both ears share the network: the right ear sees the sphere in the mirror and its own prototype
first, so a mirrored listener gives the mirrored prediction exactly.

Against the publication: weights from 32 hidden units (64), layers 1-8-32 (1-16-64), one residual
layer (two), SiLU (Mish), minutes in place of 1400 epochs; the residual about the mean listener in
place of decibels; both ears' prototypes for either ear.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.sparse.models.shared.base import (
    N_EVALUATED,
    LearnedMethod,
    Residuals,
    TrainingData,
    ear_views,
    lsd,
)

N_TOKENS = N_EVALUATED + 1  # bins, then the ITD
_OCTAVES = 3
_FREQUENCY_TERMS = 4


class HyperLinear(nn.Module):
    """Weights (..., I O) and biases (..., O) of a linear layer, made from a condition (..., C).

    Args:
        n_condition: C.
        n_in: I.
        n_out: O.
    """

    def __init__(self, n_condition: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Linear(n_condition, n_in * n_out)
        self.bias = nn.Linear(n_condition, n_out)
        nn.init.normal_(self.weight.weight, std=0.5 / math.sqrt(n_condition * n_in))
        nn.init.normal_(self.weight.bias, std=1.0 / math.sqrt(n_in))

    def forward(self, condition: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights, in any order of I and O that the caller likes, and biases."""
        return self.weight(condition), self.bias(condition)


class HyperNet(nn.Module):
    """From the features of a direction and a bin to what hyper-linear layers are made from."""

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, width)
        self.second = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (P, n) to conditions (P, width)."""
        hidden = self.first(features)
        return nn.functional.silu(self.norm(hidden + self.second(hidden)))


class FspAeNet(nn.Module):
    """Residuals (B, Q, 2, tokens) from residuals (B, K, 2, tokens) at other directions.

    Args:
        width: of the layers.
        inner: of the layers that make weights.
        latent: size of the code of a listener.
    """

    def __init__(self, width: int, inner: int, latent: int) -> None:
        super().__init__()
        n_features = 3 * (2 * _OCTAVES + 1) + 2 * _FREQUENCY_TERMS + 2
        self.encoder = HyperNet(n_features + 1, width)
        self.encode_1 = HyperLinear(width, 1, inner)
        self.encode_2 = HyperLinear(width, inner, latent)
        self.norm = nn.LayerNorm(latent)
        self.decoder = HyperNet(n_features, width)
        self.decode_1 = HyperLinear(width, 2 * latent, inner)
        self.decode_2 = HyperLinear(width, inner, 1)

    def forward(
        self, known: torch.Tensor, where: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """Residuals at the targets.

        Args:
            known: (B, K, 2, T) residuals.
            where: (K, 3) their directions.
            targets: (Q, 3) directions.

        Returns:
            (B, Q, 2, T).
        """
        return self.decode(self.prototypes(known, where), targets)

    def prototypes(self, known: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """Latent vectors (2 T, B, D), one an ear and token: the listener without direction."""
        n_listeners, n_known = known.shape[:2]
        features = _features(ear_views(where))  # (2 T, K, n)
        count = torch.full((1,), math.log(n_known) / 4.0).expand(*features.shape[:-1], 1)
        condition = self.encoder(torch.cat([features, count], dim=-1))
        weight, bias = self.encode_1(condition)  # (2 T, K, H)
        values = known.permute(2, 3, 0, 1).flatten(0, 1)  # (2 T, B, K)
        hidden = values[..., None] * weight[:, None] + bias[:, None]
        hidden = nn.functional.silu(hidden).flatten(2)  # (2 T, B, K H)
        weight, bias = self.encode_2(condition)
        # Over directions the product sums, and their mean is the prototype.
        found = hidden @ weight.reshape(len(weight), hidden.shape[2], -1) / n_known
        return self.norm(found + bias.mean(dim=1)[:, None])

    def decode(self, prototypes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Residuals (B, Q, 2, T) at targets (Q, 3)."""
        n_listeners, n_targets = prototypes.shape[1], len(targets)
        condition = self.decoder(_features(ear_views(targets)))  # (2 T, Q, C)
        both = torch.cat([prototypes, prototypes.roll(N_TOKENS, 0)], dim=-1)  # own ear first
        weight, bias = self.decode_1(condition)
        hidden = both @ weight.reshape(len(both), -1, both.shape[2]).transpose(1, 2)
        hidden = hidden.reshape(len(both), n_listeners, n_targets, -1) + bias[:, None]
        weight, bias = self.decode_2(condition)
        found = (nn.functional.silu(hidden) * weight[:, None]).sum(dim=-1)
        found = (found + bias[:, None, :, 0]).reshape(2, N_TOKENS, n_listeners, n_targets)
        return found.permute(2, 3, 0, 1)


@dataclass(frozen=True)
class FspAeConfiguration(Configuration):
    """Sizes and settings of ``FspAe``, which says what they are."""

    width: int = 32
    inner: int = 8
    latent: int = 32
    listeners: int = 8
    targets: int = 24
    itd_weight: float = 0.5
    most_measured: int = 32


class FspAe(LearnedMethod):
    """The method ``fsp-ae``."""

    name = "fsp-ae"
    DEFAULTS: ClassVar[FspAeConfiguration] = FspAeConfiguration()
    configuration: FspAeConfiguration

    def build(self) -> nn.Module:
        """Build the autoencoder."""
        sizes = self.configuration
        return FspAeNet(sizes.width, sizes.inner, sizes.latent)

    def loss(self, data: TrainingData) -> torch.Tensor:
        """LSD and the ITD's error."""
        who, measured, targets = data.batch(
            self.configuration.listeners, self.configuration.targets
        )
        measured = data.rng.permutation(measured)[: self.configuration.most_measured]
        wanted = data.train_listeners.at(targets, who)
        found = self.estimate(data.train_listeners.at(measured, who), wanted.positions)
        itd = (found.itd - wanted.itd).abs().mean()
        return lsd(found.db, wanted.db) + self.configuration.itd_weight * itd

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """Decoded at the targets, in pieces that fit the cache."""
        prototypes = self.net.prototypes(_tokens(known), known.positions)
        pieces = [self.net.decode(prototypes, piece) for piece in targets.split(64)]
        found = torch.cat(pieces, dim=1)
        itd = 0.5 * (found[:, :, 0, -1] - found[:, :, 1, -1])
        return Residuals(found[..., :-1], itd, targets)


def _tokens(known: Residuals) -> torch.Tensor:
    """Bins and ITD (B, K, 2, T); in the mirror the ITD has the other sign."""
    itd = torch.stack([known.itd, -known.itd], dim=-1)
    return torch.cat([known.db, itd[..., None]], dim=-1)


def _features(views: torch.Tensor) -> torch.Tensor:
    """Fourier features (2 T, K, n) of directions as ears see them (K, 2, 3) and of tokens."""
    scaled = [views * (math.pi / 2.0 * 2.0**k) for k in range(_OCTAVES)]
    place = torch.cat([views, *(f(x) for x in scaled for f in (torch.sin, torch.cos))], dim=-1)
    bins = torch.linspace(0.0, 1.0, N_EVALUATED)
    waves = [bins * (math.pi * (k + 1)) for k in range(_FREQUENCY_TERMS)]
    terms = [wave(x) for x in waves for wave in (torch.sin, torch.cos)]
    tone = torch.stack([*terms, bins, torch.zeros(N_EVALUATED)], dim=-1)
    of_itd = torch.zeros(1, tone.shape[1])
    of_itd[0, -1] = 1.0
    tone = torch.cat([tone, of_itd])  # (T, n)
    shape = (2, N_TOKENS, len(views))
    both = [place.transpose(0, 1)[:, None].expand(*shape, -1), tone[:, None].expand(*shape, -1)]
    return torch.cat(both, dim=-1).flatten(0, 1)
