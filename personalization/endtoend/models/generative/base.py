"""The base of the generative systems: they draw what the warp leaves, in short-time spectra.

The residual of both ears to the warp is divided by the level of the warp (``stft.levels``) and by
its own spread in each bin, so that it has variance 1, is diffused, and comes back by the same
scales. With an empty residual the warp is heard as it is.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from auricle.personalization.endtoend.models.generative.network import (
    POSE_FEATURES,
    REACH_FRAMES,
    Stage,
    pose_features,
)
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp
from auricle.personalization.endtoend.physics.poses import STEP
from auricle.personalization.endtoend.physics.radial_velocity import N_FEATURES, velocity_features
from auricle.personalization.endtoend.physics.stft import (
    HOP,
    HOP_STEPS,
    FrameNoise,
    levels,
    signals_of,
    spectra,
)
from auricle.personalization.endtoend.systems.base import (
    Batch,
    NeuralRenderer,
    Scenes,
    SystemConfiguration,
)
from auricle.personalization.learning.training_loop import History, Progress, seeded, train

_SCALE_BATCHES = 8  # that spreads are measured on
_LEAST_SPREAD = 1e-3
_JUDGED_ITEMS = 2  # of each batch of the judges: a sample costs as much as 100 steps of training


@dataclass(frozen=True)
class Known:
    """All that is known before anything is drawn.

    Attributes:
        warp: (B, 2, T) samples.
        level: (B, 1, N, F) of the warp.
        signals: (B, 6, N, F) warped ears over the level, mono over its own.
        features: (B, N, n_pose_features) of the poses in the middle of frames.
        code: (B, D).
    """

    warp: torch.Tensor
    level: torch.Tensor
    signals: torch.Tensor
    features: torch.Tensor
    code: torch.Tensor

    def part(self, items: slice, rows: slice) -> "Known":
        """Some frames of some items; their warp stays whole."""
        return Known(
            self.warp[items], self.level[items, :, rows], self.signals[items, :, rows],
            self.features[items, rows], self.code[items],
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (B, N): pieces and frames."""
        return self.level.shape[0], self.level.shape[2]


@dataclass(frozen=True)
class GenerativeConfiguration(SystemConfiguration):
    """Sizes and settings of ``GenerativeRenderer``, which says what they are."""

    width: int = 16
    filter_width: int = 128
    local: int = 4
    rank: int = 16
    seed: int = 0
    energy: float = 0.5
    doppler: bool = False
    frames: int = 8
    guide: float = 1.0
    temperature: float = 0.1


class GenerativeRenderer(NeuralRenderer):
    """Base of the systems that draw the residual; ``drawn`` is theirs.

    Configuration, beside their own: ``width`` of the network, ``filter_width``, ``local`` features
    and ``rank`` of the pose filters, ``seed`` of the noise (the same seed, signal and poses
    give the same sound, in whatever pieces it is rendered), ``energy``: bins weigh in the loss as
    their energy to this power, ``doppler``: the pose has radial velocities (``radial_velocity``),
    ``frames`` of a scene in a step of training, ``guide``: weight of the pose filters' own loss,
    ``temperature``: of the noise in sampling. At 1 samples are spread as what fits the conditions
    is, and a sample's error is twice that of the mean; at 0 there is one answer, near the mean.
    What a scene's conditions leave open is here what the network does not know, not the world, so
    it is low.
    """

    configuration: GenerativeConfiguration
    # Each evaluation of a network reaches some frames, and each draws on the one before.
    chunk_steps = 768
    past_steps = 160
    future_steps = 100

    def drawn(self, known: Known, noise: FrameNoise) -> torch.Tensor:
        """Residuals (B, 4, N, F) over the level."""
        raise NotImplementedError

    @property
    def reach(self) -> tuple[int, int]:
        """Frames of the past and of the future that the network sees."""
        return REACH_FRAMES // 2, REACH_FRAMES // 2

    @property
    def spread_of_ears(self) -> torch.Tensor:
        """Spreads (4, 1, F) of both ears' residuals over the level."""
        raise NotImplementedError

    def scale(self, spread: torch.Tensor, weight: torch.Tensor) -> None:
        """Give the networks the spreads (4, 1, F) of residuals, and weights (F,) in the loss."""
        raise NotImplementedError

    def stage(self, n_noisy: int, n_extra: int = 0, causal: bool = False) -> Stage:
        """A network of the configured size.

        Args:
            n_noisy: channels that are drawn.
            n_extra: channels that are known besides.
            causal: whether no layer reads later frames.
        """
        n_features = POSE_FEATURES + (N_FEATURES if self.configuration.doppler else 0)
        return Stage(n_noisy, n_extra, {**asdict(self.configuration), "causal": causal}, n_features)

    def known(self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor) -> Known:
        """All that is known of an even number of steps; no gradient goes into it.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).
        """
        with torch.no_grad():
            warp = geometric_warp(mono, apparent_m)
            ears = spectra(warp)
            level = levels(ears)
            alone = spectra(mono[:, None])  # earlier than the warp, so over a level of its own
            signals = torch.cat([ears / level, alone / levels(alone)], dim=1)
            features = [pose_features(apparent_m)]
            if self.configuration.doppler:
                speeds = velocity_features(apparent_m)
                features.append(torch.cat([speeds, speeds[:, -1:]], dim=1))
            told = torch.cat(features, dim=-1)[:, ::HOP_STEPS]
        return Known(warp, level, signals, told, code)

    def estimate_from(
        self, first_step: int, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Binaural signals of pieces that begin at a step of the whole.

        Frames stand at even steps of the whole, so an odd step goes before a piece or behind it.

        Args:
            first_step: at which the pieces begin.
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).

        Returns:
            (B, 2, T).
        """
        before = first_step % HOP_STEPS
        behind = -(before + mono.shape[-1] // STEP) % HOP_STEPS
        n_samples, first = mono.shape[-1], before * STEP
        mono = torch.nn.functional.pad(mono, (first, behind * STEP))
        apparent_m = torch.cat(
            [apparent_m[:, :before], apparent_m, apparent_m[:, len(apparent_m[0]) - behind :]],
            dim=1,
        )
        known = self.known(mono, apparent_m, code)
        noise = FrameNoise(self.configuration.seed, first_step // HOP_STEPS)
        residual = self.drawn(known, noise)
        found = known.warp + signals_of(residual * known.level, mono.shape[-1])
        return found[..., first : first + n_samples]

    def estimate(
        self, mono: torch.Tensor, apparent_m: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Binaural signals.

        Args:
            mono: (B, T) samples.
            apparent_m: (B, T / STEP + 1, 3) metres.
            code: (B, D).

        Returns:
            (B, 2, T).
        """
        return self.estimate_from(0, mono, apparent_m, code)

    def judged(self, batch: Batch) -> float:
        """The share of the warp's squared error that a sample has, 1 is as good as the warp."""
        found = self.estimate(batch.mono, batch.apparent_m, batch.code)
        warp = geometric_warp(batch.mono, batch.apparent_m)
        error, plain = (
            batch.judged(each - batch.binaural).square().sum() for each in (found, warp)
        )
        return float(error / plain)

    def heard(self, batch: Batch) -> tuple[Known, torch.Tensor]:
        """All that is known of a batch, and the residual (B, 4, N, F) over the level."""
        known = self.known(batch.mono, batch.apparent_m, batch.code)
        return known, spectra(batch.binaural - known.warp) / known.level

    def cut(self, values: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Values (B, C, N, F) of the frames that are judged whole."""
        return values[:, :, _first_frame(batch) : -1]

    def cropped(self, batch: Batch) -> Batch:
        """Less of the same: neighbours in time teach the same direction, so a step of training
        needs few frames of each scene.
        """
        n_judged = HOP_STEPS * (self.configuration.frames + REACH_FRAMES)
        wanted = batch.warmup_samples // STEP + n_judged
        spare = batch.mono.shape[-1] // STEP - wanted
        if spare <= 0:
            return batch
        return batch.part(int(torch.randint(spare + 1, ())), wanted)

    def window(self, known: Known, batch: Batch) -> tuple[slice, slice, slice]:
        """The part of a batch that the network learns from: items, frames, and which of them count.

        Half of the items, since the pose filters, cheaper by far, learn from all and need more.
        """
        past, future = self.reach
        first, last = _first_frame(batch) - past, known.shape[1] - 1
        n_frames = min(self.configuration.frames + past + future, last - first)
        first += int(torch.randint(last - first - n_frames + 1, ()))
        items = slice((known.shape[0] + 1) // 2)
        return items, slice(first, first + n_frames), slice(past, n_frames - future)

    def weighted(
        self, stage: Stage, miss: torch.Tensor, aside: torch.Tensor, batch: Batch
    ) -> torch.Tensor:
        """The loss: of what the network missed in frames that count, and of the gains in all.

        Args:
            stage: the network.
            miss: what it missed.
            aside: what the gains missed.
            batch: of scenes.
        """
        guide = self.cut(aside / self.spread_of_ears, batch).square().mean(dim=(0, 1, 2))
        own = miss.square().mean(dim=(0, 1, 2))
        return ((own + self.configuration.guide * guide) * stage.weight).mean()

    def start(self, scenes: Scenes) -> None:
        """Build the network, and measure the spread of residuals."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self.configuration = replace(self.configuration, code_size=scenes.code_size)
        self.net = self.build()
        self.scale(*self._scales(scenes, rng))

    def trained(
        self, stage: Stage, loss: Callable[[Batch], torch.Tensor], scenes: Scenes,
        judge: Callable[[Batch], float], share: float, progress: Progress | None,
    ) -> History:  # fmt: skip
        """Train a network for a share of the plan.

        Args:
            stage: the network.
            loss: of a batch.
            scenes: to learn from.
            judge: says of a batch when to stop, lower is better.
            share: of the plan's time and steps.
            progress: called with the progress.
        """
        steps = max(int(self.plan.steps * share), 1)
        plan = replace(self.plan, seconds=self.plan.seconds * share, steps=steps)
        rng = np.random.default_rng([plan.seed, 1])
        judges = [_first_items(each) for each in scenes.judges()]
        return train(
            stage,
            lambda: loss(scenes.batch(rng)),
            lambda: float(np.mean([judge(each) for each in judges])),
            plan,
            progress,
        )

    def _scales(
        self, scenes: Scenes, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Spreads (4, 1, F) of residuals over the level, and weights (F,) of mean 1."""
        squares, powers = [], []
        for _ in range(_SCALE_BATCHES):
            batch = scenes.batch(rng)
            known, residual = self.heard(batch)
            plain = self.cut(residual * known.level, batch)
            squares.append(self.cut(residual, batch).square().mean(dim=(0, 2)))
            powers.append(plain.square().mean(dim=(0, 1, 2)))
        square = torch.stack(squares).mean(dim=0).view(2, 2, -1).mean(dim=(0, 1))
        spread = square.sqrt().clamp_min(_LEAST_SPREAD).expand(4, 1, -1)
        weight = torch.stack(powers).mean(dim=0) ** self.configuration.energy
        return spread, weight / weight.mean()


def _first_frame(batch: Batch) -> int:
    """The first that lies within what is judged."""
    return batch.warmup_samples // HOP + 1


def _first_items(batch: Batch) -> Batch:
    few = slice(_JUDGED_ITEMS)
    return replace(
        batch, mono=batch.mono[few], apparent_m=batch.apparent_m[few], code=batch.code[few],
        binaural=batch.binaural[few],
    )  # fmt: skip
