"""What the engine itself makes of directions between measured ones, as responses."""

from auricle.dsp.arrays import Array
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.interpolation.gp_mixture import interpolate
from auricle.dsp.responses.arrival import arrival_samples, shifted
from auricle.dsp.sphere.mesh import triangulate

_LEAD = 32  # samples before the onset of what is aligned


def interpolated(measured: HrtfSet, targets: Array) -> Array:
    """Responses (Q, 2, N) at ``targets`` (Q, 3), at the rate of the set, from the set alone."""
    arrivals = arrival_samples(measured.ir, measured.sample_rate, measured.positions)
    aligned = shifted(measured.ir, _LEAD - arrivals, measured.n_taps + _LEAD)
    mesh = triangulate(measured.positions)
    found, late = interpolate(
        mesh.fill(aligned), mesh.fill(arrivals), mesh.vertices, targets,
        trusted=len(mesh.measured),
    )  # fmt: skip
    return shifted(found, late - _LEAD, measured.n_taps)
