"""Networks that give filters learn from responses themselves: no sound is rendered.

A filter for a direction, an ear and a code stands beside the measured response; the error weighs
frequencies as speech and music have them. Hundreds of steps of scenes are one step of this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import torch

from auricle.dsp.arrays import Float32, Int64
from auricle.dsp.sphere.quadrature import sphere_weights
from auricle.personalization.endtoend.listeners.people import LEAD_SAMPLES, Listeners
from auricle.personalization.endtoend.physics.poses import RATE
from auricle.personalization.endtoend.scenes.scenes import UNKNOWN_SHARE, SceneSet
from auricle.personalization.learning.training_loop import History, Plan, Progress, train

Filters: TypeAlias = Callable[
    [torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]
]  # of LinnNet.filters

SIZE = 512
RESPONSE_BINS = SIZE // 2 + 1
BATCH = 768  # responses
JUDGED = 4096
WEIGHT_DB = 0.05
_MOST_WEIGHT = 3.0  # of a direction at the rim of a hole, beside the median
_CORNER_HZ, _LEAST_HZ, _TOP_HZ, _PHASE_TOP_HZ = 500.0, 60.0, 20000.0, 8000.0
_EVEN_HZ = 2000.0  # decibels weigh alike below
_QUIET = 1e-4


@dataclass(frozen=True)
class Pieces:
    """Responses (B, N) at RATE, LEAD_SAMPLES late; directions (B, 3) as the ear sees them, y
    towards it; codes (B, D), mirrored for right ears. Of both ears: (B, 2, N), that one first.
    """

    response: torch.Tensor
    seen: torch.Tensor
    code: torch.Tensor

    @property
    def spectra(self) -> torch.Tensor:
        """(..., RESPONSE_BINS) of the responses."""
        return torch.fft.rfft(self.response, SIZE)


class Responses:
    """The responses of people, drawn: a laboratory as often as it has people, its
    people alike, directions by the part of the sphere that they stand for.

    Args:
        listeners: the people.
        codes: (P, 2, D) of them and of their mirror images.
        rows: of those who are drawn.
    """

    def __init__(self, listeners: Listeners, codes: Float32, rows: Int64) -> None:
        first = 0
        self._parts = []
        for subjects in listeners.laboratories:
            own = rows[(rows >= first) & (rows < first + len(subjects))]
            if len(own):
                weights = sphere_weights(subjects.positions)
                weights = np.minimum(weights, _MOST_WEIGHT * np.median(weights))
                self._parts.append((subjects.ir, own - first, own, subjects.positions, weights))
            first += len(subjects)
        self._codes = codes
        self._n_people = sum(len(own) for _, own, *_ in self._parts)

    def __len__(self) -> int:
        return self._n_people

    def draw(self, rng: np.random.Generator, count: int, both: bool = False) -> Pieces:
        """A batch of responses, half in the mirror.

        Args:
            rng: draws them.
            count: about how many.
            both: whether as pairs of both ears.
        """
        responses, seen, codes = [], [], []
        for ir, own, rows, positions, weights in self._parts:
            n = max(round(count * len(own) / self._n_people), 1)
            who = rng.integers(len(own), size=n)
            where = rng.choice(len(positions), n, p=weights / weights.sum())
            ear = rng.integers(2, size=n)
            one = ir[own[who], where, ear]
            other = ir[own[who], where, 1 - ear] if both else None
            responses.append(one if other is None else np.stack([one, other], axis=1))
            turned = np.stack([np.ones(n), 1.0 - 2.0 * ear, np.ones(n)], axis=1)
            seen.append(positions[where] * turned)
            codes.append(self._codes[rows[who], ear])
        return Pieces(*(
            torch.from_numpy(np.concatenate(each).astype(np.float32))
            for each in (responses, seen, codes)
        ))  # fmt: skip


def behind(scenes: SceneSet) -> tuple[Responses, Responses]:
    """The responses behind scenes: of the people who train, and of those who judge."""
    listeners, codes = scenes.listeners, scenes.codes
    return (
        Responses(listeners, codes, scenes.train_rows),
        Responses(listeners, codes, scenes.validation_rows),
    )


def parity_of(codes: Float32) -> torch.Tensor:
    """Signs (D,) of the mirror, from codes (P, 2, D) of people and of their mirror images."""
    signs = np.sign(np.sum(codes[:, 0] * codes[:, 1], axis=0))
    return torch.from_numpy(np.where(signs == 0.0, 1.0, signs).astype(np.float32))


def response_loss(pieces: Pieces, filters: Filters) -> torch.Tensor:
    """The distance of filters from the responses, ``spectrum_loss``."""
    taps, late = filters(pieces.seen[:, None], pieces.code)
    omega = torch.arange(SIZE // 2 + 1) * (2.0 * np.pi / SIZE)
    turn = torch.polar(torch.ones_like(omega), -omega * (late + LEAD_SAMPLES))
    found = torch.fft.rfft(taps[:, 0], SIZE) * turn
    return spectrum_loss(found, pieces.spectra)


def spectrum_loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The distance of spectra (B, RESPONSE_BINS): decibels, complex, linear amplitude, phase.

    With P what was predicted, T the response and S the power of a sound at each frequency:
    0.05 RMS dB (weights 1 / f above 2 kHz) + sum S |P - T|^2 / sum S |T|^2
    + sum sqrt(S) ||P| - |T|| / sum sqrt(S) |T| + the mean of |angle(P / T)| where S |T|^2 is not
    small, which is what the field's L2 on amplitude and on phase ask for.
    """
    omega = torch.arange(SIZE // 2 + 1) * (2.0 * np.pi / SIZE)
    hz = omega * (RATE / (2.0 * np.pi))
    sound = (hz > _LEAST_HZ) / (1.0 + (hz / _CORNER_HZ) ** 2)
    sound = sound / sound.sum()
    weight_db = ((hz > 0.0) & (hz < _TOP_HZ)) / hz.clamp_min(_EVEN_HZ)
    weight_db = weight_db / weight_db.sum()
    own, true = found.abs(), wanted.abs()
    decibels = 20.0 * torch.log10((own + _QUIET) / (true + _QUIET))
    spectral = ((decibels**2 * weight_db).sum(-1) + 1e-6).sqrt().mean()
    energy = true**2 * sound
    complex_error = ((found - wanted).abs() ** 2 * sound).sum() / energy.sum()
    root = sound.sqrt()
    amplitude = ((own - true).abs() * root).sum() / (true * root).sum()
    heard = energy / (energy + 0.3 * energy.mean(-1, keepdim=True)) * (hz < _PHASE_TOP_HZ)
    angle = torch.angle(found * wanted.conj()).abs()
    phase = ((angle * heard).sum(-1) / heard.sum(-1)).mean()
    return WEIGHT_DB * spectral + complex_error + amplitude + phase


def fit_filters(
    net: torch.nn.Module, filters: Filters, learners: Responses, judges: Responses, plan: Plan,
    progress: Progress | None = None,
) -> History:  # fmt: skip
    """Train a network by the filters that it gives.

    Args:
        net: trained in place.
        filters: the network's filters for directions and codes.
        learners: responses to learn from.
        judges: responses that say when to stop.
        plan: how long and how.
        progress: called with the progress.
    """
    loss = partial(response_loss, filters=filters)
    return fit_responses(net, loss, learners, judges, plan, progress)


def fit_responses(
    net: torch.nn.Module, loss: Callable[[Pieces], torch.Tensor], learners: Responses,
    judges: Responses, plan: Plan, progress: Progress | None = None, *,
    counts: tuple[int, int] = (BATCH, JUDGED), both: bool = False,
) -> History:  # fmt: skip
    """Train a network by its loss on responses.

    A share of the listeners is not told, as in scenes.

    Args:
        net: trained in place.
        loss: of a batch of responses.
        learners: responses to learn from.
        judges: responses that say when to stop.
        plan: how long and how.
        progress: called with the progress.
        counts: of responses in a step, and to judge by.
        both: whether as pairs of both ears.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(plan.seed)
    judged = judges.draw(np.random.default_rng(0), counts[1], both)

    def step() -> torch.Tensor:
        pieces = learners.draw(rng, counts[0], both)
        known = torch.from_numpy(rng.random((len(pieces.code), 1)) >= UNKNOWN_SHARE)
        return loss(Pieces(pieces.response, pieces.seen, pieces.code * known))

    return train(net, step, lambda: float(loss(judged)), plan, progress)
