"""Names for what is made of words and arrays: the same name for the same bytes alone."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest_of(words: str, *arrays: NDArray[Any], size: int = 32) -> str:
    """The first ``size`` hexadecimal digits of a SHA-256.

    Args:
        words: what is made, in which version, and how.
        arrays: what it is made of; their shapes count too.
        size: 1 to 64.
    """
    digest = hashlib.sha256(words.encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:size]
