"""WarpNet: a learned monotone warp, then convolutions whose weights follow the pose.

Richard et al. 2021, "Neural synthesis of binaural speech from mono audio". The signal is read where
geometry says, plus what a small network over the poses adds; the place never runs backwards
(running maximum). Blocks of dilated causal convolutions refine it: the weights of each are made
anew for every step from its pose (hyper-convolutions), sines are the activations, and each block is
trained on its own output too. All of it is causal.

Against the publication, for two cores: 2 blocks of 8 layers with 24 channels (3 of 10 with 64),
weights from 24 hidden numbers (32), a pose each 128 samples (400). The network works on the warped
ears before the law of distance and adds to them; its last layers begin at 0, so that it starts as
the geometric warp. The listener's code steers what makes the weights, and the learned warp, by FiLM
and LoRA.
"""

import math
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from auricle.personalization.endtoend.conditioning import CodeFiLM, CodeLoRA
from auricle.personalization.endtoend.encoding import n_pose_features, pose_features
from auricle.personalization.endtoend.losses import phase_l2, relative_wave_l2
from auricle.personalization.endtoend.neural import Batch, NeuralRenderer
from auricle.personalization.endtoend.poses import STEP
from auricle.personalization.endtoend.warp import (
    each_sample,
    ear_delays_samples,
    ear_gains,
    warped,
)

KERNEL = 2
MOST_SHIFT_SAMPLES = 48.0  # that the learned warp adds or takes away: 1 ms
_LOUD = 1.0  # sound of RMS 0.1 then bends sines at its peaks alone; at 4 the network distorts


def monotone(delay_samples: torch.Tensor) -> torch.Tensor:
    """Delays (B, E, T) under which the place that is read never moves back.

    The place t - delay(t) becomes its running maximum (WarpNet, equation 3).
    """
    time = torch.arange(delay_samples.shape[-1], device=delay_samples.device, dtype=torch.float64)
    place = torch.cummax(time - delay_samples.double(), dim=-1).values
    return (time - place).to(delay_samples.dtype)


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
        self.bias = nn.Linear(n_hidden, n_channels)
        self.out = nn.Linear(n_channels, 2 * n_channels)
        # Sines want weights of this size (Sitzmann et al. 2020); the pose moves them from there.
        bound = math.sqrt(6.0 / self.n_in)
        nn.init.uniform_(self.weights.base.bias, -bound, bound)
        nn.init.normal_(self.weights.base.weight, std=bound / (3.0 * math.sqrt(n_hidden)))
        nn.init.uniform_(self.out.weight, -math.sqrt(3.0 / n_channels), math.sqrt(3.0 / n_channels))
        _silence(self.bias)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, values: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and skip (B, T, C) from values (B, T, C) and features (B, K, P), T = K STEP."""
        steer = functional.gelu(self.listener(self.hidden(features), code))
        matrices = self.weights(steer, code).view(-1, self.n_in, self.n_channels)
        offsets = self.bias(steer).view(-1, 1, self.n_channels)
        past = functional.pad(values, (0, 0, self.dilation, 0))[:, : values.shape[1]]
        taps = torch.cat([values, past], dim=-1).view(-1, STEP, self.n_in)
        made = torch.sin(torch.baddbmm(offsets, taps, matrices)).view(values.shape)
        residual, skip = self.out(made).chunk(2, dim=-1)
        return (values + residual) * math.sqrt(0.5), skip


class Block(nn.Module):
    """Layers of dilations 1, 2, 4, ..., and what they add to both ears."""

    def __init__(self, n_layers: int, n_channels: int, **sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            HyperLayer(n_channels=n_channels, dilation=2**k, **sizes) for k in range(n_layers)
        )
        self.head = nn.Linear(n_channels, 2)
        _silence(self.head)

    def forward(
        self, values: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (B, T, C) for the next block, and what is added (B, 2, T)."""
        total = torch.zeros_like(values)
        for layer in self.layers:
            values, skip = layer(values, features, code)
            total = total + skip
        added = self.head(torch.sin(total / math.sqrt(len(self.layers))))
        return values, added.transpose(1, 2)


class WarpNetwork(nn.Module):
    """Both ears (B, 2, T) after each block, the last one last; sizes as in ``WarpNet.DEFAULTS``."""

    def __init__(
        self, code_size: int, blocks: int, layers: int, channels: int, hidden: int,
        warp_channels: int, doppler: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.doppler = doppler
        n_features = n_pose_features(doppler)
        self.warp = NeuralWarp(n_features, warp_channels, code_size)
        self.first = nn.Linear(2, channels)
        nn.init.zeros_(self.first.bias)
        self.blocks = nn.ModuleList(
            Block(layers, channels, n_features=n_features, n_hidden=hidden, code_size=code_size)
            for _ in range(blocks)
        )

    def delays(
        self, apparent_m: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Delays (B, 2, T) in samples, geometry and what is learned, monotone."""
        at_poses = ear_delays_samples(apparent_m) + self.warp(features, code)
        return monotone(each_sample(at_poses))

    def forward(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> list[torch.Tensor]:
        """From ``mono`` (B, T), places (B, K + 1, 3), codes (B, D)."""
        features = pose_features(apparent_m, self.doppler)
        ears = warped(mono, self.delays(apparent_m, features, code))
        gains = each_sample(ear_gains(apparent_m))
        values = self.first(_LOUD * ears.transpose(1, 2))
        found = []
        for block in self.blocks:
            values, added = block(values, features, code)
            ears = ears + added / _LOUD
            found.append(gains * ears)
        return found


class WarpNet(NeuralRenderer):
    """The system ``warpnet``: both losses of the publication, on every block.

    The wave's error is relative to the target's power, so the phase weighs 0.1 and not 0.01.
    """

    name = "warpnet"
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "blocks": 2, "layers": 8, "channels": 24, "hidden": 24, "warp_channels": 64,
        "doppler": False, "phase_weight": 0.1, "pieces": 3,
    }  # fmt: skip

    def build(self) -> nn.Module:
        """The network of these sizes."""
        names = (
            "code_size", "blocks", "layers", "channels", "hidden", "warp_channels", "doppler"
        )  # fmt: skip
        return WarpNetwork(**{name: self.configuration[name] for name in names})

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """What the last block says."""
        found: list[torch.Tensor] = self.net(mono, apparent_m, code)
        return found[-1]

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean over the blocks' outputs, of the first ``pieces`` of a batch.

        A step on few pieces is poor, but steps are what minutes on one core are short of.
        """
        some = slice(self.configuration["pieces"])
        target = batch.judged(batch.binaural[some])
        found = self.net(batch.mono[some], batch.apparent_m[some], batch.code[some])
        each = [self._loss(batch.judged(ears), target) for ears in found]
        return torch.stack(each).mean()

    def judged(self, batch: Batch) -> float:
        """The loss of the last block alone."""
        found = self.estimate(batch.mono, batch.apparent_m, batch.code)
        return float(self._loss(batch.judged(found), batch.judged(batch.binaural)))

    def _loss(self, ears: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        weight: float = self.configuration["phase_weight"]
        return relative_wave_l2(ears, target) + weight * phase_l2(ears, target)


class WarpNetDoppler(WarpNet):
    """The system ``warpnet-doppler``: WarpNet that knows the radial velocities (DopplerBAS)."""

    name = "warpnet-doppler"
    DEFAULTS: ClassVar[dict[str, Any]] = {**WarpNet.DEFAULTS, "doppler": True}


def _silence(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
