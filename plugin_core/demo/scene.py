"""The sounds and paths of the demo, made by formula: a plucked tune, bells, a shaker, a drone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.plugin_core.motion.paths import SourcePath

SAMPLE_RATE = 48000
SECONDS = 20.0
_BEAT_SECONDS = 0.4
_TUNE = (0, 4, 7, 12, 9, 7, 4, 7, 2, 5, 9, 14, 12, 9, 5, 7)  # semitones over A3


@dataclass(frozen=True)
class Part:
    """A sound of the demo.

    Attributes:
        file: name of its stem, without the ending; name: in pictures.
        make: its audio (T,), mono; path: where it is.
    """

    file: str
    name: str
    make: Callable[[], Array]
    path: SourcePath


def parts() -> tuple[Part, ...]:
    """The demo's sounds."""
    return (
        Part("plucks", "plucked strings, circling", _plucks, SourcePath(0.0, 0.0, 1.2, 8.0)),
        Part(
            "bells", "bells, circling above the other way", _bells,
            SourcePath(90.0, 50.0, 1.5, -10.0),
        ),
        Part("shaker", "shaker, behind on the right", _shaker, SourcePath(-135.0, -10.0, 1.0)),
        Part("drone", "drone, in front on the left", _drone, SourcePath(40.0, 0.0, 2.0)),
    )  # fmt: skip


def _empty() -> Array:
    return np.zeros(int(SECONDS * SAMPLE_RATE))


def _place(track: Array, sound: Array, seconds: float) -> None:
    at = int(seconds * SAMPLE_RATE)
    part = sound[: max(0, len(track) - at)]
    track[at : at + len(part)] += part


def _partials(hz: float, seconds: float, shares: list[tuple[float, float, float]]) -> Array:
    """A sum of decaying partials: (multiple of ``hz``, level, decay in seconds)."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(
        level * np.sin(2.0 * np.pi * multiple * hz * t) * np.exp(-t / decay)
        for multiple, level, decay in shares
        if multiple * hz < 18000.0
    )
    return np.asarray(sound) * np.minimum(1.0, t / 0.002)


def _plucks() -> Array:
    track = _empty()
    shares = [(k * (1.0 + 2e-4 * k * k), 0.5 / k, 0.8 / k**0.8) for k in range(1, 24)]
    for i in range(int((SECONDS - 2.0) / _BEAT_SECONDS)):
        hz = 220.0 * 2.0 ** (_TUNE[i % len(_TUNE)] / 12.0)
        _place(track, _partials(hz, 1.6, shares), i * _BEAT_SECONDS)
    return 0.35 * track


def _bells() -> Array:
    track = _empty()
    shares = [(1.0, 0.5, 2.0), (2.76, 0.4, 1.2), (5.4, 0.3, 0.7), (8.93, 0.2, 0.4)]
    for i in range(int((SECONDS - 3.0) / (4.0 * _BEAT_SECONDS))):
        hz = 880.0 * 2.0 ** ((0, 7, 4, 9)[i % 4] / 12.0)
        _place(track, _partials(hz, 3.0, shares), (4 * i + 2) * _BEAT_SECONDS)
    return 0.3 * track


def _shaker() -> Array:
    rng = np.random.default_rng(7)
    track = _empty()
    n = int(0.12 * SAMPLE_RATE)
    for i in range(int((SECONDS - 1.0) / (0.5 * _BEAT_SECONDS))):
        noise = np.diff(rng.standard_normal(n + 1))
        accent = 1.0 if i % 4 == 0 else 0.5
        swing = 0.05 * (i % 2)
        envelope = np.exp(-np.arange(n) / (0.02 * SAMPLE_RATE))
        _place(track, accent * noise * envelope, i * 0.5 * _BEAT_SECONDS + swing)
    return 0.12 * track


def _drone() -> Array:
    t = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    swell = np.sin(np.pi * t / SECONDS) ** 0.5
    tone = sum(np.sin(2.0 * np.pi * 110.0 * k * t + k) / k**1.5 for k in range(1, 12))
    return 0.1 * swell * (1.0 + 0.3 * np.sin(2.0 * np.pi * 0.2 * t)) * np.asarray(tone)
