"""Rendering from files to a file, in bounded memory and independent of the block size."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.dsp.cache import is_cached, prepared_set
from auricle.dsp.default_listener import default_hrtf
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.prepared import PreparedSet
from auricle.plugin_core.audio_files import FileSource, Source, output_format, same_file
from auricle.plugin_core.feed import Effects, Feed, InverseDistance
from auricle.plugin_core.mastering import Master, Mastering, Progress, RenderResult, check_gain
from auricle.plugin_core.mixing import MakeBus, Mixer, ObjectBus, ReportingBus
from auricle.plugin_core.motion import Head, HeadTrack, Path3d, SourcePath, Turned
from auricle.plugin_core.osc_motion import recorded_motion

STEREO_HALF_WIDTH_DEG = 30.0
ENCODINGS = ("float32", "pcm24")
PathLike = str | os.PathLike[str]


def render(
    tracks: PathLike | Sequence[PathLike],
    output: PathLike,
    *,
    hrtf: HrtfSet | PathLike | None = None,
    azimuth_deg: float | Sequence[float] = 0.0,
    elevation_deg: float | Sequence[float] = 0.0,
    distance_m: float | Sequence[float] | None = None,
    orbit_seconds: float | None = None,
    head_track: PathLike | None = None,
    osc_recording: PathLike | None = None,
    tracker: str | None = None,
    rank: str | int = "auto",
    level: str = "matched",
    gain_db: float = 0.0,
    loudness_lufs: float | None = None,
    ceiling_db: float | None = None,
    encoding: str | None = None,
    block_size: int = 16384,
    sample_rate: int | None = None,
    objects: MakeBus | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RenderResult:
    """Render audio files binaurally into one file; returns its peak, length and the rest.

    Args:
        tracks: WAV, FLAC or OGG files, mono or stereo; they play together. A stereo track is two
            sources at +-30 degrees around its azimuth.
        output: .wav (32-bit float) or .flac (24 bit).
        hrtf: a set or a SOFA file; None: the computed default listener.
        azimuth_deg: of each track in turn, or one for all; + is left.
        elevation_deg: likewise, + is up.
        distance_m: likewise; given, the level falls as 1/r from 1 m.
        orbit_seconds: time of a turn of all tracks around the listener, counter-clockwise.
        head_track: POSES.csv of the head.
        osc_recording: a file of `auricle osc record`, which then moves the sources (track n is
            source n, a stereo track with both its sides) and the head; where they begin is said
            by azimuth, elevation and distance.
        tracker: the preset of the head tracker in the recording; None: there is none.
        rank: "auto", "full" or a number of buses; level: "matched" or "measured".
        gain_db: of the output.
        loudness_lufs: what the integrated loudness is brought to; takes a second pass.
        ceiling_db: true peak that a limiter keeps to, dB of full scale.
        encoding: "float32" or "pcm24"; None: what the name of the output suggests.
        block_size: samples rendered at a time; the result does not depend on it.
        sample_rate: of the output; None: that of the first track.
        objects: makes what renders the tracks in place of the engine, which hrtf, rank and level
            are for.
        progress: called with frames done since the last call and frames in all.
        say: called with a sentence before work that is done once and takes seconds.

    Raises:
        AuricleError: bad input; no output is left then.
    """
    names = [tracks] if isinstance(tracks, (str, os.PathLike)) else list(tracks)
    if not names:
        raise AuricleError("there is no track to render; name at least one audio file")
    if sample_rate is not None and not 1000 <= sample_rate <= 768_000:
        raise AuricleError(f"a sample rate is 1000 to 768000 Hz, got {sample_rate}")
    check_gain(gain_db)
    for name in (*names, hrtf, head_track, osc_recording):
        if isinstance(name, (str, os.PathLike)) and same_file(Path(output), Path(name)):
            raise AuricleError(f"{output}: is an input of this rendering; choose another output")
    with ExitStack() as files:
        rate = sample_rate or files.enter_context(closing(FileSource(names[0]))).file_rate
        sources = [files.enter_context(closing(FileSource(name, rate))) for name in names]
        places = _places(sources, azimuth_deg, elevation_deg, distance_m, orbit_seconds, say)
        head: Head | None = HeadTrack(Path(head_track)) if head_track is not None else None
        middles: Sequence[Path3d] = places
        if osc_recording is not None:
            if orbit_seconds is not None or head_track is not None:
                raise AuricleError("an OSC recording moves sources and head; leave out the others")
            middles, head = recorded_motion(osc_recording, places, tracker, rate, say)
        elif tracker is not None:
            raise AuricleError(f"tracker {tracker}: reads an OSC recording; name that too")
        paths = [_sides(*each) for each in zip(sources, middles, strict=True)]
        return render_sources(
            sources, paths, output, hrtf=hrtf, head=head, rank=rank, level=level,
            gain_db=gain_db, loudness_lufs=loudness_lufs, ceiling_db=ceiling_db, encoding=encoding,
            block_size=block_size, sample_rate=rate, progress=progress,
            distance_gain=distance_m is not None, objects=objects, say=say,
        )  # fmt: skip


def render_sources(
    sources: Sequence[Source], paths: Sequence[Sequence[Path3d]], output: PathLike, *,
    hrtf: HrtfSet | PathLike | None = None, head: Head | None = None,
    rank: str | int = "auto", level: str = "matched", gain_db: float = 0.0,
    loudness_lufs: float | None = None, ceiling_db: float | None = None,
    encoding: str | None = None,
    block_size: int = 16384, sample_rate: int = 48000, distance_gain: bool = False,
    objects: MakeBus | None = None, progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RenderResult:  # fmt: skip
    """The same from sources at ``sample_rate``, with a path for each channel of each source."""
    if block_size < 1:
        raise AuricleError(f"the block size must be at least 1, got {block_size}")
    settings = mastering(gain_db, loudness_lufs, ceiling_db, encoding)
    output_format(Path(output), encoding)
    effects = Effects((InverseDistance(),), np.inf) if distance_gain else Effects()
    feeds = [Feed(*each, effects=effects) for each in zip(sources, paths, strict=True)]
    bus: ReportingBus
    if objects is not None:
        bus = objects(feeds, head)
    else:
        listener = hrtf if isinstance(hrtf, HrtfSet) else load_listener(hrtf, sample_rate)
        bus = ObjectBus(prepared_listener(listener, sample_rate, rank, level, say), feeds, head)
    mixer = Mixer([bus])
    total = max(feed.n_frames for feed in feeds) + mixer.tail_samples
    master = Master(settings, output, sample_rate, total, block_size, progress)
    writer = master.write(mixer.read)
    return master.result(writer, silenced_samples(sources), bus.report)


def mastering(
    gain_db: float, loudness_lufs: float | None, ceiling_db: float | None, encoding: str | None
) -> Mastering:
    """What is done to the sum of some tracks, within the bounds that a scene has, too."""
    if loudness_lufs is not None and gain_db != 0.0:
        raise AuricleError("a gain does nothing beside a loudness target; leave one of them out")
    if loudness_lufs is not None and not -60.0 <= loudness_lufs <= 0.0:
        raise AuricleError(f"a loudness is -60 to 0 LUFS, got {loudness_lufs:g}")
    if ceiling_db is not None and not -60.0 <= ceiling_db <= 0.0:
        raise AuricleError(f"a ceiling is -60 to 0 dB of full scale, got {ceiling_db:g}")
    if encoding not in (None, *ENCODINGS):
        raise AuricleError(f"an encoding is {' or '.join(ENCODINGS)}, not {encoding!r}")
    measure = loudness_lufs is not None or ceiling_db is not None
    return Mastering(gain_db, loudness_lufs, ceiling_db, encoding=encoding, measure=measure)


def prepared_listener(
    listener: HrtfSet, sample_rate: int, rank: str | int, level: str,
    say: Callable[[str], None] | None = None,
) -> PreparedSet:  # fmt: skip
    """The tables of a set; says it when making them will take seconds."""
    if say is not None and not is_cached(listener, sample_rate, rank=rank, level=level):
        say(f"preparing {listener.name or 'the listener'} for {sample_rate} Hz, once; seconds")
    return prepared_set(listener, sample_rate, rank=rank, level=level)


def load_listener(hrtf: PathLike | None, sample_rate: int) -> HrtfSet:
    """The set of a SOFA file, or the default listener, the mean of many."""
    return default_hrtf(sample_rate) if hrtf is None else HrtfSet.load(Path(hrtf))


def _places(
    sources: Sequence[FileSource], azimuth_deg: float | Sequence[float],
    elevation_deg: float | Sequence[float], distance_m: float | Sequence[float] | None,
    orbit_seconds: float | None, say: Callable[[str], None] | None = None,
) -> list[SourcePath]:  # fmt: skip
    """The way of each track's middle."""
    if orbit_seconds is not None and not (np.isfinite(orbit_seconds) and orbit_seconds != 0.0):
        raise AuricleError(f"an orbit takes a time other than 0, got {orbit_seconds}")
    count = len(sources)
    azimuths = each_track("azimuth", azimuth_deg, count, say)
    elevations = each_track("elevation", elevation_deg, count, say)
    distances = each_track("distance", 1.0 if distance_m is None else distance_m, count, say)
    if min(distances) <= 0.0:
        raise AuricleError(f"a distance must be above 0 m, got {min(distances)}")
    if abs(worst := max(elevations, key=abs)) > 90.0:
        raise AuricleError(f"an elevation is -90 to 90 degrees, got {worst:g}")
    return [
        SourcePath(*each, orbit_seconds)
        for each in zip(azimuths, elevations, distances, strict=True)
    ]


def _sides(source: FileSource, middle: Path3d) -> list[Path3d]:
    """The ways of a track's channels."""
    if source.n_channels == 1:
        return [middle]
    if isinstance(middle, SourcePath):
        return [
            replace(middle, azimuth_deg=middle.azimuth_deg + side)
            for side in (STEREO_HALF_WIDTH_DEG, -STEREO_HALF_WIDTH_DEG)
        ]
    return [Turned(middle, side) for side in (STEREO_HALF_WIDTH_DEG, -STEREO_HALF_WIDTH_DEG)]


def each_track(
    what: str, values: float | Sequence[float], count: int, say: Callable[[str], None] | None = None
) -> list[float]:
    """A value for each track, where there is one for each, or one for all; a list of one is told.

    Raises:
        AuricleError: another number of them, or one that is not finite.
    """
    given = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=np.float64))]
    if not np.all(np.isfinite(given)):
        raise AuricleError(f"{what} must be finite numbers, got {given}")
    if len(given) not in (1, count):
        raise AuricleError(
            f"{len(given)} values of {what} for {count} tracks; give one a track, or one for all"
        )
    if len(given) < count and np.ndim(values) > 0 and say is not None:
        say(
            f"{what} {given[0]:g} is that of all {count} tracks; give one a track to set them apart"
        )
    return given * count if len(given) < count else given


def silenced_samples(sources: Sequence[Source]) -> dict[str, int]:
    """How many samples of each source were NaN or infinite, where there are any."""
    found: dict[str, int] = {}
    for source in sources:
        if source.nonfinite_samples:
            found[source.name] = found.get(source.name, 0) + source.nonfinite_samples
    return found
