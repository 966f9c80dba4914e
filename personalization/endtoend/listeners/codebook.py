"""The codebook between HRTF sets and listeners' codes: a listener as a few numbers.

A code holds principal components of how people deviate from the mean listener (Kistler and Wightman
1992, JASA 91:1637, there of single directions; here of all directions, both ears and the arrival
times at once, in spherical harmonics, so that any grid will do). People and their mirror images
teach the components together, so each is even or odd: a mirrored listener has the same code with
the signs of the odd ones turned. Over listeners each number is near normal with variance 1; the
unknown listener is 0.
"""

import os
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.sphere.harmonics import encode, n_channels, order_of
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.learning.weights import Weights, check_shapes, fitting
from auricle.personalization.listeners.features import (
    EVALUATED_BINS,
    SAMPLE_RATE,
    SIZE,
    Features,
    features_of,
    to_all_bins,
)
from auricle.personalization.listeners.listener_data import MIRROR, ListenerGroup, MeasuredListener
from auricle.personalization.sparse.method import Method
from auricle.personalization.sparse.methods.other_laboratory import equipment_db

SIZE_OF_CODE = 64
# Of a code's numbers, in standard deviations over people: the largest of one, and the root mean
# square of all, as far out as anybody of HUTUBS and CIPIC who trains.
MOST_CODE, MOST_RMS = 4.0, 1.36
# The root mean square beyond which a set is not as people's are. The largest of one number does
# not tell: ordinary people of SADIE I reach 7, from the equipment. All people of four laboratories
# have 1.6 at most, but for one whose head was turned by some 25 degrees (3.6); a set upside down
# has 1.8, one that is no head 4.
UNLIKE_RMS = 1.7
ORDER = 6  # of the harmonics of the components
_MEAN_ORDER = 15
_SHARE_OF_ARRIVALS = 0.3  # of a code's numbers
_RIDGE_OF_FIELDS = 1e-3  # of the fits, beside a mean square of a harmonic of 1
_RIDGE_OF_BINS, _RIDGE_OF_ARRIVALS = 0.02, 1.0  # variance in dB^2 and us^2 taken for noise
_EVEN_HZ = 2000.0  # below it all bins weigh alike, above it as their share of an octave
_N_HEARD = EVALUATED_BINS.stop - EVALUATED_BINS.start
# D numbers of a code, C and M harmonics.
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "codes.mean": ("M", _N_HEARD + 1),
    "codes.basis": ("D", "C", _N_HEARD + 1),
    "codes.step": ("D", 1, _N_HEARD + 1),
    "codes.parity": ("D",),
}
_LEVEL = slice(2, 12)  # bins of the level: 340 Hz to 1.9 kHz, as of the people of scenes


class Codebook:
    """Codes of listeners, and listeners of codes.

    Args:
        mean: (C', P) the mean listener's left ear: decibels at the bins heard, then arrival in us.
        basis: (D, C, P) the components' left ears.
        parity: (D,) 1 where the right ear is the mirror image of the left, -1 where its negative.
    """

    def __init__(self, mean: Float32, basis: Float32, parity: Float32) -> None:
        self.mean, self.basis, self.parity = mean, basis, parity
        self.is_arrival = ~np.any(basis[..., :-1], axis=(1, 2))
        self._value_weights = np.append(_bin_weights(), 1.0).astype(np.float32)
        self._order, self._mean_order = order_of(basis.shape[1]), order_of(mean.shape[0])

    @property
    def size(self) -> int:
        """Numbers D of a code."""
        return len(self.basis)

    @property
    def unknown(self) -> Float32:
        """The code (D,) of a listener of whom nothing is known: that of the mean."""
        return np.zeros(self.size, dtype=np.float32)

    def mirrored(self, code: Float32) -> Float32:
        """Codes (..., D) of the same listeners in the mirror."""
        return np.asarray(code * self.parity, dtype=np.float32)

    @classmethod
    def learned(
        cls, people: ListenerGroup, size: int = SIZE_OF_CODE, order: int = ORDER
    ) -> "Codebook":
        """The codebook of people over one whole grid.

        Args:
            people: of one laboratory or ``pooled``.
            size: D, numbers of a code.
            order: of the harmonics over directions.
        """
        if size > 2 * len(people):
            raise AuricleError(
                f"a code of {size} numbers needs {size // 2} people or more, got {len(people)}"
            )
        weights = sphere_weights(people.positions)
        ears = np.stack(
            [
                _of_ears(one.features, weights)
                for one in (people.listener(row) for row in range(len(people)))
            ]
        )  # (B, 2, M, P)
        mean = _left_ears(people.positions, _MEAN_ORDER, ears.mean(axis=0)).mean(axis=0)
        deviations = ears - _both_ears(people.positions, _MEAN_ORDER, mean)
        fields = np.stack([_left_ears(people.positions, order, each) for each in deviations])
        n_late = max(round(_SHARE_OF_ARRIVALS * size), 1)
        found = _components(fields, np.append(_bin_weights(), 0.0), size - n_late)
        found += _components(fields, np.append(np.zeros(_N_HEARD), 1.0), n_late)
        return cls(
            mean.astype(np.float32),
            np.stack([pattern for pattern, _ in found]).astype(np.float32),
            np.array([sign for _, sign in found], dtype=np.float32),
        )

    def features(self, code: Float32, positions: Array) -> Features:
        """Features at directions (M, 3) of listeners of codes (D,) or (B, D)."""
        field = np.tensordot(code, self.basis, 1)
        turned = np.tensordot(code * self.parity, self.basis, 1)
        own = np.stack(
            [
                encode(positions, self._order, "n3d") @ field,
                encode(positions * MIRROR, self._order, "n3d") @ turned,
            ],
            axis=-3,
        ) + _both_ears(positions, self._mean_order, self.mean)
        both = np.moveaxis(own, -3, -2)
        magnitude = to_all_bins(both[..., :-1].astype(np.float32))
        return Features(magnitude, 1e-6 * both[..., -1].astype(np.float64))

    def code_of(self, hrtf: HrtfSet, equipment: Array | None = None) -> Float32:
        """The code (D,) of a listener measured at many directions, on any grid.

        Args:
            hrtf: the set as measured, at any rate and level. Arrival times are found less well in
                sets that were equalised afterwards.
            equipment: (F,) dB, what the laboratory adds in all directions (``equipment_of``); None:
                what the set shows in all directions alike is put down to it.
        """
        return self.code_of_features(features_of(hrtf), hrtf.positions, equipment)

    def code_of_features(
        self, seen: Features, positions: Array, equipment: Array | None = None
    ) -> Float32:
        """The code (D,) of a listener's features.

        Args:
            seen: magnitudes (M, 2, F) and arrivals (M, 2).
            positions: (M, 3) unit vectors.
            equipment: as of ``code_of``.
        """
        weights = sphere_weights(positions)
        mean = _both_ears(positions, self._mean_order, self.mean)
        added = self._equipment(seen, positions) if equipment is None else equipment
        bare = Features((seen.magnitude_db - added).astype(np.float32), seen.arrival_seconds)
        deviations = _of_ears(bare, weights) - mean
        strength = (self.basis * self._value_weights).reshape(self.size, -1)
        gram = np.zeros((self.size, self.size))
        right_side = np.zeros(self.size)
        parity: Sequence[Float32] = (np.ones_like(self.parity), self.parity)
        for ear, signs in enumerate(parity):
            design = encode(positions * (MIRROR if ear else 1.0), self._order, "n3d")
            heard = (design.T * weights) @ deviations[ear]
            right_side += signs * (strength @ heard.ravel())
            shown = np.einsum("bc,dcp->dbp", (design.T * weights) @ design, self.basis)
            gram += signs[:, None] * (strength @ shown.reshape(self.size, -1).T) * signs
        ridge = np.where(self.is_arrival, _RIDGE_OF_ARRIVALS, _RIDGE_OF_BINS)
        found = np.linalg.solve(gram + np.diag(ridge), right_side)
        return found.astype(np.float32)

    def code_from_few(
        self, hrtf: HrtfSet, process: Method | None = None, equipment: Array | None = None
    ) -> Float32:
        """The code (D,) of a listener measured at few directions, two or more.

        The process over listeners (Rasmussen and Williams 2006, eq. 2.25) says what is most likely
        in all other directions, and the code is that of the whole.

        Args:
            hrtf: the measured directions, as in ``code_of``.
            process: a method that has learned; None: over the listeners that ship, for any
                laboratory.
            equipment: as in ``code_of``; of the laboratory of the process's own people.
        """
        seen = features_of(hrtf)
        who = process or _shipped_process()
        grid = _grid()
        found = who.predict(
            MeasuredListener(hrtf.positions, seen.magnitude_db, seen.arrival_seconds), grid
        )
        whole = Features(found.magnitude_db, found.arrival_seconds)
        return self.code_of_features(whole, grid, equipment)

    def equipment_of(self, people: ListenerGroup) -> Array:
        """The response (F,) in dB that a laboratory adds in all directions: the mean over its
        people.
        """
        mean = Features(people.magnitude_db.mean(axis=0), people.arrival_seconds.mean(axis=0))
        return self._equipment(mean, people.positions)

    def _equipment(self, seen: Features, positions: Array) -> Array:
        """Level and response (F,) common to all directions beside the mean listener."""
        own = self.features(self.unknown, positions)
        return equipment_db((seen.magnitude_db - own.magnitude_db).astype(np.float64))

    def to_tensors(self, prefix: str = "codes.") -> dict[str, np.ndarray]:
        """The codebook in 8 bits a number, for a file of weights."""
        step = np.abs(self.basis).max(axis=1, keepdims=True) / 127.0
        step = np.maximum(step, 1e-12).astype(np.float32)
        return {
            prefix + "mean": self.mean,
            prefix + "basis": np.round(self.basis / step).astype(np.int8),
            prefix + "step": step,
            prefix + "parity": self.parity,
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], prefix: str = "codes.") -> "Codebook":
        """The codebook in tensors that ``to_tensors`` made."""
        mean, basis, step, parity = (
            np.asarray(tensors[prefix + name], dtype=np.float32)
            for name in ("mean", "basis", "step", "parity")
        )
        return cls(mean, basis * step, parity)


def held(code: Float32) -> Float32:
    """A code (D,) no farther out than people are who train: networks know nothing beyond."""
    near = np.clip(code, -MOST_CODE, MOST_CODE)
    rms = float(np.sqrt(np.mean(near**2)))
    return np.asarray(near * min(1.0, MOST_RMS / max(rms, 1e-9)), dtype=np.float32)


def is_unlike_people(code: Float32) -> bool:
    """Whether a code (D,) is farther from the mean listener than people of any laboratory are."""
    return bool(np.sqrt(np.mean(np.square(code, dtype=np.float64))) > UNLIKE_RMS)


def codebook_in(weights: Weights, path: str | os.PathLike[str]) -> Codebook:
    """The codebook that lies in a system's file; AuricleError where there is none."""
    if "codes.mean" not in weights.tensors:
        raise AuricleError(f"{path}: holds no codebook; train it anew with auricle train")
    check_shapes(weights, _SHAPES)
    with fitting(weights):
        return Codebook.from_tensors(weights.tensors)


def _of_ears(seen: Features, weights: Array) -> Array:
    """Values (2, M, P) at a mean level of 0 dB where heads are alike, arrivals in us about their
    mean.
    """
    magnitude = np.moveaxis(seen.magnitude_db, 1, 0).astype(np.float64)
    octaves = 1.0 / np.arange(_LEVEL.start, _LEVEL.stop)  # all octaves count alike
    low = weights @ magnitude[..., _LEVEL].mean(axis=0) @ octaves / octaves.sum()
    magnitude = magnitude[..., EVALUATED_BINS] - low
    late = 1e6 * seen.arrival_seconds.T
    late -= np.mean(late @ weights)
    return np.concatenate([magnitude, late[..., None]], axis=-1)


def _bin_weights() -> Array:
    """Weight (P - 1,) of the square of a bin's decibels; the sum is 1."""
    hz = np.arange(EVALUATED_BINS.start, EVALUATED_BINS.stop) * (SAMPLE_RATE / SIZE)
    weights = 1.0 / np.maximum(hz, _EVEN_HZ)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _components(fields: Array, weights: Array, count: int) -> list[tuple[Array, float]]:
    """The strongest patterns (C, P) of variance 1 and their parities.

    Args:
        fields: (B, 2, C, P) left ears of people and of their mirror images.
        weights: (P,) of the squares; where it is 0 the patterns are 0.
        count: how many.
    """
    used = weights > 0.0
    found: list[tuple[float, Array, float]] = []
    for sign in (1.0, -1.0):
        half = 0.5 * (fields[:, 0] + sign * fields[:, 1])[..., used]
        flat = (half * np.sqrt(weights[used])).reshape(len(half), -1)
        _, spread, patterns = np.linalg.svd(flat, full_matrices=False)
        scaled = patterns * (spread / np.sqrt(len(half)))[:, None]
        for strength, pattern in zip(spread, scaled, strict=True):
            whole = np.zeros(fields.shape[2:])
            whole[:, used] = pattern.reshape(half.shape[1:]) / np.sqrt(weights[used])
            found.append((float(strength), whole, sign))
    found.sort(key=lambda each: -each[0])
    return [(pattern, sign) for _, pattern, sign in found[:count]]


def _left_ears(positions: Array, order: int, ears: Array) -> Array:
    """Harmonics (2, C, P) of the left ears of a listener (2, M, P) and of the mirrored one."""
    design, weights = encode(positions, order, "n3d"), sphere_weights(positions)
    gram = (design.T * weights) @ design + _RIDGE_OF_FIELDS * np.eye(n_channels(order))
    fit = np.linalg.solve(gram, design.T * weights)
    return np.stack([fit @ ears[0], _mirror_signs(order)[:, None] * (fit @ ears[1])])


def _mirror_signs(order: int) -> Array:
    """1 or -1 (C,): what a harmonic becomes when left is turned into right."""
    degree = np.floor(np.sqrt(np.arange(n_channels(order)))).astype(np.int64)
    m = np.arange(n_channels(order)) - degree * (degree + 1)
    return np.where(m < 0, -1.0, 1.0)


def _both_ears(positions: Array, order: int, left: NDArray) -> Array:
    """Values (2, M, P) of a listener whose right ear is the mirror image of the left."""
    places: Sequence[Array] = (positions, positions * MIRROR)
    return np.stack([encode(each, order, "n3d") @ left for each in places])


@lru_cache(maxsize=1)
def _grid() -> Array:
    from auricle.personalization.listeners.shipped import shipped_training

    return shipped_training().positions


@lru_cache(maxsize=1)
def _shipped_process() -> Method:
    from auricle.personalization.listeners.shipped import shipped_training
    from auricle.personalization.sparse.listener_gp.process import ListenersAcross

    made = ListenersAcross()
    made.fit(shipped_training())
    return made
