"""``auricle train``: the files of the models, from data sets."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: auricle train fsp-ae --data DIR --set sonicom -o fsp-ae.safetensors --minutes 5"


def train(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="listeners, refiner, fsp-ae, neural-field, ranf, niirf, flow or hrtfformer.",
        ),
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder of data sets: DIR/hutubs, ...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="WEIGHTS",
            help="The file; else the one that ships, or MODEL.safetensors.",
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME", help="Data sets; repeatable; else hutubs, cipic."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Of processor time, at the most; not for listeners.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(help="Of weights and batches.")] = 0,
) -> None:  # fmt: skip
    """Train a model on data sets of listeners and write its file.

    listeners: HUTUBS and CIPIC brought to one mean, for ``auricle personalize``. All others are
    networks, which need torch; several sets are brought to one mean and grid first.
    """
    from auricle.personalization.sparse import shipped
    from auricle.personalization.sparse.laboratories import united
    from auricle.personalization.sparse.trained import learned
    from auricle.personalization.sparse.training_sets import (
        people_only,
        subjects_in,
        training_of,
    )

    method = None if model == "listeners" else learned(model)
    subjects = [people_only(subjects_in(data, name)) for name in sets or ["hutubs", "cipic"]]
    each = [training_of(one) for one in subjects]
    if method is None:
        path = output or shipped.PATH
        whole = united(each)
        shipped.save(whole, path)
        typer.echo(
            f"{path}: {len(whole)} listeners of {whole.dataset}, {path.stat().st_size} bytes"
        )
        return
    from auricle.personalization.training import Plan
    from auricle.personalization.weights import checked_path, save_weights

    path = checked_path(output or Path(f"{model}.safetensors"))
    made = method(Plan(seconds=60.0 * minutes, seed=seed))
    with _progress(model) as progress:
        made.fit(each[0] if len(each) == 1 else united(each), progress)
    ids = [f"{one.dataset} {listener}" for one in subjects for listener in one.ids]
    weights = made.to_weights(ids=ids, seed=seed, minutes=minutes)
    save_weights(path, weights)
    typer.echo(
        f"{path}: {model}, {made.n_parameters} parameters, {made.history.steps} steps in "
        f"{made.history.seconds:.0f} s; LSD {made.history.score:.2f} dB of listeners held out, "
        f"{path.stat().st_size} bytes"
    )


@contextmanager
def _progress(title: str) -> Iterator[Callable[[float, str], None] | None]:
    """A progress bar on a terminal, nothing in a pipe."""
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
