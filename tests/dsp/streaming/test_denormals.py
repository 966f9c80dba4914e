"""Numbers too small to be heard are zero to whatever plays, and to nobody else."""

import llvmlite.binding as llvm
import numpy as np
import pytest
import small_streams
from llvmlite import ir

from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.streaming import denormals
from auricle.plugin_core.bench import own, steps

TINY = np.float32(2e-40)
LEAST_NORMAL = np.finfo(np.float32).tiny

known = pytest.mark.skipif(denormals.FLUSH == 0, reason="this processor's mode is not known")
EVERY = [*small_streams.MAKERS, "live"]


def counts_denormals() -> bool:
    """Whether this thread computes with them."""
    return bool((np.full(4, TINY) * np.float32(0.5)).any())


def denormal(array: np.ndarray) -> np.ndarray:
    return (array != 0.0) & (np.abs(array) < np.finfo(array.dtype).tiny)


@known
def test_the_mode_is_set_and_put_back():
    assert counts_denormals()
    outer = denormals.flush()
    inner = denormals.flush()
    assert not counts_denormals()
    denormals.restore(inner)
    assert not counts_denormals()
    denormals.restore(outer)
    assert counts_denormals()


@known
@pytest.mark.parametrize("name", EVERY)
def test_what_is_below_all_normal_numbers_is_silence(name):
    stream = small_streams.stream(name)
    audio = np.full((stream.n_rows, 3000), TINY) * np.tile(np.float32([1, -1]), 1500)
    out = np.concatenate([stream.process(part) for part in (audio[:, :1000], audio[:, 1000:])], 1)
    if name == "limiter":  # what it lets pass is multiplied by 1
        out = out[:, :0]
    assert not out.any()
    assert counts_denormals(), "the caller's own mode"


@known
@pytest.mark.parametrize("name", EVERY)
def test_a_fade_to_nothing_is_computed_as_if_it_ended_at_the_least_normal_number(name):
    """Bit for bit: so no operation saw a denormal number, whatever it would have cost."""
    n = 6000
    fading, ending = small_streams.stream(name), small_streams.stream(name)
    rng = np.random.default_rng(1)
    # float32 holds numbers in full for the first 38 of 90 decades.
    fade = 10.0 ** -np.linspace(0.0, 90.0, n)
    audio = (rng.standard_normal((fading.n_rows, n)) * fade).astype(np.float32)
    assert denormal(audio).any()
    cut = np.where(denormal(audio), np.float32(0.0), audio)
    for at in range(0, n, 500):
        part = slice(at, at + 500)
        out, wanted = fading.process(audio[:, part]), ending.process(cut[:, part])
        np.testing.assert_array_equal(out, wanted)
        assert not denormal(out).any()


@known
@pytest.mark.parametrize("name", ["everything", "bed", "cascade", "live"])
def test_what_rings_on_ends_in_no_denormal_state(name):
    stream = small_streams.stream(name)
    rng = np.random.default_rng(2)
    stream.process(rng.standard_normal((stream.n_rows, 2000)).astype(np.float32))
    silence = np.zeros((stream.n_rows, 48000), dtype=np.float32)
    for _ in range(4):
        out = stream.process(silence)
    assert not denormal(out).any()
    found = [
        value for value in vars(stream.made).values()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    ]  # fmt: skip
    assert not any(denormal(array).any() for array in found)


@pytest.mark.parametrize(
    ("where", "triple", "instruction"),
    [("x86_64", "x86_64-unknown-linux-gnu", "ldmxcsr"),
     ("aarch64", "aarch64-unknown-linux-gnu", "msr\tFPCR")],
)  # fmt: skip
def test_code_for_both_architectures(where, triple, instruction):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(ir.IntType(64), []), "set_mode")
    builder = ir.IRBuilder(function.append_basic_block())
    mode = denormals.emit_read(builder, where)
    denormals.emit_write(builder, where, builder.or_(mode, ir.IntType(64)(denormals.BITS[where])))
    builder.ret(mode)
    try:
        machine = llvm.Target.from_triple(triple).create_target_machine()
    except RuntimeError:
        pytest.skip(f"this llvmlite makes no code for {where}")
    assert instruction in machine.emit_assembly(llvm.parse_assembly(str(module)))


def test_without_a_compiler_nothing_happens():
    before = denormals.flush.py_func()
    denormals.restore.py_func(before)
    assert counts_denormals()


def test_the_benchmark_has_a_row_for_it():
    prepared = small_streams.prepared(16)
    row = own.speed_row(prepared, "16", 2, 128, 0.1, "fade to silence")
    assert row.microseconds_per_source > 0.0
    renderer = BinauralRenderer(prepared, prepared.sample_rate, 128, 2)
    scene = steps.Steps(renderer, prepared.sample_rate, 128, "fade to silence")
    signal = np.concatenate(scene._blocks, axis=1)
    assert denormal(signal).any()
    assert np.abs(signal[:, :128]).max() > 0.01
