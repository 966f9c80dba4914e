"""FuMa channels against plane waves in SN3D."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.dsp.ambisonics import fuma
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.sphere.harmonics import encode


def furse_malham(azimuth: float, elevation: float) -> dict[str, float]:
    """The published formulas, channel by channel."""
    a, e = azimuth, elevation
    return {
        "W": np.sqrt(0.5), "X": np.cos(a) * np.cos(e), "Y": np.sin(a) * np.cos(e), "Z": np.sin(e),
        "R": 1.5 * np.sin(e) ** 2 - 0.5, "S": np.cos(a) * np.sin(2 * e),
        "T": np.sin(a) * np.sin(2 * e), "U": np.cos(2 * a) * np.cos(e) ** 2,
        "V": np.sin(2 * a) * np.cos(e) ** 2, "K": np.sin(e) * (5 * np.sin(e) ** 2 - 3) / 2,
        "L": np.sqrt(135 / 256) * np.cos(a) * np.cos(e) * (5 * np.sin(e) ** 2 - 1),
        "M": np.sqrt(135 / 256) * np.sin(a) * np.cos(e) * (5 * np.sin(e) ** 2 - 1),
        "N": np.sqrt(27 / 4) * np.cos(2 * a) * np.sin(e) * np.cos(e) ** 2,
        "O": np.sqrt(27 / 4) * np.sin(2 * a) * np.sin(e) * np.cos(e) ** 2,
        "P": np.cos(3 * a) * np.cos(e) ** 3, "Q": np.sin(3 * a) * np.cos(e) ** 3,
    }  # fmt: skip


@given(st.floats(-np.pi, np.pi), st.floats(-1.5, 1.5), st.sampled_from([4, 9, 16]))
def test_a_plane_wave_is_that_of_sn3d(azimuth: float, elevation: float, n: int) -> None:
    channels = furse_malham(azimuth, elevation)
    found = fuma.sn3d_from_fuma([[channels[name]] for name in fuma.SETS[n]])[:, 0]
    direction = unit_vectors(np.degrees(azimuth), np.degrees(elevation))
    np.testing.assert_allclose(found, encode(direction, fuma.order_of_fuma(n)), atol=2e-6)


def test_missing_heights_are_silent_and_other_sets_refused() -> None:
    out = fuma.sn3d_from_fuma(np.ones((5, 3)))  # W X Y U V
    assert out.shape == (9, 3)
    assert set(np.flatnonzero(out[:, 0])) == {0, 1, 3, 4, 8}
    for n in (1, 2, 10, 12, 25):
        with pytest.raises(AuricleError, match=f"{n} channels are no set"):
            fuma.sn3d_from_fuma(np.ones((n, 3)))
