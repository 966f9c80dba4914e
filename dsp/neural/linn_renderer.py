# mypy: disable-error-code="no-untyped-def"
"""LinnRenderer: sources through a warp in time and the filters that a small network makes.

The end-to-end system LINN in blocks, without torch and without latency. A source's signal is
delayed to each ear by its way and by what the network says, then filtered; delays and filters run
from those of one step to those of the next, as when the system is trained.

Letters: S sources, E ears, R rows (source, then ear), N taps.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array, Float32
from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.distance import propagation
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import centre_samples, delay_table
from auricle.dsp.neural.linn_filters import TAPS, EarNetworks, FilterMaker
from auricle.dsp.streaming.input_checks import checked_block
from auricle.dsp.streaming.stepped_stream import SteppedStream

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

LEAST_DISTANCE_M = 0.2  # below which the level no longer rises
RATES_HZ = (32000, 50000)  # for which the filters are long enough and fine enough


class LinnRenderer(SteppedStream):
    """Both ears of S sources for one listener; ``process`` allocates its result alone.

    Args:
        networks: of the listener.
        sample_rate: 32 to 50 kHz.
        n_sources: S.
        longest_m: distance beyond which the delay no longer grows.

    Attributes:
        latency_samples: 0; the way of the sound itself is part of the rendering (140 samples a
            metre at 48 kHz).
        tail_samples: the longest delay and a filter.
    """

    latency_samples = 0

    def __init__(
        self, networks: EarNetworks, sample_rate: int = 48000, n_sources: int = 1,
        longest_m: float = 50.0,
    ) -> None:  # fmt: skip
        if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
            raise AuricleError(
                f"this system renders at {RATES_HZ[0]} to {RATES_HZ[1]} Hz, got {sample_rate}; "
                "resample to 48000 Hz"
            )
        if n_sources < 1 or not 1.0 <= longest_m <= 1000.0:
            raise AuricleError(
                f"1 source or more and a longest distance of 1 to 1000 m, got {n_sources} and "
                f"{longest_m}"
            )
        super().__init__()
        self._sample_rate, self._n_sources = sample_rate, n_sources
        self._filters = FilterMaker(networks, sample_rate)
        self._samples_per_m = sample_rate / SOUND_SPEED_M_S
        self._least, self._longest = float(centre_samples(propagation.TAPS)), longest_m
        rows = 2 * n_sources
        kept = int(np.ceil(longest_m * self._samples_per_m)) + 2 * propagation.TAPS + 2 * STEP
        self.tail_samples = kept + TAPS
        self._table = np.ascontiguousarray(delay_table(propagation.TAPS)[:, ::-1])
        self._history = np.zeros((rows, 2 * kept), dtype=np.float32)
        self._head, self._started = 0, False
        self._old_taps = np.zeros((rows, TAPS), dtype=np.float32)
        self._new_taps = np.zeros((rows, TAPS), dtype=np.float32)
        self._old_delays, self._new_delays = np.zeros(rows), np.zeros(rows)
        self._old_gains = np.zeros(rows, dtype=np.float32)
        self._new_gains = np.zeros(rows, dtype=np.float32)
        self._audio = np.zeros((rows, STEP), dtype=np.float32)
        self._heard = np.zeros((rows, STEP), dtype=np.float32)
        self._past = np.zeros((rows, TAPS - 1 + STEP), dtype=np.float32)
        self._active = np.ones(rows, dtype=np.bool_)
        self._directions = np.zeros((n_sources, 3), dtype=np.float32)
        self._distances = np.zeros(n_sources)
        self._late = np.zeros((n_sources, 2))
        self._nonfinite = np.zeros(rows, dtype=np.int64)
        self._places = np.tile([1.0, 0.0, 0.0], (n_sources, 1))

    @property
    def sample_rate(self) -> int:
        """The sample rate of the audio, in Hz."""
        return self._sample_rate

    @property
    def n_sources(self) -> int:
        """The number of sources, S."""
        return self._n_sources

    @property
    def report(self) -> str:
        """One line on the system."""
        return "LINN, filters of a network once a step"

    @property
    def nonfinite_blocks(self) -> NDArray[np.int64]:
        """Parts of steps (S,) in which each source was silenced: it held NaN, infinity or more
        than ``auricle.dsp.streaming.input_checks.LOUDEST_SAMPLE``.
        """
        return self._nonfinite[::2].copy()

    def set_places(self, apparent_m: ArrayLike) -> None:
        """Set where each source is heard at the end of the step that begins next.

        Args:
            apparent_m: (S, 3) metres in the axes of the head.

        Raises:
            AuricleError: a shape that is not (S, 3), or NaN.
        """
        places = np.asarray(apparent_m, dtype=np.float64)
        if places.shape != (self.n_sources, 3) or not np.all(np.isfinite(places)):
            raise AuricleError(
                f"places are {self.n_sources} rows of finite x, y, z in metres, got {places}"
            )
        self._places[:] = places

    def start(self, apparent_m: ArrayLike) -> None:
        """Silence, with sources that rest at places (S, 3)."""
        self.set_places(apparent_m)
        self._alone(self._begin)

    def reset(self) -> None:
        """Silence; sources stand where they were last put."""
        self._alone(self._silence)

    def _begin(self) -> None:
        self._silence()
        self._aim()

    def _silence(self) -> None:
        self._history[:] = 0.0
        self._past[:] = 0.0
        self._phase, self._started = 0, False

    def process(self, audio: Float32, apparent_m: Array | None = None) -> Float32:
        """Both ears (2, n) of the next sound (S, n), any n.

        Args:
            audio: (S, n) float32; a source with NaN or infinity in a step is silent there.
            apparent_m: (K, S, 3) places at the ends of the steps, n = K STEP; None: all go to
                those of ``set_places`` within a step.
        """
        audio = checked_block(audio, self._n_sources)
        if apparent_m is not None and len(apparent_m) * STEP != audio.shape[1]:
            raise AuricleError(f"{len(apparent_m)} steps of places for {audio.shape[1]} samples")
        if apparent_m is not None and not np.all(np.isfinite(apparent_m)):
            raise AuricleError("places are finite x, y, z in metres, and some are NaN or infinite")
        out = np.zeros((2, audio.shape[1]), dtype=np.float32)
        self._alone(self._render, audio, apparent_m, out)
        return out

    def _render(self, audio: Float32, apparent_m: Array | None, out: Float32) -> None:
        def begin(first: int) -> None:
            if apparent_m is not None:
                self.set_places(apparent_m[first // STEP])
            self._aim()

        self._in_steps(
            audio.shape[1],
            begin,
            lambda first, count, phase: self._run(audio, first, count, phase, out),
        )

    def _aim(self) -> None:
        """Delays, gains and filters due when the step that begins ends."""
        self._old_taps, self._new_taps = self._new_taps, self._old_taps
        self._old_delays, self._new_delays = self._new_delays, self._old_delays
        self._old_gains, self._new_gains = self._new_gains, self._old_gains
        split_places(self._places, self._directions, self._distances)
        taps = self._new_taps.reshape(self.n_sources, 2, TAPS)
        self._filters.make(self._directions, taps, self._late)
        aim_rows(
            self._distances, self._late, self._samples_per_m, self._longest, self._least,
            self._new_delays, self._new_gains,
        )  # fmt: skip
        if not self._started:
            self._old_taps[:] = self._new_taps
            self._old_delays[:] = self._new_delays
            self._old_gains[:] = self._new_gains
            self._started = True

    def _run(
        self, audio: Float32, first: int, count: int, phase: int, out: Float32
    ) -> None:  # fmt: skip
        part = audio[:, first : first + count]
        self._audio[::2, :count] = part
        self._audio[1::2, :count] = part
        propagation.delay_rows(
            self._audio, 0, count, phase, self._history, self._head, self._active,
            self._old_delays, self._new_delays, self._table, int(self._least), self._nonfinite,
            self._heard,
        )  # fmt: skip
        self._head = (self._head + count) % (self._history.shape[1] // 2)
        filter_rows(
            self._heard, self._past, phase, count, self._old_taps, self._new_taps, self._old_gains,
            self._new_gains, out[:, first : first + count],
        )  # fmt: skip


@kernel
def split_places(places, directions, distances):
    """Unit vectors (S, 3) float32 and distances (S,) of places (S, 3); near 0 stays near 0."""
    for s in range(len(places)):
        x, y, z = places[s, 0], places[s, 1], places[s, 2]
        distances[s] = np.sqrt(x * x + y * y + z * z)
        near = max(distances[s], 1e-6)
        for axis in range(3):
            directions[s, axis] = places[s, axis] / near


@kernel
def aim_rows(distances, extra_delays, samples_per_m, longest_m, least_samples, delays, gains):
    """Delays and gains (R,) at the end of a step, from the ways and what the network adds.

    Args:
        distances: (S,) metres; extra_delays: (S, 2) samples that the network adds.
        samples_per_m: sample rate over speed of sound.
        longest_m, least_samples: bounds of a way and of a delay.
    """
    for s in range(len(distances)):
        way = min(distances[s], longest_m) * samples_per_m
        for e in range(2):
            delays[2 * s + e] = max(way + extra_delays[s, e], least_samples)
            gains[2 * s + e] = np.float32(1.0 / max(distances[s], LEAST_DISTANCE_M))


@kernel
def filter_rows(
    heard, past, phase, count, old_taps, new_taps, old_gains, new_gains, out
):  # fmt: skip
    """Part of a step through both its filters, blended; see ``LinnRenderer``.

    Args:
        heard: (R, STEP) float32 signals at the ears, samples 0 to count.
        past: (R, N - 1 + STEP) float32 the step so far behind N - 1 samples before it, in and out.
        phase: place of the first sample in the step.
        old_taps, new_taps: (R, N) float32 at the step's ends, last tap first.
        old_gains, new_gains: (R,) float32 likewise.
        out: (2, count) float32, to which ears are added.
    """
    n_taps = old_taps.shape[1]
    for r in range(len(heard)):
        line, old, new = past[r], old_taps[r], new_taps[r]
        ear = out[r % 2]
        for t in range(count):
            share = np.float32((phase + t + 1) / STEP)
            gain = old_gains[r] + share * (new_gains[r] - old_gains[r])
            line[n_taps - 1 + phase + t] = heard[r, t] * gain
        for t in range(count):
            share = np.float32((phase + t + 1) / STEP)
            a, b = np.float32(0.0), np.float32(0.0)
            at = phase + t
            for j in range(n_taps):
                a += old[j] * line[at + j]
                b += new[j] * line[at + j]
            ear[t] += a + share * (b - a)
        if phase + count == STEP:
            for j in range(n_taps - 1):
                line[j] = line[STEP + j]
