"""``auricle demo``: a moving scene made and rendered without any file of the user's."""

from pathlib import Path
from typing import Annotated

import typer

from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.commands.render import progress_bar, say, say_first_run, say_result
from auricle.plugin_core.set_options import SetOptions

EXAMPLE = "Example: auricle demo -o demo"


@reads_a_set
def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")] = Path(
        "."
    ),
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file of the listener.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for programs.")] = False,
    *,
    reading: SetOptions,
) -> None:
    """Render a moving scene to demo.wav, with a picture: wear headphones."""
    from auricle.plugin_core.demo_picture import save_demo_picture
    from auricle.plugin_core.demo_scene import SAMPLE_RATE, scene
    from auricle.plugin_core.offline import render_sources

    listener = read_set(hrtf, reading, say)
    say_first_run()
    folder.mkdir(parents=True, exist_ok=True)
    sources, paths = scene()
    with progress_bar("demo.wav") as progress:
        result = render_sources(
            sources, [[path] for path in paths], folder / "demo.wav", hrtf=listener,
            sample_rate=SAMPLE_RATE, gain_db=-9.0, progress=progress, distance_gain=True, say=say,
        )  # fmt: skip
    say_result(result, as_json)

    try:
        save_demo_picture(sources, paths, folder / "demo.wav", folder / "demo.png")
    except ImportError:
        say('no picture without matplotlib; pip install "auricle[plots]"')
