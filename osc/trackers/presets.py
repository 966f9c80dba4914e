"""Head trackers by name: their addresses, orders, units and signs, and how sure each is.

A preset says what a sender means that was set up for the program it is named after. Everything is
turned into the head's orientation, a unit quaternion [w, x, y, z], head to world, in axes x front,
y left, z up. Many programs speak of the scene instead, which turns against the head: those presets
invert.

Read in the projects' own code: Spatial_Audio_Framework (ambi_bin, binauraliser, rotator and their
rotation matrices), IEM SceneRotator, nvsonic's presets.xml and Bridge.cpp, the EAR Production Suite
(orientation_osc.cpp and its Max bridge), opentrack (proto-osc). What was only found in the code of
others who send to a program, or not at all, stands in ``doubt``.

``python -m auricle.osc.trackers.presets`` prints the table of docs/osc.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from auricle.dsp.registry import Registry

RADIANS = 180.0 / math.pi
TURNS = 360.0  # a whole turn over 0..1, 0.5 being 0 degrees


@dataclass(frozen=True)
class Angles:
    """Yaw, pitch and roll among the arguments of a message.

    Attributes:
        yaw, pitch, roll: the index of the argument, with the factor that makes it degrees in our
            signs (yaw + left, pitch + nose down, roll + left ear up); None: not in this message.
        count: how many arguments there are.
        middle: what the argument is at 0 degrees.
        scene: the angles turn the scene, the head turns the other way.
        place: indices of x, y, z in metres; None: no place.
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
        count, scene, place: as of Angles.
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
        forms: what each address carries. An address that begins with a star stands for any
            beginning.
        note: who sends it, and its conventions.
        doubt: what is not certain; empty: read in the project's own code or document.
        raw: datagrams are six doubles (opentrack) and not OSC.
        fold_case: addresses match in any case.
    """

    name: str
    port: int | None
    forms: Mapping[str, Form]
    note: str
    doubt: str = ""
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
# Axes x right, y front, z up: phones flat on the head, top edge to the front; Supperware's sensor.
_X_RIGHT = Quat(0, (2, 1.0), (1, -1.0), (3, 1.0))
# Axes x right, y down, z front, as nvsonic's bridge reads them.
_BRIDGE = Quat(0, (3, 1.0), (1, -1.0), (2, -1.0))
_YAW_RIGHT = "yaw + right, pitch + up, roll + right"
_BY_SENDERS = "signs by two programs that send to it (nvsonic, EAR), not by its own document"
_FOLD: dict[str, Any] = {"fold_case": True}

_ALL = (
    Preset("auricle", None, {
        "/auricle/listener/quat": _OURS,
        "/auricle/listener/ypr": _ypr(1.0, 1.0, 1.0),
    }, "Auricle's own addresses: yaw + left, pitch + nose down, roll + left ear up"),
    Preset("adm", 4001, {
        "/adm/lis/ypr": _ypr(1.0, -1.0, 1.0),
        **_each("/adm/lis/", 1.0, -1.0, 1.0),
    }, "ADM-OSC v1.0: yaw + left, pitch + up, roll + right"),
    Preset("sparta", 9000, {
        "/ypr": _ypr(1.0, 1.0, 1.0),
        **_each("/", 1.0, 1.0, 1.0),
        "/quaternion": _OURS_INVERSE,
    }, "SPARTA ambiBIN, rotator: angles of the head (yaw + left, pitch + down, roll + right), "
       "quaternion of the scene", "its flip switches must be off"),
    Preset("sparta-binauraliser", 9000, {
        "/ypr": _ypr(1.0, 1.0, 1.0, scene=True), **_each("/", 1.0, 1.0, 1.0, scene=True),
    }, "SPARTA binauraliser, panner: turns source directions, so the same angles mean the scene",
       "its flip switches must be off"),
    Preset("sparta-6dof", 9000, {
        "/ypr": _ypr(1.0, 1.0, 1.0),
        "/quat": _OURS,
        "/xyzquat": Quat(3, (4, 1.0), (5, 1.0), (6, 1.0), count=7, place=(0, 1, 2)),
        "/xyzypr": Angles((3, 1.0), (4, 1.0), (5, 1.0), 6, place=(0, 1, 2)),
    }, "SPARTA 6DoFconv: a pose, metres and degrees", "signs as ambiBIN's, not read in its code"),
    Preset("iem", 8000, {
        "/SceneRotator/quaternions": _OURS_INVERSE,
        "/SceneRotator/ypr": _ypr(1.0, 1.0, 1.0, scene=True),
        **_each("/SceneRotator/", 1.0, 1.0, 1.0, scene=True),
    }, "IEM SceneRotator: turns the scene about x front, y left, z up; sequence roll, pitch, yaw",
       "the user chooses its port; its invert switches must be off", **_FOLD),
    Preset("ohti", 9000, {"/SceneRotator/quaternions": _OURS},
           "OHTI", "by nvsonic's preset for it, which sends the head itself", **_FOLD),
    Preset("supperware", 8000, {
        "/ypr": _ypr(1.0, -1.0, 1.0), **_each("/", 1.0, -1.0, 1.0),
        "/quaternion": _X_RIGHT,
    }, "Supperware's tracker as it is: yaw + left, pitch + up, roll + right; quaternion about x "
       "right, y front, z up", "yaw by its document, the rest by a converter to IEM; what "
       "Bridgehead sends is up to its profile"),
    Preset("nvsonic-sparta", 9000, {"/ypr": _ypr(1.0, 1.0, 1.0)},
           "nvsonic bridge, SPARTA AmbiBIN: yaw + left, pitch + down, roll + right"),
    Preset("nvsonic-sparta-rotator", 9000, {"/quaternion": _OURS_INVERSE},
           "nvsonic bridge, SPARTA Rotator - inversed: w, -y, x, -z of x right, y front"),
    Preset("nvsonic-ambix", 7120, {"/quaternion": _OURS},
           "nvsonic bridge, Ambix Rotator: w, y, -x, z of x right, y front"),
    Preset("nvsonic-ambix-inverse", 7120, {"/quaternion": _OURS_INVERSE},
           "nvsonic bridge, Ambix Rotator - inversed"),
    Preset("nvsonic-iem", 8000, {"/SceneRotator/quaternions": _OURS_INVERSE},
           "nvsonic bridge, IEM Scene Rotator - inversed", "the user chooses the port", **_FOLD),
    Preset("nvsonic-ohti", 9000, {"/SceneRotator/quaternions": _OURS},
           "nvsonic bridge, OHTI.xyz: -w, -y, x, -z, which is the head itself", **_FOLD),
    Preset("nvsonic-unity", None, {"/quaternions": _UNITY},
           "nvsonic bridge, Unity: w, -x, -z, -y of x right, y front"),
    Preset("nvsonic-ambihead", 4040, _each("/", TURNS, -TURNS, -TURNS, middle=0.5),
           "nvsonic bridge, Ambi Head HD: 0..1 for -180..180 degrees, yaw and roll reversed"),
    Preset("nvsonic-salte", 9000, {"/rendering/htrpy": _ypr(-1.0, -1.0, 1.0, "rpy")},
           f"nvsonic bridge, AudioLab SALTE: roll, pitch, yaw; {_YAW_RIGHT}"),
    Preset("nvsonic-ssa", 9001, {"/ypr": _ypr(1.0, -1.0, -1.0)},
           "nvsonic bridge, SSA aXRotate: yaw + left, pitch + up, roll + left"),
    Preset("nvsonic-3dti", 12300, {
        "/3DTI-OSC/receiver/pry": _ypr(-RADIANS, -RADIANS, RADIANS, "pry"),
    }, f"nvsonic bridge, 3D Tune-In Toolkit: pitch, roll, yaw in radians; {_YAW_RIGHT}"),
    Preset("nvsonic-mach1", 9898, {"/orientation": _ypr(-1.0, -1.0, 1.0)},
           f"nvsonic bridge, Mach1 Monitor: {_YAW_RIGHT}"),
    Preset("ambix", 7120, {
        "/quaternion": _OURS_INVERSE,
        "/rotation": _ypr(1.0, 1.0, -1.0, "pyr"),
        "/head_pose": Angles((5, 1.0), (4, 1.0), (6, -1.0), 7),
    }, "ambix_rotator: pitch, yaw, roll; pitch + down, yaw + left, roll + left",
       "by the EAR Production Suite; it turns in another order (pitch, yaw, roll), so large turns "
       "about two axes differ"),
    Preset("unity", None, {"/quaternions": _UNITY},
           "Unity's transform.rotation as w, x, y, z: x right, y up, z front, left-handed"),
    Preset("mach1", 9898, {"/orientation": _ypr(-1.0, -1.0, 1.0)},
           f"Mach1 Monitor: {_YAW_RIGHT}", _BY_SENDERS),
    Preset("salte", 9000, {"/rendering/htrpy": _ypr(-1.0, -1.0, 1.0, "rpy")},
           f"AudioLab SALTE: roll, pitch, yaw; {_YAW_RIGHT}", _BY_SENDERS),
    Preset("3dti", 12300, {
        "/3DTI-OSC/receiver/pry": _ypr(-RADIANS, -RADIANS, RADIANS, "pry"),
    }, f"3D Tune-In Toolkit: pitch, roll, yaw in radians; {_YAW_RIGHT}",
       _BY_SENDERS + "; a third program sends roll reversed"),
    Preset("hedrot", 2001, _each("/hedrot/", -1.0, -1.0, 1.0),
           f"hedrot: {_YAW_RIGHT}",
           "as the EAR Production Suite reads it, which calls that untested"),
    Preset("virtuoso", 8000, {"/Virtuoso/quat": _OURS},
           "APL Virtuoso: w, then about front, left, up",
           "axes by a third party's list of renderers, port likewise"),
    Preset("bridge", 53101, {"/bridge/quat": _BRIDGE},
           "the NX bridge, and opentrack's OSC output: x right, y down, z front",
           "axes as nvsonic's program reads them; opentrack's own signs may differ"),
    Preset("nxosc", 8000, {
        "/nxosc/xyz": Angles((1, -1.0), (0, -1.0), (2, 1.0), 3, scene=True),
    }, "Waves Nx over nxosc: pitch, yaw, roll", "signs by two converters to IEM SceneRotator"),
    Preset("e4l", None, {
        "/E4 HOA Transform/yaw": Angles(yaw=(0, TURNS), count=1, middle=0.5, scene=True),
        "/E4 HOA Transform/pitch": Angles(pitch=(0, TURNS), count=1, middle=0.5, scene=True),
        "/E4 HOA Transform/roll": Angles(roll=(0, TURNS), count=1, middle=0.5, scene=True),
    }, "Envelop for Live: 0..1", "signs by the converter from nxosc"),
    Preset("gyrosc", 8335, {
        "/gyrosc/gyro": _ypr(RADIANS, -RADIANS, RADIANS, "pry"),
        "/gyrosc/quat": _X_RIGHT,
    }, "GyrOSC, a phone flat on the head, top edge to the front: pitch, roll, yaw in radians",
       "two examples agree on the order, a comment says roll, pitch, yaw; axes of CoreMotion"),
    Preset("zigsim", None, {
        "*/quaternion": Quat(3, (1, 1.0), (0, -1.0), (2, 1.0)),
    }, "ZIG SIM, a phone flat on the head, top edge to the front: x, y, z, w",
       "axes of CoreMotion, not in its document"),
    Preset("opentrack", 4242, {"": Angles((3, -1.0), (4, -1.0), (5, 1.0), 6)},
           "opentrack, output UDP over network (six doubles, not OSC): x, y, z in cm, yaw + right, "
           "pitch + up, roll + right in degrees",
           "signs by its X-Plane output; its mapping can invert each axis", raw=True),
)  # fmt: skip

PRESETS = Registry("tracker preset", "auricle.tracker_presets", Preset, _ALL)


def preset(name: str) -> Preset:
    """The preset of that name; raises AuricleError with all names."""
    return PRESETS.find(name)


def as_markdown() -> str:
    """The table of the presets for docs/osc.md."""
    lines = [
        "| `--tracker` | port | addresses | what it is | not certain |",
        "|---|---|---|---|---|",
    ]
    for each in _ALL:
        port = "-" if each.port is None else str(each.port)
        addresses = " ".join(f"`{address}`" for address in each.forms if address) or "-"
        lines.append(
            f"| `{each.name}` | {port} | {addresses} | {each.note} | {each.doubt or '-'} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown())
