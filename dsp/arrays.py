"""Names for the types of arrays; shapes, units and orders stand in the docstrings."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Float32: TypeAlias = NDArray[np.float32]
Int64: TypeAlias = NDArray[np.int64]
Complex: TypeAlias = NDArray[np.complex128]
