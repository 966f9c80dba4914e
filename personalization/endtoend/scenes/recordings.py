"""Recorded binaural sets in the form in which they are published: sound, both ears, places.

A recording becomes what the systems take: sound and ears at 48 kHz on the step grid, the places
where the sound was emitted in the axes of the head, and how the source faces.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.geometry import IDENTITY, quaternion_normalise, rotate
from auricle.personalization.datasets.subjects import DatasetError
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses, heard_poses

# Of Meta's recordings, in metres: trackers sat on the heads, above what sounds and what hears.
MOUTH_FROM_TRACKER_M = np.array([0.09, 0.0, -0.20])
EARS_FROM_TRACKER_M = np.array([0.0, 0.0, -0.22])
META_POSE_HZ = 120


@dataclass(frozen=True)
class Recording:
    """One recording: ``mono`` (T,), ``binaural`` (2, T), T in whole steps, and ``poses``."""

    name: str
    mono: Float32
    binaural: Float32
    poses: Poses


@dataclass(frozen=True)
class RecordedSet:
    """A published set of binaural recordings; ``load`` reads a folder of it."""

    name: str
    license: str
    citation: str
    page: str
    sample_rate_hz: int
    form: str
    load: Callable[[Path], list[Recording]]


def load_recordings(folder: Path, name: str = "binaural-speech") -> list[Recording]:
    """All recordings of a published set in a folder; DatasetError with what is wrong."""
    known = RECORDED_SETS.get(name)
    if known is None:
        raise DatasetError(
            f"there is no recorded set {name!r}; there are {', '.join(RECORDED_SETS)}"
        )
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder; unpack {known.name} there ({known.page})")
    return known.load(folder)


def load_binaural_speech(folder: Path) -> list[Recording]:
    """Meta's set: folders with ``mono.wav``, ``binaural.wav`` and ``tx_positions.txt``.

    A row of positions, 120 a second, is x y z qx qy qz qw of the speaker's tracker, seen from the
    mannequin's: x front, y right, z up, and its quaternions turn the room's axes into the
    speaker's. ``folder`` holds such folders (trainset, testset), at any depth, or is one.
    """
    found = sorted(each.parent for each in folder.rglob("tx_positions.txt"))
    if not found:
        raise DatasetError(
            f"{folder}: holds no tx_positions.txt; name the folder of the unpacked set"
        )
    return [_meta_recording(each, each.relative_to(folder).as_posix()) for each in found]


def _meta_recording(folder: Path, name: str) -> Recording:
    mono, binaural = _wave(folder / "mono.wav", 1), _wave(folder / "binaural.wav", 2)
    path = folder / "tx_positions.txt"
    try:
        rows = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise DatasetError(f"{path}: is not a table of numbers ({error})") from None
    if rows.ndim != 2 or rows.shape[1] != 7 or not np.all(np.isfinite(rows)):
        raise DatasetError(f"{path}: rows are x y z qx qy qz qw, finite; got {rows.shape}")
    if mono.shape[1] != binaural.shape[1]:
        raise DatasetError(
            f"{folder}: mono.wav has {mono.shape[1]} samples, binaural.wav {binaural.shape[1]}"
        )
    needed = mono.shape[1] * META_POSE_HZ / RATE
    if abs(len(rows) - needed) > 2.0:
        raise DatasetError(
            f"{path}: {len(rows)} rows, but {needed:.0f} are due at {META_POSE_HZ} a second"
        )
    if np.any(np.linalg.norm(rows[:, 3:], axis=1) < 1e-6):
        raise DatasetError(f"{path}: holds a quaternion of zeros")
    facing, mouth_m = _meta_places(rows)
    n_steps = mono.shape[1] // STEP
    if n_steps < 1:
        raise DatasetError(f"{folder}: is shorter than {STEP} samples")
    times = np.arange(n_steps + 1) * (STEP / RATE)
    rows_at = np.arange(len(rows)) / META_POSE_HZ
    both = np.concatenate([mouth_m, facing], axis=1)
    values = np.stack([np.interp(times, rows_at, column) for column in both.T], axis=1)
    poses = heard_poses(values[:, :3], IDENTITY, np.zeros(3))
    kept = n_steps * STEP
    return Recording(
        name, mono[0, :kept], binaural[:, :kept],
        Poses(poses.apparent_m, quaternion_normalise(values[:, 3:])),
    )  # fmt: skip


def _meta_places(rows: Array) -> tuple[Array, Array]:
    """How the mouth faces (J, 4) and where it is (J, 3), in the axes of the head."""
    w, x, y, z = rows[:, [6, 3, 4, 5]].T
    # Turned round, since theirs goes from the room to the speaker, then seen in the mirror y -> -y,
    # which turns the sense of a rotation about x and z.
    q = quaternion_normalise(np.stack([w, x, -y, z], axis=1))
    flips = np.cumprod(np.r_[1.0, np.where(np.sum(q[1:] * q[:-1], axis=1) < 0.0, -1.0, 1.0)])
    facing = q * flips[:, None]
    tracker_m = rows[:, :3] * np.array([1.0, -1.0, 1.0])
    return facing, tracker_m - EARS_FROM_TRACKER_M + rotate(facing, MOUTH_FROM_TRACKER_M)


def _wave(path: Path, n_channels: int) -> Float32:
    if not path.is_file():
        raise DatasetError(f"{path}: is missing")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
    if rate != RATE or samples.shape[1] != n_channels:
        raise DatasetError(
            f"{path}: {n_channels} channels at {RATE} Hz are due, got {samples.shape[1]} at {rate}"
        )
    return np.ascontiguousarray(samples.T)


RECORDED_SETS = {
    "binaural-speech": RecordedSet(
        "Binaural Speech (Meta)",
        "CC BY-NC 4.0",
        "Richard et al. 2021, Neural synthesis of binaural speech from mono audio, ICLR",
        "https://github.com/facebookresearch/BinauralSpeechSynthesis/releases/tag/v1.0",
        RATE,
        "subjectN/mono.wav, binaural.wav, tx_positions.txt (x y z qx qy qz qw at 120 Hz)",
        load_binaural_speech,
    ),
}
