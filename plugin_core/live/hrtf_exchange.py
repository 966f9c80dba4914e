"""The listener's set while it plays: prepared off the audio thread, handed over whole."""

from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.renderer_state import RendererState
from auricle.plugin_core.live.around import Heard
from auricle.plugin_core.live.parameters import LiveScene


class Listener:
    """Hands sets to the audio thread, and keeps each alive until it is not read any more.

    Args:
        scene: through which they are handed over.
        state: of the renderer.
    """

    def __init__(self, scene: LiveScene, state: RendererState) -> None:
        self._scene, self._state = scene, state
        self._number = 0

    @property
    def newest(self) -> PreparedSet:
        """The tables handed over last."""
        return self._state.prepared(self._number)

    def exchange(self, prepared: PreparedSet, heard: Heard | None = None) -> None:
        """Fade over to another set, from the next control step on.

        Args:
            prepared: its tables.
            heard: what it makes of fields and LFE; None: they stay as they are.
        """
        number = self._state.add(prepared)
        with self._scene.lock:
            if number > self._number:
                self._number = number
                if heard is not None:
                    addresses = [each.address for each in heard.filters]
                    self._scene.set_around(addresses, heard.lfe_gain)
                self._state.follow(number)
                self._scene.set_engine(*self._state.addresses(number))
        self._scene.commit()

    def widen(self) -> None:
        """Let wide sources be heard: from a set with room for their copies on, faded to."""
        if self._state.width is None:
            width = self._state.make_width(self.newest)
            with self._scene.lock:
                self._scene.set_width_state(width.address)
            self.exchange(self.newest)

    def collect(self, in_use: int) -> None:
        """Let go of sets before the one in use, which the audio thread never returns to."""
        self._state.collect(in_use)

    def nonfinite_blocks(self, in_use: int) -> int:
        """Parts of calls in which sources held NaN or infinity and were silenced."""
        return self._state.nonfinite_blocks(in_use)
