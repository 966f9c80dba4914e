"""Programme loudness while a signal streams by: ITU-R BS.1770-4, EBU R 128."""

from array import array

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.compiled.options import recursive_kernel

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernel below is compiled

HOP_SECONDS = 0.1
MOMENTARY_HOPS, SHORT_TERM_HOPS = 4, 30  # 400 ms, 3 s
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
_OFFSET_LUFS = -0.691  # makes a full-scale 997 Hz sine in one channel -3.01 LUFS


class LoudnessMeter:
    """Loudness of a stereo signal: ``add`` blocks of any size, then ask.

    It keeps two numbers for each 100 ms, whatever the length: 0.6 MB an hour.

    Args:
        sample_rate: Hz, 4000 or more.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = int(sample_rate)
        self._sections = k_weighting(sample_rate)
        self._state = np.zeros((2, 2, 2))  # sections, channels, memory
        self._energies = (array("d"), array("d"))  # of finished hops, a channel each
        self._open = np.zeros(2)  # energy of the hop that has begun
        self._at = 0

    def add(self, audio: NDArray[np.floating]) -> None:
        """Take the next frames (2, n)."""
        if audio.shape[1] == 0:
            return
        weighted = np.array(audio, dtype=np.float64)
        filter_in_place(weighted, self._sections, self._state)
        power = weighted * weighted
        done = 0
        while done < power.shape[1]:
            end = self._hop_end(len(self._energies[0]))
            count = min(end - self._at, power.shape[1] - done)
            self._open += power[:, done : done + count].sum(axis=1)
            self._at, done = self._at + count, done + count
            if self._at == end:
                self._close_hop()

    def integrated_lufs(self) -> float:
        """Gated loudness of all that was added; -inf for silence or less than 400 ms."""
        blocks = self._blocks_power(MOMENTARY_HOPS)
        blocks = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
        if blocks.size == 0:
            return float("-inf")
        relative = _power(float(_lufs(blocks.mean())) + RELATIVE_GATE_LU)
        return float(_lufs(blocks[blocks > relative].mean()))

    def momentary_lufs(self) -> Array:
        """Loudness of the 400 ms up to each 100 ms from 0.4 s on."""
        return _lufs(self._blocks_power(MOMENTARY_HOPS))

    def short_term_lufs(self) -> Array:
        """Loudness of the 3 s up to each 100 ms from 3 s on."""
        return _lufs(self._blocks_power(SHORT_TERM_HOPS))

    def ears_lufs(self) -> Array:
        """Loudness (2, J) of each channel alone over the 400 ms up to each 100 ms."""
        return _lufs(np.stack([_sliding_mean(row, MOMENTARY_HOPS) for row in self._powers()]))

    def _hop_end(self, hop: int) -> int:
        return round((hop + 1) * HOP_SECONDS * self.sample_rate)

    def _close_hop(self) -> None:
        for channel, energies in enumerate(self._energies):
            energies.append(self._open[channel])
        self._open[:] = 0.0

    def _powers(self) -> Array:
        """Mean square (2, hops)."""
        energies = np.array(self._energies)
        ends = np.round(np.arange(energies.shape[1] + 1) * HOP_SECONDS * self.sample_rate)
        return energies / np.diff(ends)

    def _blocks_power(self, hops: int) -> Array:
        return _sliding_mean(self._powers().sum(axis=0), hops)


@recursive_kernel
def filter_in_place(audio, sections, state):  # type: ignore[no-untyped-def]
    """Filter channels by second-order sections, as ``scipy.signal.sosfilt`` does.

    That takes half a second and 26 MB to import.

    Args:
        audio: (C, n) float64, in and out.
        sections: (S, 6) coefficients b0, b1, b2, 1, a1, a2.
        state: (S, C, 2) memory, in and out.
    """
    for s in range(sections.shape[0]):
        b0, b1, b2 = sections[s, 0], sections[s, 1], sections[s, 2]
        a1, a2 = sections[s, 4], sections[s, 5]
        for c in range(audio.shape[0]):
            first, second = state[s, c, 0], state[s, c, 1]
            for i in range(audio.shape[1]):
                x = audio[c, i]
                y = b0 * x + first
                first = b1 * x - a1 * y + second
                second = b2 * x - a2 * y
                audio[c, i] = y
            state[s, c, 0], state[s, c, 1] = first, second


def k_weighting(sample_rate: int) -> Array:
    """Second-order sections (2, 6) of the K-weighting at any rate.

    The shelf and the high-pass of which BS.1770's coefficients at 48 kHz are the bilinear
    transforms (De Man 2014, "Evaluation of implementations of the EBU R128 loudness measurement").
    """
    gain, shelf_hz, shelf_q = 10.0 ** (3.999843853973347 / 20.0), 1681.974450955533, 0.7071752369554
    mid = gain**0.4996667741545416
    k = np.tan(np.pi * shelf_hz / sample_rate)
    a0 = 1.0 + k / shelf_q + k * k
    shelf = [
        (gain + mid * k / shelf_q + k * k) / a0, 2.0 * (k * k - gain) / a0,
        (gain - mid * k / shelf_q + k * k) / a0, 1.0,
        2.0 * (k * k - 1.0) / a0, (1.0 - k / shelf_q + k * k) / a0,
    ]  # fmt: skip
    high_hz, high_q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * high_hz / sample_rate)
    a0 = 1.0 + k / high_q + k * k
    high = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / high_q + k * k) / a0]
    return np.array([shelf, high])


def _sliding_mean(values: Array, count: int) -> Array:
    if values.size < count:
        return np.zeros(0)
    return np.lib.stride_tricks.sliding_window_view(values, count).mean(axis=1)


def _lufs(power: Array) -> Array:
    with np.errstate(divide="ignore"):
        return _OFFSET_LUFS + 10.0 * np.log10(power)


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET_LUFS) / 10.0))
