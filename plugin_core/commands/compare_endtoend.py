"""``auricle compare --family endtoend``: systems that render for a listener, as a table."""

from collections.abc import Sequence
from pathlib import Path

import typer

from auricle.plugin_core.commands.console import say

EXAMPLE = "auricle compare --data DIR --family endtoend --weights W -o table.md"


def compare_systems(
    data: Path, methods: Sequence[str], sets: Sequence[str], weights: Path | None, n_scenes: int,
    room_share: float, most_listeners: int | None, n_observed: int, licence: str,
    output: Path | None, cache: Path, as_json: bool,
) -> None:  # fmt: skip
    """Print the tables; see ``compare`` for the arguments."""
    from auricle.dsp.errors import AuricleError

    if n_scenes < 1:
        raise AuricleError(f"--scenes is at least 1, got {n_scenes}")
    if not 0.0 <= room_share <= 1.0:
        raise AuricleError(f"--rooms is a share from 0 to 1, got {room_share}")
    if licence not in ("shippable", "all"):
        raise AuricleError(f'--licence is "shippable" or "all", got {licence!r}')
    try:
        from auricle.personalization.endtoend import comparison
    except ImportError as error:
        if error.name != "torch":
            raise
        raise AuricleError("end-to-end systems need torch: pip install torch") from None
    from auricle.personalization.endtoend.listeners import load_listeners
    from auricle.plugin_core import endtoend_tables as tables

    names = comparison.method_names(methods, weights)
    listeners = load_listeners(data, licence)  # type: ignore[arg-type]
    request = comparison.Request(
        listeners, data, cache, weights, say, sets, n_scenes, room_share, most_listeners,
        n_observed,
    )  # fmt: skip
    results = comparison.compare(request, names)
    if output is not None:
        output.write_text(tables.as_markdown(results), encoding="utf-8")
    typer.echo(tables.as_json(results) if as_json else tables.as_markdown(results))
