"""The binaural renderer: any number of moving sources and one moving listener, block by block."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.distance.propagation import Propagation
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY, quaternion_normalise, slerp
from auricle.dsp.hrtf.hrtf_set import HrtfSet, as_set
from auricle.dsp.preparation.cache import prepared_set
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.engine import STEP, Engine
from auricle.dsp.render.source_width import COPIES, Width
from auricle.dsp.streaming.input_checks import (
    PathLike,
    checked_block,
    checked_gains,
    listener_orientation,
)
from auricle.dsp.streaming.stream import Stream

CONTROL_SAMPLES = STEP
FADE_STEPS = 8  # of an exchange of sets


class BinauralRenderer(Stream):
    """Renders S sources for one listener: ``process(block (S, n)) -> (2, n)`` float32.

    Motion runs on a fixed grid of ``CONTROL_SAMPLES`` samples from the start of the stream,
    whatever the size of the calls: positions and poses are taken when a grid step begins, and gains
    and delays move linearly to them within it. A call that spans several steps is given its
    positions evenly between the last and the new ones. The first positions are jumped to.

    One thread at a time may call ``process``; a second one meanwhile gets an error that says so.
    ``exchange_hrtf`` may come from any thread. Copies (``copy``, ``deepcopy``, ``pickle``) are
    renderers of their own and sound like this one from there on. Samples above 1e15 count as not
    finite: what holds one is silent, as with NaN.

    Args:
        hrtf: the listener's set, the path of a SOFA file, or a ``PreparedSet`` made earlier for
            this sample rate.
        sample_rate: of the audio, in Hz.
        block_size: samples that calls usually have; any size is allowed.
        n_sources: S.
        rank: "auto" (mean LSD at most 1 dB), "full" (exact) or a number of buses an ear.
        level: "matched" (all sets equally loud in a diffuse field) or "measured" (as in the file).
        distance_gain: level falls as 1/r from 1 m; else positions give directions, and near-field
            cues below ``near_field_m``.
        near_field_m: distance at which near-field cues begin, in full from half of that on; 0 for
            none. None: 1 m, or with ``distance_gain`` the distance at which the set was measured.
        air: absorption by the air, see ``auricle.dsp.acoustics.air_absorption``; None for none.
        propagation_m: sound takes its time from the source to the head (delay, Doppler), up to this
            distance; 0 for none. It keeps that much of each source's past in memory.

    >>> from auricle.dsp.hrtf.default_listener import default_hrtf
    >>> renderer = BinauralRenderer(default_hrtf(), 48000, block_size=128, n_sources=2, rank=4)
    >>> renderer.set_positions([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])  # ahead, and on the left
    >>> renderer.set_listener(yaw_deg=30.0)
    >>> out = renderer.process(np.ones((2, 300), dtype=np.float32))
    >>> out.shape, out.dtype.name
    ((2, 300), 'float32')
    """

    def __init__(
        self, hrtf: HrtfSet | PreparedSet | PathLike, sample_rate: int = 48000,
        block_size: int = 128, n_sources: int = 1, rank: str | int = "auto", level: str = "matched",
        distance_gain: bool = False, near_field_m: float | None = None, air: Air | None = None,
        propagation_m: float = 0.0,
    ) -> None:  # fmt: skip
        if n_sources < 1 or block_size < 1:
            raise AuricleError(
                f"n_sources and block_size are at least 1, got {n_sources} and {block_size}"
            )
        super().__init__()
        self._sample_rate, self._block_size = int(sample_rate), int(block_size)
        self._n_sources = int(n_sources)
        self.distance_gain = bool(distance_gain)
        self._rank, self._level = rank, level
        limit_m = _near_limit_m(near_field_m, self.distance_gain)
        self._near_field_m = np.full(self.n_sources, limit_m)
        self._in_air = np.ones(self.n_sources, dtype=bool)
        self._air = air
        self._engine = self._made(hrtf)
        self._propagation: Propagation | None = None
        if propagation_m > 0.0:
            speed = air.sound_speed_m_s if air else SOUND_SPEED_M_S
            self._propagation = Propagation(self.n_sources, self.sample_rate, propagation_m, speed)
        self._asked: tuple[Engine, Engine | None] | None = None  # by ``exchange_hrtf``; and copies
        self._coming: Engine | None = None
        self._coming_step = 0
        self._coming_out = np.zeros((2, STEP), dtype=np.float32)
        self._width: Width | None = None  # made when a source first is wide
        self._copies: Engine | None = None
        self._coming_copies: Engine | None = None
        self._copies_out = np.zeros((2, STEP), dtype=np.float32)
        self._positions = np.tile([1.0, 0.0, 0.0], (self.n_sources, 1))
        self._gains = np.ones(self.n_sources)
        self._active = np.ones(self.n_sources)  # 0 or 1; a product with bool takes twice as long
        self._levels = np.ones(self.n_sources)
        self._orientation = np.array(IDENTITY)
        self._listener_position = np.zeros(3)
        self._last = (
            self._positions.copy(),
            self._orientation.copy(),
            self._listener_position.copy(),
        )
        self._spare = self._positions.copy()
        self._start: tuple[NDArray, NDArray, NDArray] | None = None
        self._world_to_head = np.eye(3)
        self._phase = 0
        self._snap = True
        self._warm_up()

    @property
    def sample_rate(self) -> int:
        """The sample rate of the audio, in Hz."""
        return self._sample_rate

    @property
    def block_size(self) -> int:
        """The number of samples that calls usually have."""
        return self._block_size

    @property
    def n_sources(self) -> int:
        """The number of sources, S."""
        return self._n_sources

    @property
    def prepared(self) -> PreparedSet:
        """The prepared set in use: its mesh, tables and filters."""
        return self._engine.prepared

    @property
    def report(self) -> str:
        """One line on the rank in use and its error."""
        return self.prepared.report

    @property
    def latency_samples(self) -> int:
        """Samples by which the output is late: 0 unless the set has no silence at its start."""
        return self.prepared.latency_samples

    @property
    def tail_samples(self) -> int:
        """The number of samples for which a sound rings on after its last one."""
        late = 0 if self._propagation is None else self._propagation.longest_samples
        return self.prepared.tail_samples + late

    @property
    def nonfinite_blocks(self) -> NDArray[np.int64]:
        """For each source (S,) the number of parts of calls in which it was silenced.

        A source is silenced while it holds NaN, infinity or a sample of more than
        ``auricle.dsp.streaming.input_checks.LOUDEST_SAMPLE``.
        """
        if self._propagation is not None:
            return self._engine.nonfinite + self._propagation.nonfinite
        return self._engine.nonfinite

    def set_positions(self, xyz_m: ArrayLike) -> None:
        """Set where the sources are.

        Args:
            xyz_m: (S, 3) metres, world axes: x front, y left, z up.

        Raises:
            AuricleError: another shape, or numbers that are not finite.
        """
        xyz = np.asarray(xyz_m, dtype=np.float64)
        if xyz.shape != (self.n_sources, 3):
            raise AuricleError(f"positions must be ({self.n_sources}, 3), got {xyz.shape}")
        finite = _finite(xyz, "positions")
        if self._positions is self._last[0]:  # where the last step went stays as it is
            self._positions, self._spare = self._spare, self._positions
        self._positions[:] = finite

    def set_gains(self, gains: ArrayLike) -> None:
        """Set the gains of the sources.

        Args:
            gains: (S,) linear, from -1e6 to 1e6 (120 dB).

        Raises:
            AuricleError: another shape, NaN or a larger gain.
        """
        self._gains[:] = checked_gains(gains, self._n_sources)

    def set_active(self, active: ArrayLike) -> None:
        """Say which sources sound; the others fade out and then cost nothing.

        Args:
            active: (S,) booleans.

        Raises:
            AuricleError: another shape.
        """
        values = np.asarray(active, dtype=bool)
        if values.shape != (self.n_sources,):
            raise AuricleError(f"active must be ({self.n_sources},), got {values.shape}")
        self._active[:] = values

    def set_widths(self, width_deg: ArrayLike) -> None:
        """Set how wide the sources are heard (docs/distance.md).

        0 leaves a source as it is. Others sound from an arc level with the horizon, by decorrelated
        signals, as loud as before; a new width is reached at 60 degrees a second, the first one
        at once. The first wide source makes room for copies of all, which allocates; from then on
        a renderer with wide sources takes about five times as long.

        Args:
            width_deg: (S,) degrees from 0 to 180, or one for all.

        Raises:
            AuricleError: another shape, or a width out of range.
        """
        values = np.broadcast_to(np.asarray(width_deg, dtype=np.float64), np.shape(width_deg))
        if values.shape not in ((), (self.n_sources,)):
            raise AuricleError(f"width_deg must be ({self.n_sources},), got {values.shape}")
        wrong = ~((values >= 0.0) & (values <= 180.0))
        if np.any(wrong):
            raise AuricleError(f"a width is from 0 to 180 degrees, got {values[wrong].flat[0]}")
        if self._width is None:
            if not np.any(values):
                return
            self._width = Width(self.n_sources, self.sample_rate, self.prepared)
            self._copies = self._copies_of(self._engine)
            if self._coming is not None:
                self._coming_copies = self._copies_of(self._coming)
            if self._asked is not None:
                self._asked = (self._asked[0], self._copies_of(self._asked[0]))
        self._width.targets_deg[:] = values

    def set_distance_effects(
        self, near_field_m: ArrayLike | None = None, in_air: ArrayLike | None = None,
        propagates: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """Set what distance does to each source; None leaves an effect as it is.

        Args:
            near_field_m: (S,) distances in metres at which near-field cues begin.
            in_air: (S,) booleans: whether the air absorbs high frequencies.
            propagates: (S,) booleans: whether the sound takes its time to the head.

        Raises:
            AuricleError: another shape, a distance below 0, or ``propagates`` for a renderer that
                was made without ``propagation_m``.
        """
        given = {"near_field_m": near_field_m, "in_air": in_air, "propagates": propagates}
        for name, values in given.items():
            if values is not None and np.shape(values) != (self.n_sources,):
                raise AuricleError(f"{name} must be ({self.n_sources},), got {np.shape(values)}")
        if near_field_m is not None:
            limits = np.asarray(near_field_m, dtype=np.float64)
            if not np.all(limits >= 0.0):
                raise AuricleError(f"near_field_m are distances from 0 m on, got {limits.min()}")
            self._near_field_m[:] = limits
        if in_air is not None:
            self._in_air[:] = in_air
        for copies in (self._copies, self._coming_copies):
            if copies is not None:
                copies.set_distance_effects(
                    np.repeat(self._near_field_m, COPIES), np.repeat(self._in_air, COPIES)
                )
        if propagates is not None:
            if self._propagation is None:
                raise AuricleError("propagates needs a renderer made with propagation_m above 0")
            self._propagation.active[:] = propagates

    def set_listener(
        self, orientation: ArrayLike | None = None, position: ArrayLike = (0.0, 0.0, 0.0), *,
        yaw_deg: float | None = None, pitch_deg: float | None = None, roll_deg: float | None = None,
    ) -> None:  # fmt: skip
        """Set the head's orientation and position.

        Give a quaternion or angles, not both; angles that are not given are 0.

        Args:
            orientation: (4,) quaternion [w, x, y, z], head to world.
            position: (3,) metres, world axes.
            yaw_deg: degrees, + turns the head to the left.
            pitch_deg: degrees, + bends the nose down.
            roll_deg: degrees, + lifts the left ear.

        Raises:
            AuricleError: a quaternion and angles at once, or numbers that are not finite.
        """
        self._orientation[:] = listener_orientation(orientation, yaw_deg, pitch_deg, roll_deg)
        self._listener_position[:] = _finite(
            np.asarray(position, dtype=np.float64), "the listener's position"
        )

    def reset(self) -> None:
        """Begin anew from silence: the next positions are jumped to, and no set is faded to."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._engine.reset()
        if self._propagation is not None:
            self._propagation.reset()
        if self._width is not None and self._copies is not None:
            self._width.reset()
            self._copies.reset()
        self._asked = self._coming = self._coming_copies = None
        self._phase = 0
        self._snap = True

    def exchange_hrtf(self, hrtf: HrtfSet | PreparedSet | PathLike) -> None:
        """Fade over to another set from the next step on, without a click or a gap.

        While one set fades in, the next one waits; of several the last one counts.

        Args:
            hrtf: a ``PreparedSet`` (from ``auricle.dsp.preparation.cache.prepared_set``, made in
                any thread) is taken at once. An ``HrtfSet`` or the path of a SOFA file is prepared
                here first, which may take seconds.

        Raises:
            AuricleError: a file that cannot be used, or a set prepared for another sample rate.
        """
        coming = self._made(hrtf)
        copies = None
        if self._width is not None:
            self._width.follow(coming.prepared)
            copies = self._copies_of(coming)
        self._asked = (coming, copies)

    def steps_beginning(self, n_samples: int) -> int:
        """The number of control steps that begin in the next call, if it has ``n_samples``."""
        return -(-(n_samples + self._phase) // STEP) - (self._phase > 0)

    def process(self, block: ArrayLike) -> NDArray[np.float32]:
        """Render the next block.

        Args:
            block: (S, n) floating point, any n.

        Returns:
            (2, n) float32, left ear first.

        Raises:
            AuricleError: another shape, whole numbers, or a second thread within.
        """
        audio = checked_block(block, self._n_sources)
        out = np.empty((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, out, None)
        return out

    def process_into(self, block: ArrayLike, out: NDArray[np.float32]) -> None:
        """Render the next block into an array of the caller's.

        Args:
            block: (S, n) floating point, any n.
            out: (2, n) float32, which is written, left ear first.

        Raises:
            AuricleError: another shape or type, or a second thread within.
        """
        audio = checked_block(block, self._n_sources)
        if out.shape != (2, audio.shape[1]) or out.dtype != np.float32:
            raise AuricleError(f"out must be (2, {audio.shape[1]}) float32, got {out.shape}")
        if out.flags.c_contiguous:
            self._alone(self._render, audio, out, None)
        else:  # part of an array: kernels are compiled for whole ones
            out[:] = self.process(audio)

    def process_path(
        self, block: ArrayLike, positions_m: ArrayLike | None = None,
        orientations: ArrayLike | None = None, listener_positions_m: ArrayLike | None = None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Render the next block with the motion given for each control step that begins in it.

        What is None moves as it was set.

        Args:
            block: (S, n) floating point, any n.
            positions_m: (J, S, 3) reached at the end of each step, J = ``steps_beginning(n)``.
            orientations: (J, 4) quaternions of the head, likewise.
            listener_positions_m: (J, 3) metres, likewise.

        Returns:
            (2, n) float32, left ear first.

        Raises:
            AuricleError: another shape, numbers that are not finite, or a second thread within.
        """
        audio = checked_block(block, self._n_sources)
        steps = self.steps_beginning(audio.shape[1])
        path: list[NDArray | None] = []
        for values, shape in (
            (positions_m, (steps, self.n_sources, 3)),
            (orientations, (steps, 4)),
            (listener_positions_m, (steps, 3)),
        ):
            rows = None if values is None else np.asarray(values, dtype=np.float64)
            if rows is not None and rows.shape != shape:
                raise AuricleError(f"{steps} steps begin here, so {shape} is due, not {rows.shape}")
            path.append(None if rows is None else _finite(rows, "the path"))
        out = np.empty((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, out, path)
        return out

    def _render(self, audio: NDArray, out: NDArray, path: list[NDArray | None] | None) -> None:
        steps, done, step = self.steps_beginning(audio.shape[1]), 0, 0
        while done < audio.shape[1]:
            if self._phase == 0:
                if path is None:
                    self._between((step + 1) / steps)
                else:
                    self._along(path, step)
                self._begin_step()
                step += 1
            count = min(STEP - self._phase, audio.shape[1] - done)
            self._part(audio, done, count, out)
            self._phase = (self._phase + count) % STEP
            done += count

    def _between(self, share: float) -> None:
        """Take the targets set by the caller, or a point on the way to them."""
        positions, orientation, listener_position = self._last
        if share >= 1.0 or self._snap:
            orientation[:], listener_position[:] = self._orientation, self._listener_position
            self._last = (self._positions, orientation, listener_position)
            self._start = None
            return
        if self._start is None:
            self._start = (positions.copy(), orientation.copy(), listener_position.copy())
            if positions is self._positions:
                positions = positions.copy()
                self._last = (positions, orientation, listener_position)
        positions[:] = self._start[0] + share * (self._positions - self._start[0])
        if not np.array_equal(self._start[1], self._orientation):
            orientation[:] = slerp(self._start[1], self._orientation, share)
        listener_position[:] = self._start[2] + share * (self._listener_position - self._start[2])

    def _along(self, path: list[NDArray | None], step: int) -> None:
        for target, now, rows in zip(
            (self._positions, self._orientation, self._listener_position),
            self._last,
            path,
            strict=True,
        ):
            if rows is not None:
                target[:] = rows[step]
            now[:] = target
        if path[1] is not None:
            self._orientation[:] = quaternion_normalise(self._orientation)
            self._last[1][:] = self._orientation

    def _begin_step(self) -> None:
        positions, orientation, listener_position = self._last
        world_to_head = _world_to_head(orientation, self._world_to_head)
        np.multiply(self._gains, self._active, out=self._levels)
        width = self._width
        if width is not None:
            width.aim(positions, world_to_head, listener_position, self._levels, self._snap)
            np.multiply(self._levels, width.share, out=self._levels)
            if self._copies is not None and width.sounding:
                self._copies.aim(
                    width.positions,
                    world_to_head,
                    listener_position,
                    width.levels,
                    self.distance_gain,
                    self._snap,
                )
        self._engine.aim(
            positions,
            world_to_head,
            listener_position,
            self._levels,
            self.distance_gain,
            self._snap,
        )
        if self._propagation is not None:
            self._propagation.aim(positions, listener_position, self._snap)
        if self._coming is None and self._asked is not None:
            (self._coming, self._coming_copies), self._asked = self._asked, None
            self._coming_step = -1  # the step at which it starts to listen
        if self._coming is not None:
            if self._coming_step < 0:
                self._coming.inherit(self._engine)
                if self._coming_copies is not None and self._copies is not None:
                    self._coming_copies.inherit(self._copies)
            self._coming_step += 1
            first = self._snap or self._coming_step == 0
            self._coming.aim(
                positions, world_to_head, listener_position, self._levels, self.distance_gain, first
            )
            if width is not None and self._coming_copies is not None and width.sounding:
                self._coming_copies.aim(
                    width.positions,
                    world_to_head,
                    listener_position,
                    width.levels,
                    self.distance_gain,
                    first,
                )
        self._snap = False

    def _part(self, audio: NDArray, first: int, count: int, out: NDArray) -> None:
        at = first
        if self._propagation is not None:
            self._propagation.run(audio, first, count, self._phase)
            audio, at = self._propagation.out, 0
        self._engine.render(audio, at, count, self._phase, out, first)
        if self._width is not None and self._width.sounding:
            self._width.run(audio, at, count)
            self._add_copies(self._copies, count, out, first)
        if self._coming is None or self._coming_step < 0:
            return
        self._coming.render(audio, at, count, self._phase, self._coming_out, 0)
        if self._width is not None and self._width.sounding:
            self._add_copies(self._coming_copies, count, self._coming_out, 0)
        # Its filters first fill with sound, unheard; then it fades in by a raised cosine.
        warm = -(-self._coming.prepared.tail_samples // STEP)
        faded = (self._coming_step - warm) * STEP + self._phase
        if faded < 0:
            return
        position = (np.arange(faded, faded + count) + 1.0) / (FADE_STEPS * STEP)
        share = (0.5 - 0.5 * np.cos(np.pi * position)).astype(np.float32)
        part = out[:, first : first + count]
        part += share * (self._coming_out[:, :count] - part)
        if faded + count >= FADE_STEPS * STEP:
            self._coming.nonfinite += self._engine.nonfinite
            self._engine, self._coming = self._coming, None
            self._copies, self._coming_copies = self._coming_copies, None

    def _add_copies(self, copies: Engine | None, count: int, out: NDArray, first: int) -> None:
        assert copies is not None
        assert self._width is not None
        copies.render(self._width.out, 0, count, self._phase, self._copies_out, 0)
        out[:, first : first + count] += self._copies_out[:, :count]

    def _copies_of(self, engine: Engine) -> Engine:
        return Engine(
            engine.prepared, self.n_sources * COPIES, self._air,
            np.repeat(self._near_field_m, COPIES), np.repeat(self._in_air, COPIES),
        )  # fmt: skip

    def _warm_up(self) -> None:
        """Have all that a block calls compiled or read from the cache, before there is a block."""
        silence, out = np.zeros((self._n_sources, 1), np.float32), np.zeros((2, 1), np.float32)
        self._alone(self._render, silence, out, None)
        self.reset()

    def _made(self, hrtf: HrtfSet | PreparedSet | PathLike) -> Engine:
        prepared = self._prepared(as_set(hrtf))
        engine = Engine(prepared, self.n_sources, self._air, self._near_field_m, self._in_air)
        engine.warm_up()
        return engine

    def _prepared(self, hrtf: HrtfSet | PreparedSet) -> PreparedSet:
        if isinstance(hrtf, PreparedSet):
            if hrtf.sample_rate != self.sample_rate:
                raise AuricleError(
                    f"the set was prepared for {hrtf.sample_rate} Hz, the renderer runs at "
                    f"{self.sample_rate} Hz; prepare it for that rate"
                )
            return hrtf
        return prepared_set(hrtf, self.sample_rate, rank=self._rank, level=self._level)


def _near_limit_m(near_field_m: float | None, distance_gain: bool) -> float:
    if near_field_m is None:
        return np.inf if distance_gain else 1.0
    if not near_field_m >= 0.0:
        raise AuricleError(f"near_field_m is a distance from 0 m on, got {near_field_m}")
    return float(near_field_m)


def _finite(values: NDArray, what: str) -> NDArray:
    if not np.all(np.isfinite(values)):
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise AuricleError(f"{what} hold NaN or infinity in row {row}; give finite numbers")
    return values


def _world_to_head(q: NDArray[np.float64], out: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (3, 3) from world to head axes; plain numbers, since it runs in every step."""
    w, x, y, z = q.tolist()
    out[0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[0, 1] = 2.0 * (x * y + w * z)
    out[0, 2] = 2.0 * (x * z - w * y)
    out[1, 0] = 2.0 * (x * y - w * z)
    out[1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[1, 2] = 2.0 * (y * z + w * x)
    out[2, 0] = 2.0 * (x * z + w * y)
    out[2, 1] = 2.0 * (y * z - w * x)
    out[2, 2] = 1.0 - 2.0 * (x * x + y * y)
    return out
