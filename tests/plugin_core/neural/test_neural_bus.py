"""Tracks and scenes rendered by an end-to-end system: what it is given, and where it is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.plugin_core.motion.keyframes import KeyframePath
from auricle.plugin_core.motion.paths import PosedHead, SourcePath
from auricle.plugin_core.neural.apparent_positions import heard_places
from auricle.plugin_core.neural.bus import NeuralBus
from auricle.plugin_core.offline import render
from auricle.plugin_core.scene.scene import Scene

RATE, STEP = 48000, 128


class Recorder:
    """Gives its first source to both ears, 1/r as loud, a step late; keeps all places."""

    sample_rate, latency_samples, tail_samples, report = RATE, STEP, 2 * STEP, "recorder"

    def start(self, apparent_m: np.ndarray) -> None:
        self.places = [apparent_m]
        self._late = np.zeros(STEP, dtype=np.float32)

    def process(self, audio: np.ndarray, apparent_m: np.ndarray) -> np.ndarray:
        assert audio.shape == (self.places[0].shape[0], len(apparent_m) * STEP)
        self.places.extend(apparent_m)
        near = np.repeat(1.0 / np.linalg.norm(apparent_m[:, 0], axis=1), STEP)
        late = np.concatenate([self._late, (audio[0] * near).astype(np.float32)])
        self._late = late[-STEP:]
        return np.stack([late[:-STEP]] * 2)


@pytest.fixture
def track(tmp_path: Path) -> Path:
    audio = 0.1 * np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    sf.write(tmp_path / "t.wav", audio, RATE, subtype="FLOAT")
    return tmp_path / "t.wav"


def rendered(track: Path, recorder: Recorder, **settings: object) -> np.ndarray:
    out = track.with_name("out.wav")
    render(
        track, out, objects=lambda feeds, head: NeuralBus(recorder, feeds, head),
        sample_rate=RATE, **settings,
    )  # fmt: skip
    return sf.read(out, dtype="float32")[0].T


@pytest.mark.parametrize("block_size", [1, 300, 16384])
def test_a_track_comes_out_in_time_whatever_the_block(track: Path, block_size: int) -> None:
    audio, _ = sf.read(track, dtype="float32")
    out = rendered(track, Recorder(), block_size=block_size)
    assert out.shape[1] == len(audio) + Recorder.tail_samples
    np.testing.assert_allclose(out[:, : len(audio)], np.stack([audio] * 2), atol=1e-6)


def test_without_a_distance_level_and_place_are_those_at_one_metre(track: Path) -> None:
    recorder = Recorder()
    rendered(track, recorder, azimuth_deg=90.0)
    np.testing.assert_allclose(recorder.places[0], [[0.0, 1.0, 0.0]], atol=1e-9)


def test_the_level_falls_with_the_distance_once_not_twice(track: Path) -> None:
    audio, _ = sf.read(track, dtype="float32")
    recorder = Recorder()
    out = rendered(track, recorder, distance_m=4.0)
    np.testing.assert_allclose(np.linalg.norm(recorder.places[3], axis=1), 4.0, atol=1e-9)
    np.testing.assert_allclose(out[0, : len(audio)], audio / 4.0, atol=1e-6)


def test_an_orbit_under_a_turning_head_is_heard_where_it_was() -> None:
    path = SourcePath(0.0, 0.0, 10.0, orbit_seconds=2.0)
    head = PosedHead(quaternion_from_ypr_deg(40.0), np.zeros(3))
    seconds = np.linspace(0.5, 1.5, 7)
    found = heard_places([path], head, seconds)[:, 0]
    emitted = seconds - 10.0 / SOUND_SPEED_M_S
    np.testing.assert_allclose(found, 10.0 * unit_vectors(180.0 * emitted - 40.0), atol=1e-6)


def test_a_passing_source_is_heard_where_it_sent_the_sound() -> None:
    path = KeyframePath([0.0, 2.0], [[-20.0, 2.0, 0.0], [20.0, 2.0, 0.0]])
    seconds = np.linspace(0.3, 2.0, 50)
    found = heard_places([path], None, seconds)[:, 0]
    emitted = seconds - np.linalg.norm(found, axis=1) / SOUND_SPEED_M_S
    np.testing.assert_allclose(found[:, 0], -20.0 + 20.0 * emitted, atol=1e-4)


def test_a_scene_of_objects_plays_and_a_bed_is_refused(track: Path) -> None:
    document: dict = {
        "auricle_scene": 1,
        "tracks": [{"file": "t.wav", "gain_db": -6.0, "position": {"azimuth_deg": 30.0}}],
    }
    path = track.with_name("scene.json")
    path.write_text(json.dumps(document))
    recorder = Recorder()
    make = lambda feeds, head: NeuralBus(recorder, feeds, head)  # noqa: E731
    result = Scene.load(path).render(track.with_name("s.wav"), objects=make)
    assert result.report == "recorder"
    audio, _ = sf.read(track, dtype="float32")
    out = sf.read(track.with_name("s.wav"), dtype="float32")[0].T
    np.testing.assert_allclose(out[0, : len(audio)], audio * 10 ** (-0.3), atol=1e-5)
    sf.write(track.with_name("a.wav"), np.zeros((600, 4)), RATE)
    document["tracks"][0] |= {"file": "a.wav", "type": "ambisonic", "order": 1}
    document["tracks"][0].pop("position")
    path.write_text(json.dumps(document))
    with pytest.raises(AuricleError, match="ambisonic.*objects"):
        Scene.load(path).render(track.with_name("s.wav"), objects=make)
