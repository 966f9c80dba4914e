"""The scene as it plays: what setters and OSC write, on its way to the audio thread.

Implements ``auricle.osc.scene.target.Target``. Writing changes a vector here; ``commit`` hands it
over whole. Any thread may write: a lock keeps writers apart, the audio thread never sees it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.geometry import unit_vectors
from auricle.osc.quaternion import Quaternion, Vector
from auricle.plugin_core.live.audio_thread import mailbox, shared_memory
from auricle.plugin_core.live.audio_thread.shared_memory import Scene
from auricle.plugin_core.live.shared_state import SharedState
from auricle.plugin_core.motion.osc_recording import WIDEST_DEG


class LiveScene:
    """Places, gains and mutes of S sources, the listener, and the set in use.

    Args:
        azimuths_deg: (S,) of the sources at the start, at 1 m.
        n_fields: of ambisonics.

    Attributes:
        names: of the sources, as OSC has set them; nothing sounds different for them.
        widths_deg: (S,) of the sources; the first that is wide is heard when there is room for it.
        superseded: commits that were replaced before the audio thread came to take them.
        changes: names of scenes that were announced.
    """

    def __init__(self, azimuths_deg: NDArray[np.float64], n_fields: int = 0) -> None:
        n = len(azimuths_deg)
        self._values = np.zeros(shared_memory.scene_width(n, n_fields))
        first = int(Scene.SOURCES)
        self.positions = self._values[first : first + 3 * n].reshape(n, 3)
        self.gains = self._values[first + 3 * n : first + 4 * n]
        self.audible = self._values[first + 4 * n : first + 5 * n]
        self.widths_deg = self._values[first + 5 * n : first + 6 * n]
        self._filters = self._values[first + 6 * n :]
        self.orientation = self._values[Scene.ORIENTATION : Scene.ORIENTATION + 4]
        self.place = self._values[Scene.PLACE : Scene.PLACE + 3]
        self.positions[:] = unit_vectors(azimuths_deg, 0.0)
        self.gains[:] = self.audible[:] = 1.0
        self.orientation[0] = 1.0
        self.names = [""] * n
        self.superseded = 0
        self.scene_name = ""
        self.lock = threading.Lock()
        self._shared: SharedState | None = None
        self._ask_hrtf: Callable[[Path], None] | None = None
        self._ask_width: Callable[[], None] | None = None
        self._tell: Callable[[], dict[str, Any]] | None = None

    def ask_with(self, ask_hrtf: Callable[[Path], None], ask_width: Callable[[], None]) -> None:
        """Let ``ask_hrtf`` load the sets that are asked for, ``ask_width`` make room for width."""
        self._ask_hrtf, self._ask_width = ask_hrtf, ask_width

    def attach(self, shared: SharedState, tell: Callable[[], dict[str, Any]]) -> None:
        """From now on commits reach the shared state; ``tell`` gives statistics."""
        self._shared, self._tell = shared, tell

    def detach(self) -> None:
        """Keep the values; nobody hears of changes."""
        self._shared = None

    def set_engine(self, address: int, copies_address: int, number: int) -> None:
        """Exchange the set, with the next commit."""
        self._values[Scene.ENGINE_ID], self._values[Scene.ENGINE_AT] = number, address
        self._values[Scene.COPIES_AT] = copies_address

    def set_around(self, filter_addresses: Sequence[int], lfe_gain: float) -> None:
        """Exchange what fields and the LFE are heard through, with the next commit."""
        self._filters[:] = filter_addresses
        self._values[Scene.LFE_GAIN] = lfe_gain

    def set_width_state(self, address: int) -> None:
        """Hand over what makes sources wide, with the next commit."""
        self._values[Scene.WIDTH_AT] = address

    @property
    def n_sources(self) -> int:
        """The number of sources."""
        return len(self.gains)

    def set_position(self, source: int, position_m: Vector) -> None:
        """See ``auricle.osc.scene.target.Target``, as for all that follow."""
        self.positions[source] = position_m

    def set_gain(self, source: int, gain: float) -> None:  # noqa: D102
        self.gains[source] = gain

    def set_mute(self, source: int, muted: bool) -> None:  # noqa: D102
        self.audible[source] = 0.0 if muted else 1.0

    def set_width(self, source: int, width: float) -> None:  # noqa: D102
        self.widths_deg[source] = WIDEST_DEG * width

    def set_name(self, source: int, name: str) -> None:  # noqa: D102
        self.names[source] = name

    def set_listener_orientation(self, orientation: Quaternion) -> None:  # noqa: D102
        self.orientation[:] = orientation

    def set_listener_position(self, position_m: Vector) -> None:  # noqa: D102
        self.place[:] = position_m

    def request_hrtf(self, path: Path) -> None:  # noqa: D102
        if self._ask_hrtf is not None:
            self._ask_hrtf(path)

    def change_scene(self, name: str) -> None:  # noqa: D102
        self.scene_name = name

    def reset(self) -> None:  # noqa: D102
        self._values[Scene.RESETS] += 1.0

    def commit(self) -> None:  # noqa: D102
        with self.lock:
            self._values[Scene.NUMBER] += 1.0
            if self._shared is None:
                return
            if self._ask_width and self._values[Scene.WIDTH_AT] == 0 and self.widths_deg.any():
                self._ask_width()
            self._values[Scene.COMMITTED_NS] = time.monotonic_ns()
            arrays = self._shared.arrays
            self.superseded += mailbox.publish(self._values, arrays.scene, arrays.scene_cells)

    @property
    def commits(self) -> int:
        """The number of times that the scene was committed."""
        return int(self._values[Scene.NUMBER])

    def statistics(self) -> dict[str, Any]:  # noqa: D102
        return self._tell() if self._tell is not None else {}
