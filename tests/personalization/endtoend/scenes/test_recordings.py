"""Recorded binaural sets in their published form, made up: frames, mouths, and what is wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.geometry import rotate
from auricle.personalization.datasets.subjects import DatasetError
from auricle.personalization.endtoend.physics.poses import RATE, STEP
from auricle.personalization.endtoend.scenes.recordings import RECORDED_SETS, load_recordings

SECONDS = 2.0


def write(folder: Path, places: np.ndarray, quaternions_xyzw: np.ndarray) -> Path:
    """A recording in Meta's form."""
    folder.mkdir(parents=True)
    n_samples = int(SECONDS * RATE)
    rng = np.random.default_rng(0)
    soundfile.write(folder / "mono.wav", 0.1 * rng.standard_normal(n_samples), RATE, "FLOAT")
    both = 0.1 * rng.standard_normal((n_samples, 2))
    soundfile.write(folder / "binaural.wav", both, RATE, "FLOAT")
    np.savetxt(folder / "tx_positions.txt", np.concatenate([places, quaternions_xyzw], axis=1))
    return folder


def rows() -> int:
    return int(SECONDS * 120)


def upright(yaw_deg: float = 0.0) -> np.ndarray:
    half = np.deg2rad(yaw_deg) / 2.0
    return np.tile([0.0, 0.0, np.sin(half), np.cos(half)], (rows(), 1))


def test_what_is_right_of_the_mannequin_is_on_the_right(tmp_path: Path) -> None:
    """Theirs has y to the right; the mouth is 9 cm before the tracker and 20 cm below it."""
    write(tmp_path / "trainset" / "subject1", np.tile([1.5, 0.4, 0.1], (rows(), 1)), upright())
    write(tmp_path / "trainset" / "subject2", np.tile([1.5, -0.4, 0.1], (rows(), 1)), upright())
    found = load_recordings(tmp_path)
    assert [each.name for each in found] == ["trainset/subject1", "trainset/subject2"]
    first = found[0]
    assert first.mono.shape == (first.poses.n_samples,) == (int(SECONDS * RATE) // STEP * STEP,)
    assert first.binaural.shape == (2, first.poses.n_samples)
    assert np.allclose(first.poses.apparent_m, [1.59, -0.4, 0.12], atol=1e-9)
    assert np.allclose(found[1].poses.apparent_m, [1.59, 0.4, 0.12], atol=1e-9)
    assert first.poses.facing is not None
    assert np.allclose(rotate(first.poses.facing, [1.0, 0.0, 0.0]), [1.0, 0.0, 0.0])


def test_a_speaker_who_turns_moves_the_mouth_as_the_publication_computes_it(tmp_path: Path) -> None:
    """Their mouth stands at the inverse of the quaternion, in their axes (their section 3.1)."""
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(3)
    q = rng.normal(size=4)
    q /= np.linalg.norm(q)
    place = np.array([1.0, 0.3, -0.1])
    write(tmp_path / "s", np.tile(place, (rows(), 1)), np.tile(q, (rows(), 1)))
    mouth = Rotation.from_quat(q).apply([0.09, 0.0, -0.20], inverse=True)
    theirs = place + mouth - np.array([0.0, 0.0, -0.22])
    found = load_recordings(tmp_path / "s")[0].poses
    assert np.allclose(found.apparent_m, theirs * [1.0, -1.0, 1.0], atol=1e-9)


def test_sound_of_a_moving_speaker_left_where_they_were(tmp_path: Path) -> None:
    places = np.stack(
        [2.0 + 0.5 * np.arange(rows()) / 120.0, 0 * np.ones(rows()), np.full(rows(), -0.02)], 1
    )
    write(tmp_path / "s", places, upright())
    apparent = load_recordings(tmp_path / "s")[0].poses.apparent_m
    times = np.arange(len(apparent)) * STEP / RATE
    wanted = (2.09 + 0.5 * times) / (1.0 + 0.5 / SOUND_SPEED_M_S)
    assert np.allclose(apparent[100:600, 0], wanted[100:600], atol=1e-4)


def test_quaternions_that_flip_their_sign_turn_nobody(tmp_path: Path) -> None:
    q = upright(40.0) * np.where(np.arange(rows()) % 3 == 0, -1.0, 1.0)[:, None]
    write(tmp_path / "s", np.tile([1.0, 0.0, 0.0], (rows(), 1)), q)
    apparent = load_recordings(tmp_path / "s")[0].poses.apparent_m
    assert np.ptp(apparent, axis=0).max() < 1e-9


def test_bad_recordings_are_refused_with_one_line(tmp_path: Path) -> None:
    still = np.tile([1.0, 0.0, 0.0], (rows(), 1))
    with pytest.raises(DatasetError, match="no recorded set 'x'; there are binaural-speech"):
        load_recordings(tmp_path, "x")
    with pytest.raises(DatasetError, match="is no folder; unpack Binaural Speech"):
        load_recordings(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"holds no tx_positions\.txt"):
        load_recordings(tmp_path)
    folder = write(tmp_path / "a", still, upright())
    np.savetxt(folder / "tx_positions.txt", np.zeros((10, 7)))
    with pytest.raises(DatasetError, match="10 rows, but 240 are due at 120 a second"):
        load_recordings(folder)
    np.savetxt(folder / "tx_positions.txt", np.concatenate([still, 0 * upright()], axis=1))
    with pytest.raises(DatasetError, match="holds a quaternion of zeros"):
        load_recordings(folder)
    np.savetxt(folder / "tx_positions.txt", still)
    with pytest.raises(DatasetError, match="rows are x y z qx qy qz qw"):
        load_recordings(folder)
    (folder / "tx_positions.txt").write_text("1 2 three\n")
    with pytest.raises(DatasetError, match="is not a table of numbers"):
        load_recordings(folder)
    folder = write(tmp_path / "b", still, upright())
    soundfile.write(folder / "mono.wav", np.zeros(44100), 44100)
    with pytest.raises(DatasetError, match="1 channels at 48000 Hz are due, got 1 at 44100"):
        load_recordings(folder)
    (folder / "mono.wav").unlink()
    with pytest.raises(DatasetError, match=r"mono\.wav: is missing"):
        load_recordings(folder)


def test_what_is_known_of_a_set_is_complete() -> None:
    for each in RECORDED_SETS.values():
        assert each.license
        assert each.citation
        assert each.page.startswith("https://")
        assert each.sample_rate_hz == RATE
