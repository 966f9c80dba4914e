"""Loudspeaker labels of ADM files, and which of Auricle's layouts a set of them is."""

from collections.abc import Sequence

from auricle.dsp.loudspeakers.layouts import LAYOUTS, Loudspeaker

# Labels of the masters of object-based cinema, as BS.2051's.
_CINEMA = {
    "L": "M+030", "R": "M-030", "C": "M+000", "LFE": "LFE1", "Ls": "M+110", "Rs": "M-110",
    "Lss": "M+090", "Rss": "M-090", "Lrs": "M+135", "Rrs": "M-135", "Lts": "U+090", "Rts": "U-090",
    "Ltf": "U+045", "Rtf": "U-045", "Ltr": "U+135", "Rtr": "U-135", "Ltm": "U+090", "Rtm": "U-090",
    "Lw": "M+060", "Rw": "M-060",
}  # fmt: skip
_OTHERS = {
    "LFE": "LFE1", "LFEL": "LFE1", "LFER": "LFE2", "M+135_Diff": "M+135", "M-135_Diff": "M-135",
}  # fmt: skip
_ELEVATIONS_DEG = {"M": 0.0, "U": 30.0, "B": -30.0, "T": 90.0, "UH": 45.0}
_LFE_HZ = 200.0  # BS.2127, 8.2: a channel that is low-passed below is an LFE channel


def loudspeaker(labels: Sequence[str], low_pass_hz: float | None) -> Loudspeaker | None:
    """The loudspeaker of a channel's labels; None if no label is known."""
    for given in labels:
        label = given.rpartition(":")[2].strip()
        label = _CINEMA.get(label[3:], label) if label.startswith("RC_") else label
        label = _OTHERS.get(label, label)
        if label.startswith("LFE"):
            return Loudspeaker("LFE2" if label == "LFE2" else "LFE1", is_lfe=True)
        for layout in LAYOUTS.values():
            for each in layout.loudspeakers:
                if each.label == label:
                    return each
        layer = label.rstrip("+-0123456789")
        digits = label[len(layer) :]
        if layer in _ELEVATIONS_DEG and digits[:1] in ("+", "-") and digits[1:].isdigit():
            return Loudspeaker(label, float(digits), _ELEVATIONS_DEG[layer])
    if low_pass_hz is not None and low_pass_hz <= _LFE_HZ:
        return Loudspeaker("LFE1", is_lfe=True)
    return None


def layout_of(labels: Sequence[str]) -> tuple[str, list[int]] | None:
    """The name of the layout that has exactly these loudspeakers, and its order of them.

    None if there is none.
    """
    for name, layout in LAYOUTS.items():
        if len(labels) == layout.n_channels and set(labels) == set(layout.labels):
            return name, [labels.index(label) for label in layout.labels]
    return None
