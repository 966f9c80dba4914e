"""The base of all learned systems: batches, training, weights, rendering of whole signals.

A system says how it is built, what its loss is and what it hears (``estimate``); the rest is here.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import nn

from auricle.dsp.arrays import Float32
from auricle.dsp.errors import AuricleError
from auricle.personalization.endtoend.physics.poses import RATE, STEP, Poses
from auricle.personalization.endtoend.systems.pieces import WindowedRenderer
from auricle.personalization.learning.configuration import Configuration, configured
from auricle.personalization.learning.training_loop import History, Plan, Progress, seeded, train
from auricle.personalization.learning.weights import Weights, fitting, load_into, state_of

CONTEXT_STEPS = 32  # of sound before a chunk (85 ms): delays of up to 25 m and what rings on


@dataclass(frozen=True)
class Batch:
    """Pieces of scenes.

    Attributes:
        mono: (B, T) float32, T = K STEP.
        apparent_m: (B, K + 1, 3) metres, see ``Poses``.
        code: (B, D) listeners; 0 is the mean listener.
        binaural: (B, 2, T) what is wanted.
        warmup_samples: the first samples, whose past is not in the piece: no loss on them.
    """

    mono: torch.Tensor
    apparent_m: torch.Tensor
    code: torch.Tensor
    binaural: torch.Tensor
    warmup_samples: int = CONTEXT_STEPS * STEP

    def judged(self, signal: torch.Tensor) -> torch.Tensor:
        """A signal (B, ..., T) without the samples that nobody judges."""
        return signal[..., self.warmup_samples :]

    def part(self, first_step: int, n_steps: int) -> "Batch":
        """Less of the same pieces."""
        sound = slice(first_step * STEP, (first_step + n_steps) * STEP)
        return replace(
            self, mono=self.mono[:, sound], binaural=self.binaural[..., sound],
            apparent_m=self.apparent_m[:, first_step : first_step + n_steps + 1],
        )  # fmt: skip


class Scenes(Protocol):
    """The source of batches."""

    code_size: int

    def batch(self, rng: np.random.Generator) -> Batch:
        """Pieces for one step of training."""
        ...

    def judges(self) -> list[Batch]:
        """The pieces that say when to stop, the same each time, of people and sounds that train
        nothing.
        """
        ...


@dataclass(frozen=True)
class SystemConfiguration(Configuration):
    """The configuration that all systems have; each adds its own."""

    code_size: int = 0  # numbers of a listener's code


class NeuralRenderer:
    """Base of the learned systems.

    A subclass gives ``name``, ``DEFAULTS``, ``build``, ``loss`` and, where the network alone is not
    the answer, ``estimate``.

    Args:
        plan: of the training.
        configuration: sizes, in place of ``DEFAULTS``.
    """

    name: ClassVar[str] = ""
    DEFAULTS: ClassVar[Configuration] = SystemConfiguration()
    chunk_steps: ClassVar[int] = 375  # steps rendered at a time: 1 s
    past_steps: ClassVar[int] = CONTEXT_STEPS  # that a piece needs before it
    future_steps: ClassVar[int] = 0  # and behind it
    sample_rate = RATE

    def __init__(self, plan: Plan | None = None, **configuration: Any) -> None:
        self.plan = plan or Plan()
        self.configuration: Any = configured(self.name, self.DEFAULTS, configuration)
        self.net: Any = None
        self.history: History | None = None

    # What a system says of itself.

    def build(self) -> nn.Module:
        """The network, from ``self.configuration``; ``code_size`` is D."""
        raise NotImplementedError

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch."""
        raise NotImplementedError

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Binaural signals.

        Args:
            mono: (B, T) samples at 48 kHz.
            apparent_m: (B, T / STEP + 1, 3) metres, where sources are heard in the axes of the
                head.
            code: (B, D) of the listeners.

        Returns:
            (B, 2, T).
        """
        found: torch.Tensor = self.net(mono, apparent_m, code)
        return found

    def estimate_from(
        self, first_step: int, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Binaural signals of a piece that begins at a step of a whole: for systems that draw
        noise.

        Args:
            first_step: at which the piece begins.
            mono: (B, T) samples at 48 kHz.
            apparent_m: (B, T / STEP + 1, 3) metres, where sources are heard in the axes of the
                head.
            code: (B, D) of the listeners.

        Returns:
            (B, 2, T).
        """
        return self.estimate(mono, apparent_m, code)

    def judged(self, batch: Batch) -> float:
        """The value that decides when training stops, lower is better; here the loss."""
        return float(self.loss(batch))

    # What all of them do.

    @property
    def n_parameters(self) -> int:
        """The count of numbers that are learned."""
        return sum(each.numel() for each in self.net.parameters())

    def fit(self, scenes: Scenes, progress: Progress | None = None) -> None:
        """Train on scenes; those of ``judges`` say when to stop."""
        seeded(self.plan.seed)
        self.configuration = replace(self.configuration, code_size=scenes.code_size)
        self.net = self.build()
        self.learn(scenes, self.plan, progress)

    def learn(self, scenes: Scenes, plan: Plan, progress: Progress | None = None) -> None:
        """Train the network that is there on scenes.

        Args:
            scenes: batches to learn from.
            plan: how long and how.
            progress: called with the progress.
        """
        torch.set_num_threads(1)
        rng = np.random.default_rng(plan.seed)
        judges = scenes.judges()
        self.history = train(
            self.net,
            lambda: self.loss(scenes.batch(rng)),
            lambda: float(np.mean([self.judged(each) for each in judges])),
            plan,
            progress,
        )

    def render(
        self, mono: Float32, poses: Poses, code: Float32, done: Callable[[int], None] | None = None
    ) -> Float32:
        """Both ears (2, T) of ``mono`` (T,) at 48 kHz; ``poses`` reach as far as it or farther.

        In pieces with their past (``pieces``), so memory does not grow with the length.

        Args:
            mono: (T,).
            poses: of at least T samples.
            code: (D,) the listener.
            done: told the samples of each piece that is ready.
        """
        n_samples = len(mono)
        if poses.n_samples < n_samples:
            raise AuricleError(f"poses for {poses.n_samples} samples, but {n_samples} of sound")
        pieces = WindowedRenderer(self, code)
        pieces.start(poses.apparent_m[:1])
        late = pieces.latency_samples
        n_steps = -(-(n_samples + late) // STEP)
        padded = np.zeros((1, n_steps * STEP), dtype=np.float32)
        padded[0, :n_samples] = mono
        rows = np.minimum(np.arange(1, n_steps + 1), len(poses.apparent_m) - 1)
        places = poses.apparent_m[rows, None]
        out = np.empty((2, n_steps * STEP), dtype=np.float32)
        for first in range(0, n_steps, self.chunk_steps):
            steps = slice(first, first + self.chunk_steps)
            part = slice(first * STEP, (first + self.chunk_steps) * STEP)
            out[:, part] = pieces.process(padded[:, part], places[steps])
            if done is not None:
                done(padded[0, part].size)
        return out[:, late : late + n_samples]

    def to_weights(self, split: dict[str, Any], **notes: Any) -> Weights:
        """All that ``from_weights`` needs."""
        return Weights(self.name, state_of(self.net), asdict(self.configuration), split, notes)

    @classmethod
    def from_weights(cls, weights: Weights) -> "NeuralRenderer":
        """The system as it was trained."""
        with fitting(weights):
            self = cls(**weights.configuration)
            self.net = self.build()
            load_into(self.net, weights)
        self.net.eval()
        return self
