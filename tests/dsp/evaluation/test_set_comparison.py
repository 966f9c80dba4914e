"""LSD, ITD and ILD of responses whose answer is known, and sets compared over the sphere."""

from pathlib import Path

import numpy as np
import pytest
from pulse_head import full_sphere, itd_seconds, pulse_head
from scipy import signal

from auricle.dsp.errors import AuricleError, HrtfError
from auricle.dsp.evaluation.comparison import METRICS, compare, regions
from auricle.dsp.evaluation.matching import matched
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.metrics.interaural import (
    ild_db,
    itd_correlation_seconds,
    itd_maxiacce_seconds,
    itd_onset_seconds,
)
from auricle.dsp.metrics.spectral import LAP, MIDDLE, RFFT_256, Band, lsd_db, spectra_lsd_db
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.datasets.packed import load_h5
from auricle.personalization.metrics.eligibility import eligibility

RATE = 44100


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


# --- LSD -------------------------------------------------------------------------------------


@pytest.mark.parametrize("band", [LAP, MIDDLE, RFFT_256])
def test_a_gain_is_its_own_lsd(band: Band) -> None:
    ir = noise(5, 2, 256)
    np.testing.assert_allclose(lsd_db(ir * 10.0**0.3, ir, RATE, band), 6.0, atol=1e-9)
    np.testing.assert_array_equal(lsd_db(ir, ir, RATE, band), 0.0)


def test_lsd_is_the_root_of_the_mean_square_over_the_band() -> None:
    """Bin for bin by the definition, on a length that is no power of two."""
    one, other = noise(3, 2, 200), noise(3, 2, 200, seed=1)
    spectra = [np.abs(np.fft.fft(ir)) for ir in (one, other)]
    hz = np.arange(200) * RATE / 200
    for low, high in ((20.0, 20000.0), (200.0, 16000.0)):
        squares = [
            (20.0 * np.log10(spectra[0][..., k] / spectra[1][..., k])) ** 2
            for k in range(101)
            if low <= hz[k] <= high
        ]
        expected = np.sqrt(sum(squares) / len(squares))
        np.testing.assert_allclose(lsd_db(one, other, RATE, Band(low, high)), expected, rtol=1e-9)


def test_bins_of_the_development_protocol() -> None:
    """rfft of 256 samples, bins 1 to 116, is the LAP band of 256 samples at 44.1 kHz."""
    one, other = noise(3, 2, 256), noise(3, 2, 256, seed=1)
    db = [20.0 * np.log10(np.abs(np.fft.rfft(ir, 256)))[..., 1:117] for ir in (one, other)]
    expected = np.sqrt(np.mean((db[0] - db[1]) ** 2, axis=-1))
    np.testing.assert_allclose(lsd_db(one, other, RATE, RFFT_256), expected, rtol=1e-9)
    np.testing.assert_allclose(lsd_db(one, other, RATE, LAP), expected, rtol=1e-9)


def test_lsd_does_not_hear_what_is_outside_its_band() -> None:
    ir = noise(1, 2, 512)
    spectrum = np.fft.rfft(ir)
    hz = np.fft.rfftfreq(512, 1.0 / RATE)
    changed = np.fft.irfft(np.where((hz > 16500.0) & (hz < 21000.0), 0.1 * spectrum, spectrum))
    np.testing.assert_allclose(lsd_db(changed, ir, RATE, MIDDLE), 0.0, atol=1e-9)
    assert np.all(lsd_db(changed, ir, RATE, LAP) > 5.0)


def test_lsd_fills_the_shorter_up_and_bears_silence() -> None:
    ir = noise(2, 2, 100)
    longer = np.pad(ir, ((0, 0), (0, 0), (0, 60)))
    np.testing.assert_allclose(lsd_db(ir, longer, RATE), 0.0, atol=1e-9)
    assert np.all(np.isfinite(lsd_db(np.zeros_like(ir), ir, RATE)))
    with pytest.raises(AuricleError, match="100 samples at .* no bin from 20 to 100 Hz"):
        lsd_db(ir, ir, RATE, Band(20.0, 100.0))


def test_lsd_of_spectra_keeps_single_precision() -> None:
    magnitude = np.abs(noise(4, 257)).astype(np.float32) + 0.1
    hz = np.arange(257) * 48000 / 512
    found = spectra_lsd_db((2.0 * magnitude).astype(np.complex64), magnitude, hz)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 20.0 * np.log10(2.0), rtol=1e-5)


# --- ITD and ILD -----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize(
    ("estimator", "error_us"),
    [
        (itd_correlation_seconds, 2.0),
        (lambda ir, rate: itd_maxiacce_seconds(ir, rate, parabola=True), 3.0),
        (itd_onset_seconds, 8.0),
    ],
)
def test_itd_of_pulses(estimator, error_us: float, rate: int) -> None:
    head = pulse_head(full_sphere(20.0), rate, 512)
    found = estimator(head.ir, rate)
    np.testing.assert_allclose(1e6 * found, 1e6 * itd_seconds(head.positions), atol=error_us)


def test_itd_in_whole_samples() -> None:
    """As the LAP challenge has it: lags and onsets are whole samples."""
    head = pulse_head(unit_vectors(np.arange(0.0, 360.0, 7.0)), RATE, 256)
    exact = RATE * itd_seconds(head.positions)
    for found in (
        itd_maxiacce_seconds(head.ir, RATE),
        itd_onset_seconds(head.ir, RATE, between_samples=False),
    ):
        np.testing.assert_allclose(found * RATE, np.round(found * RATE), atol=1e-9)
        np.testing.assert_allclose(found * RATE, exact, atol=1.01)


def test_maxiacce_by_its_definition() -> None:
    """Filter, envelopes and all lags in plain loops, one response after the other."""
    ir = noise(6, 2, 90) * np.exp(-np.arange(90) / 12.0)
    sos = signal.butter(10, 3000.0 / (RATE / 2.0), output="sos")
    expected = []
    for left, right in ir:
        a, b = (np.abs(signal.hilbert(signal.sosfilt(sos, ear))) for ear in (left, right))
        sums = {
            lag: sum(a[n + lag] * b[n] for n in range(90) if 0 <= n + lag < 90)
            for lag in range(-89, 90)
        }
        expected.append(max(sums, key=sums.__getitem__))
    np.testing.assert_allclose(itd_maxiacce_seconds(ir, RATE) * RATE, expected, atol=1e-9)


def test_onsets_by_their_definition() -> None:
    ir = noise(6, 2, 90) * np.exp(-((np.arange(90) - 30.0) ** 2) / 60.0)
    sos = signal.butter(10, 3000.0 / (RATE / 2.0), output="sos")
    for threshold_db in (-10.0, -30.0):
        expected = []
        for pair in ir:
            first = []
            for ear in pair:
                size = np.abs(signal.sosfilt(sos, ear))
                level = 20.0 * np.log10(size / size.max() + 1e-30)
                first.append(next(n for n in range(90) if level[n] > threshold_db))
            expected.append(first[0] - first[1])
        found = itd_onset_seconds(ir, RATE, threshold_db, between_samples=False)
        np.testing.assert_allclose(found * RATE, expected, atol=1e-9)
        between = itd_onset_seconds(ir, RATE, threshold_db)
        assert np.max(np.abs(between - found)) * RATE <= 1.0


@pytest.mark.parametrize(
    "estimator", [itd_correlation_seconds, itd_maxiacce_seconds, itd_onset_seconds]
)
def test_exchanged_ears_turn_the_sign(estimator) -> None:
    head = pulse_head(unit_vectors([20.0, 60.0, 90.0, 130.0]), RATE, 256)
    np.testing.assert_allclose(
        estimator(head.ir[:, ::-1], RATE), -estimator(head.ir, RATE), atol=1e-9
    )
    assert np.all(estimator(head.ir, RATE) < 0.0)  # from the left: the left ear hears first


def test_ild_is_the_ratio_of_rms() -> None:
    ir = noise(4, 2, 64)
    rms = np.sqrt(np.mean(ir**2, axis=-1))
    np.testing.assert_allclose(ild_db(ir), 20.0 * np.log10(rms[:, 0] / rms[:, 1]), rtol=1e-9)
    assert ild_db(np.zeros((1, 2, 8)))[0] == 0.0


# --- whole sets ------------------------------------------------------------------------------


def test_errors_of_a_known_change() -> None:
    head = pulse_head(full_sphere(15.0), 48000, 256)
    changed = np.stack([2.0 * head.ir[:, 0], np.roll(head.ir[:, 1], 3, axis=-1)], axis=1)
    errors = compare(head.ir, changed, head.positions, 48000)
    np.testing.assert_allclose(errors.lsd_db[:, 0], 20.0 * np.log10(2.0), rtol=1e-6)
    np.testing.assert_allclose(errors.lsd_db[:, 1], 0.0, atol=1e-6)
    np.testing.assert_allclose(errors.ild_error_db, 20.0 * np.log10(2.0), rtol=1e-6)
    for name in ("itd_error_us", "itd_onset_error_us", "itd_correlation_error_us"):
        # The right ear hears later, so the left one relatively earlier.
        np.testing.assert_allclose(getattr(errors, name), -1e6 * 3 / 48000, atol=1.0)
    assert not np.any(errors.onset_doubtful)
    mean = errors.summary()["sphere"]
    assert mean["lsd_db"] == pytest.approx(10.0 * np.log10(2.0), rel=1e-6)
    assert set(mean) == {*METRICS, "n_directions"}


def test_the_planes_are_told_apart() -> None:
    positions = unit_vectors([0.0, 90.0, 180.0, 0.0, 45.0], [0.0, 0.0, 0.0, 90.0, 45.0])
    masks = regions(positions)
    assert masks["horizontal"].tolist() == [True, True, True, False, False]
    assert masks["median"].tolist() == [True, False, True, True, False]
    head = pulse_head(positions[3:], 48000)
    errors = compare(head.ir, head.ir, head.positions, 48000)
    assert "horizontal" not in errors.summary()  # no direction, so no mean


def test_ringing_before_the_sound_makes_onsets_doubtful() -> None:
    head = pulse_head(unit_vectors([30.0, 60.0, 90.0, 120.0]), 48000, 256, onset_seconds=0.003)
    ir = head.ir.copy()
    ir[:, 1, 4:100] += 0.1 * np.max(np.abs(ir[:, 1]), axis=-1, keepdims=True)
    assert np.all(compare(ir, ir, head.positions, 48000).onset_doubtful)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda ir: ir[:-1], "must be"),
        (lambda ir: np.where(np.arange(len(ir))[:, None, None] == 2, np.nan, ir), "NaN"),
        (lambda ir: np.where(np.arange(len(ir))[:, None, None] == 2, 0.0, ir), "silent in 1"),
    ],
)
def test_sets_that_cannot_be_compared_are_one_line(change, word: str) -> None:
    head = pulse_head()
    with pytest.raises(HrtfError, match=word):
        compare(head.ir, change(head.ir), head.positions, 48000)


def test_directions_rates_and_lengths_are_matched() -> None:
    one = pulse_head(full_sphere(15.0), 48000, 256)
    order = np.random.default_rng(0).permutation(one.n_directions)[:-20]
    other = one.resampled(44100).subset(order)
    pair = matched(one, other)
    assert pair.sample_rate == 48000
    assert (pair.reference_only, pair.estimate_only) == (20, 0)
    assert len(pair.positions) == len(order)
    assert pair.reference.shape == pair.estimate.shape
    assert any("resampled from 44100 to 48000" in each for each in pair.findings)
    errors = compare(pair.reference, pair.estimate, pair.positions, 48000)
    assert errors.summary()["sphere"]["lsd_200_16000_db"] < 0.1
    assert np.abs(errors.itd_correlation_error_us).max() < 0.5


def test_levels_are_told_and_taken_out() -> None:
    head = pulse_head()
    louder = type(head)(4.0 * head.ir, head.positions, 1.5, 48000)
    pair = matched(head, louder)
    assert pair.level_difference_db == pytest.approx(20.0 * np.log10(4.0))
    assert "12.0 dB louder" in pair.findings[0]
    even = matched(head, louder, match_level=True)
    np.testing.assert_allclose(even.estimate, head.ir, atol=1e-12)
    assert even.findings == ()


def test_sets_without_a_common_direction_are_refused() -> None:
    one = pulse_head(unit_vectors([0.0, 90.0]))
    other = pulse_head(unit_vectors([10.0, 100.0]))
    with pytest.raises(HrtfError, match=r"within 1 degrees; the nearest is 10.0 away"):
        matched(one, other)
    assert len(matched(one, other, tolerance_deg=10.0).positions) == 2
    with pytest.raises(HrtfError, match="0 to 180 degrees, got -1"):
        matched(one, other, tolerance_deg=-1.0)


def test_sphere_weights_give_the_mean_over_the_sphere() -> None:
    """On an uneven grid: x, y, z have mean 0 and z^2 a third; a repeat adds nothing."""
    grid = np.concatenate([full_sphere(20.0), full_sphere(8.0)[:400], full_sphere(20.0)[:1]])
    weights = sphere_weights(grid)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= 0.0
    assert weights[-1] == 0.0
    np.testing.assert_allclose(weights @ grid, 0.0, atol=0.01)
    assert weights @ grid[:, 2] ** 2 == pytest.approx(1.0 / 3.0, abs=0.02)


def test_lap_limits() -> None:
    good = {"itd_error_us": 99.0, "ild_error_db": 4.3, "lsd_db": 7.3}
    assert all(eligibility(good).values())
    assert eligibility({**good, "lsd_db": 7.4})["lsd_db"] is False


def test_the_population_mean_scores_what_was_measured(data_dir: Path) -> None:
    """Mean of the log magnitudes of 23 listeners of SONICOM for a 24th; of 72 it is 4.57 dB."""
    pytest.importorskip("h5py")
    packed = load_h5(data_dir / "hrtf" / "sonicom.h5")
    ir = packed.take(slice(24)).directions(slice(None, None, 8)).ir.astype(np.float64)
    level = np.log(np.abs(np.fft.rfft(ir, 256)) + 1e-9)
    others = (level.sum(axis=0) - level) / 23.0
    found = lsd_db(np.fft.irfft(np.exp(others), 256), ir, RATE, RFFT_256).mean()
    assert 4.3 < found < 5.0
