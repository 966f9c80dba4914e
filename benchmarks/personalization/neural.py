"""Print what LINN costs in blocks, how large its seams are, and the pitch of a source that passes.

    python benchmarks/personalization/neural.py [--weights WEIGHTS] [--data DIR]

One core. "blocks against whole": the engine in calls of random sizes against the network in torch,
which renders the signal as a whole. "pitch": the largest error over windows of 100 ms of a tone of
1 kHz whose source passes at 20 m/s, 2 m away, against the physics of sound that is emitted while
its source moves; of the engine through LINN and of the geometric warp, mean of both ears. A head
bends pitch by itself: with --data the same of measured people through the explicit renderer.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from auricle.dsp.acoustics.rigid_sphere import SOUND_SPEED_M_S
from auricle.dsp.geometry import unit_vectors
from auricle.personalization.endtoend.evaluation.baselines import ExplicitSets
from auricle.personalization.endtoend.listeners.people import load_listeners
from auricle.personalization.endtoend.models.linn.linn import Linn
from auricle.personalization.endtoend.physics.geometric_warp import geometric_warp
from auricle.personalization.endtoend.physics.poses import (
    RATE,
    STEP,
    Poses,
    heard_poses,
    step_times,
)
from auricle.personalization.endtoend.scenes.reference_renderer import ExplicitRenderer
from auricle.plugin_core.neural.systems import open_system

TONE_HZ, SPEED_M_S, ASIDE_M = 1000.0, 20.0, 2.0
SECONDS = 3.0


def speed(system, n_sources: int) -> float:
    engine = system(RATE, n_sources)
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((n_sources, STEP)).astype(np.float32)
    turn = np.arange(n_sources) * 17.0
    best = np.inf
    for _ in range(10):
        start = time.perf_counter()
        for _ in range(100):
            turn = turn + 0.5
            engine.set_places(unit_vectors(turn))
            engine.process(audio)
        best = min(best, time.perf_counter() - start)
    return best / (100 * STEP / RATE)


def seams_db(system, linn: Linn) -> float:
    rng = np.random.default_rng(1)
    n_steps = 400
    mono = rng.standard_normal(n_steps * STEP).astype(np.float32)
    turn = np.linspace(0.0, 360.0, n_steps + 1)
    places = (1.0 + 0.5 * np.sin(turn / 40.0))[:, None] * unit_vectors(turn, 30.0)
    engine = system(RATE, 1)
    engine.start(places[:1])
    found = []
    for step in range(n_steps):
        engine.set_places(places[step + 1 : step + 2])
        cut = int(rng.integers(0, STEP + 1))
        for part in (slice(0, cut), slice(cut, STEP)):
            found.append(engine.process(mono[None, step * STEP : (step + 1) * STEP][:, part]))
    blocks = np.concatenate(found, axis=1)
    with torch.no_grad():
        whole = linn.estimate(
            torch.from_numpy(mono)[None], torch.from_numpy(places.astype(np.float32))[None],
            torch.from_numpy(system.code)[None],
        )[0].numpy()  # fmt: skip
    return float(10.0 * np.log10(np.sum((blocks - whole) ** 2) / np.sum(whole**2)))


def pitch_cents(out: np.ndarray, times: np.ndarray) -> float:
    """Largest error of the mean frequency over 100 ms, of the mean phase of both ears.

    At one ear the head itself bends the pitch by some cents, this way or that.
    """
    from scipy.signal import hilbert

    emitted = times.copy()
    for _ in range(60):
        way = np.hypot(SPEED_M_S * (emitted - SECONDS / 2.0), ASIDE_M)
        emitted = times - way / SOUND_SPEED_M_S
    window = RATE // 10
    phase = np.mean([np.unwrap(np.angle(hilbert(ear))) for ear in out], axis=0)
    start = np.arange(RATE // 4, len(times) - RATE // 4 - window, window // 4)
    found = (phase[start + window] - phase[start]) / (2.0 * np.pi)
    wanted = TONE_HZ * (emitted[start + window] - emitted[start])
    return float(np.max(np.abs(1200.0 * np.log2(found / wanted))))


def heads(data: Path) -> dict[str, ExplicitRenderer]:
    """One person left out of each laboratory, and the mean of those who train."""
    listeners = load_listeners(data, "shippable")
    found = {"mean listener": ExplicitRenderer(ExplicitSets(listeners).population)}
    for row in listeners.rows("test").tolist():
        if not any(name.startswith(listeners.laboratory(row)) for name in found):
            found[listeners.names[row]] = ExplicitRenderer(listeners.hrtf_set(row))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path, help="folder of data sets: pitch of measured heads")
    given = parser.parse_args()
    system = open_system(weights=given.weights)
    linn = Linn.from_weights(system.weights)
    print(f"{linn.n_parameters:,} parameters")
    for count in (1, 4, 16):
        rtf = speed(system, count)
        print(f"{count:3d} moving sources: {rtf:.3f} s/s, {rtf / count:.4f} a source")
    print(f"blocks against whole: {seams_db(system, linn):.1f} dB")
    poses = passing()
    times = (np.arange(poses.n_samples) + 1.0) / RATE
    tone = np.sin(2.0 * np.pi * TONE_HZ * times).astype(np.float32)
    engine = system(RATE, 1)
    engine.start(poses.apparent_m[:1])
    through = engine.process(tone[None], poses.apparent_m[1:, None])
    places = torch.from_numpy(poses.apparent_m.astype(np.float32))[None]
    warp = geometric_warp(torch.from_numpy(tone)[None], places)[0].numpy()
    print(f"pitch: LINN {pitch_cents(through, times):.2f} cents, ", end="")
    print(f"geometric warp {pitch_cents(warp, times):.2f} cents")
    for name, renderer in (heads(given.data) if given.data else {}).items():
        cents = pitch_cents(renderer.render(tone, [poses]), times)
        print(f"pitch: {name}, measured, {cents:.2f} cents")


def passing() -> Poses:
    """A source that passes on the left from behind."""
    at = step_times(round(SECONDS * RATE))
    ahead = SPEED_M_S * (at - SECONDS / 2.0)
    way = np.stack([ahead, np.full_like(at, ASIDE_M), 0.0 * at], axis=1)
    return heard_poses(way, (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


if __name__ == "__main__":
    main()
