"""JACK, also as PipeWire offers it: libjack calls the compiled block function itself."""

import ctypes
import ctypes.util
import threading
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.live.audio_thread import callbacks
from auricle.plugin_core.live.audio_thread.shared_memory import Flag, Kind
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.live.sources import Input

AUDIO_TYPE = b"32 bit float mono audio"
NO_START_SERVER, IS_INPUT, IS_OUTPUT, IS_PHYSICAL = 0x01, 0x1, 0x2, 0x4
PLAYBACK = 1
FAILED_SERVER, NAME_TAKEN = 0x10, 0x04


class _Range(ctypes.Structure):
    _fields_ = [("least", ctypes.c_uint32), ("most", ctypes.c_uint32)]


class JackBackend:
    """A client of a JACK server: one input port for each ``Input``, two outputs.

    Args:
        client_name: as other programs see it; the server may add to it.
        connect: whether the outputs are connected to the first two physical ones.

    Raises:
        AuricleError: no libjack, no server.
    """

    name = "jack"

    def __init__(self, client_name: str = "auricle", connect: bool = True) -> None:
        self._library = _load()
        self._connect = connect
        # Before the client opens: the library prints its complaints otherwise.
        self._quiet = callbacks.jack_message()
        self._library.jack_set_error_function(ctypes.c_void_p(self._quiet.address))
        self._library.jack_set_info_function(ctypes.c_void_p(self._quiet.address))
        status = ctypes.c_int(0)
        self._client = self._library.jack_client_open(
            client_name.encode(), NO_START_SERVER, ctypes.byref(status)
        )
        if not self._client:
            raise AuricleError(
                f"no JACK server answers (status {status.value:#x}); start one (jackd, PipeWire's "
                "pw-jack), or choose --backend portaudio or null"
            )
        self.sample_rate = int(self._library.jack_get_sample_rate(self._client))
        self.block_size = int(self._library.jack_get_buffer_size(self._client))
        self._using = threading.Lock()  # a client may not be closed while another thread asks it
        self._shared: SharedState | None = None
        self._callbacks: list[Any] = []  # alive while the library may call them
        self._ports: list[int] = []

    def start(self, shared: SharedState) -> None:
        """Make the ports, hand the block function over, and connect."""
        library, client = self._library, self._client
        self._shared = shared
        self._ports = [self._port(name, IS_INPUT) for name in _input_names(shared)]
        self._ports += [self._port(name, IS_OUTPUT) for name in ("left", "right")]
        shared.arrays.ports[:] = self._ports
        get_buffer = ctypes.cast(library.jack_port_get_buffer, ctypes.c_void_p).value
        shared.set_flag(Flag.GET_BUFFER, get_buffer or 0)
        for flag in (Flag.LOST, Flag.NEW_RATE):
            shared.set_flag(flag, 0)
        self._callbacks = [
            callbacks.jack_process(), callbacks.jack_xrun(), callbacks.jack_lost(),
            callbacks.jack_new_rate(),
        ]  # fmt: skip
        process, xrun, lost, new_rate = (ctypes.c_void_p(each.address) for each in self._callbacks)
        context = ctypes.c_void_p(shared.address)
        library.jack_set_process_callback(client, process, context)
        library.jack_set_xrun_callback(client, xrun, context)
        library.jack_on_shutdown(client, lost, context)
        library.jack_set_sample_rate_callback(client, new_rate, context)
        if library.jack_activate(client) != 0:
            raise AuricleError("the JACK server refused to run the client; look at its messages")
        if self._connect:
            self._connect_outputs()

    def stop(self) -> None:
        """Leave the server."""
        with self._using:
            client, self._client = self._client, None
        if client:
            if self._shared is None or not self._shared.flag(Flag.LOST):
                self._library.jack_deactivate(client)
            self._library.jack_client_close(client)

    def latency_seconds(self) -> float:
        """The longest way from the outputs to a loudspeaker, as the server knows it."""
        found, most = _Range(), 0
        with self._using:
            for port in self._ports[-2:] if self._client else ():
                self._library.jack_port_get_latency_range(port, PLAYBACK, ctypes.byref(found))
                most = max(most, found.most)
        return most / self.sample_rate

    def trouble(self) -> str:
        """Whether the server has gone or changed its rate."""
        shared = self._shared
        if shared is None:
            return ""
        if shared.flag(Flag.LOST):
            return "the JACK server has gone"
        rate = shared.flag(Flag.NEW_RATE)
        return f"JACK's sample rate is {rate} Hz now, not {shared.sample_rate} Hz" if rate else ""

    def _port(self, name: str, direction: int) -> int:
        port = self._library.jack_port_register(
            self._client, name.encode(), AUDIO_TYPE, direction, 0
        )
        if not port:
            raise AuricleError(
                f"JACK takes no more ports at {name!r}; use fewer sources, or start the server "
                "with a higher limit (jackd -p on its own, before -d)"
            )
        return int(port)

    def _connect_outputs(self) -> None:
        library, client = self._library, self._client
        names = library.jack_get_ports(client, None, AUDIO_TYPE, IS_PHYSICAL | IS_INPUT)
        if not names:
            return
        for port, name in zip(self._ports[-2:], names, strict=False):
            if not name:
                break
            library.jack_connect(client, library.jack_port_name(port), name)
        library.jack_free(names)


def _input_names(shared: SharedState) -> list[str]:
    inputs = [each for each in shared.channels if each.kind == Kind.INPUT]
    names = []
    for number, each in enumerate(inputs, 1):
        assert isinstance(each.source, Input)
        names.append(each.source.name or f"in_{number}")
    if len(set(names)) < len(names):
        raise AuricleError(f"two inputs have the same name among {', '.join(names)}; rename one")
    return names


def _load() -> Any:
    """The library, with the types of what is called in it."""
    name = ctypes.util.find_library("jack") or "libjack.so.0"
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise AuricleError(
            "there is no JACK library here; install JACK or PipeWire's, or choose --backend "
            "portaudio or null"
        ) from error
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32
    integer, word = ctypes.c_int, ctypes.c_ulong
    texts = ctypes.POINTER(ctypes.c_char_p)
    shapes: dict[str, tuple[Any, list[Any]]] = {
        "jack_client_open": (pointer, [text, integer, pointer]),
        "jack_client_close": (integer, [pointer]),
        "jack_get_sample_rate": (number, [pointer]),
        "jack_get_buffer_size": (number, [pointer]),
        "jack_set_process_callback": (integer, [pointer, pointer, pointer]),
        "jack_set_xrun_callback": (integer, [pointer, pointer, pointer]),
        "jack_set_sample_rate_callback": (integer, [pointer, pointer, pointer]),
        "jack_on_shutdown": (None, [pointer, pointer, pointer]),
        "jack_set_error_function": (None, [pointer]),
        "jack_set_info_function": (None, [pointer]),
        "jack_activate": (integer, [pointer]),
        "jack_deactivate": (integer, [pointer]),
        "jack_port_register": (pointer, [pointer, text, text, word, word]),
        "jack_port_name": (text, [pointer]),
        "jack_port_get_latency_range": (None, [pointer, integer, pointer]),
        "jack_get_ports": (texts, [pointer, text, text, word]),
        "jack_connect": (integer, [pointer, text, text]),
        "jack_free": (None, [pointer]),
    }
    for function, (result, arguments) in shapes.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library
