"""Distance for S sources of one set: level, air, and near-field cues, step by step."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.acoustics.air_absorption import SCALE_M, Air, air_table, table_distances_m
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array
from auricle.dsp.compiled.engine_record import CUES
from auricle.dsp.distance import cue_kernels as kernels
from auricle.dsp.distance.near_field import NearFieldTable
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import IDENTITY_COEFFICIENTS

EARS = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
NEAR_LIMIT_M = 2.0


def distance_gain(distance_m: ArrayLike, reference_m: float = 1.0, floor_m: float = 0.1) -> Array:
    """Gains by the 1/r law.

    Args:
        distance_m: (...) metres.
        reference_m: where the gain is 1.
        floor_m: nearer sources are no louder than here.

    Returns:
        (...) linear gains.

    Raises:
        AuricleError: a reference or a floor that is not positive.
    """
    if not (0.0 < reference_m < np.inf and 0.0 < floor_m < np.inf):
        raise AuricleError(
            f"reference and floor of the distance law are positive, got {reference_m} and {floor_m}"
        )
    return reference_m / np.maximum(np.asarray(distance_m, dtype=np.float64), floor_m)


class DistanceCues:
    """The effects of distance on each source and ear, set anew for every control step.

    ``aim`` fills ``near`` and ``pre_onset_gain`` (S,), ``directions`` (S, 2, 3), ``delays`` (S, 2)
    in samples, ``coefficients`` (2, S, 2, 5) at the step's begin and end and ``state`` (S,) as
    described in ``cue_kernels``, for the renderer's kernels; nothing is allocated.

    Args:
        n_sources: S.
        sample_rate: Hz.
        near: the set's table, or None for no near-field cues.
        air: the air's state, or None for no absorption; it also sets the speed of sound.
        limit_m: near-field cues fade in from here to 0.9 of it: one number for all, or (S,) that
            its owner may write to at any time. From the set's own distance on they begin by
            themselves; 0 switches them off.
        in_air: (S,) bool likewise, whom the air absorbs; None for all.
    """

    def __init__(
        self, n_sources: int, sample_rate: int, near: NearFieldTable | None = None,
        air: Air | None = None, limit_m: float | Array = NEAR_LIMIT_M,
        in_air: NDArray[np.bool_] | None = None,
    ) -> None:  # fmt: skip
        speed = air.sound_speed_m_s if air else SOUND_SPEED_M_S
        farthest_m = float(table_distances_m()[-1])
        self._numbers = np.array([
            near.reference_m if near else 1.0, near.nearest_m if near else 0.5,
            near.head_radius_m if near else 0.1, sample_rate / speed, SCALE_M,
            farthest_m / (farthest_m + SCALE_M),
        ])  # fmt: skip
        self._near_table = np.ascontiguousarray(near.coefficients if near else np.zeros((0, 0, 5)))
        self._air_table = air_table(air, sample_rate) if air else np.zeros((0, 5))
        each_m = limit_m if isinstance(limit_m, np.ndarray) else np.full(n_sources, float(limit_m))
        self.limits_m = each_m
        self.in_air = np.ones(n_sources, dtype=np.bool_) if in_air is None else in_air
        self.near = np.zeros(n_sources, dtype=np.bool_)
        self.pre_onset_gain = np.ones(n_sources)
        self.directions = np.zeros((n_sources, 2, 3))
        self.delays = np.zeros((n_sources, 2))
        self.coefficients = np.tile(np.array(IDENTITY_COEFFICIENTS), (2, n_sources, 2, 1))
        self.state = np.zeros(n_sources, dtype=np.int8)
        self.memory = np.zeros((n_sources, 2, 4))
        self._in_use = np.zeros(1, dtype=np.int64)
        self.asks = len(self._near_table) > 0 or len(self._air_table) > 0
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = CUES.pack({
            "near_table": self._near_table, "air_table": self._air_table, "numbers": self._numbers,
            "ears": EARS, "limits_m": self.limits_m, "in_air": self.in_air, "in_use": self._in_use,
            "near": self.near, "pre_onset_gain": self.pre_onset_gain, "directions": self.directions,
            "delays": self.delays, "filters": self.coefficients, "state": self.state,
            "memory": self.memory,
        })  # fmt: skip

    @property
    def address(self) -> int:
        """The address of its ``CUES``, for as long as it lives."""
        return self._packed.address

    @property
    def in_use(self) -> bool:
        """Whether distance asked for anything in the last step."""
        return bool(self._in_use[0])

    @in_use.setter
    def in_use(self, value: bool) -> None:
        self._in_use[0] = value

    def aim(
        self, positions: Array, world_to_head: Array, listener_position: Array, snap: bool
    ) -> None:
        """Set what holds at the end of the step that begins.

        Args:
            positions: (S, 3) metres, world axes.
            world_to_head: (3, 3) rotation from world to head axes.
            listener_position: (3,) metres, world axes.
            snap: whether the new state holds at once, and not at the end of the step.
        """
        if self.asks:
            kernels.aim_distance(
                self._packed.address, positions, world_to_head, listener_position, snap
            )

    def reset(self) -> None:
        """Forget all sound; the next positions should be jumped to."""
        self.memory[:] = 0.0
