"""A prepared set: a mesh, tables of gains and delays over it, and the bus filters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.distance.near_field import NearFieldTable
from auricle.dsp.preparation.played_errors import PlayedErrors
from auricle.dsp.sphere.mesh import SphereMesh


@dataclass(frozen=True)
class PreparedSet:
    """Tables for the renderer, all of one sample rate; K buses an ear, V vertices.

    Attributes:
        mesh: triangulation; its first vertices are measured directions.
        gains: (V, 2K + 2H) float32 bus gains, left ear's first, then those of the first H buses
            for the source without any delay.
        delays: (V, 2) float64 in samples, all at least what the delay filter needs.
        filters: (2, K, N) float32 bus filters by ear; None at full rank (bus k is tap k).
        head_taps: H; 0 at low rank.
        delay_taps: taps of the fractional-delay filters.
        latency_samples: what was added to every delay; 0 unless a set starts with no silence.
        sample_rate: Hz.
        report: one line on the rank and what is played with it.
        errors: of what is played, at measured directions and at those left out.
        near: what changes when sources come near; None for a set that was measured near.
    """

    mesh: SphereMesh
    gains: NDArray[np.float32]
    delays: NDArray[np.float64]
    filters: NDArray[np.float32] | None
    head_taps: int
    delay_taps: int
    latency_samples: int
    sample_rate: int
    report: str
    errors: PlayedErrors
    near: NearFieldTable | None = None

    @property
    def rank(self) -> int:
        """Buses an ear."""
        return self.gains.shape[1] // 2 - self.head_taps

    @property
    def tail_samples(self) -> int:
        """The number of samples for which a sound rings on after its last one."""
        taps = self.rank if self.filters is None else self.filters.shape[2]
        return int(np.ceil(self.delays.max())) + self.delay_taps + taps
