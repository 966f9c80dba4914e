"""A track on its way to the renderer: file, chain of plugins, fader, lined up in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.arrays import Array
from auricle.dsp.distance.cues import distance_gain
from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.fifo import Fifo
from auricle.plugin_core.audio.files import AudioSource
from auricle.plugin_core.motion.paths import Trajectory
from auricle.plugin_core.plugins.chain import Chain

CHAIN_FRAMES = 2048  # what a track's chain is given at a time, whatever the caller reads
PLUGIN_FRAMES = 512  # what its plugins take at a time
FADE_FRAMES = 960  # 20 ms at 48 kHz
_PATIENCE_SECONDS = 1.0  # how much later than its probe a chain may be

Audio = NDArray[np.float32]


class GainLaw(Protocol):
    """A law by which a source's place makes it louder or softer."""

    def gains(self, places_m: Array, listener_m: Array) -> Array:
        """Linear gains (J,) at places (J, 3), of a listener at (J, 3)."""
        ...


class InverseDistance:
    """1/r: ``reference_m`` is where the level stays, ``floor_m`` where it stops to rise."""

    def __init__(self, reference_m: float = 1.0, floor_m: float = 0.1) -> None:
        self._reference_m, self._floor_m = reference_m, floor_m

    def gains(self, places_m: Array, listener_m: Array) -> Array:
        """Linear gains (J,) at places (J, 3), of a listener at (J, 3)."""
        distances = np.linalg.norm(places_m - listener_m, axis=1)
        return distance_gain(distances, self._reference_m, self._floor_m)


@dataclass(frozen=True)
class SourceEffects:
    """The effects of place and distance on a source.

    Attributes:
        levels: all that make it louder or softer.
        near_field_m: where near-field cues begin, 0 for none.
        in_air: whether air absorbs.
        farthest_m: up to where sound takes its time; 0: it takes none.
        width_deg: how wide it is heard, always or at times (J,): (J,).
    """

    levels: tuple[GainLaw, ...] = ()
    near_field_m: float = 1.0
    in_air: bool = False
    farthest_m: float = 0.0
    width_deg: float | Callable[[Array], Array] = 0.0

    def widths_deg(self, seconds: Array) -> Array:
        """Widths (J,) at times (J,)."""
        if callable(self.width_deg):
            return self.width_deg(seconds)
        return np.full(len(seconds), self.width_deg)


class StreamedChain:
    """A chain between a maker of audio and a reader: aligned, and the same for every block size.

    Native plugins drop their latency from what they give, so they are given more until what was
    asked for is there; then all tracks line up. Their blocks have a fixed size and begin at the
    start of the stream.

    Args:
        chain: the stages.
        name: of the track, for errors.
        sample_rate: Hz; block: frames the chain is given at a time, a multiple of ``buffer``.
        latency: frames that the chain holds back, as its probe has found.
    """

    def __init__(
        self, chain: Chain, name: str, sample_rate: int, *, block: int = CHAIN_FRAMES,
        buffer: int = PLUGIN_FRAMES, latency: int = 0,
    ) -> None:  # fmt: skip
        self._chain, self._name, self._rate = chain, name, sample_rate
        self._block, self._buffer = block, buffer
        self._most_behind = latency + block + round(_PATIENCE_SECONDS * sample_rate)
        self._given = self._taken = 0
        chain.reset()

    def process(self, audio: Audio) -> Audio:
        """Run the chain on the next frames (C, n); its output may come later.

        Raises:
            AuricleError: a plugin that fails, changes the number of channels, or gives more or
                less than it is given.
        """
        try:
            out = self._chain.process_channels(audio, self._rate, self._buffer, reset=False)
        except AuricleError:
            raise
        except Exception as error:  # whatever a plugin throws
            raise AuricleError(
                f"{self._name}: a plugin failed ({' '.join(str(error).split())[:200]}); take it out"
            ) from error
        self._given, self._taken = self._given + audio.shape[1], self._taken + out.shape[1]
        if out.shape[0] != audio.shape[0]:
            raise AuricleError(
                f"{self._name}: a plugin made {out.shape[0]} channels of {audio.shape[0]}; take it "
                "out"
            )
        if not 0 <= self._given - self._taken <= self._most_behind:
            raise AuricleError(
                f"{self._name}: a plugin changes the length (gave {self._taken} frames for "
                f"{self._given}); take it out and process that file beforehand"
            )
        return out

    def rounded(self, n_frames: int) -> int:
        """The number of frames to give the chain when ``n_frames`` are missing."""
        return self._block * max(1, -(-n_frames // self._block))


class TrackStream:
    """The audio (C, n) of a track, and where each channel is.

    Args:
        source: at the sample rate of the renderer.
        paths: one a channel.
        gain: linear, behind the chain.
        chain: None: as the source is.
        start_frames: silence before the source.
        end_frames: silence from there on; a source that has more to give fades out before.
        mix: the mean of the source's channels in place of all.
        effects: of place and distance.
    """

    def __init__(
        self, source: AudioSource, paths: Sequence[Trajectory], *, gain: float = 1.0,
        chain: StreamedChain | None = None, start_frames: int = 0, end_frames: int | None = None,
        mix: bool = False, effects: SourceEffects | None = None,
    ) -> None:  # fmt: skip
        self.source, self.paths = source, list(paths)
        self.effects = effects if effects is not None else SourceEffects()
        self.n_channels = 1 if mix else source.n_channels
        self.n_frames = start_frames + source.n_frames
        self._gain, self._chain = np.float32(gain), chain
        self._start, self._end, self._mix, self._at = start_frames, end_frames, mix, 0
        longer = end_frames is not None and (source.endless or self.n_frames > end_frames)
        self._fade_frames = FADE_FRAMES if longer else 0
        self._fifo = Fifo(self._chained, self.n_channels) if chain is not None else None

    def read(self, n_frames: int) -> Audio:
        """The next frames (C, n)."""
        audio = self._raw(n_frames) if self._fifo is None else self._fifo.read(n_frames)
        return audio if self._gain == 1.0 else self._gain * audio

    def _chained(self, n_missing: int) -> Audio:
        assert self._chain is not None
        return self._chain.process(self._raw(self._chain.rounded(n_missing)))

    def _raw(self, n_frames: int) -> Audio:
        """The source with silence before its start and behind the end."""
        begin, self._at = self._at, self._at + n_frames
        silent = min(max(self._start - begin, 0), n_frames)
        if silent == n_frames or (self._end is not None and begin >= self._end):
            return np.zeros((self.n_channels, n_frames), dtype=np.float32)
        audio = self.source.read(n_frames - silent)
        if self._mix:
            audio = audio.mean(axis=0, keepdims=True)
        if silent:
            audio = np.pad(audio, ((0, 0), (silent, 0)))
        if self._end is not None and self._at > self._end - self._fade_frames:
            left = self._end - np.arange(begin, self._at)
            share = np.clip(left / max(self._fade_frames, 1), 0.0, 1.0)
            audio = audio * (0.5 - 0.5 * np.cos(np.pi * share)).astype(np.float32)
        return audio
