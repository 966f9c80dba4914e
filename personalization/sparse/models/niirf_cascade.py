"""A listener as delays and cascades of second-order filters, for the engine's low-cost path."""

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.iir.cascade_kernels import LEAST_DELAY
from auricle.dsp.iir.cascade_set import CascadeSet
from auricle.personalization.listeners.features import SAMPLE_RATE
from auricle.personalization.listeners.listener_data import MeasuredListener
from auricle.personalization.sparse.models.niirf import Niirf


def cascade_set(niirf: Niirf, measured: MeasuredListener, targets: Array) -> CascadeSet:
    """Filters of a listener, at 44.1 kHz.

    All arrivals are moved by the same time, to the least delay that the renderer has.

    Args:
        niirf: the model.
        measured: the listener.
        targets: (Q, 3) unit vectors.
    """
    sections, gain_db = niirf.filters(measured, targets)
    sections[..., 0, :3] *= 10.0 ** (gain_db[..., None] / 20.0)
    arrivals = niirf.predict(measured, targets).arrival_seconds * SAMPLE_RATE
    delays = arrivals - arrivals.min() + LEAST_DELAY
    return CascadeSet.of(targets, np.delete(sections, 3, axis=-1), delays, SAMPLE_RATE)
