"""HrtfSet: what it accepts, what it refuses, and what its methods keep."""

import numpy as np
import pytest
from pulse_head import full_sphere, pulse_head
from scipy.signal import freqz

from auricle.dsp.errors import AuricleError, HrtfError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.responses.time_axis import delayed

SIX = np.concatenate([np.eye(3), -np.eye(3)])


def make(ir=None, positions=SIX, radius_m=1.0, sample_rate=48000) -> HrtfSet:
    ir = np.ones((len(positions), 2, 4)) if ir is None else ir
    return HrtfSet(ir, positions, radius_m, sample_rate)


def test_properties() -> None:
    hrtf = make()
    assert (hrtf.n_directions, hrtf.n_taps) == (6, 4)
    np.testing.assert_array_equal(hrtf.azimuth_deg, [0, 90, 0, 180, -90, 0])
    np.testing.assert_array_equal(hrtf.elevation_deg, [0, 0, 90, 0, 0, -90])
    assert hrtf.ir.dtype == hrtf.positions.dtype == np.float64


BROKEN = np.ones((6, 2, 4))
BROKEN[3, 1, 2] = np.nan


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ir": np.ones((6, 4))}, r"ir must be \(directions, 2 ears, samples\)"),
        ({"ir": np.ones((6, 3, 4))}, "2 ears"),
        ({"ir": np.ones((0, 2, 4)), "positions": np.ones((0, 3))}, "empty"),
        ({"ir": np.ones((6, 2, 0))}, "empty"),
        ({"ir": BROKEN}, "NaN or infinite samples, the first is number 3"),
        ({"ir": np.zeros((6, 2, 4))}, "all impulse responses are zero"),
        ({"ir": np.ones((6, 2, 4), dtype=complex)}, "real numbers"),
        ({"ir": np.ones((5, 2, 4))}, r"positions must be \(5, 3\)"),
        ({"positions": 2.0 * SIX}, "unit vectors, number 0 has length 2"),
        ({"positions": np.full((6, 3), np.nan)}, "unit vectors"),
        ({"positions": SIX[:1]}, "only one direction"),
        ({"positions": SIX[[0, 0, 0]]}, "only one direction"),
        ({"radius_m": 0.0}, "radius_m"),
        ({"radius_m": float("nan")}, "radius_m"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": 44100.5}, "whole number"),
        ({"sample_rate": float("inf")}, "sample_rate"),
    ],
)
def test_arrays_that_make_no_set_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(HrtfError, match=message) as caught:
        make(**arguments)
    assert isinstance(caught.value, AuricleError)
    assert "\n" not in str(caught.value)


def test_a_set_shows_itself_in_one_line() -> None:
    hrtf = HrtfSet(np.ones((2, 2, 8)), np.eye(3)[:2], 1.47, 44100, "pp10")
    assert repr(hrtf) == "HrtfSet('pp10', 2 directions, 8 samples at 44100 Hz, 1.47 m)"


def test_subset_keeps_order_and_takes_masks() -> None:
    hrtf = pulse_head(SIX)
    np.testing.assert_array_equal(hrtf.subset([4, 1]).positions, SIX[[4, 1]])
    np.testing.assert_array_equal(hrtf.subset([4, 1]).ir, hrtf.ir[[4, 1]])
    mask = hrtf.positions[:, 0] == 0.0
    np.testing.assert_array_equal(hrtf.subset(mask).positions, SIX[mask])


@pytest.mark.parametrize("indices", [[], [6], [-7], [0.5], [[0], [1]], [True, False]])
def test_subset_refuses_what_is_no_list_of_indices(indices: list) -> None:
    with pytest.raises(HrtfError, match=r"indices must be|a mask must be"):
        make().subset(indices)


def test_mirrored_exchanges_ears_and_sides_and_undoes_itself() -> None:
    hrtf = pulse_head()
    mirror = hrtf.mirrored()
    left = np.argmax(hrtf.positions[:, 1])
    assert mirror.positions[left, 1] == -hrtf.positions[left, 1]
    np.testing.assert_array_equal(mirror.ir[left, 1], hrtf.ir[left, 0])
    np.testing.assert_array_equal(mirror.mirrored().ir, hrtf.ir)
    np.testing.assert_array_equal(mirror.mirrored().positions, hrtf.positions)


RATES = [(48000, 44100), (44100, 48000), (48000, 96000), (96000, 44100), (44100, 16000)]


@pytest.mark.parametrize(("rate", "new_rate"), RATES)
def test_resampling_keeps_the_transfer_function(rate: int, new_rate: int) -> None:
    """Level and phase at once: the same complex response at the same frequencies in Hz."""
    hrtf = pulse_head(sample_rate=rate, n_taps=2048, onset_seconds=0.01)
    again = hrtf.resampled(new_rate)
    assert again.sample_rate == new_rate
    # -80 dB up to 0.8 of the lower Nyquist frequency (0.6 down to 16 kHz) is what soxr leaves;
    # errors of the level by 1/5000, or of the time by a hundredth of a sample, would show.
    up_to_hz = (0.6 if new_rate == 16000 else 0.8) * min(rate, new_rate) / 2.0
    assert resampling_error_db(hrtf, again, up_to_hz) < -80.0


def test_resampling_a_response_that_begins_early() -> None:
    """Sets begin 0.5 to 1 ms after time 0, where the resampler's own ringing is cut off."""
    hrtf = pulse_head(sample_rate=44100, onset_seconds=0.0008)
    assert resampling_error_db(hrtf, hrtf.resampled(48000), 18000.0) < -80.0


def resampling_error_db(before: HrtfSet, after: HrtfSet, up_to_hz: float) -> float:
    f = np.linspace(100.0, up_to_hz, 50)
    errors = []
    for m, e in [(0, 0), (20, 1)]:
        old = freqz(before.ir[m, e], worN=f, fs=before.sample_rate)[1]
        new = freqz(after.ir[m, e], worN=f, fs=after.sample_rate)[1]
        errors.append(np.max(np.abs(new - old)) / np.max(np.abs(old)))
    return 20.0 * np.log10(max(errors))


def test_resampling_keeps_the_tail() -> None:
    """A response that ends with a click: its ringing must not be cut at the old length."""
    ir = np.zeros((6, 2, 1024))
    ir[:, :, 1023] = 1.0
    again = make(ir).resampled(96000)
    f = np.linspace(100.0, 18000.0, 50)
    after = freqz(again.ir[0, 0], worN=f, fs=96000)[1]
    np.testing.assert_allclose(np.abs(after), 1.0, atol=1e-5)  # -100 dB, as above


def test_resampling_to_the_same_rate_is_the_same_set() -> None:
    hrtf = pulse_head()
    assert hrtf.resampled(48000) is hrtf


def test_resampling_to_nonsense_is_refused() -> None:
    with pytest.raises(HrtfError, match="sample_rate"):
        pulse_head().resampled(-1)


def test_delays_of_whole_samples_are_exact() -> None:
    ir = np.random.default_rng(1).standard_normal((3, 2, 8))
    delay = np.array([[0, 3], [5, 5], [2, 0]])
    out = delayed(ir, delay)
    assert out.shape == (3, 2, 13)
    for m, e in np.ndindex(3, 2):
        np.testing.assert_array_equal(np.trim_zeros(out[m, e]), ir[m, e])
        np.testing.assert_array_equal(out[m, e, delay[m, e] : delay[m, e] + 8], ir[m, e])


def test_delays_of_fractions_are_delays() -> None:
    """Phase and level to 0.9 of Nyquist, for a response with room before it."""
    ir = np.zeros((2, 2, 200))
    ir[:, :, 100] = 1.0
    delay = np.array([[0.25, 3.5], [10.9, 0.0]])
    out = delayed(ir, delay)
    omega = np.linspace(0.01, 0.9 * np.pi, 60)
    for m, e in np.ndindex(2, 2):
        got = freqz(out[m, e], worN=omega)[1]
        expected = np.exp(-1j * omega * (100 + delay[m, e]))
        assert np.max(np.abs(got - expected)) < 0.02  # a sinc cut to +-64 samples: 0.01 at 0.9


def test_a_full_sphere_is_one_in_the_tests_too() -> None:
    positions = full_sphere()
    np.testing.assert_allclose(np.linalg.norm(positions, axis=1), 1.0, atol=1e-12)
    assert np.max(positions @ unit_vectors(33.0, 21.0)) > np.cos(np.deg2rad(15.0))


def test_the_nearest_direction() -> None:
    hrtf = pulse_head()
    for row in range(0, hrtf.n_directions, 7):
        assert hrtf.nearest(hrtf.azimuth_deg[row] + 360.0, hrtf.elevation_deg[row]) == row
    assert make().nearest(80.0) == 1
    assert make().nearest(80.0, 60.0) == 2
    with pytest.raises(HrtfError, match="two finite angles, got nan"):
        make().nearest(float("nan"))


@pytest.mark.parametrize("estimator", ["correlation", "maxiacce", "onset"])
def test_itd_is_positive_where_the_left_ear_hears_later(estimator: str) -> None:
    hrtf = pulse_head()
    itd = hrtf.itd(estimator)
    assert itd.shape == (hrtf.n_directions,)
    right = hrtf.positions[:, 1] < -0.5
    assert np.all(itd[right] > 1e-4)
    np.testing.assert_allclose(hrtf.mirrored().itd(estimator), -itd, atol=3e-5)


def test_an_unknown_estimator_of_the_itd() -> None:
    with pytest.raises(HrtfError, match="correlation, maxiacce, onset, not 'ear'"):
        make().itd("ear")


def test_what_a_notebook_shows_of_a_set_is_escaped() -> None:
    ir = np.ones((6, 2, 4))
    html = HrtfSet(ir, SIX, 1.2, 48000, "<b>", findings=("a & b",), license="CC0")._repr_html_()
    for part in ("&lt;b&gt;", "a &amp; b", "CC0", "6", "4 samples at 48000 Hz", "1.2 m"):
        assert part in html
    assert "nothing was found" in make()._repr_html_()
