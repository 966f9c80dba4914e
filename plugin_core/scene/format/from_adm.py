"""Tracks of a scene from an ADM master."""

from math import log10
from pathlib import Path

from auricle.plugin_core.adm.master import (
    WIDEST_DEG,
    AdmBed,
    Ambisonics,
    Ears,
    Part,
    Point,
    read_master,
)
from auricle.plugin_core.adm.timeline import Timeline
from auricle.plugin_core.errors import AdmError
from auricle.plugin_core.scene.format.model import Distance, Keyframe, Keyframes, Static, Track
from auricle.plugin_core.scene.format.schema import KeyProblem

# ADM's distances do not change the level (BS.2127), and are no metres.
_DISTANCE = Distance(gain=False, near_field_m=0.0)
_NEAREST_M, _FARTHEST_M = 0.01, 10000.0
_SILENCE_DB = -1000.0  # keyframes know no gain of 0; this is one in 32 bits


def tracks_of(path: Path, programme: str | None) -> tuple[str, tuple[Track, ...], tuple[str, ...]]:
    """Name, tracks and notes of an ADM file, its own audio named as seen from its folder.

    Raises:
        AdmError: a file that cannot be played.
    """
    master = read_master(path, programme)
    tracks = []
    for part in master.parts:
        try:
            tracks.append(_track(path, part))
        except KeyProblem as problem:
            raise AdmError(f"{path}: {part.name}: {problem}; export the file again") from None
    return master.name, tuple(tracks), master.notes


def _track(path: Path, part: Part) -> Track:
    if isinstance(part, Point):
        gain, position, width_deg = _position(part)
        return Track(
            path.name, part.name, channels=(part.channel + 1,), gain_db=_db(gain), mute=gain == 0.0,
            position=position, distance=_DISTANCE, source_width_deg=width_deg,
            head_locked=part.head_locked,
        )  # fmt: skip
    channels = tuple(channel + 1 for channel in part.channels)
    gain_db, mute = _db(part.gain), part.gain == 0.0
    if isinstance(part, AdmBed):
        return Track(
            path.name, part.name, type="bed", layout=part.layout, channel_order="smpte",
            channels=channels, gain_db=gain_db, mute=mute,
        )  # fmt: skip
    if isinstance(part, Ears):
        return Track(
            path.name, part.name, type="binaural", channels=channels, gain_db=gain_db, mute=mute
        )
    assert isinstance(part, Ambisonics)
    return Track(
        path.name, part.name, type="ambisonic", order=part.order, channels=channels,
        normalisation=part.normalisation, gain_db=gain_db, mute=mute, head_locked=part.head_locked,
    )  # fmt: skip


def _position(part: Point) -> tuple[float, Static | Keyframes, float]:
    """Gain, position and width of a point; the width is 0 where its keyframes have it."""
    way: Timeline = part.timeline
    distances = (way.places[:, 2] * part.unit_m).clip(_NEAREST_M, _FARTHEST_M).tolist()
    azimuths, elevations = way.places[:, 0].tolist(), way.places[:, 1].tolist()
    widths: list[float] = way.widths_deg.clip(0.0, WIDEST_DEG).tolist()
    if way.is_still:
        place = Static(azimuths[0], elevations[0], distances[0])
        return part.gain * float(way.gains[0]), place, widths[0]
    same = len(set(widths)) == 1
    frames = tuple(
        Keyframe(
            time_seconds=seconds, azimuth_deg=azimuth, elevation_deg=elevation,
            distance_m=distance, gain_db=_keyframe_db(gain), easing="hold" if jump else "linear",
            source_width_deg=None if same else width_deg,
        )
        for seconds, azimuth, elevation, distance, gain, jump, width_deg in zip(
            way.seconds.tolist(), azimuths, elevations, distances, way.gains.tolist(),
            way.jumps.tolist(), widths, strict=True,
        )
    )  # fmt: skip
    return part.gain, Keyframes(frames), widths[0] if same else 0.0


def _keyframe_db(gain: float) -> float:
    return 20.0 * log10(gain) if gain > 1e-50 else _SILENCE_DB


def _db(gain: float) -> float:
    """Of a whole track: 0 where it is muted."""
    return 0.0 if gain == 0.0 else max(20.0 * log10(gain), -200.0)
