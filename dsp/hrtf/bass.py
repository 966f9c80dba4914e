"""The bass that no loudspeaker in a laboratory plays: judged, and replaced by that of a sphere.

Below some 200 Hz measured responses hold what the loudspeaker, the window and the room left: the
far ear is the louder one (CIPIC), or there is nothing (MIT KEMAR, -15 dB at 50 Hz). A head is small
against such waves, so a rigid sphere of its size says what its ears get.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz

from auricle.dsp.acoustics.rigid_sphere import (
    MEAN_RADIUS_M,
    SOUND_SPEED_M_S,
    path_m,
    sphere_response,
)
from auricle.dsp.arrays import Array
from auricle.dsp.hrtf.head_radius import head_radius_m
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.responses.arrival import arrival_samples, smooth_field

SPHERE_BELOW_HZ, MEASURED_ABOVE_HZ = 200.0, 400.0
_JUDGED_HZ = (35.0, 70.0)
_LEVEL_STEP_DB, _ILD_STEP_DB = 8.0, 2.5  # from its level at 200 to 400 Hz; from the sphere's ILD
_LEAST_SIDE = 0.3  # |y| from which a direction has an ILD to speak of
_COMMON_TOP_HZ = 1500.0  # up to here the phase that all responses share is followed
_STEP_HZ = 6.0
_LEVEL_ORDER, _LEVEL_REACH_DB = 3, 2.0
_LEAST_SECONDS = 0.006
_BASS_WEIGHT, _SPLICE_WEIGHT = 100.0, 1.0
_ROWS = 64
_JUDGES = 200  # directions


@dataclass(frozen=True)
class BassJudgement:
    """Level in dB about 50 Hz, above that at 200 to 400 Hz; ILD there at the side; the sphere's."""

    level_db: float
    ild_at_side_db: float
    sphere_ild_db: float

    @property
    def plausible(self) -> bool:
        """Whether a head's ears could get this from a loudspeaker that plays bass."""
        return not (self._too_weak_or_strong or self._wrong_ears)

    @property
    def _too_weak_or_strong(self) -> bool:
        return abs(self.level_db) > _LEVEL_STEP_DB

    @property
    def _wrong_ears(self) -> bool:
        return abs(self.ild_at_side_db - self.sphere_ild_db) > _ILD_STEP_DB

    def sentence(self) -> str:
        """A sentence on what is odd; empty where nothing is."""
        said = []
        if self._too_weak_or_strong:
            said.append(f"at 50 Hz it is {self.level_db:+.0f} dB against 200 to 400 Hz")
        if self._wrong_ears:
            said.append(
                f"its ILD at the side is {self.ild_at_side_db:+.1f} dB at 50 Hz, a head's is "
                f"{self.sphere_ild_db:+.1f}"
            )
        if not said:
            return ""
        return (
            f"The bass is not that of a head, {' and '.join(said)}: a rigid sphere's is played "
            "below 200 Hz, unless bass=measured."
        )


def judged_bass(hrtf: HrtfSet) -> BassJudgement:
    """A judgement of the octave about 50 Hz of a set, by some 200 of its directions."""
    hrtf = hrtf.subset(np.arange(0, hrtf.n_directions, -(-hrtf.n_directions // _JUDGES)))
    size = _size(hrtf.sample_rate)
    hz = np.fft.rfftfreq(size, 1.0 / hrtf.sample_rate)
    bass = (hz >= _JUDGED_HZ[0]) & (hz < _JUDGED_HZ[1])
    above = (hz >= SPHERE_BELOW_HZ) & (hz < MEASURED_ABOVE_HZ)
    level, reference = np.empty((2, *hrtf.ir.shape[:2]))
    for at in range(0, len(hrtf.ir), _ROWS):
        some = slice(at, at + _ROWS)
        power = np.abs(np.fft.rfft(hrtf.ir[some], size)) ** 2
        for found, bins in ((level, bass), (reference, above)):
            found[some] = 10.0 * np.log10(np.maximum(power[..., bins].mean(axis=-1), 1e-20))
    y = hrtf.positions[:, 1]
    side = np.abs(y) > _LEAST_SIDE
    ends = sphere_response(
        max(hrtf.radius_m, 0.15), np.array([1.0, -1.0]), np.array([50.0]), MEAN_RADIUS_M
    )
    sphere_ild_db = float(20.0 * np.log10(np.abs(ends[0, 0] / ends[1, 0])))
    ild = level[:, 0] - level[:, 1]
    at_side = float(np.sum((y * ild)[side]) / np.sum(y[side] ** 2)) if np.any(side) else 0.0
    return BassJudgement(
        float(np.median(level - reference)), at_side if np.any(side) else sphere_ild_db,
        sphere_ild_db,
    )  # fmt: skip


def extended_bass(hrtf: HrtfSet) -> HrtfSet:
    """The set with a sphere's bass: the same above 400 Hz, below 200 Hz what a rigid sphere gets.

    Levels and phases pass from one to the other in between. The sphere has the head's radius and
    the set's distance; its level is the set's own at 200 to 400 Hz, smooth over directions. Phases
    that all responses share, as a loudspeaker's, come to rest below 200 Hz. Responses keep their
    length; what does not fit into it is cut.

    Source: Duda and Martens 1998, JASA 104:3048 (sphere); the splice is that of Xie 2009, JASA
    125:EL226, and Bernschuetz 2013, in level and phase apart.
    """
    size, rate = _size(hrtf.sample_rate), hrtf.sample_rate
    hz = np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)
    hz = hz[: int(np.searchsorted(hz, _COMMON_TOP_HZ))]
    ratio, sphere = _beside_sphere(hrtf, hz)
    common = _common_phase(ratio, hz)
    flat_db = _level_at_splice_db(_level_db(ratio), hz, hrtf.positions)[..., None]
    share = _rise(np.log2(np.maximum(hz, 1.0)) - np.log2(SPHERE_BELOW_HZ))
    n_taps = max(hrtf.n_taps, int(np.ceil(_LEAST_SECONDS * rate)))
    causal = _causal(hz, size, n_taps)
    ir = np.zeros((*hrtf.ir.shape[:2], n_taps))
    ir[..., : hrtf.n_taps] = hrtf.ir
    for at in range(0, len(ir), _ROWS):
        rows = slice(at, at + _ROWS)
        own = np.angle(ratio[rows] * np.exp(-1j * common))
        level_db = flat_db[rows] + share * (_level_db(ratio[rows]) - flat_db[rows])
        mixed = 10.0 ** (level_db / 20.0) * np.exp(1j * (common + share * own))
        ir[rows] += causal(sphere[rows] * (mixed - ratio[rows]))
    return replace(hrtf, ir=ir)


def _beside_sphere(
    hrtf: HrtfSet, hz: Array
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Spectra (M, 2, F) of the set over those of a sphere, and these.

    The sphere is at the middle of the head, as late as the responses are.
    """
    radius = head_radius_m(hrtf)
    cosine = np.stack([hrtf.positions[:, 1], -hrtf.positions[:, 1]], axis=1)
    distance = max(hrtf.radius_m, 1.5 * radius)
    arrivals = arrival_samples(hrtf.ir, hrtf.sample_rate, hrtf.positions) / hrtf.sample_rate
    way = path_m(distance, cosine, radius) / SOUND_SPEED_M_S
    middle = np.mean(arrivals - way, axis=1)
    seconds = np.arange(hrtf.n_taps) / hrtf.sample_rate
    transform = np.exp(-2j * np.pi * seconds[:, None] * hz)
    ratio = np.empty((*hrtf.ir.shape[:2], len(hz)), dtype=np.complex128)
    sphere = np.empty_like(ratio)
    for at in range(0, len(ratio), _ROWS):
        rows = slice(at, at + _ROWS)
        late = np.exp(-2j * np.pi * hz * middle[rows, None, None])
        sphere[rows] = sphere_response(distance, cosine[rows], hz, radius) * late
        ratio[rows] = (hrtf.ir[rows] @ transform) / sphere[rows]
    return ratio, sphere


def _level_db(ratio: NDArray[np.complex128]) -> Array:
    return np.asarray(20.0 * np.log10(np.maximum(np.abs(ratio), 1e-9)))


def _common_phase(ratio: NDArray[np.complex128], hz: Array) -> Array:
    """The phase (F,) that all responses (M, 2, F) share, unwrapped, a straight line to 0 Hz."""
    direction = ratio / np.maximum(np.abs(ratio), 1e-30)
    phase = np.unwrap(np.angle(direction.sum(axis=(0, 1))))
    splice, above = np.searchsorted(hz, [SPHERE_BELOW_HZ, 1.5 * SPHERE_BELOW_HZ])
    slope = (phase[above] - phase[splice]) / (hz[above] - hz[splice])
    # A real response has no other phases at 0 Hz; the nearest to where it goes takes least time.
    rest = np.pi * np.round((phase[splice] - slope * hz[splice]) / np.pi)
    phase[:splice] = rest + (phase[splice] - rest) * hz[:splice] / hz[splice]
    return phase


def _level_at_splice_db(level_db: Array, hz: Array, positions: Array) -> Array:
    """Level (M, 1) of the responses above the sphere's from 200 to 400 Hz, smooth over them."""
    inside = (hz >= SPHERE_BELOW_HZ) & (hz < MEASURED_ABOVE_HZ)
    own = level_db[..., inside].mean(axis=(1, 2))[:, None]
    if len(own) < 4 * (_LEVEL_ORDER + 1) ** 2:
        return np.full_like(own, np.median(own))
    return smooth_field(own, positions, _LEVEL_ORDER, _LEVEL_REACH_DB)


def _causal(hz: Array, size: int, n_taps: int) -> Callable[[NDArray[np.complex128]], Array]:
    """A function from low bins (M, 2, F) to responses (M, 2, n_taps).

    Their spectra are nearest to these bins, and to 0 above them. So little time holds no two bands
    of bass apart; what does not fit is left to the frequencies between the sphere and the
    measurement.
    """
    weight = np.ones(size // 2 + 1)
    below = np.searchsorted(hz, [SPHERE_BELOW_HZ, MEASURED_ABOVE_HZ])
    weight[: below[0]] = _BASS_WEIGHT
    weight[below[0] : below[1]] = _SPLICE_WEIGHT
    gram = np.fft.irfft(weight, size)[:n_taps]
    turn = 2.0 * np.pi / size * np.arange(len(hz))[:, None] * np.arange(n_taps)
    part = weight[: len(hz), None] / size
    part[1:] *= 2.0  # with the negative frequencies
    real, imaginary = (
        solve_toeplitz(gram, (part * wave).T).T for wave in (np.cos(turn), -np.sin(turn))
    )

    def causal(bins: NDArray[np.complex128]) -> Array:
        return np.asarray(bins.real @ real + bins.imag @ imaginary)

    return causal


def _size(sample_rate: int) -> int:
    return 1 << int(np.ceil(np.log2(sample_rate / _STEP_HZ)))


def _rise(x: Array) -> Array:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0.0, 1.0)))
