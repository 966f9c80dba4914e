"""BinauralPlugin: one mono or stereo track in a direction, called as pedalboard's plugins are."""

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY, quaternion_normalise, unit_vectors
from auricle.dsp.hrtf.default_listener import default_hrtf
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import prepared_set
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import BinauralRenderer
from auricle.plugin_core.listener.set_options import SetOptions
from auricle.plugin_core.plugins.channel_layout import Block, CalledAsPlugin, checked_track

Listener = HrtfSet | str | os.PathLike[str] | None


class BinauralPlugin(CalledAsPlugin):
    """Puts a track into a direction: ``plugin(audio, sample_rate)`` gives both ears, float32.

    Mono in, stereo out; a stereo track is two sources at the ends of ``stereo_width_deg`` around
    the azimuth. All parameters may be set while it runs; the sound moves there within the next
    call. A change of the sample rate or of the channels starts anew. pedalboard need not be there.

    Args:
        hrtf: a set, the path of a SOFA file, or None for the default listener.
        azimuth_deg: + is left.
        elevation_deg: + is up, -90 to 90.
        distance_m: the level falls as 1/r from 1 m.
        stereo_width_deg: between the two channels of a stereo track.
        orientation: of the head, a quaternion [w, x, y, z].
        rank: "auto", "full" or a number of buses.
        level: "matched" or "measured".

    Raises:
        AuricleError: a parameter out of its range.
    """

    def __init__(
        self, hrtf: Listener = None, *, azimuth_deg: float = 0.0, elevation_deg: float = 0.0,
        distance_m: float = 1.0, stereo_width_deg: float = 60.0, orientation: ArrayLike = IDENTITY,
        rank: str | int = "auto", level: str = "matched",
    ) -> None:  # fmt: skip
        super().__init__()
        self._renderer: BinauralRenderer | None = None
        self._prepared: PreparedSet | None = None
        self._due = 0  # samples of latency that are still to be dropped
        self._rank, self._level = rank, level
        self._hrtf = _loaded(hrtf)
        self.azimuth_deg = azimuth_deg
        self.elevation_deg = elevation_deg
        self.distance_m = distance_m
        self.stereo_width_deg = stereo_width_deg
        self.orientation = np.asarray(orientation)

    def __repr__(self) -> str:
        return (
            f"<auricle.BinauralPlugin azimuth_deg={self.azimuth_deg:g} "
            f"elevation_deg={self.elevation_deg:g} distance_m={self.distance_m:g} at {id(self):#x}>"
        )

    @property
    def azimuth_deg(self) -> float:
        """The azimuth in degrees, counter-clockwise seen from above: 90 is left."""
        return self._azimuth_deg

    @azimuth_deg.setter
    def azimuth_deg(self, value: float) -> None:
        self._azimuth_deg = _within("azimuth_deg", value, -np.inf, np.inf)

    @property
    def elevation_deg(self) -> float:
        """The elevation in degrees, -90 (below) to 90 (above)."""
        return self._elevation_deg

    @elevation_deg.setter
    def elevation_deg(self, value: float) -> None:
        self._elevation_deg = _within("elevation_deg", value, -90.0, 90.0)

    @property
    def distance_m(self) -> float:
        """The distance in metres, 0.01 to 1000; twice the distance is 6 dB less."""
        return self._distance_m

    @distance_m.setter
    def distance_m(self, value: float) -> None:
        self._distance_m = _within("distance_m", value, 0.01, 1000.0)

    @property
    def stereo_width_deg(self) -> float:
        """The angle in degrees between the channels of a stereo track; negative swaps them."""
        return self._stereo_width_deg

    @stereo_width_deg.setter
    def stereo_width_deg(self, value: float) -> None:
        self._stereo_width_deg = _within("stereo_width_deg", value, -360.0, 360.0)

    @property
    def orientation(self) -> NDArray[np.float64]:
        """The head's orientation: a unit quaternion [w, x, y, z], head axes to world axes."""
        return self._orientation.copy()

    @orientation.setter
    def orientation(self, value: ArrayLike) -> None:
        self._orientation = _quaternion(value)

    @property
    def hrtf(self) -> HrtfSet:
        """The listener's set; a new one fades in, within the next calls, without a click."""
        return self._hrtf

    @hrtf.setter
    def hrtf(self, value: Listener) -> None:
        hrtf = _loaded(value)
        renderer = self._renderer
        prepared = None if renderer is None else self._prepare(hrtf, renderer.sample_rate)
        with self._lock:
            self._hrtf, self._prepared = hrtf, prepared
            if self._renderer is renderer and renderer is not None and prepared is not None:
                renderer.exchange_hrtf(prepared)

    @property
    def latency_samples(self) -> int:
        """The samples that calls with ``reset=False`` hold back at first; mostly 0."""
        return 0 if self._renderer is None else self._renderer.latency_samples

    @property
    def nonfinite_blocks(self) -> NDArray[np.int64]:
        """For each channel the number of parts of calls in which it was silenced.

        A channel is silenced while it holds NaN, infinity or a sample of more than 1e15.
        """
        if self._renderer is None:
            return np.zeros(0, dtype=np.int64)
        return self._renderer.nonfinite_blocks.copy()

    def process_channels(
        self, audio: NDArray[np.float32], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> Block:  # fmt: skip
        """Render a track with the channels always first, so that nothing is guessed.

        Args:
            audio: (1, n) or (2, n) float32.
            sample_rate: Hz.
            buffer_size: samples rendered at a time.
            reset: start from silence and give all; False continues the last call.

        Returns:
            (2, n) float32, left ear first; less by the latency in the first calls with
            ``reset=False``.

        Raises:
            AuricleError: more than two channels, or a rate or size that is not above 0.
        """
        rate, size = checked_track(audio, sample_rate, buffer_size, ", or use BinauralRenderer")
        with self._lock:
            renderer = self._ready(rate, audio.shape[0])
            if reset:
                self._restart(renderer)
                audio = np.pad(audio, ((0, 0), (0, self._due)))
            renderer.set_positions(self._positions_m(audio.shape[0]))
            renderer.set_listener(self._orientation)
            out = np.empty((2, audio.shape[1]), dtype=np.float32)
            for start in range(0, audio.shape[1], size):
                part = slice(start, start + size)
                renderer.process_into(audio[:, part], out[:, part])
            dropped = min(self._due, audio.shape[1])
            self._due -= dropped
            return out[:, dropped:]

    def reset(self) -> None:
        """Begin anew from silence, without memory of the last call's layout."""
        with self._lock:
            self._layout.forget()
            if self._renderer is not None:
                self._restart(self._renderer)

    def _restart(self, renderer: BinauralRenderer) -> None:
        renderer.reset()
        self._due = renderer.latency_samples

    def _ready(self, sample_rate: int, n_channels: int) -> BinauralRenderer:
        renderer = self._renderer
        if renderer is None or renderer.sample_rate != sample_rate:
            self._prepared = None
        elif renderer.n_sources == n_channels:
            return renderer
        if self._prepared is None:
            self._prepared = self._prepare(self._hrtf, sample_rate)
        self._renderer = BinauralRenderer(
            self._prepared, sample_rate, n_sources=n_channels, distance_gain=True
        )
        self._restart(self._renderer)
        return self._renderer

    def _prepare(self, hrtf: HrtfSet, sample_rate: int) -> PreparedSet:
        return prepared_set(hrtf, sample_rate, rank=self._rank, level=self._level)

    def _positions_m(self, n_channels: int) -> NDArray[np.float64]:
        half = self._stereo_width_deg / 2.0
        sides = np.array([half, -half]) if n_channels == 2 else np.zeros(1)
        return self._distance_m * unit_vectors(self._azimuth_deg + sides, self._elevation_deg)


def _loaded(hrtf: Listener) -> HrtfSet:
    if hrtf is None:
        return default_hrtf()
    return hrtf if isinstance(hrtf, HrtfSet) else SetOptions().load(hrtf)


def _within(name: str, value: float, least: float, most: float) -> float:
    number = float(value)
    if not (np.isfinite(number) and least <= number <= most):
        bounds = f"from {least:g} to {most:g}" if np.isfinite(most) else "a finite number"
        raise AuricleError(f"{name} must be {bounds}, got {value}")
    return number


def _quaternion(value: ArrayLike) -> NDArray[np.float64]:
    quaternion = np.array(value, dtype=np.float64)
    if quaternion.shape != (4,):
        raise AuricleError(f"orientation must be [w, x, y, z], got shape {quaternion.shape}")
    return quaternion_normalise(quaternion)
