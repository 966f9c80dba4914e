"""Losses of end-to-end systems: errors of the wave, of its spectrum, and between ears.

Signals are (B, 2, T), ear 0 left. Spectra as in WarpNet's judging (Richard et al. 2021): 2048 bins
of a 40 ms Hann window, 100 a second. What has the signal's unit is divided by that of the target
(``relative``), so that weights of losses mean the same at any level.
"""

import torch

from auricle.personalization.endtoend.physics.poses import RATE

FFT_SIZE, WINDOW, HOP = 2048, RATE // 25, RATE // 100
LEAST_ENERGY = 0.1  # of the mean: phases of softer bins are noise
RESOLUTIONS = ((512, 240, 50), (1024, 600, 120), (2048, 1200, 240))  # FFT, window, hop
_FLOOR = 1e-8


def spectrum(
    signal: torch.Tensor, fft_size: int = FFT_SIZE, window: int = WINDOW, hop: int = HOP
) -> torch.Tensor:
    """Short-time spectra of signals.

    Args:
        signal: (B, 2, T).
        fft_size: of the transform, in samples.
        window: in samples.
        hop: in samples.

    Returns:
        (B, 2, F, frames), complex.
    """
    hann = torch.hann_window(window, device=signal.device, dtype=signal.dtype)
    found = torch.stft(
        signal.flatten(0, 1), fft_size, hop, window, hann,
        pad_mode="constant", return_complex=True,
    )  # fmt: skip
    return found.unflatten(0, signal.shape[:2])


def wave_l2(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the wave."""
    return (estimate - target).square().mean()


def relative_wave_l2(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error over the target's power, signal by signal: 1 for silence.

    A near source is 20 dB above a far one; each counts alike, but for what is nearly silent.
    """
    power = target.square().mean(dim=(1, 2))
    error = (estimate - target).square().mean(dim=(1, 2))
    return (error / (power + 0.05 * power.mean() + _FLOOR)).mean()


def amplitude_l2(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the magnitudes of ``spectrum``, whatever the phases."""
    return _amplitude(spectrum(estimate), spectrum(target))


def relative_amplitude_l2(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """``amplitude_l2`` over the target's mean magnitude."""
    wanted = spectrum(target)
    return _amplitude(spectrum(estimate), wanted) / (wanted.abs().mean() + _FLOOR)


def phase_l2(
    estimate: torch.Tensor, target: torch.Tensor, least_energy: float = LEAST_ENERGY
) -> torch.Tensor:
    """Mean angle in radians, 0 to pi, between bins of ``spectrum`` that have energy in both.

    Args:
        estimate: (B, 2, T).
        target: (B, 2, T).
        least_energy: magnitude that a bin needs, as a share of the target's mean magnitude.
    """
    found, wanted = spectrum(estimate), spectrum(target)
    least = least_energy * wanted.abs().mean() + _FLOOR
    heard = (wanted.abs() > least) & (found.detach().abs() > least)
    between = found[heard] * wanted[heard].conj()
    return _mean_of(torch.atan2(between.imag, between.real).abs(), found)


def level_difference_error(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the level difference between ears, in units of 20 dB (IID loss).

    In the bins of ``spectrum`` in which the target has energy at both ears (Lee and Lee 2023,
    "Neural Fourier shift", section 3.4).
    """
    found, wanted = spectrum(estimate).abs(), spectrum(target).abs()
    least = LEAST_ENERGY * wanted.mean() + _FLOOR
    heard = (wanted > least).all(dim=1)

    def difference(magnitudes: torch.Tensor) -> torch.Tensor:
        levels = torch.log10(magnitudes.clamp_min(0.1 * float(least)))
        return levels[:, 0] - levels[:, 1]

    return _mean_of((difference(found) - difference(wanted)).abs()[heard], found)


def multi_resolution(estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """MRSTFT: spectral convergence and mean absolute error of log magnitudes, three resolutions.

    Yamamoto et al. 2020, "Parallel WaveGAN", equations 4 to 6; the mean over ``RESOLUTIONS``.
    """
    total = estimate.new_zeros(())
    for sizes in RESOLUTIONS:
        found, wanted = spectrum(estimate, *sizes).abs(), spectrum(target, *sizes).abs()
        floor = 1e-3 * wanted.mean().detach() + _FLOOR
        miss = torch.linalg.vector_norm(found - wanted) / (torch.linalg.vector_norm(wanted) + floor)
        logs = torch.log(found + floor) - torch.log(wanted + floor)
        total = total + miss + logs.abs().mean()
    return total / len(RESOLUTIONS)


def _amplitude(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (found.abs() - wanted.abs()).abs().mean()


def _mean_of(chosen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The mean, and 0 that still has a gradient where nothing was chosen."""
    return chosen.mean() if chosen.numel() else 0.0 * like.abs().sum()
