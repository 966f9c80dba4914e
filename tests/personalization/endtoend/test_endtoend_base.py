"""What all end-to-end systems share: poses, the warp, the listener's entry, rendering in pieces."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S  # noqa: E402
from auricle.dsp.errors import AuricleError  # noqa: E402
from auricle.personalization.endtoend.physics.geometric_warp import (  # noqa: E402
    CENTRE_SAMPLES,
    each_sample,
    ear_delays_samples,
    geometric_warp,
    warped,
)
from auricle.personalization.endtoend.physics.poses import (  # noqa: E402
    RATE,
    STEP,
    Poses,
    heard_poses,
    step_times,
)
from auricle.personalization.endtoend.systems.base import NeuralRenderer  # noqa: E402
from auricle.personalization.learning.conditioning import CodeFiLM, CodeLoRA  # noqa: E402

FRONT = (1.0, 0.0, 0.0, 0.0)


def passing(seconds: float, speed_m_s: float = 20.0, aside_m: float = 2.0) -> Poses:
    """A source that drives past on the left."""
    times = step_times(round(seconds * RATE))
    ahead = speed_m_s * (times - seconds / 2.0)
    way = np.stack([ahead, np.full_like(times, aside_m), 0.0 * times], axis=1)
    return heard_poses(way, FRONT, (0.0, 0.0, 0.0))


def test_what_arrives_now_was_emitted_before() -> None:
    poses = passing(2.0)
    times = step_times(2 * RATE)
    emitted = times - poses.distance_m / SOUND_SPEED_M_S
    went = 20.0 * (emitted - 1.0)
    late = emitted > 0.01
    np.testing.assert_allclose(poses.apparent_m[late, 0], went[late], atol=1e-6)


def test_a_turned_head_hears_the_source_from_the_other_side() -> None:
    place = np.tile([2.0, 0.0, 0.0], (9, 1))
    left = (np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5))  # nose to the left: the source is on the right
    np.testing.assert_allclose(
        heard_poses(place, left, (0.0, 0.0, 0.0)).apparent_m, np.tile([0, -2.0, 0], (9, 1)),
        atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_poses_refuse_what_is_not_finite(bad: float) -> None:
    places = np.ones((5, 3))
    places[3, 1] = bad
    with pytest.raises(AuricleError, match="pose 3"):
        Poses(places)


def test_a_source_near_the_speed_of_sound_is_refused() -> None:
    with pytest.raises(AuricleError, match="m/s"):
        passing(0.5, speed_m_s=330.0)


def test_a_delay_by_whole_samples_moves_them() -> None:
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(32 * STEP))
    spectrum[spectrum.size // 2 :] = 0.0  # up to 12 kHz, where the filters are meant to be good
    mono = torch.from_numpy(np.fft.irfft(spectrum).astype(np.float32))[None]
    out = warped(mono, torch.full((1, 2, 32 * STEP), 37.0))[0, :, STEP:].numpy()
    want = mono[0, STEP - 37 : -37].numpy()
    error = np.sqrt(np.mean((out - want) ** 2) / np.mean(want**2))
    assert 20 * np.log10(error) < -60


def test_the_warp_delays_a_tone_as_long_as_theory_says() -> None:
    n = 64 * STEP
    time = np.arange(n) / RATE
    tone = np.sin(2 * np.pi * 1000.0 * time).astype(np.float32)
    place = np.tile([1.0, 0.0, 0.0], (1, 65, 1)).astype(np.float32)
    out = geometric_warp(torch.from_numpy(tone)[None], torch.from_numpy(place))[0].numpy()
    distance = np.hypot(1.0, 0.08)
    want = np.sin(2 * np.pi * 1000.0 * (time - distance / SOUND_SPEED_M_S)) / distance
    half = slice(n // 2, None)
    error = np.sqrt(np.mean((out[:, half] - want[half]) ** 2) / np.mean(want[half] ** 2))
    assert 20 * np.log10(error) < -60


def test_the_warp_is_differentiable_in_the_delay() -> None:
    mono = torch.sin(torch.arange(4 * STEP) * 0.05)[None]
    late = torch.full((1, 2, 4 * STEP), 40.3, requires_grad=True)
    warped(mono, late)[0, 0, 300].backward()
    step = 1e-2
    there = [warped(mono, torch.full((1, 2, 4 * STEP), 40.3 + s))[0, 0, 300] for s in (-step, step)]
    want = float(there[1] - there[0]) / (2 * step)
    assert late.grad is not None
    np.testing.assert_allclose(float(late.grad[0, 0, 300]), want, rtol=0.03)


def test_lines_reach_the_end_of_each_step() -> None:
    at_steps = torch.tensor([[[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]])
    line = each_sample(at_steps)
    assert line.shape == (1, 2, 2 * STEP)
    assert line[0, 0, STEP - 1] == 1.0
    assert line[0, 0, -1] == 3.0
    np.testing.assert_allclose(np.diff(line[0, 0, STEP:]), 2.0 / STEP, rtol=1e-4)


def test_nearer_than_the_filter_is_long_counts_as_that() -> None:
    mono = torch.randn(1, 2 * STEP)
    same = [warped(mono, torch.full((1, 2, 2 * STEP), d)) for d in (0.0, float(CENTRE_SAMPLES))]
    assert torch.equal(*same)


def test_both_ears_see_a_source_in_the_middle_alike() -> None:
    delays = ear_delays_samples(torch.tensor([[[1.5, 0.0, 0.3]]]))
    assert delays[0, 0, 0] == delays[0, 0, 1]


def test_conditioning_starts_without_a_listener() -> None:
    torch.manual_seed(0)
    values, code = torch.randn(2, 7, 5), torch.randn(2, 3)
    assert torch.equal(CodeFiLM(3, 5)(values, code), values)
    layer = CodeLoRA(5, 4, 3)
    assert torch.equal(layer(values, code), layer(values, torch.zeros(2, 3)))
    torch.nn.init.normal_(layer.steer.weight)
    assert not torch.equal(layer(values, code), layer(values, torch.zeros(2, 3)))


class _Echo(NeuralRenderer):
    """Each ear hears the mean of a past and a coming sample, times the listener's number."""

    name = "echo"
    future_steps = 1
    chunk_steps = 5

    def build(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def estimate(self, mono, apparent_m, code):  # type: ignore[no-untyped-def]
        ahead = torch.nn.functional.pad(mono, (0, 100))[:, 100:]
        before = torch.nn.functional.pad(mono, (3000, 0))[:, :-3000]
        near = each_sample(apparent_m[:, :, :1])[:, 0]
        return ((ahead + before) * near * code[:, :1])[:, None].repeat(1, 2, 1)


def test_pieces_make_the_same_as_the_whole() -> None:
    rng = np.random.default_rng(1)
    n = 23 * STEP + 17
    mono = rng.standard_normal(n).astype(np.float32)
    poses = Poses(rng.standard_normal((25, 3)))
    echo = _Echo(code_size=1)
    echo.net = echo.build()
    whole = np.zeros((1, 24 * STEP), dtype=np.float32)
    whole[0, :n] = mono
    want = echo.estimate(
        torch.from_numpy(whole), torch.from_numpy(poses.apparent_m[None].astype(np.float32)),
        torch.full((1, 1), 0.5),
    )[0, :, :n]  # fmt: skip
    found = echo.render(mono, poses, np.full(1, 0.5, dtype=np.float32))
    np.testing.assert_allclose(found, want.numpy(), atol=1e-6)


def test_poses_shorter_than_the_sound_are_refused() -> None:
    echo = _Echo(code_size=1)
    echo.net = echo.build()
    with pytest.raises(AuricleError, match="poses for 128 samples"):
        echo.render(np.zeros(500, np.float32), Poses(np.ones((2, 3))), np.zeros(1, np.float32))
