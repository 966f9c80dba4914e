"""The physics that all systems share: each ear hears the source later and softer by its distance.

Ears are points on the axis of an empty head, as in WarpNet (Richard et al. 2021, "Neural synthesis
of binaural speech from mono audio", section 3.1), so the difference between them is shorter than
round a head: what is missing is what the networks are for.

Letters: B batch, T samples, K steps of ``STEP`` samples (poses stand at their ends, K + 1), E ears.
"""

import torch
from torch.nn import functional

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.filters.fractional_delay import PHASES_PER_SAMPLE, centre_samples, delay_table
from auricle.personalization.endtoend.physics.poses import EAR_OFFSET_M, RATE, STEP

LEAST_DISTANCE_M = 0.2  # below which an ear's level no longer rises
TAPS = 16  # of the fractional delay: errors below -60 dB up to 18 kHz
CENTRE_SAMPLES = centre_samples(TAPS)

_TABLE = torch.from_numpy(delay_table(TAPS)[: PHASES_PER_SAMPLE + 1].copy())


def ear_distances_m(apparent_m: torch.Tensor) -> torch.Tensor:
    """Distances (B, K + 1, E) of places (B, K + 1, 3) from both ears, 0 left."""
    offset = apparent_m.new_tensor([[0.0, EAR_OFFSET_M, 0.0], [0.0, -EAR_OFFSET_M, 0.0]])
    return torch.linalg.vector_norm(apparent_m[:, :, None, :] - offset, dim=-1)


def ear_delays_samples(apparent_m: torch.Tensor) -> torch.Tensor:
    """Delays (B, K + 1, E) in samples at RATE: distance over the speed of sound."""
    return ear_distances_m(apparent_m) * (RATE / SOUND_SPEED_M_S)


def ear_gains(apparent_m: torch.Tensor) -> torch.Tensor:
    """Gains (B, K + 1, E): 1 at 1 m, falling with the distance from the ear."""
    return 1.0 / ear_distances_m(apparent_m).clamp_min(LEAST_DISTANCE_M)


def each_sample(at_steps: torch.Tensor) -> torch.Tensor:
    """Values (B, E, K STEP) along straight lines between those at the ends of steps (B, K + 1, E).

    Sample k STEP + i stands at share (i + 1) / STEP of step k, as in the engine.
    """
    share = (torch.arange(STEP, device=at_steps.device, dtype=at_steps.dtype) + 1.0) / STEP
    start, end = at_steps[:, :-1, :, None], at_steps[:, 1:, :, None]
    lines = start + (end - start) * share
    return lines.transpose(1, 2).flatten(2)


def warped(mono: torch.Tensor, delay_samples: torch.Tensor) -> torch.Tensor:
    """Signals (B, E, T) that read ``mono`` (B, T) as many samples ago as ``delay_samples`` say.

    Differentiable in both. Delays (B, E, T) below ``CENTRE_SAMPLES`` count as that; what was before
    the first sample is silence.
    """
    late = delay_samples.clamp_min(float(CENTRE_SAMPLES))
    whole = torch.floor(late.detach())
    phase = (late - whole) * PHASES_PER_SAMPLE
    row = phase.detach().floor().clamp(0.0, PHASES_PER_SAMPLE - 1.0)
    part = (phase - row)[..., None]
    table = _TABLE.to(mono)
    low = table[row.long()]
    taps = low + part * (table[row.long() + 1] - low)
    first = torch.arange(mono.shape[-1], device=mono.device) - whole.long() + CENTRE_SAMPLES
    index = first[..., None] - torch.arange(TAPS, device=mono.device)
    longest = int(whole.max()) + TAPS
    padded = functional.pad(mono, (longest, 0))
    batch = torch.arange(len(mono), device=mono.device)[:, None, None, None]
    heard = padded[batch, (index + longest).clamp_min(0)]
    return torch.sum(heard * taps, dim=-1)


def geometric_warp(mono: torch.Tensor, apparent_m: torch.Tensor) -> torch.Tensor:
    """Both ears (B, E, T) of ``mono`` (B, T) from places (B, T / STEP + 1, 3) in metres."""
    late = warped(mono, each_sample(ear_delays_samples(apparent_m)))
    return late * each_sample(ear_gains(apparent_m))
