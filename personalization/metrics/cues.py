"""Cues of direction: ITD, ILD and the spectra of both ears in auditory bands.

The features of Barumerli et al. 2023 (Acta Acustica 7, 12), equation 1 and section 2.2. Spectra:
gammatone filters one ERB apart (Glasberg and Moore 1990; Patterson et al. 1988) from 0.7 to 18 kHz,
half-wave rectified, averaged over time, and the root of that in dB. The root halves the dB of a
level difference, and the noise of the spectral cues is stated for that scale.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft as fft

from auricle.dsp.arrays import Array
from auricle.dsp.metrics.interaural import ild_db, itd_maxiacce_seconds

BAND_HZ = (700.0, 18000.0)
ORDER = 4
# Just noticeable differences of ITD grow from 32.5 us by 0.095 of the ITD (Reijniers et al. 2014).
ITD_JND_SECONDS = 32.5e-6
ITD_JND_SLOPE = 0.095
_FILTER_SECONDS = 0.02  # in which the longest filter has fallen by 60 dB


@dataclass(frozen=True, eq=False)
class Cues:
    """Features of M directions.

    Attributes:
        itd: (M,) in just noticeable differences, without unit; positive = left later.
        ild_db: (M,) positive = left louder.
        spectra_db: (M, 2, bands) left, right ear.
    """

    itd: Array
    ild_db: Array
    spectra_db: Array

    def scaled(self, sigma_itd: float, sigma_ild_db: float, sigma_spectral_db: float) -> Array:
        """Feature vectors, each feature in standard deviations of its noise.

        Args:
            sigma_itd: of the ITD, in the unit of the cue.
            sigma_ild_db: of the ILD.
            sigma_spectral_db: of a band.

        Returns:
            (M, 2 + 2 bands).
        """
        spectra = self.spectra_db.reshape(len(self.itd), -1) / sigma_spectral_db
        return np.column_stack([self.itd / sigma_itd, self.ild_db / sigma_ild_db, spectra])


def cues_of(ir: Array, sample_rate: float) -> Cues:
    """Features of responses (M, 2, N); bands above 0.45 of the sample rate are left out."""
    itd = itd_maxiacce_seconds(ir, sample_rate, parabola=True)
    return Cues(warped_itd(itd), ild_db(ir), band_levels_db(ir, sample_rate))


def warped_itd(itd_seconds: Array) -> Array:
    """ITD in just noticeable differences: their integral from 0, with the sign of the ITD."""
    grown = np.log1p(ITD_JND_SLOPE * np.abs(itd_seconds) / ITD_JND_SECONDS) / ITD_JND_SLOPE
    return np.asarray(np.sign(itd_seconds) * grown)


def centre_frequencies_hz(sample_rate: float) -> Array:
    """Frequencies (bands,) one ERB apart from 700 Hz to at most 18 kHz."""
    low, high = (_erb_number(hz) for hz in BAND_HZ)
    numbers = low + np.arange(int(high - low) + 1)
    hz = (10.0 ** (numbers / 21.4) - 1.0) / 0.00437
    return np.asarray(hz[hz <= 0.45 * sample_rate], dtype=np.float64)


def band_levels_db(ir: Array, sample_rate: float) -> Array:
    """Levels (M, 2, bands) in dB of half-wave rectified gammatone bands, on the root scale."""
    centres = centre_frequencies_hz(sample_rate)
    taps = gammatone_taps(centres, sample_rate)
    size = fft.next_fast_len(ir.shape[-1] + taps.shape[-1] - 1, real=True)
    filters = fft.rfft(taps, size)
    spectra = fft.rfft(np.asarray(ir, dtype=np.float64), size)
    levels = np.empty((*ir.shape[:2], len(centres)))
    for band, response in enumerate(filters):
        out = fft.irfft(spectra * response, size)
        levels[..., band] = 10.0 * np.log10(np.maximum(_rectified_mean(out, sample_rate), 1e-12))
    return levels


def gammatone_taps(centres_hz: Array, sample_rate: float) -> Array:
    """Impulse responses (bands, taps) of 4th-order gammatone filters with gain 1 at the centre."""
    t = np.arange(int(_FILTER_SECONDS * sample_rate)) / sample_rate
    bandwidth = 1.019 * 24.7 * (0.00437 * centres_hz + 1.0)
    decay = np.exp(-2.0 * np.pi * bandwidth[:, None] * t)
    taps = t ** (ORDER - 1) * decay * np.cos(2.0 * np.pi * centres_hz[:, None] * t)
    turn = np.exp(-2j * np.pi * centres_hz[:, None] * t)
    return taps / np.abs(np.sum(taps * turn, axis=1, keepdims=True))


def _rectified_mean(signal: Array, sample_rate: float) -> Array:
    # Sums over time, not means, so that sets of different lengths are alike.
    return np.sum(np.maximum(signal, 0.0), axis=-1) / (_FILTER_SECONDS * sample_rate)


def _erb_number(hz: float) -> float:
    return 21.4 * float(np.log10(1.0 + 0.00437 * hz))
