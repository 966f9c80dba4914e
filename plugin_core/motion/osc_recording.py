"""Sources and a head that move as a recorded OSC session says."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.osc.quaternion import Vector
from auricle.osc.scene.state import SceneState
from auricle.osc.scene.target import Target
from auricle.osc.session.recording import SessionRecording
from auricle.osc.session.session import Session
from auricle.osc.session.timeline import Timeline
from auricle.osc.trackers.presets import preset
from auricle.plugin_core.motion.paths import Head, Trajectory

WIDEST_DEG = 180.0  # that a source can be heard
# Counters worth a word, and what they mean.
_ODD = {
    "bad": "are not OSC or have arguments of the wrong type or number",
    "unknown": "went to addresses that do not exist",
    "no_source": "went to sources beyond the tracks",
    "nonfinite": "held NaN or infinity",
    "early": "were more than a second ahead of their time",
    "refused": "named files, which a render does not read",
}


@dataclass(frozen=True)
class RecordedPath:
    """A source of a recorded session."""

    timeline: Timeline
    source: int

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        return self.timeline.positions_m(self.source, seconds)

    def gains(self, seconds: Array) -> Array:
        """Linear gains (J,) at times (J,)."""
        return self.timeline.gains(self.source, seconds)

    @property
    def widens(self) -> bool:
        """Whether the session gives it a width."""
        return self.timeline.widens(self.source)

    def widths_deg(self, seconds: Array) -> Array:
        """Widths (J,) in degrees at times (J,): ADM-OSC's from 0 to 1 are 0 to 180."""
        return WIDEST_DEG * self.timeline.widths(self.source, seconds)


@dataclass(frozen=True)
class RecordedHead:
    """The head of a recorded session."""

    timeline: Timeline

    def orientations(self, seconds: Array) -> Array:
        """Unit quaternions [w, x, y, z] (J, 4) at times (J,)."""
        return self.timeline.orientations(seconds)

    def positions_m(self, seconds: Array) -> Array:
        """Positions (J, 3) at times (J,)."""
        return self.timeline.head_positions_m(seconds)


def recorded_motion(
    path: str | os.PathLike[str], starts: Sequence[Trajectory], tracker: str | None,
    sample_rate: int, say: Callable[[str], None] | None = None,
) -> tuple[list[RecordedPath], Head]:  # fmt: skip
    """The ways of the sources and the head in a file of ``auricle osc record``.

    Args:
        path: the recording.
        starts: where each source is before its first message.
        tracker: the head tracker's preset; None: none.
        sample_rate: Hz, of the control steps.
        say: called with a sentence about messages that had no effect.

    Raises:
        AuricleError: a file that is no recording, or an unknown preset.
    """
    dialect = None if tracker is None else preset(tracker)
    recording = SessionRecording.load(path)

    def session(target: Target, scene: SceneState) -> Session:
        return Session(target, scene=scene, tracker=dialect)

    timeline = Timeline(recording, session, [_first(each) for each in starts], sample_rate)
    if say is not None:
        for line in odd_lines(timeline.summary):
            say(f"{path}: {line}")
    return [RecordedPath(timeline, source) for source in range(len(starts))], RecordedHead(timeline)


def odd_lines(counters: dict[str, int]) -> list[str]:
    """A sentence for each counter that says that something had no effect."""
    return [
        f"{counters[name]} messages {meaning}" for name, meaning in _ODD.items() if counters[name]
    ]


def _first(path: Trajectory) -> Vector:
    x, y, z = path.positions_m(np.zeros(1))[0].tolist()
    return (x, y, z)
