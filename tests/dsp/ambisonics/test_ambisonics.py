import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
import synthetic_set
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_python import plain_python
from synthetic_set import level_db

from auricle.dsp.ambisonics import block
from auricle.dsp.ambisonics import decoder as ambisonic_decoder
from auricle.dsp.ambisonics.magnitude_least_squares import blend_of, magnitude_least_squares
from auricle.dsp.ambisonics.renderer import CONTROL_SAMPLES, AmbisonicRenderer
from auricle.dsp.ambisonics.state import AmbisonicState
from auricle.dsp.compiled.ambisonic_record import ASKED, COMING_AT, FILTERS_AT, NEXT_AT
from auricle.dsp.convolution.uniform import FilterSpectra, PartitionedConvolver
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import (
    quaternion_conjugate,
    quaternion_from_ypr_deg,
    rotate,
    slerp,
    unit_vectors,
)
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.sphere.harmonics import conversion, encode, rotation_matrix

RATE = 48000


@pytest.fixture(scope="module")
def heads():
    return synthetic_set.make_set()


@pytest.fixture(scope="module")
def decoders(heads):
    return {order: ambisonic_decoder.design_decoder(heads, RATE, order) for order in (1, 3, 5)}


@pytest.fixture(scope="module")
def decoder(decoders):
    return decoders[3]


def noise(n_channels, n, seed=0):
    return np.random.default_rng(seed).standard_normal((n_channels, n)).astype(np.float32)


def reference_fit(basis, spectra, share, blend, rounds, power):
    """Magnitude least squares in complex numbers, one bin and ear after the other, by lstsq."""
    n_channels = basis.shape[1]
    filters = np.zeros((n_channels, *spectra.shape[1:]), dtype=complex)

    def fitted(target, weight):
        ridge = 1e-4 * np.mean(np.diag(basis.T @ np.diag(weight) @ basis))
        rows = np.concatenate(
            [np.diag(np.sqrt(weight)) @ basis, np.sqrt(ridge) * np.eye(n_channels)]
        )
        right = np.concatenate([np.sqrt(weight) * target, np.zeros(n_channels)])
        return np.linalg.lstsq(rows, right, rcond=None)[0]

    for e in range(spectra.shape[1]):
        for k in range(spectra.shape[2]):
            wanted = spectra[:, e, k]
            if blend[k] == 1.0:
                filters[:, e, k] = fitted(wanted, share)
                continue
            a = np.abs(wanted)
            rms = np.sqrt(np.average(a**2, weights=share))
            h = filters[:, e, k - 1]
            for _ in range(rounds):
                z = basis @ h
                target = blend[k] * wanted + (1 - blend[k]) * a * np.exp(1j * np.angle(z))
                quiet = np.maximum(a, 0.01 * rms)
                both = quiet * np.maximum(np.abs(z), 0.1 * quiet) / rms**2
                h = fitted(target, share * both ** (-power * (1 - blend[k])))
            filters[:, e, k] = h
    return filters


@pytest.mark.parametrize(("rounds", "power"), [(5, 0.5), (1, 0.0)])
def test_fit_equals_the_slow_reference(heads, rounds, power):
    size = 256
    hz = np.arange(size // 2 + 1) * RATE / size
    turn = np.exp(2j * np.pi * hz / RATE * 46.0)
    spectra = np.fft.rfft(heads.ir, size) * turn
    share = np.random.default_rng(0).uniform(0.5, 1.5, len(spectra))
    basis, blend = encode(heads.positions, 2, "n3d"), blend_of(hz)
    found = magnitude_least_squares(basis, spectra, share, blend, rounds=rounds, power=power)
    wanted = reference_fit(basis, spectra, share, blend, rounds, power)
    heard = hz < 20000.0  # above it the set is silent and phases are rounding
    assert level_db((found - wanted)[..., heard], wanted[..., heard]) < -100.0


def test_blend_falls_from_one_to_nothing():
    blend = blend_of(np.array([0.0, 999.0, 1000.0, np.sqrt(2.0) * 1000.0, 2000.0, 9000.0]))
    assert np.allclose(blend, [1.0, 1.0, 1.0, 0.5, 0.0, 0.0])


def test_order_rises_and_the_error_falls(decoders):
    errors = [each.lsd_db for each in decoders.values()]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.6


def test_dense_grids_with_a_hole_serve_as_they_are(decoder):
    dense = synthetic_set.make_set(1500)
    dense = dense.subset(dense.positions[:, 2] > -0.4)
    assert dense.n_directions > 1000
    found = ambisonic_decoder.design_decoder(dense, RATE, 3)
    targets = unit_vectors(np.arange(0.0, 360.0, 7.0), 20.0)
    basis = encode(targets, 3, "n3d")
    ears = [np.einsum("qc,cen->qen", basis, d.filters) for d in (found, decoder)]
    level = [20.0 * np.log10(np.abs(np.fft.rfft(e, 512))[..., 3:150]) for e in ears]
    assert np.sqrt(np.mean((level[0] - level[1]) ** 2)) < 1.0


@pytest.mark.parametrize("n_directions", [2, 12])
def test_tiny_sets_and_circles_have_decoders(n_directions):
    full = synthetic_set.make_set(60)
    circle = synthetic_set.make_set(60).positions * [1.0, 1.0, 0.0]
    positions = circle[:n_directions] / np.linalg.norm(circle[:n_directions], axis=1)[:, None]
    tiny = type(full)(full.ir[:n_directions], positions, 1.0, RATE)
    filters = ambisonic_decoder.design_decoder(tiny, RATE, 5).filters
    assert np.all(np.isfinite(filters))
    assert np.abs(filters).max() < 10.0


def coherence(spectra):
    """Real interaural coherence (F,) over directions, of spectra (M, 2, F)."""
    cross = np.real(spectra[:, 0] * spectra[:, 1].conj()).mean(0)
    return cross / np.sqrt(np.prod(np.mean(np.abs(spectra) ** 2, axis=0), axis=0))


def test_matched_coherence_is_that_of_the_set_in_a_diffuse_field(heads, decoders):
    wanted = coherence(np.fft.rfft(heads.ir, 1024))[64:320]  # 3 to 15 kHz
    errors = []
    matched = ambisonic_decoder.design_decoder(heads, RATE, 1, match_coherence=True)
    for made in (decoders[1], matched):
        ears = np.einsum("mc,cen->men", encode(heads.positions, 1, "n3d"), made.filters)
        found = coherence(np.fft.rfft(ears, 1024))[64:320]
        errors.append(np.sqrt(np.mean((found - wanted) ** 2)))
    assert errors[1] < 0.1 < errors[0]


@pytest.mark.parametrize("order", [1, 3])
def test_plane_wave_is_as_loud_as_a_source(heads, decoders, order):
    x = noise(1, 8192)
    ambisonic = AmbisonicRenderer(decoders[order], RATE, order=order)
    direct = BinauralRenderer(prepare(heads, RATE, rank=8), RATE)
    levels = []
    for direction in synthetic_set.sphere(40):
        ambisonic.reset()
        direct.reset()
        direct.set_positions([direction])
        wanted = direct.process(x)
        found = ambisonic.process(encode(direction, order)[:, None] * x)
        levels.append((np.sum(found**2), np.sum(wanted**2)))
    found, wanted = np.sum(levels, axis=0)
    assert 10.0 * np.log10(found / wanted) == pytest.approx(0.0, abs=0.3)


def test_low_frequencies_keep_waveform_and_time(heads, decoder):
    x = noise(1, 8192)
    spectrum = np.fft.rfft(x)
    spectrum[:, np.fft.rfftfreq(8192, 1.0 / RATE) > 800.0] = 0.0
    x = np.fft.irfft(spectrum).astype(np.float32)
    measured = ambisonic_decoder.design_decoder(heads, RATE, 3, level="measured")
    assert measured.latency_samples == 3  # a lead of 48 samples against a mean arrival of 45
    renderer = AmbisonicRenderer(measured, RATE, order=3)
    for m in (0, 50, 100):
        renderer.reset()
        found = renderer.process(encode(heads.positions[m], 3)[:, None] * x)
        late = renderer.latency_samples
        for e in range(2):
            wanted = np.convolve(x[0], heads.ir[m, e])[: 8192 - late]
            same = found[e, late:] * (found[e, late:] @ wanted) / np.sum(found[e, late:] ** 2)
            assert level_db(same - wanted, wanted) < -30.0
            assert level_db(found[e], wanted) == pytest.approx(0.0, abs=0.5)


@settings(max_examples=15)
@given(
    yaw=st.floats(-180, 180), pitch=st.floats(-80, 80), roll=st.floats(-180, 180),
    azimuth=st.floats(-180, 180), elevation=st.floats(-85, 85),
)  # fmt: skip
def test_turning_the_head_is_encoding_from_the_counter_rotated_direction(
    decoder, yaw, pitch, roll, azimuth, elevation
):
    x = noise(1, 512)
    turn, direction = quaternion_from_ypr_deg(yaw, pitch, roll), unit_vectors(azimuth, elevation)
    turned = AmbisonicRenderer(decoder, RATE, order=3)
    turned.set_listener(turn)
    still = AmbisonicRenderer(decoder, RATE, order=3)
    a = turned.process(encode(direction, 3)[:, None] * x)
    b = still.process(encode(rotate(quaternion_conjugate(turn), direction), 3)[:, None] * x)
    assert level_db(a - b, b) < -110.0


def test_motion_equals_rotation_matrices_blended_within_each_step(decoder):
    n = 20 * CONTROL_SAMPLES
    x = noise(16, n)
    turns = quaternion_from_ypr_deg(np.arange(20) * 5.0, np.arange(20) * -2.0, 10.0)
    found = AmbisonicRenderer(decoder, RATE, order=3).process_path(x, turns)
    matrices = [rotation_matrix(quaternion_conjugate(q), 3) for q in turns]
    ramp = (np.arange(CONTROL_SAMPLES) + 1.0) / CONTROL_SAMPLES
    parts = []
    for step in range(20):
        part = x[:, step * CONTROL_SAMPLES : (step + 1) * CONTROL_SAMPLES].astype(float)
        old, new = matrices[max(step - 1, 0)] @ part, matrices[step] @ part
        parts.append(old + ramp * (new - old))
    turned = np.concatenate(parts, axis=1)
    filters = decoder.filters * conversion(3, "sn3d", "n3d")[:, None, None]
    wanted = [sum(np.convolve(turned[c], filters[c, e])[:n] for c in range(16)) for e in range(2)]
    assert level_db(found - wanted, np.array(wanted)) < -110.0


def test_call_sizes_do_not_matter(decoder):
    x = noise(16, 6000)
    renderer = AmbisonicRenderer(decoder, RATE, order=3)

    def run(sizes):
        renderer.reset()
        renderer.set_listener(quaternion_from_ypr_deg(0.0))
        parts, at, step = [], 0, 0
        while at < x.shape[1]:
            n = min(sizes(), x.shape[1] - at)
            steps = renderer.steps_beginning(n)
            times = (step + 1.0 + np.arange(steps)) * CONTROL_SAMPLES / RATE
            turns = quaternion_from_ypr_deg(500.0 * times, 30.0 * times)
            parts.append(renderer.process_path(x[:, at : at + n], turns))
            at, step = at + n, step + steps
        return np.concatenate(parts, axis=1)

    whole = run(lambda: 6000)
    rng = np.random.default_rng(5)
    for sizes in (lambda: 1000, lambda: 64, lambda: 1, lambda: int(rng.integers(0, 700))):
        assert level_db(run(sizes) - whole, whole) < -110.0


def test_a_long_call_turns_evenly_to_the_new_orientation(decoder):
    x = noise(16, 8 * CONTROL_SAMPLES)
    first, last = quaternion_from_ypr_deg(0.0), quaternion_from_ypr_deg(80.0, 20.0)
    pulled, stepped = (AmbisonicRenderer(decoder, RATE, order=3) for _ in range(2))
    for renderer in (pulled, stepped):
        renderer.set_listener(first)
        renderer.process(x[:, :CONTROL_SAMPLES])
    pulled.set_listener(last)
    path = slerp(first, last, (np.arange(8) + 1.0) / 8.0)
    a, b = pulled.process(x), stepped.process_path(x, path)
    assert level_db(a - b, b) < -110.0
    a, b = pulled.process(x), stepped.process(x)  # and stay there
    assert level_db(a - b, b) < -110.0


def test_n3d_channels_sound_like_sn3d(decoder):
    x = noise(16, 1000)
    schmidt = AmbisonicRenderer(decoder, RATE, order=3).process(x)
    scaled = (x * conversion(3, "sn3d", "n3d")[:, None]).astype(np.float32)
    full = AmbisonicRenderer(decoder, RATE, order=3, normalisation="n3d").process(scaled)
    assert level_db(schmidt - full, full) < -110.0


def test_motion_has_no_clicks(decoder):
    n = RATE
    tone = np.sin(2.0 * np.pi * 1000.0 * np.arange(n) / RATE).astype(np.float32)
    renderer = AmbisonicRenderer(decoder, RATE, order=3)
    times = (np.arange(renderer.steps_beginning(n)) + 1.0) * CONTROL_SAMPLES / RATE
    x = encode(unit_vectors(30.0), 3)[:, None].astype(np.float32) * tone
    y = renderer.process_path(x, quaternion_from_ypr_deg(90.0 * times))[0, 4096:-4096]
    power = np.abs(np.fft.rfft(y * np.blackman(len(y)) ** 2)) ** 2
    hz = np.fft.rfftfreq(len(y), 1.0 / RATE)
    tone_power = power[np.abs(hz - 1000.0) <= 150.0].sum()
    assert 10.0 * np.log10(power[np.abs(hz - 1000.0) > 150.0].sum() / tone_power) < -65.0
    assert 10.0 * np.log10(power[hz > 3000.0].sum() / tone_power) < -90.0


def test_nan_silences_its_channel_alone(decoder):
    x = noise(16, 2048)
    x[5, 700] = np.inf
    renderer = AmbisonicRenderer(decoder, RATE, order=3)
    y = np.concatenate([renderer.process(x[:, at : at + 128]) for at in range(0, 2048, 128)], 1)
    assert np.all(np.isfinite(y))
    assert list(np.flatnonzero(renderer.nonfinite_blocks)) == [5]
    x[5, 640:768] = 0.0
    clean = AmbisonicRenderer(decoder, RATE, order=3).process(x)
    assert level_db(clean - y, y) < -110.0


def test_reset_forgets_everything(decoder):
    x = noise(16, 700)
    renderer = AmbisonicRenderer(decoder, RATE, order=3)
    renderer.set_listener(quaternion_from_ypr_deg(50.0))
    first = renderer.process(x)
    renderer.set_listener(quaternion_from_ypr_deg(-50.0))
    renderer.process(x)
    renderer.set_listener(quaternion_from_ypr_deg(50.0))
    renderer.reset()
    assert np.array_equal(renderer.process(x), first)
    silence = np.zeros((16, renderer.tail_samples + 500), dtype=np.float32)
    assert np.abs(renderer.process(silence)[:, renderer.tail_samples :]).max() < 1e-6


@pytest.mark.parametrize("moving", [False, True])
def test_kernels_as_plain_python_equal_the_compiled_ones(decoder, moving):
    """Turns within and between steps, over parts of them; a channel with NaN is silent."""
    x = noise(16, 300)
    x[4, 20] = np.nan
    found = []
    for around in (nullcontext(), plain_python(block)):
        renderer = AmbisonicRenderer(decoder, RATE, order=3)
        renderer.process(x[:, :0])
        out = np.zeros((2, 300), dtype=np.float32)
        state = renderer._state
        with around:
            for first, last in ((0, 70), (70, 300)):
                if moving:
                    state.head[ASKED] = quaternion_from_ypr_deg(0.2 * last, 0.1 * first)
                part = np.ascontiguousarray(x[:, first:last])
                n = last - first
                block.render_scene(state.address, part, 0, n, 0, n, out, first, False)
        assert list(state.nonfinite) == [0] * 4 + [1] + [0] * 11
        found.append(out)
    assert level_db(found[0] - found[1], found[1]) < -120.0
    assert np.any(found[0])


def test_filters_are_faded_to_within_a_step(decoder):
    """As the convolver itself does."""
    other = np.random.default_rng(3).standard_normal((4, 2, 200)).astype(np.float32)
    first, second = FilterSpectra(other[:, :, :150]), FilterSpectra(other)
    state = AmbisonicState(first, 4, 2)
    wanted = PartitionedConvolver(first, 2)
    x, found, due = noise(4, 128 * 8), [], []
    for at in range(0, x.shape[1], 64):
        if at == 192:
            state.parts[NEXT_AT] = second.address
            wanted.exchange(second)
        part, out = np.ascontiguousarray(x[:, at : at + 64]), np.zeros((2, 64), np.float32)
        block.render_scene(state.address, part, 0, 64, 0, 64, out, 0, False)
        found.append(out)
        due.append(wanted.process(part))
    assert level_db(np.hstack(found) - np.hstack(due), np.hstack(due)) < -110.0
    assert (state.parts[FILTERS_AT], state.parts[COMING_AT]) == (second.address, 0)


def test_decoders_are_cached_and_a_broken_cache_is_made_anew(heads, tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    heads = heads.subset(np.arange(0, 220, 4))
    first = ambisonic_decoder.ambisonic_decoder(heads, RATE, 1)
    (file,) = tmp_path.glob("*.npz")
    again = ambisonic_decoder.ambisonic_decoder(heads, RATE, 1)
    assert np.array_equal(first.filters, again.filters)
    assert (again.order, again.sample_rate, again.lsd_db) == (1, RATE, first.lsd_db)
    assert again.latency_samples == first.latency_samples
    file.write_bytes(b"PK\x03\x04 damaged")
    third = ambisonic_decoder.ambisonic_decoder(heads, RATE, 1)
    assert np.array_equal(third.filters, first.filters)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_block_allocates_no_audio_arrays(decoder):
    x = noise(16, 128)
    out = np.zeros((2, 128), dtype=np.float32)
    renderer = AmbisonicRenderer(decoder, RATE, order=3)
    turns = quaternion_from_ypr_deg(np.arange(60.0))
    for q in turns[:5]:
        renderer.set_listener(q)
        renderer.process_into(x, out)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for q in turns[5:]:
        renderer.set_listener(q)
        renderer.process_into(x, out)
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()
    assert sum(max(d.size_diff, 0) for d in after.compare_to(before, "filename")) < 8192


def test_wrong_input_is_named(heads, decoder):
    renderer = AmbisonicRenderer(decoder, RATE, order=3)
    with pytest.raises(AuricleError, match=r"order 3 must be \(16, samples\)"):
        renderer.process(np.zeros((4, 128)))
    with pytest.raises(AuricleError, match=r"\(2, 128\) float32"):
        renderer.process_into(np.zeros((16, 128)), np.zeros((2, 128)))
    with pytest.raises(AuricleError, match=r"3 steps begin here"):
        renderer.process_path(np.zeros((16, 300)), np.zeros((2, 4)))
    with pytest.raises(AuricleError, match="zero"):
        renderer.set_listener((0.0, 0.0, 0.0, 0.0))
    with pytest.raises(AuricleError, match="order 3"):
        AmbisonicRenderer(decoder, RATE, order=2)
    with pytest.raises(AuricleError, match="fuma"):
        AmbisonicRenderer(decoder, RATE, order=3, normalisation="fuma")
    with pytest.raises(AuricleError, match="from 0 to 10"):
        AmbisonicRenderer(heads, RATE, order=11)
    with pytest.raises(AuricleError, match="loud"):
        AmbisonicRenderer(heads, RATE, order=1, level="loud")
    with pytest.raises(AuricleError, match="block_size"):
        AmbisonicRenderer(decoder, RATE, block_size=0, order=3)
    assert renderer.process(np.zeros((16, 0))).shape == (2, 0)
