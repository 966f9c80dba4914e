"""Scenes made in a moment: a warp with a wider head, and a shadow at the far ear.

A listener is two numbers: how much wider the head is, and how dull the shadow. Nothing is measured;
a network that learns must be nearer to this than the geometric warp.
"""

import numpy as np
import torch
from scipy.signal import lfilter

from auricle.personalization.endtoend.physics.geometric_warp import (
    each_sample,
    ear_delays_samples,
    ear_gains,
    warped,
)
from auricle.personalization.endtoend.physics.poses import STEP
from auricle.personalization.endtoend.systems.base import CONTEXT_STEPS, Batch

CODE_SIZE = 2
WIDER_SAMPLES = (4.0, 2.0)  # of a source at the side: of the mean listener, and for a code of 1


class ShadowScenes:
    """Noise that goes around heads of ``CODE_SIZE`` numbers."""

    code_size = CODE_SIZE

    def __init__(self, pieces: int = 4, steps: int = 40) -> None:
        self._pieces, self._steps = pieces, steps

    def batch(self, rng: np.random.Generator) -> Batch:
        n_steps = CONTEXT_STEPS + self._steps
        white = rng.standard_normal((self._pieces, n_steps * STEP))
        mono = torch.from_numpy(lfilter([0.1], [1.0, -0.8], white).astype(np.float32))
        places = torch.from_numpy(_ways(rng, self._pieces, n_steps))
        code = torch.from_numpy(
            rng.uniform(-1.0, 1.0, (self._pieces, CODE_SIZE)).astype(np.float32)
        )
        return Batch(mono, places, code, heard(mono, places, code))

    def judges(self) -> list[Batch]:
        rng = np.random.default_rng(99)
        return [self.batch(rng) for _ in range(2)]


def heard(mono: torch.Tensor, places: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """What these listeners hear (B, 2, T); of ``mono`` (B, T), places (B, K + 1, 3)."""
    aside = places[..., 1] / torch.linalg.vector_norm(places, dim=-1)
    wider = (WIDER_SAMPLES[0] + WIDER_SAMPLES[1] * code[:, :1]) * aside
    delays = ear_delays_samples(places) + torch.stack([-wider, wider], dim=-1)
    ears = warped(mono, each_sample(delays)) * each_sample(ear_gains(places))
    shadow = torch.stack([-aside, aside], dim=1).mean(dim=-1).clamp_min(0.0)
    dull = shadow * (0.7 + 0.15 * code[:, 1:])
    found = np.empty(ears.shape, dtype=np.float32)
    for row in np.ndindex(*ears.shape[:2]):
        share = float(dull[row])
        found[row] = lfilter([1.0 - share], [1.0, -share], ears[row].numpy())
    return torch.from_numpy(found)


def _ways(rng: np.random.Generator, pieces: int, n_steps: int) -> np.ndarray:
    start = rng.uniform(-np.pi, np.pi, (pieces, 1))
    turn = rng.uniform(-0.3, 0.3, (pieces, 1)) * np.linspace(0.0, 1.0, n_steps + 1)
    distance = rng.uniform(1.0, 2.0, (pieces, 1))
    azimuth, height = start + turn, np.zeros((pieces, n_steps + 1))
    found = distance[..., None] * np.stack([np.cos(azimuth), np.sin(azimuth), height], axis=-1)
    return np.asarray(found, dtype=np.float32)
