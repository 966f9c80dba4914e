"""Levels of responses in octave bands, and what of ILD and ITD is right octave by octave."""

from dataclasses import dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.metrics.interaural import itd_correlation_seconds, itd_maxiacce_seconds

CENTRES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
_LEAST_SIZE = 8192
_ROWS = 32  # directions at a time


def octave_levels_db(
    ir: Array, sample_rate: float, centres_hz: tuple[float, ...] = CENTRES_HZ
) -> Array:
    """Mean levels of responses over octaves.

    Args:
        ir: (..., N) responses.
        sample_rate: Hz.
        centres_hz: (B,) middles of the octaves.

    Returns:
        (..., B) dB: the mean power of a transform with silence behind; NaN where an octave ends
        above Nyquist.
    """
    size = max(_LEAST_SIZE, 1 << (ir.shape[-1] - 1).bit_length())
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    found = np.full((*ir.shape[:-1], len(centres_hz)), np.nan)
    for at in range(0, len(ir), _ROWS):
        power = np.abs(np.fft.rfft(ir[at : at + _ROWS], size)) ** 2
        for band, centre in enumerate(centres_hz):
            if centre * np.sqrt(2.0) <= 0.5 * sample_rate:
                inside = (hz >= centre / np.sqrt(2.0)) & (hz < centre * np.sqrt(2.0))
                mean = np.mean(power[..., inside], axis=-1)
                found[at : at + _ROWS, ..., band] = 10.0 * np.log10(np.maximum(mean, 1e-20))
    return found


@dataclass(frozen=True, eq=False)
class CueErrors:
    """Errors of the cues of an estimate, for each direction; differences are estimate minus truth.

    Attributes:
        level_db: (M, 2, B) level in octaves, left and right ear.
        ild_db: (M, B) left minus right, in octaves.
        itd_us: (M,) by correlation below 1.5 kHz.
        itd_envelope_us: (M,) by correlation of the envelopes below 3 kHz.
    """

    level_db: Array
    ild_db: Array
    itd_us: Array
    itd_envelope_us: Array


def cue_errors(truth: Array, estimate: Array, sample_rate: float) -> CueErrors:
    """Errors of levels, ILD and ITD, octave by octave.

    Args:
        truth: (M, 2, N) responses.
        estimate: (M, 2, N') responses at the same directions.
        sample_rate: Hz, of both.
    """
    level_db = octave_levels_db(estimate, sample_rate) - octave_levels_db(truth, sample_rate)
    return CueErrors(
        level_db,
        level_db[:, 0] - level_db[:, 1],
        1e6
        * (itd_correlation_seconds(estimate, sample_rate)
           - itd_correlation_seconds(truth, sample_rate)),
        1e6
        * (itd_maxiacce_seconds(estimate, sample_rate, parabola=True)
           - itd_maxiacce_seconds(truth, sample_rate, parabola=True)),
    )  # fmt: skip
