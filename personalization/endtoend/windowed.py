"""Any learned system piece by piece: each piece is heard with the past it needs.

A system that looks ahead, or draws noise, gives its pieces late: what it looks ahead, and what two
pieces share and are cross-faded over.
"""

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.personalization.endtoend.poses import RATE, STEP

Array: TypeAlias = NDArray[np.float64]
Float32: TypeAlias = NDArray[np.float32]


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
        self._shared = int(system.overlap_steps)
        late = self._shared + int(system.lookahead_steps)
        self._kept = int(system.context_steps) + late
        self.latency_samples = late * STEP
        self.tail_samples = int(system.context_steps) * STEP
        self._audio = np.zeros((n_sources, self._kept * STEP), dtype=np.float32)
        self._tail = np.zeros((2, self._shared * STEP), dtype=np.float32)
        self._places: Float32 | None = None
        self._first = True

    @property
    def report(self) -> str:
        """One line on the system."""
        return f"{self._system.name}, {self._system.n_parameters:,} parameters"

    def start(self, apparent_m: Array) -> None:
        """Silence, with sources that rest at places (S, 3)."""
        self._audio[:] = 0.0
        self._tail[:] = 0.0
        self._first = True
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
            found = self._system.estimate(
                torch.from_numpy(audio), torch.from_numpy(places), self._code
            )
        ears = found.sum(dim=0).numpy()
        begin = int(self._system.context_steps) * STEP
        out = ears[:, begin : begin + n_steps * STEP].copy()
        if self._shared:
            self._fade(out, ears[:, begin + n_steps * STEP :][:, : self._shared * STEP])
        self._audio = audio[:, audio.shape[1] - self._kept * STEP :]
        self._places = places[:, places.shape[1] - self._kept - 1 :]
        return out

    def _fade(self, out: Float32, rest: Float32) -> None:
        """Let the piece before go over into this one, and keep what goes on for the next."""
        n = min(self._tail.shape[1], out.shape[1])
        if not self._first:
            share = (np.arange(n, dtype=np.float32) + 0.5) / n
            out[:, :n] = share * out[:, :n] + (1.0 - share) * self._tail[:, :n]
        self._tail, self._first = rest.copy(), False
