"""``auricle train``: the files of the models, from data sets."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: auricle train listeners --data DIR"


def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="What to train: listeners.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder of data sets: DIR/hutubs, ...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="WEIGHTS", help="The file; else the one that ships."
        ),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME", help="Data sets; repeatable.")
    ] = None,
) -> None:
    """Train a model on data sets of listeners and write its file.

    listeners: HUTUBS and CIPIC brought to one mean, for ``auricle personalize``.
    """
    from auricle.dsp.errors import AuricleError
    from auricle.personalization.sparse import shipped
    from auricle.personalization.sparse.laboratories import united
    from auricle.personalization.sparse.training_sets import (
        people_only,
        subjects_in,
        training_of,
    )

    if model != "listeners":
        raise AuricleError(f"there is no model {model!r} to train; there is listeners")
    subjects = [people_only(subjects_in(data, name)) for name in sets or ["hutubs", "cipic"]]
    path = output or shipped.PATH
    whole = united([training_of(each) for each in subjects])
    shipped.save(whole, path)
    typer.echo(f"{path}: {len(whole)} listeners of {whole.dataset}, {path.stat().st_size} bytes")
