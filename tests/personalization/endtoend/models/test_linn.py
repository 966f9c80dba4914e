"""LINN: its filters against slow references, in the mirror, in pieces, and what it learns."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from auricle.dsp.geometry import unit_vectors  # noqa: E402
from auricle.dsp.hrtf.hrtf_set import HrtfSet  # noqa: E402
from auricle.dsp.neural.linn_filters import (  # noqa: E402
    BINS,
    LEAD,
    SIZE,
    TAPS,
    knot_weights,
    knots_hz,  # noqa: E402
    minimum_phase_of,
)
from auricle.dsp.responses.minimum_phase import minimum_phase  # noqa: E402
from auricle.dsp.sphere.harmonics import encode  # noqa: E402
from auricle.personalization.endtoend.models.linn.linn import Linn, crossfaded  # noqa: E402
from auricle.personalization.endtoend.physics.geometric_warp import SOUND_SPEED_M_S, geometric_warp  # noqa: E402
from auricle.personalization.endtoend.physics.poses import (  # noqa: E402
    EAR_OFFSET_M,
    RATE,
    STEP,
    Poses,
    heard_poses,
    step_times,
)
from auricle.personalization.endtoend.training.code_fitting import fit_code  # noqa: E402
from auricle.personalization.endtoend.training.response_training import Pieces, response_loss  # noqa: E402
from auricle.personalization.learning.torch_harmonics import harmonics  # noqa: E402

D = 6


def linn(seed=0, spread=0.3):
    """A small network with weights drawn: smooth filters that differ between listeners."""
    torch.manual_seed(seed)
    made = Linn(code_size=D, width=16, rank=8, order=3)
    made.net = made.build()
    with torch.no_grad():
        for name, each in made.net.named_parameters():
            if "steer" in name or "last.base.weight" in name:
                each.normal_(0.0, spread / each.shape[-1] ** 0.5)
        made.net.parity.copy_(torch.tensor([1.0, -1.0] * (D // 2)))
    made.net.eval()
    return made


def directions(n, seed=1):
    given = np.random.default_rng(seed).normal(size=(n, 3))
    return given / np.linalg.norm(given, axis=1, keepdims=True)


def moving(n_steps, seed=2):
    """Poses of a source that goes round in 2 s, between 0.5 and 3 m away."""
    angle = np.linspace(0.0, np.pi * n_steps * STEP / RATE, n_steps + 1)
    radius = 1.75 + 1.25 * np.sin(3.0 * angle + seed)
    return Poses(np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.3 * radius], axis=1))


def test_harmonics_are_those_of_the_engine():
    where = directions(40)
    found = harmonics(torch.from_numpy(where), 7).numpy()
    assert np.allclose(found, encode(where, 7, "n3d"), atol=1e-12)


def test_phase_is_the_minimum_phase_of_the_level():
    knots = knot_weights(knots_hz(24, RATE / 2.0), RATE)
    level_db = 6.0 * np.random.default_rng(0).normal(size=24) @ knots
    wanted = minimum_phase(10.0 ** (level_db / 20.0), SIZE)
    whole = np.fft.irfft(10.0 ** (level_db / 20.0) * np.exp(1j * minimum_phase_of(level_db)), SIZE)
    assert np.max(np.abs(whole[: SIZE // 2] - wanted[: SIZE // 2])) < 1e-3 * np.max(np.abs(wanted))


def test_filters_have_the_levels_and_delays_that_the_network_says():
    made = linn()
    seen = torch.from_numpy(directions(20)[None].astype(np.float32))
    code = torch.randn(1, D)
    with torch.no_grad():
        said = made.net.corrections(seen, code)[0]
        taps, late = (each[0] for each in made.net.filters(seen, code))
    assert taps.shape == (20, TAPS)
    wanted_db = 10.0 * said[:, :72].numpy() @ knot_weights(knots_hz(72, RATE / 2.0), RATE)
    found = 20.0 * np.log10(np.abs(np.fft.rfft(taps.numpy(), SIZE)))
    assert np.sqrt(np.mean((found - wanted_db)[:, 4 : BINS - 20] ** 2)) < 0.5
    geometric = -EAR_OFFSET_M * RATE / SOUND_SPEED_M_S * seen[0, :, 1] - LEAD
    assert np.allclose((late - geometric).numpy(), said[:, 72].numpy(), atol=1e-4)


def test_filters_blend_along_each_step_exactly():
    rng = np.random.default_rng(3)
    signal, taps = rng.normal(size=(1, 2, 4 * STEP)), rng.normal(size=(1, 5, 2, 40))
    found = crossfaded(torch.from_numpy(signal), torch.from_numpy(taps)).numpy()
    wanted = np.zeros_like(found)
    for ear in range(2):
        through = [np.convolve(signal[0, ear], taps[0, k, ear])[: 4 * STEP] for k in range(5)]
        for n in range(4 * STEP):
            k, share = n // STEP, (n % STEP + 1) / STEP
            wanted[0, ear, n] = (1.0 - share) * through[k][n] + share * through[k + 1][n]
    assert np.max(np.abs(found - wanted)) < 1e-10


def test_the_mirrored_listener_hears_the_mirrored_scene_with_ears_exchanged():
    made, poses = linn(), moving(40)
    code = np.random.default_rng(4).normal(size=D).astype(np.float32)
    mono = np.random.default_rng(5).normal(0.0, 0.1, 40 * STEP).astype(np.float32)
    plain = made.render(mono, poses, code)
    mirrored = Poses(poses.apparent_m * [1.0, -1.0, 1.0])
    other = made.render(mono, mirrored, code * made.net.parity.numpy())
    assert np.max(np.abs(plain - other[::-1])) < 1e-5
    assert np.max(np.abs(plain - made.render(mono, mirrored, code)[::-1])) > 1e-3


@pytest.mark.parametrize("steps", [7, 50])
def test_pieces_are_the_whole(steps):
    made, poses = linn(), moving(120)
    code = np.random.default_rng(4).normal(size=D).astype(np.float32)
    mono = np.random.default_rng(6).normal(0.0, 0.1, 120 * STEP - 31).astype(np.float32)
    whole = made.render(mono, poses, code)
    made.chunk_steps = steps
    error = made.render(mono, poses, code) - whole
    assert 20.0 * np.log10(np.std(error) / np.std(whole)) < -100.0


def test_what_has_not_been_heard_changes_nothing():
    made, poses = linn(), moving(60)
    mono = np.random.default_rng(7).normal(0.0, 0.1, 60 * STEP).astype(np.float32)
    later = np.array(mono)
    later[30 * STEP :] = 0.0
    code = np.zeros(D, dtype=np.float32)
    one, other = made.render(mono, poses, code), made.render(later, poses, code)
    assert np.array_equal(one[:, : 30 * STEP], other[:, : 30 * STEP])


def passing(speed=20.0, aside=2.0, seconds=1.0):
    """Poses of a source that passes the head on its left, and exact delays of its sound."""
    times = step_times(int(seconds * RATE))
    way = np.stack([speed * (times - seconds / 2.0), np.full_like(times, aside), 0.0 * times], 1)
    poses = heard_poses(way, [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    t = (np.arange(poses.n_samples) + 1.0) / RATE
    emitted = t
    for _ in range(60):
        place = np.stack([speed * (emitted - seconds / 2.0), np.full_like(t, aside)], 1)
        emitted = t - np.linalg.norm(place, axis=1) / SOUND_SPEED_M_S
    return poses, place, t - emitted


def phase_beside(heard, hz, delay):
    """Phase of a tone beside the one that the delays give it."""
    turned = heard * np.exp(-2j * np.pi * hz * (np.arange(len(heard)) / RATE - delay))
    kernel = np.hanning(481) / np.sum(np.hanning(481))
    return np.unwrap(np.angle(np.convolve(turned, kernel, "same")))


def most_cents(phase, hz, delay, window=4800):
    """The largest deviation of the mean frequency over 100 ms from what the delays make of it."""
    theory = hz - hz * (delay[window:] - delay[:-window]) * RATE / window
    off = (phase[window:] - phase[:-window]) / (2.0 * np.pi) * RATE / window
    return np.max(np.abs(1200.0 * np.log2(1.0 + off / theory))[4800 : -window // 2])


@pytest.mark.parametrize("hz", [500.0, 2000.0])
def test_the_pitch_of_a_passing_source_is_that_of_theory(hz):
    poses, place, delay = passing()
    tone = np.sin(2.0 * np.pi * hz * np.arange(poses.n_samples) / RATE).astype(np.float32)
    apparent = torch.from_numpy(poses.apparent_m.astype(np.float32))[None]
    warped = geometric_warp(torch.from_numpy(tone)[None], apparent)[0].numpy()
    for ear, side in enumerate((EAR_OFFSET_M, -EAR_OFFSET_M)):
        own = np.linalg.norm(place - [0.0, side], axis=1) / SOUND_SPEED_M_S
        assert most_cents(phase_beside(warped[ear], hz, own), hz, own) < 0.3
    made = linn(spread=0.0)  # no listener, flat filters: the way is all there is
    heard = made.render(tone, poses, np.zeros(D, dtype=np.float32))
    for ear, side in enumerate((EAR_OFFSET_M, -EAR_OFFSET_M)):
        far = delay - side * place[:, 1] / np.linalg.norm(place, axis=1) / SOUND_SPEED_M_S
        assert (
            most_cents(phase_beside(heard[ear], hz, far), hz, far) < 1.0
        )  # the filters are LEAD samples behind


def test_it_learns_responses_and_who_has_them():
    made = linn()
    truth = linn(seed=3, spread=1.0)
    rng = np.random.default_rng(8)

    def draw(n=64):
        seen = torch.from_numpy(directions(n, int(rng.integers(1 << 30))).astype(np.float32))
        code = torch.from_numpy(rng.normal(size=(n, D)).astype(np.float32))
        with torch.no_grad():
            taps, late = truth.net.filters(seen[:, None], code)
        omega = torch.arange(BINS) * (2.0 * np.pi / SIZE)
        spectrum = torch.fft.rfft(taps[:, 0], SIZE) * torch.polar(
            torch.ones_like(omega), -omega * (late + 64.0)
        )
        return Pieces(torch.fft.irfft(spectrum, SIZE)[:, :TAPS], seen, code)

    judged = draw(256)
    with torch.no_grad():
        assert float(response_loss(judged, truth.net.filters)) < 0.15
        before = float(response_loss(judged, made.net.filters))
    optimiser = torch.optim.Adam(made.net.parameters(), lr=5e-3)
    for _ in range(150):
        optimiser.zero_grad()
        response_loss(draw(), made.net.filters).backward()
        optimiser.step()
    with torch.no_grad():
        after = float(response_loss(judged, made.net.filters))
        nobody = Pieces(judged.response, judged.seen, 0.0 * judged.code)
        assert after < 0.8 * before
        assert after < 0.95 * float(response_loss(nobody, made.net.filters))


def test_a_code_is_fitted_from_few_directions():
    made = linn(spread=1.0)
    true = np.random.default_rng(9).normal(size=D).astype(np.float32)
    where = unit_vectors(np.array([0.0, 90.0, 180.0, 270.0, 45.0]), np.array([0.0, 0, 0, 0, 45]))
    with torch.no_grad():
        taps, late = made.net.both_ears(
            torch.from_numpy(where.astype(np.float32))[None], torch.from_numpy(true)[None]
        )
    omega = 2.0 * np.pi * np.arange(BINS) / SIZE
    spectra = np.fft.rfft(taps[0].numpy(), SIZE) * np.exp(
        -1j * omega * (late[0, ..., None] + 64).numpy()
    )
    few = HrtfSet(3.0 * np.fft.irfft(spectra, SIZE), where, 1.0, RATE)
    start = true + 0.5 * np.random.default_rng(10).normal(size=D).astype(np.float32)
    found = fit_code(made, few, start)
    assert np.linalg.norm(found - true) < 0.6 * np.linalg.norm(start - true)
    assert np.array_equal(fit_code(made, few, start, steps=0), start)


@pytest.fixture(scope="module")
def shipped():
    from auricle.personalization.endtoend.systems.registry import load_system
    from auricle.personalization.model_files import __file__ as folder

    return load_system(Path(folder).parent / "linn.safetensors", "linn")


@pytest.mark.parametrize("hz", [500.0, 2000.0])
def test_the_weights_that_ship_keep_the_pitch_of_a_passing_source(shipped, hz):
    poses, place, delay = passing()
    tone = np.sin(2.0 * np.pi * hz * np.arange(poses.n_samples) / RATE).astype(np.float32)
    code = shipped.codebook.unknown
    heard = shipped.system.render(tone, poses, code)
    # The head itself bends pitch by some cents: theory is the way, then its response at each time.
    at = np.arange(0, len(place), 32)
    where = np.column_stack([place, np.zeros(len(place))])[at]
    where /= np.linalg.norm(where, axis=1, keepdims=True)
    with torch.no_grad():
        taps, late = (
            each[0].numpy()
            for each in shipped.system.net.both_ears(
                torch.from_numpy(where.astype(np.float32))[None], torch.from_numpy(code)[None]
            )
        )
    omega = 2.0 * np.pi * hz / RATE
    own = np.angle(taps @ np.exp(-1j * omega * np.arange(TAPS))) - omega * late
    for ear in range(2):
        through = np.interp(np.arange(len(place)), at, np.unwrap(own[:, ear]))
        theory = delay - through / (2.0 * np.pi * hz)
        assert most_cents(phase_beside(heard[ear], hz, theory), hz, theory) < 1.0


def test_the_weights_that_ship_are_small_and_know_listeners(shipped):
    system, book = shipped.system, shipped.codebook
    assert system.n_parameters < 200_000
    assert np.array_equal(system.net.parity.numpy(), book.parity)
    poses = moving(40)
    mono = np.random.default_rng(11).normal(0.0, 0.1, 40 * STEP).astype(np.float32)
    nobody = system.render(mono, poses, book.unknown)
    code = np.random.default_rng(12).normal(size=book.size).astype(np.float32)
    someone = system.render(mono, poses, code)
    assert 0.1 < np.std(someone - nobody) / np.std(nobody) < 2.0
