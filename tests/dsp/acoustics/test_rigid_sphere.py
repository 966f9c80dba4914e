"""The rigid sphere against a plain sum of Hankel functions, its limits, and the paths around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import spherical_jn, spherical_yn

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S, path_m, sphere_response
from auricle.dsp.errors import AuricleError

RADIUS_M = 0.0875
COSINES = np.cos(np.deg2rad([0.0, 35.0, 90.0, 150.0, 180.0]))


def plain_sum(distance_m: float, cosine: np.ndarray, hz: float) -> np.ndarray:
    """Duda and Martens' equation 5, term by term, as many as scipy can hold."""
    mu = 2.0 * np.pi * hz * RADIUS_M / SOUND_SPEED_M_S
    rho = distance_m / RADIUS_M
    total = np.zeros(len(cosine), dtype=complex)
    for m in range(200):
        outer = spherical_jn(m, mu * rho) + 1j * spherical_yn(m, mu * rho)
        slope = spherical_jn(m, mu, True) + 1j * spherical_yn(m, mu, True)
        if not (np.isfinite(outer) and np.isfinite(slope)):
            break
        legendre = np.polynomial.legendre.legval(cosine, np.eye(m + 1)[m])
        total += (2 * m + 1) * legendre * outer / slope
    return np.conj(-rho / mu * np.exp(-1j * mu * rho) * total)


@pytest.mark.parametrize("distance_m", [0.125, 0.25, 1.0, 3.0])
@pytest.mark.parametrize("hz", [400.0, 1700.0, 6100.0, 16000.0])
def test_the_series_is_that_of_duda_and_martens(distance_m: float, hz: float) -> None:
    found = sphere_response(distance_m, COSINES, np.array([hz]), RADIUS_M)[:, 0]
    np.testing.assert_allclose(found, plain_sum(distance_m, COSINES, hz), rtol=0, atol=1e-9)


def test_far_sources_are_plane_waves() -> None:
    hz = np.array([0.0, 100.0, 1000.0, 10000.0])
    plane = sphere_response(np.inf, COSINES, hz, RADIUS_M)
    gaps = [
        np.abs(sphere_response(r, COSINES, hz, RADIUS_M) - plane).max() for r in (1.0, 10.0, 1e4)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-3
    assert np.allclose(plane[:, 0], 1.0)


def test_at_rest_it_is_the_limit_of_low_frequencies() -> None:
    slow, rest = sphere_response(0.2, COSINES, np.array([0.5, 0.0]), RADIUS_M).T
    np.testing.assert_allclose(np.abs(slow), rest.real, rtol=1e-4)
    rho = 0.2 / RADIUS_M
    by_hand = sum((2 * m + 1) / (m + 1) * rho**-m for m in range(200))
    assert rest[0].real == pytest.approx(by_hand)


def test_a_tiny_head_is_no_obstacle() -> None:
    tiny = sphere_response(1.0, COSINES, np.array([0.0, 500.0, 5000.0]), 1e-5)
    np.testing.assert_allclose(np.abs(tiny), 1.0, atol=1e-3)


@given(st.floats(1.02, 1e4), st.floats(-1.0, 1.0), st.floats(0.0, 30000.0), st.floats(0.03, 0.2))
def test_it_is_finite_everywhere(rho: float, cosine: float, hz: float, radius: float) -> None:
    found = sphere_response(rho * radius, cosine, np.array([hz]), radius)
    assert np.all(np.isfinite(found))
    assert np.all(np.abs(found) < 200.0)


def test_no_source_inside_the_head() -> None:
    with pytest.raises(AuricleError, match=r"0\.05 m from the middle is inside"):
        sphere_response(0.05, 1.0, np.array([100.0]), RADIUS_M)


def test_paths_are_straight_in_sight_and_bend_in_the_shadow() -> None:
    r = 0.3
    np.testing.assert_allclose(path_m(r, [1.0, -1.0], RADIUS_M)[0], -RADIUS_M, atol=1e-12)
    angles = np.linspace(0.0, np.pi, 2001)
    way = path_m(r, np.cos(angles), RADIUS_M)
    horizon = np.arccos(RADIUS_M / r)
    seen = angles < horizon
    chord = np.hypot(r - RADIUS_M * np.cos(angles), RADIUS_M * np.sin(angles))
    np.testing.assert_allclose(way[seen], chord[seen] - r, atol=1e-12)
    np.testing.assert_allclose(np.diff(way[~seen]), RADIUS_M * np.diff(angles)[0], atol=1e-12)
    assert np.abs(np.diff(way)).max() < 1.01 * RADIUS_M * np.diff(angles)[0]  # no jump


def test_far_paths_are_woodworths() -> None:
    angles = np.linspace(0.0, np.pi, 91)
    wanted = np.where(
        angles < np.pi / 2, -RADIUS_M * np.cos(angles), RADIUS_M * (angles - np.pi / 2)
    )
    np.testing.assert_allclose(path_m(np.inf, np.cos(angles), RADIUS_M), wanted, atol=1e-12)
    np.testing.assert_allclose(path_m(1e5, np.cos(angles), RADIUS_M), wanted, atol=1e-6)


def test_the_phase_of_the_series_follows_the_path() -> None:
    hz = np.arange(15000.0, 15100.0, 10.0)
    for degrees in (0.0, 40.0, 70.0):
        cosine = np.cos(np.deg2rad(degrees))
        phase = np.unwrap(np.angle(sphere_response(0.25, cosine, hz, RADIUS_M)))
        delay = -np.polyfit(2.0 * np.pi * hz, phase, 1)[0]
        assert delay * SOUND_SPEED_M_S == pytest.approx(
            float(path_m(0.25, cosine, RADIUS_M)), abs=0.002
        )
