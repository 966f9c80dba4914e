"""The head at the ends of control steps, one after the other."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.render.binaural import CONTROL_SAMPLES
from auricle.plugin_core.motion.paths import Head


class HeadClock:
    """The head at the ends of the next control steps."""

    def __init__(self, head: Head, sample_rate: int) -> None:
        self._head, self._rate, self._step = head, sample_rate, 0

    def next(self, n_steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Orientations (n, 4) and positions (n, 3) in metres at the ends of the next steps."""
        seconds = (self._step + 1.0 + np.arange(n_steps)) * CONTROL_SAMPLES / self._rate
        self._step += n_steps
        return self._head.orientations(seconds), self._head.positions_m(seconds)
