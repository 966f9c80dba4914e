"""LINN's weights and a listener's code as plain layers, for the engine that needs no torch."""

import math

import numpy as np

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.neural.linn_filters import EarNetworks, knots_hz
from auricle.dsp.neural.linn_renderer import LinnRenderer
from auricle.personalization.endtoend.physics.poses import EAR_OFFSET_M, RATE
from auricle.personalization.learning.weights import Weights, WeightsError, check_shapes

N_BANDS, N_PHASES = 72, 20
LEVEL_KNOTS_HZ = knots_hz(N_BANDS, RATE / 2.0)
PHASE_KNOTS_HZ = knots_hz(N_PHASES + 2, 6000.0)  # the first and the last phase are 0
EAR_SAMPLES = EAR_OFFSET_M * RATE / SOUND_SPEED_M_S
# D numbers of a code, W units of a layer, H harmonics, R ranks.
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "net.parity": ("D",),
    "net.first.weight": ("W", "H"),
    "net.first.bias": ("W",),
    "net.film_first.steer.weight": ("2W", "D"),
    "net.film_first.steer.bias": ("2W",),
    "net.second.weight": ("W", "W"),
    "net.second.bias": ("W",),
    "net.film_second.steer.weight": ("2W", "D"),
    "net.film_second.steer.bias": ("2W",),
    "net.last.base.weight": (N_BANDS + 1 + N_PHASES, "W"),
    "net.last.base.bias": (N_BANDS + 1 + N_PHASES,),
    "net.last.steer.weight": ("R", "D"),
    "net.last.up.weight": (N_BANDS + 1 + N_PHASES, "R"),
    "net.last.down.weight": ("R", "W"),
}


def networks_of(weights: Weights, code: np.ndarray) -> EarNetworks:
    """The network of a listener: what the code does to each layer is done beforehand.

    Args:
        weights: of LINN.
        code: (D,) of the listener; the right ear takes the mirrored one.

    Raises:
        WeightsError: weights without LINN's tensors, or a code of another size.
    """
    sizes = check_shapes(weights, _SHAPES)
    if sizes["2W"] != 2 * sizes["W"]:
        raise WeightsError(f"LINN steers {sizes['W']} units by as many pairs, got {sizes['2W']}")
    if math.isqrt(sizes["H"]) ** 2 != sizes["H"]:
        raise WeightsError(
            f"weights of {weights.model}: net.first.weight has {sizes['H']} harmonics, no square "
            "number; train it again or get the file anew"
        )
    parity = weights.tensors["net.parity"]
    if code.shape != parity.shape:
        raise WeightsError(f"LINN's codes have {parity.size} numbers, got {code.shape}")
    ears = [_layers(weights.tensors, each) for each in (code, code * parity)]
    layers = [np.stack(both).astype(np.float32) for both in zip(*ears, strict=True)]
    return EarNetworks(
        first=layers[0],
        first_bias=layers[1],
        second=layers[2],
        second_bias=layers[3],
        last=layers[4],
        last_bias=layers[5],
        level_knots_hz=LEVEL_KNOTS_HZ,
        phase_knots_hz=PHASE_KNOTS_HZ,
        ear_samples=EAR_SAMPLES,
        rate=RATE,
    )


def _layers(tensors: dict[str, np.ndarray], code: np.ndarray) -> list[np.ndarray]:
    """Weights and biases of the three layers under one code."""
    found = []
    for name in ("first", "second"):
        steer = tensors[f"net.film_{name}.steer.weight"] @ code
        scale, shift = np.split(steer + tensors[f"net.film_{name}.steer.bias"], 2)
        found.append((1.0 + scale)[:, None] * tensors[f"net.{name}.weight"])
        found.append((1.0 + scale) * tensors[f"net.{name}.bias"] + shift)
    ranks = tensors["net.last.steer.weight"] @ code
    departure = (tensors["net.last.up.weight"] * ranks) @ tensors["net.last.down.weight"]
    return [*found, tensors["net.last.base.weight"] + departure, tensors["net.last.base.bias"]]


def rendering(weights: Weights, code: np.ndarray, sample_rate: int, n_sources: int) -> LinnRenderer:
    """A renderer of a listener's sources in blocks, without torch.

    Args:
        weights: of LINN.
        code: (D,) of the listener.
        sample_rate: Hz.
        n_sources: S.

    Raises:
        WeightsError: weights without LINN's tensors, or a code of another size.
    """
    return LinnRenderer(networks_of(weights, code), sample_rate, n_sources)
