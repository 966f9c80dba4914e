"""Head radius: the sphere whose arrival times are those of the set."""

import numpy as np

from auricle.dsp.acoustics.rigid_sphere import MEAN_RADIUS_M, SOUND_SPEED_M_S, path_m
from auricle.dsp.arrays import Array
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.responses.arrival import arrival_samples

LEAST_RADIUS_M, LARGEST_RADIUS_M = 0.065, 0.115
_LEAST_SIDE = np.sin(np.deg2rad(20.0))  # in the middle an ITD says nothing of the size


def head_radius_m(hrtf: HrtfSet) -> float:
    """Radius in metres of the sphere whose interaural time differences are most like the set's.

    The mean radius of heads, 87.5 mm, where the set tells none: no direction at a side, or ITDs
    that no head has, since they were taken out or the file is odd.

    Source: Algazi, Avendano and Duda 2001, JAES 49:472 (a sphere fitted to the ITD); here the
    weighted median over directions, which a few bad onsets do not move.
    """
    aside = np.abs(hrtf.positions[:, 1]) > _LEAST_SIDE
    if not np.any(aside):
        return MEAN_RADIUS_M
    chosen = hrtf.subset(aside)
    arrivals = arrival_samples(chosen.ir, chosen.sample_rate, chosen.positions)
    itd_m = (arrivals[:, 0] - arrivals[:, 1]) * SOUND_SPEED_M_S / chosen.sample_rate
    radius = MEAN_RADIUS_M
    for _ in range(4):
        side = chosen.positions[:, 1]
        distance = max(chosen.radius_m, 1.5 * radius)
        model = path_m(distance, side, radius) - path_m(distance, -side, radius)
        radius *= _weighted_median(itd_m / model, np.abs(model))
        if not LEAST_RADIUS_M <= radius <= LARGEST_RADIUS_M:
            return MEAN_RADIUS_M
    return float(radius)


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    half = int(np.searchsorted(np.cumsum(weights[order]), 0.5 * np.sum(weights)))
    return float(values[order][min(half, len(order) - 1)])
