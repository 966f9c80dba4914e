"""The interface of whatever OSC steers, and a plain target in memory."""

from pathlib import Path
from typing import Any, Protocol

from auricle.osc.quaternion import Quaternion, Vector


class Target(Protocol):
    """A scene that can be written to while it plays.

    All methods are called by one thread, the one that receives; none may wait for audio. What was
    written since the last ``commit`` takes effect together with it; newest wins. Sources count
    from 0 here (from 1 on the wire). Numbers are finite and in range.
    """

    @property
    def n_sources(self) -> int:
        """The number of sources; constant."""

    def set_position(self, source: int, position_m: Vector) -> None:
        """Place a source, in metres in world axes: x front, y left, z up."""

    def set_gain(self, source: int, gain: float) -> None:
        """Set the linear gain of a source, 0 or more."""

    def set_mute(self, source: int, muted: bool) -> None:
        """Silence a source, or let it be heard again."""

    def set_width(self, source: int, width: float) -> None:
        """Set the horizontal extent of a source: 0 a point, 1 the widest."""

    def set_name(self, source: int, name: str) -> None:
        """Label a source."""

    def set_listener_orientation(self, orientation: Quaternion) -> None:
        """Turn the head: unit quaternion [w, x, y, z], head to world."""

    def set_listener_position(self, position_m: Vector) -> None:
        """Place the head, in metres in world axes."""

    def request_hrtf(self, path: Path) -> None:
        """Ask for another listener's set, to be loaded elsewhere; the file lies in a folder
        given.
        """

    def change_scene(self, name: str) -> None:
        """Note a change of scene or programme (ADM-OSC /adm/env/change)."""

    def reset(self) -> None:
        """Forget the sound that is on its way; the scene's values follow by the other methods."""

    def commit(self) -> None:
        """Let everything since the last commit take effect together."""

    def statistics(self) -> dict[str, Any]:
        """The engine's own figures, ready for JSON."""


class MemoryTarget:
    """A target that only remembers: for replays into an offline render, the monitor and tests.

    Attributes:
        positions_m: [x, y, z] of each source; gains; muted; widths; names: likewise.
        orientation: [w, x, y, z] of the head; position_m: of the head.
        hrtf: the file asked for last; scene_name: the last change of scene.
        resets, commits: how often.
    """

    def __init__(self, n_sources: int) -> None:
        self.positions_m: list[Vector] = [(1.0, 0.0, 0.0)] * n_sources
        self.gains = [1.0] * n_sources
        self.muted = [False] * n_sources
        self.widths = [0.0] * n_sources
        self.names = [""] * n_sources
        self.orientation: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self.position_m: Vector = (0.0, 0.0, 0.0)
        self.hrtf: Path | None = None
        self.scene_name = ""
        self.resets = 0
        self.commits = 0

    @property
    def n_sources(self) -> int:
        """The number of sources."""
        return len(self.gains)

    def set_position(self, source: int, position_m: Vector) -> None:
        """See Target, as for all that follow."""
        self.positions_m[source] = position_m

    def set_gain(self, source: int, gain: float) -> None:  # noqa: D102
        self.gains[source] = gain

    def set_mute(self, source: int, muted: bool) -> None:  # noqa: D102
        self.muted[source] = muted

    def set_width(self, source: int, width: float) -> None:  # noqa: D102
        self.widths[source] = width

    def set_name(self, source: int, name: str) -> None:  # noqa: D102
        self.names[source] = name

    def set_listener_orientation(self, orientation: Quaternion) -> None:  # noqa: D102
        self.orientation = orientation

    def set_listener_position(self, position_m: Vector) -> None:  # noqa: D102
        self.position_m = position_m

    def request_hrtf(self, path: Path) -> None:  # noqa: D102
        self.hrtf = path

    def change_scene(self, name: str) -> None:  # noqa: D102
        self.scene_name = name

    def reset(self) -> None:  # noqa: D102
        self.resets += 1

    def commit(self) -> None:  # noqa: D102
        self.commits += 1

    def statistics(self) -> dict[str, Any]:  # noqa: D102
        return {"commits": self.commits, "resets": self.resets}
