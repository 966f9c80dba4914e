"""``auricle neural``: end-to-end systems in place of filters."""

from pathlib import Path
from typing import Annotated

import typer

from auricle.plugin_core.commands.placement import (
    AsJson,
    Azimuth,
    BlockSize,
    Distance,
    Elevation,
    Gain,
    HeadTrack,
    Orbit,
    Output,
    Tracks,
    Verbose,
)  # fmt: skip
from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

app = typer.Typer(
    help="Render with a network, the listener inside it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_EXAMPLE = "Example: auricle neural render voice.wav -o out.wav --hrtf me.sofa --orbit 8"
_RATE = 48000


@app.command("render", epilog=_EXAMPLE)
@reads_a_set
def render(
    output: Output,
    tracks: Tracks = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="System that renders (docs/endtoend.md).")
    ] = "linn",
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="WEIGHTS", help="File of weights from auricle train; else those that ship."
        ),
    ] = None,
    scene: Annotated[
        Path | None, typer.Option(help="SCENE.json of objects, in place of tracks.")
    ] = None,
    hrtf: Annotated[
        Path | None,
        typer.Option(
            help="SOFA file of the listener, a few directions do; else the mean listener."
        ),
    ] = None,
    azimuth: Azimuth = None,
    elevation: Elevation = None,
    distance: Distance = None,
    orbit: Orbit = None,
    head_track: HeadTrack = None,
    gain: Gain = 0.0,
    block_size: BlockSize = 16384,
    as_json: AsJson = False,
    verbose: Verbose = False,
    *,
    reading: SetOptions,
) -> None:
    """Render tracks, or a scene of objects, at 48 kHz, with delays as the sound travels."""
    from auricle.dsp.errors import AuricleError
    from auricle.plugin_core.commands.console import (
        progress_bar,
        say,
        say_first_run,
        say_result,
    )  # fmt: skip
    from auricle.plugin_core.commands.render import open_scene
    from auricle.plugin_core.neural.systems import open_system
    from auricle.plugin_core.offline import render as render_files

    if (scene is None) == (not tracks):
        raise AuricleError("name audio files to render, or a scene of objects with --scene")
    opened = None
    if scene is not None:
        opened = open_scene(
            scene, {"hrtf": hrtf, "head_track": head_track} | reading.given, gain, _RATE
        )
        if azimuth or elevation or distance or orbit is not None:
            raise AuricleError("the scene says where its objects are; leave places out")
        hrtf, reading = opened.listener_file, opened.listener.reading
    listener = read_set(hrtf, reading, say)
    system = open_system(model, weights, listener, say)
    say_first_run()
    with progress_bar(output.name) as progress:
        if opened is not None:
            result = opened.render(
                output, block_size=block_size, objects=system.bus(_RATE), progress=progress, say=say
            )
        else:
            result = render_files(
                tracks or [], output, azimuth_deg=azimuth or 0.0, elevation_deg=elevation or 0.0,
                distance_m=distance or None, orbit_seconds=orbit, head_track=head_track,
                gain_db=gain, block_size=block_size, sample_rate=_RATE, objects=system.bus(_RATE),
                progress=progress, say=say,
            )  # fmt: skip
    say_result(result, as_json, gain, verbose)
