"""The network of the refiners: a dilated convolution over frequency that corrects a spectrum.

``auricle.personalization.sparse.models.shared.correction_numpy`` evaluates it without torch.
"""

import torch
from torch import nn

from auricle.personalization.sparse.models.shared.base import zeroed
from auricle.personalization.sparse.models.shared.correction_numpy import DILATIONS, SCALE_DB, TAPS

_TOLD = 64  # numbers that the conditions become


class CorrectionNet(nn.Module):
    """Corrections in dB (B, E, F) from channels (B, C, F) and conditions (B, N); none at first.

    Args:
        n_channels: C, spectra that it sees.
        n_conditions: N, of the direction; they steer each layer (FiLM).
        n_corrected: E, spectra that it corrects.
        width: channels of the layers.
        dropout: share of a layer's outputs left out in training.
    """

    def __init__(
        self, n_channels: int, n_conditions: int, n_corrected: int, width: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.condition = nn.Sequential(
            nn.Linear(n_conditions, _TOLD), nn.GELU(), nn.Linear(_TOLD, _TOLD), nn.GELU()
        )
        self.first = nn.Conv1d(n_channels, width, TAPS, padding=TAPS // 2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, TAPS, padding=TAPS // 2 * d, dilation=d) for d in DILATIONS
        )
        self.films = nn.ModuleList(nn.Linear(_TOLD, 2 * width) for _ in DILATIONS)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv1d(width, n_corrected, TAPS, padding=TAPS // 2)
        zeroed(self.last)

    def forward(self, channels: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Channels (B, C, F) and conditions (B, N) to corrections (B, E, F) in dB."""
        hidden = self.first(channels)
        told = self.condition(conditions)
        for layer, film in zip(self.layers, self.films, strict=True):
            gain, shift = film(told)[..., None].chunk(2, dim=1)
            hidden = hidden + self.dropout(nn.functional.silu(layer(hidden) * (1.0 + gain) + shift))
        corrections: torch.Tensor = SCALE_DB * self.last(hidden)
        return corrections


def lsd_db(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean LSD in dB of spectra (..., F) in dB."""
    return torch.sqrt(torch.mean((found - wanted) ** 2, dim=-1) + 1e-6).mean()
