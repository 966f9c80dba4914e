"""The binaural renderer: any number of moving sources and one moving listener, block by block."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.compiled.options import STEP
from auricle.dsp.compiled.renderer_record import ASKED, EXCHANGE, LEVELLED, MOVED, PHASE, PLAYS
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import quaternion_normalise
from auricle.dsp.hrtf.hrtf_set import HrtfSet, as_set
from auricle.dsp.preparation.cache import prepared_set
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.block import render_block, render_path, reset_renderer
from auricle.dsp.render.engine import Engine
from auricle.dsp.render.renderer_state import RendererState
from auricle.dsp.streaming.input_checks import (
    PathLike,
    checked_block,
    checked_gains,
    checked_widths,
    listener_orientation,
)
from auricle.dsp.streaming.stream import Stream

CONTROL_SAMPLES = STEP
PIECE = 8192  # samples of a call behind which the interpreter looks whether it is interrupted


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
        self._state = RendererState(
            self._n_sources, self._sample_rate, self.distance_gain, near_field_m, air,
            propagation_m,
        )  # fmt: skip
        self._asked: int | None = None  # by ``exchange_hrtf``: the number of a set
        self._state.begin(self._state.add(self._prepared(as_set(hrtf))))
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
        return self._state.tail_samples(self.prepared)

    @property
    def nonfinite_blocks(self) -> NDArray[np.int64]:
        """For each source (S,) the number of parts of calls in which it was silenced.

        A source is silenced while it holds NaN, infinity or a sample of more than
        ``auricle.dsp.streaming.input_checks.LOUDEST_SAMPLE``.
        """
        if self._state.propagation is not None:
            return self._engine.nonfinite + self._state.propagation.nonfinite
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
        self._state.positions[ASKED] = _finite(xyz, "positions")
        self._state.numbers[MOVED] = 1

    def set_gains(self, gains: ArrayLike) -> None:
        """Set the gains of the sources.

        Args:
            gains: (S,) linear, from -1e6 to 1e6 (120 dB).

        Raises:
            AuricleError: another shape, NaN or a larger gain.
        """
        self._state.gains[:] = checked_gains(gains, self._n_sources)
        self._state.numbers[LEVELLED] = 1

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
        self._state.audible[:] = values
        self._state.numbers[LEVELLED] = 1

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
        values = checked_widths(width_deg, self._n_sources)
        if self._state.width is None:
            if not np.any(values):
                return
            self._state.widen()
        assert self._state.width is not None
        self._state.width.targets_deg[:] = values

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
        self._state.set_distance_effects(near_field_m, in_air)
        self._state.numbers[MOVED] = 1
        if propagates is not None:
            if self._state.propagation is None:
                raise AuricleError("propagates needs a renderer made with propagation_m above 0")
            self._state.propagation.active[:] = propagates

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
        turned = listener_orientation(orientation, yaw_deg, pitch_deg, roll_deg)
        place = _finite(np.asarray(position, dtype=np.float64), "the listener's position")
        head = self._state.head[ASKED]
        head[:4], head[4:] = turned, place
        self._state.numbers[MOVED] = 1

    def reset(self) -> None:
        """Begin anew from silence: the next positions are jumped to, and a set that was exchanged
        is there at once.
        """
        self._alone(self._silence)

    def _silence(self) -> None:
        self._take_asked()
        reset_renderer(self._state.address)

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
        self._asked = self._state.add(self._prepared(as_set(hrtf)))

    def steps_beginning(self, n_samples: int) -> int:
        """The number of control steps that begin in the next call, if it has ``n_samples``."""
        phase = int(self._state.numbers[PHASE])
        return -(-(n_samples + phase) // STEP) - (phase > 0)

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
        path: list[NDArray] = []
        for values, shape in (
            (positions_m, (steps, self.n_sources, 3)),
            (orientations, (steps, 4)),
            (listener_positions_m, (steps, 3)),
        ):
            if values is None:
                path.append(np.zeros((0, *shape[1:])))
                continue
            rows = np.ascontiguousarray(values, dtype=np.float64)
            if rows.shape != shape:
                raise AuricleError(f"{steps} steps begin here, so {shape} is due, not {rows.shape}")
            path.append(_finite(rows, "the path"))
        if len(path[1]):
            path[1] = np.array([quaternion_normalise(row) for row in path[1]])
        out = np.empty((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, out, path)
        return out

    def _render(self, audio: NDArray, out: NDArray, path: list[NDArray] | None) -> None:
        if self._asked is not None:
            self._take_asked()
        at, n = self._state.address, audio.shape[1]
        for first in range(0, n, PIECE):
            last = min(first + PIECE, n)
            if path is None:
                render_block(at, audio, n, first, last, out)
            else:
                render_path(at, audio, n, first, last, out, *path)
        self._state.collect(int(self._state.engines[PLAYS, EXCHANGE]))

    def _take_asked(self) -> None:
        number, self._asked = self._asked, None
        if number is not None:
            self._state.hand_over(number)

    @property
    def _engine(self) -> Engine:
        return self._state.playing

    def _warm_up(self) -> None:
        """Have all that a block calls compiled or read from the cache, before there is a block."""
        silence, out = np.zeros((self._n_sources, 1), np.float32), np.zeros((2, 1), np.float32)
        self._alone(self._render, silence, out, None)
        self.reset()

    def _prepared(self, hrtf: HrtfSet | PreparedSet) -> PreparedSet:
        if isinstance(hrtf, PreparedSet):
            if hrtf.sample_rate != self.sample_rate:
                raise AuricleError(
                    f"the set was prepared for {hrtf.sample_rate} Hz, the renderer runs at "
                    f"{self.sample_rate} Hz; prepare it for that rate"
                )
            return hrtf
        return prepared_set(hrtf, self.sample_rate, rank=self._rank, level=self._level)


def _finite(values: NDArray, what: str) -> NDArray:
    if not np.all(np.isfinite(values)):
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise AuricleError(f"{what} hold NaN or infinity in row {row}; give finite numbers")
    return values
