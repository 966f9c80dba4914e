"""Directivity and width: values by hand, laws, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.acoustics.directivity import PATTERNS, directivity_gain, facing_cosine, spread
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import angle_deg, unit_vectors


def test_the_family_by_hand() -> None:
    ahead, aside, behind = 1.0, 0.0, -1.0
    assert directivity_gain(behind, PATTERNS["omnidirectional"]) == 1.0
    np.testing.assert_allclose(directivity_gain([ahead, aside, behind], 0.5), [1.0, 0.5, 0.0])
    np.testing.assert_allclose(directivity_gain([ahead, aside, behind], 0.0), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(directivity_gain([ahead, aside, behind], 0.25), [1.0, 0.25, 0.5])
    np.testing.assert_allclose(directivity_gain(aside, 0.5, [0.0, 1.0, 2.0]), [1.0, 0.5, 0.25])


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 16.0))
def test_no_pattern_is_louder_than_ahead(cosine: float, share: float, order: float) -> None:
    assert 0.0 <= directivity_gain(cosine, share, order) <= 1.0
    assert directivity_gain(1.0, share, order) == pytest.approx(1.0)


def test_facing() -> None:
    fronts = np.array([[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]])
    positions = np.array([[2.0, 0, 1], [2.0, 0, 1], [2.0, 0, 1], [0, 0, 1.0]])
    np.testing.assert_allclose(facing_cosine(positions, fronts, [0, 0, 1.0]), [-1, 1, 0, 1])


@given(
    st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 360), st.integers(1, 12),
    st.sampled_from(["energy", "amplitude"]),
)  # fmt: skip
def test_a_wide_source(az: float, el: float, width: float, n: int, law: str) -> None:
    middle = unit_vectors(az, el)
    directions, gains = spread(3.0 * middle, width, n, law)
    assert directions.shape == (n, 3)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12)
    assert np.sum(gains**2 if law == "energy" else gains) == pytest.approx(1.0)
    assert np.all(angle_deg(directions, middle) <= width / 2.0 + 1e-6)
    np.testing.assert_allclose(gains, gains[::-1], atol=1e-12)
    turned = gains @ directions
    assert np.linalg.norm(np.cross(turned, middle)) < 1e-9  # it leans to no side


def test_no_width_is_the_direction_itself() -> None:
    directions, _ = spread([0.0, 0.0, 2.0], 0.0, 3)
    np.testing.assert_allclose(directions, np.tile([0.0, 0.0, 1.0], (3, 1)), atol=1e-15)


def test_bad_values_are_refused() -> None:
    with pytest.raises(AuricleError, match="share is from 0 to 1"):
        directivity_gain(0.0, 1.5)
    with pytest.raises(AuricleError, match="order of a directivity"):
        directivity_gain(0.0, 0.5, -1.0)
    for bad, message in (
        ((-1.0, 5, "energy"), "width is from 0 to 360"),
        ((np.nan, 5, "energy"), "width is from 0 to 360"),
        ((30.0, 0, "energy"), "at least 1 direction"),
        ((30.0, 5, "loud"), "not 'loud'"),
    ):
        with pytest.raises(AuricleError, match=message):
            spread([1.0, 0.0, 0.0], *bad)
    with pytest.raises(AuricleError, match="is not a direction"):
        spread([0.0, 0.0, 0.0], 30.0)
