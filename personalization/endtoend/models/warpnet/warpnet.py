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
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES
from auricle.personalization.endtoend.models.warpnet.network import WarpNetwork
from auricle.personalization.endtoend.physics.geometric_warp import ear_distances_m, warped
from auricle.personalization.endtoend.physics.poses import RATE, STEP
from auricle.personalization.endtoend.systems.base import Batch, SystemConfiguration
from auricle.personalization.endtoend.training.losses import (
    phase_l2,
    relative_amplitude_l2,
    relative_wave_l2,
)
from auricle.personalization.endtoend.training.response_first import ResponseFirst, moving_places
from auricle.personalization.endtoend.training.response_training import (
    RESPONSE_BINS,
    SIZE,
    Pieces,
    spectrum_loss,
)

_PAST_STEPS = 16  # of a piece before what is learned from: 11 m, and what convolutions look back
_HEARD = 384  # samples of a chirp and of what follows it
_MARGIN = 32.0  # samples that a response is late, for an ear that hears before the middle
_PEAK, _CORNER_HZ = 0.2, 2000.0  # of chirps


@dataclass(frozen=True)
class WarpNetConfiguration(SystemConfiguration):
    """Sizes and settings of ``WarpNet``, which says what they are."""

    blocks: int = 2
    layers: int = 8
    channels: int = 16
    hidden: int = 24
    told: int = 128
    order: int = 5
    warp_channels: int = 64
    doppler: bool = False
    phase_weight: float = 0.1
    amplitude_weight: float = 0.5
    steps: int = 32


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
    rate_on_scenes = 5e-4  # it meets sound at its levels there
    DEFAULTS: ClassVar[WarpNetConfiguration] = WarpNetConfiguration()
    configuration: WarpNetConfiguration

    def build(self) -> nn.Module:
        """The network of these sizes."""
        names = (
            "code_size", "blocks", "layers", "channels", "hidden", "told", "order",
            "warp_channels", "doppler",
        )  # fmt: skip
        return WarpNetwork(**{name: getattr(self.configuration, name) for name in names})

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Both ears, as the last block gives them.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).

        Returns:
            (B, 2, T).
        """
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
        spare = batch.mono.shape[-1] // STEP - _PAST_STEPS - self.configuration.steps
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
        n_steps = _PAST_STEPS + self.configuration.steps
        part = batch.part(first, min(n_steps, batch.mono.shape[-1] // STEP - first))
        return replace(part, warmup_samples=_PAST_STEPS * STEP)

    def _loss(self, ears: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        weights = self.configuration
        return (
            relative_wave_l2(ears, target)
            + weights.phase_weight * phase_l2(ears, target)
            + weights.amplitude_weight * relative_amplitude_l2(ears, target)
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
    DEFAULTS: ClassVar[WarpNetConfiguration] = WarpNetConfiguration(doppler=True)
