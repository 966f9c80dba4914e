"""A recorded session as values over time, for an offline render: the same bits each time."""

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.osc.quaternion import Quaternion, Vector
from auricle.osc.scene.state import SceneState
from auricle.osc.scene.target import MemoryTarget, Target
from auricle.osc.session.recording import RecordedDatagram, SessionRecording
from auricle.osc.session.session import MAX_AHEAD_SECONDS, Session

CONTROL_SAMPLES = 128
# After the last datagram: bundles that wait, and the prediction of the head that comes to rest.
_AFTER_SECONDS = MAX_AHEAD_SECONDS + 1.0
_SAME_SECONDS = 1e-9


class Values:
    """Values that hold until the next ones."""

    def __init__(self, first: tuple[float, ...]) -> None:
        self._width = len(first)
        self._times = array("d", [-np.inf])
        self._values = array("d", first)

    def put(self, seconds: float, value: tuple[float, ...]) -> None:
        """Change to ``value`` at a time that is not before the last one."""
        if self._times[-1] == seconds:
            self._values[-self._width :] = array("d", value)
        else:
            self._times.append(seconds)
            self._values.extend(value)

    def at(self, seconds: Array) -> Array:
        """Values (J, width) at times (J,)."""
        times = np.frombuffer(self._times)
        index = np.searchsorted(times, seconds + _SAME_SECONDS, side="right") - 1
        return np.frombuffer(self._values).reshape(-1, self._width)[index]

    @property
    def highest(self) -> float:
        """The largest number there is."""
        return float(np.max(np.frombuffer(self._values)))


class _Log(MemoryTarget):
    """Writes down what is steered, and when."""

    def __init__(self, n_sources: int) -> None:
        super().__init__(n_sources)
        self.now = 0.0
        self.places = [Values((1.0, 0.0, 0.0)) for _ in range(n_sources)]
        self.levels = [Values((1.0,)) for _ in range(n_sources)]
        self.extents = [Values((0.0,)) for _ in range(n_sources)]
        self.head = Values(self.orientation)
        self.head_places = Values(self.position_m)
        self.hrtfs: list[tuple[float, Path]] = []

    def set_position(self, source: int, position_m: Vector) -> None:
        super().set_position(source, position_m)
        self.places[source].put(self.now, position_m)

    def set_gain(self, source: int, gain: float) -> None:
        super().set_gain(source, gain)
        self._put_level(source)

    def set_mute(self, source: int, muted: bool) -> None:
        super().set_mute(source, muted)
        self._put_level(source)

    def set_width(self, source: int, width: float) -> None:
        super().set_width(source, width)
        self.extents[source].put(self.now, (width,))

    def set_listener_orientation(self, orientation: Quaternion) -> None:
        super().set_listener_orientation(orientation)
        self.head.put(self.now, orientation)

    def set_listener_position(self, position_m: Vector) -> None:
        super().set_listener_position(position_m)
        self.head_places.put(self.now, position_m)

    def request_hrtf(self, path: Path) -> None:
        super().request_hrtf(path)
        self.hrtfs.append((self.now, path))

    def _put_level(self, source: int) -> None:
        self.levels[source].put(self.now, (0.0 if self.muted[source] else self.gains[source],))


class Timeline:
    """The motion of the sources and the head, by control steps at samples 0, 128, 256, ...

    At each step everything has been heard that arrived until then, and no more.

    Args:
        recording: the session.
        make_session: a session on the given target, with the tracker to be used.
        positions_m: where the sources are before the first message.
        sample_rate: Hz.

    Attributes:
        summary: the session's statistics at the end.
        hrtfs: seconds and file of each set that was asked for.
    """

    def __init__(
        self, recording: SessionRecording, make_session: Callable[[Target, SceneState], Session],
        positions_m: Sequence[Vector], sample_rate: int,
    ) -> None:  # fmt: skip
        log = _Log(len(positions_m))
        for places, first in zip(log.places, positions_m, strict=True):
            places.put(-np.inf, first)
        session = make_session(log, SceneState(len(positions_m), positions_m))
        records, at, step = recording.records, 0, 0
        while log.now <= recording.seconds + _AFTER_SECONDS:
            while at < len(records) and records[at].seconds <= log.now:
                feed(session, records[at], recording.unix_start)
                at += 1
            session.advance(log.now)
            step += 1
            log.now = step * CONTROL_SAMPLES / sample_rate
        self._log = log
        self.summary: dict[str, Any] = session.summary()["osc"]
        self.hrtfs = log.hrtfs

    def positions_m(self, source: int, seconds: Array) -> Array:
        """Positions (J, 3) of a source at times (J,)."""
        return self._log.places[source].at(seconds)

    def gains(self, source: int, seconds: Array) -> Array:
        """Linear gains (J,) of a source, 0 where it is muted."""
        return self._log.levels[source].at(seconds)[:, 0]

    def widths(self, source: int, seconds: Array) -> Array:
        """The width of a source at each step (J,): 0 a point, 1 the widest."""
        return self._log.extents[source].at(seconds)[:, 0]

    def widens(self, source: int) -> bool:
        """Whether a source ever has a width."""
        return self._log.extents[source].highest > 0.0

    def orientations(self, seconds: Array) -> Array:
        """Unit quaternions [w, x, y, z] (J, 4) of the head at times (J,)."""
        return self._log.head.at(seconds)

    def head_positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) of the head at times (J,)."""
        return self._log.head_places.at(seconds)


def feed(session: Session, record: RecordedDatagram, unix_start: float) -> None:
    """Hand a recorded datagram to a session at its time.

    Args:
        session: the session.
        record: the datagram.
        unix_start: begin of the recording, in seconds since 1970.
    """
    due = session.next_due()
    if due is not None and due <= record.seconds:
        session.advance(record.seconds)
    if record.is_raw:
        session.receive_raw_pose(record.datagram, record.seconds)
    else:
        unix_now = unix_start + record.seconds
        session.receive(record.datagram, record.seconds, unix_now, record.sender)
