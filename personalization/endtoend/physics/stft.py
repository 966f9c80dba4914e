"""Short-time spectra: where the generative systems diffuse the residual to the warp.

Frames of 512 samples every 256 under the root of a Hann window, at analysis and synthesis, so that
an empty residual leaves the warp as it is. Real and imaginary parts are channels: those of a signal
with E ears are (B, 2E, N, F), N = T / 256 + 1 frames whose middles stand at every second pose, F =
257 bins. A head filters each bin by a number, which a network learns in minutes; on waveforms it
would have to learn filters of 200 taps for each direction first.
"""

import numpy as np
import torch
from torch.nn import functional

from auricle.personalization.endtoend.physics.poses import STEP

SIZE = 512
HOP = 256
N_BINS = SIZE // 2 + 1
HOP_STEPS = HOP // STEP
LATENCY_SAMPLES = SIZE  # from sound in to sound out where nothing looks ahead

_LEVEL_FRAMES = 6  # of the past in a level: 32 ms
_LEVEL_BINS = 5
_FLOOR_SHARE = 1e-6  # of the mean power over bins, below which a bin counts as that
_FLOOR = 1e-9  # power of a bin in silence
_BLOCK = 16  # frames of noise drawn at once


def _window(like: torch.Tensor) -> torch.Tensor:
    return torch.hann_window(SIZE, dtype=like.dtype, device=like.device).sqrt()


def spectra(signals: torch.Tensor) -> torch.Tensor:
    """Spectra (B, 2E, N, F) of signals (B, E, T); T is a multiple of HOP."""
    flat = signals.flatten(0, 1)
    found = torch.stft(
        flat, SIZE, HOP, window=_window(flat), center=True, pad_mode="constant",
        normalized=True, return_complex=True,
    )  # fmt: skip
    parts = torch.view_as_real(found).permute(0, 3, 2, 1)
    return parts.reshape(len(signals), -1, *parts.shape[2:])


def signals_of(parts: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Signals (B, E, T) of spectra (B, 2E, N, F)."""
    shape = (-1, 2, *parts.shape[2:])
    pairs = parts.reshape(shape).permute(0, 3, 2, 1).contiguous()
    flat = torch.istft(
        torch.view_as_complex(pairs), SIZE, HOP, window=_window(parts), center=True,
        normalized=True, length=n_samples,
    )  # fmt: skip
    return flat.view(len(parts), -1, n_samples)


def times(gains: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Complex products of channels (B, 2E, N, F)."""
    shape = (len(values), -1, 2, *values.shape[2:])
    real, imaginary = values.reshape(shape).unbind(2)
    a, b = gains.reshape(shape).unbind(2)
    both = torch.stack([a * real - b * imaginary, a * imaginary + b * real], dim=2)
    return both.flatten(1, 2)


def delays(samples: torch.Tensor) -> torch.Tensor:
    """Gains (B, 2E, N, F) of delays (B, E, N)."""
    turn = torch.arange(N_BINS, dtype=samples.dtype) * (-2.0 * np.pi / SIZE)
    phase = samples[..., None] * turn
    return torch.stack([phase.cos(), phase.sin()], dim=2).flatten(1, 2)


def levels(parts: torch.Tensor) -> torch.Tensor:
    """Root mean power (B, 1, N, F) of both ears, over nearby bins and the last 32 ms.

    A signal divided by its level is near variance 1 in all bins and at all loudnesses, which
    diffusion wants; nothing of the future is in it.
    """
    power = 2.0 * parts.square().mean(dim=1, keepdim=True)
    past = functional.pad(power, (0, 0, _LEVEL_FRAMES - 1, 0))
    smooth = functional.avg_pool2d(past, (_LEVEL_FRAMES, 1), stride=1)
    side = _LEVEL_BINS // 2
    smooth = functional.avg_pool2d(
        smooth, (1, _LEVEL_BINS), stride=1, padding=(0, side), count_include_pad=False
    )
    return (smooth + _FLOOR_SHARE * smooth.mean(dim=-1, keepdim=True) + _FLOOR).sqrt()


class FrameNoise:
    """Standard normal numbers that belong to frames of a signal, however it is cut into pieces.

    Args:
        seed: of all draws.
        first_frame: frame of the signal that a piece begins with.
    """

    def __init__(self, seed: int, first_frame: int = 0) -> None:
        self.seed = seed
        self.first_frame = first_frame

    def __call__(self, draw: int, shape: torch.Size | tuple[int, ...]) -> torch.Tensor:
        """Numbers (B, C, N, F) of the draw of this number, another for each step of sampling."""
        n_items, n_channels, n_frames, n_bins = shape
        first, skip = divmod(self.first_frame, _BLOCK)
        last = (self.first_frame + n_frames - 1) // _BLOCK
        blocks = [
            np.random.default_rng([self.seed, draw, block]).standard_normal(
                (n_items, n_channels, _BLOCK, n_bins), dtype=np.float32
            )
            for block in range(first, last + 1)
        ]
        found = np.concatenate(blocks, axis=2)[:, :, skip : skip + n_frames]
        return torch.from_numpy(np.ascontiguousarray(found))
