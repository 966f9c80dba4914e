"""The ``auricle`` command: the list of commands, and errors as one line with exit status 2.

Start-up is light: this module and ``plugin_core.commands.*`` import only typer and the standard
library; NumPy, Numba and the rest are imported inside the commands that need them.
"""

import sys
from typing import Annotated, Any

import typer
import typer.core

import auricle
from auricle.dsp.storage.part_files import remove_all
from auricle.plugin_core.commands import bench as bench_command
from auricle.plugin_core.commands import cache as cache_command
from auricle.plugin_core.commands import compare as compare_command
from auricle.plugin_core.commands import demo as demo_command
from auricle.plugin_core.commands import evaluate as evaluate_command
from auricle.plugin_core.commands import inspect as inspect_command
from auricle.plugin_core.commands import live as live_command
from auricle.plugin_core.commands import neural as neural_command
from auricle.plugin_core.commands import osc as osc_command
from auricle.plugin_core.commands import personalize as personalize_command
from auricle.plugin_core.commands import render as render_command
from auricle.plugin_core.commands import train as train_command
from auricle.plugin_core.commands.reading import command_words
from auricle.plugin_core.commands.stopping import stopping

BAD_INPUT = 2
_INTERRUPTED = 130  # Typer's word for KeyboardInterrupt

# What most people need first; Typer by itself puts groups behind all commands.
ORDER = (
    "demo", "render", "live", "osc", "inspect", "personalize", "neural", "evaluate", "compare",
    "train", "cache",
)  # fmt: skip


class _Ordered(typer.core.TyperGroup):
    """The commands in the order of ORDER, then the others."""

    def list_commands(self, context: Any) -> list[str]:
        others = [name for name in super().list_commands(context) if name not in ORDER]
        return [*ORDER, *others]


app = typer.Typer(
    name="auricle",
    cls=_Ordered,
    help="Binaural rendering for one listener's own ears.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auricle {auricle.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Binaural rendering for one listener's own ears."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


# One line per command; a command's module holds its function and an
# EXAMPLE, and imports what is slow inside the function.
app.command("demo", epilog=demo_command.EXAMPLE)(demo_command.demo)
app.command("render", epilog=render_command.EXAMPLE)(render_command.render)
app.command("live", epilog=live_command.EXAMPLE)(live_command.live)
app.command("inspect", epilog=inspect_command.EXAMPLE)(inspect_command.inspect)
app.add_typer(osc_command.app, name="osc")
app.command("evaluate", epilog=evaluate_command.EXAMPLE)(evaluate_command.evaluate)
app.add_typer(personalize_command.app, name="personalize")
app.add_typer(neural_command.app, name="neural")
app.command("train", epilog=train_command.EXAMPLE)(train_command.train)
app.command("compare", epilog=compare_command.EXAMPLE)(compare_command.compare)
app.add_typer(cache_command.app, name="cache")
app.command("bench", epilog=bench_command.EXAMPLE)(bench_command.bench)


def error_line(error: BaseException) -> str:
    """The one line that the command line prints for an error of the user's input."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    elif hasattr(error, "format_message"):
        text = error.format_message()
    else:
        text = str(error)
    return "auricle: error: " + command_words(" ".join(text.split()))


def main(args: list[str] | None = None) -> None:
    """Run the command line; bad input ends with status 2 and one line on stderr.

    SIGTERM and Ctrl-C end with 143 and 130, but for what has no other end: ``live`` while it
    plays, the monitor, an OSC recording.
    """
    with stopping() as signals:
        status = _status(args)
        signals.take()
        if status == _INTERRUPTED and signals.asked:
            status = 128 + signals.asked
            remove_all()
    sys.exit(status)


def _status(args: list[str] | None) -> int:
    """The exit status of a command, whose errors are printed."""
    try:
        status = app(args=args, standalone_mode=False)
    except typer.Abort:
        status = 1
    except Exception as error:
        # Typer's usage errors have format_message; what has none of these is a bug, with traceback.
        if not (hasattr(error, "format_message") or isinstance(error, _user_errors())):
            raise
        if (
            type(error).__name__ == "NoArgsIsHelpError"
        ):  # `auricle osc`: the help says what is there
            print(error_line(ValueError("name a command of those above")), file=sys.stderr)
        else:
            print(error_line(error), file=sys.stderr)
        status = BAD_INPUT
    return status if isinstance(status, int) else 0


def _user_errors() -> tuple[type[Exception], ...]:
    from auricle.dsp.errors import AuricleError

    return (AuricleError, OSError)
