"""What a prompt and a notebook show of the objects that people hold."""

import auricle
from auricle.plugin_core.scene.format.model import Track


def test_a_scene_is_one_line_whatever_its_size() -> None:
    tracks = tuple(Track(f"stem {i}.wav", name=f"<{i}>") for i in range(100))
    scene = auricle.Scene(name="A & B", tracks=tracks)
    assert repr(scene) == "<auricle.Scene 'A & B': 100 tracks>"
    html = scene._repr_html_()
    assert html.count("<tr>") == 101
    assert "&lt;99&gt;" in html
    assert "A &amp; B, heard by the default listener" in html


def test_a_loaded_scene_says_its_file(tmp_path) -> None:
    auricle.Scene(tracks=(Track("a.wav"),)).save(tmp_path / "scene.json")
    assert str(tmp_path / "scene.json") in repr(auricle.Scene.load(tmp_path / "scene.json"))


def test_live_says_whether_it_plays() -> None:
    live = auricle.Live(None, [auricle.Tone(), auricle.Noise()], backend="null")
    assert repr(live) == "<auricle.Live null, 2 sources, at rest>"


def test_plugins_say_where_they_are() -> None:
    for kind in (auricle.BinauralPlugin, auricle.NeuralPlugin):
        text = repr(kind(azimuth_deg=30, distance_m=2.5))
        assert text.startswith(f"<auricle.{kind.__name__} azimuth_deg=30 elevation_deg=0 ")
        assert "distance_m=2.5" in text
