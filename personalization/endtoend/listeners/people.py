"""The people of several laboratories in one form, as end-to-end systems learn and are judged on.

What a laboratory adds is taken out: its equipment (the mean of its people is brought to that of the
default listener, and the phase they all share to none), the level of each listener, the time before
the sound arrives. Responses of a listener arrive ``LEAD_SAMPLES`` late on the mean over the sphere
and both ears; who renders takes that off again, so that a source at distance r is heard on the
average r / c late, as in ``warp``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from auricle.dsp.arrays import Array, Complex, Int64
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import cache_folder, load_archive, save_archive
from auricle.dsp.responses import arrival as alignment
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.dsp.storage.digests import digest_of
from auricle.personalization.datasets.harmonise import harmonise
from auricle.personalization.datasets.registry import DATASETS, find
from auricle.personalization.datasets.subjects import DatasetError, Subjects
from auricle.personalization.endtoend.physics.poses import RATE
from auricle.personalization.listeners.from_datasets import people_only, subjects_in

Role: TypeAlias = Literal["train", "validation", "test"]
Licence: TypeAlias = Literal["shippable", "all"]

LEAD_SAMPLES = 64.0  # at RATE: the nearest ear hears 18 samples before the mean, and rings before
N_TAPS = 256  # at RATE; what comes later has -48 to -60 dB of the energy
SIZE = 1024  # of transforms
PHASE_TOP_HZ = 3000.0
LOW_HZ = (200.0, 1000.0)  # where the time of arrival is read
LEVEL_HZ = (200.0, 2000.0)  # where all listeners are alike loud
GAIN_HZ = (200.0, 16000.0)  # where laboratories are made alike
_FADE_TAPS = 16
TEST_FRACTION, VALIDATION_FRACTION = 0.13, 0.08
SEED = 0  # of the roles
_VERSION = 4
_HZ = np.fft.rfftfreq(SIZE, 1.0 / RATE)


@dataclass(frozen=True)
class Listeners:
    """People of several laboratories; rows are listeners, some people have two.

    Attributes:
        laboratories: harmonised, at RATE.
        names: (P,) such as "HUTUBS 12".
        roles: (P,) "train", "validation" or "test".
        people: (P,) number of the person, over all laboratories.
    """

    laboratories: tuple[Subjects, ...]
    names: tuple[str, ...]
    roles: tuple[str, ...]
    people: Int64

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, role: Role) -> Int64:
        """The rows that have a role."""
        return np.flatnonzero(np.array(self.roles) == role)

    def laboratory(self, row: int) -> str:
        """The laboratory of a listener."""
        return self._at(row)[0].dataset

    def hrtf_set(self, row: int) -> HrtfSet:
        """The responses of a listener, (M, 2, N_TAPS) at RATE, LEAD_SAMPLES late."""
        subjects, own = self._at(row)
        return subjects.hrtf_set(own)

    def digest(self, rows: Sequence[int] | Int64) -> str:
        """A name for the responses of some listeners, for files made of them."""
        found = [self._at(int(row)) for row in rows]
        names = " ".join(self.names[row] for row in rows)
        return digest_of(names, *(subjects.ir[own] for subjects, own in found))

    def _at(self, row: int) -> tuple[Subjects, int]:
        for subjects in self.laboratories:
            if row < len(subjects):
                return subjects, row
            row -= len(subjects)
        raise IndexError(row)


def load_listeners(
    data: Path, licence: Licence = "all", laboratories: Sequence[str] | None = None
) -> Listeners:
    """People of a folder of data sets, packed or unpacked, with their roles.

    Args:
        data: as for ``subjects_in``.
        licence: "shippable": people of data sets that ``ships`` (of ours HUTUBS and CIPIC) train,
            those of other laboratories only test; "all": all laboratories train.
        laboratories: which ones; None: of the data sets that are ``learned`` those that are there.
    """
    if licence not in ("shippable", "all"):
        raise DatasetError(f'a licence is "shippable" or "all", not {licence!r}')
    found = []
    usual = _usual_laboratories()
    for name in laboratories or usual:
        try:
            found.append(_harmonised(people_only(subjects_in(data, name))))
        except DatasetError:
            if laboratories is not None:
                raise
    if not found:
        there = ", ".join(laboratories or usual)
        raise DatasetError(f"{data}: holds none of {there}; name another folder")
    return listeners_of(found, licence)


def _usual_laboratories() -> list[str]:
    """Data sets of which systems learn, by the names of their folders; those that ship first."""
    learned = [each for each in DATASETS.usable() if each.learned]
    return [each.keys[0] for each in sorted(learned, key=lambda each: not each.ships)]


def listeners_of(laboratories: Sequence[Subjects], licence: Licence = "all") -> Listeners:
    """The people, of laboratories that are harmonised already, who take part."""
    kept, names, roles, persons = [], [], [], []
    for subjects in laboratories:
        known = find(subjects.dataset)
        first = {other: group[0] for group in known.repeats for other in group} if known else {}
        may_train = licence == "all" or (known is not None and known.ships)
        theirs = [f"{subjects.dataset} {first.get(each, each)}" for each in subjects.ids]
        rows = [k for k, each in enumerate(theirs) if may_train or role_of(each) == "test"]
        if rows:
            kept.append(subjects.take(rows))
            names += [f"{subjects.dataset} {each}" for each in kept[-1].ids]
            persons += [theirs[k] for k in rows]
            roles += [role_of(theirs[k]) for k in rows]
    number = {each: k for k, each in enumerate(dict.fromkeys(persons))}
    people = np.array([number[each] for each in persons], dtype=np.int64)
    return Listeners(tuple(kept), tuple(names), tuple(roles), people)


def role_of(person: str) -> Role:
    """The role of a person by name alone, whoever else is there."""
    digest = hashlib.sha256(f"{SEED} {person}".encode()).digest()
    share = int.from_bytes(digest[:6], "big") / 2.0**48
    if share < TEST_FRACTION:
        return "test"
    return "validation" if share < TEST_FRACTION + VALIDATION_FRACTION else "train"


def led(ir: Array, positions: Array, equaliser: Complex | None = None) -> Array:
    """Responses (M, 2, N_TAPS) at RATE moved as one so that they come LEAD_SAMPLES late on the
    mean over the sphere and both ears, at a mean level of 0 dB from 200 Hz to 2 kHz.

    Args:
        ir: (M, 2, N) at RATE.
        positions: (M, 3).
        equaliser: (F,) over the bins of a transform of ``SIZE`` samples, applied to all.
    """
    weights = sphere_weights(positions)
    arrivals = alignment.arrival_samples(ir, RATE, positions)
    return _led(ir, float(weights @ arrivals.mean(axis=1)), weights, equaliser)


def low_delay_samples(ir: NDArray[np.floating], weights: Array) -> float:
    """By how much the mean of responses (M, 2, N) over the sphere comes later than LEAD_SAMPLES,
    as its phase from 200 Hz to 1 kHz says.

    At these frequencies near and far ear cancel on the mean, so it comes when sound passes the
    middle of the head, and neither pinnae nor loudspeakers blur it.
    """
    inside = _inside(LOW_HZ)
    omega = 2.0 * np.pi * _HZ[inside] / RATE
    mean = np.einsum("m,mef->f", weights, np.fft.rfft(ir, SIZE)[..., inside])
    angle = np.angle(mean * np.exp(1j * omega * LEAD_SAMPLES))
    return float(-np.sum(np.abs(mean) * omega * angle) / np.sum(np.abs(mean) * omega**2))


def _led(
    ir: NDArray[np.floating], arrival: float, weights: Array, equaliser: Complex | None
) -> Array:
    """Moved by their broadband arrival first, then by what is left at low frequencies."""
    left = low_delay_samples(_moved(ir, arrival, equaliser), weights)
    moved = _moved(ir, arrival + left, equaliser)
    level_db = _mean_db(moved, weights)[_inside(LEVEL_HZ)] @ _octave_weights(LEVEL_HZ)
    return np.asarray(moved * 10.0 ** (-level_db / 20.0))


def _moved(ir: NDArray[np.floating], arrival: float, equaliser: Complex | None) -> Array:
    omega = 2.0 * np.pi * np.arange(SIZE // 2 + 1) / SIZE
    spectrum = np.fft.rfft(ir, SIZE) * np.exp(1j * omega * (arrival - LEAD_SAMPLES))
    if equaliser is not None:
        spectrum *= equaliser
    moved = np.fft.irfft(spectrum, SIZE)[..., :N_TAPS]
    fade = np.sin(np.linspace(0.0, np.pi / 2.0, _FADE_TAPS)) ** 2
    moved[..., :_FADE_TAPS] *= fade
    moved[..., -_FADE_TAPS:] *= fade[::-1]
    return moved


def _mean_db(ir: NDArray[np.floating], weights: Array) -> Array:
    """Mean decibels (F,) of responses (M, 2, N) over the sphere and both ears."""
    size = np.abs(np.fft.rfft(ir, SIZE))
    return np.asarray(np.einsum("m,mef->f", weights, 20.0 * np.log10(size + 1e-6)) / 2.0)


def _inside(band_hz: tuple[float, float]) -> NDArray[np.bool_]:
    return (band_hz[0] <= _HZ) & (band_hz[1] >= _HZ)


def _octave_weights(band_hz: tuple[float, float]) -> Array:
    """Weights of the bins of a band that make all octaves count alike; their sum is 1."""
    each = 1.0 / _HZ[_inside(band_hz)]
    return np.asarray(each / each.sum())


def laboratory_gain(ir: NDArray[np.floating], positions: Array) -> Array:
    """Gain (F,) that brings the mean of a laboratory's people (B, M, 2, N) to that of the default
    listener over the same directions, a third of an octave smooth.

    Laboratories with flat diffuse fields still differ by 1 to 3 dB between low and high
    frequencies, since their grids and the depths of their notches do.
    """
    weights = sphere_weights(positions)
    everybody = default_hrtf(RATE)
    rows = np.argmax(positions @ everybody.positions.T, axis=1)
    wanted = _mean_db(np.asarray(everybody.ir)[rows], weights)
    found = np.mean([_mean_db(each, weights) for each in ir], axis=0)
    low, high = GAIN_HZ
    # From 200 Hz to 16 kHz, held outside; smoothed over the logarithm of frequency.
    octaves = np.arange(np.log2(low), np.log2(high) + 1e-9, 1.0 / 24.0)
    difference = np.interp(octaves, np.log2(_HZ[1:]), (wanted - found)[1:])
    smooth = gaussian_filter1d(difference, 24.0 / 3.0 / 2.355, mode="nearest")
    db = np.interp(np.log2(np.maximum(_HZ, 1.0)), octaves, smooth)
    return np.asarray(10.0 ** (np.clip(db, -12.0, 12.0) / 20.0))


def common_phase(ir: NDArray[np.floating], positions: Array, arrivals: Array) -> Array:
    """Phase (F,) in radians that all responses of a laboratory share, behind their arrivals.

    Loudspeakers have one (HUTUBS turns by 2 pi about 400 Hz, CIPIC leads by pi / 2 at 280 Hz);
    heads have none on the mean over the sphere, since near and far ear cancel. From
    ``PHASE_TOP_HZ`` on, where pinnae begin, it is held.

    Args:
        ir: (B, M, 2, N) at RATE; positions: (M, 3); arrivals: (B, M, 2) in samples.
    """
    omega = 2.0 * np.pi * np.arange(SIZE // 2 + 1) / SIZE
    weights = sphere_weights(positions)
    total = np.zeros(len(omega), dtype=np.complex128)
    for each, late in zip(ir, arrivals, strict=True):
        aligned = np.fft.rfft(each, SIZE) * np.exp(1j * omega * late[..., None])
        total += np.einsum("m,mef->f", weights, aligned)
    phase = np.unwrap(np.angle(total))
    top = int(PHASE_TOP_HZ / RATE * SIZE)
    phase[top:] = phase[top]
    return np.asarray(phase)


def _harmonised(subjects: Subjects) -> Subjects:
    """In the common form, from the cache the next time."""
    words = f"{_VERSION} {LEAD_SAMPLES} {N_TAPS} {subjects.sample_rate} {subjects.ids}"
    name = f"people-{digest_of(words, subjects.positions, subjects.ir)}.npz"
    path = cache_folder().parent / "endtoend" / name
    arrays = load_archive(path)
    if arrays is None:
        done = harmonise(subjects, RATE, diffuse_field="laboratory")
        arrivals = np.stack([
            alignment.arrival_samples(each.astype(np.float64), RATE, done.positions)
            for each in done.ir
        ])  # fmt: skip
        phase = common_phase(done.ir, done.positions, arrivals)
        weights = sphere_weights(done.positions)
        means = arrivals.mean(axis=2) @ weights
        equaliser = laboratory_gain(done.ir, done.positions) * np.exp(-1j * phase)
        ir = [
            _led(each, mean, weights, equaliser) for each, mean in zip(done.ir, means, strict=True)
        ]
        arrays = {"ir": np.stack(ir).astype(np.float32), "positions": done.positions}
        save_archive(path, arrays)
    return replace(subjects, ir=arrays["ir"], positions=arrays["positions"], sample_rate=RATE)
