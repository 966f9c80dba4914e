"""``auricle personalize``: a listener's own set from a few measured directions."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auricle.plugin_core.commands.console import say, working
from auricle.plugin_core.commands.reading import reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.personalization.sparse.completion.complete import Completed

app = typer.Typer(
    help="Make a listener's own set.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SPARSE_EXAMPLE = "Example: auricle personalize sparse five.sofa -o listener.sofa"
_DENSIFY_EXAMPLE = "Example: auricle personalize densify listener.sofa -o dense.sofa"

_Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT.sofa", help="The set to write.")
]
_Positions = Annotated[
    Path | None,
    typer.Option(
        "--positions", metavar="GRID.sofa", help="SOFA file whose directions are predicted."
    ),
]


@app.command("sparse", epilog=_SPARSE_EXAMPLE)
@reads_a_set
def sparse(
    measured: Annotated[
        Path,
        typer.Argument(
            metavar="MEASURED.sofa", help="SOFA file of two measured directions or more."
        ),
    ],
    output: _Output,
    positions: _Positions = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Method of prediction; else the best for so many directions."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="WEIGHTS", help="File of a network from auricle train, in place of a method."
        ),
    ] = None,
    *,
    reading: SetOptions,
) -> None:
    """Complete a set from a few measured directions, on any grid, at any rate from 40 kHz on.

    The measured directions stay as they are; what lies between them is predicted from them and from
    the listeners of HUTUBS and CIPIC. Without --positions these are the 440 directions of HUTUBS.
    """
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.personalization.listeners.shipped import shipped_training
    from auricle.personalization.sparse.completion import expected_errors
    from auricle.personalization.sparse.completion.complete import complete
    from auricle.personalization.sparse.trained import ready

    _check_output(output, measured, positions)
    known = _measured_only(HrtfSet.load(measured, **asdict(reading)))
    train = shipped_training()
    grid = train.positions if positions is None else HrtfSet.load(positions).positions
    name = method or (None if weights else expected_errors.best_method(known.n_directions))
    upsampler = ready(name, weights, train)
    name = upsampler.name
    about = f"completed from {known.n_directions} directions by {name}"
    with working(output.name):
        done = complete(known, upsampler, grid, about)
    _save(known, done, output, name)
    _say_if_known(done)
    typer.echo(expected_errors.sentence(name, done.hrtf.positions[: done.n_measured]))
    typer.echo(f"Next: auricle render SOUND.wav -o OUT.wav --hrtf {shlex.quote(str(output))}")


@app.command("densify", epilog=_DENSIFY_EXAMPLE)
@reads_a_set
def densify(
    listener: Annotated[Path, typer.Argument(metavar="SET.sofa", help="The measured set.")],
    output: _Output,
    positions: _Positions = None,
    *,
    reading: SetOptions,
) -> None:
    """Fill the gaps between the directions of a measured set; what was measured stays as it is.

    Without --positions the new directions lie in the middles of the edges between measured ones.
    """
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.personalization.listeners.shipped import shipped_training
    from auricle.personalization.sparse.completion import expected_errors
    from auricle.personalization.sparse.completion.densify import dense_method, densified

    _check_output(output, listener, positions)
    known = HrtfSet.load(listener, **asdict(reading))
    grid = None if positions is None else HrtfSet.load(positions).positions
    upsampler = dense_method(known.n_directions, shipped_training())
    about = f"densified by {upsampler.name}"
    with working(output.name):
        done = densified(known, upsampler, grid, about)
    _save(known, done, output, done.by or upsampler.name)
    _say_if_known(done)
    if done.taken:
        typer.echo(done.taken)
    if not done.by:
        typer.echo(expected_errors.sentence_between(upsampler.name, known.n_directions))


def _check_output(output: Path, *inputs: Path | None) -> None:
    """Refuse, before the work, a name that cannot be written or is that of a measurement."""
    from auricle.dsp.errors import AuricleError
    from auricle.dsp.sofa.file import check_target

    check_target(output)
    for path in inputs:
        if path is not None and path.exists() and output.exists() and output.samefile(path):
            raise AuricleError(f"{output}: is an input; choose another output")


def _say_if_known(done: "Completed") -> None:
    """Say where the method has learned from this very listener."""
    import numpy as np

    from auricle.personalization.listeners.features import features_of
    from auricle.personalization.listeners.known_ears import is_among
    from auricle.personalization.listeners.shipped import shipped_training

    measured = done.hrtf.subset(np.arange(done.n_measured))
    if is_among(features_of(measured), measured.positions, shipped_training()):
        say(
            "this listener is one of those that Auricle ships and has learned from: the prediction "
            "is better than anybody else's would be, and says nothing of the method"
        )


def _measured_only(known: "HrtfSet") -> "HrtfSet":
    """The set without what was predicted before: it is no measurement to predict from."""
    if known.predicted is None or known.n_measured == known.n_directions:
        return known
    if known.n_measured < 2:
        return known
    say(
        f"{known.n_directions - known.n_measured} directions of the set were predicted and are "
        f"left out; {known.n_measured} were measured"
    )
    return known.subset(~known.predicted)


def _save(known: "HrtfSet", done: "Completed", output: Path, method: str) -> None:
    """Write the set; say what was predicted, by what, and what was odd."""
    for finding in (*known.findings, *done.findings):
        say(finding)
    done.hrtf.save(output)
    typer.echo(
        f"{output}: {done.n_measured} measured directions as they were, {done.n_predicted} "
        f"predicted by {method}"
    )
