"""Print what a step costs with few sources: one by one, and through the buses.

    python benchmarks/rendering/few_sources.py SET.sofa

For ranks and sample rates: microseconds of a step of 128 samples with one source, and for each
further one, either way; and the number of sources at which both take as long, beside that up to
which the engine takes sources one by one (``auricle.dsp.render.engine.few``).
"""

import argparse
import time

import numpy as np

from auricle.dsp.hrtf.hrtf_set import HrtfSet
from auricle.dsp.render import engine
from auricle.dsp.render.binaural import BinauralRenderer

BLOCK, STEPS, MANY = 128, 600, 8


def step_us(hrtf: HrtfSet, rate: int, rank: int, n_sources: int) -> float:
    """The lower quartile over steps in which all sources move."""
    renderer = BinauralRenderer(hrtf, rate, BLOCK, n_sources, rank=rank)
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((n_sources, BLOCK)).astype(np.float32)
    angles, out = rng.uniform(0.0, 2.0 * np.pi, n_sources), np.zeros((2, BLOCK), dtype=np.float32)
    took = []
    for step in range(STEPS):
        turned = angles + 0.01 * step
        renderer.set_positions(
            np.stack([np.cos(turned), np.sin(turned), 0.3 * np.sin(angles)], axis=1)
        )
        begin = time.perf_counter_ns()
        renderer.process_into(audio, out)
        took.append(time.perf_counter_ns() - begin)
    return float(np.percentile(took, 25)) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    hrtf = HrtfSet.load(parser.parse_args().set)
    chosen = engine.few
    print("| Hz | rank | buses: 1, each more | one by one: 1, each more | even at | taken up to |")
    print("|---|---|---|---|---|---|")
    for rate in (48000, 96000):
        for rank in (8, 16, 24, 40):
            row = []
            for limit in (-1, MANY):
                engine.few = lambda rank, n_taps, limit=limit: limit
                one, many = (step_us(hrtf, rate, rank, n) for n in (1, MANY))
                row += [one, (many - one) / (MANY - 1)]
            engine.few = chosen
            made = BinauralRenderer(hrtf, rate, rank=rank)
            even = 1.0 + (row[0] - row[2]) / (row[3] - row[1])
            print(
                f"| {rate} | {rank} | {row[0]:.1f}, {row[1]:.2f} | {row[2]:.1f}, {row[3]:.2f} | "
                f"{even:.1f} | {chosen(rank, made.prepared.filters.shape[2])} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
