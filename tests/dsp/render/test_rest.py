"""Sources at rest, silent and switched off: who is aimed and mixed, and that nobody hears it."""

import numpy as np
import pytest
import small_streams
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.render.control_step import CHANGE, CONSTANT, IDLE

RATE, STEP = 48000, 128
RANKS = [16, "full"]


def made(rank: int | str, n_sources: int = 4) -> BinauralRenderer:
    renderer = BinauralRenderer(small_streams.prepared(rank), RATE, STEP, n_sources)
    renderer.set_positions(unit_vectors(np.arange(n_sources) * 70.0, 10.0))
    return renderer


def noise(n_sources: int, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((n_sources, n))).astype(np.float32)


def error_db(found: np.ndarray, true: np.ndarray) -> float:
    return float(20.0 * np.log10(np.linalg.norm(found - true) / np.linalg.norm(true) + 1e-12))


def states(renderer: BinauralRenderer) -> list[int]:
    return renderer._engine._state.tolist()


def mixed(renderer: BinauralRenderer) -> int:
    """Sources of the last part of a step that were mixed."""
    return int(renderer._engine._counts[0])


@pytest.mark.parametrize("rank", RANKS)
def test_what_stops_settles(rank: int | str) -> None:
    renderer = made(rank)
    renderer.process(noise(4, STEP))
    assert states(renderer) == [CONSTANT] * 4  # the first positions are jumped to
    renderer.set_listener(quaternion_from_ypr_deg(20.0))
    renderer.process(noise(4, STEP))
    assert states(renderer) == [CHANGE] * 4
    renderer.process(noise(4, 2 * STEP))
    assert states(renderer) == [CONSTANT] * 4
    before = renderer._engine._gains_begin.copy()
    renderer.process(noise(4, 5 * STEP))
    np.testing.assert_array_equal(renderer._engine._gains_begin, before)
    assert not renderer._engine._gains_delta.any()


@pytest.mark.parametrize("rank", RANKS)
def test_from_wherever_they_came_gains_end_alike(rank: int | str) -> None:
    one, other = made(rank), made(rank)
    for azimuth in (50.0, -120.0, 3.0):
        one.set_positions(unit_vectors(azimuth + np.arange(4) * 70.0, 10.0))
        one.process(noise(4, STEP))
    one.set_positions(unit_vectors(np.arange(4) * 70.0, 10.0))
    for renderer in (one, other):
        renderer.process(noise(4, STEP))
        renderer.process(noise(4, 2 * STEP))
    np.testing.assert_array_equal(one._engine._gains_begin, other._engine._gains_begin)


@pytest.mark.parametrize("rank", RANKS)
def test_silent_ones_are_not_mixed_and_begin_as_if_they_had_been(rank: int | str) -> None:
    """A source that was silent all the time, moved meanwhile, sounds as in a new renderer."""
    renderer, fresh = made(rank), made(rank)
    audio = noise(4, 40 * STEP)
    audio[1:] = 0.0
    renderer.process(audio)
    assert mixed(renderer) == 1
    places = unit_vectors(np.arange(4) * 70.0 + 33.0, -20.0)
    for each in (renderer, fresh):
        each.set_positions(places)
    audio = noise(4, 20 * STEP, 1)
    audio[0] = 0.0
    renderer.process(np.zeros_like(audio))  # the first one rings out
    assert mixed(renderer) == 0
    assert error_db(renderer.process(audio), fresh.process(audio)) < -120.0
    assert mixed(renderer) == 3


@settings(max_examples=8)
@given(begin=st.integers(1, 600), sizes=st.lists(st.integers(1, 300), min_size=4, max_size=12))
def test_where_a_sound_begins_in_a_step_does_not_matter(begin: int, sizes: list[int]) -> None:
    """Sources at rest: a sound after silence, in calls of any size, against one that is late."""
    n = 1500
    audio = np.zeros((4, n), dtype=np.float32)
    audio[2, begin:] = noise(1, n - begin)
    renderer, parts, at = made(16), [], 0
    for size in (*sizes, n):
        parts.append(renderer.process(audio[:, at : at + size]))
        at += size
    found = np.concatenate(parts, axis=1)
    reference = made(16)
    keep = noise(1, n)[0] * 1e-5  # keeps the source awake, 80 dB down
    audio[2] += keep
    true = reference.process(audio)
    assert error_db(found, true[:, : found.shape[1]]) < -75.0


@pytest.mark.parametrize("rank", RANKS)
def test_switched_off_ones_are_not_looked_at(rank: int | str) -> None:
    renderer = made(rank)
    renderer.set_active([True, False, True, False])
    audio = noise(4, 30 * STEP)
    audio[1] = np.nan
    out = renderer.process(audio)
    assert states(renderer) == [CONSTANT, IDLE, CONSTANT, IDLE]
    assert mixed(renderer) == 2
    assert renderer.nonfinite_blocks.tolist() == [0, 0, 0, 0]
    two = made(rank)
    audio[[1, 3]] = 0.0
    assert error_db(out, two.process(audio)) < -120.0


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("size", [STEP, 50])
def test_switching_in_the_middle_of_a_tone_does_not_click(rank: int | str, size: int) -> None:
    tone = np.sin(2.0 * np.pi * 200.0 / RATE * np.arange(80 * STEP)).astype(np.float32)[None]
    renderer = made(rank, 1)
    steady = renderer.process(tone)[:, 10 * STEP :]
    renderer, parts = made(rank, 1), []
    for i, at in enumerate(range(0, tone.shape[1], size)):
        renderer.set_active([i % 20 < 12])
        parts.append(renderer.process(tone[:, at : at + size]))
    switched = np.concatenate(parts, axis=1)
    # A ramp of a step is a third as steep as this tone; a tone cut anywhere is ten times as steep.
    steepest = np.abs(np.diff(switched)).max(axis=1)
    assert np.all(steepest < 1.5 * np.abs(np.diff(steady)).max(axis=1))


def test_a_switched_off_source_comes_back_where_it_is_then() -> None:
    renderer, fresh = made(16), made(16)
    renderer.process(noise(4, 10 * STEP))
    renderer.set_active([False] * 4)
    renderer.process(noise(4, 40 * STEP, 1))
    assert mixed(renderer) == 0
    places = unit_vectors(np.arange(4) * 70.0 - 45.0, 30.0)
    for each in (renderer, fresh):
        each.set_positions(places)
        each.set_active([True] * 4)
        each.process(noise(4, STEP, 2))
        each.process(noise(4, 19 * STEP, 3))
    audio = noise(4, 20 * STEP, 4)
    assert error_db(renderer.process(audio), fresh.process(audio)) < -120.0
