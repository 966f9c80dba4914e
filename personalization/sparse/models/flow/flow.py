"""Flow: samples of a listener by conditional flow matching over what the Gaussian process leaves.

Flow matching (Lipman et al. 2023; rectified flow, Liu et al. 2023): a network learns the velocity
along straight lines from noise to listeners; integrated from noise it gives a listener who could
have these measurements. The noise is the Gaussian process's own posterior
(``auricle.personalization.sparse.listener_gp.process``), in the coordinates of ``residual_field``:
whitened harmonics over directions and cosines over frequency. The velocity that keeps this Gaussian
as it is has a closed form (Albergo and Vanden-Eijnden 2023); the network adds what listeners have
beyond it, and starts at nothing. So an untrained flow is the Gaussian posterior with the spread
that held-out listeners show, measured directions stay, and a sample is a whole sphere, not
directions apart.

The network is a dilated convolution over frequency across the harmonics of both ears, told the
prediction, the time of the flow, the number of measured directions and where they are. It learns
from listeners whom the process has not seen (cross-validation). Samples come in pairs of opposite
noise: their mean has no error of chance beyond the network's part.

Source of the idea: diffusion for HRTFs (Thuillier et al. 2024; Chen et al. 2025); theirs are large
U-Nets in the time or frequency domain of one direction. Here: 5 layers of 96 channels.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import idct
from torch import nn

from auricle.dsp.arrays import Array, Float32
from auricle.dsp.sphere.harmonics import encode, n_channels
from auricle.personalization.learning.configuration import Configuration
from auricle.personalization.learning.training_loop import Progress, seeded
from auricle.personalization.learning.training_loop import train as run
from auricle.personalization.listeners.features import EVALUATED_BINS
from auricle.personalization.listeners.listener_data import (
    ListenerGroup,
    MeasuredListener,
    Prediction,
)
from auricle.personalization.listeners.statistics import mean_listener
from auricle.personalization.sparse.listener_gp.process import ListenersProcess
from auricle.personalization.sparse.models.flow.residual_field import (
    N_COSINES,
    N_SMOOTH,
    Spreads,
    coarse_spectra,
    smooth_coefficients,
    smooth_field,
)
from auricle.personalization.sparse.models.shared.base import SCALE_DB, zeroed
from auricle.personalization.sparse.models.shared.gp_correction_base import GpCorrection
from auricle.personalization.sparse.models.shared.measurement_sets import random_set, standard_sets

_COVERAGE_ORDER = 3
_TIMES = 4  # octaves of the flow's time
_N_CONDITIONS = 1 + n_channels(_COVERAGE_ORDER) + 1 + 2 * _TIMES
_N_LINES = 2 * N_SMOOTH  # harmonics of both ears


class FlowNet(nn.Module):
    """Velocities (B, 2 N_SMOOTH, N_COSINES) beyond the Gaussian's, of whitened coefficients.

    Args:
        width: channels of the layers.
        dropout: of the layers, 0 to 1.
        dilations: over the coefficients, one a layer.
    """

    def __init__(self, width: int, dropout: float, dilations: tuple[int, ...] = (1, 2, 4, 8, 1)):
        super().__init__()
        self.cosines: torch.Tensor
        cosines = idct(np.eye(N_COSINES), norm="ortho", axis=-1).astype(np.float32)
        self.register_buffer("cosines", torch.from_numpy(cosines), persistent=False)
        self.condition = nn.Sequential(
            nn.Linear(_N_CONDITIONS, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU()
        )
        self.first = nn.Conv1d(2 * _N_LINES, width, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in dilations
        )
        self.films = nn.ModuleList(nn.Linear(64, 2 * width) for _ in dilations)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv1d(width, _N_LINES, 5, padding=2)
        zeroed(self.last)

    def forward(
        self, now: torch.Tensor, time: torch.Tensor, told: "Told", spread: torch.Tensor
    ) -> torch.Tensor:
        """Velocities at some coefficients and times.

        Args:
            now: (B, 2 N_SMOOTH, N_COSINES) coefficients.
            time: (B,) from 0 to 1.
            told: the conditions.
            spread: (B, 2 N_SMOOTH, N_COSINES) of the coefficients.
        """
        phase = time[:, None] * torch.pi * 2.0 ** torch.arange(_TIMES)
        known = self.condition(
            torch.cat([told.where, time[:, None], phase.sin(), phase.cos()], dim=1)
        )
        hidden = self.first(torch.cat([(now * spread) @ self.cosines, told.prediction], dim=1))
        for layer, film in zip(self.layers, self.films, strict=True):
            gain, shift = film(known)[..., None].chunk(2, dim=1)
            hidden = hidden + self.dropout(nn.functional.silu(layer(hidden) * (1.0 + gain) + shift))
        return self.last(hidden) @ self.cosines.T


@dataclass(frozen=True)
class Told:
    """The conditions of a flow.

    Attributes:
        prediction: (B, 2 N_SMOOTH, N_COSINES) harmonics of the Gaussian mean, coarse spectra.
        where: (B, n) number and directions of the measurements.
    """

    prediction: torch.Tensor
    where: torch.Tensor

    def at(self, rows: Any) -> "Told":
        """Some of them."""
        return Told(self.prediction[rows], self.where[rows])


@dataclass(frozen=True)
class Episode:
    """Listeners measured at the same directions: whitened residuals, and what the flow is told."""

    wanted: torch.Tensor
    spread: torch.Tensor
    told: Told


@dataclass(frozen=True)
class FlowConfiguration(Configuration):
    """Sizes and settings of ``Flow``, which says what they are."""

    width: int = 96
    dropout: float = 0.1
    groups: int = 4
    random_sets: int = 2
    targets: int = 256
    batch: int = 32
    samples: int = 64
    steps: int = 6
    seed: int = 0


class Flow(GpCorrection):
    """The method ``flow``; ``samples`` draws whole listeners.

    Args:
        plan: of the training.
        configuration: in place of DEFAULTS: ``width`` of the layers, ``groups`` of the
            cross-validation, ``random_sets`` of measured directions beside the standard ones,
            ``targets`` directions that a residual is taken at, ``batch``, ``samples`` of a
            prediction, ``steps`` of the flow.
    """

    name: ClassVar[str] = "flow"
    score_text: ClassVar[str] = "squared error of the velocity {:.2f}"
    DEFAULTS: ClassVar[FlowConfiguration] = FlowConfiguration()
    configuration: FlowConfiguration

    def fit(self, train: ListenerGroup, progress: Progress | None = None) -> None:
        """Predict the listeners from each other, then train; the last group says when to stop."""
        torch.set_num_threads(1)
        rng = seeded(self.plan.seed)
        self._start(train)
        group = np.arange(len(train)) % self.configuration.groups
        episodes, n_standard = self._episodes(train, group, rng, progress)
        held = np.concatenate([group, group]) == 0  # the mirror images behind the listeners
        self._make_net()
        learners, judges = np.flatnonzero(~held), np.flatnonzero(held)
        judged = _fixed_draws(episodes[:n_standard], judges, self.plan.seed)

        def loss() -> torch.Tensor:
            first = rng.random() < 0.5  # standard sets as often as all the others
            episode = episodes[rng.integers(n_standard if first else len(episodes))]
            who = rng.choice(learners, self.configuration.batch)
            return self._loss(episode, who, *_drawn(len(who)))

        def score() -> float:
            return float(torch.stack([self._loss(*each) for each in judged]).mean())

        self.history = run(self.net, loss, score, self.plan, progress)

    def predict_many(self, measured: ListenerGroup, target_positions: Array) -> list[Prediction]:
        """The means of the samples, and their spread."""
        found = []
        count = len(measured.positions)
        fine = self._spreads.fine_variance(count)
        for base, told in self._told(measured, target_positions):
            drawn = self._drawn_smooth(told, count, self.configuration.samples)
            field = smooth_field(target_positions, drawn)
            assert base.std_db is not None
            magnitude, spread = base.magnitude_db.copy(), base.std_db.copy()
            magnitude[..., EVALUATED_BINS] += (
                spread[..., EVALUATED_BINS] * field.mean(axis=0)
            ).astype(np.float32)
            spread[..., EVALUATED_BINS] *= np.sqrt(field.var(axis=0, dtype=np.float64) + fine)
            found.append(replace(base, magnitude_db=magnitude, std_db=spread))
        return found

    def samples(
        self, measured: MeasuredListener, target_positions: Array, n_samples: int, seed: int = 0
    ) -> list[Prediction]:
        """Whole listeners who could have these measurements.

        Arrival times are those of the prediction; samples come in pairs of opposite noise.

        Args:
            measured: the listener.
            target_positions: (Q, 3) unit vectors.
            n_samples: how many.
            seed: the same one gives the same samples.
        """
        ((base, told),) = self._told(measured.alone(), target_positions)
        count = len(measured.positions)
        field = smooth_field(target_positions, self._drawn_smooth(told, count, n_samples, seed))
        rng = np.random.default_rng([seed, 1])
        pairs = -(-n_samples // 2)
        fine = self._spreads.drawn_fine(target_positions, count, pairs, rng)
        field = field + _with_opposite(fine)[:n_samples]
        assert base.std_db is not None
        found = []
        for left in field:
            magnitude = base.magnitude_db.copy()
            magnitude[..., EVALUATED_BINS] += (base.std_db[..., EVALUATED_BINS] * left).astype(
                np.float32
            )
            found.append(replace(base, magnitude_db=magnitude, std_db=None))
        return found

    def extra_tensors(self) -> dict[str, NDArray]:
        """The spreads that held-out listeners show."""
        spreads = self._spreads
        return {
            "log_counts": spreads.log_counts, "smooth": spreads.smooth, "fine": spreads.fine,
        }  # fmt: skip

    def take_tensors(self, tensors: dict[str, NDArray]) -> None:
        """The way back of ``extra_tensors``."""
        self._spreads = Spreads(tensors["log_counts"], tensors["smooth"], tensors["fine"])

    def _build(self) -> FlowNet:
        return FlowNet(self.configuration.width, self.configuration.dropout)

    def _base_on(self, train: ListenerGroup) -> None:
        self._base = ListenersProcess(with_spread=True)
        self._base.fit(train)
        self._mean = mean_listener(train)
        rng = np.random.default_rng(self.configuration.seed)
        rows = rng.permutation(len(train.positions))[: self.configuration.targets]
        self._frame = train.positions[np.sort(rows)]  # where the prediction is told from

    def _episodes(
        self,
        train: ListenerGroup,
        group: NDArray,
        rng: np.random.Generator,
        progress: Progress | None,
    ) -> tuple[list[Episode], int]:
        """What is learned from: each group predicted from the others; the standard sets first."""
        grid, sizes = train.positions, self.configuration
        sets = standard_sets(grid)
        n_standard = len(sets)
        sets += [random_set(grid, rng) for _ in range(sizes.random_sets)]
        both = train.joined(train.mirrored())
        of_both = np.concatenate([group, group])
        truth, mean = both.at(self._frame), self._mean.at(self._frame)
        shape = (
            len(sets),
            *truth.magnitude_db.shape[:-1],
            EVALUATED_BINS.stop - EVALUATED_BINS.start,
        )
        left, predicted = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for number in range(sizes.groups):
            others = ListenersProcess(with_spread=True)
            others.fit(train.take(np.flatnonzero(group != number)))
            rows = np.flatnonzero(of_both == number)
            for k, measured in enumerate(sets):
                known = both.take(rows).directions(measured)
                for row, found in zip(rows, others.predict_many(known, self._frame), strict=True):
                    error = truth.magnitude_db[row] - found.magnitude_db
                    left[k, row] = (error / found.std_db)[..., EVALUATED_BINS]
                    predicted[k, row] = (found.magnitude_db - mean.magnitude_db[0])[
                        ..., EVALUATED_BINS
                    ]
            if progress is not None:
                progress(0.0, f"predicted group {number + 1} of {sizes.groups}")
        unseen = [_apart(self._frame, grid[each]) for each in sets]
        self._spreads = Spreads.of(
            [len(each) for each in sets[:n_standard]],
            [self._frame[rows] for rows in unseen[:n_standard]],
            [left[k][:, unseen[k]] for k in range(n_standard)],
        )
        episodes = []
        for k, measured in enumerate(sets):
            spread = self._spread(len(measured))
            smooth = smooth_coefficients(self._frame[unseen[k]], left[k][:, unseen[k]])
            wanted = torch.from_numpy(smooth).flatten(1, 2) / spread
            told = [self._condition(one, grid[measured]) for one in predicted[k]]
            all_told = Told(
                torch.cat([each.prediction for each in told]),
                torch.cat([each.where for each in told]),
            )
            episodes.append(Episode(wanted, spread, all_told))
        return episodes, n_standard

    def _told(self, measured: ListenerGroup, targets: Array) -> list[tuple[Prediction, Told]]:
        """Predictions at the targets, and what the flow is told of each listener."""
        count = len(targets)
        mean = self._mean.at(self._frame).magnitude_db[0]
        out = []
        for found in self._base.predict_many(measured, np.concatenate([targets, self._frame])):
            assert found.std_db is not None
            at_frame = (found.magnitude_db[count:] - mean)[..., EVALUATED_BINS]
            at_targets = replace(
                found,
                magnitude_db=found.magnitude_db[:count],
                arrival_seconds=found.arrival_seconds[:count],
                std_db=found.std_db[:count],
                std_seconds=None if found.std_seconds is None else found.std_seconds[:count],
            )
            out.append((at_targets, self._condition(at_frame, measured.positions)))
        return out

    def _condition(self, predicted_db: NDArray, known: Array) -> Told:
        """Of a prediction (Q, 2, N_HEARD) at the frame, less the mean, and directions (K, 3)."""
        harmonics = smooth_coefficients(self._frame, predicted_db[None] / SCALE_DB)
        coverage = encode(known, _COVERAGE_ORDER, "n3d").mean(axis=0)
        where = np.r_[np.log(len(known)) / 4.0, coverage].astype(np.float32)
        spectra = coarse_spectra(harmonics).astype(np.float32)
        return Told(torch.from_numpy(spectra).flatten(1, 2), torch.from_numpy(where)[None])

    def _spread(self, count: int) -> torch.Tensor:
        """(2 N_SMOOTH, N_COSINES), the same for both ears."""
        one = self._spreads.smooth_at(count).astype(np.float32)
        return torch.from_numpy(np.concatenate([one, one]))

    def _loss(
        self, episode: Episode, who: NDArray, time: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """Squared error of the velocity, as of the field: large coefficients count more."""
        wanted = episode.wanted[who]
        now = noise + time[:, None, None] * (wanted - noise)
        spread = episode.spread.expand_as(now)
        gaussian = (2.0 * time - 1.0) / _size(time) ** 2
        found = gaussian[:, None, None] * now + self.net(now, time, episode.told.at(who), spread)
        error = (found - (wanted - noise)) ** 2 * episode.spread**2
        return error.mean() / (episode.spread**2).mean()

    def _drawn_smooth(self, told: Told, count: int, n_samples: int, seed: int = 0) -> Float32:
        """Coefficients (N, 2, N_SMOOTH, N_COSINES) at the end of the flow, in pairs.

        In units of what the Gaussian alone would make of the noise, so that without the network's
        part each step is exact; midpoint rule.
        """
        generator = torch.Generator().manual_seed(seed)
        pairs = -(-n_samples // 2)
        now = torch.randn(pairs, _N_LINES, N_COSINES, generator=generator)
        now = torch.cat([now, -now])
        spread = self._spread(count)
        n_steps = self.configuration.steps
        told = Told(told.prediction.expand(len(now), -1, -1), told.where.expand(len(now), -1))

        def slope(scaled: torch.Tensor, at: float) -> torch.Tensor:
            time = torch.full((len(now),), at)
            size = _size(time)[0]
            return self.net(size * scaled, time, told, spread.expand_as(now)) / size

        with torch.no_grad():
            for step in range(n_steps):
                half = now + slope(now, step / n_steps) * (0.5 / n_steps)
                now = now + slope(half, (step + 0.5) / n_steps) / n_steps
        found = (now * spread).unflatten(1, (2, N_SMOOTH)).numpy()
        return _paired(found)[:n_samples]


def _size(time: torch.Tensor) -> torch.Tensor:
    """Standard deviation along the way of a Gaussian that goes to itself, drawn anew."""
    return torch.sqrt(time**2 + (1.0 - time) ** 2)


def _drawn(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(count), torch.randn(count, _N_LINES, N_COSINES)


def _fixed_draws(
    episodes: list[Episode], judges: NDArray, seed: int
) -> list[tuple[Episode, NDArray, torch.Tensor, torch.Tensor]]:
    """The same times and noise at every look, so that scores differ by the weights alone."""
    generator = torch.Generator().manual_seed(seed)
    count = len(judges)
    time = (torch.arange(count) + 0.5) / count
    return [
        (
            episode,
            judges,
            time[torch.randperm(count, generator=generator)],
            torch.randn(count, _N_LINES, N_COSINES, generator=generator),
        )
        for episode in episodes
    ]


def _apart(positions: Array, known: Array) -> NDArray[np.int64]:
    """Rows of directions that were not measured."""
    return np.flatnonzero((positions @ known.T).max(axis=1) < 1.0 - 1e-7)


def _with_opposite(field: Float32) -> Float32:
    return _paired(np.concatenate([field, -field]))


def _paired(halves: Float32) -> Float32:
    """First and second half in turns: each sample is followed by its opposite."""
    first, second = np.split(halves, 2)
    return np.stack([first, second], axis=1).reshape(halves.shape)
