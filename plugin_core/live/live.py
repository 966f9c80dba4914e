"""``Live``: sources, a listener and a driver together, while they play."""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled.options import STEP
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.renderer_state import RendererState
from auricle.dsp.streaming.input_checks import checked_gains, checked_widths, listener_orientation
from auricle.osc.network.server import LOCAL, OscServer
from auricle.osc.scene.state import SceneState
from auricle.osc.trackers.presets import preset
from auricle.plugin_core.audio.files import output_format, same_file
from auricle.plugin_core.listener.loading import load_listener, prepared_listener
from auricle.plugin_core.live.around import Around
from auricle.plugin_core.live.audio_thread.shared_memory import Flag, Status
from auricle.plugin_core.live.audio_thread.system import require_system
from auricle.plugin_core.live.backends.backend import Backend
from auricle.plugin_core.live.backends.jack import JackBackend
from auricle.plugin_core.live.backends.null import UNPACED_BLOCKS, NullBackend
from auricle.plugin_core.live.backends.portaudio import PortAudioBackend
from auricle.plugin_core.live.file_reader import FileReader
from auricle.plugin_core.live.hrtf_exchange import Listener
from auricle.plugin_core.live.parameters import LiveScene
from auricle.plugin_core.live.recording import LiveRecording
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.live.sources import Input, Source, Track, channels, of_role, with_a_source
from auricle.plugin_core.live.statistics import engine_figures, meters_db

BACKENDS = ("jack", "portaudio", "null")
WATCH_SECONDS = 0.05
RETRY_SECONDS = 2.0
# Between threads of Python, while one plays: a thread that computes delays OSC by so much.
TURN_SECONDS = 0.0005
DEFAULT_RATE = 48000

PathLike = str | os.PathLike[str]


class Live:
    """Plays sources binaurally now, through a driver that calls compiled code and never Python.

    A context manager: it plays within ``with``. All setters may be called at any time and from any
    thread, also before it plays; what they set is heard from the next control step on.

    Args:
        hrtf: the listener's set or a SOFA file; None: the default listener, a mean of people.
        sources: how many inputs of the driver, or a list of ``Input``, ``Track``, ``Noise``,
            ``Tone`` and names of files. A stereo file is two sources, at +-30 degrees.
        backend: "jack", "portaudio" or "null", which has a clock but no device.
        sample_rate: Hz; JACK has its own; None: that of the device, else 48000.
        block_size: frames; JACK has its own.
        azimuth_deg: where sources begin, (S,) or one for all; + is left. Stereo pairs about it.
        rank: as of ``BinauralRenderer``; so are the next four.
        level: "matched" or "measured".
        distance_gain: whether the level falls as 1/r from 1 m.
        near_field_m: distance in metres at which near-field cues begin; 0 for none.
        air: absorption by the air; None for none.
        propagation_m: sound takes its time to the head, up to this distance; 0 for none.
        unpaced: of "null": as fast as it can, never dropping anything.
        seconds: after which it has ended; None: after files that do not loop, if there is nothing
            else, or never.
        record: a .wav or .flac file for what the ears hear.
        osc_port: UDP port to be steered on, see docs/osc.md; 0: any free one, ``osc.port`` says
            which; None: no OSC.
        tracker: name of a head tracker's preset; its poses are predicted by the output latency.
        osc: more for ``auricle.osc.network.server.OscServer``: host, tcp_port, allow, folders, ...
        device: of PortAudio, by name or number; None: the system's.
        client_name: name among JACK's clients.
        connect: whether JACK's outputs are connected to the first physical ones.
        say: called with one line when something happens that people should know.

    Attributes:
        osc: the OSC server; None: there is none.
        troubles: what has happened to the device and to files, a line each.

    Raises:
        AuricleError: on entering: no server or device, a port in use, a bad file. Nothing plays
            then.
    """

    def __init__(
        self, hrtf: HrtfSet | PreparedSet | PathLike | None = None,
        sources: int | Sequence[Source | PathLike] = 1, *, backend: str = "jack",
        sample_rate: int | None = None, block_size: int = 128, azimuth_deg: ArrayLike = 0.0,
        rank: str | int = "auto", level: str = "matched", distance_gain: bool = False,
        near_field_m: float | None = None, air: Air | None = None, propagation_m: float = 0.0,
        unpaced: bool = False, seconds: float | None = None, record: PathLike | None = None,
        osc_port: int | None = None, tracker: str | None = None, osc: dict[str, Any] | None = None,
        device: str | int | None = None, client_name: str = "auricle", connect: bool = True,
        say: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        if backend not in BACKENDS:
            raise AuricleError(f"the backend is {', '.join(BACKENDS)}, not {backend!r}")
        if unpaced and backend != "null":
            raise AuricleError("only the null backend can run unpaced; a device has its own pace")
        if seconds is not None and not 0.0 < seconds < np.inf:
            raise AuricleError(f"it plays for a time above 0 s, got {seconds}")
        if tracker is not None:
            preset(tracker)  # refuses a wrong name before anything is compiled
            if osc_port is None:
                raise AuricleError(f"tracker {tracker}: its poses come with OSC; leave that on")
        self._sources = _as_sources(sources)
        if record is not None:
            output_format(Path(record))
            for each in self._sources:
                if isinstance(each, Track) and same_file(Path(record), Path(each.path)):
                    raise AuricleError(f"{record}: is a track that plays; record to another file")
        self._channels = with_a_source(channels(self._sources))
        self._around = Around(self._channels, level)
        if unpaced and seconds is None and not _end_by_themselves(self._sources):
            raise AuricleError("nothing here ends by itself; give --seconds to run unpaced")
        self._hrtf, self._rank, self._level = hrtf, rank, level
        self._backend_name, self._rate, self._block = backend, sample_rate, block_size
        self._distance_gain, self._air = bool(distance_gain), air
        self._near_field_m, self._propagation_m = near_field_m, propagation_m
        self._unpaced, self._seconds, self._record_path = unpaced, seconds, record
        self._osc_port, self._tracker, self._osc_options = osc_port, tracker, dict(osc or {})
        self._device, self._client_name, self._connect = device, client_name, connect
        self._say = say
        places_m = self._places_m(azimuth_deg)
        self.scene = LiveScene(np.zeros(len(places_m)), len(self._around))
        self.scene.positions[:] = places_m
        self.osc: OscServer | None = None
        self.troubles: list[str] = []
        self._shared: SharedState | None = None
        self._backend: Backend | None = None
        self._listener: Listener | None = None
        self._set: HrtfSet | None = None
        self._files: FileReader | None = None
        self._recording: LiveRecording | None = None
        self._limit: int | None = None
        self._asked: Path | None = None
        self._broken: AuricleError | None = None
        self._refusals_said = False
        self._wake = threading.Event()
        self._running = False
        self._threads: list[threading.Thread] = []
        self._turn_seconds: float | None = None
        self._last: dict[str, Any] = {}

    def __repr__(self) -> str:
        state = "playing" if self._running else "at rest"
        return f"<auricle.Live {self._backend_name}, {self.n_sources} sources, {state}>"

    # What plays.

    @property
    def n_sources(self) -> int:
        """The number of sources, S; a stereo file is two."""
        return self.scene.n_sources

    def set_positions(self, xyz_m: ArrayLike) -> None:
        """Set where the sources are.

        Args:
            xyz_m: (S, 3) metres, world axes: x front, y left, z up.

        Raises:
            AuricleError: another shape, or numbers that are not finite.
        """
        self.scene.positions[:] = self._checked(xyz_m, (self.n_sources, 3), "positions")
        self.scene.commit()

    def set_gains(self, gains: ArrayLike) -> None:
        """Set the gains of the sources.

        Args:
            gains: (S,) linear, from -1e6 to 1e6 (120 dB).

        Raises:
            AuricleError: another shape, NaN or a larger gain.
        """
        self.scene.gains[:] = checked_gains(gains, self.n_sources)
        self.scene.commit()

    def set_mute(self, muted: ArrayLike) -> None:
        """Say which sources are silent; they fade out.

        Args:
            muted: (S,) booleans.

        Raises:
            AuricleError: another shape.
        """
        values = self._checked(muted, (self.n_sources,), "mutes")
        self.scene.audible[:] = values == 0.0
        self.scene.commit()

    def set_widths(self, width_deg: ArrayLike) -> None:
        """Set how wide the sources are heard, as ``BinauralRenderer.set_widths``.

        Args:
            width_deg: (S,) degrees from 0 to 180, or one for all.

        Raises:
            AuricleError: another shape, or a width out of range.
        """
        self.scene.widths_deg[:] = checked_widths(width_deg, self.n_sources)
        self.scene.commit()

    def set_listener(
        self, orientation: ArrayLike | None = None, position: ArrayLike = (0.0, 0.0, 0.0), *,
        yaw_deg: float | None = None, pitch_deg: float | None = None, roll_deg: float | None = None,
    ) -> None:  # fmt: skip
        """Set the head's orientation and position.

        Give a quaternion or angles, not both; angles that are not given are 0.

        Args:
            orientation: (4,) quaternion [w, x, y, z], head to world.
            position: (3,) metres, world axes.
            yaw_deg: degrees, + turns the head to the left.
            pitch_deg: degrees, + bends the nose down.
            roll_deg: degrees, + lifts the left ear.

        Raises:
            AuricleError: a quaternion and angles at once, or numbers that are not finite.
        """
        turned = listener_orientation(orientation, yaw_deg, pitch_deg, roll_deg)
        self.scene.orientation[:] = turned
        self.scene.place[:] = self._checked(position, (3,), "the listener's position")
        self.scene.commit()

    def set_hrtf(self, hrtf: HrtfSet | PreparedSet | PathLike) -> None:
        """Fade over to another set: read and prepared in this thread, then handed over whole.

        Args:
            hrtf: a set, the path of a SOFA file, or a ``PreparedSet`` for the driver's sample rate.

        Raises:
            AuricleError: a file that cannot be used, or a set prepared for another sample rate.
        """
        if self._shared is None or self._listener is None:
            self._hrtf = hrtf
            return
        prepared = self._prepared(hrtf, self._shared.sample_rate)
        heard = self._around.heard_through(self._set, self._shared.sample_rate)
        self._around.check(heard)
        self._listener.exchange(prepared, heard)
        self._hrtf = hrtf

    # How it plays.

    def start(self) -> "Live":
        """Begin to play; ``with`` does it.

        Returns:
            The object itself.

        Raises:
            AuricleError: no server or device, a port in use, a bad file. Nothing plays then.
        """
        require_system()
        with ExitStack() as undo:
            undo.callback(self._stop_all, False)
            self.scene.ask_with(self._ask_hrtf, self._wake.set)
            self._turn_seconds = sys.getswitchinterval()
            sys.setswitchinterval(min(self._turn_seconds, TURN_SECONDS))
            if self._osc_port is not None:
                # First, since what follows takes seconds: what is sent meanwhile is obeyed.
                self.osc = self._osc_server().start()
                if self._say is not None:
                    self._say(f"listening on port {self.osc.port}; ready in some seconds")
            self._backend = self._opened()
            rate = self._backend.sample_rate
            prepared = self._prepared(self._hrtf, rate)
            heard = self._around.heard_through(self._set, rate)
            state = RendererState(
                self.n_sources, rate, self._distance_gain, self._near_field_m, self._air,
                self._propagation_m,
            )  # fmt: skip
            shared = self._shared = SharedState(
                self._channels, state, self._around, heard, prepared.latency_samples
            )
            self._listener = Listener(self.scene, state)
            wide = self.scene.widths_deg.any()
            self.scene.set_width_state(state.make_width(prepared).address if wide else 0)
            self.scene.attach(shared, self._engine_statistics)
            self._listener.exchange(prepared, heard)
            self._files = FileReader(shared)
            self._limit = self._frames(rate, prepared)
            if isinstance(self._backend, NullBackend):
                self._backend.end_at(self._limit, self._room_frames)
            shared.warm_up(self._backend.block_size)
            self._files.start()
            if self._record_path is not None:
                self._recording = LiveRecording(shared, self._record_path, self._limit)
            self._backend.start(shared)
            self._running = True
            for name, run in (("watch", self._watch), ("hrtf", self._load_asked)):
                thread = threading.Thread(target=run, name=f"auricle-{name}", daemon=True)
                thread.start()
                self._threads.append(thread)
            if self.osc is not None:
                self.osc.session.pose.latency_seconds = self.latency_seconds
            undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop playing and close the recordings; what was set stays, and may be started again.

        Raises:
            AuricleError: a recording could not be written to its end, also if that was long ago.
        """
        self._last = self.statistics()
        self._stop_all()
        self._last["troubles"] = list(self.troubles)
        if self._broken is not None:
            broken, self._broken = self._broken, None
            raise broken

    def __enter__(self) -> "Live":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()

    @property
    def ended(self) -> bool:
        """Whether the time is over, or the files have ended."""
        if self._shared is None:
            return True
        frames = self._shared.status()[Status.FRAMES]
        return self._limit is not None and frames >= self._limit

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended.

        Args:
            seconds: how long at most; None: as long as it takes.

        Returns:
            Whether it has ended.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not self.ended:
            if until is not None and time.monotonic() >= until:
                return False
            time.sleep(0.01)
        return True

    @property
    def sample_rate(self) -> int:
        """The sample rate of what plays, in Hz."""
        return (
            self._shared.sample_rate if self._shared is not None else (self._rate or DEFAULT_RATE)
        )

    @property
    def latency_seconds(self) -> float:
        """The time from a pose's arrival until it is heard.

        It is half a block until it is taken, half a control step until the sound has moved, and
        what the driver says of its way to the ears.
        """
        if self._backend is None:
            return 0.0
        rate = self._backend.sample_rate
        taken = 0.5 * (self._backend.block_size + STEP) / rate
        late = self._listener.newest.latency_samples / rate if self._listener else 0.0
        return taken + late + self._backend.latency_seconds()

    def statistics(self) -> dict[str, Any]:
        """All figures of the run, ready for JSON (docs/live.md); after ``stop`` the last ones."""
        if self._shared is None:
            return self._last
        found = self._engine_statistics()
        found["meters"] = meters_db(self._shared.status(), self.n_sources, self._shared.n_rows)
        if self.osc is not None:
            summary = self.osc.statistics()
            found["osc"], found["tracker"] = summary["osc"], summary["tracker"]
        return found

    def _engine_statistics(self) -> dict[str, Any]:
        shared, backend, listener = self._shared, self._backend, self._listener
        if shared is None or backend is None or listener is None:
            return {}
        status = shared.status()
        found: dict[str, Any] = {
            "backend": backend.name, "sample_rate": shared.sample_rate,
            "block_size": backend.block_size,
        }  # fmt: skip
        found |= engine_figures(status, shared.sample_rate)
        found["scenes"] |= {"committed": self.scene.commits, "replaced": self.scene.superseded}
        found |= {
            "n_sources": self.n_sources,
            "xruns": shared.flag(Flag.XRUNS),
            "clock_restarts": shared.flag(Flag.LATE),
            "nonfinite_blocks": listener.nonfinite_blocks(int(status[Status.ENGINE_ID]))
            + self._around.nonfinite_blocks,
            "latency_ms": round(1e3 * self.latency_seconds, 3),
            "hrtf": listener.newest.report,
            "ears": meters_db(status, self.n_sources, shared.n_rows)["ears"],
            "troubles": list(self.troubles),
        }
        return found

    # Within.

    def _opened(self) -> Backend:
        if self._backend_name == "jack":
            return JackBackend(self._client_name, self._connect)
        if self._backend_name == "portaudio":
            n_inputs = sum(isinstance(each, Input) for each in self._sources)
            return PortAudioBackend(n_inputs, self._rate, self._block, self._device)
        return NullBackend(self._rate or DEFAULT_RATE, self._block, paced=not self._unpaced)

    def _prepared(
        self, hrtf: HrtfSet | PreparedSet | PathLike | None, sample_rate: int
    ) -> PreparedSet:
        if isinstance(hrtf, PreparedSet):
            if hrtf.sample_rate != sample_rate:
                raise AuricleError(
                    f"the set was prepared for {hrtf.sample_rate} Hz, the driver runs at "
                    f"{sample_rate} Hz; give the set itself"
                )
            self._set = None
            return hrtf
        listener = self._set = (
            hrtf if isinstance(hrtf, HrtfSet) else load_listener(hrtf, sample_rate, self._say)
        )
        return prepared_listener(listener, sample_rate, self._rank, self._level, self._say)

    def _osc_server(self) -> OscServer:
        assert self._osc_port is not None
        places = [(float(x), float(y), float(z)) for x, y, z in self.scene.positions]
        options: dict[str, Any] = {
            "host": LOCAL,
            "scene": SceneState(self.n_sources, places),
        } | self._osc_options
        return OscServer(
            self.scene, port=self._osc_port, tracker=self._tracker,
            latency_seconds=self.latency_seconds, **options,
        )  # fmt: skip

    def _frames(self, rate: int, prepared: PreparedSet) -> int | None:
        """When it ends by itself."""
        if self._seconds is not None:
            return max(round(self._seconds * rate), 1)
        assert self._files is not None
        assert self._shared is not None
        if _end_by_themselves(self._sources):
            return self._files.longest_frames + self._shared.renderer.tail_samples(prepared)
        return None

    def _room_frames(self) -> int:
        """What an unpaced clock may make at once."""
        assert self._files is not None
        room = UNPACED_BLOCKS * self._block
        ready = self._files.ready_frames()
        if ready is not None:
            room = min(room, ready)
        return room if self._recording is None else min(room, self._recording.room_frames())

    def _ask_hrtf(self, path: Path) -> None:
        self._asked = path
        self._wake.set()

    def _load_asked(self) -> None:
        """Load the sets that OSC asks for; the newest request counts."""
        while self._running:
            self._wake.wait()
            self._wake.clear()
            path, self._asked = self._asked, None
            if self._listener is not None and self.scene.widths_deg.any():
                self._listener.widen()
            if path is None:
                continue
            try:
                self.set_hrtf(path)
            except (AuricleError, OSError) as error:
                self._report(f"the set stays as it is: {error}")

    def _watch(self) -> None:
        """Look after what is not the audio thread's business."""
        retry = 0.0
        while self._running:
            time.sleep(WATCH_SECONDS)
            shared, backend, files = self._shared, self._backend, self._files
            assert shared is not None
            assert backend is not None
            assert files is not None
            assert self._listener is not None
            self._listener.collect(int(shared.status()[Status.ENGINE_ID]))
            while files.errors:
                self._report(files.errors.pop(0))
            if self._recording is not None and self._recording.error is not None:
                self._lost(self._recording.error)
                self._recording = None
            if self.osc is not None:
                self._listen_to(self.osc)
            trouble = backend.trouble()
            if trouble:
                self._go_on_without(backend, trouble)
                retry = time.monotonic() + RETRY_SECONDS
            elif backend.name != self._backend_name and time.monotonic() >= retry:
                self._return_to_device(backend)
                retry = time.monotonic() + RETRY_SECONDS
            if self.osc is not None:
                self.osc.session.pose.latency_seconds = self.latency_seconds

    def _listen_to(self, osc: OscServer) -> None:
        """Say what senders and people should know, once each."""
        if osc.recording_error is not None and str(osc.recording_error) not in self.troubles:
            self._lost(osc.recording_error)
        refused = osc.session.refused_line()
        if refused and not self._refusals_said:
            self._refusals_said = True
            self._report(refused)

    def _go_on_without(self, backend: Backend, trouble: str) -> None:
        assert self._shared is not None
        backend.stop()
        clock = NullBackend(self._shared.sample_rate, min(backend.block_size, 8192))
        clock.end_at(self._limit, self._room_frames)
        clock.start(self._shared)
        self._backend = clock
        self._report(f"{trouble}; the scene goes on unheard until the device is back")

    def _return_to_device(self, clock: Backend) -> None:
        assert self._shared is not None
        try:
            backend = self._opened()
        except AuricleError:
            return
        if backend.sample_rate != self._shared.sample_rate:
            backend.stop()
            return
        clock.stop()
        try:
            backend.start(self._shared)
        except AuricleError as error:
            self._report(str(error))
            backend.stop()
            clock.start(self._shared)
            return
        self._backend = backend
        self._report("the device is back")

    def _report(self, line: str) -> None:
        self.troubles.append(line)
        if self._say is not None:
            self._say(line)

    def _lost(self, error: AuricleError) -> None:
        """A recording has ended before its time; what plays goes on."""
        self._broken = self._broken or error
        self._report(str(error))

    def _stop_all(self, keep_recording: bool = True) -> None:
        self._running = False
        self._wake.set()
        if self._turn_seconds is not None:
            sys.setswitchinterval(self._turn_seconds)
            self._turn_seconds = None
        for thread in self._threads:
            thread.join()
        self._threads = []
        if self.osc is not None:
            self.osc.stop()
        if self._backend is not None:
            self._backend.stop()
        self.scene.detach()
        if self._files is not None:
            self._files.stop()
        try:
            if self._recording is not None and not keep_recording:
                self._recording.discard()
            elif self._recording is not None:
                self._recording.stop()
        except AuricleError as error:
            self._lost(error)
        finally:
            self.osc = self._backend = self._files = self._recording = None
            self._shared = self._listener = None

    def _places_m(self, azimuth_deg: ArrayLike) -> np.ndarray:
        """Where the sources stand at the start (S, 3), turned by azimuths to the left."""
        sources = [self._channels[row].place_m for row in of_role(self._channels, "source")]
        places_m = np.array(sources).reshape(-1, 3)
        given = np.asarray(azimuth_deg, dtype=np.float64)
        if given.shape not in ((), (len(places_m),)):
            raise AuricleError(
                f"{len(places_m)} sources have as many azimuths, or one; got {given.size}"
            )
        if not np.all(np.isfinite(given)):
            raise AuricleError(f"azimuths are finite numbers, got {given.tolist()}")
        turns = np.radians(np.broadcast_to(given, (len(places_m),)))
        x, y, z = places_m.T
        cosine, sine = np.cos(turns), np.sin(turns)
        return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=1)

    def _checked(self, values: ArrayLike, shape: tuple[int, ...], what: str) -> np.ndarray:
        found = np.asarray(values, dtype=np.float64)
        if found.shape != shape:
            raise AuricleError(f"{what} must be {shape}, got {found.shape}")
        if not np.all(np.isfinite(found)):
            raise AuricleError(f"{what} hold NaN or infinity; give finite numbers")
        return found


def _as_sources(sources: int | Sequence[Source | PathLike]) -> list[Source]:
    if isinstance(sources, int):
        if sources < 1:
            raise AuricleError(f"there is at least 1 source, got {sources}")
        return [Input()] * sources
    return [Track(Path(each)) if isinstance(each, (str, os.PathLike)) else each for each in sources]


def _end_by_themselves(sources: Sequence[Source]) -> bool:
    return all(isinstance(each, Track) and not each.loop for each in sources)
