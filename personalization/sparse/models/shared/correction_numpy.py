"""The network of the refiners, evaluated with NumPy: what ships needs no torch.

The same numbers as ``models.correction_net.CorrectionNet`` gives in evaluation, from its tensors.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from auricle.dsp.arrays import Float32

SCALE_DB = 5.0  # by which networks divide decibels
DILATIONS = (1, 2, 4, 8, 1)  # of the layers
TAPS = 5  # of each convolution
_AT_ONCE = 256  # spectra, so that what a layer holds stays small

Tensors = Mapping[str, NDArray[np.float32]]


def corrections_db(net: Tensors, channels: Float32, conditions: Float32) -> Float32:
    """Corrections (B, E, F) in dB.

    Args:
        net: tensors by the names that they have in the torch network.
        channels: (B, C, F).
        conditions: (B, N).
    """
    parts = range(0, len(channels), _AT_ONCE)
    found = [
        _corrected(net, channels[k : k + _AT_ONCE], conditions[k : k + _AT_ONCE]) for k in parts
    ]
    return np.concatenate(found)


def _corrected(net: Tensors, channels: Float32, conditions: Float32) -> Float32:
    hidden = _convolved(net, "first", channels, 1)
    told = _gelu(_linear(net, "condition.2", _gelu(_linear(net, "condition.0", conditions))))
    for layer, dilation in enumerate(DILATIONS):
        gain, shift = np.split(_linear(net, f"films.{layer}", told)[..., None], 2, axis=1)
        steered = _convolved(net, f"layers.{layer}", hidden, dilation)
        steered *= 1.0 + gain
        steered += shift
        steered *= expit(steered)
        hidden += steered
    return np.float32(SCALE_DB) * _convolved(net, "last", hidden, 1)


def _linear(net: Tensors, name: str, values: Float32) -> Float32:
    return values @ net[f"{name}.weight"].T + net[f"{name}.bias"]


def _gelu(values: Float32) -> Float32:
    return np.asarray(0.5 * values * (1.0 + erf(values * np.float32(0.5**0.5))), dtype=np.float32)


def _convolved(net: Tensors, name: str, values: Float32, dilation: int) -> Float32:
    """Convolution over frequency (B, C, F) to (B, D, F), zeros beyond the ends: one product."""
    weight = net[f"{name}.weight"]  # (D, C, TAPS)
    count, _, bins = values.shape
    reach = TAPS // 2 * dilation
    padded = np.pad(values, ((0, 0), (0, 0), (reach, reach)))
    shifted = [padded[..., k * dilation : k * dilation + bins] for k in range(TAPS)]
    columns = np.stack(shifted, axis=2).transpose(1, 2, 0, 3).reshape(-1, count * bins)
    found = weight.reshape(len(weight), -1) @ columns
    found += net[f"{name}.bias"][:, None]
    return np.ascontiguousarray(found.reshape(len(weight), count, bins).swapaxes(0, 1))
