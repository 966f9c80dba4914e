"""Scene: a whole mix in one file, JSON or ADM, loaded, saved, rendered or played in blocks."""

import json
import os
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.storage.part_files import whole_file
from auricle.plugin_core.audio.fifo import Fifo
from auricle.plugin_core.audio.files import output_format, same_file
from auricle.plugin_core.audio.riff_chunks import is_wave
from auricle.plugin_core.mastering.limiter import Limiter as PeakLimiter
from auricle.plugin_core.mastering.master import Mastering, MasterWriter, Progress, RenderResult
from auricle.plugin_core.mixing.mixer import MakeBus
from auricle.plugin_core.scene.format.from_adm import tracks_of
from auricle.plugin_core.scene.format.json_tree import load_tree
from auricle.plugin_core.scene.format.location import Place
from auricle.plugin_core.scene.format.model import (
    MOST_SECONDS,
    VERSION,
    Air,
    Listener,
    Master,
    Output,
    Track,
    Vst3Plugin,
)
from auricle.plugin_core.scene.format.schema import Reader, check_values, key, to_json
from auricle.plugin_core.scene.picture import check_picture, save_scene_picture
from auricle.plugin_core.scene.playback.parts import Parts
from auricle.plugin_core.scene.playback.player import Player

PathLike = str | os.PathLike[str]


@dataclass(repr=False)
class Scene:
    """A mix: tracks with chains and moves, a listener, a master.

    ``Scene.load("scene.json").render("out.wav")``. The fields are those of the file
    (docs/scene.md) and may be exchanged between renderings. ``process(n)`` plays it in blocks.

    Attributes:
        notes: sentences on what an ADM master asks for and is not played.

    Raises:
        SceneError: names the file, the line and the key.
    """

    TITLE: ClassVar[str] = "Scene"

    auricle_scene: int = key(VERSION, "version of this format", choices=(VERSION,), always=True)
    name: str = key("", "a title")
    folder: str = key(
        "", "where the files named here lie, seen from the scene file; empty: beside it"
    )
    seconds: float | None = key(
        None, "length of the file; what is longer or rings on fades out over 20 ms (but see "
        "`tail_seconds`); null: until the last track that does not loop has ended",
        low=0.001, high=MOST_SECONDS,
    )  # fmt: skip
    tracks: tuple[Track, ...] = key((), "what sounds")
    air: Air = key(Air(), "what lies between")
    listener: Listener = key(Listener(), "who listens")
    master: Master = key(Master(), "what happens to the sum")
    output: Output = key(Output(), "the file that is written")
    notes: tuple[str, ...] = field(default=(), init=False, compare=False, repr=False)
    place: Place = field(default=Place(), init=False, compare=False, repr=False)
    _player: Player | None = field(default=None, init=False, compare=False, repr=False)
    _playing: Fifo = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.tracks = tuple(self.tracks)
        check_values(self)

    def __repr__(self) -> str:
        file = f" of {self.place.file}" if self.place.file is not None else ""
        return f"<auricle.Scene {self.name!r}{file}: {len(self.tracks)} tracks>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("track", "type", "file", "gain"))
        rows = "".join(
            f"<tr><td>{escape(track.name or Path(track.file).stem)}</td><td>{track.type}</td>"
            f"<td>{escape(track.file)}</td><td>{track.gain_db:g} dB</td></tr>"
            for track in self.tracks
        )
        listener = escape(self.listener.hrtf or "the default listener")
        title = f"Scene {escape(self.name)}, heard by {listener}"
        return f"<table><caption>{title}</caption><tr>{head}</tr>{rows}</table>"

    @classmethod
    def load(
        cls, path: PathLike, *, folder: PathLike | None = None, programme: str | None = None
    ) -> "Scene":  # fmt: skip
        """The scene of a JSON file or of an ADM master (docs/adm.md).

        Args:
            path: of the file.
            folder: stands in for the folder that a JSON file names.
            programme: of an ADM master, by its ID or name; None: the one with the lowest ID.

        Raises:
            AuricleError: a file that cannot be used.
        """
        file = Path(path)
        if is_wave(file):
            return cls._from_adm(file, folder, programme)
        if programme is not None:
            raise AuricleError(f"{path}: only ADM masters have programmes; leave {programme!r} out")
        tree = load_tree(file)
        scene = Reader(str(path)).read(cls, tree)
        scene.place = Place(file, tree.lines())
        if folder is not None:
            if not Path(folder).is_dir():
                raise AuricleError(f"{folder}: no such folder; check the name")
            scene.folder = str(Path(folder).absolute())
        return scene

    @classmethod
    def _from_adm(cls, file: Path, folder: PathLike | None, programme: str | None) -> "Scene":
        if folder is not None:
            raise AuricleError(f"{file}: an ADM master holds its own audio; leave the folder out")
        name, tracks, notes = tracks_of(file, programme)
        scene = cls(name=name, tracks=tracks)
        scene.place, scene.notes = Place(file), notes
        return scene

    def save(self, path: PathLike) -> None:
        """Write the scene as JSON; its folder is named as seen from there.

        Args:
            path: of the file, which appears whole or not at all.

        Raises:
            AuricleError: the file cannot be written.
        """
        target = Path(path)
        there = Path(self.place.folder, self.folder).absolute()
        try:
            seen = os.path.relpath(there, target.absolute().parent)
        except ValueError:  # another drive
            seen = str(there)
        text = json.dumps(to_json(replace(self, folder="" if seen == "." else seen)), indent=2)
        try:
            with whole_file(target) as unfinished:
                unfinished.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise AuricleError(f"{path}: could not be written ({error.strerror})") from error

    def open(
        self, *, n_workers: int = 1, say: Callable[[str], None] | None = None,
        objects: MakeBus | None = None,
    ) -> Player:  # fmt: skip
        """A player at the start of the scene, which gives (2, n) by ``read(n)``; close it in the
        end.

        Args:
            n_workers: threads that read tracks and run their chains.
            say: called with a sentence before work that is done once and takes seconds.
            objects: makes what renders the objects in place of the engine.

        Raises:
            SceneError: what cannot be played; names the file, the line and the key.
        """
        parts = Parts(
            self.tracks, self.listener, self.master.chain, self.output, self.air, self.seconds,
            Path(self.place.folder, self.folder), self.place,
        )  # fmt: skip
        return Player(parts, n_workers, say, objects)

    def render(
        self, output: PathLike, *, block_size: int = 16384, n_workers: int | None = None,
        plot: PathLike | None = None, objects: MakeBus | None = None,
        progress: Progress | None = None, say: Callable[[str], None] | None = None,
    ) -> RenderResult:  # fmt: skip
        """Render to a .wav or .flac file, which appears whole or not at all.

        Args:
            output: the file.
            block_size: samples rendered at a time; the result does not depend on it.
            n_workers: threads that read tracks and run their chains; None: one for each processor.
                The result does not depend on it.
            plot: a picture (.png, .pdf, .svg) of the ways and of the loudness.
            objects: makes what renders the objects in place of the engine.
            progress: called with frames done since the last call and frames of work in all.
            say: called with a sentence before work that is done once and takes seconds.

        Returns:
            Length, peak, loudness and the like.

        Raises:
            AuricleError: a scene that cannot be played, or a file that cannot be written.
        """
        if block_size < 1:
            raise AuricleError(f"the block size must be at least 1, got {block_size}")
        if n_workers is not None and n_workers < 1:
            raise AuricleError(f"there must be at least 1 worker, got {n_workers}")
        output_format(Path(output), self.output.encoding)
        self._refuse_overwriting(Path(output))
        if plot is not None:
            check_picture(Path(plot))
        limiter, loudness = self.master.limiter, self.master.loudness
        settings = Mastering(
            self.master.gain_db, None if loudness is None else loudness.target_lufs,
            None if limiter is None else limiter.ceiling_db,
            0.1 if limiter is None else limiter.release_seconds, self.output.encoding, True,
        )  # fmt: skip
        workers = n_workers if n_workers is not None else os.cpu_count() or 1
        with closing(self.open(n_workers=workers, say=say, objects=objects)) as player:
            rate, total = player.sample_rate, player.n_frames
            master = MasterWriter(settings, output, rate, total, block_size, progress)
            writer = master.write(player.read)
            result = master.result(writer, player.silenced, player.report)
        if plot is not None:
            save_scene_picture(self, player, master.meters.loudness, result, Path(plot))
        return result

    @property
    def listener_file(self) -> Path | None:
        """The path of the listener's SOFA file; None: the default listener."""
        if self.listener.hrtf is None:
            return None
        return Path(self.place.folder, self.folder, self.listener.hrtf)

    def process(self, n_frames: int) -> NDArray[np.float32]:
        """Play the next frames of the scene, and behind its end what rings on; ``reset`` starts
        anew.

        Gain and limiter are in it; a loudness target would have to know the end, so it is left to
        ``render``.

        Args:
            n_frames: how many, from 0 on.

        Returns:
            (2, n_frames) float32, left ear first.

        Raises:
            AuricleError: a scene that cannot be played.
        """
        if n_frames < 0:
            raise AuricleError(f"a block has 0 frames or more, got {n_frames}")
        if self._player is None:
            self._player = self.open()
            for note in self._player.notes:
                warnings.warn(note, stacklevel=2)
            self._playing = _mastered(self._player, self.master)
        return self._playing.read(n_frames)

    def reset(self) -> None:
        """Close what ``process`` has opened; the next call starts at the beginning."""
        if self._player is not None:
            self._player.close()
        self._player = None

    def _refuse_overwriting(self, output: Path) -> None:
        """A rendering that replaces what it is made of is a mistake."""
        folder = Path(self.place.folder, self.folder)
        named = {f"tracks[{i}].file": track.file for i, track in enumerate(self.tracks)}
        named["listener.hrtf"] = self.listener.hrtf or ""
        chains = [("master.chain", self.master.chain)]
        chains += [(f"tracks[{i}].chain", track.chain) for i, track in enumerate(self.tracks)]
        for at, chain in chains:
            for i, plugin in enumerate(chain):
                if isinstance(plugin, Vst3Plugin):
                    named[f"{at}[{i}].vst3"] = plugin.vst3
        for path, name in named.items():
            if name and same_file(output, folder / name):
                raise self.place.error(path, f"{output} is this file; choose another output")
        if self.place.file is not None and same_file(output, self.place.file):
            raise AuricleError(f"{output}: is the scene itself; choose another output")


def _mastered(player: Player, master: Master) -> Fifo:
    """What a player gives, with gain and limiter."""
    gain = np.float32(10.0 ** (master.gain_db / 20.0))
    if master.limiter is None:
        return Fifo(lambda missing: gain * player.read(missing), 2)
    limiter = PeakLimiter(
        player.sample_rate, master.limiter.ceiling_db, master.limiter.release_seconds
    )
    return Fifo(
        lambda missing: limiter.process(gain * player.read(missing)), 2, limiter.latency_samples
    )
