"""The localisation observer: its cues, each step of the model, and what better ears bring."""

from dataclasses import asdict

import numpy as np
import pytest
from pulse_head import full_sphere, pulse_head
from scipy import integrate
from synthetic_subjects import listeners

from auricle.dsp.errors import HrtfError
from auricle.dsp.geometry import angle_deg, unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.metrics import observer as observer_module
from auricle.personalization.metrics.cues import (
    band_levels_db,
    centre_frequencies_hz,
    cues_of,
    gammatone_taps,
    warped_itd,
)
from auricle.personalization.metrics.observer import (
    Observer,
    errors_of,
    lateral_polar_deg,
    localise,
    responses_of,
)

EXACT = Observer(1e-3, 1e-3, 1e-3, np.inf, 0.0)


def eared_head(seed: int = 0, spacing_deg: float = 15.0) -> HrtfSet:
    """A head whose ears colour every direction differently."""
    return listeners(1, spacing_deg, seed).hrtf_set(0)


# --- cues ------------------------------------------------------------------------------------


def test_warped_itd_counts_just_noticeable_differences() -> None:
    """Its slope is one over the just noticeable difference, 32.5 us + 0.095 |ITD|."""
    for itd in (1e-5, 2e-4, 7e-4):
        steps, _ = integrate.quad(lambda t: 1.0 / (32.5e-6 + 0.095 * t), 0.0, itd)
        assert float(warped_itd(np.array(itd))) == pytest.approx(steps, rel=1e-6)
        assert float(warped_itd(np.array(-itd))) == pytest.approx(-steps, rel=1e-6)
    assert float(warped_itd(np.array(0.0))) == 0.0


@pytest.mark.parametrize("rate", [44100, 48000])
def test_gammatone_bands_are_one_erb_apart_and_in_tune(rate: int) -> None:
    hz = centre_frequencies_hz(rate)
    assert hz[0] == pytest.approx(700.0)
    assert len(hz) == 28
    assert 16000.0 < hz[-1] <= 18000.0
    np.testing.assert_allclose(np.diff(21.4 * np.log10(1.0 + 0.00437 * hz)), 1.0, atol=1e-9)
    response = np.abs(np.fft.rfft(gammatone_taps(hz, rate), 16384))
    top = np.fft.rfftfreq(16384, 1.0 / rate)[np.argmax(response, axis=1)]
    np.testing.assert_allclose(top, hz, rtol=0.02)
    np.testing.assert_allclose(response.max(axis=1), 1.0, atol=0.05)
    # The noise bandwidth of a 4th-order gammatone filter is one ERB (Patterson et al. 1988).
    width = np.sum(response**2, axis=1) * rate / 16384
    np.testing.assert_allclose(width[:-3], 24.7 * (0.00437 * hz[:-3] + 1.0), rtol=0.05)


def test_levels_are_on_the_root_scale_and_know_no_length() -> None:
    ir = eared_head().ir[:6]
    levels = band_levels_db(ir, 44100)
    np.testing.assert_allclose(band_levels_db(100.0 * ir, 44100) - levels, 20.0, atol=1e-6)
    padded = np.pad(ir, ((0, 0), (0, 0), (0, 100)))
    np.testing.assert_allclose(band_levels_db(padded, 44100), levels, atol=0.05)
    assert centre_frequencies_hz(16000)[-1] <= 7200.0


# --- steps of the model ----------------------------------------------------------------------


def test_without_noise_every_direction_is_found() -> None:
    """Up to the template's 4 degrees, where directions differ; poles of a sparse grid included."""
    head = eared_head()
    responses, targets = responses_of(head, head, observer=EXACT, repetitions=1)
    off_deg = angle_deg(responses[:, 0], targets)
    assert np.median(off_deg) < 4.0
    assert np.mean(off_deg < 15.0) > 0.95


def test_the_prior_draws_to_the_horizon() -> None:
    head = eared_head()
    narrow = Observer(sigma_prior_deg=5.0, sigma_motor_deg=0.0, sigma_spectral_db=20.0)
    wide = Observer(sigma_prior_deg=np.inf, sigma_motor_deg=0.0, sigma_spectral_db=20.0)
    heights = [
        np.abs(responses_of(head, head, observer=each, repetitions=2)[0][..., 2]).mean()
        for each in (narrow, wide)
    ]
    assert heights[0] < 0.5 * heights[1]


def test_motor_noise_has_its_spread() -> None:
    """For a narrow von Mises-Fisher noise each of two axes across has a deviation of sigma."""
    rng = np.random.default_rng(0)
    front = np.tile([[0.0, 0.6, 0.8]], (20000, 1))
    noisy = observer_module._scattered(front, 14.0, rng)
    np.testing.assert_allclose(np.linalg.norm(noisy, axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(noisy.mean(axis=0) / np.linalg.norm(noisy.mean(axis=0)),
                               front[0], atol=0.01)  # fmt: skip
    # The mean cosine is coth(kappa) - 1 / kappa.
    kappa = 1.0 / np.deg2rad(14.0) ** 2
    assert np.mean(noisy @ front[0]) == pytest.approx(1.0 / np.tanh(kappa) - 1.0 / kappa, abs=1e-3)
    np.testing.assert_array_equal(observer_module._scattered(front, 0.0, rng), front)


def test_the_largest_posterior_by_its_definition() -> None:
    rng = np.random.default_rng(1)
    features, template = rng.standard_normal((4, 5)), rng.standard_normal((30, 5))
    prior = rng.standard_normal(30)
    found = observer_module._most_probable(features, template, prior, 3, np.random.default_rng(7))
    noise = np.random.default_rng(7).standard_normal((4, 3, 5))
    for m in range(4):
        for r in range(3):
            sound = features[m] + noise[m, r]
            posterior = [prior[t] - 0.5 * np.sum((sound - template[t]) ** 2) for t in range(30)]
            assert found[m, r] == int(np.argmax(posterior))


# --- errors ----------------------------------------------------------------------------------


def test_interaural_polar_angles() -> None:
    lateral, polar = lateral_polar_deg(
        unit_vectors([0.0, 90.0, 180.0, 0.0, 0.0, -30.0], [0.0, 0.0, 0.0, 90.0, -60.0, 0.0])
    )
    np.testing.assert_allclose(lateral, [0.0, 90.0, 0.0, 0.0, 0.0, -30.0], atol=1e-9)
    np.testing.assert_allclose(polar[[0, 2, 3, 4, 5]], [0.0, 180.0, 90.0, -60.0, 0.0], atol=1e-9)


def test_errors_of_known_responses() -> None:
    """Ten degrees to the left at the front; twenty up; one of four front to back."""
    front = unit_vectors([0.0])
    left = errors_of(unit_vectors([[10.0]]), front)
    assert (left.lateral_rms_deg, left.quadrant_error_percent) == (pytest.approx(10.0), 0.0)
    up = errors_of(unit_vectors([[0.0]], [[20.0]]), front)
    assert (up.lateral_rms_deg, up.polar_rms_deg) == (pytest.approx(0.0), pytest.approx(20.0))
    back = errors_of(unit_vectors([[0.0, 0.0, 0.0, 180.0]]), front)
    assert back.quadrant_error_percent == 25.0
    assert back.polar_rms_deg == pytest.approx(0.0, abs=1e-6)
    aside = errors_of(unit_vectors([[80.0]]), front)
    assert np.isnan(aside.lateral_rms_deg)
    assert np.isnan(aside.quadrant_error_percent)


def test_the_seed_decides() -> None:
    head = eared_head()
    assert localise(head, head, repetitions=2) == localise(head, head, repetitions=2)
    assert localise(head, head, repetitions=2) != localise(head, head, repetitions=2, seed=1)


def test_foreign_ears_are_worse_than_ones_own() -> None:
    own, other = eared_head(0), eared_head(5)
    keen = Observer(sigma_spectral_db=1.0, sigma_prior_deg=60.0)
    mine = localise(own, own, observer=keen, repetitions=5)
    theirs = localise(own, other, observer=keen, repetitions=5)
    assert theirs.polar_rms_deg > mine.polar_rms_deg + 5.0
    assert theirs.quadrant_error_percent > mine.quadrant_error_percent + 5.0
    assert theirs.lateral_rms_deg < 25.0  # ITD and ILD are alike


def test_a_gain_of_the_whole_set_does_not_count() -> None:
    head = eared_head()
    louder = HrtfSet(5.0 * head.ir, head.positions, 1.5, head.sample_rate)
    own, heard = (asdict(localise(head, each, repetitions=2)) for each in (head, louder))
    assert own == pytest.approx(heard, abs=0.5)


def test_sets_that_do_not_go_together_are_refused() -> None:
    head = pulse_head(full_sphere(30.0))
    with pytest.raises(HrtfError, match="48000 and 44100 Hz"):
        localise(head, head.resampled(44100))
    with pytest.raises(HrtfError, match="repetitions must be 1"):
        localise(head, head, repetitions=0)
    ring = pulse_head(unit_vectors(np.arange(0.0, 360.0, 10.0)))
    above = pulse_head(unit_vectors([0.0, 90.0, 180.0], [80.0, 80.0, 80.0]))
    with pytest.raises(HrtfError, match="no directions in common"):
        localise(ring, above)


def test_few_directions_are_no_obstacle() -> None:
    pair = pulse_head(unit_vectors([90.0, -90.0]))
    found = localise(pair, pair, repetitions=2)
    assert found.n_trials == 4
    assert cues_of(pair.ir, pair.sample_rate).spectra_db.shape[:2] == (2, 2)
