"""NIIRF: a neural field whose output is a cascade of second-order sections (Masuyama et al. 2024).

A network maps a direction to the gains, frequencies and widths of a low shelf, peaks and a high
shelf; their response is the HRTF's magnitude. A listener is a rank-1 change of each layer (LoRA):
learned for the training listeners, fitted on the measured directions for a new one. Every section
is stable by construction: frequencies lie inside the band, widths are positive. ``sections`` gives
the coefficients that an engine renders with few operations a sample.

Against the publication: 16 peaks (32), layers of 128 (512), Bristow-Johnson's sections in place of
allpass ones, the LSD in place of the squared error, right ears in the mirror. No residual form: the
cascade is the whole response, so it cannot lean on the mean listener's own details.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from auricle.dsp.arrays import Array
from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.listeners.features import EVALUATED_BINS, SAMPLE_RATE, SIZE
from auricle.personalization.listeners.listener_data import MeasuredListener
from auricle.personalization.sparse.models.shared.base import (
    SCALE_DB,
    LearnedMethod,
    Residuals,
    TrainingData,
    ear_views,
    lsd,
)

_MOST_GAIN_DB = 24.0
_LOWEST_HZ, _HIGHEST_HZ = 200.0, 20000.0


class FilterField(nn.Module):
    """Parameters of the cascade (B, K, 2, 3 * sections + 1) at directions (K, 3).

    Args:
        width: of the layers.
        depth: layers.
        peaks: peaking filters of the cascade.
        fourier: frequencies of the encoding of directions.
        n_learners: training listeners, each with vectors of its own.
    """

    def __init__(self, width: int, depth: int, peaks: int, fourier: int, n_learners: int) -> None:
        super().__init__()
        self.n_sections = peaks + 2
        self.waves = nn.Parameter(1.5 * torch.randn(3, fourier), requires_grad=False)
        sizes = [2 * fourier + 1] + [width] * depth
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.last = nn.Linear(width, 3 * self.n_sections + 1)
        nn.init.normal_(self.last.weight, std=0.02)
        nn.init.zeros_(self.last.bias)
        self.width = width
        self.lora = nn.Parameter(0.05 * torch.randn(n_learners, depth, 2, width))

    def forward(self, where: torch.Tensor, lora: torch.Tensor) -> torch.Tensor:
        """Parameters for listeners whose LoRA vectors are (B, depth, 2, C)."""
        views = ear_views(where) @ self.waves
        flag = torch.tensor([1.0, -1.0])[None, :, None].expand(len(where), 2, 1)
        hidden = torch.cat([views.sin(), views.cos(), flag], dim=-1)[None]
        for k, layer in enumerate(self.layers):
            up, down = lora[:, k, :, None, None].unbind(dim=1)
            made = layer(hidden)
            change = (made * down).mean(dim=-1, keepdim=True) * up
            hidden = nn.functional.gelu(made + change + 0.5 * up)
        return self.last(hidden)


def sections(parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients (..., S, 6) ``b0 b1 b2 1 a1 a2`` of a cascade, and its gain (...,) in dB.

    The first section is a low shelf, the last a high shelf, those between are peaks
    (Bristow-Johnson, Audio EQ Cookbook).

    Args:
        parameters: (..., 3 S + 1) any real numbers.
    """
    gain_db, place, width = parameters[..., :-1].chunk(3, dim=-1)
    n_sections = gain_db.shape[-1]
    edges = torch.logspace(math.log10(_LOWEST_HZ), math.log10(_HIGHEST_HZ), n_sections + 2)
    # Each section may move as far as the middles of its neighbours.
    low, high = edges[:-2].log(), edges[2:].log()
    omega = 2.0 * math.pi / SAMPLE_RATE * torch.exp(low + (high - low) * place.sigmoid())
    amplitude = 10.0 ** (_MOST_GAIN_DB * torch.tanh(gain_db / 2.0) / 40.0)
    cosine, sine = omega.cos(), omega.sin()
    alpha = sine / (2.0 * (0.3 + 5.0 * torch.sigmoid(width)))
    peak = (1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude,
            1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude)  # fmt: skip
    found = torch.stack(peak, dim=-1)
    shelves = []
    for row, sign in ((0, 1.0), (-1, -1.0)):
        a, c = amplitude[..., row], sign * cosine[..., row]
        slope = 2.0 * a.sqrt() * sine[..., row] * math.sqrt(0.5)
        shelves.append(torch.stack([
            a * ((a + 1) - (a - 1) * c + slope), sign * 2 * a * ((a - 1) - (a + 1) * c),
            a * ((a + 1) - (a - 1) * c - slope), (a + 1) + (a - 1) * c + slope,
            sign * -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - slope,
        ], dim=-1))  # fmt: skip
    found = torch.cat([shelves[0][..., None, :], found[..., 1:-1, :], shelves[1][..., None, :]], -2)
    return found / found[..., 3:4], 20.0 * torch.tanh(parameters[..., -1])


def magnitude_db(coefficients: torch.Tensor, gain_db: torch.Tensor) -> torch.Tensor:
    """Magnitudes (..., F) in dB of cascades (..., S, 6), at the bins that are heard."""
    bins = torch.arange(EVALUATED_BINS.start, EVALUATED_BINS.stop, dtype=coefficients.dtype)
    omega = 2.0 * math.pi / SIZE * bins
    phi = 4.0 * torch.sin(omega / 2.0) ** 2  # cosines would cancel at low frequencies

    def power(c: torch.Tensor) -> torch.Tensor:
        x, y, z = c[..., None].unbind(dim=-2)
        found = (x + y + z) ** 2 - phi * (x * y + 4.0 * x * z + y * z) + phi**2 * x * z
        return found.clamp(min=1e-7)

    above, below = power(coefficients[..., :3]), power(coefficients[..., 3:])
    each = torch.log10(above / below)
    return 10.0 * each.sum(dim=-2) + gain_db[..., None]


@dataclass(frozen=True)
class NiirfConfiguration(Configuration):
    """Sizes and settings of ``Niirf``, which says what they are."""

    width: int = 128
    depth: int = 3
    peaks: int = 16
    fourier: int = 32
    listeners: int = 12
    targets: int = 24
    fit_steps: int = 40
    n_learners: int = 0


class Niirf(LearnedMethod):
    """The method ``niirf``."""

    name = "niirf"
    DEFAULTS: ClassVar[NiirfConfiguration] = NiirfConfiguration()
    configuration: NiirfConfiguration

    def prepare(self, data: TrainingData) -> None:
        """Make room for the vectors of the training listeners."""
        self.configuration = replace(self.configuration, n_learners=len(data.train_listeners.db))

    def build(self) -> nn.Module:
        """The field of filters with the training listeners' LoRA vectors."""
        sizes = self.configuration
        return FilterField(
            *(getattr(sizes, k) for k in ("width", "depth", "peaks", "fourier", "n_learners"))
        )

    def loss(self, data: TrainingData) -> torch.Tensor:
        """LSD of learners' own vectors, which are kept small."""
        who, _, targets = data.batch(self.configuration.listeners, self.configuration.targets)
        wanted, lora = data.train_listeners.at(targets, who), self.net.lora[who]
        return lsd(self._found(wanted.positions, lora), wanted.db) + lora.pow(2).mean()

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """The cascade at the targets, its vectors fitted on what is known."""
        lora = self._fitted(known)
        found = [self._found(piece, lora) for piece in targets.split(64)]
        return Residuals(torch.cat(found, dim=1), known.itd[:, :0], targets)

    def cascades(
        self, known: Residuals, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients (B, Q, 2, S, 6) and gains (B, Q, 2) in dB, for a renderer."""
        return sections(self.net(targets, self._fitted(known)))

    def filters(self, measured: MeasuredListener, targets: Array) -> tuple[Array, Array]:
        """Cascades (Q, 2, S, 6) of a listener at targets (Q, 3), and gains (Q, 2) in dB."""
        where = torch.from_numpy(np.asarray(targets, dtype=np.float32))
        with torch.no_grad():
            found, gain_db = self.cascades(self.residuals(measured.alone()), where)
        return found[0].double().numpy(), gain_db[0].double().numpy() + self._offset

    def _fitted(self, known: Residuals) -> torch.Tensor:
        """LoRA vectors (B, depth, 2, C): from the training's mean, drawn to it as to a prior."""
        start = self.net.lora.detach().mean(dim=0)
        lora = start.expand(len(known.db), -1, -1, -1).clone().requires_grad_(True)
        optimiser = torch.optim.Adam([lora], lr=0.02)
        with torch.enable_grad():
            for _ in range(self.configuration.fit_steps):
                error = lsd(self._found(known.positions, lora), known.db)
                error = error + (lora - start).pow(2).mean()
                (lora.grad,) = torch.autograd.grad(error * len(known.db), lora)
                optimiser.step()
        return lora.detach()

    def _found(self, where: torch.Tensor, lora: torch.Tensor) -> torch.Tensor:
        """Residuals (B, K, 2, F): the cascade's response less the mean listener's."""
        mean = self._mean.at(where.double().numpy()).magnitude_db[0][..., EVALUATED_BINS]
        response = magnitude_db(*sections(self.net(where, lora)))
        return (response + self._offset - torch.from_numpy(mean)) / SCALE_DB

    @property
    def _offset(self) -> float:
        """Level of the mean listener in dB: sets differ by 15 dB."""
        return float(self._mean.magnitude_db[..., EVALUATED_BINS].mean())
