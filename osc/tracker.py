"""Head trackers by name: their addresses, orders, units and signs, turned into our quaternion.

A preset says what a sender means that was set up for the program it is named after. Everything
comes
out as the head's orientation, a unit quaternion [w, x, y, z], head to world, in axes x front, y
left,
z up. Many programs speak of the scene instead, which turns against the head: those presets invert.

Sources, read in the projects' own code unless marked "by inference" in ``note``: SPARTA and SAF,
IEM
SceneRotator, nvsonic's bridge (presets.xml and Bridge.cpp), EAR Production Suite
(orientation_osc.cpp),
opentrack, converters of nxosc, examples for GyrOSC, documents of ZIG SIM and Supperware.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.osc.addresses import BadArgumentsError, NonfiniteError
from auricle.osc.native import unit_quaternion
from auricle.osc.prediction import conjugate
from auricle.osc.target import Quaternion, Vector

RADIANS = 180.0 / math.pi
TURNS = 360.0  # a whole turn over 0..1, 0.5 being 0 degrees


@dataclass(frozen=True)
class Angles:
    """Yaw, pitch and roll among the arguments of a message.

    Attributes:
        yaw, pitch, roll: the index of the argument, with the factor that makes it degrees in our
            signs (yaw + left, pitch + nose down, roll + left ear up); None: not in this message.
        middle: what the argument is at 0 degrees.
        scene: the angles turn the scene, the head turns the other way.
    """

    yaw: tuple[int, float] | None = None
    pitch: tuple[int, float] | None = None
    roll: tuple[int, float] | None = None
    count: int = 3
    middle: float = 0.0
    scene: bool = False
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Quat:
    """A quaternion among the arguments of a message.

    Attributes:
        w: index of the scalar.
        front, left, up: index and sign of the parts about the head's axes.
        scene: it turns the scene, the head turns the other way.
    """

    w: int
    front: tuple[int, float]
    left: tuple[int, float]
    up: tuple[int, float]
    count: int = 4
    scene: bool = False
    place: tuple[int, int, int] | None = None


Form: TypeAlias = Angles | Quat


@dataclass(frozen=True)
class Preset:
    """A tracker's dialect.

    Attributes:
        port: where its senders send unless told otherwise; None: the user chooses.
        forms: what each address carries. An address that ends like ``*/quaternion`` stands for any
            beginning.
        note: where it is from, and what is not certain.
        raw: datagrams are six doubles (opentrack) and not OSC.
    """

    name: str
    port: int | None
    forms: Mapping[str, Form]
    note: str
    raw: bool = False
    fold_case: bool = False


def _ypr(yaw: float, pitch: float, roll: float, order: str = "ypr", **more: Any) -> Angles:
    """Three angles in the order of the letters, with the factors that make them ours."""
    at = {letter: index for index, letter in enumerate(order)}
    return Angles((at["y"], yaw), (at["p"], pitch), (at["r"], roll), len(order), **more)


def _each(prefix: str, yaw: float, pitch: float, roll: float, **more: Any) -> dict[str, Form]:
    """The same three angles in three messages."""
    return {
        f"{prefix}yaw": Angles(yaw=(0, yaw), count=1, **more),
        f"{prefix}pitch": Angles(pitch=(0, pitch), count=1, **more),
        f"{prefix}roll": Angles(roll=(0, roll), count=1, **more),
    }


_OURS = Quat(0, (1, 1.0), (2, 1.0), (3, 1.0))
_OURS_INVERSE = Quat(0, (1, 1.0), (2, 1.0), (3, 1.0), scene=True)
# Unity's axes: x right, y up, z front, left-handed.
_UNITY = Quat(0, (3, -1.0), (1, 1.0), (2, -1.0))
# Axes x right, y front, z up (phones flat on the head, screen up, top edge to the front).
_PHONE = Quat(0, (2, 1.0), (1, -1.0), (3, 1.0))
# Axes x right, y down, z front, as nvsonic's bridge reads them.
_BRIDGE = Quat(0, (3, 1.0), (1, -1.0), (2, -1.0))
_BOTH_SPARTA = {"/ypr": _ypr(1.0, 1.0, 1.0), **_each("/", 1.0, 1.0, 1.0)}
_IEM = {
    "/SceneRotator/quaternions": _OURS_INVERSE,
    "/SceneRotator/ypr": _ypr(1.0, 1.0, 1.0, scene=True),
    **_each("/SceneRotator/", 1.0, 1.0, 1.0, scene=True),
}

_ALL = (
    Preset("auricle", None, {
        "/auricle/listener/quat": _OURS,
        "/auricle/listener/ypr": _ypr(1.0, 1.0, 1.0),
    }, "Auricle's own addresses"),
    Preset("adm", 4001, {
        "/adm/lis/ypr": _ypr(1.0, -1.0, 1.0),
        **_each("/adm/lis/", 1.0, -1.0, 1.0),
    }, "ADM-OSC v1.0: yaw + left, pitch + up, roll + right"),
    Preset("sparta", 9000, _BOTH_SPARTA | {"/quaternion": _OURS_INVERSE},
           "SPARTA ambiBIN and rotator: angles of the head, quaternion of the scene"),
    Preset("sparta-binauraliser", 9000, {
        "/ypr": _ypr(1.0, 1.0, 1.0, scene=True), **_each("/", 1.0, 1.0, 1.0, scene=True),
    }, "SPARTA binauraliser: turns source directions, so the angles are those of the scene"),
    Preset("sparta-6dof", 9000, {
        "/ypr": _ypr(1.0, 1.0, 1.0),
        "/quat": _OURS,
        "/xyzquat": Quat(3, (4, 1.0), (5, 1.0), (6, 1.0), count=7, place=(0, 1, 2)),
        "/xyzypr": Angles((3, 1.0), (4, 1.0), (5, 1.0), 6, place=(0, 1, 2)),
    }, "SPARTA 6DoFconv: a pose in metres; signs by inference from ambiBIN"),
    Preset("iem", 8000, _IEM,
           "IEM SceneRotator: turns the scene about x front, y left, z up", fold_case=True),
    Preset("ohti", 9000, {"/SceneRotator/quaternions": _OURS},
           "OHTI: nvsonic's preset sends the head itself", fold_case=True),
    Preset("supperware", 8000, {
        "/ypr": _ypr(1.0, -1.0, 1.0), **_each("/", 1.0, -1.0, 1.0),
        "/quaternion": Quat(0, (1, 1.0), (2, -1.0), (3, 1.0)),
    }, "Bridgehead: yaw + anticlockwise by its document, pitch + up and roll + right by inference"),
    Preset("nvsonic-sparta", 9000, {"/ypr": _ypr(1.0, 1.0, 1.0)},
           "nvsonic bridge, SPARTA AmbiBIN"),
    Preset("nvsonic-sparta-rotator", 9000, {"/quaternion": _OURS_INVERSE},
           "nvsonic bridge, SPARTA Rotator, inversed: w, -y, x, -z of x right, y front"),
    Preset("nvsonic-ambix", 7120, {"/quaternion": _OURS},
           "nvsonic bridge, Ambix Rotator: w, y, -x, z of x right, y front"),
    Preset("nvsonic-ambix-inverse", 7120, {"/quaternion": _OURS_INVERSE},
           "nvsonic bridge, Ambix Rotator, inversed"),
    Preset("nvsonic-iem", 8000, {"/SceneRotator/quaternions": _OURS_INVERSE},
           "nvsonic bridge, IEM Scene Rotator, inversed", fold_case=True),
    Preset("nvsonic-ohti", 9000, {"/SceneRotator/quaternions": _OURS},
           "nvsonic bridge, OHTI.xyz: -w, -y, x, -z, the head itself", fold_case=True),
    Preset("nvsonic-unity", None, {"/quaternions": _UNITY}, "nvsonic bridge, Unity"),
    Preset("nvsonic-ambihead", 4040,
           _each("/", TURNS, -TURNS, -TURNS, middle=0.5),
           "nvsonic bridge, Ambi Head HD: 0..1, yaw and roll reversed"),
    Preset("nvsonic-salte", 9000, {"/rendering/htrpy": _ypr(-1.0, -1.0, 1.0, "rpy")},
           "nvsonic bridge, AudioLab SALTE: roll, pitch, yaw; yaw + right, pitch + up"),
    Preset("nvsonic-ssa", 9001, {"/ypr": _ypr(1.0, -1.0, -1.0)},
           "nvsonic bridge, SSA aXRotate: yaw + left, pitch + up, roll + left"),
    Preset("nvsonic-3dti", 12300, {
        "/3DTI-OSC/receiver/pry": _ypr(-RADIANS, -RADIANS, RADIANS, "pry"),
    }, "nvsonic bridge, 3D Tune-In Toolkit: pitch, roll, yaw in radians"),
    Preset("nvsonic-mach1", 9898, {"/orientation": _ypr(-1.0, -1.0, 1.0)},
           "nvsonic bridge, Mach1 Monitor: yaw + right, pitch + up, roll + right"),
    Preset("ambix", 7120, {
        "/quaternion": _OURS_INVERSE,
        "/rotation": _ypr(1.0, 1.0, -1.0, "pyr"),
        "/head_pose": Angles((5, 1.0), (4, 1.0), (6, -1.0), 7),
    }, "ambix_rotator as the EAR Production Suite reads it: pitch, yaw, roll; order of turns ours"),
    Preset("unity", None, {"/quaternions": _UNITY},
           "Unity's transform.rotation as w, x, y, z: x right, y up, z front, left-handed"),
    Preset("mach1", 9898, {"/orientation": _ypr(-1.0, -1.0, 1.0)},
           "Mach1 Monitor: yaw + right, pitch + up, roll + right"),
    Preset("salte", 9000, {"/rendering/htrpy": _ypr(-1.0, -1.0, 1.0, "rpy")},
           "AudioLab SALTE: roll, pitch, yaw"),
    Preset("3dti", 12300, {
        "/3DTI-OSC/receiver/pry": _ypr(-RADIANS, -RADIANS, RADIANS, "pry"),
    }, "3D Tune-In Toolkit: pitch, roll, yaw in radians"),
    Preset("hedrot", 2001, _each("/hedrot/", -1.0, -1.0, 1.0),
           "hedrot as the EAR Production Suite reads it, which calls its own reading untested"),
    Preset("virtuoso", 8000, {"/Virtuoso/quat": _BRIDGE},
           "APL Virtuoso; axes of /bridge/quat, by inference"),
    Preset("bridge", 53101, {"/bridge/quat": _BRIDGE},
           "opentrack's OSC output and the NX bridge: x right, y down, z front"),
    Preset("nxosc", 8000, {
        "/nxosc/xyz": Angles((1, -1.0), (0, -1.0), (2, 1.0), 3, scene=True),
    }, "Waves Nx over nxosc: pitch, yaw, roll; by its converters to IEM"),
    Preset("e4l", None, {
        "/E4 HOA Transform/yaw": Angles(yaw=(0, TURNS), count=1, middle=0.5, scene=True),
        "/E4 HOA Transform/pitch": Angles(pitch=(0, TURNS), count=1, middle=0.5, scene=True),
        "/E4 HOA Transform/roll": Angles(roll=(0, TURNS), count=1, middle=0.5, scene=True),
    }, "Envelop for Live: 0..1; by the converter from nxosc"),
    Preset("gyrosc", 8335, {
        "/gyrosc/gyro": _ypr(RADIANS, -RADIANS, RADIANS, "pry"),
        "/gyrosc/quat": _PHONE,
    }, "GyrOSC, a phone flat on the head: pitch, roll, yaw in radians (CoreMotion)"),
    Preset("zigsim", None, {
        "*/quaternion": Quat(3, (1, 1.0), (0, -1.0), (2, 1.0)),
    }, "ZIG SIM, a phone flat on the head: x, y, z, w; axes of CoreMotion by inference"),
    Preset("opentrack", 4242, {"": Angles((3, -1.0), (4, -1.0), (5, 1.0), 6)},
           "opentrack UDP over network: x, y, z in cm, yaw + right, pitch + up, roll + right in "
           "degrees; signs by inference from its X-Plane output", raw=True),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def preset(name: str) -> Preset:
    """The preset of that name; raises AuricleError with all names."""
    if name not in PRESETS:
        raise AuricleError(f"no tracker preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass
class Reader:
    """A preset at work: poses of messages; angles that come one by one are remembered.

    Attributes:
        preset: the dialect.
        position_m: the head's place, where the dialect has one.
    """

    preset: Preset
    position_m: Vector | None = None
    _angles_deg: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    _forms: dict[str, Form] = field(default_factory=dict)
    _endings: dict[str, Form] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for address, form in self.preset.forms.items():
            if address.startswith("*"):
                self._endings[address[1:]] = form
            else:
                self._forms[self._key(address)] = form

    def knows(self, address: str) -> bool:
        """Whether messages to that address are the tracker's."""
        return self._form(address) is not None

    def pose(self, address: str, arguments: Sequence[Any]) -> Quaternion | None:
        """The head's orientation after this message; None where the address is not the tracker's.

        Raises:
            BadArgumentsError: arguments that do not fit.
        """
        form = self._form(address)
        if form is None:
            return None
        numbers = _numbers(arguments, form.count)
        if form.place is not None:
            x, y, z = (numbers[i] for i in form.place)
            self.position_m = (x, y, z)
        if isinstance(form, Quat):
            return _from_quat(form, numbers)
        return self._from_angles(form, numbers)

    def raw_pose(self, datagram: bytes) -> Quaternion:
        """The head's orientation of one datagram of opentrack; raises BadArgumentsError."""
        if len(datagram) != 48:
            raise BadArgumentsError(f"opentrack sends 48 bytes, not {len(datagram)}")
        numbers = _numbers(struct.unpack("=6d", datagram), 6)
        right, up, back = (0.01 * value for value in numbers[:3])
        self.position_m = (-back, -right, up)
        form = self.preset.forms[""]
        assert isinstance(form, Angles)
        return self._from_angles(form, numbers)

    def _key(self, address: str) -> str:
        return address.lower() if self.preset.fold_case else address

    def _form(self, address: str) -> Form | None:
        form = self._forms.get(self._key(address))
        if form is None:
            for ending, each in self._endings.items():
                if address.endswith(ending) and len(address) > len(ending):
                    return each
        return form

    def _from_angles(self, form: Angles, numbers: Sequence[float]) -> Quaternion:
        for index, part in enumerate((form.yaw, form.pitch, form.roll)):
            if part is not None:
                self._angles_deg[index] = part[1] * (numbers[part[0]] - form.middle)
        w, x, y, z = quaternion_from_ypr_deg(*self._angles_deg).tolist()
        return conjugate((w, x, y, z)) if form.scene else (w, x, y, z)


def _from_quat(form: Quat, numbers: Sequence[float]) -> Quaternion:
    parts = (sign * numbers[index] for index, sign in (form.front, form.left, form.up))
    q = unit_quaternion(numbers[form.w], *parts)
    return conjugate(q) if form.scene else q


def _numbers(arguments: Sequence[Any], count: int) -> list[float]:
    if len(arguments) != count:
        raise BadArgumentsError(f"{count} numbers make the pose, got {len(arguments)} values")
    for value in arguments:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadArgumentsError(f"a pose is numbers, not {type(value).__name__}")
        if not math.isfinite(value):
            raise NonfiniteError(f"a pose holds {value}")
        if abs(value) > 1e6:
            raise BadArgumentsError(f"a pose holds {value:g}")
    return [float(value) for value in arguments]
