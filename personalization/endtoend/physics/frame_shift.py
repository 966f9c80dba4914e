"""Frames of sound shifted in the Fourier domain: cut, moved over parallel paths, overlapped again.

The frames of NFS (``models.nfs``, Lee and Lee 2023): Hann windows, half overlapping.
"""

import math

import torch
from torch.nn import functional

from auricle.personalization.endtoend.physics.poses import STEP

HOP_STEPS = 38  # 101 ms; a frame is two hops
LEAD_STEPS, TAIL_STEPS = 4, 16  # room in a frame's transform for what comes early and late
FRAME = 2 * HOP_STEPS * STEP
SIZE = FRAME + (LEAD_STEPS + TAIL_STEPS) * STEP
PATH_SIZE = 1024  # of the transform in which paths are added up: longer than what they ring
N_BINS = PATH_SIZE // 2 + 1


def transfer(delay_samples: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    """The sum (B, F) of paths, complex, at F frequencies from 0 to half the rate.

    Args:
        delay_samples: (B, C, F) of each path at each frequency.
        gains: (B, C, F), of either sign.
    """
    radians = torch.linspace(0.0, math.pi, delay_samples.shape[-1], device=gains.device)
    angle = -radians * delay_samples
    return torch.complex((gains * angle.cos()).sum(dim=1), (gains * angle.sin()).sum(dim=1))


def shifted(frames: torch.Tensor, delay_samples: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    """Frames (B, SIZE), LEAD_STEPS late, each the sum of its paths.

    Args:
        frames: (B, FRAME).
        delay_samples: (B, C, N_BINS) of each path at each bin; whole constant ones are exact.
        gains: (B, C, N_BINS), of either sign.
    """
    rings = torch.fft.irfft(transfer(delay_samples, gains), PATH_SIZE)
    half = PATH_SIZE // 2
    late = functional.pad(rings[:, :half], (0, SIZE - PATH_SIZE))
    found = torch.fft.rfft(frames, SIZE) * torch.fft.rfft(torch.cat([late, rings[:, half:]], -1))
    return torch.roll(torch.fft.irfft(found, SIZE), LEAD_STEPS * STEP, dims=-1)


def framed(signal: torch.Tensor) -> torch.Tensor:
    """Hann frames (B, M, FRAME) of signals (B, T), the middle of frame m at m hops."""
    hop = FRAME // 2
    n_hops = -(-signal.shape[-1] // hop)
    padded = functional.pad(signal, (hop, (n_hops + 1) * hop - signal.shape[-1]))
    window = torch.hann_window(FRAME, device=signal.device, dtype=signal.dtype)
    return padded.unfold(-1, FRAME, hop) * window


def overlapped(frames: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Signals (B, T) from frames (B, M, SIZE) of ``shifted``: the inverse of ``framed``."""
    hop, early = FRAME // 2, LEAD_STEPS * STEP
    n_frames = frames.shape[1]
    total = functional.fold(
        frames.transpose(1, 2), (1, (n_frames - 1) * hop + SIZE), (1, SIZE), stride=(1, hop)
    ).flatten(1)
    return total[:, hop + early : hop + early + n_samples]
