"""Two sets brought to the directions, the rate and the length that they share."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from auricle.dsp.arrays import Array
from auricle.dsp.errors import HrtfError
from auricle.dsp.hrtf.hrtf_set import HrtfSet

TOLERANCE_DEG = 1.0


@dataclass(frozen=True, eq=False)
class MatchedSets:
    """Two sets in which row m is the same direction.

    Attributes:
        reference: (M, 2, N) responses of the reference.
        estimate: (M, 2, N) responses of the other set.
        positions: (M, 3) the reference's directions.
        sample_rate: Hz, the reference's.
        off_deg: (M,) angle to the direction of the estimate that stands for it.
        reference_only, estimate_only: number of directions without partner.
        level_difference_db: broadband level of the estimate above the reference, as loaded.
        findings: what was done, in sentences.
    """

    reference: Array
    estimate: Array
    positions: Array
    sample_rate: int
    off_deg: Array
    reference_only: int
    estimate_only: int
    level_difference_db: float
    findings: tuple[str, ...]


def matched(
    reference: HrtfSet, estimate: HrtfSet, *, tolerance_deg: float = TOLERANCE_DEG,
    match_level: bool = False,
) -> MatchedSets:  # fmt: skip
    """Each direction of one set with the nearest one of another.

    The estimate is resampled to the rate of the reference; silence is added to the shorter.

    Args:
        reference: the set that is true.
        estimate: the set to be judged.
        tolerance_deg: angle up to which directions count as equal.
        match_level: whether the estimate gets the broadband level of the reference.

    Raises:
        HrtfError: no direction has a partner.
    """
    if not 0.0 <= tolerance_deg <= 180.0:
        raise HrtfError(f"the tolerance must be 0 to 180 degrees, got {tolerance_deg:g}")
    findings = []
    chord, rows = cKDTree(estimate.positions).query(reference.positions)
    off_deg = np.rad2deg(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))
    near = off_deg <= tolerance_deg + 1e-6
    if not np.any(near):
        raise HrtfError(
            f"no direction of the reference has one of the estimate within {tolerance_deg:g} "
            f"degrees; the nearest is {off_deg.min():.1f} away, allow more with --tolerance"
        )
    if estimate.sample_rate != reference.sample_rate:
        findings.append(
            f"The estimate was resampled from {estimate.sample_rate} to {reference.sample_rate} Hz."
        )
        estimate = estimate.resampled(reference.sample_rate)
    one, other = _of_one_length(reference.ir[near], estimate.ir[rows[near]], findings)
    _check_sound(one, other, reference.positions[near])
    level_db = 10.0 * float(np.log10(np.sum(other**2) / np.sum(one**2)))
    if match_level:
        other = other * 10.0 ** (-level_db / 20.0)
    elif abs(level_db) > 1.0:
        findings.append(
            f"The estimate is {abs(level_db):.1f} dB {'louder' if level_db > 0 else 'softer'} than "
            "the reference, and that counts as error; --match-level takes it out."
        )
    return MatchedSets(
        one,
        other,
        reference.positions[near],
        reference.sample_rate,
        off_deg[near],
        int(np.sum(~near)),
        estimate.n_directions - len(np.unique(rows[near])),
        level_db,
        tuple(findings),
    )


def _of_one_length(one: Array, other: Array, findings: list[str]) -> tuple[Array, Array]:
    short, long = sorted((one.shape[-1], other.shape[-1]))
    if short != long:
        findings.append(f"Responses of {short} samples were filled up with silence to {long}.")
    pair = (np.pad(ir, ((0, 0), (0, 0), (0, long - ir.shape[-1]))) for ir in (one, other))
    first, second = pair
    return first, second


def _check_sound(one: Array, other: Array, positions: Array) -> None:
    for name, ir in (("reference", one), ("estimate", other)):
        silent = np.flatnonzero(~np.all(np.any(ir, axis=-1), axis=-1))
        if silent.size:
            x, y, z = positions[silent[0]]
            raise HrtfError(
                f"the {name} is silent at an ear in {silent.size} direction(s), the first is "
                f"({x:.2f}, {y:.2f}, {z:.2f}); leave them out of the file"
            )
