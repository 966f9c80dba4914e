"""``auricle neural``: end-to-end systems in place of filters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auricle.plugin_core.scene.scene import Scene

app = typer.Typer(
    help="Render with a network, the listener inside it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_EXAMPLE = "Example: auricle neural render voice.wav -o out.wav --hrtf me.sofa --orbit 8"
_RATE = 48000


@app.command("render", epilog=_EXAMPLE)
def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="OUT.wav or OUT.flac.")],
    tracks: Annotated[
        list[Path] | None, typer.Argument(metavar="[TRACK...]", help="WAV, FLAC or OGG.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="See docs/endtoend.md.")] = "linn",
    weights: Annotated[
        Path | None, typer.Option(metavar="WEIGHTS", help="From auricle train; else what ships.")
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
    swap_ears: Annotated[
        bool, typer.Option("--swap-ears", help="Channel 0 of the listener's set is the right ear.")
    ] = False,
    mirror_azimuth: Annotated[
        bool, typer.Option("--mirror-azimuth", help="Azimuths of that set run clockwise.")
    ] = False,
    azimuth: Annotated[
        list[float] | None, typer.Option(help="Degrees, + left; once a track.")
    ] = None,
    elevation: Annotated[
        list[float] | None, typer.Option(help="Degrees, + up; once a track.")
    ] = None,
    distance: Annotated[
        list[float] | None, typer.Option(help="Metres; the level falls as 1/r; once a track.")
    ] = None,
    orbit: Annotated[
        float | None, typer.Option(help="Seconds of a turn around the head; negative: clockwise.")
    ] = None,
    head_track: Annotated[Path | None, typer.Option(help="POSES.csv of the head.")] = None,
    gain: Annotated[float, typer.Option(help="dB on the output.")] = 0.0,
    block_size: Annotated[int, typer.Option(help="Samples rendered at a time.")] = 16384,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for programs.")] = False,
) -> None:
    """Render tracks, or a scene of objects, at 48 kHz, with delays as the sound travels."""
    from auricle.dsp.errors import AuricleError
    from auricle.dsp.hrtf import HrtfSet
    from auricle.plugin_core.commands.render import progress_bar, say, say_first_run, say_result
    from auricle.plugin_core.neural.systems import open_system
    from auricle.plugin_core.offline import render as render_files

    if (scene is None) == (not tracks):
        raise AuricleError("name audio files to render, or a scene of objects with --scene")
    opened = None if scene is None else _opened(scene, head_track, gain)
    if opened is not None:
        if azimuth or elevation or distance or orbit is not None:
            raise AuricleError("the scene says where its objects are; leave places out")
        hrtf = hrtf or opened.listener_file
    listener = None
    if hrtf is not None:
        listener = HrtfSet.load(hrtf, swap_ears=swap_ears, mirror_azimuth=mirror_azimuth)
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
    say_result(result, as_json, gain)


def _opened(path: Path, head_track: Path | None, gain_db: float) -> "Scene":
    """A scene at the rate of the systems, with what was given beside it."""
    from dataclasses import replace

    from auricle.plugin_core.scene.scene import Scene

    scene = Scene.load(path)
    for note in scene.notes:
        typer.echo(f"auricle: {path}: {note}", err=True)
    scene.output = replace(scene.output, sample_rate=_RATE)
    scene.master = replace(scene.master, gain_db=scene.master.gain_db + gain_db)
    if head_track is not None:
        scene.listener = replace(scene.listener, head_track=str(head_track.absolute()))
    return scene
