"""``auricle inspect``: what is in a SOFA file, and what is odd about it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

EXAMPLE = "Example: auricle inspect listener.sofa --plot listener.png"
_LABEL_WIDTH = 12
_SIDE = 0.93  # |y| of the directions within 21 degrees of an ear's axis


@reads_a_set
def inspect(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[F.sofa]", help="The SOFA file to look at; else the default set."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw the magnitudes, the time differences and the grid (.png, .pdf or .svg).",
        ),
    ] = None,
    played: Annotated[
        bool, typer.Option("--played", help="Prepare it, and say what is played right and wrong.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
    *,
    reading: SetOptions,
) -> None:
    """Say what is in a SOFA file, and what is odd about it.

    Ears, sense of the azimuth, sample rate, levels and grid are checked against each other. Nothing
    is changed; each finding names its remedy.
    """
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

    if file is None:
        read_set(None, reading, typer.echo)
        from auricle.dsp.hrtf.default_listener import default_hrtf

        file, hrtf = Path("the default listener"), default_hrtf()
    else:
        hrtf = HrtfSet.load(file, **asdict(reading))
    facts = summary(file, hrtf)
    if plot is not None:
        from auricle.plugin_core.pictures.hrtf_set import save_set_picture

        save_set_picture(hrtf, plot, title=file.name)
        facts["plot"] = str(plot)
    if played:
        facts |= _as_played(hrtf)
    # A path need not be text that can be printed; everything else stays readable.
    text = json.dumps(facts, indent=2, ensure_ascii=False) if as_json else as_text(facts)
    typer.echo(text.encode("utf-8", "replace").decode("utf-8"))


def summary(file: Path, hrtf: "HrtfSet") -> dict[str, Any]:
    """The facts about a set by name, in plain numbers and text, for programs and for people."""
    import numpy as np

    from auricle.dsp.hrtf.bass import judged_bass
    from auricle.dsp.hrtf.checks import cues
    from auricle.dsp.sphere.grids import spacing_deg

    seen = cues(hrtf.ir, hrtf.positions, hrtf.sample_rate)
    right = -hrtf.positions[:, 1]
    side = np.abs(right) > _SIDE
    at_side = 1e6 * np.median(np.sign(right[side]) * seen.itd_seconds[side]) if any(side) else None
    energy = np.sum(hrtf.ir**2, axis=-1)
    azimuth, elevation = hrtf.azimuth_deg, hrtf.elevation_deg
    return {
        "file": str(file),
        "name": hrtf.name,
        "n_directions": hrtf.n_directions,
        "n_measured": hrtf.n_measured,
        "n_taps": hrtf.n_taps,
        "sample_rate_hz": hrtf.sample_rate,
        "duration_ms": _rounded(1e3 * hrtf.n_taps / hrtf.sample_rate),
        "radius_m": _rounded(hrtf.radius_m),
        "azimuth_deg": [_rounded(azimuth.min()), _rounded(azimuth.max())],
        "elevation_deg": [_rounded(elevation.min()), _rounded(elevation.max())],
        "spacing_deg": _rounded(np.median(spacing_deg(hrtf.positions))),
        "itd_at_side_us": None if at_side is None else _rounded(at_side),
        "itd_us": [_rounded(1e6 * seen.itd_seconds.min()), _rounded(1e6 * seen.itd_seconds.max())],
        "ild_db": [_rounded(seen.ild_db.min()), _rounded(seen.ild_db.max())],
        "level_db": _rounded(10.0 * np.log10(np.mean(energy))),
        "peak": _rounded(np.max(np.abs(hrtf.ir)), 4),
        "license": hrtf.license,
        "references": hrtf.references,
        "findings": [*hrtf.findings, *filter(None, [judged_bass(hrtf).sentence()])],
    }


def _as_played(hrtf: "HrtfSet") -> dict[str, Any]:
    """What the renderer makes of the set by itself, at the set's rate."""
    from auricle.dsp.preparation.cache import prepared_set

    prepared = prepared_set(hrtf, hrtf.sample_rate)
    return {
        "played": prepared.report,
        "played_errors": prepared.errors.figures(),
        "played_beyond_bounds": prepared.errors.beyond_bounds(),
    }


def as_text(facts: dict[str, Any]) -> str:
    """The facts of ``summary`` as lines for people."""
    itd_us = [round(end) for end in facts["itd_us"]]
    at_side = facts["itd_at_side_us"]
    at_side = "" if at_side is None else f"{at_side:.0f} about the right ear's axis, "
    rows = [
        ("name", facts["name"]),
        (
            "responses",
            f"{_counted(facts)}, 2 ears, {facts['n_taps']} samples at "
            f"{facts['sample_rate_hz']} Hz ({facts['duration_ms']:g} ms)",
        ),
        (
            "directions",
            f"azimuth {_span(facts['azimuth_deg'])}, elevation {_span(facts['elevation_deg'])} "
            f"degrees, {facts['spacing_deg']:g} apart, from {facts['radius_m']:g} m",
        ),
        ("ITD", f"{_span(itd_us)} us, {at_side}positive where the left ear hears later"),
        ("ILD", f"{_span(facts['ild_db'])} dB, positive where the left ear is louder"),
        (
            "level",
            f"{facts['level_db']:g} dB a response on average, highest sample {facts['peak']}",
        ),
        ("license", facts["license"] or "not stated"),
        ("cite", facts["references"] or "not stated"),
    ]
    rows += [("odd" if i == 0 else "", f"- {each}") for i, each in enumerate(facts["findings"])]
    rows += [] if facts["findings"] else [("odd", "nothing found")]
    if "played" in facts:
        rows += [("played", part) for part in facts["played"].split("; ")]
        rows += [("beyond", sentence) for sentence in facts["played_beyond_bounds"]]
    rows += [("picture", facts["plot"])] if "plot" in facts else []
    lines = [f"  {label:<{_LABEL_WIDTH}}{text}" for label, text in rows]
    return "\n".join([facts["file"], *lines])


def _counted(facts: dict[str, Any]) -> str:
    whole, measured = facts["n_directions"], facts["n_measured"]
    if measured == whole:
        return f"{whole} directions"
    return f"{whole} directions ({measured} measured, {whole - measured} predicted)"


def _rounded(value: Any, digits: int = 2) -> float:
    return round(float(value), digits) + 0.0  # no minus zero


def _span(ends: list[float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"
