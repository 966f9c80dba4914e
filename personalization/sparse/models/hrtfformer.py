"""HRTFformer: a transformer from sparse to dense spherical harmonics (Hu et al. 2025).

What was measured becomes coefficients of spherical harmonics, bin by bin. Strided convolutions
turn the spectra of coefficients into tokens, a transformer encoder with grouped queries (Ainslie et
al. 2023) lets all frequencies look at each other, and back-projecting upsampling (DBPN, Haris et
al. 2018) gives the spectra of a higher order. Any number of measured directions in any order makes
one set of coefficients. The loss is the publication's: spectral distortion, level difference of the
ears, and the dissimilarity of neighbouring directions, which a field that is smoothed out lacks.

Both ears share the network: the right ear sees the sphere in the mirror and itself first, so a
mirrored listener gives the mirrored prediction exactly.

Against the publication: tokens of 96 (1024), 29 of them, 3 blocks, from order 7 to order 11 (21);
in residual form: a correction, zero before training, of the regularised harmonics of what the mean
listener leaves; half of the listeners it learns from are blends of two, else it learns them by
heart.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from auricle.dsp.sphere.harmonics import degrees, n_channels, order_of
from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.sparse.models.shared.base import (
    N_EVALUATED,
    SCALE_DB,
    LearnedMethod,
    Residuals,
    TrainingData,
    lsd,
    zeroed,
)
from auricle.personalization.sparse.models.shared.harmonic_residuals import (
    coefficients,
    design,
    field,
)

BASE_ORDER = 15  # of the harmonics that are corrected; their regularisation limits them
_COVERAGE_ORDER = 3  # of the harmonics that say where there are measurements
_FEW = 10  # directions below which harmonics are stiffer
_ILD_WEIGHT, _NEIGHBOUR_WEIGHT = 0.3, 0.2


class GroupedAttention(nn.Module):
    """Self-attention (B, T, C) whose heads share keys and values by groups.

    Args:
        width: C.
        heads: of attention.
        groups: of heads.
        dropout: 0 to 1.
    """

    def __init__(self, width: int, heads: int, groups: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * groups * self.size)
        self.out = nn.Linear(width, width)
        self.dropout = dropout

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (B, T, C), each with what it gathers from all."""
        batch, count, _ = tokens.shape
        query = self.query(tokens).view(batch, count, self.heads, self.size).transpose(1, 2)
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        shared = (batch, count, self.groups, self.size)
        repeats = self.heads // self.groups
        key, value = (
            each.view(shared).transpose(1, 2).repeat_interleave(repeats, 1) for each in (key, value)
        )
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out(found.transpose(1, 2).reshape(batch, count, -1))


class Block(nn.Module):
    """One layer of the encoder, normalised before each part.

    Args:
        width: C.
        heads: of attention.
        groups: of heads.
        dropout: 0 to 1.
    """

    def __init__(self, width: int, heads: int, groups: int, dropout: float) -> None:
        super().__init__()
        self.attention = GroupedAttention(width, heads, groups, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (B, T, C) to tokens."""
        tokens = tokens + self.attention(self.norms[0](tokens))
        return tokens + self.mix(self.norms[1](tokens))


class BackProjection(nn.Module):
    """Twice as many frequencies: upsampled, brought down again, and mended by what that misses."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose1d(width, width, 4, stride=2, padding=1)
        self.down = nn.Conv1d(width, width, 4, stride=2, padding=1)
        self.mend = nn.ConvTranspose1d(width, width, 4, stride=2, padding=1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Spectra (B, C, T) to (B, C, 2 T)."""
        high = nn.functional.silu(self.up(hidden))
        return high + nn.functional.silu(self.mend(hidden - self.down(high)))


class SphericalTransformer(nn.Module):
    """Coefficients (B, 2 N_in, F), own ear first, to those of the own ear (B, N_out, F).

    Args:
        order_in: of the harmonics that come in.
        order_out: of those that go out.
        width: of a token.
        depth: layers.
        heads: of attention.
        groups: of heads.
        dropout: 0 to 1.
    """

    def __init__(
        self, order_in: int, order_out: int, width: int, depth: int, heads: int, groups: int,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        n_in, n_out = 2 * n_channels(order_in), n_channels(order_out)
        self.enter = nn.Sequential(
            nn.Conv1d(n_in, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
        )
        self.place = nn.Parameter(0.1 * torch.randn(-(-N_EVALUATED // 4), width))
        self.condition = nn.Linear(1 + n_channels(_COVERAGE_ORDER), width)
        self.blocks = nn.ModuleList(Block(width, heads, groups, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Sequential(BackProjection(width), BackProjection(width))
        self.last = nn.Conv1d(width, n_out, 5, padding=2)
        zeroed(self.last)

    def forward(self, known: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Coefficients of the own ear, from those of both and where (B, n) measurements are."""
        tokens = self.enter(known).transpose(1, 2) + self.place + self.condition(condition)[:, None]
        for block in self.blocks:
            tokens = block(tokens)
        return self.last(self.leave(self.norm(tokens).transpose(1, 2))[..., :N_EVALUATED])


@dataclass(frozen=True)
class HrtfFormerConfiguration(Configuration):
    """Sizes and settings of ``HrtfFormer``, which says what they are."""

    order_in: int = 7
    order_out: int = 11
    width: int = 96
    depth: int = 3
    heads: int = 8
    groups: int = 2
    dropout: float = 0.1
    listeners: int = 16
    targets: int = 48


class HrtfFormer(LearnedMethod):
    """The method ``hrtfformer``."""

    name = "hrtfformer"
    DEFAULTS: ClassVar[HrtfFormerConfiguration] = HrtfFormerConfiguration()
    configuration: HrtfFormerConfiguration

    def prepare(self, data: TrainingData) -> None:
        """Find each direction's nearest neighbour, for the loss."""
        closeness = data.grid @ data.grid.T
        np.fill_diagonal(closeness, -1.0)
        self._neighbour = np.argmax(closeness, axis=1)

    def build(self) -> nn.Module:
        """Build the transformer."""
        sizes = ("order_in", "order_out", "width", "depth", "heads", "groups", "dropout")
        return SphericalTransformer(*(getattr(self.configuration, each) for each in sizes))

    def loss(self, data: TrainingData) -> torch.Tensor:
        """LSD, error of the ILD, and error of how much neighbours differ; dB."""
        who, measured, targets = data.batch(
            self.configuration.listeners, self.configuration.targets
        )
        both = np.concatenate([targets, self._neighbour[targets]])
        rows = np.concatenate([measured, both])
        drawn = _blended(data.train_listeners.at(rows, who), data.rng)
        wanted = drawn.at(np.arange(len(measured), len(rows)))
        found = self.estimate(drawn.at(np.arange(len(measured))), wanted.positions).db
        error = found - wanted.db
        ild = (error[:, :, 0] - error[:, :, 1]).mean(dim=-1).abs().mean()
        neighbours = (_dissimilarity(found) - _dissimilarity(wanted.db)).abs().mean()
        return lsd(found, wanted.db) + SCALE_DB * (
            _ILD_WEIGHT * ild + _NEIGHBOUR_WEIGHT * neighbours
        )

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """The field of the corrected harmonics at the targets."""
        found = field(self.harmonics(known), targets, BASE_ORDER)
        return Residuals(found, known.itd[:, :0], targets)

    def harmonics(self, known: Residuals) -> torch.Tensor:
        """Coefficients (B, C, 2, F) to order 15 of the residuals of both ears."""
        count = len(known.positions)
        fitted = coefficients(known, BASE_ORDER, (1.0 if count < _FEW else 0.1) / count)
        seen = padded(fitted, self.configuration.order_in).permute(0, 2, 1, 3)
        views = torch.stack([seen, mirrored(seen.flip(1))], dim=1)  # (B, view, own and other, C, F)
        coverage = design(known.positions, _COVERAGE_ORDER).mean(dim=0)
        told = torch.stack([coverage, mirrored(coverage[:, None])[:, 0]])
        told = torch.cat([torch.full((2, 1), math.log(count) / 4.0), told], dim=1)
        change = self.net(views.flatten(0, 1).flatten(1, 2), told.repeat(len(seen), 1))
        left, right = change.unflatten(0, (-1, 2)).unbind(dim=1)
        return fitted + padded(torch.stack([left, mirrored(right)], dim=2), BASE_ORDER)


def padded(coefficients: torch.Tensor, order: int) -> torch.Tensor:
    """Coefficients (B, C, ...) of another order: cut off, or filled up with zeros."""
    missing = n_channels(order) - coefficients.shape[1]
    if missing <= 0:
        return coefficients[:, : n_channels(order)]
    nothing = coefficients.new_zeros(len(coefficients), missing, *coefficients.shape[2:])
    return torch.cat([coefficients, nothing], dim=1)


def mirrored(coefficients: torch.Tensor) -> torch.Tensor:
    """Coefficients (..., C, F) of the field with left and right exchanged."""
    channel = torch.arange(coefficients.shape[-2])
    degree = torch.from_numpy(degrees(order_of(len(channel))))
    return torch.where((channel < degree * (degree + 1))[:, None], -coefficients, coefficients)


def _blended(drawn: Residuals, rng: np.random.Generator) -> Residuals:
    """Half of the listeners (B, K, 2, F) mixed with another, as large as either: more listeners."""
    count = len(drawn.db)
    angle = rng.uniform(0.0, np.pi / 2, count) * (rng.random(count) < 0.5)
    own, other = (torch.from_numpy(of(angle)).float() for of in (np.cos, np.sin))
    partner = torch.from_numpy(rng.permutation(count))
    db = own[:, None, None, None] * drawn.db + other[:, None, None, None] * drawn.db[partner]
    return Residuals(db, drawn.itd, drawn.positions)


def _dissimilarity(field: torch.Tensor) -> torch.Tensor:
    """RMS difference (B, Q, 2) of the first half of directions from the other, their neighbours."""
    first, second = field.chunk(2, dim=1)
    return torch.sqrt(torch.mean((first - second) ** 2, dim=-1) + 1e-6)
