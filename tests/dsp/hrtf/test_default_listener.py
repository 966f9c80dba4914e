"""The mean listener: symmetric, ears the right way round, whole sphere, honest in its name."""

import numpy as np
import pytest

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import angle_deg, unit_vectors
from auricle.dsp.hrtf import checks, default_listener
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.metrics.interaural import ild_db, itd_correlation_seconds


@pytest.fixture(scope="module")
def mean() -> HrtfSet:
    return default_hrtf()


def row(hrtf: HrtfSet, azimuth_deg: float, elevation_deg: float = 0.0) -> int:
    return int(np.argmin(angle_deg(hrtf.positions, unit_vectors(azimuth_deg, elevation_deg))))


def level_db(ir: np.ndarray, low_hz: float, high_hz: float, rate: int = 48000) -> float:
    hz = np.fft.rfftfreq(1024, 1 / rate)
    inside = (hz >= low_hz) & (hz < high_hz)
    return float(10 * np.log10(np.mean(np.abs(np.fft.rfft(ir, 1024)[inside]) ** 2)))


def test_it_covers_the_sphere_and_says_what_it_is(mean: HrtfSet) -> None:
    assert mean.ir.shape[:2] == (734, 2)
    assert mean.name == "mean of 123 measured listeners (HUTUBS + CIPIC)"
    assert "CC BY 4.0" in mean.license
    assert "Regents of the University of California" in mean.license
    assert "Brinkmann" in mean.references
    assert default_listener.PATH.stat().st_size < 2e6
    assert not mean.findings
    assert not checks.set_findings(mean.ir, mean.positions, mean.sample_rate)


def test_left_and_right_are_mirrors_to_the_last_bit(mean: HrtfSet) -> None:
    mirrored = mean.positions * [1.0, -1.0, 1.0]
    rows = [int(np.argmin(np.sum((mirrored - p) ** 2, axis=1))) for p in mean.positions]
    np.testing.assert_array_equal(mirrored[rows], mean.positions)
    np.testing.assert_array_equal(mean.ir[rows, 0], mean.ir[:, 1])


def test_the_ears_are_the_right_way_round(mean: HrtfSet) -> None:
    itd_us = 1e6 * itd_correlation_seconds(mean.ir, mean.sample_rate)
    ild = ild_db(mean.ir)
    left, right = row(mean, 90), row(mean, -90)
    assert -780 < itd_us[left] < -600  # heard first by the left ear: negative
    assert itd_us[right] == pytest.approx(-itd_us[left], abs=1.0)
    assert ild[left] > 8.0
    assert ild[right] == pytest.approx(-ild[left], abs=1e-9)


def test_behind_is_duller_than_in_front(mean: HrtfSet) -> None:
    front, back = mean.ir[row(mean, 0), 0], mean.ir[row(mean, 180), 0]
    assert level_db(back, 3e3, 6e3) < level_db(front, 3e3, 6e3) - 2.0


def test_other_sample_rates_hold_the_same_head(mean: HrtfSet) -> None:
    slow = default_hrtf(16000)
    assert slow.sample_rate == 16000
    itd = itd_correlation_seconds(slow.ir, 16000)
    fast = itd_correlation_seconds(mean.ir, 48000)
    assert np.max(np.abs(itd - fast)) < 20e-6


def test_a_missing_file_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(default_listener, "PATH", tmp_path / "nothing.npz")
    default_listener._made.cache_clear()
    with pytest.raises(AuricleError, match=r"nothing\.npz: is missing; install Auricle again"):
        default_hrtf(22050)
