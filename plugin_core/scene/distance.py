"""What a track's ``distance`` block turns into: the one place where effects of distance plug in.

A law gives the level at each distance (``DistanceLaw``); delay and air absorption belong into the
renderer, which gets them per source from here once it can.
"""

from auricle.plugin_core.feed import DistanceLaw, InverseDistance, NoDistance
from auricle.plugin_core.scene.model import Distance
from auricle.plugin_core.scene.schema import KeyProblem


def distance_law(distance: Distance) -> DistanceLaw:
    """The law of the level.

    Raises:
        KeyProblem: an effect that the renderer does not have.
    """
    for name in ("delay", "air_absorption"):
        if getattr(distance, name):
            raise KeyProblem(name, "the renderer does not have this yet; set it to false")
    if not distance.gain:
        return NoDistance()
    return InverseDistance(distance.reference_m, distance.floor_m)
