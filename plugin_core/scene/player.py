"""A scene opened for playing: files, chains, motion and renderers, read from start to end."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.plugin_core.audio_files import FileSource, Source
from auricle.plugin_core.chain import Chain
from auricle.plugin_core.feed import Feed, StreamedChain
from auricle.plugin_core.fifo import Fifo
from auricle.plugin_core.keyframes import KeyframePath
from auricle.plugin_core.mixing import Mixer, ObjectBus, workers
from auricle.plugin_core.motion import Head, HeadTrack, Path3d, PosedHead, SourcePath, Turned
from auricle.plugin_core.offline import load_listener, prepared_listener, silenced_samples
from auricle.plugin_core.scene.distance import distance_law
from auricle.plugin_core.scene.model import (
    Keyframes,
    Listener,
    Orbit,
    Output,
    Plugin,
    Position,
    PositionFile,
    Track,
)
from auricle.plugin_core.scene.place import Place
from auricle.plugin_core.scene.plugins import make_stage, probe
from auricle.plugin_core.shared_file import SharedFile
from auricle.plugin_core.timed_csv import read_positions

MASTER_FRAMES = 128  # what the master chain is given at a time: a control step
DEFAULT_TAIL_SECONDS = 3.0
_MOST_CHANNELS = 1024

Audio = NDArray[np.float32]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    """A scene as the player takes it: its parts, and how names become paths and errors."""

    tracks: Sequence[Track]
    listener: Listener
    master_chain: tuple[Plugin, ...]
    output: Output
    seconds: float | None
    folder: Path
    place: Place

    def resolve(self, name: str) -> Path:
        """The path of a file that the scene names."""
        return self.folder / os.path.expanduser(name)


class Player:
    """Plays a scene once: ``read(n)`` gives the next frames (2, n), any n; then ``close``.

    The master chain is in it, gain, loudness and limiter are not.

    Args:
        parts: the scene.
        n_workers: threads that read tracks; the result does not depend on it.
        say: called with a sentence before work that is done once and takes seconds.

    Attributes:
        sample_rate: Hz.
        n_frames: length with the tail.
        tracks: those that are heard.
        paths: where each of them is.
        head: the listener's.

    Raises:
        SceneError: what cannot be played; names the file, the line and the key.
    """

    def __init__(self, parts: Parts, n_workers: int = 1, say: Say | None = None) -> None:
        self._parts = parts
        with ExitStack() as open_files:
            self._open_all(open_files, n_workers, say)
            self._files = open_files.pop_all()

    def _open_all(self, files: ExitStack, n_workers: int, say: Say | None) -> None:
        parts = self._parts
        if not parts.tracks:
            raise parts.place.error("tracks", "is empty; give at least one track")
        self.sample_rate = parts.output.sample_rate or self._rate_of_first()
        heard = _heard(parts.tracks)
        if not heard:
            raise parts.place.error("tracks", "all are muted; let one be heard")
        self.tracks = [parts.tracks[i] for i in heard]
        self.head = _head(parts)
        opened = [
            files.enter_context(closing(self._open(i, track)))
            for i, track in enumerate(parts.tracks)
        ]
        self._sources: list[Source] = list(opened)
        self._read_once = [opened[i] for i in heard]
        self._share(files, heard)
        self._end = self._length()
        self.paths = [self._path(i) for i in heard]
        feeds = [self._feed(i, path) for i, path in zip(heard, self.paths, strict=True)]
        with parts.place.at("listener.hrtf"):
            listener = parts.listener
            path = None if listener.hrtf is None else parts.resolve(listener.hrtf)
            prepared = prepared_listener(
                load_listener(path, self.sample_rate), self.sample_rate, listener.rank,
                listener.level, say,
            )  # fmt: skip
        pool = files.enter_context(workers(min(n_workers, len(feeds))))
        self._bus = ObjectBus(prepared, feeds, self.head, pool)
        self._mixer = Mixer([self._bus])
        self.n_frames = self._end + self._tail_frames() + self._mixer.tail_samples
        chain = self._chain("master.chain", parts.master_chain, 2, MASTER_FRAMES, MASTER_FRAMES)
        self._out = Fifo(self._through(chain), 2)

    @property
    def report(self) -> str:
        """One line on the rank in use."""
        return self._bus.report

    @property
    def silenced(self) -> dict[str, int]:
        """Files with NaN or infinity, and how many such samples were silenced so far."""
        return silenced_samples(self._read_once)

    def read(self, n_frames: int) -> Audio:
        """The next frames (2, n); behind the end what rings on."""
        return self._out.read(n_frames)

    def close(self) -> None:
        """Close all files and end the threads."""
        self._files.close()

    def _through(self, chain: StreamedChain | None) -> Callable[[int], Audio]:
        if chain is None:
            return self._mixer.read
        return lambda missing: chain.process(self._mixer.read(chain.rounded(missing)))

    def _rate_of_first(self) -> int:
        place = self._parts.place
        with place.at("tracks[0].file"):
            path = self._parts.resolve(self._parts.tracks[0].file)
            with closing(FileSource(path, max_channels=_MOST_CHANNELS)) as source:
                return source.file_rate

    def _open(self, index: int, track: Track) -> FileSource:
        place = self._parts.place
        wanted = None if isinstance(track.channels, str) else [c - 1 for c in track.channels]
        with place.at(f"tracks[{index}].file"):
            source = FileSource(
                self._parts.resolve(track.file), self.sample_rate, channels=wanted,
                max_channels=_MOST_CHANNELS, loop=track.loop,
            )  # fmt: skip
        if track.type == "object" and source.n_channels > 2 and track.channels != "mix":
            source.close()
            raise place.error(
                f"tracks[{index}].channels",
                f"{source.name} has {source.n_channels} channels, an object one or two; name them "
                "as in [1, 2], or mix",
            )
        if track.type != "object":
            source.close()
            raise place.error(
                f"tracks[{index}].type", f"{track.type} tracks cannot be rendered yet; use object"
            )
        return source

    def _share(self, files: ExitStack, heard: list[int]) -> None:
        """Read a file once that several tracks take channels of at the same time."""
        groups: dict[tuple[Path, int, bool], list[int]] = defaultdict(list)
        for i in heard:
            track = self._parts.tracks[i]
            path = self._parts.resolve(track.file).resolve()
            groups[path, self._start(track), track.loop].append(i)
        for (path, _, loop), members in groups.items():
            if len(members) < 2:
                continue
            wanted = {i: self._channels(i) for i in members}
            used = sorted({channel for channels in wanted.values() for channel in channels})
            source = FileSource(path, self.sample_rate, channels=used, loop=loop)
            shared = SharedFile(files.enter_context(closing(source)))
            self._read_once.append(source)
            for i, channels in wanted.items():
                self._sources[i] = shared.tap([used.index(channel) for channel in channels])

    def _channels(self, index: int) -> list[int]:
        given = self._parts.tracks[index].channels
        if isinstance(given, str):
            return list(range(self._sources[index].n_channels))
        return [channel - 1 for channel in given]

    def _length(self) -> int:
        """Frames of the scene without its tail."""
        if self._parts.seconds is not None:
            return max(1, round(self._parts.seconds * self.sample_rate))
        ends = [
            self._start(track) + source.n_frames
            for track, source in zip(self._parts.tracks, self._sources, strict=True)
            if not track.loop
        ]
        if not ends:
            raise self._parts.place.error(
                "seconds", "must be given, since all tracks begin again and again"
            )
        return max(ends)

    def _tail_frames(self) -> int:
        seconds = self._parts.output.tail_seconds
        if seconds is None:
            chained = self._parts.master_chain or any(track.chain for track in self.tracks)
            seconds = DEFAULT_TAIL_SECONDS if chained else 0.0
        return round(seconds * self.sample_rate)

    def _start(self, track: Track) -> int:
        return round(track.start_seconds * self.sample_rate)

    def _feed(self, index: int, path: Path3d) -> Feed:
        track, source = self._parts.tracks[index], self._sources[index]
        mix = track.channels == "mix"
        count = 1 if mix else source.n_channels
        with self._parts.place.at(f"tracks[{index}].distance"):
            law = distance_law(track.distance)
        half = track.width_deg / 2.0
        sides: list[Path3d] = [path] if count == 1 else [Turned(path, half), Turned(path, -half)]
        chain = self._chain(f"tracks[{index}].chain", track.chain, count)
        return Feed(
            source, sides, gain=10.0 ** (track.gain_db / 20.0), chain=chain, law=law, mix=mix,
            start_frames=self._start(track), end_frames=self._end,
        )  # fmt: skip

    def _path(self, index: int) -> Path3d:
        with self._parts.place.at(f"tracks[{index}].position"):
            return position_path(self._parts.tracks[index].position, self._parts.resolve)

    def _chain(
        self, at: str, plugins: tuple[Plugin, ...], n_channels: int, *sizes: int
    ) -> StreamedChain | None:
        if not plugins:
            return None
        stages, latency = [], 0
        for i, plugin in enumerate(plugins):
            with self._parts.place.at(f"{at}[{i}]"):
                stage = make_stage(plugin, self._parts.resolve, self.sample_rate, n_channels)
                try:
                    latency += probe(stage, self.sample_rate, n_channels)
                except AuricleError as error:
                    name = getattr(plugin, plugin.MARK)
                    raise AuricleError(f"{name} {error}") from error
            stages.append(stage)
        block, buffer = sizes or (2048, 512)
        return StreamedChain(
            Chain(stages), at, self.sample_rate, block=block, buffer=buffer, latency=latency
        )


def position_path(position: Position, resolve: Callable[[str], Path]) -> Path3d:
    """The path of a track's position.

    Raises:
        AuricleError: a CSV file that cannot be used.
    """
    if isinstance(position, PositionFile):
        return read_positions(resolve(position.csv), position.interpolation)
    if isinstance(position, Orbit):
        return SourcePath(
            position.azimuth_deg, position.elevation_deg, position.distance_m,
            position.orbit_seconds,
        )  # fmt: skip
    if isinstance(position, Keyframes):
        return keyframe_path(position)
    if position.xyz_m is not None:
        return KeyframePath([0.0], [position.xyz_m])
    return SourcePath(position.azimuth_deg, position.elevation_deg, position.distance_m)


def keyframe_path(position: Keyframes) -> KeyframePath:
    """The path through keyframes."""
    frames = position.keyframes
    polar = all(frame.xyz_m is None for frame in frames)
    places = [
        [frame.azimuth_deg, frame.elevation_deg, frame.distance_m]
        if polar
        else frame.xyz_m
        or SourcePath(frame.azimuth_deg, frame.elevation_deg, frame.distance_m).positions_m(
            np.zeros(1)
        )[0]
        for frame in frames
    ]
    return KeyframePath(
        [frame.time_seconds for frame in frames], places, position.interpolation, polar=polar,
        easings=[frame.easing for frame in frames],
        gains=[10.0 ** (frame.gain_db / 20.0) for frame in frames],
    )  # fmt: skip


def _heard(tracks: Sequence[Track]) -> list[int]:
    """Indices of the tracks that are heard: the soloed ones if there are any, less the muted."""
    solo = any(track.solo for track in tracks)
    return [i for i, track in enumerate(tracks) if not track.mute and (track.solo or not solo)]


def _head(parts: Parts) -> Head:
    listener = parts.listener
    track = None
    if listener.head_track is not None:
        with parts.place.at("listener.head_track"):
            track = HeadTrack(parts.resolve(listener.head_track))
    pose = quaternion_from_ypr_deg(listener.yaw_deg, listener.pitch_deg, listener.roll_deg)
    return PosedHead(pose, np.asarray(listener.position_m), track)
