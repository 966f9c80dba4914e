"""What is odd about an HRTF set, in sentences with the remedy; nothing is changed here."""

import numpy as np
from numpy.typing import NDArray


def set_findings(
    ir: NDArray[np.float64], positions: NDArray[np.float64], sample_rate: int, name: str = ""
) -> list[str]:
    """Sentences about responses (M, 2, N) at unit positions (M, 3)."""
    return []
