"""End-to-end systems by name, under one listener, ready to render."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.registry import placed
from auricle.dsp.sphere.grids import fibonacci_sphere
from auricle.personalization.endtoend.systems.registry import SYSTEMS, system
from auricle.plugin_core.mixing.feed import TrackStream
from auricle.plugin_core.motion.paths import Head
from auricle.plugin_core.neural.bus import NeuralBus, System

if TYPE_CHECKING:
    from auricle.personalization.endtoend.listeners.codebook import Codebook
    from auricle.personalization.learning.weights import Weights

SHIPPED = "linn"  # the one whose weights ship
RATE = 48000  # Hz of all others
FEW = 20  # directions below which a set is completed first

_LEVEL_DIRECTIONS = 300
_MOST_DB = 200.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class OpenedSystem:
    """A system and a listener: ``system(rate, n)`` makes what renders n sources.

    Attributes:
        weights: of the system.
        code: (D,) of the listener.
        gain: linear, that brings the listener to the level of the engine, a mean diffuse-field
            power of 1; the systems have a level of 1 at low frequencies.
    """

    weights: "Weights"
    code: NDArray[np.float32]
    gain: float = 1.0

    def __call__(self, sample_rate: int, n_sources: int) -> System:
        """What renders ``n_sources`` at a rate; AuricleError for a rate the system has not."""
        if SYSTEMS.find(self.weights.model).in_blocks:
            return _in_blocks(self, sample_rate, n_sources)
        if sample_rate != RATE:
            raise AuricleError(f"{self.weights.model} renders at {RATE} Hz, got {sample_rate}")
        return _in_pieces(self, n_sources)

    def bus(self, sample_rate: int) -> Callable[[Sequence[TrackStream], Head | None], NeuralBus]:
        """The bus that renders objects in the place of the engine."""

        def make(feeds: Sequence[TrackStream], head: Head | None) -> NeuralBus:
            system = self(sample_rate, sum(feed.n_channels for feed in feeds))
            return NeuralBus(system, feeds, head, self.gain)

        return make


def open_system(
    model: str = SHIPPED, weights: Path | None = None, hrtf: HrtfSet | None = None,
    say: Say | None = None,
) -> OpenedSystem:  # fmt: skip
    """A trained system for a listener.

    Args:
        model: its name.
        weights: the file; None: the one that ships.
        hrtf: the listener's set, whole or a few directions; None: the mean listener.
        say: told how the listener was taken.

    Raises:
        AuricleError: no weights under that name, a damaged file, or a set that is noise, silent or
            has its ears exchanged.
    """
    from auricle.personalization.endtoend.listeners.codebook import codebook_in
    from auricle.personalization.learning.weights import fitting, load_weights, shipped_weights

    if weights is None:
        weights = shipped_weights(model)
        if not weights.is_file():
            raise AuricleError(
                f"no weights of {model!r} ship with Auricle, only of {SHIPPED}; train them with "
                f"auricle train {model} --data DIR -o FILE and name the file with --weights"
            )
    loaded = load_weights(weights, model)
    book = codebook_in(loaded, weights)
    code = _code(book, hrtf, say or (lambda _: None))
    with fitting(loaded):
        opened = OpenedSystem(loaded, code, _gain_of(book, code))
        if SYSTEMS.find(loaded.model).in_blocks:  # refused now, not when it shall sound
            _in_blocks(opened, RATE, 1)
    return opened


def _gain_of(book: "Codebook", code: NDArray[np.float32]) -> float:
    from auricle.personalization.datasets.harmonise import LEVEL_BAND_HZ
    from auricle.personalization.listeners.features import SAMPLE_RATE, SIZE

    hz = np.fft.rfftfreq(SIZE, 1.0 / SAMPLE_RATE)
    inside = (hz >= LEVEL_BAND_HZ[0]) & (hz <= LEVEL_BAND_HZ[1])
    heard = book.features(code, fibonacci_sphere(_LEVEL_DIRECTIONS)).magnitude_db[..., inside]
    if not np.max(np.abs(heard)) <= _MOST_DB:
        raise AuricleError(
            f"the codebook's mean listener reaches {np.max(np.abs(heard)):.3g} dB, which nobody's "
            "ears do; train it again or get the file anew"
        )
    return float(np.mean(10.0 ** (heard.astype(np.float64) / 10.0)) ** -0.5)


def _in_blocks(opened: OpenedSystem, sample_rate: int, n_sources: int) -> System:
    place = SYSTEMS.find(opened.weights.model).in_blocks
    assert place is not None
    made: System = placed(place, opened.weights.model)(
        opened.weights, opened.code, sample_rate, n_sources
    )
    return made


def _in_pieces(opened: OpenedSystem, n_sources: int) -> System:
    from auricle.personalization.endtoend.systems.pieces import WindowedRenderer

    made = system(opened.weights.model).from_weights(opened.weights)
    return WindowedRenderer(made, opened.code, n_sources)


def _code(book: "Codebook", hrtf: HrtfSet | None, say: Say) -> NDArray[np.float32]:
    from auricle.personalization.endtoend.listeners.codebook import held, is_unlike_people
    from auricle.personalization.sparse.completion.input_checks import checked

    if hrtf is None:
        say("no listener was named: the mean listener hears")
        return book.unknown
    known, findings = checked(hrtf)
    for finding in findings:
        say(finding)
    few = known.n_directions < FEW
    if few:
        say(f"the listener is completed from {known.n_directions} directions")
    code = book.code_from_few(known) if few else book.code_of(known)
    if is_unlike_people(code):
        rms = np.sqrt(np.mean(np.square(code)))
        say(
            f"the set is unlike people: its code is {rms:.1f} deviations from the mean listener, "
            "people's up to 1.6; it is held where people are"
        )
    return held(code)
