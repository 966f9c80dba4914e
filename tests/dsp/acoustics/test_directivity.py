"""Directivity: values by hand, laws, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.acoustics.directivity import PATTERNS, directivity_gain, facing_cosine
from auricle.dsp.errors import AuricleError


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


def test_bad_values_are_refused() -> None:
    with pytest.raises(AuricleError, match="share is from 0 to 1"):
        directivity_gain(0.0, 1.5)
    with pytest.raises(AuricleError, match="order of a directivity"):
        directivity_gain(0.0, 0.5, -1.0)
