from contextlib import nullcontext

import numpy as np
import pytest
import synthetic_set
from plain_python import plain_python

from auricle.dsp.convolution import uniform
from auricle.dsp.errors import AuricleError


def reference(x, ir):
    n = x.shape[1]
    return np.stack([sum(np.convolve(x[c], ir[c, e])[:n] for c in range(len(x))) for e in range(2)])


@pytest.fixture
def case():
    rng = np.random.default_rng(1)
    ir = rng.standard_normal((19, 2, 300))
    x = rng.standard_normal((19, 2000)).astype(np.float32)
    return x, ir


def test_equals_direct_convolution(case):
    x, ir = case
    y = uniform.PartitionedConvolver(uniform.FilterSpectra(ir)).process(x)
    assert synthetic_set.level_db(y - reference(x, ir), y) < -120.0  # float32 FFT of 256


@pytest.mark.parametrize("seed", range(3))
def test_random_call_sizes_equal_one_call(case, seed):
    x, ir = case
    filters = uniform.FilterSpectra(ir)
    whole = uniform.PartitionedConvolver(filters).process(x)
    rng = np.random.default_rng(seed)
    engine, parts, at = uniform.PartitionedConvolver(filters), [], 0
    while at < x.shape[1]:
        n = int(rng.integers(0, 400))
        parts.append(engine.process(x[:, at : at + n]))
        at += n
    assert synthetic_set.level_db(np.concatenate(parts, axis=1) - whole, whole) < -120.0


def test_impulse_returns_the_taps_and_then_zeros():
    ir = np.random.default_rng(2).standard_normal((1, 2, 200))
    x = np.zeros((1, 1000), dtype=np.float32)
    x[0, 0] = 1.0
    y = uniform.PartitionedConvolver(uniform.FilterSpectra(ir)).process(x)
    assert np.abs(y[:, :200] - ir[0]).max() < 1e-5
    assert np.abs(y[:, 200:]).max() < 1e-5


def test_exchange_fades_within_one_block_and_ends_at_the_new_filters(case):
    x, ir = case
    other = np.random.default_rng(3).standard_normal(ir.shape)
    engine = uniform.PartitionedConvolver(uniform.FilterSpectra(ir))
    first = engine.process(x[:, :500])
    engine.exchange(uniform.FilterSpectra(other))
    rest = engine.process(x[:, 500:])
    assert synthetic_set.level_db(first - reference(x, ir)[:, :500], first) < -120.0
    new = reference(x, other)
    assert synthetic_set.level_db(rest[:, 140:] - new[:, 640:], rest) < -110.0
    old = reference(x, ir)
    ramp = (np.arange(128) + 1.0) / 128.0
    mixed = old[:, 512:640] + ramp * (new[:, 512:640] - old[:, 512:640])
    assert synthetic_set.level_db(rest[:, 12:140] - mixed, mixed) < -110.0


def test_wrong_filters_are_refused(case):
    _, ir = case
    engine = uniform.PartitionedConvolver(uniform.FilterSpectra(ir))
    with pytest.raises(AuricleError, match="exchange"):
        engine.exchange(uniform.FilterSpectra(np.zeros((60, 2, 300))))
    with pytest.raises(AuricleError, match="2 ears"):
        uniform.FilterSpectra(np.zeros((3, 300)))


def test_kernel_as_plain_python_equals_the_compiled_one(case):
    x, ir = case
    outputs = []
    for compiled in (True, False):
        engine = uniform.PartitionedConvolver(uniform.FilterSpectra(ir))
        with nullcontext() if compiled else plain_python(uniform):
            outputs.append(engine.process(x[:, :300]))
    assert synthetic_set.level_db(outputs[0] - outputs[1], outputs[0]) < -120.0
