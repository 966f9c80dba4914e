"""All engines through all protocols in one process; what is missing or fails is named."""

import os
import platform
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.plugin_core.bench.engines.auricle_engine import Auricle, AuricleFull
from auricle.plugin_core.bench.engines.engine import Engine
from auricle.plugin_core.bench.engines.mysofa import Mysofa
from auricle.plugin_core.bench.engines.openal import OpenAl, OpenAlPyPI
from auricle.plugin_core.bench.engines.pedalboard_engine import PedalboardConvolution
from auricle.plugin_core.bench.engines.pybinsim_engine import PyBinSim
from auricle.plugin_core.bench.engines.scipy_engine import Oaconvolve
from auricle.plugin_core.bench.engines.sonore_engine import Sonore
from auricle.plugin_core.bench.engines.synthizer_engine import Synthizer
from auricle.plugin_core.bench.protocols import accuracy, latency, smoothness, speed
from auricle.plugin_core.bench.protocols.truth import Truth, grid

ENGINES: tuple[type[Engine], ...] = (
    Auricle, AuricleFull, OpenAl, OpenAlPyPI, Synthizer, PyBinSim, Mysofa, Sonore,
    PedalboardConvolution, Oaconvolve,
)  # fmt: skip
PACKAGES = ("numba", "scipy", "pedalboard", "pybinsim", "synthizer3d", "sonore", "cyal")
_TABLE_STEP_DEG = 5.0

Say = Callable[[str], None]


def compare(
    truth: Truth, seconds: float = 0.3, engines: Sequence[type[Engine]] = ENGINES,
    say: Say = lambda line: None, quick: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Plain values for JSON: machine, engines, what is missing or failed, and four lists of rows.

    Args:
        truth: known at every direction; the grids come from it.
        seconds: spent on each engine in each configuration of the speed protocol.
        engines: the first one is what the ratios refer to.
        say: takes a line of progress.
        quick: one configuration of each protocol, to see that all works.
    """
    missing = [
        {"engine": each.name, "why": each.missing(), "remedy": each.requirement}
        for each in engines
        if each.missing()
    ]
    there = [each() for each in engines if not each.missing()]
    failed: list[dict[str, str]] = []
    run = _Run(there, truth, failed, say)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    steps = (15.0,) if quick else accuracy.STEPS_DEG
    speeds = (90.0,) if quick else smoothness.SPEEDS_DEG_PER_SECOND
    blocks, sources = ((256,), (16,)) if quick else (speed.BLOCKS, speed.SOURCES)
    return {
        "truth": truth.name,
        "interpolation": run.interpolation(steps),
        "smoothness": run.smoothness(speeds, steps[-1]),
        "latency": run.latency(steps[-1]),
        "speed": run.speed(seconds, blocks, sources, steps[-1]),
        "engines": [
            {
                "engine": e.name,
                "note": e.note,
                "sample_rate": e.sample_rate,
                "interpolates": e.interpolates,
                "own_set": e.own_set,
                "offline": e.offline,
            }
            for e in there
        ],
        "missing": missing,
        "failed": failed,
        "machine": _machine(load),
    }


class _Run:
    """The engines that are there, and a list of those that failed in a protocol."""

    def __init__(
        self, engines: list[Engine], truth: Truth, failed: list[dict[str, str]], say: Say
    ) -> None:
        self._engines, self._truth, self._failed, self._say = engines, truth, failed, say
        self._grids: dict[float, HrtfSet] = {}

    def _grid(self, step: float) -> HrtfSet:
        if step not in self._grids:
            self._grids[step] = grid(self._truth, step)
        return self._grids[step]

    def interpolation(self, steps: Sequence[float]) -> list[dict[str, object]]:
        rows = []
        for step in steps:
            for engine in self._engines:
                if engine.own_set:
                    continue
                self._say(f"accuracy, {step:g} degrees: {engine.name}")
                row = self._tried(
                    engine, accuracy.interpolation_row,
                    engine.name, engine.responses, self._truth, step, self._grid(step),
                )  # fmt: skip
                rows += [row.as_dict()] if row else []
        return rows

    def smoothness(self, speeds: Sequence[float], step: float) -> list[dict[str, object]]:
        hrtf = self._grid(step)
        rows = [smoothness.ideal_row(self._truth, each).as_dict() for each in speeds]
        for engine in self._engines:
            for each in speeds:
                self._say(f"smoothness, {each:g} degrees/s: {engine.name}")
                row = self._tried(engine, smoothness.smoothness_row, engine, hrtf, each)
                rows += [row.as_dict()] if row else []
        return rows

    def latency(self, step: float) -> list[dict[str, object]]:
        hrtf = self._grid(step)
        rows = (self._tried(e, latency.latency_row, e, hrtf) for e in self._engines)
        return [row.as_dict() for row in rows if row]

    def speed(
        self, seconds: float, blocks: Sequence[int], sources: Sequence[int], step: float
    ) -> list[dict[str, object]]:
        rows = []
        hrtf = self._grid(step)
        for row in speed.speed_rows(self._engines, hrtf, seconds, blocks, sources, self._note):
            self._say(f"speed, block {row.block_size}, {row.n_sources} sources: {row.engine}")
            rows.append(row.as_dict())
        return rows

    def _tried(self, engine: Engine, protocol: Callable[..., Any], *arguments: object) -> Any:
        try:
            return protocol(*arguments)
        except Exception as error:  # a peer's own failure is a finding, not the end of the run
            if isinstance(engine, Auricle):
                raise
            self._note(engine, error)
            return None

    def _note(self, engine: Engine, error: Exception) -> None:
        self._failed.append({"engine": engine.name, "why": f"{type(error).__name__}: {error}"})


def _machine(load: float | None) -> dict[str, Any]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": load,
        "load_after": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
