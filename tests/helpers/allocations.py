"""Prints how often malloc is called while blocks are rendered; run by test_allocations.py."""

import ctypes
import json
from dataclasses import replace

import ear_networks
import numpy as np
import synthetic_set
from numba import njit

from auricle.dsp.convolution import uniform  # fmt: skip
from auricle.dsp.distance import propagation
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.iir import cascade
from auricle.dsp.neural import linn_filters, linn_renderer
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import control_step, full_rank_output, spatialize
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.live.audio_thread import callbacks
from auricle.plugin_core.live.audio_thread.shared_memory import Flag
from auricle.plugin_core.live.hrtf_exchange import Listener
from auricle.plugin_core.live.parameters import LiveScene
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.live.sources import Input, Noise, Tone, channels

RATE, BLOCKS = 48000, 100
allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_long


@njit(nogil=True)
def part(i):
    """Phase and length: a whole step, then another in two calls."""
    return (0, 128) if i % 3 == 0 else ((0, 50) if i % 3 == 1 else (50, 78))


@njit(nogil=True)
def low_rank(times, at, aiming, audio, inputs, convolver_at, filters_at, out):
    for i in range(times):
        phase, count = part(i)
        if phase == 0:
            control_step.aim(at, *aiming)
        spatialize.spatialize(at, audio, phase, count, phase)
        uniform.convolve_part(convolver_at, filters_at, 0, inputs, phase, count, phase, out, 0)


@njit(nogil=True)
def full_rank(times, at, aiming, audio, bus, out, pending):
    for i in range(times):
        phase, count = part(i)
        if phase == 0:
            control_step.aim(at, *aiming)
        spatialize.spatialize(at, audio, phase, count, phase)
        full_rank_output.accumulate_taps(bus, phase, count, out, phase, pending)


@njit(nogil=True)
def with_allocation(times):
    total = 0.0
    for i in range(times):
        total += np.empty(100 + i)[0] * 0.0
    return total


def kernels(renderer, audio):
    """A compiled loop over one block's kernels and its arguments, as the engine gives them."""
    caught = {}

    def catch(name):
        return lambda *arguments: caught.setdefault(name, arguments)

    engine = renderer._engine
    originals = (
        control_step.aim,
        spatialize.spatialize,
        full_rank_output.accumulate_taps,
        uniform.convolve_part,
    )
    control_step.aim, spatialize.spatialize = catch("aim"), catch("spatialize")
    full_rank_output.accumulate_taps, uniform.convolve_part = (
        catch("accumulate_taps"),
        catch("convolve"),
    )
    try:
        renderer.process(audio)
    finally:
        (
            control_step.aim,
            spatialize.spatialize,
            full_rank_output.accumulate_taps,
            uniform.convolve_part,
        ) = originals
    renderer.reset()
    (at, *aiming), audio = caught["aim"], caught["spatialize"][1]
    common = (at, tuple(aiming), audio)
    if engine._convolver is not None:
        convolver_at, filters_at, _, inputs, _, _, _, out, _ = caught["convolve"]
        return low_rank, (*common, inputs, convolver_at, filters_at, out)
    bus, _, _, out, _, pending = caught["accumulate_taps"]
    return full_rank, (*common, bus, out, pending)


def count_kernels(prepared):
    renderer = BinauralRenderer(prepared, RATE, n_sources=40)
    renderer.set_positions(unit_vectors(np.arange(40) * 9.0, 10.0))
    audio = np.random.default_rng(0).standard_normal((40, 128)).astype(np.float32)
    repeat, arguments = kernels(renderer, audio)
    repeat(1, *arguments)
    counted = []
    for times in (3, BLOCKS):
        before = allocations()
        repeat(times, *arguments)
        counted.append(allocations() - before)
    return counted[1] - counted[0]


@njit(nogil=True)
def cascades(times, at, audio, out):
    for i in range(times):
        phase, count = part(i)
        if phase == 0:
            cascade.aim_cascades(at, False)
        cascade.render_cascades(at, audio, phase, count, phase, out)


def count_cascades():
    """The kernels of ``CascadeRenderer``, their sources moving."""
    rng = np.random.default_rng(0)
    filters = np.zeros((50, 2, 4, 5))
    filters[..., 0] = rng.uniform(0.5, 2.0, filters.shape[:3])
    filters[..., 4] = 0.3
    made = cascade.CascadeSet.of(
        synthetic_set.sphere(50), filters, rng.uniform(10.0, 40.0, (50, 2)), RATE
    )
    renderer = cascade.CascadeRenderer(made, 20)
    caught = {}
    originals = cascade.aim_cascades, cascade.render_cascades
    cascade.aim_cascades = lambda *given: caught.setdefault("aim", given)
    cascade.render_cascades = lambda *given: caught.setdefault("render", given)
    try:
        renderer.process(rng.standard_normal((20, 128)).astype(np.float32))
    finally:
        cascade.aim_cascades, cascade.render_cascades = originals
    at, audio, _, _, _, out = caught["render"]
    arguments = (at, audio, out)
    cascades(1, *arguments)
    counted = []
    for times in (3, BLOCKS):
        before = allocations()
        cascades(times, *arguments)
        counted.append(allocations() - before)
    return counted[1] - counted[0]


@njit(nogil=True)
def network_filters(times, splitting, making, aiming, delaying, filtering):
    for i in range(times):
        phase, count = part(i)
        if phase == 0:
            linn_renderer.split_places(*splitting)
            linn_filters.make_filters(*making)
            linn_renderer.aim_rows(*aiming)
        audio, history, head, rest = delaying
        propagation.delay_rows(audio, 0, count, phase, history, head, *rest)
        heard, past, around, out = filtering
        linn_renderer.filter_rows(heard, past, phase, count, *around, out[:, :count])


def count_linn():
    """The kernels of ``LinnRenderer``, their sources moving."""
    renderer = linn_renderer.LinnRenderer(ear_networks.networks(), RATE, 4)
    audio = np.random.default_rng(0).standard_normal((4, 128)).astype(np.float32)
    caught = {}
    names = (
        (linn_renderer, "split_places"), (linn_renderer, "aim_rows"),
        (linn_renderer, "filter_rows"), (linn_filters, "make_filters"), (propagation, "delay_rows"),
    )  # fmt: skip
    originals = [getattr(module, name) for module, name in names]
    for module, name in names:
        setattr(module, name, lambda *given, name=name: caught.setdefault(name, given))
    try:
        renderer.process(audio)
    finally:
        for (module, name), original in zip(names, originals, strict=True):
            setattr(module, name, original)
    late, _, _, _, history, head, *rest = caught["delay_rows"]
    heard, past, _, _, *around, out = caught["filter_rows"]
    arguments = (
        caught["split_places"], caught["make_filters"], caught["aim_rows"],
        (late, history, head, tuple(rest)), (heard, past, tuple(around), out),
    )  # fmt: skip
    network_filters(1, *arguments)
    counted = []
    for times in (3, BLOCKS):
        before = allocations()
        network_filters(times, *arguments)
        counted.append(allocations() - before)
    return counted[1] - counted[0]


def count_process(prepared, n_sources):
    renderer = BinauralRenderer(prepared, RATE, n_sources=n_sources)
    audio = np.random.default_rng(0).standard_normal((n_sources, 128)).astype(np.float32)
    positions, out = np.ones((n_sources, 3)), np.zeros((2, 128), dtype=np.float32)

    def block(i):
        positions[:, 1] = 0.1 * i
        renderer.set_positions(positions)
        renderer.process_into(audio, out)

    for i in range(10):
        block(i)
    before = allocations()
    for i in range(BLOCKS):
        block(i)
    return round((allocations() - before) / BLOCKS)


def count_live(prepared, other):
    """Blocks of the audio thread: sources of all kinds, meters, tap, new scenes, an exchange."""
    sources = channels([Input(), Noise(), Tone(), *[Noise()] * 37])
    shared, scene = SharedState(sources, RATE), LiveScene(np.arange(40) * 9.0)
    scene.attach(shared, dict)
    listener = Listener(scene, 1.0)
    listener.exchange(prepared)
    shared.set_flag(Flag.RECORDING, 1)
    callbacks.run_blocks(shared.address, 100, 5)
    counted = []
    for times in (3, BLOCKS):
        scene.positions[:] *= 0.9  # into the near field
        scene.commit()
        listener.exchange(other)
        before = allocations()
        callbacks.run_blocks(shared.address, 100, times)
        counted.append(allocations() - before)
    return counted[1] - counted[0]


def main():
    heads = synthetic_set.make_set()
    result = {}
    with_allocation(2)
    before = allocations()
    with_allocation(BLOCKS)
    result["np.empty in a kernel"] = allocations() - before
    result["kernels, cascades"] = count_cascades()
    result["kernels, LINN"] = count_linn()
    for rank in (16, "full"):
        prepared = prepare(heads, RATE, rank=rank)
        result[f"kernels, rank {rank}"] = count_kernels(prepared)
        result[f"process_into, rank {rank}"] = [count_process(prepared, n) for n in (4, 200)]
        result[f"live, rank {rank}"] = count_live(prepared, replace(prepared, report="another"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
