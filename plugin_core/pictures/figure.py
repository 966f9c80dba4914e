"""Figures of matplotlib, which is imported here alone and only when a picture is drawn."""

from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.dsp.storage.part_files import whole_file

FREQUENCIES_HZ = np.geomspace(200.0, 20000.0, 200)
OCTAVE_PARTS = 12  # the magnitudes are smoothed over a twelfth of an octave
SUFFIXES = (".png", ".pdf", ".svg")


def new_figure(size_inches: tuple[float, float]) -> Any:
    """An empty figure on its own Agg canvas: no window system, no global state."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("pictures need matplotlib: pip install matplotlib") from None
    figure = Figure(figsize=size_inches, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as .png, .pdf or .svg; the file appears whole or not at all."""
    check_picture(path)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix[1:].lower())


def check_picture(path: Path) -> None:
    """Raise AuricleError if a picture cannot have that name; to be asked before long work."""
    if path.suffix.lower() not in SUFFIXES:
        raise AuricleError(f"{path}: a picture must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise AuricleError(f"{path}: there is no folder {path.parent}; make it first")


# --- magnitudes ------------------------------------------------------------------------------


def smoothed_db(ir: Array, sample_rate: int) -> Array:
    """Levels (..., frequencies) in dB of the mean power in bands; NaN above half the rate."""
    size = max(2048, 1 << (ir.shape[-1] - 1).bit_length())
    power = np.abs(np.fft.rfft(ir, size)) ** 2
    step_hz = sample_rate / size
    sums = np.concatenate([np.zeros((*power.shape[:-1], 1)), np.cumsum(power, axis=-1)], axis=-1)
    half = 2.0 ** (0.5 / OCTAVE_PARTS)
    low = np.clip(np.round(FREQUENCIES_HZ / half / step_hz).astype(int), 0, power.shape[-1] - 1)
    high = np.clip(np.round(FREQUENCIES_HZ * half / step_hz).astype(int), low, power.shape[-1] - 1)
    mean = (sums[..., high + 1] - sums[..., low]) / (high + 1 - low)
    levels = 10.0 * np.log10(np.maximum(mean, 1e-20))
    return np.where(sample_rate / 2.0 >= FREQUENCIES_HZ, levels, np.nan)


def mark_frequencies(axis: Any) -> None:
    """A logarithmic axis of FREQUENCIES_HZ, in kHz."""
    axis.set_xscale("log")
    axis.set_xlim(FREQUENCIES_HZ[0], FREQUENCIES_HZ[-1])
    axis.set_xticks([200, 500, 1000, 2000, 5000, 10000, 20000],
                    ["0.2", "0.5", "1", "2", "5", "10", "20"])  # fmt: skip
    axis.minorticks_off()
    axis.tick_params(labelsize=8)
    axis.set_xlabel("frequency (kHz), a twelfth of an octave", fontsize=8)
    axis.grid(True, color="0.92", lw=0.6)
