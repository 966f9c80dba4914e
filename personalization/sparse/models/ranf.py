"""RANF: retrieval-augmented upsampling (Masuyama et al. 2025, winner of LAP 2024's task 2).

The training listeners who resemble the measured one most at the measured directions are fetched;
what they have at the target direction is the evidence. Each one's spectrum goes through the same
layers (convolutions and a recurrent layer over frequency); transform-average-concatenate (TAC, Luo
et al. 2020) lets them see their mean, so their order and number do not matter; the average is
decoded to a correction of their mean spectrum and mean ITD. Who the listener is enters once more by
rank-1 LoRA vectors in every block, learned with the training listeners and adapted to a new one on
the measured directions alone.

Against the publication: 5 listeners fetched (10) by ITD and spectra at once, 2 blocks of width 48
(4 of 256), a GRU for the BLSTM, 116 bins about the mean listener, minutes for hours. Added: what
each fetched listener gets wrong at the nearest measured direction.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.listeners.listener_data import ListenerGroup
from auricle.personalization.sparse.models.shared.base import (
    N_EVALUATED,
    LearnedMethod,
    Residuals,
    TrainingData,
    lsd,
    zeroed,
)

_CONDITIONS = 8  # target, nearest measured direction, angle between, how many are measured
_REACH_RAD = 0.5  # evidence at a measured direction counts half that far away


class Block(nn.Module):
    """Frequency, then transform-average-concatenate over fetched listeners, then LoRA."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_bins = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.PReLU())
        self.joint = nn.Sequential(nn.Linear(2 * width, width), nn.PReLU())
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, lora: torch.Tensor) -> torch.Tensor:
        """Hidden (P, K, W, C) of P problems and K fetched listeners; lora (P, 2, C)."""
        n_problems, n_fetched, n_bins, width = x.shape
        recurrent, _ = self.over_bins(x.reshape(-1, n_bins, width))
        x = x + recurrent.reshape(x.shape)
        each = self.transform(x)
        mean = each.mean(dim=1, keepdim=True).expand_as(each)
        hidden = self.joint(torch.cat([each, mean], dim=-1))
        up, down = lora[:, None, None].unbind(dim=-2)
        hidden = hidden + (hidden * down).mean(dim=-1, keepdim=True) * up
        return self.norm(x + hidden)


class RanfNet(nn.Module):
    """Corrections of the mean of fetched listeners.

    Args:
        width: of the layers.
        blocks: of layers.
        n_learners: training listeners, each with vectors of its own.
    """

    def __init__(self, width: int, blocks: int, n_learners: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv1d(4, width, 5, stride=2, padding=2), nn.PReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2), nn.PReLU(),
        )  # fmt: skip
        self.place = nn.Linear(_CONDITIONS, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        last = nn.ConvTranspose1d(width, 2, 4, stride=2, padding=1)
        self.decode = nn.Sequential(
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1), nn.PReLU(), last
        )
        self.itd = nn.Linear(width, 1)
        zeroed(last)
        zeroed(self.itd)
        self.lora = nn.Parameter(0.1 * torch.randn(n_learners, blocks, 2, width))

    def forward(
        self, evidence: torch.Tensor, conditions: torch.Tensor, lora: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Corrections (P, 2, F) and (P,) of the ITD.

        Args:
            evidence: (P, K, 4, F) spectra of both ears at the target, and errors nearby.
            conditions: (P, _CONDITIONS).
            lora: (P, blocks, 2, C).
        """
        n_problems, n_fetched = evidence.shape[:2]
        hidden = self.encode(evidence.flatten(0, 1)).transpose(1, 2)
        hidden = hidden.reshape(n_problems, n_fetched, -1, hidden.shape[-1])
        hidden = hidden + self.place(conditions)[:, None, None]
        for k, block in enumerate(self.blocks):
            hidden = block(hidden, lora[:, k])
        mean = hidden.mean(dim=1)
        return self.decode(mean.transpose(1, 2)), self.itd(mean.mean(dim=1))[:, 0]


@dataclass(frozen=True)
class RanfConfiguration(Configuration):
    """Sizes and settings of ``Ranf``, which says what they are."""

    width: int = 48
    blocks: int = 2
    fetched: int = 5
    listeners: int = 8
    targets: int = 16
    adaptation_steps: int = 20
    adaptation_targets: int = 16
    n_learners: int = 0


class Ranf(LearnedMethod):
    """The method ``ranf``."""

    name = "ranf"
    DEFAULTS: ClassVar[RanfConfiguration] = RanfConfiguration()
    configuration: RanfConfiguration

    def prepare(self, data: TrainingData) -> None:
        """Keep the listeners to fetch from."""
        self._pool = data.train_listeners
        self.configuration = replace(self.configuration, n_learners=len(data.train_listeners.db))

    def build(self) -> nn.Module:
        """The network with LoRA vectors of the training listeners."""
        sizes = self.configuration
        return RanfNet(sizes.width, sizes.blocks, sizes.n_learners)

    def loss(self, data: TrainingData) -> torch.Tensor:
        """LSD and the ITD's error; a listener and its mirror image are not fetched for itself."""
        sizes = self.configuration
        who, measured, targets = data.batch(sizes.listeners, sizes.targets)
        known, wanted = (
            data.train_listeners.at(measured, who),
            data.train_listeners.at(targets, who),
        )
        fetched = self.fetch(known, self._pool.at(measured), own=torch.from_numpy(who))
        found = self._found(known, wanted.positions, fetched, self.net.lora[who], targets)
        return lsd(found.db, wanted.db) + 0.3 * (found.itd - wanted.itd).abs().mean()

    def fetch(
        self, known: Residuals, pool: Residuals, own: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Rows (B, K) of the pool that are nearest at the measured directions.

        Args:
            known: the listeners measured.
            pool: the training listeners at the same directions, mirrored ones in the second half.
            own: (B,) rows of the listeners themselves, which are never fetched, nor in the mirror.
        """
        with torch.no_grad():
            distance = (known.itd[:, None] - pool.itd[None]).abs().mean(dim=-1)
            for row, listener in enumerate(known.db):
                error = (listener - pool.db).pow(2).mean(dim=-1).sqrt()
                distance[row] += 2.0 * error.mean(dim=(1, 2))
            if own is not None:
                half = len(pool.db) // 2
                rows = torch.arange(len(own))
                distance[rows, own] = torch.inf
                distance[rows, (own + half) % (2 * half)] = torch.inf
            return distance.topk(self.configuration.fetched, largest=False).indices

    def estimate(self, known: Residuals, targets: torch.Tensor) -> Residuals:
        """At the targets, after adaptation of the LoRA vectors."""
        pool = self._pool_at(known.positions)
        fetched = self.fetch(known, pool)
        lora = self._adapted(known, pool, fetched)
        rows = self._pool_at(targets)
        pieces = []
        for piece in torch.arange(len(targets)).split(64):
            at_targets = rows.at(piece)
            pieces.append(self._found(known, targets[piece], fetched, lora, None, at_targets, pool))
        return Residuals(
            torch.cat([each.db for each in pieces], dim=1),
            torch.cat([each.itd for each in pieces], dim=1),
            targets,
        )

    def _adapted(self, known: Residuals, pool: Residuals, fetched: torch.Tensor) -> torch.Tensor:
        """LoRA vectors (B, blocks, 2, C): from their mean, fitted to each measured direction from
        what is known at the others.
        """
        sizes = self.configuration
        lora = self.net.lora.detach().mean(dim=0).expand(len(known.db), -1, -1, -1).clone()
        lora.requires_grad_(True)
        optimiser = torch.optim.Adam([lora], lr=0.02)
        rng = np.random.default_rng(0)
        count = len(known.positions)
        with torch.enable_grad():
            for _ in range(sizes.adaptation_steps if self.adapts else 0):
                rows = rng.permutation(count)[: sizes.adaptation_targets]
                wanted = known.at(rows)
                found = self._found(
                    known, wanted.positions, fetched, lora, None, pool.at(rows), pool, apart=1e-3
                )
                optimiser.zero_grad()
                error = lsd(found.db, wanted.db) + 0.3 * (found.itd - wanted.itd).abs().mean()
                (lora.grad,) = torch.autograd.grad(error * len(known.db), lora)
                optimiser.step()
        return lora.detach()

    def _found(
        self, known: Residuals, targets: torch.Tensor, fetched: torch.Tensor, lora: torch.Tensor,
        rows: Any, at_targets: Residuals | None = None, at_known: Residuals | None = None,
        apart: float = -1.0,
    ) -> Residuals:  # fmt: skip
        """Estimates at targets of listeners, from who was fetched for them."""
        if at_targets is None or at_known is None:
            at_targets, at_known = self._pool.at(rows), self._pool_at(known.positions)
        angle = torch.arccos((targets @ known.positions.T).clamp(-1.0, 1.0))
        if len(known.positions) > 1:  # where a measured direction is asked for, it may not be used
            angle = torch.where(angle < apart, angle + 10.0, angle)
        angle, nearest = angle.min(dim=1)
        spectra, itd = _picked(at_targets, fetched)
        nearby, _ = _picked(at_known.at(nearest), fetched)
        errors = known.db[:, None, nearest] - nearby
        trust = torch.exp2(-angle / _REACH_RAD)[None, None, :, None, None]
        evidence = torch.cat([spectra, trust * errors], dim=3).transpose(1, 2).flatten(0, 1)
        n_listeners, n_targets = len(known.db), len(targets)
        conditions = torch.cat(
            [targets, known.positions[nearest], angle[:, None],
             torch.full((n_targets, 1), np.log(len(known.positions)) / 4.0)], dim=1
        )  # fmt: skip
        db, delay = self.net(
            evidence,
            conditions.repeat(n_listeners, 1),
            lora.repeat_interleave(n_targets, dim=0),
        )
        shape = (n_listeners, n_targets)
        return Residuals(
            spectra.mean(dim=1) + db.reshape(*shape, 2, N_EVALUATED),
            itd.mean(dim=1) + delay.reshape(shape),
            targets,
        )

    def _pool_at(self, positions: torch.Tensor) -> Residuals:
        """The training listeners at any directions."""
        if positions.shape == self._pool.positions.shape and torch.equal(
            positions, self._pool.positions
        ):
            return self._pool
        distance, rows = torch.cdist(positions.double(), self._pool.positions.double()).min(dim=1)
        if float(distance.max()) < 1e-3:
            return self._pool.at(rows)
        half_itd = self._pool.itd.numpy()[..., None] * [0.5, -0.5]
        blended = ListenerGroup(self._pool.positions.numpy(), self._pool.db.numpy(), half_itd).at(
            positions.double().numpy()
        )
        itd = torch.from_numpy(blended.arrival_seconds @ [1.0, -1.0]).float()
        return Residuals(torch.from_numpy(blended.magnitude_db), itd, positions)

    def extra_tensors(self) -> dict[str, np.ndarray]:
        """The listeners to fetch from."""
        return {
            "pool_db": self._pool.db.numpy().astype(np.float16),
            "pool_itd": self._pool.itd.numpy(),
        }

    def take_tensors(self, tensors: dict[str, np.ndarray]) -> None:
        """Take the tensors of a file."""
        self._pool = Residuals(
            torch.from_numpy(tensors["pool_db"].astype(np.float32)),
            torch.from_numpy(tensors["pool_itd"]),
            torch.from_numpy(tensors["grid"].astype(np.float32)),
        )


def _picked(pool: Residuals, fetched: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spectra (B, K, Q, 2, F) and ITDs (B, K, Q) of the fetched rows (B, K)."""
    return pool.db[fetched], pool.itd[fetched]
