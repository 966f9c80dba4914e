"""A scene opened for playing: files, chains, motion and renderers, read from start to end."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_from_ypr_deg
from auricle.plugin_core.audio.fifo import Fifo
from auricle.plugin_core.listener.loading import load_listener, prepared_listener
from auricle.plugin_core.mixing.feed import FADE_FRAMES, StreamedChain, TrackStream
from auricle.plugin_core.mixing.mixer import Bus, MakeBus, Mixer, workers
from auricle.plugin_core.motion.keyframes import KeyframePath
from auricle.plugin_core.motion.paths import (
    Head,
    HeadTrack,
    OnHead,
    PosedHead,
    RotatedPath,
    SourcePath,
    Trajectory,
)
from auricle.plugin_core.motion.timed_csv import read_positions
from auricle.plugin_core.plugins.chain import Chain
from auricle.plugin_core.scene.format.model import (
    Keyframes,
    Orbit,
    Plugin,
    Position,
    PositionFile,
    Track,
)
from auricle.plugin_core.scene.playback.opened_types import buses_of
from auricle.plugin_core.scene.playback.parts import Parts
from auricle.plugin_core.scene.playback.plugins import make_stage, probe
from auricle.plugin_core.scene.playback.stems import Stems
from auricle.plugin_core.scene.playback.track_effects import effects_of
from auricle.plugin_core.scene.playback.track_types.type_player import OpenedTrack, Surroundings

MASTER_FRAMES = 128  # what the master chain is given at a time: a control step
DEFAULT_TAIL_SECONDS = 3.0

Audio = NDArray[np.float32]
Say = Callable[[str], None]


class Player:
    """Plays a scene once: ``read(n)`` gives the next frames (2, n), any n; then ``close``.

    The master chain is in it, gain, loudness and limiter are not.

    Args:
        parts: the scene.
        n_workers: threads that read tracks; the result does not depend on it.
        say: called with a sentence before work that is done once and takes seconds.
        objects: makes what renders the objects, in place of the engine; then all tracks must be
            objects, or finished sound for the ears.

    Attributes:
        sample_rate: Hz.
        n_frames: length with the tail.
        ways: the objects that are heard, and where each is.
        head: the listener's.
        notes: sentences on headers that contradict the scene.
        report: one line on the rank in use.

    Raises:
        SceneError: what cannot be played; names the file, the line and the key.
    """

    def __init__(
        self, parts: Parts, n_workers: int = 1, say: Say | None = None,
        objects: MakeBus | None = None,
    ) -> None:  # fmt: skip
        self._parts, self._objects, self._say = parts, objects, say
        self._at = 0
        with ExitStack() as open_files:
            self._open_all(open_files, n_workers, say)
            self._files = open_files.pop_all()

    def _open_all(self, files: ExitStack, n_workers: int, say: Say | None) -> None:
        parts, heard = self._parts, self._parts.heard
        self.head = _head(parts)
        self._stems = Stems(parts, files)
        self.sample_rate = self._stems.sample_rate
        self.ways: list[tuple[Track, Trajectory]] = []
        feeds = {i: self._feed(i) for i in heard}
        self.notes = tuple(
            f"{self._stems.sources[i].name}: {note}"
            for i in heard if (note := self._stems.channels[i].note)
        )  # fmt: skip
        if say is not None:
            for note in dict.fromkeys(self.notes):
                say(note)
        pool = files.enter_context(workers(min(n_workers, len(feeds))))
        buses = self._buses(feeds, pool, say)
        self._mixer = Mixer(buses)
        self.n_frames = self._stems.end_frames + self._tail_frames()
        chain = self._chain("master.chain", parts.master_chain, 2, MASTER_FRAMES, MASTER_FRAMES)
        self._out = Fifo(self._through(chain), 2)

    def _buses(
        self, feeds: dict[int, TrackStream], pool: ThreadPoolExecutor | None, say: Say | None
    ) -> list[Bus]:
        """What plays the tracks, type by type; no set is read where nobody hears by one."""
        listener, rate = self._parts.listener, self.sample_rate
        opened = [
            OpenedTrack(self._parts.tracks[i], self._stems.channels[i], feed)
            for i, feed in feeds.items()
        ]
        around = Surroundings(
            self.head, rate, listener.level, pool, Air(**asdict(self._parts.air))
        )  # fmt: skip
        if self._objects is not None:
            beside = [each for each in opened if not each.track.track_type.hears_listener]
            others = [each.stream for each in opened if each.track.track_type.hears_listener]
            return [self._rendered_otherwise(self._objects, others), *buses_of(beside, around)]
        if not any(each.track.track_type.hears_listener for each in opened):
            self.report = "finished binaural sound, as it is"
            return buses_of(opened, around)
        with self._parts.place.at("listener.hrtf"):
            path = None if listener.hrtf is None else self._parts.resolve(listener.hrtf)
            hrtf = load_listener(path, rate, say, listener.reading)
            prepared = prepared_listener(hrtf, rate, listener.rank, listener.level, say)
        self.report = prepared.report
        return buses_of(opened, replace(around, hrtf=hrtf, prepared=prepared))

    def _rendered_otherwise(self, objects: MakeBus, feeds: list[TrackStream]) -> Bus:
        for index in self._parts.heard:
            kind = self._parts.tracks[index].track_type
            if kind.hears_listener and not kind.is_placed:
                raise self._parts.place.error(
                    f"tracks[{index}].type",
                    f"{kind.name}: only objects can be rendered by a network",
                )
        if not feeds:
            raise self._parts.place.error("tracks", "holds no object that a network could render")
        bus = objects(feeds, self.head)
        self.report = bus.report
        return bus

    @property
    def silenced(self) -> dict[str, int]:
        """Files with NaN or infinity, and how many such samples were silenced so far."""
        return self._stems.silenced

    def read(self, n_frames: int) -> Audio:
        """The next frames (2, n); behind the end what rings on, or silence if the scene says when
        it ends.
        """
        audio = self._out.read(n_frames)
        if not self._ends_as_told:
            return audio
        left = self.n_frames - self._at - np.arange(audio.shape[1])
        self._at += audio.shape[1]
        return audio * np.clip(left / FADE_FRAMES, 0.0, 1.0).astype(np.float32)

    def close(self) -> None:
        """Close all files and end the threads."""
        self._files.close()

    def _through(self, chain: StreamedChain | None) -> Callable[[int], Audio]:
        if chain is None:
            return self._mixer.read
        return lambda missing: chain.process(self._mixer.read(chain.rounded(missing)))

    @property
    def _ends_as_told(self) -> bool:
        """Whether the scene says how long it is, and nothing of a tail behind that."""
        return self._parts.seconds is not None and self._parts.output.tail_seconds is None

    def _tail_frames(self) -> int:
        seconds = self._parts.output.tail_seconds
        if self._ends_as_told:
            return 0
        if seconds is None:
            chained = self._parts.master_chain or any(
                self._parts.tracks[i].chain for i in self._parts.heard
            )
            seconds = DEFAULT_TAIL_SECONDS if chained else 0.0
        return round(seconds * self.sample_rate) + self._mixer.tail_samples

    def _feed(self, index: int) -> TrackStream:
        track, source = self._parts.tracks[index], self._stems.sources[index]
        mix = track.channels == "mix"
        count = 1 if mix else source.n_channels
        paths: Sequence[Trajectory] = (
            self._paths(index, count) if track.track_type.is_placed else []
        )
        chain = self._chain(f"tracks[{index}].chain", track.chain, count)
        return TrackStream(
            source, paths, gain=10.0 ** (track.gain_db / 20.0), chain=chain, mix=mix,
            start_frames=self._stems.start_frames(track), end_frames=self._stems.end_frames,
            effects=effects_of(track, _widths_of(track)),
        )  # fmt: skip

    def _paths(self, index: int, n_channels: int) -> list[Trajectory]:
        """Where the one or two channels of an object are."""
        track = self._parts.tracks[index]
        with self._parts.place.at(f"tracks[{index}].position"):
            path = position_path(track.position, self._parts.resolve)
        half = track.width_deg / 2.0
        paths: list[Trajectory] = (
            [path] if n_channels == 1 else [RotatedPath(path, half), RotatedPath(path, -half)]
        )
        if track.head_locked:
            path, paths = OnHead(path, self.head), [OnHead(each, self.head) for each in paths]
        self.ways.append((track, path))
        return paths

    def _chain(
        self, at: str, plugins: tuple[Plugin, ...], n_channels: int, *sizes: int
    ) -> StreamedChain | None:
        if not plugins:
            return None
        stages, latency = [], 0
        for i, plugin in enumerate(plugins):
            with self._parts.place.at(f"{at}[{i}]"):
                stage = make_stage(
                    plugin, self._parts.resolve, self.sample_rate, n_channels, self._say
                )
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


def position_path(position: Position, resolve: Callable[[str], Path]) -> Trajectory:
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
        widths_deg=[frame.source_width_deg or 0.0 for frame in frames],
    )  # fmt: skip


def _widths_of(track: Track) -> Callable[[Array], Array] | None:
    """How wide a track is over time; None if its keyframes do not say."""
    if not isinstance(track.position, Keyframes):
        return None
    frames = track.position.keyframes
    if all(frame.source_width_deg is None for frame in frames):
        return None
    own = track.source_width_deg
    said = [
        replace(frame, source_width_deg=own) if frame.source_width_deg is None else frame
        for frame in frames
    ]
    return keyframe_path(replace(track.position, keyframes=tuple(said))).widths_deg


def _head(parts: Parts) -> Head:
    listener = parts.listener
    track = None
    if listener.head_track is not None:
        with parts.place.at("listener.head_track"):
            track = HeadTrack(parts.resolve(listener.head_track))
    pose = quaternion_from_ypr_deg(listener.yaw_deg, listener.pitch_deg, listener.roll_deg)
    return PosedHead(pose, np.asarray(listener.position_m), track)
