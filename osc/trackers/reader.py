"""A head tracker's messages turned into the head's orientation, by the dialect of its preset."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from auricle.osc.errors import BadArgumentsError, NonfiniteError
from auricle.osc.quaternion import Quaternion, Vector, conjugate, from_ypr_deg, unit_quaternion
from auricle.osc.trackers.presets import PRESETS, Angles, Form, Preset, Quat, preset

__all__ = ["PRESETS", "PoseReader", "Preset", "preset"]


@dataclass
class PoseReader:
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
        return self.form(address) is not None

    def pose(self, address: str, arguments: Sequence[Any]) -> Quaternion | None:
        """The head's orientation after this message; None where the address is not the tracker's.

        Raises:
            BadArgumentsError: arguments that do not fit.
        """
        form = self.form(address)
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

    def form(self, address: str) -> Form | None:
        """The form of a message to that address; None where it is not the tracker's."""
        form = self._forms.get(address.lower() if self.preset.fold_case else address)
        if form is None and self._endings:
            for ending, each in self._endings.items():
                if address.endswith(ending) and len(address) > len(ending):
                    return each
        return form

    def _from_angles(self, form: Angles, numbers: Sequence[float]) -> Quaternion:
        for index, part in enumerate((form.yaw, form.pitch, form.roll)):
            if part is not None:
                self._angles_deg[index] = part[1] * (numbers[part[0]] - form.middle)
        orientation = from_ypr_deg(*self._angles_deg)
        return conjugate(orientation) if form.scene else orientation


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
