"""Prediction of the head's rotation by the output latency: where it will be as sound arrives.

The turn to come is taken as a sum of three angular velocities, the newest and two smoothed ones,
whose weights are learnt while the head moves, by recursive least squares with forgetting (Haykin,
Adaptive Filter Theory, ch. 10): each pose that arrives says what should have been predicted a
horizon ago. Until it has learnt, the newest velocity counts alone. Errors weigh less the larger
they are, so that a jump of the tracker does not undo what was learnt, and no head turns faster than
``FASTEST``; where the velocity is beyond belief the prediction returns to the last pose.
"""

import math
from collections import deque
from typing import NamedTuple, TypeAlias

import numpy as np

from auricle.osc.quaternion import (
    Quaternion,
    Vector,
    conjugate,
    from_rotation_vector,
    multiply,
    rotation_vector,
)

# Of the two smoothed velocities.
TIME_CONSTANTS_SECONDS = (0.02, 0.06)
FORGETTING_SECONDS = 10.0
# Poses closer than that are one pose: senders of yaw, pitch and roll in three messages.
SAME_POSE_SECONDS = 0.001
# After a longer silence velocities are not known.
LONGEST_GAP_SECONDS = 0.25
# Radians per second: voluntary turns of the head stay below 700 degrees per second.
FASTEST = 12.0
# Of the residual velocity, radians per second, at which an error counts half.
DOUBTED_RESIDUAL = 0.5
MAX_HORIZON_SECONDS = 0.25

Velocities: TypeAlias = tuple[Vector, ...]
_STILL: Velocities = ((0.0, 0.0, 0.0),) * (1 + len(TIME_CONSTANTS_SECONDS))
_NEWEST_ALONE = np.array([1.0] + [0.0] * len(TIME_CONSTANTS_SECONDS))


class _Sample(NamedTuple):
    seconds: float
    orientation: Quaternion
    velocities: Velocities


class PosePredictor:
    """Predicts orientations from those that have arrived; causal, nothing fitted beforehand.

    Args:
        horizon_seconds: how far ahead the weights are learnt for, usually the output latency.
    """

    def __init__(self, horizon_seconds: float) -> None:
        self.horizon_seconds = min(max(horizon_seconds, 0.001), MAX_HORIZON_SECONDS)
        self.reset()

    def reset(self) -> None:
        """Forget all poses and what was learnt."""
        self._past: deque[_Sample] = deque()  # not yet compared with what followed
        self._last: _Sample | None = None
        self._before: _Sample | None = None
        self._information = np.eye(len(_STILL))
        self._projection = _NEWEST_ALONE.copy()
        self._weights = _NEWEST_ALONE.tolist()

    def update(self, seconds: float, orientation: Quaternion) -> None:
        """Take a pose that was measured, or arrived, at ``seconds`` of any steady clock."""
        last = self._last
        if last is not None and seconds - last.seconds < SAME_POSE_SECONDS:
            # Replace the newest pose, at its time: a velocity over no time is none.
            seconds, last = last.seconds, self._before
            if self._past:
                self._past.pop()
        sample = _Sample(seconds, orientation, _velocities(last, seconds, orientation))
        if last is not None and seconds - last.seconds <= LONGEST_GAP_SECONDS:
            self._learn(last, sample)
        else:
            self._past.clear()
        self._past.append(sample)
        self._before, self._last = last, sample

    def predict(self, ahead_seconds: float | None = None) -> Quaternion:
        """The orientation ``ahead_seconds`` (None: the horizon) after the newest pose."""
        last = self._last
        if last is None:
            return (1.0, 0.0, 0.0, 0.0)
        ahead = self.horizon_seconds if ahead_seconds is None else ahead_seconds
        ahead = min(max(ahead, 0.0), MAX_HORIZON_SECONDS)
        x, y, z = self.velocity()
        return multiply(from_rotation_vector((x * ahead, y * ahead, z * ahead)), last.orientation)

    def velocity(self) -> Vector:
        """The angular velocity to count on, in radians per second about the world's axes."""
        if self._last is None:
            return (0.0, 0.0, 0.0)
        mean = _weighted(self._weights, self._last.velocities)
        trust = 1.0 / (1.0 + (math.hypot(*mean) / FASTEST) ** 4)
        x, y, z = (trust * value for value in mean)
        return (x, y, z)

    def _learn(self, last: _Sample, newest: _Sample) -> None:
        """Compare each pose whose horizon has come with what was to be predicted then."""
        horizon, span = self.horizon_seconds, newest.seconds - last.seconds
        kept = math.exp(-span / FORGETTING_SECONDS)
        learnt = False
        while self._past and self._past[0].seconds + horizon <= newest.seconds:
            past = self._past.popleft()
            fraction = (past.seconds + horizon - last.seconds) / span
            rotation = rotation_vector(multiply(newest.orientation, conjugate(last.orientation)))
            x, y, z = (fraction * value for value in rotation)
            then = multiply(from_rotation_vector((x, y, z)), last.orientation)
            rotation = rotation_vector(multiply(then, conjugate(past.orientation)))
            target_velocity = np.array(rotation) / horizon
            features = np.array(past.velocities)
            residual = target_velocity - np.array(_weighted(self._weights, past.velocities))
            weight = 1.0 / (1.0 + float(residual @ residual) / DOUBTED_RESIDUAL**2)
            # Forgetting leads back to where learning began, so the system stays solvable.
            self._information = (
                kept * self._information
                + weight * features @ features.T
                + (1.0 - kept) * np.eye(len(_STILL))
            )
            self._projection = (
                kept * self._projection
                + weight * features @ target_velocity
                + (1.0 - kept) * _NEWEST_ALONE
            )
            learnt = True
        if learnt:
            self._weights = np.linalg.solve(self._information, self._projection).tolist()


def _velocities(last: _Sample | None, seconds: float, orientation: Quaternion) -> Velocities:
    """The newest angular velocity and the smoothed ones."""
    if last is None or not 0.0 < seconds - last.seconds <= LONGEST_GAP_SECONDS:
        return _STILL
    span = seconds - last.seconds
    rotation = rotation_vector(multiply(orientation, conjugate(last.orientation)))
    speed = math.hypot(*rotation) / span
    scale = (FASTEST / speed if speed > FASTEST else 1.0) / span
    newest = (scale * rotation[0], scale * rotation[1], scale * rotation[2])
    smoothed = []
    for constant, old in zip(TIME_CONSTANTS_SECONDS, last.velocities[1:], strict=True):
        fraction = 1.0 - math.exp(-span / constant)
        x, y, z = (a + fraction * (b - a) for a, b in zip(old, newest, strict=True))
        smoothed.append((x, y, z))
    return (newest, *smoothed)


def _weighted(weights: list[float], vectors: Velocities) -> Vector:
    x, y, z = (
        sum(weight * vector[axis] for weight, vector in zip(weights, vectors, strict=True))
        for axis in range(3)
    )
    return (x, y, z)


# Of single quaternions in plain floats: NumPy's calls cost ten times as much as their arithmetic.
