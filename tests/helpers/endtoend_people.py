"""A few listeners by formula as a folder of data, and sounds and heads in their published forms."""

import gzip
from pathlib import Path

import numpy as np
import soundfile
from listener_groups import some_listeners

from auricle.dsp.geometry import azimuth_elevation_deg, quaternion_from_ypr_deg
from auricle.personalization.datasets.subjects import Subjects
from auricle.personalization.endtoend.listeners.people import role_of
from auricle.personalization.listeners.features import SAMPLE_RATE, to_responses


def ids_of(role: str, count: int, dataset: str = "HUTUBS") -> list[str]:
    """Ids whose people have a role."""
    return [str(k) for k in range(200, 400) if role_of(f"{dataset} {k}") == role][:count]


def subjects(n_train: int = 4, n_judge: int = 1, n_test: int = 2) -> Subjects:
    """People of a made-up HUTUBS at 44.1 kHz."""
    ids = ids_of("train", n_train) + ids_of("validation", n_judge) + ids_of("test", n_test)
    people = some_listeners(len(ids))
    ir = np.stack([to_responses(*people.listener(row).features) for row in range(len(ids))])
    fade = np.cos(np.linspace(0.0, np.pi / 2, 32)) ** 2
    ir[..., -32:] *= fade
    return Subjects(
        tuple(ids), ir, people.positions, 1.47, SAMPLE_RATE, np.empty((len(ids), 0)), (),
        np.arange(len(ids)), "HUTUBS",
    )  # fmt: skip


def write_data(folder: Path) -> None:
    """``hutubs.h5``, speech, music and head traces below a folder."""
    import h5py

    some = subjects()
    scale = np.abs(some.ir).max(axis=(1, 2, 3)) / 32767.0
    with h5py.File(folder / "hutubs.h5", "w") as file:
        file["ir_i16"] = np.round(some.ir / scale[:, None, None, None]).astype(np.int16)
        file["scale"] = scale.astype(np.float32)
        azimuth, elevation = azimuth_elevation_deg(some.positions)
        radius = np.full(len(azimuth), 1.47)
        file["source_position"] = np.column_stack([azimuth, elevation, radius])
        file["ids"] = np.array([int(each) for each in some.ids])
        file.attrs["sampling_rate"] = float(SAMPLE_RATE)
    write_sounds(folder)
    write_heads(folder)


def write_sounds(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name, rate, seconds in (
        ("speech/ru_male_16k/a.flac", 16000, 6.0),
        ("speech/vctk48/b.flac", 48000, 1.0),
        ("speech/asterisk_ru_16k_120s.flac", 16000, 5.0),
        ("speech/asterisk_en_16k_120s.flac", 16000, 5.0),
        ("music/song.ogg", 44100, 3.0),
        ("music/singing.wav", 48000, 3.0),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(int(seconds * rate)), rate)


def write_heads(folder: Path) -> None:
    rng = np.random.default_rng(1)
    (folder / "headtrack").mkdir()
    for user in range(1, 5):
        seconds = np.cumsum(rng.uniform(0.01, 0.03, 600))
        q = quaternion_from_ypr_deg(60.0 * np.sin(seconds + user), 5.0 * np.cos(seconds), 0.0)
        q *= rng.choice([-1.0, 1.0], len(q))[:, None]
        lines = ["timestamp viewpoint w x y z"]
        lines += [
            " ".join(f"{v:.9f}" for v in (t, 0, *each)) for t, each in zip(seconds, q, strict=True)
        ]
        path = folder / "headtrack" / f"user{user}_quaternion.txt.gz"
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
