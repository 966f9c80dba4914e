"""Roles of channels in the words of file formats, as loudspeakers of layouts.

Roles are the channels of WAV's mask in its order (``MASK_ROLES``), with TSL, TSR, WL and WR for
what DAWs add beside it; "" is a channel of which a header says nothing.
"""

from collections.abc import Sequence

from auricle.dsp.loudspeakers.layouts import LAYOUTS, Layout, Loudspeaker, layout_of_labels

MASK_ROLES = (
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR",
    "TBL", "TBC", "TBR",
)  # fmt: skip
_BED = "FL FR FC LFE BL BR"
FLAC_ROLES = {  # by the number of channels (RFC 9639, 9.1.3)
    1: "FC", 2: "FL FR", 3: "FL FR FC", 4: "FL FR BL BR", 5: "FL FR FC BL BR", 6: _BED,
    7: "FL FR FC LFE BC SL SR", 8: f"{_BED} SL SR",
}  # fmt: skip
VORBIS_ROLES = {  # likewise (Vorbis I, 4.3.9); Opus has the same (RFC 7845, 5.1.1.2)
    1: "FC", 2: "FL FR", 3: "FL FC FR", 4: "FL FR BL BR", 5: "FL FC FR BL BR",
    6: "FL FC FR BL BR LFE", 7: "FL FC FR SL SR BC LFE", 8: "FL FC FR SL SR BL BR LFE",
}  # fmt: skip
_LARGEST_STEP_DEG = 50.0  # by which a header's loudspeaker may stand elsewhere than the layout's


def mask_roles(mask: int, n_channels: int) -> tuple[str, ...]:
    """The roles of channels by WAV's mask; channels beyond its bits have none."""
    known = [role for bit, role in enumerate(MASK_ROLES) if mask >> bit & 1]
    return tuple((known + [""] * n_channels)[:n_channels])


def labels_of_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """BS.2051's labels of channels by their roles; a role stands for other places beside others."""
    given = set(roles)
    seven = {"BL", "SL"} <= given
    quad = {"FL", "BL"} <= given and not given & {"FC", "SL", "BC"}
    auro = bool(given & {"TFC", "TC"})
    places = {
        "FL": "M+045" if quad else "M+030", "FC": "M+000", "FLC": "M+022", "WL": "M+060",
        "BL": "M+135" if seven or quad else "M+110", "SL": "M+090" if seven else "M+110",
        "BC": "M+180", "TC": "T+000", "TFC": "U+000", "TBC": "U+180", "TSL": "U+090",
        "TFL": "U+045" if seven and not auro else "U+030",
        "TBL": "U+135" if seven and not auro else "U+110", "LFE": "LFE1", "": "",
    }  # fmt: skip
    return tuple(_placed(role, places) for role in roles)


def _placed(role: str, places: dict[str, str]) -> str:
    if role in places:
        return places[role]
    left = "FLC" if role == "FRC" else role.removesuffix("R") + "L"
    return places[left].replace("+", "-")


def layout_of_header(labels: Sequence[str]) -> Layout | None:
    """The layout that has a header's loudspeakers, in its order; one without a name if none has.

    None where the header is silent about a channel, or names a loudspeaker twice.
    """
    if "" in labels or len(set(labels)) != len(labels) or not labels:
        return None
    for each in LAYOUTS.values():
        if set(each.labels) == set(labels):
            return in_order_of(each, labels)
    return layout_of_labels(labels)


def in_order_of(layout: Layout, labels: Sequence[str]) -> Layout | None:
    """A layout's loudspeakers in the order in which a header has them; None if they are others.

    Where a label is not the layout's own, what stands nearest on the same side and layer is meant:
    heights of 7.1.2 are called front heights by some. Channels without a label are what is left,
    in the layout's order.
    """
    rest = list(layout.loudspeakers)
    found: list[Loudspeaker | None] = [None] * len(labels)
    for i, label in enumerate(labels):
        same = next((each for each in rest if each.label == label), None)
        if same is not None:
            found[i] = same
            rest.remove(same)
    others = {i: layout_of_labels([labels[i]]).loudspeakers[0] for i in _open(found, labels)}
    for side in {_side(each) for each in others.values()}:
        mine = sorted(
            (i for i in others if _side(others[i]) == side), key=lambda i: _off(others[i])
        )
        theirs = sorted((each for each in rest if _side(each) == side), key=_off)
        if len(mine) != len(theirs):
            return None
        for i, each in zip(mine, theirs, strict=True):
            if abs(_off(others[i]) - _off(each)) > _LARGEST_STEP_DEG:
                return None
            found[i] = each
            rest.remove(each)
    if len(rest) != found.count(None):
        return None
    return Layout(layout.name, tuple(each or rest.pop(0) for each in found), layout.system)


def _open(found: Sequence[Loudspeaker | None], labels: Sequence[str]) -> list[int]:
    """Channels with a label that no loudspeaker has yet."""
    return [i for i, label in enumerate(labels) if label and found[i] is None]


def _side(each: Loudspeaker) -> tuple[str, int]:
    """Layer and side, 0 in the middle."""
    if each.is_lfe:
        return "LFE", 0
    middle = each.azimuth_deg % 180.0 == 0.0
    layer = {"M": "M", "B": "B"}.get(each.label[0], "U")
    return layer, 0 if middle else 1 if each.azimuth_deg > 0.0 else -1


def _off(each: Loudspeaker) -> float:
    """How far from the front."""
    return abs(each.azimuth_deg)
