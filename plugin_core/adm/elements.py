"""An element of the XML, and what its texts say: numbers, flags, times, gains."""

import math
import re
from collections.abc import Iterator

from auricle.plugin_core.errors import AdmError

_TIME = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})(?:\.(\d{0,18})(?:S(\d{1,9}))?)?")

_SILENCE = ("-inf", "-infinity")


class Element:
    """An element with its attributes and children; the texts of its children are its values.

    Args:
        tag: its name without the namespace.
        attributes: by name.
        line: where it begins, counted from 1.
    """

    __slots__ = ("attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag, self.attributes, self.line = tag, attributes, line
        self.text = ""
        self.children: list[Element] = []

    @property
    def id(self) -> str:
        """The ID, whatever the attribute is called; "" without."""
        return self.attributes.get("UID") or self.attributes.get(self.tag + "ID", "")

    @property
    def name(self) -> str:
        """The name, else the ID."""
        return self.attributes.get(self.tag + "Name") or self.id

    def error(self, text: str) -> AdmError:
        """An error for this element; whoever reads the file puts its name before it."""
        return AdmError(f"axml line {self.line}: {self.tag} {self.id}".rstrip() + f": {text}")

    def all(self, tag: str) -> "Iterator[Element]":
        """The children of a tag."""
        return (child for child in self.children if child.tag == tag)

    def texts(self, tag: str) -> tuple[str, ...]:
        """The texts of all children of a tag."""
        return tuple(child.text.strip() for child in self.all(tag))

    def one(self, tag: str) -> "Element | None":
        """The only child of a tag; AdmError if there are several."""
        found = list(self.all(tag))
        if len(found) > 1:
            raise self.error(f"has {tag} twice; export the file again")
        return found[0] if found else None

    def number(self) -> float:
        """The text as a finite number."""
        return self._number(self.text, "")

    def flag(self) -> bool:
        """The text as 0 or 1."""
        text = self.text.strip()
        if text not in ("0", "1"):
            raise self.error(f"must be 0 or 1, not {text[:40]!r}")
        return text == "1"

    def gain(self) -> float:
        """The text as a linear gain of at least 0; in dB where the attribute gainUnit says so.

        -inf dB is 0.
        """
        unit = self.attributes.get("gainUnit", "linear")
        if unit not in ("linear", "dB"):
            raise self.error(f"gainUnit is linear or dB, not {unit[:40]!r}")
        if unit == "dB" and self.text.strip().lower() in _SILENCE:
            return 0.0
        value = self.number()
        if unit == "dB":
            value = 10.0 ** (min(value, 1000.0) / 20.0)
        if not 0.0 <= value <= 1000.0:
            raise self.error(f"a gain is from 0 to 1000 (60 dB), got {self.text.strip()[:40]}")
        return value

    def attribute_number(self, name: str) -> float | None:
        """An attribute as a finite number, None without it."""
        text = self.attributes.get(name)
        return None if text is None else self._number(text, name + ": ")

    def attribute_time(self, name: str) -> float | None:
        """An attribute as seconds, None without it."""
        text = self.attributes.get(name)
        if text is None:
            return None
        seconds = parse_time(text.strip())
        if seconds is None:
            raise self.error(
                f"{name}: {text[:40]!r} is no time; it is written hh:mm:ss.zzzzz, or with a "
                "fraction as in 00:00:01.24000S48000"
            )
        return seconds

    def _number(self, text: str, name: str) -> float:
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{name}must be a finite number, not {text.strip()[:40]!r}")
        return value


def parse_time(text: str) -> float | None:
    """Seconds of ``hh:mm:ss.zzzzz``, or of ``hh:mm:ss.nSd`` with n of d parts of a second.

    None for any other text (ITU-R BS.2076-2, section 6).
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, digits, parts = match.groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    if int(minutes) > 59 or int(seconds) > 59:
        return None
    if not digits:
        return None if parts else float(whole)
    if parts is None:
        return float(f"{whole}.{digits}")
    return whole + int(digits) / int(parts) if int(digits) < int(parts) else None
