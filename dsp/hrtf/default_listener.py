"""The listener in whose place everybody listens until a set is given: the mean of many people.

The magnitudes, in decibels, and the arrival times of the people of HUTUBS and CIPIC and of their
mirror images, averaged over one grid (``auricle train default`` makes ``default_listener.npz``). A
mean of decibels has less of each notch than any person, and the cues that people share.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.bass import extended_bass
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.responses.time_axis import from_magnitudes, resampled

PATH = Path(__file__).with_name("default_listener.npz")
LICENSE = (
    "CC BY 4.0 (HUTUBS); CIPIC: Copyright (c) 2001 The Regents of the University of California, "
    "all rights reserved, any use with this notice"
)
REFERENCES = (
    "Brinkmann et al. 2019, J. Audio Eng. Soc. 67:705 (HUTUBS); Algazi, Duda, Thompson and "
    "Avendano 2001, WASPAA, 99 (CIPIC)"
)
RADIUS_M = 1.47  # of HUTUBS, whose grid covers the whole sphere
MEASURED_RATE = 44100
N_TAPS = 256


def default_hrtf(sample_rate: int = 48000) -> HrtfSet:
    """The mean listener: 734 directions over the whole sphere, left and right alike.

    It is the mean of 123 people (HUTUBS and CIPIC) and everybody's listener until a set is given.

    Args:
        sample_rate: Hz. The set is made at 44.1 kHz, 5.8 ms long, and resampled.

    Raises:
        AuricleError: the file that ships with Auricle is missing.
    """
    return _made(sample_rate)


@lru_cache(maxsize=1)
def default_name() -> str:
    """What the mean listener is called, and nobody else; quicker than to make it."""
    return _stored()[-1]


@lru_cache(maxsize=4)  # on a function of its own: type checkers see no signature through it
def _made(sample_rate: int) -> HrtfSet:
    positions, mirrored, magnitude_db, arrivals, name = _stored()
    left = from_magnitudes(magnitude_db[:, None], arrivals[:, None], N_TAPS)[..., :N_TAPS]
    fade = N_TAPS // 16
    left[..., -fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2
    ir = np.stack([left[:, 0], left[mirrored, 0]], axis=1)
    # The people's loudspeakers had no bass, and CIPIC's far ears the louder one.
    mean = extended_bass(HrtfSet(ir, positions, RADIUS_M, MEASURED_RATE))
    one_ear = resampled(mean.ir[:, :1], MEASURED_RATE, sample_rate)[:, 0]
    return HrtfSet(
        np.stack([one_ear, one_ear[mirrored]], axis=1), positions, RADIUS_M, sample_rate, name,
        license=LICENSE, references=REFERENCES,
    )  # fmt: skip


def save_default(
    positions: Array, mirrored: NDArray[np.integer], magnitude_db: NDArray[np.floating],
    arrival_samples: Array, name: str, path: Path = PATH,
) -> None:  # fmt: skip
    """Write the file of the default listener.

    Args:
        positions: (M, 3) unit vectors.
        mirrored: (M,) the row of each direction's mirror image.
        magnitude_db: (M, 129) of the left ear, in dB.
        arrival_samples: (M,) of the left ear, in samples at 44.1 kHz.
        name: what the set is called.
        path: of the file.
    """
    np.savez_compressed(
        path,
        positions=positions,
        mirrored=mirrored.astype(np.int16),
        magnitude_db=magnitude_db.astype(np.float16),
        arrival_samples=arrival_samples.astype(np.float32),
        name=np.array(name),
    )


def _stored() -> tuple[Array, NDArray[np.int64], Array, Array, str]:
    try:
        with np.load(PATH, allow_pickle=False) as file:
            return (
                file["positions"],
                file["mirrored"].astype(np.int64),
                file["magnitude_db"].astype(np.float64),
                file["arrival_samples"].astype(np.float64),
                str(file["name"]),
            )
    except FileNotFoundError:
        raise AuricleError(f"{PATH}: is missing; install Auricle again, or name an HRTF") from None
