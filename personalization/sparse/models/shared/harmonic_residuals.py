"""Residuals of listeners as coefficients of spherical harmonics, for models that work on them."""

import torch

from auricle.dsp.sphere.harmonics import degrees, encode
from auricle.personalization.sparse.models.shared.base import Residuals


def design(positions: torch.Tensor, order: int) -> torch.Tensor:
    """Spherical harmonics (K, C) at directions (K, 3), N3D."""
    return torch.from_numpy(encode(positions.double().numpy(), order, "n3d")).float()


def coefficients(known: Residuals, order: int, strength: float) -> torch.Tensor:
    """Coefficients of harmonics fitted to residuals at any directions.

    Least squares with the penalty of Duraiswami et al. 2004. Few directions give small
    coefficients, not wild ones.

    Args:
        known: residuals (B, K, 2, F) and their directions.
        order: of the harmonics.
        strength: times 1 + n (n + 1) it is the penalty of degree n.

    Returns:
        (B, C, 2, F).
    """
    y = design(known.positions, order).double()
    n = torch.from_numpy(degrees(order)).double()
    gram = y.T @ y / len(y) + strength * torch.diag(1.0 + n * (n + 1.0))
    fit = torch.linalg.solve(gram, y.T / len(y)).float()
    return torch.einsum("ck,bkef->bcef", fit, known.db)


def field(found: torch.Tensor, positions: torch.Tensor, order: int) -> torch.Tensor:
    """Residuals from coefficients of harmonics.

    Args:
        found: (B, C, 2, F) coefficients.
        positions: (Q, 3) unit vectors.
        order: of the harmonics.

    Returns:
        (B, Q, 2, F).
    """
    return torch.einsum("qc,bcef->bqef", design(positions, order), found)
