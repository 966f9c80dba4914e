"""Protocol: by how many samples an engine's answer comes later than the set's own response."""

from dataclasses import asdict, dataclass

import numpy as np
import scipy.fft as fft

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Engine

BLOCK = 256
AZIMUTHS_DEG = (0.0, 60.0, -120.0)  # in every grid
_UPSAMPLING = 8
_ONSET = 0.1  # of the peak


@dataclass(frozen=True)
class LatencyRow:
    """Beyond the block itself, which every block engine waits for."""

    engine: str
    latency_samples: float  # at the engine's rate; negative where a common delay is taken out
    known: bool  # False: it plays a set of its own, so this is when its response begins

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def latency_row(engine: Engine, hrtf: HrtfSet) -> LatencyRow:
    """An impulse at measured directions, source at rest; the median over directions and ears."""
    directions = unit_vectors(AZIMUTHS_DEG)
    found = engine.responses(hrtf, directions, BLOCK)
    if engine.own_set:
        return LatencyRow(engine.name, float(_onsets(found).min()), known=False)
    rows = np.argmax(directions @ hrtf.positions.T, axis=1)
    return LatencyRow(engine.name, float(np.median(lags(found, hrtf.ir[rows]))), known=True)


def lags(found: Array, true: Array) -> Array:
    """Samples (...) by which responses (..., N) are later than others, to an eighth.

    The peak of their cross-correlation, so a change of phase that keeps the onset counts little.
    """
    size = 2 * fft.next_fast_len(max(found.shape[-1], true.shape[-1]), real=True)
    cross = fft.rfft(found, size) * np.conj(fft.rfft(true, size))
    fine = fft.irfft(cross, size * _UPSAMPLING)
    peak = np.argmax(fine, axis=-1)
    half = fine.shape[-1] // 2
    return np.asarray(((peak + half) % fine.shape[-1] - half) / _UPSAMPLING)


def _onsets(found: Array) -> Array:
    level = np.abs(found)
    return np.argmax(level > _ONSET * level.max(axis=-1, keepdims=True), axis=-1)
