"""Named loudspeaker layouts and the order of their channels.

Positions and channel order are those of ITU-R BS.2051-3 (systems A to J) where it has the layout.
Labels follow it too: layer (M middle, U upper, B bottom, T top, UH upper hemisphere) and azimuth,
+ to the left: ``M+030`` is the left front.

Orders (``Layout.ordered``): the base order is that of BS.2051 and of SMPTE ST 2067-8 files, left,
right, centre, LFE, sides, rears, heights. ``"wav"`` is that of WAVEFORMATEXTENSIBLE's channel mask,
which has the rears before the sides (what has no bit there comes last). ``"film"`` is left,
centre, right, the other ear-level loudspeakers, LFE, heights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import unit_vectors


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
        places = [wav_place(label, self.labels) for label in self.labels]
        strange = [
            label for label, at in zip(self.labels, places, strict=True)
            if at is None or places.count(at) > 1
        ]  # fmt: skip
        if strange:
            raise AuricleError(
                f"{self.name} has no order in WAV's channel mask, which has no {strange[0]}; give "
                "the labels of its channels in their order"
            )
        in_order = sorted(zip(places, range(len(places)), strict=True))
        return Layout(self.name, tuple(self.loudspeakers[i] for _, i in in_order), self.system)


def layout(name: str, order: str = "smpte") -> Layout:
    """A layout by its name: one of ``LAYOUTS``, such as "5.1" or "7.1.4", or its BS.2051 system.

    Raises AuricleError, with the names there are.
    """
    wanted = str(name).strip().lower().removeprefix("auro").lstrip(" -")
    for found in LAYOUTS.values():
        if wanted in (found.name, found.system):
            return found.ordered(order)
    raise AuricleError(f"no layout is called {name!r}; there are {', '.join(LAYOUTS)}")


def layout_of_labels(labels: Sequence[str]) -> Layout:
    """A layout of loudspeakers of one's own, in the order of a file.

    Args:
        labels: BS.2051's (``M+030``, any azimuth) or those that DAWs use (``L``, ``Rss``, ``LFE``).

    Raises:
        AuricleError: none, one that is not known, or one that comes twice.
    """
    names = tuple(_label(each, labels) for each in labels)
    for given, name in zip(labels, names, strict=True):
        if names.count(name) > 1:
            raise AuricleError(f"the loudspeaker {given} ({name}) comes twice; name each once")
    if not names:
        raise AuricleError("a list of loudspeakers is empty; name at least one, as in M+030")
    return Layout(" ".join(labels), tuple(_loudspeaker(name) for name in names))


def layout_for_channels(n_channels: int) -> Layout:
    """The usual layout of a bed with so many channels; AuricleError where none is usual."""
    usual = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
    usual |= {10: "7.1.2", 12: "7.1.4", 16: "9.1.6", 24: "22.2"}
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


_NAMES = {  # what others call loudspeakers
    "L": "M+030", "R": "M-030", "C": "M+000", "LFE": "LFE1", "LFE1": "LFE1", "LFE2": "LFE2",
    "LS": "M+110", "RS": "M-110", "LSS": "M+090", "RSS": "M-090", "SL": "M+090", "SR": "M-090",
    "LRS": "M+135", "RRS": "M-135", "LSR": "M+135", "RSR": "M-135", "LB": "M+135", "RB": "M-135",
    "BL": "M+135", "BR": "M-135", "CS": "M+180", "S": "M+180", "BC": "M+180", "LC": "M+022",
    "RC": "M-022", "LW": "M+060", "RW": "M-060", "FL": "M+030", "FR": "M-030", "FC": "M+000",
    "LTF": "U+045", "RTF": "U-045", "LTM": "U+090", "RTM": "U-090", "LTS": "U+090", "RTS": "U-090",
    "LTR": "U+135", "RTR": "U-135", "TFL": "U+045", "TFR": "U-045", "TSL": "U+090", "TSR": "U-090",
    "TBL": "U+135", "TBR": "U-135", "TRL": "U+135", "TRR": "U-135", "TFC": "U+000", "TBC": "U+180",
    "HL": "U+030", "HR": "U-030", "HC": "U+000", "HLS": "U+110", "HRS": "U-110", "T": "T+000",
    "TC": "T+000", "TOP": "T+000", "VOG": "T+000",
}  # fmt: skip
_BEHIND, _BESIDE = {"LRS", "LSR", "LB", "BL"}, {"SL", "LSS"}


def _label(name: str, beside: Sequence[str]) -> str:
    """BS.2051's label of a loudspeaker; AuricleError if nobody calls one so."""
    given = name.strip().upper()
    if given in ("LS", "RS"):  # sides where others are behind them, rears where others are beside
        others = {each.strip().upper() for each in beside}
        if others & _BEHIND:
            given = {"LS": "LSS", "RS": "RSS"}[given]
        elif others & _BESIDE:
            given = {"LS": "LRS", "RS": "RRS"}[given]
    label = _NAMES.get(given, given)
    if label in ("LFE1", "LFE2", "M+SC", "M-SC"):
        return label
    layer = label.rstrip("+-0123456789")
    sign, digits = label[len(layer) : len(layer) + 1], label[len(layer) + 1 :]
    if layer in _ELEVATIONS_DEG and sign and digits.isdigit() and int(digits[:9]) <= 180:
        return f"{layer}{sign}{int(digits):03d}"
    raise AuricleError(
        f"no loudspeaker is called {name[:40]!r}; write it as M+030 (layer M, U, B, T and azimuth, "
        f"+ left) or as one of {', '.join(list(_NAMES)[:12])}, ..."
    )


# Bits of WAVEFORMATEXTENSIBLE's mask (0 to 17: FL FR FC LFE BL BR FLC FRC BC SL SR TC TFL TFC TFR
# TBL TBC TBR). Behind them those it has not, as DAWs that write the others by it put them.
_WAV_PLACES = {
    "M+030": 0, "M-030": 1, "M+045": 0, "M-045": 1, "M+000": 2, "LFE1": 3, "M+135": 4, "M-135": 5,
    "M+022": 6, "M-022": 7, "M+SC": 6, "M-SC": 7, "M+180": 8, "M+090": 9, "M-090": 10, "T+000": 11,
    "U+030": 12, "U+045": 12, "U+000": 13, "U-030": 14, "U-045": 14, "U+110": 15, "U+135": 15,
    "U+180": 16, "UH+180": 16, "U-110": 17, "U-135": 17, "U+090": 24, "U-090": 25, "M+060": 59,
    "M-060": 60,
}  # fmt: skip


def wav_place(label: str, beside: Sequence[str]) -> int | None:
    """The rank of a loudspeaker in WAV's order; None: it has none."""
    if label in ("M+110", "M-110"):  # the rears of 5.1, the sides where there is one behind
        sides = "M+180" in beside
        return {"M+110": 9 if sides else 4, "M-110": 10 if sides else 5}[label]
    return _WAV_PLACES.get(label)


_FRONT = "M+030 M-030 M+000 LFE1"
_5_1 = f"{_FRONT} M+110 M-110"
_7_1 = f"{_FRONT} M+090 M-090 M+135 M-135"
_AURO = "U+030 U-030 U+110 U-110"

LAYOUTS: dict[str, Layout] = {
    each.name: each
    for each in (
        _made("lfe", "LFE1"),
        _made("mono", "M+000"),
        _made("stereo", "M+030 M-030", "0+2+0"),
        _made("quad", "M+045 M-045 M+135 M-135"),
        _made("2.1", "M+030 M-030 LFE1"),
        _made("3.0", "M+030 M-030 M+000"),
        _made("3.1", _FRONT),
        _made("lcrs", "M+030 M-030 M+000 M+180"),  # in the order of its file names: L R C S
        _made("5.1", _5_1, "0+5+0"),
        _made("5.1.2", f"{_5_1} U+030 U-030", "2+5+0"),
        _made("5.1.4", f"{_5_1} U+030 U-030 U+110 U-110", "4+5+0"),
        _made("5.1.4+1", f"{_5_1} U+030 U-030 U+110 U-110 B+000", "4+5+1"),
        _made(
            "7.2.3",
            "M+000 M+030 M-030 U+045 U-045 M+090 M-090 M+135 M-135 UH+180 LFE1 LFE2",
            "3+7+0",
        ),
        _made("6.1", f"{_5_1} M+180"),
        _made("7.1", _7_1, "0+7+0"),
        # No system of BS.2051: the bed of object-based cinema, its heights above the sides.
        _made("7.1.2", f"{_7_1} U+090 U-090"),
        _made("7.1.4", f"{_7_1} U+045 U-045 U+135 U-135", "4+7+0"),
        _made("7.1.6", f"{_7_1} U+045 U-045 U+090 U-090 U+135 U-135"),
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
        # Auro-3D, in its own order.
        _made("9.1", f"{_5_1} {_AURO}"),
        _made("10.1", f"{_5_1} {_AURO} T+000"),
        _made("11.1", f"{_5_1} {_AURO} U+000 T+000"),
        _made("13.1", f"{_7_1} {_AURO} U+000 T+000"),
    )
}
for _with_lfe in (
    "5.1",
    "5.1.2",
    "5.1.4",
    "6.1",
    "7.1",
    "7.1.2",
    "7.1.4",
    "7.1.6",
    "9.1.4",
    "9.1.6",
):
    _stem = _with_lfe.replace(".1", ".0", 1)
    LAYOUTS[_stem] = Layout(
        _stem, tuple(each for each in LAYOUTS[_with_lfe].loudspeakers if not each.is_lfe)
    )
