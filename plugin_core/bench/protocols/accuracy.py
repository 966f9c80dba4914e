"""Protocol: how near an engine comes to the right response between the directions it was given."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import scipy.fft as fft

from auricle.dsp.arrays import Array, Complex
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.protocols.truth import RATE, Truth, random_directions

N_DIRECTIONS = 80
STEPS_DEG = (15.0, 10.0, 5.0)
BANDS_HZ = np.geomspace(200.0, 16000.0, 49)
LOW_HZ = (200.0, 1500.0)
_SIZE = 8192


@dataclass(frozen=True)
class InterpolationRow:
    """Errors of one engine with one grid, means over random directions and both ears."""

    engine: str
    step_deg: float
    lsd_db: float  # 48 logarithmic bands from 200 Hz to 16 kHz, after one gain for everything
    ild_error_db: float  # mean absolute difference between the ears in those bands
    itd_error_us: float  # slope of the interaural phase difference, 200 to 1500 Hz

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


Responses = Callable[[HrtfSet, Array], Array]


def interpolation_row(
    engine: str, responses: Responses, truth: Truth, step_deg: float, hrtf: HrtfSet
) -> InterpolationRow:
    """Compare an engine's responses with the truth that its set was taken from.

    Args:
        engine: its name.
        responses: called with a set and directions.
        truth: the responses at any direction.
        step_deg: spacing of the set's grid.
        hrtf: the set.
    """
    directions = random_directions(N_DIRECTIONS)
    found = responses(hrtf, directions)
    return InterpolationRow(engine, step_deg, *errors(found, truth.responses(directions)))


def errors(found: Array, true: Array) -> tuple[float, float, float]:
    """LSD dB, ILD error dB and ITD error in microseconds of responses (Q, 2, N) at RATE."""
    one, other = fft.rfft(found, _SIZE), fft.rfft(true, _SIZE)
    level = 10.0 * np.log10(np.maximum(_band_powers(one), 1e-20) / _band_powers(other))
    error = level - level.mean()
    lsd = np.sqrt((error**2).mean(axis=-1)).mean()
    ild = np.abs(error[:, 0] - error[:, 1]).mean()
    return float(lsd), float(ild), float(np.abs(_itd_errors_us(one, other)).mean())


def _band_powers(spectra: Complex) -> Array:
    power, hz = np.abs(spectra) ** 2, np.arange(spectra.shape[-1]) * RATE / _SIZE
    bands = zip(BANDS_HZ[:-1], BANDS_HZ[1:], strict=True)
    return np.stack([power[..., (hz >= a) & (hz < b)].mean(-1) for a, b in bands], axis=-1)


def _itd_errors_us(found: Complex, true: Complex) -> Array:
    hz = np.arange(found.shape[-1]) * RATE / _SIZE
    low = (hz >= LOW_HZ[0]) & (hz <= LOW_HZ[1])
    omega = 2.0 * np.pi * hz[low]
    one, other = (s[:, 0, low] * np.conj(s[:, 1, low]) for s in (found, true))
    weight = np.abs(other) * omega
    phase = np.angle(one * np.conj(other))
    return np.asarray((weight * phase).sum(1) / (weight * omega).sum(1) * 1e6)
