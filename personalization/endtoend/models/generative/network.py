"""The network of the generative systems: what is noisy and what is known in, an estimate out.

A dilated gated residual network as in DiffWave (Kong et al. 2021), which BinauralGrad takes: each
layer adds a projection of the step to its input, convolves with a dilation, adds a projection of
the conditions, passes tanh times sigmoid, and gives a residual and a skip. Here on frames and bins
(``stft``) instead of samples, so layers take turns: along frequency with dilations up to 16, and
along time with up to 2. Against 30 layers of 128 channels: 9 of 16.

The conditions are the warped ears, the mono signal, and the pose, which enters in two ways: as
features of each bin, and as a complex gain for each bin and ear that the warped ears are multiplied
with. The gain says nothing that features would not, but a product of signal and pose is what a head
does, and a network of additions finds it late. The listener's code steers the layers that read the
pose (FiLM, LoRA), and scales the channels of the network.
"""

import math

import torch
from torch import nn

from auricle.personalization.endtoend.physics.stft import N_BINS, delays, times
from auricle.personalization.learning.conditioning import CodeFiLM, CodeLoRA

_OCTAVES = 3
POSE_FEATURES = 3 + 3 * 2 * _OCTAVES + 2
_STEP_FEATURES = 32
_STEP_OCTAVES = 6
_DELAY_SAMPLES = 1.0
_LEFT = 0.5  # of the spread of residuals, once the guess is out
_FREQUENCY_DILATIONS = (1, 2, 4, 8, 16, 1)
_TIME_DILATIONS = (1, 2, 1)
REACH_FRAMES = 2 * sum(_TIME_DILATIONS)  # of the past in a causal one, half of it in another


def pose_features(apparent_m: torch.Tensor) -> torch.Tensor:
    """Features (..., POSE_FEATURES) of places (..., 3): direction in octaves, distance."""
    distance = torch.linalg.vector_norm(apparent_m, dim=-1, keepdim=True).clamp_min(0.1)
    unit = apparent_m / distance
    waves = [unit * (math.pi / 2.0 * 2**octave) for octave in range(_OCTAVES)]
    parts = [unit, *(each.sin() for each in waves), *(each.cos() for each in waves)]
    return torch.cat([*parts, distance.log(), 0.3 / distance], dim=-1)


class PoseFilters(nn.Module):
    """Complex gains (B, 4, N, F) of both ears and features (B, L, N, F) from poses and a code.

    A gain is what is to be added to the warp: that of a delay and of a free number, less 1. Delays
    alone would wrap round many times over the bins, which a sum of features learns late.

    Args:
        n_features: of a pose.
        code_size: D.
        width: of the hidden layers.
        n_local: L.
        rank: of the listener's part of the hidden layers.
    """

    def __init__(
        self, n_features: int, code_size: int, width: int, n_local: int, rank: int
    ) -> None:
        super().__init__()
        self.first = CodeLoRA(n_features, width, code_size, rank)
        self.second = CodeLoRA(width, width, code_size, rank)
        self.film = CodeFiLM(code_size, width)
        self.last = nn.Linear(width, (4 + n_local) * N_BINS)
        self.delay = nn.Linear(width, 2)
        for each in (self.last, self.delay):
            nn.init.zeros_(each.weight)
            nn.init.zeros_(each.bias)

    def forward(
        self, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, N, n_features), codes (B, D)."""
        hidden = nn.functional.gelu(self.first(features, code))
        hidden = self.film(nn.functional.gelu(self.second(hidden, code)), code)
        fields = self.last(hidden).unflatten(-1, (-1, N_BINS)).transpose(1, 2)
        one = fields.new_tensor([1.0, 0.0, 1.0, 0.0]).view(1, 4, 1, 1)
        turn = delays(_DELAY_SAMPLES * self.delay(hidden).transpose(1, 2))
        return times(fields[:, :4] + one, turn) - one, fields[:, 4:]


class GatedLayer(nn.Module):
    """One layer: (hidden, step, conditions) to (hidden, skip), channels last.

    Args:
        width: channels.
        n_conditions: channels of the conditions.
        dilation: over frames and bins.
        causal: whether it reads no later frames.
    """

    def __init__(
        self, width: int, n_conditions: int, dilation: tuple[int, int], causal: bool
    ) -> None:
        super().__init__()
        along_time, along_frequency = dilation
        past, future = (2 * along_time, 0) if causal else (along_time, along_time)
        self.pad = (0, 0, along_frequency, along_frequency, past, future)
        kernel = (3 if along_time else 1, 3 if along_frequency else 1)
        spacing = (max(along_time, 1), max(along_frequency, 1))
        # Filter and gate apart: slices of channels are slow where channels stand last in memory.
        self.filter = nn.Conv2d(width, width, kernel, dilation=spacing)
        self.gate = nn.Conv2d(width, width, kernel, dilation=spacing)
        self.filter_condition = nn.Linear(n_conditions, width, bias=False)
        self.gate_condition = nn.Linear(n_conditions, width, bias=False)
        self.step = nn.Linear(_STEP_FEATURES, width)
        self.residual = nn.Linear(width, width)
        self.skip = nn.Linear(width, width)

    def forward(
        self, hidden: torch.Tensor, step: torch.Tensor, conditions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden values for the next layer, and what is added to the output.

        Args:
            hidden: (B, N, F, C).
            step: (B, _STEP_FEATURES).
            conditions: (B, N, F, n_conditions).
        """
        told = nn.functional.pad(hidden + self.step(step)[:, None, None], self.pad)
        told = told.permute(0, 3, 1, 2)
        filtered = self.filter(told).permute(0, 2, 3, 1)
        gate = self.gate(told).permute(0, 2, 3, 1)
        value = torch.tanh(filtered + self.filter_condition(conditions))
        value = value * torch.sigmoid(gate + self.gate_condition(conditions))
        return (hidden + self.residual(value)) * math.sqrt(0.5), self.skip(value)


class GatedNet(nn.Module):
    """An estimate (B, n_out, N, F) from what is noisy, how noisy it is, and conditions.

    Beside the layers a matrix at each bin, its columns scaled by the step, goes from input to
    output: what is linear need not pass tanh.

    Args:
        n_noisy: channels of what is noisy, and of the estimate.
        n_conditions: channels of the conditions.
        code_size: D.
        width: C, best a multiple of 16.
        causal: nothing of later frames.
    """

    def __init__(
        self, n_noisy: int, n_conditions: int, code_size: int, width: int, causal: bool
    ) -> None:
        super().__init__()
        self.step = nn.Sequential(
            nn.Linear(2 * _STEP_OCTAVES, _STEP_FEATURES), nn.SiLU(),
            nn.Linear(_STEP_FEATURES, _STEP_FEATURES), nn.SiLU(),
        )  # fmt: skip
        self.who = CodeFiLM(code_size, _STEP_FEATURES)
        n_in = n_noisy + n_conditions
        self.first = nn.Linear(n_in, width)
        self.layers = nn.ModuleList(
            GatedLayer(width, n_conditions, each, causal) for each in _dilations()
        )
        self.scale = nn.Linear(_STEP_FEATURES, n_in)
        self.direct = nn.Linear(n_in, n_noisy, bias=False)
        self.middle = nn.Linear(width, width)
        self.last = nn.Linear(width, n_noisy)
        for each in (self.direct.weight, self.last.weight, self.last.bias):
            nn.init.zeros_(each)
        nn.init.ones_(self.scale.bias)

    def forward(
        self, noisy: torch.Tensor, step: torch.Tensor, conditions: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """The network's answer to noisy values.

        Args:
            noisy: (B, n_noisy, N, F).
            step: (B,) from 0 to 200.
            conditions: (B, N, F, n_conditions), as ``Stage.conditions`` gives them.
            code: (B, D).
        """
        told = self.who(self.step(_step_features(step)), code)
        both = torch.cat([noisy.permute(0, 2, 3, 1), conditions], dim=-1)
        hidden = torch.relu(self.first(both))
        total = torch.zeros_like(hidden)
        for layer in self.layers:
            hidden, skip = layer(hidden, told, conditions)
            total = total + skip
        total = torch.relu(self.middle(total * (1.0 / math.sqrt(len(self.layers)))))
        # A matrix for each item: cheaper than scaling each cell.
        matrix = self.direct.weight * self.scale(told)[:, None]
        direct = torch.bmm(both.flatten(1, 2), matrix.transpose(1, 2)).view_as(
            noisy.permute(0, 2, 3, 1)
        )
        return (self.last(total) + direct).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """A network with its conditions, and the scales of what it diffuses.

    Args:
        n_noisy: channels of what is diffused: 2 for one signal, 4 for two ears.
        n_extra: channels of further conditions.
        sizes: ``code_size``, ``width``, ``filter_width``, ``local``, ``rank``, ``causal``.
        n_pose_features: of a pose.
    """

    spread: torch.Tensor
    weight: torch.Tensor

    def __init__(
        self, n_noisy: int, n_extra: int, sizes: dict[str, int], n_pose_features: int
    ) -> None:
        super().__init__()
        code_size = sizes["code_size"]
        self.filters = PoseFilters(
            n_pose_features, code_size, sizes["filter_width"], sizes["local"], sizes["rank"]
        )
        n_conditions = 10 + sizes["local"] + n_extra
        self.net = GatedNet(n_noisy, n_conditions, code_size, sizes["width"], bool(sizes["causal"]))
        self.register_buffer("spread", torch.ones(n_noisy, 1, N_BINS))
        self.register_buffer("weight", torch.ones(N_BINS))

    def guess(
        self, signals: torch.Tensor, features: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The ears (B, 4, N, F) as the gains make them, and the features of bins (B, L, N, F).

        Args:
            signals: (B, 6, N, F) warped ears and mono, over their levels.
            features: (B, N, n_pose_features).
            code: (B, D).
        """
        gains, local = self.filters(features, code)
        return times(gains, signals[:, :4]), local

    def data(
        self, noisy: torch.Tensor, shares: tuple[torch.Tensor, torch.Tensor], step: torch.Tensor,
        told: torch.Tensor, code: torch.Tensor, guess: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        """An estimate (B, C, N, F) of the data in what is noisy, and the unit (B, 1, 1, 1) of it.

        If what the guess leaves were white with spread ``_LEFT``, its mean given what is noisy
        would be known, and its spread too: that is the unit. The network adds to that mean, in
        that unit (Karras et al. 2022, "Elucidating the design space of diffusion-based generative
        models", section 5, there about 0). So a young network samples about the guess.

        Args:
            noisy: (B, C, N, F), shares[0] times data and shares[1] times noise of variance 1.
            shares: (B,) each.
            step: (B,) as the network is told it.
            told: conditions.
            code: (B, D).
            guess: (B, C, N, F) of the data.
        """
        keep, add = (each.view(-1, 1, 1, 1) for each in shares)
        variance = (_LEFT * keep).square() + add.square()
        mean = guess + (_LEFT**2 * keep / variance) * (noisy - keep * guess)
        unit = _LEFT * add / variance.sqrt()
        return mean + unit * self.net(noisy, step, told, code), unit


def conditions(*parts: torch.Tensor) -> torch.Tensor:
    """Channels (B, C, N, F) one behind the other, and last in memory: (B, N, F, C)."""
    return torch.cat(parts, dim=1).permute(0, 2, 3, 1).contiguous()


def _dilations() -> list[tuple[int, int]]:
    """(along time, along frequency) of the layers, in turns."""
    found = []
    for number, dilation in enumerate(_FREQUENCY_DILATIONS):
        found.append((0, dilation))
        if number % 2 == 1:
            found.append((_TIME_DILATIONS[number // 2], 0))
    return found


def _step_features(step: torch.Tensor) -> torch.Tensor:
    """Sines and cosines (B, 2 _STEP_OCTAVES) of steps (B,) from 0 to 200, periods from 25 steps.

    Shorter ones, as for millions of training steps, are noise to a network that sees thousands.
    """
    octaves = 2.0 ** torch.arange(_STEP_OCTAVES, dtype=step.dtype)
    phase = step[:, None] * (math.pi / 400.0) * octaves
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
