"""Print how well head orientation is predicted on recorded traces, beside plain methods.

    python benchmarks/live/prediction.py DATA

Each pose is predicted from those before it alone, and compared with the trace (slerp between its
poses) a horizon later. "Three samples" is a constant velocity over the last three poses.
"""

import sys
from pathlib import Path

import numpy as np

from auricle.dsp.geometry import (
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_normalise,
    slerp,
)
from auricle.osc.trackers.prediction import PosePredictor
from auricle.personalization.datasets import head_traces

HORIZONS_SECONDS = (0.02, 0.05, 0.1)
TRACES = {f"HoloLens {i}": ("hololens", f"hololens_User{i}.csv.gz") for i in range(1, 5)} | {
    f"MultiViewpoint {i}": ("multiviewpoint", f"user{i}_quaternion.txt.gz") for i in range(1, 5)
}
JUMPY = "MultiViewpoint 4"


def trace(data: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Times (J,) in seconds and unit quaternions (J, 4) of a recorded head."""
    kind, file = TRACES[name]
    found = getattr(head_traces, kind)(data / "headtrack" / file)
    return np.asarray(found.seconds, dtype=float), quaternion_normalise(found.orientations)


def errors_deg(
    seconds: np.ndarray, orientations: np.ndarray, horizon: float
) -> dict[str, np.ndarray]:
    """Angular errors of each method at each pose from the fourth on, in degrees."""
    chosen = np.arange(3, len(seconds))
    chosen = chosen[seconds[chosen] + horizon <= seconds[-1]]
    after = np.searchsorted(seconds, seconds[chosen] + horizon)
    share = (seconds[chosen] + horizon - seconds[after - 1]) / (seconds[after] - seconds[after - 1])
    truth = slerp(orientations[after - 1], orientations[after], np.clip(share, 0.0, 1.0))
    newest = orientations[chosen]
    turn = _vectors(quaternion_multiply(newest, quaternion_conjugate(orientations[chosen - 2])))
    ahead = turn * (horizon / (seconds[chosen] - seconds[chosen - 2]))[:, None]
    predictor, predicted = PosePredictor(horizon), []
    for time, orientation in zip(seconds.tolist(), orientations.tolist(), strict=True):
        predictor.update(time, tuple(orientation))
        predicted.append(predictor.predict())
    return {
        "hold last": _angles_deg(newest, truth),
        "three samples": _angles_deg(quaternion_multiply(_turns(ahead), newest), truth),
        "ours": _angles_deg(np.array(predicted)[chosen], truth),
    }


def _vectors(q: np.ndarray) -> np.ndarray:
    q = np.where(q[:, :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[:, 1:], axis=1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[:, :1])
    return q[:, 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def _turns(vectors: np.ndarray) -> np.ndarray:
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    scale = np.where(angle > 1e-12, np.sin(angle / 2.0) / np.maximum(angle, 1e-12), 0.5)
    return np.concatenate([np.cos(angle / 2.0), scale * vectors], axis=1)


def _angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    turn = quaternion_multiply(quaternion_conjugate(a), b)
    return np.rad2deg(np.linalg.norm(_vectors(turn), axis=1))


def rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def main() -> None:
    data = Path(sys.argv[1])
    heads = " | ".join(
        f"{1000 * h:.0f} ms: hold last, three samples, ours" for h in HORIZONS_SECONDS
    )
    print(f"| RMS error in degrees | {heads} |\n|{'---|' * (1 + len(HORIZONS_SECONDS))}")
    below: dict[float, list[tuple[float, float]]] = {h: [] for h in HORIZONS_SECONDS}
    for name in TRACES:
        seconds, orientations = trace(data, name)
        cells = []
        for horizon in HORIZONS_SECONDS:
            hold, three, ours = map(rms, errors_deg(seconds, orientations, horizon).values())
            cells.append(f"{hold:.2f}, {three:.2f}, {ours:.2f} ({100 * (ours / hold - 1):+.0f} %)")
            if name != JUMPY:
                below[horizon].append((1.0 - three / hold, 1.0 - ours / hold))
        print(f"| {name} | {' | '.join(cells)} |")
    means = [np.mean(below[h], axis=0) * 100.0 for h in HORIZONS_SECONDS]
    cells = [f"three samples {-three:.1f} %, ours {-ours:.1f} %" for three, ours in means]
    print(f"| mean without {JUMPY} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
