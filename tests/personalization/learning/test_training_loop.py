import numpy as np
import pytest
from safetensors.numpy import save_file

from auricle.dsp.errors import AuricleError

torch = pytest.importorskip("torch")

from auricle.personalization.learning import weights as files  # noqa: E402
from auricle.personalization.learning.training_loop import Plan, seeded, train  # noqa: E402
from auricle.personalization.learning.weights import (  # noqa: E402
    Weights,
    WeightsError,
    checked_path,
    load_into,
    load_weights,
    save_weights,
    state_of,
)


def fitted(seed=0, steps=60, **plan):
    """A line through noise, trained on 40 points and judged by 40 others."""
    rng = seeded(seed)
    x = torch.from_numpy(rng.standard_normal((80, 3)).astype(np.float32))
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.from_numpy(
        rng.standard_normal((80, 1)).astype(np.float32)
    )
    net = torch.nn.Linear(3, 1)

    def loss():
        rows = rng.choice(40, 8)
        return (net(x[rows]) - y[rows]).pow(2).mean()

    def score():
        return float((net(x[40:]) - y[40:]).pow(2).mean())

    plan = Plan(steps=steps, check_steps=10, seed=seed, **{"learning_rate": 0.1, **plan})
    return net, train(net, loss, score, plan), score


def test_the_best_weights_are_kept_not_the_last():
    net, history, score = fitted()
    assert history.score == min(history.scores)
    with torch.no_grad():
        assert score() == pytest.approx(history.score, rel=1e-6)
    assert history.score < 0.1 * history.scores[0] or history.score < 0.05


def test_a_seed_repeats_the_result_and_another_does_not():
    first, again, other = (fitted(seed)[0].weight.detach().numpy() for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_stops_early_when_nothing_gets_better():
    net = torch.nn.Linear(1, 1)
    worse = iter(range(100))
    plan = Plan(steps=1000, check_steps=1, patience=4)
    history = train(net, lambda: net(torch.ones(1)).sum() * 0.0, lambda: float(next(worse)), plan)
    assert history.steps == 5
    assert history.best_step == 1


def test_the_clock_ends_training():
    net = torch.nn.Linear(1, 1)
    plan = Plan(seconds=1e-6, check_steps=1000)
    history = train(net, lambda: net(torch.ones(1)).sum() * 0.0, lambda: 1.0, plan)
    assert history.steps == 1
    assert history.scores == (1.0,)


def test_progress_is_told():
    told = []
    net = torch.nn.Linear(1, 1)
    plan = Plan(steps=4, check_steps=2)
    train(net, lambda: net(torch.ones(1)).sum() ** 2, lambda: 1.0, plan, lambda *x: told.append(x))
    assert [share for share, _ in told] == [0.5, 1.0]


def test_training_that_comes_apart_says_so():
    net = torch.nn.Linear(1, 1)
    with pytest.raises(AuricleError, match="came apart at step 10"):
        train(net, lambda: net(torch.ones(1)).sum(), lambda: float("nan"), Plan(steps=10))


@pytest.mark.parametrize("name", ["seconds", "steps", "learning_rate", "check_steps", "patience"])
def test_plans_are_checked(name):
    with pytest.raises(AuricleError, match=f"{name} of a training plan must be above 0, got -1"):
        Plan(**{name: -1})


SOME = {"net.weight": np.ones((2, 3), np.float32), "grid": np.zeros((4, 3))}


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, Weights("fsp-ae", SOME, {"width": 3}, {"trained": ["a"]}, {"seed": 0}))
    return path


def test_weights_return_as_they_were_written(kept):
    found = load_weights(kept, "fsp-ae")
    assert found.configuration == {"width": 3}
    assert found.split == {"trained": ["a"]}
    assert found.notes == {"seed": 0}
    for name, array in SOME.items():
        assert np.array_equal(found.tensors[name], array)
        assert found.tensors[name].dtype == array.dtype


def test_missing_foreign_and_damaged_weights_are_refused(kept, tmp_path):
    with pytest.raises(WeightsError, match="there are no weights; make them with: auricle train"):
        load_weights(tmp_path / "none.safetensors", "ranf")
    with pytest.raises(WeightsError, match="holds weights of fsp-ae; .* auricle train ranf"):
        load_weights(kept, "ranf")
    raw = kept.read_bytes()
    for k, damaged in enumerate((raw[:40], raw[:-5], b"", b"\xff" * 200)):
        path = tmp_path / f"damaged{k}"
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match="damaged, not safetensors"):
            load_weights(path)
    other = tmp_path / "other"
    save_file(SOME, str(other))
    with pytest.raises(WeightsError, match="holds other tensors"):
        load_weights(other)
    torn = tmp_path / "torn"
    save_file(SOME, str(torn), {"format": files.FORMAT, "model": "x", "configuration": "{"})
    with pytest.raises(WeightsError, match="its description is damaged"):
        load_weights(torn)


def test_weights_with_nan_are_refused(tmp_path):
    path = tmp_path / "nan"
    save_weights(path, Weights("x", {"net.w": np.array([1.0, np.nan])}, {}))
    with pytest.raises(WeightsError, match=r"net\.w holds NaN or infinity"):
        load_weights(path)


def test_weights_of_another_size_do_not_enter_a_network():
    small, large = torch.nn.Linear(2, 2), torch.nn.Linear(3, 2)
    with pytest.raises(WeightsError, match="do not fit its configuration"):
        load_into(large, Weights("x", state_of(small), {}))
    load_into(torch.nn.Linear(2, 2), Weights("x", state_of(small), {}))


def test_nothing_is_half_written_and_bad_places_are_named(tmp_path):
    with pytest.raises(WeightsError, match="there is no folder"):
        checked_path(tmp_path / "none" / "w")
    with pytest.raises(WeightsError, match="is a folder; name a file"):
        checked_path(tmp_path)
    assert list(tmp_path.iterdir()) == []
