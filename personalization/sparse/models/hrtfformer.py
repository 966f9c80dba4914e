"""HRTFformer: a transformer over spherical-harmonic coefficients (Hu et al. 2025).

What was measured is fitted with spherical harmonics of low order; the coefficients of both ears at
a few neighbouring bins are one token, and a transformer with grouped queries (fewer keys and values
than queries, Ainslie et al. 2023) attends over frequency. Its output is coefficients of a higher
order. The loss is the LSD, the interaural level difference, and the difference to the next
direction, which keeps the field as rough as it is.

Against the publication: order 4 to order 8 (21), 2 layers of width 96 with 4 heads in 2 groups (8
heads, 1024 wide), tokens of two bins, no upsampling decoder; the residual about the mean listener.
"""

from typing import Any, ClassVar

import torch
from torch import nn

from auricle.personalization.sparse.harmonic_residuals import coefficients, field
from auricle.personalization.sparse.learned import (
    N_HEARD,
    LearnedMethod,
    Lesson,
    Residuals,
    lsd,
    zeroed,
)

_BINS = 2  # a token
_TOKENS = N_HEARD // _BINS


class Attention(nn.Module):
    """Self-attention whose queries share keys and values in groups."""

    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * groups * self.size)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, T, W) to tokens."""
        n, t, _ = x.shape
        query = self.query(x).reshape(n, t, self.heads, self.size).transpose(1, 2)
        both = self.key_value(x).reshape(n, t, 2, self.groups, self.size).permute(2, 0, 3, 1, 4)
        key, value = both.repeat_interleave(self.heads // self.groups, dim=2)
        found = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out(found.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Attention and a feed-forward network, each behind a norm."""

    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads, groups)
        self.forward_net = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * width, width)
        )
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, T, W) to tokens."""
        x = x + self.attention(self.norm_1(x))
        return x + self.forward_net(self.norm_2(x))


class FormerNet(nn.Module):
    """Coefficients (B, C', 2, F) of the higher order from (B, C, 2, F) of the lower."""

    def __init__(
        self, low: int, high: int, width: int, depth: int, heads: int, groups: int
    ) -> None:
        super().__init__()
        self.n_low, self.n_high = (low + 1) ** 2, (high + 1) ** 2
        self.first = nn.Linear(2 * _BINS * self.n_low + 1, width)
        self.place = nn.Parameter(0.1 * torch.randn(_TOKENS, width))
        self.layers = nn.Sequential(*(Layer(width, heads, groups) for _ in range(depth)))
        self.last = nn.Linear(width, 2 * _BINS * self.n_high)
        zeroed(self.last)

    def forward(self, low: torch.Tensor, count: float) -> torch.Tensor:
        """``count`` tells how many directions were measured."""
        n = len(low)
        tokens = low.reshape(n, self.n_low, 2, _TOKENS, _BINS).permute(0, 3, 1, 2, 4).flatten(2)
        told = torch.full((n, _TOKENS, 1), count)
        hidden = self.layers(self.first(torch.cat([tokens, told], dim=-1)) + self.place)
        change = self.last(hidden).reshape(n, _TOKENS, self.n_high, 2, _BINS)
        change = change.permute(0, 2, 3, 1, 4).flatten(3)
        given = torch.zeros_like(change)
        given[:, : self.n_low] = low
        return given + change


class HrtfFormer(LearnedMethod):
    """The method ``hrtfformer``."""

    name = "hrtfformer"
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "low": 4, "high": 8, "width": 96, "depth": 2, "heads": 4, "groups": 2, "listeners": 16,
        "targets": 64, "strength": 0.03,
    }  # fmt: skip

    def build(self) -> nn.Module:
        """The transformer."""
        sizes = self.configuration
        return FormerNet(*(sizes[k] for k in ("low", "high", "width", "depth", "heads", "groups")))

    def loss(self, lesson: Lesson) -> torch.Tensor:
        """LSD, level difference between the ears, and difference between neighbours."""
        who, measured, targets = lesson.batch(
            self.configuration["listeners"], self.configuration["targets"]
        )
        wanted = lesson.learners.at(targets, who)
        found = self.estimate(lesson.learners.at(measured, who), wanted.positions)
        error = found.db - wanted.db
        between = (error[:, :, 0] - error[:, :, 1]).mean(dim=-1).abs().mean()
        near = torch.cdist(wanted.positions, wanted.positions).fill_diagonal_(9.0).argmin(dim=1)
        rough = (error - error[:, near]).abs().mean()
        return lsd(found.db, wanted.db) + 0.5 * between + 0.2 * rough

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """The field of the predicted coefficients."""
        sizes = self.configuration
        low = coefficients(known, sizes["low"], sizes["strength"])
        count = float(torch.log(torch.tensor(float(len(known.positions)))) / 4.0)
        found = field(self.net(low, count), targets, sizes["high"])
        return Residuals(found, known.itd[:, :0], targets)
