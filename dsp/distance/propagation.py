# mypy: disable-error-code="no-untyped-def"
"""The time that sound takes from a source to the head, and so the Doppler effect.

A source's signal is delayed by its distance over the speed of sound, on the renderer's control
grid: within a step the delay runs linearly from where it was to where it is due, filtered anew for
each sample, so a moving tone has the frequency that physics gives it. A source that jumps (faster
than a third of the speed of sound) is cross-faded instead: no sweep.

Letters: S sources, H samples of history.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32, f64
from auricle.dsp.compiled.renderer_record import LEAST, LONGEST, PROPAGATION, SAMPLES_PER_M
from auricle.dsp.compiled.simd import (
    LANES,
    add_product,
    broadcast,
    load,
    pointer,
    put,
    reduce_add,
)
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import PHASES_PER_SAMPLE, centre_samples, delay_table

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
VECTORS = "8e5c895c2c42"  # the text of simd.py that is compiled into the kernels below
RECORDS = "e8635e2106a6"  # likewise of records.py
RENDERER_RECORD = "b7f9bf9b4278"  # likewise of renderer_record.py
TAPS = 16  # errors below -60 dB up to 18 kHz at 48 kHz
PHASES = 128  # rows of the delay table a sample
LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py
FASTEST = 0.33  # of the speed of sound; what moves faster has jumped

_propagation = PROPAGATION.read


class Propagation:
    """Delays S sources by their distances; no method called while rendering allocates.

    Args:
        n_sources: S.
        sample_rate: Hz.
        longest_m: distance beyond which the delay no longer grows.
        sound_speed_m_s: metres a second.

    Nearer than ``centre_samples`` (some centimetres) the delay stays. Sources that are not
    ``active`` (S,) pass as they are.
    """

    def __init__(
        self, n_sources: int, sample_rate: int, longest_m: float = 100.0,
        sound_speed_m_s: float = SOUND_SPEED_M_S,
    ) -> None:  # fmt: skip
        if not (0.0 < longest_m <= 10_000.0 and sound_speed_m_s > 0.0):
            raise AuricleError(
                f"longest_m is above 0 and at most 10000 m, the speed of sound above 0 m/s, got "
                f"{longest_m} m and {sound_speed_m_s} m/s"
            )
        assert PHASES == PHASES_PER_SAMPLE
        table = delay_table(TAPS)[:, ::-1]  # oldest sample first
        self._table = np.ascontiguousarray(table)
        self.centre_samples = centre_samples(TAPS)
        samples_per_m = sample_rate / sound_speed_m_s
        self._numbers = np.array([samples_per_m, longest_m * samples_per_m, self.centre_samples])
        # Every sample stands in it twice, H apart: what a filter reads lies in one piece.
        n_kept = int(np.ceil(self._numbers[LONGEST])) + 2 * TAPS + STEP
        self._history = np.zeros((n_sources, 2 * n_kept), dtype=np.float32)
        self._head = np.zeros(1, dtype=np.int64)
        self._delays = np.full((2, n_sources), float(self.centre_samples))  # at the step's ends
        self.out = np.zeros((n_sources, STEP), dtype=np.float32)
        self.active = np.ones(n_sources, dtype=np.bool_)
        self.nonfinite = np.zeros(n_sources, dtype=np.int64)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = PROPAGATION.pack({
            "numbers": self._numbers, "head": self._head, "history": self._history,
            "active": self.active, "delays": self._delays, "table": self._table,
            "nonfinite": self.nonfinite, "out": self.out,
        })  # fmt: skip

    @property
    def address(self) -> int:
        """Of its ``PROPAGATION``, for as long as it lives."""
        return self._packed.address

    @property
    def longest_samples(self) -> int:
        """The longest delay."""
        return int(np.ceil(self._numbers[LONGEST])) + TAPS

    def reset(self) -> None:
        """Forget all sound."""
        self._history[:] = 0.0

    def aim(self, positions: NDArray, listener_position: NDArray, snap: bool) -> None:
        """Set the delays due when the step that begins ends.

        Args:
            positions: (S, 3) metres, world axes.
            listener_position: (3,) metres, world axes.
            snap: whether they hold at once.
        """
        aim_way(self.address, positions, listener_position, snap)

    def run(self, audio: NDArray[np.float32], first: int, count: int, phase: int) -> None:
        """Delay a part of a step; ``out[:, :count]`` holds the result, and unmoved what does not
        propagate.

        Args:
            audio: (S, n) float32; ``audio[:, first : first + count]`` is taken.
            first: index of the first sample.
            count: how many samples.
            phase: samples of the step that have passed before.
        """
        delay_sources(self.address, audio, first, count, phase)


@kernel
def aim_way(at, positions, listener_position, snap):
    """Set the delays of a ``PROPAGATION`` due at the end of a step; see ``Propagation.aim``."""
    _aim_way(_propagation(at), positions, listener_position, snap)


@kernel
def _aim_way(p, positions, listener_position, snap):
    numbers = p.numbers
    aim_delays(
        positions, listener_position, numbers[SAMPLES_PER_M], numbers[LONGEST], numbers[LEAST],
        snap, p.delays[0], p.delays[1],
    )  # fmt: skip


@kernel
def delay_sources(at, audio, first, count, phase):
    """Delay part of a step by a ``PROPAGATION``; see ``Propagation.run``."""
    _delay_sources(_propagation(at), audio, first, count, phase)


@kernel
def _delay_sources(p, audio, first, count, phase):
    delay_rows(
        audio, first, count, phase, p.history, p.head[0], p.active, p.delays[0], p.delays[1],
        p.table, int(p.numbers[LEAST]), p.nonfinite, p.out,
    )  # fmt: skip
    p.head[0] = (p.head[0] + count) % (p.history.shape[1] // 2)


@kernel
def aim_delays(positions, listener_position, samples_per_m, longest, least, snap, old, new):
    """Set the delays due at the end of the step that begins.

    Args:
        positions: (S, 3) in metres; origin: (3,) the listener's.
        samples_per_m: sample rate over speed of sound.
        longest, least: bounds of a delay in samples.
        snap: whether the new delays hold from the step's first sample on.
        old, new: (S,) delays in samples at the step's ends, in and out.
    """
    for s in range(len(new)):
        x = positions[s, 0] - listener_position[0]
        y = positions[s, 1] - listener_position[1]
        z = positions[s, 2] - listener_position[2]
        delay = np.sqrt(x * x + y * y + z * z) * samples_per_m
        delay = min(max(delay, least), longest) if delay == delay else least
        old[s] = delay if snap else new[s]
        new[s] = delay


@kernel
def delay_rows(
    audio, first, count, phase, history, head, active, old, new, table, centre, nonfinite, out
):  # fmt: skip
    """Delay part of a step; see ``Propagation.run``.

    Args:
        audio: (S, T) float32; samples ``first`` to ``first + count`` are taken.
        phase: place of the first in the step.
        history: (S, 2 H) float32, each of the last H samples at two places H apart.
        head: where in it the first new sample goes, below H.
        active: (S,) bool; other sources pass as they are.
        old, new: (S,) delays at the step's ends.
        table: (rows, TAPS) of ``delay_table``, oldest sample first; centre: its first delay.
        nonfinite: (S,) counts calls in which a source held NaN, infinity or a sample above
            LOUDEST and was silenced.
        out: (S, STEP) float32, samples 0 to count are written.
    """
    kept = history.shape[1] // 2
    for s in range(len(active)):
        source, target, past = audio[s, first : first + count], out[s], pointer(history[s])
        if not active[s]:
            for t in range(count):
                target[t] = source[t]
            continue
        level = np.float32(0.0)
        for t in range(count):
            level += abs(source[t])
        sound = level <= LOUDEST  # not where one is NaN
        if not sound:
            nonfinite[s] += 1
        at = head
        for t in range(count):
            x = source[t] if sound else np.float32(0.0)
            put(past, at, x)
            put(past, at + kept, x)
            at = at + 1 if at + 1 < kept else 0
        moved = new[s] - old[s]
        if abs(moved) > FASTEST * STEP:
            for t in range(count):
                share = np.float32((phase + t + 1) / STEP)
                a = _read(past, head + t, kept, old[s], pointer(table), centre)
                b = _read(past, head + t, kept, new[s], pointer(table), centre)
                target[t] = a + share * (b - a)
        else:
            slope = moved / STEP
            for t in range(count):
                delay = old[s] + slope * (phase + t + 1)
                target[t] = _read(past, head + t, kept, delay, pointer(table), centre)


@kernel
def _read(past, now, kept, delay, table, centre):
    """The sample ``delay`` before ``now``, TAPS taps around it."""
    whole = int(delay)
    position = (delay - whole) * PHASES
    low = int(position)
    part = np.float32(position - low)
    at = now - whole + centre - (TAPS - 1)
    while at < 0:
        at += kept
    while at >= kept:
        at -= kept
    own, above, row = broadcast(np.float32(1.0) - part), broadcast(part), low * TAPS
    sums = broadcast(np.float32(0.0))
    for j in range(0, TAPS, LANES):
        x = load(past, at + j)
        sums = add_product(
            x, add_product(load(table, row + j), own, broadcast(np.float32(0.0))), sums
        )
        below = broadcast(np.float32(0.0))
        sums = add_product(x, add_product(load(table, row + TAPS + j), above, below), sums)
    return reduce_add(sums)


@kernel
def silence_way(at):
    """Forget all sound of a ``PROPAGATION``."""
    _silence_way(_propagation(at).history)


@kernel
def _silence_way(history):
    for s in range(history.shape[0]):
        for t in range(history.shape[1]):
            history[s, t] = 0.0


AIM_WAY = Routine(aim_way, types.void(types.int64, f64(2), f64(1), types.boolean))
DELAY = Routine(
    delay_sources, types.void(types.int64, f32(2), types.int64, types.int64, types.int64)
)
SILENCE_WAY = Routine(silence_way, types.void(types.int64))
