"""Rendering from files to a file, in bounded memory and independent of the block size."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.audio.files import (
    AudioSource,
    FileSource,
    output_format,
    same_file,
    silenced_samples,
)
from auricle.plugin_core.audio.headers import read_header
from auricle.plugin_core.audio.riff_chunks import is_wave, wave_chunks
from auricle.plugin_core.listener.loading import load_listener, prepared_listener
from auricle.plugin_core.mastering.master import (
    Mastering,
    MasterWriter,
    Progress,
    RenderResult,
    check_gain,
)
from auricle.plugin_core.mixing.feed import InverseDistance, SourceEffects, TrackStream
from auricle.plugin_core.mixing.mixer import Bus, MakeBus, Mixer, ObjectBus
from auricle.plugin_core.motion.osc_recording import RecordedPath, recorded_motion
from auricle.plugin_core.motion.paths import (
    Head,
    HeadTrack,
    PosedHead,
    RotatedPath,
    SourcePath,
    Trajectory,
)
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels
from auricle.plugin_core.scene.playback.opened_types import buses_of, whole_file
from auricle.plugin_core.scene.playback.track_types.type_player import OpenedTrack, Surroundings

STEREO_HALF_WIDTH_DEG = 30.0
MOST_CHANNELS = 1024
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
    """Render audio files binaurally into one file.

    Args:
        tracks: WAV, FLAC or OGG files; they play together. A stereo track is two sources at +-30
            degrees around its azimuth; one of more channels is a loudspeaker bed or ambisonics,
            as its header says, else the bed that is usual for so many channels.
        output: .wav (32-bit float) or .flac (24 bit).
        hrtf: a set or a SOFA file; None: the default listener.
        azimuth_deg: of each track in turn, or one for all; + is left.
        elevation_deg: likewise, + is up.
        distance_m: likewise; given, the level falls as 1/r from 1 m.
        orbit_seconds: time of a turn of all tracks around the listener, counter-clockwise.
        head_track: POSES.csv of the head.
        osc_recording: a file of `auricle osc record`, which then moves the sources (track n is
            source n, a stereo track with both its sides) and the head; where they begin is said
            by azimuth, elevation and distance.
        tracker: the preset of the head tracker in the recording; None: there is none.
        rank: "auto", "full" or a number of buses.
        level: "matched" or "measured".
        gain_db: of the output.
        loudness_lufs: what the integrated loudness is brought to; takes a second pass.
        ceiling_db: true peak that a limiter keeps to, dB of full scale.
        encoding: "float32" or "pcm24"; None: what the name of the output suggests.
        block_size: samples rendered at a time; the result does not depend on it.
        sample_rate: of the output; None: that of the first track.
        objects: makes what renders the tracks in place of the engine, which hrtf, rank and level
            are for.
        progress: called with frames done since the last call and frames in all.
        say: called with a sentence before work that is done once and takes seconds, and with each
            finding about a set that is read from a file; without it findings are warnings.

    Returns:
        Length, peak and the like of what was written.

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
        rate = sample_rate or files.enter_context(closing(_opened(names[0]))).file_rate
        sources = [files.enter_context(closing(_opened(name, rate))) for name in names]
        around = [_around(each, say) for each in sources if each.n_channels > 2]
        places = _places(sources, azimuth_deg, elevation_deg, distance_m, orbit_seconds, say)
        head: Head | None = HeadTrack(Path(head_track)) if head_track is not None else None
        middles: Sequence[Trajectory] = places
        if osc_recording is not None:
            if orbit_seconds is not None or head_track is not None:
                raise AuricleError("an OSC recording moves sources and head; leave out the others")
            middles, head = recorded_motion(osc_recording, places, tracker, rate, say)
        elif tracker is not None:
            raise AuricleError(f"tracker {tracker}: reads an OSC recording; name that too")
        here = [i for i, each in enumerate(sources) if each.n_channels <= 2]
        paths = [_sides(sources[i], middles[i]) for i in here]
        widths_deg = [_widths_deg(middles[i]) for i in here]
        return render_sources(
            [sources[i] for i in here], paths, output, around=around, widths_deg=widths_deg,
            hrtf=hrtf, head=head, rank=rank, level=level, gain_db=gain_db, block_size=block_size,
            sample_rate=rate, progress=progress, distance_gain=distance_m is not None,
            objects=objects, loudness_lufs=loudness_lufs, ceiling_db=ceiling_db,
            encoding=encoding, say=say,
        )  # fmt: skip


def render_sources(
    sources: Sequence[AudioSource], paths: Sequence[Sequence[Trajectory]], output: PathLike, *,
    around: Sequence[tuple[AudioSource, Track, Channels]] = (),
    widths_deg: Sequence[Callable[[Array], Array] | None] = (),
    hrtf: HrtfSet | PathLike | None = None, head: Head | None = None,
    rank: str | int = "auto", level: str = "matched", gain_db: float = 0.0,
    loudness_lufs: float | None = None, ceiling_db: float | None = None,
    encoding: str | None = None,
    block_size: int = 16384, sample_rate: int = 48000, distance_gain: bool = False,
    objects: MakeBus | None = None, progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RenderResult:  # fmt: skip
    """Render opened sources into a file, with a path for each channel of each source.

    Args:
        sources: at ``sample_rate``.
        paths: a path for each channel of each source.
        output: the file.
        around: beds and ambisonics, with what their channels are.
        widths_deg: how wide each source is at times (J,), or None.
        hrtf: a set or a SOFA file; None: the default listener.
        head: its motion; None: at rest.
        rank: "auto", "full" or a number of buses.
        level: "matched" or "measured".
        gain_db: of the output.
        loudness_lufs: what the integrated loudness is brought to, or None.
        ceiling_db: true peak that a limiter keeps to, or None.
        encoding: "float32" or "pcm24"; None: what the name of the output suggests.
        block_size: samples rendered at a time.
        sample_rate: Hz.
        distance_gain: whether the level falls as 1/r from 1 m.
        objects: makes what renders in place of the engine.
        progress: called with frames done since the last call and frames in all.
        say: called with sentences on what takes seconds, and with findings.

    Raises:
        AuricleError: bad input; no output is left then.
    """
    if block_size < 1:
        raise AuricleError(f"the block size must be at least 1, got {block_size}")
    settings = mastering(gain_db, loudness_lufs, ceiling_db, encoding)
    output_format(Path(output), encoding)
    effects = SourceEffects((InverseDistance(),), np.inf) if distance_gain else SourceEffects()
    wide = [replace(effects, width_deg=each or 0.0) for each in widths_deg]
    wide = wide or [effects] * len(sources)
    feeds = [
        TrackStream(source, ways, effects=each)
        for source, ways, each in zip(sources, paths, wide, strict=True)
    ]
    beds = [
        OpenedTrack(track, channels, TrackStream(source, ())) for source, track, channels in around
    ]
    if objects is not None:
        if around:
            raise AuricleError(
                f"{around[0][0].name}: has {around[0][0].n_channels} channels; a network renders "
                "mono and stereo tracks"
            )
        bus = objects(feeds, head)
        buses: list[Bus] = [bus]
        report = bus.report
    else:
        listener = hrtf if isinstance(hrtf, HrtfSet) else load_listener(hrtf, sample_rate, say)
        prepared = prepared_listener(listener, sample_rate, rank, level, say)
        report = prepared.report
        buses = [ObjectBus(prepared, feeds, head)] if feeds else []
        resting = head if head is not None else PosedHead(np.array(IDENTITY), np.zeros(3))
        into = Surroundings(resting, sample_rate, level, hrtf=listener, prepared=prepared)
        buses += buses_of(beds, into)
    mixer = Mixer(buses)
    total = max(feed.n_frames for feed in (*feeds, *(bed.stream for bed in beds)))
    total += mixer.tail_samples
    master = MasterWriter(settings, output, sample_rate, total, block_size, progress)
    writer = master.write(mixer.read)
    silenced = silenced_samples([*sources, *(source for source, *_ in around)])
    return master.result(writer, silenced, report)


def _opened(name: PathLike, sample_rate: int | None = None) -> FileSource:
    return FileSource(name, sample_rate, max_channels=MOST_CHANNELS)


def _around(
    source: FileSource, say: Callable[[str], None] | None
) -> tuple[AudioSource, Track, Channels]:  # fmt: skip
    """A file of more than two channels as a bed or ambisonics; says as which."""
    path = Path(source.name)
    if is_wave(path) and "chna" in wave_chunks(path):
        raise AuricleError(
            f"{path}: is an ADM master, which says what is where; render it by --scene {path}"
        )
    header = read_header(path)
    try:
        track, channels, sentence = whole_file(source.name, header, source.n_channels)
    except AuricleError as error:
        raise AuricleError(f"{source.name}: {error}") from None
    if say is not None:
        say(f"{source.name}: {sentence}")
    return source, track, channels


def mastering(
    gain_db: float, loudness_lufs: float | None, ceiling_db: float | None, encoding: str | None
) -> Mastering:
    """The treatment of the sum of some tracks, within the bounds that a scene has, too.

    Args:
        gain_db: of the sum.
        loudness_lufs: -60 to 0, or None.
        ceiling_db: -60 to 0, or None.
        encoding: "float32", "pcm24" or None.

    Raises:
        AuricleError: a number out of range, or a gain beside a loudness.
    """
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
    moved = zip(sources, azimuths, elevations, distances, strict=True)
    for source, *place in moved:
        if source.n_channels > 2 and (place != [0.0, 0.0, 1.0] or orbit_seconds is not None):
            raise AuricleError(
                f"{source.name}: has {source.n_channels} channels and is all around; azimuth, "
                "elevation, distance and orbit are for mono and stereo tracks"
            )
    return [
        SourcePath(*each, orbit_seconds)
        for each in zip(azimuths, elevations, distances, strict=True)
    ]


def _widths_deg(middle: Trajectory) -> Callable[[Array], Array] | None:
    """How wide a recorded session makes a track; None: never."""
    return middle.widths_deg if isinstance(middle, RecordedPath) and middle.widens else None


def _sides(source: FileSource, middle: Trajectory) -> list[Trajectory]:
    """The ways of a track's channels."""
    if source.n_channels == 1:
        return [middle]
    if isinstance(middle, SourcePath):
        return [
            replace(middle, azimuth_deg=middle.azimuth_deg + side)
            for side in (STEREO_HALF_WIDTH_DEG, -STEREO_HALF_WIDTH_DEG)
        ]
    return [RotatedPath(middle, side) for side in (STEREO_HALF_WIDTH_DEG, -STEREO_HALF_WIDTH_DEG)]


def each_track(
    what: str, values: float | Sequence[float], count: int, say: Callable[[str], None] | None = None
) -> list[float]:
    """A value for each track, where there is one for each, or one for all.

    Args:
        what: a word for the values, for messages.
        values: one, or as many as tracks.
        count: number of tracks.
        say: called with a sentence when a list of one value serves all tracks.

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
