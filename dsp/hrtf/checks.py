"""Findings: what is odd about an HRTF set, in sentences with the remedy; nothing is changed here.

Left and right are told apart by two cues that no head can fake at once: at the nearer ear a sound
is earlier (ITD) and louder (ILD). Where both contradict the positions, either the azimuths run
clockwise or the ears are exchanged; the cues alone cannot tell which, so that is left to the user.
"""

import re
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds
from auricle.dsp.sphere.grids import _distinct, largest_hole, plane_normal, spacing_deg

# ITD of a source at the side, by a straight line over -y, of 223 people and heads (HUTUBS, SONICOM,
# CIPIC, SADIE I): 564 to 775 us; a KU100 with the source at 0.25 m has 782 us.
PLAUSIBLE_ITD_US = (530.0, 850.0)
LATERAL = 0.3  # |y| from which a direction tells left from right
MAX_LEVEL_STEP_DB = 14.0  # from the neighbours; SADIE I has up to 12.5 dB, other sets 7
# Databases whose files are met with a wrong sample rate, and the rate they were measured at.
KNOWN_RATES_HZ = {"LISTEN": 44100}
LEAST_RATE_HZ = 32000  # below it the cues of the pinna, 4 to 16 kHz, are cut
ROOM_SECONDS = 0.02  # after the strongest sample a head in the free field is silent


@dataclass(frozen=True)
class Cues:
    """ITD and ILD, which tell left from right, and whether they follow the positions.

    Attributes:
        itd_seconds: (M,), positive = left later than right.
        ild_db: (M,), positive = left louder.
        itd_at_side_us: ITD of a source on the right, by a straight line over -y.
        ild_at_side_db: ILD of a source on the left, by a straight line over y.
        itd_follows: +1 as the positions say, -1 the other way round, 0 neither.
        ild_follows: +1, -1 or 0 likewise.
    """

    itd_seconds: Array
    ild_db: Array
    itd_at_side_us: float
    ild_at_side_db: float
    itd_follows: int
    ild_follows: int


def set_findings(
    ir: Array, positions: Array, sample_rate: int, name: str = "", is_spectra: bool = False
) -> list[str]:
    """Sentences on what is odd about responses.

    Args:
        ir: (M, 2, N) responses.
        positions: (M, 3) unit vectors in head axes.
        sample_rate: Hz.
        name: who was measured, for the sentences.
        is_spectra: whether the responses were made from spectra.
    """
    seen = cues(ir, positions, sample_rate)
    return [
        *_about_ears(seen, positions, is_spectra),
        *_about_sample_rate(ir, seen, sample_rate, name),
        *_about_band_and_room(ir, sample_rate),
        *_about_levels(ir, positions),
        *_about_grid(positions),
    ]


# --- ears and azimuth sense ------------------------------------------------------------------


def cues(ir: Array, positions: Array, sample_rate: int) -> Cues:
    """ITD and ILD of each direction, and how they follow the positions.

    Args:
        ir: (M, 2, N) responses.
        positions: (M, 3) unit vectors in head axes.
        sample_rate: Hz.
    """
    itd, ild = itd_correlation_seconds(ir, sample_rate), ild_db(ir)
    y = positions[:, 1]
    side = np.abs(y) > LATERAL
    if np.sum(side) < 2:
        return Cues(itd, ild, 0.0, 0.0, 0, 0)
    weight = float(np.sum(y[side] ** 2))
    itd_at_side_us = -1e6 * float(np.sum(y[side] * itd[side])) / weight
    ild_at_side_db = float(np.sum(y[side] * ild[side])) / weight
    itd_follows = _sign(-y[side] * itd[side]) if abs(itd_at_side_us) > 200.0 else 0
    ild_follows = _sign(y[side] * ild[side]) if abs(ild_at_side_db) > 3.0 else 0
    return Cues(itd, ild, itd_at_side_us, ild_at_side_db, itd_follows, ild_follows)


def _sign(values: Array) -> int:
    """The sign that nine of ten values share, else 0."""
    positive = np.mean(values > 0.0)
    return int(positive > 0.9) - int(positive < 0.1)


def _about_ears(seen: Cues, positions: Array, is_spectra: bool) -> list[str]:
    side = np.abs(positions[:, 1]) > LATERAL
    if np.sum(side) < 2:
        return ["Too few directions are off the median plane to tell the ears apart."]
    if seen.itd_follows == seen.ild_follows == 1:
        return []
    if seen.itd_follows == seen.ild_follows == -1:
        return [
            "Sources on the left come first and louder to the right ear: the azimuths run "
            "clockwise, HrtfSet.load(path, mirror_azimuth=True), or the ears are exchanged, "
            "HrtfSet.load(path, swap_ears=True)."
        ]
    no_itd = np.max(np.abs(seen.itd_seconds[side])) < 50e-6
    if no_itd and np.max(np.abs(seen.ild_db[side])) < 1.0:
        return ["Neither ITD nor ILD changes with the direction: this is no head."]
    if no_itd:
        return ["There is no ITD: the responses were aligned or made minimum phase."]
    if is_spectra and seen.itd_follows == -1 and seen.ild_follows >= 0:
        return [
            f"ITD contradicts the positions ({seen.itd_at_side_us:.0f} us at the side), ILD does "
            "not: the spectra are of the other sign of time, HrtfSet.load(path, conjugate=True)."
        ]
    told = {1: "follows the positions", 0: "hardly follows the positions", -1: "contradicts them"}
    return [
        f"ITD {told[seen.itd_follows]} ({seen.itd_at_side_us:.0f} us at the side), "
        f"ILD {told[seen.ild_follows]} ({seen.ild_at_side_db:.1f} dB)."
    ]


def _about_sample_rate(ir: Array, seen: Cues, sample_rate: int, name: str) -> list[str]:
    sentences = []
    low, high = PLAUSIBLE_ITD_US
    itd = abs(seen.itd_at_side_us)
    if seen.itd_follows and not low <= itd <= high:
        sentences.append(
            f"ITD at the side is {itd:.0f} us, heads have {low:.0f} to {high:.0f}: the sample rate "
            f"of {sample_rate} Hz may be wrong, HrtfSet.load(path, true_sample_rate=...)."
        )
    for database, rate in KNOWN_RATES_HZ.items():
        doubtful = re.search(rf"\b{database}\b", name) and rate < 0.95 * sample_rate
        # A set that was resampled is empty above its old Nyquist frequency.
        if doubtful and _reaches(ir, sample_rate, rate / 2.0):
            sentences.append(
                f"{database} was measured at {rate} Hz, this file says {sample_rate} and yet has "
                f"sound above {rate / 2000.0:g} kHz, so it was not resampled but labelled wrongly: "
                f"HrtfSet.load(path, true_sample_rate={rate})."
            )
    return sentences


def _about_band_and_room(ir: Array, sample_rate: int) -> list[str]:
    sentences = []
    if sample_rate < LEAST_RATE_HZ:
        sentences.append(
            f"At {sample_rate} Hz there is no sound above {sample_rate / 2000.0:g} kHz: "
            "elevation and front against back are hardly heard."
        )
    energy = np.sum(ir**2, axis=(0, 1))
    late = energy[int(np.argmax(energy)) + int(ROOM_SECONDS * sample_rate) :]
    if late.sum() > 0.01 * energy.sum():
        sentences.append(
            f"The responses last {ir.shape[-1] / sample_rate:.2f} s and hold a room: "
            "its echoes turn with the head."
        )
    return sentences


def _reaches(ir: Array, sample_rate: int, edge_hz: float) -> bool:
    """Whether the level above a frequency is within 20 dB of the level below it."""
    power = np.mean(np.abs(np.fft.rfft(ir, 2048)) ** 2, axis=(0, 1))
    f = np.fft.rfftfreq(2048, 1.0 / sample_rate)
    above = power[(f > 1.02 * edge_hz) & (f < 0.98 * sample_rate / 2.0)]
    below = power[(f > 0.5 * edge_hz) & (f < 0.9 * edge_hz)]
    return bool(above.size and above.mean() > 0.01 * below.mean())


# --- levels ----------------------------------------------------------------------------------


def _about_levels(ir: Array, positions: Array) -> list[str]:
    sentences = []
    energy = np.sum(ir**2, axis=-1)
    silent = int(np.sum(energy == 0.0))
    if silent:
        sentences.append(f"{silent} of {energy.size} responses are silent.")
    if np.all(ir == ir[0]):
        sentences.append("All directions have the same response.")
    step = level_steps_db(energy.sum(axis=1), positions)
    loud = np.abs(step) > MAX_LEVEL_STEP_DB
    if np.any(loud):
        worst = int(np.argmax(np.abs(step)))
        sentences.append(
            f"{np.sum(loud)} direction(s) differ by more than {MAX_LEVEL_STEP_DB:g} dB from their "
            f"neighbours, most of all number {worst} ({step[worst]:+.1f} dB)."
        )
    return sentences


def level_steps_db(energy: Array, positions: Array) -> Array:
    """Level (M,) of each direction, both ears together, above the median of its 6 neighbours."""
    level = 10.0 * np.log10(np.maximum(energy, 1e-20))
    n_near = min(7, len(positions))
    near = np.atleast_2d(cKDTree(positions).query(positions, k=n_near)[1])
    return np.asarray(level - np.median(level[near[:, 1:]], axis=1))


# --- grid ------------------------------------------------------------------------------------


def _about_grid(positions: Array) -> list[str]:
    sentences = []
    repeated = len(positions) - len(_distinct(positions))
    if repeated:
        sentences.append(f"{repeated} direction(s) are there more than once.")
    plane = plane_normal(positions)
    if plane is not None:
        which = "the horizontal" if abs(plane[2]) > 0.999 else "one"
        return [*sentences, f"All directions lie in {which} plane: there are no elevation cues."]
    radius_deg, azimuth_deg, elevation_deg = largest_hole(positions)
    if radius_deg > max(20.0, 2.5 * float(np.median(spacing_deg(positions)))):
        where = f"azimuth {azimuth_deg:.0f}, elevation {elevation_deg:.0f}"
        if abs(elevation_deg) > 80.0:
            where = "straight below" if elevation_deg < 0.0 else "straight above"
        sentences.append(f"Nothing was measured within {radius_deg:.0f} degrees of {where}.")
    return sentences
