"""Protocol: the time of a block while every source and the head move, all engines in turn.

The engines take turns in short slices, so that a load that comes and goes hits all of them. The
time is the processor time of all threads of this process, which other programs can lengthen (they
share caches and cores) but not interrupt; on a machine at rest it is the time on the wall.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.engine import Engine
from auricle.plugin_core.bench.own import MovingScene, timed

BLOCKS = (128, 256, 512)
SOURCES = (16, 64, 256)
ROUNDS = 3
TOO_SLOW = 2.0  # times real time: larger scenes are not tried
_PATH_BLOCKS = 40
# Windows counts processor time in steps of 16 ms, which is no use here.
_FINE = time.get_clock_info("process_time").resolution < 1e-5
_now = time.process_time if _FINE else time.perf_counter


@dataclass(frozen=True)
class SpeedRow:
    """One engine in one configuration, on one core."""

    engine: str
    block_size: int
    n_sources: int
    median_ms: float  # a block
    p10_ms: float  # the least disturbed tenth
    load: float  # median over the block's duration; above 1 is not real time
    ratio: float | None  # median over that of the first engine in the list

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


Ready = tuple[Engine, Callable[[float], Array]]


def speed_rows(
    engines: Sequence[Engine], hrtf: HrtfSet, seconds: float,
    blocks: Sequence[int] = BLOCKS, sources: Sequence[int] = SOURCES,
    failed: Callable[[Engine, Exception], None] | None = None,
) -> Iterator[SpeedRow]:  # fmt: skip
    """Rows of all configurations, all engines by turns.

    Args:
        engines: the engines.
        hrtf: the set.
        seconds: spent on each engine in each configuration, in ``ROUNDS`` slices.
        blocks: block sizes.
        sources: numbers of sources.
        failed: called with an engine that ends with an error.
    """
    for block_size in blocks:
        slow: set[str] = set()
        for n_sources in sources:
            chosen = [e for e in engines if _can(e, block_size, n_sources) and e.name not in slow]
            rows = list(_configuration(chosen, hrtf, block_size, n_sources, seconds, failed))
            slow |= {row.engine for row in rows if row.load > TOO_SLOW}
            yield from rows


def _can(engine: Engine, block_size: int, n_sources: int) -> bool:
    return engine.fixed_block in (None, block_size) and n_sources <= (engine.most_sources or 10**9)


def _configuration(
    engines: Sequence[Engine], hrtf: HrtfSet, block_size: int, n_sources: int, seconds: float,
    failed: Callable[[Engine, Exception], None] | None,
) -> Iterator[SpeedRow]:  # fmt: skip
    ready: list[Ready] = []
    for engine in engines:
        try:
            ready.append((engine, _runner(engine, hrtf, block_size, n_sources)))
        except Exception as error:  # a peer's own failure is a finding, not the end of the run
            if failed is None:
                raise
            failed(engine, error)
    taken: dict[str, list[Array]] = {engine.name: [] for engine, _ in ready}
    for _ in range(ROUNDS):
        for engine, run in ready:
            taken[engine.name].append(run(seconds / ROUNDS))
    first = None
    for engine, _ in ready:
        engine.close()
        times = 1000.0 * np.concatenate(taken[engine.name])
        median = float(np.median(times))
        first = median if engine.name == engines[0].name else first
        yield SpeedRow(
            engine.name, block_size, n_sources, median, float(np.percentile(times, 10)),
            median / (1000.0 * block_size / engine.sample_rate),
            None if first is None else median / first,
        )  # fmt: skip


def _runner(
    engine: Engine, hrtf: HrtfSet, block_size: int, n_sources: int
) -> Callable[[float], Array]:
    """Something that renders for so many seconds and returns the seconds of each block."""
    scene = MovingScene(n_sources, block_size, engine.sample_rate)
    engine.prepare(hrtf, block_size, scene.audio)
    if engine.offline:
        return lambda seconds: _path_times(engine, scene, block_size)
    out = np.zeros((2, block_size), dtype=np.float32)
    done = 0

    def block(_: int) -> float:
        nonlocal done
        engine.move(*scene.at(done))
        done += 1
        begin = _now()
        engine.render(out)
        return _now() - begin

    return lambda seconds: timed(block, seconds)


def _path_times(engine: Engine, scene: MovingScene, block_size: int) -> Array:
    """One path's time, shared out among its blocks."""
    directions, orientations = zip(*(scene.at(i) for i in range(_PATH_BLOCKS)), strict=True)
    begin = _now()
    engine.follow(np.stack(directions), np.stack(orientations), block_size)
    return np.array([(_now() - begin) / _PATH_BLOCKS])
