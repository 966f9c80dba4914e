"""NeuralPlugin: a track in a direction, by an end-to-end system, called as pedalboard's plugins."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import IDENTITY, quaternion_normalise, to_head, unit_vectors
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.neural.linn_renderer import LinnRenderer
from auricle.plugin_core.listener.set_options import SetOptions
from auricle.plugin_core.neural.systems import SHIPPED, OpenedSystem, open_system
from auricle.plugin_core.plugins.channel_layout import Block, CalledAsPlugin, checked_track

_LONGEST_M = 100.0


class NeuralPlugin(CalledAsPlugin):
    """Puts a track into a direction with LINN: ``plugin(audio, sample_rate)`` gives both ears.

    Mono in, stereo out, at 32 to 50 kHz; a stereo track is two sources at the ends of
    ``stereo_width_deg``. All places may be set while it runs: the sound moves there within the
    next 128 samples, as fast as a real source would have to, so set them in small steps. Nothing is
    held back (latency 0), but sound takes its time: 2.9 ms a metre.

    Args:
        hrtf: the listener: a set (a whole one, or a few directions), the path of a SOFA file, or
            None for the mean listener.
        azimuth_deg: + is left.
        elevation_deg: + is up, -90 to 90.
        distance_m: 0.1 to 100; the level falls as 1/r from 1 m.
        stereo_width_deg: between the channels of a stereo track.
        orientation: of the head, a quaternion [w, x, y, z].
        weights: of LINN; None: those that ship.

    Raises:
        AuricleError: a parameter out of its range, or weights that cannot be used.
    """

    def __init__(
        self, hrtf: HrtfSet | str | os.PathLike[str] | None = None, *, azimuth_deg: float = 0.0,
        elevation_deg: float = 0.0, distance_m: float = 1.0, stereo_width_deg: float = 60.0,
        orientation: ArrayLike = IDENTITY, weights: str | os.PathLike[str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._renderer: LinnRenderer | None = None
        listener = hrtf if isinstance(hrtf, HrtfSet) or hrtf is None else SetOptions().load(hrtf)
        path = None if weights is None else Path(weights)
        self._system: OpenedSystem = open_system(SHIPPED, path, listener)
        self.azimuth_deg, self.elevation_deg = azimuth_deg, elevation_deg
        self.distance_m, self.stereo_width_deg = distance_m, stereo_width_deg
        self.orientation = orientation

    def __repr__(self) -> str:
        return (
            f"<auricle.NeuralPlugin azimuth_deg={self.azimuth_deg:g} "
            f"elevation_deg={self.elevation_deg:g} distance_m={self.distance_m:g} at {id(self):#x}>"
        )

    latency_samples = 0

    def process_channels(
        self, audio: NDArray[np.float32], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> Block:  # fmt: skip
        """Render a track with the channels always first, so that nothing is guessed.

        Args:
            audio: (1, n) or (2, n) float32.
            sample_rate: Hz, 32000 to 50000.
            buffer_size: as in pedalboard; the result does not depend on it.
            reset: start from silence; False continues the last call.

        Returns:
            (2, n) float32, left ear first.

        Raises:
            AuricleError: more than two channels, a parameter out of its range, or another sample
                rate.
        """
        rate, _ = checked_track(audio, sample_rate, buffer_size)
        with self._lock:
            renderer = self._renderer
            if renderer is None or (renderer.sample_rate, renderer.n_sources) != (
                rate, audio.shape[0],
            ):  # fmt: skip
                made = self._system(rate, audio.shape[0])
                assert isinstance(made, LinnRenderer)
                self._renderer = renderer = made
            if reset:
                renderer.start(self._places(audio.shape[0]))
            renderer.set_places(self._places(audio.shape[0]))
            return renderer.process(np.float32(self._system.gain) * audio)

    def reset(self) -> None:
        """Begin anew from silence, without memory of the last call's layout."""
        with self._lock:
            self._layout.forget()
            if self._renderer is not None:
                self._renderer.reset()

    def _places(self, n_channels: int) -> NDArray[np.float64]:
        values = (self.azimuth_deg, self.elevation_deg, self.distance_m, self.stereo_width_deg)
        azimuth, elevation, distance, width = (float(value) for value in values)
        if not np.all(np.isfinite((azimuth, elevation, distance, width))):
            raise AuricleError(f"azimuth, elevation, distance and width are finite, got {values}")
        if abs(elevation) > 90.0 or not 0.1 <= distance <= _LONGEST_M:
            raise AuricleError(
                f"elevation_deg is -90 to 90 and distance_m 0.1 to {_LONGEST_M:g}, got "
                f"{elevation:g} and {distance:g}"
            )
        sides = np.array([width / 2.0, -width / 2.0]) if n_channels == 2 else np.zeros(1)
        places = distance * unit_vectors(azimuth + sides, elevation)
        try:
            turn = quaternion_normalise(np.asarray(self.orientation, dtype=np.float64))
        except ValueError as error:
            raise AuricleError(f"orientation: {error}") from None
        return to_head(places, turn)
