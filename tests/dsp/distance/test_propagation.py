"""Propagation delay: exact at rest, Doppler as physics has it, no sweep after a jump."""

import numpy as np
import pytest
import synthetic_set
from plain_python import plain_python
from synthetic_set import level_db

from auricle.dsp.distance import propagation
from auricle.dsp.distance.propagation import STEP, Propagation
from auricle.dsp.errors import AuricleError
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer

RATE, SPEED = 48000, 343.0
HERE = np.zeros(3)


def run(x, distances_m, sizes=lambda: STEP, **options):
    """A source straight ahead, at ``distances_m[i]`` when step i ends, from the first on."""
    line = Propagation(1, RATE, sound_speed_m_s=SPEED, **options)
    line.aim(np.array([[distances_m[0], 0.0, 0.0]]), HERE, True)
    parts, at, phase, step = [], 0, 0, 0
    while at < x.shape[1]:
        if phase == 0:
            line.aim(np.array([[distances_m[step], 0.0, 0.0]]), HERE, step == 0)
            step += 1
        count = min(sizes(), STEP - phase, x.shape[1] - at)
        line.run(x, at, count, phase)
        parts.append(line.out[:, :count].copy())
        at, phase = at + count, (phase + count) % STEP
    return np.concatenate(parts, axis=1), line


def tone(hz, n):
    return np.sin(2.0 * np.pi * hz * np.arange(n) / RATE).astype(np.float32)[None]


def test_a_source_at_rest_comes_late_by_its_distance():
    n, distance_m = 8192, 17.3
    x = tone(3000.0, n)
    y, _ = run(x, np.full(n // STEP, distance_m))
    delay = distance_m / SPEED * RATE
    t = np.arange(n) - delay
    wanted = np.where(t > 0.0, np.sin(2.0 * np.pi * 3000.0 * t / RATE), 0.0)
    late = slice(int(delay) + 50, None)
    assert np.abs(y[0, : int(delay) - 50]).max() == 0.0
    assert level_db(y[0, late] - wanted[late], wanted[late]) < -60.0


@pytest.mark.parametrize("speed_m_s", [20.0, -20.0, 3.0])
def test_a_moving_tone_has_the_frequency_of_theory(speed_m_s):
    """Within 1 cent over any 100 ms of a source that comes or goes in a straight line."""
    n = 2 * RATE
    times = (np.arange(n // STEP) + 1.0) * STEP / RATE
    y, _ = run(tone(1000.0, n), 50.0 - speed_m_s * times)
    wanted_hz = 1000.0 * (1.0 + speed_m_s / SPEED)
    window = int(0.1 * RATE)
    for begin in range(10000, n - window, window):
        part = y[0, begin : begin + window].astype(np.float64)
        turn = np.exp(-2j * np.pi * wanted_hz * np.arange(window) / RATE) * np.hanning(window)
        half = window // 2
        a, b = np.sum(part[:half] * turn[:half]), np.sum(part[half:] * turn[half:])
        off_hz = np.angle(b * np.conj(a)) / (2.0 * np.pi * half / RATE)
        assert abs(1200.0 * np.log2((wanted_hz + off_hz) / wanted_hz)) < 1.0
    spectrum = np.abs(np.fft.rfft(y[0, 10000:74000] * np.blackman(64000) ** 2)) ** 2
    hz = np.fft.rfftfreq(64000, 1.0 / RATE)
    assert spectrum[np.abs(hz - wanted_hz) > 100.0].sum() < 1e-6 * spectrum.sum()


def test_a_jump_is_faded_over_not_swept():
    distances = np.where(np.arange(240) < 150, 5.0, 60.0)
    y, _ = run(tone(1000.0, 240 * STEP), distances)
    around = y[0, 100 * STEP : 200 * STEP]  # the tone's begin has arrived from both places
    spectrum = np.abs(np.fft.rfft(around * np.blackman(len(around)) ** 2)) ** 2
    hz = np.fft.rfftfreq(len(around), 1.0 / RATE)
    assert spectrum[hz > 4000.0].sum() < 1e-6 * spectrum.sum()  # a hard switch: 5e-4


def test_calls_of_any_size_and_plain_python_give_the_same():
    x = np.random.default_rng(0).standard_normal((1, 8 * STEP)).astype(np.float32)
    distances = np.array([1.0, 1.2, 1.3, 20.0, 20.1, 20.0, 19.0, 18.5])
    whole, _ = run(x, distances, longest_m=25.0)
    rng = np.random.default_rng(3)
    parts, _ = run(x, distances, lambda: int(rng.integers(1, 90)), longest_m=25.0)
    with plain_python(propagation):
        plain, _ = run(x, distances, lambda: 77, longest_m=25.0)
    assert level_db(parts - whole, whole) < -120.0
    assert level_db(plain - whole, whole) < -110.0


def test_nan_is_silenced_and_does_not_stay():
    x = tone(500.0, 40 * STEP)
    x[0, 300] = np.nan
    y, line = run(x, np.full(40, 2.0))
    assert np.all(np.isfinite(y))
    assert line.nonfinite[0] == 1


def test_beyond_the_longest_distance_the_delay_stays():
    x = tone(500.0, 20 * STEP)
    far, _ = run(x, np.full(20, 9.0), longest_m=4.0)
    edge, _ = run(x, np.full(20, 4.0), longest_m=4.0)
    np.testing.assert_array_equal(far, edge)
    with pytest.raises(AuricleError, match="longest_m"):
        Propagation(1, RATE, longest_m=0.0)


def test_a_renderer_delays_the_sources_that_ask_for_it():
    prepared = prepare(synthetic_set.make_set(), RATE, rank=12)
    x = np.random.default_rng(1).standard_normal((2, 4000)).astype(np.float32)
    positions = np.array([[0.0, 3.43, 0.0], [3.43, 0.0, 0.0]])  # 480 samples away
    outputs = []
    for propagation_m in (0.0, 20.0):
        renderer = BinauralRenderer(prepared, RATE, n_sources=2, propagation_m=propagation_m)
        renderer.set_positions(positions)
        if propagation_m:
            renderer.set_distance_effects(propagates=[True, False])
        outputs.append([])
        for keep in ([[1], [0]], [[0], [1]]):
            renderer.reset()
            outputs[-1].append(renderer.process(x * keep))
    late, same = outputs[1][0], outputs[1][1]
    assert np.abs(late[:, :470]).max() < 1e-3 * np.abs(late).max()
    renderer.set_distance_effects(propagates=[False, False], in_air=[True, False])
    with pytest.raises(AuricleError, match=r"near_field_m must be \(2,\)"):
        renderer.set_distance_effects(near_field_m=[1.0])
    with pytest.raises(AuricleError, match="propagation_m"):
        BinauralRenderer(prepared, RATE).set_distance_effects(propagates=[True])
    band = np.fft.irfft(np.fft.rfft(x[0])[:1200], 4000)  # to 14.4 kHz, where the delay is exact
    renderer.set_distance_effects(propagates=[True, False])
    renderer.reset()
    late = renderer.process(np.stack([band, 0.0 * band]))
    plain = BinauralRenderer(prepared, RATE, n_sources=2)
    plain.set_positions(positions)
    wanted = plain.process(np.stack([band, 0.0 * band]))
    assert level_db(late[:, 700:] - wanted[:, 220:-480], wanted) < -55.0
    assert level_db(same - outputs[0][1], same) < -110.0
