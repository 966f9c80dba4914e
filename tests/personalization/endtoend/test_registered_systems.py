"""What every system of the table holds to, at its own sizes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from auricle.personalization.endtoend.physics.poses import STEP, Poses  # noqa: E402
from auricle.personalization.endtoend.systems.base import NeuralRenderer  # noqa: E402
from auricle.personalization.endtoend.systems.registry import SYSTEMS, system  # noqa: E402
from auricle.personalization.learning.weights import load_weights, save_weights  # noqa: E402

CODE_SIZE, N_STEPS = 3, 10

pytestmark = pytest.mark.slow  # the generative ones take a minute


@pytest.fixture(params=SYSTEMS.own)
def made(request: pytest.FixtureRequest) -> NeuralRenderer:
    torch.manual_seed(0)
    untrained = system(request.param)(code_size=CODE_SIZE)
    untrained.net = untrained.build().eval()
    return untrained


def rendered(made: NeuralRenderer) -> np.ndarray:
    torch.manual_seed(1)  # some draw
    mono = np.random.default_rng(2).standard_normal(N_STEPS * STEP).astype(np.float32)
    poses = Poses(np.tile([1.0, 1.0, 0.0], (N_STEPS + 1, 1)))
    return made.render(0.1 * mono, poses, np.ones(CODE_SIZE, dtype=np.float32))


def test_a_system_renders_both_ears(made: NeuralRenderer) -> None:
    out = rendered(made)
    assert out.shape == (2, N_STEPS * STEP)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert np.abs(out).max() > 0.0


def test_a_system_comes_back_from_its_file(made: NeuralRenderer, tmp_path) -> None:
    path = tmp_path / "system.safetensors"
    save_weights(path, made.to_weights({}))
    again = type(made).from_weights(load_weights(path, made.name))
    assert again.n_parameters == made.n_parameters > 0
    np.testing.assert_array_equal(rendered(again), rendered(made))
