"""ADM masters as scenes: what is read is what the file says, and sounds as the same JSON scene."""

import json
import math
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import synthetic_set
from hypothesis import given
from hypothesis import strategies as st
from project import ROOT

from auricle.dsp.ambisonics import fuma
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.plugin_core.adm.elements import parse_time
from auricle.plugin_core.adm.positions import polar_from_room, width_deg_from_room
from auricle.plugin_core.audio import files
from auricle.plugin_core.audio.files import FileSource
from auricle.plugin_core.audio.riff_chunks import wave_chunks
from auricle.plugin_core.cli import main
from auricle.plugin_core.offline import render
from auricle.plugin_core.scene.format.model import Distance, Keyframes, Static, Track
from auricle.plugin_core.scene.playback.player import keyframe_path, position_path
from auricle.plugin_core.scene.scene import Scene

MAKER = SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "adm_master.py")))
Block, Sound, polar, cartesian = MAKER.Block, MAKER.Sound, MAKER.polar, MAKER.cartesian
RATE = MAKER.RATE
POINT = Distance(gain=False, near_field_m=0.0)


def still(x: float, y: float = 0.0, more: str = "") -> list[Any]:
    return [Block(content=polar(x, y) + more)]


def speakers(*labels: str) -> list[tuple[str, list[Any]]]:
    return [
        (label, [Block(content=f"<speakerLabel>{label}</speakerLabel>{polar(10, 0)}")])
        for label in labels
    ]


def ambisonic(order: int, normalisation: str = "SN3D") -> list[tuple[str, list[Any]]]:
    return [
        (f"{n}/{m}", [Block(content=f"<order>{n}</order><degree>{m}</degree>"
                            f"<normalization>{normalisation}</normalization>")])
        for n in range(order + 1) for m in range(-n, n + 1)
    ]  # fmt: skip


def saved(path: Path, *sounds: Any, seconds: float = 1.0, change: Any = None) -> Path:
    """A silent master of some objects; ``change`` is done to its XML."""
    axml, rows = MAKER.document(sounds)
    axml = change(axml) if change else axml
    n_channels = max(row[0] for row in rows)
    MAKER.write_adm(path, np.zeros((n_channels, round(seconds * RATE)), np.float32), axml, rows)
    return path


def loaded(path: Path, *sounds: Any, **keys: Any) -> Scene:
    return Scene.load(saved(path / "m.wav", *sounds, **keys))


# --- the whole ---------------------------------------------------------------------------------


def test_eight_moving_objects_sound_as_the_same_json_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))
    listener = tmp_path / "h.sofa"
    synthetic_set.make_set(sample_rate=RATE).save(listener)
    MAKER.write_both(tmp_path, listener)
    assert len(Scene.load(tmp_path / "master.wav").tracks) == 8
    master = MAKER.rendered(tmp_path / "master.wav", listener, 8)
    assert MAKER.difference_db(master, MAKER.rendered(tmp_path / "scene.json", listener, 8)) < -90.0
    # One object in another place from one keyframe on is heard.
    scene = json.loads((tmp_path / "scene.json").read_text())
    scene["tracks"][2]["position"]["keyframes"][7]["azimuth_deg"] += 5.0
    (tmp_path / "scene.json").write_text(json.dumps(scene))
    other = MAKER.rendered(tmp_path / "scene.json", listener, 8)
    assert MAKER.difference_db(master, other) > -60.0


def test_a_saved_copy_is_a_json_scene_of_the_same_tracks(tmp_path: Path) -> None:
    MAKER.write_both(tmp_path / "there")
    scene = Scene.load(tmp_path / "there" / "master.wav")
    scene.save(tmp_path / "copy.json")
    copy = Scene.load(tmp_path / "copy.json")
    assert (copy.tracks, copy.name) == (scene.tracks, "Mix")
    assert Path(tmp_path, copy.folder, copy.tracks[0].file).samefile(tmp_path / "there/master.wav")


def test_the_file_is_read_once_for_all_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))
    synthetic_set.make_set(sample_rate=RATE).save(tmp_path / "h.sofa")
    scene = loaded(tmp_path, *(Sound(f"o{i}", [("o", still(i))]) for i in range(20)))
    scene.listener = replace(scene.listener, hrtf=str(tmp_path / "h.sofa"), rank=8)
    scene.tracks = (*scene.tracks[:-1], replace(scene.tracks[-1], mute=True))
    opened: list[Any] = []
    real = files._open
    monkeypatch.setattr(files, "_open", lambda path: opened.append(real(path)) or opened[-1])
    assert scene.process(256).shape == (2, 256)
    assert sum(not each.closed for each in opened) == 1
    scene.reset()
    assert all(each.closed for each in opened)


@pytest.mark.parametrize("form", [b"RIFF", b"RF64", b"BW64"])
@pytest.mark.parametrize("fill", ["", " "])
def test_all_forms_of_wav_are_read_whatever_the_size_of_their_chunks(
    tmp_path: Path, form: bytes, fill: str
) -> None:
    audio = np.random.default_rng(0).standard_normal((2, 40000)).astype(np.float32)
    axml, rows = MAKER.document([Sound("o", [("a", still(1)), ("b", still(2))])])
    MAKER.write_adm(tmp_path / "m.wav", audio, axml + fill, rows, form)
    source = FileSource(tmp_path / "m.wav")
    assert source.n_frames == 40000
    np.testing.assert_array_equal(source.read(40000), audio)
    source.close()
    assert [track.channels for track in Scene.load(tmp_path / "m.wav").tracks] == [(1,), (2,)]


# --- places ------------------------------------------------------------------------------------


def room_from_polar(azimuth_deg: float, elevation_deg: float, distance: float) -> list[float]:
    """BS.2127, 10.1, the way back: X, Y, Z of a direction, by panning on the walls."""
    level, up = distance, 0.0
    if abs(elevation_deg) > 30.0:
        tilde = 45.0 + 45.0 * (abs(elevation_deg) - 30.0) / 60.0
        up, level = distance, distance * math.tan(math.radians(90.0 - tilde))
    else:
        up = distance * math.tan(math.radians(abs(elevation_deg) * 1.5))
    corners = [(0, (0, 1)), (30, (-1, 1)), (110, (-1, -1)), (250, (1, -1)), (330, (1, 1)),
               (360, (0, 1))]  # fmt: skip
    at = azimuth_deg % 360.0
    for (a, left), (b, right) in zip(corners, corners[1:], strict=False):
        if a <= at <= b:
            half = math.radians((b - a) / 2.0)
            gain = 0.5 + 0.5 * math.tan(math.radians(at - (a + b) / 2.0)) / math.tan(half)
            share = math.atan2(gain, 1.0 - gain) * 2.0 / math.pi
            x, y = ((1 - share) * left[i] + share * right[i] for i in range(2))
            return [level * x, level * y, math.copysign(up, elevation_deg)]
    raise AssertionError(azimuth_deg)


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(0.01, 3.0))
def test_places_of_the_room_go_where_the_standard_sends_them(
    azimuth: float, elevation: float, distance: float
) -> None:
    found = polar_from_room([room_from_polar(azimuth, elevation, distance)])[0]
    there = found[2] * unit_vectors(found[0], found[1])
    np.testing.assert_allclose(there, distance * unit_vectors(azimuth, elevation), atol=1e-8)


def test_corners_axes_and_middle_of_the_room() -> None:
    for place, expected in MAKER.ROOM.items():
        np.testing.assert_allclose(polar_from_room([place])[0], expected, atol=1e-9)
    rows = polar_from_room([[0, 0, 0], [0, 0, 0.5], [0, 0, -1], [0, -1, 0], [2, 2, 0]])
    np.testing.assert_allclose(rows[:3], [[0, 0, 0], [0, 90, 0.5], [0, -90, 1]], atol=1e-9)
    np.testing.assert_allclose(abs(rows[3]), [180, 0, 1], atol=1e-9)
    np.testing.assert_allclose(rows[4], [-30, 0, 2], atol=1e-9)


# --- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00.00000", 0.0), ("01:02:03.50000", 3723.5), ("00:00:01.5", 1.5),
        ("00:00:01", 1.0), ("00:00:01.", 1.0), ("00:00:01.24000S48000", 1.5),
        ("00:00:00.00001S3", 1.0 / 3.0), ("00:00:01.48000S48000", None), ("00:60:00.0", None),
        ("00:00:01.1S0", None), ("1.5", None), ("-00:00:01.0", None), ("", None),
        ("00:00:nan", None), ("00:00:01.S5", None),
    ],
)  # fmt: skip
def test_times(text: str, seconds: float | None) -> None:
    assert parse_time(text) == (None if seconds is None else pytest.approx(seconds, rel=1e-15))


def at_time(blocks: list[dict[str, Any]], t: float) -> tuple[np.ndarray | None, float]:
    """Place and gain that BS.2127, 7.3, has at a time, block by block."""
    for k, block in enumerate(blocks):
        if not block["start"] <= t < block["end"]:
            continue
        if k == 0 or abs(blocks[k - 1]["end"] - block["start"]) > 1e-9:
            return block["place"], block["gain"]
        length = block["end"] - block["start"] if block["ramp"] is None else block["ramp"]
        share = 1.0 if length == 0.0 else min((t - block["start"]) / length, 1.0)
        before = blocks[k - 1]
        return (
            (1.0 - share) * before["place"] + share * block["place"],
            (1.0 - share) * before["gain"] + share * block["gain"],
        )
    return None, 0.0


@pytest.mark.parametrize("seed", range(6))
def test_blocks_become_keyframes_of_the_same_motion(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks: list[dict[str, Any]] = []
    written, t = [], float(rng.choice([0.0, 0.3]))
    places = rng.uniform([-180, -90, 0.1], [180, 90, 2], (4, 3)).round(3)
    for _ in range(60):
        length = float(rng.integers(1, 20)) / 100.0
        ramp = rng.choice([None, 0.0, 0.01, length])
        gain, place = float(rng.choice([0.0, 0.5, 1.0])), places[rng.integers(4)]
        jump = "" if ramp is None else (
            f'<jumpPosition interpolationLength="{ramp:.5f}">1</jumpPosition>'
        )  # fmt: skip
        written.append(Block(t, length, polar(*place) + f"<gain>{gain}</gain>{jump}"))
        xyz = place[2] * unit_vectors(place[0], place[1])
        blocks.append({"start": t, "end": t + length, "ramp": ramp, "gain": gain, "place": xyz})
        t = round(t + length + float(rng.choice([0.0, 0.0, 0.05])), 5)
    scene = loaded(tmp_path, Sound("o", [("o", written)]), seconds=t + 0.1)
    position = scene.tracks[0].position
    assert isinstance(position, Keyframes)
    assert len(position.keyframes) < 2.5 * len(blocks)
    way = position_path(position, Path)
    times = np.arange(0.00037, t + 0.1, 0.00271)
    found_places, found_gains = way.positions_m(times), way.gains(times)
    for i, time in enumerate(times):
        place, gain = at_time(blocks, time)
        assert found_gains[i] == pytest.approx(gain, abs=1e-6)
        if place is not None:
            np.testing.assert_allclose(found_places[i], place, atol=1e-6)


def test_times_that_are_rounded_belong_together_and_what_says_nothing_is_left_out(
    tmp_path: Path,
) -> None:
    thirds = [Block(round(k / 3, 5), round(1 / 3, 5), polar(30, 0)) for k in range(3)]
    scene = loaded(tmp_path, Sound("o", [("o", thirds)]))
    assert scene.tracks[0].position == Static(30.0, 0.0, 1.0)
    assert scene.notes == ()


def test_overlaps_and_long_ramps_are_cut_and_said(tmp_path: Path) -> None:
    jump = '<jumpPosition interpolationLength="0.9">1</jumpPosition>'
    blocks = [Block(0, 0.7, polar(0, 0)), Block(0.5, 0.5, polar(90, 0) + jump)]
    scene = loaded(tmp_path, Sound("Voice", [("o", blocks)]))
    assert scene.notes == (
        "blocks that overlap, cut where the next begins: Voice",
        "interpolationLength longer than its block, cut to the block: Voice",
    )
    way = position_path(scene.tracks[0].position, Path)
    half = way.positions_m(np.array([0.75]))[0]
    np.testing.assert_allclose(half, [0.5, 0.5, 0.0], atol=1e-9)


# --- what a track becomes ----------------------------------------------------------------------


def test_gains_offsets_distances_and_what_is_not_played(tmp_path: Path) -> None:
    scene = loaded(
        tmp_path,
        Sound("Lead", [("a", still(20, 10, '<gain gainUnit="dB">-6</gain><height>40</height>'))],
              content='<gain>0.5</gain><positionOffset coordinate="azimuth">5</positionOffset>'),
        Sound("Back", [("a", still(20, 10, "<diffuse>0.0</diffuse><channelLock>0</channelLock>"))],
              content="<mute>1</mute>"),
        change=lambda axml: axml.replace(
            "</audioPackFormat>", "<absoluteDistance>3</absoluteDistance></audioPackFormat>", 1
        ),
    )  # fmt: skip
    lead, back = scene.tracks
    assert lead.gain_db == pytest.approx(-6.0 - 6.0206, abs=1e-4)
    assert replace(lead, gain_db=0.0) == Track(
        "m.wav", "Lead", channels=(1,), position=Static(25.0, 10.0, 3.0), distance=POINT
    )
    assert back == Track(
        "m.wav", "Back", channels=(2,), position=Static(20.0, 10.0), distance=POINT, mute=True
    )
    assert scene.notes == ("height is not played: Lead",)


def test_beds_by_their_labels(tmp_path: Path) -> None:
    cinema = [f"RC_{name}" for name in
              ("L", "R", "C", "LFE", "Lrs", "Rrs", "Lss", "Rss", "Lts", "Rts")]  # fmt: skip
    itu = [f"urn:itu:bs:2051:0:speaker:{label}" for label in
           ("M+030", "M-030", "LFE", "M+000", "M+110", "M-110")]  # fmt: skip
    scene = loaded(
        tmp_path, Sound("Bed", speakers(*cinema), "DirectSpeakers"),
        Sound("Five", speakers(*itu), "DirectSpeakers", content="<gain>0.1</gain>"),
        Sound("Odd", speakers("M+090", "LFE", "left"), "DirectSpeakers"),
    )  # fmt: skip
    bed, five, *odd = scene.tracks
    assert bed == Track("m.wav", "Bed", type="bed", layout="7.1.2", channel_order="smpte",
                        channels=(1, 2, 3, 4, 7, 8, 5, 6, 9, 10))  # fmt: skip
    assert five == Track("m.wav", "Five", type="bed", layout="5.1", channel_order="smpte",
                         channels=(11, 12, 14, 13, 15, 16), gain_db=-20.0)  # fmt: skip
    assert odd == [
        Track("m.wav", "Odd: M+090", channels=(17,), position=Static(90.0), distance=POINT),
        Track("m.wav", "Odd: LFE", type="bed", layout="lfe", channel_order="smpte",
              channels=(18,)),
        Track("m.wav", "Odd: left", channels=(19,), position=Static(10.0), distance=POINT),
    ]  # fmt: skip


def test_a_bed_that_is_not_always_on_is_played_by_its_loudspeakers(tmp_path: Path) -> None:
    scene = loaded(
        tmp_path, Sound("Bed", speakers("M+030", "LFE", "M-030"), "DirectSpeakers",
                        attributes='start="00:00:00.25" duration="00:00:00.5"'),
    )  # fmt: skip
    left = scene.tracks[0].position
    assert isinstance(left, Keyframes)
    way = position_path(left, Path)
    np.testing.assert_allclose(way.gains(np.array([0.2, 0.3, 0.7, 0.8])), [0, 1, 1, 0], atol=1e-9)
    np.testing.assert_allclose(way.positions_m(np.array([0.3]))[0], unit_vectors(30.0, 0.0))
    assert scene.notes == ("an LFE channel whose gain changes in time plays evenly: Bed: LFE",)


def test_ambisonics_in_any_order_of_channels(tmp_path: Path) -> None:
    scene = loaded(
        tmp_path, Sound("A", ambisonic(1)[::-1], "HOA"), Sound("B", ambisonic(2, "N3D"), "HOA")
    )
    assert scene.tracks == (
        Track("m.wav", "A", type="ambisonic", order=1, normalisation="sn3d",
              channels=(4, 3, 2, 1)),
        Track("m.wav", "B", type="ambisonic", order=2, normalisation="n3d",
              channels=tuple(range(5, 14))),
    )  # fmt: skip


def test_an_lfe_alone_sounds_as_that_of_a_bed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))
    synthetic_set.make_set(sample_rate=RATE).save(tmp_path / "h.sofa")
    noise = np.random.default_rng(0).standard_normal(4800)
    audio = np.zeros((4800, 6))
    audio[:, 3] = noise
    soundfile.write(tmp_path / "bed.wav", audio, RATE, subtype="FLOAT")
    heard = []
    for track in (
        Track("bed.wav", type="bed", layout="5.1"),
        Track("bed.wav", type="bed", layout="lfe", channels=(4,)),
    ):
        scene = Scene(folder=str(tmp_path), tracks=(track,))
        scene.listener = replace(scene.listener, hrtf="h.sofa", rank=8)
        heard.append(scene.process(4800))
        scene.reset()
    assert synthetic_set.level_db(heard[0] - heard[1], heard[0]) < -110.0


def test_common_definitions_without_xml(tmp_path: Path) -> None:
    rows = [(i + 1, f"ATU_{i + 1:08x}", f"AT_0001000{i + 1}_01", "AP_00010003") for i in range(6)]
    rows += [(7 + i, f"ATU_{i + 7:08x}", f"AT_0004010{i + 1}_01", "AP_00040011") for i in range(4)]
    MAKER.write_adm(tmp_path / "m.wav", np.zeros((10, 4800), np.float32), "", rows)
    bed, scene = Scene.load(tmp_path / "m.wav").tracks
    assert (bed.layout, bed.channels) == ("5.1", (1, 2, 3, 4, 5, 6))
    assert (scene.order, scene.normalisation, scene.channels) == (1, "n3d", (7, 8, 9, 10))


def test_chna_may_name_channels_themselves(tmp_path: Path) -> None:
    """As BS.2076-2 and BS.2088 allow, without track and stream formats."""
    axml, rows = MAKER.document([Sound("o", [("a", still(7))])])
    named = "<audioTrackFormatIDRef>AT_00031001_01</audioTrackFormatIDRef><audioPack"
    assert named in axml
    channel = "<audioChannelFormatIDRef>AC_00031001</audioChannelFormatIDRef><audioPack"
    rows = [(1, "ATU_00000001", "AC_00031001_00", rows[0][3])]
    for replacement in (channel, "<audioPack"):
        given = axml.replace(named, replacement)
        MAKER.write_adm(tmp_path / "m.wav", np.zeros((1, 4800), np.float32), given, rows)
        assert Scene.load(tmp_path / "m.wav").tracks[0].position == Static(7.0)


# --- which objects play ------------------------------------------------------------------------


def test_nested_objects_multiply_their_gains_and_start_by_themselves(tmp_path: Path) -> None:
    def nest(axml: str) -> str:
        axml = axml.replace("<audioObjectIDRef>AO_03ea</audioObjectIDRef></audioContent>",
                            "</audioContent>")  # fmt: skip
        return axml.replace(
            "</audioObject>", "<audioObjectIDRef>AO_03ea</audioObjectIDRef></audioObject>", 1
        )

    scene = loaded(
        tmp_path, Sound("outer", [("a", still(1))], content="<gain>0.5</gain>"),
        Sound("inner", [("b", still(2))], content="<gain>0.2</gain>",
              attributes='start="00:00:00.5"'), change=nest,
    )  # fmt: skip
    assert [track.name for track in scene.tracks] == ["outer", "inner"]
    assert [track.gain_db for track in scene.tracks] == pytest.approx([-6.0206, -20.0], abs=1e-4)
    gains = position_path(scene.tracks[1].position, Path).gains(np.array([0.4, 0.6]))
    np.testing.assert_allclose(gains, [0, 1], atol=1e-9)


def two_programmes(axml: str) -> str:
    return axml.replace(
        '<audioContent audioContentID="ACO_1001"',
        '<audioProgramme audioProgrammeID="APR_1002" audioProgrammeName="Second">'
        "<audioContentIDRef>ACO_1002</audioContentIDRef></audioProgramme>"
        '<audioContent audioContentID="ACO_1002" audioContentName="Two">'
        "<audioObjectIDRef>AO_03ea</audioObjectIDRef></audioContent>"
        '<audioContent audioContentID="ACO_1001"',
    )


def test_one_programme_of_several(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.wav", Sound("one", [("a", still(1))]),
                 Sound("two", [("b", still(2))]), change=two_programmes)  # fmt: skip
    scene = Scene.load(path)
    assert [track.name for track in scene.tracks] == ["one", "two"]
    assert scene.notes == ("plays the programme APR_1001 (Mix), not: APR_1002",)
    for wanted in ("APR_1002", "Second"):
        second = Scene.load(path, programme=wanted)
        assert ([t.name for t in second.tracks], second.notes) == (["two"], ())
        assert second.name == "Second"


def test_complementary_objects_and_silent_tracks_do_not_play(tmp_path: Path) -> None:
    silent = "<audioTrackUIDRef>ATU_00000000</audioTrackUIDRef>"
    other = "<audioComplementaryObjectIDRef>AO_03ea</audioComplementaryObjectIDRef>"
    scene = loaded(
        tmp_path, Sound("English", [("a", still(1))], content=silent + other),
        Sound("French", [("b", still(1))]),
    )  # fmt: skip
    assert [track.name for track in scene.tracks] == ["English"]


def ears(left: str = "leftEar", right: str = "rightEar", **keys: Any) -> Any:
    return Sound("ears", [(left, [Block()]), (right, [Block()])], "Binaural", **keys)


def test_finished_sound_for_the_two_ears_is_a_track_of_its_own(tmp_path: Path) -> None:
    scene = loaded(
        tmp_path, ears("RightEar", "LeftEar", content="<gain>0.1</gain>"),
        Sound("o", [("o", still(1))]),
    )  # fmt: skip
    assert scene.tracks[0] == Track(
        "m.wav", "ears", type="binaural", channels=(2, 1), gain_db=-20.0
    )
    assert len(scene.tracks) == 2
    assert not scene.notes


def test_one_ear_alone_is_left_out_and_said(tmp_path: Path) -> None:
    scene = loaded(tmp_path, ears("leftEar", "third"), Sound("o", [("o", still(1))]))
    assert len(scene.tracks) == 1
    assert scene.notes == (
        "Binaural channels without a pair (leftEar, third) are left out: ears",
    )  # fmt: skip


def test_binaural_common_definitions(tmp_path: Path) -> None:
    rows = [(i, f"ATU_{i:08x}", f"AT_0005000{i}_01", "AP_00050001") for i in (1, 2)]
    MAKER.write_adm(tmp_path / "m.wav", np.zeros((2, 4800), np.float32), "", rows)
    (track,) = Scene.load(tmp_path / "m.wav").tracks
    assert (track.type, track.channels, track.mute) == ("binaural", (1, 2), False)


def test_objects_that_are_locked_to_the_head(tmp_path: Path) -> None:
    locked = "<headLocked>1</headLocked>"
    both = [Block(0.0, 0.5, polar(1, 0) + locked), Block(0.5, 0.5, polar(9, 0))]
    scene = loaded(
        tmp_path, Sound("all", [("a", still(40, 0, locked))]), Sound("some", [("b", both)]),
        Sound("none", [("c", still(40, 0, "<headLocked>0</headLocked>"))]),
    )  # fmt: skip
    assert [track.head_locked for track in scene.tracks] == [True, False, False]
    assert scene.notes == ("headLocked of some blocks only is not played: some",)


def test_beds_that_are_locked_to_the_head_play_by_their_loudspeakers(tmp_path: Path) -> None:
    def change(axml: str) -> str:
        return axml.replace("</speakerLabel>", "</speakerLabel><headLocked>1</headLocked>").replace(
            "<normalization>", "<headLocked>1</headLocked><normalization>"
        )

    scene = loaded(
        tmp_path, Sound("Bed", speakers("M+030", "M-030"), "DirectSpeakers"),
        Sound("Field", ambisonic(1), "HOA"), change=change,
    )  # fmt: skip
    left, right, field = scene.tracks
    assert (left.position, left.head_locked) == (Static(30.0), True)
    assert (right.position, right.head_locked) == (Static(-30.0), True)
    assert (field.type, field.head_locked) == ("ambisonic", True)
    assert scene.notes == ()


# --- sizes -------------------------------------------------------------------------------------


def test_a_width_in_degrees_is_that_of_the_source(tmp_path: Path) -> None:
    scene = loaded(
        tmp_path, Sound("a", [("a", still(40, 0, "<width>70</width>"))]),
        Sound("b", [("b", still(40, 0, "<width>250</width>"))]),
    )  # fmt: skip
    assert [track.source_width_deg for track in scene.tracks] == [70.0, 180.0]
    assert scene.notes == ("a width of more than 180 degrees is played as that: b",)


def test_a_width_over_time_is_that_of_the_keyframes(tmp_path: Path) -> None:
    blocks = [
        Block(0.0, 0.25, polar(0, 0) + "<width>20</width>"),
        Block(0.25, 0.5, polar(0, 0) + "<width>60</width>"),
        Block(0.75, 0.25, polar(0, 0) + "<jumpPosition>1</jumpPosition>"),
    ]
    (track,) = loaded(tmp_path, Sound("a", [("a", blocks)])).tracks
    assert isinstance(track.position, Keyframes)
    way = keyframe_path(track.position)
    np.testing.assert_allclose(
        way.widths_deg(np.array([0.1, 0.25, 0.5, 0.74, 0.8])), [20, 20, 40, 59.2, 0], atol=1e-6
    )
    still_wide = [Block(0.0, 0.5, polar(0, 0) + "<width>20</width>"),
                  Block(0.5, 0.5, polar(90, 0) + "<width>20</width>")]  # fmt: skip
    (track,) = loaded(tmp_path, Sound("a", [("a", still_wide)])).tracks
    assert track.source_width_deg == 20.0
    assert isinstance(track.position, Keyframes)
    assert track.position.keyframes[0].source_width_deg is None


@pytest.mark.parametrize(
    ("place", "sizes", "wanted_deg"),
    [  # of EBU's reader and renderer 2.1.0, which converts by the same standard
        ((0.0, 1.0, 0.0), (0.5, 0.0, 0.0), 60.0),
        ((-1.0, 0.0, 0.0), (0.0, 0.3, 0.0), 44.58306823041207),
        ((-1.0, 1.0, 0.0), (0.2, 0.2, 0.2), 39.71117539416718),
        ((0.3, 1.0, 0.5), (0.84, 0.84, 0.84), 241.4621585919973),
        ((0.0, 1.0, 0.0), (0.0, 0.0, 0.0), 0.0),
    ],
)
def test_sizes_in_the_room_are_widths_by_the_standard(
    place: Any, sizes: Any, wanted_deg: float
) -> None:
    polar_place = polar_from_room([place])
    assert width_deg_from_room(polar_place, [sizes])[0] == pytest.approx(wanted_deg, abs=1e-6)


# --- what other tools write --------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 8, 70_000])
def test_zeros_between_chunks_and_what_lies_behind_the_end_are_skipped(
    tmp_path: Path, n: int
) -> None:
    audio = np.random.default_rng(n).standard_normal((2, 100)).astype(np.float32)
    axml, rows = MAKER.document([Sound("o", [("a", still(1)), ("b", still(2))])])
    MAKER.write_adm(tmp_path / "m.wav", audio, axml, rows, b"RIFF")
    data = (tmp_path / "m.wav").read_bytes()
    for begin in sorted(each.begin - 8 for each in wave_chunks(tmp_path / "m.wav").values())[:0:-1]:
        data = data[:begin] + bytes(n) + data[begin:]
    size = len(data) - 8
    data = data[:4] + size.to_bytes(4, "little") + data[8:] + b"LIST\xff\xff\xff\x7fmore"
    (tmp_path / "m.wav").write_bytes(data)
    assert len(Scene.load(tmp_path / "m.wav").tracks) == 2
    source = FileSource(tmp_path / "m.wav")
    np.testing.assert_array_equal(source.read(100), audio)
    source.close()


@pytest.mark.parametrize("size", [0, 36, 0xFFFFFFFF])
def test_a_size_of_riff_that_was_not_kept_up_is_not_believed(tmp_path: Path, size: int) -> None:
    axml, rows = MAKER.document([Sound("o", [("a", still(1))])])
    MAKER.write_adm(tmp_path / "m.wav", np.zeros((1, 100), np.float32), axml, rows, b"RIFF")
    data = (tmp_path / "m.wav").read_bytes()
    (tmp_path / "m.wav").write_bytes(data[:4] + size.to_bytes(4, "little") + data[8:])
    assert len(Scene.load(tmp_path / "m.wav").tracks) == 1


@pytest.mark.parametrize("text", ["-inf", "-INF", " -Infinity "])
def test_a_fader_at_the_bottom_is_silence(tmp_path: Path, text: str) -> None:
    fader = f'<gain gainUnit="dB">{text}</gain>'
    blocks = [Block(0.0, 0.5, polar(0, 0) + fader), Block(0.5, 0.5, polar(0, 0))]
    moving, quiet = loaded(
        tmp_path, Sound("a", [("a", blocks)]), Sound("b", [("b", still(3))], content=fader)
    ).tracks
    assert quiet.mute
    assert isinstance(moving.position, Keyframes)
    gains = keyframe_path(moving.position).gains(np.array([0.25, 0.75, 1.0]))
    np.testing.assert_allclose(gains, [0.0, 0.5, 1.0], atol=1e-9)


def test_a_gain_without_bounds_is_refused_where_it_is_no_silence(tmp_path: Path) -> None:
    for fader in ('<gain gainUnit="dB">inf</gain>', "<gain>-inf</gain>"):
        with pytest.raises(AuricleError, match="must be a finite number"):
            loaded(tmp_path, Sound("a", [("a", still(1, 0, fader))]))


def test_of_blocks_at_one_time_the_last_is_jumped_to(tmp_path: Path) -> None:
    blocks = [
        Block(0.0, 0.3, polar(10, 0)), Block(0.3, 0.00001, polar(50, 0)),
        Block(0.3, 0.00001, polar(60, 0)), Block(0.3, 0.7, polar(-80, 0)),
    ]  # fmt: skip
    scene = loaded(tmp_path, Sound("a", [("a", blocks)]), Sound("b", [("b", blocks)]))
    position = scene.tracks[0].position
    assert isinstance(position, Keyframes)
    places = keyframe_path(position).positions_m(np.array([0.1, 0.29, 0.3, 0.9]))
    np.testing.assert_allclose(places, unit_vectors(np.array([10, 10, -80, -80]), 0.0), atol=1e-9)
    assert scene.notes == ("blocks that begin at one time, of which the last counts: a, b",)


def test_a_block_without_length_says_where_the_next_ones_way_begins(tmp_path: Path) -> None:
    blocks = [Block(0.0, 0.0, polar(0, 0)), Block(0.0, 1.0, polar(60, 0))]
    scene = loaded(tmp_path, Sound("a", [("a", blocks)]))
    position = scene.tracks[0].position
    assert isinstance(position, Keyframes)
    azimuths = azimuth_elevation_deg(keyframe_path(position).positions_m(np.array([0.0, 0.5])))[0]
    np.testing.assert_allclose(azimuths, [0.0, 30.0], atol=1e-6)
    assert not scene.notes


def test_fuma_goes_to_its_own_order_of_channels(tmp_path: Path) -> None:
    (track,) = loaded(tmp_path, Sound("A", ambisonic(3, "FuMa"), "HOA")).tracks
    assert (track.order, track.normalisation) == (3, "fuma")
    assert track.channels == tuple(fuma.ACN[name] + 1 for name in fuma.CHANNELS)
    with pytest.raises(AuricleError, match="FuMa ends at order 3, got 4"):
        loaded(tmp_path, Sound("A", ambisonic(4, "FuMa"), "HOA"))


def test_fuma_of_the_common_definitions(tmp_path: Path) -> None:
    rows = [(i + 1, f"ATU_{i + 1:08x}", f"AT_000402{i + 1:02x}_01", "AP_00040021")
            for i in range(4)]  # fmt: skip
    MAKER.write_adm(tmp_path / "m.wav", np.zeros((4, 4800), np.float32), "", rows)
    (track,) = Scene.load(tmp_path / "m.wav").tracks
    # ACN order in the file is W Y Z X.
    assert (track.normalisation, track.channels) == ("fuma", (1, 4, 2, 3))


def test_a_real_master_has_its_sizes(data_dir: Path) -> None:
    path = data_dir / "daw" / "protools_adm.wav"
    if not path.exists():
        pytest.skip(f"needs {path}")
    scene = Scene.load(path)
    assert [track.layout for track in scene.tracks][0] == "7.1.2"
    position = scene.tracks[4].position
    assert isinstance(position, Keyframes)
    widths = [frame.source_width_deg or 0.0 for frame in position.keyframes]
    assert widths[0] == 0.0
    assert max(widths) == 180.0
    assert 0.0 < widths[len(widths) // 4] < widths[len(widths) // 2] < 180.0


def test_a_master_that_is_named_as_a_track_is_sent_to_the_scenes(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.wav", Sound("f", ambisonic(1), "HOA"))
    with pytest.raises(AuricleError, match=r"m\.wav: is an ADM master.* --scene"):
        render(path, tmp_path / "o.wav")


def test_the_command_line_says_what_is_not_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path_factory.getbasetemp() / "sets"))
    synthetic_set.make_set(sample_rate=RATE).save(tmp_path / "h.sofa")
    saved(tmp_path / "m.wav", Sound("one", [("a", still(1, 2, "<depth>0.5</depth>"))]),
          Sound("two", [("b", still(2))]), seconds=0.1, change=two_programmes)  # fmt: skip
    with pytest.raises(SystemExit) as stopped:
        main(["render", "--scene", str(tmp_path / "m.wav"), "-o", str(tmp_path / "o.wav"),
              "--hrtf", str(tmp_path / "h.sofa"), "--rank", "8"])  # fmt: skip
    assert stopped.value.code == 0
    said = capsys.readouterr().err
    assert "m.wav: depth is not played: one" in said
    assert "m.wav: plays the programme APR_1001 (Mix), not: APR_1002" in said
    assert soundfile.info(tmp_path / "o.wav").frames >= 4800
