"""``auricle train``: the files of the models, from data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auricle.personalization.endtoend.systems.registry import SYSTEMS
from auricle.personalization.sparse.registry import METHODS, learned_names
from auricle.plugin_core.commands.console import share_bar

if TYPE_CHECKING:
    from auricle.personalization.datasets.subjects import Subjects
    from auricle.personalization.listeners.listener_data import ListenerGroup

EXAMPLE = "Example: auricle train fsp-ae --data DIR --set sonicom --minutes 5"


def train(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="listeners, default, or a network (docs/models.md)."),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="DIR", help="Folder that holds the data sets, as DIR/hutubs."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="WEIGHTS",
            help="The file to write; else one named MODEL here.",
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME", help="Data set to learn from; repeatable; else hutubs, cipic."
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Minutes of processor time for a network, at most.")
    ] = 5.0,
    seed: Annotated[
        int, typer.Option(help="Seed of a network's first weights and of its batches.")
    ] = 0,
    licence: Annotated[
        str,
        typer.Option(
            help="Data that a system learns from: all, or shippable (their terms let weights ship)."
        ),
    ] = "all",
) -> None:
    """Train a model on data sets of listeners and write its file.

    listeners: HUTUBS and CIPIC brought to one mean, for ``auricle personalize``. default: their
    mean, the listener of the engine where no set is given. Networks (docs/models.md), which need
    torch: NETWORKS. End-to-end systems (docs/endtoend.md), which learn from scenes that are
    rendered first: SYSTEMS.
    """
    if model in SYSTEMS:
        from auricle.plugin_core.commands.train_endtoend import train_on_scenes

        train_on_scenes(model, data, output, minutes, seed, licence, sets)
        return
    from auricle.personalization.listeners.from_datasets import (
        people_only,
        subjects_in,
        training_of,
    )
    from auricle.personalization.listeners.pooling import pooled

    network = None if model in _WRITERS else _network(model, output, minutes)
    path = _unshipped(model, output)
    subjects = [people_only(subjects_in(data, name)) for name in sets or ["hutubs", "cipic"]]
    each = [training_of(one) for one in subjects]
    if network is None:
        whole = pooled(each)
        _WRITERS[model](whole, path)
        typer.echo(
            f"{path}: {len(whole)} listeners of {whole.dataset}, {path.stat().st_size} bytes"
        )
        return
    ids = [f"{one.dataset} {listener}" for one in subjects for listener in one.ids]
    _train_network(model, network, each, _people(subjects), ids, minutes, seed)


assert train.__doc__ is not None
# Auricle's own: no command may load what packages bring before it is asked for.
_OWN_NETWORKS = [name for name in METHODS.own if METHODS.find(name).learned]
train.__doc__ = train.__doc__.replace("NETWORKS", ", ".join(_OWN_NETWORKS)).replace(
    "SYSTEMS", ", ".join(SYSTEMS.own)
)


def _network(model: str, output: Path | None, minutes: float) -> Path:
    """Where the weights will go; refuses what cannot work before data are read."""
    from auricle.dsp.errors import AuricleError
    from auricle.personalization.learning.weights import checked_path
    from auricle.personalization.sparse.trained import learned

    if model not in METHODS or not METHODS.find(model).learned:
        names = ", ".join((*_WRITERS, *learned_names(), *SYSTEMS))
        raise AuricleError(f"there is no model {model!r} to train; there are {names}")
    learned(model)
    from auricle.personalization.learning.training_loop import Plan  # torch, seconds

    Plan(seconds=60.0 * minutes)
    return checked_path(output or Path(f"{model}.safetensors"))


def _people(subjects: list["Subjects"]) -> list[str]:
    """Who each listener is; repeats of one head have one name."""
    return [f"{one.dataset} {person}" for one in subjects for person in one.people]


def _train_network(
    model: str, path: Path, laboratories: list["ListenerGroup"], people: list[str], ids: list[str],
    minutes: float, seed: int,
) -> None:  # fmt: skip
    from auricle.personalization.learning.training_loop import Plan
    from auricle.personalization.learning.weights import save_weights
    from auricle.personalization.listeners.pooling import pooled
    from auricle.personalization.sparse.trained import learned

    made = learned(model)(Plan(seconds=60.0 * minutes, seed=seed))
    with share_bar(model) as progress:
        if hasattr(made, "fit_apart"):
            made.fit_apart(laboratories, people, progress)
        else:
            whole = laboratories[0] if len(laboratories) == 1 else pooled(laboratories)
            made.fit(whole, progress)
    save_weights(path, made.to_weights(ids, seed=seed, minutes=minutes))
    score = getattr(made, "score_text", "LSD {:.2f} dB").format(made.history.score)
    typer.echo(
        f"{path}: {model}, {made.n_parameters} parameters, {made.history.steps} steps in "
        f"{made.history.seconds:.0f} s; {score} of listeners held out, "
        f"{path.stat().st_size} bytes"
    )


def _unshipped(model: str, output: Path | None) -> Path:
    """Where listeners or the default listener go: never, unasked, over those that ship."""
    from auricle.dsp.errors import AuricleError

    path = output or Path(f"{model}{_SUFFIXES.get(model, '.safetensors')}")
    if output is None and model in _SUFFIXES and path.exists():
        raise AuricleError(f"{path}: is there already; name the file to write with -o")
    return path


def _write_listeners(train: "ListenerGroup", path: Path) -> None:
    from auricle.personalization.listeners import shipped

    shipped.save(train, path)


def _write_default(train: "ListenerGroup", path: Path) -> None:
    from auricle.dsp.hrtf.default_listener import MEASURED_RATE, save_default
    from auricle.dsp.hrtf.structural_model import symmetric_grid
    from auricle.personalization.listeners.statistics import mean_listener

    positions, mirrored = symmetric_grid()
    mean = mean_listener(train).at(positions)
    save_default(
        positions, mirrored, mean.magnitude_db[0, :, 0],
        mean.arrival_seconds[0, :, 0] * MEASURED_RATE,
        f"mean of {len(train)} measured listeners ({train.dataset})", path,
    )  # fmt: skip


_SUFFIXES = {"listeners": ".safetensors", "default": ".npz"}
_WRITERS: dict[str, Callable[["ListenerGroup", Path], None]] = {
    "listeners": _write_listeners,
    "default": _write_default,
}
