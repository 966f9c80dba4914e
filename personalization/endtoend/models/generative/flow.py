"""Flow: both ears at once along nearly straight lines from noise, in few steps, without the future.

Conditional flow matching (Lipman et al. 2023) in the manner of Liang et al. 2025, "BinauralFlow: a
causal and streamable approach for high-quality binaural speech synthesis with flow matching
models". What is drawn starts from the condition plus noise, x_0 = warp + noise, and moves to the
target along x_s = (1 - s) x_0 + s target with the velocity target - x_0 = (target - x_s) / (1 - s),
which a midpoint solver follows. Less the warp and at variance 1: from noise to the residual.

The network says the target, about the guess of the pose filters (``Stage.data``). The first step
goes to the mean over all that fits the conditions, so few steps do. The noise at the start is a
share of the residual's spread, as the paper's is beside the signal.
``causal`` (the default): no layer reads later frames and levels are of the past, so that a frame
can be rendered once its 512 samples are there; latency 10.7 ms. The paper's U-Net on spectra is
here that of ``network``, with as much of the past as its layers reach (43 ms).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from auricle.personalization.endtoend.models.generative.base import (
    GenerativeConfiguration,
    GenerativeRenderer,
    Known,
)
from auricle.personalization.endtoend.models.generative.network import (
    REACH_FRAMES,
    Stage,
    conditions,
)
from auricle.personalization.endtoend.physics.stft import FrameNoise
from auricle.personalization.endtoend.systems.base import Batch, Scenes
from auricle.personalization.learning.training_loop import Progress

_TOLD = 200.0  # steps that the network is told at the end of the flow


@dataclass(frozen=True)
class BinauralFlowConfiguration(GenerativeConfiguration):
    """Sizes and settings of ``BinauralFlow``, which says what they are."""

    steps: int = 3
    noise: float = 0.5
    causal: bool = True


class BinauralFlow(GenerativeRenderer):
    """The system ``flow-binaural``.

    Configuration beside ``GenerativeRenderer``'s: ``steps`` of the midpoint solver (each asks the
    network twice), ``noise`` at the start over the spread of residuals, ``causal``.
    """

    name = "flow-binaural"
    DEFAULTS: ClassVar[BinauralFlowConfiguration] = BinauralFlowConfiguration()
    configuration: BinauralFlowConfiguration

    def build(self) -> nn.Module:
        """One network for both ears."""
        return self.stage(4, causal=bool(self.configuration.causal))

    def drawn(self, known: Known, noise: FrameNoise) -> torch.Tensor:
        """Both ears' residuals (B, 4, N, F)."""
        stage: Stage = self.net
        n_items, n_frames = known.shape
        start = noise(0, (n_items, len(stage.spread), n_frames, stage.spread.shape[-1]))
        guess, local = stage.guess(known.signals, known.features, known.code)
        told = conditions(known.signals, guess, local)

        def velocity(place: torch.Tensor, share: float) -> torch.Tensor:
            shares = torch.full((n_items,), share)
            target = self._target(place, shares, told, known.code, guess)[0]
            return (target - place) / (1.0 - share)

        start = self.configuration.temperature * self.configuration.noise * start
        return stage.spread * midpoint(velocity, start, self.configuration.steps)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The weighted squared error of the target at a random share of the way."""
        stage: Stage = self.net
        batch = self.cropped(batch)
        known, residual = self.heard(batch)
        guess, local = stage.guess(known.signals, known.features, known.code)
        items, rows, counted = self.window(known, batch)
        few, own = known.part(items, rows), guess[items, :, rows]
        data = residual[items, :, rows] / stage.spread
        share = torch.rand(len(data))
        noise = self.configuration.noise * torch.randn_like(data)
        place = torch.lerp(noise, data, share.view(-1, 1, 1, 1))
        told = conditions(few.signals, own, local[items, :, rows])
        found, unit = self._target(place, share, told, few.code, own)
        miss = ((found - data) / unit)[:, :, counted]
        return self.weighted(stage, miss, guess - residual, batch)

    def _target(
        self, place: torch.Tensor, share: torch.Tensor, told: torch.Tensor, code: torch.Tensor,
        guess: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        stage: Stage = self.net
        shares = (share, self.configuration.noise * (1.0 - share))
        return stage.data(place, shares, _TOLD * share, told, code, guess / stage.spread)

    @property
    def reach(self) -> tuple[int, int]:
        """Frames of the past and of the future that the network sees."""
        return (REACH_FRAMES, 0) if self.configuration.causal else super().reach

    @property
    def spread_of_ears(self) -> torch.Tensor:
        """Spreads (4, 1, F) of both ears' residuals over the level."""
        spread: torch.Tensor = self.net.spread
        return spread

    def scale(self, spread: torch.Tensor, weight: torch.Tensor) -> None:
        """The scale as it was measured."""
        self.net.spread.copy_(spread)
        self.net.weight.copy_(weight)

    def fit(self, scenes: Scenes, progress: Progress | None = None) -> None:
        """The whole plan for the one network."""
        self.start(scenes)
        self.history = self.trained(self.net, self.loss, scenes, self.judged, 1.0, progress)


def midpoint(velocity: Any, start: torch.Tensor, n_steps: int) -> torch.Tensor:
    """The end of a point that moves from share 0 to 1, by the midpoint rule.

    Args:
        velocity: called with a point and a share.
        start: the point at share 0.
        n_steps: of the way.
    """
    place, length = start, 1.0 / n_steps
    for number in range(n_steps):
        share = number * length
        half = place + 0.5 * length * velocity(place, share)
        place = place + length * velocity(half, share + 0.5 * length)
    return place
