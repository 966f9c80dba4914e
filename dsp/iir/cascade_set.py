"""Filters of a listener for the low-cost path: second-order sections behind a delay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.errors import AuricleError
from auricle.dsp.iir.cascade_kernels import LEAST_DELAY
from auricle.dsp.sphere.mesh import SphereMesh, triangulate


@dataclass(frozen=True)
class CascadeSet:
    """Filters of a listener.

    Attributes:
        mesh: over the V directions.
        coefficients: (V, 2, N, 5) float32 b0 b1 b2 a1 a2; a0 is 1.
        delays: (V, 2) in samples, at least LEAST_DELAY.
        sample_rate: in Hz.
    """

    mesh: SphereMesh
    coefficients: Float32
    delays: Array
    sample_rate: int

    @classmethod
    def of(
        cls, positions: ArrayLike, coefficients: ArrayLike, delays: ArrayLike, sample_rate: int
    ) -> "CascadeSet":
        """A set from filters and delays at directions.

        Args:
            positions: (M, 3) unit vectors.
            coefficients: (M, 2, N, 5) second-order sections.
            delays: (M, 2) samples.
            sample_rate: Hz.

        Raises:
            AuricleError: shapes that do not fit, or filters that are not stable.
        """
        filters = np.asarray(coefficients, dtype=np.float64)
        late = np.asarray(delays, dtype=np.float64)
        if filters.ndim != 4 or filters.shape[1::2] != (2, 5) or filters.shape[:2] != late.shape:
            raise AuricleError(
                "filters must be (M, 2, N, 5) and delays (M, 2), got "
                f"{filters.shape} and {late.shape}"
            )
        a1, a2 = filters[..., 3], filters[..., 4]
        bad = ~((np.abs(a2) < 1.0) & (np.abs(a1) < 1.0 + a2) & np.all(np.isfinite(filters), -1))
        if np.any(bad):
            m, ear, n = np.argwhere(bad)[0]
            raise AuricleError(f"filter {n} of ear {ear} at direction {m} is not stable")
        if not np.all((late >= LEAST_DELAY) & np.isfinite(late)):
            raise AuricleError(
                f"delays must be {LEAST_DELAY} samples or more, got {np.min(late)}; add to all"
            )
        mesh = triangulate(positions)
        return cls(
            mesh,
            np.ascontiguousarray(mesh.fill(filters), dtype=np.float32),
            np.ascontiguousarray(mesh.fill(late)),
            sample_rate,
        )
