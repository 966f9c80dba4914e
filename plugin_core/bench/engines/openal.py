"""OpenAL Soft through ctypes: its loopback renderer, HRTF on, sources that loop their buffers."""

import ctypes
import ctypes.util
import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import rotate
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines import makehrtf
from auricle.plugin_core.bench.engines.engine import Audio, Engine, package_missing

# Names and numbers as in AL/al.h, alc.h and alext.h.
_FREQUENCY, _MONO_SOURCES = 0x1007, 0x1010
_FORMAT_CHANNELS, _FORMAT_TYPE, _STEREO, _FLOAT = 0x1990, 0x1991, 0x1501, 0x1406
_HRTF, _HRTF_STATUS, _HRTF_COUNT, _HRTF_NAME, _HRTF_ID = 0x1992, 0x1993, 0x1994, 0x1995, 0x1996
_HRTF_WORKS = (1, 4)  # enabled, or required by the headphones
_POSITION, _LOOPING, _BUFFER, _ORIENTATION, _VERSION = 0x1004, 0x1007, 0x1009, 0x100F, 0xB002
_MONO_FLOAT = 0x10010


class OpenAl(Engine):
    """libopenal as Debian has it."""

    name = "OpenAL Soft (Debian)"
    requirement = "apt install libopenal1 makehrtf"
    most_sources = 256
    _speaks: Any = None

    @classmethod
    def missing(cls) -> str:
        """Is the library there?"""
        return "" if cls.library() else "no shared library libopenal"

    @classmethod
    def library(cls) -> str | None:
        """The library, as ctypes loads it."""
        return ctypes.util.find_library("openal")

    def __init__(self) -> None:
        self.own_set = makehrtf.tool() is None
        if self.own_set:
            self._source = "its built-in set: there is no makehrtf here (apt install makehrtf)"
        else:
            self._source = f"set made by {Path(str(makehrtf.tool())).name}, {makehrtf.TAPS} taps"
        self._device: Any = None

    def prepare(self, hrtf: HrtfSet, block_size: int, audio: Audio) -> None:
        """A loopback device with the set, a context, a buffer and a looping source a row."""
        name = "" if self.own_set else makehrtf.mhr_set(hrtf)
        self._block = block_size
        self._pairs = np.zeros((block_size, 2), dtype=np.float32)
        al = self._al = self._loaded()
        self._device = al.alcLoopbackOpenDeviceSOFT(None)
        if not self._device:
            raise RuntimeError("OpenAL Soft opens no loopback device")
        attributes = [
            *(_FREQUENCY, self.sample_rate, _FORMAT_CHANNELS, _STEREO, _FORMAT_TYPE, _FLOAT),
            *(_MONO_SOURCES, 256, _HRTF, 1, *self._choice(name), 0),
        ]
        self._context = al.alcCreateContext(self._device, (ctypes.c_int * 16)(*attributes))
        al.alcMakeContextCurrent(self._context)
        status = ctypes.c_int()
        al.alcGetIntegerv(self._device, _HRTF_STATUS, 1, ctypes.byref(status))
        if status.value not in _HRTF_WORKS:
            raise RuntimeError(f"OpenAL Soft turned HRTF off, status {status.value}")
        version = (al.alGetString(_VERSION) or b"").decode().removeprefix("1.1 ALSOFT ")
        self.note = f"{version}, {self._source}"
        al.alDistanceModel(0)
        self._play(audio)

    def _choice(self, name: str) -> list[int]:
        """Attributes that pick the set by name."""
        if not name:
            return []
        count = ctypes.c_int()
        self._al.alcGetIntegerv(self._device, _HRTF_COUNT, 1, ctypes.byref(count))
        get = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)(
            self._al.alcGetProcAddress(self._device, b"alcGetStringiSOFT")
        )
        names = [get(self._device, _HRTF_NAME, i) or b"" for i in range(count.value)]
        found = [i for i, each in enumerate(names) if name.encode() in each]
        if not found:
            raise RuntimeError(f"OpenAL Soft does not list {name}.mhr")
        return [_HRTF_ID, found[0]]

    def _play(self, audio: Audio) -> None:
        n = len(audio)
        self._sources, self._buffers = (ctypes.c_uint * n)(), (ctypes.c_uint * n)()
        self._al.alGenSources(n, self._sources)
        self._al.alGenBuffers(n, self._buffers)
        for source, buffer, row in zip(self._sources, self._buffers, audio, strict=True):
            data = np.ascontiguousarray(row, dtype=np.float32)
            self._al.alBufferData(
                buffer, _MONO_FLOAT, data.ctypes.data, data.nbytes, self.sample_rate
            )
            self._al.alSourcei(source, _BUFFER, buffer)
            self._al.alSourcei(source, _LOOPING, 1)
        self._started = False
        if self._al.alGetError():
            raise RuntimeError(f"OpenAL Soft refused {n} sources")

    def move(self, directions: Array, orientation: Array) -> None:
        """All positions and the head in one deferred update; x right, y up, z back."""
        al = self._al
        turned = rotate(orientation, np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
        axes = (ctypes.c_float * 6)(*_openal_axes(turned).ravel().tolist())
        al.alDeferUpdatesSOFT()
        al.alListenerfv(_ORIENTATION, axes)
        places = _openal_axes(directions).tolist()
        for source, (x, y, z) in zip(self._sources, places, strict=True):
            al.alSource3f(source, _POSITION, x, y, z)
        al.alProcessUpdatesSOFT()
        if not self._started:  # the first place is jumped to
            al.alSourcePlayv(len(self._sources), self._sources)
            self._started = True

    def render(self, out: Audio) -> None:
        """``alcRenderSamplesSOFT``, its pairs of samples taken apart."""
        self._al.alcRenderSamplesSOFT(self._device, self._pairs.ctypes.data, self._block)
        out[:] = self._pairs.T

    def close(self) -> None:
        """Context and device."""
        self._al.alSourceStopv(len(self._sources), self._sources)
        self._al.alDeleteSources(len(self._sources), self._sources)
        self._al.alDeleteBuffers(len(self._buffers), self._buffers)
        self._al.alcMakeContextCurrent(None)
        self._al.alcDestroyContext(self._context)
        self._al.alcCloseDevice(self._device)
        self._device = None

    @classmethod
    def _loaded(cls) -> Any:
        """The library, its functions typed; its configuration must stand before it first opens."""
        if "_speaks" not in cls.__dict__ or cls._speaks is None:
            folder = makehrtf.mhr_folder()
            folder.mkdir(parents=True, exist_ok=True)
            configuration = folder / "alsoft.conf"
            text = f"[general]\nhrtf-paths = {folder},\nsources = 256\n"
            if not configuration.exists() or configuration.read_text() != text:
                configuration.write_text(text, encoding="utf-8")
            os.environ["ALSOFT_CONF"] = str(configuration)
            cls._speaks = _typed(ctypes.CDLL(cls.library()))
        return cls._speaks


class OpenAlPyPI(OpenAl):
    """The newer libopenal that the Python package cyal carries."""

    name = "OpenAL Soft (cyal)"
    requirement = "pip install cyal; apt install makehrtf"

    @classmethod
    def missing(cls) -> str:
        """Is cyal there, with its library?"""
        return package_missing("cyal") or (
            "" if cls.library() else "cyal carries no libopenal here"
        )

    @classmethod
    def library(cls) -> str | None:
        """The file in the package, which need not be imported."""
        spec = importlib.util.find_spec("cyal")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted(Path(folder).glob("libopenal.so*")):
                return str(path)
        return None


def _openal_axes(vectors: Array) -> Array:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([-y, z, -x], axis=-1)


def _typed(al: Any) -> Any:
    pointer, integer, real, unsigned = (
        ctypes.c_void_p, ctypes.c_int, ctypes.c_float, ctypes.c_uint,
    )  # fmt: skip
    for name, result, arguments in (
        ("alcLoopbackOpenDeviceSOFT", pointer, [ctypes.c_char_p]),
        ("alcCreateContext", pointer, [pointer, pointer]),
        ("alcMakeContextCurrent", integer, [pointer]),
        ("alcDestroyContext", None, [pointer]),
        ("alcCloseDevice", integer, [pointer]),
        ("alcGetIntegerv", None, [pointer, integer, integer, pointer]),
        ("alcGetProcAddress", pointer, [pointer, ctypes.c_char_p]),
        ("alcRenderSamplesSOFT", None, [pointer, pointer, integer]),
        ("alGetError", integer, []),
        ("alGetString", ctypes.c_char_p, [integer]),
        ("alDistanceModel", None, [integer]),
        ("alGenSources", None, [integer, pointer]),
        ("alGenBuffers", None, [integer, pointer]),
        ("alDeleteSources", None, [integer, pointer]),
        ("alDeleteBuffers", None, [integer, pointer]),
        ("alBufferData", None, [unsigned, integer, pointer, integer, integer]),
        ("alSourcei", None, [unsigned, integer, integer]),
        ("alSource3f", None, [unsigned, integer, real, real, real]),
        ("alSourcePlayv", None, [integer, pointer]),
        ("alSourceStopv", None, [integer, pointer]),
        ("alListenerfv", None, [integer, pointer]),
        ("alDeferUpdatesSOFT", None, []),
        ("alProcessUpdatesSOFT", None, []),
    ):
        try:
            function = getattr(al, name)
        except AttributeError:  # 1.19 hides the extension's functions; 1.23 shows them
            get = al.alcGetProcAddress if name.startswith("alc") else al.alGetProcAddress
            get.restype = pointer
            address = get(None, name.encode()) if name.startswith("alc") else get(name.encode())
            function = ctypes.CFUNCTYPE(result, *arguments)(address)
            setattr(al, name, function)
        else:
            function.restype, function.argtypes = result, arguments
    return al
