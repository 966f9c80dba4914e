# mypy: disable-error-code="no-untyped-def"
"""What the ears hear besides the sources: LFE channels of beds, fields of ambisonics."""

from numba import types

from auricle.dsp.ambisonics.block import RENDER_SCENE
from auricle.dsp.compiled.calls import Routine
from auricle.dsp.compiled.options import exact_kernel
from auricle.dsp.loudspeakers.bed import LOW_PASS
from auricle.plugin_core.live.audio_thread.shared_memory import SHARED_STATE, Part

OPTIONS = "990cb6de02f8"  # the text of options.py by which the kernels below are compiled
RECORDS = "e8635e2106a6"  # the text of records.py that is compiled into the kernels below
CALLS = "2bfa482918eb"  # likewise of calls.py
SHARED_MEMORY = "46f10e1349d3"  # likewise of shared_memory.py

_shared = SHARED_STATE.read
_render_field, _low_pass = RENDER_SCENE.call, LOW_PASS.call


@exact_kernel
def add_around(at, n_frames):
    """Add LFE and fields to the ears in ``out``; who is early waits for the others."""
    d = _shared(at)
    late_at = d.late_at
    late_at[0] = _wait(d.out, d.late_ears, late_at[0], n_frames)
    if len(d.lfe_rows) > 0:
        low, out = d.low, d.out
        _low_pass(
            d.parts[Part.LOW_PASS], d.audio, d.lfe_rows, d.lfe_gain[0], d.lfe_sections,
            d.lfe_state, low[0, :n_frames], d.lfe_nonfinite,
        )  # fmt: skip
        late_at[1] = _wait(low, d.late_low, late_at[1], n_frames)
        for t in range(n_frames):
            out[0, t] += low[0, t]
            out[1, t] += low[0, t]
    for f in range(len(d.fields)):
        _render_field(
            d.parts[Part.RENDER_FIELD], d.fields[f, 0], d.audio, d.fields[f, 1], n_frames, 0,
            n_frames, d.out, 0, True,
        )  # fmt: skip


@exact_kernel
def _wait(rows, ring, at, n_frames):
    """Delay rows by the length of a ring; returns where it goes on."""
    late = ring.shape[1]
    if late == 0:
        return at
    for t in range(n_frames):
        for i in range(len(ring)):
            before = ring[i, at]
            ring[i, at] = rows[i, t]
            rows[i, t] = before
        at = at + 1 if at + 1 < late else 0
    return at


ADD_AROUND = Routine(add_around, types.void(types.int64, types.int64))
