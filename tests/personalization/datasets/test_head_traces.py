"""The published traces as POSES.csv: heads upright, walking forwards, and a render that follows."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import synthetic_set
from project import ROOT

from auricle.dsp.geometry import rotate, ypr_deg_from_quaternion
from auricle.plugin_core import offline
from auricle.plugin_core.motion.paths import HeadTrack

TRACES = {
    "hololens": "hololens_User4.csv.gz",
    "multiviewpoint": "user2_quaternion.txt.gz",
    "avtrack360": "avtrack360_48subjects.csv.gz",
    "tum": "fr2_desk_groundtruth.txt.gz",
}


@pytest.fixture(scope="module")
def converter() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "convert_head_traces.py")))


def converted(
    converter: SimpleNamespace,
    kind: str,
    source: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> HeadTrack:
    target = folder / "poses.csv"
    monkeypatch.setattr("sys.argv", ["convert", kind, str(source), str(target)])
    converter.main()
    return HeadTrack(target)


@pytest.mark.parametrize("kind", TRACES)
def test_heads_are_upright_and_turn_most_about_the_vertical(
    converter: SimpleNamespace, kind: str, data_dir: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = data_dir / "headtrack" / TRACES[kind]
    if not source.is_file():
        pytest.skip(f"needs {source}")
    head = converted(converter, kind, source, tmp_path, monkeypatch)
    seconds = np.arange(0.0, head.seconds, 0.1)
    q = head.orientations(seconds)
    up = rotate(q, [0.0, 0.0, 1.0])[:, 2]
    # The camera of tum looks down at a desk.
    assert np.mean(up) > (0.6 if kind == "tum" else 0.9)
    yaw, pitch, roll = (np.unwrap(angle, period=360.0) for angle in ypr_deg_from_quaternion(q))
    assert np.std(yaw) > max(np.std(pitch), np.std(roll))
    places = head.positions_m(seconds)
    assert np.std(places[:, 2]) <= np.std(places[:, :2], axis=0).max()


@pytest.mark.parametrize("user", [3, 4])
def test_people_walk_forwards(
    converter: SimpleNamespace, user: int, data_dir: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Who walks faster than 0.3 m/s looks where they go: this ties front and yaw to the places."""
    source = data_dir / "headtrack" / f"hololens_User{user}.csv.gz"
    if not source.is_file():
        pytest.skip(f"needs {source}")
    head = converted(converter, "hololens", source, tmp_path, monkeypatch)
    seconds = np.arange(0.25, head.seconds - 0.25, 0.1)
    step = head.positions_m(seconds + 0.25) - head.positions_m(seconds - 0.25)
    step[:, 2] = 0.0
    front = rotate(head.orientations(seconds), [1.0, 0.0, 0.0])
    front[:, 2] = 0.0
    lengths = np.linalg.norm(step, axis=1)
    walking = lengths / 0.5 > 0.3
    cosine = np.sum(step * front, axis=1) / (lengths * np.linalg.norm(front, axis=1) + 1e-12)
    assert cosine[walking].mean() > 0.4


def test_a_converted_trace_turns_the_sound_against_the_head(
    converter: SimpleNamespace, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the trace looks left, the right ear is louder, second by second."""
    source = data_dir / "headtrack" / TRACES["hololens"]
    if not source.is_file():
        pytest.skip(f"needs {source}")
    head = converted(converter, "hololens", source, tmp_path, monkeypatch)
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    noise = 0.1 * np.random.default_rng(2).standard_normal(30 * 16000)
    soundfile.write(tmp_path / "noise.wav", noise, 16000)
    offline.render(
        tmp_path / "noise.wav", tmp_path / "out.wav", hrtf=synthetic_set.make_set(),
        head_track=tmp_path / "poses.csv", distance_m=50.0, rank=8,
    )  # fmt: skip
    out = soundfile.read(tmp_path / "out.wav")[0][: 30 * 16000].reshape(30, 16000, 2)
    ild_db = 10.0 * np.log10(np.mean(out[..., 0] ** 2, 1) / np.mean(out[..., 1] ** 2, 1))
    fronts = rotate(head.orientations(np.arange(30) + 0.5), [1.0, 0.0, 0.0])
    # 50 m away in front of the world: its direction in the head turns with the head alone.
    assert np.corrcoef(ild_db, -fronts[:, 1])[0, 1] > 0.9
