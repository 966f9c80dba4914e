"""The structural model: symmetric, ears the right way round, smooth, and honest in its name."""

import numpy as np
import pytest

from auricle.dsp.geometry import angle_deg, unit_vectors
from auricle.dsp.hrtf import checks
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.hrtf.structural_model import HEAD_RADIUS_M, SOUND_SPEED_M_S, _sphere, computed_hrtf
from auricle.dsp.metrics import interaural


@pytest.fixture(scope="module")
def computed() -> HrtfSet:
    return computed_hrtf()


def row(hrtf: HrtfSet, azimuth_deg: float, elevation_deg: float = 0.0) -> int:
    return int(np.argmin(angle_deg(hrtf.positions, unit_vectors(azimuth_deg, elevation_deg))))


def energy_db(ir: np.ndarray, low_hz: float, high_hz: float, rate: int = 48000) -> float:
    hz = np.fft.rfftfreq(1024, 1 / rate)
    inside = (hz >= low_hz) & (hz < high_hz)
    return float(10 * np.log10(np.mean(np.abs(np.fft.rfft(ir, 1024)[inside]) ** 2)))


def test_it_covers_the_sphere_and_says_what_it_is(computed: HrtfSet) -> None:
    assert computed.ir.shape == (734, 2, 256)
    assert "not a measured person" in computed.name
    for azimuth, elevation in [(0, 0), (90, 0), (-90, 0), (180, 0), (0, 90), (0, -90)]:
        nearest = computed.positions[row(computed, azimuth, elevation)]
        np.testing.assert_allclose(nearest, unit_vectors(azimuth, elevation), atol=1e-12)
    spacing = [np.sort(angle_deg(computed.positions, p))[1] for p in computed.positions]
    assert min(spacing) > 5.0  # nearly uniform: 7.5 degrees between rings
    assert max(spacing) < 8.0


def test_left_and_right_are_mirrors_to_the_last_bit(computed: HrtfSet) -> None:
    mirrored = computed.positions * [1.0, -1.0, 1.0]
    rows = [int(np.argmin(np.sum((mirrored - p) ** 2, axis=1))) for p in computed.positions]
    np.testing.assert_array_equal(mirrored[rows], computed.positions)
    np.testing.assert_array_equal(computed.ir[rows, 0], computed.ir[:, 1])


def test_the_ears_are_the_right_way_round(computed: HrtfSet) -> None:
    itd_us = 1e6 * interaural.itd_correlation_seconds(computed.ir, computed.sample_rate)
    ild_db = interaural.ild_db(computed.ir)
    left, right = row(computed, 90), row(computed, -90)
    assert -750 < itd_us[left] < -600  # heard first by the left ear: negative
    assert itd_us[right] == pytest.approx(-itd_us[left], abs=1.0)
    assert ild_db[left] > 6.0
    assert ild_db[right] == pytest.approx(-ild_db[left], abs=1e-9)
    middle = np.abs(computed.positions[:, 1]) < 1e-12
    assert np.abs(itd_us[middle]).max() < 0.1
    assert not computed.findings
    assert not checks.set_findings(computed.ir, computed.positions, computed.sample_rate)


def test_behind_is_duller_than_in_front_and_the_notch_rises(computed: HrtfSet) -> None:
    front, back = computed.ir[row(computed, 0), 0], computed.ir[row(computed, 180), 0]
    assert energy_db(back, 3e3, 6e3) < energy_db(front, 3e3, 6e3) - 2.0
    assert energy_db(back, 100, 500) == pytest.approx(energy_db(front, 100, 500), abs=1.5)
    hz = np.fft.rfftfreq(1024, 1 / 48000)
    band = (hz > 5e3) & (hz < 11.2e3)  # the second notch begins above
    notches_hz = []
    for elevation in (-45, 0, 45, 90):
        response = np.abs(np.fft.rfft(computed.ir[row(computed, 0, elevation), 0], 1024))
        notches_hz.append(hz[band][np.argmin(response[band])])
    assert np.all(np.diff(notches_hz) > 500.0), notches_hz
    assert 5e3 < notches_hz[0] < 7e3
    assert 10e3 < notches_hz[-1] < 11.5e3


def test_low_frequencies_pass_unchanged(computed: HrtfSet) -> None:
    at_zero_db = 20 * np.log10(np.abs(computed.ir.sum(axis=-1)))
    assert np.abs(at_zero_db).max() < 1.0  # 1.5 m away, the near ear gains 0.8 dB


def test_neighbours_sound_alike(computed: HrtfSet) -> None:
    """No seam between rings or at the poles: 7.5 degrees change little below 4 kHz."""
    spectra = np.abs(np.fft.rfft(computed.ir, 512))[..., 3:43]
    levels_db = 20 * np.log10(spectra)
    for i, position in enumerate(computed.positions):
        near = np.argsort(angle_deg(computed.positions, position))[1:5]
        steps_db = np.sqrt(np.mean((levels_db[near] - levels_db[i]) ** 2, axis=(1, 2)))
        assert steps_db.max() < 5.0, (i, position, steps_db)


def test_the_sphere_is_that_of_duda_and_martens() -> None:
    """Known values: 0 dB at 0 Hz, near +6 dB at high frequencies towards the source, Woodworth."""
    hz = np.array([0.0, 12000.0, 12050.0])
    towards, behind = _sphere(np.array([1.0, -1.0]), hz)
    assert abs(towards[0]) == pytest.approx(1.0 + 1.5 * HEAD_RADIUS_M / 1.5, abs=0.01)
    assert 20 * np.log10(abs(towards[1])) == pytest.approx(6.0 + 0.53, abs=0.3)
    delay = -np.diff(np.unwrap(np.angle(np.stack([towards, behind])[:, 1:]))) / (2 * np.pi * 50.0)
    assert delay[0, 0] == pytest.approx(-HEAD_RADIUS_M / SOUND_SPEED_M_S, rel=0.03)
    assert delay[1, 0] == pytest.approx(HEAD_RADIUS_M / SOUND_SPEED_M_S * np.pi / 2, rel=0.05)


def test_other_sample_rates_hold_the_same_head() -> None:
    slow = computed_hrtf(16000)
    assert slow.ir.shape == (734, 2, 85)
    itd = interaural.itd_correlation_seconds(slow.ir, 16000)
    fast = interaural.itd_correlation_seconds(computed_hrtf().ir, 48000)
    assert itd.min() == pytest.approx(fast.min(), abs=60e-6)  # one sample at 16 kHz is 62 us
