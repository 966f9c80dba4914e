"""Loudness against pyloudnorm and the known values of EBU Tech 3341; true peak; the limiter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.plugin_core.mastering import limiter, true_peak
from auricle.plugin_core.mastering.limiter import Limiter
from auricle.plugin_core.mastering.loudness import LoudnessMeter, filter_in_place, k_weighting
from auricle.plugin_core.mastering.true_peak import (
    CENTRE_SAMPLES,
    PHASES,
    Oversampler,
    TruePeakMeter,
)

RATE = 48000


def sine(seconds: float, level_db: float, hz: float = 1000.0, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.tile(10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * hz * t), (2, 1))


def measured(audio: np.ndarray, rate: int = RATE, seed: int | None = None) -> LoudnessMeter:
    meter = LoudnessMeter(rate)
    rng = np.random.default_rng(seed)
    at = 0
    while at < audio.shape[1]:
        n = audio.shape[1] if seed is None else int(rng.integers(0, 30000))
        meter.add(audio[:, at : at + n])
        at += n
    return meter


def test_the_coefficients_at_48_khz_are_those_of_the_recommendation() -> None:
    shelf, high = k_weighting(48000)
    np.testing.assert_allclose(
        shelf,
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241,
         0.73248077421585], atol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(
        high, [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], atol=1e-9
    )


# EBU Tech 3341 (2016), table 1, cases 1 to 5: levels of a stereo sine, seconds, loudness.
CASES = {
    "1": ([(-23.0, 20.0)], -23.0),
    "2": ([(-33.0, 20.0)], -33.0),
    "3": ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
    "4": ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    "5": ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
}


@pytest.mark.parametrize("case", CASES)
def test_known_values_with_gates(case: str) -> None:
    parts, expected = CASES[case]
    audio = np.concatenate([sine(seconds, level) for level, seconds in parts], axis=1)
    assert measured(audio, seed=1).integrated_lufs() == pytest.approx(expected, abs=0.1)


def test_full_scale_in_one_channel_is_minus_3_01() -> None:
    audio = sine(5.0, 0.0, 997.0)
    audio[1] = 0.0
    assert measured(audio).integrated_lufs() == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
def test_it_agrees_with_pyloudnorm(rate: int) -> None:
    """Its filter class "DeMan" has the recommendation's coefficients; the default deviates."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    rng = np.random.default_rng(5)
    swell = np.repeat(10.0 ** (rng.uniform(-50.0, -10.0, 20) / 20.0), rate // 2)
    audio = swell * rng.standard_normal((2, len(swell)))
    wanted = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(audio.T)
    assert measured(audio, rate, seed=2).integrated_lufs() == pytest.approx(wanted, abs=0.01)


@given(st.integers(0, 10_000))
def test_the_size_of_the_blocks_does_not_matter(seed: int) -> None:
    audio = 0.1 * np.random.default_rng(9).standard_normal((2, 60000))
    whole, parts = measured(audio, 44100), measured(audio, 44100, seed)
    assert parts.integrated_lufs() == pytest.approx(whole.integrated_lufs(), abs=1e-9)
    np.testing.assert_allclose(parts.momentary_lufs(), whole.momentary_lufs(), atol=1e-9)


def test_windows_of_400_ms_and_3_s() -> None:
    audio = np.concatenate([sine(4.0, -20.0), np.zeros((2, 4 * RATE))], axis=1)
    meter = measured(audio)
    momentary, short = meter.momentary_lufs(), meter.short_term_lufs()
    assert (len(momentary), len(short)) == (77, 51)
    assert momentary[20] == pytest.approx(-20.0, abs=0.05)
    assert short[0] == pytest.approx(-20.0, abs=0.05)
    assert short[25] == pytest.approx(-20.0 + 10.0 * np.log10(0.5), abs=0.05)
    assert meter.ears_lufs()[0, 20] == pytest.approx(-23.0, abs=0.05)


@pytest.mark.parametrize("seconds", [0.0, 0.39, 2.0])
def test_silence_and_too_little_are_minus_infinity(seconds: float) -> None:
    meter = measured(np.zeros((2, round(seconds * RATE))))
    assert meter.integrated_lufs() == -np.inf


# EBU Tech 3341, table 2, cases 15 to 18: cycles per sample as a fraction, phase in degrees.
@pytest.mark.parametrize(("divisor", "phase_deg"), [(4, 0.0), (4, 45.0), (6, 60.0), (8, 67.5)])
def test_true_peak_of_sines_between_the_samples(divisor: int, phase_deg: float) -> None:
    n = np.arange(RATE)
    tone = 0.5 * np.sin(2.0 * np.pi * n / divisor + np.deg2rad(phase_deg))
    tone[:480] *= np.linspace(0.0, 1.0, 480)
    tone[-480:] *= np.linspace(1.0, 0.0, 480)
    meter = TruePeakMeter()
    for part in np.array_split(np.tile(tone, (2, 1)).astype(np.float32), 37, axis=1):
        meter.add(part)
    assert -6.4 <= meter.peak_dbtp() <= -5.8  # -6.0, +0.2, -0.4


def test_a_peak_in_the_last_sample_counts() -> None:
    meter = TruePeakMeter()
    meter.add(np.array([[0.0, 0.0, 0.7], [0.0, 0.0, 0.0]], dtype=np.float32))
    assert meter.peak_dbtp() == pytest.approx(20.0 * np.log10(0.7), abs=0.4)
    assert TruePeakMeter().peak_dbtp() == -np.inf


@pytest.mark.parametrize("kernel", ["jitted", "python"])
def test_peaks_are_those_of_plain_convolution(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kernel == "python":
        monkeypatch.setattr(true_peak, "_raise_to_peaks", true_peak._raise_to_peaks.py_func)
    audio = np.random.default_rng(0).standard_normal((2, 400)).astype(np.float32)
    padded = np.pad(audio, ((0, 0), (PHASES.shape[1] - 1, 0)))
    wanted = np.max([np.abs(np.convolve(c, taps, "valid")) for c in padded for taps in PHASES], 0)
    late = np.pad(audio, ((0, 0), (CENTRE_SAMPLES, 0)))[:, :400]
    wanted = np.maximum(wanted, np.abs(late).max(axis=0))
    oversampler = Oversampler(2)
    parts = [oversampler.peaks(part) for part in np.array_split(audio, [1, 2, 90, 90, 300], axis=1)]
    np.testing.assert_allclose(np.concatenate(parts), wanted, atol=1e-5)


def slow_gains(needed: np.ndarray, lookahead: int, rise: float) -> np.ndarray:
    """The gain curve as defined: least over the window, exponential rise, mean over the window."""
    least = [needed[max(0, i - lookahead) : i + 1].min() for i in range(len(needed))]
    released, now = [], 1.0
    for value in least:
        now = min(value, now + rise * (1.0 - now))
        released.append(now)
    padded = np.concatenate([np.ones(lookahead), released])
    return np.array([padded[i : i + lookahead + 1].mean() for i in range(len(needed))])


@pytest.mark.parametrize("kernel", ["jitted", "python"])
def test_the_gains_are_those_of_the_slow_definition(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel == "python":
        monkeypatch.setattr(limiter, "_smooth_gains", limiter._smooth_gains.py_func)
    rng = np.random.default_rng(4)
    audio = (rng.standard_normal((2, 3000)) * rng.uniform(0.0, 1.5, 3000)).astype(np.float32)
    tested = Limiter(8000, -6.0, 0.01)
    out = np.concatenate(
        [tested.process(part) for part in np.array_split(audio, [1, 7, 500, 501, 2000], axis=1)], 1
    )
    needed = np.minimum(1.0, 10.0 ** (-6.0 / 20.0) / np.maximum(Oversampler(2).peaks(audio), 1e-9))
    gains = slow_gains(needed, 40, 1.0 - np.exp(-1.0 / 80.0))
    late = np.pad(audio, ((0, 0), (tested.latency_samples, 0)))[:, :3000]
    np.testing.assert_allclose(out, late * gains, atol=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([-0.5, -6.0, -20.0]))
def test_no_true_peak_passes_the_ceiling(seed: int, ceiling_db: float) -> None:
    rng = np.random.default_rng(seed)
    audio = rng.standard_normal((2, 6000)) * np.repeat(rng.uniform(0.0, 1.0, 12) ** 3, 500)
    tested = Limiter(44100, ceiling_db)
    meter = TruePeakMeter()
    meter.add(tested.process(audio.astype(np.float32)))
    assert meter.peak_dbtp() <= ceiling_db + 0.1


def test_what_is_below_the_ceiling_passes_unchanged() -> None:
    audio = (0.05 * np.random.default_rng(0).standard_normal((2, 5000))).astype(np.float32)
    tested = Limiter(RATE, -1.0)
    out = tested.process(audio)
    late = tested.latency_samples
    np.testing.assert_allclose(out[:, late:], audio[:, :-late], rtol=1e-6)
    assert tested.lowest_gain == pytest.approx(1.0)


@pytest.mark.parametrize("kernel", [filter_in_place, filter_in_place.py_func])
def test_sections_filter_as_scipy_does_in_blocks_of_any_size(kernel):
    from scipy.signal import sosfilt

    sections = k_weighting(44100)
    audio = np.random.default_rng(5).standard_normal((2, 500))
    state, found = np.zeros((2, 2, 2)), audio.copy()
    for part in np.split(found, [1, 130], axis=1):
        block = np.ascontiguousarray(part)
        kernel(block, sections, state)
        part[:] = block
    np.testing.assert_allclose(found, sosfilt(sections, audio, axis=1), atol=1e-10)
