# mypy: disable-error-code="no-untyped-def"
"""A mailbox without a lock: one thread offers vectors, one takes the newest, neither ever waits.

Three slots: the offerer fills one, the taker reads another, and the third lies between them. To
offer and to take is to exchange one's own slot for the one in the middle, in one atomic operation;
so no vector is ever read half written, and what was not taken in time is replaced by what is newer.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import CACHE
from auricle.dsp.compiled.records import f64, i64
from auricle.plugin_core.live.audio_thread.atomics import exchange, load_acquire

ATOMICS = "020cae6ccd64"  # the text of atomics.py that is compiled into the kernels below

SLOT, FRESH = 3, 4  # bits of the middle: which slot lies there, and whether it has yet to be taken
MIDDLE, PUBLISHER, RECEIVER = 0, 16, 32  # cells, each in a cache line of its own
CELLS = 48

# Called from Python with its lock held: to give that up takes milliseconds until it is had again.
_OPTIONS: dict[str, Any] = {"nogil": False, "error_model": "numpy", "cache": CACHE}


def slots(width: int) -> NDArray[np.float64]:
    """The three slots (3, width)."""
    return np.zeros((3, width))


def cells() -> NDArray[np.int64]:
    """Who holds which slot."""
    held = np.zeros(CELLS, dtype=np.int64)
    held[MIDDLE], held[PUBLISHER], held[RECEIVER] = 0, 1, 2
    return held


@njit(**_OPTIONS)
def publish(values, slots, cells):
    """Put a vector (W,) into the mailbox; whether that replaced one that nobody has taken."""
    own = cells[PUBLISHER]
    for i in range(len(values)):
        slots[own, i] = values[i]
    before = exchange(cells, MIDDLE, own | FRESH)
    cells[PUBLISHER] = before & SLOT
    return (before & FRESH) != 0


@njit(**_OPTIONS)
def receive(cells):
    """Whether there was a new vector; it then lies in slot ``cells[RECEIVER]``."""
    if (load_acquire(cells, MIDDLE) & FRESH) == 0:
        return False
    before = exchange(cells, MIDDLE, cells[RECEIVER])
    cells[RECEIVER] = before & SLOT
    return True


PUBLISH = Routine(publish, types.boolean(f64(1), f64(2), i64(1)))
RECEIVE = Routine(receive, types.boolean(i64(1)))
