"""``auricle train`` for end-to-end systems: on scenes of many listeners."""

from collections.abc import Sequence
from pathlib import Path

import typer

from auricle.plugin_core.commands.console import say, share_bar


def train_on_scenes(
    name: str, data: Path, output: Path | None, minutes: float, seed: int, licence: str,
    sets: Sequence[str] | None,
) -> None:  # fmt: skip
    """Train a system and write its weights; refuses what cannot work before scenes are rendered."""
    from auricle.dsp.errors import AuricleError
    from auricle.personalization.learning.weights import checked_path

    if sets:
        raise AuricleError(f"{name} learns from all sets of DIR; leave --set out, or use --licence")
    if licence not in ("shippable", "all"):
        raise AuricleError(f'--licence is "shippable" or "all", got {licence!r}')
    path = checked_path(output or Path(f"{name}.safetensors"))
    try:
        from auricle.personalization.endtoend.training.train import train_system
    except ImportError as error:
        if error.name != "torch":
            raise
        raise AuricleError(f"{name} needs torch: pip install torch") from None
    from auricle.personalization.learning.training_loop import Plan

    plan = Plan(seconds=60.0 * minutes, seed=seed)
    with share_bar(name) as progress:
        made = train_system(
            name,
            data,
            path,
            plan,
            licence,  # type: ignore[arg-type]
            progress,
            say,
        )
    assert made.history is not None
    typer.echo(
        f"{path}: {name}, {made.n_parameters} parameters, {made.history.steps} steps in "
        f"{made.history.seconds:.0f} s; {made.history.score:.4f} on people, speakers and heads "
        f"held out, {path.stat().st_size} bytes"
    )
