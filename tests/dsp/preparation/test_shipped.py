"""The default listener ships prepared, and nothing else is taken for it."""

from dataclasses import replace

import numpy as np
import pytest

from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.preparation import cache
from auricle.dsp.preparation.prepare import prepare

RATES = cache.SHIPPED_RATES


@pytest.mark.parametrize("rate", RATES)
def test_it_is_of_this_version_and_this_listener(rate: int) -> None:
    found = cache.shipped_set(default_hrtf(rate), rate)
    assert found is not None, "write it anew: python -m auricle.dsp.preparation.shipped"
    assert found.sample_rate == rate
    assert cache.is_cached(default_hrtf(rate), rate, rank="auto", level="matched")


def test_no_time_is_spent_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "prepare", None)
    monkeypatch.setattr(cache, "save_archive", None)
    assert cache.prepared_set(default_hrtf(48000), 48000).report


def test_others_are_prepared() -> None:
    listener = default_hrtf(48000)
    assert cache.shipped_set(listener, 96000) is None
    assert cache.shipped_set(listener, 48000, rank="full") is None
    assert cache.shipped_set(listener, 48000, level="measured") is None
    assert cache.shipped_set(replace(listener, name="me"), 48000) is None
    assert cache.shipped_set(replace(listener, ir=1.00001 * listener.ir), 48000) is None
    assert cache.shipped_set(replace(listener, bass="measured"), 48000) is None


def test_the_last_bits_of_a_processor_do_not_matter() -> None:
    listener = default_hrtf(48000)
    noise = 1e-13 * np.random.default_rng(0).standard_normal(listener.ir.shape)
    assert cache.shipped_set(replace(listener, ir=listener.ir + noise), 48000) is not None


def test_another_version_and_damage_are_not_taken(monkeypatch, tmp_path) -> None:
    whole = (cache.SHIPPED / "default-48000.npz").read_bytes()
    monkeypatch.setattr(cache, "SHIPPED", tmp_path)
    path = tmp_path / "default-48000.npz"
    path.write_bytes(whole)
    assert cache.shipped_set(default_hrtf(48000), 48000) is not None
    with monkeypatch.context() as patch:
        patch.setattr(cache, "VERSION", "another")
        assert cache.shipped_set(default_hrtf(48000), 48000) is None
    path.write_bytes(whole[:5000] + b"\0" + whole[5001:])
    assert cache.shipped_set(default_hrtf(48000), 48000) is None
    path.unlink()
    assert cache.shipped_set(default_hrtf(48000), 48000) is None


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_it_is_what_would_be_prepared_here(rate: int) -> None:
    found = cache.shipped_set(default_hrtf(rate), rate)
    assert found is not None
    fresh = prepare(default_hrtf(rate), rate)
    assert fresh.rank == found.rank
    assert fresh.filters is not None
    assert found.filters is not None
    assert np.linalg.norm(fresh.gains - found.gains) < 1e-3 * np.linalg.norm(fresh.gains)
    assert np.linalg.norm(fresh.filters - found.filters) < 1e-3 * np.linalg.norm(fresh.filters)
    np.testing.assert_allclose(fresh.delays, found.delays, atol=1e-3)
