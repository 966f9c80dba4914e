"""``auricle evaluate``: how far an estimated set is from a measured one."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.commands.reading import reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.dsp.evaluation.comparison import SetErrors
    from auricle.dsp.evaluation.matching import MatchedSets
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

EXAMPLE = "Example: auricle evaluate measured.sofa predicted.sofa --plot errors.png"
_REGIONS = ("sphere", "horizontal", "median")
_ROWS = (
    ("LSD 20 Hz to 20 kHz", "lsd_db", "dB"),
    ("LSD 200 Hz to 16 kHz", "lsd_200_16000_db", "dB"),
    ("ITD, MaxIACCe", "itd_error_us", "us"),
    ("ITD, onset at -30 dB", "itd_onset_error_us", "us"),
    ("ITD, correlation", "itd_correlation_error_us", "us"),
    ("ILD, broadband", "ild_error_db", "dB"),
)


@reads_a_set
def evaluate(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE.sofa", help="The set that is true.")
    ],
    estimate: Annotated[
        Path, typer.Argument(metavar="ESTIMATE.sofa", help="The set to be judged.")
    ],
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw the errors over the sphere and spectra (.png, .pdf or .svg).",
        ),
    ] = None,
    observer: Annotated[
        bool,
        typer.Option("--observer", help="Also simulate a listener who localises with both sets."),
    ] = False,
    tolerance_deg: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="DEGREES",
            help="Angle up to which two directions count as equal.",
        ),
    ] = 1.0,
    match_level: Annotated[
        bool, typer.Option("--match-level", help="Bring the estimate to the reference's level.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    *,
    reading: SetOptions,
) -> None:
    """Say how far an estimated set is from the true one, over the sphere and its planes.

    Directions are paired with the nearest one, the estimate is resampled to the rate of the
    reference. LSD, ITD by MaxIACCe and ILD over the sphere are those of the LAP challenge 2024. How
    a set is read concerns the reference.
    """
    from auricle.dsp.errors import HrtfError
    from auricle.dsp.evaluation.comparison import compare
    from auricle.dsp.evaluation.matching import matched
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.plugin_core.pictures.figure import check_picture

    if plot is not None:
        check_picture(plot)
    true, found = HrtfSet.load(reference, **asdict(reading)), HrtfSet.load(estimate)
    try:
        pair = matched(true, found, tolerance_deg=tolerance_deg, match_level=match_level)
        errors = compare(pair.reference, pair.estimate, pair.positions, pair.sample_rate)
    except HrtfError as error:
        raise HrtfError(f"{reference} and {estimate}: {error}") from None
    facts = summary(reference, estimate, pair, errors)
    facts["findings"] += [f"{reference}: {each}" for each in true.findings]
    facts["findings"] += [f"{estimate}: {each}" for each in found.findings]
    if observer:
        facts["observer"] = _observed(true, found)
    failure = None
    if plot is not None:
        from auricle.plugin_core.pictures.evaluation import save_evaluation_picture

        title = f"{estimate.name} for {reference.name}"
        try:
            save_evaluation_picture(pair, errors, plot, title=title)
            facts["plot"] = str(plot)
        except OSError as error:  # such as a full disk, which costs the picture alone
            failure = error
    if as_json:
        text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
        typer.echo(text.encode("utf-8", "replace").decode("utf-8"))
    else:
        _print_table(facts)
    if failure is not None:
        raise failure


def summary(
    reference: Path, estimate: Path, pair: "MatchedSets", errors: "SetErrors"
) -> dict[str, Any]:
    """The errors by name, in plain numbers: those of the sphere above, of the planes below."""
    from auricle.personalization.metrics.eligibility import eligibility

    means = errors.summary()
    regions = {name: _rounded(means[name]) for name in _REGIONS if name in means}
    return {
        "reference": str(reference),
        "estimate": str(estimate),
        "n_directions": len(pair.positions),
        "n_reference_only": pair.reference_only,
        "n_estimate_only": pair.estimate_only,
        "largest_mismatch_deg": round(float(pair.off_deg.max()), 3),
        "sample_rate_hz": pair.sample_rate,
        "level_difference_db": round(pair.level_difference_db, 3),
        **{key: value for key, value in regions["sphere"].items() if key != "n_directions"},
        **{name: regions[name] for name in _REGIONS[1:] if name in regions},
        "worst": _worst(errors),
        "lap_eligible": eligibility(means["sphere"]),
        "findings": [*pair.findings, *_caveats(pair, errors)],
    }


def _caveats(pair: "MatchedSets", errors: "SetErrors") -> list[str]:
    """What keeps the figures from being those of other people's tables."""
    sentences = []
    if pair.sample_rate < 40000:
        sentences.append(f"LSD ends at {pair.sample_rate / 2000:g} kHz, half the sample rate.")
    if (doubtful := int(errors.onset_doubtful.sum())) > 0.05 * len(pair.positions):
        sentences.append(
            f"In {doubtful} direction(s) of the reference something before the sound is above the "
            "onset's -30 dB (ringing of an equalisation, noise): do not read the onset's ITD."
        )
    if pair.reference_only or pair.estimate_only:
        sentences.append(
            f"Not compared: {pair.reference_only} direction(s) of the reference and "
            f"{pair.estimate_only} of the estimate, which have no partner within the tolerance."
        )
    return sentences


def _worst(errors: "SetErrors") -> dict[str, float]:
    """The direction of the largest LSD, of both ears together."""
    import numpy as np

    from auricle.dsp.geometry import azimuth_elevation_deg

    both = errors.lsd_db.mean(axis=1)
    row = int(np.argmax(both))
    azimuth, elevation = azimuth_elevation_deg(errors.positions[row])
    return _rounded({"azimuth_deg": azimuth, "elevation_deg": elevation, "lsd_db": both[row]})


def _observed(true: "HrtfSet", found: "HrtfSet") -> dict[str, dict[str, float]]:
    """Localisation with one's own ears, with the estimated ones, and the difference."""
    from dataclasses import asdict

    from auricle.personalization.metrics.observer import localise

    own = asdict(localise(true, true))
    heard = asdict(localise(true, found.resampled(true.sample_rate)))
    names = [name for name in own if name != "n_trials"]
    return {
        "own": _rounded({name: own[name] for name in names}),
        "estimate": _rounded({name: heard[name] for name in names}),
        "increase": _rounded({name: heard[name] - own[name] for name in names}),
    }


def _print_table(facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table(title=None)
    table.add_column("error")
    columns = {"sphere": facts, **{name: facts[name] for name in _REGIONS[1:] if name in facts}}
    for name, means in columns.items():
        table.add_column(f"{name}\n{means['n_directions']} directions", justify="right")
    for label, key, unit in _ROWS:
        digits = 2 if unit == "dB" else 1
        cells = (f"{means[key]:.{digits}f} {unit}" for means in columns.values())
        table.add_row(label, *cells)
    console.print(f"{facts['estimate']} against {facts['reference']}", markup=False)
    console.print(table)
    worst = facts["worst"]
    lines = [
        f"worst LSD {worst['lsd_db']:.1f} dB at azimuth {worst['azimuth_deg']:.0f}, elevation "
        f"{worst['elevation_deg']:.0f} degrees",
        _eligible(facts["lap_eligible"]),
    ]
    if "observer" in facts:
        lines += _observer_lines(facts["observer"])
    lines += [f"- {each}" for each in facts["findings"]]
    lines += [f"picture {facts['plot']}"] if "plot" in facts else []
    for line in lines:
        console.print(line, markup=False)


def _eligible(limits: dict[str, bool]) -> str:
    failed = [name for name, passed in limits.items() if not passed]
    if not failed:
        return "below the limits of the LAP challenge (LSD 7.4 dB, ITD 100 us, ILD 4.4 dB)"
    return f"not eligible for the LAP challenge: {', '.join(failed)} above its limit"


def _observer_lines(observed: dict[str, dict[str, float]]) -> list[str]:
    names = {
        "lateral_rms_deg": "lateral RMS, degrees",
        "polar_rms_deg": "local polar RMS, degrees",
        "quadrant_error_percent": "quadrant errors, %",
    }
    parts = (
        (observed["own"][key], observed["estimate"][key], label) for key, label in names.items()
    )
    return [
        "simulated listener, own ears and estimate:",
        *(f"  {label}: {_one_digit(own)} and {_one_digit(heard)}" for own, heard, label in parts),
    ]


def _one_digit(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Plain numbers of 4 digits behind the point; what is not finite becomes null."""
    import math

    return {
        key: value
        if isinstance(value, int)
        else (round(float(value), 4) + 0.0 if math.isfinite(float(value)) else None)
        for key, value in values.items()
    }
