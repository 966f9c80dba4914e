"""End-to-end systems by name, under one listener, ready to render."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf import HrtfSet
from auricle.dsp.linn import LinnRenderer
from auricle.plugin_core.feed import Feed
from auricle.plugin_core.motion import Head
from auricle.plugin_core.neural.bus import NeuralBus, System

if TYPE_CHECKING:
    from auricle.personalization.endtoend.codes import Codebook
    from auricle.personalization.weights import Weights

LIVE = "linn"  # the one that ships, and renders in blocks without torch
RATE = 48000  # Hz of all others
FEW = 20  # directions below which a set is completed first

_FILES = Path(__file__).resolve().parents[2] / "personalization" / "model_files"
Say = Callable[[str], None]


@dataclass(frozen=True)
class OpenedSystem:
    """A system and a listener: ``system(rate, n)`` makes what renders n sources.

    Attributes:
        weights: of the system; path: their file.
        code: (D,) of the listener.
    """

    weights: "Weights"
    path: Path
    code: NDArray[np.float32]

    def __call__(self, sample_rate: int, n_sources: int) -> System:
        """What renders ``n_sources`` at a rate; AuricleError for a rate the system has not."""
        if self.weights.model == LIVE:
            return _live(self, sample_rate, n_sources)
        if sample_rate != RATE:
            raise AuricleError(f"{self.weights.model} renders at {RATE} Hz, got {sample_rate}")
        return _in_pieces(self, n_sources)

    def bus(self, sample_rate: int) -> Callable[[Sequence[Feed], Head | None], NeuralBus]:
        """What renders objects in the place of the engine."""

        def make(feeds: Sequence[Feed], head: Head | None) -> NeuralBus:
            return NeuralBus(self(sample_rate, sum(feed.n_channels for feed in feeds)), feeds, head)

        return make


def open_system(
    model: str = LIVE, weights: Path | None = None, hrtf: HrtfSet | None = None,
    say: Say | None = None,
) -> OpenedSystem:  # fmt: skip
    """A trained system for a listener.

    Args:
        model: its name.
        weights: the file; None: the one that ships.
        hrtf: the listener's set, whole or a few directions; None: the mean listener.
        say: told how the listener was taken.

    Raises:
        AuricleError: no weights under that name, or a damaged file.
    """
    from auricle.personalization.endtoend.codes import Codebook
    from auricle.personalization.weights import load_weights

    if weights is None:
        weights = _FILES / f"{model}.safetensors"
        if not weights.is_file():
            raise AuricleError(
                f"no weights of {model!r} ship with Auricle, only of {LIVE}; train them with "
                f"auricle train {model} --data DIR -o FILE and name the file with --weights"
            )
    loaded = load_weights(weights, model)
    if "codes.mean" not in loaded.tensors:
        raise AuricleError(f"{weights}: holds no codebook; train it anew with auricle train")
    book = Codebook.from_tensors(loaded.tensors)
    return OpenedSystem(loaded, weights, _code(book, hrtf, say or (lambda _: None)))


def _live(opened: OpenedSystem, sample_rate: int, n_sources: int) -> System:
    from auricle.personalization.endtoend.linn_networks import networks_of

    return LinnRenderer(networks_of(opened.weights, opened.code), sample_rate, n_sources)


def _in_pieces(opened: OpenedSystem, n_sources: int) -> System:
    from auricle.personalization.endtoend.trained import load_system
    from auricle.personalization.endtoend.windowed import WindowedRenderer

    return WindowedRenderer(load_system(opened.path).system, opened.code, n_sources)


def _code(book: "Codebook", hrtf: HrtfSet | None, say: Say) -> NDArray[np.float32]:
    if hrtf is None:
        say("no listener was named: the mean listener hears")
        return book.unknown
    if hrtf.n_directions < FEW:
        say(f"the listener is completed from {hrtf.n_directions} directions")
        return book.code_from_few(hrtf)
    return book.code_of(hrtf)
