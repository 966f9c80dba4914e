"""The interface of a driver: a clock that calls the block function."""

from typing import Protocol

from auricle.plugin_core.live.shared_state import SharedState


class Backend(Protocol):
    """A driver, open but silent until ``start``.

    Attributes:
        name: for people.
    """

    name: str

    @property
    def sample_rate(self) -> int:
        """The sample rate of the device, in Hz."""

    @property
    def block_size(self) -> int:
        """Frames of a block."""

    def start(self, shared: SharedState) -> None:
        """Call the block function on the shared state from now on; raises AuricleError if it
        cannot.
        """

    def stop(self) -> None:
        """Call it no more, and give the device back; when this returns no call is under way."""

    def latency_seconds(self) -> float:
        """From the begin of a block's making to the sound of its first sample, as the driver
        tells.
        """

    def trouble(self) -> str:
        """A line on what has gone wrong with the device since it was started; else empty."""
