import numpy as np
import pytest
from plain_python import plain_python
from scipy.signal import sosfilt
from synthetic_set import level_db, sphere

from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import from_analogue
from auricle.dsp.iir import cascade, cascade_kernels
from auricle.dsp.iir.cascade import STEP, CascadeRenderer
from auricle.dsp.iir.cascade_kernels import LEAST_DELAY
from auricle.dsp.iir.cascade_set import CascadeSet

RATE = 44100


def filters(n=24, sections=5, whole=True, seed=0):
    """A set of stable filters over the sphere, delays whole if wanted."""
    rng = np.random.default_rng(seed)
    bottom = np.exp(rng.uniform(-3, 3, (n, 2, sections, 2)))
    top = bottom * np.exp(rng.uniform(-0.4, 0.4, bottom.shape))
    delays = rng.uniform(LEAST_DELAY, 40, (n, 2))
    coefficients = from_analogue(top, bottom, np.ones(bottom.shape[:3]))
    return sphere(n), coefficients, np.round(delays) if whole else delays


def whole_signal(renderer, audio, rng=None):
    """In calls of chance sizes."""
    out, at = [], 0
    rng = rng or np.random.default_rng(1)
    while at < audio.shape[1]:
        size = int(rng.integers(1, 300))
        out.append(renderer.process(audio[:, at : at + size]))
        at += size
    return np.concatenate(out, axis=1)


def at_rest(positions, coefficients, delays, rows, audio):
    """The slow reference: whole delays, then SciPy's cascade in float64."""
    out = np.zeros((2, audio.shape[1]))
    for row, signal in zip(rows, audio.astype(np.float64), strict=True):
        for ear in range(2):
            sos = np.insert(coefficients[row, ear], 3, 1.0, axis=-1)
            late = int(delays[row, ear])
            out[ear] += sosfilt(sos, np.concatenate([np.zeros(late), signal])[: len(signal)])
    return out


@pytest.mark.parametrize("n_sources", [1, 3, 21])
def test_sources_at_rest_are_delayed_and_filtered_as_scipy_does(n_sources):
    made = filters()
    rows = np.random.default_rng(n_sources).integers(0, 24, n_sources)
    audio = np.random.default_rng(2).standard_normal((n_sources, 1500)).astype(np.float32)
    renderer = CascadeRenderer(CascadeSet.of(*made, RATE), n_sources)
    renderer.set_positions(made[0][rows])
    found = whole_signal(renderer, audio)
    wanted = at_rest(*made, rows, audio)
    # Whole delays come from the least-squares table too: it is not exact above its passband.
    tone = np.fft.rfft(found - wanted)[:, : int(0.7 * found.shape[1] / 2)]
    assert level_db(tone, np.fft.rfft(wanted)) < -55.0


def test_filters_between_two_directions_run_linearly_and_stay_stable():
    positions, coefficients, _ = filters(seed=3)
    delays = np.full((24, 2), float(LEAST_DELAY + 4))
    made = CascadeSet.of(positions, coefficients, delays, RATE)
    rng = np.random.default_rng(5)
    audio = rng.standard_normal((1, 6 * STEP)).astype(np.float32)
    rows = [0, 11, 4, 4, 17, 2]
    renderer = CascadeRenderer(made, 1)
    renderer.set_positions(positions[[0]])
    found, at = [], 0
    for row in rows:  # a step each; the first is heard as it is
        renderer.set_positions(positions[[row]])
        found.append(renderer.process(audio[:, at : at + STEP]))
        at += STEP
    late = np.concatenate([np.zeros(LEAST_DELAY + 4), audio[0].astype(np.float64)])
    for ear in range(2):
        wanted = _swept(late[: audio.shape[1]], [coefficients[row, ear] for row in rows])
        assert level_db(np.concatenate(found, axis=1)[ear] - wanted, wanted) < -40.0


def _swept(signal, targets):
    """Direct form I, sample by sample, coefficients linear from each step's begin to its end."""
    n_sections = len(targets[0])
    past = np.zeros((n_sections + 1, 2))
    out = np.empty(len(signal))
    for t, x in enumerate(signal):
        step, share = t // STEP, (t % STEP + 1) / STEP
        c = targets[max(step - 1, 0)] * (1.0 - share) + targets[step] * share
        for n in range(n_sections):
            y = c[n, :3] @ [x, *past[n]] - c[n, 3:] @ past[n + 1]
            past[n] = [x, past[n, 0]]
            x = y
        past[-1] = [x, past[-1, 0]]
        out[t] = x
    return out


def test_any_size_of_calls_gives_the_same_sound():
    positions, coefficients, delays = filters(whole=False)
    made = CascadeSet.of(positions, coefficients, delays, RATE)
    audio = np.random.default_rng(0).standard_normal((9, 1000)).astype(np.float32)
    found = []
    for rng in (np.random.default_rng(1), np.random.default_rng(2)):
        renderer = CascadeRenderer(made, 9)
        renderer.set_positions(positions[:9])
        first = renderer.process(audio[:, :STEP])
        renderer.set_positions(positions[9:18])
        found.append(np.concatenate([first, whole_signal(renderer, audio[:, STEP:], rng)], axis=1))
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_a_moving_delay_is_smooth():
    """A tone through delays that move by 0.3 samples a step: nothing beside the tone."""
    positions = sphere(12)
    flat = np.zeros((12, 2, 1, 5))
    flat[..., 0] = 1.0
    delays = 25.0 + 15.0 * np.stack([positions[:, 1], -positions[:, 1]], axis=1)
    renderer = CascadeRenderer(CascadeSet.of(positions, flat, delays, RATE), 1)
    tone = np.sin(2 * np.pi * 1000 / RATE * np.arange(80 * STEP)).astype(np.float32)[None]
    out = []
    for k in range(80):
        turn = 0.3 * k / 15.0 + 1.0
        renderer.set_positions([[np.cos(turn), np.sin(turn), 0.1]])
        out.append(renderer.process(tone[:, k * STEP : (k + 1) * STEP]))
    power = np.abs(np.fft.rfft(np.concatenate(out, axis=1)[0] * np.hanning(80 * STEP))) ** 2
    hz = np.fft.rfftfreq(80 * STEP, 1 / RATE)
    beside = power[np.abs(hz - 1000) > 300].sum() / power.sum()
    assert 10 * np.log10(beside) < -50.0


def test_compiled_and_plain_kernels_agree():
    positions, coefficients, delays = filters(n=12, sections=2, whole=False)
    made = CascadeSet.of(positions, coefficients, delays, RATE)
    audio = np.random.default_rng(0).standard_normal((2, 150)).astype(np.float32)

    def played():
        renderer = CascadeRenderer(made, 2)
        renderer.set_positions(positions[:2])
        renderer.process(audio[:, :STEP])
        renderer.set_positions(positions[2:4])
        return renderer.process(audio)

    compiled = played()
    with plain_python(cascade_kernels), plain_python(cascade):
        plain = played()
    assert np.allclose(compiled, plain, rtol=1e-3, atol=1e-4)


def test_nan_is_silence_and_what_follows_sounds():
    positions, coefficients, delays = filters()
    renderer = CascadeRenderer(CascadeSet.of(positions, coefficients, delays, RATE), 1)
    bad = np.full((1, 64), np.nan, dtype=np.float32)
    assert np.array_equal(renderer.process(bad), np.zeros((2, 64)))
    assert np.all(np.isfinite(renderer.process(np.ones((1, 300), dtype=np.float32))))


def test_filters_that_are_not_stable_and_delays_too_short_are_refused():
    positions, coefficients, delays = filters()
    bad = coefficients.copy()
    bad[3, 1, 2, 4] = 1.01
    with pytest.raises(AuricleError, match="filter 2 of ear 1 at direction 3 is not stable"):
        CascadeSet.of(positions, bad, delays, RATE)
    with pytest.raises(AuricleError, match="delays must be 6 samples or more, got 2.0"):
        CascadeSet.of(positions, coefficients, np.full((24, 2), 2.0), RATE)
    with pytest.raises(AuricleError, match=r"filters must be \(M, 2, N, 5\)"):
        CascadeSet.of(positions, coefficients[..., :4], delays, RATE)
