"""Whether a measured listener is among those that ship: told by the responses, not by a name.

A prediction for somebody from whom the method has learned is better than it would be for anybody
else, and errors to expect do not hold.
"""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.personalization.listeners.features import EVALUATED_BINS, Features
from auricle.personalization.listeners.listener_data import ListenerGroup

# Distance in dB, without the mean over directions and ears, from the nearest listener as they ship
# (in harmonics of order 10). Those that ship are 1.5 to 3.6 dB from themselves, and nearly all 1.4
# times as far from the next; people of other laboratories 3.7 to 7 dB from the nearest, at most
# 1.14 times as far from the next. Of two measurements of one head both are near.
SURELY_DB = 3.0
NEAR_DB, TIMES_NEARER = 4.0, 1.3


def is_among(seen: Features, positions: Array, train: ListenerGroup) -> bool:
    """Whether the listener of these features is one of a group.

    Args:
        seen: magnitudes (K, 2, F) in dB and arrival times, at any level.
        positions: (K, 3) unit vectors, two or more.
        train: the group.
    """
    there = train.at(positions).magnitude_db[..., EVALUATED_BINS]
    apart = there - seen.magnitude_db[..., EVALUATED_BINS]
    apart = apart - apart.mean(axis=(1, 2), keepdims=True)
    distance_db = np.sqrt(np.mean(apart**2, axis=(1, 2, 3)))
    nearest, next_one = np.partition(distance_db, 1)[:2]
    clear = nearest < NEAR_DB and next_one > TIMES_NEARER * nearest
    return bool(nearest < SURELY_DB or clear)
