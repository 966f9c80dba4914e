"""``auricle render``: tracks in, a binaural file out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auricle.plugin_core.commands.console import (
    progress_bar,
    say,
    say_first_run,
    say_result,
    working,
)  # fmt: skip
from auricle.plugin_core.commands.placement import (
    AsJson,
    Azimuth,
    BlockSize,
    Distance,
    Elevation,
    Encoding,
    Gain,
    HeadTrack,
    Limit,
    Loudness,
    Orbit,
    Output,
    Tracks,
    Verbose,
    number_or_name,
)  # fmt: skip
from auricle.plugin_core.commands.reading import read_set, reads_a_set
from auricle.plugin_core.listener.set_options import SetOptions

if TYPE_CHECKING:
    from auricle.dsp.hrtf.hrtf_set import HrtfSet
    from auricle.plugin_core.scene.scene import Scene

EXAMPLE = "Example: auricle render vocals.ogg guitar.wav -o mix.wav --azimuth 30 --azimuth -40"


@reads_a_set
def render(
    output: Output,
    tracks: Tracks = None,
    scene: Annotated[
        Path | None, typer.Option(help="SCENE.json, or MASTER.wav with ADM, in place of tracks.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder of the files of the scene; else the one that it names."),
    ] = None,
    programme: Annotated[
        str | None,
        typer.Option(
            help="Programme of an ADM master, by ID or name; else the one with the lowest ID."
        ),
    ] = None,
    hrtf: Annotated[Path | None, typer.Option(help="SOFA file of the listener.")] = None,
    densify: Annotated[
        bool, typer.Option("--densify", help="Fill the gaps between the listener's directions.")
    ] = False,
    azimuth: Azimuth = None,
    elevation: Elevation = None,
    distance: Distance = None,
    orbit: Orbit = None,
    head_track: HeadTrack = None,
    osc_recording: Annotated[
        Path | None, typer.Option(help="Recorded OSC session, which moves the tracks and the head.")
    ] = None,
    tracker: Annotated[
        str | None, typer.Option(help="Preset of the head tracker in the recording.")
    ] = None,
    rank: Annotated[
        str | None, typer.Option(help="Filters an ear: auto (the default), full or a number.")
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="Level of the set: matched (the default) or measured.")
    ] = None,
    gain: Gain = 0.0,
    loudness: Loudness = None,
    limit: Limit = None,
    encoding: Encoding = None,
    block_size: BlockSize = 16384,
    sample_rate: Annotated[
        int | None,
        typer.Option(help="Sample rate of the output in Hz; else that of the first track."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads for the tracks of a scene; else one for each processor."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of a scene's ways and loudness: P.png, .pdf, .svg.")
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
    *,
    reading: SetOptions,
) -> None:
    """Render tracks, or a scene, binaurally for one listener."""
    _check_kind(
        scene,
        {"TRACK": tracks, "--azimuth": azimuth, "--elevation": elevation, "--distance": distance,
         "--orbit": orbit, "--densify": densify or None, "--osc-recording": osc_recording,
         "--tracker": tracker},
        {"--folder": folder, "--programme": programme, "--plot": plot, "--workers": workers},
    )  # fmt: skip
    buses = number_or_name(rank)
    say_first_run()
    if scene is not None:
        _render_scene(
            scene, output, folder, programme, hrtf, reading, head_track, buses, level,
            gain, block_size, sample_rate, workers, plot, as_json, verbose,
            {"loudness": loudness, "limit": limit, "encoding": encoding},
        )  # fmt: skip
        return
    from auricle.plugin_core.offline import render as render_files

    listener = _densified(hrtf, reading) if densify else read_set(hrtf, reading, say)
    with progress_bar(output.name) as progress:
        result = render_files(
            tracks or [], output, hrtf=listener, azimuth_deg=azimuth or 0.0,
            elevation_deg=elevation or 0.0, distance_m=distance or None, orbit_seconds=orbit,
            head_track=head_track, osc_recording=osc_recording, tracker=tracker,
            rank="auto" if buses is None else buses,
            level=level or "matched", gain_db=gain, loudness_lufs=loudness, ceiling_db=limit,
            encoding=encoding, block_size=block_size, sample_rate=sample_rate, progress=progress,
            say=say,
        )  # fmt: skip
    say_result(result, as_json, gain, verbose)


def _densified(hrtf: Path | None, reading: SetOptions) -> "HrtfSet":
    """The set of a file with its gaps filled."""
    from auricle.dsp.errors import AuricleError
    from auricle.personalization.listeners.shipped import shipped_training
    from auricle.personalization.sparse.completion.densify import dense_method, densified
    from auricle.personalization.sparse.completion.expected_errors import sentence_between

    if hrtf is None:
        raise AuricleError("--densify fills the gaps of a measured set; name it with --hrtf")
    known = reading.load(hrtf, say)
    upsampler = dense_method(known.n_directions, shipped_training())
    with working("filling the gaps of the set"):
        done = densified(known, upsampler)
    for finding in done.findings:
        say(finding)
    say(
        f"{done.n_predicted} directions predicted between {done.n_measured} measured ones "
        f"by {done.by or upsampler.name}"
    )
    if done.taken:
        say(done.taken)
    if not done.by:
        say(sentence_between(upsampler.name, known.n_directions))
    return done.hrtf


def _check_kind(scene: Path | None, of_tracks: dict[str, Any], of_scenes: dict[str, Any]) -> None:
    """Refuse what belongs to the other kind of rendering."""
    from auricle.dsp.errors import AuricleError

    if scene is None and not of_tracks["TRACK"]:
        raise AuricleError("there is no track to render; name audio files, or give --scene")
    for name, value in (of_tracks if scene is not None else of_scenes).items():
        if value is not None and value != []:
            reason = "the scene says that" if scene is not None else "that is for --scene"
            raise AuricleError(f"{name}: {reason}; leave it out")


def _render_scene(
    path: Path, output: Path, folder: Path | None, programme: str | None, hrtf: Path | None,
    reading: SetOptions, head_track: Path | None, rank: str | int | None, level: str | None,
    gain_db: float, block_size: int, sample_rate: int | None, workers: int | None,
    plot: Path | None, as_json: bool, verbose: bool, finish: dict[str, Any],
) -> None:  # fmt: skip
    """Render a scene; what is given beside it takes the place of what it says."""
    listener = {"hrtf": hrtf, "head_track": head_track, "rank": rank, "level": level}
    listener |= reading.given
    scene = open_scene(path, listener, gain_db, sample_rate, folder, programme, **finish)
    with progress_bar(output.name) as progress:
        result = scene.render(
            output, block_size=block_size, n_workers=workers, plot=plot, progress=progress, say=say
        )
    say_result(result, as_json, gain_db, verbose)


def open_scene(
    path: Path, listener: dict[str, Any], gain_db: float, sample_rate: int | None = None,
    folder: Path | None = None, programme: str | None = None, *, loudness: float | None = None,
    limit: float | None = None, encoding: str | None = None,
) -> "Scene":  # fmt: skip
    """A scene with what was given beside it: fields of its listener, of master and output."""
    from dataclasses import replace

    from auricle.plugin_core.offline import mastering
    from auricle.plugin_core.scene.format.model import Limiter, Loudness
    from auricle.plugin_core.scene.scene import Scene

    mastering(gain_db, loudness, limit, encoding)  # refuses what no scene can have either

    scene = Scene.load(path, folder=folder, programme=programme)
    for note in scene.notes:
        say(f"{path}: {note}")
    given: dict[str, Any] = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in listener.items()
        if value is not None
    }
    scene.listener = replace(scene.listener, **given)
    scene.master = replace(scene.master, gain_db=scene.master.gain_db + gain_db)
    if loudness is not None:  # which says how loud; a gain of the scene does not count then
        scene.master = replace(scene.master, gain_db=0.0, loudness=Loudness(loudness))
    if limit is not None:
        release = (scene.master.limiter or Limiter()).release_seconds
        scene.master = replace(scene.master, limiter=Limiter(limit, release))
    if encoding is not None:
        scene.output = replace(scene.output, encoding=encoding)
    if sample_rate is not None:
        scene.output = replace(scene.output, sample_rate=sample_rate)
    return scene
