import numpy as np
import pytest
import small_listeners

torch = pytest.importorskip("torch")

from auricle.personalization.learning.training_loop import Plan  # noqa: E402
from auricle.personalization.listeners.features import EVALUATED_BINS  # noqa: E402
from auricle.personalization.listeners.listener_data import MIRROR  # noqa: E402
from auricle.personalization.sparse.methods.spherical_harmonics import reading  # noqa: E402
from auricle.personalization.sparse.models.hrtfformer import (  # noqa: E402
    BASE_ORDER,
    BackProjection,
    GroupedAttention,
    HrtfFormer,
    mirrored,
    padded,
)
from auricle.personalization.sparse.models.shared.base import N_EVALUATED, Residuals  # noqa: E402
from auricle.personalization.sparse.models.shared.harmonic_residuals import field  # noqa: E402

SMALL = {"width": 16, "depth": 1, "heads": 4, "listeners": 4, "targets": 6}


@pytest.fixture(scope="module")
def made():
    method = HrtfFormer(Plan(steps=4, check_steps=2), **SMALL)
    method.fit(small_listeners.listeners())
    return method


def directions(n):
    torch.manual_seed(n)
    return torch.nn.functional.normalize(torch.randn(n, 3), dim=1)


def test_padding_to_a_higher_order_and_back_keeps_the_field():
    low, where = torch.randn(2, 9, 2, 5), directions(7)
    high = padded(low, 6)
    assert high.shape == (2, 49, 2, 5)
    assert torch.equal(padded(high, 2), low)
    assert torch.allclose(field(high, where, 6), field(low, where, 2), atol=1e-5)


def test_mirrored_coefficients_are_those_of_the_mirrored_field():
    found, where = torch.randn(2, 25, 2, 5), directions(9)
    turned = mirrored(found.permute(0, 2, 1, 3)).permute(0, 2, 1, 3)
    mirror = torch.from_numpy(MIRROR).float()
    assert torch.allclose(field(turned, where, 4), field(found, where * mirror, 4), atol=1e-5)


def test_a_mirrored_listener_gets_the_mirrored_prediction(made):
    torch.nn.init.normal_(made.net.last.weight, std=0.1)
    where, targets = directions(7), directions(5)
    known = Residuals(torch.randn(2, 7, 2, N_EVALUATED), torch.randn(2, 7), where)
    mirror = torch.from_numpy(MIRROR).float()
    turned = Residuals(known.db.flip(2), -known.itd, where * mirror)
    with torch.no_grad():
        found, again = made.estimate(known, targets), made.estimate(turned, targets * mirror)
    assert torch.allclose(found.db, again.db.flip(2), atol=1e-4)
    assert not torch.allclose(found.db[:, :, 0], found.db[:, :, 1], atol=0.1)


def test_before_training_it_is_the_harmonics_of_what_the_mean_leaves(made):
    people, rows = small_listeners.listeners(2, seed=3), np.arange(0, 62, 3)
    again = HrtfFormer.from_weights(made.to_weights())
    torch.nn.init.zeros_(again.net.last.weight)
    torch.nn.init.zeros_(again.net.last.bias)
    measured = people.listener(0, rows)
    mean = again._mean.magnitude_db[0]
    reader = reading(measured.positions, people.positions, BASE_ORDER, 0.1)
    wanted = mean + np.tensordot(reader, measured.magnitude_db - mean[rows], axes=1)
    found = again.predict(measured, people.positions).magnitude_db
    assert np.allclose(found[..., EVALUATED_BINS], wanted[..., EVALUATED_BINS], atol=1e-2)


def test_grouped_attention_with_as_many_groups_as_heads_is_plain_attention():
    torch.manual_seed(0)
    mine, x = GroupedAttention(8, 2, 2, 0.0), torch.randn(3, 5, 8)
    plain = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        plain.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key_value.weight]))
        plain.in_proj_bias.copy_(torch.cat([mine.query.bias, mine.key_value.bias]))
        plain.out_proj.weight.copy_(mine.out.weight)
        plain.out_proj.bias.copy_(mine.out.bias)
        assert torch.allclose(mine(x), plain(x, x, x, need_weights=False)[0], atol=1e-5)


def test_heads_of_a_group_share_keys():
    shared = GroupedAttention(16, 4, 2, 0.0)
    assert shared.key_value.out_features == 2 * 2 * 4
    assert BackProjection(4)(torch.randn(2, 4, 29)).shape == (2, 4, 58)
