"""Errors of renderings: known values, what each one does not see, implied responses."""

import numpy as np
import pytest
import synthetic_set

pytest.importorskip("torch")

import torch

from auricle.personalization.endtoend.evaluation import metrics
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES, led
from auricle.personalization.endtoend.physics.poses import RATE, Poses
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer


def noise(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((2, int(seconds * RATE)))


def turned(wave: np.ndarray, late: float) -> np.ndarray:
    size = wave.shape[-1]
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size * late)
    return np.fft.irfft(np.fft.rfft(wave) * turn, size)


def test_nothing_wrong_is_zero() -> None:
    wave = noise()
    wave[1] += wave[0]
    for name, value in metrics.errors_of(wave, wave).items():
        assert value == pytest.approx(0.0, abs=1e-6), name


def test_wave_l2_is_a_thousand_times_the_mean_square() -> None:
    wave = noise()
    assert metrics.wave_l2(wave + 0.02, wave) == pytest.approx(0.4)


def test_amplitude_l2_is_the_mean_distance_of_magnitudes() -> None:
    wave = noise()
    spectrum = np.abs(
        torch.stft(
            torch.from_numpy(wave), 2048, 480, 1920, torch.hann_window(1920, dtype=torch.float64),
            return_complex=True,
        ).numpy()
    )  # fmt: skip
    assert metrics.amplitude_l2(1.5 * wave, wave) == pytest.approx(0.5 * spectrum.mean())
    assert metrics.amplitude_l2(-wave, wave) == pytest.approx(0.0, abs=1e-12)


def test_phase_l2_is_the_angle_where_something_sounds() -> None:
    wave = noise()
    assert metrics.phase_l2(-wave, wave) == pytest.approx(np.pi)
    assert metrics.phase_l2(3.0 * wave, wave) == pytest.approx(0.0, abs=1e-9)
    assert metrics.phase_l2(noise(seed=1), wave) == pytest.approx(np.pi / 2.0, abs=0.02)
    cycles = 2.0 * np.pi * 1000.0 * np.arange(RATE) / RATE
    tone, late = (np.tile(np.hanning(RATE) * np.cos(cycles - by), (2, 1)) for by in (0.0, 0.7))
    assert metrics.phase_l2(late, tone) == pytest.approx(0.7, abs=0.01)
    assert metrics.phase_l2(0.0 * wave, wave) == 0.0


def test_mrstft_of_a_gain_is_known() -> None:
    """A gain g: spectral convergence |g - 1|, log distance |ln g|, alike at all resolutions."""
    wave = noise()
    found = metrics.mrstft(1.25 * wave, wave)
    assert found == pytest.approx(0.25 + np.log(1.25), rel=1e-6)


@pytest.mark.parametrize("late", [7.0, -13.4, 100.25])
def test_a_common_arrival_time_is_taken_out(late: float) -> None:
    wave = noise()
    wave *= np.hanning(wave.shape[-1])
    spectrum = np.fft.rfft(wave)
    spectrum[:, int(0.4 * wave.shape[-1]) :] = 0.0
    wave = np.fft.irfft(spectrum)
    inside = np.s_[:, 300:-300]
    moved = metrics.without_common_arrival(turned(wave, late), wave)
    assert synthetic_set.level_db((moved - wave)[inside], wave[inside]) < -50.0
    apart = np.stack([turned(wave[:1], 20.0)[0], turned(wave[1:], -20.0)[0]])
    assert metrics.phase_l2(metrics.without_common_arrival(apart, wave), wave) > 0.5


def test_interaural_errors_are_those_made() -> None:
    """A right ear 12 samples later and 5 dB louder than it should be, over a moving sound."""
    one = noise(2.0)[0]
    wanted = np.stack([one, 0.5 * turned(one, 10.0)])
    found = np.stack([one, 0.5 * 10.0 ** (5.0 / 20.0) * turned(one, 22.0)])
    errors = metrics.interaural_errors(found, wanted)
    assert errors["itd_error_us"] == pytest.approx(250.0, abs=2.0)
    assert errors["ild_error_db"] == pytest.approx(5.0, abs=0.05)


def test_silence_between_words_does_not_count() -> None:
    wanted = noise(2.0)
    wanted[1] = turned(wanted[:1], 5.0)[0]
    wanted[:, RATE:] *= 1e-5
    found = wanted.copy()
    found[:, RATE + 4000 :] = found[::-1, RATE + 4000 :]
    found[0, RATE + 4000 :] *= 3.0
    errors = metrics.interaural_errors(found, wanted)
    assert errors["itd_error_us"] < 2.0
    assert errors["ild_error_db"] < 0.2
    nothing = metrics.interaural_errors(0.0 * wanted, 0.0 * wanted)
    assert np.isnan(nothing["itd_error_us"])


def test_implied_responses_are_those_rendered_with() -> None:
    hrtf = synthetic_set.make_set(40)
    hrtf = type(hrtf)(led(hrtf.ir, hrtf.positions), hrtf.positions, 1.0, RATE, "led")
    renderer = ExplicitRenderer(hrtf)
    found = metrics.implied_hrtf(
        lambda mono, poses: renderer.render(mono, [poses]), hrtf.positions[:5]
    )
    spectra = [np.fft.rfft(each.ir[:5], 512)[..., 2:190] for each in (found, hrtf)]
    assert synthetic_set.level_db(spectra[0] - spectra[1], spectra[1]) < -45.0


def test_an_empty_head_implies_single_taps() -> None:
    from auricle.personalization.endtoend.evaluation.baselines import warp

    found = metrics.implied_hrtf(warp, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert found.ir[0, 0].argmax() == round(LEAD_SAMPLES + 0.1)
    assert found.ir[1, 1].argmax() - found.ir[1, 0].argmax() == round(0.16 / 343.0 * RATE)


def test_macs_of_a_layer_are_known() -> None:
    layer = torch.nn.Linear(30, 20, bias=False)
    assert metrics.macs_per_second(lambda: layer(torch.zeros(7, 30)), 0.5) == 2 * 7 * 30 * 20


def test_speech_scores_know_good_from_bad() -> None:
    pytest.importorskip("pesq")
    pytest.importorskip("pystoi")
    rng = np.random.default_rng(0)
    times = np.arange(3 * RATE) / RATE
    pitch = 120.0 * (1.0 + 0.1 * np.sin(3.0 * times))
    voice = sum(np.sin(k * 2.0 * np.pi * np.cumsum(pitch) / RATE) / k for k in range(1, 30))
    voice *= np.maximum(np.sin(2.0 * np.pi * 2.0 * times), 0.0)
    wanted = 0.1 * np.stack([voice, voice])
    good = metrics.speech_scores(wanted.astype(np.float32), wanted.astype(np.float32))
    bad = metrics.speech_scores(
        (wanted + 0.1 * rng.standard_normal(wanted.shape)).astype(np.float32),
        wanted.astype(np.float32),
    )
    assert good["stoi"] == pytest.approx(1.0, abs=1e-3)
    assert good["pesq"] > 4.5
    assert bad["pesq"] < 2.0
    assert bad["stoi"] < good["stoi"]


def test_poses_of_another_rate_are_not_taken() -> None:
    with pytest.raises(ValueError, match="poses"):
        Poses(np.zeros((1, 3)))
