"""Tracks by the scene and by the header of their file; sound that does not turn."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import synthetic_set
from synthetic_set import level_db
from wave_files import B_FORMAT_FLOAT, extensible

from auricle.dsp.ambisonics.fuma import ACN, CHANNELS, GAINS
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.headers import Header, read_header
from auricle.plugin_core.offline import render
from auricle.plugin_core.scene.format.model import Keyframe, Keyframes, Listener, Static, Track
from auricle.plugin_core.scene.playback.opened_types import channels_of, whole_file
from auricle.plugin_core.scene.scene import Scene

RATE = 48000
N = 6000
MASK = Header(("M+030", "M-030", "M+000", "LFE1", "M+135", "M-135", "M+090", "M-090"), "", "x")
FIXED = Header(MASK.labels, "", "FLAC's order", True)
SIX_FRONT = ("M+030", "M-030", "M+000", "LFE1", "M+110", "M-110", "M+022", "M-022")
FUMA, AMBIX = Header((), "fuma", "x"), Header((), "ambix", "x")
TURNED = Listener("h.sofa", 8, yaw_deg=90.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stems")
    synthetic_set.make_set(sample_rate=RATE).save(folder / "h.sofa")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))


def noise(n_channels: int, seed: int = 0) -> np.ndarray:
    return 0.05 * np.random.default_rng(seed).standard_normal((N, n_channels))


def heard(folder: Path, *tracks: Track, listener: Listener | None = None) -> np.ndarray:
    listener = listener or Listener("h.sofa", 8)
    scene = Scene(folder=str(folder), tracks=tracks, listener=listener)
    out = np.concatenate([scene.process(n) for n in (1000, 128, N - 1128)], axis=1)
    scene.reset()
    return out


# --- who decides -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("track", "header", "rear", "note"),
    [
        ({"layout": "7.1"}, Header(), 6, ""),
        ({"layout": "7.1"}, MASK, 4, ""),
        ({"layout": "7.1"}, FIXED, 4, ""),
        ({}, MASK, 4, ""),
        ({}, Header(), 6, ""),
        ({"layout": "7.1", "channel_order": "wav"}, MASK, 4, ""),
        ({"layout": "7.1", "channel_order": "smpte"}, MASK, 6, "the scene M+030 M-030 M+000 LFE1"),
        ({"layout": "7.1", "channel_order": "smpte"}, FIXED, 6, "the scene M+030"),
        ({"layout": "7.1"}, Header(SIX_FRONT, "", "x"), 6, "the scene 7.1"),
        ({"layout": "7.1"}, Header(SIX_FRONT, "", "x", True), 6, ""),
        ({"layout": ("L", "R", "C", "LFE", "Ls", "Rs", "Lb", "Rb")}, MASK, 6, "the scene M+030"),
        ({"layout": ("L", "R", "C", "LFE", "Lb", "Rb", "Ls", "Rs")}, MASK, 4, ""),
        ({"layout": "7.1"}, FUMA, 6, "x says FuMa, the scene a bed"),
    ],
)
def test_beds(track: dict[str, Any], header: Header, rear: int, note: str) -> None:
    found = channels_of(Track("a", type="bed", **track), header, 8)
    assert found.layout is not None
    assert found.layout.labels.index("M+135") == rear
    assert found.counts == (8,)
    assert note in found.note
    assert found.note.endswith("it plays as the scene says") or not note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize(
    ("track", "header", "n", "order", "normalisation", "note"),
    [
        ({}, Header(), 9, 2, "sn3d", ""),
        ({}, FUMA, 4, 1, "fuma", ""),
        ({}, FUMA, 5, 2, "fuma", ""),
        ({"order": 2}, AMBIX, 9, 2, "sn3d", ""),
        ({"normalisation": "n3d"}, AMBIX, 16, 3, "n3d", ""),
        ({"normalisation": "sn3d"}, FUMA, 16, 3, "sn3d", "x says FuMa, the scene ACN and SN3D"),
        ({"normalisation": "fuma"}, AMBIX, 16, 3, "fuma", "x says AmbiX, the scene FuMa"),
        ({"order": 1}, Header(MASK.labels[:4], "", "x"), 4, 1, "sn3d", "the scene ambisonics"),
        ({"order": 1}, Header(MASK.labels[:4], "", "x", True), 4, 1, "sn3d", ""),
    ],
)
def test_ambisonics(
    track: dict[str, Any], header: Header, n: int, order: int, normalisation: str, note: str
) -> None:
    found = channels_of(Track("a", type="ambisonic", **track), header, n)
    assert (found.order, found.normalisation) == (order, normalisation)
    assert n in found.counts
    assert note in found.note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize(
    ("track", "n", "said"),
    [
        (Track("a", type="bed", layout="7.x"), 8, "layout: no layout is called '7.x'"),
        (Track("a", type="bed"), 7, "layout: no layout is usual for 7 channels"),
        (Track("a", type="bed", layout=("L", "Foo")), 2, "layout: no loudspeaker is called 'Foo'"),
        (Track("a", type="bed", layout="cube", channel_order="wav"), 8, "channel_order: cube"),
        (Track("a", type="ambisonic"), 6, "channels: 6 channels are no full set"),
        (Track("a", type="ambisonic", normalisation="fuma"), 10, "channels: 10 channels are no"),
        (Track("a", type="ambisonic", normalisation="fuma", order=4), 25, "order: FuMa ends at"),
    ],
)
def test_what_nobody_names_is_refused(track: Track, n: int, said: str) -> None:
    with pytest.raises(AuricleError, match=said):
        channels_of(track, Header(), n)


def test_channels_picked_from_a_file_keep_what_its_header_says_of_them() -> None:
    assert MASK.picked([4, 5]).labels == ("M+135", "M-135")
    assert MASK.picked(None) is MASK
    assert FUMA.picked([0, 1, 2, 3]).ambisonics == "fuma"
    assert FUMA.picked([0, 2, 1, 3]).ambisonics == ""


def test_whole_files() -> None:
    track, _, said = whole_file("a", MASK, 8)
    assert track.type == "bed"
    assert said.startswith("plays as 7.1 (M+030 M-030 M+000 LFE1 M+135")
    assert whole_file("a", FUMA, 4)[0].type == "ambisonic"
    assert "as is usual" in whole_file("a", Header(), 6)[2]
    for n, header, text in (
        (4, Header(), "loudspeakers or ambisonics"), (16, FIXED, "loudspeakers or ambisonics"),
        (7, Header(), "no layout is usual"),
    ):  # fmt: skip
        with pytest.raises(AuricleError, match=text):
            whole_file("a", header, n)


# --- what is heard -----------------------------------------------------------------------------


def test_a_bed_is_heard_as_its_header_says(folder: Path) -> None:
    audio = np.zeros((N, 8))
    audio[:, 4] = noise(1)[:, 0]
    extensible(folder / "mask.wav", audio, 0x63F)
    wanted = heard(folder, Track("mask.wav", channels=(5,), position=Static(135.0)))
    found = heard(folder, Track("mask.wav", type="bed", layout="7.1"))
    assert level_db(found - wanted, wanted) < -80.0
    with pytest.warns(UserWarning, match=r"mask\.wav: its channel mask says .* as the scene says"):
        other = heard(folder, Track("mask.wav", type="bed", layout="7.1", channel_order="smpte"))
    assert level_db(other - wanted, wanted) > -20.0


def test_the_sentence_is_said_once_before_rendering(folder: Path, tmp_path: Path) -> None:
    extensible(folder / "twice.wav", noise(8), 0x63F)
    track = Track("twice.wav", type="bed", layout="7.1", channel_order="smpte")
    scene = Scene(folder=str(folder), tracks=(track, track), listener=Listener("h.sofa", 8))
    said: list[str] = []
    scene.render(tmp_path / "o.wav", say=said.append)
    assert len([line for line in said if "its channel mask says" in line]) == 1


def test_a_file_of_many_channels_is_rendered_as_its_scene_is(folder: Path, tmp_path: Path) -> None:
    path = extensible(folder / "bed.wav", noise(8), 0x63F)
    soundfile.write(folder / "mono.wav", noise(1, 7), RATE, subtype="FLOAT")
    said: list[str] = []
    render([path, folder / "mono.wav"], tmp_path / "a.wav", hrtf=folder / "h.sofa", rank=8,
           azimuth_deg=[0.0, 40.0], say=said.append)  # fmt: skip
    found = soundfile.read(tmp_path / "a.wav")[0].T
    wanted = heard(
        folder, Track("bed.wav", type="bed"), Track("mono.wav", position=Static(40.0)),
    )  # fmt: skip
    assert level_db(found[:, :N] - wanted, wanted) < -100.0
    assert any("bed.wav: plays as 7.1" in line for line in said)


@pytest.mark.parametrize("order", [1, 3])
def test_fuma_is_heard_as_ambix(folder: Path, order: int) -> None:
    sn3d = noise((order + 1) ** 2)
    names = CHANNELS[: sn3d.shape[1]]
    furse = np.stack([sn3d[:, ACN[name]] * GAINS[name] for name in names], axis=1)
    soundfile.write(folder / "ambix.wav", sn3d, RATE, subtype="FLOAT")
    soundfile.write(folder / "fuma.wav", furse, RATE, subtype="FLOAT")
    extensible(folder / "fuma.amb", furse, 0, B_FORMAT_FLOAT)
    wanted = heard(folder, Track("ambix.wav", type="ambisonic", order=order), listener=TURNED)
    for track in (
        Track("fuma.amb", type="ambisonic"), Track("fuma.amb", type="ambisonic", order=order),
        Track("fuma.wav", type="ambisonic", normalisation="fuma"),
    ):  # fmt: skip
        found = heard(folder, track, listener=TURNED)
        assert level_db(found - wanted, wanted) < -100.0


def test_real_files_of_a_daw_play(data_dir: Path, folder: Path, tmp_path: Path) -> None:
    if not (data_dir / "daw").is_dir():
        pytest.skip(f"needs {data_dir / 'daw'}")
    for path in sorted((data_dir / "daw").glob("nuendo_*.wav")):
        render(path, tmp_path / "o.wav", hrtf=folder / "h.sofa", rank=8)
        assert read_header(path).by


# --- what does not turn ------------------------------------------------------------------------


def test_finished_sound_is_played_bit_by_bit(folder: Path) -> None:
    audio = noise(6).astype(np.float32)
    soundfile.write(folder / "six.wav", audio, RATE, subtype="FLOAT")
    for listener in (None, TURNED):
        found = heard(folder, Track("six.wav", type="binaural", channels=(6, 5)), listener=listener)
        np.testing.assert_array_equal(found, audio[:, [5, 4]].T)
    one = heard(folder, Track("six.wav", type="binaural", channels=(3,), gain_db=-6.0))
    np.testing.assert_allclose(one, 10 ** (-0.3) * audio[:, [2, 2]].T, rtol=1e-6)


@pytest.mark.parametrize("silent_start", [0, 30])
def test_finished_sound_is_in_step_with_sound_from_ahead(
    folder: Path, tmp_path: Path, silent_start: int
) -> None:
    """Also for a set whose responses begin with the sound, which makes the engine late."""
    hrtf = synthetic_set.make_set(sample_rate=RATE)
    first = 29 - min(silent_start, 29)  # the earliest arrival of the set is at 31
    late = type(hrtf)(hrtf.ir[..., first:], hrtf.positions, radius_m=1.0, sample_rate=RATE)
    late.save(tmp_path / "h.sofa")
    click = np.zeros((N, 2))
    click[1000] = 0.5
    soundfile.write(tmp_path / "click.wav", click, RATE, subtype="FLOAT")
    listener = Listener(str(tmp_path / "h.sofa"), "full")
    loud = Track("click.wav", type="binaural")
    quiet = Track("click.wav", channels=(1,), gain_db=-200.0)
    field = Track("click.wav", type="ambisonic", channels=(1, 2, 2, 2), gain_db=-200.0)
    ahead = heard(tmp_path, Track("click.wav", channels=(1,)), listener=listener)
    for beside in (quiet, field):
        found = heard(tmp_path, loud, beside, listener=listener)
        at = [int(np.argmax(np.abs(each))) for each in found]
        wanted = [int(np.argmax(np.abs(each))) for each in ahead]
        np.testing.assert_allclose(at, wanted, atol=1)


def test_a_place_on_the_head_does_not_turn_or_stay_behind(folder: Path) -> None:
    soundfile.write(folder / "voice.wav", noise(2), RATE, subtype="FLOAT")
    where = Static(70.0, 10.0, 2.0)
    (folder / "p.csv").write_text(
        "time_seconds,yaw_deg,pitch_deg,roll_deg,x,y,z\n0,30,0,0,0,0,0\n0.1,160,20,10,3,1,0\n"
    )
    moving = Listener("h.sofa", 8, head_track="p.csv")
    wanted = heard(folder, Track("voice.wav", position=where))
    locked = Track("voice.wav", position=where, head_locked=True)
    assert level_db(heard(folder, locked, listener=moving) - wanted, wanted) < -90.0
    free = heard(folder, Track("voice.wav", position=where), listener=moving)
    assert level_db(free - wanted, wanted) > -10.0


def test_ambisonics_on_the_head_do_not_turn(folder: Path) -> None:
    soundfile.write(folder / "field.wav", noise(4), RATE, subtype="FLOAT")
    field = Track("field.wav", type="ambisonic", channels=(1, 2, 3, 4))
    locked = Track("field.wav", type="ambisonic", channels=(1, 2, 3, 4), head_locked=True)
    wanted = heard(folder, field)
    assert level_db(heard(folder, locked, listener=TURNED) - wanted, wanted) < -100.0
    assert level_db(heard(folder, field, listener=TURNED) - wanted, wanted) > -20.0
    both = heard(folder, locked, field, listener=TURNED)
    turned = heard(folder, field, listener=TURNED)
    assert level_db(both - turned - wanted, wanted) < -100.0


def test_four_and_two_channels_of_one_file(folder: Path) -> None:
    """W Y Z X turn with the scene, the two behind them do not."""
    audio = noise(6)
    soundfile.write(folder / "video.wav", audio, RATE, subtype="FLOAT")
    scene = Track("video.wav", type="ambisonic", channels=(1, 2, 3, 4))
    head = Track("video.wav", type="binaural", channels=(5, 6))
    field = heard(folder, scene, listener=TURNED)
    both = heard(folder, scene, head, listener=TURNED)
    left = both - field
    delay = int(np.argmax(np.correlate(left[0], audio[:, 4].astype(np.float32), "full"))) - N + 1
    wanted = np.pad(audio[: N - delay, 4:].T, ((0, 0), (delay, 0)))
    assert 40 <= delay <= 52  # of the synthetic set
    assert level_db(left - wanted, wanted) < -100.0


class Silence:
    """A renderer of objects that gives none of them."""

    latency_samples = tail_samples = 0
    report = "silence"

    def __init__(self, feeds: Any, head: Any) -> None:
        self.n_channels = sum(feed.n_channels for feed in feeds)

    def render(self, n_steps: int) -> np.ndarray:
        return np.zeros((2, 128 * n_steps), dtype=np.float32)


def test_finished_sound_stands_beside_objects_of_a_network(folder: Path) -> None:
    audio = noise(3).astype(np.float32)
    soundfile.write(folder / "three.wav", audio, RATE, subtype="FLOAT")
    ears = Track("three.wav", type="binaural", channels=(2, 3))
    scene = Scene(folder=str(folder), tracks=(ears, Track("three.wav", channels=(1,))))
    with closing(scene.open(objects=Silence)) as player:
        np.testing.assert_array_equal(player.read(N), audio[:, 1:].T)
    for tracks, said in (((ears,), "no object"), ((Track("three.wav", type="bed"),), "bed: only")):
        with pytest.raises(AuricleError, match=said):
            Scene(folder=str(folder), tracks=tracks).open(objects=Silence)


# --- width over time ---------------------------------------------------------------------------


def test_a_width_over_time_is_heard_in_any_blocks(folder: Path) -> None:
    audio = 0.05 * np.random.default_rng(0).standard_normal(24000)
    soundfile.write(folder / "one.wav", audio, RATE, subtype="FLOAT")

    def played(*sizes: int, width: float = 40.0, way: tuple[float | None, ...] = ()) -> Any:
        frames = tuple(
            Keyframe(0.1 * i, azimuth_deg=20.0, source_width_deg=each) for i, each in enumerate(way)
        )
        position = Keyframes(frames) if frames else Static(20.0)
        track = Track("one.wav", position=position, source_width_deg=width)
        scene = Scene(folder=str(folder), tracks=(track,), listener=Listener("h.sofa", 8))
        out = np.concatenate([scene.process(n) for n in sizes], axis=1)
        scene.reset()
        return out

    wide, point = played(24000), played(24000, width=0.0)
    for same in ((None, None), (40.0, 40.0), (None, 40.0)):
        assert level_db(played(24000, way=same) - wide, wide) < -100.0
    growing = played(24000, way=(0.0, 0.0, None, 0.0))
    assert level_db(growing[:, :4700] - point[:, :4700], point[:, :4700]) < -100.0
    assert level_db(growing[:, 9000:15000] - point[:, 9000:15000], point[:, 9000:15000]) > -30.0
    blocks = played(1000, 128, 12872, 10000, way=(0.0, 0.0, None, 0.0))
    assert level_db(blocks - growing, growing) < -100.0
