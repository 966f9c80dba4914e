"""Heads made by formula for the tests: pulses with the arrival times and levels of a sphere."""

import numpy as np

from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet

HEAD_RADIUS_M = 0.0875
SOUND_SPEED_M_S = 343.0


def full_sphere(spacing_deg: float = 20.0) -> np.ndarray:
    """Positions (M, 3): rings of constant elevation from pole to pole, no direction twice."""
    rings = [np.array([[0.0, 0.0, -1.0]])]
    for elevation in np.arange(-90.0 + spacing_deg, 89.0, spacing_deg):
        n = max(int(round(360.0 * np.cos(np.deg2rad(elevation)) / spacing_deg)), 4)
        rings.append(unit_vectors(np.arange(n) * 360.0 / n, elevation))
    return np.concatenate([*rings, [[0.0, 0.0, 1.0]]])


def itd_seconds(positions: np.ndarray) -> np.ndarray:
    """Woodworth's ITD (M,), positive = left later, for sources on the right."""
    lateral = np.arcsin(np.clip(-positions[:, 1], -1.0, 1.0))
    return HEAD_RADIUS_M / SOUND_SPEED_M_S * (lateral + np.sin(lateral))


def pulse_head(
    positions: np.ndarray | None = None,
    sample_rate: int = 48000,
    n_taps: int = 256,
    *,
    onset_seconds: float = 0.001,
    **fields,
) -> HrtfSet:
    """A set of band-limited pulses that arrive by Woodworth's ITD, 16 dB of ILD at the sides."""
    positions = full_sphere() if positions is None else np.asarray(positions)
    half = 0.5 * itd_seconds(positions)
    arrival = sample_rate * (onset_seconds + np.stack([half, -half], axis=1))
    gain = 10.0 ** (0.4 * np.stack([positions[:, 1], -positions[:, 1]], axis=1))
    t = np.arange(n_taps) - arrival[..., None]
    pulse = 0.8 * np.sinc(0.8 * t) * np.exp(-0.5 * (t / 12.0) ** 2)
    ir = gain[..., None] * pulse
    return HrtfSet(ir, positions, 1.5, sample_rate, **{"name": "sphere", **fields})
