"""Localisation by simulated listeners with what a method predicts, and with their own ears.

The simulated listener of ``auricle.personalization.metrics.observer`` knows its own ears as they
were measured, and hears directions that are drawn once, in minimum phase behind the arrivals.
"""

import numpy as np

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.listeners.features import Features, to_hrtf_set
from auricle.personalization.metrics.observer import localise

DIRECTIONS, REPETITIONS = 200, 10
OBSERVED = ("lateral_rms_deg", "polar_rms_deg", "quadrant_error_percent")


def observed_errors(own: HrtfSet, heard: Features) -> dict[str, float]:
    """Errors by name of the owner of ``own`` who hears features over the same directions."""
    some = np.random.default_rng(0).permutation(own.n_directions)[:DIRECTIONS]
    sound = to_hrtf_set(heard.at(some), own.positions[some], own.radius_m, own.sample_rate)
    found = localise(own, sound, repetitions=REPETITIONS)
    return {name: float(getattr(found, name)) for name in OBSERVED}
