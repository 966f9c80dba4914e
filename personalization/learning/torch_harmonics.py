"""Real spherical harmonics in torch, as ``auricle.dsp.sphere.harmonics`` has them (N3D, ACN)."""

from functools import lru_cache

import numpy as np
import torch

from auricle.dsp.sphere.harmonics import conversion, n_channels


def n_harmonics(order: int) -> int:
    """Harmonics of an order: (order + 1)^2."""
    return n_channels(order)


def harmonics(directions: torch.Tensor, order: int) -> torch.Tensor:
    """Harmonics (..., C) of unit vectors (..., 3), differentiable; mean square 1 over the sphere.

    Source: the recurrences of ``auricle.dsp.sphere.harmonics.encode``.
    """
    x, y, z = directions.unbind(-1)
    columns: dict[int, torch.Tensor] = {}
    cosine, sine = torch.ones_like(z), torch.zeros_like(z)
    first = 1.0
    for m in range(order + 1):
        if m > 0:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
            first *= 1.0 if m == 1 else float(np.sqrt((2.0 * m - 1.0) / (2.0 * m)))
        before, legendre = torch.zeros_like(z), torch.full_like(z, first)
        for n in range(m, order + 1):
            if n > m:
                following = (2.0 * n - 1.0) * z * legendre
                following = following - float(np.sqrt((n - 1.0) ** 2 - m**2)) * before
                before, legendre = legendre, following / float(np.sqrt(n * n - m * m))
            columns[n * (n + 1) + m] = legendre * cosine
            if m > 0:
                columns[n * (n + 1) - m] = legendre * sine
    stacked = torch.stack([columns[k] for k in range(len(columns))], dim=-1)
    return stacked * _gains(order).to(stacked)


@lru_cache(maxsize=4)
def _gains(order: int) -> torch.Tensor:
    return torch.from_numpy(conversion(order, "sn3d", "n3d"))
