"""pyBinSim 1: its convolvers and filters, called as its audio callback calls them."""

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
import types
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, BlockEngine, package_missing


class PyBinSim(BlockEngine):
    """A ``ConvolverFFTW`` a source, its filter exchanged with pyBinSim's cross-fade in every block.

    pyBinSim chooses filters by exact keys that arrive over OSC; here the nearest direction is the
    key. Its application and its OSC server are not run, so neither PyAudio nor the head tracker's
    libraries are needed.
    """

    name = "pyBinSim"
    requirement = "pip install --no-deps pybinsim==1.2.3; pip install pyfftw"
    interpolates = False
    note = "nearest response, cross-faded over the block; FFTW on one thread"

    @classmethod
    def missing(cls) -> str:
        """Are it and FFTW there?"""
        return package_missing("pybinsim", "pyfftw")

    def take(self, hrtf: HrtfSet) -> None:
        """Filters as pyBinSim stores them: (blocks, block size), the last one filled up."""
        convolver, storage = _modules()
        blocks = -(-hrtf.n_taps // self._block)
        size = blocks * self._block
        taps = np.zeros((hrtf.n_directions, size, 2), dtype=np.float32)
        taps[:, : hrtf.n_taps] = np.moveaxis(hrtf.ir, 1, 2)
        self._filters = [storage.Filter(each, blocks, self._block) for each in taps]
        self._tree = cKDTree(hrtf.positions)
        self._convolvers = [
            convolver.ConvolverFFTW(size, self._block, False) for _ in self._audio
        ]  # fmt: skip
        self._rows: list[int] = [-1] * len(self._audio)

    def move(self, directions: np.ndarray, orientation: np.ndarray) -> None:
        """Choose the keys."""
        super().move(directions, orientation)
        self._next: list[int] = self._tree.query(self._directions)[1].tolist()

    def render_block(self, block: Audio, out: Audio) -> None:
        """Render a block as BinSim's callback does it, channel by channel."""
        out[:] = 0.0
        for s, convolver in enumerate(self._convolvers):
            if self._next[s] != self._rows[s]:
                convolver.setIR(self._filters[self._next[s]], self._rows[s] >= 0)
            left, right = convolver.process(block[s])
            out[0] += left
            out[1] += right
        self._rows = self._next


def _modules() -> tuple[Any, Any]:
    """``pybinsim.convolver`` and ``pybinsim.filterstorage``, without its ``__init__``."""
    if "pybinsim" not in sys.modules:
        spec = importlib.util.find_spec("pybinsim")
        assert spec is not None
        package = types.ModuleType("pybinsim")  # its own imports PyAudio and OSC
        package.__spec__ = spec
        package.__path__ = list(spec.submodule_search_locations or [])
        sys.modules["pybinsim"] = package
        logging.getLogger("pybinsim").setLevel(logging.ERROR)
    convolver: Any = importlib.import_module("pybinsim.convolver")
    convolver.nThreads = 1  # all run on one core
    return convolver, importlib.import_module("pybinsim.filterstorage")
