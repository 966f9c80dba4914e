"""Sound cards through PortAudio: the library that sounddevice brings calls the block function."""

import threading
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.live.audio_thread import callbacks
from auricle.plugin_core.live.audio_thread.shared_memory import Flag
from auricle.plugin_core.live.shared_state import SharedState

FLOAT32 = 0x01


class PortAudioBackend:
    """A stream of a sound card, of float32: the inputs that sources want, two outputs.

    Args:
        n_inputs: how many inputs are wanted.
        sample_rate: Hz; None: what the device prefers.
        block_size: frames.
        device: name or number of the output (and input), as ``python -m sounddevice`` lists them.

    Raises:
        AuricleError: no sounddevice, no device, one with fewer channels, a rate it does not know.
    """

    name = "portaudio"

    def __init__(
        self, n_inputs: int, sample_rate: int | None = None, block_size: int = 128,
        device: str | int | None = None,
    ) -> None:  # fmt: skip
        self._sounddevice = _load()
        self._n_inputs = n_inputs
        self.block_size = block_size
        output = self._device(device, "output", 2)
        self.sample_rate = int(sample_rate or output["default_samplerate"])
        given = self._device(device, "input", n_inputs) if n_inputs else None
        self._given = self._parameters(given, n_inputs, "input")
        self._wanted = self._parameters(output, 2, "output")
        ffi, library = self._sounddevice._ffi, self._sounddevice._lib
        error = library.Pa_IsFormatSupported(self._given, self._wanted, float(self.sample_rate))
        if error:
            reason = ffi.string(library.Pa_GetErrorText(error)).decode()
            raise AuricleError(
                f"{output['name']} cannot play 2 channels of float32 at {self.sample_rate} Hz "
                f"({reason}); choose another --sample-rate or --device"
            )
        self._using = threading.Lock()  # a stream may not be closed while another thread asks it
        self._stream: Any = None
        self._callback: Any = None

    def start(self, shared: SharedState) -> None:
        """Open the stream with the block function as its callback."""
        ffi, library = self._sounddevice._ffi, self._sounddevice._lib
        self._callback = callbacks.portaudio_process(self._n_inputs)
        found = ffi.new("PaStream**")
        self._check(library.Pa_OpenStream(
            found, self._given, self._wanted, float(self.sample_rate), self.block_size, 0,
            ffi.cast("PaStreamCallback*", self._callback.address),
            ffi.cast("void*", shared.address),
        ))  # fmt: skip
        self._stream = found[0]
        shared.set_flag(Flag.LOST, 0)
        self._check(library.Pa_StartStream(self._stream))

    def stop(self) -> None:
        """Close the stream."""
        with self._using:
            stream, self._stream = self._stream, None
        if stream is not None:
            self._sounddevice._lib.Pa_AbortStream(stream)
            self._sounddevice._lib.Pa_CloseStream(stream)

    def latency_seconds(self) -> float:
        """The latency of the output in seconds, as PortAudio estimates it."""
        with self._using:
            if self._stream is None:
                return 0.0
            information = self._sounddevice._lib.Pa_GetStreamInfo(self._stream)
            return float(information.outputLatency) if information else 0.0

    def trouble(self) -> str:
        """Whether the stream has ended by itself."""
        with self._using:
            running = (
                self._stream is None or self._sounddevice._lib.Pa_IsStreamActive(self._stream) == 1
            )
        return "" if running else "the sound card has gone"

    def _device(self, device: str | int | None, kind: str, n_channels: int) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._sounddevice.query_devices(device, kind)
        except (ValueError, self._sounddevice.PortAudioError) as error:
            names = ", ".join(each["name"] for each in self._sounddevice.query_devices()) or "none"
            raise AuricleError(
                f"no sound card for {kind} ({error}); there are: {names}. Give --device, or "
                "--backend jack or null"
            ) from error
        have = found[f"max_{kind}_channels"]
        if have < n_channels:
            raise AuricleError(
                f"{found['name']} has {have} {kind} channels, {n_channels} are wanted; give fewer "
                "--sources or another --device"
            )
        return found

    def _parameters(self, device: dict[str, Any] | None, n_channels: int, kind: str) -> Any:
        ffi = self._sounddevice._ffi
        if device is None:
            return ffi.NULL
        latency = device[f"default_low_{kind}_latency"]
        return ffi.new(
            "PaStreamParameters*", (device["index"], n_channels, FLOAT32, latency, ffi.NULL)
        )

    def _check(self, error: int) -> None:
        if error < 0:
            text = self._sounddevice._lib.Pa_GetErrorText(error)
            reason = self._sounddevice._ffi.string(text).decode()
            raise AuricleError(f"the sound card could not be started: {reason}; try another")


def _load() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AuricleError(
            f"PortAudio is not here ({error}); pip install sounddevice, "
            "and on Linux the system's libportaudio2"
        ) from error
    return sounddevice
