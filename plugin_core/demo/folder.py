"""The folder of the demo: its stems, a scene, a listener and a head, for the next commands.

What lies there already is left as it is, so a scene that was changed is rendered as it was changed.
"""

import os
from pathlib import Path

import numpy as np

from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.plugin_core.audio.files import FileWriter
from auricle.plugin_core.demo.scene import SAMPLE_RATE, SECONDS, Part
from auricle.plugin_core.scene.format.model import Listener, Master, Orbit, Position, Static, Track
from auricle.plugin_core.scene.scene import Scene

GAIN_DB = -9.0
LISTENER, FIVE, POSES, SCENE = "listener.sofa", "five.sofa", "poses.csv", "scene.json"
# Azimuth and elevation of five directions that anybody could measure.
FIVE_DIRECTIONS_DEG = ((0.0, 0.0), (90.0, 0.0), (-90.0, 0.0), (180.0, 0.0), (0.0, 60.0))
_POSE_SECONDS = 0.05


def write_demo(folder: Path, parts: tuple[Part, ...]) -> Path:
    """Write what is not there yet; returns the scene file.

    ``NAME.flac`` of each part (mono, 48 kHz, 24 bit), ``scene.json``, the default listener as
    ``listener.sofa`` and five of its directions as ``five.sofa``, and ``poses.csv``, a head that
    looks to both sides.
    """
    for part in parts:
        if not (folder / f"{part.file}.flac").exists():
            _write_stem(folder / f"{part.file}.flac", part)
    hrtf = default_hrtf(SAMPLE_RATE)
    if not (folder / LISTENER).exists():
        hrtf.save(folder / LISTENER)
    if not (folder / FIVE).exists():
        hrtf.subset([hrtf.nearest(*direction) for direction in FIVE_DIRECTIONS_DEG]).save(
            folder / FIVE
        )
    if not (folder / POSES).exists():
        _write_poses(folder / POSES)
    if not (folder / SCENE).exists():
        scene = Scene(
            name="Auricle's demo", tracks=tuple(_track(part) for part in parts),
            listener=Listener(hrtf=LISTENER), master=Master(gain_db=GAIN_DB),
        )  # fmt: skip
        scene.folder = os.fspath(folder.absolute())
        scene.save(folder / SCENE)
    return folder / SCENE


def _track(part: Part) -> Track:
    path = part.path
    place = (path.azimuth_deg, path.elevation_deg, path.distance_m)
    position: Position = Static(*place)
    if path.orbit_seconds is not None:
        position = Orbit(path.orbit_seconds, *place)
    return Track(f"{part.file}.flac", name=part.name, position=position)


def _write_stem(path: Path, part: Part) -> None:
    audio = part.make().astype(np.float32)[None]
    with FileWriter(path, SAMPLE_RATE, audio.shape[1], n_channels=1) as writer:
        writer.write(audio)


def _write_poses(path: Path) -> None:
    seconds = np.arange(0.0, SECONDS, _POSE_SECONDS)
    yaw_deg = 40.0 * np.sin(2.0 * np.pi * seconds / 8.0)
    pitch_deg = 5.0 * np.sin(2.0 * np.pi * seconds / 5.0)
    rows = [
        f"{t:.2f},{yaw:.2f},{pitch:.2f},0"
        for t, yaw, pitch in zip(seconds, yaw_deg, pitch_deg, strict=True)
    ]
    text = "\n".join(["time_seconds,yaw_deg,pitch_deg,roll_deg", *rows, ""])
    path.write_text(text, encoding="utf-8")
