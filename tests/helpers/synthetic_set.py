"""A small HRTF set with known delays and smooth spectra, for tests without data."""

import numpy as np

from auricle.dsp.acoustics.rigid_sphere import sphere_response
from auricle.dsp.hrtf.hrtf_set import HrtfSet


def sphere(n: int) -> np.ndarray:
    z = 1.0 - (2.0 * np.arange(n) + 1.0) / n
    azimuth = np.pi * (1.0 + 5.0**0.5) * np.arange(n)
    across = np.sqrt(1.0 - z * z)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=1)


def arrivals(positions: np.ndarray) -> np.ndarray:
    """Arrival times (M, 2) in samples: 31 to 61, as far apart as a head's."""
    lateral = positions[:, 1]
    return np.stack([46.0 - 15.0 * lateral, 46.0 + 15.0 * lateral], axis=1)


def make_set(n: int = 220, n_taps: int = 160, sample_rate: int = 48000) -> HrtfSet:
    positions = sphere(n)
    delay = arrivals(positions)
    size = 1024
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    ir = np.empty((n, 2, n_taps))
    for ear, sign in enumerate((1.0, -1.0)):
        near = (1.0 + sign * positions[:, 1]) / 2.0
        echo = 6.0 + 4.0 * positions[:, 2]
        # 3.4 dB between the ears, which a head has in the bass.
        spectrum = (0.55 + 0.45 * near)[:, None] + 0.4 * np.exp(-1j * omega * echo[:, None])
        # Low-passed, so that fractional delays do not ring on to the edges of the response.
        spectrum = spectrum * np.cos(np.clip(omega / np.pi - 0.5, 0.0, 0.5) * np.pi) ** 2
        ir[:, ear] = np.fft.irfft(spectrum * np.exp(-1j * omega * delay[:, ear, None]))[:, :n_taps]
    return HrtfSet(ir, positions, radius_m=1.0, sample_rate=sample_rate, name="synthetic")


def level_db(error: np.ndarray, reference: np.ndarray) -> float:
    return 20.0 * np.log10(np.linalg.norm(error) / np.linalg.norm(reference) + 1e-30)


def rigid_sphere_set(positions: np.ndarray, rate: int, radius_m: float = 0.0875) -> HrtfSet:
    """A rigid sphere: ITD and ILD of each direction are known at any rate."""
    n = 1 << int(np.ceil(np.log2(0.02 * rate)))
    hz = np.fft.rfftfreq(n, 1.0 / rate)
    late = np.exp(-2j * np.pi * hz * 0.0015)
    late *= np.cos(np.clip((hz / (0.5 * rate) - 0.8) / 0.2, 0.0, 1.0) * np.pi / 2) ** 2
    ears = [
        np.fft.irfft(late * sphere_response(1.5, side * positions[:, 1], hz, radius_m), n)
        for side in (1.0, -1.0)
    ]
    return HrtfSet(np.stack(ears, axis=1)[..., : int(0.008 * rate)], positions, 1.5, rate, "sphere")
