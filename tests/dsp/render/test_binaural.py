from contextlib import ExitStack

import numpy as np
import pytest
import synthetic_set
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_python import plain_python
from synthetic_set import level_db

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg, rotate, unit_vectors
from auricle.dsp.preparation import cache
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import control_step, full_rank_output, spatialize
from auricle.dsp.render.binaural import CONTROL_SAMPLES, BinauralRenderer

RATE = 48000


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set()


@pytest.fixture(scope="module")
def full(heads):
    return prepare(heads, RATE, rank="full", level="measured")


@pytest.fixture(scope="module")
def low(heads):
    return prepare(heads, RATE, rank=16)


def noise(n_sources, n, seed=0, high_hz=18000.0):
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((n_sources, n)))
    hz = np.fft.rfftfreq(n, 1.0 / RATE)
    spectrum[:, (hz < 20.0) | (hz > high_hz)] = 0.0
    return np.fft.irfft(spectrum, n).astype(np.float32)


def test_full_rank_is_exact_at_measured_directions(heads, full):
    x = noise(1, 4096)
    renderer = BinauralRenderer(full, RATE)
    for m in range(0, heads.n_directions, 17):
        renderer.reset()
        renderer.set_positions(heads.positions[m : m + 1] * 2.5)
        y = renderer.process(x)
        wanted = np.stack([np.convolve(x[0], heads.ir[m, e])[:4096] for e in range(2)])
        assert level_db(y - wanted, wanted) < -70.0


@pytest.mark.slow
def test_auto_rank_keeps_one_db(heads):
    prepared = prepare(heads, RATE)
    assert prepared.errors.lsd_db.mean() <= 1.0
    assert f"rank {prepared.rank}" in prepared.report


@pytest.mark.parametrize("which", ["low", "full"])
def test_call_sizes_do_not_matter(which, request):
    prepared = request.getfixturevalue(which)
    x = noise(3, 6000)
    renderer = BinauralRenderer(prepared, RATE, n_sources=3)

    def run(sizes):
        renderer.reset()
        renderer.set_positions(path(np.zeros(1))[0])
        parts, at, step = [], 0, 0
        while at < x.shape[1]:
            n = min(sizes(), x.shape[1] - at)
            steps = renderer.steps_beginning(n)
            times = (step + 1.0 + np.arange(steps)) * CONTROL_SAMPLES / RATE
            turn = quaternion_from_ypr_deg(300.0 * times)
            parts.append(renderer.process_path(x[:, at : at + n], path(times), turn))
            at, step = at + n, step + steps
        return np.concatenate(parts, axis=1)

    def path(times):
        return np.stack(
            [unit_vectors(a + v * times, 20.0) for a, v in ((0, 90), (120, -700), (60, 5000))], 1
        )

    whole = run(lambda: 6000)
    rng = np.random.default_rng(5)
    for sizes in (lambda: 1000, lambda: 64, lambda: 1, lambda: int(rng.integers(0, 700))):
        assert level_db(run(sizes) - whole, whole) < -110.0  # order of float32 sums


@pytest.mark.parametrize("which", ["low", "full"])
def test_kernels_as_plain_python_equal_the_compiled_ones(which, request):
    """Sources that move fast and slowly, rest, fade out and hold NaN; parts of any length."""
    prepared = request.getfixturevalue(which)
    x = noise(5, 330)
    x[4, 200] = np.nan
    outputs = []
    for compiled in (True, False):
        renderer = BinauralRenderer(prepared, RATE, n_sources=5)
        with ExitStack() as stack:
            for module in () if compiled else (control_step, spatialize, full_rank_output):
                stack.enter_context(plain_python(module))
            parts = []
            for step, (begin, end) in enumerate([(0, 128), (128, 171), (171, 330)]):
                azimuth_deg = np.array([0.0, 2.0, 40.0, 90.0, 180.0]) * step
                renderer.set_positions(unit_vectors(azimuth_deg, 10.0))
                renderer.set_gains([1.0, 1.0, 1.0 - step / 2.0, 1.0, 1.0])
                parts.append(renderer.process(x[:, begin:end]))
        outputs.append(np.concatenate(parts, axis=1))
        assert renderer.nonfinite_blocks.tolist() == [0, 0, 0, 0, 1]
    assert level_db(outputs[0] - outputs[1], outputs[0]) < -110.0


def test_sum_of_sources_is_the_mix_of_single_renders(low):
    x = noise(20, 1024)
    positions = synthetic_set.sphere(20)
    renderer = BinauralRenderer(low, RATE, n_sources=20)
    renderer.set_positions(positions)
    together = renderer.process(x)
    alone = BinauralRenderer(low, RATE)
    total = np.zeros_like(together)
    for s in range(20):
        alone.reset()
        alone.set_positions(positions[s : s + 1])
        total += alone.process(x[s : s + 1])
    assert level_db(together - total, total) < -110.0


@settings(max_examples=15)
@given(
    yaw=st.floats(-180, 180), pitch=st.floats(-80, 80), roll=st.floats(-180, 180),
    azimuth=st.floats(-180, 180), elevation=st.floats(-85, 85),
)  # fmt: skip
def test_turning_the_head_and_the_world_together_changes_nothing(
    low, yaw, pitch, roll, azimuth, elevation
):
    x = noise(1, 512)
    turn = quaternion_from_ypr_deg(yaw, pitch, roll)
    still = BinauralRenderer(low, RATE)
    still.set_positions([unit_vectors(azimuth, elevation)])
    turned = BinauralRenderer(low, RATE)
    turned.set_positions([rotate(turn, unit_vectors(azimuth, elevation)) + [1.0, 2.0, 3.0]])
    turned.set_listener(turn, (1.0, 2.0, 3.0))
    a, b = still.process(x), turned.process(x)
    assert level_db(a - b, a) < -80.0  # float64 directions, float32 weights


def test_head_turned_left_hears_the_front_on_the_right(low):
    x = noise(1, 4096)
    renderer = BinauralRenderer(low, RATE)
    renderer.set_listener(quaternion_from_ypr_deg(60.0))
    y = renderer.process(x)
    assert np.sum(y[1] ** 2) > 2.0 * np.sum(y[0] ** 2)


def test_motion_has_no_clicks(low):
    n = RATE
    x = np.sin(2.0 * np.pi * 1000.0 * np.arange(n) / RATE).astype(np.float32)[None]
    renderer = BinauralRenderer(low, RATE)
    times = (np.arange(renderer.steps_beginning(n)) + 1.0) * CONTROL_SAMPLES / RATE
    y = renderer.process_path(x, unit_vectors(90.0 * times)[:, None])[0, 4096:-4096]
    power = np.abs(np.fft.rfft(y * np.blackman(len(y)) ** 2)) ** 2
    hz = np.fft.rfftfreq(len(y), 1.0 / RATE)
    tone = power[np.abs(hz - 1000.0) <= 150.0].sum()
    assert 10.0 * np.log10(power[np.abs(hz - 1000.0) > 150.0].sum() / tone) < -65.0
    assert 10.0 * np.log10(power[hz > 3000.0].sum() / tone) < -95.0


def test_exchange_of_the_set_leaves_no_click_and_no_gap(heads, low):
    other = prepare(heads.mirrored(), RATE, rank=16)
    n = RATE
    x = np.sin(2.0 * np.pi * 1000.0 * np.arange(n) / RATE).astype(np.float32)[None]
    renderer = BinauralRenderer(low, RATE)
    renderer.set_positions([unit_vectors(40.0)])
    parts = []
    for at in range(0, n, 500):
        if at == 20000:
            renderer.exchange_hrtf(other)
        parts.append(renderer.process(x[:, at : at + 500]))
    y = np.concatenate(parts, axis=1)
    assert renderer.prepared is other
    fresh = BinauralRenderer(other, RATE)
    fresh.set_positions([unit_vectors(40.0)])
    wanted = fresh.process(x)
    assert level_db(y[:, 30000:] - wanted[:, 30000:], wanted[:, 30000:]) < -100.0
    envelope = np.sqrt(np.mean(y[:, 4320:43680].reshape(2, -1, 480) ** 2, axis=2))
    assert envelope.min() > 0.3 * envelope.max(axis=1).min()  # no gap
    power = np.abs(np.fft.rfft(y[:, 4096:-4096] * np.blackman(n - 8192) ** 2)) ** 2
    hz = np.fft.rfftfreq(n - 8192, 1.0 / RATE)
    above = power[:, hz > 3000.0].sum(axis=1) / power.sum(axis=1)
    assert 10.0 * np.log10(above.max()) < -60.0


def test_nan_silences_its_source_alone(low):
    x = noise(2, 2048)
    x[1, 700] = np.nan
    renderer = BinauralRenderer(low, RATE, n_sources=2)
    renderer.set_positions([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    y = np.concatenate([renderer.process(x[:, at : at + 128]) for at in range(0, 2048, 128)], 1)
    assert np.all(np.isfinite(y))
    assert list(renderer.nonfinite_blocks) == [0, 1]
    x[1, 640:768] = 0.0
    clean = BinauralRenderer(low, RATE, n_sources=2)
    clean.set_positions([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert level_db(clean.process(x) - y, y) < -110.0


def test_inactive_sources_fade_and_fall_silent(low):
    x = noise(1, 4096)
    renderer = BinauralRenderer(low, RATE)
    renderer.process(x)
    renderer.set_active([False])
    y = renderer.process(np.concatenate([x, x], axis=1))
    assert np.abs(y[:, CONTROL_SAMPLES + renderer.tail_samples :]).max() == 0.0
    step = np.abs(np.diff(y[:, :400])).max()
    assert step < 1.5 * np.abs(np.diff(renderer_output(low, x))).max()


def renderer_output(prepared, x):
    renderer = BinauralRenderer(prepared, RATE)
    return renderer.process(x)


def test_distance_changes_the_level_only_when_asked(low):
    x = noise(1, 2048)
    levels = []
    for distance_gain in (False, True):
        for distance in (1.0, 4.0):
            renderer = BinauralRenderer(low, RATE, distance_gain=distance_gain)
            renderer.set_positions([[distance, 0.0, 0.0]])
            levels.append(np.linalg.norm(renderer.process(x)))
    assert levels[1] == pytest.approx(levels[0], rel=1e-5)
    assert levels[3] == pytest.approx(levels[2] / 4.0, rel=1e-5)


def test_wrong_input_is_named(low):
    renderer = BinauralRenderer(low, RATE, n_sources=2)
    with pytest.raises(AuricleError, match=r"\(2, samples\)"):
        renderer.process(np.zeros((3, 128)))
    with pytest.raises(AuricleError, match=r"\(2, 3\)"):
        renderer.set_positions([[1.0, 0.0, 0.0]])
    with pytest.raises(AuricleError, match="row 1"):
        renderer.set_positions([[1.0, 0.0, 0.0], [np.nan, 0.0, 0.0]])
    with pytest.raises(AuricleError, match="prepared for 48000 Hz"):
        BinauralRenderer(low, 44100)
    with pytest.raises(AuricleError, match="zero"):
        renderer.set_listener((0.0, 0.0, 0.0, 0.0))


def test_prepared_sets_are_cached_and_a_broken_cache_is_made_anew(heads, tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    small = heads.subset(np.arange(0, 220, 4))
    first = cache.prepared_set(small, RATE, rank=8)
    assert cache.is_cached(small, RATE, rank=8, level="matched")
    again = cache.prepared_set(small, RATE, rank=8)
    assert np.array_equal(first.gains, again.gains)
    assert again.report == first.report
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(b"not an archive")
    third = cache.prepared_set(small, RATE, rank=8)
    assert third.gains.shape == first.gains.shape


def test_preparing_keeps_blas_to_one_thread_and_gives_it_back(heads, monkeypatch):
    from threadpoolctl import threadpool_info

    from auricle.dsp.preparation import prepare as prepared

    def blas() -> list[int]:
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    seen, refined = [], prepared._refined
    monkeypatch.setattr(prepared, "_refined", lambda *args: seen.append(blas()) or refined(*args))
    before = blas()
    prepare(heads, RATE, rank=4)
    assert seen
    assert {count for counts in seen for count in counts} <= {1}
    assert blas() == before
