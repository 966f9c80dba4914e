"""Few sources go through filters of their own: the same sound as through the buses."""

import numpy as np
import pytest
import synthetic_set
from plain_python import plain_python
from synthetic_set import level_db

from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import engine, few_sources
from auricle.dsp.render.binaural import BinauralRenderer

RATE = 48000


@pytest.fixture(scope="module", params=[(16, 160), (12, 333)], ids=str)
def prepared(request):
    rank, n_taps = request.param
    return prepare(synthetic_set.make_set(n_taps=n_taps), RATE, rank=rank)


def played(prepared, monkeypatch, few, sizes=None, n_sources=4, blocks=60):
    """Sources that move, jump, rest, begin and end, so that there are few and many of them."""
    monkeypatch.setattr(engine, "few", lambda rank, n_taps: few)
    renderer = BinauralRenderer(prepared, RATE, n_sources=n_sources)
    rng, parts = np.random.default_rng(4), []
    sounds = rng.standard_normal((n_sources, 100 * blocks)).astype(np.float32)
    for i in range(n_sources):  # one after the other is silent for a while
        sounds[i, 600 * (i + 1) : 600 * (i + 4)] = 0.0
    sounds[:, 4200:5000] = 0.0
    step, at = 0, 0
    while at < sounds.shape[1]:
        if at // 500 > step:
            step = at // 500
            rng = np.random.default_rng(step)
            renderer.set_positions(rng.standard_normal((n_sources, 3)))
            renderer.set_gains(rng.uniform(0.0, 1.0, n_sources) * (rng.random(n_sources) < 0.8))
        until = min(500 * (step + 1), sounds.shape[1])
        n = min(500 if sizes is None else int(sizes.integers(1, 300)), until - at)
        parts.append(renderer.process(sounds[:, at : at + n]))
        at += n
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("few", [1, 2, 4])
def test_few_sources_sound_as_through_the_buses(prepared, monkeypatch, few):
    """The number of sounding sources passes the limit in both directions, and by steps."""
    wanted = played(prepared, monkeypatch, -1)
    found = played(prepared, monkeypatch, few)
    assert not np.array_equal(found, wanted)
    assert level_db(found - wanted, wanted) < -115.0


def test_call_sizes_do_not_matter(prepared, monkeypatch):
    """Positions hold from step to step: calls end where they change."""
    wanted = played(prepared, monkeypatch, -1, np.random.default_rng(1))
    found = played(prepared, monkeypatch, 3, np.random.default_rng(1))
    assert level_db(found - wanted, wanted) < -115.0


def test_the_buses_rest_when_nothing_is_left_in_them(prepared, monkeypatch):
    monkeypatch.setattr(engine, "few", lambda rank, n_taps: 1)
    renderer = BinauralRenderer(prepared, RATE, n_sources=2)
    audio = np.ones((2, 128), dtype=np.float32)
    renderer.process(audio)
    audio[1] = 0.0
    calls = []
    for _ in range(12):
        renderer.process(audio)
        calls.append(int(renderer._engine._counts[engine.BUSES_REST]))
    assert calls[0] == 0  # the second source rings in its delay line
    assert calls[-1] > renderer._engine._ring_steps
    ended = renderer.process(np.zeros((2, 128 * 12), dtype=np.float32))
    assert np.any(ended[:, :128])
    assert not np.any(ended[:, -128:])


def test_a_reset_forgets_what_rings(prepared):
    renderer = BinauralRenderer(prepared, RATE)
    renderer.process(np.ones((1, 300), dtype=np.float32))
    renderer.reset()
    assert not np.any(renderer.process(np.zeros((1, 2000), dtype=np.float32)))


def test_as_plain_python(prepared, monkeypatch):
    """The step once more, on the delayed signals that it left behind."""
    monkeypatch.setattr(engine, "few", lambda rank, n_taps: 1)
    audio = np.random.default_rng(2).standard_normal((1, 200)).astype(np.float32)
    made = BinauralRenderer(prepared, RATE, n_sources=1)
    made.set_positions([[1.0, 2.0, 0.3]])
    made.process(audio[:1, :128])
    made.set_positions([[1.0, -2.0, 0.5]])
    e = made._engine
    overlap = e._overlap.copy()
    wanted = made.process(audio[:1, 64:192])
    after = e._overlap.copy()
    e._overlap[:] = overlap
    found = np.zeros((2, 128), dtype=np.float32)
    with plain_python(few_sources):
        few_sources.add_few(e.address, 0, 128, found, 0)
    assert level_db(found - wanted, wanted) < -110.0
    assert level_db(e._overlap - after, after) < -110.0
