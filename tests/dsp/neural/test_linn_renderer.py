"""LINN in blocks: against its mathematics written out, whatever the size of the calls."""

import numpy as np
import plain_python
import pytest
from ear_networks import BANDS, RATE, networks
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import centre_samples, delay_table
from auricle.dsp.neural import linn_filters
from auricle.dsp.neural import linn_renderer as linn_module
from auricle.dsp.neural.linn_filters import LEAD, SIZE, TAPS, EarNetworks, FilterMaker
from auricle.dsp.neural.linn_renderer import LEAST_DISTANCE_M, STEP, LinnRenderer
from auricle.dsp.sphere.harmonics import encode


def slow_filter(net: EarNetworks, direction: np.ndarray, ear: int) -> tuple[np.ndarray, float]:
    """Taps and delay beside the way, written as the system's docstring has them, in float64."""
    seen = direction * ([1, 1, 1] if ear == 0 else [1, -1, 1])
    values = encode(seen[None], 3, "n3d")[0]
    for weights, bias in ((net.first, net.first_bias), (net.second, net.second_bias)):
        values = weights[ear].astype(float) @ values + bias[ear]
        values = values / (1.0 + np.exp(-values))
    said = net.last[ear].astype(float) @ values + net.last_bias[ear]
    hz = np.arange(SIZE // 2 + 1) * RATE / SIZE
    decibels = np.interp(hz, net.level_knots_hz, 10.0 * said[:BANDS])
    cepstrum = np.fft.irfft(decibels * np.log(10.0) / 20.0, SIZE)
    cepstrum[1 : SIZE // 2] *= 2.0
    cepstrum[SIZE // 2 + 1 :] = 0.0
    minimum = np.imag(np.fft.rfft(cepstrum))
    extra = np.interp(hz, net.phase_knots_hz, [0.0, *said[BANDS + 1 :], 0.0], right=0.0)
    omega = 2.0 * np.pi * np.arange(SIZE // 2 + 1) / SIZE
    spectrum = 10.0 ** (decibels / 20.0) * np.exp(1j * (minimum + extra - LEAD * omega))
    taps = np.fft.irfft(spectrum, SIZE)[:TAPS] * linn_filters.window()
    return taps, said[BANDS] - net.ear_samples * seen[1] - LEAD


def slow_render(net: EarNetworks, mono: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Both ears (2, K STEP) of one source that goes through places (K + 1, 3), sample by sample."""
    table, centre = delay_table(16).astype(float), centre_samples(16)
    out = np.zeros((2, len(mono)))
    distances = np.linalg.norm(places, axis=1)
    for ear in range(2):
        made = [slow_filter(net, p / d, ear) for p, d in zip(places, distances, strict=True)]
        delays = [
            max(d * RATE / SOUND_SPEED_M_S + late, centre)
            for d, (_, late) in zip(distances, made, strict=True)
        ]
        gains = 1.0 / np.maximum(distances, LEAST_DISTANCE_M)
        heard = np.zeros(len(mono) + TAPS - 1)
        padded = np.concatenate([np.zeros(4000), mono])
        for n in range(len(mono)):
            k, share = n // STEP, (n % STEP + 1) / STEP
            delay = delays[k] + share * (delays[k + 1] - delays[k])
            whole = int(delay)
            row = (delay - whole) * 128
            low = int(row)
            taps = table[low] + (row - low) * (table[low + 1] - table[low])
            first = 4000 + n - whole + centre
            value = sum(taps[j] * padded[first - j] for j in range(16))
            heard[TAPS - 1 + n] = value * (gains[k] + share * (gains[k + 1] - gains[k]))
        for n in range(len(mono)):
            k, share = n // STEP, (n % STEP + 1) / STEP
            taps = (1.0 - share) * made[k][0] + share * made[k + 1][0]
            out[ear, n] = taps @ heard[n : n + TAPS][::-1]
    return out


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return 10.0 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2))


def way(seed: int, n_steps: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    start, step = rng.standard_normal(3), 0.01 * rng.standard_normal((n_steps, 3))
    return 1.5 * start / np.linalg.norm(start) + np.cumsum(np.vstack([np.zeros(3), step]), axis=0)


def test_filters_are_those_of_the_mathematics() -> None:
    net = networks()
    rng = np.random.default_rng(1)
    directions = rng.standard_normal((20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    taps, delays = np.zeros((20, 2, TAPS), np.float32), np.zeros((20, 2))
    FilterMaker(net, RATE).make(directions.astype(np.float32), taps, delays)
    for direction, found, late in zip(directions, taps, delays, strict=True):
        for ear in range(2):
            wanted, wanted_late = slow_filter(net, direction, ear)
            assert error_db(found[ear, ::-1], wanted) < -80
            assert abs(late[ear] - wanted_late) < 1e-4


def test_a_moving_source_is_rendered_as_the_mathematics_says() -> None:
    net, n_steps = networks(), 8
    mono = np.random.default_rng(2).standard_normal(n_steps * STEP).astype(np.float32)
    places = way(3, n_steps)
    renderer = LinnRenderer(net, RATE)
    renderer.start(places[:1])
    found = renderer.process(mono[None], places[1:, None])
    assert error_db(found, slow_render(net, mono, places)) < -80


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12), seed=st.integers(0, 9))
def test_the_size_of_the_calls_changes_nothing(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    audio = rng.standard_normal((3, sum(sizes))).astype(np.float32)
    places = rng.standard_normal((3, 3)) + 2.0
    outs = []
    for cuts in ([sum(sizes)], sizes):
        renderer = LinnRenderer(networks(), RATE, 3)
        renderer.set_places(places)
        at, parts = 0, []
        for size in cuts:
            parts.append(renderer.process(audio[:, at : at + size]))
            at += size
        outs.append(np.concatenate(parts, axis=1))
    np.testing.assert_allclose(outs[0], outs[1], atol=1e-6)


def test_sources_add_up() -> None:
    rng = np.random.default_rng(4)
    audio, places = rng.standard_normal((2, 700)).astype(np.float32), way(5, 1)
    both = LinnRenderer(networks(), RATE, 2)
    both.start(places)
    alone = []
    for s in range(2):
        one = LinnRenderer(networks(), RATE, 1)
        one.start(places[s : s + 1])
        alone.append(one.process(audio[s : s + 1]))
    np.testing.assert_allclose(both.process(audio), alone[0] + alone[1], atol=1e-5)


def test_the_mirrored_source_is_heard_by_the_other_ear() -> None:
    net = networks(ears_alike=True)
    audio = np.random.default_rng(6).standard_normal((1, 500)).astype(np.float32)
    outs = []
    for place in ([1.0, 0.7, 0.2], [1.0, -0.7, 0.2]):
        renderer = LinnRenderer(net, RATE)
        renderer.start([place])
        outs.append(renderer.process(audio))
    np.testing.assert_array_equal(outs[0], outs[1][::-1])


def test_a_source_with_nan_is_silent_and_the_others_are_not() -> None:
    audio = np.ones((2, 256), dtype=np.float32)
    audio[0, 200] = np.nan
    renderer = LinnRenderer(networks(), RATE, 2)
    out = renderer.process(audio)
    assert np.all(np.isfinite(out))
    assert renderer.nonfinite_blocks.tolist() == [1, 0]


@pytest.mark.parametrize("place", [[[np.nan, 0, 0]], [[1.0, 0.0]], [[1.0, 0, 0], [1.0, 0, 0]]])
def test_places_that_cannot_be_are_refused(place: list) -> None:
    renderer = LinnRenderer(networks(), RATE)
    with pytest.raises(AuricleError, match="places are 1 rows"):
        renderer.set_places(place)


@pytest.mark.parametrize("rate", [16000, 96000])
def test_rates_out_of_range_are_refused(rate: int) -> None:
    with pytest.raises(AuricleError, match="32000 to 50000 Hz"):
        LinnRenderer(networks(), rate)


def test_the_level_curve_is_the_same_at_another_rate() -> None:
    net = networks()
    direction = np.array([[0.6, 0.64, 0.48]], dtype=np.float32)
    hz, levels = np.linspace(300.0, 15000.0, 200), []
    for rate in (48000, 44100):
        taps, delays = np.zeros((1, 2, TAPS), np.float32), np.zeros((1, 2))
        FilterMaker(net, rate).make(direction, taps, delays)
        turn = np.exp(-2j * np.pi * np.outer(hz / rate, np.arange(TAPS)))
        levels.append(20.0 * np.log10(np.abs(turn @ taps[0, 0, ::-1])))
    assert np.sqrt(np.mean((levels[0] - levels[1]) ** 2)) < 0.5


def test_layers_that_do_not_fit_are_refused() -> None:
    net = networks()
    with pytest.raises(AuricleError, match="second_bias"):
        EarNetworks(
            net.first, net.first_bias, net.second, net.second_bias[:, :-1], net.last,
            net.last_bias, net.level_knots_hz, net.phase_knots_hz, 11.0, RATE,
        )  # fmt: skip


def test_the_kernels_are_the_same_without_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = np.random.default_rng(7).standard_normal((1, 160)).astype(np.float32)

    def rendered() -> np.ndarray:
        renderer = LinnRenderer(networks(), RATE)
        renderer.start([[0.2, 0.3, 0.1]])
        return renderer.process(audio)

    wanted = rendered()
    assert wanted.any()
    with plain_python.plain_python(linn_filters):
        monkeypatch.setattr(linn_module, "filter_rows", linn_module.filter_rows.py_func)
        assert error_db(rendered(), wanted) < -100
