"""The parts of a scene as plain dataclasses: what a scene file says, checked, and nothing else.

They are also the schema: ``docs/scene.md`` is written from these fields. All angles in degrees,
azimuth counter-clockwise (+90 left), elevation up; x front, y left, z up in metres.
"""

from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, ClassVar, TypeAlias

from auricle.dsp.acoustics.directivity import PATTERNS
from auricle.plugin_core.listener.set_options import SetOptions
from auricle.plugin_core.motion.keyframes import (
    EASINGS,
    INTERPOLATIONS,
    MOST_DEG,
    MOST_M,
)
from auricle.plugin_core.scene.format.json_tree import Node
from auricle.plugin_core.scene.format.schema import Extended, KeyProblem, Kind, check_values, key
from auricle.plugin_core.scene.format.track_types import PLACED_KEYS, TRACK_TYPES, TrackType

VERSION = 1
MOST_SECONDS = 360000.0  # 100 hours, of any time in a scene
Triple: TypeAlias = tuple[float, float, float]
Parameter: TypeAlias = float | int | bool | str


class _Checked:
    """A dataclass whose values are compared with its schema when it is made."""

    def __post_init__(self) -> None:
        check_values(self)
        self._check()

    def _check(self) -> None:
        """What one field alone cannot tell."""


@dataclass(frozen=True)
class BuiltInPlugin(_Checked):
    """One of pedalboard's own plugins; an object with the key `plugin`."""

    MARK: ClassVar[str] = "plugin"
    TITLE: ClassVar[str] = "Plugin: built-in"

    plugin: str = key(doc="its name, as in `Compressor`, `HighpassFilter`, `Reverb`")
    parameters: dict[str, Parameter] | None = key(
        None, "by the plugin's own names, as in `threshold_db`"
    )


@dataclass(frozen=True)
class Vst3Plugin(_Checked):
    """A VST3 plugin; an object with the key `vst3`."""

    MARK: ClassVar[str] = "vst3"
    TITLE: ClassVar[str] = "Plugin: VST3"

    vst3: str = key(doc="path of the .vst3")
    name: str | None = key(None, "which one, if the file holds several")
    parameters: dict[str, Parameter] | None = key(
        None,
        "by the plugin's own names, as pedalboard lists them; set as finely as the plugin takes "
        "them, and what differs is said",
    )


Plugin: TypeAlias = BuiltInPlugin | Vst3Plugin


class _Place(_Checked):
    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    xyz_m: Triple | None

    def _check(self) -> None:
        if self.xyz_m is None:
            return
        for name, default in (("azimuth_deg", 0.0), ("elevation_deg", 0.0), ("distance_m", 1.0)):
            if getattr(self, name) != default:
                raise KeyProblem(name, "stands beside xyz_m, which says it all; keep one of them")


_AZIMUTH = "counter-clockwise, 90 is left"
_XYZ = "front, left, up in metres, in place of the angles and the distance"


@dataclass(frozen=True)
class Static(_Place):
    """A place that stays, in the room, not on the head."""

    TITLE: ClassVar[str] = "Position: static"

    azimuth_deg: float = key(0.0, _AZIMUTH, low=-MOST_DEG, high=MOST_DEG)
    elevation_deg: float = key(0.0, "up", low=-90.0, high=90.0)
    distance_m: float = key(1.0, "from the origin of the room", low=0.01, high=10000.0)
    xyz_m: Triple | None = key(None, _XYZ, low=-MOST_M, high=MOST_M)


@dataclass(frozen=True)
class Orbit(_Checked):
    """A circle around the origin at an even speed; an object with the key `orbit_seconds`."""

    MARK: ClassVar[str] = "orbit_seconds"
    TITLE: ClassVar[str] = "Position: orbit"

    orbit_seconds: float = key(
        doc="time of a turn, counter-clockwise; negative: clockwise", low=-MOST_SECONDS,
        high=MOST_SECONDS,
    )  # fmt: skip
    azimuth_deg: float = key(0.0, "at time 0; " + _AZIMUTH, low=-MOST_DEG, high=MOST_DEG)
    elevation_deg: float = key(0.0, "up", low=-90.0, high=90.0)
    distance_m: float = key(1.0, "from the origin of the room", low=0.01, high=10000.0)

    def _check(self) -> None:
        if abs(self.orbit_seconds) < 0.01:
            raise KeyProblem(
                "orbit_seconds", f"a turn takes 0.01 s or more, got {self.orbit_seconds}"
            )


@dataclass(frozen=True)
class Keyframe(_Place):
    """A place at a time."""

    time_seconds: float = key(doc="from the start of the scene", low=0.0, high=MOST_SECONDS)
    azimuth_deg: float = key(0.0, _AZIMUTH, low=-MOST_DEG, high=MOST_DEG)
    elevation_deg: float = key(0.0, "up", low=-90.0, high=90.0)
    distance_m: float = key(1.0, "from the origin of the room", low=0.01, high=10000.0)
    xyz_m: Triple | None = key(None, _XYZ, low=-MOST_M, high=MOST_M)
    gain_db: float = key(
        0.0, "more than the track's own; the level moves evenly", low=-1e4, high=60.0
    )
    source_width_deg: float | None = key(
        None, "how wide it is there, growing evenly; null: as the track is", low=0.0, high=180.0
    )
    easing: str = key("linear", "how the way to the next keyframe is gone", choices=EASINGS)


_INTERPOLATION = (
    "`linear`: straight lines; `spherical`: azimuth, elevation and distance each evenly, azimuths "
    "as they are written (0 to 720 goes round twice); `spline`: a smooth curve through all places"
)


@dataclass(frozen=True)
class Keyframes(_Checked):
    """A way from place to place; an object with the key `keyframes`. It rests before and behind."""

    MARK: ClassVar[str] = "keyframes"
    TITLE: ClassVar[str] = "Position: keyframes"

    keyframes: tuple[Keyframe, ...] = key(doc="in the order of their times")
    interpolation: str = key("linear", _INTERPOLATION, choices=INTERPOLATIONS)

    def _check(self) -> None:
        if not self.keyframes:
            raise KeyProblem("keyframes", "is empty; give at least one")
        for i, (before, after) in enumerate(
            zip(self.keyframes, self.keyframes[1:], strict=False), start=1
        ):
            if after.time_seconds <= before.time_seconds:
                raise KeyProblem(
                    f"keyframes[{i}].time_seconds",
                    f"{after.time_seconds:g} does not come after {before.time_seconds:g}; put the "
                    "keyframes in order",
                )


@dataclass(frozen=True)
class PositionFile(_Checked):
    """Positions over time from a file; an object with the key `csv`."""

    MARK: ClassVar[str] = "csv"
    TITLE: ClassVar[str] = "Position: CSV"

    csv: str = key(
        doc="a file with the columns `time_seconds` and `x,y,z` (metres) or `azimuth_deg`, perhaps "
        "`elevation_deg`, `distance_m`; perhaps `gain_db`"
    )
    interpolation: str = key("linear", _INTERPOLATION, choices=INTERPOLATIONS)


Position: TypeAlias = Static | Orbit | Keyframes | PositionFile


@dataclass(frozen=True)
class Distance(_Checked):
    """Effects of the distance from the listener on a track."""

    gain: bool = key(True, "the level falls as 1/r")
    reference_m: float = key(1.0, "where the level is the track's own", low=0.01, high=1000.0)
    floor_m: float = key(0.1, "nearer than this it gets no louder", low=0.001, high=1000.0)
    near_field_m: float | None = key(
        None, "where near-field cues begin; 0: none; null: where the set was measured, or 1 m "
        "without `gain`", low=0.0, high=1000.0,
    )  # fmt: skip
    delay: bool = key(False, "the sound takes its time, so that motion shifts its pitch")
    farthest_m: float = key(100.0, "beyond this the delay no longer grows", low=1.0, high=10000.0)
    air_absorption: bool = key(False, "air takes away treble (ISO 9613-1)")


@dataclass(frozen=True)
class Directivity(_Checked):
    """A source that is loudest ahead, the same at all frequencies."""

    pattern: str = key(doc="of the cardioid family", choices=tuple(PATTERNS))
    order: float = key(1.0, "2 or more makes a narrow beam", low=0.0, high=64.0)
    azimuth_deg: float = key(
        180.0, "of its front, in the axes of the room; 180 faces back", low=-MOST_DEG, high=MOST_DEG
    )
    elevation_deg: float = key(0.0, "of its front", low=-90.0, high=90.0)


@dataclass(frozen=True)
class Air(_Checked):
    """The air between the tracks that have `air_absorption` and the listener."""

    temperature_celsius: float = key(20.0, "", low=-50.0, high=60.0)
    humidity_percent: float = key(50.0, "relative", low=0.0, high=100.0)
    pressure_kpa: float = key(101.325, "101.325 is one atmosphere", low=20.0, high=200.0)


@dataclass(frozen=True)
class Track(_Checked, Extended):
    """A file, its chain, its fader and its place."""

    file: str = key(doc="WAV, FLAC or OGG of any rate")
    name: str | None = key(None, "in pictures and messages; null: the file's")
    type: str = key(
        "object", "a place, a loudspeaker bed, ambisonics, or finished sound for the two ears, "
        "which does not turn", choices=TRACK_TYPES,
    )  # fmt: skip
    layout: str | tuple[str, ...] | None = key(
        None, "of a bed: its loudspeakers, as in `7.1.4`, or a list of their labels in the order "
        "of the channels; null: what the file's header says, else what is usual",
    )  # fmt: skip
    channel_order: str | None = key(
        None, "of a bed: sides before rears (`smpte`), rears before sides (`wav`), or left, "
        "centre, right, ..., LFE (`film`); null: what the file's header says, else `smpte`",
        choices=("smpte", "wav", "film"),
    )  # fmt: skip
    lfe: str = key("play", "of a bed: to both ears 10 dB up, or not", choices=("play", "drop"))
    order: int | None = key(None, "of ambisonics; null: that of so many channels", low=1, high=7)
    normalisation: str | None = key(
        None, "of ambisonics: `sn3d` (AmbiX), `n3d`, both in ACN order, or `fuma` (W X Y Z ..., to "
        "order 3); null: what the file's header says, else `sn3d`",
        choices=("sn3d", "n3d", "fuma"),
    )  # fmt: skip
    gain_db: float = key(0.0, "the fader, behind the chain", low=-200.0, high=60.0)
    mute: bool = key(False, "not heard")
    solo: bool = key(False, "heard, and of the others only those that have it too")
    start_seconds: float = key(0.0, "when the file begins", low=0.0)
    loop: bool = key(False, "again and again to the end of the scene")
    channels: str | tuple[int, ...] = key(
        "all", "`all`, `mix` (their mean), or which ones, as in `[1, 2]`; the first is 1", low=1
    )
    width_deg: float = key(
        60.0, "between the two channels of a stereo track, around its place", low=-360.0, high=360.0
    )
    chain: tuple[Plugin, ...] = key((), "plugins in order")
    position: Position = key(Static(), "where it is: static, `orbit_seconds`, `keyframes` or `csv`")
    head_locked: bool = key(
        False, "its place, or its ambisonic field, goes and turns with the head"
    )
    distance: Distance = key(Distance(), "what the distance does")
    directivity: Directivity | None = key(None, "where it faces; null: equally loud all around")
    source_width_deg: float = key(
        0.0, "how wide each channel is heard, along the horizon; 0: a point", low=0.0, high=180.0
    )
    own: Any = None  # the further keys of its type (TrackType.keys)

    @classmethod
    def more_keys(cls, members: dict[str, Node]) -> Kind | None:
        """The further keys of the type that an object names."""
        name = members["type"].value if "type" in members else None
        if not isinstance(name, str) or name not in TRACK_TYPES:
            return None
        more = TRACK_TYPES.find(name).keys
        if more is not None:
            taken = {each.name for each in fields(cls)} & {each.name for each in fields(more)}
            if taken:
                raise KeyProblem(
                    "type", f"{name} has the key {min(taken)}, which every track has; rename it"
                )
        return more

    def _check(self) -> None:
        if isinstance(self.channels, str) and self.channels not in ("all", "mix"):
            raise KeyProblem("channels", f"is all, mix or a list, got {self.channels!r}")
        if self.start_seconds > MOST_SECONDS:
            raise KeyProblem(
                "start_seconds", f"must be at most {MOST_SECONDS:g}, got {self.start_seconds:g}"
            )
        if self.channels == ():
            raise KeyProblem("channels", "is an empty list; name at least one, the first is 1")
        if isinstance(self.layout, tuple) and self.channel_order is not None:
            raise KeyProblem("channel_order", "a list of loudspeakers is the order; remove it")
        self._check_type()

    def _check_type(self) -> None:
        own = self.track_type
        self._check_own(own)
        for _, other in TRACK_TYPES.loaded():
            for name in other.own_keys:
                if name not in own.own_keys and getattr(self, name, None) is not None:
                    raise KeyProblem(
                        name, f"only a track of type {other.name} has it, this is {self.type}"
                    )
        if own.is_placed:
            return
        defaults = {each.name: each for each in fields(self)}
        for name in PLACED_KEYS:
            if name not in own.also and getattr(self, name) != defaults[name].default:
                raise KeyProblem(name, f"a track of type {self.type} {own.where}; remove it")
        if self.channels == "mix":
            raise KeyProblem("channels", f"a track of type {self.type} needs all of its channels")

    def _check_own(self, of: TrackType) -> None:
        if self.own is None and of.keys is not None:
            try:
                object.__setattr__(self, "own", of.keys())
            except TypeError:
                named = ", ".join(each.name for each in fields(of.keys))
                raise KeyProblem("own", f"a track of type {of.name} needs {named}") from None
        if not isinstance(self.own, of.keys or NoneType):
            raise KeyProblem("own", f"{self.own!r} is not of a track of type {of.name}")

    @property
    def track_type(self) -> TrackType:
        """The entry of its type in the table."""
        return TRACK_TYPES.find(self.type)


@dataclass(frozen=True)
class Listener(_Checked):
    """The listener's set, and how the head moves."""

    hrtf: str | None = key(None, "SOFA file; null: the default listener")
    rank: str | int = key("auto", "`auto`, `full` or a number of buses an ear", low=1)
    level: str = key(
        "matched", "all sets equally loud, or as the file has it", choices=("matched", "measured")
    )
    yaw_deg: float = key(0.0, "of the head, + left", low=-MOST_DEG, high=MOST_DEG)
    pitch_deg: float = key(0.0, "+ nose down", low=-MOST_DEG, high=MOST_DEG)
    roll_deg: float = key(0.0, "+ left ear up", low=-MOST_DEG, high=MOST_DEG)
    position_m: Triple = key(
        (0.0, 0.0, 0.0), "of the head in the room: x, y, z", low=-MOST_M, high=MOST_M
    )
    head_track: str | None = key(
        None, "POSES.csv of a recorded head, which moves from the pose above"
    )
    swap_ears: bool = key(False, "channel 0 of the set is the right ear")
    mirror_azimuth: bool = key(False, "its azimuths run clockwise")
    distance_m: float | None = key(
        None, "of a set measured at several distances the nearest one; null: the largest shell",
        low=0.001,
    )  # fmt: skip
    true_sample_rate: float | None = key(
        None, "Hz, in place of a wrong label; nothing is resampled", low=1000, high=1e6
    )
    receivers: tuple[int, int] | None = key(
        None, "which two are the left and the right ear, counted from 0", low=0
    )
    emitter: int | None = key(
        None, "which one is the source, counted from 0; null: each is a direction", low=0
    )
    conjugate: bool = key(False, "its spectra are of the other sign of time")
    bass: str = key(
        "auto", "below 200 Hz: as measured, a rigid sphere's, or a sphere's where it is no head's",
        choices=("auto", "extend", "measured"),
    )  # fmt: skip

    @property
    def reading(self) -> SetOptions:
        """The options by which the set is read."""
        return SetOptions(**{each.name: getattr(self, each.name) for each in fields(SetOptions)})

    def _check(self) -> None:
        if isinstance(self.rank, str) and self.rank not in ("auto", "full"):
            raise KeyProblem("rank", f"is auto, full or a number, got {self.rank!r}")


@dataclass(frozen=True)
class Limiter(_Checked):
    """Look-ahead limiter of the true peak, the last thing before the file."""

    ceiling_db: float = key(-1.0, "dB of full scale, true peak", low=-60.0, high=0.0)
    release_seconds: float = key(0.1, "time constant of the gain's rise", low=0.001, high=10.0)


@dataclass(frozen=True)
class Loudness(_Checked):
    """Loudness of the whole master (ITU-R BS.1770-4); takes a second pass."""

    target_lufs: float = key(doc="integrated, gated", low=-60.0, high=0.0)


@dataclass(frozen=True)
class Master(_Checked):
    """Treatment of the binaural sum: chain, then gain or loudness, then limiter."""

    chain: tuple[Plugin, ...] = key((), "plugins in order, both ears as a stereo signal")
    gain_db: float = key(0.0, "behind the chain", low=-200.0, high=60.0)
    loudness: Loudness | None = key(None, "bring the master to a loudness")
    limiter: Limiter | None = key(None, "keep the true peak below a ceiling")

    def _check(self) -> None:
        if self.loudness is not None and self.gain_db != 0.0:
            raise KeyProblem("gain_db", "does nothing beside a loudness target; remove one of them")


@dataclass(frozen=True)
class Output(_Checked):
    """The file that is written; its name ends in .wav or .flac."""

    sample_rate: int | None = key(None, "Hz; null: that of the first track", low=4000, high=768000)
    encoding: str | None = key(
        None, "null: float32 in WAV, pcm24 in FLAC", choices=("float32", "pcm24")
    )
    tail_seconds: float | None = key(
        None, "what chains may ring on behind the end; null: 0 if the scene says its length or has "
        "no chain, else 3",
        low=0.0, high=600.0,
    )  # fmt: skip
