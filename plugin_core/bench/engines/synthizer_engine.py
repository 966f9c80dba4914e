"""Synthizer through the C functions that its Python package carries: a context without a device."""

import atexit
import contextlib
import ctypes
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import rotate
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Audio, Engine, package_missing

# Places in the enums SYZ_PROPERTIES, SYZ_PANNER_STRATEGY and SYZ_DISTANCE_MODEL.
_BUFFER, _POSITION, _ORIENTATION, _DISTANCE_MODEL, _LOOPING = 1, 7, 8, 12, 21
_HRTF_PANNER, _NO_DISTANCE = 1, 0


class Synthizer(Engine):
    """``Source3D`` with the HRTF panner, buffers that loop; its Python opens devices only."""

    name = "Synthizer"
    requirement = "pip install synthizer3d"
    sample_rate = 44100
    fixed_block = 256
    own_set = True
    note = "its built-in KEMAR of 32 taps, blocks of 256 at 44.1 kHz"
    _library: Any = None

    @classmethod
    def missing(cls) -> str:
        """Is the package there, with its compiled module?"""
        return package_missing("synthizer") or ("" if cls._file() else "synthizer is not compiled")

    @classmethod
    def _file(cls) -> str | None:
        spec = importlib.util.find_spec("synthizer")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted(Path(folder).glob("synthizer.cpython*.so")):
                return str(path)
        return None

    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """A context, and a source, a generator and a buffer a row."""
        if block_size != self.fixed_block:
            raise ValueError(f"Synthizer has blocks of {self.fixed_block} samples")
        self._pairs = np.zeros((block_size, 2), dtype=np.float32)
        self._handles: list[int] = []
        self._context = self._made("syz_createContextHeadless")
        self._sources = [self._source(np.ascontiguousarray(row)) for row in audio]

    def _source(self, row: Audio) -> int:
        zero, unsigned, long = ctypes.c_double(0.0), ctypes.c_uint, ctypes.c_ulonglong
        pointer = row.ctypes.data_as(ctypes.c_void_p)
        buffer = self._made(
            "syz_createBufferFromFloatArray", unsigned(self.sample_rate), unsigned(1),
            long(len(row)), pointer,
        )  # fmt: skip
        generator = self._made("syz_createBufferGenerator", long(self._context), None)
        self._call("syz_setO", generator, ctypes.c_int(_BUFFER), long(buffer))
        self._call("syz_setI", generator, ctypes.c_int(_LOOPING), 1)
        source = self._made(
            "syz_createSource3D", long(self._context), _HRTF_PANNER, zero, zero, zero, None
        )
        self._call("syz_setI", source, ctypes.c_int(_DISTANCE_MODEL), _NO_DISTANCE)
        self._call("syz_sourceAddGenerator", source, long(generator))
        return source

    def move(self, directions: Array, orientation: Array) -> None:
        """Move the sources, in Synthizer's frame: x right, y front, z up."""
        turned = rotate(orientation, np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
        axes = [ctypes.c_double(v) for v in _synthizer_axes(turned).ravel().tolist()]
        self._call("syz_setD6", self._context, ctypes.c_int(_ORIENTATION), *axes)
        places = _synthizer_axes(directions).tolist()
        for source, place in zip(self._sources, places, strict=True):
            values = [ctypes.c_double(v) for v in place]
            self._call("syz_setD3", source, ctypes.c_int(_POSITION), *values)

    def render(self, out: Audio) -> None:
        """``syz_contextGetBlock``, its pairs of samples taken apart."""
        self._call("syz_contextGetBlock", self._context, ctypes.c_void_p(self._pairs.ctypes.data))
        out[:] = self._pairs.T

    def close(self) -> None:
        """Let all handles go."""
        for handle in reversed(self._handles):
            self._call("syz_handleDecRef", handle)
        self._handles = []

    def _made(self, name: str, *arguments: Any) -> int:
        """A new handle; every constructor ends with user data and its free function, not needed."""
        handle = ctypes.c_ulonglong()
        self._checked(name, ctypes.byref(handle), *arguments, None, None)
        self._handles.append(handle.value)
        return handle.value

    def _call(self, name: str, handle: int, *arguments: Any) -> None:
        self._checked(name, ctypes.c_ulonglong(handle), *arguments)

    def _checked(self, name: str, *arguments: Any) -> None:
        if Synthizer._library is None:
            Synthizer._library = _initialised(self._file())
        if getattr(Synthizer._library, name)(*arguments):
            text = Synthizer._library.syz_getLastErrorMessage()
            raise RuntimeError(f"{name}: {(text or b'').decode(errors='replace')}")


def _initialised(path: str | None) -> Any:
    import synthizer  # noqa: F401, loads what the library needs

    library = ctypes.CDLL(path)
    library.syz_getLastErrorMessage.restype = ctypes.c_char_p
    with _quiet():
        library.syz_initialize()
    atexit.register(library.syz_shutdown)  # or its thread ends the process with an abort
    return library


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """It looks for sound cards, and ALSA and JACK complain on stderr for each that is not there."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _synthizer_axes(vectors: Array) -> Array:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([-y, x, z], axis=-1)
