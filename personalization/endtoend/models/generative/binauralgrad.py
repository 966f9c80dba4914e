"""BinauralGrad: first what both ears share, then what sets them apart, each by diffusion.

Leng et al. 2022, "BinauralGrad: a two-stage conditional diffusion probabilistic model for binaural
audio synthesis". Stage 1 draws the mean of both ears, stage 2 both ears, told the mean. Conditions
of both: warped ears, mono, pose; here also the listener. 200 steps of training, 6 of sampling.

What differs from the paper, for two cores instead of eight V100:

- 9 layers of 16 channels on short-time spectra (``network``, ``stft``) in place of 30 of 128 on
  samples, and what is diffused is the residual to the warp, at variance 1 in each bin.
- ``prediction`` is "guess" by default: the data, about what the pose filters make of the warp
  (``Stage.data``); the paper's is "noise". Sampling begins with nothing but noise where 0.62 of it
  is expected, and ends after 6 steps: noise that a young network leaves is heard. Both work after 4
  minutes; the guess is about a tenth ahead in all three L2 errors (docs/endtoend.md).
- Stage 2 learns from the means that stage 1 draws (``told`` "drawn"), not from true ones ("true" in
  the paper): a true mean gives away half of the answer, which stage 1 cannot keep (wave L2 is 20 %
  worse with it, in twice as many steps).
- ``doppler`` adds radial velocities to the pose (DopplerBAS).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from auricle.dsp.errors import AuricleError
from auricle.personalization.endtoend.models.generative.base import (
    GenerativeConfiguration,
    GenerativeRenderer,
    Known,
)
from auricle.personalization.endtoend.models.generative.diffusion import (
    FEW_BETAS,
    data_of,
    few_steps,
    noised,
    roots,
    training_schedule,
)
from auricle.personalization.endtoend.models.generative.network import Stage, conditions
from auricle.personalization.endtoend.physics.stft import FrameNoise
from auricle.personalization.endtoend.systems.base import Batch, Scenes
from auricle.personalization.learning.training_loop import Progress

_LONGEST = 1000  # draws of a stage


class BinauralGradNet(nn.Module):
    """The networks of both stages."""

    def __init__(self, mean: Stage, ears: Stage) -> None:
        super().__init__()
        self.mean = mean
        self.ears = ears


@dataclass(frozen=True)
class BinauralGradConfiguration(GenerativeConfiguration):
    """Sizes and settings of ``BinauralGrad``, which says what they are."""

    prediction: str = "guess"
    told: str = "drawn"
    betas: tuple[float, ...] = tuple(FEW_BETAS)


class BinauralGrad(GenerativeRenderer):
    """The system ``binauralgrad``.

    Configuration beside ``GenerativeRenderer``'s: ``prediction``, ``told``, ``betas`` of sampling.
    """

    name = "binauralgrad"
    DEFAULTS: ClassVar[BinauralGradConfiguration] = BinauralGradConfiguration()
    configuration: BinauralGradConfiguration

    def build(self) -> nn.Module:
        """Build both networks."""
        choices = {"prediction": ("guess", "noise"), "told": ("drawn", "true")}
        for key, known in choices.items():
            if getattr(self.configuration, key) not in known:
                raise AuricleError(
                    f"{key} is one of {', '.join(known)}, not {getattr(self.configuration, key)!r}"
                )
        return BinauralGradNet(self.stage(2), self.stage(4, n_extra=2))

    def drawn(self, known: Known, noise: FrameNoise) -> torch.Tensor:
        """Both ears' residuals (B, 4, N, F), by way of a mean."""
        return self._ears(known, self._mean(known, noise), noise)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of both stages."""
        return self._mean_loss(batch) + self._ears_loss(batch)

    def fit(self, scenes: Scenes, progress: Progress | None = None) -> None:
        """Half of the plan for each stage; the history is that of the second."""
        self.start(scenes)
        self.trained(
            self.net.mean, self._mean_loss, scenes, self._mean_judged, 0.5, part(progress, 0.0)
        )
        self.net.ears.filters.load_state_dict(self.net.mean.filters.state_dict())
        self.history = self.trained(
            self.net.ears, self._ears_loss, scenes, self.judged, 0.5, part(progress, 0.5)
        )

    def scale(self, spread: torch.Tensor, weight: torch.Tensor) -> None:
        """The scale of the mean: as if both ears' residuals were independent, or better known."""
        stages = self.net
        stages.ears.spread.copy_(spread)
        stages.mean.spread.copy_(spread[:2].square().add(spread[2:].square()).div(2.0).sqrt())
        for stage in (stages.mean, stages.ears):
            stage.weight.copy_(weight)

    @property
    def spread_of_ears(self) -> torch.Tensor:
        """Spreads (4, 1, F) of both ears' residuals over the level."""
        spread: torch.Tensor = self.net.ears.spread
        return spread

    def _mean_loss(self, batch: Batch) -> torch.Tensor:
        return self._loss(self.net.mean, batch, told=False)

    def _ears_loss(self, batch: Batch) -> torch.Tensor:
        return self._loss(self.net.ears, batch, told=True)

    def _told(self, known: Known, residual: torch.Tensor) -> torch.Tensor:
        if self.configuration.told == "true":
            return mean_of(residual)
        seed = int(torch.randint(2**31, ()))
        with torch.no_grad():
            return self._mean(known, FrameNoise(seed))

    def _mean_judged(self, batch: Batch) -> float:
        """The share of the squared error of the mean, over the level, that a drawn one has."""
        known, residual = self.heard(batch)
        wanted = mean_of(residual)
        found = self._mean(known, FrameNoise(self.configuration.seed))
        error, plain = (
            self.cut(each * known.level, batch).square().sum() for each in (found - wanted, wanted)
        )
        return float(error / plain)

    def _mean(self, known: Known, noise: FrameNoise) -> torch.Tensor:
        return self._sampled(self.net.mean, known, (), noise, 0)

    def _ears(self, known: Known, mean: torch.Tensor, noise: FrameNoise) -> torch.Tensor:
        return self._sampled(self.net.ears, known, (mean,), noise, _LONGEST)

    def _loss(self, stage: Stage, batch: Batch, told: bool) -> torch.Tensor:
        """The error of the prediction at a random step of the 200."""
        schedule = training_schedule()
        batch = self.cropped(batch)
        known, residual = self.heard(batch)
        guess, local = stage.guess(known.signals, known.features, known.code)
        items, rows, counted = self.window(known, batch)
        few = known.part(items, rows)
        own, wanted = guess[items, :, rows], residual[items, :, rows]
        extra = (self._told(few, wanted),) if told else ()
        data = (wanted if told else mean_of(wanted)) / stage.spread
        step = torch.randint(1, len(schedule.betas) + 1, (len(data),))
        alpha = schedule.alphas[step.numpy()]
        noise = torch.randn_like(data)
        noisy, number = noised(data, noise, alpha), step.float()
        parts = conditions(few.signals, own, local[items, :, rows], *extra)
        if self.configuration.prediction == "noise":
            miss = stage.net(noisy, number, parts, few.code) - noise
        else:
            start = self._start(stage, own)
            found, unit = stage.data(noisy, roots(alpha), number, parts, few.code, start)
            miss = (found - data) / unit
        return self.weighted(stage, miss[:, :, counted], guess - residual, batch)

    def _start(self, stage: Stage, guess: torch.Tensor) -> torch.Tensor:
        """The guess of what a stage diffuses."""
        return (guess if len(stage.spread) == 4 else mean_of(guess)) / stage.spread

    def _sampled(
        self, stage: Stage, known: Known, extra: tuple[torch.Tensor, ...], noise: FrameNoise,
        first_draw: int,
    ) -> torch.Tensor:  # fmt: skip
        """Ancestral sampling (Ho et al. 2020, algorithm 2) along the few betas."""
        schedule, heat = few_steps(self.configuration.betas), self.configuration.temperature
        like = training_schedule().steps_like(schedule)
        n_items, n_frames = known.shape
        shape = (n_items, len(stage.spread), n_frames, stage.spread.shape[-1])
        guess, local = stage.guess(known.signals, known.features, known.code)
        told = conditions(known.signals, guess, local, *extra)
        start = self._start(stage, guess)
        noisy = heat * noise(first_draw, shape)
        for step in range(len(schedule.betas), 0, -1):
            number = torch.full((n_items,), float(like[step]))
            alpha = np.full(n_items, schedule.alphas[step])
            if self.configuration.prediction == "noise":
                data = data_of(stage.net(noisy, number, told, known.code), noisy, alpha)
            else:
                data = stage.data(noisy, roots(alpha), number, told, known.code, start)[0]
            of_data, of_noisy, spread = schedule.posterior(step)
            noisy = of_data * data + of_noisy * noisy
            if step > 1:
                noisy = noisy + heat * spread * noise(first_draw + step, shape)
        return noisy * stage.spread


def mean_of(residual: torch.Tensor) -> torch.Tensor:
    """The mean (B, 2, N, F) of both ears (B, 4, N, F)."""
    return 0.5 * (residual[:, :2] + residual[:, 2:])


def part(progress: Progress | None, done: float) -> Progress | None:
    """Progress of a half that begins at a share."""
    if progress is None:
        return None
    return lambda share, line: progress(done + 0.5 * share, line)
