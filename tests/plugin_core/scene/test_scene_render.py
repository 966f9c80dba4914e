"""Scenes rendered: against plain rendering, in any blocks, with any workers; chains lined up."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import synthetic_set
from project import ROOT
from synthetic_set import level_db

import auricle
from auricle.dsp.ambisonics.renderer import AmbisonicRenderer
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import ArraySource, FileSource
from auricle.plugin_core.audio.shared_file import SharedFile
from auricle.plugin_core.mastering.loudness import LoudnessMeter
from auricle.plugin_core.mastering.true_peak import TruePeakMeter
from auricle.plugin_core.mixing.feed import StreamedChain, TrackStream
from auricle.plugin_core.motion.paths import HeadTrack, SourcePath
from auricle.plugin_core.plugins.chain import Chain
from auricle.plugin_core.scene.format.model import (
    BuiltInPlugin,
    Directivity,
    Distance,
    Keyframe,
    Keyframes,
    Limiter,
    Listener,
    Loudness,
    Master,
    Orbit,
    Output,
    PositionFile,
    Static,
    Track,
)
from auricle.plugin_core.scene.scene import Scene

# The synthetic head is narrower than any person's, which is told wherever it is read from a file.
pytestmark = pytest.mark.filterwarnings("ignore::auricle.dsp.errors.SetWarning")

RATE = 48000
SECONDS = 0.6

needs_pedalboard = pytest.mark.skipif(
    importlib.util.find_spec("pedalboard") is None, reason="pedalboard is not installed"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stems of several rates and widths, a listener, poses."""
    folder = tmp_path_factory.mktemp("stems")
    rng = np.random.default_rng(1)
    for name, rate, channels in (
        ("a", RATE, 1), ("b", 44100, 1), ("stereo", RATE, 2), ("four", RATE, 4),
    ):  # fmt: skip
        audio = 0.1 * rng.standard_normal((round(SECONDS * rate), channels))
        soundfile.write(folder / f"{name}.wav", audio, rate, subtype="FLOAT")
    synthetic_set.make_set(sample_rate=RATE).save(folder / "h.sofa")
    (folder / "p.csv").write_text("time_seconds,yaw_deg,pitch_deg,roll_deg\n0,0,0,0\n0.5,90,10,0\n")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


def make(folder: Path, *tracks: Track, **keys: Any) -> Scene:
    keys.setdefault("listener", Listener("h.sofa", 8))
    return Scene(folder=str(folder), tracks=tracks, **keys)


def rendered(scene: Scene, path: Path, **keys: Any) -> np.ndarray:
    scene.render(path, **{"n_workers": 1, **keys})
    return soundfile.read(path)[0].T


def plugins(*given: str | tuple[str, dict[str, Any]]) -> tuple[BuiltInPlugin, ...]:
    return tuple(
        BuiltInPlugin(each) if isinstance(each, str) else BuiltInPlugin(*each) for each in given
    )


def busy(folder: Path, chains: bool) -> Scene:
    """A scene with everything that moves."""
    keyframes = Keyframes(
        (
            Keyframe(0.0, azimuth_deg=30.0, easing="in-out"),
            Keyframe(0.3, azimuth_deg=-60.0, distance_m=3.0, gain_db=-6.0),
            Keyframe(0.5, azimuth_deg=-60.0, elevation_deg=40.0, distance_m=0.5),
        ),
        "spherical",
    )
    chain = plugins("Reverb", ("Chorus", {"rate_hz": 3.0}), "MP3Compressor") if chains else ()
    tail = Output(tail_seconds=0.1)
    return make(
        folder,
        Track("a.wav", position=keyframes, chain=chain, start_seconds=0.05),
        Track("stereo.wav", position=Orbit(1.0), gain_db=-3.0),
        Track("b.wav", position=Static(xyz_m=(-1.0, 0.3, 0.2)), loop=True,
              chain=plugins("Phaser", "Delay") if chains else ()),
        listener=Listener("h.sofa", 8, head_track="p.csv", position_m=(0.1, 0.0, 0.0)),
        output=tail,
        master=Master(plugins("Compressor", "Limiter") if chains else ()),
    )  # fmt: skip


def test_it_equals_plain_rendering(folder: Path, tmp_path: Path) -> None:
    auricle.render(
        [folder / "a.wav", folder / "b.wav", folder / "stereo.wav"], tmp_path / "plain.wav",
        hrtf=folder / "h.sofa", rank=8, azimuth_deg=[30, -100, 10], distance_m=[1.0, 2.0, 1.0],
        orbit_seconds=1.0, head_track=folder / "p.csv",
    )  # fmt: skip
    scene = make(
        folder,
        *(
            Track(f"{name}.wav", position=Orbit(1.0, azimuth, 0.0, distance))
            for name, azimuth, distance in (("a", 30, 1), ("b", -100, 2), ("stereo", 10, 1))
        ),
        listener=Listener("h.sofa", 8, head_track="p.csv"),
    )
    plain = soundfile.read(tmp_path / "plain.wav")[0].T
    found = rendered(scene, tmp_path / "s.wav")
    assert found.shape == plain.shape
    assert level_db(found - plain, plain) < -120.0


@needs_pedalboard
def test_neither_blocks_nor_workers_matter(folder: Path, tmp_path: Path) -> None:
    scene = busy(folder, chains=True)
    first = rendered(scene, tmp_path / "a.wav", block_size=4096)
    for block_size in (77, 1024, 30000):
        other = rendered(scene, tmp_path / "b.wav", block_size=block_size)
        assert level_db(other - first, first) < -100.0
    for n_workers in (2, 5):
        other = rendered(scene, tmp_path / "b.wav", block_size=4096, n_workers=n_workers)
        np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("chains", [False, pytest.param(True, marks=needs_pedalboard)])
def test_process_in_any_blocks_equals_render(folder: Path, tmp_path: Path, chains: bool) -> None:
    scene = busy(folder, chains)
    scene.master = Master(scene.master.chain, 6.0, None, Limiter(-3.0))
    whole = rendered(scene, tmp_path / "a.wav")
    rng = np.random.default_rng(3)
    for _ in range(2):
        parts, left = [], whole.shape[1]
        while left > 0:
            parts.append(scene.process(min(left, int(rng.integers(0, 3000)))))
            left -= parts[-1].shape[1]
        found = np.concatenate(parts, axis=1)
        assert found.dtype == np.float32
        # The limiter looks ahead: at the end of a file there is silence, of a stream what goes on.
        alike = slice(0, whole.shape[1] - RATE // 200)
        assert level_db((found - whole)[:, alike], whole) < -100.0
        scene.process(20000)
        assert chains or np.abs(scene.process(1000)).max() == 0.0
        scene.reset()
    with pytest.raises(AuricleError, match="0 frames or more"):
        scene.process(-1)


@needs_pedalboard
def test_chains_are_lined_up(folder: Path, tmp_path: Path) -> None:
    """A plugin that holds back 240 samples and changes nothing leaves the scene as it was."""
    pedalboard = pytest.importorskip("pedalboard")
    if not hasattr(pedalboard, "BrickwallLimiter"):
        pytest.skip("needs a pedalboard that has BrickwallLimiter")
    late = plugins(("BrickwallLimiter", {"ceiling_db": 0.0}), ("Gain", {"gain_db": 0.0}))
    tail = Output(tail_seconds=0.0)
    for master in (Master(), Master(late)):
        scenes = [
            make(folder, Track("a.wav", chain=chain), Track("b.wav", position=Static(90.0)),
                 output=tail, master=each)
            for chain, each in (((), Master()), (late, master))
        ]  # fmt: skip
        without, with_it = (rendered(scene, tmp_path / "a.wav") for scene in scenes)
        assert level_db(with_it - without, without) < -100.0


@needs_pedalboard
@pytest.mark.parametrize("sizes", [[1, 5000], [128], [4096], [100_000]])
def test_what_native_plugins_hold_back_is_made_up_for(sizes: list[int]) -> None:
    from pedalboard_native._internal import AddLatency

    audio = np.random.default_rng(0).standard_normal((2, 30000)).astype(np.float32)
    chain = StreamedChain(Chain([AddLatency(300), AddLatency(77)]), "t", RATE, latency=377)
    path = SourcePath()
    feed = TrackStream(ArraySource(audio), [path, path], chain=chain, gain=0.5, start_frames=10)
    parts, at = [], 0
    while at < 32000:
        parts.append(feed.read(sizes[len(parts) % len(sizes)]))
        at += parts[-1].shape[1]
    found = np.concatenate(parts, axis=1)[:, :32000]
    wanted = 0.5 * np.pad(audio, ((0, 0), (10, 1990)))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@needs_pedalboard
def test_every_built_in_plugin_is_played_or_refused_with_a_reason(folder: Path) -> None:
    from auricle.plugin_core.scene.playback.plugins import built_in_names, make_stage, probe

    refused = {}
    for name in sorted(set(built_in_names()) - {"Convolution"}):
        stage = make_stage(BuiltInPlugin(name), lambda path: folder / path, RATE, 2)
        try:
            held = probe(stage, RATE, 2)
        except AuricleError as error:
            refused[name] = str(error)
        else:
            assert 0 <= held < 10000, name
    assert set(refused) <= {"PitchShift", "GSMFullRateCompressor"}
    assert "is silent when it is streamed" in refused["PitchShift"]


class Odd:
    """A stage that does what ``act`` does from its second second on."""

    def __init__(self, act: Callable[[np.ndarray], np.ndarray]) -> None:
        self.act, self.seen = act, 0

    def process(
        self, audio: np.ndarray, sample_rate: float, buffer_size: int = 8192, reset: bool = True
    ) -> np.ndarray:
        self.seen += audio.shape[1]
        return self.act(audio) if self.seen > RATE else audio

    def reset(self) -> None:
        self.seen = 0


def fail(audio: np.ndarray) -> np.ndarray:
    raise OSError("of its\nown")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (fail, "a plugin failed (of its own)"),
        (lambda audio: audio[:, ::2], "a plugin changes the length"),
        (lambda audio: np.repeat(audio, 2, axis=1), "a plugin changes the length"),
        (lambda audio: audio[:1], "a plugin made 1 channels of 2"),
    ],
)
def test_a_plugin_that_breaks_on_the_way_stops_it(act: Any, said: str) -> None:
    chain = StreamedChain(Chain([Odd(act)]), "tracks[0].chain", RATE)
    block = np.ones((2, 2048), dtype=np.float32)
    with pytest.raises(AuricleError) as caught:
        [chain.process(block) for _ in range(400)]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_starts_loops_and_ends(folder: Path, tmp_path: Path) -> None:
    once = rendered(make(folder, Track("a.wav")), tmp_path / "a.wav")
    late = rendered(make(folder, Track("a.wav", start_seconds=0.25)), tmp_path / "b.wav")
    assert late.shape[1] == once.shape[1] + RATE // 4
    assert np.abs(late[:, : RATE // 4]).max() == 0.0
    # The renderer's control grid begins with the scene, so steps of motion would differ: none here.
    assert level_db(late[:, RATE // 4 :] - once, once) < -110.0
    looped = make(folder, Track("a.wav", loop=True), seconds=1.5)
    found = rendered(looped, tmp_path / "c.wav")
    n, tail = round(SECONDS * RATE), 1000
    assert found.shape[1] == round(1.5 * RATE)
    again = found[:, n + tail : 2 * n]
    assert level_db(again - found[:, tail:n], again) < -110.0
    fading = np.abs(found[:, round(1.5 * RATE) - 240 : round(1.5 * RATE)]).max()
    assert fading < 0.5 * np.abs(again).max()
    with pytest.raises(AuricleError, match="seconds: must be given"):
        make(folder, Track("a.wav", loop=True)).render(tmp_path / "d.wav")


def test_a_loop_of_another_rate_has_no_seam(tmp_path: Path, folder: Path) -> None:
    tone = 0.5 * np.sin(2.0 * np.pi * 441.0 * np.arange(44100) / 44100)  # whole periods
    soundfile.write(tmp_path / "tone.wav", tone, 44100, subtype="FLOAT")
    source = FileSource(tmp_path / "tone.wav", RATE, loop=True)
    audio = np.concatenate([source.read(7001) for _ in range(20)], axis=1)[0]
    wanted = 0.5 * np.sin(2.0 * np.pi * 441.0 * np.arange(len(audio)) / RATE)
    assert level_db(audio[2000:] - wanted[2000:], wanted) < -90.0
    source.close()


def test_mute_and_solo(folder: Path, tmp_path: Path) -> None:
    a, b = Track("a.wav"), Track("b.wav", position=Static(90.0))
    alone = rendered(make(folder, a), tmp_path / "a.wav")
    for tracks in ((a, replace(b, mute=True)), (replace(a, solo=True), b)):
        found = rendered(make(folder, *tracks), tmp_path / "b.wav")
        np.testing.assert_array_equal(found[:, : alone.shape[1]], alone)
    with pytest.raises(AuricleError, match="all are muted"):
        make(folder, replace(a, mute=True)).render(tmp_path / "c.wav")
    with pytest.raises(AuricleError, match="tracks: is empty"):
        make(folder).render(tmp_path / "c.wav")


def test_channels(folder: Path, tmp_path: Path) -> None:
    audio = soundfile.read(folder / "four.wav", dtype="float32")[0]
    for name, part in (("mean", audio.mean(axis=1)), ("third", audio[:, 2]),
                       ("pair", audio[:, [3, 0]])):  # fmt: skip
        soundfile.write(tmp_path / f"{name}.wav", part, RATE, subtype="FLOAT")
    for name, channels in (("mean", "mix"), ("third", (3,)), ("pair", (4, 1))):
        wanted = rendered(make(folder, Track(str(tmp_path / f"{name}.wav"))), tmp_path / "a.wav")
        found = rendered(make(folder, Track("four.wav", channels=channels)), tmp_path / "b.wav")
        assert level_db(found - wanted, wanted) < -110.0, name
    for channels, said in (
        ("all", "four.wav has 4 channels, object tracks like this have 1 or 2"),
        ((5,), "no channel 5"),
    ):
        with pytest.raises(AuricleError, match=said):
            make(folder, Track("four.wav", channels=channels)).render(tmp_path / "c.wav")
    wide = Track("stereo.wav", width_deg=180.0)
    narrow = (
        Track("stereo.wav", channels=(1,), position=Static(90.0)),
        Track("stereo.wav", channels=(2,), position=Static(-90.0)),
    )
    a, b = (rendered(make(folder, *each), tmp_path / "a.wav") for each in ((wide,), narrow))
    assert level_db(a - b, b) < -110.0


def test_levels_over_distance(folder: Path, tmp_path: Path) -> None:
    def level(distance_m: float, law: Distance) -> float:
        track = Track("a.wav", position=Static(distance_m=distance_m), distance=law)
        return float(np.linalg.norm(rendered(make(folder, track), tmp_path / "a.wav")))

    one = level(1.0, Distance())
    assert level(4.0, Distance()) == pytest.approx(one / 4.0, rel=1e-4)
    assert level(4.0, Distance(reference_m=2.0)) == pytest.approx(one / 2.0, rel=1e-4)
    assert level(0.1, Distance(floor_m=0.5, near_field_m=0.0)) == pytest.approx(2.0 * one, rel=1e-4)
    assert level(4.0, Distance(gain=False)) == pytest.approx(one, rel=1e-4)
    moving = Keyframes((Keyframe(0.0, distance_m=1.0), Keyframe(0.5, distance_m=8.0)))
    far = rendered(make(folder, Track("a.wav", position=moving)), tmp_path / "b.wav")
    near = rendered(make(folder, Track("a.wav")), tmp_path / "b.wav")
    ratio = [np.linalg.norm(x[:, 24000:28000]) for x in (far, near)]
    assert ratio[0] == pytest.approx(ratio[1] / 8.0, rel=0.01)


def at(folder: Path, tmp_path: Path, distance_m: float, law: Distance, **keys: Any) -> np.ndarray:
    track = Track("a.wav", position=Static(30.0, 0.0, distance_m), distance=law, **keys)
    return rendered(make(folder, track), tmp_path / "a.wav")


def test_near_sounds_are_those_of_plain_rendering(folder: Path, tmp_path: Path) -> None:
    auricle.render(
        folder / "a.wav", tmp_path / "p.wav", hrtf=folder / "h.sofa", rank=8, azimuth_deg=30,
        distance_m=0.25,
    )  # fmt: skip
    plain = soundfile.read(tmp_path / "p.wav")[0].T
    near = at(folder, tmp_path, 0.25, Distance())
    assert level_db(near - plain, plain) < -120.0
    for without in (Distance(near_field_m=0.0), Distance(near_field_m=0.2)):
        far = at(folder, tmp_path, 0.25, without)
        assert level_db(near - far, far) > -20.0
    flat = at(folder, tmp_path, 0.25, Distance(gain=False))
    assert np.linalg.norm(flat) == pytest.approx(np.linalg.norm(near) / 4.0, rel=0.1)


def test_sound_takes_its_time_and_air_takes_treble(folder: Path, tmp_path: Path) -> None:
    plain = at(folder, tmp_path, 34.32, Distance())
    late = at(folder, tmp_path, 34.32, Distance(delay=True))
    assert late.shape[1] > plain.shape[1] + 4800
    n = plain.shape[1]
    assert np.abs(late[:, :4700]).max() < 0.05 * np.abs(late).max()
    lags = [np.vdot(late[:, lag : lag + n], plain) for lag in range(4780, 4821)]
    assert abs(4780 + int(np.argmax(lags)) - 4803) <= 3
    dull = at(folder, tmp_path, 34.32, Distance(air_absorption=True))
    power = [np.abs(np.fft.rfft(x[0])) ** 2 for x in (dull, plain)]
    hz = np.fft.rfftfreq(n, 1.0 / RATE)
    for low, high, least, most in ((200, 1000, -0.5, 0.1), (8000, 12000, -12.0, -3.0)):
        band = (hz >= low) & (hz < high)
        change_db = 10.0 * np.log10(power[0][band].sum() / power[1][band].sum())
        assert least < change_db < most


def test_a_source_that_faces_away_is_softer(folder: Path, tmp_path: Path) -> None:
    facing = {
        angle: at(
            folder, tmp_path, 2.0, Distance(), directivity=Directivity("cardioid", 1.0, angle)
        )
        for angle in (210.0, 120.0, 30.0)
    }
    around = at(folder, tmp_path, 2.0, Distance())
    assert level_db(facing[210.0] - around, around) < -120.0  # straight at the listener
    assert level_db(facing[120.0] - 0.5 * around, around) < -100.0
    assert np.abs(facing[30.0]).max() < 1e-6


def test_a_csv_is_a_position(folder: Path, tmp_path: Path) -> None:
    (folder / "way.csv").write_text("time_seconds,azimuth_deg,gain_db\n0,0,0\n0.4,120,-6\n")
    keyframes = Keyframes((Keyframe(0.0), Keyframe(0.4, azimuth_deg=120.0, gain_db=-6.0)))
    a, b = (
        rendered(make(folder, Track("a.wav", position=each)), tmp_path / "a.wav")
        for each in (PositionFile("way.csv"), keyframes)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("ceiling_db", [None, -1.0])
def test_the_loudness_target_is_met(folder: Path, tmp_path: Path, ceiling_db: float | None) -> None:
    scene = make(folder, Track("a.wav"), Track("b.wav", position=Static(90.0)))
    limiter = None if ceiling_db is None else Limiter(ceiling_db)
    target = -20.0 if ceiling_db is None else -9.0
    scene.master = Master(loudness=Loudness(target), limiter=limiter)
    done: list[int] = []
    out = tmp_path / "a.wav"
    result = scene.render(out, n_workers=1, progress=lambda n, total: done.extend([n, -total]))
    audio = soundfile.read(out)[0].T
    meter, peak = LoudnessMeter(RATE), TruePeakMeter()
    meter.add(audio)
    peak.add(audio.astype(np.float32))
    assert meter.integrated_lufs() == pytest.approx(target, abs=0.1)
    assert result.loudness_lufs == pytest.approx(meter.integrated_lufs(), abs=0.01)
    if ceiling_db is not None:
        assert peak.peak_dbtp() <= ceiling_db + 0.05
    assert result.true_peak_db == pytest.approx(peak.peak_dbtp(), abs=0.01)
    assert sum(done[::2]) == -done[1]  # the progress arrives at its end
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_silence_has_no_loudness(tmp_path: Path, folder: Path) -> None:
    soundfile.write(tmp_path / "zero.wav", np.zeros(48000), RATE)
    scene = make(folder, Track(str(tmp_path / "zero.wav")))
    scene.master = Master(loudness=Loudness(-16.0))
    result = scene.render(tmp_path / "a.wav")
    assert (result.loudness_lufs, result.true_peak_db, result.loudness_gain_db) == (None, None, 0.0)


def test_formats_and_rates(folder: Path, tmp_path: Path) -> None:
    for name, output, wanted in (
        ("a.wav", Output(), (RATE, "FLOAT")),
        ("a.wav", Output(32000, "pcm24"), (32000, "PCM_24")),
        ("a.flac", Output(), (RATE, "PCM_24")),
    ):
        make(folder, Track("a.wav"), output=output).render(tmp_path / name)
        info = soundfile.info(tmp_path / name)
        assert (info.samplerate, info.subtype) == wanted
    with pytest.raises(AuricleError, match="FLAC has no float32"):
        make(folder, Track("a.wav"), output=Output(encoding="float32")).render(tmp_path / "b.flac")


def test_tracks_of_one_file_are_those_of_several(folder: Path, tmp_path: Path) -> None:
    """Read once and from several threads, with one of them further ahead for its chain."""
    audio = soundfile.read(folder / "four.wav", dtype="float32")[0]
    for i in range(4):
        soundfile.write(tmp_path / f"{i}.wav", audio[:, i], RATE, subtype="FLOAT")

    def scene(one: bool) -> Scene:
        tracks = [
            Track("four.wav" if one else str(tmp_path / f"{i}.wav"),
                  channels=(i + 1,) if one else "all", position=Orbit(1.0, 90.0 * i))
            for i in (0, 2, 3)
        ]  # fmt: skip
        return make(folder, *tracks)

    wanted = rendered(scene(False), tmp_path / "a.wav")
    for n_workers in (1, 3):
        found = rendered(scene(True), tmp_path / "b.wav", n_workers=n_workers)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("seed", range(3))
def test_taps_give_their_channels_in_any_order(seed: int) -> None:
    audio = np.random.default_rng(seed).standard_normal((5, 50000)).astype(np.float32)
    shared = SharedFile(ArraySource(audio))
    taps = [shared.tap(channels) for channels in ([0], [4, 1], [2, 2])]
    found: list[list[np.ndarray]] = [[] for _ in taps]
    rng = np.random.default_rng(seed)
    while min(tap.at for tap in taps) < 60000:
        which = int(rng.integers(3))
        found[which].append(taps[which].read(int(rng.integers(0, 9000))))
    padded = np.pad(audio, ((0, 0), (0, 200_000)))
    for tap, parts in zip(taps, found, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), padded[tap.channels, : tap.at])


@pytest.mark.parametrize(("channel", "azimuth_deg"), [(0, 30.0), (1, -30.0), (5, -110.0)])
def test_a_channel_of_a_bed_is_a_place(
    folder: Path, tmp_path: Path, channel: int, azimuth_deg: float
) -> None:
    """The same when the listener walks: a bed goes along."""
    audio = np.zeros((20000, 6))
    audio[:, channel] = 0.1 * np.random.default_rng(0).standard_normal(20000)
    soundfile.write(tmp_path / "bed.wav", audio, RATE, subtype="FLOAT")
    turned = Listener("h.sofa", 8, head_track="p.csv")
    walked = replace(turned, position_m=(5.0, 1.0, 0.0))
    bed = make(folder, Track(str(tmp_path / "bed.wav"), type="bed", layout="5.1"), listener=walked)
    place = Track(str(tmp_path / "bed.wav"), channels=(channel + 1,), position=Static(azimuth_deg))
    wanted = rendered(make(folder, place, listener=turned), tmp_path / "a.wav")
    found = rendered(bed, tmp_path / "b.wav", block_size=777)
    assert found.shape == wanted.shape
    assert level_db(found - wanted, wanted) < -100.0


def test_ambisonics_turn_against_the_head(folder: Path, tmp_path: Path) -> None:
    audio = 0.1 * np.random.default_rng(0).standard_normal((20000, 4))
    soundfile.write(tmp_path / "foa.wav", audio, RATE, subtype="FLOAT")
    track = Track(str(tmp_path / "foa.wav"), type="ambisonic", order=1, gain_db=-6.0)
    turned = Listener("h.sofa", 8, head_track="p.csv")
    found = rendered(make(folder, track, track, listener=turned), tmp_path / "a.wav")
    renderer = AmbisonicRenderer(auricle.HrtfSet.load(folder / "h.sofa"), RATE, 128, 1)
    head = HeadTrack(folder / "p.csv")
    renderer.set_listener(head.orientations(np.zeros(1))[0])
    n = -(-(found.shape[1] + renderer.latency_samples) // 128) * 128
    padded = np.pad(audio.T, ((0, 0), (0, n - 20000)))
    poses = head.orientations((1.0 + np.arange(n // 128)) * 128 / RATE)
    wanted = 2.0 * 10 ** (-6.0 / 20.0) * renderer.process_path(padded, poses)
    wanted = wanted[:, renderer.latency_samples :][:, : found.shape[1]]
    assert level_db(found - wanted, wanted) < -100.0
    blocks = rendered(
        make(folder, track, track, listener=turned), tmp_path / "a.wav", block_size=99
    )
    assert level_db(blocks - found, found) < -100.0


@pytest.mark.parametrize(
    ("track", "said"),
    [
        (
            Track("four.wav", type="bed", layout="5.1"),
            "has 4 channels, bed tracks like this have 6",
        ),
        (Track("four.wav", type="ambisonic", order=2), "ambisonic tracks like this have 9"),
        (Track("four.wav", type="bed", layout="5.x"), r"tracks\[0\].layout: no layout"),
        (Track("four.wav", type="bed", layout="22.2", channel_order="wav"), "channel_order: 22.2"),
    ],
)
def test_bad_beds(folder: Path, tmp_path: Path, track: Track, said: str) -> None:
    with pytest.raises(AuricleError, match=said):
        make(folder, track).render(tmp_path / "a.wav")


@needs_pedalboard
def test_tails_ring_out(folder: Path, tmp_path: Path) -> None:
    reverb = Track("a.wav", chain=plugins("Reverb"))
    long = rendered(make(folder, reverb), tmp_path / "a.wav")
    short = rendered(make(folder, reverb, output=Output(tail_seconds=0.0)), tmp_path / "b.wav")
    assert long.shape[1] - short.shape[1] == 3 * RATE
    assert level_db(long[:, : short.shape[1]] - short, short) < -100.0
    assert np.abs(long[:, short.shape[1] :]).max() > 1e-3


def test_a_picture_is_drawn(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    busy(folder, chains=False).render(tmp_path / "a.wav", plot=tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 20_000


@pytest.mark.slow
def test_the_example_song(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("pedalboard")
    if not (data_dir / "music").is_dir():
        pytest.skip(f"needs {data_dir / 'music'}")
    song = ROOT / "examples" / "song.json"
    scene = Scene.load(song, folder=data_dir / "music")
    scene.listener = Listener(rank=8)
    scene.seconds, scene.output = 12.0, Output(tail_seconds=0.5)
    result = scene.render(tmp_path / "song.wav")
    assert result.loudness_lufs == pytest.approx(-16.0, abs=0.1)
    assert result.true_peak_db is not None
    assert result.true_peak_db <= -0.9
