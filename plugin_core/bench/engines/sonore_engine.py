"""sonore: ``move_sound``, which renders whole paths off line, a source at a time."""

from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import to_head
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, Engine, package_missing


class Sonore(Engine):
    """Aligned responses blended, delays that glide; its own head does not turn."""

    name = "sonore"
    requirement = "pip install sonore (Python 3.11 or newer)"
    offline = True
    note = "off line only; the head's turn is given to it as the sources' motion"

    @classmethod
    def missing(cls) -> str:
        """Is it there?"""
        return package_missing("sonore")

    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """Its set; what it aligns once is aligned here."""
        from sonore.spatial.spatialization import HRIRSet

        self._audio, self._block = audio, block_size
        self._set: Any = HRIRSet(hrtf.ir, hrtf.positions, self.sample_rate)
        self._set.at(hrtf.positions[:1], fs=self.sample_rate)

    def move(self, directions: Array, orientation: Array) -> None:
        """It has no blocks."""
        raise NotImplementedError("sonore renders whole paths: call follow")

    def render(self, out: Audio) -> None:
        """It has no blocks."""
        raise NotImplementedError("sonore renders whole paths: call follow")

    def follow(self, directions: Array, orientations: Array, block_size: int) -> Audio:
        """``move_sound`` for each source, the points reached at the ends of the blocks."""
        from sonore import Sound
        from sonore.spatial.spatialization import move_sound

        n = len(directions) * block_size
        relative = to_head(directions, orientations[:, None])
        times = (np.arange(len(directions)) + 1.0) * block_size / self.sample_rate
        out = np.zeros((2, n), dtype=np.float32)
        for s, row in enumerate(self._audio):
            signal = np.resize(row, n).astype(np.float64)
            sound = Sound(signal, self.sample_rate)
            moved = move_sound(sound, (times, relative[:, s]), self._set)
            out += moved.data[:n].T.astype(np.float32)
        return out

    def responses(self, hrtf: HrtfSet, directions: Array, block_size: int = 256) -> Array:
        """Its responses at rest, as ``spatialize`` uses them."""
        self.prepare(hrtf, block_size, np.zeros((1, block_size), dtype=np.float32))
        found = self._set.at(directions, fs=self.sample_rate)
        out = np.zeros((len(directions), 2, 4 * block_size))
        n = min(found.shape[-1], out.shape[-1])
        out[..., :n] = found[..., :n]
        return out
