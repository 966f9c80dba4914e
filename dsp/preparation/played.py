"""The responses that the engine really plays: of its tables, not of the set they were made from."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.arrays import Array
from auricle.dsp.filters.fractional_delay import centre_samples, delay_taps_at
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.metrics.octaves import octave_levels_db
from auricle.dsp.metrics.spectral import MIDDLE, Band, lsd_db
from auricle.dsp.preparation.played_errors import NO_ERRORS, PlayedErrors
from auricle.dsp.preparation.prepared_set import PreparedSet

_ROWS = 128  # directions at a time


def played_responses(prepared: PreparedSet, directions: ArrayLike) -> Array:
    """Responses (Q, 2, N) of a source at rest in each of the directions (Q, 3), unit vectors.

    What ``BinauralRenderer`` gives back for an impulse, from the same tables, without playing it:
    blended gains on the bus filters, behind the blended delays as the delay filters make them.
    """
    wanted = np.asarray(directions, dtype=np.float64)
    n_taps = prepared.tail_samples + 2
    out = np.empty((len(wanted), 2, n_taps))
    for at in range(0, len(wanted), _ROWS):
        some = slice(at, at + _ROWS)
        gains, delays = blended_tables(prepared, wanted[some])
        delays = np.maximum(delays, centre_samples(prepared.delay_taps))  # blends round below it
        out[some] = _responses(prepared, gains, delays, n_taps)
    return out


def blended_tables(prepared: PreparedSet, directions: Array) -> tuple[Array, Array]:
    """Gains (Q, G) and delays (Q, 2) in samples of directions (Q, 3), from those around them."""
    triangle, weights = prepared.mesh.locate(directions)
    corners = prepared.mesh.triangles[triangle]
    share = weights[:, :, None].astype(np.float64)
    gains = np.sum(share * prepared.gains[corners], axis=1)
    return gains, np.sum(share * prepared.delays[corners], axis=1)


def _responses(prepared: PreparedSet, gains: Array, delays: Array, n_taps: int) -> Array:
    """Responses (Q, 2, n_taps) of gains (Q, G) and delays (Q, 2)."""
    rank = prepared.rank
    buses = gains[:, : 2 * rank].reshape(len(gains), 2, rank)
    if prepared.filters is not None:
        buses = np.einsum("qek,ekn->qen", buses, prepared.filters.astype(np.float64))
    taps, first = delay_taps_at(delays, prepared.delay_taps)
    out = np.zeros((*delays.shape, n_taps))
    length = buses.shape[2]
    for j in range(prepared.delay_taps):
        for q, e in np.ndindex(delays.shape):
            begin = int(first[q, e]) + j
            end = min(begin + length, n_taps)
            out[q, e, begin:end] += taps[q, e, j] * buses[q, e, : end - begin]
    heads = prepared.head_taps
    early = gains[:, 2 * rank : 2 * (rank + heads)].reshape(len(gains), 2, heads)
    out[..., :heads] += early
    return out


def measured_errors(prepared: PreparedSet, truth: Array, top_hz: float) -> PlayedErrors:
    """The errors of a prepared set, now with those at measured directions.

    Args:
        prepared: what it adds to both ears' delays alike does not matter.
        truth: (M, 2, N) what it should play at ``mesh.measured``, at its rate.
        top_hz: up to where log-spectral distances count.
    """
    played = played_responses(prepared, prepared.mesh.vertices[: len(truth)])
    lsd_db, level_db, itd_us = _compared(truth, played, prepared.sample_rate, top_hz)
    return replace(prepared.errors, lsd_db=lsd_db, level_db=level_db, itd_us=itd_us)


def left_out_errors(truth: Array, found: Array, sample_rate: int, top_hz: float) -> PlayedErrors:
    """Errors of responses at directions that were left out.

    Args:
        truth: (L, 2, N) measured responses.
        found: (L, 2, N) responses that are played.
        sample_rate: Hz.
        top_hz: upper end of the band.
    """
    if len(truth) == 0:
        return NO_ERRORS
    lsd_db, level_db, itd_us = _compared(truth, found, sample_rate, top_hz)
    return replace(
        NO_ERRORS, left_out_lsd_db=lsd_db, left_out_level_db=level_db, left_out_itd_us=itd_us
    )


def _compared(
    truth: Array, found: Array, sample_rate: int, top_hz: float
) -> tuple[Array, Array, Array]:
    """LSD (M, 2) in dB, errors of octave levels (M, 2, B) in dB, and of the ITD (M,) in us.

    Measured in float32, whose rounding is far below what is told.
    """
    truth, found = truth.astype(np.float32), found.astype(np.float32)
    length = max(truth.shape[2], found.shape[2])
    band = Band(MIDDLE.low_hz, top_hz, 1 << (length - 1).bit_length())
    distances_db = np.concatenate([
        lsd_db(found[at : at + _ROWS], truth[at : at + _ROWS], sample_rate, band)
        for at in range(0, len(truth), _ROWS)
    ])  # fmt: skip
    itd_seconds = itd_correlation_seconds(found, sample_rate)
    itd_seconds -= itd_correlation_seconds(truth, sample_rate)
    level_db = octave_levels_db(found, sample_rate) - octave_levels_db(truth, sample_rate)
    return distances_db, level_db, 1e6 * itd_seconds
