"""The level of a set in a diffuse field."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.metrics.spectral import MIDDLE
from auricle.dsp.sphere.mesh import SphereMesh
from auricle.dsp.sphere.quadrature import vertex_areas


def diffuse_field_rms(
    ir: Array, mesh: SphereMesh, sample_rate: int, top_hz: float = MIDDLE.high_hz
) -> float:
    """Root of the mean power of responses over sphere, ears and 200 Hz to ``top_hz``.

    Args:
        ir: (M, 2, N) responses.
        mesh: over their directions.
        sample_rate: Hz.
        top_hz: upper end of the band.
    """
    size = 2 * ir.shape[2]
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    inside = (hz >= 200.0) & (hz <= top_hz)
    power = np.mean(np.abs(np.fft.rfft(ir, size)[..., inside]) ** 2, axis=(1, 2))
    rms = float(np.sqrt(np.average(mesh.fill(power), weights=vertex_areas(mesh))))
    if not rms > 0.0:
        raise AuricleError("the HRTF set is silent; all its impulse responses are zero")
    return rms
