"""Pictures of HRTF sets, drawn with matplotlib.

``save_set_picture`` is the picture of ``auricle inspect``: magnitudes over the horizontal plane for
both ears and over the median plane, ITD over azimuth, the grid on the sphere, what was found odd.
"""

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.geometry import unit_vectors
from auricle.dsp.metrics.interaural import itd_correlation_seconds
from auricle.dsp.sphere.grids import reach_deg, spacing_deg
from auricle.plugin_core.pictures.figure import (
    FREQUENCIES_HZ,
    new_figure,
    save_figure,
    smoothed_db,
)

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet


RANGE_DB = (-30.0, 15.0)
HEAD_RADIUS_M = 0.0875
SPEED_OF_SOUND_M_S = 343.0


def save_set_picture(hrtf: "HrtfSet", path: str | os.PathLike[str], *, title: str = "") -> None:
    """Write the picture of a set as .png, .pdf or .svg; the file appears whole or not at all.

    Args:
        hrtf: the set.
        path: of the file.
        title: above the set's name.

    Raises:
        AuricleError: a path that cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    draw_set(hrtf, path, title)


def draw_set(hrtf: "HrtfSet", path: str | os.PathLike[str] | None = None, title: str = "") -> Any:
    """The picture of a set as a matplotlib figure.

    Args:
        hrtf: the set.
        path: where it is written to as well; None: nowhere.
        title: above the set's name.

    Raises:
        AuricleError: a path that cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    figure = new_figure((14.0, 8.0))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.0, 0.85])
    axes = upper.subplot_mosaic([["left", "right", "median"]])
    axes |= lower.subplot_mosaic(
        [["itd", "grid", "odd"]],
        width_ratios=[1.0, 1.25, 1.0],
        per_subplot_kw={"grid": {"projection": "mollweide"}},
    )
    reference_db = _mean_level_db(hrtf)
    azimuth_deg = np.arange(-180.0, 181.0, 2.0)
    ring = unit_vectors(azimuth_deg)
    for ear, name in enumerate(("left", "right")):
        levels = _magnitudes_db(hrtf, ring, ear) - reference_db
        image = _draw_plane(axes[name], azimuth_deg, levels, f"Horizontal plane, {name} ear")
        _mark_azimuths(axes[name])
    polar_deg = np.arange(-90.0, 271.0, 2.0)
    arc = np.stack([_cos(polar_deg), np.zeros_like(polar_deg), _cos(polar_deg - 90.0)], axis=-1)
    levels = _magnitudes_db(hrtf, arc, 0) - reference_db
    image = _draw_plane(axes["median"], polar_deg, levels, "Median plane, left ear")
    _mark_polar_angles(axes["median"])
    bar = upper.colorbar(image, ax=[axes["left"], axes["right"], axes["median"]], pad=0.01)
    bar.set_label("dB, 0 = mean of all directions")
    _draw_itd(axes["itd"], hrtf)
    _draw_grid(lower, axes["grid"], hrtf)
    _write_findings(axes["odd"], hrtf)
    figure.suptitle(_heading(hrtf, title), fontsize=11)
    if path is not None:
        save_figure(figure, Path(path))
    return figure


def _magnitudes_db(hrtf: "HrtfSet", wanted: Array, ear: int) -> Array:
    """Smoothed magnitudes (wanted, frequencies) of the nearest direction measured.

    NaN in the holes of the grid.
    """
    from scipy.spatial import cKDTree

    chord, nearest = cKDTree(hrtf.positions).query(wanted)
    used, back = np.unique(nearest, return_inverse=True)
    levels = smoothed_db(hrtf.ir[used, ear], hrtf.sample_rate)[back]
    far = chord > 2.0 * np.sin(np.deg2rad(reach_deg(hrtf.positions)) / 2.0)
    levels[far] = np.nan
    return levels


def _mean_level_db(hrtf: "HrtfSet") -> float:
    """Level of the mean power over directions, ears and the frequencies up to 16 kHz."""
    step = max(1, hrtf.n_directions // 400)  # of large sets a part will do
    levels = smoothed_db(hrtf.ir[::step], hrtf.sample_rate)[..., FREQUENCIES_HZ <= 16000.0]
    return float(10.0 * np.log10(np.nanmean(10.0 ** (levels / 10.0))))


def _draw_plane(axis: Any, angles_deg: Array, levels: Array, title: str) -> Any:
    axis.set_facecolor("0.85")
    image = axis.pcolormesh(
        angles_deg,
        FREQUENCIES_HZ / 1000.0,
        np.ma.masked_invalid(levels.T),
        vmin=RANGE_DB[0],
        vmax=RANGE_DB[1],
        cmap="magma",
        shading="nearest",
        rasterized=True,
    )
    axis.set_yscale("log")
    axis.set_yticks([0.2, 0.5, 1, 2, 5, 10, 20], ["0.2", "0.5", "1", "2", "5", "10", "20"])
    axis.minorticks_off()
    axis.set_ylabel("frequency (kHz)")
    axis.set_title(title, fontsize=10)
    if np.all(np.isnan(levels)):
        axis.text(
            0.5, 0.5, "nothing measured here", ha="center", va="center", transform=axis.transAxes
        )
    return image


def _mark_azimuths(axis: Any) -> None:
    axis.set_xlim(180.0, -180.0)  # left is on the left
    axis.set_xticks([180, 90, 0, -90, -180], ["180", "90\nleft", "0\nfront", "−90\nright", "−180"])
    axis.set_xlabel("azimuth (degrees)")


def _mark_polar_angles(axis: Any) -> None:
    axis.set_xlim(-90.0, 270.0)
    names = ["−90\nbelow", "0\nfront", "90\nabove", "180\nbehind", "270\nbelow"]
    axis.set_xticks([-90, 0, 90, 180, 270], names)
    axis.set_xlabel("angle in the median plane (degrees)")


# --- ITD, grid, findings ---------------------------------------------------------------------


def _draw_itd(axis: Any, hrtf: "HrtfSet") -> None:
    """ITD of the directions near the horizontal plane, and of a sphere (Woodworth 1938)."""
    near_deg = max(3.0, 0.5 * float(np.median(spacing_deg(hrtf.positions))))
    near = np.flatnonzero(np.abs(hrtf.elevation_deg) <= near_deg)
    angle_deg = np.arange(-180.0, 181.0)
    lateral = np.arcsin(_cos(angle_deg - 90.0))
    sphere = -HEAD_RADIUS_M / SPEED_OF_SOUND_M_S * (lateral + np.sin(lateral))
    axis.plot(angle_deg, 1e6 * sphere, color="0.6", lw=1, label="sphere of 8.75 cm")
    if near.size:
        itd_us = 1e6 * itd_correlation_seconds(hrtf.ir[near], hrtf.sample_rate)
        axis.plot(hrtf.azimuth_deg[near], itd_us, ".", ms=5, color="C0", label="this set")
    axis.axhline(0.0, color="0.8", lw=0.8, zorder=0)
    _mark_azimuths(axis)
    axis.set_ylabel("ITD (µs), + = later at the left ear")
    axis.set_title(f"ITD within {near_deg:.0f}° of the horizontal plane", fontsize=10)
    axis.legend(fontsize=8, loc="best", frameon=False)


def _draw_grid(figure: Any, axis: Any, hrtf: "HrtfSet") -> None:
    """The directions on an equal-area map of the sphere, coloured by the level difference."""
    energy = np.maximum(np.sum(hrtf.ir**2, axis=-1), 1e-20)
    ild_db = 10.0 * np.log10(energy[:, 0] / energy[:, 1])
    points = axis.scatter(
        -np.deg2rad(hrtf.azimuth_deg),  # left is on the left
        np.deg2rad(hrtf.elevation_deg),
        c=ild_db,
        s=float(np.clip(6000.0 / hrtf.n_directions, 3.0, 30.0)),
        cmap="RdBu_r",
        vmin=-25.0,
        vmax=25.0,
        edgecolors="0.4",
        linewidths=0.2,
        rasterized=True,
    )
    axis.set_xticks(np.deg2rad([-90.0, 0.0, 90.0]), [])
    for place, name in ((0.25, "left"), (0.5, "front"), (0.75, "right")):
        axis.text(place, -0.03, name, ha="center", va="top", fontsize=8, transform=axis.transAxes)
    axis.set_yticks(np.deg2rad([-60.0, -30.0, 0.0, 30.0, 60.0]))
    axis.tick_params(axis="y", labelsize=8)
    axis.grid(True, color="0.9", lw=0.6)
    axis.set_axisbelow(True)
    axis.set_title(f"Grid: {hrtf.n_directions} directions", fontsize=10)
    bar = figure.colorbar(points, ax=axis, shrink=0.6, pad=0.03, aspect=15)
    # Without a sign: the ITD beside it is positive on the other side.
    bar.set_ticks([-20, -10, 0, 10, 20], labels=["20 right", "10", "0", "10", "20 left"])
    bar.set_label("ILD (dB), the louder ear", fontsize=9)


def _write_findings(axis: Any, hrtf: "HrtfSet") -> None:
    axis.set_axis_off()
    axis.set_title("What is odd", fontsize=10)
    findings = hrtf.findings or ("Nothing was found.",)
    lines: list[str] = []
    for each in findings:
        lines += textwrap.wrap(each, 62, subsequent_indent="   ", initial_indent="• ")
    if len(lines) > 20:
        lines = [*lines[:19], "…"]
    # A dollar sign would start a formula.
    text = "\n".join(lines).replace("$", r"\$")
    axis.text(0.0, 1.0, text, va="top", fontsize=8.5, transform=axis.transAxes)


def _heading(hrtf: "HrtfSet", title: str) -> str:
    facts = (
        f"{hrtf.n_directions} directions, {hrtf.n_taps} samples at {hrtf.sample_rate} Hz, "
        f"{hrtf.radius_m:.3g} m"
    )
    names = dict.fromkeys(part for part in (title, hrtf.name) if part)
    return "\n".join([" — ".join(names), facts]).replace("$", r"\$")


def _cos(angle_deg: Array) -> Array:
    return unit_vectors(angle_deg)[..., 0]
