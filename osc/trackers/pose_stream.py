"""The head's pose from a tracker: recentred, predicted by the output latency, held when stale.

Poses arrive when they arrive; ``sample`` gives one for any moment, so whoever asks at even times
gets even poses.
"""

from auricle.dsp.geometry import quaternion_from_ypr_deg, ypr_deg_from_quaternion
from auricle.osc.quaternion import Quaternion, Vector, conjugate, multiply
from auricle.osc.trackers.prediction import PosePredictor

STALE_SECONDS = 0.5
# Without a new pose the prediction goes on for that long, and then rests.
COAST_SECONDS = 0.1
UPRIGHT: Quaternion = (1.0, 0.0, 0.0, 0.0)


class PoseStream:
    """The pose of the head at any moment, from the poses that have arrived.

    Args:
        latency_seconds: from a pose's arrival until its sound is heard; 0: no prediction.
        stale_seconds: silence after which the tracker counts as lost.
    """

    def __init__(self, latency_seconds: float = 0.0, stale_seconds: float = STALE_SECONDS) -> None:
        self.latency_seconds = max(latency_seconds, 0.0)
        self.stale_seconds = stale_seconds
        self._predictor = PosePredictor(self.latency_seconds)
        self._arrived: float | None = None
        self._measured = UPRIGHT
        self._world = self._mount = UPRIGHT
        self.position_m: Vector | None = None
        self.is_stale = False

    def push(self, orientation: Quaternion, now: float) -> None:
        """Take a pose, head to world, as it arrives at ``now`` seconds of a steady clock."""
        self._measured = orientation
        if self.is_stale:
            self._predictor.reset()
        self.is_stale = False
        self._arrived = now
        self._predictor.update(now, orientation)

    def recentre(self) -> None:
        """Take the present pose as looking to the front with the head upright.

        Its yaw is where the tracker's world points; what is left is how it is mounted on the head.
        So afterwards turning, nodding and tilting come out about the head's own axes.
        """
        yaw = ypr_deg_from_quaternion(self._measured)[0]
        w, x, y, z = quaternion_from_ypr_deg(float(yaw)).tolist()
        self._world = (w, -x, -y, -z)
        self._mount = conjugate(multiply(self._world, self._measured))

    def sample(self, now: float) -> Quaternion | None:
        """The head's orientation when sound made now is heard; None before the first pose."""
        if self._arrived is None:
            return None
        age = now - self._arrived
        self.is_stale = age > self.stale_seconds
        if self.latency_seconds > 0.0 and not self.is_stale:
            ahead = self.latency_seconds + min(max(age, 0.0), COAST_SECONDS)
            return self._centred(self._predictor.predict(ahead))
        return self._centred(self._measured)

    def age_seconds(self, now: float) -> float | None:
        """Time since the last pose; None before the first."""
        return None if self._arrived is None else now - self._arrived

    def _centred(self, orientation: Quaternion) -> Quaternion:
        return multiply(multiply(self._world, orientation), self._mount)
