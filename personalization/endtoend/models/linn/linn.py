"""LINN: the sound is warped in time, then filtered by what an implicit network says of a direction.

After Lite-INN ("LINN", arXiv 2509.14069): time-domain warping, then an implicit network that
corrects amplitude and phase. Here the network is asked once a step and ear, not for each bin of a
spectrogram, and the listener's code enters all its layers.

What is evaluated at the end of each step, for each ear with direction u as that ear sees it (y
positive towards the ear, so the right ear mirrors u and the code) and code z:

    phi0 = real spherical harmonics of u, order 7, N3D, ACN                          (64,)
    phi1 = silu(FiLM1(A1 phi0 + a1, z))                                              (128,)
    phi2 = silu(FiLM2(A2 phi1 + a2, z))                                              (128,)
    out  = (A3 + U diag(S z) V) phi2 + a3                                            (N_OUT,)
    FiLM(v, z) = v (1 + s) + t,  [s, t] = F z + f

With z fixed FiLM is two vectors and the last layer one matrix. ``out`` splits into decibels at
``N_BANDS`` knots, a delay in samples, and phases at ``N_PHASES`` low knots; the synthesis is linear
up to one complex exponential:

    level = BANDS^T db, phase = MINIMUM^T db + PHASES^T phases                       (257,)
    taps  = WINDOW * irfft(10^(level / 20) e^(j phase) e^(-j w LEAD), 512)[:256]
    delay = |apparent| RATE / c - EAR_SAMPLES u_y + delay_out - LEAD

``MINIMUM`` turns decibels at the knots into the minimum phase that belongs to them (the folded
cepstrum is linear in decibels). The ear hears the mono signal that many samples late (``warp``,
straight lines between steps), with gain 1 / |apparent|, through both filters at the ends of the
step, cross-faded along a line: sample i of a step has the share (i + 1) / STEP of the later one.

The latency is zero: LEAD samples, which phases before the onset need, come off the way's delay. So
below about 0.4 m, where the way is shorter than that, sound comes up to a millisecond late. As in
the far-field responses it learns from, the direction is that from the middle of the head, and
nearness changes only level and delay.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.neural.linn_filters import (
    BINS,
    DB_SCALE,
    LEAD,
    SIZE,
    TAPS,
    knot_weights,
    minimum_phase_of,
    window,
)
from auricle.personalization.endtoend.models.linn.engine_layers import (
    EAR_SAMPLES,
    LEVEL_KNOTS_HZ,
    N_BANDS,
    N_PHASES,
    PHASE_KNOTS_HZ,
)
from auricle.personalization.endtoend.physics.geometric_warp import (
    LEAST_DISTANCE_M,
    each_sample,
    warped,
)
from auricle.personalization.endtoend.physics.poses import RATE, STEP
from auricle.personalization.endtoend.scenes.scenes import SceneSet
from auricle.personalization.endtoend.systems.base import (
    Batch,
    NeuralRenderer,
    Scenes,
    SystemConfiguration,
)
from auricle.personalization.endtoend.training.response_training import (
    behind,
    fit_filters,
    parity_of,
)
from auricle.personalization.learning.conditioning import CodeFiLM, CodeLoRA
from auricle.personalization.learning.torch_harmonics import harmonics, n_harmonics
from auricle.personalization.learning.training_loop import Progress, seeded

_WEIGHT_DECAY = 0.1  # a hundred people are few: it learns them by heart within two minutes


class LinnNet(nn.Module):
    """The network, and its filters; the module's docstring says what it computes.

    Args:
        code_size: D.
        width: of the hidden layers.
        rank: of what the code adds to the last layer.
        order: of the harmonics of the direction.
    """

    parity: torch.Tensor
    bands: torch.Tensor
    minimum: torch.Tensor
    phases: torch.Tensor
    fade: torch.Tensor
    lead: torch.Tensor

    def __init__(self, code_size: int, width: int, rank: int, order: int) -> None:
        super().__init__()
        self.order = order
        n_out = N_BANDS + 1 + N_PHASES
        self.first = nn.Linear(n_harmonics(order), width)
        self.second = nn.Linear(width, width)
        self.film_first = CodeFiLM(code_size, width)
        self.film_second = CodeFiLM(code_size, width)
        self.last = CodeLoRA(width, n_out, code_size, rank)
        nn.init.zeros_(self.last.base.weight)
        nn.init.zeros_(self.last.base.bias)
        self.register_buffer("parity", torch.ones(code_size))
        bands = knot_weights(LEVEL_KNOTS_HZ, RATE)
        phases = knot_weights(PHASE_KNOTS_HZ, RATE)[1:-1]
        omega = 2.0 * np.pi * np.arange(BINS) / SIZE
        turn = np.stack([np.cos(omega * LEAD), -np.sin(omega * LEAD)])
        for name, values in (
            ("bands", bands), ("minimum", minimum_phase_of(bands)), ("phases", phases),
            ("fade", window()), ("lead", turn),
        ):  # fmt: skip
            kept = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
            self.register_buffer(name, kept, persistent=False)

    def corrections(self, seen: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """The network's numbers (B, M, N_OUT) for directions (B, M, 3) as an ear sees them."""
        found = harmonics(seen, self.order)
        found = functional.silu(self.film_first(self.first(found), code))
        found = functional.silu(self.film_second(self.second(found), code))
        predicted: torch.Tensor = self.last(found, code)
        return predicted

    def filters(self, seen: torch.Tensor, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Taps (B, M, TAPS) and delays (B, M) in samples beside |apparent| RATE / c.

        Args:
            seen: (B, M, 3) unit vectors as the ear sees them: y towards it.
            code: (B, D), mirrored for the right ear.
        """
        predicted = self.corrections(seen, code)
        decibels = predicted[..., :N_BANDS] * DB_SCALE
        level = torch.exp(decibels @ self.bands * (np.log(10.0) / 20.0))
        phase = decibels @ self.minimum + predicted[..., N_BANDS + 1 :] @ self.phases
        spectrum = torch.polar(level, phase) * torch.complex(self.lead[0], self.lead[1])
        taps = torch.fft.irfft(spectrum, SIZE)[..., :TAPS] * self.fade
        return taps, predicted[..., N_BANDS] - EAR_SAMPLES * seen[..., 1] - LEAD

    def both_ears(
        self, directions: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Taps (B, M, 2, TAPS) and delays (B, M, 2) from directions (B, M, 3) in head axes."""
        mirror = directions.new_tensor([1.0, -1.0, 1.0])
        ears = [
            self.filters(directions, code),
            self.filters(directions * mirror, code * self.parity),
        ]
        taps, delays = zip(*ears, strict=True)
        return torch.stack(taps, dim=2), torch.stack(delays, dim=2)

    def forward(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Both ears of a sound.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).

        Returns:
            (B, 2, T).
        """
        distance = torch.linalg.vector_norm(apparent_m, dim=-1, keepdim=True)
        taps, extra_delay = self.both_ears(apparent_m / distance.clamp_min(1e-6), code)
        delay = distance * (RATE / SOUND_SPEED_M_S) + extra_delay
        gain = 1.0 / distance.clamp_min(LEAST_DISTANCE_M)
        heard = warped(mono, each_sample(delay)) * each_sample(gain.expand_as(delay))
        return crossfaded(heard, taps)


def crossfaded(signal: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """Signals (B, E, K STEP) through filters (B, K + 1, E, N) that blend along each step."""
    n_taps = taps.shape[-1]
    size = 1 << (STEP + n_taps - 2).bit_length()
    pieces = functional.pad(signal, (n_taps - 1, 0)).unfold(-1, STEP + n_taps - 1, STEP)
    spectra = torch.fft.rfft(pieces, size)  # (B, E, K, F)
    filters = torch.fft.rfft(taps.transpose(1, 2), size)
    share = (torch.arange(STEP, device=signal.device, dtype=signal.dtype) + 1.0) / STEP
    valid = slice(n_taps - 1, n_taps - 1 + STEP)
    start = torch.fft.irfft(spectra * filters[:, :, :-1], size)[..., valid]
    end = torch.fft.irfft(spectra * filters[:, :, 1:], size)[..., valid]
    return (start + (end - start) * share).flatten(2)


@dataclass(frozen=True)
class LinnConfiguration(SystemConfiguration):
    """Sizes and settings of ``Linn``, which says what they are."""

    width: int = 128
    rank: int = 192
    order: int = 7


class Linn(NeuralRenderer):
    """Warp and filters from a small implicit network; see the module.

    It learns from the responses of the people of a ``SceneSet`` (``response_training``), and from
    scenes of any other kind by the L2 of waves and amplitudes.
    """

    name = "linn"
    DEFAULTS: ClassVar[LinnConfiguration] = LinnConfiguration()
    configuration: LinnConfiguration

    def build(self) -> nn.Module:
        """Build the network."""
        size = self.configuration
        return LinnNet(size.code_size, size.width, size.rank, size.order)

    def fit(self, scenes: Scenes, progress: Progress | None = None) -> None:
        """Train on the responses behind the scenes, where those are known."""
        if not isinstance(scenes, SceneSet):
            super().fit(scenes, progress)
            return
        seeded(self.plan.seed)
        self.configuration = replace(self.configuration, code_size=scenes.code_size)
        self.net = self.build()
        self.net.parity.copy_(parity_of(scenes.codes))
        learners, judges = behind(scenes)
        plan = replace(self.plan, weight_decay=_WEIGHT_DECAY)
        self.history = fit_filters(self.net, self.net.filters, learners, judges, plan, progress)

    def loss(self, batch: Batch) -> torch.Tensor:
        """L2 of the waves, and of the amplitudes of their short-time spectra, beside their own."""
        found = batch.judged(self.net(batch.mono, batch.apparent_m, batch.code))
        wanted = batch.judged(batch.binaural)
        wave = (found - wanted).square().sum() / wanted.square().sum().clamp_min(1e-9)
        one, other = _amplitudes(found), _amplitudes(wanted)
        return wave + (one - other).square().sum() / other.square().sum().clamp_min(1e-9)


def _amplitudes(signal: torch.Tensor) -> torch.Tensor:
    frames = signal.unfold(-1, SIZE, SIZE // 2) * torch.hann_window(SIZE, device=signal.device)
    return torch.fft.rfft(frames).abs()
