"""``auricle compare``: methods of spatial upsampling on listeners left out, as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auricle.plugin_core.commands.console import say

if TYPE_CHECKING:
    from auricle.personalization.sparse.evaluation.comparison import Request, Result

EXAMPLE = "Example: auricle compare --data DIR --set sonicom --method mean --method listeners"


def compare(
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="DIR", help="Folder that holds the data sets, as DIR/sonicom."
        ),
    ],
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="NAME", help="Method to compare; repeatable; else all."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME", help="Data set to test on; repeatable; else sonicom."
        ),
    ] = None,
    n_folds: Annotated[int, typer.Option("--folds", help="Number of folds of the listeners.")] = 5,
    only: Annotated[
        list[int] | None,
        typer.Option("--fold", metavar="K", help="Only fold K, from 1; repeatable; else all."),
    ] = None,
    across: Annotated[
        bool, typer.Option("--across", help="Train on HUTUBS and CIPIC, test on the sets.")
    ] = False,
    between: Annotated[
        bool, typer.Option("--densify", help="Leave every second direction out instead.")
    ] = False,
    family: Annotated[
        str, typer.Option(help="sparse (spatial upsampling) or endtoend (docs/endtoend.md).")
    ] = "sparse",
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder with NAME.safetensors; these models are not trained anew."
        ),
    ] = None,
    n_scenes: Annotated[
        int, typer.Option("--scenes", help="With endtoend: scenes that each listener hears.")
    ] = 6,
    room_share: Annotated[
        float, typer.Option("--rooms", help="With endtoend: share of scenes in a small room.")
    ] = 0.0,
    most_listeners: Annotated[
        int | None,
        typer.Option(
            "--listeners",
            metavar="N",
            help="With --across or endtoend: N listeners of each set; else all.",
        ),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(
            help="With endtoend: the mean is of shippable (HUTUBS, CIPIC) or of all people."
        ),
    ] = "shippable",
    n_observed: Annotated[
        int,
        typer.Option("--observer", metavar="N", help="Let N listeners of each fold localise."),
    ] = 0,
    minutes: Annotated[
        float, typer.Option(help="Minutes of processor time to train a network, at most.")
    ] = 5.0,
    against: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Also show errors less those of this method."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.md", help="Write the tables.")
    ] = None,
    expected: Annotated[
        Path | None, typer.Option(help="Write means as the table of errors to expect (.json).")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of results; results that it holds are not computed again."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results for programs.")
    ] = False,
) -> None:
    """Compare methods on listeners they have not learned from; may be stopped and resumed.

    --family endtoend compares systems that turn a mono signal and a moving source into both ears,
    with the geometric warp and with the engine through true, mean and predicted responses.
    """
    from auricle.dsp.errors import AuricleError
    from auricle.dsp.preparation.cache import cache_folder

    if family not in ("sparse", "endtoend"):
        raise AuricleError(f"--family is sparse or endtoend, got {family!r}")
    if most_listeners is not None and most_listeners < 1:
        raise AuricleError(f"--listeners is at least 1, got {most_listeners}")
    if weights is not None and not weights.is_dir():
        raise AuricleError(f"{weights}: is no folder; name the one with NAME.safetensors")
    folder = cache or cache_folder().parent / "compare"
    if family == "endtoend":
        from auricle.plugin_core.commands.compare_endtoend import compare_systems

        _check_files(output)
        compare_systems(
            data, methods or [], sets or [], weights, n_scenes, room_share, most_listeners,
            n_observed, licence, output, folder, as_json,
        )  # fmt: skip
        return
    from auricle.personalization.sparse.evaluation.comparison import Request
    from auricle.personalization.sparse.registry import compared_names, names
    from auricle.plugin_core.tables import sparse as tables

    # Before hours of work, not behind them.
    _check_files(output, expected)
    _check(only or [], n_folds, across, between, n_observed, minutes)
    if most_listeners is not None and not across:
        raise AuricleError("--listeners goes with --across (or --family endtoend)")
    comparison = ("densify across" if between else "across") if across else "folds"
    wanted = names(methods or compared_names(comparison))
    if against is not None and against not in wanted:
        raise AuricleError(f"--against {against}: is not compared; there are {', '.join(wanted)}")
    request = Request(wanted, folder, say, minutes, n_observed, weights)
    results = []
    for name in sets or ["sonicom"]:
        if across:
            results += _results_across(data, name, request, between, most_listeners)
        else:
            results += _results(data, name, request, n_folds, only or [], between)
    table = tables.as_markdown(results, against)
    text = tables.as_json(results) if as_json else table
    if output is not None:
        output.write_text(table, encoding="utf-8")
    if expected is not None:
        expected.write_text(tables.as_expected(results), encoding="utf-8")
    typer.echo(text)


def _check_files(*paths: Path | None) -> None:
    from auricle.dsp.errors import AuricleError

    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise AuricleError(f"{path}: there is no folder {path.parent}; make it first")


def _check(
    only: list[int], n_folds: int, across: bool, between: bool, n_observed: int, minutes: float
) -> None:
    """Refuse what does not go together."""
    from auricle.dsp.errors import AuricleError

    if n_folds < 2:
        raise AuricleError(f"--folds is at least 2, got {n_folds}")
    for fold in only:
        if not 1 <= fold <= n_folds:
            raise AuricleError(f"there is no --fold {fold}; there are 1 to {n_folds}")
    if only and (across or between):
        raise AuricleError("--fold needs folds; leave it out with --across and --densify")
    if n_observed < 0:
        raise AuricleError(f"--observer takes a number of listeners, got {n_observed}")
    if n_observed and between:
        raise AuricleError("--observer needs whole sets; leave it out with --densify")
    if not 0.0 < minutes < float("inf"):
        raise AuricleError(f"--minutes must be above 0, got {minutes}")


def _results(
    data: Path, name: str, request: "Request", n_folds: int, only: list[int], between: bool
) -> list["Result"]:
    from auricle.personalization.listeners.from_datasets import (
        people_only,
        subjects_in,
        training_of,
    )
    from auricle.personalization.sparse.evaluation.comparison import compare_between, compare_folds

    subjects = subjects_in(data, name)
    if between:
        return list(compare_between(subjects, training_of(subjects), request))
    subjects = people_only(subjects)
    return list(compare_folds(subjects, training_of(subjects), request, n_folds, only))


def _results_across(
    data: Path, name: str, request: "Request", between: bool, most_listeners: int | None
) -> list["Result"]:
    """With the listeners that ship, on all people of a set or some of them."""
    from auricle.personalization.listeners.from_datasets import (
        people_only,
        subjects_in,
        training_of,
    )
    from auricle.personalization.listeners.shipped import shipped_training
    from auricle.personalization.sparse.evaluation import comparison

    compare_all = comparison.compare_between_across if between else comparison.compare_across
    subjects = people_only(subjects_in(data, name))
    whole = training_of(subjects)
    some = comparison.some_rows(len(whole), most_listeners)
    return list(compare_all(shipped_training(), subjects.take(some), whole.take(some), request))
