"""The one training loop of all models: what it minimises and how it is judged is handed in."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from auricle.dsp.errors import AuricleError

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """The plan of a training: how long and how; raises AuricleError for values out of range.

    Attributes:
        seconds: the most it may take, of processor time (a busy machine trains as long as an idle
            one); the learning rate falls to none within this time.
        steps: the most steps; with few enough the clock plays no part and a seed repeats the
            result bit by bit, on one machine and one thread.
        learning_rate: of AdamW, at the start; falls as a cosine.
        weight_decay: of AdamW.
        check_steps: steps between two looks at the held-out listeners.
        patience: looks without a better score before training stops.
        seed: of the first weights and of the order of the batches.
        clip_norm: the largest norm of a gradient.
    """

    seconds: float = 240.0
    steps: int = 100_000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    check_steps: int = 100
    patience: int = 15
    seed: int = 0
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        for name in ("seconds", "steps", "learning_rate", "check_steps", "patience", "clip_norm"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise AuricleError(f"{name} of a training plan must be above 0, got {value}")


@dataclass(frozen=True)
class History:
    """The course of a training.

    Attributes:
        score: of the best weights on held-out listeners, lower is better.
        scores: (checks,) of every look.
        best_step: the step of the best weights.
        steps: steps made.
        seconds: processor time taken.
    """

    score: float
    scores: tuple[float, ...]
    best_step: int
    steps: int
    seconds: float


def seeded(seed: int) -> np.random.Generator:
    """The generator of batches; the weights that torch makes after this follow from the seed."""
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def train(
    model: nn.Module,
    loss: Callable[[], torch.Tensor],
    score: Callable[[], float],
    plan: Plan,
    progress: Progress | None = None,
) -> History:
    """Train ``model`` in place; it is left with the weights that scored best, in evaluation mode.

    AdamW (Loshchilov and Hutter 2019) under half a cosine, early stopping on held-out listeners.

    Args:
        model: what is trained; only parameters that require a gradient move.
        loss: draws a batch and returns its loss; called once a step.
        score: of the present weights on held-out listeners, lower is better; without gradients.
        plan: how long and how.
        progress: told the share done, 0 to 1, and a line on the state at every look.
    """
    moving = [each for each in model.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(
        moving, lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=(0.9, 0.99)
    )
    start = time.process_time()
    scores: list[float] = []
    best: tuple[float, int, dict[str, torch.Tensor]] | None = None
    step, done = 0, 0.0
    while done < 1.0:
        model.train()
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * (0.5 + 0.5 * np.cos(np.pi * done))
        optimiser.zero_grad()
        value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(moving, plan.clip_norm)
        optimiser.step()
        step += 1
        done = min(max(step / plan.steps, (time.process_time() - start) / plan.seconds), 1.0)
        if step % plan.check_steps and done < 1.0:
            continue
        scores.append(_checked(model, score, value, step))
        if best is None or scores[-1] < best[0]:
            best = (scores[-1], step, copy.deepcopy(model.state_dict()))
        if progress is not None:
            progress(done, f"step {step}: {scores[-1]:.3f}, best {best[0]:.3f}")
        if len(scores) - 1 - int(np.argmin(scores)) >= plan.patience:
            break
    assert best is not None
    model.load_state_dict(best[2])
    model.eval()
    return History(best[0], tuple(scores), best[1], step, time.process_time() - start)


def _checked(model: nn.Module, score: Callable[[], float], value: torch.Tensor, step: int) -> float:
    """The score on held-out listeners; AuricleError where training has come apart."""
    model.eval()
    with torch.no_grad():
        found = float(score())
    if not (np.isfinite(found) and torch.isfinite(value)):
        raise AuricleError(
            f"training came apart at step {step} (loss {value.item():g}, score {found:g}); "
            "lower the learning rate, or look for NaN in the data"
        )
    return found
