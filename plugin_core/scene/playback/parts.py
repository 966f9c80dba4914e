"""A scene as its player takes it, and the one sentence for what goes wrong with it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auricle.plugin_core.scene.format.location import Place
from auricle.plugin_core.scene.format.model import Air, Listener, Output, Plugin, Track


@dataclass(frozen=True)
class Parts:
    """A scene as the player takes it: its parts, and how names become paths and errors."""

    tracks: Sequence[Track]
    listener: Listener
    master_chain: tuple[Plugin, ...]
    output: Output
    air: Air
    seconds: float | None
    folder: Path
    place: Place

    @property
    def heard(self) -> list[int]:
        """Indices of the tracks that are heard: the soloed ones if there are any, less the muted.

        Raises SceneError if there is none.
        """
        if not self.tracks:
            raise self.place.error("tracks", "is empty; give at least one track")
        solo = any(track.solo for track in self.tracks)
        found = [
            i for i, track in enumerate(self.tracks) if not track.mute and (track.solo or not solo)
        ]
        if not found:
            raise self.place.error("tracks", "all are muted; let one be heard")
        return found

    def resolve(self, name: str) -> Path:
        """The path of a file that the scene names."""
        return self.folder / os.path.expanduser(name)
