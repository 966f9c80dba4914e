"""The values that OSC wrote, and which of them the target has yet to hear of.

Messages write here; ``publish`` hands each value that changed to the target once, however many
messages named it, and commits. So a flood of messages costs the target no more than one of each.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from auricle.osc.quaternion import Quaternion, Vector
from auricle.osc.scene.target import Target

ORIGIN: Vector = (0.0, 0.0, 0.0)
FRONT: Vector = (1.0, 0.0, 0.0)
UPRIGHT: Quaternion = (1.0, 0.0, 0.0, 0.0)
# Attenuation by distance begins no nearer than this, or a source at the origin would be silent.
NEAREST_M = 0.1


class SceneState:
    """The scene as its senders described it.

    Args:
        n_sources: S.
        positions_m: (S, 3) metres at the start; None: ahead.
        scale_m: metres of ADM's normalised distance 1.

    Attributes:
        positions_m: of each source, in metres.
        gains: of each source, linear.
        muted: of each source.
        widths: of each source, 0 to 1.
        names: of each source.
        reference_distance: ADM's dref of each source, 0..1 of ``scale_m``: nearer than that the
            level does not depend on the distance; 1, the default: nowhere.
        scale_m: ADM's dmax of each source: metres of the normalised distance 1.
        orientation: of the head, a quaternion [w, x, y, z].
        position_m: of the head, in metres.
        scene_name: the last change of scene.
    """

    def __init__(
        self, n_sources: int, positions_m: Sequence[Vector] | None = None, scale_m: float = 1.0
    ) -> None:
        self.n_sources = n_sources
        self.default_scale_m = scale_m
        self._start = list(positions_m) if positions_m is not None else [FRONT] * n_sources
        self._changed: dict[tuple[str, int], None] = {}  # a set that keeps its order
        self._orientation_changed = self._position_changed = self._reset = False
        self._hrtf: Path | None = None
        self._new_scene = False
        self._set_all()

    def _set_all(self) -> None:
        self.positions_m = list(self._start)
        self.gains = [1.0] * self.n_sources
        self.muted = [False] * self.n_sources
        self.widths = [0.0] * self.n_sources
        self.names = [""] * self.n_sources
        self.reference_distance = [1.0] * self.n_sources
        self.scale_m = [self.default_scale_m] * self.n_sources
        self.orientation: Quaternion = UPRIGHT
        self.position_m: Vector = ORIGIN
        self.scene_name = ""

    def set_position(self, source: int, position_m: Vector) -> None:
        """Place a source, in metres in world axes."""
        self.positions_m[source] = position_m
        self._changed["position", source] = None
        if self.reference_distance[source] < 1.0:
            self._changed["gain", source] = None

    def set_gain(self, source: int, gain: float) -> None:
        """Set the linear gain."""
        self.gains[source] = gain
        self._changed["gain", source] = None

    def set_mute(self, source: int, muted: bool) -> None:
        """Silence a source or not."""
        self.muted[source] = muted
        self._changed["mute", source] = None

    def set_width(self, source: int, width: float) -> None:
        """Set the horizontal extent, 0..1."""
        self.widths[source] = width
        self._changed["width", source] = None

    def set_name(self, source: int, name: str) -> None:
        """Label a source."""
        self.names[source] = name
        self._changed["name", source] = None

    def set_reference_distance(self, source: int, distance: float) -> None:
        """Set ADM's dref, 0..1."""
        self.reference_distance[source] = distance
        self._changed["gain", source] = None

    def set_scale(self, source: int, metres: float) -> None:
        """Set ADM's dmax; the source keeps its normalised position, so it moves in metres."""
        ratio = metres / self.scale_m[source]
        self.scale_m[source] = metres
        x, y, z = self.positions_m[source]
        self.set_position(source, (x * ratio, y * ratio, z * ratio))

    def set_orientation(self, orientation: Quaternion) -> None:
        """Turn the head: unit quaternion [w, x, y, z]."""
        self.orientation = orientation
        self._orientation_changed = True

    def set_listener_position(self, position_m: Vector) -> None:
        """Place the head."""
        self.position_m = position_m
        self._position_changed = True
        for source, distance in enumerate(self.reference_distance):
            if distance < 1.0:
                self._changed["gain", source] = None

    def request_hrtf(self, path: Path) -> None:
        """Ask for another listener's set."""
        self._hrtf = path

    def change_scene(self, name: str) -> None:
        """Note a change of scene."""
        self.scene_name = name
        self._new_scene = True

    def reset(self) -> None:
        """Return everything to how it began."""
        self._set_all()
        self._reset = self._orientation_changed = self._position_changed = True
        kinds = ("position", "gain", "mute", "width", "name")
        self._changed = {(kind, source): None for kind in kinds for source in range(self.n_sources)}

    def attenuation(self, source: int) -> float:
        """1/r beyond ADM's reference distance, 1 within it; distances from the head."""
        reference = self.reference_distance[source]
        if reference >= 1.0:
            return 1.0
        nearest_m = max(reference * self.scale_m[source], NEAREST_M)
        return nearest_m / max(math.dist(self.positions_m[source], self.position_m), nearest_m)

    def publish(self, target: Target) -> bool:
        """Hand to the target what changed and commit; whether anything had."""
        if self._reset:
            target.reset()
        for kind, source in self._changed:
            if kind == "position":
                target.set_position(source, self.positions_m[source])
            elif kind == "gain":
                target.set_gain(source, self.gains[source] * self.attenuation(source))
            elif kind == "mute":
                target.set_mute(source, self.muted[source])
            elif kind == "width":
                target.set_width(source, self.widths[source])
            else:
                target.set_name(source, self.names[source])
        if self._orientation_changed:
            target.set_listener_orientation(self.orientation)
        if self._position_changed:
            target.set_listener_position(self.position_m)
        if self._hrtf is not None:
            target.request_hrtf(self._hrtf)
        if self._new_scene:
            target.change_scene(self.scene_name)
        anything = bool(
            self._changed or self._orientation_changed or self._position_changed
            or self._reset or self._hrtf is not None or self._new_scene
        )  # fmt: skip
        self._changed.clear()
        self._orientation_changed = self._position_changed = False
        self._reset = self._new_scene = False
        self._hrtf = None
        if anything:
            target.commit()
        return anything
