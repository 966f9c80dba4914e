"""Auricle's own addresses bound to the scene: metres and degrees in Auricle's axes."""

import json
from collections.abc import Callable
from typing import Any

from auricle.dsp.geometry import ypr_deg_from_quaternion
from auricle.osc.addresses.adm import polar_to_world, world_to_polar
from auricle.osc.addresses.allowed_folders import AllowedFolders
from auricle.osc.addresses.router import Binding
from auricle.osc.quaternion import Quaternion, from_ypr_deg, unit_quaternion
from auricle.osc.scene.state import SceneState


class AuricleAddresses:
    """Auricle's addresses on a scene.

    Args:
        scene: written to.
        set_orientation: called with the head's quaternion when a message sets it.
        recentre: called when where the head looks becomes the front.
        folders: where files may be named.
        statistics: what /auricle/stats answers.
    """

    def __init__(
        self, scene: SceneState, set_orientation: Callable[[Quaternion], None],
        recentre: Callable[[], None], folders: AllowedFolders,
        statistics: Callable[[], dict[str, Any]],
    ) -> None:  # fmt: skip
        self._scene = scene
        self._set_orientation = set_orientation
        self._recentre = recentre
        self._folders = folders
        self._statistics = statistics
        self._hrtf = ""

    def bindings(self) -> dict[str, Binding]:
        """The bindings of Auricle's addresses: how each writes and reads."""
        scene = self._scene
        sources = {
            "xyz": Binding(
                lambda s, x, y, z: scene.set_position(s, (x, y, z)),
                lambda s: scene.positions_m[s],
            ),
            "aed": Binding(
                lambda s, a, e, d: scene.set_position(s, polar_to_world(a, e, d)),
                lambda s: world_to_polar(scene.positions_m[s]),
            ),
            "gain": Binding(scene.set_gain, lambda s: (scene.gains[s],)),
            "mute": Binding(scene.set_mute, lambda s: (int(scene.muted[s]),)),
            "name": Binding(scene.set_name, lambda s: (scene.names[s],)),
        }
        others = {
            "listener/quat": Binding(
                lambda _, *q: self._set_orientation(unit_quaternion(*q)),
                lambda _: scene.orientation,
            ),
            "listener/ypr": Binding(
                lambda _, *ypr: self._set_orientation(from_ypr_deg(*ypr)), self._ypr
            ),
            "listener/xyz": Binding(
                lambda _, x, y, z: scene.set_listener_position((x, y, z)),
                lambda _: scene.position_m,
            ),
            "listener/recentre": Binding(lambda _: self._recentre()),
            "hrtf": Binding(self._request_hrtf, lambda _: (self._hrtf,)),
            "reset": Binding(lambda _: scene.reset()),
            "stats": Binding(None, lambda _: (json.dumps(self._statistics()),)),
        }
        bound = {f"/auricle/source/{{n}}/{key}": each for key, each in sources.items()}
        return bound | {f"/auricle/{key}": each for key, each in others.items()}

    def _ypr(self, _: int) -> tuple[float, ...]:
        return tuple(float(angle) for angle in ypr_deg_from_quaternion(self._scene.orientation))

    def _request_hrtf(self, _: int, name: str) -> None:
        path = self._folders.find(name)
        self._hrtf = name
        self._scene.request_hrtf(path)
