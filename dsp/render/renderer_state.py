"""All that a renderer holds, behind one address: its scene, engines, wide copies, ways of sound."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.compiled.renderer_record import (
    AIM_ENGINE_AT,
    AIM_WAY_AT,
    AIM_WIDTH_AT,
    COMING_STEP,
    COPIES_AT,
    DECORRELATE_AT,
    DELAY_AT,
    DISTANCE_GAIN,
    ENGINE_AT,
    EXCHANGE,
    INHERIT_AT,
    JUMP,
    LEVELLED,
    MOVED,
    N_NUMBERS,
    N_PARTS,
    PLAYS,
    PROPAGATION_AT,
    RENDER_ENGINE_AT,
    RENDERER,
    RESET_ENGINE_AT,
    RESET_WIDTH_AT,
    SILENCE_WAY_AT,
    SLERP_AT,
    WAITS,
    WIDTH_AT,
    WORLD_TO_HEAD_AT,
)
from auricle.dsp.distance.propagation import AIM_WAY, DELAY, SILENCE_WAY, Propagation
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.engine import STEP, Engine
from auricle.dsp.render.engine_kernels import (
    AIM_ENGINE,
    INHERIT_ENGINE,
    RENDER_ENGINE,
    RESET_ENGINE,
)
from auricle.dsp.render.source_width import (
    AIM_WIDTH,
    COPIES,
    DECORRELATE,
    RESET_WIDTH,
    Width,
)
from auricle.dsp.sphere.head_turning import SLERP, WORLD_TO_HEAD


class RendererState:
    """What the block function works on, for S sources.

    Whoever steers it writes to ``positions[ASKED]`` and ``head[ASKED]`` and sets
    ``numbers[MOVED]``, or to ``gains`` and ``audible`` and sets ``numbers[LEVELLED]``. Sets are
    engines under numbers that rise: ``add`` makes one, in any thread; the thread that renders
    lets it wait for its turn (``hand_over``), or play at once (``begin``).

    Args:
        n_sources: S.
        sample_rate: Hz.
        distance_gain: whether the level falls as 1/r from 1 m.
        near_field_m: distance at which near-field cues begin; 0 for none; None: 1 m, or with
            ``distance_gain`` that of the set.
        air: absorption by the air; None for none.
        propagation_m: sound takes its time to the head up to this distance; 0 for none.

    Attributes:
        near_field_m, in_air: (S,) of each source; shared with the engines.
        positions, head, gains, audible, numbers, engines: of the ``RENDERER``.

    Raises:
        AuricleError: a distance below 0.
    """

    def __init__(
        self, n_sources: int, sample_rate: int, distance_gain: bool = False,
        near_field_m: float | None = None, air: Air | None = None, propagation_m: float = 0.0,
    ) -> None:  # fmt: skip
        self.n_sources, self.sample_rate = n_sources, sample_rate
        self.air = air
        self.near_field_m = np.full(n_sources, _near_limit_m(near_field_m, distance_gain))
        self.in_air = np.ones(n_sources, dtype=bool)
        self.propagation: Propagation | None = None
        if propagation_m > 0.0:
            speed = air.sound_speed_m_s if air else SOUND_SPEED_M_S
            self.propagation = Propagation(n_sources, sample_rate, propagation_m, speed)
        self.width: Width | None = None
        self._sets: list[tuple[Engine, Engine | None] | None] = [None]  # by number, from 1 on
        self._oldest = 1
        self.numbers = np.zeros(N_NUMBERS, dtype=np.int64)
        self.numbers[[JUMP, MOVED, LEVELLED]] = 1
        self.numbers[DISTANCE_GAIN], self.numbers[COMING_STEP] = distance_gain, -1
        self.engines = np.zeros((3, 3), dtype=np.int64)
        self.positions = np.tile([1.0, 0.0, 0.0], (3, n_sources, 1))
        self.head = np.tile([*IDENTITY, 0.0, 0.0, 0.0], (3, 1))
        self.gains, self.audible = np.ones(n_sources), np.ones(n_sources)
        self._levels, self._narrow = np.ones(n_sources), np.ones(n_sources)
        self._world_to_head = np.eye(3)
        self._coming_out = np.zeros((2, STEP), dtype=np.float32)
        self._copies_out = np.zeros((2, STEP), dtype=np.float32)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        for row in self.engines:
            if row[ENGINE_AT] != 0:
                row[:] = self.addresses(int(row[EXCHANGE]))
        self._pack()

    def _pack(self) -> None:
        parts = self._parts = np.zeros(N_PARTS, dtype=np.int64)
        parts[AIM_ENGINE_AT], parts[RENDER_ENGINE_AT] = AIM_ENGINE.address, RENDER_ENGINE.address
        parts[INHERIT_AT], parts[RESET_ENGINE_AT] = INHERIT_ENGINE.address, RESET_ENGINE.address
        parts[SLERP_AT], parts[WORLD_TO_HEAD_AT] = SLERP.address, WORLD_TO_HEAD.address
        if self.propagation is not None:
            parts[AIM_WAY_AT], parts[DELAY_AT] = AIM_WAY.address, DELAY.address
            parts[SILENCE_WAY_AT] = SILENCE_WAY.address
            parts[PROPAGATION_AT] = self.propagation.address
        if self.width is not None:
            self._pack_width()
            parts[WIDTH_AT] = self.width.address
        none = np.zeros((0, self.n_sources, 3))
        self._packed = RENDERER.pack({
            "numbers": self.numbers, "parts": parts, "engines": self.engines,
            "positions": self.positions, "head": self.head, "gains": self.gains,
            "audible": self.audible, "levels": self._levels, "narrow": self._narrow,
            "world_to_head": self._world_to_head, "coming_out": self._coming_out,
            "copies_out": self._copies_out, "no_positions": none, "no_poses": np.zeros((0, 7)),
        })  # fmt: skip

    def _pack_width(self) -> None:
        parts = self._parts
        parts[AIM_WIDTH_AT], parts[DECORRELATE_AT] = AIM_WIDTH.address, DECORRELATE.address
        parts[RESET_WIDTH_AT] = RESET_WIDTH.address

    @property
    def address(self) -> int:
        """Of its ``RENDERER``, for as long as it lives."""
        return self._packed.address

    @property
    def playing(self) -> Engine:
        """The engine of the set that plays."""
        kept = self._sets[int(self.engines[PLAYS, EXCHANGE])]
        assert kept is not None
        return kept[0]

    def prepared(self, number: int) -> PreparedSet:
        """The tables of a set that has not been let go."""
        kept = self._sets[number]
        assert kept is not None
        return kept[0].prepared

    def tail_samples(self, prepared: PreparedSet) -> int:
        """The number of samples for which a sound rings on after its last one."""
        late = 0 if self.propagation is None else self.propagation.longest_samples
        return prepared.tail_samples + late

    def nonfinite_blocks(self, number: int) -> int:
        """Parts of calls in which sources were silenced, up to now; 0 of a set that is gone."""
        kept = self._sets[number]
        late = 0 if self.propagation is None else int(self.propagation.nonfinite.sum())
        return late + (int(kept[0].nonfinite.sum()) if kept is not None else 0)

    def add(self, prepared: PreparedSet) -> int:
        """Make the engine of a set; its number. Takes memory, and may come from any thread."""
        engine = Engine(prepared, self.n_sources, self.air, self.near_field_m, self.in_air)
        made = engine, self._copies_of(engine) if self.width is not None else None
        for each in made:
            if each is not None:
                each.reset()  # the system gives memory when it is first written to
        self._sets.append(made)
        return next(i for i in range(len(self._sets) - 1, 0, -1) if self._sets[i] is made)

    def addresses(self, number: int) -> tuple[int, int, int]:
        """A row of ``engines`` for a set."""
        kept = self._sets[number]
        assert kept is not None
        return kept[0].address, kept[1].address if kept[1] is not None else 0, number

    def begin(self, number: int) -> None:
        """Let a set play from the first sample on."""
        self.engines[PLAYS] = self.addresses(number)

    def hand_over(self, number: int) -> None:
        """Let a set fade in from the next step on, or behind the one that does so now."""
        self.follow(number)
        self.engines[WAITS] = self.addresses(number)

    def follow(self, number: int) -> None:
        """Keep wide sources as loud as this set has it."""
        if self.width is not None:
            self.width.follow(self.prepared(number))

    def collect(self, playing: int) -> None:
        """Let go of sets before the one that plays: nobody returns to them."""
        for number in range(self._oldest, playing):
            self._sets[number] = None
        self._oldest = max(self._oldest, playing)

    def make_width(self, prepared: PreparedSet) -> Width:
        """What wide sources need, once; sets that are added from now on have copies for them."""
        if self.width is None:
            self.width = Width(self.n_sources, self.sample_rate, prepared)
            self._pack_width()
        return self.width

    def widen(self) -> None:
        """Make room for the copies of wide sources, once, for the sets that are there too."""
        if self.width is not None:
            return
        self._parts[WIDTH_AT] = self.make_width(self.playing.prepared).address
        for number, kept in enumerate(self._sets):
            if kept is not None:
                self._sets[number] = kept[0], self._copies_of(kept[0])
        for row in self.engines:
            if row[ENGINE_AT] != 0:
                row[COPIES_AT] = self.addresses(int(row[EXCHANGE]))[COPIES_AT]

    def set_distance_effects(
        self, near_field_m: ArrayLike | None, in_air: ArrayLike | None
    ) -> None:
        """Set where near-field cues begin for each source (S,), and whom the air absorbs (S,).

        Raises:
            AuricleError: a distance below 0.
        """
        if near_field_m is not None:
            limits = np.asarray(near_field_m, dtype=np.float64)
            if not np.all(limits >= 0.0):
                raise AuricleError(f"near_field_m are distances from 0 m on, got {limits.min()}")
            self.near_field_m[:] = limits
        if in_air is not None:
            self.in_air[:] = in_air
        for kept in self._sets:
            if kept is not None and kept[1] is not None:
                kept[1].set_distance_effects(
                    np.repeat(self.near_field_m, COPIES), np.repeat(self.in_air, COPIES)
                )

    def _copies_of(self, engine: Engine) -> Engine:
        return Engine(
            engine.prepared, self.n_sources * COPIES, self.air,
            np.repeat(self.near_field_m, COPIES), np.repeat(self.in_air, COPIES),
        )  # fmt: skip


def _near_limit_m(near_field_m: float | None, distance_gain: bool) -> float:
    if near_field_m is None:
        return np.inf if distance_gain else 1.0
    if not near_field_m >= 0.0:
        raise AuricleError(f"near_field_m is a distance from 0 m on, got {near_field_m}")
    return float(near_field_m)
