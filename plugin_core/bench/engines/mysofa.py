"""libmysofa: its interpolated filters, and convolution with SciPy's FFT."""

import ctypes
import ctypes.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft as fft

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, BlockEngine, OverlapAdd


class Mysofa(BlockEngine):
    """A filter a source and block from ``mysofa_getfilter_float``; one inverse transform an ear."""

    name = "libmysofa"
    requirement = "apt install libmysofa1"
    note = "filters of libmysofa, convolved with scipy.fft, changed at once"

    @classmethod
    def missing(cls) -> str:
        """Is the shared library there?"""
        return "" if ctypes.util.find_library("mysofa") else "no shared library libmysofa"

    def take(self, hrtf: HrtfSet) -> None:
        """Open the set as a SOFA file, without libmysofa's loudness normalisation."""
        self._library = ctypes.CDLL(ctypes.util.find_library("mysofa"))
        opened = self._library.mysofa_open_no_norm
        opened.restype = ctypes.c_void_p
        opened.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_void_p, ctypes.c_void_p]
        taps, error = ctypes.c_int(), ctypes.c_int()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "set.sofa"
            hrtf.save(path)
            self._handle: Any = opened(
                str(path).encode(), float(self.sample_rate), ctypes.byref(taps), ctypes.byref(error)
            )
        if not self._handle:
            raise RuntimeError(f"libmysofa did not open the set: error {error.value}")
        numbers = [ctypes.c_int() for _ in range(3)]
        self._library.mysofa_getversion(*(ctypes.byref(n) for n in numbers))
        self.note = f"{'.'.join(str(n.value) for n in numbers)}, {Mysofa.note}"
        self._filter = self._library.mysofa_getfilter_float
        self._filter.restype = None
        self._filter.argtypes = [ctypes.c_void_p, *[ctypes.c_float] * 3, *[ctypes.c_void_p] * 4]
        size = fft.next_fast_len(self._block + taps.value - 1, real=True)
        self._size, self._taps = size, taps.value
        self._ir = np.zeros((len(self._audio), 2, self._taps), dtype=np.float32)
        self._delays = (ctypes.c_float * 2)()
        self._tails = OverlapAdd(self._block, self._taps)

    def render_block(self, block: Audio, out: Audio) -> None:
        """Look up, transform, sum over the sources, transform back."""
        base, stride = self._ir.ctypes.data, 4 * self._taps
        left = ctypes.addressof(self._delays)
        for s, (x, y, z) in enumerate(self._directions.tolist()):
            at = base + 2 * s * stride
            self._filter(self._handle, x, y, z, at, at + stride, left, left + 4)
        spectrum = np.einsum(
            "sf,sef->ef", fft.rfft(block, self._size), fft.rfft(self._ir, self._size)
        )
        self._tails.add(fft.irfft(spectrum, self._size)[:, : self._block + self._taps - 1], out)

    def close(self) -> None:
        """Free the set."""
        self._library.mysofa_close.argtypes = [ctypes.c_void_p]
        self._library.mysofa_close(self._handle)
        self._handle = None
