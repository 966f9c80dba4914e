"""Which preset fits what a head tracker sends: by address and form, then range, then motion.

Addresses and ranges leave several presets, which differ in signs: nothing in the traffic tells
whether yaw counts to the left. Three gestures do, made in this order and each back to the front:
turn the head to the left, nod down, tilt the right ear down.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from auricle.osc.errors import BadArgumentsError
from auricle.osc.protocol.messages import Message
from auricle.osc.quaternion import Quaternion, Vector, conjugate, multiply, rotation_vector
from auricle.osc.trackers.presets import PRESETS, RADIANS, TURNS, Angles, Form, Preset, Quat
from auricle.osc.trackers.reader import PoseReader

GESTURES = ("turn the head to the left", "nod down", "tilt the right ear down")
_PARTS = ("yaw", "pitch", "roll")
# The gestures as rotations about front, left and up.
_EXPECTED: tuple[Vector, ...] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_LEAVES, _RETURNS = math.radians(20.0), math.radians(10.0)
_SHOWN = 0.7  # cosine between a gesture and its axis
_KEPT_POSES = 500  # by which presets that read the same are known
_TOLERATED_NORM = 0.02
_RAW_BYTES = 48


@dataclass
class Fit:
    """The measure of how well a preset fits.

    Attributes:
        preset: which.
        poses: how many it read.
        form: 0..1: share of the pose messages that it knows and that have its form and range.
        motion: -1..1: mean agreement with the gestures; None: none were made.
        doubts: what is not certain.
        same: presets that read these messages to the same poses.
    """

    preset: Preset
    poses: int
    form: float
    motion: float | None
    doubts: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        motion = None if self.motion is None else round(self.motion, 3)
        return {
            "preset": self.preset.name, "poses": self.poses, "form": round(self.form, 3),
            "motion": motion, "doubts": self.doubts, "same": self.same,
        }  # fmt: skip


class _Gestures:
    """The farthest rotations from the first pose, about the head's axes, one a gesture."""

    def __init__(self) -> None:
        self.turns: list[Vector] = []
        self.poses: list[Quaternion] = []  # the first ones
        self.n_poses = 0
        self._farthest: Vector | None = None

    def add(self, pose: Quaternion) -> None:
        """Take the next pose."""
        if self.n_poses < _KEPT_POSES:
            self.poses.append(pose)
        self.n_poses += 1
        rotation = rotation_vector(multiply(conjugate(self.poses[0]), pose))
        angle = math.hypot(*rotation)
        if self._farthest is None:
            self._farthest = rotation if angle > _LEAVES else None
        elif angle < _RETURNS:
            self.turns.append(self._farthest)
            self._farthest = None
        elif angle > math.hypot(*self._farthest):
            self._farthest = rotation


class _Candidate:
    """A preset that listens."""

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self.reader = PoseReader(preset)
        self.fitting = 0.0
        self.largest: dict[int, tuple[Angles, float]] = {}
        self.gestures = _Gestures()

    def hear(self, form: Form, arguments: Sequence[Any], read: Callable[[], Any]) -> None:
        """Read a message of that form; one that does not fit counts for nothing."""
        try:
            pose = read()
        except BadArgumentsError:
            return
        if isinstance(form, Quat):
            parts = (form.w, form.front[0], form.left[0], form.up[0])
            length = math.hypot(*(arguments[i] for i in parts))
            self.fitting += abs(length - 1.0) < _TOLERATED_NORM
        else:
            self._hear_angles(form, arguments)
        self.gestures.add(pose)

    def _hear_angles(self, form: Angles, arguments: Sequence[Any]) -> None:
        used = [each for each in (form.yaw, form.pitch, form.roll) if each is not None]
        values = [abs(arguments[index]) for index, _ in used]
        factor = abs(used[0][1])
        in_range = {
            TURNS: all(0.0 <= arguments[index] <= 1.0 for index, _ in used),
            RADIANS: max(values) <= 2.0 * math.pi,
        }.get(factor, max(values) <= 360.0)
        self.fitting += in_range
        before = self.largest.get(id(form), (form, 0.0))[1]
        self.largest[id(form)] = (form, max(before, *values))

    def form(self, n_messages: int) -> float:
        """Share of the messages that fit; less where the numbers are too small for the unit."""
        fraction = self.fitting / max(n_messages, 1)
        if self.largest and all(_is_degrees(form) for form, _ in self.largest.values()):
            largest = max(value for _, value in self.largest.values())
            # All within a turn of radians, or within 0..1: degrees would be a head at rest.
            fraction *= 0.5 if largest <= 2.0 * math.pi else 1.0
        return fraction


def _is_degrees(form: Angles) -> bool:
    used = next(each for each in (form.yaw, form.pitch, form.roll) if each is not None)
    return abs(used[1]) == 1.0


class PresetMatcher:
    """Listens to all messages, and says which presets fit.

    Attributes:
        n_messages: those that some preset knows.
    """

    def __init__(self) -> None:
        self.n_messages = 0
        self._candidates = [_Candidate(preset) for preset in PRESETS.usable()]

    def observe(self, message: Message) -> None:
        """Take a message."""
        arguments = message.arguments
        known = False
        for each in self._candidates:
            form = each.reader.form(message.address) if not each.preset.raw else None
            if form is None or not arguments:
                continue
            known = True
            reader = each.reader
            each.hear(form, arguments, lambda r=reader: r.pose(message.address, arguments))  # type: ignore[misc]
        self.n_messages += known

    def observe_bytes(self, datagram: bytes) -> None:
        """Take a datagram that is not OSC: perhaps opentrack's."""
        if len(datagram) != _RAW_BYTES:
            return
        numbers = struct.unpack("=6d", datagram)
        self.n_messages += 1
        for each in self._candidates:
            if each.preset.raw:
                reader = each.reader
                form = each.preset.forms[""]
                each.hear(form, numbers, lambda r=reader: r.raw_pose(datagram))  # type: ignore[misc]

    def gestures_seen(self) -> int:
        """The number of gestures so far; the same for all presets that read the poses."""
        return max(len(each.gestures.turns) for each in self._candidates)

    def fits(self) -> list[Fit]:
        """The presets that fit, best first; none where no pose came."""
        judged = []
        for each in self._candidates:
            form = each.form(self.n_messages)
            if not each.gestures.n_poses or form < 0.05:
                continue
            agreement = _agreement(each.gestures.turns)
            motion = sum(agreement) / len(agreement) if agreement else None
            doubts = _doubts(agreement, each.preset)
            judged.append((Fit(each.preset, each.gestures.n_poses, form, motion, doubts), each))
        judged.sort(key=lambda pair: (-round(pair[0].form, 2), -(pair[0].motion or 0.0)))
        return _without_twins(judged)


def _without_twins(judged: list[tuple[Fit, _Candidate]]) -> list[Fit]:
    """One of those that read the same poses, with the names of the others; and what else fits."""
    kept: list[tuple[Fit, _Candidate]] = []
    for fit, candidate in judged:
        twin = next((old for old, other in kept if _are_same(candidate, other)), None)
        if twin is not None:
            twin.same.append(fit.preset.name)
        else:
            kept.append((fit, candidate))
    fits = [fit for fit, _ in kept]
    if fits:
        best = fits[0]
        rivals = [
            fit.preset.name
            for fit in fits[1:]
            if fit.form >= best.form - 0.1 and (fit.motion or 0.0) >= (best.motion or 0.0) - 0.3
        ]
        if rivals:
            best.doubts.insert(0, f"not to be told from {', '.join(rivals)} by what was shown")
    return fits


def _are_same(a: _Candidate, b: _Candidate) -> bool:
    return a.gestures.poses == b.gestures.poses and a.gestures.turns == b.gestures.turns


def _agreement(gestures: Sequence[Vector]) -> list[float]:
    """Cosine of each gesture with what it was to be."""
    agreed = []
    for rotation, expected in zip(gestures, _EXPECTED, strict=False):
        dot = sum(a * b for a, b in zip(rotation, expected, strict=True))
        agreed.append(dot / math.hypot(*rotation))
    return agreed


def _doubts(agreement: Sequence[float], preset: Preset) -> list[str]:
    doubts = []
    missing = _PARTS[len(agreement) :]
    if missing:
        doubts.append(f"signs of {', '.join(missing)} not shown by a gesture")
    for part, gesture, agreed in zip(_PARTS, GESTURES, agreement, strict=False):
        if agreed < -_SHOWN:
            doubts.append(f"{part} came out reversed ({gesture})")
        elif agreed < _SHOWN:
            doubts.append(f"{part} came out about another axis ({gesture})")
    return doubts + ([f"not certain: {preset.doubt}"] if preset.doubt else [])
