from pathlib import Path

import numpy as np
import pytest
from numba import njit

from auricle.dsp.compiled import options as compiled
from auricle.dsp.compiled import simd
from auricle.dsp.compiled.simd import (
    LANES,
    NARROW,
    add,
    add_product,
    broadcast,
    broadcast_at,
    broadcast_at_narrow,
    broadcast_narrow,
    get,
    load,
    load_narrow,
    pointer,
    put,
    reduce_add,
    store,
    subtract,
    subtract_product,
)

DSP = Path(simd.__file__).parents[1]
FILES = sorted(DSP.rglob("*.py"))


def wide(x, y):
    a, b = load(pointer(x), 1), load(pointer(x), 1 + LANES)
    c = add_product(a, b, broadcast(get(pointer(x), 0)))
    d = subtract_product(add(a, broadcast_at(pointer(x), 2)), b, subtract(c, a))
    store(pointer(y), 0, c)
    store(pointer(y), LANES, d)
    put(pointer(y), 2 * LANES, reduce_add(d))


def narrow(x, y):
    a, b = load_narrow(pointer(x), 1), load_narrow(pointer(x), 1 + NARROW)
    c = add_product(a, b, broadcast_narrow(get(pointer(x), 0)))
    d = subtract_product(add(a, broadcast_at_narrow(pointer(x), 2)), b, subtract(c, a))
    store(pointer(y), 0, c)
    store(pointer(y), NARROW, d)
    put(pointer(y), 2 * NARROW, reduce_add(d))


@pytest.mark.parametrize(("kernel", "size"), [(wide, LANES), (narrow, NARROW)])
def test_operations_are_the_same_compiled_and_plain(kernel, size):
    x = np.random.default_rng(size).standard_normal((8, 8)).astype(np.float32)
    plain, compiled = (np.zeros(2 * size + 1, dtype=np.float32) for _ in range(2))
    kernel(x, plain)
    njit(kernel)(x, compiled)
    assert np.allclose(plain, compiled, rtol=1e-5, atol=1e-6)
    a, b = x.ravel()[1 : 1 + size], x.ravel()[1 + size : 1 + 2 * size]
    c = a * b + x[0, 0]
    assert np.allclose(plain[:size], c, rtol=1e-6)
    assert np.allclose(plain[size:-1], c - a - (a + x[0, 2]) * b, rtol=1e-4, atol=1e-5)


def test_kernels_compile_where_nothing_can_be_kept(monkeypatch):
    """Numba refuses ``cache=True`` at import where it may write to no folder."""

    def refuse(**options):
        raise RuntimeError("cannot cache function: no locator available")

    assert compiled.can_cache()
    monkeypatch.setattr(compiled, "njit", refuse)
    assert not compiled.can_cache()
