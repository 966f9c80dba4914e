"""The interface behind which Auricle and every peer stand, so that one protocol serves all."""

import importlib.util
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import to_head
from auricle.dsp.hrtf.hrtf_set import HrtfSet

Audio = NDArray[np.float32]

SETTLE_BLOCKS = 8  # silence at a new place before the impulse: fades are over by then
RING_BLOCKS = 4


class Engine(ABC):
    """One way to render S moving mono sources for a turning head, block by block.

    ``prepare`` gets all audio at once because some peers only play buffers; it is played from the
    start and repeats. ``move`` hands numbers over and is not timed; all work that an engine does
    for a new direction (looking filters up, mixing or transforming them) happens in ``render``.

    name           as the tables say it
    requirement    how to install it, said where it is missing
    sample_rate    Hz at which it runs
    fixed_block    the only block size it has, or None
    most_sources   its limit, or None
    own_set        it plays a set of its own, so its accuracy cannot be measured
    offline        it renders whole paths, not blocks
    interpolates   between directions; else it takes the nearest one
    note           what a reader of the tables must know
    """

    name = ""
    requirement = ""
    sample_rate = 48000
    fixed_block: int | None = None
    most_sources: int | None = None
    own_set = False
    offline = False
    interpolates = True
    note = ""

    @classmethod
    def missing(cls) -> str:
        """Why it cannot run here, in a few words; empty if it can."""
        return ""

    @abstractmethod
    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """Take a set and the audio.

        Args:
            hrtf: the listener's set, at ``sample_rate``.
            block_size: samples.
            audio: (S, n) float32, n a multiple of the block size.
        """

    @abstractmethod
    def move(self, directions: Array, orientation: Array) -> None:
        """Set where sources (S, 3, unit vectors, world axes) and head ([w, x, y, z]) are next."""

    @abstractmethod
    def render(self, out: Audio) -> None:
        """The next block into ``out`` (2, block size)."""

    def close(self) -> None:
        """Give back what it holds outside Python."""
        return None

    def follow(self, directions: Array, orientations: Array, block_size: int) -> Audio:
        """Both ears along a path.

        Args:
            directions: (J, S, 3) unit vectors, world axes, reached at the end of each block.
            orientations: (J, 4) of the head, likewise.
            block_size: samples.

        Returns:
            (2, J * block_size).
        """
        out = np.empty((2, len(directions) * block_size), dtype=np.float32)
        part = np.empty((2, block_size), dtype=np.float32)
        for j, (direction, orientation) in enumerate(zip(directions, orientations, strict=True)):
            self.move(direction, orientation)
            self.render(part)
            out[:, j * block_size : (j + 1) * block_size] = part
        return out

    def responses(self, hrtf: HrtfSet, directions: Array, block_size: int = 256) -> Array:
        """Impulse responses as the engine renders them, one source at rest.

        Args:
            hrtf: the listener's set.
            directions: (Q, 3) unit vectors.
            block_size: samples.

        Returns:
            (Q, 2, RING_BLOCKS * block_size).
        """
        count = SETTLE_BLOCKS + RING_BLOCKS
        audio = np.zeros((1, count * block_size), dtype=np.float32)
        audio[0, SETTLE_BLOCKS * block_size] = 1.0
        self.prepare(hrtf, block_size, audio)
        path = np.repeat(directions[:, None], count, axis=0)
        y = self.follow(path, np.tile([1.0, 0.0, 0.0, 0.0], (len(path), 1)), block_size)
        self.close()
        found = y.reshape(2, len(directions), count * block_size)[..., SETTLE_BLOCKS * block_size :]
        return np.moveaxis(found, 0, 1).astype(np.float64)


class BlockEngine(Engine):
    """The base of engines that are given their audio block by block, at the heads' directions."""

    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """Keep the audio, and let the engine take the set."""
        self._audio, self._at, self._block = np.ascontiguousarray(audio), 0, block_size
        self._directions = np.tile([1.0, 0.0, 0.0], (len(audio), 1))
        self.take(hrtf)

    def move(self, directions: Array, orientation: Array) -> None:
        """Directions in head axes, for the next block."""
        self._directions = to_head(directions, orientation)

    def render(self, out: Audio) -> None:
        """The next block."""
        block = self._audio[:, self._at : self._at + self._block]
        self._at = (self._at + self._block) % self._audio.shape[1]
        self.render_block(block, out)

    @abstractmethod
    def take(self, hrtf: HrtfSet) -> None:
        """Make what the engine needs of the set."""

    @abstractmethod
    def render_block(self, block: Audio, out: Audio) -> None:
        """Both ears of sources (S, block) at ``self._directions``."""


class OverlapAdd:
    """Blocks of responses longer than a block, each added to the tails of those before."""

    def __init__(self, block_size: int, n_taps: int) -> None:
        self._block = block_size
        self._sum = np.zeros((2, block_size + n_taps - 1))

    def add(self, y: NDArray[np.floating], out: Audio) -> None:
        """``y`` (2, block + taps - 1) begins now; the first block of the sum goes to ``out``."""
        self._sum += y
        out[:] = self._sum[:, : self._block]
        self._sum[:, : -self._block] = self._sum[:, self._block :].copy()
        self._sum[:, -self._block :] = 0.0


def package_missing(*names: str) -> str:
    """The first of these packages that is not installed, in words; empty if all are."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            return f"no Python package {name}"
    return ""
