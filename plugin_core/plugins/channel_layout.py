"""Layout of an array of sound as pedalboard reads it: which side is the channels, which dtypes."""

import copy
import threading
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError

Block = NDArray[np.float32]
Self = TypeVar("Self", bound="CalledAsPlugin")


class ChannelLayout:
    """Turns the caller's arrays into (channels, samples) float32 and back, as pedalboard does.

    The smaller side is the channels. Where that cannot be told, or the last call had as many
    channels as one side has, the last call decides, until ``forget``. A 1-D array is mono.
    """

    def __init__(self) -> None:
        self._channels = 0  # of the last call with a 2-D array; 0: none
        self._samples_first = False

    def forget(self) -> None:
        """No last call any more."""
        self._channels = 0

    def channels_first(self, audio: Any) -> tuple[Block, "Form"]:
        """A new array (C, n) float32, and what ``restored`` needs to give its like back.

        Raises:
            TypeError: not an array of 32-bit or 64-bit floating point numbers.
            RuntimeError: neither one nor two dimensions, or sides that do not tell the channels
                (pedalboard raises this type too).
        """
        if not isinstance(audio, np.ndarray):
            raise TypeError(f"audio must be a NumPy array, got {type(audio).__name__}")
        if audio.dtype not in (np.float32, np.float64):
            raise TypeError(
                "only 32-bit and 64-bit floating point audio is supported for processing, got "
                f"{audio.dtype}; bring it to full scale 1.0 first"
            )
        if audio.ndim not in (1, 2):
            raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {audio.ndim}).")
        samples_first = audio.ndim == 2 and self._is_samples_first(*audio.shape)
        channels = np.atleast_2d(audio.T if samples_first else audio)
        if audio.ndim == 2:
            self._channels, self._samples_first = channels.shape[0], samples_first
        with np.errstate(over="ignore"):  # too large for 32 bits becomes infinity, met further on
            return np.array(channels, dtype=np.float32, order="C"), Form(audio.ndim, samples_first)

    def _is_samples_first(self, rows: int, columns: int) -> bool:
        if self._channels and (rows == self._channels) != (columns == self._channels):
            return columns == self._channels
        if rows == columns:
            if rows == 1:
                return False
            if not self._channels:
                raise RuntimeError(
                    f"Unable to determine channel layout from shape: ({rows}, {columns}). Provide "
                    "a non-square array first to allow Auricle to determine which dimension "
                    "corresponds with the number of channels and which dimension corresponds with "
                    "the number of samples."
                )
            return self._samples_first
        if min(rows, columns) == 0:
            return rows == 0  # no samples; pedalboard gives such an array back as it is
        return columns < rows


class Form:
    """The shape that a call's arrays had."""

    def __init__(self, n_dimensions: int, samples_first: bool) -> None:
        self._n_dimensions, self._samples_first = n_dimensions, samples_first

    def restored(self, channels: Block) -> Block:
        """(C, n) in the caller's order; 1-D only if it was and there is still one channel."""
        if self._n_dimensions == 1 and channels.shape[0] == 1:
            return channels[0]
        return np.ascontiguousarray(channels.T) if self._samples_first else channels


def checked_call(sample_rate: Any, buffer_size: Any) -> tuple[int, int]:
    """Sample rate in Hz and buffer size of a call, as whole numbers.

    Raises:
        TypeError: not numbers.
        AuricleError: not above 0 (pedalboard hangs at a buffer size of 0).
    """
    if not isinstance(sample_rate, (int, float, np.integer, np.floating)):
        raise TypeError(f"sample_rate must be a number in Hz, got {sample_rate!r}")
    if not isinstance(buffer_size, (int, np.integer)):
        raise TypeError(f"buffer_size must be a whole number of samples, got {buffer_size!r}")
    if not 0.0 < float(sample_rate) < np.inf:
        raise AuricleError(f"sample_rate must be above 0 Hz, got {sample_rate}")
    if buffer_size < 1:
        raise AuricleError(f"buffer_size must be at least 1 sample, got {buffer_size}")
    return round(float(sample_rate)), int(buffer_size)


def checked_track(
    audio: Block, sample_rate: Any, buffer_size: Any, instead: str = ""
) -> tuple[int, int]:  # fmt: skip
    """As ``checked_call``, for a track (C, n) of one or two channels.

    Raises:
        TypeError: not numbers.
        AuricleError: more channels (``instead``: what else to use for them), or not above 0.
    """
    if audio.shape[0] not in (1, 2):
        raise AuricleError(
            f"the audio has {audio.shape[0]} channels, a track has 1 or 2; render each pair with a "
            f"plugin of its own{instead}"
        )
    return checked_call(sample_rate, buffer_size)


class CalledAsPlugin:
    """The base of plugins that are called as pedalboard's are: any layout, one call at a time.

    A subclass gives ``process_channels``. Copies (``copy``, ``deepcopy``, ``pickle``) are plugins
    of their own that sound like the original from there on.
    """

    is_effect = True
    is_instrument = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._layout = ChannelLayout()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def __copy__(self: Self) -> Self:
        return copy.deepcopy(self)

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        with self._lock:  # no call comes between
            made.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return made

    def process(
        self, input_array: NDArray[Any], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> Block:  # fmt: skip
        """Process audio; the array that comes out has its channels where the input has them.

        The arguments are those of pedalboard's plugins. The plugin itself may be called as well:
        ``plugin(audio, sample_rate)``.

        Args:
            input_array: (C, n), (n, C) or (n,); float32 or float64. Which side is the channels is
                found as pedalboard finds it.
            sample_rate: Hz.
            buffer_size: samples taken at a time.
            reset: start from silence and give all; False continues the last call.

        Returns:
            A new float32 array.

        Raises:
            TypeError: other dtypes.
            RuntimeError: the channels cannot be told.
            ValueError: a number of channels that cannot be, or a sample rate or buffer size that is
                not above 0.
        """
        with self._lock:
            channels, form = self._layout.channels_first(input_array)
            return form.restored(self.process_channels(channels, sample_rate, buffer_size, reset))

    __call__ = process

    def process_channels(
        self, audio: NDArray[np.float32], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> Block:  # fmt: skip
        """Process audio with the channels always first, so that nothing is guessed.

        Args:
            audio: (C, n) float32.
            sample_rate: Hz.
            buffer_size: samples taken at a time.
            reset: start from silence and give all; False continues the last call.

        Returns:
            (C', n) float32.
        """
        raise NotImplementedError
