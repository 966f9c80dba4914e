"""Sources of live sound: a driver's inputs, files, and test signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileSource
from auricle.plugin_core.live.audio_thread.shared_memory import Kind


@dataclass(frozen=True)
class Input:
    """An input of the driver: a JACK port, a channel of a sound card; silent without a device.

    Attributes:
        name: of the JACK port; None: "in_1" and so on.
    """

    name: str | None = None


@dataclass(frozen=True)
class Track:
    """A file, one source a channel.

    Attributes:
        path: WAV, FLAC or OGG, mono or stereo.
        loop: begin again at the end.
    """

    path: str | Path
    loop: bool = False


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
    """One source of the renderer.

    Attributes:
        kind: where its audio comes from.
        index: which input, or which channel of all files.
        file: which file.
        azimuth_deg: where it stands at the start, apart from the source's own direction.
    """

    kind: Kind
    source: Source
    index: int = 0
    file: int = 0
    azimuth_deg: float = 0.0


STEREO_HALF_WIDTH_DEG = 30.0


def channels(sources: Sequence[Source]) -> list[Channel]:
    """The renderer's sources in order, a stereo file as two of them.

    Raises:
        AuricleError: none at all, a file that cannot be read, a level or frequency that is none.
    """
    found: list[Channel] = []
    n_inputs = n_files = n_rows = 0
    for source in sources:
        if isinstance(source, Input):
            found.append(Channel(Kind.INPUT, source, n_inputs))
            n_inputs += 1
        elif isinstance(source, Track):
            file = FileSource(source.path)
            file.close()
            sides = [0.0] if file.n_channels == 1 else [1.0, -1.0]
            for side in sides:
                azimuth = side * STEREO_HALF_WIDTH_DEG
                found.append(Channel(Kind.FILE, source, n_rows, n_files, azimuth))
                n_rows += 1
            n_files += 1
        else:
            _check_signal(source)
            kind = Kind.NOISE if isinstance(source, Noise) else Kind.TONE
            found.append(Channel(kind, source))
    if not found:
        raise AuricleError("there is nothing to play; name files, or give a number of sources")
    return found


def _check_signal(source: Noise | Tone) -> None:
    if not 0.0 <= source.level <= 10.0:
        raise AuricleError(f"the level of a test signal is 0 to 10, got {source.level}")
    if isinstance(source, Tone) and not 0.0 < source.frequency_hz < 100_000.0:
        raise AuricleError(f"a tone has a frequency above 0 Hz, got {source.frequency_hz}")
