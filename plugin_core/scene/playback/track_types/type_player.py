"""The player of a type of track: what its channels are, and the buses of all tracks of the type."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.motion.paths import Head
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels


@dataclass(frozen=True)
class OpenedTrack:
    """A track that is heard: as the scene has it, what its channels are, and their stream."""

    track: Track
    channels: Channels
    stream: TrackStream


@dataclass(frozen=True)
class Surroundings:
    """The surroundings that buses play into.

    Attributes:
        head: the listener's, as it moves.
        sample_rate: Hz.
        level: of the set, as in the scene.
        pool: threads that may read tracks, or None.
        air: between the tracks and the listener.
        hrtf: the listener's set; None where no track needs it.
        prepared: its tables, likewise.
    """

    head: Head
    sample_rate: int
    level: str = "matched"
    pool: ThreadPoolExecutor | None = None
    air: Air | None = None
    hrtf: HrtfSet | None = None
    prepared: PreparedSet | None = None

    @property
    def listener(self) -> tuple[HrtfSet, PreparedSet]:
        """The set and its tables, which a type that ``hears_listener`` has."""
        assert self.hrtf is not None
        assert self.prepared is not None
        return self.hrtf, self.prepared


@dataclass(frozen=True)
class TypePlayer:
    """The way in which tracks of a type are played.

    Attributes:
        channels: called with a track, the header of its file (of the channels that it takes) and
            their number; says what they are. Raises KeyProblem where nobody names that.
        buses: called with all tracks of the type and what they play into.
        reads_header: whether ``channels`` asks the header; else that is empty.
    """

    channels: Callable[[Track, Header, int], Channels]
    buses: Callable[[Sequence[OpenedTrack], Surroundings], list[Bus]]
    reads_header: bool = False
