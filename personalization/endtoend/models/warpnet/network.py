"""The network of WarpNet (``models.warpnet``): a learned warp, and hyper-convolutions behind it."""

import math

import torch
from torch import nn
from torch.nn import functional

from auricle.personalization.endtoend.physics.geometric_warp import (
    each_sample,
    ear_delays_samples,
    ear_gains,
    warped,
)
from auricle.personalization.endtoend.physics.pose_encoding import n_pose_features, pose_features
from auricle.personalization.learning.conditioning import CodeFiLM, CodeLoRA
from auricle.personalization.learning.torch_harmonics import harmonics, n_harmonics

KERNEL = 2
MOST_SHIFT_SAMPLES = 48.0  # that the learned warp adds or takes away: 1 ms
_LOUD = 0.3  # sound of RMS 0.1 then bends sines a little; at 4 the network distorts


def monotone(delay_samples: torch.Tensor) -> torch.Tensor:
    """Delays (B, E, T) under which the place that is read never moves back.

    The place t - delay(t) becomes its running maximum (WarpNet, equation 3).
    """
    time = torch.arange(delay_samples.shape[-1], device=delay_samples.device, dtype=torch.float64)
    place = torch.cummax(time - delay_samples.double(), dim=-1).values
    return (time - place).to(delay_samples.dtype)


class Conditions(nn.Module):
    """The conditions (B, K, C) of all layers at each step: who listens, and from where it comes.

    Args:
        order: of the harmonics of the direction.
        n_channels: C.
        code_size: D.
        doppler: with the radial velocities.
    """

    def __init__(self, order: int, n_channels: int, code_size: int, doppler: bool) -> None:
        super().__init__()
        self.order, self.doppler = order, doppler
        n_features = n_harmonics(order) + n_pose_features(doppler)
        self.layers = nn.ModuleList(
            nn.Linear(n_in, n_channels) for n_in in (n_features, n_channels)
        )
        self.listener = nn.ModuleList(CodeFiLM(code_size, n_channels) for _ in self.layers)

    def forward(self, apparent_m: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """From places (B, K + 1, 3) and codes (B, D)."""
        seen = pose_features(apparent_m, self.doppler)
        values = torch.cat([harmonics(seen[..., :3], self.order), seen], dim=-1)
        for layer, film in zip(self.layers, self.listener, strict=True):
            values = functional.silu(film(layer(values), code))
        return values


class NeuralWarp(nn.Module):
    """Samples (B, K + 1, 2) to add to the geometric delays at poses.

    Args:
        n_features: P of the poses.
        n_channels: of its four causal convolutions over poses.
        code_size: D.
    """

    def __init__(self, n_features: int, n_channels: int, code_size: int) -> None:
        super().__init__()
        sizes = [n_features] + [n_channels] * 4
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.listener = nn.ModuleList(CodeFiLM(code_size, n_channels) for _ in self.layers)
        self.last = CodeLoRA(n_channels, 2, code_size)
        _silence(self.last.base)

    def forward(self, features: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """From features (B, K, P) of steps; the pose of the first is that of its beginning too."""
        values = torch.cat([features[:, :1], features], dim=1)
        for layer, film in zip(self.layers, self.listener, strict=True):
            past = values[:, :1].expand(-1, KERNEL - 1, -1)
            made = layer(torch.cat([past, values], dim=1).transpose(1, 2)).transpose(1, 2)
            values = functional.gelu(film(made, code))
        return MOST_SHIFT_SAMPLES * torch.tanh(self.last(values, code))


class HyperLayer(nn.Module):
    """A dilated causal convolution with weights of each step's own, a sine, residual and skip.

    Args:
        n_features: P of the poses.
        n_channels: C.
        n_hidden: numbers from which the weights are made.
        code_size: D.
        dilation: samples between the taps.
    """

    def __init__(
        self, n_features: int, n_channels: int, n_hidden: int, code_size: int, dilation: int
    ) -> None:
        super().__init__()
        self.dilation = dilation
        self.n_in = KERNEL * n_channels
        self.n_channels = n_channels
        self.hidden = nn.Linear(n_features, n_hidden)
        self.listener = CodeFiLM(code_size, n_hidden)
        self.weights = CodeLoRA(n_hidden, self.n_in * n_channels, code_size)
        self.out = nn.Linear(n_channels, 2 * n_channels, bias=False)
        # Sines want weights of this size (Sitzmann et al. 2020); the pose moves them from there.
        bound = math.sqrt(6.0 / self.n_in)
        nn.init.uniform_(self.weights.base.bias, -bound, bound)
        nn.init.normal_(self.weights.base.weight, std=bound / (3.0 * math.sqrt(n_hidden)))
        nn.init.uniform_(self.out.weight, -math.sqrt(3.0 / n_channels), math.sqrt(3.0 / n_channels))

    def forward(
        self, values: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and skip (B, T, C).

        Args:
            values: (B, T, C).
            features: (B, K, P), K divides T.
            code: (B, D).
        """
        steer = functional.gelu(self.listener(self.hidden(features), code))
        matrices = self.weights(steer, code).view(-1, self.n_in, self.n_channels)
        past = functional.pad(values, (0, 0, self.dilation, 0))[:, : values.shape[1]]
        each = values.shape[1] // features.shape[1]
        taps = torch.cat([values, past], dim=-1).view(-1, each, self.n_in)
        made = torch.sin(torch.bmm(taps, matrices)).view(values.shape)
        residual, skip = self.out(made).chunk(2, dim=-1)
        return (values + residual) * math.sqrt(0.5), skip


class Block(nn.Module):
    """Layers of dilations 1, 2, 4, ..., and what they add to both ears."""

    def __init__(self, n_layers: int, n_channels: int, **sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            HyperLayer(n_channels=n_channels, dilation=2**k, **sizes) for k in range(n_layers)
        )
        self.head = nn.Linear(n_channels, 2, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(
        self, values: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (B, T, C) for the next block, and what is added (B, 2, T).

        Args:
            values: (B, T, C).
            features: (B, K, P), K divides T.
            code: (B, D).
        """
        total = torch.zeros_like(values)
        for layer in self.layers:
            values, skip = layer(values, features, code)
            total = total + skip
        added = self.head(torch.sin(total / math.sqrt(len(self.layers))))
        return values, added.transpose(1, 2)


class WarpNetwork(nn.Module):
    """Both ears (B, 2, T) after each block, the last one last.

    Args:
        code_size: D.
        blocks: of layers.
        layers: of a block.
        channels: of a layer.
        hidden: of the layers that make weights.
        told: channels of the conditions.
        order: of the harmonics of the direction.
        warp_channels: of the layers that make the warp.
        doppler: whether the pose has radial velocities.
    """

    def __init__(
        self, code_size: int, blocks: int, layers: int, channels: int, hidden: int, told: int,
        order: int, warp_channels: int, doppler: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conditions = Conditions(order, told, code_size, doppler)
        self.warp = NeuralWarp(told, warp_channels, code_size)
        self.first = nn.Linear(2, channels, bias=False)
        self.blocks = nn.ModuleList(
            Block(layers, channels, n_features=told, n_hidden=hidden, code_size=code_size)
            for _ in range(blocks)
        )

    def forward(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> list[torch.Tensor]:
        """Both ears (B, 2, T) after each block.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, K + 1, 3) metres.
            code: (B, D).
        """
        told = self.conditions(apparent_m, code)
        at_poses = ear_delays_samples(apparent_m) + self.warp(told, code)
        ears = warped(mono, monotone(each_sample(at_poses)))
        gains = each_sample(ear_gains(apparent_m))
        return [gains * each for each in self.refined(ears, told, code)]

    def refined(
        self, ears: torch.Tensor, told: torch.Tensor, code: torch.Tensor
    ) -> list[torch.Tensor]:
        """Warped ears (B, 2, T) with what the blocks add, after each of them.

        Args:
            ears: (B, 2, T).
            told: (B, K, C) of ``conditions``, where K divides T.
            code: (B, D).
        """
        values = self.first(_LOUD * ears.transpose(1, 2))
        found = []
        for block in self.blocks:
            values, added = block(values, told, code)
            ears = ears + added / _LOUD
            found.append(ears)
        return found


def _silence(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
