"""The low rank keeps the ears' level at low frequencies, though few bins of the LSD lie there."""

import numpy as np

from auricle.dsp.hrtf.structural_model import computed_responses
from auricle.dsp.preparation import basis
from auricle.dsp.responses import minimum_phase
from auricle.dsp.sphere.grids import fibonacci_sphere

RATE = 48000


def band_level_db(responses, centre_hz):
    power = np.abs(np.fft.rfft(responses, 4096)) ** 2
    octaves = np.abs(np.log2(np.fft.rfftfreq(4096, 1.0 / RATE).clip(1.0) / centre_hz))
    return 10.0 * np.log10(power[:, octaves < 0.25].sum(axis=1))


def test_levels_at_125_and_250_hz_are_kept():
    """One ear, 8 filters: rms over 200 directions. With the weight of other bins it is 1 dB."""
    ir = computed_responses(fibonacci_sphere(200), RATE)
    magnitude = minimum_phase.floored_magnitude(ir[:, :1], 2048)
    wanted = minimum_phase.minimum_phase(magnitude, basis.SIZE)[:, 0]
    fit = basis.fit_basis(wanted, 8, RATE, rounds=40)
    found = fit.gains.astype(np.float64) @ fit.filters
    for centre_hz in (125.0, 250.0):
        error_db = band_level_db(found, centre_hz) - band_level_db(wanted, centre_hz)
        assert np.sqrt(np.mean(error_db**2)) < 0.6
