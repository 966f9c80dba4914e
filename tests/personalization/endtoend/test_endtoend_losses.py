"""Losses of the end-to-end systems, and radial velocities, against what is known of them."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from auricle.personalization.endtoend.physics.poses import RATE, STEP  # noqa: E402
from auricle.personalization.endtoend.physics.radial_velocity import (  # noqa: E402
    radial_velocities_m_s,
    velocity_features,
)
from auricle.personalization.endtoend.training.losses import (  # noqa: E402
    amplitude_l2,
    level_difference_error,
    multi_resolution,
    phase_l2,
    relative_amplitude_l2,
    relative_wave_l2,
    spectrum,
    wave_l2,
)

LOSSES = (wave_l2, relative_wave_l2, amplitude_l2, relative_amplitude_l2, phase_l2,
          level_difference_error, multi_resolution)  # fmt: skip


def noise(seed: int = 0, length: int = RATE // 2) -> "torch.Tensor":
    return 0.1 * torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 2, length)))


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_lost_on_the_target_and_gradients_are_finite(loss):
    target = noise()
    assert float(loss(target, target)) == pytest.approx(0.0, abs=1e-9)
    for start in (target + 0.01 * noise(1), torch.zeros_like(target)):
        estimate = start.clone().requires_grad_(True)
        loss(estimate, target).backward()
        assert torch.isfinite(estimate.grad).all()
    silent = torch.zeros_like(target)
    assert torch.isfinite(loss(silent, silent))


@pytest.mark.parametrize(
    "loss", [relative_wave_l2, relative_amplitude_l2, phase_l2, level_difference_error,
             multi_resolution]
)  # fmt: skip
def test_level_of_both_plays_no_part(loss):
    estimate, target = noise(2), noise(3)
    soft = float(loss(0.05 * estimate, 0.05 * target))
    assert soft == pytest.approx(float(loss(estimate, target)), rel=1e-3)


def test_a_soft_signal_counts_as_a_loud_one():
    target = torch.cat([noise(4), 0.3 * noise(5)])
    wrong = [target.clone(), target.clone()]
    for row, each in enumerate(wrong):
        each[row] = 0.0
    loud, soft = (float(relative_wave_l2(each, target)) for each in wrong)
    assert loud == pytest.approx(0.5, abs=0.02)
    assert 0.35 < soft < loud


def test_amplitude_ignores_sign_and_phase_ignores_gain():
    target = noise()
    assert float(amplitude_l2(-target, target)) == pytest.approx(0.0, abs=1e-12)
    assert float(phase_l2(-target, target)) == pytest.approx(math.pi, abs=1e-5)
    assert float(phase_l2(3.0 * target, target)) == pytest.approx(0.0, abs=1e-6)


def test_phase_of_a_delayed_tone_is_its_angle():
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    tone = torch.sin(2.0 * math.pi * 1000.0 * time).expand(1, 2, -1)
    late = torch.sin(2.0 * math.pi * 1000.0 * (time - 0.0002)).expand(1, 2, -1)
    angle = 2.0 * math.pi * 1000.0 * 0.0002
    # Bins beside the tone and the frames at both ends turn by nearly as much.
    assert float(phase_l2(late, tone)) == pytest.approx(angle, abs=0.05)


def test_level_difference_is_in_units_of_20_db():
    target = noise()
    louder = target * torch.tensor([10.0, 1.0])[None, :, None]
    assert float(level_difference_error(louder, target)) == pytest.approx(1.0, abs=1e-6)
    assert float(level_difference_error(2.0 * target, target)) == pytest.approx(0.0, abs=1e-9)


def test_the_spectrum_has_a_hundred_frames_a_second():
    assert spectrum(noise(0, RATE)).shape == (1, 2, 1025, 101)


def test_radial_velocity_of_a_source_that_recedes_and_of_a_head_that_turns():
    n_steps = 375
    seconds = torch.arange(n_steps + 1, dtype=torch.float64) * STEP / RATE
    zero = torch.zeros_like(seconds)
    away = torch.stack([2.0 + 3.0 * seconds, zero, zero], dim=-1)[None]
    found = radial_velocities_m_s(away)
    assert found.shape == (1, n_steps, 2)
    assert torch.allclose(found, torch.full_like(found, 3.0), atol=0.01)
    # A head that turns by 1 rad/s: ears 8 cm off its axis go from or to the source at 8 cm/s.
    turning = 100.0 * torch.stack([seconds.cos(), -seconds.sin(), zero], dim=-1)[None]
    first = radial_velocities_m_s(turning)[0, 0]
    assert first.tolist() == pytest.approx([0.08, -0.08], abs=1e-3)
    assert torch.equal(velocity_features(turning), torch.asinh(radial_velocities_m_s(turning)))
