"""``auricle bench``: how many sources this machine renders, and how smoothly they move."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.commands.console import say, status_line
from auricle.plugin_core.commands.placement import Rank, rank_of
from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet

EXAMPLE = (
    "Examples: auricle bench --hrtf listener.sofa --rank 32; auricle bench --peers --plot p.png; "
    "auricle bench --against FOLDER"
)


@reads_a_set
def bench(
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file; else the default listener.")] = None,
    rank: Rank = "auto",
    seconds: Annotated[
        float | None, typer.Option(help="Time spent on each row: 1, with --peers 0.3.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|REVISION",
            help="Time another version beside this one: its folder, or a revision of a checkout.",
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Compare with every other engine installed here.")
    ] = False,
    truth: Annotated[
        Path | None,
        typer.Option(help="With --peers: a dense SOFA set that is true; else the computed head."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="With --peers: draw the tables as a picture.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --peers: only see that all works.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for programs.")] = False,
    *,
    reading: SetOptions,
) -> None:
    """Measure speed, smoothness of motion and start-up, one core, 48 kHz."""
    from auricle.dsp.errors import AuricleError

    if seconds is not None and not 0.0 < seconds < float("inf"):
        raise AuricleError(f"--seconds is a time above 0, got {seconds:g}")
    if peers:
        if hrtf is not None or reading.given or rank != "auto":
            raise AuricleError(
                "--peers takes its set from --truth, not --hrtf, and has its own ranks"
            )
        if against is not None:
            raise AuricleError("--peers and --against are two comparisons; run one by one")
        compare_peers(truth, plot, 0.3 if seconds is None else seconds, quick, as_json)
    elif truth is not None or plot is not None or quick:
        raise AuricleError("--truth, --plot and --quick belong to --peers; add it")
    elif against is not None:
        if reading.given:
            raise AuricleError("--against reads the set as it is in both versions")
        compare_versions(against, hrtf, rank, 1.0 if seconds is None else seconds, as_json)
    else:
        _measure(read_set(hrtf, reading, say), rank, 1.0 if seconds is None else seconds, as_json)


def compare_peers(
    truth: Path | None, plot: Path | None, seconds: float, quick: bool, as_json: bool
) -> None:
    """Run the comparison, print it, draw it."""
    from threadpoolctl import threadpool_limits

    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.plugin_core.bench import picture, tables
    from auricle.plugin_core.bench.compare import compare
    from auricle.plugin_core.bench.protocols.truth import ComputedTruth, MeasuredTruth

    if plot is not None:
        picture.check(plot)
    known = ComputedTruth() if truth is None else MeasuredTruth(HrtfSet.load(truth))
    with threadpool_limits(1), status_line() as show:
        result = compare(known, seconds, say=show, quick=quick)
    if plot is not None:
        picture.save_picture(result, plot)
    typer.echo(json.dumps(result, indent=2) if as_json else "\n".join(tables.lines(result)))


def compare_versions(
    against: str, hrtf: Path | None, rank: str, seconds: float, as_json: bool
) -> None:
    """Run this version and another one by turns and print their times and ratios."""
    from auricle.plugin_core.bench.against import against_rows

    path = None if hrtf is None else str(hrtf.resolve())
    with status_line() as show:
        rows = [
            row.as_dict()
            for row in against_rows(against, path, rank_of(rank), seconds, show=show)
        ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo("| scene | block | sources | this, us per source and step | other | this / other "
               "| p10 to p90 of the ratio |")  # fmt: skip
    typer.echo("|---|---|---|---|---|---|---|")
    for row in rows:
        typer.echo(
            f"| {row['kind']} | {row['block_size']} | {row['n_sources']} "
            f"| {row['microseconds']:.3f} | {row['microseconds_other']:.3f} | {row['ratio']:.3f} "
            f"| {row['ratio_p10']:.2f} to {row['ratio_p90']:.2f} |"
        )


def _measure(hrtf: "HrtfSet | None", rank: str, seconds: float, as_json: bool) -> None:
    from threadpoolctl import threadpool_limits

    from auricle.dsp.hrtf.default_listener import default_hrtf
    from auricle.dsp.preparation.cache import prepared_set
    from auricle.plugin_core.bench import own as measure

    rate = 48000
    listener = default_hrtf() if hrtf is None else hrtf
    with threadpool_limits(1):
        prepared = prepared_set(listener, rate, rank=rank_of(rank))
        speed = [*measure.speed_rows(prepared, rank, seconds), measure.baseline_row(rate)]
        motion = list(measure.motion_rows(prepared))
    result: dict[str, Any] = {
        "set": listener.name,
        "report": prepared.report,
        "speed": [row.as_dict() for row in speed],
        "motion": motion,
        "import_seconds": measure.import_seconds(),
    }
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    typer.echo(f"{result['set'] or 'unnamed set'}; {result['report']}\n")
    typer.echo("| engine | scene | rank | block | sources | us per source and step of 128: median "
               "| p10 | p99 | sources in real time | deviation dB |")  # fmt: skip
    typer.echo("|---|---|---|---|---|---|---|---|---|---|")
    for row in result["speed"]:
        typer.echo(
            f"| {row['engine']} | {row['scene']} | {row['rank']} | {row['block_size']} "
            f"| {row['n_sources']} | {row['microseconds_per_source']:.3f} | {row['p10']:.3f} "
            f"| {row['p99']:.3f} | {row['sources_in_real_time']:.0f} | {row['deviation_db']:.0f} |"
        )
    typer.echo("\n| tone Hz | source deg/s | head deg/s | outside tone dB | above 3 kHz dB |")
    typer.echo("|---|---|---|---|---|")
    for row in result["motion"]:
        typer.echo(
            f"| {row['tone_hz']} | {row['source_deg_per_second']} | {row['head_deg_per_second']} "
            f"| {row['outside_tone_db']:.1f} | {row['above_3_khz_db']:.1f} |"
        )
    typer.echo(f"\nimport auricle: {1000 * result['import_seconds']:.0f} ms")
