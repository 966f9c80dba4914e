"""Sources of live sound: a driver's inputs, files, and test signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileSource
from auricle.plugin_core.audio.headers import Header, read_header
from auricle.plugin_core.live.audio_thread.shared_memory import Kind
from auricle.plugin_core.scene.format import model
from auricle.plugin_core.scene.format.schema import KeyProblem
from auricle.plugin_core.scene.playback.channels import Channels
from auricle.plugin_core.scene.playback.opened_types import player_of


@dataclass(frozen=True)
class Input:
    """An input of the driver: a JACK port, a channel of a sound card; silent without a device.

    Attributes:
        name: of the JACK port; None: "in_1" and so on.
    """

    name: str | None = None


@dataclass(frozen=True)
class Track:
    """A file: one source a channel, a bed of loudspeakers, or a field of ambisonics.

    Attributes:
        path: WAV, FLAC or OGG.
        loop: begin again at the end.
        type: "object" (mono or stereo), "bed" or "ambisonic"; None: what its header says, else an
            object of one or two channels, and a bed of more.
        layout: of a bed, such as "7.1.4"; None: what the header says, else what is usual.
        normalisation: of ambisonics: "sn3d" (AmbiX), "n3d" or "fuma"; None: what the header says,
            else "sn3d".
    """

    path: str | Path
    loop: bool = False
    type: str | None = None
    layout: str | None = None
    normalisation: str | None = None


@dataclass(frozen=True)
class Noise:
    """White noise, of its own for each source.

    Attributes:
        level: RMS, from 0 to 10.
    """

    level: float = 0.05


@dataclass(frozen=True)
class Tone:
    """A sine.

    Attributes:
        frequency_hz: above 0.
        level: its amplitude, from 0 to 10.
    """

    frequency_hz: float = 440.0
    level: float = 0.1


Source: TypeAlias = Input | Track | Noise | Tone


@dataclass(frozen=True)
class Channel:
    """One row of audio.

    Attributes:
        kind: where its audio comes from.
        index: which input, or which channel of all files.
        file: which file.
        place_m: where it stands at the start, (x, y, z).
        follows: whether it stands around the head wherever that goes.
        role: "source", "lfe" or "field": a channel of ambisonics.
    """

    kind: Kind
    source: Source
    index: int = 0
    file: int = 0
    place_m: tuple[float, float, float] = (1.0, 0.0, 0.0)
    follows: bool = False
    role: str = "source"


STEREO_HALF_WIDTH_DEG = 30.0
MOST_CHANNELS = 64  # of a file: ambisonics of order 7
TYPES = ("object", "bed", "ambisonic")
ROLES = ("source", "lfe", "field")  # the order of rows


def channels(sources: Sequence[Source]) -> list[Channel]:
    """The rows of audio in order: sources, of which a stereo file is two; LFE channels; fields.

    Raises:
        AuricleError: none at all, a file that cannot be read or is not of its type, a level or
            frequency that is none.
    """
    found: list[Channel] = []
    n_inputs = n_files = n_rows = 0
    for source in sources:
        if isinstance(source, Input):
            found.append(Channel(Kind.INPUT, source, n_inputs))
            n_inputs += 1
        elif isinstance(source, Track):
            rows = _of_track(source, n_rows, n_files)
            found += rows
            n_rows += len(rows)
            n_files += 1
        else:
            _check_signal(source)
            kind = Kind.NOISE if isinstance(source, Noise) else Kind.TONE
            found.append(Channel(kind, source))
    if not found:
        raise AuricleError("there is nothing to play; name files, or give a number of sources")
    return sorted(found, key=lambda each: ROLES.index(each.role))  # which keeps their order


def with_a_source(rows: list[Channel]) -> list[Channel]:
    """The rows, and before them a silent source where there is none: a renderer needs one."""
    silent = Channel(Kind.NOISE, Noise(0.0))
    return rows if of_role(rows, "source") else [silent, *rows]


def of_role(rows: Sequence[Channel], role: str) -> list[int]:
    """Which rows have a role."""
    return [i for i, each in enumerate(rows) if each.role == role]


def track_type(track: Track, header: Header, n_channels: int) -> str:
    """The type of a track: as it says, as the header says, or by its number of channels."""
    if track.type is not None and track.type not in TYPES:
        raise AuricleError(f"a track is of type {', '.join(TYPES)}, not {track.type!r}")
    if track.type is not None:
        return track.type
    if header.ambisonics or track.normalisation is not None:
        return "ambisonic"
    return "object" if n_channels <= 2 and track.layout is None else "bed"


def opened(track: Track) -> tuple[str, int, Channels | None]:
    """Type of a track, the number of channels of its file, and what these are.

    Raises:
        AuricleError: a file that cannot be read or is not of its type.
    """
    file = FileSource(track.path, max_channels=MOST_CHANNELS)
    file.close()
    header = read_header(Path(track.path))
    kind = track_type(track, header, file.n_channels)
    if kind == "object":
        if file.n_channels > 2:
            raise AuricleError(
                f"{track.path}: {file.n_channels} channels are no object; give bed or ambisonic"
            )
        return kind, file.n_channels, None
    told = model.Track(
        str(track.path), type=kind, layout=track.layout if kind == "bed" else None,
        normalisation=track.normalisation if kind == "ambisonic" else None,
    )  # fmt: skip
    try:
        found = player_of(kind).channels(told, header, file.n_channels)
    except KeyProblem as error:
        raise AuricleError(f"{track.path}: {error}") from None
    if file.n_channels not in found.counts:
        due = " or ".join(str(each) for each in found.counts)
        raise AuricleError(f"{track.path}: {file.n_channels} channels, and as {kind} it has {due}")
    return kind, file.n_channels, found


def _of_track(track: Track, first_row: int, file: int) -> list[Channel]:
    kind, n_channels, found = opened(track)
    if kind == "object":
        sides = [0.0] if n_channels == 1 else [1.0, -1.0]
        turns = [np.radians(side * STEREO_HALF_WIDTH_DEG) for side in sides]
        places = [(float(np.cos(turn)), float(np.sin(turn)), 0.0) for turn in turns]
        return [
            Channel(Kind.FILE, track, first_row + i, file, place) for i, place in enumerate(places)
        ]
    assert found is not None
    if kind == "ambisonic":
        count = (found.order + 1) ** 2
        return [Channel(Kind.FILE, track, first_row + i, file, role="field") for i in range(count)]
    assert found.layout is not None
    rows = [Channel(Kind.FILE, track, first_row + i, file, role="lfe") for i in range(n_channels)]
    for place, i in zip(
        found.layout.positions_m.tolist(), found.layout.source_channels, strict=True
    ):
        rows[i] = Channel(Kind.FILE, track, first_row + i, file, tuple(place), follows=True)
    return rows


def _check_signal(source: Noise | Tone) -> None:
    if not 0.0 <= source.level <= 10.0:
        raise AuricleError(f"the level of a test signal is 0 to 10, got {source.level}")
    if isinstance(source, Tone) and not 0.0 < source.frequency_hz < 100_000.0:
        raise AuricleError(f"a tone has a frequency above 0 Hz, got {source.frequency_hz}")
