"""The listener's set while it plays: prepared off the audio thread, handed over whole."""

import numpy as np

from auricle.dsp.acoustics.air_absorption import Air
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.engine import Engine
from auricle.plugin_core.live.parameters import LiveScene


class Listener:
    """Hands engines to the audio thread, and keeps each alive until it is not read any more.

    Args:
        scene: through which they are handed over.
        near_field_m: as of the renderer, resolved; air: likewise.
    """

    def __init__(self, scene: LiveScene, near_field_m: float, air: Air | None = None) -> None:
        self._scene, self._air = scene, air
        self._near_field_m = np.full(scene.n_sources, near_field_m)
        self._in_air = np.ones(scene.n_sources, dtype=bool)
        self._kept: dict[int, Engine] = {}
        self._number = 0

    @property
    def newest(self) -> PreparedSet:
        """The tables handed over last."""
        return self._kept[self._number].prepared

    def exchange(self, prepared: PreparedSet) -> None:
        """Fade over to another set, from the next control step on."""
        engine = Engine(
            prepared, self._scene.n_sources, self._air, self._near_field_m, self._in_air
        )
        engine.reset()  # the system gives memory when it is first written to
        with self._scene.lock:
            self._number += 1
            self._kept[self._number] = engine
            self._scene.set_engine(self._number, engine.address)
        self._scene.commit()

    def collect(self, in_use: int) -> None:
        """Let go of engines before the one in use, which the audio thread never returns to."""
        for number in [each for each in self._kept if each < in_use]:
            del self._kept[number]

    def nonfinite_blocks(self, in_use: int) -> int:
        """Parts of calls in which sources held NaN or infinity and were silenced."""
        kept = self._kept.get(in_use)
        return int(kept.nonfinite.sum()) if kept is not None else 0

    def close(self) -> None:
        """Let go of all; no driver may call any more."""
        self.collect(self._number + 1)
