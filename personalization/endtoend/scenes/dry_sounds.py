"""Dry sounds at 48 kHz: speech, music and synthetic signals, split by speaker and by song.

A folder of data has ``speech`` and ``music``; which files are whose is written here. Of the short
clips at 48 kHz nobody knows all speakers (one is a known speaker's sentence again), so all of VCTK
is on one side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import soundfile

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.storage.digests import digest_of
from auricle.personalization.datasets.subjects import DatasetError
from auricle.personalization.endtoend.listeners.people import Licence, Role
from auricle.personalization.endtoend.physics.poses import RATE

Kind: TypeAlias = Literal["speech", "music", "synthetic"]

LEVEL = 0.1  # RMS of a sound as drawn, at 1 m
SHARES: dict[Kind, float] = {"speech": 0.4, "music": 0.25, "synthetic": 0.35}
_QUIET = 0.25  # of a file's RMS: a softer piece is drawn again
_TRIES = 12
_FADE_SECONDS = 0.005
LOWEST_HZ, HIGHEST_HZ = 60.0, 20000.0  # of synthetic signals


@dataclass(frozen=True)
class Source:
    """Recordings that belong together: of one speaker, of one song.

    Attributes:
        pattern: of the files, below the folder of data.
        kind: of the sound.
        role: who hears it.
        licence: its terms; "shippable" where weights that ship may learn from it.
    """

    pattern: str
    kind: Kind
    role: Role
    licence: Licence = "all"


SOURCES = (
    Source("speech/ru_male_16k/*.flac", "speech", "train", "shippable"),  # BSD-like
    Source("speech/vctk48/*.flac", "speech", "train", "shippable"),  # CC BY 4.0
    Source("speech/asterisk_ru_16k_120s.flac", "speech", "validation"),  # CC BY-SA 3.0
    Source("speech/asterisk_en_16k_120s.flac", "speech", "test"),  # CC BY-SA 3.0
    Source("speech/CA01_01.wav", "speech", "test"),
    Source("speech/sample?_48kHz.wav", "speech", "test"),
    Source("music/*.ogg", "music", "train"),  # the stems of one song, CC BY-SA 3.0
    Source("music/castanets_dry.wav", "music", "test"),
    Source("music/singing.wav", "music", "test"),
)


@dataclass(frozen=True)
class Sound:
    """A dry sound: samples (T,) at 48 kHz, RMS ``LEVEL``, its kind and where it is from."""

    mono: Float32
    kind: Kind
    name: str


class SoundSet:
    """Sounds of one role; ``draw`` gives the next.

    Args:
        data: folder with ``speech`` and ``music``; None: synthetic signals alone.
        role: "train", "validation" or "test".
        licence: "shippable": train only on what weights that ship may learn from.
        shares: how often each kind is drawn, among those that are there.
    """

    def __init__(
        self, data: Path | None, role: Role, licence: Licence = "all",
        shares: dict[Kind, float] | None = None,
    ) -> None:  # fmt: skip
        self.role: Role = role
        self.files: dict[Kind, list[Path]] = {"speech": [], "music": []}
        for source in SOURCES if data is not None else ():
            assert data is not None
            free = licence == "all" or role != "train" or source.licence == "shippable"
            if source.role == role and free:
                self.files[source.kind] += sorted(data.glob(source.pattern))
        wanted = SHARES if shares is None else shares
        kinds = [each for each in wanted if each == "synthetic" or self.files[each]]
        total = sum(wanted[each] for each in kinds)
        if not total > 0.0:
            raise DatasetError(f"{data}: holds no sounds of {', '.join(wanted)} for {role}")
        self._kinds = kinds
        self._shares = [wanted[each] / total for each in kinds]

    def digest(self) -> str:
        """A name for what can be drawn."""
        words = f"{self.role} {self._kinds} {self._shares} {LEVEL}"
        for files in self.files.values():
            words += "".join(f" {each.name} {each.stat().st_size}" for each in files)
        return digest_of(words, size=16)

    def draw(self, rng: np.random.Generator, n_samples: int) -> Sound:
        """A piece of a recording or a synthetic signal; the same for the same state of ``rng``."""
        kind = self._kinds[rng.choice(len(self._kinds), p=self._shares)]
        if kind == "synthetic":
            make = _SYNTHETIC[rng.integers(len(_SYNTHETIC))]
            return Sound(_levelled(make(rng, n_samples)), kind, make.__name__)
        files = self.files[kind]
        path = files[rng.integers(len(files))]
        return Sound(_levelled(_piece(rng, at_rate(path), n_samples)), kind, path.stem)


@lru_cache(maxsize=64)
def at_rate(path: Path) -> Float32:
    """The first channel (T,) of a file at 48 kHz; DatasetError where it cannot be read."""
    import soxr

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
    if not len(samples):
        raise DatasetError(f"{path}: holds no sound")
    return np.ascontiguousarray(soxr.resample(samples[:, 0], rate, RATE, "VHQ"), dtype=np.float32)


def noise_bursts(rng: np.random.Generator, n_samples: int) -> Array:
    """Bursts of noise of random bands, 20 ms to 1 s long."""
    out = np.zeros(n_samples)
    at = 0
    while at < n_samples:
        length = int(rng.uniform(0.02, 1.0) * RATE)
        burst = _band_noise(rng, length)
        end = min(at + length, n_samples)
        out[at:end] += (burst * _bell(length))[: end - at]
        at += int(length * rng.uniform(0.5, 1.3))
    return out


def steady_noise(rng: np.random.Generator, n_samples: int) -> Array:
    """Noise over the whole band, between white and pink."""
    return _coloured(rng, n_samples, rng.uniform(0.0, 0.5), LOWEST_HZ, HIGHEST_HZ)


def clicks(rng: np.random.Generator, n_samples: int) -> Array:
    """Clicks at random times, each a short band-limited decay, 5 to 40 a second."""
    out = np.zeros(n_samples + RATE)
    for at in rng.integers(0, n_samples, max(int(rng.uniform(5, 40) * n_samples / RATE), 1)):
        length = int(rng.uniform(0.001, 0.02) * RATE)
        decay = np.exp(-5.0 * np.arange(length) / length)
        out[at : at + length] += rng.uniform(0.3, 1.0) * decay * _band_noise(rng, length)
    return out[:n_samples]


def harmonic_tones(rng: np.random.Generator, n_samples: int) -> Array:
    """A voice-like tone: harmonics of a gliding pitch under random envelopes, a little noise."""
    times = np.arange(n_samples) / RATE
    pitch = rng.uniform(70.0, 500.0) * 2.0 ** (0.5 * _wander(rng, times, 4.0))
    phase = 2.0 * np.pi * np.cumsum(pitch) / RATE
    out = np.zeros(n_samples)
    slope = rng.uniform(0.3, 1.2)
    for k in range(1, min(int(0.9 * HIGHEST_HZ / pitch.max()), 60) + 1):
        loud = k**-slope * 10.0 ** (0.6 * _wander(rng, times, 6.0))
        out += loud * np.sin(k * phase + rng.uniform(0.0, 2.0 * np.pi))
    out *= 10.0 ** (1.0 * np.minimum(_wander(rng, times, 3.0), 0.3))
    breath = _coloured(rng, n_samples, 0.25, LOWEST_HZ, HIGHEST_HZ)
    return out + rng.uniform(0.02, 0.2) * np.std(out) / np.std(breath) * breath


_SYNTHETIC = (noise_bursts, steady_noise, clicks, harmonic_tones)


def with_noise(sound: Float32, snr_db: float, rng: np.random.Generator) -> Float32:
    """A sound with pink noise.

    Args:
        sound: (T,).
        snr_db: how far the noise lies below the sound's level.
        rng: draws the noise.
    """
    noise = _coloured(rng, len(sound), 0.5, LOWEST_HZ, HIGHEST_HZ)
    level = float(np.sqrt(np.mean(sound**2))) * 10.0 ** (-snr_db / 20.0)
    return (sound + level / np.std(noise) * noise).astype(np.float32)


def _piece(rng: np.random.Generator, samples: Float32, n_samples: int) -> Array:
    """A piece in which something sounds; short recordings begin anew."""
    if len(samples) < n_samples:
        first = int(rng.integers(len(samples)))
        return np.asarray(_turned(samples, first, n_samples), dtype=np.float64)
    least = _QUIET * float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    piece = samples[:n_samples].astype(np.float64)
    for _ in range(_TRIES):
        first = int(rng.integers(len(samples) - n_samples + 1))
        piece = samples[first : first + n_samples].astype(np.float64)
        if np.sqrt(np.mean(piece**2)) >= least:
            break
    return piece


def _turned(samples: Float32, first: int, n_samples: int) -> Float32:
    fade = min(int(_FADE_SECONDS * RATE), len(samples) // 2)
    faded = samples.copy()
    faded[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    faded[len(faded) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return np.resize(np.roll(faded, -first), n_samples)


def _levelled(samples: Sequence[float] | Array) -> Float32:
    values = np.asarray(samples, dtype=np.float64)
    level = max(float(np.sqrt(np.mean(values**2))), 1e-9)
    return (LEVEL / level * values).astype(np.float32)


def _band_noise(rng: np.random.Generator, n_samples: int) -> Array:
    low = 10.0 ** rng.uniform(np.log10(LOWEST_HZ), 3.7)
    high = min(low * 2.0 ** rng.uniform(0.5, 8.0), HIGHEST_HZ)
    noise = _coloured(rng, n_samples, rng.uniform(0.0, 0.5), low, high)
    return noise / max(float(np.std(noise)), 1e-12)


def _coloured(
    rng: np.random.Generator, n_samples: int, slope: float, low_hz: float, high_hz: float
) -> Array:
    """Noise whose magnitude falls as f^-slope between two frequencies, with soft edges."""
    size = max(n_samples, 512)
    hz = np.maximum(np.fft.rfftfreq(size, 1.0 / RATE), 1.0)
    shape = hz**-slope / np.sqrt((1.0 + (low_hz / hz) ** 8) * (1.0 + (hz / high_hz) ** 16))
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(size)) * shape, size)[:n_samples]


def _wander(rng: np.random.Generator, times: Array, fastest_hz: float) -> Array:
    """A smooth random line of about unit size."""
    out = np.zeros(len(times))
    for _ in range(4):
        turn, start = rng.uniform(0.1, fastest_hz), rng.uniform(0.0, 2.0 * np.pi)
        out += 0.7 * np.sin(2.0 * np.pi * turn * times + start)
    return out


def _bell(length: int) -> Array:
    rise = max(min(length // 4, int(0.01 * RATE)), 1)
    out = np.ones(length)
    out[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    out[length - rise :] = out[:rise][::-1]
    return out
