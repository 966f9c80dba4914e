import numpy as np
import pytest
import synthetic_set

from auricle.dsp.filters.fractional_delay import PHASES_PER_SAMPLE, centre_samples, delay_table
from auricle.dsp.responses import arrival, minimum_phase


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set()


def test_arrivals_follow_the_known_delays(heads):
    found = arrival.arrival_samples(heads.ir, 48000, heads.positions)
    itd = found[:, 0] - found[:, 1]
    wanted = np.diff(synthetic_set.arrivals(heads.positions)[:, ::-1], axis=1)[:, 0]
    # The echo at 2-10 samples moves the best-fitting onset a little: 1.5 samples (31 us) at most.
    assert np.abs(itd - wanted).max() < 1.5
    assert np.abs(itd - wanted).mean() < 0.4


def test_itd_is_positive_for_a_source_on_the_right(heads):
    found = arrival.arrival_samples(heads.ir, 48000, heads.positions)
    right = heads.positions[:, 1].argmin()
    assert found[right, 0] > found[right, 1]


def test_an_outlier_is_mended(heads):
    ir = heads.ir.copy()
    echo = np.roll(ir[70], 45, axis=-1) * 3.0
    ir[70] += echo  # a reflection louder than the direct sound
    clean = arrival.arrival_samples(heads.ir, 48000, heads.positions)
    found = arrival.arrival_samples(ir, 48000, heads.positions)
    assert np.abs(found[70] - clean[70]).max() < 6.0
    alone = arrival.arrival_samples(ir, 48000)
    assert np.abs(alone[70] - clean[70]).min() > 30.0  # without neighbours the echo wins


def test_shifting_there_and_back_changes_nothing_in_band(heads):
    there = arrival.shifted(heads.ir, np.full(heads.ir.shape[:2], -10.37), 200)
    back = arrival.shifted(there, np.full(heads.ir.shape[:2], 10.37), heads.n_taps)
    # Below 0.8 of Nyquist: above it a fractional shift tapers off on purpose.
    found, wanted = (np.fft.rfft(ir, 512)[..., :205] for ir in (back, heads.ir))
    assert synthetic_set.level_db(found - wanted, wanted) < -50.0  # cut at the ends of the response


def test_minimum_phase_keeps_the_magnitude_and_comes_at_once(heads):
    magnitude = minimum_phase.floored_magnitude(heads.ir, 2048, floor_db=-40.0)
    ir = minimum_phase.minimum_phase(magnitude, 1024)
    again = np.abs(np.fft.rfft(ir, 2048))
    sounding = magnitude > 1e-2 * magnitude.max(axis=-1, keepdims=True)
    # The corners at the floor alias in a cepstrum of 2048.
    assert np.abs(20.0 * np.log10(again / magnitude))[sounding].max() < 0.5
    assert np.mean(np.sum(ir[..., :16] ** 2, -1) / np.sum(ir**2, -1)) > 0.95


@pytest.mark.parametrize(
    ("n_taps", "share_of_nyquist", "limit_db"),
    [(12, 0.75, -42.0), (12, 0.2, -60.0), (24, 0.75, -75.0), (24, 0.2, -95.0)],
)
def test_delay_filters_delay(n_taps, share_of_nyquist, limit_db):
    table = delay_table(n_taps)
    omega = np.linspace(0.01, share_of_nyquist * np.pi, 300)
    delays = centre_samples(n_taps) + np.arange(len(table)) / PHASES_PER_SAMPLE
    response = np.exp(-1j * omega[:, None] * np.arange(n_taps)) @ table.T
    error = np.sqrt(np.mean(np.abs(response - np.exp(-1j * omega[:, None] * delays)) ** 2, axis=0))
    assert 20.0 * np.log10(error.max()) < limit_db
