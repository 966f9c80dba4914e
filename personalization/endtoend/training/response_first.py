"""Systems that learn single responses first and then scenes, on which listeners are rare.

A step on scenes shows a handful of people a handful of directions each, so a listener's code hardly
begins to pay within minutes. Measured responses (``response_training``) show as many pairs of
person and direction as a step has pieces. What responses do not show, motion and sound at its
levels, comes from the scenes afterwards.
"""

import math
from dataclasses import replace
from typing import ClassVar

import torch

from auricle.personalization.endtoend.physics.poses import RATE, STEP
from auricle.personalization.endtoend.scenes.scenes import SceneSet
from auricle.personalization.endtoend.systems.base import NeuralRenderer, Scenes
from auricle.personalization.endtoend.training.response_training import (
    Pieces,
    behind,
    fit_responses,
    parity_of,
)
from auricle.personalization.learning.training_loop import Plan, Progress, seeded

_NEAREST_M, _FARTHEST_M = 0.5, 5.0
_SPEED_M_S = 0.7  # median of about one and a half times that; one in thirty is faster than 8 m/s


class ResponseFirst(NeuralRenderer):
    """Base of systems that have a loss on responses too, ``loss_on_responses``.

    Scenes of any other kind than ``SceneSet`` have no responses: all time is for the scenes then.
    """

    share_of_responses: ClassVar[float] = 0.85  # of the plan
    responses: ClassVar[int] = 96  # of a step
    judged_responses: ClassVar[int] = 1024
    both_ears: ClassVar[bool] = False  # whether pieces hold both ears of a direction
    weight_decay: ClassVar[float] = 0.1  # a hundred people are few
    rate_on_scenes: ClassVar[float] = 2e-4  # few directions a step: more unlearns amplitudes

    def loss_on_responses(self, pieces: Pieces) -> torch.Tensor:
        """The loss on responses."""
        raise NotImplementedError

    def begin(self, parity: torch.Tensor) -> None:
        """Told before training what the mirror does to codes: signs (D,)."""

    @property
    def chance(self) -> torch.Generator | None:
        """The generator that draws; for judging the same each time."""
        return None if self.net.training else torch.Generator().manual_seed(0)

    def fit(self, scenes: Scenes, progress: Progress | None = None) -> None:
        """Train on the responses behind the scenes, where those are known, then on the scenes."""
        if not isinstance(scenes, SceneSet):
            super().fit(scenes, progress)
            return
        seeded(self.plan.seed)
        self.configuration = replace(self.configuration, code_size=scenes.code_size)
        self.net = self.build()
        self.begin(parity_of(scenes.codes))
        learners, judges = behind(scenes)
        first, then = self._plans()
        share = self.share_of_responses
        began = fit_responses(
            self.net, self.loss_on_responses, learners, judges, first, _part(progress, 0.0, share),
            counts=(self.responses, self.judged_responses), both=self.both_ears,
        )  # fmt: skip
        self.learn(scenes, then, _part(progress, share, 1.0))
        ended = self.history
        assert ended is not None
        self.history = replace(
            ended, best_step=began.steps + ended.best_step, steps=began.steps + ended.steps,
            seconds=began.seconds + ended.seconds,
        )  # fmt: skip

    def _plans(self) -> tuple[Plan, Plan]:
        """The plan's two parts."""
        share, plan = self.share_of_responses, replace(self.plan, weight_decay=self.weight_decay)
        parts = [
            replace(plan, seconds=part * plan.seconds, steps=max(round(part * plan.steps), 1))
            for part in (share, 1.0 - share)
        ]
        return parts[0], replace(parts[1], learning_rate=self.rate_on_scenes, check_steps=50)


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """What tells of a part of the training as of the whole."""
    if progress is None:
        return None
    return lambda done, line: progress(start + (end - start) * done, line)


def moving_places(seen: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
    """Places (B, 2, 3) in metres of sources a step before they are at directions ``seen`` (B, 3).

    Distances and velocities are drawn, since responses are the same whatever they are.
    """
    count = len(seen)
    octaves = torch.rand(count, 1, generator=generator) * math.log(_FARTHEST_M / _NEAREST_M)
    places = seen * (_NEAREST_M * octaves.exp())
    speeds = _SPEED_M_S * torch.randn(count, 1, generator=generator).exp()
    moved = speeds * torch.randn(count, 3, generator=generator) * (STEP / RATE)
    return torch.stack([places - moved, places], dim=1)
