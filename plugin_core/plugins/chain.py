"""Chain: pedalboard's plugins and Auricle's in one list, called as one plugin.

pedalboard's own ``Pedalboard`` runs only what is written in C++. A chain hands each run of such
plugins to one ``Pedalboard`` and calls the other stages between. pedalboard is imported only when
one of its plugins is in the list.
"""

from collections.abc import Iterable, MutableSequence
from typing import Any, Protocol, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.streaming.input_checks import LOUDEST_SAMPLE
from auricle.plugin_core.plugins.channel_layout import Block, CalledAsPlugin, checked_call
from auricle.plugin_core.plugins.native_copies import Recipe, recipe_of, remade


@runtime_checkable
class Stage(Protocol):
    """Anything that is called as a pedalboard plugin is."""

    def process(
        self, input_array: NDArray[Any], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> NDArray[Any]:  # fmt: skip
        """Process audio as pedalboard's plugins do.

        Args:
            input_array: (C, n), (n, C) or (n,), floating point.
            sample_rate: Hz.
            buffer_size: samples taken at a time.
            reset: start from silence; False continues the last call.
        """
        ...

    def reset(self) -> None:
        """Begin anew from silence."""
        ...


class Chain(CalledAsPlugin, MutableSequence[Stage]):
    """A list of stages: ``chain(audio, sample_rate)`` runs them in order, float32.

    ``Chain([Compressor(), BinauralPlugin(azimuth_deg=30), Limiter()])``. Stages may be added,
    exchanged and removed as in a list; the state of native plugins starts anew then.

    A call with ``reset=True`` gives as many samples as it takes: the latency of native plugins is
    compensated. Calls with ``reset=False`` continue each other. They hold back the latency once, so
    the first ones are short or empty, and all that they give together is aligned with the input.
    Unlike those of a ``Pedalboard``, they may have any size in any order.

    NaN, infinity and samples above 1e15 are silenced before each stage: native plugins would keep
    them for ever. Copies (``copy``, ``deepcopy``, ``pickle``) have stages of their own with the
    same parameters. Native ones start from silence in them, since pedalboard does not give their
    state away; VST3 plugins and impulse responses that came from no file cannot be copied at all,
    which a TypeError says.

    Args:
        stages: plugins of pedalboard and of Auricle, in order.

    Raises:
        TypeError: a stage without ``process`` and ``reset``.
        RuntimeError: a stage that is in the chain twice.
    """

    def __init__(self, stages: Iterable[Stage] = ()) -> None:
        super().__init__()
        self._stages = [_checked(stage) for stage in stages]
        self._runs: list[Any] | None = None

    @overload
    def __getitem__(self, index: int) -> Stage: ...
    @overload
    def __getitem__(self, index: slice) -> list[Stage]: ...
    def __getitem__(self, index: int | slice) -> Stage | list[Stage]:
        return self._stages[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        stages = (
            [_checked(stage) for stage in value] if isinstance(index, slice) else _checked(value)
        )
        with self._lock:
            self._stages[index] = stages
            self._runs = None

    def __delitem__(self, index: int | slice) -> None:
        with self._lock:
            del self._stages[index]
            self._runs = None

    def __len__(self) -> int:
        return len(self._stages)

    def insert(self, index: int, value: Stage) -> None:
        """Put a stage before the one at ``index``; raises TypeError for what is no stage."""
        with self._lock:
            self._stages.insert(index, _checked(value))
            self._runs = None

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        stages = [recipe_of(stage) if _is_native(stage) else stage for stage in self._stages]
        return state | {"_stages": stages, "_runs": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        stages = state["_stages"]
        self._stages = [remade(each) if isinstance(each, Recipe) else each for each in stages]

    def __repr__(self) -> str:
        return f"<auricle.Chain with {len(self)} stages: {self._stages!r}>"

    def process_channels(
        self, audio: NDArray[np.float32], sample_rate: float, buffer_size: int = 8192,
        reset: bool = True,
    ) -> Block:  # fmt: skip
        """Run the stages with the channels always first, so that nothing is guessed.

        Args:
            audio: (C, n) float32.
            sample_rate: Hz.
            buffer_size: samples taken at a time.
            reset: start from silence and give all; False continues the last call.

        Returns:
            (C', n') float32: the channels of the last stage.
        """
        rate, size = checked_call(sample_rate, buffer_size)
        with self._lock:
            for run in self._current_runs():
                # Ours take (2, 1) as two channels; what guesses from the shape may not.
                call = getattr(run, "process_channels", None) or run.process
                audio = np.asarray(call(_sound(audio), rate, size, reset), dtype=np.float32)
            return audio

    def reset(self) -> None:
        """Begin anew from silence in all stages, without memory of the last call's layout."""
        with self._lock:
            self._layout.forget()
            for run in self._current_runs():
                run.reset()

    def _current_runs(self) -> list[Any]:
        if self._runs is None:
            if len({id(stage) for stage in self._stages}) < len(self._stages):
                raise RuntimeError(
                    "The same stage is in this chain more than once, which would mix up its state; "
                    "make a second one."
                )
            self._runs = _grouped(self._stages)
        return self._runs


class _NativeRun:
    """Native plugins that follow each other, in one Pedalboard."""

    def __init__(self, plugins: list[Any]) -> None:
        import pedalboard

        self._board = pedalboard.Pedalboard(plugins)
        self._prepared_for: tuple[int, int, int] | None = None

    def process_channels(
        self, audio: NDArray[np.float32], sample_rate: int, buffer_size: int, reset: bool
    ) -> Block:
        wanted = (audio.shape[0], sample_rate, buffer_size)
        if wanted != self._prepared_for:
            self._prime(*wanted)
            self._prepared_for = wanted
        return self._board.process(audio, sample_rate, buffer_size, reset)

    def _prime(self, n_channels: int, sample_rate: int, buffer_size: int) -> None:
        """Make later calls of any size safe.

        A native plugin silently starts anew when a call is larger than all before, and takes (2, 1)
        for two samples of one channel unless it has seen more: so the first call is the largest.
        The second one, of no samples, starts the stream without forgetting the layout.
        """
        longest = np.zeros((n_channels, max(buffer_size, n_channels + 1)), dtype=np.float32)
        self._board.process(longest, sample_rate, buffer_size, True)
        self._board.process(longest[:, :0], sample_rate, buffer_size, True)

    def reset(self) -> None:
        self._prepared_for = None
        self._board.reset()


def _grouped(stages: list[Stage]) -> list[Any]:
    """Stages with each run of native plugins put together."""
    runs: list[Any] = []
    native: list[Any] = []
    for stage in stages:
        if _is_native(stage):
            native.append(stage)
            continue
        if native:
            runs.append(_NativeRun(native))
        native = []
        runs.append(stage)
    return [*runs, _NativeRun(native)] if native else runs


def _sound(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The audio with silence for what is none."""
    within = np.abs(audio) <= LOUDEST_SAMPLE
    return audio if np.all(within) else np.where(within, audio, np.float32(0.0))


def _is_native(stage: object) -> bool:
    return any(base.__module__.startswith("pedalboard_native") for base in type(stage).__mro__)


def _checked(stage: Any) -> Stage:
    if not isinstance(stage, Stage):
        raise TypeError(
            f"a stage has process(audio, sample_rate, buffer_size, reset) and reset(); "
            f"{type(stage).__name__} has not"
        )
    return stage
