"""scipy.signal.oaconvolve, a call a source: what one writes in Python without an engine."""

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, BlockEngine, OverlapAdd


class Oaconvolve(BlockEngine):
    """The nearest response for each block, tails overlapping."""

    name = "scipy oaconvolve"
    requirement = "pip install scipy"
    interpolates = False
    note = "nearest response, changed at once"

    def take(self, hrtf: HrtfSet) -> None:
        """Float32 responses and a tree of their directions."""
        self._ir = hrtf.ir.astype(np.float32)
        self._tree = cKDTree(hrtf.positions)
        self._tails = OverlapAdd(self._block, hrtf.n_taps)

    def render_block(self, block: Audio, out: Audio) -> None:
        """One convolution of one row with two."""
        rows = self._tree.query(self._directions)[1]
        total = np.zeros((2, block.shape[1] + self._ir.shape[-1] - 1), dtype=np.float32)
        for s, row in enumerate(rows):
            total += _oaconvolve(block[s : s + 1], self._ir[row])
        self._tails.add(total, out)


def _oaconvolve(row: Audio, responses: Audio) -> Audio:
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(row, responses, axes=1))
