"""Rendering from files to a file, in bounded memory and independent of the block size."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.dsp.cache import is_cached, prepared_set
from auricle.dsp.default_listener import default_hrtf
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.renderer import CONTROL_SAMPLES, BinauralRenderer
from auricle.plugin_core.audio_files import FileSource, FileWriter, Source
from auricle.plugin_core.motion import HeadTrack, SourcePath

STEREO_HALF_WIDTH_DEG = 30.0
PathLike = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RenderResult:
    """What a rendering was.

    Attributes:
        output: the file; sample_rate: Hz; seconds: its length.
        peak: largest absolute sample; above 1 it exceeds full scale.
        gain_to_avoid_clipping_db: 0, or the (negative) gain that brings the peak to full scale.
        real_time_factor: seconds of audio a second of work, preparation aside.
        cut_samples: how many were beyond full scale and cut; 0 for float files, which keep them.
        silenced: tracks that hold NaN or infinity, and how many such samples were silenced.
        report: the rank and its error.
    """

    output: str
    sample_rate: int
    seconds: float
    peak: float
    gain_to_avoid_clipping_db: float
    cut_samples: int
    real_time_factor: float
    silenced: dict[str, int]
    report: str


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
    rank: str | int = "auto",
    level: str = "matched",
    gain_db: float = 0.0,
    block_size: int = 4096,
    sample_rate: int | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RenderResult:
    """Render audio files binaurally into one file; returns its peak, length and the rest.

    Args:
        tracks: WAV, FLAC or OGG files, mono or stereo; they play together. A stereo track is two
            sources at +-30 degrees around its azimuth.
        output: .wav (32-bit float) or .flac (24 bit).
        hrtf: a set or a SOFA file; None: the computed default listener.
        azimuth_deg: of each track in turn (one number: of the first); + is left.
        elevation_deg: likewise, + is up.
        distance_m: likewise; given, the level falls as 1/r from 1 m.
        orbit_seconds: time of a turn of all tracks around the listener, counter-clockwise.
        head_track: POSES.csv of the head.
        rank: "auto", "full" or a number of buses; level: "matched" or "measured".
        gain_db: of the output.
        block_size: samples rendered at a time; the result does not depend on it.
        sample_rate: of the output; None: that of the first track.
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
    with ExitStack() as files:
        rate = sample_rate or files.enter_context(closing(FileSource(names[0]))).file_rate
        sources = [files.enter_context(closing(FileSource(name, rate))) for name in names]
        paths = _paths(sources, azimuth_deg, elevation_deg, distance_m, orbit_seconds)
        return render_sources(
            sources, paths, output, hrtf=hrtf, head_track=head_track, rank=rank, level=level,
            gain_db=gain_db, block_size=block_size, sample_rate=rate, progress=progress,
            distance_gain=distance_m is not None, say=say,
        )  # fmt: skip


def render_sources(
    sources: Sequence[Source], paths: Sequence[Sequence[SourcePath]], output: PathLike, *,
    hrtf: HrtfSet | PathLike | None = None, head_track: PathLike | None = None,
    rank: str | int = "auto", level: str = "matched", gain_db: float = 0.0,
    block_size: int = 4096, sample_rate: int = 48000, distance_gain: bool = False,
    progress: Progress | None = None, say: Callable[[str], None] | None = None,
) -> RenderResult:  # fmt: skip
    """The same from sources at ``sample_rate``, with a path for each channel of each source."""
    if block_size < 1:
        raise AuricleError(f"the block size must be at least 1, got {block_size}")
    head = HeadTrack(Path(head_track)) if head_track is not None else None
    n_frames = max(source.n_frames for source in sources)
    flat = [path for each in paths for path in each]
    listener = hrtf if isinstance(hrtf, HrtfSet) else load_listener(hrtf, sample_rate)
    if say is not None and not is_cached(listener, sample_rate, rank=rank, level=level):
        say(f"preparing {listener.name or 'the listener'} for {sample_rate} Hz, once; seconds")
    prepared = prepared_set(listener, sample_rate, rank=rank, level=level)
    begin = time.perf_counter()
    renderer = BinauralRenderer(
        prepared, sample_rate, block_size, len(flat), distance_gain=distance_gain
    )
    start = np.zeros(1)
    renderer.set_positions(np.concatenate([path.positions_m(start) for path in flat]))
    if head is not None:
        renderer.set_listener(head.orientations(start)[0], head.positions_m(start)[0])
    total = n_frames + renderer.tail_samples
    gain = np.float32(10.0 ** (gain_db / 20.0))
    with FileWriter(output, sample_rate, total) as writer:
        for out in _blocks(renderer, sources, flat, head, total, block_size):
            writer.write(gain * out)
            if progress is not None:
                progress(out.shape[1], total)
    peak_db = 20.0 * np.log10(max(writer.peak, 1e-12))
    over_db = -float(peak_db) if peak_db > 0.05 else 0.0
    return RenderResult(
        str(output), sample_rate, total / sample_rate, writer.peak, over_db, writer.cut_samples,
        total / sample_rate / (time.perf_counter() - begin), _silenced(sources), renderer.report,
    )  # fmt: skip


def load_listener(hrtf: PathLike | None, sample_rate: int) -> HrtfSet:
    """The set of a SOFA file, or the computed default listener."""
    return default_hrtf(sample_rate) if hrtf is None else HrtfSet.load(Path(hrtf))


def _blocks(renderer, sources, paths, head, total, block_size):  # type: ignore[no-untyped-def]
    """Rendered blocks (2, n), ``total`` samples in all, without the renderer's latency."""
    drop, step, left = renderer.latency_samples, 0, total + renderer.latency_samples
    while left > 0:
        n = min(block_size, left)
        audio = np.concatenate([source.read(n) for source in sources])
        steps = renderer.steps_beginning(n)
        seconds = (step + 1.0 + np.arange(steps)) * CONTROL_SAMPLES / renderer.sample_rate
        out = renderer.process_path(
            audio,
            np.stack([path.positions_m(seconds) for path in paths], axis=1),
            None if head is None else head.orientations(seconds),
            None if head is None else head.positions_m(seconds),
        )
        step, left = step + steps, left - n
        skipped = min(drop, n)
        drop -= skipped
        yield out[:, skipped:]


def _paths(
    sources: Sequence[FileSource], azimuth_deg: float | Sequence[float],
    elevation_deg: float | Sequence[float], distance_m: float | Sequence[float] | None,
    orbit_seconds: float | None,
) -> list[list[SourcePath]]:  # fmt: skip
    if orbit_seconds is not None and not (np.isfinite(orbit_seconds) and orbit_seconds != 0.0):
        raise AuricleError(f"an orbit takes a time other than 0, got {orbit_seconds}")
    count = len(sources)
    azimuths = _each("azimuth", azimuth_deg, count, 0.0)
    elevations = _each("elevation", elevation_deg, count, 0.0)
    distances = _each("distance", 1.0 if distance_m is None else distance_m, count, 1.0)
    if min(distances) <= 0.0:
        raise AuricleError(f"a distance must be above 0 m, got {min(distances)}")
    paths = []
    for source, azimuth, elevation, distance in zip(
        sources, azimuths, elevations, distances, strict=True
    ):
        spread = (
            [0.0] if source.n_channels == 1 else [STEREO_HALF_WIDTH_DEG, -STEREO_HALF_WIDTH_DEG]
        )
        paths.append(
            [SourcePath(azimuth + side, elevation, distance, orbit_seconds) for side in spread]
        )
    return paths


def _each(what: str, values: float | Sequence[float], count: int, default: float) -> list[float]:
    given = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=np.float64))]
    if len(given) > count:
        raise AuricleError(f"{len(given)} values of {what} for {count} tracks; give one a track")
    if not np.all(np.isfinite(given)):
        raise AuricleError(f"{what} must be finite numbers, got {given}")
    return given + [default] * (count - len(given))


def _silenced(sources: Sequence[Source]) -> dict[str, int]:
    found: dict[str, int] = {}
    for source in sources:
        if source.nonfinite_samples:
            found[source.name] = found.get(source.name, 0) + source.nonfinite_samples
    return found
