"""Figures of Auricle alone, as ``auricle bench`` measures them: speed, smoothness, start-up."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.geometry import quaternion_from_ypr_deg, unit_vectors
from auricle.dsp.preparation.played import blended_tables
from auricle.dsp.preparation.prepare import PreparedSet
from auricle.dsp.render.binaural import CONTROL_SAMPLES, BinauralRenderer
from auricle.plugin_core.bench.steps import Steps, row_of

SOURCE_DEG_PER_SECOND = 90.0
HEAD_DEG_PER_SECOND = 60.0
SCENE_BLOCKS = 8
WARM_BLOCKS = 6


@dataclass(frozen=True)
class SpeedRow:
    """Time of one scene (the kinds of ``steps.Steps``), whole control steps of 128 samples."""

    engine: str
    scene: str
    rank: str
    block_size: int
    n_sources: int
    microseconds_per_source: float  # a source and step, median
    p10: float  # of the same, the least disturbed tenth
    p90: float
    p99: float
    sources_in_real_time: float  # on one core
    deviation_db: float  # from float64 with exact delays, the same scene at rest

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


class MovingScene:
    """Noise at random directions, in which every source circles and the head turns.

    Args:
        n_sources: S.
        block_size: samples.
        sample_rate: Hz.

    Attributes:
        audio: (S, SCENE_BLOCKS * block_size) float32, to be repeated.
    """

    def __init__(self, n_sources: int, block_size: int, sample_rate: int) -> None:
        rng = np.random.default_rng(0)
        self.audio = _noise(rng, n_sources, SCENE_BLOCKS * block_size)
        self._azimuth_deg = rng.uniform(-180.0, 180.0, n_sources)
        # With the head's pitch none comes below the rings at -60 degrees where sets end.
        self._elevation_deg = rng.uniform(-50.0, 60.0, n_sources)
        self._block_seconds = block_size / sample_rate

    def at(self, block: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions (S, 3) and the head's orientation (4,) in a block."""
        seconds = self._block_seconds * block
        azimuth_deg = self._azimuth_deg + SOURCE_DEG_PER_SECOND * seconds
        orientation = quaternion_from_ypr_deg(HEAD_DEG_PER_SECOND * seconds, 5.0)
        return unit_vectors(azimuth_deg, self._elevation_deg), orientation


def speed_rows(prepared: PreparedSet, rank: str, seconds: float = 1.0) -> Iterator[SpeedRow]:
    """Rows over source counts at block 128, over block sizes, and of scenes that rest or fade.

    Args:
        prepared: the listener's tables.
        rank: for the rows' text.
        seconds: spent on each row.
    """
    for n_sources in (1, 16, 64, 256, 1000, 4000, 10000):
        yield speed_row(prepared, rank, n_sources, 128, seconds)
    for block_size in (64, 256, 512):
        yield speed_row(prepared, rank, 1000, block_size, seconds)
    yield speed_row(prepared, rank, 1, 128, seconds, "steered")
    for kind in ("at rest", "silent", "switched off"):
        yield speed_row(prepared, rank, 1000, 128, seconds, kind)
    yield speed_row(prepared, rank, 10000, 128, seconds, "few")
    yield speed_row(prepared, rank, 64, 128, seconds, "fade to silence")


def speed_row(
    prepared: PreparedSet, rank: str, n_sources: int, block_size: int, seconds: float,
    kind: str = "moving",
) -> SpeedRow:  # fmt: skip
    """Percentiles of the time of a control step in a scene.

    Args:
        prepared: the listener's tables.
        rank: for the row's text.
        n_sources: S.
        block_size: samples.
        seconds: spent on it.
        kind: of the scene, as in ``auricle.plugin_core.bench.steps``.
    """
    renderer = BinauralRenderer(prepared, prepared.sample_rate, block_size, n_sources)
    scene = Steps(renderer, prepared.sample_rate, block_size, kind)
    times = row_of(scene.time(seconds), n_sources, kind)
    return _row("auricle", kind, rank, block_size, n_sources, times, prepared.sample_rate,
                _deviation_db(prepared, min(n_sources, 16)))  # fmt: skip


def _row(
    engine: str, scene: str, rank: str, block_size: int, n_sources: int,
    times: dict[str, float], sample_rate: int, deviation_db: float,
) -> SpeedRow:  # fmt: skip
    in_real_time = 1e6 * CONTROL_SAMPLES / sample_rate / times["median"]
    return SpeedRow(
        engine, scene, rank, block_size, n_sources, times["median"], times["p10"], times["p90"],
        times["p99"], in_real_time, deviation_db,
    )  # fmt: skip


def baseline_row(
    sample_rate: int, n_taps: int = 256, block_size: int = 128, seconds: float = 1.0
) -> SpeedRow:
    """The plain-Python way: scipy.signal.oaconvolve, a call a source and ear, filters at rest.

    Args:
        sample_rate: Hz.
        n_taps: of the filters.
        block_size: samples.
        seconds: spent on it.
    """
    from scipy.signal import oaconvolve

    n_sources = 64
    rng = np.random.default_rng(0)
    audio = _noise(rng, n_sources, block_size)
    filters = rng.standard_normal((n_sources, 2, n_taps)).astype(np.float32)

    def block(_: int) -> float:
        begin = time.perf_counter()
        total = np.zeros((2, block_size + n_taps - 1), dtype=np.float32)
        for s in range(n_sources):
            total += oaconvolve(audio[s : s + 1], filters[s], axes=1)
        return time.perf_counter() - begin

    taken = timed(block, seconds) * CONTROL_SAMPLES / block_size
    return _row(
        "scipy oaconvolve", "at rest", f"{n_taps} taps", block_size, n_sources,
        row_of(taken.tolist(), n_sources, "at rest"), sample_rate, -140.0,
    )  # fmt: skip


def motion_rows(prepared: PreparedSet) -> Iterator[dict[str, object]]:
    """Energy beside a circling tone in dB: outside +-150 Hz of it, and above 3 kHz."""
    for tone_hz, source, head in ((1000, 90, 0), (1000, 360, 0), (6000, 360, 0), (1000, 0, 500)):
        outside, above = tone_spread_db(prepared, tone_hz, source, head)
        yield {
            "tone_hz": tone_hz,
            "source_deg_per_second": source,
            "head_deg_per_second": head,
            "outside_tone_db": outside,
            "above_3_khz_db": above,
        }


def tone_spread_db(
    prepared: PreparedSet, tone_hz: float, source_speed: float, head_speed: float
) -> tuple[float, float]:
    """The energy of a tone outside +-150 Hz of it, and above 3 kHz, while it circles; the worse
    ear.

    Args:
        prepared: the listener's tables.
        tone_hz: of the tone.
        source_speed: degrees a second of the source.
        head_speed: degrees a second of the head.

    Returns:
        Both in dB, against the tone.
    """
    rate = prepared.sample_rate
    n = 4 * rate
    renderer = BinauralRenderer(prepared, rate)
    tone = np.sin(2.0 * np.pi * tone_hz * np.arange(n) / rate).astype(np.float32)[None]
    times = (np.arange(renderer.steps_beginning(n)) + 1.0) * CONTROL_SAMPLES / rate
    y = renderer.process_path(
        tone,
        unit_vectors(source_speed * times)[:, None],
        quaternion_from_ypr_deg(head_speed * times),
    )
    return spread_db(y, tone_hz, rate)


def spread_db(y: NDArray[np.floating], tone_hz: float, rate: int) -> tuple[float, float]:
    """The energy outside a tone, and above 3 kHz; the worse ear.

    Args:
        y: (2, n) both ears.
        tone_hz: of the tone.
        rate: Hz.

    Returns:
        Both in dB, against the tone.
    """
    y = y[:, 4096:-4096]
    power = np.abs(np.fft.rfft(y * np.blackman(y.shape[1]) ** 2)) ** 2
    hz = np.fft.rfftfreq(y.shape[1], 1.0 / rate)
    beside = np.abs(hz - tone_hz) > 150.0
    kept = power[:, ~beside].sum(axis=1)
    outside = power[:, beside].sum(axis=1) / kept
    above = power[:, beside & (hz > 3000.0)].sum(axis=1) / kept
    return float(10.0 * np.log10(outside.max())), float(10.0 * np.log10(above.max()))


def import_seconds() -> float:
    """Best of five: ``python -c "import auricle"`` less an empty Python."""

    def run(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin

    return min(run("import auricle") for _ in range(5)) - min(run("") for _ in range(5))


def timed(block: Callable[[int], float], seconds: float) -> NDArray[np.float64]:
    """Seconds that each call took, after some to warm up; at least 8, at most 2000."""
    for i in range(WARM_BLOCKS):
        block(i)
    taken: list[float] = []
    while sum(taken) < seconds and len(taken) < 2000 or len(taken) < 8:
        taken.append(block(WARM_BLOCKS + len(taken)))
    return np.array(taken)


def _noise(rng: np.random.Generator, n_sources: int, n: int) -> NDArray[np.float32]:
    return (0.1 * rng.standard_normal((n_sources, n))).astype(np.float32)


def _deviation_db(prepared: PreparedSet, n_sources: int) -> float:
    """The renderer against float64 with exact delays of the same tables, noise to 16 kHz."""
    rate = prepared.sample_rate
    n = 4096
    rng = np.random.default_rng(1)
    spectrum = np.fft.rfft(rng.standard_normal((n_sources, n)))
    hz = np.fft.rfftfreq(n, 1.0 / rate)
    spectrum[:, hz > 16000.0] = 0.0
    audio = np.fft.irfft(spectrum, n)
    positions = unit_vectors(rng.uniform(-180.0, 180.0, n_sources), rng.uniform(-60, 60, n_sources))
    renderer = BinauralRenderer(prepared, rate, 128, n_sources)
    renderer.set_positions(positions)
    found = renderer.process(audio)
    wanted = np.zeros((2, n))
    for s in range(n_sources):
        for ear, response in enumerate(_responses(prepared, positions[s], 2 * n)):
            wanted[ear] += np.fft.irfft(np.fft.rfft(audio[s], 2 * n) * response)[:n]
    return float(20.0 * np.log10(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)))


def _responses(
    prepared: PreparedSet, direction: NDArray[np.float64], size: int
) -> list[NDArray[np.complex128]]:
    gains, delays = (each[0] for each in blended_tables(prepared, direction[None]))
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    rank, heads = prepared.rank, prepared.head_taps
    out = []
    for ear in range(2):
        own = gains[ear * rank : (ear + 1) * rank]
        ir = own if prepared.filters is None else own @ prepared.filters[ear].astype(np.float64)
        response = np.fft.rfft(ir, size) * np.exp(-1j * omega * delays[ear])
        first = 2 * rank + ear * heads
        out.append(response + np.fft.rfft(gains[first : first + heads], size))
    return out
