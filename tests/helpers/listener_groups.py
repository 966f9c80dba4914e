"""Listeners made by formula: smooth random deviations from a smooth head, over one grid."""

import numpy as np
from pulse_head import full_sphere

from auricle.dsp.sphere.harmonics import encode
from auricle.personalization.listeners.features import BINS
from auricle.personalization.listeners.listener_data import ListenerGroup

ORDER = 4
GRID = full_sphere(20.0)  # its mirror image is itself


def some_listeners(count: int = 24, seed: int = 0) -> ListenerGroup:
    """Listeners whose ears deviate by some 3 dB and 20 us, in patterns of order 4."""
    random = np.random.default_rng(seed)
    patterns = np.random.default_rng(99).normal(size=(6, (ORDER + 1) ** 2, BINS))
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / 4.0) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    patterns = np.apply_along_axis(np.convolve, -1, patterns, kernel, "same") * (3.0 / 150.0**0.5)
    weights = random.normal(size=(count, 2, 6))
    weights[:, 1] = 0.7 * weights[:, 0] + 0.7 * weights[:, 1]
    ears = []
    for ear, mirror in enumerate((1.0, -1.0)):
        places = GRID * [1.0, mirror, 1.0]
        shade = 0.5 * (1.0 - places[:, 1])
        head = 10.0 - 14.0 * shade[:, None] * np.arange(BINS) / BINS
        own = np.einsum("mc,pcf,bp->bmf", encode(places, ORDER, "n3d"), patterns, weights[:, ear])
        ears.append(head + own)
    size = 1.0 + 0.08 * random.normal(size=(count, 1))
    late = 300e-6 * size * GRID[:, 1]
    return ListenerGroup(
        GRID,
        np.stack(ears, axis=2).astype(np.float32),
        1e-3 + np.stack([-late, late], axis=2),
        "formula",
    )
