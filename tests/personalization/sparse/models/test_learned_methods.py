import numpy as np
import pytest
import small_listeners

from auricle.dsp.errors import AuricleError

torch = pytest.importorskip("torch")

from auricle.personalization.learning.training_loop import Plan  # noqa: E402
from auricle.personalization.learning.weights import WeightsError, save_weights  # noqa: E402
from auricle.personalization.listeners import shipped  # noqa: E402
from auricle.personalization.listeners.features import EVALUATED_BINS, energy_db  # noqa: E402
from auricle.personalization.listeners.listener_data import MIRROR, MeasuredListener  # noqa: E402
from auricle.personalization.listeners.pooling import pooled  # noqa: E402
from auricle.personalization.sparse.listener_gp import posterior as process  # noqa: E402
from auricle.personalization.sparse.listener_gp.process import ListenersAcross  # noqa: E402
from auricle.personalization.sparse.methods.other_laboratory import drawn_equipment_db  # noqa: E402
from auricle.personalization.sparse.models import niirf  # noqa: E402
from auricle.personalization.sparse.models.fsp_ae import FspAe, FspAeNet  # noqa: E402
from auricle.personalization.sparse.models.neural_field import (  # noqa: E402
    FieldNet,
    NeuralField,
    NeuralFieldConfiguration,
    adapted,
)
from auricle.personalization.sparse.models.niirf import Niirf  # noqa: E402
from auricle.personalization.sparse.models.ranf import Block, Ranf  # noqa: E402
from auricle.personalization.sparse.models.refiner.dense_refiner import DenseRefiner  # noqa: E402
from auricle.personalization.sparse.models.refiner.dense_refiner_across import (  # noqa: E402
    DenseRefinerAcross,
    known_rows,
)
from auricle.personalization.sparse.models.refiner.refiner import Refiner  # noqa: E402
from auricle.personalization.sparse.models.refiner.refiner_across import RefinerAcross  # noqa: E402
from auricle.personalization.sparse.models.shared.base import N_EVALUATED, Residuals, ear_views  # noqa: E402
from auricle.personalization.sparse.models.shared.correction_net import CorrectionNet  # noqa: E402
from auricle.personalization.sparse.models.shared.correction_numpy import corrections_db  # noqa: E402
from auricle.personalization.sparse.models.shared.harmonic_residuals import coefficients, field  # noqa: E402
from auricle.personalization.sparse.models.shared.measurement_sets import (  # noqa: E402
    random_set,
    standard_sets,
)
from auricle.personalization.sparse.models.shared.neighbour_inputs import nearest_rows, spaced_steps  # noqa: E402
from auricle.personalization.sparse.registry import learned_names, method  # noqa: E402
from auricle.personalization.sparse.trained import learned as learned_class  # noqa: E402
from auricle.personalization.sparse.trained import load_trained  # noqa: E402

# Sizes that train in seconds; a model that is not here is tried at its own.
SMALL = {
    "refiner": {"width": 4, "groups": 3, "random_sets": 1, "targets": 12, "batch": 8},
    "fsp-ae": {"width": 8, "inner": 4, "latent": 8, "listeners": 4, "targets": 6},
    "neural-field": {"width": 16, "latent": 8, "listeners": 4, "targets": 6, "lora_steps": 3},
    "ranf": {"width": 8, "blocks": 1, "fetched": 3, "listeners": 3, "targets": 4,
             "adaptation_steps": 2},
    "niirf": {"width": 16, "peaks": 4, "fourier": 8, "listeners": 4, "targets": 6, "fit_steps": 3},
    "flow": {"width": 8, "groups": 2, "random_sets": 0, "targets": 20, "batch": 8, "samples": 4,
             "steps": 2},
    "hrtfformer": {"width": 16, "depth": 1, "heads": 4, "listeners": 4, "targets": 6},
    "dense-refiner": {"width": 4, "groups": 3, "batch": 8},
    "refiner-across": {"width": 4, "groups": 3, "random_sets": 1, "targets": 12, "batch": 8},
    "dense-refiner-across": {"width": 4, "groups": 2, "targets": 8, "batch": 8},
}  # fmt: skip
APART = ("dense-refiner-across",)  # trained by one class, predicted without torch by another
PLAN = Plan(steps=4, check_steps=2)
SOME = np.array([0, 7, 13, 22, 34, 41, 48, 55, 58, 60, 61])


@pytest.fixture(scope="module", autouse=True)
def few_values_solved_for_at_once():
    """The process over listeners, which the refiner asks a hundred times, in smaller blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_MOST_VALUES", 600)
        patch.setattr(process, "_MOST_SPREAD", 120)
        yield


@pytest.fixture(scope="module")
def people():
    return small_listeners.listeners()


@pytest.fixture(scope="module", autouse=True)
def these_ship(people):
    """The listeners by formula, as if they were those that ship; ten of them as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "shipped_training", lambda: shipped.as_shipped(people))
        patch.setattr(shipped, "ships", lambda dataset, count: count in (10, 12))
        yield


@pytest.fixture(scope="module", params=learned_names())
def trained(request, people):
    made = learned_class(request.param)(PLAN, **SMALL.get(request.param, {}))
    made.fit(people)
    return made


@pytest.fixture(scope="module")
def unknown():
    return small_listeners.listeners(2, seed=9)


def test_every_method_predicts_at_any_directions(trained, unknown):
    targets = np.concatenate([unknown.positions[5:9], [[0.6, 0.0, 0.8]]])
    found = trained.predict(unknown.listener(0, SOME), targets)
    assert found.magnitude_db.shape == (5, 2, 129)
    assert found.arrival_seconds.shape == (5, 2)
    assert np.all(np.isfinite(found.magnitude_db))
    assert np.all(np.abs(found.arrival_seconds[:, 0] - found.arrival_seconds[:, 1]) < 1e-3)
    assert trained.n_parameters > 0
    alone = trained.predict(unknown.listener(0, SOME), targets[2:3])
    assert np.allclose(alone.magnitude_db[0], found.magnitude_db[2], atol=2e-3)


def test_the_order_of_what_was_measured_does_not_matter(trained, unknown):
    targets = unknown.positions[::7]
    turned = np.roll(SOME, 3)
    first = trained.predict(unknown.listener(0, SOME), targets)
    again = trained.predict(unknown.listener(0, turned), targets)
    if trained.name == "ranf":  # the directions it adapts to are drawn by their place
        trained.adapts = False
        first = trained.predict(unknown.listener(0, SOME), targets)
        again = trained.predict(unknown.listener(0, turned), targets)
        trained.adapts = True
    assert np.allclose(first.magnitude_db, again.magnitude_db, atol=2e-2)
    assert np.allclose(first.arrival_seconds, again.arrival_seconds, atol=1e-7)


def test_weights_make_the_same_method_again(trained, unknown, tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, trained.to_weights([f"s{k}" for k in range(12)]))
    again = load_trained(path)
    assert again.name == trained.name
    first, found = (
        each.predict(unknown.listener(1, SOME), unknown.positions) for each in (trained, again)
    )
    assert np.max(np.abs(first.magnitude_db - found.magnitude_db)) < 0.05  # 16 bits for listeners
    names = trained.to_weights([f"s{k}" for k in range(12)]).split
    assert sorted(names["trained"] + names["held_out"]) == sorted(f"s{k}" for k in range(12))


@pytest.mark.parametrize("name", learned_names())
def test_a_seed_repeats_a_training(name, people, unknown):
    found = []
    for _ in range(2):
        made = learned_class(name)(PLAN, **SMALL.get(name, {}))
        made.fit(people.take(range(10)))
        found.append(made.predict(unknown.listener(0, SOME), unknown.positions[:9]).magnitude_db)
    assert np.array_equal(found[0], found[1])


def test_a_model_and_a_setting_that_do_not_exist_are_refused():
    with pytest.raises(AuricleError, match="no model 'gan' to train; there are refiner, dense"):
        learned_class("gan")
    with pytest.raises(AuricleError, match="fsp-ae has no setting depth; it has width"):
        FspAe(depth=3)
    assert all(method(name) is learned_class(name) for name in learned_names() if name not in APART)
    assert all(method(name).name == learned_class(name).name for name in APART)


def test_between_directions_listeners_stay_near_what_they_have(people):
    """The process over directions takes positions, not their distances."""
    turned = people.at(people.positions[:40] @ np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]]))
    assert np.abs(turned.magnitude_db).max() < 1.5 * np.abs(people.magnitude_db).max()


def test_measured_sets_are_rows_of_the_grid_without_repeats(people):
    rng = np.random.default_rng(0)
    sets = standard_sets(people.positions) + [random_set(people.positions, rng) for _ in range(200)]
    for rows in sets:
        assert len(set(rows.tolist())) == len(rows) >= 2
        assert rows.min() >= 0
        assert rows.max() < len(people.positions)
    assert len({len(rows) for rows in sets}) > 8


def known(n=5, listeners=2, seed=0):
    torch.manual_seed(seed)
    where = torch.nn.functional.normalize(torch.randn(n, 3), dim=1)
    return Residuals(torch.randn(listeners, n, 2, N_EVALUATED), torch.randn(listeners, n), where)


def test_fsp_ae_mirrors_with_the_listener():
    net = FspAeNet(8, 4, 8)
    one = torch.randn(2, 5, 2, N_EVALUATED + 1)
    where = known().positions
    targets = where[:3] + 0.2
    mirror = torch.from_numpy(MIRROR).float()
    seen = net(one, where, targets)
    turned = net(one.flip(2), where * mirror, targets * mirror)
    assert torch.allclose(seen, turned.flip(2), atol=1e-5)


def test_fsp_ae_prototype_is_a_mean_over_directions():
    net = FspAeNet(8, 4, 8)
    one, where = torch.randn(2, 5, 2, N_EVALUATED + 1), known().positions
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.allclose(
        net.prototypes(one, where), net.prototypes(one[:, order], where[order]), atol=1e-5
    )


def test_the_latent_vector_is_the_negative_gradient_at_the_origin():
    torch.manual_seed(0)
    net, seen = FieldNet(16, 2, 8, 2, inner_steps=1), known()
    found = net.infer(seen.db, seen.positions).detach()
    step = 1e-2
    for listener, axis in ((0, 0), (1, 5)):
        errors = []
        for sign in (1.0, -1.0):
            latent = torch.zeros(2, 8)
            latent[listener, axis] = sign * step
            error = (net(latent, seen.positions) - seen.db).pow(2).mean(dim=(1, 2, 3))
            errors.append(float(error[listener].detach()))
        slope = (errors[0] - errors[1]) / (2.0 * step)
        wanted = -10.0 * net.log_step.exp().item() * slope
        assert float(found[listener, axis]) == pytest.approx(wanted, abs=2e-3)


def test_lora_changes_only_the_low_rank_weights_and_fits_the_listener():
    torch.manual_seed(0)
    net, seen = FieldNet(16, 2, 8, 2, inner_steps=1), known(listeners=1)
    before = {name: each.clone() for name, each in net.state_dict().items()}
    latent = net.infer(seen.db, seen.positions).detach()
    own = adapted(net, latent, seen, NeuralFieldConfiguration(lora_steps=40))
    for name, each in own.state_dict().items():
        same = torch.equal(each, before[name])
        assert same == (not name.endswith((".up", ".down"))), name
        assert torch.equal(net.state_dict()[name], before[name])
    errors = [
        float((each(latent, seen.positions) - seen.db).pow(2).mean().detach())
        for each in (net, own)
    ]
    assert errors[1] < errors[0]


def test_ranf_never_fetches_the_listener_itself_nor_its_mirror_image(people):
    made = Ranf(PLAN, **SMALL["ranf"])
    made.fit(people)
    half = len(made._pool.db) // 2
    for own in (0, 3, half + 1):
        one = made._pool.at(SOME, [own])
        free = made.fetch(one, made._pool.at(SOME))
        barred = made.fetch(one, made._pool.at(SOME), own=torch.tensor([own]))
        assert own in free
        assert not {own, (own + half) % (2 * half)} & set(barred[0].tolist())


def test_ranf_treats_fetched_listeners_as_a_set():
    torch.manual_seed(0)
    block, x, lora = Block(8), torch.randn(3, 4, 7, 8), torch.randn(3, 2, 8)
    order = [2, 0, 3, 1]
    assert torch.allclose(block(x, lora)[:, order], block(x[:, order], lora), atol=1e-5)
    alone = block(x[:1], lora[:1])
    assert torch.allclose(block(x, lora)[:1], alone, atol=1e-5)
    other = x.clone()
    other[:, 1:] += 1.0  # what the others say reaches the first
    assert not torch.allclose(block(other, lora)[:, 0], block(x, lora)[:, 0], atol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 10.0, 1000.0])
def test_niirf_sections_are_stable_and_their_response_is_that_of_the_filter(scale):
    torch.manual_seed(int(scale))
    coefficients, gain_db = niirf.sections(scale * torch.randn(40, 3 * 6 + 1).double())
    sos = coefficients.numpy()
    poles = np.array([np.roots(section) for section in sos[..., 3:].reshape(-1, 3)])
    assert np.max(np.abs(poles)) < 1.0
    found = niirf.magnitude_db(coefficients, gain_db).numpy()
    turn = np.exp(-2j * np.pi * np.arange(EVALUATED_BINS.start, EVALUATED_BINS.stop) / 256)
    powers = np.stack([turn**0, turn, turn**2])
    response = np.prod((sos[..., :3] @ powers) / (sos[..., 3:] @ powers), axis=-2)
    wanted = 20.0 * np.log10(np.abs(response)) + gain_db.numpy()[:, None]
    halves = np.stack([sos[..., :3] @ powers, sos[..., 3:] @ powers])
    # Where a zero or a pole is near the circle the response is floored, for the gradient's sake.
    deep = np.any(np.abs(halves) < 1e-3, axis=(0, -2))
    assert np.mean(deep) < 0.05
    assert np.max(np.abs(found - wanted)[~deep]) < 1e-6


def test_the_refiner_is_its_base_before_training(people, unknown):
    made = Refiner(PLAN, **SMALL["refiner"])
    made.fit(people)
    measured = unknown.listener(0, SOME)
    base = made._base.predict(measured, unknown.positions)
    for net in made.net:
        torch.nn.init.zeros_(net.last.weight)
        torch.nn.init.zeros_(net.last.bias)
    found = made.predict(measured, unknown.positions)
    assert np.array_equal(found.magnitude_db, base.magnitude_db)
    assert found.std_db is not None


def test_the_refiner_learns_from_estimates_of_listeners_it_has_not_seen(people, monkeypatch):
    """Each group is estimated by a base that was fitted to all the others alone."""
    from auricle.personalization.sparse.models.refiner import refiner

    fitted, checked = [], []

    class Spy(refiner.ListenersProcess):
        def fit(self, train):
            fitted.append(train)
            super().fit(train)

        def predict_apart(self, measured, targets):
            seen = fitted[-1].magnitude_db.reshape(len(fitted[-1]), -1)
            for one in measured.magnitude_db[: len(measured) // 2]:
                assert not any(np.isin(one.ravel()[:3], row).all() for row in seen)
            checked.append(len(measured))
            return super().predict_apart(measured, targets)

    monkeypatch.setattr(refiner, "ListenersProcess", Spy)
    Refiner(PLAN, **SMALL["refiner"]).fit(people)
    assert [len(each) for each in fitted] == [12, 8, 8, 8]
    assert checked


@pytest.fixture(scope="module")
def across(people):
    made = RefinerAcross(PLAN, **SMALL["refiner-across"])
    made.fit(people)
    return made


def test_weights_of_the_refiner_for_other_laboratories_name_the_listeners_that_ship(
    people, across, monkeypatch
):
    weights = across.to_weights(seed=0)
    assert all(name.startswith("net.") for name in weights.tensors)
    assert weights.notes == {"seed": 0, "listeners": ["made up", 12]}
    monkeypatch.setattr(shipped, "ships", lambda dataset, count: False)
    with pytest.raises(WeightsError, match="go with 12 listeners of"):
        RefinerAcross.from_weights(weights)
    with pytest.raises(AuricleError, match="learns from the listeners that ship"):
        RefinerAcross(PLAN).fit(people)


def test_the_refiner_for_other_laboratories_does_not_mind_level_and_delay(across, unknown):
    seen = unknown.listener(0, SOME)
    other = MeasuredListener(seen.positions, seen.magnitude_db + 7.0, seen.arrival_seconds + 1e-3)
    first, found = (across.predict(each, unknown.positions) for each in (seen, other))
    assert np.allclose(found.magnitude_db, first.magnitude_db + 7.0, atol=1e-2)
    assert np.allclose(found.arrival_seconds, first.arrival_seconds + 1e-3, atol=1e-8)


def test_equipment_is_drawn_as_the_base_supposes_it():
    drawn = drawn_equipment_db(4000, np.random.default_rng(0)).astype(float)
    assert np.std(drawn, axis=0) == pytest.approx(3.0, rel=0.1)
    lag = np.mean(drawn[:, :-6] * drawn[:, 6:]) / np.mean(drawn**2)
    assert lag == pytest.approx(np.exp(-1.0), abs=0.05)


def test_the_dense_refiner_is_its_base_before_training_and_sees_no_truth(people, unknown):
    made = DenseRefiner(PLAN, **SMALL["dense-refiner"])
    made.fit(people)
    half = unknown.directions(np.arange(0, 62, 2))
    base = made._base.predict_many(half, unknown.positions)
    changed = made.predict_many(half, unknown.positions)
    assert not np.array_equal(changed[0].magnitude_db, base[0].magnitude_db)
    torch.nn.init.zeros_(made.net.last.weight)
    torch.nn.init.zeros_(made.net.last.bias)
    same = made.predict_many(half, unknown.positions)
    assert np.array_equal(same[1].magnitude_db, base[1].magnitude_db)
    assert made._between(half, unknown.positions, same[0].magnitude_db[None]).truth is None


def test_the_nearest_do_not_depend_on_the_order_of_rows():
    known = small_listeners.listeners().positions[:40]
    turn = np.random.default_rng(0).permutation(40)
    targets = small_listeners.listeners().positions[40:]
    first, again = nearest_rows(targets, known), nearest_rows(targets, known[turn])
    assert np.array_equal(known[first], known[turn][again])
    assert np.array_equal(
        nearest_rows(targets, known[:2])[:, :2], nearest_rows(targets, known[:2])[:, 2:4]
    )


def test_the_network_without_torch_gives_the_same_numbers():
    torch.manual_seed(0)
    net = CorrectionNet(9, 22, 2, width=12).eval()
    torch.nn.init.normal_(net.last.weight, std=0.1)
    channels, conditions = torch.randn(300, 9, N_EVALUATED), torch.randn(300, 22)
    with torch.no_grad():
        wanted = net(channels, conditions).numpy()
    tensors = {name: each.numpy() for name, each in net.state_dict().items()}
    found = corrections_db(tensors, channels.numpy(), conditions.numpy())
    assert np.std(wanted) > 1.0
    assert found.dtype == np.float32
    assert np.max(np.abs(found - wanted)) < 1e-4  # dB


def test_the_dense_refiner_for_other_laboratories_learns_from_estimates_by_others(
    people, monkeypatch
):
    """Each group, repeats of one head together, is estimated by what ships of all the others."""
    from auricle.personalization.sparse.models.refiner import dense_refiner_across as trainer

    fitted, estimated = [], []

    class Spy(trainer.ListenersAcross):
        def fit(self, train):
            fitted.append(train)
            super().fit(train)

        def predict_apart(self, measured, targets):
            estimated.append((len(fitted), len(measured), len(measured.positions)))
            return super().predict_apart(measured, targets)

    monkeypatch.setattr(trainer, "ListenersAcross", Spy)
    made = DenseRefinerAcross(PLAN, **SMALL["dense-refiner-across"])
    who = np.array([0, 1, 0, 3, 4, 5])
    first, second = people.take(range(6)), people.take(range(6, 12)).directions(np.arange(40))
    made.fit_apart([first, second], np.concatenate([who, 6 + np.arange(6)]))
    whole = shipped.as_shipped(pooled([first, second]))
    group = np.array([0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0])  # ten heads and a repeat, in turn
    for number, each in enumerate(fitted):
        assert np.array_equal(each.magnitude_db, whole.magnitude_db[group != number])
    assert {(number, count) for number, count, _ in estimated} == {
        (1, 4), (1, 3), (2, 2), (2, 3)
    }  # fmt: skip
    assert {known for *_, known in estimated} == {31, 20, 15, 7, 13, 10, 5}
    assert np.array_equal(made.held_out(), group == 0)


def test_known_directions_of_a_training_are_rows_and_leave_some_out(people):
    for rows in known_rows(people.positions, np.random.default_rng(0)):
        assert np.array_equal(np.unique(rows), np.sort(rows))
        assert 7 <= len(rows) <= 31


def test_the_dense_refiner_for_other_laboratories_is_its_base_before_training(people, unknown):
    made = DenseRefinerAcross(PLAN, **SMALL["dense-refiner-across"])
    made.fit(people)
    torch.nn.init.zeros_(made.net.last.weight)
    torch.nn.init.zeros_(made.net.last.bias)
    base = ListenersAcross(bins_apart=True)
    base.fit(shipped.as_shipped(people))
    half = unknown.directions(np.arange(0, 62, 2))
    found, wanted = (each.predict_many(half, unknown.positions) for each in (made, base))
    assert np.array_equal(found[1].magnitude_db, wanted[1].magnitude_db)
    assert np.array_equal(found[1].arrival_seconds, wanted[1].arrival_seconds)


def test_weights_for_other_laboratories_are_refused_for_other_listeners(people, monkeypatch):
    made = DenseRefinerAcross(PLAN, **SMALL["dense-refiner-across"])
    made.fit(people)
    weights = made.to_weights()
    assert all(name.startswith("net.") for name in weights.tensors)
    monkeypatch.setattr(shipped, "ships", lambda dataset, count: False)
    with pytest.raises(WeightsError, match="go with 12 listeners of made up"):
        method("dense-refiner-across").from_weights(weights)
    for made in (method("dense-refiner-across")(), DenseRefinerAcross(PLAN)):
        with pytest.raises(AuricleError, match="learns from the listeners that ship"):
            made.fit(people)


def test_far_from_all_that_was_measured_the_base_stays_and_levels_stay_everywhere(people, unknown):
    made = DenseRefinerAcross(PLAN, **SMALL["dense-refiner-across"])
    made.fit(people)
    torch.nn.init.normal_(made.net.last.weight, std=0.1)
    made = method("dense-refiner-across").from_weights(made.to_weights())
    left = unknown.directions(np.flatnonzero(unknown.positions[:, 1] > 0.2))
    near = np.max(unknown.positions @ left.positions.T, axis=1) > 0.9
    far = unknown.positions[:, 1] < -0.6
    found, base = (
        each.predict_many(left, unknown.positions)[0].magnitude_db for each in (made, made._base)
    )
    assert np.array_equal(found[far], base[far])
    assert np.std(found[near] - base[near]) > 0.1
    np.testing.assert_allclose(energy_db(found), energy_db(base), atol=1e-3)


def test_where_neighbours_lie_is_told_in_units_of_their_distance():
    ears = np.zeros((1, 2, 3))
    around = np.random.default_rng(0).standard_normal((1, 2, 6, 3))
    near, far = spaced_steps(ears, 0.1 * around), spaced_steps(ears, 0.2 * around)
    np.testing.assert_allclose(far[..., :-1], near[..., :-1], atol=1e-6)
    np.testing.assert_allclose(far[..., -1] - near[..., -1], np.log(2.0), atol=1e-6)


def test_refiner_layers_keep_the_bins():
    net = CorrectionNet(10, 8, 2, width=4)
    assert net(torch.randn(3, 10, N_EVALUATED), torch.randn(3, 8)).shape == (3, 2, N_EVALUATED)


def test_coefficients_of_a_field_of_low_order_are_found_again():
    torch.manual_seed(0)
    where = torch.nn.functional.normalize(torch.randn(40, 3), dim=1)
    wanted = torch.randn(2, 9, 2, 4)
    seen = Residuals(field(wanted, where, 2), torch.zeros(2, 40), where)
    assert torch.allclose(coefficients(seen, 2, 1e-9), wanted, atol=1e-3)


def test_the_right_ear_sees_the_mirror():
    views = ear_views(torch.tensor([[0.0, 1.0, 0.0]]))
    assert views.tolist() == [[[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]]


def test_a_single_direction_is_enough_to_answer(people, unknown):
    made = NeuralField(PLAN, **SMALL["neural-field"])
    made.fit(people)
    one = MeasuredListener(*(each[:1] for each in vars(unknown.listener(0)).values()))
    assert np.all(np.isfinite(made.predict(one, unknown.positions).magnitude_db))
    assert isinstance(Niirf(), Niirf)
