"""The network of NFS (``models.nfs``): delays and gains of paths from poses and the listener."""

import math

import torch
from torch import nn
from torch.nn import functional

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES
from auricle.personalization.endtoend.physics.frame_shift import (
    FRAME,
    HOP_STEPS,
    N_BINS,
    SIZE,
    framed,
    overlapped,
    shifted,
    transfer,
)
from auricle.personalization.endtoend.physics.geometric_warp import (
    ear_delays_samples,
    ear_distances_m,
    geometric_warp,
)
from auricle.personalization.endtoend.physics.pose_encoding import coordinates, n_coordinates
from auricle.personalization.endtoend.physics.poses import RATE, STEP
from auricle.personalization.endtoend.physics.radial_velocity import N_FEATURES, velocity_features
from auricle.personalization.endtoend.training.response_training import RESPONSE_BINS
from auricle.personalization.learning.conditioning import CodeFiLM, CodeLoRA
from auricle.personalization.learning.torch_harmonics import harmonics, n_harmonics

LEAST_DELAY, MOST_DELAY = -48.0, 240.0  # samples on top of geometry
_ONE = math.log(math.e - 1.0)  # softplus of it is 1
_QUERIES = 4  # tokens that ask: the learned sines and the direction
_PLACES = 4  # tokens of the direction's harmonics, which ask too


class Encoding(nn.Module):
    """Tokens (B, N + 1, W) of coordinates (B, N): one of learned sines, and sines of each."""

    def __init__(self, n_coordinates: int, width: int) -> None:
        super().__init__()
        self.learned = nn.Linear(n_coordinates, width)
        nn.init.uniform_(self.learned.weight, -2.0, 2.0)
        nn.init.uniform_(self.learned.bias, -math.pi, math.pi)
        waves = torch.logspace(-2.0, 2.5, width, base=2.0)  # radians for each unit, 0.25 to 5.7
        self.waves = nn.Parameter(torch.stack([waves, waves.flip(0)]), requires_grad=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Slow and fast sines run against each other over the width."""
        each = torch.sin(values[..., None, None] * self.waves).sum(dim=-2)
        return torch.cat([torch.sin(self.learned(values))[:, None], each], dim=1)


class Attention(nn.Module):
    """Tokens (B, Q, W) with what they find among others (B, N, W) added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, asking: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Attention of one head."""
        found = functional.scaled_dot_product_attention(
            self.query(asking), self.key(others), self.value(others)
        )
        return asking + found


class GatedBlock(nn.Module):
    """Values (B, C, W) mixed over paths, and gated by their own mix over frequency (gMLP).

    Args:
        n_paths: C.
        width: W.
        n_inner: channels between.
    """

    def __init__(self, n_paths: int, width: int, n_inner: int) -> None:
        super().__init__()
        self.norm, self.gate_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.spread = nn.Conv1d(n_paths, 2 * n_inner, 1)
        self.gate = nn.Linear(width, width)
        self.gather = nn.Conv1d(n_inner, n_paths, 1)
        nn.init.normal_(self.gate.weight, std=0.01)
        nn.init.ones_(self.gate.bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """With what was there."""
        passed, gate = functional.gelu(self.spread(self.norm(values))).chunk(2, dim=1)
        return values + self.gather(passed * self.gate(self.gate_norm(gate)))


class Estimator(nn.Module):
    """Numbers (B, C, W), all 0 at first, for each path and point over frequency.

    Args:
        n_tokens: tokens that come in.
        n_paths: C.
        width: W.
        blocks: of layers.
        code_size: D.
        rank: of the change for a listener.
    """

    def __init__(
        self, n_tokens: int, n_paths: int, width: int, blocks: int, code_size: int, rank: int
    ) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.paths = nn.Conv1d(n_tokens, n_paths, 1)
        squeezed = max(n_paths // 2, 1)
        self.excite = nn.Sequential(
            nn.Linear(n_paths, squeezed), nn.ReLU(), nn.Linear(squeezed, n_paths), nn.Sigmoid()
        )
        self.blocks = nn.ModuleList(GatedBlock(n_paths, width, width) for _ in range(blocks))
        self.listener = nn.ModuleList(CodeFiLM(code_size, width) for _ in range(blocks))
        self.last = CodeLoRA(width, width, code_size, rank)
        nn.init.zeros_(self.last.base.weight)
        nn.init.zeros_(self.last.base.bias)

    def forward(
        self, asking: torch.Tensor, others: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Numbers for each path.

        Args:
            asking: (B, Q, W) tokens.
            others: (B, N, W) tokens.
            code: (B, D).
        """
        found = self.attention(asking, others)
        values = self.paths(torch.cat([found, others], dim=1))
        values = values * self.excite(values.mean(dim=-1))[..., None]
        for block, film in zip(self.blocks, self.listener, strict=True):
            values = film(block(values), code)
        return self.last(values, code)


class Noise(nn.Module):
    """Signals (B, 2, T) with a little shaped noise, none at first.

    In a rendering each hop of a whole has noise of its own, always the same.
    """

    def __init__(self, n_channels: int = 8) -> None:
        super().__init__()
        self.shape = nn.Conv1d(2, n_channels, 3, padding=1, bias=False)
        self.level = nn.Conv1d(n_channels, 2, 1, bias=False)
        nn.init.zeros_(self.level.weight)

    def forward(self, ears: torch.Tensor, first_hop: int) -> torch.Tensor:
        """Noise of a learned level; ``ears`` begin at a hop of the whole."""
        noise = torch.randn_like(ears) if self.training else _drawn(ears, first_hop)
        found: torch.Tensor = ears + 1e-3 * self.level(self.shape(noise))
        return found


def _drawn(like: torch.Tensor, first_hop: int) -> torch.Tensor:
    """Noise (1, 2, T) that follows from the numbers of its hops."""
    samples, parts = like.shape[-1], []
    for hop in range(-(-samples // (FRAME // 2))):
        generator = torch.Generator().manual_seed(first_hop + hop)
        parts.append(torch.randn(1, 2, FRAME // 2, generator=generator))
    return torch.cat(parts, dim=-1)[..., :samples].to(like)


class FourierShift(nn.Module):
    """Both ears (B, 2, T) from mono (B, T), places (B, K + 1, 3), codes (B, D).

    Args:
        code_size: D.
        pairs: of paths.
        width: of the layers.
        blocks: of layers.
        order: of the harmonics of the direction.
        rank: of the change for a listener.
        doppler: whether the pose has radial velocities.
    """

    parity: torch.Tensor

    def __init__(
        self, code_size: int, pairs: int, width: int, blocks: int, order: int, rank: int,
        doppler: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.doppler, self.order = doppler, order
        n_paths = 1 + 2 * pairs
        n_values = n_coordinates() + (N_FEATURES if doppler else 0)
        self.encoding = Encoding(n_values, width)
        self.where = nn.Linear(n_harmonics(order), _PLACES * width)
        self.who = nn.Linear(code_size, 2 * width, bias=False)  # two tokens of the listener
        sizes = (n_values + 3 + _PLACES, n_paths, width, blocks, code_size, rank)
        self.shift, self.scale = Estimator(*sizes), Estimator(*sizes)
        self.project = nn.Parameter(torch.full((n_paths, 1), _ONE))
        self.noise = Noise()
        excess = torch.linspace(-24.0, 120.0, pairs).repeat_interleave(2)
        share = (torch.cat([torch.zeros(1), excess]) - LEAST_DELAY) / (MOST_DELAY - LEAST_DELAY)
        self.delay_start = nn.Parameter(torch.logit(share)[:, None].repeat(1, width))
        gains = torch.tensor([_ONE] + [-1.0] * (2 * pairs))
        self.gain_start = nn.Parameter(gains[:, None].repeat(1, width))
        signs = torch.tensor([1.0] + [1.0, -1.0] * pairs)
        self.signs = nn.Parameter(signs[:, None], requires_grad=False)
        self.register_buffer("parity", torch.ones(code_size))

    def forward(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor, first_step: int = 0
    ) -> torch.Tensor:
        """Geometry sample by sample, then the paths of each frame.

        Frames lie at whole hops of a whole, in which ``mono`` begins at ``first_step``.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).
            first_step: at which the sound begins.

        Returns:
            (B, 2, T).
        """
        first_hop, inside = divmod(first_step, HOP_STEPS)
        mono = functional.pad(mono, (inside * STEP, 0))
        apparent_m = torch.cat([apparent_m[:, :1].expand(-1, inside, -1), apparent_m], dim=1)
        ears = geometric_warp(mono, apparent_m)
        frames = framed(ears.flatten(0, 1)).unflatten(0, ears.shape[:2])
        delays, gains = self.paths(apparent_m, code, frames.shape[2])
        moved = shifted(frames.flatten(0, 2), delays, gains).view(-1, frames.shape[2], SIZE)
        found = overlapped(moved, ears.shape[-1]).view(ears.shape)
        noisy: torch.Tensor = self.noise(found, first_hop)
        return noisy[..., inside * STEP :]

    def paths(
        self, apparent_m: torch.Tensor, code: torch.Tensor, n_frames: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Delays in samples on top of geometry, and gains: both (B 2 M, C, N_BINS), M frames.

        Args:
            apparent_m: (B, K + 1, 3) metres.
            code: (B, D).
            n_frames: M, the middle of each a hop after that of the one before.
        """
        middles = (HOP_STEPS * torch.arange(n_frames)).clamp(max=apparent_m.shape[1] - 1)
        seen = torch.stack([self.seen(apparent_m, ear) for ear in (0, 1)], dim=1)[:, :, middles]
        who = torch.stack([code, code * self.parity], dim=1)[:, :, None]
        geometry = ear_delays_samples(apparent_m)[:, middles].transpose(1, 2)
        who = who.expand(-1, -1, n_frames, -1).flatten(0, 2)
        return self.ear_paths(seen.flatten(0, 2), geometry.flatten(), who, N_BINS)

    def ear_paths(
        self, seen: torch.Tensor, geometry: torch.Tensor, code: torch.Tensor, n_bins: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Delays in samples on top of geometry, and gains: both (B, C, n_bins).

        Args:
            seen: (B, N) of ``seen``.
            geometry: (B,) samples from the place to the ear.
            code: (B, D) as the ear sees it.
            n_bins: frequencies from 0 to half the rate.
        """
        tokens = self.encoding(seen)
        where = self.where(harmonics(seen[:, :3], self.order)).unflatten(-1, (_PLACES, -1))
        asking = torch.cat([tokens[:, :_QUERIES], where], dim=1)
        others = torch.cat([tokens[:, _QUERIES:], self.who(code).unflatten(-1, (2, -1))], dim=1)
        shift = self.delay_start + self.shift(asking, others, code)
        span = MOST_DELAY - LEAST_DELAY
        excess = LEAST_DELAY + span * _over_bins(torch.sigmoid(shift), n_bins)
        scale = functional.softplus(self.gain_start + self.scale(asking, others, code))
        gains = self.signs * functional.softplus(self.project) * scale.square()
        far = geometry[:, None, None]
        law = (far / (far + excess).clamp_min(1.0)).square()
        return excess, _over_bins(gains, n_bins) * law

    def ear_spectra(self, places: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """The spectra (B, RESPONSE_BINS) at an ear, LEAD_SAMPLES late and at the level of 1 m.

        Args:
            places: (B, K + 1, 3) metres as the ear sees them, y towards it; the last ones count.
            code: (B, D) as the ear sees it.
        """
        distance, radius = ear_distances_m(places)[:, -1, 0], places[:, -1].norm(dim=-1)
        geometry = distance * (RATE / SOUND_SPEED_M_S)
        seen = self.seen(places, ear=0)[:, -1]
        found = transfer(*self.ear_paths(seen, geometry, code, RESPONSE_BINS))
        late = geometry - radius * (RATE / SOUND_SPEED_M_S) + LEAD_SAMPLES
        angle = -torch.linspace(0.0, math.pi, RESPONSE_BINS) * late[:, None]
        gains = (radius / distance)[:, None].expand_as(angle)
        return found * torch.polar(gains.contiguous(), angle)

    def both_ears(
        self, directions: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Taps (B, M, 2, N) and delays (B, M, 2) from directions (B, M, 3) at 1 m, at rest."""
        count = directions.shape[1]
        ears = []
        for side, own in ((1.0, code), (-1.0, code * self.parity)):
            places = (directions * directions.new_tensor([1.0, side, 1.0])).flatten(0, 1)
            who = own[:, None].expand(-1, count, -1).flatten(0, 1)
            spectra = self.ear_spectra(places[:, None].expand(-1, 2, -1), who)
            ears.append(torch.fft.irfft(spectra).unflatten(0, (-1, count)))
        taps = torch.stack(ears, dim=2)
        return taps, torch.full(taps.shape[:3], -LEAD_SAMPLES)

    def seen(self, apparent_m: torch.Tensor, ear: int) -> torch.Tensor:
        """Coordinates (B, K + 1, N) as an ear sees them: those of the right one in the mirror."""
        mirror = apparent_m.new_tensor([1.0, 1.0 - 2.0 * ear, 1.0])
        seen = coordinates(apparent_m * mirror)
        if not self.doppler:
            return seen
        velocity = velocity_features(apparent_m * mirror)
        return torch.cat([seen, torch.cat([velocity[:, :1], velocity], dim=1)], dim=-1)


def _over_bins(points: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Values (..., n_bins) on straight lines between points (..., W) spread from 0 Hz up."""
    return functional.interpolate(points, size=n_bins, mode="linear", align_corners=True)
