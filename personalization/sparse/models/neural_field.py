"""HRTF field: a neural field over directions whose latent vector is one gradient step (GON).

A network with sine activations (SIREN, Sitzmann et al. 2020) maps a direction to a spectrum. A
latent vector modulates its layers (FiLM) and says whose head it is. It is not encoded but inferred:
it is the negative gradient, at the origin, of the error on the measured directions (gradient origin
network, Bond-Taylor and Willcocks 2021; Zhang et al. 2023 for HRTFs). Training differentiates
through that step. A listener measured at enough directions is fitted closer by low-rank changes of
the weights (LoRA, Hu et al. 2022), which start at none and alone are moved.

Against the publication: spectra of 116 bins about the mean listener from three layers of 128; right
ears see the sphere in the mirror and a flag; a few inner steps of a learned length for one.
"""

import copy
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

_FIRST_OMEGA = 3.0  # the field turns slowly: SONICOM's directions are 5 to 10 degrees apart


class LoraLinear(nn.Module):
    """A linear layer with a low-rank change that starts at none.

    Args:
        n_in: numbers that come in.
        n_out: numbers that go out.
        rank: of the change.
    """

    def __init__(self, n_in: int, n_out: int, rank: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.down = nn.Parameter(torch.randn(rank, n_in) / n_in**0.5, requires_grad=False)
        self.up = nn.Parameter(torch.zeros(n_out, rank), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., I) to (..., O)."""
        return self.linear(x) + (x @ self.down.T) @ self.up.T


class FieldNet(nn.Module):
    """Residuals (B, K, 2, F) at directions (K, 3), for latent vectors (B, D).

    Args:
        width: of the layers.
        depth: layers.
        latent: D.
        rank: of the change for a listener.
        inner_steps: of the fit of a latent vector.
    """

    def __init__(self, width: int, depth: int, latent: int, rank: int, inner_steps: int) -> None:
        super().__init__()
        sizes = [4] + [width] * depth
        layers = [LoraLinear(a, b, rank) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        nn.init.uniform_(layers[0].linear.weight, -1.0, 1.0)
        self.layers = nn.ModuleList(layers)
        self.films = nn.ModuleList(nn.Linear(latent, 2 * width) for _ in range(depth))
        self.last = LoraLinear(width, N_EVALUATED, rank)
        self.n_latent, self.inner_steps = latent, inner_steps
        self.log_step = nn.Parameter(torch.zeros(inner_steps))

    def forward(self, latent: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """The field of each latent vector at the directions."""
        views = ear_views(where)
        flag = torch.tensor([1.0, -1.0])[None, :, None].expand(len(where), 2, 1)
        hidden = torch.cat([views, flag], dim=-1)[None]  # (1, K, 2, 4)
        for i, (layer, film) in enumerate(zip(self.layers, self.films, strict=True)):
            gain, shift = film(latent)[:, None, None].chunk(2, dim=-1)
            omega = _FIRST_OMEGA if i == 0 else 1.0
            hidden = torch.sin(omega * layer(hidden) * (1.0 + gain) + shift)
        return self.last(hidden)

    def infer(self, known: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
        """Latent vectors (B, D) by gradient steps from the origin on what is known (B, K, 2, F).

        Differentiable in the weights when gradients are on.
        """
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            latent = torch.zeros(len(known), self.n_latent, requires_grad=True)
            for step in self.log_step:
                error = (self(latent, where) - known).pow(2).mean(dim=(1, 2, 3)).sum()
                (slope,) = torch.autograd.grad(error, latent, create_graph=training)
                latent = latent - 10.0 * step.exp() * slope
        return latent if training else latent.detach()


@dataclass(frozen=True)
class NeuralFieldConfiguration(Configuration):
    """Sizes and settings of ``NeuralField``, which says what they are."""

    width: int = 128
    depth: int = 3
    latent: int = 64
    rank: int = 4
    inner_steps: int = 2
    listeners: int = 12
    targets: int = 48
    most_measured: int = 48
    lora_steps: int = 60
    lora_from: int = 10


class NeuralField(LearnedMethod):
    """The method ``neural-field``."""

    name = "neural-field"
    DEFAULTS: ClassVar[NeuralFieldConfiguration] = NeuralFieldConfiguration()
    configuration: NeuralFieldConfiguration

    def build(self) -> nn.Module:
        """The field; its low-rank changes stand still in training."""
        sizes = self.configuration
        return FieldNet(sizes.width, sizes.depth, sizes.latent, sizes.rank, sizes.inner_steps)

    def loss(self, data: TrainingData) -> torch.Tensor:
        """LSD where the latent vector was not inferred from, too."""
        sizes = self.configuration
        who, measured, targets = data.batch(sizes.listeners, sizes.targets)
        measured = data.rng.permutation(measured)[: sizes.most_measured]
        known, wanted = (
            data.train_listeners.at(measured, who),
            data.train_listeners.at(targets, who),
        )
        latent = self.net.infer(known.db, known.positions)
        return lsd(self.net(latent, wanted.positions), wanted.db)

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """The field at the targets; with enough measured directions after adaptation."""
        none = known.itd[:, :0]
        latent = self.net.infer(known.db, known.positions)
        if not self.adapts or known.db.shape[1] < self.configuration.lora_from:
            return Residuals(self.net(latent, targets), none, targets)
        found = []
        for row, of_one in enumerate(latent.split(1)):
            net = adapted(self.net, of_one, known.at(slice(None), [row]), self.configuration)
            found.append(net(of_one, targets))
        return Residuals(torch.cat(found), none, targets)


def adapted(
    net: FieldNet, latent: torch.Tensor, known: Residuals, sizes: NeuralFieldConfiguration
) -> FieldNet:
    """A copy of a network with its low-rank changes fitted to one listener.

    Args:
        net: stays as it is.
        latent: (1, D) of the listener.
        known: the listener's residuals.
        sizes: the configuration.
    """
    own = copy.deepcopy(net)
    for name, each in own.named_parameters():
        each.requires_grad_(name.endswith((".up", ".down")))
    moving = [each for each in own.parameters() if each.requires_grad]
    optimiser = torch.optim.Adam(moving, lr=3e-3)
    latent = latent.detach()
    with torch.enable_grad():
        for _ in range(sizes.lora_steps):
            optimiser.zero_grad()
            error = (own(latent, known.positions) - known.db).pow(2).mean()
            error.backward()
            optimiser.step()
    return own.eval()
