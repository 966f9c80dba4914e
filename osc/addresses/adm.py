"""ADM-OSC v1.0 (AES e-library 22722): its addresses bound to the scene, its axes turned into ours.

ADM: x right, y front, z up, normalised to -1..1, and dmax says how many metres 1 is. Azimuth +
left, elevation + up. Listener: yaw + left, pitch + up, roll + to the right (the left ear rises).
From polar x = -d cos(e) sin(a), y = d cos(e) cos(a), z = d sin(e) (ITU-R BS.2127), hence
a = -atan2(x, y); the quick reference of the standard prints it without the sign.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

from auricle.dsp.geometry import ypr_deg_from_quaternion
from auricle.osc.addresses.router import Binding
from auricle.osc.quaternion import Quaternion, Vector, from_ypr_deg
from auricle.osc.scene.state import SceneState

Floats: TypeAlias = tuple[float, ...]


def to_world(x: float, y: float, z: float, scale_m: float) -> Vector:
    """A place in metres of normalised ADM coordinates.

    Args:
        x: -1 (left) to 1 (right).
        y: -1 (behind) to 1 (front).
        z: -1 (below) to 1 (above).
        scale_m: metres of the normalised distance 1.

    Returns:
        Metres, x front, y left, z up.
    """
    return (y * scale_m, -x * scale_m, z * scale_m)


def from_world(position_m: Vector, scale_m: float) -> Vector:
    """Normalised ADM coordinates of a place in metres."""
    front, left, up = position_m
    return (-left / scale_m, front / scale_m, up / scale_m)


def polar_to_world(azimuth_deg: float, elevation_deg: float, distance_m: float) -> Vector:
    """A place in metres in a given direction.

    Args:
        azimuth_deg: + is left.
        elevation_deg: + is up.
        distance_m: metres.

    Returns:
        Metres, x front, y left, z up.
    """
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    level = distance_m * math.cos(elevation)
    return (
        level * math.cos(azimuth),
        level * math.sin(azimuth),
        distance_m * math.sin(elevation),
    )


def world_to_polar(position_m: Vector) -> Vector:
    """Azimuth and elevation in degrees and the distance in metres; the origin is in front."""
    front, left, up = position_m
    level = math.hypot(front, left)
    return (
        math.degrees(math.atan2(left, front)),
        math.degrees(math.atan2(up, level)),
        math.hypot(level, up),
    )


def orientation_of(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Quaternion:
    """The head's quaternion by ADM's angles.

    Args:
        yaw_deg: + is left.
        pitch_deg: + is up.
        roll_deg: + is to the right.
    """
    return from_ypr_deg(yaw_deg, -pitch_deg, roll_deg)


class Adm:
    """ADM's addresses on a scene.

    What was set is remembered beside the metres it became, so that a query returns it exactly, and
    a source in the zenith keeps its azimuth.

    Args:
        scene: written to.
        set_orientation: called with the head's quaternion when a message sets it.
    """

    def __init__(self, scene: SceneState, set_orientation: Callable[[Quaternion], None]) -> None:
        self._scene = scene
        self._set_orientation = set_orientation
        # Of each source: place and scale, and the azimuth, elevation and distance that gave them.
        self._polar: dict[int, tuple[Vector, float, Vector]] = {}
        self._angles: tuple[Quaternion, Vector] | None = None

    def bindings(self) -> dict[str, Binding]:
        """The bindings of ADM's addresses: how each writes and reads."""
        scene = self._scene
        sources = {
            "azim": Binding(lambda s, v: self._set_polar(s, 0, v), lambda s: self.polar(s)[:1]),
            "elev": Binding(lambda s, v: self._set_polar(s, 1, v), lambda s: self.polar(s)[1:2]),
            "dist": Binding(lambda s, v: self._set_polar(s, 2, v), lambda s: self.polar(s)[2:]),
            "aed": Binding(self.set_polar, self.polar),
            "x": Binding(lambda s, v: self._set_axis(s, 0, v), lambda s: self.xyz(s)[:1]),
            "y": Binding(lambda s, v: self._set_axis(s, 1, v), lambda s: self.xyz(s)[1:2]),
            "z": Binding(lambda s, v: self._set_axis(s, 2, v), lambda s: self.xyz(s)[2:]),
            "xy": Binding(self.set_xy, lambda s: self.xyz(s)[:2]),
            "xyz": Binding(self.set_xyz, self.xyz),
            "w": Binding(scene.set_width, lambda s: (scene.widths[s],)),
            "gain": Binding(scene.set_gain, lambda s: (scene.gains[s],)),
            "dref": Binding(scene.set_reference_distance, lambda s: (scene.reference_distance[s],)),
            "dmax": Binding(scene.set_scale, lambda s: (scene.scale_m[s],)),
            "mute": Binding(scene.set_mute, lambda s: (int(scene.muted[s]),)),
            "name": Binding(scene.set_name, lambda s: (scene.names[s],)),
        }
        return {f"/adm/obj/{{n}}/{key}": each for key, each in sources.items()} | self._listener()

    def _listener(self) -> dict[str, Binding]:
        scene = self._scene
        listener = {
            "xyz": Binding(lambda _, x, y, z: self._place((x, y, z)), lambda _: self.place()),
            "ypr": Binding(lambda _, y, p, r: self._orient((y, p, r)), lambda _: self.ypr()),
        }
        for index, axis in enumerate("xyz"):
            listener[axis] = Binding(
                lambda _, v, i=index: self._place(_replaced(self.place(), i, v)),
                lambda _, i=index: (self.place()[i],),  # type: ignore[misc]
            )
        for index, angle in enumerate(("yaw", "pitch", "roll")):
            listener[angle] = Binding(
                lambda _, v, i=index: self._orient(_replaced(self.ypr(), i, v)),
                lambda _, i=index: (self.ypr()[i],),  # type: ignore[misc]
            )
        change = Binding(lambda _, name: scene.change_scene(name), lambda _: (scene.scene_name,))
        bound = {f"/adm/lis/{key}": each for key, each in listener.items()}
        return bound | {"/adm/env/change": change}

    def polar(self, source: int) -> Vector:
        """Azimuth and elevation in degrees, and the normalised distance, at most 1."""
        azimuth, elevation, distance = self._exact_polar(source)
        return (azimuth, elevation, min(distance, 1.0))

    def xyz(self, source: int) -> Vector:
        """Normalised coordinates, within -1..1."""
        return _within(from_world(self._scene.positions_m[source], self._scene.scale_m[source]))

    def set_polar(self, source: int, azimuth: float, elevation: float, distance: float) -> None:
        """Place a source by polar coordinates.

        Args:
            source: its number.
            azimuth: degrees, + is left.
            elevation: degrees, + is up.
            distance: normalised, 0 to 1.
        """
        scale_m = self._scene.scale_m[source]
        place = polar_to_world(azimuth, elevation, distance * scale_m)
        self._polar[source] = (place, scale_m, (azimuth, elevation, distance))
        self._scene.set_position(source, place)

    def set_xyz(self, source: int, x: float, y: float, z: float) -> None:
        """Place a source by normalised coordinates.

        Args:
            source: its number.
            x: -1 (left) to 1 (right).
            y: -1 (behind) to 1 (front).
            z: -1 (below) to 1 (above).
        """
        self._scene.set_position(source, to_world(x, y, z, self._scene.scale_m[source]))

    def set_xy(self, source: int, x: float, y: float) -> None:
        """Place a source in the plane; its height stays.

        Args:
            source: its number.
            x: -1 (left) to 1 (right).
            y: -1 (behind) to 1 (front).
        """
        self.set_xyz(source, x, y, self.xyz(source)[2])

    def place(self) -> Vector:
        """The head's normalised coordinates."""
        return _within(from_world(self._scene.position_m, self._scene.default_scale_m))

    def ypr(self) -> Vector:
        """The head's yaw, pitch and roll in degrees."""
        orientation = self._scene.orientation
        if self._angles is not None and self._angles[0] == orientation:
            return self._angles[1]
        yaw, pitch, roll = (float(angle) for angle in ypr_deg_from_quaternion(orientation))
        return (yaw, -pitch + 0.0, roll)

    def _exact_polar(self, source: int) -> Vector:
        place, scale_m = self._scene.positions_m[source], self._scene.scale_m[source]
        known = self._polar.get(source)
        if known is not None and known[0] == place and known[1] == scale_m:
            return known[2]
        azimuth, elevation, distance_m = world_to_polar(place)
        if known is not None and math.hypot(place[0], place[1]) <= 1e-12 * scale_m:
            azimuth = known[2][0]
        return (azimuth, elevation, distance_m / scale_m)

    def _set_polar(self, source: int, index: int, value: float) -> None:
        azimuth, elevation, distance = self._exact_polar(source)
        if index == 0:
            self.set_polar(source, value, elevation, distance)
        elif index == 1:
            self.set_polar(source, azimuth, value, distance)
        else:
            self.set_polar(source, azimuth, elevation, value)

    def _set_axis(self, source: int, index: int, value: float) -> None:
        scale_m = self._scene.scale_m[source]
        now = from_world(self._scene.positions_m[source], scale_m)
        self.set_xyz(source, *_replaced(now, index, value))

    def _place(self, xyz: Vector) -> None:
        self._scene.set_listener_position(to_world(*xyz, self._scene.default_scale_m))

    def _orient(self, angles: Vector) -> None:
        orientation = orientation_of(*angles)
        self._angles = (orientation, angles)
        self._set_orientation(orientation)


def _replaced(values: Vector, index: int, value: float) -> Vector:
    changed = list(values)
    changed[index] = value
    x, y, z = changed
    return (x, y, z)


def _within(values: Vector) -> Vector:
    x, y, z = (min(max(value, -1.0), 1.0) for value in values)
    return (x, y, z)
