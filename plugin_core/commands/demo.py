"""``auricle demo``: a moving scene made and rendered without any file of the user's."""

from pathlib import Path
from typing import Annotated

import typer

from auricle.plugin_core.commands.console import progress_bar, say, say_first_run, say_result
from auricle.plugin_core.commands.placing import AsJson, Verbose
from auricle.plugin_core.commands.reading import reads_a_set
from auricle.plugin_core.commands.render import open_scene
from auricle.plugin_core.set_options import SetOptions

EXAMPLE = "Example: auricle demo -o demo"


@reads_a_set
def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")] = Path(
        "demo"
    ),
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file of the listener.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
    *,
    reading: SetOptions,
) -> None:
    """Render a moving scene to demo.wav, and leave its stems, scene and listener beside it."""
    from auricle.plugin_core.demo_folder import write_demo
    from auricle.plugin_core.demo_picture import save_demo_picture
    from auricle.plugin_core.demo_scene import parts

    say_first_run()
    folder.mkdir(parents=True, exist_ok=True)
    sounds = parts()
    scene = open_scene(write_demo(folder, sounds), {"hrtf": hrtf, **reading.given}, 0.0)
    with progress_bar("demo.wav") as progress:
        result = scene.render(folder / "demo.wav", progress=progress, say=say)
    say_result(result, as_json, verbose=verbose)

    try:
        save_demo_picture(sounds, folder / "demo.wav", folder / "demo.png")
    except ImportError:
        say("no picture without matplotlib: pip install matplotlib")
