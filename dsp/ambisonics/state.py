"""All that an ambisonic renderer holds, behind one address."""

from math import isqrt
from typing import Any

import numpy as np

from auricle.dsp.ambisonics.block import reset_scene
from auricle.dsp.compiled.ambisonic_record import (
    AMBISONIC,
    CONVOLVE_AT,
    CONVOLVER_AT,
    FILTERS_AT,
    JUMP,
    N_NUMBERS,
    N_PARTS,
    ROTATE_AT,
    SLERP_AT,
)
from auricle.dsp.compiled.options import STEP
from auricle.dsp.convolution.uniform import CONVOLVE, FilterSpectra, PartitionedConvolver
from auricle.dsp.geometry import IDENTITY
from auricle.dsp.sphere.harmonics import ROTATE
from auricle.dsp.sphere.head_turning import SLERP


class AmbisonicState:
    """What the block function works on, for C = (order + 1)^2 channels.

    Whoever steers it writes to ``head[ASKED]``.

    Args:
        filters: of the channels, in their normalisation.
        n_channels: C.
        n_partitions: that there is room for, for filters of other sets later.

    Attributes:
        numbers, parts, head, nonfinite: of the ``AMBISONIC``.
    """

    def __init__(self, filters: FilterSpectra, n_channels: int, n_partitions: int = 0) -> None:
        self.filters = filters
        self.convolver = PartitionedConvolver(filters, n_partitions)
        self.numbers = np.zeros(N_NUMBERS, dtype=np.int64)
        self.numbers[JUMP] = 1
        self.head = np.tile(np.array(IDENTITY), (3, 1))
        self.nonfinite = np.zeros(n_channels, dtype=np.int64)
        columns = 2 * (isqrt(n_channels) - 1) + 1
        self._rotation = np.zeros((2, n_channels, columns), dtype=np.float32)
        self._rotation_end = np.zeros((n_channels, columns))
        self._ramp = ((np.arange(STEP) + 1.0) / STEP).astype(np.float32)
        self._given = np.zeros((n_channels, STEP), dtype=np.float32)
        self._turned = np.zeros((n_channels, STEP), dtype=np.float32)
        self._ears = np.zeros((2, STEP), dtype=np.float32)
        self._coming_ears = np.zeros((2, STEP), dtype=np.float32)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        parts = self.parts = np.zeros(N_PARTS, dtype=np.int64)
        parts[CONVOLVER_AT], parts[FILTERS_AT] = self.convolver.address, self.filters.address
        parts[CONVOLVE_AT] = CONVOLVE.address
        parts[ROTATE_AT], parts[SLERP_AT] = ROTATE.address, SLERP.address
        self._packed = AMBISONIC.pack({
            "numbers": self.numbers, "parts": parts, "head": self.head,
            "rotation": self._rotation, "rotation_end": self._rotation_end, "ramp": self._ramp,
            "given": self._given, "turned": self._turned, "ears": self._ears,
            "coming_ears": self._coming_ears, "nonfinite": self.nonfinite,
        })  # fmt: skip

    @property
    def address(self) -> int:
        """Of its ``AMBISONIC``, for as long as it lives."""
        return self._packed.address

    def reset(self) -> None:
        """Begin anew from silence; the next orientation is jumped to."""
        reset_scene(self.address)
