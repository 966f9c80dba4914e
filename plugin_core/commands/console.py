"""What commands tell the user: lines on stderr, progress, and what a rendering came to."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auricle.plugin_core.commands.reading import command_words

if TYPE_CHECKING:
    from auricle.plugin_core.offline import RenderResult

TELL_SECONDS = 10.0


def say(sentence: str) -> None:
    """Print one line on stderr."""
    typer.echo(f"auricle: {command_words(sentence)}", err=True)


def say_first_run() -> None:
    """Say on stderr why the first run takes longer, before it does."""
    from auricle.dsp.spatialize import spatialize

    kept_in = spatialize.stats.cache_path
    if kept_in is None:  # no folder can be written
        say("compiling, at every run; up to half a minute (NUMBA_CACHE_DIR=DIR keeps it in DIR)")
    elif next(Path(kept_in).glob("spatialize.spatialize-*.nbi"), None) is None:
        say("first run: compiling, once; up to half a minute")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; in a pipe a line every ten seconds."""
    if not sys.stderr.isatty():
        yield _told_progress(title)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)


def _told_progress(title: str) -> Callable[[int, int], None]:
    told = time.monotonic()
    begin: float | None = None
    done = before = 0

    def tell(count: int, total: int) -> None:
        nonlocal begin, told, done, before
        done += count
        now = time.monotonic()
        if begin is None:  # what was prepared and compiled until now says nothing of the pace
            begin, before = now, done
        elif now - told >= TELL_SECONDS and done < total:
            told = now
            left = (now - begin) * (total - done) / (done - before)
            say(f"{title}: {100.0 * done / total:.0f} %, about {left:.0f} s left")

    return tell


@contextmanager
def share_bar(title: str) -> Iterator[Callable[[float, str], None] | None]:
    """A progress bar of a share from 0 to 1 and a state; None in a pipe, where nothing is said."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share, state: bar.update(
            task, completed=share, description=f"{title}, {state}"
        )


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A line that says what runs, on a terminal; nothing in a pipe."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: None
        return
    with console.status("starting") as status:
        yield status.update


def say_result(
    result: "RenderResult", as_json: bool, gain_db: float = 0.0, verbose: bool = False
) -> None:  # fmt: skip
    """Print what was rendered; what needs attention goes to stderr."""
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
    else:
        how = f", {result.real_time_factor:.0f} times real time; {result.report}" if verbose else ""
        typer.echo(f"{result.output}: {result.seconds:.1f} s at {result.sample_rate} Hz{how}")
        if result.loudness_lufs is not None:
            typer.echo(f"{result.loudness_lufs:.1f} LUFS, true peak {result.true_peak_db:.1f} dB")
    _say_missed(result)
    for name, samples in result.silenced.items():
        say(f"{name}: {samples} samples are NaN or infinite and were silenced")
    if result.gain_to_avoid_clipping_db < 0.0:
        cut = f" and {result.cut_samples} samples were cut" if result.cut_samples else ""
        over_db = -result.gain_to_avoid_clipping_db
        enough_db = floor(10.0 * (gain_db - over_db)) / 10.0
        say(
            f"the peak exceeds full scale by {over_db:.1f} dB{cut}; "
            f"--gain {enough_db:.1f} avoids it"
        )


def _say_missed(result: "RenderResult") -> None:
    """Say that a loudness target was missed, and why."""
    missed = result.missed_lu
    if missed is None:
        return
    if result.loudness_lufs is None:
        say(f"{result.output}: is silent, or shorter than 0.4 s; no gain gives it a loudness")
        return
    side = "above" if missed > 0.0 else "below"
    say(
        f"{result.loudness_lufs:.1f} LUFS is {abs(missed):.1f} LU {side} the target of "
        f"{result.target_lufs:.1f}, where the limiter holds it: raise its ceiling, lower the "
        "target, or compress the tracks"
    )
