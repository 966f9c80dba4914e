"""A stream in control steps: calls of any size are cut where steps begin."""

from collections.abc import Callable
from typing import Any

from auricle.dsp.compiled.options import STEP
from auricle.dsp.streaming.stream import Stream


class SteppedStream(Stream):
    """The base of renderers whose motion runs on a grid of ``STEP`` samples."""

    def __init__(self) -> None:
        super().__init__()
        self._phase = 0  # samples of the step under way that have passed

    def _in_steps(
        self, n_samples: int, begin: Callable[[int], Any], part: Callable[[int, int, int], Any]
    ) -> None:
        """Go through a call.

        Args:
            n_samples: of the call.
            begin: called with its first sample when a step begins.
            part: called with the first sample, the number and the phase of each part of a step.
        """
        done = 0
        while done < n_samples:
            if self._phase == 0:
                begin(done)
            count = min(STEP - self._phase, n_samples - done)
            part(done, count, self._phase)
            done += count
            self._phase = (self._phase + count) % STEP
