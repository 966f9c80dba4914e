"""The common definitions (ITU-R BS.2094-1): loudspeakers and ambisonic channels without an axml."""

from math import isqrt

from auricle.plugin_core.adm.blocks import N_COLUMNS, Blocks

# Labels of AC_00010001, AC_00010002, ... (BS.2051's, which say where a loudspeaker stands).
_LABELS = (
    "M+030", "M-030", "M+000", "LFE", "M+110", "M-110", "M+022", "M-022", "M+180", "M+090",
    "M-090", "T+000", "U+030", "U+000", "U-030", "U+110", "U+180", "U-110", "U+090", "U-090",
    "B+000", "B+045", "B-045", "M+060", "M-060", "M+135_Diff", "M-135_Diff", "M+135", "M-135",
    "U+135", "U-135", "LFEL", "LFER", "U+045", "U-045", "M+SC", "M-SC", "M+045", "M-045", "UH+180",
)  # fmt: skip

_NORMALISATIONS = ("SN3D", "N3D", "FuMa")  # AC_00040001, AC_00040101, AC_00040201 and on
_MOST_AMBISONIC = 49  # order 6


def common_channel(identity: str) -> tuple[str, Blocks] | None:
    """Kind and blocks of a channel that BS.2094 defines, None for any other."""
    number = _number(identity, "AC_")
    if number is None:
        return None
    kind, index = number >> 16, number & 0xFFFF
    if kind == 1 and 1 <= index <= len(_LABELS):
        blocks = Blocks(labels=(_LABELS[index - 1],))
        blocks.numbers.extend(_still())
        return "DirectSpeakers", blocks
    acn = (index & 0xFF) - 1
    if kind == 4 and index >> 8 < len(_NORMALISATIONS) and 0 <= acn < _MOST_AMBISONIC:
        order = isqrt(acn)
        blocks = Blocks(order=order, degree=acn - order * order - order)
        blocks.normalisation = _NORMALISATIONS[index >> 8]
        blocks.numbers.extend(_still())
        return "HOA", blocks
    if kind == 5 and index in (1, 2):
        blocks = Blocks(labels=("leftEar", "rightEar")[index - 1 : index])
        blocks.numbers.extend(_still())
        return "Binaural", blocks
    return None


def is_common(identity: str) -> bool:
    """Whether an ID is one of those that BS.2094 keeps for itself."""
    number = _number(identity, identity[:3])
    return number is not None and number & 0xFFFF < 0x1000


def _still() -> list[float]:
    """A block without times, straight ahead, until a label says more."""
    missing = float("nan")
    return [missing, missing, 0.0, 0.0, 0.0, 1.0, 1.0, *[0.0] * (N_COLUMNS - 7)]


def _number(identity: str, prefix: str) -> int | None:
    if len(identity) != 11 or not identity.upper().startswith(prefix):
        return None
    try:
        return int(identity[3:], 16)
    except ValueError:
        return None
