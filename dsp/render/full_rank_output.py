# mypy: disable-error-code="no-untyped-def"
"""Full rank: bus k holds what every source sends through the tap k of its own response."""

from numba import types

from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import kernel
from auricle.dsp.compiled.records import f32

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled


@kernel
def accumulate_taps(bus, phase, count, out, offset, overlap):
    """Full rank: bus k is the tap k of every response; out is their sum, each delayed by k.

    Args:
        bus: (2, K, STEP); samples phase to phase + count are taken.
        phase: first sample of the step.
        count: samples rendered.
        out: (2, T) written from ``offset`` on.
        offset: first sample of ``out``.
        overlap: (2, K + STEP) sums of later samples; moved on when the step ends.
    """
    n_buses, step = bus.shape[1:]
    for e in range(2):
        sums = overlap[e]
        for k in range(n_buses):
            x = bus[e, k, phase : phase + count]
            y = sums[phase + k : phase + k + count]
            for t in range(count):
                y[t] += x[t]
        for t in range(count):
            out[e, offset + t] = sums[phase + t]
        if phase + count == step:
            for t in range(n_buses):
                sums[t] = sums[t + step]
            sums[n_buses:] = 0.0


ACCUMULATE = Routine(
    accumulate_taps,
    types.void(f32(3), types.int64, types.int64, f32(2), types.int64, f32(2)),
)
