"""Auricle behind the interface of its peers: at low rank, the default, and at full rank."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import prepared_set
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.bench.engines.engine import Audio, Engine


class Auricle(Engine):
    """``BinauralRenderer`` as a user gets it."""

    name = "Auricle"
    rank: str | int = "auto"
    note = 'rank="auto", the default: a few filters for all sources'

    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """The renderer; the set's tables come from the cache."""
        self._audio, self._at, self._block = audio, 0, block_size
        prepared = prepared_set(hrtf, self.sample_rate, rank=self.rank)
        self._renderer = BinauralRenderer(prepared, self.sample_rate, block_size, len(audio))

    def move(self, directions: Array, orientation: Array) -> None:
        """Positions and pose."""
        self._renderer.set_positions(directions)
        self._renderer.set_listener(orientation)

    def render(self, out: Audio) -> None:
        """Render a block by one call."""
        block = self._audio[:, self._at : self._at + self._block]
        self._at = (self._at + self._block) % self._audio.shape[1]
        self._renderer.process_into(np.ascontiguousarray(block), out)


class AuricleFull(Auricle):
    """The exact one."""

    name = "Auricle, full rank"
    rank = "full"
    note = "exact at measured directions"
