"""A listener's filters for ambisonics: from an HRTF set to one pair of filters a channel."""

from dataclasses import dataclass, fields

import numpy as np
import scipy.fft as fft
from numpy.typing import NDArray

from auricle.dsp.ambisonics.magnitude_least_squares import (
    blend_of,
    magnitude_least_squares,
    match_covariance,
)
from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.diffuse_field import diffuse_field_rms
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.gp_mixture import interpolate
from auricle.dsp.metrics.spectral import spectra_lsd_db
from auricle.dsp.preparation.cache import cache_folder, load_archive, save_archive, set_digest
from auricle.dsp.responses import arrival as alignment
from auricle.dsp.responses import minimum_phase
from auricle.dsp.sphere.grids import fibonacci_sphere
from auricle.dsp.sphere.harmonics import checked_order, conversion, encode
from auricle.dsp.sphere.mesh import SphereMesh, triangulate

VERSION = 1  # of everything that decides the filters
MAX_ORDER = 10
_DENSE = 1000  # measured directions from which on they are fitted themselves
_EVEN_DIRECTIONS = 1200  # predicted for a sparser set: 10 for each filter of order 10
_HOLE_SHARE = 0.2  # what a filled-in direction counts against a measured one
_LEAD_SECONDS = 1e-3  # from the start of a filter to the mean arrival: magnitude fits ring before
_TAIL_SECONDS = 4e-3
_ALIGNED_SAMPLES = 24
_FADE_IN, _FADE_OUT = 16, 32
_TRIM = 1e-4  # of the energy may be cut off behind; LSD does not change in the third digit
_TAP_STEP = 128


@dataclass(frozen=True)
class AmbisonicDecoder:
    """Filters that turn ambisonics into two ears.

    Attributes:
        filters: (C, 2, N) float32 for N3D channels in ACN order, ear 0 left.
        order: C = (order + 1)^2.
        latency_samples: by which the ears are later than with the set itself.
        sample_rate: Hz.
        lsd_db: mean log-spectral distance at measured directions, 200 Hz to 16 kHz, unsmoothed.
    """

    filters: NDArray[np.float32]
    order: int
    latency_samples: int
    sample_rate: int
    lsd_db: float

    def filters_for(self, normalisation: str) -> NDArray[np.float32]:
        """The filters (C, 2, N) for channels of a scale, "sn3d" or "n3d"."""
        gains = conversion(self.order, normalisation, "n3d")
        return (self.filters * gains[:, None, None]).astype(np.float32)


def ambisonic_decoder(
    hrtf: HrtfSet, sample_rate: int, order: int, level: str = "matched",
    match_coherence: bool = False,
) -> AmbisonicDecoder:  # fmt: skip
    """A decoder as ``design_decoder`` makes it, from the cache on disk where it lies there.

    Args:
        hrtf: any measured set, also with holes; resampled when its rate differs.
        sample_rate: Hz.
        order: 0 to 10.
        level: "matched" or "measured".
        match_coherence: keep the interaural coherence of a diffuse field.

    Raises:
        AuricleError: an order or a level that does not exist.
    """
    words = (
        f"ambisonics {VERSION} {hrtf.sample_rate} {sample_rate} {order} {level} {match_coherence}"
    )
    path = cache_folder() / f"{set_digest(hrtf, words)}.npz"
    stored = load_archive(path)
    names = [f.name for f in fields(AmbisonicDecoder)]
    if stored is not None and set(names) == set(stored):
        return AmbisonicDecoder(
            stored["filters"], int(stored["order"]), int(stored["latency_samples"]),
            int(stored["sample_rate"]), float(stored["lsd_db"]),
        )  # fmt: skip
    decoder = design_decoder(hrtf, sample_rate, order, level, match_coherence)
    save_archive(path, {name: getattr(decoder, name) for name in names})
    return decoder


def design_decoder(
    hrtf: HrtfSet, sample_rate: int, order: int, level: str = "matched",
    match_coherence: bool = False,
) -> AmbisonicDecoder:  # fmt: skip
    """Filters by magnitude least squares; seconds of work, so see ``ambisonic_decoder``.

    Args:
        hrtf: any measured set, also with holes; resampled when its rate differs.
        sample_rate: Hz.
        order: 0 to 10.
        level: "matched": the set to a mean diffuse-field power of 1, as the renderer of sources
            has it; "measured": as in the file.
        match_coherence: keep the interaural coherence of a diffuse field, at the cost of accuracy
            for single directions; for ambience and reverberation in low orders.

    Raises:
        AuricleError: an order or a level that does not exist.
    """
    checked_order(order, MAX_ORDER)
    if level not in ("matched", "measured"):
        raise AuricleError(f'level is "matched" or "measured", not {level!r}')
    hrtf = hrtf.resampled(sample_rate)
    mesh = triangulate(hrtf.positions)
    ir = np.asarray(hrtf.ir, dtype=np.float64)
    if level == "matched":
        ir = ir / diffuse_field_rms(ir, mesh, sample_rate)
    directions, responses, share, arrival = _field(ir, mesh, hrtf.positions, sample_rate)
    lead = round(_LEAD_SECONDS * sample_rate)
    tail = round(_TAIL_SECONDS * sample_rate)
    size = 1 << (ir.shape[2] + lead + tail - 1).bit_length()
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    hz = omega * sample_rate / (2.0 * np.pi)
    spectra = fft.rfft(responses, size) * np.exp(1j * omega * arrival)
    basis, blend = encode(directions, order, "n3d"), blend_of(hz)
    fitted = magnitude_least_squares(basis, spectra, share, blend)
    if match_coherence:
        fitted = match_covariance(fitted, basis, spectra, share, blend)
    fitted *= _diffuse_field_gain(fitted, basis, spectra, share, hz)
    latency = max(0, lead - arrival)
    filters = _windowed(fft.irfft(fitted * np.exp(-1j * omega * (arrival + latency)), size))
    wanted = minimum_phase.floored_magnitude(ir, size)
    found = np.einsum("mc,cen->men", encode(hrtf.positions, order, "n3d"), filters)
    error = [spectra_lsd_db(fft.rfft(found[:, e], size), wanted[:, e], hz).mean() for e in range(2)]
    return AmbisonicDecoder(
        filters.astype(np.float32), order, latency, int(sample_rate), float(np.mean(error))
    )


def _field(
    ir: Array, mesh: SphereMesh, positions: Array, sample_rate: int
) -> tuple[Array, Array, Array, int]:
    """Directions (Q, 3), responses (Q, 2, N), shares of the sphere (Q,), the mean arrival.

    Dense sets stand for themselves, with blends in their holes. Sparser ones would leave high
    orders free between their directions, so an even grid is predicted from them.
    """
    n_taps = ir.shape[2]
    arrivals = alignment.arrival_samples(ir, sample_rate, positions)
    aligned = alignment.shifted(ir, _ALIGNED_SAMPLES - arrivals, n_taps)
    known = len(mesh.measured)
    times, responses = mesh.fill(arrivals), mesh.fill(aligned)
    directions, share = mesh.vertices, vertex_areas(mesh)
    if known < _DENSE:
        directions = fibonacci_sphere(_EVEN_DIRECTIONS)
        share = np.full(_EVEN_DIRECTIONS, 1.0 / _EVEN_DIRECTIONS)
        responses, times = interpolate(responses, times, mesh.vertices, directions, trusted=known)
    full = alignment.shifted(responses, times - _ALIGNED_SAMPLES, n_taps)
    arrival = round(float(share @ times.mean(axis=1)))
    if known >= _DENSE:
        full[:known] = ir[mesh.measured]
        share[known:] *= _HOLE_SHARE
    return directions, full, share, arrival


def _diffuse_field_gain(
    fitted: NDArray, basis: Array, spectra: NDArray, share: Array, hz: Array
) -> float:
    """What brings the filters to the set's power over the sphere, ears and 200 Hz to 16 kHz."""
    heard = (hz >= 200.0) & (hz <= 16000.0)
    found = np.einsum("mc,cef->mef", basis, fitted[..., heard])
    powers = [np.einsum("m,mef->", share, np.abs(s) ** 2) for s in (spectra[..., heard], found)]
    return float(np.sqrt(powers[0] / powers[1]))


def vertex_areas(mesh: SphereMesh) -> Array:
    """Part of the sphere (V,) that belongs to each vertex; the sum is 1."""
    corners = mesh.vertices[mesh.triangles]
    sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.repeat(np.linalg.norm(sides, axis=1), 3)
    share = np.bincount(mesh.triangles.ravel(), area, minlength=len(mesh.vertices))
    return share / share.sum()


def _windowed(filters: Array) -> Array:
    """The filters faded in and out, in as few taps as hold nearly all of their energy."""
    energy = np.cumsum(np.sum(filters**2, axis=(0, 1)))
    # What rings before the first sample has come round to the end and is not counted.
    heard = int(np.searchsorted(energy, (1.0 - _TRIM) * energy[-len(energy) // 8]))
    n_taps = -(-(heard + _FADE_OUT) // _TAP_STEP) * _TAP_STEP
    n_taps = min(n_taps, filters.shape[2])
    window = np.ones(n_taps)
    window[:_FADE_IN] = np.sin(np.linspace(0.0, np.pi / 2.0, _FADE_IN)) ** 2
    window[-_FADE_OUT:] = np.cos(np.linspace(0.0, np.pi / 2.0, _FADE_OUT)) ** 2
    return filters[..., :n_taps] * window
