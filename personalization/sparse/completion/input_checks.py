"""Checks of a measured set before it is completed: faults told apart, named, refused or mended."""

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.hrtf.checks import MAX_LEVEL_STEP_DB, level_steps_db
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds

LEAST_RATE_HZ = 40000  # below it there is no sound up to 20 kHz to learn from
LATERAL = 0.3  # |y| from which a direction tells left from right
LEAST_ITD_SECONDS = 100e-6
LEAST_ILD_DB = 1.0
MOST_NOISE_DB = -12.0  # of what comes 4 ms and more after the peak, below what comes around it
MOST_POOR = 0.25  # of the responses, that are left out; with more the measurement went wrong
MOST_LEVEL_DB = 25.0  # from the middle, of both ears together; people of four laboratories: 20
_FEWEST_FOR_A_LEVEL = 5
_FEWEST_FOR_NEIGHBOURS = 60  # directions from which on neighbours are near enough to be alike
_CLIPPED_SAMPLES = 4  # at the very top, one after the other
_AFTER_SECONDS = 4e-3
_AROUND_SECONDS = 1e-3
_SAME_DIRECTION = 2e-4  # chord
_DIFFERENT_DB = 3.0


def checked(measured: HrtfSet) -> tuple[HrtfSet, tuple[str, ...]]:
    """The set with each direction once, and what was odd; HrtfError for one that is unusable.

    Left and right are told by ITD and ILD together, at each direction off the median plane: where
    both contradict the position, its label is wrong. If most contradict, ears or azimuths are the
    wrong way round and the set is refused; single ones are left out.
    """
    if measured.sample_rate < LEAST_RATE_HZ:
        raise HrtfError(
            f"the set is at {measured.sample_rate} Hz and has no sound up to 20 kHz; measure at "
            "44100 Hz or more"
        )
    findings: list[str] = []
    usable = _without_poor(measured, findings)
    return _without_doubles(_without_wrong_sides(usable, findings), findings), tuple(findings)


def _without_poor(measured: HrtfSet, findings: list[str]) -> HrtfSet:
    """The set without single responses that went wrong; HrtfError where too many did."""
    silent = ~np.all(np.any(measured.ir, axis=-1), axis=-1)
    clipped = ~silent & _clipped(measured.ir)
    aside = ~silent & ~clipped & _aside_in_level(measured, ~silent)
    noise_db = _noise_db(measured)
    noisy = ~silent & ~clipped & ~aside & (noise_db > MOST_NOISE_DB)
    poor = silent | clipped | aside | noisy
    if np.sum(poor) > MOST_POOR * len(poor):
        raise HrtfError(_too_many(measured, silent, clipped, aside, noisy, noise_db))
    for wrong, reason in (
        (silent, "silent at an ear"),
        (clipped, "clipped"),
        (aside, f"more than {MAX_LEVEL_STEP_DB:g} dB louder or softer than those around"),
        (noisy, "noise more than sound"),
    ):
        if np.any(wrong):
            _leave_out(wrong, measured, findings, reason)
    return measured if not np.any(poor) else measured.subset(~poor)


def _too_many(
    measured: HrtfSet, silent: NDArray[np.bool_], clipped: NDArray[np.bool_],
    aside: NDArray[np.bool_], noisy: NDArray[np.bool_], noise_db: Array,
) -> str:  # fmt: skip
    """Why the set is refused: what most of its poor responses are."""
    of = len(measured.ir)
    most = max((silent, clipped, aside, noisy), key=np.sum)
    first = int(np.flatnonzero(most)[0])
    if most is silent:
        return (
            f"{np.sum(silent)} of {of} directions are silent at an ear, the first is "
            f"number {first}; leave them out"
        )
    if most is noisy:
        worst = int(np.argmax(np.where(noisy, noise_db, -np.inf)))
        return (
            f"{np.sum(noisy)} of {of} responses are noise more than sound, worst number "
            f"{worst} (noise {-noise_db[worst]:.0f} dB below the sound); measure again, louder or "
            "longer"
        )
    if most is clipped:
        return (
            f"{np.sum(clipped)} of {of} responses are clipped, the first is number {first}; "
            "measure again, softer"
        )
    return (
        f"{np.sum(aside)} of {of} responses are more than {MAX_LEVEL_STEP_DB:g} dB louder or "
        f"softer than those around, the first is number {first}; measure all at one level"
    )


def _clipped(ir: Array) -> NDArray[np.bool_]:
    """Responses (M,) that stay at their highest sample for a while, at an ear."""
    peak = np.max(np.abs(ir), axis=-1, keepdims=True)
    top = (np.abs(ir) >= (1.0 - 1e-6) * peak) & (peak > 0.0)
    flat = np.ones((*top.shape[:2], max(top.shape[2] - _CLIPPED_SAMPLES + 1, 0)), dtype=np.bool_)
    for k in range(_CLIPPED_SAMPLES):
        flat &= top[..., k : k + flat.shape[-1]]
    return np.any(flat, axis=(1, 2))


def _aside_in_level(measured: HrtfSet, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Responses (M,) far from the level of their neighbours; of few, from that of most."""
    energy = np.sum(measured.ir**2, axis=(1, 2))
    if np.sum(counted) < _FEWEST_FOR_A_LEVEL:
        return np.zeros(len(energy), dtype=np.bool_)
    level_db = 10.0 * np.log10(np.maximum(energy, 1e-30))
    aside = np.abs(level_db - np.median(level_db[counted])) > MOST_LEVEL_DB
    if np.sum(counted) >= _FEWEST_FOR_NEIGHBOURS:
        aside |= np.abs(level_steps_db(energy, measured.positions)) > MAX_LEVEL_STEP_DB
    return counted & aside


def _noise_db(measured: HrtfSet) -> Array:
    """How loud (M,) the end of each response is beside its beginning; -inf of short ones."""
    rate = measured.sample_rate
    power = np.sum(measured.ir**2, axis=1)
    peak = np.argmax(power, axis=-1)
    time = np.arange(measured.n_taps)
    around = np.abs(time - peak[:, None]) <= _AROUND_SECONDS * rate
    apart = np.abs(time - peak[:, None]) > _AFTER_SECONDS * rate
    near = np.sum(power * around, axis=1) / around.sum(axis=1)
    far = np.sum(power * apart, axis=1) / np.maximum(apart.sum(axis=1), 1)
    ratio_db = 10.0 * np.log10(np.maximum(far, 1e-30) / np.maximum(near, 1e-30))
    return np.where(apart.sum(axis=1) > 16, ratio_db, -np.inf)


def _without_wrong_sides(measured: HrtfSet, findings: list[str]) -> HrtfSet:
    itd = itd_correlation_seconds(measured.ir, measured.sample_rate)
    ild = ild_db(measured.ir)
    y = measured.positions[:, 1]
    tells = np.abs(y) > LATERAL
    wrong = tells & (itd * y > LEAST_ITD_SECONDS * LATERAL) & (-ild * y > LEAST_ILD_DB * LATERAL)
    if not np.any(wrong):
        return measured
    if np.sum(wrong) >= 0.5 * np.sum(tells):
        raise HrtfError(
            f"sound from the left comes first and louder to the right ear in {np.sum(wrong)} of "
            f"{np.sum(tells)} directions at the sides: the ears are exchanged (--swap-ears) or the "
            "azimuths run clockwise (--mirror-azimuth)"
        )
    _leave_out(wrong, measured, findings, "labelled on the wrong side")
    return measured.subset(~wrong)


def _leave_out(
    wrong: NDArray[np.bool_], measured: HrtfSet, findings: list[str], reason: str
) -> None:
    rows = np.flatnonzero(wrong)
    named = ", ".join(
        f"number {row} (azimuth {measured.azimuth_deg[row]:.0f}, elevation "
        f"{measured.elevation_deg[row]:.0f})"
        for row in rows[:3]
    )
    findings.append(f"{len(rows)} direction(s) are {reason} and were left out: {named}.")


def _without_doubles(measured: HrtfSet, findings: list[str]) -> HrtfSet:
    """The first of measurements of one direction; HrtfError where they contradict each other."""
    closeness = np.linalg.norm(measured.positions[:, None] - measured.positions[None], axis=-1)
    first = np.argmax(closeness < _SAME_DIRECTION, axis=1)
    doubles = np.flatnonzero(first != np.arange(len(first)))
    if len(doubles) == 0:
        return measured
    level = 20.0 * np.log10(np.maximum(np.abs(np.fft.rfft(measured.ir, 256)), 1e-9))
    apart_db = np.mean(np.abs(level[doubles] - level[first[doubles]]), axis=(1, 2))
    if np.any(apart_db > _DIFFERENT_DB):
        worst = int(doubles[np.argmax(apart_db)])
        raise HrtfError(
            f"directions {first[worst]} and {worst} have one position (azimuth "
            f"{measured.azimuth_deg[worst]:.0f}, elevation {measured.elevation_deg[worst]:.0f}) "
            f"and differ by {apart_db.max():.1f} dB; correct the positions, or leave one out"
        )
    findings.append(f"{len(doubles)} direction(s) are there more than once; the first counts.")
    return measured.subset(np.flatnonzero(first == np.arange(len(first))))
