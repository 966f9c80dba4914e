"""The comparison as a picture: speed, accuracy, smoothness and latency side by side."""

import importlib.util
from pathlib import Path
from typing import Any

from auricle.dsp.errors import AuricleError, MissingDependencyError
from auricle.dsp.storage.part_files import whole_file
from auricle.plugin_core.pictures.figure import SUFFIXES


def check(path: Path) -> None:
    """Raise AuricleError if no picture can be written there, before minutes are spent on it."""
    if path.suffix.lower() not in SUFFIXES:
        raise AuricleError(f"{path}: a picture must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise AuricleError(f"{path}: there is no folder {path.parent}; make it first")
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingDependencyError("pictures need matplotlib: pip install matplotlib")


def save_picture(result: dict[str, Any], path: Path) -> None:
    """Write what ``compare`` returned as .png, .pdf or .svg; raises AuricleError as ``check``."""
    check(path)
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    names = [row["engine"] for row in result["engines"]]
    shades = colormaps["tab10"]
    colours = {name: "black" if i == 0 else shades((i - 1) % 10) for i, name in enumerate(names)}
    figure = Figure(figsize=(13.0, 8.0), layout="constrained")
    (speed, accuracy), (smooth, late) = figure.subplots(2, 2)
    _draw_speed(speed, result["speed"], colours)
    _draw_accuracy(accuracy, result["interpolation"], colours)
    _draw_smoothness(smooth, result["smoothness"], colours)
    _draw_latency(late, result["latency"], colours)
    handles, labels = speed.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, dpi=110, format=path.suffix[1:].lower())


def _draw_speed(axes: Any, rows: list[dict[str, Any]], colours: dict[str, Any]) -> None:
    blocks = sorted({row["block_size"] for row in rows})
    block = 256 if 256 in blocks else blocks[0]
    for name, colour in colours.items():
        mine = [r for r in rows if r["engine"] == name and r["block_size"] == block]
        counts = [row["n_sources"] for row in mine]
        axes.loglog(
            counts, [row["load"] for row in mine], "o-", color=colour, label=name,
            lw=2.5 if colour == "black" else 1.5,
        )  # fmt: skip
    axes.axhline(1.0, color="grey", ls=":")
    axes.text(axes.get_xlim()[0], 1.05, " real time on one core", color="grey", fontsize=8)
    counts = sorted({row["n_sources"] for row in rows})
    axes.set_xticks(counts, [str(n) for n in counts])
    axes.minorticks_off()
    axes.set(title=f"Speed, block {block}: lower is better", xlabel="moving sources", ylabel="load")


def _draw_accuracy(axes: Any, rows: list[dict[str, Any]], colours: dict[str, Any]) -> None:
    for name, colour in colours.items():
        mine = [row for row in rows if row["engine"] == name]
        axes.plot(
            [row["itd_error_us"] for row in mine], [row["lsd_db"] for row in mine], "o-",
            color=colour, label=name,
        )  # fmt: skip
        if mine:
            first = mine[0]
            text = f"{first['step_deg']:g}\N{DEGREE SIGN}"
            axes.annotate(text, (first["itd_error_us"], first["lsd_db"]), fontsize=7)
    axes.set(
        title="Between the directions of a grid: lower left is better",
        xlabel="ITD error (us)", ylabel="LSD (dB)", xlim=(0, None), ylim=(0, None),
    )  # fmt: skip
    axes.grid(alpha=0.3)


def _draw_smoothness(axes: Any, rows: list[dict[str, Any]], colours: dict[str, Any]) -> None:
    for name, colour in colours.items():
        mine = [row for row in rows if row["engine"] == name]
        speeds = [row["deg_per_second"] for row in mine]
        axes.plot(speeds, [row["outside_tone_db"] for row in mine], "o-", color=colour)
        axes.plot(speeds, [row["above_3_khz_db"] for row in mine], "x:", color=colour)
    axes.set_xscale("log")
    ticks = sorted({row["deg_per_second"] for row in rows})
    axes.set_xticks(ticks, [f"{each:g}" for each in ticks])
    axes.minorticks_off()
    axes.set(
        title="Circling tone: outside it (solid), above 3 kHz (dotted); lower is better",
        xlabel="degrees per second", ylabel="dB of the tone",
    )  # fmt: skip
    axes.grid(alpha=0.3)


def _draw_latency(axes: Any, rows: list[dict[str, Any]], colours: dict[str, Any]) -> None:
    names = [row["engine"] for row in rows]
    values = [row["latency_samples"] for row in rows]
    bars = axes.barh(names, values, color=[colours[name] for name in names])
    labels = [f"{r['latency_samples']:.0f}" + ("" if r["known"] else " (own set)") for r in rows]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.invert_yaxis()
    reach = max(10.0, *(abs(value) for value in values))
    axes.set_xlim(min(0.0, *values) - 0.2 * reach, max(0.0, *values) + 0.4 * reach)
    axes.axvline(0.0, color="grey", lw=1)
    axes.set(title="Latency beyond the block", xlabel="samples")
