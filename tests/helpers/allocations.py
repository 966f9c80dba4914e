"""Prints how often malloc is called while blocks are rendered; run by test_allocations.py."""

import ctypes
import json
from dataclasses import replace

import ear_networks
import numpy as np
import synthetic_set
from numba import njit

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled.renderer_record import ASKED, MOVED
from auricle.dsp.distance import propagation
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.iir import cascade
from auricle.dsp.neural import linn_filters, linn_renderer
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.render.block import render_block
from auricle.dsp.render.renderer_state import RendererState
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
def blocks(times, at, numbers, positions, audio, out):
    """Blocks of all sizes, the sources moving; ``numbers`` and ``positions`` are the renderer's."""
    for i in range(times):
        for s in range(len(positions)):
            positions[s, 1] = 0.1 * i
        numbers[MOVED] = 1
        phase, count = part(i)
        render_block(at, audio, count, 0, count, out)


@njit(nogil=True)
def with_allocation(times):
    total = 0.0
    for i in range(times):
        total += np.empty(100 + i)[0] * 0.0
    return total


def count_kernels(prepared, **options):
    renderer = BinauralRenderer(prepared, RATE, n_sources=40, **options)
    renderer.set_positions(unit_vectors(np.arange(40) * 9.0, 10.0))
    if options:
        renderer.set_widths(30.0)
    audio = np.random.default_rng(0).standard_normal((40, 128)).astype(np.float32)
    out, state = np.zeros((2, 128), dtype=np.float32), renderer._state
    arguments = state.address, state.numbers, state.positions[ASKED], audio, out
    blocks(1, *arguments)
    counted = []
    for times in (3, BLOCKS):
        before = allocations()
        blocks(times, *arguments)
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
    state = RendererState(40, RATE)
    shared, scene = SharedState(sources, state), LiveScene(np.arange(40) * 9.0)
    scene.attach(shared, dict)
    listener = Listener(scene, state)
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
        result[f"kernels with all, rank {rank}"] = count_kernels(
            prepared, air=Air(), propagation_m=20.0, distance_gain=True
        )
        result[f"process_into, rank {rank}"] = [count_process(prepared, n) for n in (4, 200)]
        result[f"live, rank {rank}"] = count_live(prepared, replace(prepared, report="another"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
