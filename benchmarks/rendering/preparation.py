"""Print what preparing each set costs, in processor time and memory, and how true it then plays.

    python benchmarks/rendering/preparation.py DATA [SET...] [--rates 48000] [--against FOLDER]

Each set is prepared in a process of its own, ``--repeats`` times in turn by this version and by the
checkout in FOLDER; the least processor time counts, and the peak of resident memory, all in. Both
versions' tables are judged by this version's measures at all measured directions: LSD from 200 Hz
to 16 kHz (mean, 95 %, the worst direction), octave levels and ILD (95 %, worst), ITD (95 %).
"Added": LSD that the rank adds between measured directions, where the version tells it.

Takes 5 min.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parents[2]
HEAD = (
    "| set | Hz | version | processor s | peak MB | buses | vertices | LSD dB mean | 95 % | worst "
    "| level dB 95 %, worst | ILD dB 95 %, worst | ITD us 95 % | added dB |"
)


def peak_mb() -> float:
    """Of this process: what its parent took before it began is in ``getrusage``, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return float(line.split()[1]) / 1024.0
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / (1024.0 if sys.platform == "linux" else 1024.0**2)


def work(source: str, target: str, rate: str) -> None:
    """Prepare a set in whatever version is first on the path; runs in a process of its own."""
    set_class, prepare = _version()
    added: list[float] = []
    _listen(added)
    with np.load(source) as stored:
        hrtf = set_class(
            stored["ir"], stored["positions"], float(stored["radius_m"]), int(stored["rate"])
        )
    start = time.process_time()
    prepared = prepare(hrtf, int(rate))
    seconds, peak = time.process_time() - start, peak_mb()
    mesh = prepared.mesh
    known = len(mesh.measured)
    np.savez(
        target, vertices=mesh.vertices[:known], measured=mesh.measured,
        vertex_of_row=mesh.vertex_of_row, gains=prepared.gains[:known],
        delays=prepared.delays[:known], filters=prepared.filters,
    )  # fmt: skip
    print(json.dumps({
        "seconds": seconds, "peak_mb": peak, "vertices": len(mesh.vertices),
        "head_taps": prepared.head_taps, "delay_taps": prepared.delay_taps,
        "latency_samples": prepared.latency_samples, "added_db": added[-1] if added else np.nan,
    }))  # fmt: skip


def _version() -> tuple[Any, Any]:
    return _named("hrtf.hrtf_set", "hrtf").HrtfSet, _named(
        "preparation.prepare", "prepared"
    ).prepare


def _named(*names: str) -> Any:
    """The first module of these, as this version or older ones call it."""
    for name in names:
        with suppress(ImportError):
            module = import_module("auricle.dsp." + name)
            if name != "hrtf" or hasattr(module, "HrtfSet"):
                return module
    raise ImportError(names)


def _listen(added: list[float]) -> None:
    """Note what the rank adds between directions whenever the version works it out."""
    module = _named("preparation.low_rank", "low_rank")
    owner = getattr(module, "LowRankFit", module)
    name = "_added_db" if owner is module else "added_db"
    found = getattr(owner, name)

    def noted(*arguments: Any) -> float:
        added.append(float(found(*arguments)))
        return added[-1]

    setattr(owner, name, noted)


def judged(hrtf: Any, tables: Path, told: dict[str, Any], rate: int, has_bass: bool) -> list[str]:
    """Cells of a row: errors of the tables, at the gain at which their levels are right."""
    from auricle.dsp.hrtf.bass import extended_bass, judged_bass
    from auricle.dsp.metrics.octaves import octave_levels_db
    from auricle.dsp.preparation.played import measured_errors, played_responses
    from auricle.dsp.preparation.played_errors import NO_ERRORS, of_95, worst
    from auricle.dsp.preparation.prepared_set import PreparedSet
    from auricle.dsp.sphere.mesh import mesh_over

    with np.load(tables) as stored:
        mesh = mesh_over(stored["vertices"], stored["measured"], stored["vertex_of_row"])
        prepared = PreparedSet(
            mesh, stored["gains"], stored["delays"], stored["filters"], told["head_taps"],
            told["delay_taps"], told["latency_samples"], rate, "", NO_ERRORS,
        )  # fmt: skip
    heard = hrtf if not has_bass or judged_bass(hrtf).plausible else extended_bass(hrtf)
    truth = heard.resampled(rate).ir[mesh.measured]
    played = octave_levels_db(played_responses(prepared, mesh.vertices[: len(truth)]), rate)
    truth *= 10.0 ** (np.nanmedian(played - octave_levels_db(truth, rate)) / 20.0)
    errors = measured_errors(prepared, truth, min(16000.0, 0.45 * hrtf.sample_rate))
    lsd = errors.lsd_db
    both = [f"{of_95(x):.2f}, {worst(x):.2f}" for x in (errors.level_db, errors.ild_db)]
    return [
        str(prepared.rank), str(told["vertices"]), f"{lsd.mean():.3f}",
        f"{np.percentile(lsd, 95):.2f}", f"{lsd.max():.2f}", *both, f"{of_95(errors.itd_us):.1f}",
        f"{told['added_db']:+.2f}",
    ]  # fmt: skip


def prepared_by(tree: Path, source: Path, target: Path, rate: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--task", str(source), str(target), str(rate)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return told


def main() -> None:
    from truth import sets

    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--rates", default="48000")
    parser.add_argument("--against", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    trees = {"this": HERE} | ({"other": options.against.resolve()} if options.against else {})
    known = sets(options.data)
    names = options.sets or ["HUTUBS", "KEMAR", "SONICOM", "CIPIC", "KU100", "default"]
    print(HEAD)
    print("|---" * HEAD.count(" |") + "|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        source, tables = Path(name, "set.npz"), Path(name, "tables.npz")
        for label in names:
            hrtf = known[label]()
            np.savez(
                source, ir=hrtf.ir, positions=hrtf.positions, radius_m=hrtf.radius_m,
                rate=hrtf.sample_rate,
            )  # fmt: skip
            for rate in map(int, options.rates.split(",")):
                taken: dict[str, list[dict[str, Any]]] = {version: [] for version in trees}
                cells: dict[str, list[str]] = {}
                for _ in range(options.repeats):
                    for version, tree in trees.items():
                        told = prepared_by(tree, source, tables, rate)
                        taken[version].append(told)
                        if version not in cells:
                            has_bass = (tree / "dsp" / "hrtf" / "bass.py").exists()
                            cells[version] = judged(hrtf, tables, told, rate, has_bass)
                for version, each in taken.items():
                    seconds = min(told["seconds"] for told in each)
                    peak = max(told["peak_mb"] for told in each)
                    row = [label, str(rate), version, f"{seconds:.1f}", f"{peak:.0f}"]
                    print("| " + " | ".join(row + cells[version]) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        work(*sys.argv[2:])
    else:
        main()
