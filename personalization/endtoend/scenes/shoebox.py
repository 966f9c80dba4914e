"""Small rooms: mirror images of a source in six walls, each a later, softer source of its own.

Allen and Berkley 1979, JASA 65(4), 943-950, with walls that reflect alike at all frequencies. An
image is heard from its own direction, through the same ears.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from auricle.dsp.arrays import Array

MAX_ORDER = 2
_MARGIN_M = 0.4  # between all that moves and the walls


@dataclass(frozen=True)
class Room:
    """A shoebox with one corner at ``corner_m`` (3,), sides ``size_m`` (3,) along the axes.

    Attributes:
        reflection: (3, 2) what the walls give back of a sound's pressure: of each axis the wall at
            the corner, then the one across.
    """

    corner_m: Array
    size_m: Array
    reflection: Array


def draw_room(rng: np.random.Generator, places_m: Array) -> Room:
    """A small room, 3 to 7 m long, that holds the places (..., 3) of all that is in it."""
    flat = places_m.reshape(-1, 3)
    low, high = flat.min(axis=0) - _MARGIN_M, flat.max(axis=0) + _MARGIN_M
    wanted = rng.uniform([3.0, 3.0, 2.4], [7.0, 6.0, 3.4])
    size = np.maximum(wanted, high - low)
    corner = low - rng.random(3) * (size - (high - low))
    absorption = rng.uniform(0.15, 0.7, (3, 2))
    return Room(corner, size, np.sqrt(1.0 - absorption))


def images(source_m: Array, room: Room, order: int = MAX_ORDER) -> tuple[Array, Array]:
    """Ways (I, ..., 3) of the source's images and their gains (I,), the source itself first.

    Args:
        source_m: (..., 3) within the room.
        room: the walls.
        order: reflections at the most.
    """
    reach = range(-order, order + 1)
    cells = [each for each in product(reach, repeat=3) if sum(map(abs, each)) <= order]
    cells.sort(key=lambda cell: sum(map(abs, cell)))
    inside = source_m - room.corner_m
    ways, gains = [], []
    for cell in cells:
        n = np.array(cell)
        within = np.where(n % 2 == 0, inside, room.size_m - inside)
        ways.append(room.corner_m + n * room.size_m + within)
        # Going out past the far wall one meets that first, then the near one, and so on.
        first, second = (np.abs(n) + 1) // 2, np.abs(n) // 2
        near, far = np.where(n > 0, second, first), np.where(n > 0, first, second)
        gains.append(np.prod(room.reflection[:, 0] ** near * room.reflection[:, 1] ** far))
    return np.stack(ways), np.array(gains)
