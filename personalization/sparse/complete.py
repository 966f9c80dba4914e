"""A set measured at some directions, completed: what was measured stays, the rest is predicted."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.geometry import angle_deg
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.responses import resampled
from auricle.personalization.features import (
    SAMPLE_RATE,
    SIZE,
    Features,
    features_of,
    to_responses,
)
from auricle.personalization.sparse.input_checks import checked
from auricle.personalization.sparse.method import Array, Measured, Method

SAME_DEG = 0.05  # closer than this a target is a measured direction


@dataclass(frozen=True)
class Completed:
    """A whole set, and what was odd about the measured one, in sentences."""

    hrtf: HrtfSet
    findings: tuple[str, ...]
    n_measured: int
    n_predicted: int


def complete(measured: HrtfSet, upsampler: Method, targets: Array, about: str = "") -> Completed:
    """The measured directions, untouched, then those of ``targets`` (Q, 3) that were not measured.

    Args:
        measured: at two directions or more, at any rate, on any grid.
        upsampler: a method that has learned.
        targets: unit vectors.
        about: what to add to the name of the set.

    Raises:
        AuricleError: a set that no head can have, or that is too coarse in time.
    """
    known, findings = checked(measured)
    wanted = targets[_not_in(targets, known.positions)]
    if len(wanted) == 0:
        return Completed(known, (*findings, "Every direction was measured."), len(known.ir), 0)
    seen = features_of(known)
    found = upsampler.predict(
        Measured(known.positions, seen.magnitude_db, seen.arrival_seconds), wanted
    )
    ir = _beside(known, Features(found.magnitude_db, found.arrival_seconds))
    positions = np.concatenate([known.positions, wanted])
    name = f"{known.name}, {about}" if about else known.name
    whole = replace(known, ir=ir, positions=positions, name=name, findings=())
    return Completed(whole, findings, len(known.ir), len(wanted))


def _not_in(targets: Array, known: Array) -> NDArray[np.int64]:
    """Rows of the targets that are neither measured nor named before."""
    nearest = known[np.argmax(targets @ known.T, axis=1)]
    new = np.flatnonzero(angle_deg(targets, nearest) > SAME_DEG)
    _, first = np.unique(np.round(targets[new], 6) + 0.0, axis=0, return_index=True)
    return new[np.sort(first)]


def _beside(known: HrtfSet, found: Features) -> Array:
    """Responses of the measured and then of the predicted directions, at the measured rate."""
    earliest = min(float(found.arrival_seconds.min()), 0.0)
    at_rate = to_responses(found.magnitude_db, found.arrival_seconds - earliest, SIZE)
    predicted = resampled(at_rate, SAMPLE_RATE, known.sample_rate)
    lead = round(-earliest * known.sample_rate)  # what would begin before 0 moves all by samples
    n_taps = max(known.n_taps + lead, predicted.shape[-1])
    out = np.zeros((len(known.ir) + len(predicted), 2, n_taps))
    out[: len(known.ir), :, lead : lead + known.n_taps] = known.ir
    out[len(known.ir) :, :, : predicted.shape[-1]] = predicted
    return out
