"""The session of a receiver: datagrams parsed, scheduled, routed, published; no sockets or clocks.

The server drives it with datagrams as they arrive, a replay with those of a recording; given the
same datagrams at the same times, the scene is the same to the last bit.
"""

import heapq
import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from auricle.osc.addresses.adm import Adm
from auricle.osc.addresses.allowed_folders import AllowedFolders
from auricle.osc.addresses.native import AuricleAddresses
from auricle.osc.addresses.router import Answer, Router
from auricle.osc.errors import BadArgumentsError, NonfiniteError
from auricle.osc.protocol import messages as wire
from auricle.osc.quaternion import Quaternion
from auricle.osc.scene.state import SceneState
from auricle.osc.scene.target import Target
from auricle.osc.session.clocks import MAX_AHEAD_SECONDS, Clocks
from auricle.osc.statistics import Statistics
from auricle.osc.trackers.pose_stream import PoseStream
from auricle.osc.trackers.reader import PoseReader, Preset

MAX_SCHEDULED = 4096  # messages waiting for their time
MAX_DUE = 256  # of them done at a time; those of one moment together
# Where the head is and looks: measured now, whatever the clock of who measured it says.
_OF_THE_HEAD = ("/adm/lis/", "/auricle/listener/xyz", "/auricle/listener/quat",
                "/auricle/listener/ypr")  # fmt: skip
_NOTHING: list[Answer] = []


class Session:
    """A conversation with the senders of a scene.

    Args:
        target: what is steered; its ``n_sources`` counts.
        scene: the values; None: all sources 1 m in front.
        tracker: the dialect of the head tracker; None: none.
        latency_seconds: by which poses of the tracker are predicted.
        folders: where messages may name files.
        obey_time_tags: False applies every bundle at once, for senders whose clock is off. Poses of
            the head count when they arrive in any case.
        observe: called with each message and the seconds of its arrival, before it is routed.

    Attributes:
        clocks: how far those of the senders are ahead.
        observe_bad: called with each datagram that is not OSC.
    """

    def __init__(
        self, target: Target, *, scene: SceneState | None = None, tracker: Preset | None = None,
        latency_seconds: float = 0.0, folders: AllowedFolders | None = None,
        obey_time_tags: bool = True, observe: Callable[[wire.Message, float], None] | None = None,
    ) -> None:  # fmt: skip
        self.target = target
        self.scene = scene if scene is not None else SceneState(target.n_sources)
        self.statistics = Statistics()
        self.pose = PoseStream(latency_seconds)
        self.tracker = PoseReader(tracker) if tracker is not None else None
        self.observe_bad: Callable[[bytes], None] | None = None
        self._obey_time_tags = obey_time_tags
        self._observe = observe
        self._now = 0.0
        self.clocks = Clocks()
        self._refused: tuple[Hashable, float] | None = None
        self._waiting: list[tuple[float, int, wire.Message]] = []
        self._order = itertools.count()
        self._was_stale = False
        adm = Adm(self.scene, self._set_orientation)
        native = AuricleAddresses(
            self.scene,
            self._set_orientation,
            self._recentre,
            folders or AllowedFolders(),
            self.summary,
        )
        bindings = adm.bindings() | native.bindings()
        self._router = Router(bindings, self.scene.n_sources, self.statistics)

    def receive(
        self, datagram: bytes, now: float, unix_now: float, sender: Hashable = None
    ) -> Sequence[Answer]:
        """Do what a datagram says, or keep it for its time; the answers to its queries.

        Args:
            datagram: as it came.
            now: of its arrival, of a steady clock; unix_now: of the wall clock, to which time tags
                refer.
            sender: whose clock it is that they were read from.
        """
        self._now = now
        self.statistics.datagrams += 1
        try:
            messages = wire.decode(datagram)
        except wire.WireError:
            self.statistics.bad += 1
            if self.observe_bad is not None:
                self.observe_bad(datagram)
            return _NOTHING
        if self._waiting and self._waiting[0][0] <= now:
            self._apply_due(now)  # before what is newer
        self._router.begin_datagram()
        if len(messages) == 1 and messages[0].time_tag == wire.IMMEDIATELY:
            return self._apply(messages[0])
        answers: list[Answer] = []
        offset = self._offset(messages, now, unix_now, sender)
        for done, message in enumerate(messages):
            if self._router.steps_left < 0:
                self.statistics.dropped += len(messages) - done
                break
            if self._counts_now(message):
                answers += self._apply(message)
            else:
                answers += self._at_its_time(message, now, unix_now + offset, sender)
        return answers

    def receive_raw_pose(self, datagram: bytes, now: float) -> None:
        """Take a datagram of a tracker that does not speak OSC."""
        self._now = now
        self.statistics.datagrams += 1
        if self.tracker is not None:
            self._take_pose(lambda reader: reader.raw_pose(datagram))

    def next_due(self) -> float | None:
        """When the next message that waits is due, on the clock of ``now``; None: none waits."""
        return self._waiting[0][0] if self._waiting else None

    def advance(self, now: float) -> None:
        """Apply what has become due, move the predicted head on, and publish what changed."""
        self._now = now
        self._apply_due(now)
        if self.tracker is not None:
            self._follow_head(now)
        self.statistics.tick(now)
        self.scene.publish(self.target)

    def summary(self) -> dict[str, Any]:
        """All statistics: of the messages, of the tracker and of the target."""
        age = self.pose.age_seconds(self._now)
        tracker = None
        if self.tracker is not None:
            tracker = {
                "preset": self.tracker.preset.name,
                "age_seconds": None if age is None else round(age, 4),
                "stale": self.pose.is_stale,
            }
        return {
            "osc": self.statistics.as_dict() | {"waiting": len(self._waiting)},
            "tracker": tracker,
            "engine": self.target.statistics(),
        }

    def refused_line(self) -> str:
        """A sentence on bundles that were refused for their time; empty: there were none."""
        if self._refused is None:
            return ""
        sender, ahead = self._refused
        whose = "OSC bundles" if sender is None else f"OSC bundles of {sender}"
        return (
            f"{whose} were refused: their time is {ahead:.1f} s ahead, more than "
            f"{MAX_AHEAD_SECONDS:g} s; set that clock right, or start with --ignore-time-tags"
        )

    def _offset(
        self, messages: Sequence[wire.Message], now: float, unix_now: float, sender: Hashable
    ) -> float:
        """Seconds that the sender's clock is taken to be ahead."""
        tags = [each.time_tag for each in messages if each.time_tag != wire.IMMEDIATELY]
        if not tags:
            return 0.0
        found = self.clocks.offset(sender, wire.unix_seconds(min(tags)) - unix_now, now)
        return found if self._obey_time_tags else 0.0

    def _apply_due(self, now: float) -> None:
        if self._waiting:
            self._router.begin_datagram()
        done, moment = 0, now
        while self._waiting and self._waiting[0][0] <= now:
            if done >= MAX_DUE and self._waiting[0][0] != moment:
                break
            moment, _, message = heapq.heappop(self._waiting)
            self._apply(message)
            done += 1

    def _counts_now(self, message: wire.Message) -> bool:
        """Whether it takes effect when it arrives: it has no time, or is of the head."""
        address = message.address
        if message.time_tag == wire.IMMEDIATELY or not self._obey_time_tags:
            return True
        if address.startswith(_OF_THE_HEAD):
            return True
        return self.tracker is not None and self.tracker.form(address) is not None

    def _at_its_time(
        self, message: wire.Message, now: float, unix_now: float, sender: Hashable
    ) -> Sequence[Answer]:
        """Do it at its time; ``unix_now`` is of the sender's clock."""
        ahead = wire.unix_seconds(message.time_tag) - unix_now
        if ahead <= 0.0:
            self.statistics.late += 1
            return self._apply(message)
        if ahead > MAX_AHEAD_SECONDS:
            self.statistics.early += 1
            self._refused = self._refused or (sender, ahead)
        elif len(self._waiting) >= MAX_SCHEDULED:
            self.statistics.dropped += 1
        else:
            heapq.heappush(self._waiting, (now + ahead, next(self._order), message))
        return _NOTHING

    def _apply(self, message: wire.Message) -> Sequence[Answer]:
        if self._observe is not None:
            self._observe(message, self._now)
        address, arguments, _ = message
        tracker = self.tracker
        if tracker is not None and arguments and tracker.form(address) is not None:
            self._take_pose(lambda reader: reader.pose(address, arguments))
            return _NOTHING
        return self._router.handle(address, arguments)

    def _take_pose(self, read: Callable[[PoseReader], Quaternion | None]) -> None:
        assert self.tracker is not None
        try:
            orientation = read(self.tracker)
        except NonfiniteError:
            self.statistics.nonfinite += 1
            return
        except BadArgumentsError:
            self.statistics.bad += 1
            return
        if orientation is None:
            return
        self.statistics.good += 1
        self.statistics.poses += 1
        self.pose.push(orientation, self._now)
        if self.tracker.position_m is not None:
            self.scene.set_listener_position(self.tracker.position_m)

    def _follow_head(self, now: float) -> None:
        orientation = self.pose.sample(now)
        if orientation is None:
            return
        if self.pose.is_stale and not self._was_stale:
            self.statistics.stale += 1
        self._was_stale = self.pose.is_stale
        if orientation != self.scene.orientation:
            self.scene.set_orientation(orientation)

    def _set_orientation(self, orientation: Quaternion) -> None:
        self.scene.set_orientation(orientation)

    def _recentre(self) -> None:
        if self.tracker is None:
            self.scene.set_orientation((1.0, 0.0, 0.0, 0.0))
        else:
            self.pose.recentre()
