"""From the binaural sum to the file: loudness, limiter, meters, and what the rendering was.

With a target the sum is kept on disk as 32-bit float while its loudness is measured, then played
from there with the gain that is due; memory stays bounded.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.audio.files import FileWriter, Spool, require_room
from auricle.plugin_core.mastering.limiter import Limiter
from auricle.plugin_core.mastering.loudness import LoudnessMeter
from auricle.plugin_core.mastering.true_peak import TruePeakMeter

Audio = NDArray[np.float32]
PathLike = str | os.PathLike[str]
Progress = Callable[[int, int], None]

_TRIES = 8  # passes that look for the gain behind which the limiter leaves the target
_LEAST_SLOPE = 0.05  # LU a dB: with less the limiter has eaten what more gain would give
_MOST_STEP_DB, _MOST_GAIN_DB = 12.0, 60.0
_CLOSE_LU = 0.02
_NEAR_LU = 0.1  # nobody hears that a target was missed by less
_OVER_DB = 0.05  # of full scale: less is the rounding of a limiter, not a cut peak


@dataclass(frozen=True)
class RenderResult:
    """The figures of a rendering.

    Attributes:
        output: the file.
        sample_rate: Hz.
        seconds: its length.
        peak: largest absolute sample; above 1 it exceeds full scale.
        gain_to_avoid_clipping_db: 0, or the (negative) gain that brings the peak to full scale.
        cut_samples: how many were beyond full scale, by rounding, and cut; peaks that an encoding
            would cut are refused, and float files keep them.
        real_time_factor: seconds of audio a second of work, preparation aside.
        silenced: tracks that hold NaN or infinity, and how many such samples were silenced.
        report: the rank and its error.
        loudness_lufs: integrated, of a scene; None: not measured, or silent.
        true_peak_db: dB of full scale, of a scene; likewise.
        loudness_gain_db: the gain that the loudness target took; 0 without one.
        target_lufs: the loudness that was asked for, or None.
    """

    output: str
    sample_rate: int
    seconds: float
    peak: float
    gain_to_avoid_clipping_db: float
    cut_samples: int
    real_time_factor: float
    silenced: dict[str, int]
    report: str
    loudness_lufs: float | None = None
    true_peak_db: float | None = None
    loudness_gain_db: float = 0.0
    target_lufs: float | None = None

    @property
    def missed_lu(self) -> float | None:
        """The difference from the loudness target in LU, + too loud.

        None: there is no target, or less than 0.1 LU are missed. Silence misses it by minus
        infinity.
        """
        if self.target_lufs is None:
            return None
        found = -math.inf if self.loudness_lufs is None else self.loudness_lufs
        missed = found - self.target_lufs
        return missed if abs(missed) >= _NEAR_LU else None


@dataclass(frozen=True)
class Mastering:
    """The treatment of the sum, and how it is written.

    Attributes:
        gain_db: of the sum; without effect if there is a loudness to reach.
        target_lufs: integrated loudness, or None.
        ceiling_db: true peak of the limiter, or None.
        release_seconds: the limiter's time constant.
        encoding: "float32", "pcm24", or None for what the name of the file suggests.
        measure: whether loudness and true peak are measured.
    """

    gain_db: float = 0.0
    target_lufs: float | None = None
    ceiling_db: float | None = None
    release_seconds: float = 0.1
    encoding: str | None = None
    measure: bool = False


class Meters:
    """Loudness and true peak of what passes by."""

    def __init__(self, sample_rate: int) -> None:
        self.loudness = LoudnessMeter(sample_rate)
        self.true_peak = TruePeakMeter()

    def add(self, audio: Audio) -> None:
        """Take the next frames (2, n)."""
        self.loudness.add(audio)
        self.true_peak.add(audio)


class MasterWriter:
    """Writes a stream of known length: ``write(read)`` with ``read(n)`` the next (2, n).

    Args:
        settings: what to do.
        output: the file, which appears whole or not at all.
        sample_rate: Hz; n_frames: length; block: frames read at a time.
        progress: called with frames done since the last call and frames of work in all.
    """

    def __init__(
        self, settings: Mastering, output: PathLike, sample_rate: int, n_frames: int, block: int,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._output, self._rate = settings, Path(output), sample_rate
        self._n_frames, self._block = n_frames, block
        self._progress = progress
        self._work = n_frames * (1 if settings.target_lufs is None else 2)
        self.meters = Meters(sample_rate)
        self.loudness_gain_db = 0.0
        self._begin = time.perf_counter()

    def write(self, read: Callable[[int], Audio]) -> FileWriter:
        """Write the file; returns its writer, which knows the peak."""
        settings = self._settings
        with FileWriter(
            self._output, self._rate, self._n_frames, encoding=settings.encoding
        ) as writer:
            require_room(self._output, self._bytes_due())
            if settings.target_lufs is None:
                self._finish(self._read_all(read), settings.gain_db, writer)
                self._refuse_cut_peaks(writer)
                return writer
            with closing(Spool(self._output)) as spool:
                first = Meters(self._rate)
                for block in self._read_all(read):
                    self._tick(block)
                    spool.write(block)
                    first.add(block)
                gain_db = self._gain_for(settings.target_lufs, spool, first)
                self._finish(spool.blocks(self._block), gain_db, writer)
            self._refuse_cut_peaks(writer)
        return writer

    def _refuse_cut_peaks(self, writer: FileWriter) -> None:
        """Raise, before the file appears, if its encoding has cut what exceeds full scale."""
        over_db = 20.0 * math.log10(max(writer.peak, 1e-12))
        if writer.cut_samples == 0 or over_db <= _OVER_DB:
            return
        ways = "a ceiling (--limit -1) avoids it, a .wav of float32 keeps it"
        if self._settings.target_lufs is None:
            ways = f"a gain lower by {math.ceil(10.0 * over_db) / 10.0:.1f} dB or {ways}"
        raise AuricleError(
            f"{self._output}: the peak exceeds full scale by {over_db:.1f} dB, and "
            f"{writer.cut_samples} samples would be cut; {ways}"
        )

    def _bytes_due(self) -> int:
        """What the disk has to hold at least; how little FLAC takes, nobody knows before."""
        frame_bytes = 0 if self._output.suffix.lower() == ".flac" else 8
        frame_bytes = 6 if self._settings.encoding == "pcm24" and frame_bytes else frame_bytes
        return self._n_frames * (frame_bytes + (8 if self._settings.target_lufs is not None else 0))

    def result(self, writer: FileWriter, silenced: dict[str, int], report: str) -> RenderResult:
        """The figures of the rendering.

        Args:
            writer: what ``write`` returned.
            silenced: tracks and the samples that were silenced in them.
            report: a line on the rank.
        """
        seconds = self._n_frames / self._rate
        peak_db = 20.0 * np.log10(max(writer.peak, 1e-12))
        over_db = -float(peak_db) if peak_db > 0.05 else 0.0
        measure = self._settings.measure
        return RenderResult(
            str(self._output), self._rate, seconds, writer.peak, over_db, writer.cut_samples,
            seconds / (time.perf_counter() - self._begin), silenced, report,
            _finite(self.meters.loudness.integrated_lufs()) if measure else None,
            _finite(self.meters.true_peak.peak_dbtp()) if measure else None, self.loudness_gain_db,
            self._settings.target_lufs,
        )  # fmt: skip

    def _read_all(self, read: Callable[[int], Audio]) -> Iterator[Audio]:
        left = self._n_frames
        while left > 0:
            yield read(min(self._block, left))
            left -= min(self._block, left)

    def _finish(self, blocks: Iterable[Audio], gain_db: float, writer: FileWriter) -> None:
        for block in finished(blocks, gain_db, self._limiter()):
            writer.write(block)
            if self._settings.measure:
                self.meters.add(block)
            self._tick(block)

    def _tick(self, block: Audio) -> None:
        if self._progress is not None:
            self._progress(block.shape[1], self._work)

    def _limiter(self) -> Limiter | None:
        if self._settings.ceiling_db is None:
            return None
        return Limiter(self._rate, self._settings.ceiling_db, self._settings.release_seconds)

    def _gain_for(self, target_lufs: float, spool: Spool, first: Meters) -> float:
        """The gain behind which, limiter and all, the loudness is the target."""
        loudness = first.loudness.integrated_lufs()
        if not math.isfinite(loudness):
            return 0.0  # silence has no gain that would make it loud
        gain_db = target_lufs - loudness
        ceiling_db, peak_db = self._settings.ceiling_db, first.true_peak.peak_dbtp()
        limited = ceiling_db is not None and peak_db + gain_db > ceiling_db
        if limited:
            gain_db = self._gain_behind_limiter(target_lufs, spool, gain_db)
        self.loudness_gain_db = gain_db
        return gain_db

    def _gain_behind_limiter(self, target_lufs: float, spool: Spool, gain_db: float) -> float:
        """By secants, since a limiter gives less and less loudness for a gain; at last none."""
        before: tuple[float, float] | None = None  # a gain, and the loudness behind it
        slope = 1.0
        for _ in range(_TRIES):
            meter = LoudnessMeter(self._rate)
            for block in finished(spool.blocks(self._block), gain_db, self._limiter()):
                meter.add(block)
            found = meter.integrated_lufs()
            missing = target_lufs - found
            if abs(missing) < _CLOSE_LU:
                break
            if before is not None and gain_db != before[0]:
                slope = (found - before[1]) / (gain_db - before[0])
                if slope < _LEAST_SLOPE and missing > 0.0:
                    return before[0]  # more gain makes it denser, not louder
            before = gain_db, found
            step_db = missing / max(slope, _LEAST_SLOPE)
            gain_db += min(max(step_db, -_MOST_STEP_DB), _MOST_STEP_DB, _MOST_GAIN_DB - gain_db)
        return gain_db


def check_gain(gain_db: float) -> None:
    """Raise AuricleError unless a gain is one that samples can have."""
    if not -200.0 <= gain_db <= _MOST_GAIN_DB:
        raise AuricleError(f"the gain is -200 to 60 dB, got {gain_db:g}")


def finished(blocks: Iterable[Audio], gain_db: float, limiter: Limiter | None) -> Iterator[Audio]:
    """The blocks with a gain and behind a limiter, as long as they were, aligned with them.

    Args:
        blocks: (2, n) each.
        gain_db: of the sum.
        limiter: None: none.
    """
    gain = np.float32(10.0 ** (gain_db / 20.0))
    if limiter is None:
        for block in blocks:
            yield gain * block
        return
    due = limiter.latency_samples
    for block in blocks:
        out = limiter.process(gain * block)
        dropped = min(due, out.shape[1])
        due -= dropped
        yield out[:, dropped:]
    rest = limiter.process(np.zeros((2, limiter.latency_samples), dtype=np.float32))
    yield rest[:, due:]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
