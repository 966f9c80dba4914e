"""Furse-Malham ambisonics, to order 3, as SN3D in ACN order.

Channels are W X Y Z R S T U V K L M N O P Q; each is scaled to a maximum of 1, W is 3 dB lower.
Files may lack the channels of heights (order 1 as W X Y); these are silent then.

Source: Malham 2003, Higher order Ambisonic systems; Chapman et al. 2009, Ambisonics Symposium (the
sets of channels of .amb files).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.errors import AuricleError

MAX_ORDER = 3
CHANNELS = "WXYZRSTUVKLMNOPQ"
SETS = {  # by the number of channels
    3: "WXY", 4: "WXYZ", 5: "WXYUV", 6: "WXYZUV", 7: "WXYUVPQ", 8: "WXYZUVPQ", 9: "WXYZRSTUV",
    11: "WXYZRSTUVPQ", 16: CHANNELS,
}  # fmt: skip
ACN = dict(zip(CHANNELS, (0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9), strict=True))
_FROM_SN3D = {  # FuMa's gain of a channel above that of SN3D
    "W": 0.5, "X": 1.0, "Y": 1.0, "Z": 1.0, "R": 1.0, "S": 4 / 3, "T": 4 / 3, "U": 4 / 3,
    "V": 4 / 3, "K": 1.0, "L": 45 / 32, "M": 45 / 32, "N": 9 / 5, "O": 9 / 5, "P": 8 / 5,
    "Q": 8 / 5,
}  # fmt: skip
GAINS = {name: float(np.sqrt(square)) for name, square in _FROM_SN3D.items()}


def order_of_fuma(n_channels: int) -> int:
    """The order of a file of so many channels; AuricleError where there is no such set."""
    if n_channels not in SETS:
        raise AuricleError(
            f"{n_channels} channels are no set of FuMa; those have {', '.join(map(str, SETS))}"
        )
    return 1 if n_channels < 5 else 2 if n_channels in (5, 6, 9) else 3


def sn3d_from_fuma(audio: ArrayLike) -> NDArray[np.float32]:
    """SN3D in ACN order ((N + 1)^2, n) of FuMa channels (C, n), C one of ``SETS``.

    Raises AuricleError for another number of channels.
    """
    given = np.asarray(audio, dtype=np.float32)
    out = np.zeros(((order_of_fuma(len(given)) + 1) ** 2, given.shape[1]), dtype=np.float32)
    for name, channel in zip(SETS[len(given)], given, strict=True):
        out[ACN[name]] = channel / np.float32(GAINS[name])
    return out
