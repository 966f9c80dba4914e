"""Flow: samples of a listener's sphere, given what was measured, by conditional flow matching.

A network learns the velocity that carries noise to listeners along straight lines (Lipman et al.
2023; Albergo and Vanden-Eijnden 2023), on the coefficients of spherical harmonics over all bins at
once, with those fitted to the measured directions as the condition. Integrating it from several
draws of noise gives several whole spheres that agree with the measurement; their mean is the
prediction, their spread its uncertainty. It stands for the published conditional diffusion and GAN
models, of which it keeps the generation on the whole sphere; the probability flow of a diffusion is
one such flow, and straight lines need few steps.

Shrunk: order 4 per ear, three residual convolutions of width 96 over frequency (a U-Net there), 8
Euler steps, 16 samples. What the order cannot hold is added to the spread, not to the samples.
"""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from auricle.personalization.features import BINS, HEARD
from auricle.personalization.sparse.harmonic_residuals import coefficients, field
from auricle.personalization.sparse.learned import (
    SCALE_DB,
    LearnedMethod,
    Lesson,
    Residuals,
    zeroed,
)
from auricle.personalization.sparse.measured_sets import drawn_set
from auricle.personalization.sparse.method import Array, Prediction, Training


class VelocityNet(nn.Module):
    """Velocities (B, C, F) at points (B, C, F) of the flow, under conditions (B, C, F)."""

    def __init__(self, n_channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(2 * n_channels, width, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * 2**k, dilation=2**k) for k in range(depth)
        )
        self.films = nn.ModuleList(nn.Linear(6, 2 * width) for _ in range(depth))
        self.last = nn.Conv1d(width, n_channels, 5, padding=2)
        zeroed(self.last)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor, when: torch.Tensor, count: torch.Tensor
    ) -> torch.Tensor:
        """``when`` (B,) from 0 (noise) to 1 (listener), ``count`` (B,) of measured directions."""
        told = torch.stack(
            [when, when**2, (3.0 * when).sin(), (3.0 * when).cos(), count, count**2], 1
        )
        hidden = self.first(torch.cat([x, condition], dim=1))
        for layer, film in zip(self.layers, self.films, strict=True):
            gain, shift = film(told)[..., None].chunk(2, dim=1)
            hidden = hidden + nn.functional.silu(layer(hidden) * (1.0 + gain) + shift)
        return self.last(hidden)


class Flow(LearnedMethod):
    """The method ``flow``; ``samples`` gives single spheres."""

    name = "flow"
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "order": 4, "width": 96, "depth": 3, "steps": 8, "samples": 16, "listeners": 32,
        "strength": 0.03,
    }  # fmt: skip

    def prepare(self, lesson: Lesson) -> None:
        """Find the scale of the coefficients and what the order leaves of a listener."""
        whole = coefficients(lesson.learners, self.configuration["order"], 1e-4)
        self._scale = whole.std(dim=(0, 3), keepdim=True).clamp(min=1e-3)  # (1, C, 2, 1)
        left = lesson.learners.db - field(whole, lesson.learners.positions, self._order)
        self._rest = left.std(dim=(0, 1))  # (2, F)
        self._whole = whole

    @property
    def _order(self) -> int:
        return int(self.configuration["order"])

    def build(self) -> nn.Module:
        """The velocity, for coefficients of both ears."""
        sizes = self.configuration
        return VelocityNet(2 * (self._order + 1) ** 2, sizes["width"], sizes["depth"])

    def loss(self, lesson: Lesson) -> torch.Tensor:
        """Squared error of the velocity along a straight line, at a chance moment."""
        who = lesson.rng.choice(len(self._whole), self.configuration["listeners"])
        measured = drawn_set(lesson.grid, lesson.standard, lesson.rng)
        condition, count = self._condition(lesson.learners.at(measured, who))
        end = (self._whole[who] / self._scale).flatten(1, 2)
        start, when = torch.randn_like(end), torch.rand(len(end))
        point = start + when[:, None, None] * (end - start)
        return (self.net(point, condition, when, count) - (end - start)).pow(2).mean()

    def samples(self, known: Residuals, targets: torch.Tensor, n_samples: int) -> torch.Tensor:
        """Residuals (S, B, Q, 2, F) of spheres that agree with what is known."""
        condition, count = self._condition(known)
        condition, count = condition.repeat(n_samples, 1, 1), count.repeat(n_samples)
        noise = torch.Generator().manual_seed(self.plan.seed)
        point = torch.randn(condition.shape, generator=noise)
        n_steps = self.configuration["steps"]
        for k in range(n_steps):
            when = torch.full((len(point),), k / n_steps)
            point = point + self.net(point, condition, when, count) / n_steps
        found = point.reshape(len(point), -1, 2, point.shape[-1]) * self._scale
        return field(found, targets, self._order).unflatten(0, (n_samples, -1))

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """The mean of the samples."""
        found = self.samples(known, targets, self.configuration["samples"]).mean(dim=0)
        return Residuals(found, known.itd[:, :0], targets)

    def judged(self, lesson: Lesson, every: int = 9) -> float:
        """As all are, but with few samples."""
        kept = self.configuration
        self.configuration = {**kept, "samples": min(kept["samples"], 4)}
        score = super().judged(lesson, every)
        self.configuration = kept
        return score

    def predict_many(self, measured: Training, target_positions: Array) -> list[Prediction]:
        """The means of the samples, and their spread with that of what the order leaves."""
        known = self.residuals(measured)
        targets = torch.from_numpy(np.asarray(target_positions, dtype=np.float32))
        with torch.no_grad():
            drawn = self.samples(known, targets, self.configuration["samples"])
            spread = SCALE_DB * torch.sqrt(drawn.var(dim=0) + self._rest**2).numpy()
        ends = (HEARD.start, BINS - HEARD.stop)
        padded = np.pad(spread, ((0, 0), (0, 0), (0, 0), ends), mode="edge").astype(np.float64)
        return [
            replace(found, spread_db=own)
            for found, own in zip(
                super().predict_many(measured, target_positions), padded, strict=True
            )
        ]

    def _condition(self, known: Residuals) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients (B, C, F) fitted to what is known, and the number of directions (B,)."""
        found = coefficients(known, self._order, self.configuration["strength"]) / self._scale
        count = torch.full((len(found),), float(np.log(len(known.positions)) / 4.0))
        return found.flatten(1, 2), count

    def extra_tensors(self) -> dict[str, np.ndarray]:
        """The scale of the coefficients, and what the order leaves."""
        return {"scale": self._scale.numpy(), "rest": self._rest.numpy()}

    def take_tensors(self, tensors: dict[str, np.ndarray]) -> None:
        """The same, from a file."""
        self._scale = torch.from_numpy(tensors["scale"])
        self._rest = torch.from_numpy(tensors["rest"])
