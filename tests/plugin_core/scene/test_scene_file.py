"""Scene files: what is read, what is written again, and what each mistake is answered with."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project import ROOT

import auricle
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.scene import docs_page
from auricle.plugin_core.scene.format import model
from auricle.plugin_core.scene.format.json_tree import Node, SceneError, read_tree
from auricle.plugin_core.scene.scene import Scene


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: plain(each) for name, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    return node.value


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20,
)  # fmt: skip


@given(values, st.sampled_from([None, 1, "\t"]))
def test_the_tree_holds_what_json_reads(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)
    assert plain(read_tree(text, "s")) == json.loads(text)


def test_lines_are_those_of_keys_and_items() -> None:
    tree = read_tree('{\n "a": [1,\n\n  2, {"b\\n":\n 3}],\n "c": "{"}', "s")
    assert tree.lines() == {"": 1, "a": 2, "a[0]": 2, "a[1]": 4, "a[2]": 4, "a[2].b\n": 4, "c": 6}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: not JSON"),
        ('{"a": 1,\n\n"b": }', "line 3: not JSON"),
        ('{"a": 1}\n}', "line 2: not JSON"),
        ('{"a": 1,\n"a": 2}', "line 2: a: stands here twice, first in line 1"),
        ('{"a": [{"b": 1,\n"b": 2}]}', r"line 2: a\[0\].b: stands here twice"),
        ('{"NaN": 0,\n"b": NaN}', "line 2: NaN is no number"),
        ('{"b":\n -Infinity}', "line 2: -Infinity is no number"),
        ("[" * 40 + "]" * 40, "line 1: nested too deep"),
        ("[" * 100000, "nested too deep|not JSON"),
    ],
)
def test_what_is_no_json_names_the_line(text: str, said: str) -> None:
    with pytest.raises(SceneError, match=said) as caught:
        read_tree(text, "s.json")
    assert str(caught.value).startswith("s.json: ")
    assert "\n" not in str(caught.value)


def scene_text(track: str = "", top: str = "", listener: str = "") -> str:
    """A scene with line 4 for the track's keys, line 6 for the listener's, line 7 for others."""
    return (
        '{"auricle_scene": 1,\n "tracks": [\n  {"file": "a.wav"\n'
        f"   {',' + track if track else ''}\n"
        f' }}], "listener":\n {{ {listener} }}\n {"," + top if top else ""} }}'
    )


def load(tmp_path: Path, text: str) -> Scene:
    (tmp_path / "s.json").write_text(text)
    return Scene.load(tmp_path / "s.json")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"track": '"gain": 3'}, 'line 4: tracks[0].gain: unknown key; did you mean "gain_db"?'),
        ({"track": '"zzz": 3'}, "line 4: tracks[0].zzz: unknown key; known are file, name"),
        ({"top": '"trucks": []'}, 'line 7: trucks: unknown key; did you mean "tracks"?'),
        ({"track": '"gain_db": 90'}, "line 4: tracks[0].gain_db: must be from -200 to 60, got 90"),
        ({"track": '"gain_db": "3"'}, "line 4: tracks[0].gain_db: must be a number, not '3'"),
        ({"track": '"gain_db": true'}, "line 4: tracks[0].gain_db: must be a number, not true"),
        ({"track": '"gain_db": null'}, "line 4: tracks[0].gain_db: must be a number, not null"),
        ({"track": '"gain_db": 1e999'}, "line 4: tracks[0].gain_db: is too large"),
        ({"track": f'"gain_db": {10**400}'}, "line 4: tracks[0].gain_db: is too large"),
        ({"track": f'"gain_db": {"9" * 5000}'}, "line 4: tracks[0].gain_db: is too large"),
        ({"track": f'"start_seconds": {"1" * 7}'}, "start_seconds: must be at most 360000"),
        ({"track": f'"channels": [{"9" * 9999}]'}, "channels[0]: must be a whole number, not inf"),
        ({"listener": f'"rank": {10**399}'}, "line 6: listener.rank: is too large for a number"),
        ({"track": '"name": "\\udc80"'}, "line 4: tracks[0].name: '\\udc80' holds half a"),
        ({"track": '"layout": "a\\u0000b"'}, "layout: 'a\\x00b' holds half a character or"),
        ({"track": '"position": {"xyz_m": [0, -1e5, 0]}'}, "xyz_m: must be from -10000 to 10000"),
        ({"track": '"position": {"azimuth_deg": 1e300}'}, "must be from -1e+06 to 1e+06, got 1e+3"),
        ({"listener": '"position_m": [0, 0, 1e308]'}, "position_m: must be from -10000 to 10000"),
        ({"listener": '"roll_deg": -1e9'}, "roll_deg: must be from -1e+06 to 1e+06, got -1e+09"),
        ({"track": '"mute": 1'}, "line 4: tracks[0].mute: must be true or false, not 1"),
        ({"track": '"chain": {}'}, "line 4: tracks[0].chain: must be a list of objects, not an ob"),
        ({"track": '"chain": [{}]'}, 'line 4: tracks[0].chain[0]: needs the key "plugin"'),
        ({"track": '"type": "objekt"'}, "line 4: tracks[0].type: is one of object, binaural, bed"),
        ({"track": '"type": "bed", "layout": ["L"], "channel_order": "wav"'},
         "line 4: tracks[0].channel_order: a list of loudspeakers is the order"),
        ({"track": '"type": "bed", "layout": ["L", 3]'}, "layout[1]: must be a text, not 3"),
        ({"track": '"normalisation": "fuma"'}, "normalisation: only a track of type ambisonic"),
        ({"track": '"type": "binaural", "head_locked": true'}, "head_locked: a track of type bin"),
        ({"track": '"type": "bed", "layout": "5.1", "position": {"azimuth_deg": 3}'},
         "line 4: tracks[0].position: a track of type bed is all around"),
        ({"track": '"order": 3'}, "line 4: tracks[0].order: only a track of type ambisonic"),
        ({"track": '"channels": []'}, "line 4: tracks[0].channels: is an empty list"),
        ({"track": '"channels": [0]'}, "line 4: tracks[0].channels: must be at least 1, got 0"),
        ({"track": '"channels": "left"'}, "line 4: tracks[0].channels: is all, mix or a list"),
        ({"track": '"start_seconds": -1'}, "line 4: tracks[0].start_seconds: must be at least 0"),
        ({"track": '"position": {"orbit_seconds": 0}'}, "position.orbit_seconds: a turn takes"),
        ({"track": '"position": {"azimut_deg": 0}'}, 'did you mean "azimuth_deg"?'),
        ({"track": '"position": {"xyz_m": [1, 2]}'}, "xyz_m: must be a list of 3, not of 2"),
        ({"track": '"position": {"xyz_m": [1,2,3], "distance_m": 2}'}, "stands beside xyz_m"),
        ({"track": '"position": {"keyframes": []}'}, "position.keyframes: is empty"),
        ({"track": '"position": {"keyframes": [{}]}'}, '[0]: needs the key "time_seconds"'),
        ({"listener": '"rank": "all"'}, "line 6: listener.rank: is auto, full or a number"),
        ({"listener": '"level": "loud"'}, "line 6: listener.level: is one of matched, measured"),
        ({"top": '"seconds": 0'}, "line 7: seconds: must be from 0.001"),
        ({"top": '"output": {"sample_rate": 48000.5}'}, "sample_rate: must be a whole number"),
        ({"top": '"master": {"loudness": {}}'}, 'needs the key "target_lufs"'),
        (
            {"top": '"master": {"gain_db": 1, "loudness": {"target_lufs": -16}}'},
            "line 7: master.gain_db: does nothing beside a loudness target",
        ),
    ],
)  # fmt: skip
def test_mistakes_name_the_line_and_the_key(
    tmp_path: Path, parts: dict[str, str], said: str
) -> None:
    with pytest.raises(SceneError) as caught:
        load(tmp_path, scene_text(**parts))
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "s.json") + ": line ")
    assert "\n" not in str(caught.value)


def test_keyframes_out_of_order_name_the_line(tmp_path: Path) -> None:
    frames = ",\n".join(f'{{"time_seconds": {t}}}' for t in (0, 2, 2.5, 1))
    with pytest.raises(SceneError, match=r"line 7: .*keyframes\[3\].time_seconds: 1 does not come"):
        load(tmp_path, scene_text('"position": {"keyframes": [' + frames + "]}"))


@pytest.mark.parametrize(
    "text", ["[]", "3", "{}", '{"auricle_scene": 2}', '{"auricle_scene": "1"}']
)
def test_other_versions_and_other_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SceneError, match=r"line 1"):
        load(tmp_path, text)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(AuricleError, match="no such file"):
        Scene.load(tmp_path / "none.json")
    with pytest.raises(AuricleError, match="is a folder"):
        Scene.load(tmp_path)
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(AuricleError, match="not a JSON text"):
        Scene.load(tmp_path / "b.json")


def full_scene() -> Scene:
    keyframes = model.Keyframes(
        (
            model.Keyframe(0.0, azimuth_deg=10.0, easing="hold", gain_db=-3.0),
            model.Keyframe(1.5, xyz_m=(1.0, 2.0, 3.0), source_width_deg=30.0),
        ),
        "spline",
    )
    plugins = (
        model.BuiltInPlugin("Compressor", {"ratio": 3.0}),
        model.Vst3Plugin("x.vst3", "x", {"on": True, "mode": "a", "steps": 3}),
    )
    return Scene(
        name="é ½", folder="stems", seconds=3.0,
        tracks=(
            model.Track("a.wav", position=keyframes, chain=plugins, channels=(2, 1), solo=True),
            model.Track("b.wav", position=model.Orbit(-8.0), mute=True, loop=True, width_deg=90.0),
            model.Track("c.wav", position=model.PositionFile("c.csv", "spherical")),
            model.Track("d.wav", position=model.Static(xyz_m=(0.0, 1.0, 0.0)),
                        distance=model.Distance(delay=True),
                        directivity=model.Directivity("cardioid", 2.0)),
            model.Track("d.wav", type="bed", layout="5.1", channel_order="film", lfe="drop"),
            model.Track("e.wav", type="ambisonic", order=3),
            model.Track("f.wav", type="bed", layout=("L", "R", "M+075")),
            model.Track("g.wav", type="binaural", channels=(5, 6)),
            model.Track("h.wav", head_locked=True),
        ),
        air=model.Air(5.0), listener=model.Listener("h.sofa", 12, yaw_deg=30.0, head_track="p.csv"),
        master=model.Master(plugins, 0.0, model.Loudness(-23.0), model.Limiter(-2.0)),
        output=model.Output(44100, "pcm24", 1.0),
    )  # fmt: skip


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    scene = full_scene()
    scene.folder = str(tmp_path / "stems")
    scene.save(tmp_path / "s.json")
    again = Scene.load(tmp_path / "s.json")
    assert again.folder == "stems"
    again.folder = scene.folder
    assert again == scene
    assert json.loads((tmp_path / "s.json").read_text())["tracks"][5] == {
        "file": "e.wav", "type": "ambisonic", "order": 3
    }  # fmt: skip


def test_a_copy_elsewhere_finds_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "stems").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    scene = load(tmp_path / "a", scene_text(top='"folder": "stems"'))
    scene.save(tmp_path / "b" / "copy.json")
    copy = Scene.load(tmp_path / "b" / "copy.json")
    there = (copy.place.folder / copy.folder).resolve()
    assert there == (tmp_path / "a" / "stems").resolve()
    with pytest.raises(AuricleError, match="no such folder"):
        Scene.load(tmp_path / "b" / "copy.json", folder=tmp_path / "none")
    with pytest.raises(AuricleError, match="could not be written"):
        scene.save(tmp_path / "nowhere" / "s.json")


@pytest.mark.parametrize(
    "make",
    [
        lambda: model.Track("a.wav", gain_db=99.0),
        lambda: model.Track("a.wav", gain_db=float("nan")),
        lambda: model.Track("a.wav", type="bed", order=1),
        lambda: model.Keyframes((model.Keyframe(1.0), model.Keyframe(1.0))),
        lambda: model.Orbit(0.0),
        lambda: Scene(seconds=-1.0),
    ],
)
def test_made_in_python_the_same_is_refused(make: Any) -> None:
    with pytest.raises(AuricleError):
        make()


def test_the_scene_in_the_documentation_is_one(tmp_path: Path) -> None:
    example = docs_page.text().split("```json\n")[1].split("```")[0]
    assert len(load(tmp_path, example).tracks) == 2


def test_the_example_is_a_scene() -> None:
    scene = auricle.Scene.load(ROOT / "examples" / "song.json")
    assert len(scene.tracks) == 5
    assert all(track.chain for track in scene.tracks)
