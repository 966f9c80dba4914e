"""BinauralPlugin against the engine it wraps and against a real pedalboard plugin."""

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic_set
from synthetic_set import level_db

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.plugins.binaural_plugin import BinauralPlugin
from auricle.plugin_core.plugins.channel_layout import ChannelLayout

RATE = 48000
HEADS = synthetic_set.make_set()
SIZES = [1, 64, 65, 128, 8192, 8193]

needs_pedalboard = pytest.mark.skipif(
    importlib.util.find_spec("pedalboard") is None, reason="pedalboard is not installed"
)


def plugin(**parameters: Any) -> BinauralPlugin:
    return BinauralPlugin(HEADS, rank="full", **parameters)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def random_calls(total: int, seed: int, most: int = 700) -> list[slice]:
    rng, calls, at = np.random.default_rng(seed), [], 0
    while at < total:
        n = int(rng.integers(0, most))
        calls.append(slice(at, min(at + n, total)))
        at += n
    return calls


def test_mono_is_what_the_renderer_gives() -> None:
    audio = noise(1, 5000)
    renderer = BinauralRenderer(HEADS, RATE, rank="full")
    renderer.set_positions(unit_vectors([70.0], 20.0))
    expected = renderer.process(audio)
    out = plugin(azimuth_deg=70, elevation_deg=20)(audio, RATE)
    assert level_db(out - expected, expected) < -120.0  # float32, same engine


def test_stereo_is_two_sources_at_30_degrees_around_the_azimuth() -> None:
    audio = noise(2, 4000)
    both = plugin(azimuth_deg=10)(audio, RATE)
    left = plugin(azimuth_deg=40)(audio[:1], RATE)
    right = plugin(azimuth_deg=-20)(audio[1:], RATE)
    assert level_db(both - (left + right), both) < -120.0


def test_left_is_left_in_level_and_time() -> None:
    for azimuth, near in ((90, 0), (-90, 1)):
        out = plugin(azimuth_deg=azimuth)(noise(1, 8000), RATE)
        energy = np.sum(out.astype(np.float64) ** 2, axis=1)
        assert energy[near] > 2.0 * energy[1 - near]  # 3 dB
        impulse = np.eye(1, 2000, 10, dtype=np.float32)
        first = np.argmax(np.abs(plugin(azimuth_deg=azimuth)(impulse, RATE)), axis=1)
        assert first[1 - near] - first[near] >= 26  # samples; the set has 30 at the side


def test_a_head_turned_left_hears_the_front_on_its_right() -> None:
    turned = plugin(orientation=quaternion_from_ypr_deg(90.0))
    out = turned(noise(1, 4000), RATE)
    np.testing.assert_allclose(out, plugin(azimuth_deg=-90)(noise(1, 4000), RATE), atol=1e-6)


def test_the_level_falls_with_the_distance() -> None:
    near, far = (plugin(distance_m=d)(noise(1, 4000), RATE) for d in (1.0, 4.0))
    np.testing.assert_allclose(4.0 * far, near, atol=1e-6)


@pytest.mark.parametrize("buffer_size", SIZES)
@pytest.mark.parametrize("length", SIZES)
def test_the_buffer_size_changes_nothing(buffer_size: int, length: int) -> None:
    length = min(length, 40 * buffer_size)  # a call a sample is slow, and 40 show as much
    audio = noise(2, length, seed=length)
    out = plugin(azimuth_deg=25).process_channels(audio, RATE, buffer_size=buffer_size)
    expected = plugin(azimuth_deg=25).process_channels(audio, RATE, buffer_size=100_000)
    assert out.shape == (2, length)
    # -120 dB of full scale: float32 sums of about 100 terms in another order
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rank", ["full", 16])
def test_streaming_in_any_sizes_equals_one_call(
    rank: str | int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    audio = noise(2, 20000)
    binaural = BinauralPlugin(HEADS, azimuth_deg=-50, elevation_deg=30, rank=rank)
    whole = binaural(audio, RATE)
    binaural.reset()
    parts = [
        binaural.process_channels(audio[:, c], RATE, reset=False) for c in random_calls(20000, 3)
    ]
    streamed = np.concatenate(parts, axis=1)
    assert level_db(streamed - whole, whole) <= -120.0


def test_reset_drops_the_tail_and_no_reset_keeps_it() -> None:
    binaural = plugin()
    binaural(noise(1, 1000), RATE)
    assert np.abs(binaural(np.zeros((1, 300), np.float32), RATE)).max() == 0.0
    binaural(noise(1, 1000), RATE)
    assert np.abs(binaural(np.zeros((1, 300), np.float32), RATE, reset=False)).max() > 1e-3


def test_parameters_move_the_sound_while_it_runs_without_a_click() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / RATE, dtype=np.float32)[None]
    binaural = plugin(azimuth_deg=60)
    parts = []
    for start in range(0, 48000, 480):
        binaural.azimuth_deg = 60 - 120 * start / 48000
        parts.append(binaural.process(tone[:, start : start + 480], RATE, reset=False))
    out = np.concatenate(parts, axis=1)[:, 1000:]
    early, late = out[:, :8000], out[:, -8000:]
    assert np.sum(early[0] ** 2) > 1.5 * np.sum(early[1] ** 2)
    assert np.sum(late[1] ** 2) > 1.5 * np.sum(late[0] ** 2)
    window = np.hanning(out.shape[1])
    spectrum = np.abs(np.fft.rfft(out[0] * window)) ** 2
    hz = np.fft.rfftfreq(out.shape[1], 1 / RATE)
    assert 10 * np.log10(spectrum[hz > 3000].sum() / spectrum.sum()) < -70.0


def test_a_new_listener_fades_in() -> None:
    binaural = plugin(azimuth_deg=30)
    audio = noise(1, 30000)
    first = binaural.process(audio[:, :6000], RATE, reset=False)
    binaural.hrtf = HEADS.mirrored()
    second = binaural.process(audio[:, 6000:], RATE, reset=False)
    old = plugin(azimuth_deg=30)(audio, RATE)
    new = BinauralPlugin(HEADS.mirrored(), azimuth_deg=30, rank="full")(audio, RATE)
    np.testing.assert_allclose(first, old[:, :6000], atol=1e-6)
    np.testing.assert_allclose(second[:, 10000:], new[:, 16000:], atol=1e-6)


def test_a_change_of_rate_or_channels_starts_anew() -> None:
    binaural = plugin(azimuth_deg=90)
    at_48 = binaural(noise(1, 4000), 48000)
    at_44 = binaural(noise(1, 4000), 44100.0, reset=False)
    assert not np.allclose(at_48, at_44, atol=1e-3)
    np.testing.assert_array_equal(at_44, plugin(azimuth_deg=90)(noise(1, 4000), 44100))
    stereo = binaural(noise(2, 4000), 44100, reset=False)
    np.testing.assert_array_equal(stereo, plugin(azimuth_deg=90)(noise(2, 4000), 44100))


def test_nan_silences_its_own_channel_alone_and_is_counted() -> None:
    audio = noise(2, 4000)
    spoiled = audio.copy()
    spoiled[0, 1000] = np.nan
    binaural = plugin()
    out = binaural(spoiled, RATE)
    assert np.all(np.isfinite(out))
    assert list(binaural.nonfinite_blocks > 0) == [True, False]
    audio[0] = 0.0
    right_alone = plugin()(audio, RATE)
    spoiled[1] = 0.0
    left_alone = plugin()(spoiled, RATE)
    np.testing.assert_allclose(out, left_alone + right_alone, atol=1e-6)
    assert np.abs(left_alone[:, 2000:]).max() > 1e-3  # it sounds again
    huge = binaural(np.full((1, 100), 1e300), RATE)
    assert np.all(np.isfinite(huge))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("azimuth_deg", np.nan, "a finite number"),
        ("elevation_deg", 91.0, "from -90 to 90"),
        ("distance_m", 0.0, "from 0.01 to 1000"),
        ("orientation", [1.0, 0.0, 0.0], r"\[w, x, y, z\]"),
        ("orientation", [0.0, 0.0, 0.0, 0.0], "quaternion"),
        ("hrtf", "no-such.sofa", "no-such.sofa"),
    ],
)
def test_bad_parameters_say_their_range_and_change_nothing(
    name: str, value: Any, text: str
) -> None:
    binaural = plugin(azimuth_deg=12)
    with pytest.raises(AuricleError, match=text):
        setattr(binaural, name, value)
    np.testing.assert_array_equal(
        binaural(noise(1, 500), RATE), plugin(azimuth_deg=12)(noise(1, 500), RATE)
    )


def test_bad_calls() -> None:
    binaural = plugin()
    with pytest.raises(AuricleError, match="3 channels"):
        binaural(noise(3, 100), RATE)
    with pytest.raises(AuricleError, match="buffer_size"):
        binaural(noise(1, 100), RATE, buffer_size=0)
    with pytest.raises(AuricleError, match="above 0 Hz"):
        binaural(noise(1, 100), 0)
    with pytest.raises(TypeError, match="whole number"):
        binaural(noise(1, 100), RATE, buffer_size=1.5)  # type: ignore[arg-type]


# Shapes of calls in turn, the last one tested, and what comes out of it: None for an error.
LAYOUTS: list[tuple[list[tuple[int, ...]], tuple[int, ...] | None]] = [
    ([(10,)], (2, 10)),
    ([(0,)], (2, 0)),
    ([(1, 10)], (2, 10)),
    ([(10, 1)], (10, 2)),
    ([(1, 1)], (2, 1)),
    ([(2, 10)], (2, 10)),
    ([(10, 2)], (10, 2)),
    ([(2, 0)], (2, 0)),
    ([(0, 2)], (0, 2)),
    ([(2, 2)], None),
    ([(0, 0)], None),
    ([(2, 3, 4)], None),
    ([(2, 10), (2, 2)], (2, 2)),
    ([(10, 2), (2, 2)], (2, 2)),
    ([(2, 10), (2, 1)], (2, 1)),
    ([(10, 2), (1, 2)], (1, 2)),
    ([(10, 2), (2, 10)], (2, 10)),
    ([(2, 10), (2, 0)], (2, 0)),
    ([(1, 10), (1, 1)], (2, 1)),
]


@pytest.mark.parametrize(("calls", "expected"), LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_layout_is_found(
    calls: list[tuple[int, ...]], expected: tuple[int, ...] | None, dtype: type
) -> None:
    binaural = plugin()
    for shape in calls[:-1]:
        binaural(np.zeros(shape, dtype), RATE)
    if expected is None:
        with pytest.raises(RuntimeError):
            binaural(np.zeros(calls[-1], dtype), RATE)
        return
    out = binaural(np.zeros(calls[-1], dtype), RATE)
    assert (out.shape, out.dtype) == (expected, np.float32)


@needs_pedalboard
@pytest.mark.parametrize(("calls", "expected"), LAYOUTS)
def test_pedalboard_finds_the_same_layouts(
    calls: list[tuple[int, ...]], expected: tuple[int, ...] | None
) -> None:
    """A filter tells which side it takes for time: it smears the impulse along it."""
    import pedalboard

    def smeared(called: Any) -> list[bool]:
        """Whether the first sample sounds on along each side."""
        for shape in calls[:-1]:
            called(np.zeros(shape, np.float32), RATE)
        audio = np.zeros(calls[-1], np.float32)
        audio[(0,) * audio.ndim] = 1.0
        out = called(audio, RATE)
        return [bool(np.abs(np.take(out, 1, side)).max() > 0) for side in range(out.ndim)]

    native = pedalboard.LowpassFilter(1000)
    if expected is None:
        with pytest.raises(RuntimeError):
            native(np.zeros(calls[-1], np.float32), RATE)
    elif calls[-1] == expected and 0 not in expected and 1 not in expected:
        theirs = smeared(native)
        assert theirs == [side == int(theirs[1]) for side in range(2)]
        assert smeared(Sides()) == theirs


class Sides:
    """The plugin's layout alone: what it takes for time comes out smeared."""

    def __init__(self) -> None:
        self._layout = ChannelLayout()

    def __call__(self, audio: np.ndarray, _: float) -> np.ndarray:
        channels, form = self._layout.channels_first(audio)
        return form.restored(np.cumsum(channels, axis=1, dtype=np.float32))


@needs_pedalboard
@pytest.mark.parametrize("value", [np.int16, np.int32, np.float16, np.complex64, bool])
def test_other_dtypes_are_refused_as_pedalboard_refuses_them(value: type) -> None:
    import pedalboard

    for called in (pedalboard.Gain(), plugin()):
        with pytest.raises(TypeError, match="only"):
            called(np.zeros((2, 10), value), RATE)
        with pytest.raises(TypeError):
            called([0.1, 0.2], RATE)
        with pytest.raises(TypeError):
            called(np.zeros((2, 10)))


@needs_pedalboard
def test_attributes_and_signature_are_those_of_pedalboard() -> None:
    import inspect

    import pedalboard

    native, ours = pedalboard.Gain(), plugin()
    assert (ours.is_effect, ours.is_instrument) == (native.is_effect, native.is_instrument)
    names = list(inspect.signature(ours.process).parameters)
    assert names == ["input_array", "sample_rate", "buffer_size", "reset"]
    assert all(f"{name}:" in pedalboard.Plugin.process.__doc__ for name in names)
    by_name = {"input_array": noise(2, 20), "sample_rate": RATE, "buffer_size": 3, "reset": False}
    assert native(**by_name).shape == ours(**by_name).shape


def test_the_input_is_never_written_to_nor_given_back() -> None:
    audio = noise(2, 300)
    before = audio.copy()
    out = plugin()(audio, RATE)
    np.testing.assert_array_equal(audio, before)
    assert not np.shares_memory(out, audio)
    reversed_view = plugin()(audio[:, ::-1], RATE)
    np.testing.assert_array_equal(reversed_view, plugin()(audio[:, ::-1].copy(), RATE))
    samples_first = plugin()(audio.T, RATE)
    np.testing.assert_array_equal(samples_first, out.T)


def test_latency_is_taken_out_as_pedalboard_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set without silence before its onsets costs latency at a low rank."""
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    early = dataclasses.replace(HEADS, ir=HEADS.ir[..., 36:])
    binaural = BinauralPlugin(early, azimuth_deg=20, rank=24, level="measured")
    audio = noise(1, 6000)
    whole = binaural(audio, RATE)
    latency = binaural.latency_samples
    assert latency > 0
    assert whole.shape == (2, 6000)
    exact = BinauralPlugin(early, azimuth_deg=20, rank="full", level="measured")(audio, RATE)
    for mine, other in zip(whole, exact, strict=True):
        lags = np.correlate(mine, other[20:-20], mode="valid")
        assert abs(int(np.argmax(lags)) - 20) <= 1  # samples
    binaural.reset()
    parts = [
        binaural.process_channels(audio[:, c], RATE, reset=False) for c in random_calls(6000, 5)
    ]
    streamed = np.concatenate(parts, axis=1)
    assert streamed.shape[1] == 6000 - latency
    np.testing.assert_allclose(streamed, whole[:, : streamed.shape[1]], atol=1e-6)
