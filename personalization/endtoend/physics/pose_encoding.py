"""Poses as numbers that a network can take in: direction, nearness, and slow waves of them."""

import torch

from auricle.personalization.endtoend.physics.geometric_warp import LEAST_DISTANCE_M
from auricle.personalization.endtoend.physics.radial_velocity import N_FEATURES, velocity_features

_WAVES = (2.0, 4.0)  # radians along a half axis of the sphere


def n_coordinates() -> int:
    """Numbers of ``coordinates``."""
    return 5


def coordinates(apparent_m: torch.Tensor) -> torch.Tensor:
    """Unit direction, log distance and nearness (..., 5) of places (..., 3), each about 1."""
    distance = torch.linalg.vector_norm(apparent_m, dim=-1, keepdim=True)
    distance = distance.clamp_min(LEAST_DISTANCE_M)
    near = LEAST_DISTANCE_M / distance
    return torch.cat([apparent_m / distance, 0.5 * torch.log(distance), near], dim=-1)


def n_pose_features(doppler: bool) -> int:
    """Numbers of ``pose_features``."""
    return n_coordinates() + 3 * 2 * len(_WAVES) + (N_FEATURES if doppler else 0)


def pose_features(apparent_m: torch.Tensor, doppler: bool) -> torch.Tensor:
    """Conditions (B, K, P) of each step, from the pose in its middle.

    Args:
        apparent_m: (B, K + 1, 3) metres.
        doppler: with the velocities of ``radial_velocity``.
    """
    middle = coordinates(0.5 * (apparent_m[:, :-1] + apparent_m[:, 1:]))
    direction = middle[..., :3]
    parts = [middle]
    for wave in _WAVES:
        parts += [torch.sin(wave * direction), torch.cos(wave * direction)]
    if doppler:
        parts.append(velocity_features(apparent_m))
    return torch.cat(parts, dim=-1)
