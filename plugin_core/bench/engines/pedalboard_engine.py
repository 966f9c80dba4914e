"""pedalboard.Convolution, a plugin a direction, brought back to its true level."""

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, BlockEngine, OverlapAdd, package_missing


class PedalboardConvolution(BlockEngine):
    """The nearest direction's plugin for each block; its response cannot be changed once built.

    A plugin keeps the past of the source that went through it, so one that serves several sources
    is reset for each block, and given zeros behind it to ring out.
    """

    name = "pedalboard Convolution"
    requirement = "pip install pedalboard"
    interpolates = False
    note = "nearest response; level restored, since it normalises each response"

    @classmethod
    def missing(cls) -> str:
        """Is it there?"""
        return package_missing("pedalboard")

    def take(self, hrtf: HrtfSet) -> None:
        """A tree of directions; plugins are built when first needed."""
        self._ir = hrtf.ir.astype(np.float32)
        self._tree = cKDTree(hrtf.positions)
        self._plugins: dict[int, tuple[Any, float]] = {}
        self._input = np.zeros((2, self._block + hrtf.n_taps - 1), dtype=np.float32)
        self._tails = OverlapAdd(self._block, hrtf.n_taps)

    def move(self, directions: np.ndarray, orientation: np.ndarray) -> None:
        """Build what is new here: nobody would build plugins in the audio callback."""
        super().move(directions, orientation)
        self._rows = self._tree.query(self._directions)[1].tolist()
        for row in set(self._rows) - self._plugins.keys():
            self._plugins[row] = self._built(row)

    def _built(self, row: int) -> tuple[Any, float]:
        from pedalboard import Convolution

        plugin = Convolution(np.ascontiguousarray(self._ir[row]), 1.0, self.sample_rate)
        impulse = np.zeros((2, 2 * self._ir.shape[-1]), dtype=np.float32)
        impulse[:, 0] = 1.0
        found = plugin.process(impulse, self.sample_rate, reset=True)[:, : self._ir.shape[-1]]
        return plugin, float(np.sum(self._ir[row] ** 2) / np.sum(found * self._ir[row]))

    def render_block(self, block: Audio, out: Audio) -> None:
        """One call a source."""
        total = np.zeros(self._input.shape, dtype=np.float32)
        size = self._input.shape[1]
        for s, row in enumerate(self._rows):
            plugin, gain = self._plugins[row]
            self._input[:, : self._block] = block[s]
            total += gain * plugin.process(self._input, self.sample_rate, size, reset=True)
        self._tails.add(total, out)
