"""Width of sources: nothing at 0, level and symmetry kept, ears that agree less and less."""

import numpy as np
import pytest
import synthetic_set
from plain_python import plain_python

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import source_width
from auricle.dsp.render.binaural import BinauralRenderer

RATE = 48000


@pytest.fixture(scope="module")
def prepared():
    return prepare(synthetic_set.make_set(), RATE, rank=16)


def noise(n_sources, n, seed=0):
    audio = np.random.default_rng(seed).standard_normal((n_sources, n))
    return (0.1 * audio).astype(np.float32)


def rendered(prepared, width_deg, azimuth_deg, audio):
    renderer = BinauralRenderer(prepared, RATE)
    renderer.set_widths(width_deg)
    renderer.set_positions(unit_vectors(azimuth_deg, 0.0)[None])
    return renderer.process(audio)[:, 4096:].astype(np.float64)


def coherence(ears, low_hz=400.0, high_hz=3000.0):
    spectra = np.fft.rfft(ears)
    hz = np.fft.rfftfreq(ears.shape[1], 1.0 / RATE)
    spectra *= (hz > low_hz) & (hz < high_hz)
    cross = np.fft.irfft(spectra[0] * spectra[1].conj())
    near = np.abs(np.concatenate([cross[:48], cross[-48:]])).max()
    return near / np.sqrt(np.prod(np.fft.irfft(np.abs(spectra) ** 2)[:, 0]))


def test_no_width_changes_no_bit(prepared):
    audio = noise(3, 3000)
    places = unit_vectors(np.array([0.0, 80.0, -140.0]), 0.0)
    plain, wide = (BinauralRenderer(prepared, RATE, n_sources=3) for _ in range(2))
    wide.set_widths([0.0, 60.0, 0.0])
    wide.set_widths([0.0, 0.0, 0.0])
    for renderer in (plain, wide):
        renderer.set_positions(places)
    np.testing.assert_array_equal(wide.process(audio), plain.process(audio))


def test_level_and_symmetry_stay_and_the_ears_agree_less(prepared):
    audio = noise(1, 4 * RATE)
    found = {w: rendered(prepared, w, 0.0, audio) for w in (0.0, 20.0, 60.0, 120.0)}
    agreement = [coherence(ears) for ears in found.values()]
    assert np.all(np.diff(agreement) < -0.02)
    assert agreement[0] > 0.98
    for ears in found.values():
        left, right = 10.0 * np.log10(np.sum(ears**2, axis=1))
        assert abs(left - right) < 0.5
    for azimuth in (0.0, 60.0, 180.0):
        point, wide = (np.sum(rendered(prepared, w, azimuth, audio) ** 2) for w in (0.0, 90.0))
        assert abs(10.0 * np.log10(wide / point)) < 0.5


def test_call_sizes_do_not_matter(prepared):
    audio = noise(2, 5000)
    rng = np.random.default_rng(3)

    def run(sizes):
        renderer = BinauralRenderer(prepared, RATE, n_sources=2)
        renderer.set_widths([70.0, 0.0])
        renderer.set_positions([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])
        at, parts = 0, []
        while at < audio.shape[1]:
            n = int(sizes())
            parts.append(renderer.process(audio[:, at : at + n]))
            at += n
        return np.concatenate(parts, axis=1)

    whole = run(lambda: 5000)
    parts = run(lambda: rng.integers(1, 300))
    assert synthetic_set.level_db(parts - whole, whole) < -110.0


def test_a_tone_whose_width_moves_stays_a_tone(prepared):
    renderer = BinauralRenderer(prepared, RATE)
    t = np.arange(2 * RATE) / RATE
    tone = (0.1 * np.sin(2.0 * np.pi * 1000.0 * t)).astype(np.float32)[None]
    parts = []
    for at in range(0, tone.shape[1], 128):
        renderer.set_widths(120.0 if (at // 24000) % 2 else 0.0)  # jumps: they are smoothed
        renderer.set_positions(unit_vectors(60.0 * at / RATE, 0.0)[None])
        parts.append(renderer.process(tone[:, at : at + 128]))
    ears = np.concatenate(parts, axis=1)[:, 4800:]
    spectrum = np.abs(np.fft.rfft(ears * np.hanning(ears.shape[1]))) ** 2
    hz = np.fft.rfftfreq(ears.shape[1], 1.0 / RATE)
    outside = spectrum[:, np.abs(hz - 1000.0) > 150.0].sum(axis=1) / spectrum.sum(axis=1)
    assert np.all(10.0 * np.log10(outside) < -50.0)


def test_nan_in_a_wide_source_is_silenced(prepared):
    audio = noise(1, 6000)
    audio[0, 1000] = np.nan
    out = rendered(prepared, 80.0, 0.0, audio)
    assert np.all(np.isfinite(out))
    assert np.any(out)


def test_the_set_is_exchanged_under_a_wide_source(prepared):
    renderer = BinauralRenderer(prepared, RATE)
    renderer.set_widths(90.0)
    audio = noise(1, RATE // 2)
    renderer.process(audio)
    renderer.exchange_hrtf(prepared)
    after = renderer.process(audio)
    still = BinauralRenderer(prepared, RATE)
    still.set_widths(90.0)
    still.process(audio)
    wanted = still.process(audio)
    assert synthetic_set.level_db(after - wanted, wanted) < -60.0


def test_kernels_as_plain_python(prepared):
    rng = np.random.default_rng(5)
    audio, places = noise(2, 128), rng.standard_normal((2, 3))

    def run():
        made = source_width.Width(2, RATE, prepared)
        made.targets_deg[:] = 50.0, 0.0
        made.aim(places, np.eye(3), np.zeros(3), np.ones(2), True)
        made.run(audio, 0, 128)
        return made.positions.copy(), made.levels.copy(), made.share.copy(), made.out.copy()

    compiled = run()
    with plain_python(source_width):
        for a, b in zip(run(), compiled, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    assert not np.any(compiled[3][source_width.COPIES :])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "from 0 to 180 degrees, got -1"),
        (181.0, "from 0 to 180"),
        (np.nan, "from 0 to 180"),
        ([1.0, 2.0], r"must be \(1,\)"),
    ],
)
def test_bad_widths_are_refused(prepared, value, message):
    with pytest.raises(AuricleError, match=message):
        BinauralRenderer(prepared, RATE).set_widths(value)
