"""Radial velocity: how fast a source comes nearer to each ear, as a condition of any network.

DopplerBAS (Liu et al. 2023, "DopplerBAS: binaural audio synthesis addressing Doppler effect",
section 3): the source's velocity in spherical axes around each ear; only its radial part shifts
frequencies, so only that is given to the network, one number an ear.
"""

import torch

from auricle.personalization.endtoend.physics.geometric_warp import ear_distances_m
from auricle.personalization.endtoend.physics.poses import RATE, STEP

N_FEATURES = 2


def radial_velocities_m_s(apparent_m: torch.Tensor) -> torch.Tensor:
    """Velocities (B, K, E) during each step, positive where a source at (B, K + 1, 3) goes away.

    Between poses places move on straight lines, so this is the mean over the step, and just what
    the warp does. A head that turns moves its ears: that counts too.
    """
    return torch.diff(ear_distances_m(apparent_m), dim=1) * (RATE / STEP)


def velocity_features(apparent_m: torch.Tensor) -> torch.Tensor:
    """Conditions (B, K, 2) for a network: radial velocities, left and right, near 1 in size.

    asinh of metres per second: linear for a turning head (0.5 m/s), a few units for a car.
    """
    return torch.asinh(radial_velocities_m_s(apparent_m))
