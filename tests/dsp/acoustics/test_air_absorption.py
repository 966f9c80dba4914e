"""Absorption by the air against the standard's tables, and the filters against the absorption."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.acoustics.air_absorption import (
    SCALE_M,
    Air,
    absorption_db_per_m,
    air_table,
    table_distances_m,
)
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters import biquad

OCTAVES_HZ = 1000.0 * 10.0 ** (0.3 * np.arange(-4, 4))
# ISO 9613-2:1996, table 2 (from ISO 9613-1): degrees Celsius, per cent, dB a km in octaves.
TABLE = [
    (10.0, 70.0, [0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0]),
    (20.0, 70.0, [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6]),
    (30.0, 70.0, [0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3]),
    (15.0, 20.0, [0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0]),
    (15.0, 50.0, [0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0]),
    (15.0, 80.0, [0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8]),
]


@pytest.mark.parametrize(("celsius", "percent", "wanted"), TABLE)
def test_absorption_is_the_standards(celsius: float, percent: float, wanted: list[float]) -> None:
    found = 1000.0 * absorption_db_per_m(OCTAVES_HZ, Air(celsius, percent))
    np.testing.assert_allclose(found, wanted, rtol=0.01, atol=0.051)


def test_pressure_scales_frequencies_and_absorption() -> None:
    """Relaxation frequencies over pressure, at one molar concentration, rule (ISO 9613-1, 6.4)."""
    low = Air(20.0, 40.0, 101.325)
    dense = Air(20.0, 60.0, 151.9875)  # half more pressure, with the same molar share of water
    ratio = 1.5
    hz = np.array([500.0, 2000.0, 8000.0])
    np.testing.assert_allclose(
        absorption_db_per_m(hz * ratio, dense), absorption_db_per_m(hz, low) * ratio, rtol=1e-9
    )


def test_speed_of_sound() -> None:
    assert Air(20.0).sound_speed_m_s == pytest.approx(343.2)
    assert Air(0.0).sound_speed_m_s == pytest.approx(331.3, abs=0.1)


@given(st.floats(-50, 60), st.floats(0, 100), st.floats(20, 200), st.floats(0, 24000))
def test_air_only_takes(celsius: float, percent: float, kpa: float, hz: float) -> None:
    loss = absorption_db_per_m(np.array([0.0, hz]), Air(celsius, percent, kpa))
    assert np.all(np.isfinite(loss))
    assert loss[0] == 0.0
    assert loss[1] >= 0.0


@pytest.mark.parametrize(
    ("air", "rate"),
    [(Air(), 48000), (Air(10.0, 70.0), 44100), (Air(30.0, 20.0), 48000), (Air(0.0, 30.0), 96000)],
)
def test_filters_follow_the_standard(air: Air, rate: int) -> None:
    table = air_table(air, rate)
    hz = np.geomspace(50.0, 16000.0, 60)
    loss = absorption_db_per_m(hz, air)
    for distance in np.geomspace(1.0, 250.0, 40):
        at = distance / (distance + SCALE_M) / 0.95 * (len(table) - 1)
        low = int(at)
        row = table[low] + (at - low) * (table[low + 1] - table[low])
        error = np.abs(20.0 * np.log10(np.abs(biquad.response(row, hz, rate))) + distance * loss)
        audible = distance * loss < 20.0
        assert error[audible].max() < (0.5 if distance < 50.0 else 1.3 if distance < 100.0 else 3.0)


def test_filters_are_stable_and_begin_with_nothing() -> None:
    table = air_table(Air(-20.0, 60.0), 48000)
    assert table_distances_m()[0] == 0.0
    assert np.array_equal(table[0], biquad.IDENTITY_COEFFICIENTS)
    a1, a2 = table[:, 3], table[:, 4]
    assert np.all(np.abs(a2) < 1.0)
    assert np.all(np.abs(a1) < 1.0 + a2)


@pytest.mark.parametrize(
    "values", [{"temperature_celsius": 400.0}, {"humidity_percent": -1.0}, {"pressure_kpa": np.nan}]
)
def test_impossible_air_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(AuricleError, match=next(iter(values))):
        Air(**values)
