"""Distance for S sources of one set: level, air, and near-field cues, step by step."""

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.acoustics.air_absorption import SCALE_M, Air, air_table, table_distances_m
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array
from auricle.dsp.distance import cue_kernels as kernels
from auricle.dsp.distance.near_field import NearFieldTable
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import IDENTITY_COEFFICIENTS

EARS = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
NEAR_LIMIT_M = 2.0


def distance_gain(distance_m: ArrayLike, reference_m: float = 1.0, floor_m: float = 0.1) -> Array:
    """Linear gains (...) by the 1/r law: 1 at ``reference_m``, no louder than at ``floor_m``.

    Raises AuricleError when either is not positive.
    """
    if not (0.0 < reference_m < np.inf and 0.0 < floor_m < np.inf):
        raise AuricleError(
            f"reference and floor of the distance law are positive, got {reference_m} and {floor_m}"
        )
    return reference_m / np.maximum(np.asarray(distance_m, dtype=np.float64), floor_m)


class DistanceCues:
    """What distance asks of each source and ear, anew for every control step.

    ``aim`` fills ``near`` and ``early`` (S,), ``directions`` (S, 2, 3), ``delays`` (S, 2) in
    samples, ``coefficients`` (2, S, 2, 5) at the step's begin and end and ``state`` (S,) as
    described in ``distance_kernels``, for the renderer's kernels; nothing is allocated.

    Args:
        n_sources: S.
        sample_rate: Hz.
        near: the set's table, or None for no near-field cues.
        air: the air's state, or None for no absorption; it also sets the speed of sound.
        limit_m: near-field cues fade in from here to 0.9 of it; ``limits_m`` (S,) and ``in_air``
            (S,) set that, and who hears the air, source by source.
    """

    def __init__(
        self, n_sources: int, sample_rate: int, near: NearFieldTable | None = None,
        air: Air | None = None, limit_m: float = NEAR_LIMIT_M,
    ) -> None:  # fmt: skip
        speed = air.sound_speed_m_s if air else SOUND_SPEED_M_S
        self._samples_per_m = sample_rate / speed
        self.limits_m = np.full(n_sources, float(limit_m))
        self.in_air = np.ones(n_sources, dtype=np.bool_)
        self._near_table = near.coefficients if near else np.zeros((0, 0, 5))
        self._reference_m = near.reference_m if near else 1.0
        self._nearest_m = near.nearest_m if near else 0.5
        self._head_radius_m = near.head_radius_m if near else 0.1
        self._air_table = air_table(air, sample_rate) if air else np.zeros((0, 5))
        farthest = float(table_distances_m()[-1])
        self._air_last = farthest / (farthest + SCALE_M)
        self.near = np.zeros(n_sources, dtype=np.bool_)
        self.early = np.ones(n_sources)
        self.directions = np.zeros((n_sources, 2, 3))
        self.delays = np.zeros((n_sources, 2))
        self.coefficients = np.tile(np.array(IDENTITY_COEFFICIENTS), (2, n_sources, 2, 1))
        self.state = np.zeros(n_sources, dtype=np.int8)
        self.memory = np.zeros((n_sources, 2, 4))
        self.in_use = False

    def aim(self, positions: Array, turn: Array, origin: Array, jump: bool) -> None:
        """Set what holds at the end of the step that begins; arguments as of the renderer's aim."""
        asked = len(self._air_table) > 0 or (
            len(self._near_table) > 0 and kernels.any_nearer(positions, origin, self.limits_m)
        )
        # A step longer than asked: filters return to doing nothing within it.
        if not (asked or self.in_use):
            return
        filtered = kernels.aim_distance(
            positions, turn, origin, self._near_table, self._reference_m, self._nearest_m,
            self._head_radius_m, self.limits_m, self._samples_per_m, EARS, self._air_table,
            SCALE_M, self._air_last, self.in_air, jump, self.near, self.early, self.directions,
            self.delays,
            self.coefficients[0], self.coefficients[1], self.state, self.memory,
        )  # fmt: skip
        self.in_use = asked or filtered > 0

    def reset(self) -> None:
        """Forget all sound; the next positions should be jumped to."""
        self.memory[:] = 0.0

    def arrays(self) -> dict[str, Array]:
        """All that it holds, by name, for a compiled function that does the work of ``aim``."""
        return {
            "near": self.near, "early": self.early, "near_directions": self.directions,
            "near_delays": self.delays, "cue_filters": self.coefficients, "cue_state": self.state,
            "cue_memory": self.memory, "near_limits_m": self.limits_m, "in_air": self.in_air,
            "near_table": self._near_table, "air_table": self._air_table, "ears": EARS,
            "cue_numbers": np.array(
                [self._reference_m, self._nearest_m, self._head_radius_m, self._samples_per_m,
                 SCALE_M, self._air_last],
            ),
            "cues_in_use": np.array([self.in_use], dtype=np.int64),
        }  # fmt: skip
