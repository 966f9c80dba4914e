"""BinauralGrad and the flow: schedules, spectra, sampling, causality, learning."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from auricle.dsp.errors import AuricleError  # noqa: E402
from auricle.personalization.endtoend.models.generative import diffusion  # noqa: E402
from auricle.personalization.endtoend.models.generative.binauralgrad import BinauralGrad  # noqa: E402
from auricle.personalization.endtoend.models.generative.flow import BinauralFlow, midpoint  # noqa: E402
from auricle.personalization.endtoend.models.generative.network import pose_features  # noqa: E402
from auricle.personalization.endtoend.physics import stft  # noqa: E402
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp  # noqa: E402
from auricle.personalization.endtoend.physics.poses import STEP, Poses  # noqa: E402
from auricle.personalization.endtoend.systems.base import Batch  # noqa: E402
from auricle.personalization.learning.training_loop import Plan  # noqa: E402

SMALL = {"width": 16, "filter_width": 32, "local": 2, "rank": 4, "frames": 4}
SYSTEMS = [(BinauralGrad, {}), (BinauralFlow, {}), (BinauralFlow, {"causal": False})]


class Echoes:
    """Noise from anywhere at rest; heads that filter by side and by the first number of a code."""

    code_size = 3

    def __init__(self, n_items=4, n_steps=48):
        self.n_items, self.n_steps = n_items, n_steps

    def batch(self, rng):
        place = rng.standard_normal((self.n_items, 1, 3))
        place *= 1.5 / np.linalg.norm(place, axis=-1, keepdims=True)
        apparent = torch.from_numpy(np.repeat(place, self.n_steps + 1, axis=1).astype(np.float32))
        code = rng.standard_normal((self.n_items, self.code_size)).astype(np.float32)
        mono = 0.1 * rng.standard_normal((self.n_items, self.n_steps * STEP)).astype(np.float32)
        warp = geometric_warp(torch.from_numpy(mono), apparent)
        side = torch.from_numpy(place[:, 0, 1].astype(np.float32))[:, None, None]
        sides = torch.cat([side, -side], dim=1)
        echo = torch.nn.functional.pad(warp, (3, 0))[..., :-3]
        who = torch.from_numpy(code[:, :1, None])
        wanted = (0.6 + 0.2 * sides) * warp + (0.3 - 0.2 * who) * echo
        return Batch(torch.from_numpy(mono), apparent, torch.from_numpy(code), wanted)

    def judges(self):
        return [self.batch(np.random.default_rng(99))]


def untrained(kind, seed=0, waked=True, **configuration):
    """A system with random weights, also where training begins at zero."""
    torch.manual_seed(seed)
    system = kind(code_size=3, **{**SMALL, **configuration})
    system.net = system.build()
    if waked:
        with torch.no_grad():
            for each in system.net.parameters():
                each.add_(0.05 * torch.randn_like(each))
    system.net.eval()
    return system


def heard(system, batch, first_step=0):
    with torch.no_grad():
        return system.estimate_from(first_step, batch.mono, batch.apparent_m, batch.code)


def test_shares_of_noise_are_those_of_adding_it_step_by_step():
    schedule = diffusion.training_schedule()
    keep, variance = 1.0, 0.0
    for beta, share in zip(schedule.betas, schedule.alphas[1:], strict=True):
        keep, variance = keep * np.sqrt(1.0 - beta), variance * (1.0 - beta) + beta
        assert keep**2 == pytest.approx(share, rel=1e-12)
        assert variance == pytest.approx(1.0 - share, rel=1e-10)
    data, noise = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), -2.0)
    found = diffusion.noised(data, noise, schedule.alphas[120:121])
    share = schedule.alphas[120]
    assert found.item() == pytest.approx(3.0 * share**0.5 - 2.0 * (1 - share) ** 0.5, rel=1e-5)


@pytest.mark.parametrize("schedule", [diffusion.training_schedule(), diffusion.few_steps()])
def test_the_posterior_is_that_of_bayes(schedule):
    """The product of two Gaussians: of x_(t-1) given x_0, and of x_t given x_(t-1)."""
    for step in range(2, len(schedule.betas) + 1):
        before, beta = schedule.alphas[step - 1], schedule.betas[step - 1]
        precision = 1.0 / (1.0 - before) + (1.0 - beta) / beta
        of_data, of_noisy, spread = schedule.posterior(step)
        assert spread**2 == pytest.approx(1.0 / precision, rel=1e-9)
        assert of_data == pytest.approx(np.sqrt(before) / (1.0 - before) / precision, rel=1e-9)
        assert of_noisy == pytest.approx(np.sqrt(1.0 - beta) / beta / precision, rel=1e-9)
    assert schedule.posterior(1) == pytest.approx((1.0, 0.0, 0.0), abs=1e-12)


def test_few_steps_are_told_as_steps_of_training_with_as_much_noise():
    schedule, few = diffusion.training_schedule(), diffusion.few_steps()
    told = schedule.steps_like(few)
    assert told[0] == 0.0
    assert np.all(np.diff(told) > 0.0)
    assert told[-1] < 200.0
    back = np.interp(told, np.arange(201.0), np.sqrt(schedule.alphas))
    np.testing.assert_allclose(back, np.sqrt(few.alphas), rtol=1e-9)


def test_betas_out_of_range_are_refused():
    with pytest.raises(AuricleError, match="between 0 and 1"):
        diffusion.few_steps([0.1, 1.5])


def test_the_noise_gives_the_data_back():
    generator = torch.Generator().manual_seed(0)
    data, noise = torch.randn(2, 3, 4, 5, 5, generator=generator)
    shares = np.array([0.9, 0.5, 0.1])
    noisy = diffusion.noised(data, noise, shares)
    torch.testing.assert_close(diffusion.data_of(noise, noisy, shares), data, atol=1e-5, rtol=1e-5)


def test_estimates_begin_as_the_mean_of_a_gaussian_about_the_guess():
    """By least squares over many draws: a network of zeros adds nothing to it."""
    stage = untrained(BinauralFlow, waked=False).net
    n_conditions = stage.net.first.in_features - 4
    generator = torch.Generator().manual_seed(0)
    guess = torch.randn(1, 4, 60, stft.N_BINS, generator=generator)
    data = guess + 0.5 * torch.randn(guess.shape, generator=generator)
    noisy = 0.6 * data + 0.4 * torch.randn(guess.shape, generator=generator)
    shares = torch.tensor([0.6]), torch.tensor([0.4])
    told = torch.zeros(1, 60, stft.N_BINS, n_conditions)
    with torch.no_grad():
        found, unit = stage.data(noisy, shares, torch.ones(1), told, torch.zeros(1, 3), guess)
    apart = noisy - 0.6 * guess
    slope = ((data - guess) * apart).sum() / apart.square().sum()
    torch.testing.assert_close(found, guess + slope * apart, atol=0.02, rtol=0.0)
    assert (found - data).std().item() == pytest.approx(unit.item(), rel=0.02)


def test_the_midpoint_solver_carries_noise_to_a_known_gaussian():
    """From N(0, 1) to N(2, 0.3 ** 2) by the velocity that independent pairs have on the average."""
    mean, spread = 2.0, 0.3

    def velocity(place, share):
        variance = share**2 * spread**2 + (1.0 - share) ** 2
        slope = (share * spread**2 - (1.0 - share)) / variance
        return mean + slope * (place - share * mean)

    start = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    few, many = (midpoint(velocity, start, n) for n in (4, 64))
    torch.testing.assert_close(many, mean + spread * start, atol=2e-3, rtol=0.0)
    assert few.mean().item() == pytest.approx(mean, abs=0.01)
    assert few.std().item() == pytest.approx(spread, abs=0.05)


def test_spectra_give_the_signal_back():
    signal = torch.randn(2, 2, 12 * stft.HOP, generator=torch.Generator().manual_seed(0))
    parts = stft.spectra(signal)
    assert parts.shape == (2, 4, 13, stft.N_BINS)
    assert parts.square().mean().item() == pytest.approx(0.25, rel=0.15)
    back = stft.signals_of(parts, signal.shape[-1])
    assert (back - signal).abs().max().item() < 1e-5


def test_products_are_complex():
    generator = torch.Generator().manual_seed(0)
    gains, values = torch.randn(2, 2, 4, 3, 5, generator=generator)
    whole = [torch.complex(each[:, 0::2], each[:, 1::2]) for each in (gains, values)]
    found = stft.times(gains, values)
    torch.testing.assert_close(torch.complex(found[:, 0::2], found[:, 1::2]), whole[0] * whole[1])


def test_levels_know_nothing_of_the_future():
    parts = torch.randn(1, 4, 20, stft.N_BINS, generator=torch.Generator().manual_seed(0))
    other = parts.clone()
    other[:, :, 12:] *= 100.0
    before, after = stft.levels(parts), stft.levels(other)
    assert torch.equal(before[:, :, :12], after[:, :, :12])
    assert torch.all(after[:, :, 13:] > 5.0 * before[:, :, 13:])


def test_noise_belongs_to_frames_not_to_pieces():
    shape = (1, 2, 50, 7)
    whole = stft.FrameNoise(3)(1, shape)
    piece = stft.FrameNoise(3, first_frame=21)(1, (1, 2, 20, 7))
    assert torch.equal(whole[:, :, 21:41], piece)
    assert not torch.equal(whole, stft.FrameNoise(3)(2, shape))
    assert not torch.equal(whole, stft.FrameNoise(4)(1, shape))
    assert whole.std().item() == pytest.approx(1.0, abs=0.1)


def test_features_tell_direction_from_distance():
    near, far = pose_features(torch.tensor([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]]))
    torch.testing.assert_close(near[:-2], far[:-2])
    assert near[-1] > far[-1]
    assert torch.isfinite(pose_features(torch.zeros(1, 3))).all()


@pytest.mark.parametrize(
    ("kind", "configuration"),
    [(BinauralGrad, {"temperature": 0.0}), (BinauralFlow, {"temperature": 0.0})],
)
def test_a_network_that_finds_nothing_leaves_the_warp(kind, configuration):
    batch = Echoes(n_items=2, n_steps=41).batch(np.random.default_rng(0))
    found = heard(untrained(kind, waked=False, **configuration), batch)
    assert (found - geometric_warp(batch.mono, batch.apparent_m)).abs().max().item() < 1e-6


@pytest.mark.parametrize(("kind", "configuration"), SYSTEMS)
def test_a_seed_repeats_the_sound_and_another_does_not(kind, configuration):
    batch = Echoes(n_items=2).batch(np.random.default_rng(0))
    system = untrained(kind, **configuration)
    first = heard(system, batch)
    assert torch.equal(first, heard(system, batch))
    assert torch.isfinite(first).all()
    system.configuration = replace(system.configuration, seed=1)
    assert not torch.equal(first, heard(system, batch))


@pytest.mark.parametrize(("kind", "configuration"), SYSTEMS)
def test_silence_stays_quiet_and_finite(kind, configuration):
    system = untrained(kind, **configuration)
    batch = Echoes(n_items=1).batch(np.random.default_rng(0))
    silent = SimpleNamespace(mono=0.0 * batch.mono, apparent_m=batch.apparent_m, code=batch.code)
    assert heard(system, silent).abs().max().item() < 3e-3


@pytest.mark.parametrize(("kind", "configuration"), SYSTEMS)
def test_the_code_changes_what_is_heard(kind, configuration):
    batch = Echoes(n_items=2).batch(np.random.default_rng(0))
    system = untrained(kind, **configuration)
    other = SimpleNamespace(mono=batch.mono, apparent_m=batch.apparent_m, code=-batch.code)
    assert not torch.allclose(heard(system, batch), heard(system, other), atol=1e-4)


@pytest.mark.parametrize(("kind", "configuration"), SYSTEMS)
def test_pieces_make_the_whole(kind, configuration):
    """A moving source: noise and networks know no pieces, so there are no seams."""
    rng = np.random.default_rng(1)
    n_steps = 301
    mono = 0.1 * rng.standard_normal(n_steps * STEP - 50).astype(np.float32)
    turn = np.linspace(0.0, 3.0, n_steps + 1)
    place = np.stack([2.0 * np.cos(turn), 2.0 * np.sin(turn), 0.0 * turn], axis=1)
    code = rng.standard_normal(3).astype(np.float32)
    few: dict[str, object] = {"betas": [0.1, 0.5]} if kind is BinauralGrad else {"steps": 1}
    system = untrained(kind, **configuration, **few)
    system.chunk_steps = 600
    whole = system.render(mono, Poses(place), code)
    system.chunk_steps = 201
    pieces = system.render(mono, Poses(place), code)
    error = np.sqrt(np.mean((whole - pieces) ** 2) / np.mean(whole**2))
    assert 20.0 * np.log10(error + 1e-12) < -100.0
    assert whole.shape == (2, len(mono))


def test_a_causal_flow_hears_nothing_of_the_future():
    batch = Echoes(n_items=1, n_steps=72).batch(np.random.default_rng(0))
    changed = 48 * STEP
    mono, places = batch.mono.clone(), batch.apparent_m.clone()
    mono[:, changed:] = 0.0
    places[:, 52:] *= 0.5  # poses are read in the middle of frames
    other = SimpleNamespace(mono=mono, apparent_m=places, code=batch.code)
    until = changed - stft.LATENCY_SAMPLES
    for causal in (True, False):
        system = untrained(BinauralFlow, causal=causal)
        apart = (heard(system, batch) - heard(system, other)).abs().amax(dim=(0, 1))
        assert (apart[:until].max().item() < 1e-6) == causal
        assert apart[changed:].max().item() > 1e-3


def test_radial_velocity_is_heard_where_it_is_asked_for():
    batch = Echoes(n_items=1).batch(np.random.default_rng(0))
    system = untrained(BinauralGrad, doppler=True)
    assert torch.isfinite(heard(system, batch)).all()
    with torch.no_grad():
        known = system.known(
            batch.mono, batch.apparent_m * torch.linspace(1, 2, 49)[:, None], batch.code
        )
    assert known.features.shape[-1] == pose_features(batch.apparent_m).shape[-1] + 2
    assert known.features[0, 5, -2:].abs().min().item() > 1.0


def test_unknown_choices_are_refused():
    with pytest.raises(AuricleError, match="prediction is one of"):
        untrained(BinauralGrad, prediction="score")
    with pytest.raises(AuricleError, match="has no setting"):
        BinauralFlow(speed=2)


@pytest.mark.parametrize(("kind", "steps"), [(BinauralGrad, 60), (BinauralFlow, 30)])
def test_systems_learn_what_heads_do(kind, steps):
    """On people and places not learned from; also through a file of weights."""
    scenes = Echoes()
    plan = Plan(steps=steps, seconds=1000.0, learning_rate=1e-2, check_steps=steps)
    few = {"betas": [0.1, 0.5]} if kind is BinauralGrad else {"steps": 1}
    system = kind(plan, **SMALL, **few)
    told = []
    system.fit(scenes, lambda share, line: told.append(share))
    judge = scenes.judges()[0]
    with torch.no_grad():
        score = system.judged(judge)
    assert score < 0.6
    assert told == sorted(told)
    assert told[-1] == 1.0
    again = kind.from_weights(system.to_weights({}))
    assert torch.equal(heard(again, judge), heard(system, judge))
