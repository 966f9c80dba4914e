# mypy: disable-error-code="no-untyped-def"
"""A bed of loudspeaker channels as sources, and its LFE channel as what both ears get alike."""

import numpy as np
from numba import types
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.compiled.records import f32, f64, i64
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.biquad import butterworth_sections
from auricle.dsp.hrtf.diffuse_field import diffuse_field_rms
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.loudspeakers.layouts import Layout
from auricle.dsp.sphere.mesh import triangulate
from auricle.dsp.streaming.input_checks import LARGEST_GAIN, checked_block
from auricle.dsp.streaming.stream import Stream

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled

LFE_GAIN_DB = 10.0  # ITU-R BS.775-4, annex 7: the LFE is played 10 dB louder than it is recorded
LFE_HZ = 120.0
LOUDEST = 1e15  # of a sample, as in streaming/input_checks.py


class Bed(Stream):
    """A bed of loudspeaker channels (C, n): S sources at ``positions_m``, and the LFE.

    Give ``sources`` to a ``BinauralRenderer`` with ``n_sources`` sources that stand at
    ``positions_m``, and add ``lfe`` to both of its ears:

        bed = Bed(layout("5.1"), sample_rate=48000)
        renderer = BinauralRenderer(hrtf, n_sources=bed.n_sources)
        renderer.set_positions(bed.positions_m)
        out = renderer.process(bed.sources(block)) + bed.lfe(block)

    The LFE (several are added) has no direction: it is low-passed at 120 Hz (Butterworth, fourth
    order, late by some 3.5 ms) and goes to both ears equally, 10 dB louder (BS.775).

    Args:
        layout: of the channels, in their order.
        sample_rate: Hz.
        lfe: "play", or "drop" to leave it out, as many stereo downmixes do.
        bass_gain: what an ear hears of a source at low frequencies, from ``bass_gain``; the LFE
            is 10 dB above that.
    """

    def __init__(
        self, layout: Layout, sample_rate: int = 48000, lfe: str = "play", bass_gain: float = 1.0
    ) -> None:
        if lfe not in ("play", "drop"):
            raise AuricleError(f'lfe is "play" or "drop", not {lfe!r}')
        if not 0.0 <= bass_gain <= LARGEST_GAIN:
            raise AuricleError(f"bass_gain is a gain of 0 to {LARGEST_GAIN:g}, got {bass_gain}")
        super().__init__()
        self.layout, self._sample_rate = layout, int(sample_rate)
        self.positions_m = layout.positions_m
        self._source_rows = np.array(layout.source_channels, dtype=np.int64)
        playing = layout.lfe_channels if lfe == "play" else ()
        self._lfe_rows = np.array(playing, dtype=np.int64)
        self._gain = float(bass_gain) * 10.0 ** (LFE_GAIN_DB / 20.0)
        self._sections = butterworth_sections(LFE_HZ, self._sample_rate)
        self._state = np.zeros((len(self._sections), 2))
        self._nonfinite = np.zeros(1, dtype=np.int64)

    @property
    def sample_rate(self) -> int:
        """The sample rate of the audio, in Hz."""
        return self._sample_rate

    @property
    def n_sources(self) -> int:
        """The number of sources S: the channels that have a direction."""
        return len(self._source_rows)

    @property
    def nonfinite_samples(self) -> int:
        """The number of samples of the LFE that were silenced: NaN, infinity or more than 1e15."""
        return int(self._nonfinite[0])

    def reset(self) -> None:
        """Silence what still rings."""
        self._alone(self._silence)

    def _silence(self) -> None:
        self._state[:] = 0.0

    def sources(self, block: ArrayLike) -> NDArray[np.float32]:
        """The channels that have a direction.

        Args:
            block: (C, n) floating point, all channels in the order of the layout.

        Returns:
            (S, n) float32, for a ``BinauralRenderer`` with sources at ``positions_m``.

        Raises:
            AuricleError: another shape, or whole numbers.
        """
        return self._checked(block)[self._source_rows]

    def lfe(self, block: ArrayLike) -> NDArray[np.float32]:
        """The LFE, which is added to both ears alike; call it once a block.

        Args:
            block: (C, n) floating point, all channels in the order of the layout.

        Returns:
            (n,) float32.

        Raises:
            AuricleError: another shape, whole numbers, or a second thread within.
        """
        audio = self._checked(block)
        out = np.zeros(audio.shape[1], dtype=np.float32)
        if len(self._lfe_rows):
            self._alone(
                low_pass, audio, self._lfe_rows, self._gain, self._sections, self._state, out,
                self._nonfinite,
            )  # fmt: skip
        return out

    def _checked(self, block: ArrayLike) -> NDArray[np.float32]:
        return checked_block(block, self.layout.n_channels, f"a block of {self.layout.name}")


def bass_gain(hrtf: HrtfSet, sample_rate: int, level: str = "matched") -> float:
    """Gain of a source at an ear below 200 Hz, as the renderer plays the set; mean over directions.

    A set at matched level has a mean power of 1 from 200 Hz to 16 kHz; its bass lies some decibels
    lower, because ears and head amplify high frequencies.

    Args:
        hrtf: the listener's set.
        sample_rate: Hz, of the renderer.
        level: "matched" or "measured", as of the renderer.

    Returns:
        The linear gain.
    """
    hrtf = hrtf.resampled(sample_rate)
    size = 1 << (max(hrtf.n_taps, sample_rate // 50) - 1).bit_length()
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    low = (hz >= 40.0) & (hz <= 200.0)
    power = np.mean(np.abs(np.fft.rfft(hrtf.ir, size)[..., low]) ** 2, axis=(1, 2))
    mesh = triangulate(hrtf.positions)
    rms = float(np.sqrt(np.mean(mesh.fill(power))))
    if level == "measured":
        return rms
    return rms / diffuse_field_rms(hrtf.ir, mesh, sample_rate)


@exact_kernel
def low_pass(audio, rows, gain, sections, state, out, nonfinite):
    """The sum of some channels, amplified and low-passed, into ``out``; allocates nothing.

    Args:
        audio: (C, n) float32.
        rows: (L,) channels to add.
        gain: linear.
        sections: (P, 5), from ``butterworth_sections``.
        state: (P, 2) in and out, transposed direct form II, in float64 as 120 Hz needs.
        out: (n,) float32.
        nonfinite: (1,) counts samples that were NaN or above LOUDEST and taken for 0.
    """
    for t in range(len(out)):
        value = 0.0
        for row in rows:
            x = audio[row, t]
            if abs(x) <= LOUDEST:
                value += x
            else:
                nonfinite[0] += 1
        value *= gain
        for p in range(len(sections)):
            filtered = sections[p, 0] * value + state[p, 0]
            state[p, 0] = sections[p, 1] * value - sections[p, 3] * filtered + state[p, 1]
            state[p, 1] = sections[p, 2] * value - sections[p, 4] * filtered
            value = filtered
        out[t] = value


LOW_PASS = Routine(
    low_pass,
    types.void(f32(2), i64(1), types.float64, f64(2), f64(2), f32(1), i64(1)),
)
