"""Small made-up listeners and quick plans for the tests of learned methods."""

import numpy as np

from auricle.dsp.geometry import unit_vectors
from auricle.personalization.listeners.listener_data import ListenerGroup


def listeners(n=12, seed=0):
    """Listeners whose magnitudes are few smooth patterns over 62 directions, and their ITD."""
    rng = np.random.default_rng(seed)
    azimuth, elevation = np.meshgrid(np.arange(0, 360, 30), [-40, -20, 0, 20, 40])
    positions = unit_vectors(
        np.append(azimuth.ravel(), [0, 0]), np.append(elevation.ravel(), [90, -75])
    )
    waves = np.cos(np.pi * np.arange(129)[None] * rng.uniform(1, 4, (3, 1)) / 129)
    who = rng.standard_normal((n, 3, 3))
    side = np.stack([positions, positions * [1, -1, 1]], axis=1)  # the right ear in the mirror
    magnitude = 3.0 * np.einsum("bkd,med,kf->bmef", who, side, waves)
    head = 7e-4 + 5e-5 * who[:, 0, :1]
    half = 0.5 * head * positions[:, 1]
    arrivals = 1e-3 + np.stack([-half, half], axis=-1)
    magnitude += 0.3 * rng.standard_normal(magnitude.shape)
    arrivals += 3e-6 * rng.standard_normal(arrivals.shape)
    return ListenerGroup(positions, magnitude.astype(np.float32), arrivals, "made up")
