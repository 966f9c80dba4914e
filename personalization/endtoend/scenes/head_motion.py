"""Motion of heads and sources: recorded heads on the step grid, and seeded random ways.

Recordings (``datasets.head_traces``) are split by user. Where a role has no recordings the head
turns along a smooth random line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import quaternion_from_ypr_deg, quaternion_normalise, unit_vectors
from auricle.personalization.datasets import head_traces
from auricle.personalization.datasets.head_traces import HeadTrace
from auricle.personalization.endtoend.listeners.people import Licence, Role
from auricle.personalization.endtoend.physics.poses import RATE, STEP

STEP_SECONDS = STEP / RATE
STILL_SHARE = 0.25  # of heads that rest
LEAST_M, MOST_M = 0.5, 4.0
FAST_SHARE = 0.05  # of passers-by that are faster than WALK_M_S
WALK_M_S, FASTEST_M_S = 3.0, 20.0
FARTHEST_M = 16.0  # so that the sound of all that is heard lies within the context of a piece
_AVTRACK_ROLES: tuple[tuple[int, Role], ...] = ((34, "train"), (40, "validation"), (48, "test"))
_SMOOTHING_SECONDS = 0.1  # of what was recorded at 10 Hz in whole degrees


@dataclass(frozen=True)
class User:
    """One user's recording: its file's name or more, who hears it, how it is read."""

    name: str
    role: Role
    licence: Licence
    load: Callable[[], HeadTrace]


def users(data: Path) -> list[User]:
    """All users whose recordings lie in ``headtrack`` of a folder of data."""
    folder = data / "headtrack"
    found = []
    roles: tuple[Role, ...] = ("train", "train", "validation", "test")
    for number, role in enumerate(roles, 1):
        path = folder / f"user{number}_quaternion.txt.gz"
        load = partial(head_traces.multiviewpoint, path)
        found.append((path, User(f"multiviewpoint {number}", role, "shippable", load)))
        path = folder / f"hololens_User{number}.csv.gz"
        load = partial(head_traces.hololens, path)
        found.append((path, User(f"hololens {number}", role, "all", load)))
    path = folder / "fr2_desk_groundtruth.txt.gz"
    found.append((path, User("tum", "train", "all", partial(head_traces.tum, path))))
    path = folder / "avtrack360_48subjects.csv.gz"
    for k, subject in enumerate(head_traces.subjects(path) if path.is_file() else ()):
        role = next(role for most, role in _AVTRACK_ROLES if k < most or most == 48)
        load = partial(head_traces.avtrack360, path, subject)
        found.append((path, User(f"avtrack360 {subject}", role, "all", load)))
    return [user for path, user in found if path.is_file()]


class HeadTraces:
    """Recorded heads of one role; ``draw`` gives the next piece.

    Args:
        data: folder with ``headtrack``; None: random heads alone.
        role: "train", "validation" or "test".
        licence: "shippable": train only on what weights that ship may learn from.
    """

    def __init__(self, data: Path | None, role: Role, licence: Licence = "all") -> None:
        known = users(data) if data is not None else []
        free = licence == "all" or role != "train"
        kept = [each for each in known if each.role == role and (free or each.licence != "all")]
        # One voice for each set of recordings, however many its users.
        self._sets: dict[str, list[User]] = {}
        for each in kept:
            self._sets.setdefault(each.name.split()[0], []).append(each)
        self.names = tuple(each.name for each in kept)
        self._loaded: dict[str, tuple[Array, Array]] = {}

    def draw(self, rng: np.random.Generator, n_steps: int) -> tuple[Array, Array, str]:
        """Orientations (K + 1, 4) and places (K + 1, 3) on the step grid, and whose they are."""
        if rng.random() < STILL_SHARE:
            q = quaternion_from_ypr_deg(rng.uniform(-180.0, 180.0), *rng.normal(0.0, 8.0, 2))
            return np.tile(q, (n_steps + 1, 1)), np.zeros((n_steps + 1, 3)), "still"
        if not self._sets:
            return (*_random_head(rng, n_steps), "random")
        some = list(self._sets.values())[rng.integers(len(self._sets))]
        user = some[rng.integers(len(some))]
        orientations, places = self._on_grid(user)
        first = int(rng.integers(max(len(places) - n_steps, 1)))
        rows = np.minimum(np.arange(first, first + n_steps + 1), len(places) - 1)
        return orientations[rows], places[rows] - places[rows].mean(axis=0), user.name

    def _on_grid(self, user: User) -> tuple[Array, Array]:
        if user.name not in self._loaded:
            trace = user.load()
            self._loaded[user.name] = on_step_grid(trace, user.name.startswith("avtrack360"))
        return self._loaded[user.name]


def on_step_grid(trace: HeadTrace, smooth: bool = False) -> tuple[Array, Array]:
    """Orientations (K + 1, 4) and places (K + 1, 3) of a recording every ``STEP`` samples.

    Between samples of a recording, some 16 ms apart, a line through the quaternions and back to
    unit length is slerp to within 1e-4 degrees. ``smooth`` rounds off what was recorded seldom.
    """
    times = np.arange(int(trace.seconds[-1] / STEP_SECONDS) + 1) * STEP_SECONDS
    both = np.concatenate([trace.orientations, trace.positions_m], axis=1)
    values = np.stack([np.interp(times, trace.seconds, column) for column in both.T], axis=1)
    if smooth:
        from scipy.ndimage import gaussian_filter1d

        values = gaussian_filter1d(values, _SMOOTHING_SECONDS / STEP_SECONDS, axis=0)
    return quaternion_normalise(values[:, :4]), values[:, 4:]


def source_way(rng: np.random.Generator, n_steps: int) -> tuple[Array, str]:
    """A way of a source (K + 1, 3), in metres about a head near the origin, and how it moves.

    It rests, passes by, circles or wanders, mostly 0.5 to 4 m away and at up to 3 m/s.
    """
    ways = (_rest, _pass_by, _orbit, _wander_about)
    way = ways[rng.integers(len(ways))]
    times = (np.arange(n_steps + 1, dtype=np.float64) - n_steps / 2.0) * STEP_SECONDS
    return way(rng, times), way.__name__.strip("_")


def _rest(rng: np.random.Generator, times: Array) -> Array:
    return np.tile(_distance(rng) * _direction(rng), (len(times), 1))


def _pass_by(rng: np.random.Generator, times: Array) -> Array:
    """A straight line, nearest to the head somewhere within the scene, slower far away."""
    nearest = rng.uniform(LEAST_M, 2.0) * _direction(rng)
    fast = rng.random() < FAST_SHARE
    speed = rng.uniform(WALK_M_S, FASTEST_M_S) if fast else rng.uniform(0.3, WALK_M_S)
    heading = np.array([-nearest[1], nearest[0], 0.0])
    if not np.linalg.norm(heading) > 1e-3:
        heading = np.array([1.0, 0.0, 0.0])
    heading *= rng.choice([-1.0, 1.0]) / np.linalg.norm(heading)
    moved = speed * (times - rng.uniform(-0.5, 0.5) * times[0])
    return nearest + (FARTHEST_M * np.tanh(moved / FARTHEST_M))[:, None] * heading


def _orbit(rng: np.random.Generator, times: Array) -> Array:
    distance, elevation = _distance(rng), np.rad2deg(np.arcsin(_height(rng)))
    turn = rng.uniform(0.2, WALK_M_S) / distance * rng.choice([-1.0, 1.0])
    azimuth = rng.uniform(-180.0, 180.0) + np.rad2deg(turn * times)
    return distance * unit_vectors(azimuth, elevation)


def _wander_about(rng: np.random.Generator, times: Array) -> Array:
    middle = _distance(rng)
    stretch = 0.35 * _line(rng, times, 0.4)
    distance = np.clip(middle * 2.0**stretch, LEAST_M, MOST_M)
    azimuth = rng.uniform(-180.0, 180.0) + 60.0 / middle * _line(rng, times, 0.4)
    elevation = np.rad2deg(np.arcsin(_height(rng))) + 25.0 / middle * _line(rng, times, 0.3)
    return distance[:, None] * unit_vectors(azimuth, np.clip(elevation, -45.0, 85.0))


def _distance(rng: np.random.Generator) -> float:
    return float(LEAST_M * (MOST_M / LEAST_M) ** rng.random())


def _height(rng: np.random.Generator) -> float:
    """Sine of an elevation: half of them near the horizon, half anywhere from -40 to 75 degrees."""
    if rng.random() < 0.5:
        return float(np.clip(rng.normal(0.0, 0.15), -0.6, 0.95))
    return float(rng.uniform(-0.64, 0.96))


def _direction(rng: np.random.Generator) -> Array:
    elevation = np.rad2deg(np.arcsin(_height(rng)))
    return unit_vectors(rng.uniform(-180.0, 180.0), elevation)


def _random_head(rng: np.random.Generator, n_steps: int) -> tuple[Array, Array]:
    times = np.arange(n_steps + 1, dtype=np.float64) * STEP_SECONDS
    yaw = rng.uniform(-180.0, 180.0) + 40.0 * _line(rng, times, 0.6)
    pitch, roll = (8.0 * _line(rng, times, 0.6) for _ in range(2))
    places = 0.05 * np.stack([_line(rng, times, 0.4) for _ in range(3)], axis=1)
    return quaternion_from_ypr_deg(yaw, pitch, roll), places


def _line(rng: np.random.Generator, times: Array, fastest_hz: float) -> Array:
    """A smooth random line of about unit size."""
    out = np.zeros(len(times))
    for _ in range(3):
        turn, start = rng.uniform(0.05, fastest_hz), rng.uniform(0.0, 2.0 * np.pi)
        out += 0.8 * np.sin(2.0 * np.pi * turn * times + start)
    return out
