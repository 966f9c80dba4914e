# mypy: disable-error-code="no-untyped-def"
"""Wide sources: each is heard from an arc of directions, by signals that have little in common.

The middle of the arc plays the source itself, ``COPIES`` directions beside it play what cascades of
all-pass filters make of it: the same magnitudes, other phases. So an ear hears the sum of their
energies, without the comb of one signal from many directions, and the two ears agree the less the
wider the arc is. Squared gains are scaled so that the power of both ears together stays that of
the narrow source.

Letters: S sources, C copies, D samples of an all-pass filter's past.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.records import f32, f64
from auricle.dsp.compiled.renderer_record import QUIET_STEPS, RING_STEPS, WIDTH
from auricle.dsp.preparation.prepare import PreparedSet

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
RENDERER_RECORD = "b7f9bf9b4278"  # likewise of renderer_record.py

COPIES = 4
LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py
FASTEST_DEG_PER_SECOND = 60.0  # of a width: what is asked for at once is reached in this time
FULL_DEG = 20.0  # width from which on the arc is filled evenly; below, the middle is louder
# Of each copy's three filters, milliseconds: of 24 random draws the one that keeps the level
# best on HUTUBS pp10.
_DELAYS_MS = (
    (2.12, 3.39, 5.86),
    (0.98, 3.14, 6.11),
    (1.81, 3.83, 9.32),
    (2.52, 4.69, 8.12),
)  # fmt: skip
_ALL_PASS = 0.6  # coefficient: copies keep little of the source's own phase (0.6^3)
_PLACES = (-0.4, 0.4, -0.2, 0.2)  # of the copies on the arc, as shares of the width
# What is left of the source in each copy, -0.6^3, cancels over them: else they would be softer.
_SIGNS = (1.0, -1.0, 1.0, -1.0)
_SIZE, _ROWS = 1024, 256  # of the transform that tells how loud directions are; at a time
_ORDER = 6  # of the polynomial in x, y, z that says how loud the ears hear a direction

_width = WIDTH.read


class Width:
    """Copies of S sources for their arcs; no method called while rendering allocates.

    ``aim`` sets ``positions`` (S * C, 3) and ``levels`` (S * C,) of the copies at the end of the
    step, and ``share`` (S,), the gain of the source itself: 1 without width. ``run`` makes ``out``
    (S * C, STEP). ``targets_deg`` (S,) are the widths asked for.

    Args:
        n_sources: S.
        sample_rate: Hz.
        prepared: the listener's tables, for the level of the copies.

    Source: Schroeder 1962, JAES 10:219 (the all-pass filter); Pulkki 1999, WASPAA (spreading).
    """

    def __init__(self, n_sources: int, sample_rate: int, prepared: PreparedSet) -> None:
        self.targets_deg = np.zeros(n_sources)
        self._now_deg = np.zeros(n_sources)
        self._fastest_deg = np.array([FASTEST_DEG_PER_SECOND * STEP / sample_rate])
        self.positions = np.zeros((n_sources * COPIES, 3))
        self.levels = np.zeros(n_sources * COPIES)
        self.share = np.ones(n_sources)
        self.out = np.zeros((n_sources * COPIES, STEP), dtype=np.float32)
        self._running = np.zeros(n_sources, dtype=np.bool_)
        delays = np.array(_DELAYS_MS) * 1e-3 * sample_rate
        self._delays = np.maximum(np.round(delays), 1.0).astype(np.int64)
        stages, longest = self._delays.shape[1], int(self._delays.max())
        self._past = np.zeros((n_sources, COPIES, stages, longest), dtype=np.float32)
        self._at = np.zeros((n_sources, COPIES, stages), dtype=np.int64)
        self._places, self._signs = np.array(_PLACES), np.array(_SIGNS, dtype=np.float32)
        ring_steps = 1 + (prepared.tail_samples + int(self._delays.sum())) // STEP
        self._counts = np.full(2, ring_steps, dtype=np.int64)
        self._loudness = loudness_field(prepared)
        self._pack()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copies have a record of their own arrays."""
        self.__dict__.update(state)
        self._pack()

    def _pack(self) -> None:
        self._packed = WIDTH.pack({
            "counts": self._counts, "fastest_deg": self._fastest_deg, "places": self._places,
            "signs": self._signs, "loudness": self._loudness, "targets_deg": self.targets_deg,
            "now_deg": self._now_deg, "running": self._running, "positions": self.positions,
            "levels": self.levels, "share": self.share, "delays": self._delays, "past": self._past,
            "at": self._at, "out": self.out,
        })  # fmt: skip

    @property
    def address(self) -> int:
        """Of its ``WIDTH``, for as long as it lives."""
        return self._packed.address

    def follow(self, prepared: PreparedSet) -> None:
        """Keep the level of the directions of this set from now on."""
        self._loudness[:] = loudness_field(prepared)

    @property
    def sounding(self) -> bool:
        """Whether a copy can be heard in this step."""
        return bool(self._counts[QUIET_STEPS] < self._counts[RING_STEPS])

    def reset(self) -> None:
        """Forget all sound; the next widths are jumped to."""
        reset_width(self.address)

    def aim(
        self,
        positions: NDArray,
        world_to_head: NDArray,
        listener_position: NDArray,
        levels: NDArray,
        snap: bool,
    ) -> None:
        """Set where the copies are when the step that begins ends.

        Args:
            positions: (S, 3) metres, world axes.
            world_to_head: (3, 3) rotation from world to head axes.
            listener_position: (3,) metres, world axes.
            levels: (S,) linear.
            snap: whether the new state holds at once.
        """
        aim_width(self.address, positions, world_to_head, listener_position, levels, snap)

    def run(self, audio: NDArray[np.float32], first: int, count: int) -> None:
        """Make the signals of the copies, ``out[:, :count]``.

        Args:
            audio: (S, n) float32; ``audio[:, first : first + count]`` is taken.
            first: index of the first sample.
            count: how many samples.
        """
        decorrelate(self.address, audio, first, count)


def loudness_field(prepared: PreparedSet) -> NDArray[np.float64]:
    """Coefficients of the logarithm of both ears' power over the direction (x, y, z).

    A polynomial; the power is that of pink noise from 200 Hz to 16 kHz.
    """
    rank, vertices = prepared.rank, prepared.mesh.vertices
    hz = np.fft.rfftfreq(_SIZE, 1.0 / prepared.sample_rate)
    weight = np.where((hz >= 200.0) & (hz <= 16000.0), 1.0 / np.maximum(hz, 1.0), 0.0)
    power = np.zeros(len(vertices))
    for ear in range(2):
        gains = prepared.gains[:, ear * rank : (ear + 1) * rank]
        for at in range(0, len(vertices), _ROWS):
            some = gains[at : at + _ROWS]
            ir = some if prepared.filters is None else some @ prepared.filters[ear]
            power[at : at + _ROWS] += np.abs(np.fft.rfft(ir, _SIZE)) ** 2 @ weight
    design = np.stack([
        vertices[:, 0] ** i * vertices[:, 1] ** j * vertices[:, 2] ** k
        for i in range(_ORDER + 1) for j in range(_ORDER + 1 - i) for k in range(_ORDER + 1 - i - j)
    ], axis=1)  # fmt: skip
    log = np.log(np.maximum(power, 1e-20))
    return np.asarray(np.linalg.lstsq(design, log, rcond=1e-9)[0])


@kernel
def aim_width(at, positions, world_to_head, listener_position, levels, snap):
    """Set what holds at the end of the step that begins; see ``Width.aim``.

    Args:
        at: address of the ``WIDTH``; written are ``positions``, ``levels`` and ``share``, of copies
            that begin to sound ``past``, and ``counts``.
        positions: (S, 3) in metres.
        world_to_head: (3, 3).
        listener_position: (3,) in metres.
        levels: (S,) linear gains of the sources.
        snap: whether widths are reached at once.
    """
    w = _width(at)
    wide = _aim_copies(w, positions, world_to_head, listener_position, levels, snap)
    counts = w.counts
    counts[QUIET_STEPS] = 0 if wide else min(counts[QUIET_STEPS] + 1, counts[RING_STEPS])


@kernel
def _aim_copies(w, positions, world_to_head, listener_position, levels, snap):
    """Set the copies' places and gains due at the end of the step; returns whether any sounds."""
    places, loudness, targets_deg, now_deg = w.places, w.loudness, w.targets_deg, w.now_deg
    running, past, copies, copy_levels = w.running, w.past, w.positions, w.levels
    share, fastest_deg = w.share, w.fastest_deg[0]
    n_copies = len(places)
    sounding = False
    for s in range(len(now_deg)):
        before = now_deg[s]
        change = targets_deg[s] - before
        if not snap:
            change = min(max(change, -fastest_deg), fastest_deg)
        now = before + change
        now_deg[s] = now
        wide = now > 0.0 or (before > 0.0 and not snap)
        if wide and not running[s]:
            past[s] = 0.0
        running[s] = wide
        sounding = sounding or wide
        share[s] = 1.0
        x, y, z = positions[s, 0], positions[s, 1], positions[s, 2]
        dx, dy, dz = x - listener_position[0], y - listener_position[1], z - listener_position[2]
        distance = np.sqrt(dx * dx + dy * dy + dz * dz)
        if not (wide and distance > 1e-9):
            for c in range(n_copies):
                copies[s * n_copies + c] = positions[s]
                copy_levels[s * n_copies + c] = 0.0
            continue
        flat = np.sqrt(dx * dx + dy * dy)
        ax, ay = (-dy / flat, dx / flat) if flat > 1e-6 * distance else (0.0, 1.0)
        filled = min(now / FULL_DEG, 1.0)
        filled *= filled * (3.0 - 2.0 * filled)
        middle = _power(dx / distance, dy / distance, dz / distance, world_to_head, loudness)
        energy = 1.0  # of the middle, whose weight is 1, and the copies, relative to it
        for c in range(n_copies):
            angle = now * np.pi / 180.0 * places[c]
            cosine, sine = np.cos(angle), np.sin(angle)
            px = cosine * dx + sine * distance * ax
            py = cosine * dy + sine * distance * ay
            pz = cosine * dz
            i = s * n_copies + c
            copies[i, 0], copies[i, 1], copies[i, 2] = (
                listener_position[0] + px,
                listener_position[1] + py,
                listener_position[2] + pz,
            )
            weight = filled * np.cos(0.5 * np.pi * places[c]) ** 2
            heard = _power(px / distance, py / distance, pz / distance, world_to_head, loudness)
            copy_levels[i] = weight
            energy += weight * heard / middle
        share[s] = np.sqrt(1.0 / energy)
        for c in range(n_copies):
            i = s * n_copies + c
            copy_levels[i] = levels[s] * np.sqrt(copy_levels[i] / energy)
    return sounding


@kernel
def _power(x, y, z, world_to_head, loudness):
    """Both ears' power for a direction in world axes."""
    u = world_to_head[0, 0] * x + world_to_head[0, 1] * y + world_to_head[0, 2] * z
    v = world_to_head[1, 0] * x + world_to_head[1, 1] * y + world_to_head[1, 2] * z
    w = world_to_head[2, 0] * x + world_to_head[2, 1] * y + world_to_head[2, 2] * z
    log, at, of_x = 0.0, 0, 1.0
    for i in range(_ORDER + 1):
        of_y = of_x
        for j in range(_ORDER + 1 - i):
            of_z = of_y
            for _ in range(_ORDER + 1 - i - j):
                log += loudness[at] * of_z
                at += 1
                of_z *= w
            of_y *= v
        of_x *= u
    return np.exp(log)


@kernel
def decorrelate(at, audio, first, count):
    """Run the filters of the copies of a ``WIDTH``; see ``Width.run``."""
    _decorrelate(_width(at), audio, first, count)


@kernel
def _decorrelate(w, audio, first, count):
    running, delays, past, at, signs, out = w.running, w.delays, w.past, w.at, w.signs, w.out
    n_copies, n_stages = delays.shape
    gain = np.float32(_ALL_PASS)
    for s in range(len(running)):
        level = np.float32(0.0)
        if running[s]:
            for t in range(count):
                level += abs(audio[s, first + t])
        sound = level <= LOUDEST  # not where one is NaN
        for c in range(n_copies):
            row = out[s * n_copies + c]
            if not running[s]:
                row[:count] = 0.0
                continue
            for t in range(count):  # what is beyond bounds is silent here as in the engine
                row[t] = signs[c] * audio[s, first + t] if sound else np.float32(0.0)
            for n in range(n_stages):
                ring, length, i = past[s, c, n], delays[c, n], at[s, c, n]
                for t in range(count):
                    old = ring[i]
                    inner = row[t] + gain * old
                    ring[i] = inner if abs(inner) > np.float32(1e-30) else np.float32(0.0)
                    row[t] = old - gain * inner
                    i = i + 1 if i + 1 < length else 0
                at[s, c, n] = i


@kernel
def reset_width(at):
    """Forget all sound; the next widths are jumped to."""
    w = _width(at)
    for s in range(len(w.running)):
        w.running[s] = False
    w.counts[QUIET_STEPS] = w.counts[RING_STEPS]


AIM_WIDTH = Routine(
    aim_width, types.void(types.int64, f64(2), f64(2), f64(1), f64(1), types.boolean)
)
DECORRELATE = Routine(decorrelate, types.void(types.int64, f32(2), types.int64, types.int64))
RESET_WIDTH = Routine(reset_width, types.void(types.int64))
