"""Channel layouts as Apple's CoreAudio writes them, in CAF and AIFF."""

import struct

from auricle.dsp.loudspeakers.channel_roles import mask_roles

_BY_DESCRIPTIONS, _BY_MASK, _B_FORMAT, _ACN_SN3D = 0, 1, 107, 190
_LABELS = {
    1: "FL", 2: "FR", 3: "FC", 4: "LFE", 5: "BL", 6: "BR", 7: "FLC", 8: "FRC", 9: "BC", 10: "SL",
    11: "SR", 12: "TC", 13: "TFL", 14: "TFC", 15: "TFR", 16: "TBL", 17: "TBC", 18: "TBR",
    33: "BL", 34: "BR", 35: "WL", 36: "WR",
}  # fmt: skip
_REAR_SURROUNDS = {33, 34}  # beside these 5 and 6 are the sides
_TAGS = {
    100: "FC", 101: "FL FR", 108: "FL FR BL BR", 113: "FL FR FC", 114: "FC FL FR",
    115: "FL FR FC BC", 116: "FC FL FR BC", 117: "FL FR FC BL BR", 118: "FL FR BL BR FC",
    119: "FL FC FR BL BR", 120: "FC FL FR BL BR", 121: "FL FR FC LFE BL BR",
    122: "FL FR BL BR FC LFE", 123: "FL FC FR BL BR LFE", 124: "FC FL FR BL BR LFE",
    125: "FL FR FC LFE SL SR BC", 126: "FL FR FC LFE BL BR FLC FRC", 127: "FC FLC FRC FL FR BL BR "
    "LFE", 128: "FL FR FC LFE SL SR BL BR",
}  # fmt: skip


def core_audio_layout(chunk: bytes) -> tuple[tuple[str, ...], str]:
    """The roles of the channels, and "fuma" or "ambix" if they are ambisonics.

    Args:
        chunk: tag, mask, number of descriptions, descriptions of 20 bytes; big-endian.

    Raises:
        struct.error: a chunk that is too short.
    """
    tag, mask, count = struct.unpack_from(">III", chunk)
    kind, n_channels = tag >> 16, tag & 0xFFFF
    if tag == _BY_DESCRIPTIONS:
        labels = [struct.unpack_from(">I", chunk, 12 + 20 * i)[0] for i in range(min(count, 1024))]
        sides = {5: "SL", 6: "SR"} if _REAR_SURROUNDS & set(labels) else {}
        return tuple(sides.get(each, _LABELS.get(each, "")) for each in labels), ""
    if kind == _BY_MASK:
        return mask_roles(mask, mask.bit_count()), ""
    if kind == _B_FORMAT:
        return (), "fuma"
    if kind == _ACN_SN3D:
        return (), "ambix"
    roles = tuple(_TAGS.get(kind, "").split())
    return (roles if len(roles) == n_channels else ()), ""
