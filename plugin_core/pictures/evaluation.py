"""The picture of ``auricle evaluate``: errors over the sphere, spectra of some directions."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.evaluation.comparison import SetErrors
from auricle.dsp.evaluation.matching import MatchedSets
from auricle.dsp.geometry import azimuth_elevation_deg, unit_vectors
from auricle.plugin_core.pictures.figure import (
    FREQUENCIES_HZ,
    mark_frequencies,
    new_figure,
    save_figure,
    smoothed_db,
)

# Directions whose spectra are shown, where they were compared, and the worst besides.
EXAMPLES = (("front", 0.0, 0.0), ("left", 90.0, 0.0), ("above", 0.0, 90.0))
_NEAR_DEG = 20.0


def save_evaluation_picture(
    pair: MatchedSets, errors: SetErrors, path: str | os.PathLike[str], *, title: str = ""
) -> None:
    """Write the picture as .png, .pdf or .svg; the file appears whole or not at all.

    Args:
        pair: the two sets, direction by direction.
        errors: of the estimate.
        path: of the file.
        title: above it.

    Raises:
        AuricleError: a path that cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    figure = new_figure((14.0, 7.6))
    upper, lower = figure.subfigures(2, 1, height_ratios=[0.8, 1.0])
    maps = upper.subplots(1, 3, subplot_kw={"projection": "mollweide"})
    parts = (
        (errors.lsd_db.mean(axis=1), "LSD, both ears (dB)", 2.0),
        (np.abs(errors.itd_error_us), "ITD error, MaxIACCe (µs)", 20.0),
        (np.abs(errors.ild_error_db), "ILD error (dB)", 1.0),
    )
    for axis, (values, name, least) in zip(maps, parts, strict=True):
        _draw_map(upper, axis, errors.positions, values, name, least)
    examples = _examples(errors)
    axes = lower.subplots(1, len(examples) + 1)
    for axis, (name, row) in zip(axes, examples, strict=False):
        _draw_spectra(axis, pair, row, f"{name}, LSD {errors.lsd_db[row].mean():.1f} dB")
    axes[0].set_ylabel("dB")
    axes[0].legend(fontsize=8, frameon=False, loc="lower left")
    _draw_error_spectrum(axes[-1], pair)
    mean = (
        f"LSD {errors.lsd_db.mean():.2f} dB, ITD {np.abs(errors.itd_error_us).mean():.1f} µs, "
        f"ILD {np.abs(errors.ild_error_db).mean():.2f} dB over {len(errors.positions)} directions"
    )
    figure.suptitle("\n".join([title, mean]).strip().replace("$", r"\$"), fontsize=11)
    save_figure(figure, Path(path))


def _draw_map(
    figure: Any, axis: Any, positions: Array, values: Array, name: str, least: float
) -> None:
    azimuth, elevation = azimuth_elevation_deg(positions)
    points = axis.scatter(
        -np.deg2rad(azimuth),  # left is on the left
        np.deg2rad(elevation),
        c=values,
        s=float(np.clip(12000.0 / len(positions), 5.0, 60.0)),
        cmap="viridis",
        vmin=0.0,
        # One wild direction would make all others look alike.
        vmax=max(least, float(np.quantile(values, 0.98))),
        linewidths=0.0,
        rasterized=True,
    )
    axis.set_xticks(np.deg2rad([-90.0, 0.0, 90.0]), [])
    for place, side in ((0.25, "left"), (0.5, "front"), (0.75, "right")):
        axis.text(place, -0.03, side, ha="center", va="top", fontsize=8, transform=axis.transAxes)
    axis.set_yticks(np.deg2rad([-60.0, -30.0, 0.0, 30.0, 60.0]))
    axis.tick_params(axis="y", labelsize=8)
    axis.grid(True, color="0.9", lw=0.6)
    axis.set_axisbelow(True)
    axis.set_title(name, fontsize=10)
    figure.colorbar(points, ax=axis, shrink=0.6, pad=0.03, aspect=15, extend="max")


def _examples(errors: SetErrors) -> list[tuple[str, int]]:
    """Names and rows of the directions whose spectra are drawn."""
    found = []
    for name, azimuth_deg, elevation_deg in EXAMPLES:
        cosine = errors.positions @ unit_vectors(azimuth_deg, elevation_deg)
        row = int(np.argmax(cosine))
        if cosine[row] >= np.cos(np.deg2rad(_NEAR_DEG)):
            found.append((_placed(name, errors.positions[row]), row))
    row = int(np.argmax(errors.lsd_db.mean(axis=1)))
    return [*found, (_placed("worst", errors.positions[row]), row)]


def _placed(name: str, position: Array) -> str:
    azimuth, elevation = azimuth_elevation_deg(position)
    return f"{name} ({azimuth:.0f}°, {elevation:.0f}°)"


def _draw_spectra(axis: Any, pair: MatchedSets, row: int, name: str) -> None:
    for ear, colour in ((0, "C0"), (1, "C3")):
        side = ("left", "right")[ear]
        for ir, dashes, who in ((pair.reference, "-", "true"), (pair.estimate, "--", "estimate")):
            levels = smoothed_db(ir[row, ear], pair.sample_rate)
            axis.plot(FREQUENCIES_HZ, levels, dashes, color=colour, lw=1.2, label=f"{side}, {who}")
    mark_frequencies(axis)
    top = max(line.get_ydata()[np.isfinite(line.get_ydata())].max() for line in axis.lines)
    axis.set_ylim(top - 55.0, top + 5.0)
    axis.set_title(name, fontsize=9)


def _draw_error_spectrum(axis: Any, pair: MatchedSets) -> None:
    """Over frequency, the size of the level error: its mean, and half of all directions."""
    step = max(1, len(pair.positions) // 500)  # of large sets a part will do
    one, other = (
        smoothed_db(ir[::step], pair.sample_rate) for ir in (pair.reference, pair.estimate)
    )
    size = np.abs(other - one).reshape(-1, len(FREQUENCIES_HZ))
    low, high = np.quantile(size, [0.25, 0.75], axis=0)
    axis.fill_between(FREQUENCIES_HZ, low, high, color="C0", alpha=0.25, lw=0, label="half of all")
    axis.plot(FREQUENCIES_HZ, size.mean(axis=0), color="C0", lw=1.5, label="mean")
    mark_frequencies(axis)
    axis.set_ylim(bottom=0.0)
    axis.set_title("size of the level error (dB)", fontsize=9)
    axis.legend(fontsize=8, frameon=False, loc="upper left")
