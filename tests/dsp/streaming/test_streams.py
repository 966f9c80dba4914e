"""What holds for everything that plays: it recovers, is copied, and has one caller at a time."""

import copy
import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest
import small_streams
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.dsp.ambisonics import block as ambisonic_block
from auricle.dsp.ambisonics import renderer as ambisonics
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.convolution.uniform import PartitionedConvolver
from auricle.dsp.distance import propagation
from auricle.dsp.errors import AuricleError
from auricle.dsp.iir.cascade import CascadeRenderer
from auricle.dsp.loudspeakers import bed
from auricle.dsp.loudspeakers.bed import Bed
from auricle.dsp.loudspeakers.layouts import layout
from auricle.dsp.neural.linn_renderer import LinnRenderer
from auricle.dsp.preparation.prepare import prepare
from auricle.dsp.render import binaural, control_step, source_width, spatialize
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.dsp.streaming import input_checks as bounds
from auricle.plugin_core.live.live import Live
from auricle.plugin_core.mastering.true_peak import Oversampler
from auricle.plugin_core.neural.plugin import NeuralPlugin
from auricle.plugin_core.plugins.binaural_plugin import BinauralPlugin

RATE = small_streams.RATE
EVERY = [*small_streams.MAKERS, "live"]
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
}


def noise(rows, n, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal((rows, n))).astype(np.float32)


# --- recovery --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_no_finite_input_stays_behind(name):
    stream = small_streams.stream(name)

    @settings(max_examples=12)
    @given(
        st.integers(0, 10_000), st.floats(14.0, 38.5), st.sampled_from(["one", "row", "all"]),
        st.integers(1, 700),
    )  # fmt: skip
    def check(seed, decades, how_many, n):
        rng = np.random.default_rng(seed)
        audio = noise(stream.n_rows, n, seed)
        row, at = int(rng.integers(stream.n_rows)), int(rng.integers(n))
        where = {"one": (row, at), "row": row, "all": slice(None)}[how_many]
        largest = float(np.finfo(np.float32).max)
        audio[where] = rng.choice([-1.0, 1.0]) * min(10.0**decades, largest)
        for _ in range(3):
            stream.process(audio)
        stream.process(np.zeros((stream.n_rows, 12_000), dtype=np.float32))
        assert np.isfinite(stream.process(noise(stream.n_rows, 2000))).all()

    check()


@pytest.mark.parametrize("name", [name for name in EVERY if name != "convolver"])
def test_what_is_no_sound_is_silence(name):
    """NaN, infinity and what is far beyond sound leave the stream as zeros do."""
    for wrong in (np.nan, np.inf, 3e38, 1e25):
        stream, other = small_streams.stream(name), small_streams.stream(name)
        audio = np.zeros((stream.n_rows, 128), dtype=np.float32)
        stream.process(audio), other.process(audio)
        audio[0, 50] = audio[-1, 9] = wrong
        if name == "limiter" and wrong > 0.0:
            continue  # it holds such peaks to its ceiling
        assert np.isfinite(stream.process(audio)).all()
        other.process(np.zeros_like(audio))
        after = noise(stream.n_rows, 4000)
        np.testing.assert_array_equal(stream.process(after), other.process(after))


def test_silenced_parts_are_counted():
    renderer = small_streams.renderer(16)
    audio = noise(3, 128)
    audio[1, 5] = 1e16
    audio[2, 5] = 0.9e15
    renderer.process(audio)
    assert renderer.nonfinite_blocks.tolist() == [0, 1, 0]


def test_kernels_and_what_they_are_given_have_the_same_bounds():
    for kernels in (spatialize, propagation, source_width, ambisonic_block, bed):
        assert kernels.LOUDEST == bounds.LOUDEST_SAMPLE
    assert control_step.LARGEST_GAIN == bounds.LARGEST_GAIN


@pytest.mark.parametrize("gain", [1e39, -1e7, np.nan, np.inf])
def test_gains_beyond_bounds_are_refused_and_nothing_changes(gain):
    renderer, cascade = small_streams.renderer(16), CascadeRenderer(small_streams.cascade_set(), 3)
    for target in (renderer, cascade, Live(sources=3)):
        target.set_gains([1.0, 1e6, -1e6])
        with pytest.raises(AuricleError, match="at most 1e.06"):
            target.set_gains([1.0, 1.0, gain])
    renderer.set_gains([1.0, 0.5, 1.0])
    assert np.isfinite(renderer.process(noise(3, 500))).all()


def test_a_gain_from_outside_is_held_in_the_block():
    """A scene's gains may come from anywhere: the block function holds what is beyond bounds."""
    stream = small_streams.stream("live")
    for gain in (1e39, 1e300, np.inf, np.nan):
        stream.made.scene.gains[0] = gain
        stream.made.scene.commit()
        small_streams.take_scene(stream.made.shared.address, 1, 0)
        assert np.isfinite(stream.process(noise(3, 1000))).all()


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1e308, 1e308), min_size=9, max_size=9),
    st.lists(st.floats(-1e308, 1e308), min_size=3, max_size=3), st.sampled_from([1.0, 1e-300]),
)  # fmt: skip
def test_no_place_leaves_anything_behind(places, origin, scale):
    renderer = small_streams.everything()
    renderer.set_positions(scale * np.reshape(places, (3, 3)))
    renderer.set_listener(position=scale * np.array(origin))
    renderer.process(noise(3, 300))
    renderer.set_positions(np.eye(3))
    renderer.set_listener()
    renderer.process(noise(3, 4000))
    assert np.isfinite(renderer.process(noise(3, 500))).all()


def test_a_set_of_gigantic_responses_is_refused():
    heads = small_streams.HEADS
    with pytest.raises(AuricleError, match="no response"):
        replace(heads, ir=1e12 * heads.ir)
    prepared = prepare(heads, RATE, rank="full")
    loud = replace(prepared, gains=np.float32(1e12) * prepared.gains)
    with pytest.raises(AuricleError, match="matched"):
        BinauralRenderer(loud, RATE)


# --- copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", small_streams.MAKERS)
def test_a_copy_sounds_like_the_original_and_is_its_own(name, how):
    stream = small_streams.stream(name)
    stream.process(noise(stream.n_rows, 777))  # within a step
    other = small_streams.of(COPIES[how](stream.made), name)
    following = noise(stream.n_rows, 3000, seed=1)
    between = noise(stream.n_rows, 500, seed=2)
    third = small_streams.of(COPIES[how](stream.made), name)
    third.process(between)  # does not reach the others
    out = stream.process(following)
    np.testing.assert_array_equal(other.process(following), out)
    assert out.std() > 1e-4
    silent = np.zeros((stream.n_rows, 48000), dtype=np.float32)
    assert np.abs(other.process(silent)[:, 24000:]).max() < 1e-6


@pytest.mark.parametrize("how", COPIES)
def test_the_neural_plugin_is_copied_while_it_runs(how):
    pytest.importorskip("safetensors")
    plugin = NeuralPlugin(azimuth_deg=20.0)
    plugin(noise(1, 999), RATE, reset=False)
    other = COPIES[how](plugin)
    out = plugin(noise(1, 999), RATE, reset=False)
    np.testing.assert_array_equal(other(noise(1, 999), RATE, reset=False), out)
    assert out.std() > 1e-3


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_in_the_middle_of_an_exchange_goes_on_as_the_original(how):
    renderer = small_streams.renderer("full")
    renderer.process(noise(3, 1000))
    renderer.exchange_hrtf(small_streams.prepared(12))
    renderer.process(noise(3, 900))
    other = COPIES[how](renderer)
    after = noise(3, 4000)
    np.testing.assert_array_equal(renderer.process(after), other.process(after))


def test_a_set_asked_for_during_an_exchange_comes_behind_it():
    """No click: the fade that is under way ends first."""
    tone = np.sin(2.0 * np.pi * 300.0 * np.arange(24_000) / RATE).astype(np.float32)[None]
    renderer = BinauralRenderer(small_streams.prepared("full"), RATE)
    renderer.set_positions([[0.3, 1.0, 0.2]])
    out = [renderer.process(tone[:, :6000])]
    for first, rank in ((6000, 12), (7200, "full"), (7300, 8)):
        renderer.exchange_hrtf(small_streams.prepared(rank))
        out.append(renderer.process(tone[:, first : first + (1200 if rank == 12 else 100)]))
    out.append(renderer.process(tone[:, 7400:]))
    assert renderer.prepared.rank == 8
    y = np.concatenate(out, axis=1)[:, 3000:]
    assert np.abs(np.diff(y, 2)).max() < 3.0 * np.abs(np.diff(y[:, :2000], 2)).max()


# --- threads ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in small_streams.MAKERS if name not in ("plugin", "chain")]
)
def test_a_second_thread_is_told_while_the_first_is_within(name):
    stream = small_streams.stream(name)
    audio = noise(stream.n_rows, 300)
    mode = stream.made._enter()  # a thread is within
    told = []

    def second():
        for call in (lambda: stream.process(audio), lambda: copy.copy(stream.made)):
            try:
                call()
            except AuricleError as error:
                told.append(str(error))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    stream.made._leave(mode)
    assert len(told) == 2
    assert all("another thread" in line for line in told)
    assert np.isfinite(stream.process(audio)).all()


def test_threads_that_share_a_renderer_get_sound_or_an_error():
    """Each call is whole or refused; nothing is written outside of the arrays."""
    renderer = small_streams.renderer(16)
    audio = noise(3, 900)
    calls, refused = [], []

    def play(seed):
        rng = np.random.default_rng(seed)
        for _ in range(150):
            try:
                calls.append(renderer.process(audio[:, : int(rng.integers(1, 900))]))
            except AuricleError:
                refused.append(1)

    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) + len(refused) == 600
    assert all(np.isfinite(out).all() for out in calls)


# --- interruptions ---------------------------------------------------------------------------

STEPS_OF = {  # what is called once in a part of a call, and may be interrupted
    "low rank": (binaural, "render_block"), "everything": (binaural, "render_block"),
    "ambisonics": (ambisonics, "render_scene"),
    "convolver": (PartitionedConvolver, "process_part"), "linn": (LinnRenderer, "_run"),
    "limiter": (Oversampler, "peaks"),
}  # fmt: skip


@pytest.mark.parametrize("behind", [False, True], ids=["before it is done", "behind it"])
@pytest.mark.parametrize("name", STEPS_OF)
def test_after_ctrl_c_in_the_middle_of_a_block_the_stream_begins_anew(name, behind):
    stream, other = small_streams.stream(name), small_streams.stream(name)
    stream.process(noise(stream.n_rows, 1000))
    kind, method = STEPS_OF[name]
    original, calls = getattr(kind, method), []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) >= (1 if name == "limiter" else 3) and not behind:
            raise KeyboardInterrupt
        found = original(*arguments)
        if len(calls) >= (1 if name == "limiter" else 3):
            raise KeyboardInterrupt
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binaural, "PIECE", 200)
        patch.setattr(ambisonics, "PIECE", 200)
        patch.setattr(kind, method, interrupted)
        with pytest.raises(KeyboardInterrupt):
            stream.process(noise(stream.n_rows, 1000))
    assert (np.full(4, 2e-40, dtype=np.float32) * np.float32(0.5)).any(), "the caller's own mode"
    after = noise(stream.n_rows, 4000, seed=3)
    np.testing.assert_array_equal(stream.process(after), other.process(after))


# --- what callers give -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint8, bool, complex, object])
@pytest.mark.parametrize("name", ["low rank", "ambisonics", "bed", "cascade", "linn", "limiter"])
def test_whole_numbers_are_refused_with_the_remedy(name, kind):
    stream = small_streams.stream(name)
    with pytest.raises(AuricleError, match=r"32768\b" if kind is np.int16 else "float"):
        stream.process(np.ones((stream.n_rows, 64), dtype=kind))


def test_other_floating_point_kinds_and_orders_are_taken():
    audio = noise(3, 600)
    wanted = small_streams.renderer(16).process(audio)
    for other in (audio.astype(np.float64), np.asfortranarray(audio), audio.tolist()):
        np.testing.assert_array_equal(small_streams.renderer(16).process(other), wanted)


@pytest.mark.parametrize("name", ["n_sources", "sample_rate", "block_size"])
def test_what_a_renderer_was_made_with_cannot_be_changed(name):
    with pytest.raises(AttributeError):
        setattr(small_streams.renderer(16), name, 7)


def test_ambisonics_and_beds_keep_what_they_were_made_with_too():
    for made, names in (
        (
            AmbisonicRenderer(small_streams.decoder(), RATE, order=2),
            ("order", "n_channels", "sample_rate"),
        ),
        (Bed(layout("5.1"), RATE), ("n_sources", "sample_rate")),
    ):
        for name in names:
            with pytest.raises(AttributeError):
                setattr(made, name, 7)


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_renderer_takes_the_path_of_a_set(tmp_path, kind):
    path = tmp_path / "listener.sofa"
    small_streams.HEADS.save(path)
    audio = noise(1, 1000)
    renderer = BinauralRenderer(kind(path), RATE, rank=12)
    loaded = BinauralRenderer(type(small_streams.HEADS).load(path), RATE, rank=12)
    np.testing.assert_array_equal(renderer.process(audio), loaded.process(audio))
    renderer.exchange_hrtf(kind(path))
    with pytest.raises(AuricleError, match="nobody"):
        renderer.exchange_hrtf(kind(tmp_path / "nobody.sofa"))
    assert AmbisonicRenderer(kind(path), RATE).n_channels == 4


def test_the_first_block_compiles_nothing(monkeypatch):
    """All kernels of a block ran in the constructor, with near sources and with moving ones."""
    renderer = small_streams.everything()
    kernels = [
        (module, name)
        for module in (control_step, spatialize, propagation, source_width)
        for name, value in vars(module).items()
        if hasattr(value, "signatures")
    ]
    before = {each: len(getattr(*each).signatures) for each in kernels}
    renderer.process(noise(3, 300))
    assert {each: len(getattr(*each).signatures) for each in kernels} == before
    assert len(spatialize.spatialize.signatures) > 0


def test_a_pose_in_degrees_is_the_quaternion():
    audio = noise(3, 1000)
    for angles in ({"yaw_deg": 40.0}, {"pitch_deg": -20.0, "roll_deg": 10.0}):
        turned, other = small_streams.renderer(16), small_streams.renderer(16)
        turned.set_listener(position=(0.1, 0.0, 0.0), **angles)
        q = bounds.quaternion_from_ypr_deg(
            angles.get("yaw_deg", 0.0), angles.get("pitch_deg", 0.0), angles.get("roll_deg", 0.0)
        )
        other.set_listener(q, (0.1, 0.0, 0.0))
        np.testing.assert_array_equal(turned.process(audio), other.process(audio))


def test_a_pose_is_given_in_one_way():
    for target in (
        small_streams.renderer(16), AmbisonicRenderer(small_streams.decoder(), RATE, order=2),
        Live(sources=1),
    ):  # fmt: skip
        target.set_listener(yaw_deg=30.0)
        with pytest.raises(AuricleError, match="not both"):
            target.set_listener((1, 0, 0, 0), yaw_deg=30.0)
        with pytest.raises(AuricleError, match="finite"):
            target.set_listener(pitch_deg=np.nan)


def test_a_plugin_is_copied_with_all_that_was_set():
    plugin = BinauralPlugin(small_streams.HEADS, rank=16, azimuth_deg=70.0, distance_m=2.0)
    other = copy.copy(plugin)
    other.azimuth_deg = -70.0
    assert plugin.azimuth_deg == 70.0
    assert other.distance_m == 2.0
    assert not np.array_equal(plugin(noise(1, 500), RATE), other(noise(1, 500), RATE))
