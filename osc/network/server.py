"""The thread that receives: sockets and the clock around a session.

One thread reads all sockets. It empties them into the inbox, lets the session act on a share of
that, publishes what changed once, and waits again: it never sleeps on a time tag, never logs, and
no exception leaves it.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from auricle.dsp.errors import AuricleError
from auricle.osc.addresses.allowed_folders import AllowedFolders
from auricle.osc.addresses.router import Answer
from auricle.osc.network.datagrams import Datagrams
from auricle.osc.network.inbox import Inbox, Waiting
from auricle.osc.network.sockets import losses, tcp_socket, udp_socket
from auricle.osc.protocol import messages
from auricle.osc.protocol.framing import Framer, FramingError
from auricle.osc.scene.state import SceneState
from auricle.osc.scene.target import Target
from auricle.osc.session.recording import Recorder
from auricle.osc.session.session import Session
from auricle.osc.trackers.reader import preset as tracker_preset

DEFAULT_PORT = 4001
REPLY_PORT = 4002
LOCAL = "127.0.0.1"
# Datagrams taken from a socket at a time, and handled before what they changed is published.
MAX_DRAINED = 2048
MAX_HANDLED = 256
MAX_CONNECTIONS = 16
TCP_READ_BYTES = 4096
# How often the predicted head is moved on between the tracker's poses.
TRACKER_TICK_SECONDS = 1.0 / 200.0
IDLE_SECONDS = 0.5


@dataclass
class _Connection:
    """One over TCP: who it is, and when something came last."""

    sender: str
    last_heard_seconds: float
    framer: Framer = field(default_factory=Framer)


class OscServer:
    """Steers a target by what arrives over UDP and TCP.

    Args:
        target: what is steered; see ``auricle.osc.scene.target.Target``.
        host: address to listen on; only this machine may send unless another is given.
        port: of UDP; 0: any free one, see ``port``.
        tcp_port: of TCP, SLIP or length-prefixed; None: no TCP.
        reply_port: where ADM-OSC queries are answered, at the sender's address.
        tracker: name of the head tracker's preset; None: none.
        tracker_port: the tracker's UDP port; None: the preset's if that is not in use by ``port``.
        latency_seconds: output latency, by which the tracker's poses are predicted.
        allow: addresses that may send; empty: all that can reach ``host``.
        folders: where messages may name files; empty: nowhere.
        scene: the values to begin with.
        obey_time_tags: False: bundles take effect at once.
        observe: called with each message and its time of arrival, in the receiving thread.
        record: a file that all datagrams are written to; see ``recording_error``.
        answers: whether queries are answered.

    Raises:
        AuricleError: a port in use, a host that is not this machine's, an unknown preset.
    """

    def __init__(
        self, target: Target, *, host: str = LOCAL, port: int = DEFAULT_PORT,
        tcp_port: int | None = None, reply_port: int = REPLY_PORT, tracker: str | None = None,
        tracker_port: int | None = None, latency_seconds: float = 0.0, allow: Sequence[str] = (),
        folders: Sequence[str] = (), scene: SceneState | None = None, obey_time_tags: bool = True,
        observe: Callable[[messages.Message, float], None] | None = None,
        record: str | Path | None = None, answers: bool = True,
    ) -> None:  # fmt: skip
        dialect = tracker_preset(tracker) if tracker is not None else None
        self.session = Session(
            target, scene=scene, tracker=dialect, latency_seconds=latency_seconds,
            folders=AllowedFolders(folders), obey_time_tags=obey_time_tags, observe=observe,
        )  # fmt: skip
        self._reply_port = reply_port
        self._answers = answers
        self._allow = frozenset(_addresses(allow))
        self._recorder: Recorder | None = None
        self._selector = selectors.DefaultSelector()
        self._udp: list[socket.socket] = []
        self._datagrams: dict[socket.socket, Datagrams] = {}
        self._connections: dict[socket.socket, _Connection] = {}
        self._thread: threading.Thread | None = None
        self._running = False
        self._inbox = Inbox()
        try:
            main = self._open(udp_socket(host, port), self._read_udp)
            self.port: int = main.getsockname()[1]
            self._raw: socket.socket | None = None
            port_of_tracker = tracker_port
            if port_of_tracker is None and dialect is not None:
                port_of_tracker = dialect.port
            if dialect is not None and port_of_tracker is not None and port_of_tracker != self.port:
                tracker_socket = self._open(udp_socket(host, port_of_tracker), self._read_udp)
                self._raw = tracker_socket if dialect.raw else None
            elif dialect is not None and dialect.raw:
                raise AuricleError(f"{dialect.name} is not OSC; give it another port than {port}")
            self.tcp_port: int | None = None
            if tcp_port is not None:
                listening = tcp_socket(host, tcp_port)
                self._selector.register(listening, selectors.EVENT_READ, self._accept)
                self.tcp_port = listening.getsockname()[1]
            self._waker, woken = socket.socketpair()
            woken.setblocking(False)
            self._selector.register(woken, selectors.EVENT_READ, self._wake)
            if record is not None:
                self._recorder = Recorder(record, time.monotonic(), time.time())
        except BaseException:
            self._close_all()
            raise

    def start(self) -> "OscServer":
        """Begin to receive, in a thread of its own; a second call changes nothing.

        Returns:
            The server itself, as ``with`` takes it.
        """
        if self._thread is not None:
            return self
        self._running = True
        self._thread = threading.Thread(target=self._receive, name="auricle-osc", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop receiving and close the sockets and the recording."""
        if self._thread is not None:
            self._running = False
            self._waker.send(b"\0")
            self._thread.join()
            self._thread = None
        self._close_all()

    def __enter__(self) -> "OscServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()

    def statistics(self) -> dict[str, Any]:
        """The counters of what arrived and what became of it, ready for JSON; from any thread."""
        summary = self.session.summary()
        summary["osc"]["lost_by_system"] = losses(self._udp)
        return summary

    @property
    def recording_error(self) -> AuricleError | None:
        """The error that has ended the recording before its time; None: there was none."""
        return self._recorder.error if self._recorder is not None else None

    def _open(self, bound: socket.socket, read: Callable[[socket.socket], None]) -> socket.socket:
        self._udp.append(bound)
        self._datagrams[bound] = Datagrams(bound)
        self._selector.register(bound, selectors.EVENT_READ, read)
        return bound

    def _receive(self) -> None:
        statistics = self.session.statistics
        while self._running:
            try:
                for key, _ in self._selector.select(self._patience()):
                    key.data(key.fileobj)
                self._handle()
                self.session.advance(time.monotonic())
            except Exception as error:
                # A fault of ours must not end the conversation; it is counted and shown.
                statistics.errors += 1
                statistics.last_error = repr(error)[:200]
                time.sleep(0.001)

    def _patience(self) -> float:
        """How long to wait for a datagram."""
        predicts = self.session.tracker is not None and self.session.pose.latency_seconds > 0.0
        patience = TRACKER_TICK_SECONDS if predicts else IDLE_SECONDS
        now, due = time.monotonic(), self.session.next_due()
        if due is not None:
            patience = min(patience, max(due - now, 0.0))
        waits = self._inbox.patience(now)
        return patience if waits is None else min(patience, waits)

    def _read_udp(self, bound: socket.socket) -> None:
        datagrams = self._datagrams[bound]
        for _ in range(MAX_DRAINED):
            try:
                datagram, sender = datagrams.take()
            except BlockingIOError:
                return
            except OSError:
                continue  # an answer of ours was not wanted there (ICMP), which is not our trouble
            if self._is_allowed(sender[0]):
                self._inbox.put(Waiting(datagram, sender, bound, time.monotonic()))

    def _handle(self) -> None:
        """Act on the datagrams that wait, or on the first of them."""
        unix_offset = time.time() - time.monotonic()
        for _ in range(MAX_HANDLED):
            waiting = self._inbox.take(time.monotonic())
            if waiting is None:
                break
            datagram, sender, bound, now = waiting
            is_raw = bound is self._raw
            if self._recorder is not None:
                self._recorder.write(datagram, now, is_raw, sender[0])
            if is_raw:
                self.session.receive_raw_pose(datagram, now)
                continue
            for answer in self.session.receive(datagram, now, now + unix_offset, sender[0]):
                self._answer(bound, answer, sender)
        self.session.statistics.dropped += self._inbox.dropped
        self._inbox.dropped = 0

    def _is_allowed(self, address: str) -> bool:
        if self._allow and address.removeprefix("::ffff:") not in self._allow:
            self.session.statistics.refused += 1
            return False
        return True

    def _answer(self, bound: socket.socket, answer: Answer, sender: tuple[Any, ...]) -> None:
        if not self._answers:
            return
        if answer.address.startswith("/adm/"):
            sender = (sender[0], self._reply_port, *sender[2:])
        try:
            bound.sendto(messages.encode(*answer), sender)
        except OSError:
            self.session.statistics.dropped += 1

    def _accept(self, listening: socket.socket) -> None:
        connection, sender = listening.accept()
        if not self._is_allowed(sender[0]):
            connection.close()
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            # Who has been silent for longest makes room, so that the silent lock nobody out.
            self._hang_up(
                min(self._connections, key=lambda each: self._connections[each].last_heard_seconds)
            )
        connection.setblocking(False)
        self._connections[connection] = _Connection(sender[0], time.monotonic())
        self._selector.register(connection, selectors.EVENT_READ, self._read_tcp)

    def _read_tcp(self, connection: socket.socket) -> None:
        if not self._inbox.spend(time.monotonic()):
            time.sleep(0.001)
            return  # the stream waits on the sender's side
        state = self._connections.get(connection)
        if state is None:
            return  # has just made room for another
        framer = state.framer
        try:
            data = connection.recv(TCP_READ_BYTES)
            datagrams = framer.feed(data)
        except BlockingIOError:
            return
        except (OSError, FramingError) as error:
            self.session.statistics.bad += isinstance(error, FramingError)
            self._hang_up(connection)
            return
        if not data:
            self._hang_up(connection)
        now = state.last_heard_seconds = time.monotonic()
        for datagram in datagrams:
            self._inbox.spend(now)
            if self._recorder is not None:
                self._recorder.write(datagram, now, sender=state.sender)
            for answer in self.session.receive(datagram, now, time.time(), state.sender):
                self._answer_tcp(connection, framer, answer)

    def _answer_tcp(self, connection: socket.socket, framer: Framer, answer: Answer) -> None:
        if connection not in self._connections or not self._answers:
            return
        try:
            connection.sendall(framer.frame(messages.encode(*answer)))
        except OSError:
            # Who does not read the answers is not waited for.
            self.session.statistics.dropped += 1
            self._hang_up(connection)

    def _hang_up(self, connection: socket.socket) -> None:
        self._connections.pop(connection, None)
        self._selector.unregister(connection)
        connection.close()

    def _wake(self, woken: socket.socket) -> None:
        woken.recv(16)

    def _close_all(self) -> None:
        for key in list(self._selector.get_map().values() if self._selector.get_map() else ()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        if hasattr(self, "_waker"):
            self._waker.close()
        if self._recorder is not None:
            self._recorder.close()


def _addresses(names: Sequence[str]) -> list[str]:
    """The numeric addresses of hosts; raises AuricleError for a name that has none."""
    found = []
    for name in names:
        try:
            found += [str(each[4][0]) for each in socket.getaddrinfo(name, None)]
        except (OSError, UnicodeError) as error:
            raise AuricleError(f"{name!r} is no address of a sender: {error}") from error
    return found
