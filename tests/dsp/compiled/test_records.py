"""Arrays behind one address: compiled and plain readers agree, and nothing outlives its holder."""

import ast
import copy
import gc
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import small_streams as streams
from numba import njit

from auricle.dsp.compiled import records
from auricle.dsp.compiled.records import Record, f32, f64, flags, i8, i32, i64, u64
from auricle.dsp.errors import AuricleError

KERNEL = re.compile(r"^@\w*kernel$", re.M)
HELPERS = str(Path(streams.__file__).parent)
DSP = Path(records.__file__).parents[1]

KINDS = Record(
    "Kinds", a=f32(1), b=f64(3), c=i64(2), d=i32(1), e=u64(1), f=i8(2), g=flags(1), h=f32(5)
)
read = KINDS.read


def arrays():
    rng = np.random.default_rng(4)
    return {
        "a": rng.standard_normal(7).astype(np.float32),
        "b": rng.standard_normal((2, 3, 4)),
        "c": rng.integers(-9, 9, (3, 1)),
        "d": rng.integers(-9, 9, 5).astype(np.int32),
        "e": np.array([2**63 + 1], dtype=np.uint64),
        "f": rng.integers(-9, 9, (2, 2)).astype(np.int8),
        "g": np.array([True, False, True]),
        "h": np.zeros((0, 1, 2, 0, 3), dtype=np.float32),
    }


@njit
def sums(at):
    r = read(at)
    return _sums(r)


@njit
def _sums(r):
    r.b[1, 2, 3] = 40.0
    r.f[0] = 1
    return (
        r.a.sum(), r.b.sum(), r.c.sum(), r.d.sum(), r.e[0], r.f.sum(), r.g.sum(), r.h.shape,
        r.b.shape, r.c.strides,
    )  # fmt: skip


def test_an_address_is_its_arrays_compiled_and_plain():
    given = arrays()
    packed = KINDS.pack(given)
    seen = read(packed.address)
    for name, array in given.items():
        found = getattr(seen, name)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    seen.c[2, 0] = 77
    assert given["c"][2, 0] == 77
    compiled = sums(packed.address)
    assert given["b"][1, 2, 3] == 40.0
    assert given["f"][0].tolist() == [1, 1]
    plain = _sums.py_func(packed.arrays)
    np.testing.assert_allclose(compiled[:7], plain[:7], rtol=1e-6)
    assert compiled[7:] == plain[7:]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a", np.zeros(7)), ("b", np.zeros((2, 12))), ("c", np.zeros((4, 6), dtype=np.int64)[::2]),
        ("g", np.zeros(3, dtype=np.int8)),
    ],
)  # fmt: skip
def test_an_array_of_another_kind_is_refused(name, wrong):
    if name == "c":
        wrong = wrong.T
    with pytest.raises(AuricleError, match=f"^{name} must be C-contiguous"):
        KINDS.pack({**arrays(), name: wrong})


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_no_address_goes_into_a_copy(copied):
    assert copied(KINDS.pack(arrays())) is None


def kernel_files():
    return {path: path.read_text() for path in DSP.rglob("*.py") if KERNEL.search(path.read_text())}


def test_who_reads_a_record_hands_it_on():
    """Numba may drop what a function writes to arrays that it has not been given."""
    found = 0
    for path, text in kernel_files().items():
        if "simd import" not in text and "@inlined_kernel" not in text:
            continue  # nothing is inlined, and no dead code looked for
        tree = ast.parse(text)
        readers = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and ".read" in ast.unparse(node.value)
            for target in ast.walk(node.targets[0])
            if isinstance(target, ast.Name)
        }
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            nodes = list(ast.walk(function))
            calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
            if calls & readers:
                found += 1
                writes = [
                    node
                    for node in nodes
                    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
                ]
                assert not writes, f"{path.stem}.{function.name}"
    assert found == 15


@pytest.mark.slow
def test_what_is_dropped_leaves_no_memory():
    """Thousand renderers, each copied, exchanged and played, one after the other."""

    def played():
        made = streams.renderer(16)
        made.exchange_hrtf(streams.prepared(16))
        made.process(np.zeros((3, 256), dtype=np.float32))
        copy.copy(made).process(np.zeros((3, 1), dtype=np.float32))

    def held_bytes(times):
        for _ in range(times):
            played()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    played()
    tracemalloc.start()
    try:
        before = held_bytes(20)
        grown = held_bytes(1000) - before
    finally:
        tracemalloc.stop()
    assert grown < 200_000  # one renderer holds 400 kB


SCRIPT = """
import hashlib, sys
import numpy as np
sys.path.insert(0, {tests!r})
import small_streams as streams
held = np.zeros(int(sys.argv[1]))  # so that arrays lie elsewhere
found = hashlib.sha256()
for name in ("everything", "linn", "cascade", "convolver"):
    stream = streams.stream(name)
    audio = np.random.default_rng(0).standard_normal((stream.n_rows, 700)).astype(np.float32)
    found.update(stream.process(audio).tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
def test_cached_machine_code_holds_no_address(tmp_path):
    """A second process reads what the first one compiled, and plays the same bits."""
    script = SCRIPT.format(tests=HELPERS)
    outputs = []
    for held in (1, 5_000_001):
        done = subprocess.run(
            [sys.executable, "-c", script, str(held)], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        )  # fmt: skip
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] != ""
