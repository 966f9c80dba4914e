"""``auricle cache``: where prepared sets are kept, how much room they take, and clearing them."""

import json
from typing import Annotated

import typer

EXAMPLE = "Example: auricle cache; auricle cache clear; AURICLE_CACHE_MB=2000 auricle render ..."

app = typer.Typer(
    help="Prepared listeners on disk, 500 MB at most: where, how large, clear.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog=EXAMPLE)
def cache(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say where prepared sets are kept and how much room they take."""
    if context.invoked_subcommand is not None:
        return
    from auricle.dsp.preparation.cache import cache_folder
    from auricle.dsp.storage.cache_room import kept, most_bytes

    folder = cache_folder()
    files = kept(folder)
    size, most = sum(each.size for each in files), most_bytes()
    if as_json:
        facts = {"folder": str(folder), "sets": len(files), "bytes": size, "most_bytes": most}
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(f"{folder}: {len(files)} sets, {size / 1e6:.1f} of {most / 1e6:g} MB")


@app.command("clear", epilog="Example: auricle cache clear")
def clear() -> None:
    """Remove all prepared sets; they are made anew when they are needed."""
    from auricle.dsp.preparation.cache import cache_folder
    from auricle.dsp.storage.cache_room import clear as clear_folder

    folder = cache_folder()
    count, size = clear_folder(folder)
    typer.echo(f"{folder}: removed {count} sets, {size / 1e6:.1f} MB")
