"""Finished sound for the two ears, which neither turns nor is filtered."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES
from auricle.dsp.responses.arrival import arrival_samples
from auricle.plugin_core.audio.headers import Header
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.mixing.mixer import Bus
from auricle.plugin_core.scene.format.model import Track
from auricle.plugin_core.scene.playback.channels import Channels
from auricle.plugin_core.scene.playback.track_types.type_player import (
    OpenedTrack,
    Surroundings,
    TypePlayer,
)

Audio = NDArray[np.float32]


class BinauralBus:
    """Finished sound for the two ears, as it is; a single channel goes to both.

    Args:
        feeds: of one or two channels.
        delay_samples: by which it waits for sound that has a way to the ears to go.
    """

    latency_samples = 0

    def __init__(self, feeds: Sequence[TrackStream], delay_samples: int = 0) -> None:
        self._feeds = list(feeds)
        self.tail_samples = delay_samples
        self._late = np.zeros((2, delay_samples), dtype=np.float32)

    def render(self, n_steps: int) -> Audio:
        """Both ears (2, n_steps * CONTROL_SAMPLES)."""
        n = n_steps * CONTROL_SAMPLES
        out = np.zeros((2, n), dtype=np.float32)
        for feed in self._feeds:
            out += feed.read(n)
        joined = np.concatenate([self._late, out], axis=1)
        self._late = joined[:, n:]
        return joined[:, :n]


def arrival_samples_ahead(hrtf: HrtfSet, sample_rate: int) -> int:
    """When sound from ahead arrives by a set, mean of the ears, in samples at a rate."""
    nearest = int(np.argmax(hrtf.positions[:, 0]))
    ahead = np.asarray(hrtf.ir[nearest : nearest + 1], dtype=np.float64)
    arrivals = arrival_samples(ahead, hrtf.sample_rate) * sample_rate / hrtf.sample_rate
    return max(0, round(float(np.mean(arrivals))))


def _channels(track: Track, header: Header, n_channels: int) -> Channels:
    return Channels((1, 2))


def _buses(tracks: Sequence[OpenedTrack], around: Surroundings) -> list[Bus]:
    late = 0 if around.hrtf is None else arrival_samples_ahead(around.hrtf, around.sample_rate)
    return [BinauralBus([each.stream for each in tracks], late)]  # in step with what a set delays


PLAYER = TypePlayer(_channels, _buses)
