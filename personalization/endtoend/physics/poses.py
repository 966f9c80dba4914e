"""Poses: where sound comes from, as the head hears it, which steers every end-to-end system.

Sound that arrives now left its source a while ago. A pose is the place the source had then, in the
axes of the head as it is now: its length over the speed of sound is the delay, and a passing source
has the Doppler effect of physics, which the distance at the time of arrival would miss (by 6 cents
at 20 m/s).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.acoustics.emission_time import emitted_m
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array
from auricle.dsp.compiled import options
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_normalise, to_head

RATE = 48000  # Hz of all audio inside the end-to-end systems
STEP = options.STEP  # samples between poses
EAR_OFFSET_M = 0.08  # of each ear from the middle of the head


@dataclass(frozen=True)
class Poses:
    """Apparent places of one source at the times k STEP / RATE, k from 0 to K; linear between.

    Attributes:
        apparent_m: (K + 1, 3) metres, in the axes of the head (x front, y left, z up): where the
            sound that arrives then was emitted.
        facing: (K + 1, 4) quaternions [w, x, y, z] from the source's axes to those of the head;
            None: the source sends the same in all directions.
    """

    apparent_m: Array
    facing: Array | None = None

    def __post_init__(self) -> None:
        shape = self.apparent_m.shape
        if len(shape) != 2 or shape[1] != 3 or shape[0] < 2:
            raise AuricleError(f"poses are (K + 1, 3) with K at least 1, got {shape}")
        bad = ~np.all(np.isfinite(self.apparent_m), axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            raise AuricleError(f"pose {row} is {self.apparent_m[row]}; poses are finite metres")
        if self.facing is not None and self.facing.shape != (shape[0], 4):
            raise AuricleError(f"facing is ({shape[0]}, 4), got {self.facing.shape}")

    @property
    def n_samples(self) -> int:
        """Samples of the signal that the poses belong to."""
        return (len(self.apparent_m) - 1) * STEP

    @property
    def distance_m(self) -> Array:
        """Distances (K + 1,) from the middle of the head."""
        return np.asarray(np.linalg.norm(self.apparent_m, axis=1), dtype=np.float64)

    def part(self, first_step: int, n_steps: int) -> "Poses":
        """The poses of ``n_steps`` steps from one on."""
        rows = slice(first_step, first_step + n_steps + 1)
        return Poses(self.apparent_m[rows], None if self.facing is None else self.facing[rows])


def step_times(n_samples: int) -> Array:
    """Times (K + 1,) in seconds of the poses of a signal, its length rounded up to whole steps."""
    return _times(-(-n_samples // STEP) + 1)


def heard_poses(
    source_m: ArrayLike, head_orientation: ArrayLike, head_m: ArrayLike,
    sound_speed_m_s: float = SOUND_SPEED_M_S,
) -> Poses:  # fmt: skip
    """Poses from the ways of source and head in the world.

    The source is where it was when it sent what arrives (``auricle.dsp.acoustics.emission_time``).
    Before the first time it rests where it begins.

    Args:
        source_m: (K + 1, 3) metres in world axes at ``step_times``.
        head_orientation: (K + 1, 4) or (4,) quaternions, head to world.
        head_m: (K + 1, 3) or (3,).
        sound_speed_m_s: c.

    Raises:
        AuricleError: a source that nears the head at the speed of sound or faster.
    """
    source = np.atleast_2d(np.asarray(source_m, dtype=np.float64))
    head = np.broadcast_to(np.asarray(head_m, dtype=np.float64), source.shape)
    turn = np.broadcast_to(
        quaternion_normalise(np.asarray(head_orientation, dtype=np.float64)), (len(source), 4)
    )
    _check_slow(source, sound_speed_m_s)
    times = _times(len(source))
    emitted = emitted_m(lambda when: _way(when, times, source), head, times, sound_speed_m_s)
    return Poses(to_head(emitted, turn, head))


def _times(count: int) -> Array:
    return np.arange(count, dtype=np.float64) * (STEP / RATE)


def _way(when: Array, times: Array, source: Array) -> Array:
    return np.stack([np.interp(when, times, column) for column in source.T], axis=1)


def _check_slow(source: Array, sound_speed_m_s: float) -> None:
    speed = np.linalg.norm(np.diff(source, axis=0), axis=1) * (RATE / STEP)
    if len(speed) and not speed.max() < 0.9 * sound_speed_m_s:
        raise AuricleError(
            f"a source moves at {speed.max():.0f} m/s; below nine tenths of the speed of sound "
            "physics is simple, so slow it down or let it begin at its new place"
        )
