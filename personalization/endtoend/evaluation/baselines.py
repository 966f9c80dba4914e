"""Baselines of learned systems: physics alone, and responses rendered explicitly.

The mean of people, and listeners predicted from a few directions, are made of the people who train
alone; both come in the form of ``listeners``, so that only what is known of the listener differs.
"""

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.dsp.arrays import Float32
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.endtoend.listeners.known_people import FEW, KnownPeople
from auricle.personalization.endtoend.listeners.people import Listeners, led
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp
from auricle.personalization.endtoend.physics.poses import RATE, Poses
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer
from auricle.personalization.listeners.features import Features, to_hrtf_set
from auricle.personalization.listeners.statistics import mean_listener


def warp(mono: Float32, poses: Poses) -> Float32:
    """Both ears (2, T) by geometry alone: distance of two points, nothing between them."""
    given = torch.from_numpy(np.asarray(mono, dtype=np.float32))[None]
    places = torch.from_numpy(poses.apparent_m.astype(np.float32))[None]
    return geometric_warp(given, places)[0].numpy()


class ExplicitSets:
    """Sets, in the form of ``listeners``, through which the explicit renderer renders.

    Args:
        listeners: harmonised, with their roles.
    """

    def __init__(self, listeners: Listeners) -> None:
        self._people = KnownPeople(listeners, listeners.laboratories)

    @cached_property
    def population(self) -> HrtfSet:
        """The mean of the people who train."""
        people = self._people.training
        mean = mean_listener(people)
        found = Features(mean.magnitude_db[0], mean.arrival_seconds[0])
        return set_of(found, people.positions, "mean of the people who train")

    @cached_property
    def population_renderer(self) -> ExplicitRenderer:
        """Renders through it; to prepare a set takes seconds."""
        return ExplicitRenderer(self.population)

    def personal(self, row: int) -> HrtfSet:
        """A listener predicted from ``FEW`` directions and the people who train."""
        laboratory, own = self._people.place(row)
        known = len(self._people.training_rows(laboratory)) > 0
        process = self._people.within if known else self._people.across
        features = self._people.features[laboratory]
        measured = features.listener(own, self._people.few_rows(row))
        grid = self._people.training.positions
        found = process.predict(measured, grid)
        seen = Features(found.magnitude_db, found.arrival_seconds)
        return set_of(seen, grid, f"predicted from {FEW} directions")


def set_of(found: Features, positions: NDArray[np.float64], name: str) -> HrtfSet:
    """Features as responses in the form of ``listeners``: lead, level, rate and length.

    Args:
        found: features of one listener.
        positions: (M, 3) unit vectors.
        name: of the set.
    """
    made = to_hrtf_set(found, positions, 1.5, RATE)
    return HrtfSet(led(np.asarray(made.ir, np.float64), positions), positions, 1.5, RATE, name)
