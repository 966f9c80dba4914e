"""NFS: frames shifted and weighed in the Fourier domain, many paths to each ear.

Lee and Lee 2023, "Neural Fourier shift for binaural speech rendering". Frames of 200 ms, half
overlapping under Hann windows, go over parallel paths, each with a delay and a gain at every
frequency; networks of attention and gated layers (gMLP) say both from sines of the pose. Delays are
bounded by a sigmoid, gains are softplus^2 over the delay squared; a little shaped noise is added.

Against the publication, for two cores: 15 paths an ear (128), 64 points over frequency (128), two
gated blocks (three), excess delays of -1 to 5 ms (to 50 ms). Geometry is taken before the frames,
sample by sample, and the networks say what comes on top: a frame that moves as one would turn
Doppler into combs (its delay jumps by 0.3 ms at 1 m/s). The delay in the gain is relative to that
of geometry. Paths but the first come in pairs of opposite sign that begin equal, so that the system
starts as the geometric warp. Harmonics of the direction are tokens beside the sines. One network
serves both ears, the right one in the mirror, direction and code alike. The code is tokens to
attend to, and steers each gated block by FiLM and the last layer by LoRA.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from auricle.personalization.endtoend.models.nfs.network import FourierShift
from auricle.personalization.endtoend.physics.frame_shift import HOP_STEPS
from auricle.personalization.endtoend.systems.base import Batch, SystemConfiguration
from auricle.personalization.endtoend.training.losses import (
    level_difference_error,
    multi_resolution,
    phase_l2,
    relative_wave_l2,
)
from auricle.personalization.endtoend.training.response_first import ResponseFirst, moving_places
from auricle.personalization.endtoend.training.response_training import Pieces, spectrum_loss


@dataclass(frozen=True)
class NfsConfiguration(SystemConfiguration):
    """Sizes and settings of ``Nfs``, which says what they are."""

    pairs: int = 7
    width: int = 64
    blocks: int = 2
    order: int = 5
    rank: int = 32
    doppler: bool = False
    phase_weight: float = 0.1
    level_weight: float = 0.1
    spectrum_weight: float = 0.1


class Nfs(ResponseFirst):
    """The system ``nfs``: responses first, whose paths are what frames of scenes will have; then
    errors of the wave, of phases, of level differences and MRSTFT on scenes.
    """

    name = "nfs"
    past_steps: ClassVar[int] = 3 * HOP_STEPS  # whole hops, so that frames lie alike
    future_steps: ClassVar[int] = 2 * HOP_STEPS
    DEFAULTS: ClassVar[NfsConfiguration] = NfsConfiguration()
    configuration: NfsConfiguration

    def build(self) -> nn.Module:
        """The network of these sizes."""
        names = ("code_size", "pairs", "width", "blocks", "order", "rank", "doppler")
        return FourierShift(**{name: getattr(self.configuration, name) for name in names})

    def begin(self, parity: torch.Tensor) -> None:
        """The right ear takes the code of the listener in the mirror."""
        self.net.parity.copy_(parity)

    def loss_on_responses(self, pieces: Pieces) -> torch.Tensor:
        """``spectrum_loss`` of the paths of one ear, and of geometry, at moving places."""
        places = moving_places(pieces.seen, self.chance)
        return spectrum_loss(self.net.ear_spectra(places, pieces.code), pieces.spectra)

    def estimate_from(
        self, first_step: int, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Binaural signals with frames and noise as in the whole, wherever a piece begins.

        Args:
            first_step: at which the piece begins.
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).
        """
        found: torch.Tensor = self.net(mono, apparent_m, code, first_step)
        return found

    def loss(self, batch: Batch) -> torch.Tensor:
        """The four losses of the publication, the wave's relative to the target's power."""
        found = batch.judged(self.estimate(batch.mono, batch.apparent_m, batch.code))
        target = batch.judged(batch.binaural)
        weights = self.configuration
        return (
            relative_wave_l2(found, target)
            + weights.phase_weight * phase_l2(found, target)
            + weights.level_weight * level_difference_error(found, target)
            + weights.spectrum_weight * multi_resolution(found, target)
        )


class NfsDoppler(Nfs):
    """The system ``nfs-doppler``: NFS that knows the radial velocities (DopplerBAS)."""

    name = "nfs-doppler"
    DEFAULTS: ClassVar[NfsConfiguration] = NfsConfiguration(doppler=True)
