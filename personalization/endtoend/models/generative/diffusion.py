"""Schedules of diffusion: how data become noise in many small steps, and come back in few.

Denoising diffusion (Ho et al. 2020): x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise with a_t the product
of 1 - beta up to step t. Sampling takes its own few betas; each of its steps is told to the network
as the step of training with the same sqrt(a), which need not be whole (Kong et al. 2021,
"DiffWave", appendix B).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError

TRAINING_BETAS = (1e-4, 0.02, 200)  # first, last, number
FEW_BETAS = (1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)  # Leng et al. 2022, "BinauralGrad"


@dataclass(frozen=True)
class Schedule:
    """Shares of noise.

    Attributes:
        betas: (N,) of the steps 1 to N, the first adds the least noise.
    """

    betas: Array

    def __post_init__(self) -> None:
        if not (len(self.betas) and np.all((self.betas > 0.0) & (self.betas < 1.0))):
            raise AuricleError(f"betas lie between 0 and 1, got {self.betas}")

    @property
    def alphas(self) -> Array:
        """Shares (N + 1,) of the data's variance left after steps 0 to N."""
        return np.concatenate([[1.0], np.cumprod(1.0 - self.betas)])

    def posterior(self, step: int) -> tuple[float, float, float]:
        """The posterior of x_(step - 1) given x_0 and x_step: factors of both, and the spread.

        Ho et al. 2020, equations 6 and 7.
        """
        before, now = self.alphas[step - 1], self.alphas[step]
        beta = self.betas[step - 1]
        of_data = np.sqrt(before) * beta / (1.0 - now)
        of_noisy = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - now)
        return float(of_data), float(of_noisy), float(np.sqrt(beta * (1.0 - before) / (1.0 - now)))

    def steps_like(self, other: "Schedule") -> Array:
        """Steps (N + 1,) of this schedule, in fractions, with as much noise as those of another."""
        return np.interp(
            -np.sqrt(other.alphas), -np.sqrt(self.alphas), np.arange(len(self.betas) + 1.0)
        )


def training_schedule() -> Schedule:
    """200 steps whose betas rise along a line."""
    first, last, number = TRAINING_BETAS
    return Schedule(np.linspace(first, last, number))


def few_steps(betas: Sequence[float] = FEW_BETAS) -> Schedule:
    """The schedule of sampling."""
    return Schedule(np.asarray(betas, dtype=np.float64))


def noised(data: torch.Tensor, noise: torch.Tensor, alpha: Array) -> torch.Tensor:
    """Data with noise: x_t.

    Args:
        data: (B, C, N, F), x_0.
        noise: (B, C, N, F).
        alpha: (B,) shares of the data.
    """
    keep, add = (each.view(-1, 1, 1, 1) for each in roots(alpha))
    return keep * data + add * noise


def data_of(noise: torch.Tensor, noisy: torch.Tensor, alpha: Array) -> torch.Tensor:
    """The data x_0 in x_t, if that is the noise in it.

    Args:
        noise: (B, C, N, F).
        noisy: (B, C, N, F), x_t.
        alpha: (B,) shares of the data.
    """
    keep, add = (each.view(-1, 1, 1, 1) for each in roots(alpha))
    return (noisy - add * noise) / keep


def roots(alpha: Array) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors (B,) of data and of noise."""
    share = torch.as_tensor(alpha, dtype=torch.float64)
    return share.sqrt().float(), (1.0 - share).sqrt().float()
