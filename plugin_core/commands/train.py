"""``auricle train``: the files of the models, from data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auricle.personalization.sparse.method import Training

EXAMPLE = "Example: auricle train listeners --data DIR"


def train(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="What to train: listeners or default.")
    ],
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

    listeners: HUTUBS and CIPIC brought to one mean, for ``auricle personalize``. default: their
    mean, the listener of the engine where no set is given.
    """
    from auricle.dsp.errors import AuricleError
    from auricle.personalization.sparse.laboratories import united
    from auricle.personalization.sparse.training_sets import (
        people_only,
        subjects_in,
        training_of,
    )

    if model not in _WRITERS:
        raise AuricleError(f"there is no model {model!r} to train; there are listeners and default")
    subjects = [people_only(subjects_in(data, name)) for name in sets or ["hutubs", "cipic"]]
    whole = united([training_of(each) for each in subjects])
    path = _WRITERS[model](whole, output)
    typer.echo(f"{path}: {len(whole)} listeners of {whole.dataset}, {path.stat().st_size} bytes")


def _write_listeners(train: "Training", output: Path | None) -> Path:
    from auricle.personalization.sparse import shipped

    path = output or shipped.PATH
    shipped.save(train, path)
    return path


def _write_default(train: "Training", output: Path | None) -> Path:
    from auricle.dsp.computed_listener import symmetric_grid
    from auricle.dsp.default_listener import MEASURED_RATE, PATH, save_default
    from auricle.personalization.sparse.population import mean_listener

    positions, mirrored = symmetric_grid()
    mean = mean_listener(train).at(positions)
    path = output or PATH
    save_default(
        positions, mirrored, mean.magnitude_db[0, :, 0],
        mean.arrival_seconds[0, :, 0] * MEASURED_RATE,
        f"mean of {len(train)} measured listeners ({train.dataset})", path,
    )  # fmt: skip
    return path


_WRITERS: dict[str, Callable[["Training", Path | None], Path]] = {
    "listeners": _write_listeners,
    "default": _write_default,
}
