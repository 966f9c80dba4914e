"""Whole control steps of a renderer, timed; also a program that times another version's.

    python steps.py FOLDER      # ``auricle`` from FOLDER; orders and answers as lines of JSON

Only NumPy and public names of ``auricle`` are used, so that versions from before this file can be
timed by it. A step has 128 samples: blocks of 64 take two calls for one, of 512 one call for four.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 128
SCENE_BLOCKS = 8
WARM_STEPS = 8
SOUND_OF_FEW = 100  # sources that sound in a scene "few"
FADE_STEPS = 300
SOURCE_DEG_PER_SECOND, HEAD_DEG_PER_SECOND, HEAD_PITCH_DEG = 90.0, 60.0, 5.0
KINDS = ("moving", "steered", "at rest", "silent", "switched off", "few", "fade to silence")

# Windows counts a thread's time in steps of 16 ms, which is no use here.
_FINE = time.get_clock_info("thread_time").resolution < 1e-5
now: Callable[[], float] = time.thread_time if _FINE else time.perf_counter


class Steps:
    """A renderer of S sources that plays one scene for ever; ``time`` says what a step takes.

    Args:
        renderer: a ``BinauralRenderer`` of S sources.
        sample_rate: Hz.
        block_size: samples of a call.
        kind: one of KINDS. All sources are noise.
            moving: each circles and the head turns; setting that is not timed.
            steered: the same, with the calls that set it.
            at rest: nothing moves.
            silent: the same with zeros to play.
            switched off: the same with noise, all by ``set_active``.
            few: SOUND_OF_FEW move and sound, the others are switched off.
            fade to silence: at rest; the noise falls below the least number of float32.
    """

    def __init__(self, renderer: Any, sample_rate: int, block_size: int, kind: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"a scene is one of {', '.join(KINDS)}, got {kind!r}")
        self._renderer, self._kind, n = renderer, kind, renderer.n_sources
        self._calls = max(STEP // block_size, 1)
        self._steps_of_a_call = max(block_size / STEP, 1.0)
        self._seconds = max(block_size, STEP) / sample_rate
        rng = np.random.default_rng(0)
        n_blocks = FADE_STEPS * self._calls if kind == "fade to silence" else SCENE_BLOCKS
        audio = 0.1 * rng.standard_normal((n, n_blocks * block_size))
        if kind == "fade to silence":
            audio *= 10.0 ** -np.linspace(0.0, 46.0, audio.shape[1])
        elif kind == "silent":
            audio[:] = 0.0
        blocks = np.split(audio.astype(np.float32), n_blocks, axis=1)
        self._blocks = [np.ascontiguousarray(block) for block in blocks]
        self._azimuth_deg = rng.uniform(-180.0, 180.0, n)
        # With the head's pitch none comes below the rings at -60 degrees where sets end.
        self._elevation_deg = rng.uniform(-50.0, 60.0, n)
        self._out = np.zeros((2, block_size), dtype=np.float32)
        self._done = 0
        self._set()
        if kind in ("switched off", "few"):
            renderer.set_active(np.arange(n) < (SOUND_OF_FEW if kind == "few" else 0))

    def time(self, seconds: float, most: int = 2000) -> list[float]:
        """Seconds of each step of 128 samples, for so long; at least 8 steps."""
        if self._kind == "fade to silence":
            return [self._step() for _ in range(FADE_STEPS)]
        taken: list[float] = []
        for _ in range(WARM_STEPS if self._done == 0 else 1):
            self._step()
        in_steps = seconds / self._steps_of_a_call
        while len(taken) < 8 or (len(taken) < most and sum(taken) < in_steps):
            taken.append(self._step())
        return taken

    def _step(self) -> float:
        if self._kind in ("moving", "few"):
            self._set()
        begin = now()
        if self._kind == "steered":
            self._set()
        for _ in range(self._calls):
            self._renderer.process_into(self._blocks[self._done % len(self._blocks)], self._out)
            self._done += 1
        return (now() - begin) / self._steps_of_a_call

    def _set(self) -> None:
        seconds = self._seconds * self._done / self._calls
        azimuth = np.radians(self._azimuth_deg + SOURCE_DEG_PER_SECOND * seconds)
        elevation = np.radians(self._elevation_deg)
        xyz = (np.cos(azimuth), np.sin(azimuth)) * np.cos(elevation)
        self._renderer.set_positions(np.stack([*xyz, np.sin(elevation)], axis=1))
        self._renderer.set_listener(_quaternion(HEAD_DEG_PER_SECOND * seconds, HEAD_PITCH_DEG))


def row_of(taken: list[float], n_sources: int, kind: str) -> dict[str, float]:
    """Median and percentiles of measured times, in us a source and step.

    Args:
        taken: seconds of each step; of a fade the slowest ten count alone.
        n_sources: S.
        kind: of the scene.
    """
    times = 1e6 * np.asarray(taken) / n_sources
    if kind == "fade to silence":
        times = times[: len(times) // 10 * 10].reshape(-1, 10)
        times = times[np.argmax(np.median(times, axis=1))]
    names = ("p10", "median", "p90", "p99")
    return dict(zip(names, np.percentile(times, (10, 50, 90, 99)).tolist(), strict=True))


def _quaternion(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    yaw, pitch = np.radians(yaw_deg) / 2.0, np.radians(pitch_deg) / 2.0
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([cy * cp, -sy * sp, cy * sp, sy * cp])


def _serve(folder: str) -> None:
    """Answer orders from stdin: ``open`` a scene, ``time`` it."""
    sys.path[0] = folder  # in place of this file's, whose names are not meant
    answers, sys.stdout = sys.stdout, sys.stderr
    import auricle

    hrtf, prepared, steps = None, None, None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "open":
            if hrtf is None:
                path = order["hrtf"]
                hrtf = auricle.default_hrtf() if path is None else auricle.HrtfSet.load(path)
            renderer = auricle.BinauralRenderer(
                hrtf if prepared is None else prepared, order["sample_rate"], order["block_size"],
                order["n_sources"], rank=order["rank"],
            )  # fmt: skip
            prepared = renderer.prepared
            steps = Steps(renderer, order["sample_rate"], order["block_size"], order["kind"])
            found: Any = {"report": renderer.report, "file": auricle.__file__}
        else:
            assert steps is not None
            found = steps.time(order["seconds"])
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
