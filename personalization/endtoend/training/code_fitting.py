"""A new listener from few measured directions: only the code moves, the network stays.

The code begins where the process over listeners puts it (``Codebook.code_from_few``) and goes
downhill through the network's own filters at the measured directions. What the equipment does to
all directions alike counts for nothing, and neither does when sound arrives: decibels without what
they have in common, and phases between the ears.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.dsp.arrays import Float32
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.personalization.endtoend.physics.poses import RATE
from auricle.personalization.endtoend.systems.base import NeuralRenderer

SIZE = 512
STEPS = 60
_RATE_OF_STEPS = 0.02
_BAND_HZ, _ITD_BAND_HZ = (200.0, 16000.0), (200.0, 1500.0)
_EVEN_HZ = 2000.0
_BINS = 20.0  # values that a response's decibels amount to, since neighbours go together
_PHASES = 4.0  # the same of the phases between the ears
_NOISE_DB, _NOISE_RADIANS = 4.0, 0.2  # of what no code can say
_TRUST = 0.3  # standard deviation of a code about the one it begins with
_FLOOR = 1e-4


def fit_code(model: NeuralRenderer, few: HrtfSet, start: Float32, steps: int = STEPS) -> Float32:
    """The code (D,) that makes a network's filters most like a few measured responses.

    The greatest posterior probability, with a normal prior about ``start``, in ``steps`` of Adam
    (Kingma and Ba 2015). Works on any network with ``both_ears(directions, code)``: taps
    (B, M, 2, N) and delays (B, M, 2) in samples.

    Args:
        model: a system that has learned; it is left as it is.
        few: the measured directions, at any rate and level.
        start: (D,), of ``Codebook.code_from_few``.
        steps: of the descent; 0 gives ``start``.
    """
    wanted = torch.from_numpy(_spectra(few))
    directions = torch.from_numpy(few.positions.astype(np.float32))[None]
    began = torch.from_numpy(np.asarray(start, dtype=np.float32))
    code = began.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=_RATE_OF_STEPS)
    for _ in range(steps):
        taps, late = model.net.both_ears(directions, code[None])
        found = _at_once(taps[0], late[0])
        prior = torch.sum((code - began) ** 2) / _TRUST**2
        loss = _misfit(found, wanted) + prior
        (code.grad,) = torch.autograd.grad(loss, code)
        optimiser.step()
    return code.detach().numpy().copy()


def _spectra(few: HrtfSet) -> NDArray[np.complex64]:
    """Spectra (M, 2, F) at RATE, of what comes within SIZE samples of the first sound."""
    ir = few.resampled(RATE).ir
    loud = np.abs(ir).max(axis=(0, 1)) > 0.05 * np.abs(ir).max()
    first = max(int(np.argmax(loud)) - 32, 0)
    return np.fft.rfft(ir[..., first : first + SIZE], SIZE).astype(np.complex64)


def _at_once(taps: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    omega = torch.arange(SIZE // 2 + 1) * (2.0 * np.pi / SIZE)
    turn = torch.polar(torch.ones_like(omega), -omega * late[..., None])
    return torch.fft.rfft(taps, SIZE) * turn


def _misfit(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Minus twice the log likelihood of spectra (M, 2, F), but for a constant."""
    hz = torch.arange(SIZE // 2 + 1) * (RATE / SIZE)
    heard = ((hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])) / hz.clamp_min(_EVEN_HZ)
    decibels = 20.0 * torch.log10((found.abs() + _FLOOR) / (wanted.abs() + _FLOOR))
    apart = decibels - decibels.mean(dim=(0, 1))
    spectral = _BINS * torch.sum(apart**2 * heard) / heard.sum() / _NOISE_DB**2
    low = ((hz >= _ITD_BAND_HZ[0]) & (hz <= _ITD_BAND_HZ[1])).float()
    between: Any = _unit(found[:, 0] * found[:, 1].conj())
    true: Any = _unit(wanted[:, 0] * wanted[:, 1].conj())
    off = 2.0 * (1.0 - (between * true.conj()).real)
    return spectral + _PHASES * torch.sum(off * low) / low.sum() / _NOISE_RADIANS**2


def _unit(values: torch.Tensor) -> torch.Tensor:
    return values / values.abs().clamp_min(1e-9)
