"""A set measured at some directions, completed: what was measured stays, the rest is predicted."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import angle_deg
from auricle.dsp.hrtf.bass import extended_bass
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.gp_mixture import steady_field
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.responses.time_axis import resampled
from auricle.personalization.listeners.features import (
    SAMPLE_RATE,
    SIZE,
    Features,
    features_of,
    to_responses,
)
from auricle.personalization.listeners.listener_data import MeasuredListener
from auricle.personalization.sparse.completion.input_checks import checked
from auricle.personalization.sparse.completion.own_interpolation import interpolated
from auricle.personalization.sparse.method import Method

FEWEST_FOR_A_FIELD = 60  # measured directions through which a smooth field of ITDs is laid
_ITD_NOISE = 0.03  # of their variance; chosen on directions left out of five laboratories
_MOST_LACKING_SECONDS = 0.2e-3
_SIDE_OF_DOUBT = 0.5  # sum of squares of y that counts against what few directions lack
SAME_DEG = 0.05  # closer than this a target is a measured direction


@dataclass(frozen=True)
class Completed:
    """A whole set, and what was odd about the measured one, in sentences."""

    hrtf: HrtfSet
    findings: tuple[str, ...]
    n_measured: int
    n_predicted: int
    by: str = ""  # what predicted, where it is another way than the one that was asked for
    taken: str = ""  # which way was taken, and by how much, where there was a choice


def complete(
    measured: HrtfSet, upsampler: Method, targets: Array, about: str = "",
    itd_of: Callable[[HrtfSet, Array], Array] | None = None,
) -> Completed:  # fmt: skip
    """The measured directions, untouched, then those of ``targets`` (Q, 3) that were not measured.

    Args:
        measured: at two directions or more, at any rate, on any grid.
        upsampler: a method that has learned.
        targets: unit vectors.
        about: what to add to the name of the set.
        itd_of: gives the ITDs (Q,) in seconds that a set has at directions (Q, 3); None: those that
            were predicted, fitted to the measured ones.

    Raises:
        AuricleError: a set that no head can have, or that is too coarse in time.
    """
    known, findings = checked(measured)
    wanted = targets[_not_in(targets, known.positions)]
    if len(wanted) == 0:
        return Completed(known, (*findings, "Every direction was measured."), len(known.ir), 0)
    seen = features_of(known)
    found = upsampler.predict(
        MeasuredListener(known.positions, seen.magnitude_db, seen.arrival_seconds), wanted
    )
    features = Features(found.magnitude_db, found.arrival_seconds)
    arrivals = (
        with_measured_itd(known, seen, wanted, features)
        if itd_of is None
        else _with_itd(features, itd_of(known, wanted))
    )
    ir = _beside(known, wanted, Features(found.magnitude_db, arrivals))
    return _whole(known, ir, wanted, about, findings)


def completed_by_interpolation(measured: HrtfSet, targets: Array, about: str = "") -> Completed:
    """The measured directions and then others, as the engine itself interpolates them.

    Args:
        measured: the set.
        targets: (Q, 3) unit vectors; those that were measured are left out.
        about: what to add to the name of the set.
    """
    known, findings = checked(measured)
    wanted = targets[_not_in(targets, known.positions)]
    if len(wanted) == 0:
        return Completed(known, (*findings, "Every direction was measured."), len(known.ir), 0)
    ir = np.concatenate([known.ir, interpolated(known, wanted)])
    return _whole(known, ir, wanted, about, findings)


def _whole(
    known: HrtfSet, ir: Array, wanted: Array, about: str, findings: tuple[str, ...]
) -> Completed:
    """The measured directions and those ``wanted``, which are marked as predicted."""
    positions = np.concatenate([known.positions, wanted])
    name = f"{known.name}, {about}" if about else known.name
    predicted = np.arange(len(positions)) >= len(known.ir)
    if known.predicted is not None:
        predicted[: len(known.ir)] = known.predicted
    whole = replace(known, ir=ir, positions=positions, name=name, findings=(), predicted=predicted)
    return Completed(whole, findings, len(known.ir), len(wanted))


def _not_in(targets: Array, known: Array) -> NDArray[np.int64]:
    """Rows of the targets that are neither measured nor named before."""
    nearest = known[np.argmax(targets @ known.T, axis=1)]
    new = np.flatnonzero(angle_deg(targets, nearest) > SAME_DEG)
    _, first = np.unique(np.round(targets[new], 6) + 0.0, axis=0, return_index=True)
    return new[np.sort(first)]


def with_measured_itd(known: HrtfSet, seen: Features, wanted: Array, found: Features) -> Array:
    """Arrival times (Q, 2) in seconds with which predicted ITDs go on from the measured ones.

    A predicted response is of minimum phase behind its arrival, and its ITD below 1.5 kHz is up to
    170 us from that of a measured one with the same arrivals: a head's ears are not of minimum
    phase there. Where many directions were measured the ITD comes from a smooth field through
    theirs; where few were, from the prediction, and what it lacks at measured directions is added
    in proportion to how far to the side the direction is.

    Args:
        known: what was measured, with its features ``seen``.
        wanted: (Q, 3) unit vectors, with their features ``found``.
    """
    own = itd_correlation_seconds(_responses(found), SAMPLE_RATE)
    measured = itd_correlation_seconds(known.ir, known.sample_rate)
    if known.n_directions >= FEWEST_FOR_A_FIELD:
        itd = steady_field(measured[:, None], known.positions, _ITD_NOISE)(wanted)[:, 0]
    else:
        modelled = itd_correlation_seconds(_responses(seen), SAMPLE_RATE)
        lacking = np.clip(measured - modelled, -_MOST_LACKING_SECONDS, _MOST_LACKING_SECONDS)
        side = known.positions[:, 1]
        slope = float(np.sum(lacking * side) / (np.sum(side * side) + _SIDE_OF_DOUBT))
        itd = own + slope * wanted[:, 1]
    return _moved_apart(found, itd - own)


def _with_itd(found: Features, itd: Array) -> Array:
    """Arrival times (Q, 2) with which responses have these ITDs (Q,), in seconds."""
    return _moved_apart(found, itd - itd_correlation_seconds(_responses(found), SAMPLE_RATE))


def _moved_apart(found: Features, by: Array) -> Array:
    return found.arrival_seconds + 0.5 * by[:, None] * np.array([1.0, -1.0])


def _responses(features: Features) -> Array:
    earliest = min(float(features.arrival_seconds.min()), 0.0)
    return to_responses(features.magnitude_db, features.arrival_seconds - earliest, SIZE)


def _beside(known: HrtfSet, wanted: Array, found: Features) -> Array:
    """Responses of the measured and then of the predicted directions, at the measured rate.

    What is predicted has the bass of a sphere, since that of the people it was learned from is
    their laboratories'.
    """
    earliest = min(float(found.arrival_seconds.min()), 0.0)
    at_rate = to_responses(found.magnitude_db, found.arrival_seconds - earliest, SIZE)
    with_bass = extended_bass(HrtfSet(at_rate, wanted, known.radius_m, SAMPLE_RATE))
    predicted = resampled(with_bass.ir, SAMPLE_RATE, known.sample_rate)
    lead = round(-earliest * known.sample_rate)  # what would begin before 0 moves all by samples
    n_taps = max(known.n_taps + lead, predicted.shape[-1])
    out = np.zeros((len(known.ir) + len(predicted), 2, n_taps))
    out[: len(known.ir), :, lead : lead + known.n_taps] = known.ir
    out[len(known.ir) :, :, : predicted.shape[-1]] = predicted
    return out
