"""Any learned system piece by piece: each piece is heard with the past it needs.

A system that looks ahead gives its pieces late by that. One that draws noise is told where in the
whole a piece begins, so that pieces that overlap hear the same noise.
"""

from typing import Any

import numpy as np
import torch

from auricle.dsp.arrays import Array, Float32
from auricle.personalization.endtoend.physics.poses import RATE, STEP


class WindowedRenderer:
    """The binaural sum of S sources under one listener, by a learned system; RATE Hz.

    Args:
        system: a trained ``NeuralRenderer``.
        code: (D,) of the listener.
        n_sources: S.

    Attributes:
        latency_samples: by which the output is late.
        tail_samples: that ring on behind the input.
    """

    sample_rate = RATE

    def __init__(self, system: Any, code: Float32, n_sources: int = 1) -> None:
        self._system = system
        self._code = torch.from_numpy(np.tile(np.asarray(code, np.float32), (n_sources, 1)))
        self._past, future = int(system.past_steps), int(system.future_steps)
        self._kept = self._past + future
        self.latency_samples = future * STEP
        self.tail_samples = self._past * STEP
        self._audio = np.zeros((n_sources, self._kept * STEP), dtype=np.float32)
        self._places: Float32 | None = None
        self._first_step = 0

    @property
    def report(self) -> str:
        """One line on the system."""
        return f"{self._system.name}, {self._system.n_parameters:,} parameters"

    def start(self, apparent_m: Array) -> None:
        """Silence, with sources that rest at places (S, 3)."""
        self._audio[:] = 0.0
        self._first_step = 0
        self._places = np.repeat(apparent_m[:, None].astype(np.float32), self._kept + 1, axis=1)

    def process(self, audio: Float32, apparent_m: Array) -> Float32:
        """Both ears (2, K STEP) of the next sound (S, K STEP), ``latency_samples`` late.

        Args:
            audio: (S, K STEP).
            apparent_m: (K, S, 3) places at the ends of the steps.
        """
        assert self._places is not None, "start() says where the sources begin"
        n_steps = len(apparent_m)
        audio = np.concatenate([self._audio, audio], axis=1, dtype=np.float32)
        moved = np.swapaxes(apparent_m, 0, 1).astype(np.float32)
        places = np.concatenate([self._places, moved], axis=1)
        with torch.no_grad():
            found = self._system.estimate_from(
                self._first_step, torch.from_numpy(audio), torch.from_numpy(places), self._code
            )
        self._first_step += n_steps
        begin = self._past * STEP
        out: Float32 = found[..., begin : begin + n_steps * STEP].sum(dim=0).numpy()
        self._audio = audio[:, audio.shape[1] - self._kept * STEP :]
        self._places = places[:, places.shape[1] - self._kept - 1 :]
        return out
