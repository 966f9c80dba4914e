"""The explicit renderer: a source's sound, late by its way, through the measured responses.

It makes the targets that end-to-end systems learn, and is the ceiling they are compared with. The
sound is delayed by |apparent| / c along straight lines between steps, as in ``warp``, less the lead
of the responses; the engine at full rank does the rest: direction, and 1 / |apparent|.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.arrays import Array, Float32
from auricle.dsp.errors import AuricleError
from auricle.dsp.filters.fractional_delay import PHASES_PER_SAMPLE, centre_samples, delay_table
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.prepare import PreparedSet, prepare
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses

EDGE_DEG = 5.0  # of the mesh: a set is prepared in a sixth of the time of the finest
TAPS = 24  # of the fractional delay: -82 dB

_TABLE = delay_table(TAPS)[: PHASES_PER_SAMPLE + 1].astype(np.float64)
_CENTRE = centre_samples(TAPS)


class ExplicitRenderer:
    """Renders whole signals through one listener's responses.

    Args:
        hrtf: responses at RATE that come ``LEAD_SAMPLES`` late on the mean (``listeners.led``).
    """

    def __init__(self, hrtf: HrtfSet) -> None:
        if hrtf.sample_rate != RATE:
            raise AuricleError(f"responses must be at {RATE} Hz, not {hrtf.sample_rate}")
        self._prepared: PreparedSet = prepare(
            hrtf, RATE, rank="full", level="measured", full_edge_deg=EDGE_DEG
        )
        self._renderers: dict[int, BinauralRenderer] = {}

    def render(
        self, mono: Float32, sources: Sequence[Poses], gains: Sequence[float] | Array = (1.0,)
    ) -> Float32:
        """Both ears (2, T) of a sound.

        Args:
            mono: (T,) samples, T a multiple of STEP.
            sources: poses of a source, or also of its images, all as long as the sound.
            gains: linear, of each.
        """
        n_samples = len(mono)
        if n_samples % STEP or any(each.n_samples != n_samples for each in sources):
            raise AuricleError(
                f"sound and poses must be as long as each other, in whole steps of {STEP}, got "
                f"{n_samples} and {[each.n_samples for each in sources]} samples"
            )
        # One silent step leads to the first places, which the renderer jumps to.
        late = np.zeros((len(sources), STEP + n_samples), dtype=np.float32)
        for row, each in zip(late, sources, strict=True):
            row[STEP:] = delayed(mono, each.distance_m * (RATE / SOUND_SPEED_M_S) - LEAD_SAMPLES)
        path = np.stack([each.apparent_m for each in sources], axis=1)
        renderer = self._of(len(sources))
        renderer.reset()
        renderer.set_gains(np.asarray(gains, dtype=np.float64))
        return renderer.process_path(late, path)[:, STEP:]

    def _of(self, n_sources: int) -> BinauralRenderer:
        if n_sources not in self._renderers:
            self._renderers[n_sources] = BinauralRenderer(
                self._prepared, RATE, n_sources=n_sources, distance_gain=True, near_field_m=0.0
            )
        return self._renderers[n_sources]


def delayed(mono: Float32, delay_samples: Array) -> Array:
    """``mono`` (T,) late by delays (K + 1,) at the ends of steps, straight lines between them.

    Sample k STEP + i has the delay at share (i + 1) / STEP of step k. A delay may be below 0.
    """
    share = (np.arange(STEP) + 1.0) / STEP
    start, end = delay_samples[:-1, None], delay_samples[1:, None]
    late = (start + (end - start) * share).ravel()
    whole = np.floor(late).astype(np.int64)
    position = (late - whole) * PHASES_PER_SAMPLE
    row = np.minimum(position.astype(np.int64), PHASES_PER_SAMPLE - 1)
    part = (position - row)[:, None]
    taps = _TABLE[row] + part * (_TABLE[row + 1] - _TABLE[row])
    longest, earliest = int(whole.max()) + TAPS, max(_CENTRE - int(whole.min()), 0)
    padded = np.pad(mono.astype(np.float64), (longest, earliest + 1))
    newest = np.arange(len(mono)) - whole + _CENTRE + longest
    windows = sliding_window_view(padded, TAPS)[newest - (TAPS - 1)]
    return np.asarray(np.einsum("tj,tj->t", windows, taps[:, ::-1]))
