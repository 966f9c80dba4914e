"""Protocol: what a tone that circles the head leaves beside itself, clicks and roughness."""

from dataclasses import asdict, dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Engine
from auricle.plugin_core.bench.own import spread_db
from auricle.plugin_core.bench.protocols.truth import RATE, Truth

TONE_HZ = 1000.0
SPEEDS_DEG_PER_SECOND = (90.0, 360.0)
BLOCK = 256
SECONDS = 4.0
IDEAL = "ideal: the exact response at every sample"


@dataclass(frozen=True)
class SmoothnessRow:
    """Energy of the worse ear in dB of the tone."""

    engine: str
    deg_per_second: float
    outside_tone_db: float  # further than 150 Hz from the tone
    above_3_khz_db: float

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def smoothness_row(engine: Engine, hrtf: HrtfSet, deg_per_second: float) -> SmoothnessRow:
    """A tone that circles at the height of the ears, its place set once a block.

    Args:
        engine: the engine.
        hrtf: the set.
        deg_per_second: speed of the tone.
    """
    rate = engine.sample_rate
    blocks = int(SECONDS * rate / BLOCK)
    times = np.arange(blocks * BLOCK) / rate
    tone = (0.9 * np.sin(2.0 * np.pi * TONE_HZ * times)).astype(np.float32)[None]
    ends = (np.arange(blocks) + 1.0) * BLOCK / rate
    engine.prepare(hrtf, BLOCK, tone)
    try:
        y = engine.follow(
            unit_vectors(deg_per_second * ends)[:, None],
            np.tile([1.0, 0.0, 0.0, 0.0], (blocks, 1)),
            BLOCK,
        )
    finally:
        engine.close()
    return SmoothnessRow(engine.name, deg_per_second, *spread_db(y, TONE_HZ, rate))


def ideal_row(truth: Truth, deg_per_second: float) -> SmoothnessRow:
    """The tone through the truth's own response, another one for every sample."""
    y = ideal_tone(truth, deg_per_second, int(SECONDS * RATE))
    return SmoothnessRow(IDEAL, deg_per_second, *spread_db(y, TONE_HZ, RATE))


def ideal_tone(truth: Truth, deg_per_second: float, n: int) -> Array:
    """Both ears of a tone that circles, by the truth's gain at its frequency.

    Args:
        truth: the responses at any direction.
        deg_per_second: speed of the tone.
        n: samples.

    Returns:
        (2, n): the gain, as a Fourier series over azimuth, times the tone.
    """
    count = 360
    ir = truth.responses(unit_vectors(np.arange(count) * (360.0 / count)))
    omega = 2.0 * np.pi * TONE_HZ / RATE
    gain = ir @ np.exp(-1j * omega * np.arange(ir.shape[-1]))
    series = np.fft.fft(gain, axis=0) / count
    order = np.fft.fftfreq(count, 1.0 / count)
    kept = np.abs(series).max(axis=1) > 1e-9 * np.abs(series).max()
    samples = np.arange(n)
    turn = np.deg2rad(deg_per_second) / RATE
    y = np.zeros((2, n))
    for m, coefficient in zip(order[kept], series[kept], strict=True):
        y += (coefficient[:, None] * np.exp(1j * (omega + m * turn) * samples)).imag
    return y
