"""The picture of a rendered scene: ways seen from above, directions at the head, loudness."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auricle.dsp.arrays import Array
from auricle.dsp.errors import AuricleError
from auricle.dsp.geometry import azimuth_elevation_deg, to_head
from auricle.plugin_core.mastering.loudness import HOP_SECONDS, LoudnessMeter
from auricle.plugin_core.pictures.figure import SUFFIXES, new_figure, save_figure

if TYPE_CHECKING:
    from auricle.plugin_core.mastering.master import RenderResult
    from auricle.plugin_core.scene.playback.player import Player
    from auricle.plugin_core.scene.scene import Scene

_POINTS = 2000
_FLOOR_LUFS = -60.0
_NAMED = 18  # in the legend
_JUMP_M = 0.5  # between two points of a way: no line there


def check_picture(path: Path) -> None:
    """Refuse a name that no picture can have, before the work that it would show."""
    if path.suffix.lower() not in SUFFIXES:
        raise AuricleError(f"{path}: a picture must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise AuricleError(f"{path}: there is no folder {path.parent}; make it first")
    new_figure((1.0, 1.0))  # says so if matplotlib is missing


def save_scene_picture(
    scene: "Scene", player: "Player", loudness: LoudnessMeter, result: "RenderResult", path: Path
) -> None:
    """Write the picture; the file appears whole or not at all.

    Args:
        scene: the scene.
        player: that has played it.
        loudness: as it was measured.
        result: of the rendering.
        path: of the picture.
    """
    figure = new_figure((13.0, 7.0))
    axes = figure.subplot_mosaic(
        [["above", "azimuth"], ["above", "elevation"], ["above", "loudness"]],
        width_ratios=[1.0, 1.5], height_ratios=[1.0, 0.7, 1.2],
    )  # fmt: skip
    seconds = np.linspace(0.0, player.n_frames / player.sample_rate, _POINTS)
    ways = [path.positions_m(seconds) for _, path in player.ways]
    names = [track.name or Path(track.file).stem for track, _ in player.ways]
    places = player.head.positions_m(seconds)
    _draw_above(axes["above"], names, ways, places)
    _name_below(figure, axes["above"])
    at_head = [to_head(way, player.head.orientations(seconds), places) for way in ways]
    _draw_directions(axes["azimuth"], axes["elevation"], seconds, at_head)
    _draw_loudness(axes["loudness"], scene, loudness, result)
    for name in ("azimuth", "elevation", "loudness"):
        axes[name].set_xlim(0.0, seconds[-1])
    title = scene.name or (scene.place.file.stem if scene.place.file else "scene")
    figure.suptitle(title.replace("$", r"\$"))
    save_figure(figure, path)


def _draw_above(axis: Any, names: Sequence[str], ways: list[Array], places: Array) -> None:
    """All ways with the front up and the left on the left; a dot where each begins."""
    axis.plot(-places[:, 1], places[:, 0], color="0.5", lw=1.0)
    axis.plot(-places[0, 1], places[0, 0], "^", ms=13, color="black", label="listener")
    for index, (name, way) in enumerate(zip(names, ways, strict=True)):
        colour = f"C{index % 10}"
        way = way.copy()
        way[1:][np.linalg.norm(np.diff(way, axis=0), axis=1) > _JUMP_M] = np.nan
        axis.plot(-way[:, 1], way[:, 0], color=colour, lw=1.5, alpha=0.8)
        axis.plot(-way[0, 1], way[0, 0], "o", color=colour, label=name.replace("$", r"\$"))
    axis.set(xlabel="right (m)", ylabel="front (m)", title="Ways, seen from above")
    axis.set_aspect("equal", adjustable="datalim")
    axis.grid(alpha=0.3)


def _name_below(figure: Any, axis: Any) -> None:
    """The legend of an axis below the figure: within the axis, it would hide whoever is there."""
    drawn, names = axis.get_legend_handles_labels()
    if len(names) > _NAMED:
        drawn, names = drawn[:_NAMED], [*names[: _NAMED - 1], f"and {len(names) - _NAMED + 1} more"]
    figure.legend(drawn, names, fontsize=8, loc="outside lower center", ncols=6, markerscale=0.7)


def _draw_directions(above: Any, below: Any, seconds: Array, at_head: list[Array]) -> None:
    """Azimuth and elevation at the head, which itself may move."""
    for index, points in enumerate(at_head):
        azimuth, elevation = azimuth_elevation_deg(points)
        azimuth[np.flatnonzero(np.abs(np.diff(azimuth)) > 180.0)] = np.nan  # no line around
        above.plot(seconds, azimuth, color=f"C{index % 10}", lw=1.2)
        below.plot(seconds, elevation, color=f"C{index % 10}", lw=1.2)
    above.set(ylabel="azimuth (°), + left", ylim=(-180.0, 180.0), title="Directions at the head")
    above.set_yticks([-180, -90, 0, 90, 180])
    below.set(ylabel="elevation (°)", ylim=(-90.0, 90.0))
    below.set_yticks([-90, -45, 0, 45, 90])
    for axis in (above, below):
        axis.grid(alpha=0.3)
        axis.tick_params(labelbottom=False)


def _draw_loudness(
    axis: Any, scene: "Scene", loudness: LoudnessMeter, result: "RenderResult"
) -> None:
    """Momentary loudness of each ear, short-term loudness of both, the integrated one as a line."""
    ears = loudness.ears_lufs()
    time = HOP_SECONDS * (4 + np.arange(ears.shape[1]))
    for ear, (name, colour) in enumerate((("left", "tab:blue"), ("right", "tab:red"))):
        line = np.maximum(ears[ear], _FLOOR_LUFS)
        axis.plot(time, line, color=colour, lw=0.5, alpha=0.6, label=f"{name} ear, 0.4 s")
    short = np.maximum(loudness.short_term_lufs(), _FLOOR_LUFS)
    axis.plot(HOP_SECONDS * (30 + np.arange(len(short))), short, "k", lw=1.3, label="both, 3 s")
    title = "Loudness"
    if result.loudness_lufs is not None:
        axis.axhline(result.loudness_lufs, color="tab:green", lw=1.0, ls="--", label="integrated")
        title += f": {result.loudness_lufs:.1f} LUFS"
    if result.true_peak_db is not None:
        title += f", true peak {result.true_peak_db:.1f} dB"
    axis.set(xlabel="time (s)", ylabel="LUFS", ylim=(_FLOOR_LUFS, 0.0), title=title)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="lower right", ncols=4)
