"""``auricle render``: tracks in, a binaural file out."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auricle.plugin_core.offline import RenderResult

EXAMPLE = "Example: auricle render vocals.ogg guitar.wav -o mix.wav --azimuth 30 --azimuth -40"


def render(
    tracks: Annotated[list[Path], typer.Argument(metavar="TRACK...", help="WAV, FLAC or OGG.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="OUT.wav or OUT.flac.")],
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file of the listener.")] = None,
    azimuth: Annotated[
        list[float] | None, typer.Option(help="Degrees, + left; once a track.")
    ] = None,
    elevation: Annotated[
        list[float] | None, typer.Option(help="Degrees, + up; once a track.")
    ] = None,
    distance: Annotated[
        list[float] | None, typer.Option(help="Metres; the level falls as 1/r; once a track.")
    ] = None,
    orbit: Annotated[
        float | None, typer.Option(help="Seconds of a turn around the head; negative: clockwise.")
    ] = None,
    head_track: Annotated[Path | None, typer.Option(help="POSES.csv of the head.")] = None,
    rank: Annotated[str, typer.Option(help="auto, full or a number of buses an ear.")] = "auto",
    level: Annotated[str, typer.Option(help="matched or measured.")] = "matched",
    gain: Annotated[float, typer.Option(help="dB on the output.")] = 0.0,
    block_size: Annotated[int, typer.Option(help="Samples rendered at a time.")] = 4096,
    sample_rate: Annotated[
        int | None, typer.Option(help="Hz of the output; else that of the first track.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for programs.")] = False,
) -> None:
    """Render tracks binaurally for one listener."""
    from auricle.plugin_core.offline import render as render_files

    say_first_run()
    with progress_bar(output.name) as progress:
        result = render_files(
            tracks, output, hrtf=hrtf, azimuth_deg=azimuth or 0.0, elevation_deg=elevation or 0.0,
            distance_m=distance or None, orbit_seconds=orbit, head_track=head_track,
            rank=int(rank) if rank.isdigit() else rank, level=level, gain_db=gain,
            block_size=block_size, sample_rate=sample_rate, progress=progress, say=say,
        )  # fmt: skip
    say_result(result, as_json)


def say_result(result: "RenderResult", as_json: bool) -> None:
    """Print what was rendered; what needs attention goes to stderr."""
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
    else:
        typer.echo(
            f"{result.output}: {result.seconds:.1f} s at {result.sample_rate} Hz, "
            f"{result.real_time_factor:.0f} times real time; {result.report}"
        )
    for name, samples in result.silenced.items():
        say(f"{name}: {samples} samples are NaN or infinite and were silenced")
    if result.gain_to_avoid_clipping_db < 0.0:
        cut = f" and {result.cut_samples} samples were cut" if result.cut_samples else ""
        say(
            f"the peak exceeds full scale by {-result.gain_to_avoid_clipping_db:.1f} dB{cut}; "
            f"{-result.gain_to_avoid_clipping_db:.1f} dB less --gain avoids it"
        )


def say(sentence: str) -> None:
    """Print one line on stderr."""
    typer.echo(f"auricle: {sentence}", err=True)


def say_first_run() -> None:
    """Say on stderr why the first run takes longer, before it does."""
    from auricle.dsp.spatialize import spatialize

    if next(Path(spatialize.stats.cache_path).glob("spatialize.spatialize-*.nbi"), None) is None:
        say("first run: compiling, once; up to half a minute")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)
