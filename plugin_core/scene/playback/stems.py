"""The files of a scene, opened and checked, each read once."""

from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path

from auricle.plugin_core.audio.files import AudioSource, FileSource, silenced_samples
from auricle.plugin_core.audio.headers import Header, read_header
from auricle.plugin_core.audio.shared_file import SharedFile
from auricle.plugin_core.scene.format.json_tree import SceneError
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels
from auricle.plugin_core.scene.playback.opened_types import channels_of, player_of
from auricle.plugin_core.scene.playback.parts import Parts

_MOST_CHANNELS = 1024


class Stems:
    """A source for each track, at one sample rate.

    All files are opened, also those of muted tracks, which count for the length.

    Attributes:
        sample_rate: Hz.
        sources: one a track.
        channels: what those of each track are.
        end_frames: length of the scene without a tail.

    Raises:
        SceneError: a file that cannot be used.
    """

    def __init__(self, parts: Parts, files: ExitStack) -> None:
        self._parts = parts
        self.sample_rate = parts.output.sample_rate or self._rate_of_first()
        groups = self._groups()
        alone = set(parts.heard) - {i for members in groups for i in members}
        self.sources: list[AudioSource] = []
        self.channels: list[Channels] = []
        self._read: list[FileSource] = []
        for i, track in enumerate(parts.tracks):
            source = self._open(i, track)
            self.sources.append(source)
            if i in alone:
                files.enter_context(closing(source))
                self._read.append(source)
            else:  # its length was of interest; a master has a hundred tracks in one file
                source.close()
        for members in groups:
            self._share(members, files)
        self.end_frames = self._length()

    @property
    def silenced(self) -> dict[str, int]:
        """Files with NaN or infinity, and how many such samples were silenced so far."""
        return silenced_samples(self._read)

    def start_frames(self, track: Track) -> int:
        """When the file of a track begins."""
        return round(track.start_seconds * self.sample_rate)

    def _rate_of_first(self) -> int:
        with self._parts.place.at("tracks[0].file"):
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
        asked = player_of(track.type).reads_header
        header = read_header(Path(source.name)).picked(wanted) if asked else Header()
        try:
            with place.at(f"tracks[{index}]"):
                self.channels.append(channels_of(track, header, source.n_channels))
        except SceneError:
            source.close()
            raise
        due = self.channels[-1].counts
        if track.channels == "mix" or source.n_channels in due:
            return source
        source.close()
        raise place.error(
            f"tracks[{index}].channels",
            f"{source.name} has {source.n_channels} channels, {track.type} tracks like this have "
            f"{' or '.join(map(str, due))}; name them as in [1, 2]",
        )

    def _groups(self) -> list[list[int]]:
        """Tracks that are heard and take channels of the same file at the same time."""
        groups: dict[tuple[Path, int, bool], list[int]] = defaultdict(list)
        for i in self._parts.heard:
            track = self._parts.tracks[i]
            path = self._parts.resolve(track.file).resolve()
            groups[path, self.start_frames(track), track.loop].append(i)
        return [members for members in groups.values() if len(members) > 1]

    def _share(self, members: list[int], files: ExitStack) -> None:
        """Read the file of some tracks once."""
        track = self._parts.tracks[members[0]]
        path = self._parts.resolve(track.file)
        wanted = {i: self._channels(i) for i in members}
        used = sorted({channel for channels in wanted.values() for channel in channels})
        source = FileSource(path, self.sample_rate, channels=used, loop=track.loop)
        shared = SharedFile(files.enter_context(closing(source)))
        self._read.append(source)
        for i, channels in wanted.items():
            self.sources[i] = shared.tap([used.index(channel) for channel in channels])

    def _channels(self, index: int) -> list[int]:
        given = self._parts.tracks[index].channels
        if isinstance(given, str):
            return list(range(self.sources[index].n_channels))
        return [channel - 1 for channel in given]

    def _length(self) -> int:
        """Frames of the scene without its tail."""
        if self._parts.seconds is not None:
            return max(1, round(self._parts.seconds * self.sample_rate))
        ends = [
            self.start_frames(track) + source.n_frames
            for track, source in zip(self._parts.tracks, self.sources, strict=True)
            if not track.loop
        ]
        if not ends:
            raise self._parts.place.error(
                "seconds", "must be given, since all tracks begin again and again"
            )
        return max(ends)
