"""The residual of a Gaussian prediction, as a few numbers, and how those are spread.

A residual field (directions, ears, bins) is divided by the spread that the prediction claims, so
that it is of one size everywhere and fades where there are measurements. Its smooth part is
spherical harmonics to order 7 of cosines over frequency (58 of 116); what is finer is described by
its variance alone. Both depend on the number of measured directions: few of them leave smooth
errors, many leave fine ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, idct

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.sphere.harmonics import degrees, encode, n_channels
from auricle.personalization.sparse.models.shared.base import N_EVALUATED

ORDER = 7
FINEST_ORDER = 15
N_COSINES = N_EVALUATED // 2
N_SMOOTH, N_ALL = n_channels(ORDER), n_channels(FINEST_ORDER)
_RIDGE = 1.0  # of the fit; a direction counts 1


def smooth_coefficients(positions: Array, field: NDArray) -> Float32:
    """Coefficients (B, 2, N_SMOOTH, N_COSINES) of fields (B, Q, 2, N_HEARD) over (Q, 3)."""
    design = encode(positions, ORDER, "n3d")
    gram = design.T @ design + _RIDGE * np.eye(N_SMOOTH)
    fitted = np.einsum("cq,bqef->becf", np.linalg.solve(gram, design.T), field, optimize=True)
    return dct(fitted, norm="ortho", axis=-1)[..., :N_COSINES].astype(np.float32)


def smooth_field(positions: Array, coefficients: NDArray) -> Float32:
    """The way back: fields (B, Q, 2, N_HEARD)."""
    spectra = idct(coefficients, n=N_EVALUATED, norm="ortho", axis=-1).astype(np.float32)
    design = encode(positions, ORDER, "n3d").astype(np.float32)
    return np.einsum("qc,becf->bqef", design, spectra, optimize=True)


def coarse_spectra(coefficients: NDArray) -> NDArray:
    """Cosines (..., N_COSINES) as spectra of N_COSINES points, where neighbours are neighbours."""
    return np.asarray(idct(coefficients, norm="ortho", axis=-1))


@dataclass(frozen=True)
class Spreads:
    """The sizes of coefficients, by the number of measured directions.

    Attributes:
        log_counts: (L,) of measured directions, rising.
        smooth: (L, ORDER + 1, N_COSINES) standard deviation by degree.
        fine: (L, N_HEARD) standard deviation, by cosine over frequency, of what is finer.
    """

    log_counts: Array
    smooth: Array
    fine: Array

    @classmethod
    def of(cls, counts: list[int], places: list[Array], fields: list[NDArray]) -> "Spreads":
        """The spreads of normalised fields.

        Args:
            counts: numbers of measured directions.
            places: (Q, 3) directions of each count's fields.
            fields: (B, Q, 2, N_HEARD) of each count.
        """
        smooth, fine = [], []
        of_degree = degrees(ORDER)
        for positions, field in zip(places, fields, strict=True):
            found = smooth_coefficients(positions, field)
            power = np.mean(found.astype(np.float64) ** 2, axis=(0, 1))
            by_degree = [power[of_degree == degree].mean(axis=0) for degree in range(ORDER + 1)]
            smooth.append(np.sqrt(by_degree))
            rest = dct(field - smooth_field(positions, found), norm="ortho", axis=-1)
            fine.append(np.sqrt(np.mean(rest.astype(np.float64) ** 2, axis=(0, 1, 2))))
        order = np.argsort(counts)
        return cls(
            np.log(np.asarray(counts, dtype=np.float64)[order]),
            np.stack(smooth)[order],
            np.stack(fine)[order],
        )

    def smooth_at(self, count: int) -> Array:
        """(N_SMOOTH, N_COSINES) for a number of measured directions."""
        return self._at(self.smooth, count)[degrees(ORDER)]

    def fine_at(self, count: int) -> Array:
        """The spread (N_HEARD,) of the finer field at a number of measured directions."""
        return self._at(self.fine, count)

    def drawn_fine(
        self, positions: Array, count: int, n_samples: int, rng: np.random.Generator
    ) -> Float32:
        """Gaussian fields of what is finer: degrees above ORDER, all alike.

        Args:
            positions: (Q, 3) unit vectors.
            count: of measured directions.
            n_samples: N.
            rng: draws them.

        Returns:
            (N, Q, 2, N_HEARD).
        """
        noise = rng.standard_normal((n_samples, 2, N_ALL - N_SMOOTH, N_EVALUATED), dtype=np.float32)
        noise *= (self.fine_at(count) / np.sqrt(N_ALL - N_SMOOTH)).astype(np.float32)
        spectra = idct(noise, norm="ortho", axis=-1)
        design = encode(positions, FINEST_ORDER, "n3d")[:, N_SMOOTH:].astype(np.float32)
        return np.einsum("qc,becf->bqef", design, spectra, optimize=True)

    def fine_variance(self, count: int) -> float:
        """The variance of a value of the finer field, the mean over the bins."""
        return float(np.mean(self.fine_at(count) ** 2))

    def _at(self, table: Array, count: int) -> Array:
        where = np.clip(np.log(count), self.log_counts[0], self.log_counts[-1])
        right = int(np.clip(np.searchsorted(self.log_counts, where), 1, len(self.log_counts) - 1))
        if len(self.log_counts) == 1:
            return table[0]
        left = right - 1
        width = self.log_counts[right] - self.log_counts[left]
        share = (where - self.log_counts[left]) / width
        return np.asarray((1.0 - share) * table[left] + share * table[right])
