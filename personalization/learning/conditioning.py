"""Conditioning of a network by the listener's code: FiLM and low-rank weights.

A code is a vector of D numbers (``codes``), near normal over listeners; that of the mean listener
is 0. Both parts start as if there were no listener, so that a network learns people as departures
from everybody.
"""

import torch
from torch import nn


class CodeFiLM(nn.Module):
    """Scale and shift of channels by a code (Perez et al. 2018, "FiLM").

    Args:
        code_size: D.
        n_channels: C.
    """

    def __init__(self, code_size: int, n_channels: int) -> None:
        super().__init__()
        self.steer = nn.Linear(code_size, 2 * n_channels)
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(self, values: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Values (B, ..., C), channels last, under codes (B, D)."""
        scale, shift = self.steer(code).chunk(2, dim=-1)
        shape = (len(code), *(1,) * (values.dim() - 2), -1)
        return values * (1.0 + scale.view(shape)) + shift.view(shape)


class CodeLoRA(nn.Module):
    """A linear layer with a low-rank departure for each listener: W x + U diag(s(code)) V x.

    LoRA (Hu et al. 2022) where the code scales each rank, so that a listener is a handful of
    numbers and not weights of one's own.

    Args:
        n_in, n_out: sizes of the layer.
        code_size: D.
        rank: R.
    """

    def __init__(self, n_in: int, n_out: int, code_size: int, rank: int = 4) -> None:
        super().__init__()
        self.base = nn.Linear(n_in, n_out)
        self.down = nn.Linear(n_in, rank, bias=False)
        self.up = nn.Linear(rank, n_out, bias=False)
        self.steer = nn.Linear(code_size, rank, bias=False)
        nn.init.zeros_(self.steer.weight)

    def forward(self, values: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Values (B, ..., n_in), channels last, under codes (B, D)."""
        scale = self.steer(code).view(len(code), *(1,) * (values.dim() - 2), -1)
        return self.base(values) + self.up(self.down(values) * scale)
