"""WarpNet: a learned monotone warp, then convolutions whose weights follow the pose.

Richard et al. 2021, "Neural synthesis of binaural speech from mono audio". The signal is read where
geometry says, plus what a small network over the poses adds; the place never runs backwards
(running maximum). Blocks of dilated causal convolutions refine it: the weights of each are made
anew for every step from its pose (hyper-convolutions), sines are the activations, and each block is
trained on its own output too. All of it is causal.

Against the publication, for two cores: 2 blocks of 8 layers with 16 channels (3 of 10 with 64),
weights from 24 hidden numbers (32), a pose each 128 samples (400). No layer of the blocks has a
bias, the made weights neither: silence stays silent, where biases that follow the pose fill it. The
network works on the warped ears before the law of distance and adds to them; its last layers begin
at 0, so that it starts as the geometric warp. What makes the weights, and the learned warp, are
told harmonics of the direction; the listener's code steers that, and the weights, by FiLM and LoRA.
"""

import math
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from auricle.dsp.sphere_model import SOUND_SPEED_M_S
from auricle.personalization.endtoend.conditioning import CodeFiLM, CodeLoRA
from auricle.personalization.endtoend.encoding import n_pose_features, pose_features
from auricle.personalization.endtoend.filter_training import (
    RESPONSE_BINS,
    SIZE,
    Pieces,
    spectrum_loss,
)
from auricle.personalization.endtoend.harmonic_features import harmonics, n_harmonics
from auricle.personalization.endtoend.listeners import LEAD_SAMPLES
from auricle.personalization.endtoend.losses import (
    phase_l2,
    relative_amplitude_l2,
    relative_wave_l2,
)
from auricle.personalization.endtoend.neural import Batch
from auricle.personalization.endtoend.poses import RATE, STEP
from auricle.personalization.endtoend.response_first import ResponseFirst, moving_places
from auricle.personalization.endtoend.warp import (
    each_sample,
    ear_delays_samples,
    ear_distances_m,
    ear_gains,
    warped,
)

KERNEL = 2
MOST_SHIFT_SAMPLES = 48.0  # that the learned warp adds or takes away: 1 ms
_PAST_STEPS = 16  # of a piece before what is learned from: 11 m, and what convolutions look back
_HEARD = 384  # samples of a chirp and of what follows it
_MARGIN = 32.0  # samples that a response is late, for an ear that hears before the middle
_PEAK, _CORNER_HZ = 0.2, 2000.0  # of chirps
_LOUD = 0.3  # sound of RMS 0.1 then bends sines a little; at 4 the network distorts


def monotone(delay_samples: torch.Tensor) -> torch.Tensor:
    """Delays (B, E, T) under which the place that is read never moves back.

    The place t - delay(t) becomes its running maximum (WarpNet, equation 3).
    """
    time = torch.arange(delay_samples.shape[-1], device=delay_samples.device, dtype=torch.float64)
    place = torch.cummax(time - delay_samples.double(), dim=-1).values
    return (time - place).to(delay_samples.dtype)


class Conditions(nn.Module):
    """What all layers are told of each step (B, K, C): who listens, and from where it comes.

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
        """Values and skip (B, T, C) from values (B, T, C) and features (B, K, P), K divides T."""
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
        """From ``mono`` (B, T), places (B, K + 1, 3), codes (B, D)."""
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


class WarpNet(ResponseFirst):
    """The system ``warpnet``: on scenes both losses of the publication, on every block.

    The wave's error is relative to the target's power, so the phase weighs 0.1 and not 0.01. The
    error of amplitudes is beside them: waves are loud where they are low, and without it what
    ought to be quiet is filled. Responses come first, as chirps at the level of sound.
    """

    name = "warpnet"
    responses = 32
    judged_responses = 256
    both_ears = True
    share_of_responses = 0.75
    weight_decay = 0.05
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "blocks": 2, "layers": 8, "channels": 16, "hidden": 24, "told": 128, "order": 5,
        "warp_channels": 64,
        "doppler": False, "phase_weight": 0.1, "amplitude_weight": 0.5, "steps": 32,
    }  # fmt: skip

    def build(self) -> nn.Module:
        """The network of these sizes."""
        names = (
            "code_size", "blocks", "layers", "channels", "hidden", "told", "order",
            "warp_channels", "doppler",
        )  # fmt: skip
        return WarpNetwork(**{name: self.configuration[name] for name in names})

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """What the last block says."""
        found: list[torch.Tensor] = self.net(mono, apparent_m, code)
        return found[-1]

    def loss_on_responses(self, pieces: Pieces) -> torch.Tensor:
        """Mean over the blocks' outputs of ``spectrum_loss``, from chirps at moving places."""
        places = moving_places(pieces.seen, self.chance)
        distance = ear_distances_m(places)[:, -1]
        radius = places[:, -1].norm(dim=-1, keepdim=True)
        told = self.net.conditions(places, pieces.code)
        sound, spectrum = chirps(len(places), self.chance)
        learned = self.net.warp(told, pieces.code)[:, -1]
        late = _MARGIN + (distance - radius) * (RATE / SOUND_SPEED_M_S) + learned
        ears = warped(sound[:, :_HEARD], late[..., None].expand(-1, -1, _HEARD))
        angle = torch.linspace(0.0, math.pi, RESPONSE_BINS) * (_MARGIN - LEAD_SAMPLES)
        level = (radius / distance)[..., None]
        turn = torch.polar(torch.ones_like(angle), angle) / spectrum[:, None]
        wanted = pieces.spectra.flatten(0, 1)
        each = [
            spectrum_loss((torch.fft.rfft(level * found, SIZE) * turn).flatten(0, 1), wanted)
            for found in self.net.refined(ears, told, pieces.code)
        ]
        return torch.stack(each).mean()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean over the blocks' outputs, of a part of a batch's time.

        Neighbours in time teach the same direction.
        """
        spare = batch.mono.shape[-1] // STEP - _PAST_STEPS - self.configuration["steps"]
        first = int(torch.randint(max(spare, 0) + 1, ())) if self.net.training else 0
        some = self._cropped(batch, first)
        target = some.judged(some.binaural)
        found = self.net(some.mono, some.apparent_m, some.code)
        each = [self._loss(some.judged(ears), target) for ears in found]
        return torch.stack(each).mean()

    def judged(self, batch: Batch) -> float:
        """The loss of the last block alone."""
        some = self._cropped(batch, 0)
        found = self.estimate(some.mono, some.apparent_m, some.code)
        return float(self._loss(some.judged(found), some.judged(some.binaural)))

    def _cropped(self, batch: Batch, first: int) -> Batch:
        n_steps = _PAST_STEPS + self.configuration["steps"]
        part = batch.part(first, min(n_steps, batch.mono.shape[-1] // STEP - first))
        return replace(part, warmup_samples=_PAST_STEPS * STEP)

    def _loss(self, ears: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        weights = self.configuration
        return (
            relative_wave_l2(ears, target)
            + weights["phase_weight"] * phase_l2(ears, target)
            + weights["amplitude_weight"] * relative_amplitude_l2(ears, target)
        )


def chirps(
    count: int, generator: torch.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Signals (B, SIZE) as loud as sound, and their spectra (B, RESPONSE_BINS), nowhere 0.

    They fall with frequency as speech does, and glide up or down within 48 samples.
    """
    share = torch.linspace(0.0, 1.0, RESPONSE_BINS)
    up = torch.rand(count, 1, generator=generator) < 0.5
    late = 32.0 + 48.0 * torch.where(up, share, 1.0 - share).sqrt()  # samples
    turned = torch.cumsum(late, dim=-1) / (RESPONSE_BINS - 1)
    turned = turned - turned[:, :1]  # in units of pi; whole at both ends, or it rings all along
    phase = -math.pi * turned * (turned[:, -1:].round() / turned[:, -1:])
    level = 1.0 / (1.0 + share * (0.5 * RATE / _CORNER_HZ))
    spectrum = torch.polar(level.expand_as(phase).contiguous(), phase)
    signal = torch.fft.irfft(spectrum, SIZE)
    loud = _PEAK * torch.exp(0.7 * torch.randn(count, 1, generator=generator))
    gain = loud / signal.abs().amax(dim=-1, keepdim=True)
    return gain * signal, gain * spectrum


class WarpNetDoppler(WarpNet):
    """The system ``warpnet-doppler``: WarpNet that knows the radial velocities (DopplerBAS)."""

    name = "warpnet-doppler"
    DEFAULTS: ClassVar[dict[str, Any]] = {**WarpNet.DEFAULTS, "doppler": True}


def _silence(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
