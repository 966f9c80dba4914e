"""Named loudspeaker layouts and the order of their channels.

Positions and channel order are those of ITU-R BS.2051-3 (systems A to J) where it has the layout.
Labels follow it too: layer (M middle, U upper, B bottom, T top, UH upper hemisphere) and azimuth,
+ to the left: ``M+030`` is the left front.

Orders (``Layout.ordered``): the base order is that of BS.2051 and of SMPTE ST 2067-8 files, left,
right, centre, LFE, sides, rears, heights. ``"wav"`` is that of WAVEFORMATEXTENSIBLE's channel mask,
which has the rears before the sides. ``"film"`` is left, centre, right, the other ear-level
loudspeakers, LFE, heights.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import unit_vectors

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Loudspeaker:
    """A channel of a layout; an LFE channel has no direction."""

    label: str
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    is_lfe: bool = False


@dataclass(frozen=True)
class Layout:
    """A named set of channels in the order in which a file holds them."""

    name: str
    loudspeakers: tuple[Loudspeaker, ...]
    system: str = ""  # of ITU-R BS.2051, if it is one

    @property
    def n_channels(self) -> int:
        """Channels C, LFE counted."""
        return len(self.loudspeakers)

    @property
    def labels(self) -> tuple[str, ...]:
        """Channel names in order."""
        return tuple(each.label for each in self.loudspeakers)

    @property
    def source_channels(self) -> tuple[int, ...]:
        """Channels (S,) with a direction."""
        return tuple(i for i, each in enumerate(self.loudspeakers) if not each.is_lfe)

    @property
    def lfe_channels(self) -> tuple[int, ...]:
        """Channels without one."""
        return tuple(i for i, each in enumerate(self.loudspeakers) if each.is_lfe)

    @property
    def positions_m(self) -> Array:
        """Positions (S, 3) of the channels with a direction, at 1 m, in their order."""
        angles = [
            (each.azimuth_deg, each.elevation_deg) for each in self.loudspeakers if not each.is_lfe
        ]
        return unit_vectors(*np.array(angles, dtype=np.float64).reshape(-1, 2).T)

    def ordered(self, order: str) -> "Layout":
        """The layout for a file in another order: "smpte" (as it is), "wav" or "film".

        Raises AuricleError for an order that does not exist for the layout.
        """
        if order == "smpte":
            return self
        if order == "film":
            return Layout(self.name, tuple(_film(self.loudspeakers)), self.system)
        if order != "wav":
            raise AuricleError(f'the channel order is "smpte", "wav" or "film", not {order!r}')
        if self.name not in _WAV:
            raise AuricleError(
                f"{self.name} has no order in WAV's channel mask; use one of {', '.join(_WAV)}"
            )
        by_label = {each.label: each for each in self.loudspeakers}
        return Layout(self.name, tuple(by_label[label] for label in _WAV[self.name]), self.system)


def layout(name: str, order: str = "smpte") -> Layout:
    """A layout by its name: one of ``LAYOUTS``, such as "5.1" or "7.1.4", or its BS.2051 system.

    Raises AuricleError, with the names there are.
    """
    wanted = str(name).strip().lower()
    for found in LAYOUTS.values():
        if wanted in (found.name, found.system):
            return found.ordered(order)
    raise AuricleError(f"no layout is called {name!r}; there are {', '.join(LAYOUTS)}")


def layout_for_channels(n_channels: int) -> Layout:
    """The usual layout of a bed with so many channels; AuricleError where none is usual."""
    usual = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1", 8: "7.1", 10: "7.1.2", 12: "7.1.4"}
    usual |= {16: "9.1.6", 24: "22.2"}
    if n_channels not in usual:
        raise AuricleError(
            f"no layout is usual for {n_channels} channels; name one of {', '.join(LAYOUTS)}"
        )
    return LAYOUTS[usual[n_channels]]


def _film(loudspeakers: tuple[Loudspeaker, ...]) -> list[Loudspeaker]:
    """Left, centre, right, the rest at ear level, LFE, then what is above and below."""
    level = [each for each in loudspeakers if each.label.startswith("M") and not each.is_lfe]
    labels = [each.label for each in level]
    if labels[:3] == ["M+030", "M-030", "M+000"]:
        level[1], level[2] = level[2], level[1]
    lfe = [each for each in loudspeakers if each.is_lfe]
    return level + lfe + [each for each in loudspeakers if each not in level and not each.is_lfe]


_ELEVATIONS_DEG = {"M": 0.0, "U": 30.0, "B": -30.0, "T": 90.0, "UH": 45.0}  # BS.2051-3

_SCREEN_DEG = 15.0


def _loudspeaker(label: str) -> Loudspeaker:
    if label.startswith("LFE"):
        return Loudspeaker(label, is_lfe=True)
    if label.endswith("SC"):  # the edges of the screen, which BS.2051 leaves open
        return Loudspeaker(label, _SCREEN_DEG if label[1] == "+" else -_SCREEN_DEG)
    layer = label.rstrip("+-0123456789")
    return Loudspeaker(label, float(label[len(layer) :]), _ELEVATIONS_DEG[layer])


def _made(name: str, labels: str, system: str = "") -> Layout:
    return Layout(name, tuple(_loudspeaker(label) for label in labels.split()), system)


_FRONT = "M+030 M-030 M+000 LFE1"
_5_1 = f"{_FRONT} M+110 M-110"
_7_1 = f"{_FRONT} M+090 M-090 M+135 M-135"

LAYOUTS: dict[str, Layout] = {
    each.name: each
    for each in (
        _made("lfe", "LFE1"),
        _made("mono", "M+000"),
        _made("stereo", "M+030 M-030", "0+2+0"),
        _made("quad", "M+045 M-045 M+135 M-135"),
        _made("5.1", _5_1, "0+5+0"),
        _made("5.1.2", f"{_5_1} U+030 U-030", "2+5+0"),
        _made("5.1.4", f"{_5_1} U+030 U-030 U+110 U-110", "4+5+0"),
        _made("5.1.4+1", f"{_5_1} U+030 U-030 U+110 U-110 B+000", "4+5+1"),
        _made(
            "7.2.3",
            "M+000 M+030 M-030 U+045 U-045 M+090 M-090 M+135 M-135 UH+180 LFE1 LFE2",
            "3+7+0",
        ),
        _made("7.1", _7_1, "0+7+0"),
        # No system of BS.2051: the bed of object-based cinema, its heights above the sides.
        _made("7.1.2", f"{_7_1} U+090 U-090"),
        _made("7.1.4", f"{_7_1} U+045 U-045 U+135 U-135", "4+7+0"),
        _made("9.1.4", f"{_7_1} U+045 U-045 U+135 U-135 M+SC M-SC", "4+9+0"),
        _made("9.1.6", f"{_7_1} M+060 M-060 U+045 U-045 U+090 U-090 U+135 U-135"),
        _made("octagon", "M+000 M-045 M-090 M-135 M+180 M+135 M+090 M+045"),
        _made("cube", "U+045 U-045 U+135 U-135 B+045 B-045 B+135 B-135"),
        _made(
            "22.2",
            "M+060 M-060 M+000 LFE1 M+135 M-135 M+030 M-030 M+180 LFE2 M+090 M-090 "
            "U+045 U-045 U+000 T+000 U+135 U-135 U+090 U-090 U+180 B+000 B+045 B-045",
            "9+10+3",
        ),
    )
}

# By WAVEFORMATEXTENSIBLE's mask: FL FR FC LFE BL BR SL SR, then TFL TFR TBL TBR.
_WAV = {
    "mono": LAYOUTS["mono"].labels,
    "stereo": LAYOUTS["stereo"].labels,
    "quad": LAYOUTS["quad"].labels,
    "5.1": LAYOUTS["5.1"].labels,
    "5.1.2": LAYOUTS["5.1.2"].labels,
    "5.1.4": LAYOUTS["5.1.4"].labels,
    "7.1": tuple(f"{_FRONT} M+135 M-135 M+090 M-090".split()),
    "7.1.4": tuple(f"{_FRONT} M+135 M-135 M+090 M-090 U+045 U-045 U+135 U-135".split()),
}
