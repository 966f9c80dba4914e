"""Draw what a source costs against their number, beside another version, peers and the limit.

    python benchmarks/rendering/cost_of_a_source.py SET.sofa --against REVISION [--rank 24]
        [--peers PEERS.json] [--plot PICTURE.png] [--quick]

Both versions are timed by turns, as by `auricle bench --against`; peers are read from what
`auricle bench --peers --json` printed on the same machine. The limit is the time of the products
alone, at the rate at which this core multiplies and adds float32 numbers in registers, measured in
the same run: both ears' delay filters and the mix into the buses, gains and filters in motion.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from auricle.dsp.compiled.options import STEP, kernel
from auricle.dsp.compiled.simd import LANES, add, add_product, broadcast, reduce_add
from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.preparation.cache import prepared_set
from auricle.plugin_core.bench.against import against_rows

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 4000, 10000)


@kernel
def products(times):
    """Products and sums of 12 vectors in registers, ``times`` each; their sum."""
    x, y = broadcast(np.float32(1.0)), broadcast(np.float32(1e-7))
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11 = x, x, x, x, x, x, x, x, x, x, x, x
    for _ in range(times):
        a0, a1, a2 = add_product(a0, y, x), add_product(a1, y, x), add_product(a2, y, x)
        a3, a4, a5 = add_product(a3, y, x), add_product(a4, y, x), add_product(a5, y, x)
        a6, a7, a8 = add_product(a6, y, x), add_product(a7, y, x), add_product(a8, y, x)
        a9, a10, a11 = add_product(a9, y, x), add_product(a10, y, x), add_product(a11, y, x)
    a0, a3, a6, a9 = add(a0, a1), add(a3, a4), add(a6, a7), add(a9, a10)
    return reduce_add(add(add(add(a0, a2), add(a3, a5)), add(add(a6, a8), add(a9, a11))))


def products_a_ns() -> float:
    """Products and sums of a nanosecond, the best of some runs."""
    times, best = 1_000_000, np.inf
    products(10)
    for _ in range(20):
        begin = time.perf_counter_ns()
        products(times)
        best = min(best, time.perf_counter_ns() - begin)
    return 12 * LANES * times / best


def draw(
    path: Path, rows: list, limit_us: float, peers: dict[str, list[tuple[int, float]]]
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    axis = figure.subplots()
    sizes = [row.n_sources for row in rows]
    axis.plot(sizes, [row.microseconds for row in rows], "C0o-", label="Auricle, this version")
    axis.plot(sizes, [row.microseconds_other for row in rows], "C0s--", mfc="none", label="before")
    for name, points in peers.items():
        axis.plot(*zip(*points, strict=True), ".-", lw=0.9, alpha=0.8, label=name)
    axis.axhline(limit_us, color="0.4", lw=1.0, ls=":", label="products alone")
    axis.set(xscale="log", yscale="log", xlabel="sources, all moving")
    axis.set_ylabel("processor time of a source and 128 samples (us)")
    axis.grid(True, which="both", color="0.92", lw=0.6)
    axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def peers_of(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Microseconds of a source by their number, of each engine but our own."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in json.loads(path.read_text())["speed"]:
        if row["block_size"] == STEP and not row["engine"].startswith("auricle"):
            each_us = 1e3 * row["median_ms"] / row["n_sources"]
            found.setdefault(row["engine"], []).append((row["n_sources"], each_us))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("--against", required=True)
    parser.add_argument("--rank", default="24")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--quick", action="store_true", help="two sizes, a moment each")
    given = parser.parse_args()
    rank = int(given.rank) if given.rank.isdigit() else given.rank
    sizes, seconds = ((1, 16), 0.02) if given.quick else (SIZES, given.seconds)
    prepared = prepared_set(HrtfSet.load(given.set), 48000, rank=rank)
    rate = products_a_ns()
    needed = 2 * STEP * 2 * (prepared.rank + prepared.delay_taps)
    limit_us = needed / rate / 1e3
    print(f"{rate:.0f} products a ns, {needed} of a moving source: {limit_us:.3f} us")
    print("| sources | this, us of a source and step | other | this / other |\n|---|---|---|---|")
    rows = []
    scenes = tuple((size, STEP, "moving") for size in sizes)
    for row in against_rows(given.against, given.set, rank, seconds, rows=scenes):
        rows.append(row)
        print(
            f"| {row.n_sources} | {row.microseconds:.3f} | {row.microseconds_other:.3f} | "
            f"{row.ratio:.2f} |",
            flush=True,
        )
    if given.plot is not None:
        draw(given.plot, rows, limit_us, peers_of(given.peers) if given.peers else {})


if __name__ == "__main__":
    main()
